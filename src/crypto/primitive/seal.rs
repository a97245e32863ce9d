//! Sealing under a derived key: the one way data at rest is encrypted.
//!
//! Key and nonce (44 bytes) = HKDF-SHA-256(parent, salt, context), with a fresh
//! 32-byte salt for each encryption, so that a write that is retried, or a store
//! that is restored, never repeats a nonce. AES-256-GCM (SP 800-38D), the tag of
//! 16 bytes at the end.

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use thiserror::Error;

use super::derive::hkdf;
use crate::secret::Secret;

/// Bytes of the salt that is stored beside each sealed value.
pub const SALT_LEN: usize = 32;

/// Bytes by which a sealed value is longer than the plain one.
pub const OVERHEAD: usize = 16;

/// Why nothing was sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SealError {
    /// Changed, cut, or sealed under another key, context or header. Which one
    /// is not told.
    #[error("the sealed value does not open")]
    DoesNotOpen,
    /// More than GCM takes (2^36 - 32 bytes).
    #[error("too long to be sealed")]
    TooLong,
}

/// AES-256-GCM with what was derived for it.
pub(super) struct Sealer(Secret);

impl Sealer {
    /// From `key (32) || nonce (12)`.
    pub(super) fn new(key_and_nonce: Secret) -> Option<Self> {
        (key_and_nonce.len() == 44).then_some(Self(key_and_nonce))
    }

    fn cipher(&self) -> Result<(Aes256Gcm, [u8; 12]), SealError> {
        let (key, nonce) = self.0.expose().split_at(32);
        let cipher = Aes256Gcm::new_from_slice(key).map_err(|_| SealError::DoesNotOpen)?;
        let nonce = nonce.try_into().map_err(|_| SealError::DoesNotOpen)?;
        Ok((cipher, nonce))
    }

    /// By value: one key and nonce seal once.
    pub(super) fn seal(self, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let (cipher, nonce) = self.cipher()?;
        let mut sealed = Vec::with_capacity(plain.len() + OVERHEAD);
        sealed.extend_from_slice(plain);
        let tag = cipher
            .encrypt_inout_detached(&nonce.into(), aad, sealed.as_mut_slice().into())
            .map_err(|_| SealError::TooLong)?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    pub(super) fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Secret, SealError> {
        let (body, tag) = sealed
            .split_last_chunk::<OVERHEAD>()
            .ok_or(SealError::DoesNotOpen)?;
        let (cipher, nonce) = self.cipher()?;
        let mut plain = Secret::from_fn(body.len(), |bytes| bytes.copy_from_slice(body));
        cipher
            .decrypt_inout_detached(
                &nonce.into(),
                aad,
                plain.expose_mut().into(),
                &(*tag).into(),
            )
            .map_err(|_| SealError::DoesNotOpen)?;
        Ok(plain)
    }
}

fn sealer(parent: &Secret, salt: &[u8; SALT_LEN], context: &[u8]) -> Result<Sealer, SealError> {
    let derived = hkdf(parent.expose(), salt, &[context], 44).map_err(|_| SealError::TooLong)?;
    Sealer::new(derived).ok_or(SealError::TooLong)
}

/// Seals `plain` under `parent`. `salt` is fresh for every call and stored beside
/// the result; `context` says what this is (a tagged CBOR array); `aad` is the
/// clear header. The result has [`OVERHEAD`] bytes more than `plain`.
pub fn seal(
    parent: &Secret,
    salt: &[u8; SALT_LEN],
    context: &[u8],
    aad: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, SealError> {
    sealer(parent, salt, context)?.seal(aad, plain)
}

/// Opens what [`seal`] made with the same parent, salt, context and header.
pub fn open(
    parent: &Secret,
    salt: &[u8; SALT_LEN],
    context: &[u8],
    aad: &[u8],
    sealed: &[u8],
) -> Result<Secret, SealError> {
    sealer(parent, salt, context)?.open(aad, sealed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::vectors::unhex;
    use proptest::prelude::*;

    /// The AES-256-GCM case 16 of the GCM specification, which NIST publishes.
    #[test]
    fn gcm_known_answer() {
        let key = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
        let mut derived = unhex(&format!("{key}cafebabefacedbaddecaf888"));
        let sealer = Sealer::new(Secret::take(&mut derived)).unwrap();
        let plain = unhex(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        );
        let aad = unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let sealed = sealer.seal(&aad, &plain).unwrap();
        assert_eq!(
            sealed,
            unhex(
                "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"
            )
        );
    }

    proptest! {
        #[test]
        fn opens_as_sealed_and_not_otherwise(
            mut key in any::<[u8; 32]>(), salt in any::<[u8; 32]>(),
            context in prop::collection::vec(any::<u8>(), 0..40),
            aad in prop::collection::vec(any::<u8>(), 0..40),
            plain in prop::collection::vec(any::<u8>(), 0..200),
            at in any::<prop::sample::Index>(), bit in 0u8..8,
        ) {
            let parent = Secret::take(&mut key);
            let sealed = seal(&parent, &salt, &context, &aad, &plain).unwrap();
            prop_assert_eq!(sealed.len(), plain.len() + OVERHEAD);
            prop_assert!(open(&parent, &salt, &context, &aad, &sealed).unwrap().ct_eq(&plain));

            let refused = Some(SealError::DoesNotOpen);
            let mut changed = sealed.clone();
            changed[at.index(sealed.len())] ^= 1 << bit;
            prop_assert_eq!(open(&parent, &salt, &context, &aad, &changed).err(), refused);
            prop_assert_eq!(open(&parent, &salt, &context, &aad, &sealed[..at.index(sealed.len())]).err(), refused);
            let more = |bytes: &[u8]| [bytes, &[0]].concat();
            prop_assert_eq!(open(&parent, &salt, &more(&context), &aad, &sealed).err(), refused);
            prop_assert_eq!(open(&parent, &salt, &context, &more(&aad), &sealed).err(), refused);
            let mut other = salt;
            other[at.index(32)] ^= 1 << bit;
            prop_assert_eq!(open(&parent, &other, &context, &aad, &sealed).err(), refused);
        }
    }
}
