//! The parts of a key over the years: new components of a key that is there,
//! shares of it on paper, what becomes of old sheets, and of old packages
//! that are not as recorded.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "support/minutes_text.rs"]
mod minutes_text;
#[path = "key_parts/old_packages.rs"]
mod old_packages;
#[path = "support/people.rs"]
mod people;
#[path = "key_parts/primes.rs"]
mod primes;
#[path = "key_parts/reissue.rs"]
mod reissue;
#[path = "key_parts/shares.rs"]
mod shares;
#[path = "support/sheets.rs"]
mod sheets;
#[path = "support/stage.rs"]
mod stage;
#[path = "support/typist.rs"]
mod typist;
