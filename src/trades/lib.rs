//! The trades: printing, media, backups, ceremonies, targets.

pub mod backup;
pub mod ceremony;
pub mod media;
pub mod print;
pub mod target;
pub mod update;
