//! nCipher nShield: keys wrapped by AES-KWP (SP 800-38F, RFC 5649) as input of
//! `C_UnwrapKey`, under an AES key that the Security World has; beside each, its
//! attributes and what the module shows of it.
//!
//! The world's own key files are encrypted under the world and cannot be made
//! outside it, so nothing here writes them. `generatekey` imports what lies clear
//! beside the module: it is told of only where the record of the world allows that.

use std::fmt::Write as _;

use conclave_crypto::keyblock::kwp;
use conclave_crypto::secret::{RandomSource, Secret};
use conclave_evidence::manifest::Encoding;
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{KeyRecord, WrappingMethod};
use conclave_keyroom::domain::target_system::Settings;

use super::pkcs11_template::check_line;
use super::sheet_text::{errors, filled, foot, head, plain_file, push_wrapped, rule, wrapping_key};
use super::{
    Conformance, Order, Payload, Sheet, Target, TargetError, are_what_they_are_called, fits,
    has_check_value, strong_enough,
};

/// A Security World.
pub struct NShield;

fn file_name(key: &KeyRecord) -> String {
    format!("{}.kwp", key.label)
}

/// The file with a key's attributes.
fn template_name(key: &KeyRecord) -> String {
    format!("{}.json", key.label)
}

/// What the profile's texts call a kind of key, and `CKA_KEY_TYPE`.
fn kind(key: &KeyRecord) -> Result<(&'static str, &'static str), TargetError> {
    match key.form {
        KeyForm::Tdes2 => Ok(("des", "CKK_DES2")),
        KeyForm::Tdes3 => Ok(("des", "CKK_DES3")),
        KeyForm::Aes128 | KeyForm::Aes192 | KeyForm::Aes256 => Ok(("aes", "CKK_AES")),
        // The vendor's library signs by HMAC with keys of these types alone, not with a
        // CKK_GENERIC_SECRET.
        KeyForm::HmacSha256 => Ok(("hmac", "CKK_SHA256_HMAC")),
        KeyForm::HmacSha384 => Ok(("hmac", "CKK_SHA384_HMAC")),
        KeyForm::HmacSha512 => Ok(("hmac", "CKK_SHA512_HMAC")),
        KeyForm::Rsa => Err(rule(
            format!("{} is no symmetric key", key.label),
            "have the world make the pair, or hand this one over in a key store",
        )),
    }
}

/// The wrapping key is no weaker than the key (R6).
fn strength(key: &KeyRecord, under: &KeyRecord) -> Result<(), TargetError> {
    strong_enough(key, under, "export it under a stronger wrapping key")
}

/// Attributes and check of a key, JSON. Labels hold nothing that JSON escapes.
fn template(
    key: &KeyRecord,
    clear: &Secret,
    under: &KeyRecord,
    settings: &Settings,
) -> Result<Vec<u8>, TargetError> {
    let (_, kind) = kind(key)?;
    let mut list = vec![
        "\"CKA_CLASS\": \"CKO_SECRET_KEY\"".to_owned(),
        format!("\"CKA_KEY_TYPE\": \"{kind}\""),
        format!("\"CKA_LABEL\": \"{}\"", key.label),
        "\"CKA_TOKEN\": true".into(),
        "\"CKA_PRIVATE\": true".into(),
        "\"CKA_SENSITIVE\": true".into(),
        "\"CKA_EXTRACTABLE\": false".into(),
    ];
    let may = attributes(settings, key)?.split(',').map(str::trim);
    list.extend(may.map(|name| format!("\"{name}\": true")));
    let text = format!(
        "{{\n  \"file\": \"{}\",\n  \"mechanism\": \"CKM_AES_KEY_WRAP_PAD\",\n  \
         \"unwrapping_key\": {{\"label\": \"{}\", \"check_value\": \"{}\"}},\n  \
         \"check_value\": \"{}\",\n  {},\n  \"template\": {{\n    {}\n  }}\n}}\n",
        file_name(key),
        under.label,
        under.kcv.words(),
        key.kcv.words(),
        check_line(key, clear)?,
        list.join(",\n    ")
    );
    Ok(text.into_bytes())
}

/// What the key may do there, by usage and, where that is not enough, by mode.
fn attributes<'s>(settings: &'s Settings, key: &KeyRecord) -> Result<&'s str, TargetError> {
    let of_mode = format!("{}-{}", key.usage, key.mode_of_use);
    let profile = &settings.profile;
    let text = profile
        .entry("attributes", &of_mode)
        .or_else(|| profile.entry("attributes", &key.usage))
        .ok_or_else(|| {
            rule(
                format!(
                    "the profile {} has no attributes for usage {} of {}",
                    profile.stamp(),
                    key.usage,
                    key.label
                ),
                "add the usage to the profile's table, record the system with it again, and let \
                 it be approved",
            )
        })?;
    let names: Vec<&str> = text
        .split(',')
        .map(str::trim)
        .map(|name| name.strip_prefix("CKA_").unwrap_or(name))
        .collect();
    fits::operations(key, &profile.stamp(), &names)?;
    Ok(text)
}

impl Target for NShield {
    fn name(&self) -> &'static str {
        "nshield"
    }

    fn title(&self) -> &'static str {
        "nCipher nShield: C_UnwrapKey (AES-KWP)"
    }

    fn conformance(&self) -> Conformance {
        Conformance::Documented
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
        kind(key)?;
        attributes(settings, key)?;
        strength(key, under)?;
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
        are_what_they_are_called(&[(key, clear), (under, wrapping)])?;
        strength(key, under)?;
        let wrapped = kwp::wrap(wrapping, clear)
            .map_err(|e| TargetError::Wrap(format!("{}: {e}", key.label)))?;
        let differs = || TargetError::SelfCheck(key.label.clone());
        let back = kwp::unwrap(wrapping, &wrapped).map_err(|_| differs())?;
        if !has_check_value(key.form, &back, &key.kcv) {
            return Err(differs());
        }
        Ok(vec![
            Payload {
                name: file_name(key),
                bytes: wrapped,
                format: "AES-KWP, input of C_UnwrapKey".into(),
                encoding: Encoding::Binary,
                lrecl: None,
                conformance: Conformance::Proven,
            },
            Payload {
                name: template_name(key),
                bytes: template(key, clear, under, order.settings)?,
                format: "PKCS#11 attribute template, JSON".into(),
                encoding: Encoding::AsciiText,
                lrecl: None,
                conformance: Conformance::Documented,
            },
        ])
    }

    fn run_sheet(&self, sheet: &Sheet<'_>) -> String {
        let settings = sheet.settings;
        let mut out = head(self, sheet);
        out.push_str(&wrapping_key(sheet, "wrapping"));
        out.push_str("3. Unwrap each .kwp file with C_UnwrapKey, in one session.\n");
        for line in settings.profile.lines("unwrap") {
            push_wrapped(&mut out, "   ", line);
        }
        let protect = settings.value("protect").unwrap_or("token");
        for row in &sheet.rows {
            let key = row.key;
            // Writing to a String does not fail.
            let _ = write!(
                out,
                "\n   {}  {}  usage {}  mode {}\n   KCV {}\n",
                key.label,
                key.form,
                key.usage,
                key.mode_of_use,
                key.kcv.words()
            );
            for payload in row.payloads {
                let _ = write!(
                    out,
                    "   {}  {}, {} bytes\n   {}\n",
                    payload.name,
                    payload.format,
                    payload.bytes.len(),
                    payload.conformance.words(),
                );
            }
            let (kind, of_type) = kind(key).unwrap_or(("", "?"));
            let may = attributes(settings, key).unwrap_or("?");
            let values = [
                ("type", of_type),
                ("label", key.label.as_str()),
                ("may", may),
                ("protect", protect),
            ];
            let texts = ["template".to_owned(), format!("template-{kind}")];
            for line in texts.iter().flat_map(|name| settings.profile.lines(name)) {
                push_wrapped(&mut out, "   ", &filled(line, &values));
            }
        }
        out.push('\n');
        let clear = settings.value("clear-import") == Some("allowed");
        let pairs = if clear { "clear" } else { "pairs" };
        for line in settings.profile.lines(pairs) {
            push_wrapped(&mut out, "   ", &filled(line, &[("protect", protect)]));
        }
        out.push_str(&errors(settings, "Where the call fails:"));
        out.push_str(&foot(4));
        out
    }
}
