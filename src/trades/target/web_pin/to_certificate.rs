//! The wrapping key of a channel to the key of its certificate: RSA-AES wrap, as for
//! any partner's public key. It is no TR-34 (ANSI X9.24-2): the bundle's signature
//! says who sent it, and nothing in the file does.

use conclave_crypto::primitive::rsa::OaepHash;
use conclave_crypto::secret::{RandomSource, Secret};
use conclave_evidence::manifest::Encoding;
use conclave_keyroom::domain::key::{KeyRecord, WrappingMethod};

use super::super::sheet_text::{plain_file, rule};
use super::super::{Conformance, Payload, TargetError, pkcs11_rsa};
use super::channel::{Channel, read};
use super::file_name;

/// The key is the channel's wrapping key, and what it goes to is the key of the
/// certificate on record and no weaker.
///
/// # Errors
/// [`TargetError::Rule`]
pub(super) fn check(
    channel: &Channel<'_>,
    key: &KeyRecord,
    under: &KeyRecord,
) -> Result<(), TargetError> {
    let wraps = matches!(
        key.wrapping,
        Some(WrappingMethod::Tr31B | WrappingMethod::Tr31D)
    );
    if !(key.encrypts_keys() && wraps) {
        return Err(rule(
            format!(
                "{} is no key that wraps TR-31 key blocks of version B or D: to the certificate goes the channel's \
                 wrapping key alone",
                key.label
            ),
            "hand the keys of a generation over under that wrapping key",
        ));
    }
    let certificate = channel.certificate.ok_or_else(|| {
        rule(
            format!("the channel {} has no certificate on record", channel.name),
            "have its certificate recorded, from a file",
        )
    })?;
    let own = read(certificate)?;
    let own = own.rsa().map(|public| public.spki());
    if own.is_none() || own != under.rsa.as_ref().map(|facts| facts.spki.0.as_slice()) {
        return Err(rule(
            format!(
                "{} is not the key of the certificate on record of {}",
                under.label, channel.name
            ),
            "import the public key out of that certificate's file, with usage K3",
        ));
    }
    pkcs11_rsa::rsa_strong_enough(key, under)?;
    plain_file(&key.label, &file_name(key, true))
}

/// # Errors
/// [`TargetError`]
pub(super) fn export(
    key: &KeyRecord,
    clear: &Secret,
    under: &KeyRecord,
    spki: &Secret,
    random: &mut dyn RandomSource,
) -> Result<Vec<Payload>, TargetError> {
    let wrapped = pkcs11_rsa::wrapped((key, clear), (under, spki), OaepHash::Sha256, random)?;
    Ok(vec![Payload {
        name: file_name(key, true),
        bytes: wrapped.joined(),
        format: "CKM_RSA_AES_KEY_WRAP, OAEP with SHA-256".into(),
        encoding: Encoding::Binary,
        lrecl: None,
        conformance: Conformance::Proven,
    }])
}
