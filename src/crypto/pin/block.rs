//! Clear PIN blocks of eight bytes: ISO 9564-1 formats 0 to 3, and three older
//! ones that payShield still knows.
//!
//! A block holds a PIN and so is a secret. It is encrypted in one piece (ECB)
//! under a PIN key; [`encipher`] and [`decipher`] do that.

use thiserror::Error;

use super::{Pin, PinError};
use crate::card::pan::Pan;
use crate::primitive::modes::{Algorithm, Cipher, ModeError};
use crate::secret::{RandomError, RandomExt, RandomSource, Secret};

/// How a PIN lies in eight bytes. The numbers are payShield's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// ISO 9564-1 format 0, ANSI X9.8, Visa 1; payShield 01. Bound to a card
    /// number.
    Iso0,
    /// ISO 9564-1 format 1; payShield 05. Random fill, bound to nothing.
    Iso1,
    /// ISO 9564-1 format 2, between terminal and chip; payShield 34.
    Iso2,
    /// ISO 9564-1 format 3; payShield 47. As format 0 with a random fill.
    Iso3,
    /// PIN of up to six digits and nine digits of anything; payShield 02.
    Docutel,
    /// PIN and a fill of F; payShield 03 (Diebold, IBM).
    Diebold,
    /// As format 0 with the leftmost twelve digits of the card number;
    /// payShield 04.
    Plus,
}

/// What a block is made with beside the PIN.
pub struct With<'a> {
    /// The card number, for formats that are bound to it.
    pub pan: Option<&'a Pan>,
    /// Fill for formats that have a random one.
    pub fill: Fill<'a>,
}

/// Where the fill comes from.
pub enum Fill<'a> {
    /// Drawn. What the product does.
    Drawn(&'a mut dyn RandomSource),
    /// Given, one half byte each: for values that were published.
    Given(&'a [u8]),
}

/// Why there is no block, or no PIN in one. Nothing here tells what was in it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BlockError {
    /// A format that is bound to a card number, without one.
    #[error("this PIN block needs a card number of at least 13 digits")]
    Pan,
    /// Not eight (sixteen) bytes.
    #[error("a PIN block of this format has {want} bytes, not {found}")]
    Length {
        /// Bytes of the format.
        want: usize,
        /// Bytes given.
        found: usize,
    },
    /// Control field, length, digits or fill are not those of the format: an
    /// other format, key or card number.
    #[error("this is no PIN block of that format under that key for that card")]
    Content,
    /// Too few half bytes, or such as the format does not have.
    #[error("the fill is not one of the format")]
    Fill,
    /// The PIN is longer than the format holds.
    #[error("a PIN block of this format holds {0} digits at most")]
    TooLong(usize),
    /// The PIN.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// The random source.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The cipher.
    #[error(transparent)]
    Cipher(#[from] ModeError),
}

/// Half bytes of one block, in locked memory.
pub(super) fn halves_of(block: &[u8]) -> Secret {
    Secret::from_fn(2 * block.len(), |halves| {
        for (pair, byte) in halves.chunks_exact_mut(2).zip(block) {
            pair[0] = byte >> 4;
            pair[1] = byte & 15;
        }
    })
}

pub(super) fn bytes_of(halves: &Secret) -> Secret {
    Secret::from_fn(halves.len() / 2, |bytes| {
        for (byte, pair) in bytes.iter_mut().zip(halves.expose().chunks_exact(2)) {
            *byte = pair[0] << 4 | pair[1];
        }
    })
}

impl Fill<'_> {
    /// Half bytes from `least` on and below `end`.
    fn take(&mut self, halves: &mut [u8], least: u8, end: u8) -> Result<(), BlockError> {
        match self {
            Self::Drawn(random) => {
                for half in halves {
                    *half = least + random.secret_below(u32::from(end - least))? as u8;
                }
            }
            Self::Given(given) => {
                let given = given.get(..halves.len()).ok_or(BlockError::Fill)?;
                if given.iter().any(|half| !(least..end).contains(half)) {
                    return Err(BlockError::Fill);
                }
                halves.copy_from_slice(given);
            }
        }
        Ok(())
    }
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 7] = [
        Self::Iso0,
        Self::Iso1,
        Self::Iso2,
        Self::Iso3,
        Self::Docutel,
        Self::Diebold,
        Self::Plus,
    ];

    /// payShield's number for it.
    #[must_use]
    pub fn thales(self) -> &'static str {
        match self {
            Self::Iso0 => "01",
            Self::Docutel => "02",
            Self::Diebold => "03",
            Self::Plus => "04",
            Self::Iso1 => "05",
            Self::Iso2 => "34",
            Self::Iso3 => "47",
        }
    }

    /// Whether it is bound to a card number.
    #[must_use]
    pub fn takes_pan(self) -> bool {
        matches!(self, Self::Iso0 | Self::Iso3 | Self::Plus)
    }

    /// Whether its fill is random.
    #[must_use]
    pub fn has_random_fill(self) -> bool {
        matches!(self, Self::Iso1 | Self::Iso3)
    }

    /// Control field and smallest fill of the four formats of ISO 9564-1.
    fn iso(self) -> Option<(u8, u8)> {
        match self {
            Self::Iso0 | Self::Plus => Some((0, 15)),
            Self::Iso1 => Some((1, 0)),
            Self::Iso2 => Some((2, 15)),
            Self::Iso3 => Some((3, 10)),
            Self::Docutel | Self::Diebold => None,
        }
    }

    /// Adds (XOR) the card number's field, of which the first four half bytes
    /// are zero.
    fn bind(self, halves: &mut [u8], pan: Option<&Pan>) -> Result<(), BlockError> {
        if !self.takes_pan() {
            return Ok(());
        }
        let pan = pan.ok_or(BlockError::Pan)?;
        let account = match self {
            Self::Plus => pan.digits().get(..12),
            _ => pan.before_check_digit(12),
        };
        let account = account.ok_or(BlockError::Pan)?;
        for (half, digit) in halves[4..].iter_mut().zip(account.bytes()) {
            *half ^= digit - b'0';
        }
        Ok(())
    }

    /// The clear block, 8 bytes.
    pub fn encode(self, pin: &Pin, with: With<'_>) -> Result<Secret, BlockError> {
        let With { pan, mut fill } = with;
        let mut block = Secret::zeroed(16);
        let halves = block.expose_mut();
        let (digits, len) = (pin.expose(), pin.len());
        match self.iso() {
            Some((control, least)) => {
                halves[0] = control;
                halves[1] = len as u8;
                halves[2..2 + len].copy_from_slice(digits);
                match least {
                    15 => halves[2 + len..].fill(15),
                    least => fill.take(&mut halves[2 + len..], least, 16)?,
                }
            }
            None if self == Self::Diebold => {
                halves.fill(15);
                halves[..len].copy_from_slice(digits);
            }
            None => {
                if len > 6 {
                    return Err(BlockError::TooLong(6));
                }
                halves[0] = len as u8;
                halves[1..1 + len].copy_from_slice(digits);
                fill.take(&mut halves[7..], 0, 10)?;
            }
        }
        self.bind(halves, pan)?;
        Ok(bytes_of(&block))
    }

    /// The PIN in a clear block of 8 bytes.
    pub fn decode(self, block: &Secret, pan: Option<&Pan>) -> Result<Pin, BlockError> {
        if block.len() != 8 {
            let found = block.len();
            return Err(BlockError::Length { want: 8, found });
        }
        let mut halves = halves_of(block.expose());
        self.bind(halves.expose_mut(), pan)?;
        let halves = halves.expose();
        let (from, len, good) = match self.iso() {
            Some((control, least)) => {
                let len = usize::from(halves[1]);
                let fill = halves.get(2 + len..).unwrap_or_default();
                let good = fill.iter().all(|half| *half >= least);
                (2, len, halves[0] == control && good)
            }
            None if self == Self::Diebold => {
                let len = halves.iter().take_while(|half| **half != 15).count();
                (0, len, halves[len..].iter().all(|half| *half == 15))
            }
            None => {
                let len = usize::from(halves[0]);
                let fill = halves.get(1 + len..7).unwrap_or_default();
                let anything = halves[7..].iter().all(|half| *half < 10);
                (
                    1,
                    len,
                    len <= 6 && anything && fill.iter().all(|half| *half == 0),
                )
            }
        };
        if !good || !(4..=12).contains(&len) {
            return Err(BlockError::Content);
        }
        let digits = Secret::from_fn(len, |digits| {
            digits.copy_from_slice(&halves[from..from + len]);
        });
        Pin::new(digits).map_err(|_| BlockError::Content)
    }
}

/// A clear block under a DES key of 8, 16 or 24 bytes: 8 bytes.
pub fn encipher(key: &Secret, block: &Secret) -> Result<[u8; 8], BlockError> {
    let mut bytes = [0; 8];
    if block.len() != 8 {
        let found = block.len();
        return Err(BlockError::Length { want: 8, found });
    }
    let mut work = block.duplicate();
    Cipher::new(Algorithm::Tdes, key.expose())?.ecb_encrypt(work.expose_mut())?;
    bytes.copy_from_slice(work.expose());
    Ok(bytes)
}

/// Inverse of [`encipher`]. Any eight bytes give a block; whether there is a
/// PIN in it, [`Format::decode`] says.
pub fn decipher(key: &Secret, enciphered: &[u8]) -> Result<Secret, BlockError> {
    if enciphered.len() != 8 {
        let found = enciphered.len();
        return Err(BlockError::Length { want: 8, found });
    }
    let mut block = Secret::from_fn(8, |bytes| bytes.copy_from_slice(enciphered));
    Cipher::new(Algorithm::Tdes, key.expose())?.ecb_decrypt(block.expose_mut())?;
    Ok(block)
}

#[cfg(test)]
#[path = "block_tests.rs"]
mod tests;
