//! Keys to the holder of an RSA key in a PKCS#11 token: `CKM_RSA_AES_KEY_WRAP`
//! (PKCS#11 2.40 and later), a fresh AES key by OAEP and the key by AES-KWP under it.
//!
//! What is made here only the token opens: the half under AES is opened again before
//! it leaves, of the other the receipt has the token's own check value. Whose key it
//! is, only the bundle's signature says: anybody can wrap to a public key.

use std::fmt::Write as _;

use conclave_crypto::keyblock::rsa_aes::{self, RsaAesWrapped};
use conclave_crypto::primitive::rsa::{OaepHash, Public};
use conclave_crypto::secret::{RandomSource, Secret};
use conclave_keyroom::domain::key::{KeyRecord, WrappingMethod};
use conclave_keyroom::domain::target_system::Settings;

use super::pkcs11_template::{
    attribute_lines, key_files, key_type, object_id, operations, table, template_name, token_check,
    with_all,
};
use super::sheet_text::{errors, filled, foot, head, plain_file, push_wrapped, rule};
use super::{
    Companion, Conformance, Order, Payload, Sheet, Target, TargetError, are_what_they_are_called,
    no_hmac,
};

/// An RSA key of a PKCS#11 token.
pub struct Pkcs11Rsa;

/// The loader for tokens without the combined mechanism.
const LOADER: &str = "load-keys.py";
/// All keys in one table.
const TABLE: &str = "attributes.csv";

/// `LABEL.rsaaes`.
pub(super) fn file_name(key: &KeyRecord) -> String {
    format!("{}.rsaaes", key.label)
}

/// What an RSA key is worth, in bits (SP 800-57 part 1 table 2).
fn worth(modulus_bits: u16) -> u16 {
    match modulus_bits {
        0..=3071 => 112,
        3072..=7679 => 128,
        _ => 192,
    }
}

/// The length of the modulus on record.
fn modulus_bits(under: &KeyRecord) -> Result<u16, TargetError> {
    let facts = under.rsa.as_ref().ok_or_else(|| {
        rule(
            format!("{} is no RSA key", under.label),
            "choose the public key of the token, imported with usage K3",
        )
    })?;
    Ok(facts.bits)
}

/// The RSA key is at least as strong as what it wraps (R6).
///
/// # Errors
/// [`TargetError::Rule`]
pub(super) fn rsa_strong_enough(key: &KeyRecord, under: &KeyRecord) -> Result<(), TargetError> {
    let bits = modulus_bits(under)?;
    if worth(bits) >= key.form.strength() {
        return Ok(());
    }
    Err(rule(
        format!(
            "{} (RSA-{bits}, worth {} bits) is weaker than {} ({}): a wrapping key is at least as \
             strong as what it wraps (R6)",
            under.label,
            worth(bits),
            key.label,
            key.form
        ),
        "AES-128 wants an RSA key of 3072 bits; a longer AES key wants an AES wrapping key",
    ))
}

/// A key to a partner's public key, by its SubjectPublicKeyInfo. The half under AES is
/// opened again before it is given away.
///
/// # Errors
/// [`TargetError`]
pub(super) fn wrapped(
    (key, clear): (&KeyRecord, &Secret),
    (under, spki): (&KeyRecord, &Secret),
    hash: OaepHash,
    random: &mut dyn RandomSource,
) -> Result<RsaAesWrapped, TargetError> {
    are_what_they_are_called(&[(key, clear)])?;
    let public = public_key(under, spki.expose())?;
    rsa_aes::wrap(&public, hash, clear, random)
        .map_err(|e| TargetError::Wrap(format!("{}: {e}", key.label)))
}

fn hash(settings: &Settings) -> (OaepHash, &'static str) {
    match settings.value("hash") {
        Some("SHA-1") => (OaepHash::Sha1, "SHA-1"),
        _ => (OaepHash::Sha256, "SHA-256"),
    }
}

/// The public key as it stands in the record, and is the one of its fingerprint.
fn public_key(under: &KeyRecord, spki: &[u8]) -> Result<Public, TargetError> {
    let other = || TargetError::CheckValue(under.label.clone());
    let facts = under.rsa.as_ref().ok_or_else(other)?;
    let public = Public::read(spki).map_err(|_| other())?;
    let same = public.fingerprint() == facts.fingerprint.0
        && public.spki() == facts.spki.0
        && facts
            .fingerprint
            .to_string()
            .to_uppercase()
            .starts_with(&under.kcv.value);
    same.then_some(public).ok_or_else(other)
}

/// One key's template. Labels and ids hold nothing that JSON escapes.
fn template(
    key: &KeyRecord,
    under: &KeyRecord,
    settings: &Settings,
    (check, under_rsa): (&str, usize),
) -> Result<String, TargetError> {
    let value = |name| settings.value(name).unwrap_or_default();
    let (_, hash) = hash(settings);
    Ok(format!(
        "{{\n  \"file\": \"{}\",\n  \"mechanism\": \"CKM_RSA_AES_KEY_WRAP\",\n  \
         \"aes_bits\": {},\n  \"oaep_hash\": \"{hash}\",\n  \"oaep_mgf\": \"MGF1 {hash}\",\n  \
         \"bytes_under_rsa\": {under_rsa},\n  \"second_mechanism\": \"CKM_{}\",\n  \
         \"token\": \"{}\",\n  \
         \"unwrapping_key\": {{\"label\": \"{}\", \"CKA_ID\": \"{}\", \"fingerprint\": \"{}\"}},\n  \
         \"check_value\": \"{}\",\n  \"CKA_CHECK_VALUE\": \"{check}\",\n  \
         \"template\": {{\n{}\n  }}\n}}\n",
        file_name(key),
        rsa_aes::AES_LEN * 8,
        value("mechanism"),
        value("token"),
        under.label,
        value("key-id"),
        under.kcv.words(),
        key.kcv.words(),
        attribute_lines(key, settings)?
    ))
}

impl Target for Pkcs11Rsa {
    fn name(&self) -> &'static str {
        "pkcs11-rsa"
    }

    fn title(&self) -> &'static str {
        "PKCS#11 token, keys to its RSA key (RSA-AES wrap)"
    }

    fn conformance(&self) -> Conformance {
        Conformance::Proven
    }

    fn methods(&self) -> &'static [WrappingMethod] {
        &[WrappingMethod::RsaAes]
    }

    fn check(
        &self,
        key: &KeyRecord,
        under: &KeyRecord,
        settings: &Settings,
    ) -> Result<(), TargetError> {
        no_hmac(key, "a file for this token")?;
        key_type(key.form).ok_or_else(|| {
            rule(
                format!("{} is no symmetric key", key.label),
                "hand RSA keys over in a key store",
            )
        })?;
        operations(key, settings)?;
        rsa_strong_enough(key, under)?;
        plain_file(&key.label, &file_name(key))
    }

    fn export(
        &self,
        key: &KeyRecord,
        clear: &Secret,
        under: &KeyRecord,
        wrapping: &Secret,
        order: Order<'_>,
        random: &mut dyn RandomSource,
    ) -> Result<Vec<Payload>, TargetError> {
        let settings = order.settings;
        let (hash, name) = hash(settings);
        let wrapped = wrapped((key, clear), (under, wrapping), hash, random)?;
        let check = token_check(key, clear)?;
        let template = template(key, under, settings, (&check, wrapped.under_rsa.len()))?;
        Ok(key_files(
            key,
            (file_name(key), wrapped.joined()),
            format!("CKM_RSA_AES_KEY_WRAP, OAEP with {name}"),
            template,
        ))
    }

    fn companions(&self, sheet: &Sheet<'_>) -> Result<Vec<Companion>, TargetError> {
        let loader = include_str!("pkcs11_rsa_load.py").to_owned();
        Ok(vec![
            with_all(LOADER, loader, "Python script for python-pkcs11"),
            with_all(TABLE, table(sheet, file_name)?, "PKCS#11 attributes, CSV"),
        ])
    }

    fn run_sheet(&self, sheet: &Sheet<'_>) -> String {
        let settings = sheet.settings;
        let value = |name| settings.value(name).unwrap_or_default();
        let (_, hash) = hash(settings);
        let mut out = head(self, sheet);
        let bits = modulus_bits(sheet.under).unwrap_or_default();
        // Writing to a String does not fail.
        let _ = write!(
            out,
            "2. These keys open under the private key of this token alone:\n   \
             {}  RSA-{bits}\n   SHA-256 of its public half begins {}\n   token {}  CKA_ID {}\n",
            sheet.under.label,
            sheet.under.kcv.value,
            value("token"),
            value("key-id"),
        );
        let values = [
            ("hash", hash),
            ("module", value("module")),
            ("loader", LOADER),
            ("mechanism", value("mechanism")),
        ];
        for name in ["binding", "combined", "two-steps"] {
            for line in settings.profile.lines(name) {
                push_wrapped(&mut out, "   ", &filled(line, &values));
            }
        }
        for row in &sheet.rows {
            let key = row.key;
            let _ = write!(
                out,
                "\n   {}  {}\n   {}  {}  usage {}\n   CKA_ID {}\n   KCV {}\n",
                file_name(key),
                template_name(key),
                key.label,
                key.form,
                key.usage,
                object_id(key),
                key.kcv.words()
            );
        }
        out.push_str(&errors(settings, "Where the call fails:"));
        out.push_str(&foot(3));
        out
    }
}
