//! The trades: printing, media, backups, ceremonies, targets, lives of keys.

pub mod backup;
pub mod ceremony;
pub mod inspect;
pub mod keys;
pub mod media;
pub mod print;
pub mod target;
pub mod update;
