//! AES key wrap: KW of SP 800-38F clause 6.2, which is RFC 3394 and
//! `id-aesN-wrap` of CMS; and the passes that it has in common with KWP.
//!
//! The check on opening is one 64-bit constant under the key: whatever does not
//! fit has one answer, [`KwError::DoesNotOpen`].

use subtle::ConstantTimeEq;
use thiserror::Error;

use super::modes::{Algorithm, Cipher, ModeError};
use crate::secret::Secret;

/// What a wrapped key is longer than the key, in bytes.
pub const HEAD: usize = 8;
/// Longest key that is wrapped, in bytes.
pub const MAX_KEY: usize = 512;
/// The initial value (RFC 3394 2.2.3.1).
const CONSTANT: [u8; HEAD] = [0xA6; HEAD];

/// Why nothing is wrapped, or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KwError {
    /// A key encryption key that is no AES key.
    #[error(transparent)]
    Mode(#[from] ModeError),
    /// Not whole eights, fewer than 16 bytes, or more than [`MAX_KEY`].
    #[error("{0} bytes are not wrapped: 16 to {MAX_KEY} in whole eights are")]
    Length(usize),
    /// Another key encryption key, or changed bytes. Which one is not told.
    #[error("the wrapped key does not open")]
    DoesNotOpen,
}

fn check(len: usize) -> Result<(), KwError> {
    if (16..=MAX_KEY).contains(&len) && len.is_multiple_of(8) {
        Ok(())
    } else {
        Err(KwError::Length(len))
    }
}

/// Wraps `key` under the AES key `kek` of 16, 24 or 32 bytes.
///
/// # Errors
/// [`KwError`]
pub fn wrap(kek: &Secret, key: &Secret) -> Result<Vec<u8>, KwError> {
    check(key.len())?;
    let cipher = Cipher::new(Algorithm::Aes, kek.expose())?;
    let mut place = Secret::zeroed(HEAD + key.len());
    let (head, rest) = place.expose_mut().split_at_mut(HEAD);
    head.copy_from_slice(&CONSTANT);
    rest.copy_from_slice(key.expose());
    rounds(&cipher, place.expose_mut())?;
    Ok(place.expose().to_vec())
}

/// Opens a wrapped key.
///
/// # Errors
/// [`KwError`]
pub fn unwrap(kek: &Secret, wrapped: &[u8]) -> Result<Secret, KwError> {
    check(wrapped.len().saturating_sub(HEAD))?;
    let cipher = Cipher::new(Algorithm::Aes, kek.expose())?;
    let mut place = Secret::from_fn(wrapped.len(), |bytes| bytes.copy_from_slice(wrapped));
    rounds_back(&cipher, place.expose_mut())?;
    let (head, key) = place.expose().split_at(HEAD);
    if bool::from(head.ct_eq(&CONSTANT)) {
        Ok(Secret::from_fn(key.len(), |to| to.copy_from_slice(key)))
    } else {
        Err(KwError::DoesNotOpen)
    }
}

/// The six passes of W (SP 800-38F clause 6.1).
pub(crate) fn rounds(cipher: &Cipher, bytes: &mut [u8]) -> Result<(), ModeError> {
    let (head, parts) = bytes.split_at_mut(HEAD);
    let mut block = Secret::zeroed(16);
    let mut step = 0u64;
    for _ in 0..6 {
        for part in parts.chunks_exact_mut(8) {
            step += 1;
            let block = block.expose_mut();
            block[..8].copy_from_slice(head);
            block[8..].copy_from_slice(part);
            cipher.ecb_encrypt(block)?;
            head.copy_from_slice(&block[..8]);
            count(head, step);
            part.copy_from_slice(&block[8..]);
        }
    }
    Ok(())
}

/// The inverse of [`rounds`].
pub(crate) fn rounds_back(cipher: &Cipher, bytes: &mut [u8]) -> Result<(), ModeError> {
    let (head, parts) = bytes.split_at_mut(HEAD);
    let mut block = Secret::zeroed(16);
    let mut step = 6 * (parts.len() / 8) as u64;
    for _ in 0..6 {
        for part in parts.chunks_exact_mut(8).rev() {
            count(head, step);
            let block = block.expose_mut();
            block[..8].copy_from_slice(head);
            block[8..].copy_from_slice(part);
            cipher.ecb_decrypt(block)?;
            head.copy_from_slice(&block[..8]);
            part.copy_from_slice(&block[8..]);
            step -= 1;
        }
    }
    Ok(())
}

fn count(head: &mut [u8], step: u64) {
    for (to, from) in head.iter_mut().zip(step.to_be_bytes()) {
        *to ^= from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::vectors::unhex;

    fn secret(hex: &str) -> Secret {
        Secret::take(&mut unhex(hex))
    }

    /// RFC 3394 clause 4.1 to 4.6: each length of key under each it may have.
    #[test]
    fn published_wrappings() {
        const KEK: &str = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F";
        const KEY: &str = "00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F";
        for (kek, key, wrapped) in [
            (16, 16, "1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5"),
            (24, 16, "96778B25AE6CA435F92B5B97C050AED2468AB8A17AD84E5D"),
            (32, 16, "64E8C3F9CE0F5BA263E9777905818A2A93C8191E7D6E8AE7"),
            (
                24,
                24,
                "031D33264E15D33268F24EC260743EDCE1C6C7DDEE725A936BA814915C6762D2",
            ),
            (
                32,
                24,
                "A8F9BC1612C68B3FF6E6F4FBE30E71E4769C8B80A32CB8958CD5D17D6B254DA1",
            ),
            (
                32,
                32,
                "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21",
            ),
        ] {
            let (kek, key) = (secret(&KEK[..2 * kek]), secret(&KEY[..2 * key]));
            let mut made = wrap(&kek, &key).unwrap();
            assert_eq!(made, unhex(wrapped));
            assert!(unwrap(&kek, &made).unwrap().ct_eq(key.expose()));
            made[9] ^= 1;
            assert_eq!(unwrap(&kek, &made).err(), Some(KwError::DoesNotOpen));
        }
        let kek = secret(&KEK[..32]);
        for len in [0, 8, 17, 520] {
            let key = Secret::zeroed(len);
            assert_eq!(wrap(&kek, &key).err(), Some(KwError::Length(len)));
            assert!(unwrap(&kek, &vec![0; len + 8]).is_err());
        }
        assert!(wrap(&Secret::zeroed(8), &Secret::zeroed(16)).is_err());
    }
}
