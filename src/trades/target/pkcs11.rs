//! Keys for a token behind PKCS#11: wrapped by AES-KWP under an AES wrapping key
//! that the token has, with the attributes that each key is to have there.

use std::fmt::Write as _;

use conclave_crypto::keyblock::kwp;
use conclave_crypto::primitive::kcv::{Kcv, Method};
use conclave_crypto::primitive::modes::Algorithm;
use conclave_crypto::secret::{RandomSource, Secret};
use conclave_evidence::manifest::Encoding;
use conclave_evidence::show::utc;
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{KeyRecord, WrappingMethod};
use conclave_keyroom::domain::target_system::Settings;

use super::{
    Companion, Conformance, Payload, Sheet, Target, TargetError, are_what_they_are_called, cipher,
    fits, has_check_value, strong_enough,
};
use crate::media::check_name;

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
        key_type(key.form).ok_or_else(|| {
            rule(
                format!("{} is no symmetric key", key.label),
                "hand RSA keys over in a key store",
            )
        })?;
        operations(key, settings)?;
        strong_enough(key, under, "export it under a stronger wrapping key")?;
        check_name(&file_name(key)).map_err(|_| {
            rule(
                format!("the label {} makes no plain file name", key.label),
                "give the key a label that is no device name and begins with a letter or digit",
            )
        })
    }

    fn export(
        &self,
        key: &KeyRecord,
        clear: &Secret,
        under: &KeyRecord,
        wrapping: &Secret,
        settings: &Settings,
        _: &mut dyn RandomSource,
    ) -> Result<Vec<Payload>, TargetError> {
        are_what_they_are_called(&[(key, clear), (under, wrapping)])?;
        let wrong = |e: &dyn std::fmt::Display| TargetError::Wrap(format!("{}: {e}", key.label));
        let wrapped = kwp::wrap(wrapping, clear).map_err(|e| wrong(&e))?;
        let back = kwp::unwrap(wrapping, &wrapped).ok();
        let same =
            |back: &Secret| back.ct_eq(clear.expose()) && has_check_value(key.form, back, &key.kcv);
        if !back.as_ref().is_some_and(same) {
            return Err(TargetError::SelfCheck(key.label.clone()));
        }
        // CKA_CHECK_VALUE is by encrypted zeros for AES too (PKCS#11 clause 4.8.2).
        let zeros = match cipher(key.form) {
            Algorithm::Tdes => Method::TdesZero,
            Algorithm::Aes => Method::AesZero,
        };
        let zeros = Kcv::compute(zeros, clear.expose()).map_err(|e| wrong(&e))?;
        let check: String = zeros.hex().chars().take(6).collect();
        let template = template(key, under, settings, &check)?;
        Ok(vec![
            Payload {
                name: file_name(key),
                bytes: wrapped,
                format: "AES-KWP (RFC 5649)".into(),
                encoding: Encoding::Binary,
                lrecl: None,
                conformance: Conformance::Proven,
            },
            Payload {
                name: template_name(key),
                bytes: template.into_bytes(),
                format: "PKCS#11 attribute template, JSON".into(),
                encoding: Encoding::AsciiText,
                lrecl: None,
                conformance: Conformance::Proven,
            },
        ])
    }

    fn companions(&self, sheet: &Sheet<'_>) -> Result<Vec<Companion>, TargetError> {
        let file = |name: &str, text: String, format: &str| Companion {
            file: Payload {
                name: name.into(),
                bytes: text.into_bytes(),
                format: format.into(),
                encoding: Encoding::AsciiText,
                lrecl: None,
                conformance: Conformance::Proven,
            },
            with_keys: false,
        };
        let table = table(sheet)?;
        Ok(vec![
            file(SCRIPT, script(sheet), "shell script for pkcs11-tool"),
            file(TABLE, table, "PKCS#11 attributes, CSV"),
        ])
    }

    fn run_sheet(&self, sheet: &Sheet<'_>) -> String {
        let mut out = String::new();
        // Writing to a String does not fail.
        let _ = write_sheet(self, sheet, &mut out);
        out
    }
}

fn rule(rule: impl Into<String>, advice: &str) -> TargetError {
    TargetError::Rule {
        rule: rule.into(),
        advice: advice.into(),
    }
}

fn file_name(key: &KeyRecord) -> String {
    format!("{}.kwp", key.label)
}

fn template_name(key: &KeyRecord) -> String {
    format!("{}.json", key.label)
}

/// CKA_KEY_TYPE by name.
fn key_type(form: KeyForm) -> Option<&'static str> {
    match form {
        KeyForm::Tdes2 => Some("CKK_DES2"),
        KeyForm::Tdes3 => Some("CKK_DES3"),
        KeyForm::Aes128 | KeyForm::Aes192 | KeyForm::Aes256 => Some("CKK_AES"),
        KeyForm::Rsa => None,
    }
}

/// CKA_ID: the record's id, 16 bytes in lower-case hexadecimal, as tools take it.
fn object_id(key: &KeyRecord) -> String {
    key.id.to_string().to_ascii_lowercase()
}

/// What the key may do on the token, from the profile's table.
fn operations<'s>(key: &KeyRecord, settings: &'s Settings) -> Result<Vec<&'s str>, TargetError> {
    let entry = settings.profile.entry("operations", &key.mode_of_use);
    let entry = entry.ok_or_else(|| {
        rule(
            format!(
                "the profile {} has no operations for mode of use {}",
                settings.profile.stamp(),
                key.mode_of_use
            ),
            "complete its table `operations`",
        )
    })?;
    let names: Vec<&str> = entry
        .split_ascii_whitespace()
        .map(|one| match (key.is_wrapping_key(), one) {
            (true, "ENCRYPT") => "WRAP",
            (true, "DECRYPT") => "UNWRAP",
            (_, other) => other,
        })
        // Mode N limits nothing: its usage does.
        .filter(|one| key.mode_of_use != "N" || fits::may(key, one))
        .collect();
    fits::operations(key, &settings.profile.stamp(), &names)?;
    Ok(names)
}

/// The date of a wall clock, `YYYYMMDD` as CK_DATE has it.
fn date(wall_ms: u64) -> String {
    utc(wall_ms)
        .chars()
        .filter(char::is_ascii_digit)
        .take(8)
        .collect()
}

/// The attributes, in the order of the standard; values as JSON.
fn attributes(key: &KeyRecord, settings: &Settings) -> Result<Vec<(String, String)>, TargetError> {
    let may = operations(key, settings)?;
    let extractable = settings.value("extractable") == Some("yes");
    let text = |value: &str| format!("\"{value}\"");
    let mut list: Vec<(String, String)> = [
        ("CKA_CLASS", text("CKO_SECRET_KEY")),
        ("CKA_KEY_TYPE", text(key_type(key.form).unwrap_or_default())),
        ("CKA_LABEL", text(&key.label)),
        ("CKA_ID", text(&object_id(key))),
        ("CKA_TOKEN", "true".into()),
        ("CKA_PRIVATE", "true".into()),
        ("CKA_SENSITIVE", "true".into()),
        ("CKA_EXTRACTABLE", extractable.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    for one in [
        "ENCRYPT", "DECRYPT", "WRAP", "UNWRAP", "SIGN", "VERIFY", "DERIVE",
    ] {
        list.push((format!("CKA_{one}"), may.contains(&one).to_string()));
    }
    list.push(("CKA_START_DATE".into(), text(&date(key.created_ms))));
    list.push(("CKA_END_DATE".into(), text(&date(key.expires_ms))));
    Ok(list)
}

/// One key's template. Labels and ids hold nothing that JSON escapes.
fn template(
    key: &KeyRecord,
    under: &KeyRecord,
    settings: &Settings,
    check: &str,
) -> Result<String, TargetError> {
    let mechanism = settings.value("mechanism").unwrap_or_default();
    let list: Vec<String> = attributes(key, settings)?
        .iter()
        .map(|(name, value)| format!("    \"{name}\": {value}"))
        .collect();
    Ok(format!(
        "{{\n  \"file\": \"{}\",\n  \"mechanism\": \"CKM_{mechanism}\",\n  \
         \"unwrapping_key\": {{\"label\": \"{}\", \"CKA_ID\": \"{}\", \"check_value\": \"{}\"}},\n  \
         \"check_value\": \"{}\",\n  \"CKA_CHECK_VALUE\": \"{check}\",\n  \
         \"template\": {{\n{}\n  }}\n}}\n",
        file_name(key),
        under.label,
        settings.value("kek-id").unwrap_or_default(),
        under.kcv.words(),
        key.kcv.words(),
        list.join(",\n")
    ))
}

fn table(sheet: &Sheet<'_>) -> Result<String, TargetError> {
    let mut out = String::new();
    for row in &sheet.rows {
        let list = attributes(row.key, sheet.settings)?;
        if out.is_empty() {
            let names: Vec<&str> = list.iter().map(|(name, _)| name.as_str()).collect();
            out = format!("FILE,{},CHECK VALUE\n", names.join(","));
        }
        let values: Vec<&str> = list.iter().map(|(_, v)| v.trim_matches('"')).collect();
        // Writing to a String does not fail.
        let _ = writeln!(
            out,
            "{},{},{}",
            file_name(row.key),
            values.join(","),
            row.key.kcv.words()
        );
    }
    Ok(out)
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
    writeln!(out, "1. Check the bundle: conclave-verify {}", sheet.folder)?;
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
