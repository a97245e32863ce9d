//! A re-share as people make one: prepared, received by the members' cards,
//! signed by administrators, performed.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "each test takes what it needs, and may stop at the first surprise"
)]

use std::collections::{BTreeMap, BTreeSet};

use conclave_evidence::authority::{AuthorityRecord, CardSignature, SignedAuthority};
use conclave_evidence::{GroupId, Id, Signature};
use conclave_keyroom::domain::people::Person;
use conclave_keyroom::door::Warrant;
use conclave_keyroom::vault::{Compartment, NewGroup, Receipt, Renewal, VaultError};
use conclave_station::renew::RenewGroups;

use crate::room::{Room, SoftCard};

pub fn member(room: &Room, name: &str) -> (Id, Id) {
    let holder = room.holder(name);
    (holder.card.card, holder.person.id)
}

/// The renewal in which these people are a group.
pub fn renewal(room: &Room, group: GroupId, names: &[&str], rotate: bool) -> Renewal {
    let members = names.iter().map(|name| member(room, name)).collect();
    let m = if group.is_custodian() { 1 } else { 2 };
    Renewal {
        groups: BTreeMap::from([(group, NewGroup { m, members })]),
        rotate,
        ..Renewal::default()
    }
}

pub fn receipt(room: &Room, card: &SoftCard) -> Receipt {
    room.door()
        .open_new_shares(card.card, |point| {
            card.agree_9d
                .diffie_hellman(point)
                .map_err(|_| VaultError::Crypto("the card"))
        })
        .unwrap();
    let digest = room.door().receipt_digest(card.card).unwrap();
    Receipt {
        card: card.card,
        signature: Signature(card.auth_9a.sign(&digest.0).unwrap()),
    }
}

/// Everybody's receipt who is to have a share.
pub fn receipts(room: &Room, others: &[&SoftCard]) -> Vec<Receipt> {
    let cards = room.door().renewal_cards().unwrap();
    cards
        .iter()
        .map(|entry| {
            let known = room.people.iter().map(|h| &h.card);
            let mut all = known.chain(others.iter().copied());
            let card = all.find(|c| c.card == entry.card).unwrap();
            receipt(room, card)
        })
        .collect()
}

pub fn signed(room: &Room, record: &AuthorityRecord, names: &[&str]) -> SignedAuthority {
    let digest = record.digest().unwrap();
    let mut signed = SignedAuthority::unsigned(record).unwrap();
    for name in names {
        let card = &room.holder(name).card;
        signed.signatures.push(CardSignature {
            card: card.card,
            signature: card.sign(&digest),
        });
    }
    signed
}

/// The people as the record has them, where they differ from the directory.
pub fn people(room: &Room, record: &AuthorityRecord) -> Vec<Person> {
    let all: Vec<(Id, Person)> = room.vault().list(Compartment::Directory, "person").unwrap();
    all.into_iter()
        .filter_map(|(_, mut person)| {
            let roles: BTreeSet<GroupId> = record.groups_of(person.id).into_iter().collect();
            let differs = roles != person.roles;
            person.roles = roles;
            differs.then_some(person)
        })
        .collect()
}

pub fn action(room: &Room, record: &AuthorityRecord, receipts: Vec<Receipt>) -> RenewGroups {
    let old = room.vault().authority().unwrap();
    RenewGroups {
        words: vec!["renew".into()],
        groups: GroupId::ALL
            .into_iter()
            .filter(|g| old.group(*g).map(|e| e.epoch) != record.group(*g).map(|e| e.epoch))
            .collect(),
        by_recovery: false,
        signed: signed(room, record, &["Ada", "Ben"]),
        receipts,
        people: people(room, record),
        new_cards: Vec::new(),
    }
}

/// Prepares, receives, signs and performs.
pub fn try_renew(room: &mut Room, renewal: &Renewal) -> Result<(), String> {
    let words = |e: &dyn std::fmt::Display| e.to_string();
    room.door_mut()
        .prepare_renewal(renewal)
        .map_err(|e| words(&e))?;
    let receipts = receipts(room, &[]);
    let received = receipts.iter().map(|r| r.card).collect();
    let record = room
        .door()
        .renewed_record(&received)
        .map_err(|e| words(&e))?;
    let act = action(room, &record, receipts);
    room.perform(&act, &Warrant::default())
        .map_err(|e| words(&e))
}

pub fn renew(room: &mut Room, renewal: &Renewal) {
    try_renew(room, renewal).unwrap();
}
