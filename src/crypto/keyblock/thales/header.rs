//! The header: sixteen characters, then optional blocks (payShield manual,
//! clause 8.5).

use std::fmt;

use super::error::ThalesReadError;
use crate::keyblock::blocks::{self, OptionalBlocks};
use crate::keyblock::header::{Attributes, HEADER_LEN, Version};
use crate::primitive::modes::Algorithm as Cipher;

/// How a block is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ThalesVersion {
    /// `0`: under TDES.
    Tdes,
    /// `1`: under AES.
    Aes,
}

impl ThalesVersion {
    /// From its digit.
    #[must_use]
    pub const fn from_char(digit: char) -> Option<Self> {
        match digit {
            '0' => Some(Self::Tdes),
            '1' => Some(Self::Aes),
            _ => None,
        }
    }

    /// The version that a protection key of this cipher writes.
    #[must_use]
    pub const fn of(cipher: Cipher) -> Self {
        match cipher {
            Cipher::Tdes => Self::Tdes,
            Cipher::Aes => Self::Aes,
        }
    }

    /// Its digit.
    #[must_use]
    pub const fn digit(self) -> char {
        match self {
            Self::Tdes => '0',
            Self::Aes => '1',
        }
    }

    /// The cipher of the protection key.
    #[must_use]
    pub const fn cipher(self) -> Cipher {
        match self {
            Self::Tdes => Cipher::Tdes,
            Self::Aes => Cipher::Aes,
        }
    }

    /// Bytes of the MAC.
    #[must_use]
    pub const fn mac_len(self) -> usize {
        match self {
            Self::Tdes => 4,
            Self::Aes => 8,
        }
    }

    /// The version of X9.143 whose two keys are made the same way.
    pub(super) const fn derives_as(self) -> Version {
        match self {
            Self::Tdes => Version::A,
            Self::Aes => Version::D,
        }
    }
}

/// The number of the LMK under which the block is; `FF` under any other key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LmkId([u8; 2]);

impl LmkId {
    /// No LMK of the reader's: the block is under a key that two share.
    pub const EXPORT: Self = Self(*b"FF");

    /// From two digits, or `FF`.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let two: [u8; 2] = text.as_bytes().try_into().ok()?;
        (two == *b"FF" || two.iter().all(u8::is_ascii_digit)).then_some(Self(two))
    }
}

impl fmt::Display for LmkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", char::from(self.0[0]), char::from(self.0[1]))
    }
}

/// A header as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThalesHeader {
    /// How the block is protected.
    pub version: ThalesVersion,
    /// What it says of the key; usages may be Thales's own numbers.
    pub attributes: Attributes,
    /// The optional blocks in their order, the padding block left out.
    pub blocks: OptionalBlocks,
    /// Which LMK.
    pub lmk: LmkId,
}

impl ThalesHeader {
    /// Parses the head of a whole block without its `S`; gives the header and
    /// how many characters it has.
    pub(super) fn parse(block: &str) -> Result<(Self, usize), ThalesReadError> {
        let first = block.chars().next().unwrap_or_default();
        let version = ThalesVersion::from_char(first).ok_or(ThalesReadError::Version(first))?;
        let digits = |range| -> Option<usize> {
            let text: &str = block.get(range)?;
            text.bytes()
                .all(|b| b.is_ascii_digit())
                .then(|| text.parse().ok())?
        };
        let declared = digits(1..5).ok_or(ThalesReadError::LengthField)?;
        let actual = block.len();
        if declared != actual {
            return Err(ThalesReadError::Length { declared, actual });
        }
        let attributes = Attributes::parse(block.get(5..12).unwrap_or_default())?;
        let count = digits(12..14).ok_or(ThalesReadError::Field("number of optional blocks"))?;
        let lmk = block.get(14..HEADER_LEN).and_then(LmkId::new);
        let lmk = lmk.ok_or(ThalesReadError::Field("LMK identifier"))?;
        let rest = block.get(HEADER_LEN..).unwrap_or_default();
        let (blocks, used) = blocks::parse(rest, count)?;
        let len = HEADER_LEN + used;
        let align = version.cipher().block_len();
        if !len.is_multiple_of(align) {
            return Err(ThalesReadError::Alignment { len, block: align });
        }
        let header = Self {
            version,
            attributes,
            blocks,
            lmk,
        };
        Ok((header, len))
    }
}
