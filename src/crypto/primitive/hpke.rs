//! Hybrid public key encryption to a P-256 key (RFC 9180), base mode, one
//! message: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
//!
//! Opening is cut where the smart card is: the Diffie-Hellman is a callback,
//! everything else happens here.

use thiserror::Error;

use super::derive::{TooLong, hkdf_expand, hkdf_extract};
use super::ec::{EcError, KeyPair, POINT_LEN, check_point};
use super::seal::{SealError, Sealer};
use crate::secret::{RandomSource, Secret};

/// "KEM" and the KEM's number (RFC 9180 7.1).
const KEM_SUITE: &[u8] = b"KEM\x00\x10";
/// "HPKE" and the numbers of KEM, KDF and AEAD (RFC 9180 5.1).
const SUITE: &[u8] = b"HPKE\x00\x10\x00\x01\x00\x02";
const VERSION: &[u8] = b"HPKE-v1";
const MODE_BASE: u8 = 0;

/// Why nothing was sealed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HpkeError {
    /// The recipient's key, or the randomness for ours.
    #[error(transparent)]
    Key(#[from] EcError),
    /// The message.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Cannot happen with this suite's lengths.
    #[error(transparent)]
    Derive(#[from] TooLong),
}

/// Why nothing was opened. `E` is the error of whoever did the Diffie-Hellman.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OpenError<E> {
    /// The sender's or the recipient's point is none. The private key was not
    /// asked: a point off the curve is an attack on it.
    #[error("the encapsulated key or the recipient's key is not a point of P-256")]
    NotAPoint,
    /// The private key was asked and did not answer.
    #[error("the private key did not answer: {0}")]
    DiffieHellman(E),
    /// The answer was not 32 bytes; how many it was.
    #[error("the private key's answer has {0} bytes instead of 32")]
    AnswerLength(usize),
    /// Meant for another key or another purpose, or changed.
    #[error("the sealed message does not open")]
    DoesNotOpen,
}

/// RFC 9180 4: LabeledExtract.
fn labeled_extract(suite: &[u8], salt: &[u8], label: &[u8], ikm: &[u8]) -> Secret {
    hkdf_extract(salt, &[VERSION, suite, label, ikm])
}

/// RFC 9180 4: LabeledExpand.
fn labeled_expand(
    suite: &[u8],
    prk: &Secret,
    label: &[u8],
    info: &[&[u8]],
    len: u16,
) -> Result<Secret, TooLong> {
    let length = len.to_be_bytes();
    let mut parts = vec![&length[..], VERSION, suite, label];
    parts.extend_from_slice(info);
    hkdf_expand(prk, &parts, usize::from(len))
}

/// RFC 9180 4.1: ExtractAndExpand, with kem_context = enc || recipient.
fn shared_secret(
    dh: &Secret,
    enc: &[u8; POINT_LEN],
    recipient: &[u8; POINT_LEN],
) -> Result<Secret, TooLong> {
    let prk = labeled_extract(KEM_SUITE, b"", b"eae_prk", dh.expose());
    labeled_expand(KEM_SUITE, &prk, b"shared_secret", &[enc, recipient], 32)
}

/// RFC 9180 5.1: KeySchedule in base mode, up to key and base nonce; the first
/// message's nonce is the base nonce.
fn key_schedule(shared: &Secret, info: &[u8]) -> Result<Option<Sealer>, TooLong> {
    let psk_id_hash = labeled_extract(SUITE, b"", b"psk_id_hash", b"");
    let info_hash = labeled_extract(SUITE, b"", b"info_hash", info);
    let context: [&[u8]; 3] = [&[MODE_BASE], psk_id_hash.expose(), info_hash.expose()];
    let secret = labeled_extract(SUITE, shared.expose(), b"secret", b"");
    let key = labeled_expand(SUITE, &secret, b"key", &context, 32)?;
    let nonce = labeled_expand(SUITE, &secret, b"base_nonce", &context, 12)?;
    Ok(Sealer::new(Secret::from_fn(44, |bytes| {
        bytes[..32].copy_from_slice(key.expose());
        bytes[32..].copy_from_slice(nonce.expose());
    })))
}

/// Seals `plain` to the recipient's point: the encapsulated key and the
/// ciphertext, 16 bytes longer than `plain`.
pub fn seal_to(
    recipient: &[u8; POINT_LEN],
    info: &[u8],
    aad: &[u8],
    plain: &[u8],
    random: &mut dyn RandomSource,
) -> Result<([u8; POINT_LEN], Vec<u8>), HpkeError> {
    seal_with(&KeyPair::generate(random)?, recipient, info, aad, plain)
}

fn seal_with(
    ephemeral: &KeyPair,
    recipient: &[u8; POINT_LEN],
    info: &[u8],
    aad: &[u8],
    plain: &[u8],
) -> Result<([u8; POINT_LEN], Vec<u8>), HpkeError> {
    let dh = ephemeral.diffie_hellman(recipient)?;
    let shared = shared_secret(&dh, ephemeral.public(), recipient)?;
    let sealer = key_schedule(&shared, info)?.ok_or(SealError::TooLong)?;
    Ok((*ephemeral.public(), sealer.seal(aad, plain)?))
}

/// Opens with a private key that is elsewhere. `recipient` is its *enrolled*
/// public point; `dh` is called once, with a point that was validated.
pub fn open_with<E>(
    enc: &[u8; POINT_LEN],
    recipient: &[u8; POINT_LEN],
    dh: impl FnOnce(&[u8; POINT_LEN]) -> Result<Secret, E>,
    info: &[u8],
    aad: &[u8],
    sealed: &[u8],
) -> Result<Secret, OpenError<E>> {
    for point in [enc, recipient] {
        check_point(point).map_err(|_| OpenError::NotAPoint)?;
    }
    let dh = dh(enc).map_err(OpenError::DiffieHellman)?;
    if dh.len() != 32 {
        return Err(OpenError::AnswerLength(dh.len()));
    }
    shared_secret(&dh, enc, recipient)
        .and_then(|shared| key_schedule(&shared, info))
        .ok()
        .flatten()
        .and_then(|sealer| sealer.open(aad, sealed).ok())
        .ok_or(OpenError::DoesNotOpen)
}

/// Opens with a private key that is here.
pub fn open(
    enc: &[u8; POINT_LEN],
    recipient: &KeyPair,
    info: &[u8],
    aad: &[u8],
    sealed: &[u8],
) -> Result<Secret, OpenError<EcError>> {
    let dh = |enc: &[u8; POINT_LEN]| recipient.diffie_hellman(enc);
    open_with(enc, recipient.public(), dh, info, aad, sealed)
}

#[cfg(test)]
#[path = "hpke_tests.rs"]
mod tests;
