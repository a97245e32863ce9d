//! The PIN itself.

use thiserror::Error;

use crate::secret::Secret;

/// A PIN of 4 to 12 digits (ISO 9564-1, 8.1), one byte of 0 to 9 each, in
/// locked memory.
///
/// ```compile_fail
/// fn show(pin: &conclave_crypto::pin::Pin) { println!("{pin:?}"); } // no Debug
/// ```
pub struct Pin(Secret);

/// Why digits are no PIN. Never the digits, nor where among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PinError {
    /// Too short or too long.
    #[error("a PIN has 4 to 12 digits, not {0}")]
    Length(usize),
    /// Something else than digits.
    #[error("a PIN has digits only")]
    Digit,
}

impl Pin {
    /// From bytes of 0 to 9.
    pub fn new(digits: Secret) -> Result<Self, PinError> {
        if !(4..=12).contains(&digits.len()) {
            return Err(PinError::Length(digits.len()));
        }
        match digits.expose().iter().all(|digit| *digit < 10) {
            true => Ok(Self(digits)),
            false => Err(PinError::Digit),
        }
    }

    /// From digits as text.
    pub fn from_text(text: &[u8]) -> Result<Self, PinError> {
        let shift = |digits: &mut [u8]| {
            for (to, from) in digits.iter_mut().zip(text) {
                *to = from.wrapping_sub(b'0');
            }
        };
        Self::new(Secret::from_fn(text.len(), shift))
    }

    /// The digits as text, for the one who prints them. Every use of this word
    /// is a place to review.
    #[must_use]
    pub fn text(&self) -> Secret {
        Secret::from_fn(self.len(), |text| {
            for (to, from) in text.iter_mut().zip(self.expose()) {
                *to = b'0' + from;
            }
        })
    }

    /// The digits, 0 to 9. Every use of this word is a place to review.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    /// How many digits, 4 to 12. Not a secret.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // no PIN is empty
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Compares in time that depends on the lengths alone.
    #[must_use]
    pub fn ct_eq(&self, other: &Pin) -> bool {
        self.0.ct_eq(other.expose())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_digits() {
        for len in [0, 3, 13] {
            let pin = Pin::from_text(&vec![b'1'; len]).err();
            assert_eq!(pin, Some(PinError::Length(len)));
        }
        for bad in [&b"12a4"[..], b"123/", b"12:4", b" 123", b"\xB1234"] {
            assert_eq!(Pin::from_text(bad).err(), Some(PinError::Digit));
        }
        for good in [&b"0000"[..], b"9876543210", b"123456789012"] {
            let pin = Pin::from_text(good).unwrap();
            assert!(pin.text().ct_eq(good));
            assert_eq!(pin.len(), good.len());
        }
        let [a, b, c] = [&b"1234"[..], b"1234", b"1235"].map(|t| Pin::from_text(t).unwrap());
        assert!(a.ct_eq(&b) && !a.ct_eq(&c));
    }
}
