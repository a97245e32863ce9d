//! What signatures a changed authority record needs, and that it changes
//! nothing but the one card.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop at the first surprise, also in what it shares with others"
)]

#[path = "support/room.rs"]
mod room;

use conclave_evidence::GroupId::{Administrators, KeyManagers};
use conclave_evidence::Id;
use conclave_evidence::authority::{AuthorityRecord, CardSignature, CardState, SignedAuthority};
use conclave_keyroom::door::{DoorError, Warrant};
use conclave_station::lost_card::ChangeCard;
use room::Room;

/// The next record, changed and signed by these.
fn next(
    room: &Room,
    change: impl FnOnce(&mut AuthorityRecord),
    signers: &[&str],
) -> SignedAuthority {
    let vault = room.vault();
    let mut record = vault.authority().unwrap().clone();
    record.seq += 1;
    record.previous = Some(vault.authority_hash().unwrap());
    change(&mut record);
    let mut signed = SignedAuthority::unsigned(&record).unwrap();
    let digest = record.digest().unwrap();
    for name in signers {
        let card = &room.holder(name).card;
        signed.signatures.push(CardSignature {
            card: card.card,
            signature: card.sign(&digest),
        });
    }
    signed
}

fn set(card: Id, state: CardState) -> impl FnOnce(&mut AuthorityRecord) {
    move |record| {
        let entry = record.cards.iter_mut().find(|c| c.card == card);
        entry.unwrap().state = state;
    }
}

fn act(room: &Room, name: &str, to: CardState, signed: SignedAuthority) -> ChangeCard {
    ChangeCard {
        card: room.holder(name).card.card,
        person: name.into(),
        to,
        signed,
    }
}

/// A genuine act on one card.
fn change(room: &Room, name: &str, to: CardState, signers: &[&str]) -> ChangeCard {
    let card = room.holder(name).card.card;
    act(room, name, to, next(room, set(card, to), signers))
}

fn state(room: &Room, name: &str) -> CardState {
    room.entry(name).state
}

/// Refused: one entry, and the record as it was.
#[track_caller]
fn refused(room: &mut Room, act: &ChangeCard) -> String {
    let before = (room.entries(), room.vault().authority_hash().unwrap());
    let why = match room.perform(act, &Warrant::default()) {
        Err(DoorError::Failed(why)) => why.to_string(),
        Err(DoorError::Refused(why)) => why.to_string(),
        other => panic!("not refused: {other:?}"),
    };
    assert_eq!(room.entries(), before.0 + 1, "{why}");
    assert_eq!(room.vault().authority_hash().unwrap(), before.1, "{why}");
    why
}

fn perform(room: &mut Room, act: &ChangeCard) {
    room.perform(act, &Warrant::default()).unwrap();
}

#[test]
fn one_administrator_bars_and_a_quorum_brings_back() {
    let mut room = Room::in_memory();
    let lost = room.members(KeyManagers)[0];
    let act = change(&room, lost, CardState::Suspended, &["Ada"]);
    perform(&mut room, &act);
    assert_eq!(state(&room, lost), CardState::Suspended);
    room.reopen();
    assert_eq!(state(&room, lost), CardState::Suspended);

    let back = |room: &Room, signers| change(room, lost, CardState::Active, signers);
    let alone = back(&room, &["Ada", "Ben"]);
    assert!(refused(&mut room, &alone).contains("not logged on"));
    room.logon_all(&[Administrators]);
    let alone = back(&room, &["Ada"]);
    assert!(refused(&mut room, &alone).contains("1 of 2"));
    let twice = back(&room, &["Ada", "Ada"]);
    assert!(refused(&mut room, &twice).contains("1 of 2"));
    let both = back(&room, &["Ada", "Ben"]);
    perform(&mut room, &both);
    assert_eq!(state(&room, lost), CardState::Active);
    // Under the head from now on.
    room.reopen();
    assert_eq!(state(&room, lost), CardState::Active);
    room.logon_all(&[KeyManagers]);
}

#[test]
fn who_may_not_sign_changes_nothing() {
    let mut room = Room::in_memory();
    let members = room.members(KeyManagers);
    let (lost, other) = (members[0], members[1]);
    for signers in [&[][..], &[other], &["Ada", other]] {
        let act = change(&room, lost, CardState::Suspended, signers);
        refused(&mut room, &act);
    }
    // A barred administrator signs nothing.
    let act = change(&room, "Ada", CardState::Suspended, &["Ben"]);
    perform(&mut room, &act);
    let act = change(&room, lost, CardState::Suspended, &["Ada"]);
    refused(&mut room, &act);
}

#[test]
fn a_record_is_good_for_one_act_in_its_place() {
    let mut room = Room::in_memory();
    let members = room.members(KeyManagers);
    let lost = members[0];
    let id = room.holder(lost).card.card;
    let genuine = change(&room, lost, CardState::Suspended, &["Ada"]);
    // Another card, another state than the record says.
    let moved = act(
        &room,
        members[1],
        CardState::Suspended,
        genuine.signed.clone(),
    );
    assert!(refused(&mut room, &moved).contains("something else"));
    let moved = act(&room, lost, CardState::Revoked, genuine.signed.clone());
    assert!(refused(&mut room, &moved).contains("something else"));
    // More than one card, or more than cards, under a quorum's signatures.
    let more = next(
        &room,
        |record| {
            set(id, CardState::Suspended)(record);
            record.groups[0].m = 1;
        },
        &["Ada", "Ben"],
    );
    let more = act(&room, lost, CardState::Suspended, more);
    assert!(refused(&mut room, &more).contains("changes more"));
    // Used, it does not continue the chain any more.
    perform(&mut room, &genuine);
    let again = act(&room, lost, CardState::Suspended, genuine.signed.clone());
    refused(&mut room, &again);
    // Revoked is for ever.
    let revoke = change(&room, lost, CardState::Revoked, &["Ada"]);
    perform(&mut room, &revoke);
    room.logon_all(&[Administrators]);
    let back = change(&room, lost, CardState::Active, &["Ada", "Ben"]);
    assert!(refused(&mut room, &back).contains("for ever"));
}

#[test]
fn a_record_without_its_journal_entry_or_taken_off_again_is_noticed() {
    let mut room = Room::in_memory();
    let lost = room.members(KeyManagers)[0];
    let act = change(&room, lost, CardState::Suspended, &["Ada"]);
    perform(&mut room, &act);
    // Somebody logs on: the head names the record from now on.
    room.logon_all(&[Administrators]);
    room.logout();
    let mut content = room.memory().content();
    let last = content.keys().filter(|k| k.starts_with(b"a/")).max();
    let last = last.unwrap().clone();
    content.remove(&last);
    assert!(room.examine(content).is_err());
}
