//! Keys for a token behind PKCS#11: wrapped by AES-KWP under an AES wrapping key
//! that the token has, with the attributes that each key is to have there.

use std::fmt::Write as _;

use conclave_crypto::keyblock::kwp;
use conclave_crypto::secret::{RandomSource, Secret};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{KeyRecord, WrappingMethod};
use conclave_keyroom::domain::target_system::Settings;

use super::pkcs11_template::{
    CHECK_TEXT, attribute_lines, check_line, key_files, key_type, object_id, operations, table,
    template_name, with_all,
};
use super::sheet_text::{check_bundle, plain_file, rule};
use super::{
    Companion, Conformance, Order, Payload, Sheet, Target, TargetError, are_what_they_are_called,
    has_check_value, no_hmac, strong_enough,
};

/// A token behind PKCS#11.
pub struct Pkcs11;

/// The script that loads AES keys.
const SCRIPT: &str = "load-keys.sh";
/// All keys in one table.
const TABLE: &str = "attributes.csv";

impl Target for Pkcs11 {
    fn name(&self) -> &'static str {
        "pkcs11"
    }

    fn title(&self) -> &'static str {
        "PKCS#11 token, keys wrapped by AES-KWP (RFC 5649)"
    }

    fn conformance(&self) -> Conformance {
        Conformance::Proven
    }

    fn methods(&self) -> &'static [WrappingMethod] {
        &[WrappingMethod::AesKwp]
    }

    fn check(
        &self,
        key: &KeyRecord,
        under: &KeyRecord,
        settings: &Settings,
    ) -> Result<(), TargetError> {
        if key.form != KeyForm::HmacSha256 {
            no_hmac(key, "a file for this token")?;
        }
        key_type(key.form).ok_or_else(|| {
            rule(
                format!("{} is no symmetric key", key.label),
                "hand RSA keys over in a key store",
            )
        })?;
        operations(key, settings)?;
        strong_enough(key, under, "export it under a stronger wrapping key")?;
        plain_file(&key.label, &file_name(key))
    }

    fn export(
        &self,
        key: &KeyRecord,
        clear: &Secret,
        under: &KeyRecord,
        wrapping: &Secret,
        order: Order<'_>,
        _: &mut dyn RandomSource,
    ) -> Result<Vec<Payload>, TargetError> {
        let settings = order.settings;
        are_what_they_are_called(&[(key, clear), (under, wrapping)])?;
        let wrong = |e: &dyn std::fmt::Display| TargetError::Wrap(format!("{}: {e}", key.label));
        let wrapped = kwp::wrap(wrapping, clear).map_err(|e| wrong(&e))?;
        let back = kwp::unwrap(wrapping, &wrapped).ok();
        let same =
            |back: &Secret| back.ct_eq(clear.expose()) && has_check_value(key.form, back, &key.kcv);
        if !back.as_ref().is_some_and(same) {
            return Err(TargetError::SelfCheck(key.label.clone()));
        }
        let check = check_line(key, clear)?;
        let template = template(key, under, settings, &check)?;
        Ok(key_files(
            key,
            (file_name(key), wrapped),
            "AES-KWP (RFC 5649)".into(),
            template,
        ))
    }

    fn companions(&self, sheet: &Sheet<'_>) -> Result<Vec<Companion>, TargetError> {
        let table = table(sheet, file_name)?;
        Ok(vec![
            with_all(SCRIPT, script(sheet), "shell script for pkcs11-tool"),
            with_all(TABLE, table, "PKCS#11 attributes, CSV"),
        ])
    }

    fn run_sheet(&self, sheet: &Sheet<'_>) -> String {
        let mut out = String::new();
        // Writing to a String does not fail.
        let _ = write_sheet(self, sheet, &mut out);
        out
    }
}

fn file_name(key: &KeyRecord) -> String {
    format!("{}.kwp", key.label)
}

/// One key's template. Labels and ids hold nothing that JSON escapes.
fn template(
    key: &KeyRecord,
    under: &KeyRecord,
    settings: &Settings,
    check: &str,
) -> Result<String, TargetError> {
    let mechanism = settings.value("mechanism").unwrap_or_default();
    Ok(format!(
        "{{\n  \"file\": \"{}\",\n  \"mechanism\": \"CKM_{mechanism}\",\n  \
         \"unwrapping_key\": {{\"label\": \"{}\", \"CKA_ID\": \"{}\", \"check_value\": \"{}\"}},\n  \
         \"check_value\": \"{}\",\n  {check},\n  \
         \"template\": {{\n{}\n  }}\n}}\n",
        file_name(key),
        under.label,
        settings.value("kek-id").unwrap_or_default(),
        under.kcv.words(),
        key.kcv.words(),
        attribute_lines(key, settings)?
    ))
}

/// A value as one word of a shell. What stands in it was checked against the
/// profile, or is a label; a quote in it ends the quoting and is quoted itself.
fn word(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// CKM_AES_KEY_WRAP_PAD and CKM_AES_KEY_WRAP_KWP by number: pkcs11-tool has no
/// names for them.
fn mechanism(settings: &Settings) -> &'static str {
    match settings.value("mechanism") {
        Some("AES_KEY_WRAP_KWP") => "0x210B",
        _ => "0x210A",
    }
}

/// A POSIX shell script that loads the AES keys; pkcs11-tool unwraps no others.
fn script(sheet: &Sheet<'_>) -> String {
    let value = |name| word(sheet.settings.value(name).unwrap_or_default());
    let flag = match sheet.settings.value("extractable") {
        Some("yes") => " --extractable",
        _ => "",
    };
    let mut out = format!(
        "#!/bin/sh\n\
         # {} {}: loads AES keys into a PKCS#11 token with pkcs11-tool (OpenSC).\n\
         # Run it in the bundle's folder. The PIN is asked for, or taken from PIN.\n\
         # Wrapping key: {}, {}, check value {}\n\
         set -eu\n\
         MODULE=${{MODULE:-{}}}\n\
         TOKEN={}\n\
         KEK={}\n\
         load() {{\n    \
             pkcs11-tool --module \"$MODULE\" --token-label \"$TOKEN\" --login ${{PIN:+--pin \"$PIN\"}} \\\n        \
             --unwrap --mechanism {} --id \"$KEK\" --input-file \"$1\" --key-type AES: \\\n        \
             --application-label \"$2\" --application-id \"$3\" --private --sensitive{flag}\n\
         }}\n",
        sheet.folder,
        sheet.mode,
        sheet.under.label,
        sheet.under.form,
        sheet.under.kcv.words(),
        value("module"),
        value("token"),
        value("kek-id"),
        mechanism(sheet.settings),
    );
    for row in &sheet.rows {
        let key = row.key;
        // Writing to a String does not fail.
        let _ = if key_type(key.form) == Some("CKK_AES") {
            writeln!(
                out,
                "load {} {} {}",
                word(&file_name(key)),
                word(&key.label),
                object_id(key)
            )
        } else {
            writeln!(
                out,
                "echo {} >&2",
                word(&format!(
                    "{}: pkcs11-tool unwraps AES keys alone; use {} with C_UnwrapKey",
                    key.label,
                    template_name(key)
                ))
            )
        };
    }
    out
}

fn write_sheet(target: &Pkcs11, sheet: &Sheet<'_>, out: &mut String) -> std::fmt::Result {
    let (under, settings) = (sheet.under, sheet.settings);
    let value = |name| settings.value(name).unwrap_or_default();
    writeln!(out, "RUN SHEET  {}  {}", sheet.folder, sheet.mode)?;
    writeln!(out, "for {}", sheet.recipient)?;
    writeln!(out, "{}", target.title())?;
    writeln!(out, "conformance: {}", target.conformance().words())?;
    writeln!(out)?;
    writeln!(
        out,
        "NO KEY BLOCK: nothing in a wrapped file says what a key is for. The"
    )?;
    writeln!(
        out,
        "template beside it does; the token keeps it from then on."
    )?;
    writeln!(out)?;
    write!(out, "{}", check_bundle(sheet.folder))?;
    writeln!(
        out,
        "2. Have this wrapping key on the token, with CKA_UNWRAP:"
    )?;
    writeln!(out, "   {}  {}", under.label, under.form)?;
    writeln!(out, "   KCV {}", under.kcv.words())?;
    writeln!(
        out,
        "   token {}  CKA_ID {}",
        value("token"),
        value("kek-id")
    )?;
    writeln!(
        out,
        "3. AES keys: run  sh {SCRIPT}  in the bundle's folder."
    )?;
    writeln!(
        out,
        "   It says \"Key unwrapped\" for each. The library is\n   {}",
        value("module")
    )?;
    writeln!(
        out,
        "4. Other keys, and tokens that want every attribute: C_UnwrapKey with"
    )?;
    writeln!(
        out,
        "   CKM_{} and the template of the key.",
        value("mechanism")
    )?;
    for row in &sheet.rows {
        let key = row.key;
        writeln!(out)?;
        writeln!(out, "   {}  {}", file_name(key), template_name(key))?;
        writeln!(out, "   {}  {}  usage {}", key.label, key.form, key.usage)?;
        writeln!(out, "   CKA_ID {}", object_id(key))?;
        writeln!(out, "   KCV {}", key.kcv.words())?;
    }
    writeln!(out)?;
    writeln!(
        out,
        "5. Compare the check values. CKA_CHECK_VALUE, which some tokens show, is"
    )?;
    writeln!(out, "   by encrypted zeros and stands in the template.")?;
    if sheet.rows.iter().any(|row| row.key.form.is_hmac()) {
        writeln!(
            out,
            "   With an HMAC key nothing encrypts: sign, or verify, the text"
        )?;
        writeln!(out, "   {CHECK_TEXT}")?;
        writeln!(
            out,
            "   in ASCII with CKM_SHA256_HMAC: its MAC stands in the template."
        )?;
    }
    writeln!(
        out,
        "6. Send the receipt back, with the check values that you see."
    )?;
    writeln!(out)?;
    for line in settings.profile.lines("errors") {
        writeln!(out, "{line}")?;
    }
    Ok(())
}
