//! Visa's PIN verification value: four digits that an issuer stores in place of
//! a PIN.
//!
//! Eleven digits of the card number before its check digit, the index of the
//! verification key and four digits of the PIN are encrypted under that key;
//! the leftmost decimals of the result are the value.

use thiserror::Error;

use super::Pin;
use crate::card::cvv::leftmost_digits;
use crate::card::pan::Pan;
use crate::primitive::modes::{Algorithm, Cipher, ModeError};
use crate::secret::Secret;

/// Why there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PvvError {
    /// A card number of fewer than twelve digits.
    #[error("a PVV takes a card number of at least 12 digits")]
    Pan,
    /// Not one decimal digit.
    #[error("a key index is one digit")]
    Index,
    /// 0 and 7 to 9 name no key that a card may point to.
    #[error("PINs are issued under key index 1 to 6, not {0}")]
    IssuingIndex(u8),
    /// The cipher.
    #[error(transparent)]
    Cipher(#[from] ModeError),
}

/// Which verification key a card points to, one digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyIndex(u8);

impl KeyIndex {
    /// From one digit.
    pub fn parse(text: &str) -> Result<Self, PvvError> {
        match text.as_bytes() {
            [digit @ b'0'..=b'9'] => Ok(Self(digit - b'0')),
            _ => Err(PvvError::Index),
        }
    }

    /// Whether PINs may be issued under it.
    pub fn check_for_issuing(self) -> Result<(), PvvError> {
        match self.0 {
            1..=6 => Ok(()),
            other => Err(PvvError::IssuingIndex(other)),
        }
    }

    /// The digit.
    #[must_use]
    pub fn digit(self) -> u8 {
        self.0
    }
}

/// The value, four digits. Of a longer PIN the leftmost four digits count.
pub fn pvv(key: &Secret, index: KeyIndex, pan: &Pan, pin: &Pin) -> Result<String, PvvError> {
    let account = pan.before_check_digit(11).ok_or(PvvError::Pan)?;
    let mut block = Secret::from_fn(8, |bytes| {
        let account = account.bytes().map(|c| c - b'0');
        let pin = pin.expose().iter().copied().take(4);
        for (at, digit) in account.chain([index.0]).chain(pin).enumerate() {
            bytes[at / 2] |= digit << (4 * (1 - at % 2));
        }
    });
    Cipher::new(Algorithm::Tdes, key.expose())?.ecb_encrypt(block.expose_mut())?;
    let digits: [u8; 4] = leftmost_digits(block.expose());
    Ok(digits
        .iter()
        .map(|digit| char::from(b'0' + digit))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_and_short_numbers() {
        for bad in ["", "a", "10", "\u{663}"] {
            assert_eq!(KeyIndex::parse(bad), Err(PvvError::Index));
        }
        for (digit, good) in [("0", false), ("1", true), ("6", true), ("7", false)] {
            assert_eq!(
                KeyIndex::parse(digit).unwrap().check_for_issuing().is_ok(),
                good
            );
        }
        let pin = Pin::from_text(b"1234").unwrap();
        let short = Pan::parse("12345678901").unwrap();
        let one = KeyIndex::parse("1").unwrap();
        assert_eq!(
            pvv(&Secret::zeroed(16), one, &short, &pin),
            Err(PvvError::Pan)
        );
        let long = Pan::parse("123456789012").unwrap();
        assert!(pvv(&Secret::zeroed(15), one, &long, &pin).is_err());
        assert!(pvv(&Secret::zeroed(16), one, &long, &pin).is_ok());
    }
}
