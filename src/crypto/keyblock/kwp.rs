//! AES key wrap with padding: KWP of SP 800-38F clause 6.3, which is RFC 5649,
//! `CKM_AES_KEY_WRAP_KWP` of PKCS#11 and `id-aesN-wrap-pad` of CMS.
//!
//! The check on opening is one 32-bit constant, a length and zero padding under
//! the key: whatever does not fit has one answer, [`KwpError::DoesNotOpen`].

use subtle::{Choice, ConstantTimeEq, ConstantTimeGreater};
use thiserror::Error;

use crate::primitive::key_wrap::{HEAD, rounds, rounds_back};
use crate::primitive::modes::{Algorithm, Cipher, ModeError};
use crate::secret::Secret;

/// Longest key that is wrapped, in bytes: an RSA key of 16384 bits fits. The
/// standard allows 2^32 - 1.
pub const MAX_KEY: usize = 16 * 1024;

/// The constant half of the alternative initial value (RFC 5649 clause 3).
const CONSTANT: [u8; 4] = [0xA6, 0x59, 0x59, 0xA6];

/// Why nothing is wrapped, or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KwpError {
    /// A key encryption key that is no AES key.
    #[error(transparent)]
    Mode(#[from] ModeError),
    /// Nothing to wrap, or more than [`MAX_KEY`].
    #[error("a key of {0} bytes is not wrapped: 1 to {MAX_KEY}")]
    KeyLength(usize),
    /// A wrapped key of no such length.
    #[error("{0} bytes are no wrapped key: whole eights, 16 or more, are")]
    WrappedLength(usize),
    /// Another key encryption key, or changed bytes. Which one is not told.
    #[error("the wrapped key does not open")]
    DoesNotOpen,
}

/// Bytes of a wrapped key of `len` bytes.
#[must_use]
pub const fn wrapped_len(len: usize) -> usize {
    HEAD + len.next_multiple_of(8)
}

/// Wraps `key` under the AES key `kek` of 16, 24 or 32 bytes.
///
/// # Errors
/// [`KwpError`]
pub fn wrap(kek: &Secret, key: &Secret) -> Result<Vec<u8>, KwpError> {
    let len = key.len();
    if !(1..=MAX_KEY).contains(&len) {
        return Err(KwpError::KeyLength(len));
    }
    let cipher = Cipher::new(Algorithm::Aes, kek.expose())?;
    let mut place = Secret::zeroed(wrapped_len(len));
    let bytes = place.expose_mut();
    bytes[..4].copy_from_slice(&CONSTANT);
    bytes[4..HEAD].copy_from_slice(&(len as u32).to_be_bytes());
    bytes[HEAD..HEAD + len].copy_from_slice(key.expose());
    if bytes.len() == 16 {
        cipher.ecb_encrypt(bytes)?;
    } else {
        rounds(&cipher, bytes)?;
    }
    Ok(bytes.to_vec())
}

/// Opens a wrapped key.
///
/// # Errors
/// [`KwpError`]
pub fn unwrap(kek: &Secret, wrapped: &[u8]) -> Result<Secret, KwpError> {
    let len = wrapped.len();
    if !(16..=wrapped_len(MAX_KEY)).contains(&len) || !len.is_multiple_of(8) {
        return Err(KwpError::WrappedLength(len));
    }
    let cipher = Cipher::new(Algorithm::Aes, kek.expose())?;
    let mut place = Secret::from_fn(len, |bytes| bytes.copy_from_slice(wrapped));
    if len == 16 {
        cipher.ecb_decrypt(place.expose_mut())?;
    } else {
        rounds_back(&cipher, place.expose_mut())?;
    }
    let (head, padded) = place.expose().split_at(HEAD);
    let (constant, said) = head.split_at(4);
    let said = said.iter().fold(0u32, |n, byte| n << 8 | u32::from(*byte));
    let most = padded.len() as u32;
    // Constant, length and padding are judged together, without a branch between.
    let mut good = constant.ct_eq(&CONSTANT);
    good &= said.ct_gt(&(most - 8)) & !said.ct_gt(&most);
    for (byte, at) in padded.iter().zip(0u32..).skip(padded.len() - 8) {
        let is_key: Choice = said.ct_gt(&at);
        good &= is_key | byte.ct_eq(&0);
    }
    if !bool::from(good) {
        return Err(KwpError::DoesNotOpen);
    }
    let key = place.part(HEAD..HEAD + said as usize);
    key.ok_or(KwpError::DoesNotOpen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::vectors::unhex;
    use proptest::prelude::*;

    fn secret(text: &str) -> Secret {
        Secret::take(&mut unhex(text))
    }

    /// RFC 5649 clause 6.
    #[test]
    fn the_examples_of_the_standard() {
        let kek = secret("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8");
        for (key, wrapped) in [
            (
                "c37b7e6492584340bed12207808941155068f738",
                "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a",
            ),
            ("466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f"),
        ] {
            assert_eq!(wrap(&kek, &secret(key)).unwrap(), unhex(wrapped));
            assert!(unwrap(&kek, &unhex(wrapped)).unwrap().ct_eq(&unhex(key)));
        }
    }

    #[test]
    fn lengths_are_judged_before_anything() {
        let kek = Secret::zeroed(16);
        for len in [0, 8, 15, 17, 23, wrapped_len(MAX_KEY) + 8] {
            let error = unwrap(&kek, &vec![0; len]).err();
            assert_eq!(error, Some(KwpError::WrappedLength(len)));
        }
        for len in [0, MAX_KEY + 1] {
            let error = wrap(&kek, &Secret::zeroed(len)).err();
            assert_eq!(error, Some(KwpError::KeyLength(len)));
        }
        assert!(wrap(&Secret::zeroed(8), &kek).is_err());
    }

    /// A head with the wrong constant, a length that the parts do not have, and
    /// padding that is not zero, each encrypted as if it were right.
    #[test]
    fn a_wrong_head_or_padding_does_not_open() {
        let kek = Secret::zeroed(32);
        let cipher = Cipher::new(Algorithm::Aes, kek.expose()).unwrap();
        for (plain, opens) in [
            ("A65959A60000000F0102030405060708090A0B0C0D0E0F00", true),
            ("A65959A6000000100102030405060708090A0B0C0D0E0F00", true),
            ("A65959A60000000F0102030405060708090A0B0C0D0E0F01", false),
            ("A65959A6000000080102030405060708000000000000000000", false),
            ("A65959A6000000110102030405060708090A0B0C0D0E0F00", false),
            ("A65959A6FFFFFFFF0102030405060708090A0B0C0D0E0F00", false),
            ("A6A6A6A6A6A6A6A60102030405060708090A0B0C0D0E0F00", false),
            ("A65959A6000000000000000000000000", false),
            ("A65959A6000000010100000000000000", true),
        ] {
            let mut bytes = unhex(plain);
            bytes.truncate(bytes.len() / 8 * 8);
            match bytes.len() {
                16 => cipher.ecb_encrypt(&mut bytes).unwrap(),
                _ => rounds(&cipher, &mut bytes).unwrap(),
            }
            assert_eq!(unwrap(&kek, &bytes).is_ok(), opens, "{plain}");
        }
    }

    proptest! {
        #[test]
        fn what_is_wrapped_opens_and_a_changed_bit_does_not(
            kek in prop::sample::select(vec![16usize, 24, 32]), key in prop::collection::vec(any::<u8>(), 1..200),
            bit in any::<prop::sample::Index>(),
        ) {
            let kek = Secret::from_fn(kek, |bytes| bytes.fill(0x3C));
            let key = Secret::from_fn(key.len(), |bytes| bytes.copy_from_slice(&key));
            let mut wrapped = wrap(&kek, &key).unwrap();
            prop_assert_eq!(wrapped.len(), wrapped_len(key.len()));
            prop_assert!(unwrap(&kek, &wrapped).unwrap().ct_eq(key.expose()));
            let bit = bit.index(8 * wrapped.len());
            wrapped[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(unwrap(&kek, &wrapped).err(), Some(KwpError::DoesNotOpen));
        }
    }
}
