//! Custodians: their yearly form (R16, R18), their backups, and their managers
//! (R17), at the door and through the whole station.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "support/acts.rs"]
mod acts;
#[path = "custodian_forms/backups.rs"]
mod backups;
#[path = "custodian_forms/door.rs"]
mod door;
#[path = "custodian_forms/forms.rs"]
mod forms;
#[path = "custodian_forms/managers.rs"]
mod managers;
#[path = "support/people.rs"]
mod people;
#[path = "support/room.rs"]
mod room;
#[path = "support/sheets.rs"]
mod sheets;
#[path = "support/stage.rs"]
mod stage;
#[path = "support/typist.rs"]
mod typist;
