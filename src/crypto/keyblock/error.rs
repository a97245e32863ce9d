//! Why a key block is not read, or not written.

use thiserror::Error;

use super::blocks::BlockId;
use super::header::Version;
use crate::primitive::modes::Algorithm as Cipher;
use crate::secret::RandomError;

/// What is wrong with an optional block. Blocks are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BlockError {
    /// The text ends inside the block.
    #[error("optional block {0} is cut off")]
    Truncated(usize),
    /// An identifier that is not two upper-case letters or digits.
    #[error("optional block {0} has no valid identifier")]
    Id(usize),
    /// A length that is not upper-case hexadecimal, or too small to hold the
    /// block's own head.
    #[error("optional block {0} has no valid length")]
    Length(usize),
    /// Data that is not printable ASCII (20 to 7E).
    #[error("optional block {0} holds what is not printable ASCII")]
    Data(usize),
    /// An identifier that was there before.
    #[error("optional block {0} is there twice")]
    Duplicate(BlockId),
    /// A PB block that is not the last one, or that the caller brought along.
    #[error("the padding block is not the last, or not ours to make")]
    Padding,
    /// A block that X9.143 defines, with data of another form.
    #[error("optional block {id}: {why}")]
    Form {
        /// Which.
        id: BlockId,
        /// What its data are not.
        why: &'static str,
    },
    /// More than 99 blocks, or more characters than a key block can have.
    #[error("too many or too long optional blocks")]
    TooMany,
}

/// Why a key block is not read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReadError {
    /// Shorter than a header.
    #[error("{0} characters are no key block")]
    TooShort(usize),
    /// Longer than four digits can say.
    #[error("{0} characters are more than a key block can have")]
    TooLong(usize),
    /// A byte outside printable ASCII.
    #[error("character {0} is not printable ASCII")]
    NotAscii(usize),
    /// A version other than A to E.
    #[error("key block version `{0}` is not known")]
    Version(char),
    /// The length field is not four digits.
    #[error("the length field is not four digits")]
    LengthField,
    /// The length field does not say how long the block is.
    #[error("the header says {declared} characters, there are {actual}")]
    Length {
        /// What the header says.
        declared: usize,
        /// What there is.
        actual: usize,
    },
    /// A field of the header with a value that X9.143 does not know.
    #[error("the header's {0} has no valid value")]
    Field(&'static str),
    /// Characters 14 and 15 are not `00`.
    #[error("the reserved characters are not 00")]
    Reserved,
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
    #[error("version {version:?} is not protected by a key of {cipher:?}")]
    WrongKbpk {
        /// The block's version.
        version: Version,
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

/// What may wrap what (R6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RuleError {
    /// TDES cannot carry an AES key's strength.
    #[error("an AES key is not wrapped under a TDES key")]
    AesUnderTdes,
    /// The protection key is weaker than the key.
    #[error("the protection key has {kbpk} bits of strength, the key {key}")]
    WeakerKbpk {
        /// Strength of the protection key in bits.
        kbpk: u16,
        /// Strength of the key in bits.
        key: u16,
    },
}

/// Why a key is not wrapped.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WrapError {
    /// A protection key of a length that its cipher does not have; single DES
    /// protects nothing.
    #[error("a {cipher:?} protection key does not have {len} bytes")]
    KbpkLength {
        /// The cipher.
        cipher: Cipher,
        /// Bytes given.
        len: usize,
    },
    /// A protection key for another cipher than the version's.
    #[error("version {version:?} is not written under a key of {cipher:?}")]
    WrongKbpk {
        /// The version that was asked for.
        version: Version,
        /// The cipher of the key at hand.
        cipher: Cipher,
    },
    /// A key of a length that its algorithm does not have.
    #[error("a key of this algorithm does not have {0} bytes")]
    KeyLength(usize),
    /// The rule of strength.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The optional blocks.
    #[error(transparent)]
    Block(#[from] BlockError),
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
