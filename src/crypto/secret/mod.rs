//! Where secrets live.
//!
//! A clear key, component, share, PIN or password is held in [`Secret`] and
//! nowhere else: pages that are locked against swap, left out of core dumps and
//! empty in a forked child. The type has no `Debug`, no `Clone` and no
//! serialisation, so that a secret cannot slip into a log, an error or a record
//! without somebody writing [`Secret::expose`], which a reviewer can search for.
//!
//! Randomness enters through [`RandomSource`]. It has two doors, one for bytes
//! that may be seen (salts, serial numbers) and one for bytes that may not, so
//! that a test can record which drawn bytes must never be found anywhere.

mod arena;
mod bytes;
mod hardening;
mod health;
mod random;
mod zero_on_free;

#[cfg(test)]
pub(crate) mod testing;

pub use arena::{Locking, locking};
pub use bytes::Secret;
pub use hardening::{Hardening, Measure, Outcome, harden_process};
pub use health::HealthTested;
pub use random::{HealthFault, RandomError, RandomExt, RandomSource};
pub use zero_on_free::{ZeroOnFree, give_large_blocks_back};
