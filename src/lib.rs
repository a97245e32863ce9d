//! The front ends of Conclave: what draws, asks and shows. Everything else
//! stands in the crates below.

pub mod tui;
