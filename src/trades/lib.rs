//! The trades: printing, media, ceremonies, targets.

pub mod ceremony;
pub mod media;
pub mod print;
pub mod target;
