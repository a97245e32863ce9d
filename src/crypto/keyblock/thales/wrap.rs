//! Writing a Thales key block.

use std::fmt::Write as _;

use super::block::{LENGTH_LEN, iv, mac};
use super::error::ThalesWrapError;
use super::header::{LmkId, ThalesVersion};
use crate::keyblock::derive::derive;
use crate::keyblock::header::{Attributes, HEADER_LEN, MAX_LEN};
use crate::keyblock::kbpk::Kbpk;
use crate::primitive::modes::{Cipher, ModeError};
use crate::secret::{RandomSource, Secret};

/// Wraps `key`: version 1 under an AES protection key, 0 under a TDES one, with
/// the scheme's letter `S` in front. Random padding completes the cipher block.
pub fn thales_wrap(
    protection: &Kbpk,
    attributes: &Attributes,
    lmk: LmkId,
    key: &Secret,
    random: &mut dyn RandomSource,
) -> Result<String, ThalesWrapError> {
    let unit = protection.cipher().block_len();
    let padding = (LENGTH_LEN + key.len()).next_multiple_of(unit) - LENGTH_LEN - key.len();
    let mut pad = Secret::zeroed(padding);
    random.secret(pad.expose_mut())?;
    thales_wrap_with_padding(protection, attributes, lmk, key, &pad)
}

/// [`thales_wrap`] with padding from the caller, for known answers.
pub fn thales_wrap_with_padding(
    protection: &Kbpk,
    attributes: &Attributes,
    lmk: LmkId,
    key: &Secret,
    padding: &Secret,
) -> Result<String, ThalesWrapError> {
    let version = ThalesVersion::of(protection.cipher());
    let bits = u16::try_from(key.len() * 8).ok();
    let bits = bits.filter(|_| attributes.algorithm.takes_key_len(key.len()));
    let bits = bits.ok_or(ThalesWrapError::KeyLength(key.len()))?;
    protection.may_protect(attributes.algorithm, key.len())?;
    let encrypted = LENGTH_LEN + key.len() + padding.len();
    if !encrypted.is_multiple_of(version.cipher().block_len()) {
        return Err(ThalesWrapError::Padding(padding.len()));
    }
    let len = HEADER_LEN + 2 * (encrypted + version.mac_len());
    if len > MAX_LEN {
        return Err(ThalesWrapError::TooLong(len));
    }
    let head = format!("{}{len:04}{attributes}00{lmk}", version.digit());

    let mut body = Secret::from_fn(encrypted, |place| {
        let parts = [&bits.to_be_bytes()[..], key.expose(), padding.expose()];
        for (to, from) in place.iter_mut().zip(parts.into_iter().flatten()) {
            *to = *from;
        }
    });
    let tag = protect(version, protection, head.as_bytes(), &mut body)
        .map_err(|_| ThalesWrapError::Protection(protection.secret().len()))?;
    let mut text = format!("S{head}");
    for byte in body.expose().iter().chain(tag.expose()) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02X}");
    }
    Ok(text)
}

/// Encrypts the body and gives the MAC.
fn protect(
    version: ThalesVersion,
    protection: &Kbpk,
    head: &[u8],
    body: &mut Secret,
) -> Result<Secret, ModeError> {
    let keys = derive(version.derives_as(), protection.secret())?;
    Cipher::new(version.cipher(), keys.kbek.expose())?
        .cbc_encrypt(iv(version, head), body.expose_mut())?;
    mac(version, &keys, head, body.expose())
}
