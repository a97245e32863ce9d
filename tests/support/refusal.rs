//! What a refusal leaves behind, and the act that is refused.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "each test takes what it needs, and may stop at the first surprise"
)]

use conclave_evidence::GroupId;
use conclave_evidence::GroupId::Administrators;
use conclave_keyroom::door::{DoorError, Refusal, Warrant};
use conclave_keyroom::vault::Compartment;

use crate::acts::{Change, Need};
use crate::room::{Content, Room};

/// What a refusal must leave alone.
pub fn records(content: &Content) -> Content {
    let mut kept = content.clone();
    kept.retain(|key, _| {
        key.starts_with(b"r/") || key.starts_with(b"c/") || key.starts_with(b"u/")
    });
    kept
}

/// Refused, with one journal entry and no record changed.
#[track_caller]
pub fn refused(room: &mut Room, act: &Change, warrant: &Warrant) -> Refusal {
    let before = (room.entries(), records(&room.memory().content()));
    let why = match room.perform(act, warrant) {
        Err(DoorError::Refused(why)) => why,
        other => panic!("not refused: {other:?}"),
    };
    assert_eq!(room.entries(), before.0 + 1, "{why}");
    assert!(records(&room.memory().content()) == before.1, "{why}");
    why
}

pub fn directory(text: &str) -> Change {
    Change::new(
        Compartment::Directory,
        text,
        &[Need::Quorum(Administrators)],
    )
}

pub const ADA_AND_BEN: [(&str, GroupId); 2] = [("Ada", Administrators), ("Ben", Administrators)];

pub fn admin_room() -> Room {
    let mut room = Room::in_memory();
    room.logon_all(&[Administrators]);
    room
}

pub fn warrant(room: &mut Room, act: &Change, signers: &[(&str, GroupId)]) -> Warrant {
    let proposal = room.propose(act);
    Warrant {
        approvals: room.approve(&proposal, signers),
        proposal: Some(proposal),
    }
}
