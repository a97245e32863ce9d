//! Primary account numbers (ISO/IEC 7812-1).
//!
//! A card number is no secret that a key protects, yet it is never written out
//! where a person or a log can see it: `Debug` and [`Pan::truncated`] show no
//! more than the first six and the last four digits, and the memory is wiped.

use std::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

/// A card number of 8 to 19 digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Pan(Zeroizing<String>);

/// Why a text is no card number. Never the digits themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PanError {
    /// Too short or too long.
    #[error("a card number has 8 to 19 digits, not {0}")]
    Length(usize),
    /// A character that is no digit; counted from 1.
    #[error("character {0} of the card number is no digit")]
    Digit(usize),
    /// The last digit is not that of ISO/IEC 7812-1, annex B (Luhn).
    #[error("the check digit is wrong")]
    Check,
}

impl Pan {
    /// Takes a text of digits. The check digit is asked for apart from this,
    /// in [`Pan::checked`]: numbers of tests and of some issuers have none.
    pub fn parse(text: &str) -> Result<Self, PanError> {
        if let Some(at) = text.chars().position(|c| !c.is_ascii_digit()) {
            return Err(PanError::Digit(at + 1));
        }
        match text.len() {
            8..=19 => Ok(Self(Zeroizing::new(text.to_owned()))),
            len => Err(PanError::Length(len)),
        }
    }

    /// [`Pan::parse`], and a good check digit.
    pub fn checked(text: &str) -> Result<Self, PanError> {
        let pan = Self::parse(text)?;
        match luhn(text) {
            true => Ok(pan),
            false => Err(PanError::Check),
        }
    }

    /// All digits. Every use of this word is a place to review.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// The rightmost `count` digits without the check digit, or `None` where
    /// there are fewer.
    #[must_use]
    pub fn before_check_digit(&self, count: usize) -> Option<&str> {
        let end = self.0.len() - 1;
        self.0.get(end.checked_sub(count)?..end)
    }

    /// For people: the first six and the last four digits of a number that has
    /// ten others at least between them or beyond (PCI DSS 3.4), else the last
    /// four alone.
    #[must_use]
    pub fn truncated(&self) -> String {
        let len = self.0.len();
        let shown = if len >= 13 { 6 } else { 0 };
        let (first, rest) = self.0.split_at(shown);
        let (hidden, last) = rest.split_at(rest.len() - 4);
        format!("{first}{}{last}", "*".repeat(hidden.len()))
    }
}

/// The check digit of ISO/IEC 7812-1, annex B, over a text of digits.
fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let digit = u32::from(digit - b'0');
            match at % 2 {
                0 => digit,
                _ if digit > 4 => 2 * digit - 9,
                _ => 2 * digit,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

impl fmt::Debug for Pan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pan({})", self.truncated())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_digits_and_check() {
        assert_eq!(Pan::parse("1234567"), Err(PanError::Length(7)));
        assert_eq!(Pan::parse(&"1".repeat(20)), Err(PanError::Length(20)));
        assert_eq!(Pan::parse("12345678a"), Err(PanError::Digit(9)));
        assert_eq!(Pan::parse("1234567\u{664}"), Err(PanError::Digit(8)));
        for good in [
            "4111111111111111",
            "5555555555554444",
            "378282246310005",
            "30569309025904",
        ] {
            assert!(Pan::checked(good).is_ok(), "{good}");
            let mut bad = good.to_owned();
            let last = bad.pop().unwrap();
            bad.push(if last == '9' {
                '0'
            } else {
                (last as u8 + 1) as char
            });
            assert_eq!(Pan::checked(&bad), Err(PanError::Check));
        }
    }

    #[test]
    fn no_more_than_ten_digits_are_shown() {
        let shown = |text: &str| format!("{:?}", Pan::parse(text).unwrap());
        assert_eq!(shown("4111111111111111"), "Pan(411111******1111)");
        assert_eq!(shown("4000123456789"), "Pan(400012***6789)");
        assert_eq!(shown("123456789012"), "Pan(********9012)");
        assert_eq!(shown("12345678"), "Pan(****5678)");
    }

    #[test]
    fn digits_before_the_check_digit() {
        let pan = Pan::parse("5555555551234567").unwrap();
        assert_eq!(pan.before_check_digit(12), Some("555555123456"));
        assert_eq!(pan.before_check_digit(15), Some("555555555123456"));
        assert_eq!(pan.before_check_digit(16), None);
    }
}
