//! Key blocks of ANSI X9.143 and its forerunner TR-31.
//!
//! Versions A, B, C, D and E (ISO 20038) are read and written. [`wrap()`] takes no
//! version: B under TDES, D under AES. A, C and E, and padding that tells the key's
//! length, are asked for by name, [`wrap_as()`].
//!
//! | version | protection key | encryption | MAC |
//! |---|---|---|---|
//! | A, C | TDES, variants | CBC, IV = header | CBC-MAC over the ciphertext, 4 bytes |
//! | B | TDES, derived | CBC, IV = MAC | CMAC over the plaintext, 8 bytes |
//! | D | AES, derived | CBC, IV = MAC | CMAC over the plaintext, 16 bytes |
//! | E | AES, derived | CTR, counter = MAC | CMAC over the plaintext, 16 bytes |
//!
//! Beside them, the two wraps of PKCS#11: [`kwp`] and [`rsa_aes`].
//! Beside them the blocks of two makers: Thales's (`S`, see `thales`) and Atalla's
//! (AKB, see `akb`).
//!
//! What stands in clear is judged by name; whatever is wrong below the
//! encryption has one answer, [`ReadError::DoesNotAuthenticate`].
//!
//! Tolerances on reading: any amount of padding behind the key, because some
//! hosts do not hide the key's length; a key stronger than its protection key,
//! which [`Unwrapped::rule`] tells; an extended block length where a short one
//! would do; proprietary (numeric) usages, algorithms, modes and exportabilities.

mod akb;
mod blocks;
mod cbc_mac;
mod derive;
mod describe;
mod error;
mod header;
mod kbpk;
pub mod kwp;
pub mod rsa_aes;
mod standard;
mod thales;
mod unwrap;
mod wrap;

#[cfg(test)]
mod tests;

pub use akb::{Akb, AkbError, AkbFault, AkbHeader, AkbUnwrapped, akb_wrap, describe_akb};
pub use blocks::{BlockId, MAX_BLOCKS, OptionalBlock, OptionalBlocks};
pub use derive::{Derived, derive};
pub use describe::{describe, without_tag};
pub use error::{BlockError, ReadError, RuleError, WrapError};
pub use header::{
    Algorithm, Attributes, Exportability, HEADER_LEN, Header, KeyVersion, MAX_LEN, Mode, Usage,
    Version,
};
pub use kbpk::{Kbpk, Written, check_rule};
pub use thales::{
    LmkId, ThalesBlock, ThalesHeader, ThalesReadError, ThalesUnwrapped, ThalesUsage, ThalesVersion,
    ThalesWrapError, describe_cryptogram, describe_thales, thales_usage, thales_wrap,
    thales_wrap_with_padding,
};
pub use unwrap::{KeyBlock, Unwrapped, unwrap};
pub use wrap::{LengthHiding, Writing, wrap, wrap_as, wrap_with_padding};
