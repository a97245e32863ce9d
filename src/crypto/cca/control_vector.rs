//! Control vectors of DES keys: eight bytes for each half of a key.
//!
//! Bits are counted from 0, the highest bit of the first byte. Every byte has
//! even parity; bit 30 is 0 and bit 38 is 1, so that no vector is another's
//! complement (ICSF Application Programmer's Guide, "Control vectors").

use std::fmt;

use thiserror::Error;

use super::key_type::{DEFAULTS, KeyType};

/// Bytes of one half.
pub const HALF: usize = 8;

/// Which part of a key a half of a control vector is for: bits 40 to 42.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyForm {
    /// A key of eight bytes.
    Single,
    /// The left half of sixteen.
    Left,
    /// The right half of sixteen.
    Right,
    /// The left half, which differs from the right one.
    LeftUnique,
    /// The right half, which differs from the left one.
    RightUnique,
    /// A key of 24 bytes.
    Triple,
    /// A key of 24 bytes whose parts differ.
    TripleUnique,
}

impl KeyForm {
    fn of(half: &[u8; HALF]) -> Option<Self> {
        Some(match half[5] >> 5 {
            0b000 => Self::Single,
            0b010 => Self::Left,
            0b001 => Self::Right,
            0b110 => Self::LeftUnique,
            0b101 => Self::RightUnique,
            0b011 => Self::Triple,
            0b111 => Self::TripleUnique,
            _ => return None,
        })
    }
}

/// Why a control vector is refused. Bytes and bits are counted from 0; those of
/// the right half go on from the left one's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CvError {
    /// No such key type.
    #[error("{0:?} is no key type with a default control vector")]
    Type(String),
    /// The type has no default for this length.
    #[error("{name} has no default control vector for {len} bytes; it has one for {has}")]
    NoLength {
        /// The key type.
        name: &'static str,
        /// Bytes asked for.
        len: usize,
        /// Lengths that there are.
        has: &'static str,
    },
    /// Not 8, 16 or 24 bytes.
    #[error("a DES key has 8, 16 or 24 bytes, not {0}")]
    KeyLength(usize),
    /// A text that is not 16 or 32 hex digits.
    #[error("a control vector has 16 or 32 hex digits")]
    Text,
    /// A byte of odd parity.
    #[error("byte {0} of the control vector has odd parity")]
    Parity(usize),
    /// Bit 30 or 38, or its like in the right half.
    #[error("bit {0} of the control vector has not its fixed value")]
    Fixed(usize),
    /// A reserved bit that is set.
    #[error("bit {0} of the control vector is reserved and set")]
    Reserved(usize),
    /// Bits 8 to 14 name no type.
    #[error("the control vector's main type and subtype (bits 8 to 14) are not known")]
    Kind,
    /// Bits 40 to 42 are not those of a key of this length.
    #[error("the control vector's key form (bits 40 to 42) is not one of {0} bytes")]
    Form(usize),
    /// The halves differ in more than their form.
    #[error("the halves of the control vector differ in byte {0}, which is not their key form")]
    Halves(usize),
    /// Bit 44: parts of the key are still to come.
    #[error("the control vector is that of an incomplete key (bit 44, KEY-PART)")]
    KeyPart,
}

/// A control vector: left and right half, as a token has them at 32 and 40.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ControlVector {
    /// Of a single key, the left half, or a key of three parts.
    pub left: [u8; HALF],
    /// Of the right half, or of a key of three parts; zero for a single key.
    pub right: [u8; HALF],
}

/// Bits that are set in no control vector of the guide's base map, beside the
/// ones that have a meaning there. Documented as a map of pictures: likely, not
/// sure, which is why they are refused only where a person writes one.
const RESERVED: [std::ops::RangeInclusive<usize>; 7] =
    [6..=6, 16..=16, 24..=29, 32..=36, 43..=43, 45..=46, 48..=55];

fn bit(half: &[u8; HALF], at: usize) -> bool {
    half.get(at / 8)
        .is_some_and(|byte| byte & (0x80 >> (at % 8)) != 0)
}

impl ControlVector {
    /// No control vector: the old form of a DATA key.
    pub const ZERO: Self = Self {
        left: [0; HALF],
        right: [0; HALF],
    };

    /// Reads 16 hex digits (a single key's) or 32, as people write them: spaces
    /// and small letters are taken.
    ///
    /// # Errors
    /// [`CvError::Text`]; the rules are asked by [`Self::check`].
    pub fn parse(text: &str) -> Result<Self, CvError> {
        let mut nibbles = Vec::with_capacity(32);
        for c in text.chars().filter(|c| *c != ' ') {
            if nibbles.len() == 32 {
                return Err(CvError::Text);
            }
            let digit = c.to_digit(16).ok_or(CvError::Text)?;
            nibbles.push(u8::try_from(digit).unwrap_or_default());
        }
        if !matches!(nibbles.len(), 16 | 32) {
            return Err(CvError::Text);
        }
        let mut both = [0; 2 * HALF];
        for (byte, pair) in both.iter_mut().zip(nibbles.chunks_exact(2)) {
            if let [high, low] = pair {
                *byte = high << 4 | low;
            }
        }
        let [left, right] = [0, HALF].map(|from| {
            let mut half = [0; HALF];
            half.iter_mut()
                .zip(both.iter().skip(from))
                .for_each(|(to, byte)| *to = *byte);
            half
        });
        Ok(Self { left, right })
    }

    /// TRUE where all is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    /// What part `part` of a key (from 0) is wrapped with. The third part of a
    /// key of 24 bytes takes the left half, which is its right one's equal.
    #[must_use]
    pub fn of_part(&self, part: usize) -> &[u8; HALF] {
        if part == 1 { &self.right } else { &self.left }
    }

    /// The length of key that it says, in bytes; nothing for a zero vector, and
    /// where left and right half do not go together.
    #[must_use]
    pub fn key_len(&self) -> Option<usize> {
        let right = KeyForm::of(&self.right);
        match KeyForm::of(&self.left)? {
            KeyForm::Single if !self.is_zero() && self.right == [0; HALF] => Some(8),
            KeyForm::Left if right == Some(KeyForm::Right) => Some(16),
            KeyForm::LeftUnique if right == Some(KeyForm::RightUnique) => Some(16),
            KeyForm::Triple | KeyForm::TripleUnique if self.left == self.right => Some(24),
            _ => None,
        }
    }

    /// TRUE where the halves of a key are guaranteed to differ.
    #[must_use]
    pub fn is_unique(&self) -> bool {
        matches!(
            KeyForm::of(&self.left),
            Some(KeyForm::LeftUnique | KeyForm::TripleUnique)
        )
    }

    /// TRUE where the key may leave the system it is brought to (bit 17).
    #[must_use]
    pub fn may_be_exported(&self) -> bool {
        bit(&self.left, 17)
    }

    /// TRUE where only the enhanced wrapping is allowed (bit 56, ENH-ONLY):
    /// such a key does not go into a token by ECB.
    #[must_use]
    pub fn wants_enhanced(&self) -> bool {
        bit(&self.left, 56)
    }

    /// TRUE where parts of the key are still to come (bit 44).
    #[must_use]
    pub fn is_key_part(&self) -> bool {
        bit(&self.left, 44)
    }

    /// The same, and the key may not leave again: bit 17, and bit 23 for parity.
    #[must_use]
    pub fn without_export(mut self) -> Self {
        for half in [&mut self.left, &mut self.right] {
            if bit(half, 17) {
                half[2] ^= 0x41;
            }
        }
        self
    }

    /// The key type, by main type, subtype and usage; whether the key may be
    /// exported again does not count. `ZERO-CV` for all zero.
    #[must_use]
    pub fn key_type(&self) -> Option<&'static KeyType> {
        let masked = |byte: u8| byte & 0x3E;
        DEFAULTS.iter().find(|row| match row.is_zero() {
            true => self.is_zero(),
            false => row.base[1] == self.left[1] && masked(row.base[2]) == masked(self.left[2]),
        })
    }

    /// The rules that every control vector of a key of `len` bytes keeps.
    ///
    /// # Errors
    /// [`CvError`]
    pub fn check(&self, len: usize) -> Result<(), CvError> {
        if !matches!(len, 8 | 16 | 24) {
            return Err(CvError::KeyLength(len));
        }
        if self.is_zero() {
            return Ok(());
        }
        let halves: &[&[u8; HALF]] = if len == 8 {
            &[&self.left]
        } else {
            &[&self.left, &self.right]
        };
        for (n, half) in halves.iter().enumerate() {
            if let Some(at) = half.iter().position(|byte| byte.count_ones() % 2 == 1) {
                return Err(CvError::Parity(n * HALF + at));
            }
            if bit(half, 30) {
                return Err(CvError::Fixed(64 * n + 30));
            }
            if !bit(half, 38) {
                return Err(CvError::Fixed(64 * n + 38));
            }
        }
        if self.key_len() != Some(len) {
            return Err(CvError::Form(len));
        }
        let differs = (0..HALF).find(|at| *at != 5 && self.left.get(*at) != self.right.get(*at));
        if let Some(at) = differs.filter(|_| len != 8) {
            return Err(CvError::Halves(at));
        }
        if self.is_key_part() {
            return Err(CvError::KeyPart);
        }
        let known = match (self.left[1] >> 4, self.left[1] >> 1 & 0b111) {
            (0b0000, sub) => matches!(sub, 0b000 | 0b001 | 0b010 | 0b101 | 0b110),
            (0b0010, sub) => matches!(sub, 0b000..=0b010),
            (0b0011, sub) => sub == 0b111,
            (0b0100, sub) => matches!(sub, 0b000 | 0b001),
            // KEYGENKY is 0101 0011; a DKYGENKY's subtype is its level.
            (0b0101, sub) => sub == 0b001,
            (0b0111, _) => true,
            _ => false,
        };
        if known { Ok(()) } else { Err(CvError::Kind) }
    }

    /// [`Self::check`], and no reserved bit is set: what a control vector that a
    /// person writes has to keep.
    ///
    /// # Errors
    /// [`CvError`]
    pub fn check_strictly(&self, len: usize) -> Result<(), CvError> {
        self.check(len)?;
        for (n, half) in [&self.left, &self.right].into_iter().enumerate() {
            let set = RESERVED.into_iter().flatten().find(|at| bit(half, *at));
            if let Some(at) = set {
                return Err(CvError::Reserved(64 * n + at));
            }
        }
        Ok(())
    }
}

impl fmt::Display for ControlVector {
    /// `00417D0003410000 00417D0003210000`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.left
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02X}"))?;
        f.write_str(" ")?;
        self.right
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

#[cfg(test)]
#[path = "control_vector_tests.rs"]
mod tests;
