//! What is this file? Told without a station, without keys, without writing.
//!
//! Each format's recogniser stands beside its parser ([`conclave_crypto::describe`]
//! has the shape of the answer); here is the list of all of them.

use conclave_crypto::describe::{Described, Recogniser};
use conclave_crypto::keyblock;

/// Every recogniser, the one with the surest marks first.
pub const RECOGNISERS: &[Recogniser] = &[keyblock::describe];

/// All that the bytes may be, the surest first.
#[must_use]
pub fn inspect(bytes: &[u8]) -> Vec<Described> {
    conclave_crypto::describe::describe(bytes, RECOGNISERS)
}
