//! What a refusal leaves behind, and the act that is refused.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "each test takes what it needs, and may stop at the first surprise"
)]

use conclave_evidence::GroupId::Administrators;
use conclave_evidence::authority::{CardSignature, CardState, SignedAuthority};
use conclave_evidence::{GroupId, cbor};
use conclave_keyroom::door::{Action, DoorError, Refusal, Warrant};
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
pub fn refused<A: Action>(room: &mut Room, act: &A, warrant: &Warrant) -> Refusal {
    let before = (room.entries(), records(&room.memory().content()));
    let why = match room.perform(act, warrant) {
        Err(DoorError::Refused(why)) => why,
        Err(other) => panic!("{}: not refused: {other}", A::NAME),
        Ok(_) => panic!("{}: let through", A::NAME),
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

pub fn warrant<A: Action>(room: &mut Room, act: &A, signers: &[(&str, GroupId)]) -> Warrant {
    let proposal = room.propose(act);
    Warrant {
        approvals: room.approve(&proposal, signers),
        proposal: Some(proposal),
    }
}

/// The next authority record, signed by `by` alone, that suspends this
/// person's card. It is there when the room is opened again.
pub fn suspend(room: &mut Room, name: &str, by: &str) {
    let (lost, signer) = (room.holder(name).card.card, &room.holder(by).card);
    let mut record = room.vault().authority().unwrap().clone();
    record.previous = Some(room.vault().authority_hash().unwrap());
    record.seq += 1;
    for card in record.cards.iter_mut().filter(|c| c.card == lost) {
        card.state = CardState::Suspended;
    }
    let mut signed = SignedAuthority::unsigned(&record).unwrap();
    signed.signatures.push(CardSignature {
        card: signer.card,
        signature: signer.sign(&record.digest().unwrap()),
    });
    let mut content = room.memory().content();
    let place = [b"a/".as_slice(), &record.seq.to_be_bytes()].concat();
    content.insert(place, cbor::to_vec(&signed).unwrap());
    room.memory().put_back(content);
}
