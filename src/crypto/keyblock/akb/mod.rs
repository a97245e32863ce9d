//! Atalla key blocks (AKB): `HHHHHHHH,<48 digits>,<16 digits>`.
//!
//! Eight characters of header, the key in 24 bytes, a MAC of eight. The key is
//! encrypted under the wrapping key with `45` added to each byte, TDES in CBC with
//! the header as initialisation vector; the MAC is a CBC-MAC under the wrapping
//! key with `4D` added, over header and ciphertext, not cut. A key of one part is
//! filled up with `S` (53), one of two with `D` (44), one of three not at all.
//!
//! Proven by published blocks: one and two parts under an MFK of three. That a
//! block under a KEK is made the same way is documented, not published.
//!
//! - `header`: the eight characters by the vendor's tables
//! - `block`: reading, opening and writing

mod block;
mod describe;
mod header;

#[cfg(test)]
mod tests;

pub use block::{Akb, AkbError, AkbUnwrapped, akb_wrap};
pub use describe::describe_akb;
pub use header::{AkbFault, AkbHeader};
