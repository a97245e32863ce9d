//! What a payment card carries: its number, and values that prove it.
//!
//! - [`pan`]: the card number, shown only in part.
//! - [`cvv`]: verification values, static and of one transaction.
//! - [`icc_key`]: keys of one card, derived from the issuer's.

pub mod cvv;
pub mod icc_key;
pub mod pan;
