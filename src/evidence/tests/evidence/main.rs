//! Evidence of a small station, whole and damaged in every way.

mod bundles;
mod damage;
mod journals;
mod malformed;
mod openssl;
mod paths;
mod station;
mod transcripts;
