//! The two keys of a block: one encrypts, one authenticates (X9.143 clause 6.4).

use super::header::Version;
use crate::primitive::modes::{Algorithm as Cipher, ModeError, cmacs};
use crate::secret::Secret;

/// What is added to each byte of the protection key for versions A and C.
const ENCRYPTION_VARIANT: u8 = 0x45;
const MAC_VARIANT: u8 = 0x4D;

/// Key usages in the derivation data; ISO 20038 gave CTR one of its own.
const ENCRYPTION_CBC: u16 = 0x0000;
const MAC: u16 = 0x0001;
const ENCRYPTION_CTR: u16 = 0x0002;

/// A block's two keys.
pub struct Derived {
    /// Key block encryption key.
    pub kbek: Secret,
    /// Key block authentication key.
    pub kbak: Secret,
}

/// Derives both keys for a block of `version` from the bytes of its protection
/// key: variants for A and C, CMAC in counter mode for the others.
pub fn derive(version: Version, kbpk: &Secret) -> Result<Derived, ModeError> {
    let cipher = version.cipher();
    if !cipher.takes_key_len(kbpk.len()) {
        return Err(ModeError::KeyLength {
            algorithm: cipher,
            len: kbpk.len(),
        });
    }
    let (kbek, kbak) = match version {
        Version::A | Version::C => (
            variant(kbpk, ENCRYPTION_VARIANT),
            variant(kbpk, MAC_VARIANT),
        ),
        Version::B | Version::D => by_cmac(cipher, kbpk, ENCRYPTION_CBC)?,
        Version::E => by_cmac(cipher, kbpk, ENCRYPTION_CTR)?,
    };
    Ok(Derived { kbek, kbak })
}

fn variant(kbpk: &Secret, constant: u8) -> Secret {
    let mut key = kbpk.duplicate();
    for byte in key.expose_mut() {
        *byte ^= constant;
    }
    key
}

/// Counter, usage, separator, algorithm and bits of the key to be made: eight
/// bytes for each block of it. A key that is not whole blocks is cut.
fn by_cmac(cipher: Cipher, kbpk: &Secret, encryption: u16) -> Result<(Secret, Secret), ModeError> {
    let algorithm: u16 = match (cipher, kbpk.len()) {
        (Cipher::Tdes, 24) => 0x0001,
        (Cipher::Tdes, _) => 0x0000,
        (Cipher::Aes, 16) => 0x0002,
        (Cipher::Aes, 24) => 0x0003,
        (Cipher::Aes, _) => 0x0004,
    };
    let bits = (kbpk.len() * 8) as u16;
    let data = |usage: u16, counter: u8| {
        let mut data = [counter, 0, 0, 0, 0, 0, 0, 0];
        data[1..3].copy_from_slice(&usage.to_be_bytes());
        data[4..6].copy_from_slice(&algorithm.to_be_bytes());
        data[6..8].copy_from_slice(&bits.to_be_bytes());
        data
    };
    // A key has three blocks at most.
    let messages = [encryption, MAC].map(|usage| [1, 2, 3].map(|counter| data(usage, counter)));
    let (mut kbek, mut kbak) = (Secret::zeroed(kbpk.len()), Secret::zeroed(kbpk.len()));
    let places = [&mut kbek, &mut kbak]
        .into_iter()
        .map(|key| key.expose_mut().chunks_mut(cipher.block_len()))
        .zip(&messages)
        .flat_map(|(parts, data)| data.iter().map(<[u8; 8]>::as_slice).zip(parts));
    cmacs(cipher, kbpk.expose(), places)?;
    Ok((kbek, kbak))
}
