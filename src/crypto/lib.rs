//! Secrets and pure cryptographic functions.
//!
//! `secret` holds the one type in which key material may live, the source of
//! randomness as a trait, and the hardening of the process. `primitive` holds
//! pure functions over bytes: nothing there reads a clock, a file or the
//! system's randomness. `x509` writes and reads the certificates of the cards.
//! `describe` says what some bytes are without a key. `card`, `pin` and `emv` are
//! about payment cards and what their holders know.

pub mod card;
pub mod cca;
pub mod describe;
pub mod emv;
pub mod keyblock;
pub mod keystore;
pub mod known_answer;
pub mod pin;
pub mod primitive;
pub mod secret;
pub mod x509;
