//! The PIN room: its two groups renewed and added, keys released to it, and its
//! pair at the logon of the station.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "support/acts.rs"]
mod acts;
#[path = "pin_room/added.rs"]
mod added;
#[path = "support/decode.rs"]
mod decode;
#[path = "support/people.rs"]
mod people;
#[path = "support/reborn.rs"]
mod reborn;
#[path = "pin_room/released.rs"]
mod released;
#[path = "support/renewal.rs"]
mod renewal;
#[path = "support/room.rs"]
mod room;
#[path = "support/stage.rs"]
mod stage;
#[path = "pin_room/station.rs"]
mod station;
