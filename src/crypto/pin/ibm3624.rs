//! IBM 3624: a PIN that follows from the account, and an offset for another one.
//!
//! The natural PIN is the leftmost digits of the validation data encrypted
//! under the PIN verification key, each hex digit replaced by the digit of the
//! decimalisation table. The offset is the PIN less the natural one, digit by
//! digit without carry.

use thiserror::Error;
use zeroize::Zeroizing;

use super::{Pin, PinError};
use crate::primitive::modes::{Algorithm, Cipher, ModeError};
use crate::secret::Secret;

/// Sixteen digits, one for each hex digit from 0 to F.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecimalisationTable([u8; 16]);

/// Sixteen hex digits made of an account number.
#[derive(Clone, PartialEq, Eq)]
pub struct ValidationData(Zeroizing<[u8; 8]>);

/// Why there is no PIN or no offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Ibm3624Error {
    /// Not sixteen decimal digits.
    #[error("a decimalisation table has 16 decimal digits")]
    Table,
    /// A table by which a PIN can be found by asking (as Bond and Zielinski
    /// did): fewer than eight different digits, or one more than four times.
    #[error(
        "a decimalisation table for issuing has eight different digits, none more than four times"
    )]
    PoorTable,
    /// Not sixteen hex digits.
    #[error("validation data are 16 hex digits")]
    Validation,
    /// An offset that is no digits, or of another length than the PIN.
    #[error("an offset has as many digits as its PIN, 4 to 12")]
    Offset,
    /// The PIN.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// The cipher.
    #[error(transparent)]
    Cipher(#[from] ModeError),
}

impl DecimalisationTable {
    /// From sixteen decimal digits.
    pub fn parse(text: &str) -> Result<Self, Ibm3624Error> {
        let digits = <[u8; 16]>::try_from(text.as_bytes()).map_err(|_| Ibm3624Error::Table)?;
        match digits.iter().all(u8::is_ascii_digit) {
            true => Ok(Self(digits.map(|c| c - b'0'))),
            false => Err(Ibm3624Error::Table),
        }
    }

    /// Whether PINs may be issued by it.
    pub fn check_for_issuing(&self) -> Result<(), Ibm3624Error> {
        let mut seen = [0u8; 10];
        for digit in self.0 {
            seen[usize::from(digit)] += 1;
        }
        let different = seen.iter().filter(|count| **count > 0).count();
        match different >= 8 && seen.iter().all(|count| *count <= 4) {
            true => Ok(()),
            false => Err(Ibm3624Error::PoorTable),
        }
    }

    /// The digit for four bits.
    fn digit(&self, half: u8) -> u8 {
        self.0[usize::from(half & 15)]
    }
}

impl ValidationData {
    /// From sixteen hex digits.
    pub fn parse(text: &str) -> Result<Self, Ibm3624Error> {
        let mut data = Zeroizing::new([0; 8]);
        if text.len() != 16 {
            return Err(Ibm3624Error::Validation);
        }
        for (at, c) in text.chars().enumerate() {
            let half = c.to_digit(16).ok_or(Ibm3624Error::Validation)? as u8;
            data[at / 2] |= half << (4 * (1 - at % 2));
        }
        Ok(Self(data))
    }

    /// From `digits`, of which `count` from place `from` (0 first) are taken,
    /// filled up to sixteen with the hex digit `pad`.
    pub fn of(digits: &str, from: usize, count: usize, pad: char) -> Result<Self, Ibm3624Error> {
        let part = from
            .checked_add(count)
            .and_then(|end| digits.get(from..end));
        let part = part.filter(|part| !part.is_empty() && part.len() <= 16);
        let mut text = Zeroizing::new(part.ok_or(Ibm3624Error::Validation)?.to_owned());
        while text.len() < 16 {
            text.push(pad);
        }
        Self::parse(&text)
    }
}

/// An offset: decimal digits that an issuer stores beside the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offset(Vec<u8>);

impl Offset {
    /// From 4 to 12 digits.
    pub fn parse(text: &str) -> Result<Self, Ibm3624Error> {
        let digits = text.bytes().all(|c| c.is_ascii_digit());
        match digits && (4..=12).contains(&text.len()) {
            true => Ok(Self(text.bytes().map(|c| c - b'0').collect())),
            false => Err(Ibm3624Error::Offset),
        }
    }

    /// As many zeros: what makes the natural PIN the PIN.
    #[must_use]
    pub fn none(len: usize) -> Self {
        Self(vec![0; len])
    }

    /// Its digits as text.
    #[must_use]
    pub fn digits(&self) -> String {
        self.0
            .iter()
            .map(|digit| char::from(b'0' + digit))
            .collect()
    }
}

/// The PIN of `len` digits, 4 to 12, that follows from the validation data.
/// `key` is a DES key; its length is the caller's rule.
pub fn natural_pin(
    key: &Secret,
    table: &DecimalisationTable,
    data: &ValidationData,
    len: usize,
) -> Result<Pin, Ibm3624Error> {
    if !(4..=12).contains(&len) {
        return Err(PinError::Length(len).into());
    }
    let mut block = Secret::from_fn(8, |bytes| bytes.copy_from_slice(&data.0[..]));
    Cipher::new(Algorithm::Tdes, key.expose())?.ecb_encrypt(block.expose_mut())?;
    let digits = Secret::from_fn(len, |digits| {
        for (at, digit) in digits.iter_mut().enumerate() {
            let byte = block.expose()[at / 2];
            *digit = table.digit(if at % 2 == 0 { byte >> 4 } else { byte });
        }
    });
    Ok(Pin::new(digits)?)
}

/// The offset that leads from the natural PIN to `pin`.
pub fn offset(natural: &Pin, pin: &Pin) -> Result<Offset, Ibm3624Error> {
    if natural.len() != pin.len() {
        return Err(Ibm3624Error::Offset);
    }
    let digits = pin.expose().iter().zip(natural.expose());
    Ok(Offset(
        digits.map(|(pin, own)| (10 + pin - own) % 10).collect(),
    ))
}

/// The PIN to which `offset` leads from the natural one.
pub fn pin_of(natural: &Pin, offset: &Offset) -> Result<Pin, Ibm3624Error> {
    if natural.len() != offset.0.len() {
        return Err(Ibm3624Error::Offset);
    }
    let digits = Secret::from_fn(natural.len(), |digits| {
        let from = natural.expose().iter().zip(&offset.0);
        for (to, (own, offset)) in digits.iter_mut().zip(from) {
            *to = (own + offset) % 10;
        }
    });
    Ok(Pin::new(digits)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_validation_data() {
        for bad in [
            "",
            "123456789012345",
            "12345678901234567",
            "123456789012345A",
        ] {
            assert_eq!(DecimalisationTable::parse(bad), Err(Ibm3624Error::Table));
        }
        let issuing = |text| {
            DecimalisationTable::parse(text)
                .unwrap()
                .check_for_issuing()
        };
        assert_eq!(issuing("0123456789012345"), Ok(()));
        assert_eq!(issuing("0123456700000123"), Err(Ibm3624Error::PoorTable));
        assert_eq!(issuing("0123456012345601"), Err(Ibm3624Error::PoorTable));
        let of = |from, count, pad| ValidationData::of("1122334455667788", from, count, pad);
        assert!(of(0, 16, 'F').ok() == ValidationData::parse("1122334455667788").ok());
        assert!(of(2, 14, '1').ok() == ValidationData::parse("2233445566778811").ok());
        assert!(of(0, 14, 'F').ok() == ValidationData::parse("11223344556677FF").ok());
        for (from, count, pad) in [
            (0, 17, 'F'),
            (3, 14, 'F'),
            (0, 0, 'F'),
            (0, 4, 'G'),
            (usize::MAX, 1, 'F'),
        ] {
            assert!(of(from, count, pad).is_err());
        }
        assert!(ValidationData::parse("112233445566778G").is_err());
        assert!(ValidationData::parse("11223344556677\u{e9}").is_err());
    }

    #[test]
    fn offsets_have_the_pins_length() {
        let [four, five] = [&b"1234"[..], b"12345"].map(|text| Pin::from_text(text).unwrap());
        assert_eq!(offset(&four, &five), Err(Ibm3624Error::Offset));
        assert!(pin_of(&five, &Offset::none(4)).is_err());
        for bad in ["123", "12a4", "1234567890123", ""] {
            assert_eq!(Offset::parse(bad), Err(Ibm3624Error::Offset));
        }
    }
}
