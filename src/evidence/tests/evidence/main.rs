//! Evidence of a small station, whole and damaged in every way.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

mod absent;
mod bundles;
mod damage;
mod journals;
mod malformed;
mod openssl;
mod paths;
mod searched;
mod station;
mod transcripts;
