//! A PIN block under one key made into another format, or under another key
//! (ISO 9564-1, 9.4).
//!
//! The PIN is clear for one moment in locked memory and is never given back.
//! A block that is bound to a card number must not become one that is not:
//! then any PIN could be asked after under any card (ISO 9564-1, annex B).

use thiserror::Error;

use super::Pin;
use super::block::{BlockError, Fill, Format, With, decipher, encipher};
use super::iso4;
use crate::card::pan::Pan;
use crate::secret::{RandomSource, Secret};

/// A block's format, with its cipher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Enciphered {
    /// Eight bytes under a DES key.
    Tdes(Format),
    /// ISO 9564-1 format 4, sixteen bytes under an AES key.
    Iso4,
}

/// Why there is no new block.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TranslateError {
    /// From a format that is bound to the card number into one that is not.
    #[error("a PIN block that is bound to a card number stays bound to it")]
    Unbound,
    /// One of the blocks.
    #[error(transparent)]
    Block(#[from] BlockError),
}

impl Enciphered {
    /// Whether it is bound to a card number.
    #[must_use]
    pub fn takes_pan(self) -> bool {
        match self {
            Self::Tdes(format) => format.takes_pan(),
            Self::Iso4 => true,
        }
    }

    /// Length in bytes.
    #[must_use]
    pub fn block_len(self) -> usize {
        match self {
            Self::Tdes(_) => 8,
            Self::Iso4 => 16,
        }
    }

    /// The PIN in `block` under `key`.
    pub fn open(self, key: &Secret, block: &[u8], pan: Option<&Pan>) -> Result<Pin, BlockError> {
        match self {
            Self::Tdes(format) => format.decode(&decipher(key, block)?, pan),
            Self::Iso4 => iso4::decipher(key, block, pan.ok_or(BlockError::Pan)?),
        }
    }

    /// `pin` under `key`, with new random fill where the format has one.
    pub fn close(
        self,
        key: &Secret,
        pin: &Pin,
        pan: Option<&Pan>,
        random: &mut dyn RandomSource,
    ) -> Result<Vec<u8>, BlockError> {
        match self {
            Self::Tdes(format) => {
                let fill = Fill::Drawn(random);
                let block = format.encode(pin, With { pan, fill })?;
                Ok(encipher(key, &block)?.to_vec())
            }
            Self::Iso4 => {
                let fill = random.secret_bytes(8)?;
                let pan = pan.ok_or(BlockError::Pan)?;
                Ok(iso4::encipher(key, pin, pan, &fill)?.to_vec())
            }
        }
    }
}

/// The PIN of `block` in format `to` under `to_key`, for the same card.
pub fn translate(
    (from, from_key): (Enciphered, &Secret),
    block: &[u8],
    (to, to_key): (Enciphered, &Secret),
    pan: Option<&Pan>,
    random: &mut dyn RandomSource,
) -> Result<Vec<u8>, TranslateError> {
    if from.takes_pan() && !to.takes_pan() {
        return Err(TranslateError::Unbound);
    }
    let pin = from.open(from_key, block, pan)?;
    Ok(to.close(to_key, &pin, pan, random)?)
}
