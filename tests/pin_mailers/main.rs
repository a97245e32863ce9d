//! PIN mailers: methods and blocks against an independent implementation, and
//! batches from their input file to their output.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

mod batches;
mod cms;
mod cms_in;
#[path = "../support/judge.rs"]
mod judge;
mod psec;
