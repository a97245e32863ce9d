//! Writing a key block, version B or D.

use std::fmt::Write as _;

use super::blocks::OptionalBlocks;
use super::derive::derive;
use super::error::WrapError;
use super::header::{Attributes, HEADER_LEN, MAX_LEN, Version};
use super::kbpk::Kbpk;
use super::unwrap::LENGTH_LEN;
use crate::primitive::modes::{Algorithm as CipherKind, Cipher, ModeError, cmac};
use crate::secret::{RandomSource, Secret};

/// Wraps `key`: version D under an AES protection key, B under a TDES one. The
/// padding is random and hides the length of DES, TDES and AES keys.
pub fn wrap(
    kbpk: &Kbpk,
    attributes: &Attributes,
    blocks: &OptionalBlocks,
    key: &Secret,
    random: &mut dyn RandomSource,
) -> Result<String, WrapError> {
    let unit = kbpk.cipher().block_len();
    let masked = attributes.algorithm.longest_key().unwrap_or(0);
    let whole = (LENGTH_LEN + key.len().max(masked)).next_multiple_of(unit);
    let padding = whole - LENGTH_LEN - key.len();
    write(kbpk, attributes, blocks, key, padding, |place| {
        Ok(random.secret(place)?)
    })
}

/// [`wrap()`] with padding from the caller, for known answers.
pub fn wrap_with_padding(
    kbpk: &Kbpk,
    attributes: &Attributes,
    blocks: &OptionalBlocks,
    key: &Secret,
    padding: &Secret,
) -> Result<String, WrapError> {
    write(kbpk, attributes, blocks, key, padding.len(), |place| {
        place.copy_from_slice(padding.expose());
        Ok(())
    })
}

/// The block with `padding` bytes behind the key, which `fill` writes into the
/// place where they are encrypted.
fn write(
    kbpk: &Kbpk,
    attributes: &Attributes,
    blocks: &OptionalBlocks,
    key: &Secret,
    padding: usize,
    fill: impl FnOnce(&mut [u8]) -> Result<(), WrapError>,
) -> Result<String, WrapError> {
    let version = Version::from(kbpk.writes());
    let unit = version.unit();
    let bits = u16::try_from(key.len() * 8).ok();
    let bits = bits.filter(|_| attributes.algorithm.takes_key_len(key.len()));
    let bits = bits.ok_or(WrapError::KeyLength(key.len()))?;
    kbpk.may_protect(attributes.algorithm, key.len())?;
    let encrypted = LENGTH_LEN + key.len() + padding;
    if !encrypted.is_multiple_of(unit) {
        return Err(WrapError::Padding(padding));
    }

    let (blocks, count) = blocks.text(version.alignment());
    let start = HEADER_LEN + blocks.len();
    let len = start + 2 * (encrypted + version.mac_len());
    if len > MAX_LEN {
        return Err(WrapError::TooLong(len));
    }
    let letter = version.letter();
    let mut text = String::with_capacity(len);
    // Writing to a string cannot fail.
    let _ = write!(text, "{letter}{len:04}{attributes}{count:02}00{blocks}");

    // Header and plaintext in one piece, as the MAC is computed over them.
    let mut whole = Secret::zeroed(start + encrypted);
    let (head, plain) = whole.expose_mut().split_at_mut(start);
    head.copy_from_slice(text.as_bytes());
    let key_end = LENGTH_LEN + key.len();
    plain[..LENGTH_LEN].copy_from_slice(&bits.to_be_bytes());
    plain[LENGTH_LEN..key_end].copy_from_slice(key.expose());
    fill(&mut plain[key_end..])?;

    let mac = protect(version, kbpk, start, &mut whole).map_err(|error| match error {
        ModeError::KeyLength { algorithm, len } => WrapError::KbpkLength {
            cipher: algorithm,
            len,
        },
        ModeError::DataLength { len, .. } | ModeError::IvLength { len, .. } => {
            WrapError::KeyLength(len)
        }
    })?;
    let mut digits = [0; 2 * 16];
    for bytes in [&whole.expose()[start..], mac.expose()] {
        for part in bytes.chunks(16) {
            // The buffer is as long as the longest part needs.
            text.push_str(base16ct::upper::encode_str(part, &mut digits).unwrap_or_default());
        }
    }
    Ok(text)
}

/// Encrypts what stands behind `start` and gives the MAC.
fn protect(
    version: Version,
    kbpk: &Kbpk,
    start: usize,
    whole: &mut Secret,
) -> Result<Secret, ModeError> {
    let cipher: CipherKind = version.cipher();
    let keys = derive(version, kbpk.secret())?;
    let mac = cmac(cipher, keys.kbak.expose(), whole.expose())?;
    Cipher::new(cipher, keys.kbek.expose())?
        .cbc_encrypt(mac.expose(), &mut whole.expose_mut()[start..])?;
    Ok(mac)
}
