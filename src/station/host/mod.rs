//! The machine: real clocks, randomness and devices behind the key room's
//! ports.

mod block;
pub mod clock;
mod inputs;
pub mod ipp;
pub mod machine;
pub mod media;
pub mod pcsc;
pub mod printer;
pub mod programs;
pub mod random;
pub mod recorder;
mod sessions;
pub mod superblock;
