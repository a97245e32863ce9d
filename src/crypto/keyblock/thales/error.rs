//! Why a Thales key block is not read, or not written.

use thiserror::Error;

use super::header::ThalesVersion;
use crate::keyblock::{BlockError, ReadError, RuleError};
use crate::primitive::modes::Algorithm as Cipher;
use crate::secret::RandomError;

/// Why a block is not read. Characters are counted from 0, without the `S`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ThalesReadError {
    /// Shorter than a header.
    #[error("{0} characters are no key block")]
    TooShort(usize),
    /// Longer than four digits can say.
    #[error("{0} characters are more than a key block can have")]
    TooLong(usize),
    /// A byte outside printable ASCII.
    #[error("character {0} is not printable ASCII")]
    NotAscii(usize),
    /// A version other than 0 and 1.
    #[error("`{0}` is no version of a Thales key block: 0 and 1 are")]
    Version(char),
    /// The length field is not four digits.
    #[error("the length field is not four digits")]
    LengthField,
    /// The length field does not say how long the block is.
    #[error("the header says {declared} characters, there are {actual}")]
    Length {
        /// What the header says.
        declared: usize,
        /// What there is, the `S` left out.
        actual: usize,
    },
    /// A field of the header with a value that no table has.
    #[error("the header's {0} has no valid value")]
    Field(&'static str),
    /// An optional block.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// The header with its optional blocks is not whole cipher blocks.
    #[error("the header has {len} characters, which are not whole blocks of {block}")]
    Alignment {
        /// Characters of the header.
        len: usize,
        /// Length of a cipher block.
        block: usize,
    },
    /// A character behind the header that is not upper-case hexadecimal.
    #[error("character {0} is not upper-case hexadecimal")]
    NotHex(usize),
    /// Encrypted data and MAC of a length that no key gives.
    #[error("{0} characters behind the header hold no key and MAC")]
    PayloadLength(usize),
    /// The protection key is for another cipher than the block's version.
    #[error("version {} is not under a key of {cipher:?}", .version.digit())]
    WrongKey {
        /// The block's version.
        version: ThalesVersion,
        /// The cipher of the key at hand.
        cipher: Cipher,
    },
    /// An AES key under TDES.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// Another protection key, a changed block, or nonsense below the
    /// encryption. Which one is not told.
    #[error("the key block does not authenticate")]
    DoesNotAuthenticate,
}

impl From<ReadError> for ThalesReadError {
    /// Of a field that both kinds of block have.
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Field(name) => Self::Field(name),
            ReadError::Block(error) => Self::Block(error),
            _ => Self::Field("attributes"),
        }
    }
}

/// Why a key is not wrapped.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ThalesWrapError {
    /// A key of a length that its algorithm does not have.
    #[error("a key of this algorithm does not have {0} bytes")]
    KeyLength(usize),
    /// A protection key of a length that its cipher does not have.
    #[error("a protection key does not have {0} bytes")]
    Protection(usize),
    /// The rule of strength.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// Padding of a length that does not complete a cipher block.
    #[error("{0} bytes of padding do not complete a block")]
    Padding(usize),
    /// More than 9999 characters.
    #[error("the key block would have {0} characters")]
    TooLong(usize),
    /// No randomness to pad with.
    #[error(transparent)]
    Random(#[from] RandomError),
}
