//! Writing a key block.

use std::fmt::Write as _;

use super::blocks::OptionalBlocks;
use super::derive::derive;
use super::error::WrapError;
use super::header::{Algorithm, Attributes, HEADER_LEN, MAX_LEN, Version};
use super::kbpk::Kbpk;
use super::unwrap::{LENGTH_LEN, variant_mac};
use crate::primitive::modes::{Algorithm as CipherKind, Cipher, ModeError, cmac};
use crate::secret::{RandomSource, Secret};

/// How much padding stands behind the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LengthHiding {
    /// As much as the longest key of the algorithm needs, so that the block's
    /// length does not tell the key's (X9.143 clause 6.3.2).
    Longest,
    /// No more than the cipher needs, as payShield and older readers have it;
    /// version E then has none.
    Short,
}

impl LengthHiding {
    /// Bytes of padding behind a key of `len` bytes.
    fn padding(self, version: Version, algorithm: Algorithm, len: usize) -> usize {
        let masked = match self {
            Self::Longest => algorithm.longest_key().unwrap_or(0),
            Self::Short => 0,
        };
        let whole = (LENGTH_LEN + len.max(masked)).next_multiple_of(version.unit());
        whole - LENGTH_LEN - len
    }
}

/// What kind of block is written. [`wrap()`] writes what X9.143 asks for; anything
/// else is asked for by name, and whoever asks for version A or C has a recorded
/// exception: both are deprecated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Writing {
    /// The version; its cipher is the protection key's.
    pub version: Version,
    /// The padding.
    pub hiding: LengthHiding,
}

/// Wraps `key`: version D under an AES protection key, B under a TDES one. The
/// padding is random and hides the length of DES, TDES and AES keys.
pub fn wrap(
    kbpk: &Kbpk,
    attributes: &Attributes,
    blocks: &OptionalBlocks,
    key: &Secret,
    random: &mut dyn RandomSource,
) -> Result<String, WrapError> {
    let writing = Writing {
        version: Version::from(kbpk.writes()),
        hiding: LengthHiding::Longest,
    };
    wrap_as(writing, kbpk, attributes, blocks, key, random)
}

/// Wraps `key` into a block of that kind.
///
/// # Errors
/// [`WrapError`]
pub fn wrap_as(
    writing: Writing,
    kbpk: &Kbpk,
    attributes: &Attributes,
    blocks: &OptionalBlocks,
    key: &Secret,
    random: &mut dyn RandomSource,
) -> Result<String, WrapError> {
    let Writing { version, hiding } = writing;
    let padding = hiding.padding(version, attributes.algorithm, key.len());
    write(version, kbpk, attributes, blocks, key, padding, |place| {
        Ok(random.secret(place)?)
    })
}

/// [`wrap_as()`] with padding from the caller, for known answers.
pub fn wrap_with_padding(
    version: Version,
    kbpk: &Kbpk,
    attributes: &Attributes,
    blocks: &OptionalBlocks,
    key: &Secret,
    padding: &Secret,
) -> Result<String, WrapError> {
    let len = padding.len();
    write(version, kbpk, attributes, blocks, key, len, |place| {
        place.copy_from_slice(padding.expose());
        Ok(())
    })
}

/// The block with `padding` bytes behind the key, which `fill` writes into the
/// place where they are encrypted.
fn write(
    version: Version,
    kbpk: &Kbpk,
    attributes: &Attributes,
    blocks: &OptionalBlocks,
    key: &Secret,
    padding: usize,
    fill: impl FnOnce(&mut [u8]) -> Result<(), WrapError>,
) -> Result<String, WrapError> {
    if version.cipher() != kbpk.cipher() {
        return Err(WrapError::WrongKbpk {
            version,
            cipher: kbpk.cipher(),
        });
    }
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
    let kind: CipherKind = version.cipher();
    let keys = derive(version, kbpk.secret())?;
    let cipher = Cipher::new(kind, keys.kbek.expose())?;
    match version {
        Version::A | Version::C => {
            let (head, plain) = whole.expose_mut().split_at_mut(start);
            let iv = head.get(..8).unwrap_or_default();
            cipher.cbc_encrypt(iv, plain)?;
            variant_mac(&keys.kbak, whole.expose())
        }
        Version::B | Version::D | Version::E => {
            let mac = cmac(kind, keys.kbak.expose(), whole.expose())?;
            let plain = &mut whole.expose_mut()[start..];
            match version {
                Version::E => cipher.ctr(mac.expose(), plain)?,
                _ => cipher.cbc_encrypt(mac.expose(), plain)?,
            }
            Ok(mac)
        }
    }
}
