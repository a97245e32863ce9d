//! Personal identification numbers (ISO 9564-1): how they are made, proven and
//! carried.
//!
//! A [`Pin`] lives in locked memory like every other secret; nothing here can
//! show it. Offsets and verification values, which an issuer stores, are plain.
//!
//! - [`random`]: PINs drawn without bias, but for a short denied list.
//! - [`ibm3624`]: natural PIN and offset.
//! - [`pvv`]: Visa's verification value.
//! - [`block`]: clear PIN blocks of eight bytes, [`iso4`]: those of sixteen.
//! - [`translate`]: from one block and key to another.

pub mod block;
pub mod ibm3624;
pub mod iso4;
mod number;
pub mod pvv;
pub mod random;
pub mod translate;

pub use number::{Pin, PinError};
