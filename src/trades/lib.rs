//! The trades: printing, media, backups, ceremonies, targets, lives of keys,
//! PIN mailers.

pub mod backup;
pub mod ceremony;
pub mod inspect;
pub mod keys;
pub mod media;
pub mod pin;
pub mod print;
pub mod target;
pub mod update;
