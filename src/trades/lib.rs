//! The trades: printing, media, ceremonies, targets.

pub mod media;
pub mod target;
