//! Thales key blocks, the scheme `S` of a payShield.
//!
//! They look like TR-31 and are not: the same header but for the number of the
//! LMK in its last two characters, and another cipher behind it.
//!
//! | version | protection key | keys of the block | encryption | MAC |
//! |---|---|---|---|---|
//! | 0 | TDES | variants `45`, `4D` | CBC, IV = first 8 characters | CBC-MAC over header and ciphertext, 4 bytes |
//! | 1 | AES | derived as X9.143 D | CBC, IV = first 16 characters | CMAC over header and ciphertext, 8 bytes |
//!
//! Proven by published blocks: version 0 under two and three parts, version 1
//! under AES-256. Under shorter AES keys, and with optional blocks, nothing
//! published is known; those are read by the same rules, and what is written has
//! no optional blocks. The padding is what completes a cipher block, as a
//! payShield writes it: the block's length tells the key's.
//!
//! - `header`: the sixteen characters and what follows
//! - `usage`: Thales's own table of key usages
//! - `block`: reading and opening; `wrap`: writing

mod block;
mod describe;
mod error;
mod header;
mod usage;
mod wrap;

#[cfg(test)]
mod tests;

pub use block::{ThalesBlock, ThalesUnwrapped};
pub use describe::{describe_cryptogram, describe_thales};
pub use error::{ThalesReadError, ThalesWrapError};
pub use header::{LmkId, ThalesHeader, ThalesVersion};
pub use usage::{ThalesUsage, thales_usage};
pub use wrap::{thales_wrap, thales_wrap_with_padding};
