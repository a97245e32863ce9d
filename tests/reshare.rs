//! A group's secret made anew: what opens afterwards and what does not, who
//! has to stand behind it, and that a cut at any write leaves one working set.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop at the first surprise, also in what it shares with others"
)]

#[path = "support/acts.rs"]
mod acts;
#[path = "support/decode.rs"]
mod decode;
#[path = "support/renewal.rs"]
mod renewal;
#[path = "support/room.rs"]
mod room;

use std::collections::BTreeSet;

use acts::{Change, Need};
use conclave_crypto::secret::Secret;
use conclave_evidence::GroupId::{
    Administrators, Approvers, Auditors, CustodiansA, KeyManagers, Recovery,
};
use conclave_evidence::authority::{CardEntry, CardState};
use conclave_evidence::{Id, Point, cbor};
use conclave_keyroom::door::{ActionError, DoorError, Warrant};
use conclave_keyroom::vault::{Compartment, Receipt, Renewal, VaultError};
use conclave_station::lost_card::ChangeCard;
use conclave_station::renew::RenewGroups;
use renewal::{action, member, receipts, renew, renewal, signed, try_renew};
use room::memory::apply;
use room::{Content, MemoryStore, Room, SECRET_GROUPS, Seeded, SoftCard};

const NOTE: Id = Id([7; 16]);

/// A station with a record in every compartment that people write.
fn lived_in() -> Room {
    let mut room = Room::in_memory();
    room.logon_all(&[Administrators, KeyManagers, Approvers]);
    for (compartment, group) in [
        (Compartment::Catalogue, KeyManagers),
        (Compartment::Directory, Administrators),
        (Compartment::Keys, KeyManagers),
    ] {
        let act = Change::new(compartment, "kept", &[Need::Session(group)]);
        room.perform(&act, &Warrant::default()).unwrap();
    }
    room.logout();
    room
}

/// Every group opens with each pair of its members of now, and finds what was
/// kept.
fn all_open(room: &mut Room) {
    let record = room.vault().authority().unwrap().clone();
    for group in SECRET_GROUPS {
        let names: Vec<String> = record
            .group(group)
            .unwrap()
            .members
            .iter()
            .map(|m| record.card(m.card).unwrap().person_name.clone())
            .collect();
        for at in 1..names.len() {
            room.logon(group, &[&names[0], &names[at]]);
            let text: String = room.vault().get(Compartment::Catalogue, NOTE).unwrap();
            assert_eq!(text, "kept", "{group}");
            room.logout();
        }
    }
    room.logon_all(&[KeyManagers, Approvers]);
    let text: String = room.vault().get(Compartment::Keys, NOTE).unwrap();
    assert_eq!(text, "kept");
    room.logout();
}

#[test]
fn a_renewed_group_opens_with_its_new_shares_after_a_restart() {
    for (group, names, others) in [
        (
            KeyManagers,
            ["Dora", "Emil", "Fay"],
            &[Administrators, Approvers][..],
        ),
        (Administrators, ["Ada", "Ben", "Cid"], &[]),
        (Recovery, ["Lea", "Max", "Nora"], &[Administrators]),
    ] {
        for rotate in [true, false] {
            let mut room = lived_in();
            let before = room.vault().authority().unwrap().clone();
            room.logon_all(&[group]);
            room.logon_all(others);
            let plan = renewal(&room, group, &names, rotate);
            renew(&mut room, &plan);
            // The session goes on under the new keys.
            let again = Change::new(
                Compartment::Directory,
                "later",
                &[Need::Session(Administrators)],
            );
            room.perform(&again, &Warrant::default()).unwrap();
            room.logout();
            room.reopen();
            all_open(&mut room);
            room.examine(room.memory().content()).unwrap();
            let after = room.vault().authority().unwrap();
            assert_eq!(after.seq, before.seq + 1);
            for entry in &after.groups {
                let old = before.group(entry.group).unwrap();
                let grown = u32::from(entry.group == group);
                assert_eq!(entry.epoch, old.epoch + grown, "{}", entry.group);
            }
            for writer in &after.writers {
                let old = before.writer(&writer.compartment).unwrap();
                assert!(writer.epoch == old.epoch || rotate);
                assert_eq!(writer.epoch == old.epoch, writer.key == old.key);
            }
        }
    }
}

/// What a thief may have: the store as it was, and two old shares.
#[test]
fn an_old_quorum_and_the_old_files_open_nothing_new() {
    let mut room = lived_in();
    let old = room.memory().content();
    let old_secret = decode::group_secret(&old, &room, KeyManagers, &["Dora", "Emil"]);
    let old_shares = ["Dora", "Emil"].map(|name| room.share(KeyManagers, name));
    room.logon_all(&[Administrators, KeyManagers, Approvers]);
    let plan = renewal(&room, KeyManagers, &["Dora", "Emil", "Fay"], true);
    renew(&mut room, &plan);
    room.logout();
    let new = room.memory().content();

    // The old shares are gone, and put back they are no use.
    assert!(new.keys().all(|key| !key.starts_with(b"s/key-managers/1/")));
    let refused = room.door_mut().logon(KeyManagers, &old_shares, &[]);
    assert!(
        matches!(refused, Err(VaultError::BadShare { .. })),
        "{refused:?}"
    );
    let approvers = decode::group_secret(&old, &room, Approvers, &["Ada", "Ben"]);
    let mut opened = 0;
    for wrap in decode::wraps(&new) {
        let by_managers = wrap.binding.kind.starts_with("key-managers@");
        assert!(wrap.open(&[&old_secret]).is_none(), "{:?}", wrap.binding);
        assert!(wrap.open(&[&old_secret, &approvers]).is_none());
        if by_managers {
            assert!(wrap.binding.kind.starts_with("key-managers@2"));
        } else if wrap.open(&[&approvers]).is_some() {
            opened += 1;
        }
    }
    assert_eq!(opened, 4 + 1, "who was not renewed opens as before");

    // Old data keys, taken from the old files, open no record of now.
    for compartment in ["station", "directory", "cardkeys", "catalogue"] {
        let data = decode::wrapped_key(&old, "data", compartment, "key-managers", &old_secret);
        let data = data.unwrap();
        let prefix = format!("r/{compartment}/").into_bytes();
        let mut records = 0;
        for (key, value) in new.iter().filter(|(key, _)| key.starts_with(&prefix)) {
            let sealed: decode::Sealed = cbor::from_slice(value).unwrap();
            assert!(sealed.open(&data).is_none(), "{compartment}");
            if let Some(before) = old.get(key) {
                let before: decode::Sealed = cbor::from_slice(before).unwrap();
                assert!(before.open(&data).is_some(), "the test can fail");
                records += 1;
            }
        }
        assert!(records > 0, "{compartment}");
    }
    // What key managers do not open kept its key.
    let administration = b"w/data/administration/administrators".as_slice();
    assert_eq!(old[administration], new[administration]);
}

#[test]
fn without_new_keys_old_shares_still_open_the_old_ones() {
    // Why a loss rotates: this is what it would leave behind.
    let mut room = lived_in();
    let old = room.memory().content();
    let secret = decode::group_secret(&old, &room, KeyManagers, &["Dora", "Emil"]);
    room.logon_all(&[Administrators, KeyManagers, Approvers]);
    let plan = renewal(&room, KeyManagers, &["Dora", "Emil", "Fay"], false);
    renew(&mut room, &plan);
    let new = room.memory().content();
    let data = decode::wrapped_key(&old, "data", "catalogue", "key-managers", &secret).unwrap();
    let record = &new[&decode::record_place("catalogue", NOTE)];
    let record: decode::Sealed = cbor::from_slice(record).unwrap();
    assert!(record.open(&data).is_some());
}

/// A card that is suspended is refused by the station at once. The share on it still
/// counts for whoever has card, PIN and files, until the group's secret is made anew.
#[test]
fn a_suspended_cards_share_dies_at_the_re_share_and_not_before() {
    let mut room = lived_in();
    let old_share = room.share(KeyManagers, "Dora");
    let lost = room.holder("Dora").card.card;
    let mut record = room.vault().authority().unwrap().clone();
    record.seq += 1;
    record.previous = Some(room.vault().authority_hash().unwrap());
    let entry = record.cards.iter_mut().find(|c| c.card == lost).unwrap();
    entry.state = CardState::Suspended;
    let act = ChangeCard {
        card: lost,
        person: "Dora".into(),
        to: CardState::Suspended,
        signed: signed(&room, &record, &["Ada"]),
    };
    room.perform(&act, &Warrant::default()).unwrap();
    room.reopen();

    // The station takes neither her card nor what it opened before.
    let refused = room.try_share(KeyManagers, "Dora").err();
    assert!(
        matches!(refused, Some(VaultError::Barred(card)) if card == lost),
        "{refused:?}"
    );
    // Outside of it, her card and another still make the secret, and open what lies there.
    let suspended = room.memory().content();
    let secret = decode::group_secret(&suspended, &room, KeyManagers, &["Dora", "Emil"]);
    let place = decode::record_place("catalogue", NOTE);
    let opens = |content: &Content, data: &Secret| {
        let record: decode::Sealed = cbor::from_slice(&content[&place]).unwrap();
        record.open(data).is_some()
    };
    let data = decode::wrapped_key(&suspended, "data", "catalogue", "key-managers", &secret);
    let data = data.unwrap();
    assert!(opens(&suspended, &data), "mathematically it counts");

    room.logon_all(&[Administrators, Approvers]);
    room.logon(KeyManagers, &["Emil", "Fay"]);
    let plan = renewal(&room, KeyManagers, &["Emil", "Fay", "Gus"], true);
    renew(&mut room, &plan);
    room.logout();
    let renewed = room.memory().content();
    assert!(!opens(&renewed, &data));
    for wrap in decode::wraps(&renewed) {
        assert!(wrap.open(&[&secret]).is_none(), "{:?}", wrap.binding);
    }
    // Beside a share of now it makes nothing.
    let shares = [old_share, room.share(KeyManagers, "Fay")];
    let refused = room.door_mut().logon(KeyManagers, &shares, &[]);
    assert!(
        matches!(refused, Err(VaultError::BadShare { .. })),
        "{refused:?}"
    );
    room.logon(KeyManagers, &["Emil", "Gus"]);
}

#[test]
fn whoever_leaves_a_group_leaves_its_keys_behind() {
    let epoch = |room: &Room| {
        let record = room.vault().authority().unwrap();
        record.writer("catalogue").unwrap().epoch
    };
    let with = |room: &Room, names: &[&str]| renewal(room, KeyManagers, names, false);
    // Somebody comes: the keys stay. Then somebody is left out: they do not,
    // whatever was asked for.
    let mut room = lived_in();
    room.logon_all(&[Administrators, KeyManagers, Approvers]);
    let plan = with(&room, &["Dora", "Emil", "Fay", "Gus"]);
    renew(&mut room, &plan);
    assert_eq!(epoch(&room), 1);
    let plan = with(&room, &["Dora", "Emil", "Gus"]);
    renew(&mut room, &plan);
    assert_eq!(epoch(&room), 2);

    // Nor does it help to prepare for all and let one go home.
    let mut room = lived_in();
    room.logon_all(&[Administrators, KeyManagers, Approvers]);
    let plan = with(&room, &["Dora", "Emil", "Fay", "Gus"]);
    room.door_mut().prepare_renewal(&plan).unwrap();
    let here = ["Dora", "Emil", "Gus"].map(|name| room.holder(name).card.card);
    let refused = room.door().renewed_record(&here.into());
    assert!(
        matches!(refused, Err(VaultError::KeepsKeys(KeyManagers))),
        "{refused:?}"
    );
}

#[test]
fn too_few_and_wrong_people_renew_nothing() {
    let mut room = lived_in();
    let plan = renewal(&room, KeyManagers, &["Dora", "Emil", "Fay"], true);
    let before = room.memory().content();
    let closed = |room: &mut Room, plan: &Renewal| {
        let refused = room.door_mut().prepare_renewal(plan);
        assert!(matches!(refused, Err(VaultError::Closed(_))), "{refused:?}");
    };
    closed(&mut room, &plan);
    room.logon_all(&[Administrators]);
    closed(&mut room, &plan);
    room.logon_all(&[KeyManagers]);
    // What they open together with the approvers stays closed without those.
    closed(&mut room, &plan);
    room.logon_all(&[Approvers]);

    room.door_mut().prepare_renewal(&plan).unwrap();
    let receipts = receipts(&room, &[]);
    let received = receipts.iter().map(|r| r.card).collect();
    let record = room.door().renewed_record(&received).unwrap();
    let good = action(&room, &record, receipts);
    let mut tries: Vec<(&str, RenewGroups)> = Vec::new();
    for (what, names) in [
        ("one administrator", &["Ada"][..]),
        ("the same administrator twice", &["Ada", "Ada"]),
        ("key managers", &["Dora", "Emil"]),
        (
            "an administrator and a stranger to the group",
            &["Ada", "Lea"],
        ),
        ("nobody", &[]),
    ] {
        let mut act = good.clone();
        act.signed = signed(&room, &record, names);
        tries.push((what, act));
    }
    let mut act = good.clone();
    act.receipts.pop();
    tries.push(("a member without a receipt", act));
    let mut act = good.clone();
    act.receipts[0].signature = act.receipts[1].signature;
    tries.push(("another card's receipt", act));
    let mut act = good.clone();
    act.groups = vec![Administrators];
    tries.push(("another group's name", act));
    let mut act = good.clone();
    let mut other = record.clone();
    other
        .groups
        .iter_mut()
        .find(|g| g.group == KeyManagers)
        .unwrap()
        .m = 1;
    act.signed = signed(&room, &other, &["Ada", "Ben"]);
    tries.push(("another quorum than prepared", act));
    let entries = room.entries();
    for (at, (what, act)) in tries.iter().enumerate() {
        let refused = room.perform(act, &Warrant::default());
        assert!(
            matches!(refused, Err(DoorError::Failed(ActionError::Rule { .. }))),
            "{what}: {refused:?}"
        );
        assert_eq!(room.entries(), entries + at + 1, "{what}: one entry");
    }
    // Shares, wraps, records and the authority are as they were.
    let after = room.memory().content();
    for prefix in [&b"s/"[..], b"w/", b"r/", b"c/", b"a/"] {
        let of = |c: &Content| -> Vec<(Vec<u8>, Vec<u8>)> {
            c.iter()
                .filter(|(k, _)| k.starts_with(prefix))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect()
        };
        assert!(of(&before) == of(&after));
    }
    // The same act, right, goes through: the refusals were for their reasons.
    room.perform(&good, &Warrant::default()).unwrap();
}

#[test]
fn a_group_without_a_session_is_not_renewed_by_others() {
    let mut room = lived_in();
    room.logon_all(&[Administrators]);
    // Auditors open nothing that administrators do not open: only the rule
    // stands between.
    let plan = {
        let mut plan = renewal(&room, Auditors, &["Jana", "Kim"], true);
        let lea = member(&room, "Gus");
        plan.groups.get_mut(&Auditors).unwrap().members.push(lea);
        plan
    };
    let refused = try_renew(&mut room, &plan).unwrap_err();
    assert!(refused.contains("auditors are not logged on"), "{refused}");
    room.logon_all(&[Auditors]);
    // And Gus, who is a custodian, may not audit.
    let refused = try_renew(&mut room, &plan).unwrap_err();
    assert!(refused.contains("may never be anything else"), "{refused}");
}

#[test]
fn a_group_keeps_one_member_to_spare() {
    let mut room = lived_in();
    room.logon_all(&[Administrators, KeyManagers, Approvers]);
    let plan = renewal(&room, KeyManagers, &["Dora", "Emil"], true);
    let refused = room.door_mut().prepare_renewal(&plan);
    assert!(
        matches!(
            refused,
            Err(VaultError::NoneToSpare {
                group: KeyManagers,
                have: 2,
                need: 3
            })
        ),
        "{refused:?}"
    );
    // Three are meant to, two receive: not enough either.
    let plan = renewal(&room, KeyManagers, &["Dora", "Emil", "Fay"], true);
    room.door_mut().prepare_renewal(&plan).unwrap();
    let received = ["Dora", "Emil"].map(|n| room.holder(n).card.card);
    let refused = room.door().renewed_record(&received.into());
    assert!(matches!(refused, Err(VaultError::NoneToSpare { .. })));
    // A group that opens something never comes down to one.
    let mut plan = plan;
    plan.groups.get_mut(&KeyManagers).unwrap().m = 1;
    let refused = room.door_mut().prepare_renewal(&plan);
    assert!(matches!(refused, Err(VaultError::Staff(_))), "{refused:?}");
}

#[test]
fn who_did_not_receive_has_no_share_and_is_no_member() {
    let mut room = lived_in();
    room.logon_all(&[Administrators, KeyManagers, Approvers, Recovery]);
    // Four are meant to belong to the group; Gus goes home.
    let mut plan = renewal(&room, KeyManagers, &["Dora", "Gus", "Emil", "Fay"], true);
    plan.groups.get_mut(&KeyManagers).unwrap().m = 2;
    room.door_mut().prepare_renewal(&plan).unwrap();
    let all = receipts(&room, &[]);
    let gus = room.holder("Gus").card.card;
    let here: Vec<Receipt> = all.into_iter().filter(|r| r.card != gus).collect();
    let received = here.iter().map(|r| r.card).collect();
    let record = room.door().renewed_record(&received).unwrap();
    let act = action(&room, &record, here);
    room.perform(&act, &Warrant::default()).unwrap();
    room.logout();
    let content = room.memory().content();
    let shares: Vec<String> = content
        .keys()
        .filter(|key| key.starts_with(b"s/key-managers/"))
        .map(|key| String::from_utf8(key.clone()).unwrap())
        .collect();
    let expected = [
        "s/key-managers/2/1",
        "s/key-managers/2/3",
        "s/key-managers/2/4",
    ];
    assert_eq!(shares, expected);
    assert!(
        !room
            .vault()
            .authority()
            .unwrap()
            .is_member(KeyManagers, gus)
    );
    room.reopen();
    all_open(&mut room);
}

#[test]
fn recovery_stands_in_for_a_group_that_cannot_come_together() {
    let mut room = lived_in();
    room.logon_all(&[Administrators, Recovery]);
    let plan = renewal(&room, KeyManagers, &["Dora", "Emil", "Fay"], true);
    room.door_mut().prepare_renewal(&plan).unwrap();
    let receipts = receipts(&room, &[]);
    let received = receipts.iter().map(|r| r.card).collect();
    let record = room.door().renewed_record(&received).unwrap();
    let mut act = action(&room, &record, receipts);
    // Saying so is part of the act.
    let refused = room.perform(&act, &Warrant::default()).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("key-managers are not logged on")
    );
    act.by_recovery = true;
    room.perform(&act, &Warrant::default()).unwrap();
    // Recovery made the writer keys, and still writes nothing.
    let write = Change::new(Compartment::Keys, "x", &[Need::Session(Recovery)]);
    let refused = room.perform(&write, &Warrant::default());
    assert!(refused.is_err(), "{refused:?}");
    room.logout();
    room.reopen();
    all_open(&mut room);
}

#[test]
fn a_lost_card_and_a_new_one_change_places_in_one_act() {
    let mut room = lived_in();
    let new = SoftCard::new(&mut Seeded::new(0xBEEF));
    let old = room.holder("Dora").card.card;
    let person = room.holder("Dora").person.id;
    room.logon_all(&[Administrators, Approvers]);
    room.logon(KeyManagers, &["Emil", "Fay"]);
    let mut plan = renewal(&room, KeyManagers, &["Emil", "Fay"], true);
    plan.revoked = vec![old];
    plan.cards = vec![CardEntry {
        card: new.card,
        person,
        person_name: "Dora".into(),
        auth_key_9a: Point(*new.auth_9a.public()),
        sign_key_9c: Point(*new.sign_9c.public()),
        agree_key_9d: Point(*new.agree_9d.public()),
        state: CardState::Active,
        words: None,
    }];
    let group = plan.groups.get_mut(&KeyManagers).unwrap();
    group.members.push((new.card, person));
    room.door_mut().prepare_renewal(&plan).unwrap();
    let receipts = receipts(&room, &[&new]);
    let received = receipts.iter().map(|r| r.card).collect();
    let record = room.door().renewed_record(&received).unwrap();
    let act = action(&room, &record, receipts);
    room.perform(&act, &Warrant::default()).unwrap();
    room.logout();

    let record = room.vault().authority().unwrap();
    assert_eq!(record.card(old).unwrap().state, CardState::Revoked);
    assert!(record.is_member(KeyManagers, new.card));
    let refused = room.try_share(KeyManagers, "Dora");
    assert!(refused.is_err(), "the old card opens no share");
    let at = room
        .people
        .iter()
        .position(|h| h.person.id == person)
        .unwrap();
    room.people[at].card = new;
    room.reopen();
    all_open(&mut room);
}

#[test]
fn a_custodians_group_changes_without_shares() {
    let mut room = lived_in();
    room.logon_all(&[Administrators]);
    let plan = renewal(&room, CustodiansA, &["Gus", "Fay"], true);
    renew(&mut room, &plan);
    room.logout();
    room.reopen();
    let record = room.vault().authority().unwrap();
    assert_eq!(record.group(CustodiansA).unwrap().members.len(), 2);
    all_open(&mut room);
}

/// Renews the key managers' secret and says which epoch their shares then have.
fn scenario(room: &mut Room) -> Result<(), String> {
    let words = |e: &dyn std::fmt::Display| e.to_string();
    for (group, names) in [
        (Administrators, ["Ada", "Ben"]),
        (KeyManagers, ["Dora", "Emil"]),
        (Approvers, ["Ada", "Ben"]),
    ] {
        room.try_logon(group, &names).map_err(|e| words(&e))?;
    }
    let plan = renewal(room, KeyManagers, &["Dora", "Emil", "Fay"], true);
    try_renew(room, &plan)?;
    room.door_mut().logout("done").map_err(|e| words(&e))
}

#[test]
fn a_cut_at_any_write_leaves_exactly_one_working_set() {
    let mut room = lived_in();
    let start = room.memory().content();
    let first = room.memory().batches().len();
    scenario(&mut room).unwrap();
    let batches = room.memory().batches();
    let mut content = start;
    let mut epochs = Vec::new();
    for (at, batch) in batches[first..].iter().enumerate() {
        apply(&mut content, batch);
        let mut cut = Room::before_founding(MemoryStore::holding(content.clone()));
        cut.examine(content.clone())
            .unwrap_or_else(|error| panic!("after commit {at}: {error}"));
        let record = cut.vault().authority().unwrap().clone();
        let epoch = record.group(KeyManagers).unwrap().epoch;
        let sets: BTreeSet<&[u8]> = content
            .keys()
            .filter(|key| key.starts_with(b"s/key-managers/"))
            .map(|key| &key[..b"s/key-managers/1".len()])
            .collect();
        assert_eq!(sets.len(), 1, "after commit {at}: one set");
        all_open(&mut cut);
        epochs.push(epoch);
        // And the work can be begun again.
        scenario(&mut cut).unwrap_or_else(|error| panic!("after commit {at}: {error}"));
        all_open(&mut cut);
    }
    assert!(epochs.is_sorted());
    assert!(epochs.contains(&1) && epochs.contains(&2), "{epochs:?}");
}

#[test]
fn a_disk_that_is_full_leaves_the_old_set_and_the_same_run_goes_on() {
    let commits = {
        let mut room = lived_in();
        let before = room.memory().batches().len();
        scenario(&mut room).unwrap();
        room.memory().batches().len() - before
    };
    for left in 0..commits {
        let mut room = lived_in();
        room.memory().full_after(Some(left));
        scenario(&mut room).unwrap_err();
        room.memory().full_after(None);
        let _ = room.door_mut().logout("the disk was full");
        all_open(&mut room);
        scenario(&mut room).unwrap_or_else(|error| panic!("after {left}: {error}"));
        room.reopen();
        all_open(&mut room);
    }
}

#[test]
fn logging_off_forgets_what_was_prepared() {
    let mut room = lived_in();
    room.logon_all(&[Administrators, KeyManagers, Approvers]);
    let plan = renewal(&room, KeyManagers, &["Dora", "Emil", "Fay"], true);
    room.door_mut().prepare_renewal(&plan).unwrap();
    let receipts = receipts(&room, &[]);
    let received = receipts.iter().map(|r| r.card).collect();
    let record = room.door().renewed_record(&received).unwrap();
    let act = action(&room, &record, receipts);
    room.logout();
    room.logon_all(&[Administrators, KeyManagers, Approvers]);
    let refused = room.perform(&act, &Warrant::default()).unwrap_err();
    assert!(refused.to_string().contains("prepared"), "{refused}");
    all_open({
        room.logout();
        &mut room
    });
}

#[test]
fn no_new_secret_stands_in_the_store() {
    let mut room = lived_in();
    room.logon_all(&[Administrators, KeyManagers, Approvers]);
    let plan = renewal(&room, KeyManagers, &["Dora", "Emil", "Fay"], true);
    renew(&mut room, &plan);
    room.logout();
    let content = room.memory().content();
    let secret = decode::group_secret(&content, &room, KeyManagers, &["Dora", "Fay"]);
    let mut secrets: Vec<Secret> = vec![secret.duplicate()];
    for compartment in ["station", "directory", "cardkeys", "catalogue"] {
        for purpose in ["data", "writer"] {
            let place = format!("w/{purpose}/{compartment}/key-managers");
            if content.contains_key(place.as_bytes()) {
                let key =
                    decode::wrapped_key(&content, purpose, compartment, "key-managers", &secret);
                secrets.push(key.unwrap());
            }
        }
    }
    assert_eq!(secrets.len(), 1 + 5);
    for name in ["Dora", "Emil", "Fay"] {
        secrets.push(room.share(KeyManagers, name).bytes);
    }
    for (key, value) in &content {
        for secret in &secrets {
            let found = value.windows(secret.len()).any(|w| w == secret.expose());
            assert!(!found, "{}", String::from_utf8_lossy(key));
        }
    }
}
