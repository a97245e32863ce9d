//! nCipher nShield: keys wrapped by AES-KWP (SP 800-38F, RFC 5649) as input of
//! `C_UnwrapKey`, under an AES key that the Security World has.
//!
//! The world's own key files are encrypted under the world and cannot be made
//! outside it, so nothing here writes them.

use std::fmt::Write as _;

use conclave_crypto::keyblock::kwp;
use conclave_crypto::secret::{RandomSource, Secret};
use conclave_evidence::manifest::Encoding;
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{KeyRecord, WrappingMethod};
use conclave_keyroom::domain::target_system::Settings;

use super::payshield::strength;
use super::sheet_text::{errors, filled, foot, head, plain_file, push_wrapped, rule, wrapping_key};
use super::{
    Conformance, Order, Payload, Sheet, Target, TargetError, are_what_they_are_called, fits,
    has_check_value, no_hmac,
};

/// A Security World.
pub struct NShield;

fn file_name(key: &KeyRecord) -> String {
    format!("{}.kwp", key.label)
}

/// `CKA_KEY_TYPE` by the key's form.
fn key_type(key: &KeyRecord) -> Result<&'static str, TargetError> {
    match key.form {
        KeyForm::Tdes2 => Ok("CKK_DES2"),
        KeyForm::Tdes3 => Ok("CKK_DES3"),
        KeyForm::Aes128 | KeyForm::Aes192 | KeyForm::Aes256 => Ok("CKK_AES"),
        _ => Err(rule(
            format!("{} is no symmetric key", key.label),
            "hand an RSA pair over in a key store; the world reads its PEM by generatekey",
        )),
    }
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
        no_hmac(key, "a file for a Security World")?;
        key_type(key)?;
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
        _: Order<'_>,
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
        Ok(vec![Payload {
            name: file_name(key),
            bytes: wrapped,
            format: "AES-KWP, input of C_UnwrapKey".into(),
            encoding: Encoding::Binary,
            lrecl: None,
            conformance: Conformance::Proven,
        }])
    }

    fn run_sheet(&self, sheet: &Sheet<'_>) -> String {
        let settings = sheet.settings;
        let mut out = head(self, sheet);
        out.push_str(&wrapping_key(sheet, "wrapping"));
        out.push_str("3. Unwrap each file with C_UnwrapKey, in one session.\n");
        for line in settings.profile.lines("unwrap") {
            push_wrapped(&mut out, "   ", line);
        }
        let protect = settings.value("protect").unwrap_or("token");
        for row in &sheet.rows {
            let key = row.key;
            for payload in row.payloads {
                // Writing to a String does not fail.
                let _ = write!(
                    out,
                    "\n   {}\n   {}, {} bytes, binary\n   {}\n   {}  {}  usage {}  mode {}\n   KCV {}\n",
                    payload.name,
                    payload.format,
                    payload.bytes.len(),
                    payload.conformance.words(),
                    key.label,
                    key.form,
                    key.usage,
                    key.mode_of_use,
                    key.kcv.words()
                );
                let kind = key_type(key).unwrap_or("?");
                let may = attributes(settings, key).unwrap_or("?");
                let values = [
                    ("type", kind),
                    ("label", key.label.as_str()),
                    ("may", may),
                    ("file", payload.name.as_str()),
                    ("protect", protect),
                ];
                for line in settings.profile.lines("template") {
                    push_wrapped(&mut out, "   ", &filled(line, &values));
                }
            }
        }
        out.push('\n');
        for line in settings.profile.lines("pairs") {
            push_wrapped(&mut out, "   ", &filled(line, &[("protect", protect)]));
        }
        out.push_str(&errors(settings, "Where the call fails:"));
        out.push_str(&foot(4));
        out
    }
}
