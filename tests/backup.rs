//! Backups: made under control, checked by anybody, proven without touching
//! the station that they are of.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "support/filed_minutes.rs"]
mod filed_minutes;
#[path = "backup/made.rs"]
mod made;
#[path = "support/people.rs"]
mod people;
#[path = "backup/rehearsed.rs"]
mod rehearsed;
#[path = "support/stage.rs"]
mod stage;
