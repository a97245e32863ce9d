//! The two groups renewed like others, and added where a station has none.

use std::collections::{BTreeMap, BTreeSet};

use conclave_crypto::secret::Secret;
use conclave_evidence::GroupId::{self, Administrators, Recovery};
use conclave_evidence::Point;
use conclave_evidence::authority::{CardEntry, CardState};
use conclave_keyroom::domain::people::Person;
use conclave_keyroom::door::{ActionError, DoorError, Warrant};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::programs::NoPrograms;
use conclave_keyroom::vault::{Compartment, NewGroup, Receipt, Renewal, VaultError};
use conclave_station::renew::AddPinRoom;

use crate::acts::{Change, Need};
use crate::renewal::{member, people, receipts, signed, try_renew};
use crate::room::memory::apply;
use crate::room::{Holder, MemoryStore, NoMedia, NoPrinters, PIN_STAFF, Room, Seeded, SoftCard};

const NOTE: conclave_evidence::Id = conclave_evidence::Id([7; 16]);

/// A group of the PIN room with these members, one of whom must come.
fn plan(room: &Room, group: GroupId, names: &[&str], rotate: bool) -> Renewal {
    let members = names.iter().map(|name| member(room, name)).collect();
    Renewal {
        groups: BTreeMap::from([(group, NewGroup { m: 1, members })]),
        rotate,
        ..Renewal::default()
    }
}

fn keep(room: &mut Room) {
    let act = Change::new(
        Compartment::Pins,
        "kept",
        &[Need::Session(GroupId::PinOperators)],
    );
    room.perform(&act, &Warrant::default()).unwrap();
}

fn kept(room: &mut Room) {
    for (operator, supervisor) in [("Olga", "Quinn"), ("Pavel", "Rosa")] {
        room.try_pin_logon(operator, supervisor).unwrap();
        let text: String = room.vault().get(Compartment::Pins, NOTE).unwrap();
        assert_eq!(text, "kept");
        room.logout();
    }
}

#[test]
fn a_half_of_the_pin_room_is_renewed_and_opens_with_the_other_after_a_restart() {
    for rotate in [true, false] {
        for (group, names) in [
            (GroupId::PinOperators, ["Olga", "Pavel"]),
            (GroupId::PinSupervisors, ["Quinn", "Rosa"]),
        ] {
            let mut room = Room::with_pin_room();
            room.logon_pin_room();
            keep(&mut room);
            let old = room.memory().content();
            room.logon_all(&[Administrators]);
            let renewal = plan(&room, group, &names, rotate);
            try_renew(&mut room, &renewal).unwrap();
            room.logout();
            room.reopen();
            kept(&mut room);
            let new = room.memory().content();
            room.examine(new.clone()).unwrap();
            let place = b"w/data/pins/pin-operators+pin-supervisors".as_slice();
            assert_ne!(old[place], new[place]);
            let epoch = |c| room.vault().authority().unwrap().writer(c).unwrap().epoch;
            assert_eq!(epoch("pins"), if rotate { 2 } else { 1 });
            assert_eq!(epoch("administration"), 1);
            // One to spare, and nobody of the one half in the other.
            room.logon_pin_room();
            room.logon_all(&[Administrators]);
            let alone = plan(&room, group, &names[..1], true);
            let refused = room.door_mut().prepare_renewal(&alone);
            assert!(matches!(refused, Err(VaultError::NoneToSpare { .. })));
            let other = plan(&room, group, &["Olga", "Quinn"], true);
            let refused = try_renew(&mut room, &other).unwrap_err();
            assert!(refused.contains("operator and PIN supervisor"), "{refused}");
        }
    }
}

#[test]
fn recovery_renews_the_pin_room_that_cannot_come_together() {
    let mut room = Room::with_pin_room();
    room.logon_pin_room();
    keep(&mut room);
    room.logout();
    room.logon_all(&[Administrators, Recovery]);
    let renewal = plan(&room, GroupId::PinOperators, &["Olga", "Pavel"], true);
    room.door_mut().prepare_renewal(&renewal).unwrap();
    let receipts = receipts(&room, &[]);
    let received = receipts.iter().map(|r| r.card).collect();
    let record = room.door().renewed_record(&received).unwrap();
    let mut act = crate::renewal::action(&room, &record, receipts);
    act.by_recovery = true;
    room.perform(&act, &Warrant::default()).unwrap();
    room.logout();
    room.reopen();
    kept(&mut room);
}

#[test]
fn the_pin_room_follows_when_others_are_renewed() {
    let mut room = Room::with_pin_room();
    room.logon_pin_room();
    keep(&mut room);
    room.logout();
    for (group, names, others) in [
        (
            GroupId::KeyManagers,
            ["Dora", "Emil", "Fay"],
            &[Administrators, GroupId::Approvers][..],
        ),
        (Recovery, ["Lea", "Max", "Nora"], &[Administrators]),
        (Administrators, ["Ada", "Ben", "Cid"], &[]),
    ] {
        for rotate in [true, false] {
            room.logon_all(&[group]);
            room.logon_all(others);
            let plan = crate::renewal::renewal(&room, group, &names, rotate);
            try_renew(&mut room, &plan).unwrap_or_else(|why| panic!("{group}: {why}"));
            room.logout();
            room.reopen();
            kept(&mut room);
        }
    }
    room.examine(room.memory().content()).unwrap();
}

/// The people who come with the PIN room, always the same.
fn newcomers() -> Vec<Holder> {
    let mut random = Seeded::new(0x919);
    PIN_STAFF
        .iter()
        .zip(1u8..)
        .map(|((name, groups), number)| Holder {
            person: Person {
                id: conclave_evidence::Id([0xA0 + number; 16]),
                name: (*name).into(),
                reports_to: "Zoe".into(),
                roles: groups.iter().copied().collect(),
            },
            card: SoftCard::new(&mut random),
        })
        .collect()
}

fn adding(room: &Room) -> Renewal {
    let coming = newcomers();
    let of = |group: GroupId| {
        let held = coming.iter().filter(|h| h.person.roles.contains(&group));
        NewGroup {
            m: 1,
            members: held.map(|h| (h.card.card, h.person.id)).collect(),
        }
    };
    let there = |holder: &&Holder| {
        let record = room.vault().authority().unwrap();
        record.card(holder.card.card).is_none()
    };
    Renewal {
        groups: GroupId::PIN_ROOM.map(|group| (group, of(group))).into(),
        cards: coming
            .iter()
            .filter(there)
            .map(|holder| CardEntry {
                card: holder.card.card,
                person: holder.person.id,
                person_name: holder.person.name.clone(),
                auth_key_9a: Point(*holder.card.auth_9a.public()),
                sign_key_9c: Point(*holder.card.sign_9c.public()),
                agree_key_9d: Point(*holder.card.agree_9d.public()),
                state: CardState::Active,
                words: None,
            })
            .collect(),
        rotate: false,
        ..Renewal::default()
    }
}

fn perform(room: &mut Room, act: &AddPinRoom) -> Result<(), DoorError> {
    let secrets = act
        .new_cards
        .iter()
        .flat_map(|_| [vec![b'1'; 8], vec![0x42; 24]])
        .map(|mut bytes| Secret::take(&mut bytes))
        .collect();
    let (mut printers, mut media) = (NoPrinters, NoMedia);
    let mut ports = Ports {
        printers: &mut printers,
        media: &mut media,
        programs: &mut NoPrograms,
    };
    room.door_mut()
        .perform(act, &Warrant::default(), secrets, &mut ports)
}

/// Administrators prepare a PIN room, its people receive their shares.
fn prepared(room: &mut Room, names: &[&str]) -> Result<AddPinRoom, String> {
    let words = |e: VaultError| e.to_string();
    let renewal = adding(room);
    room.door_mut().prepare_renewal(&renewal).map_err(words)?;
    let coming = newcomers();
    let cards: Vec<&SoftCard> = coming.iter().map(|holder| &holder.card).collect();
    let receipts: Vec<Receipt> = receipts(room, &cards);
    let received: BTreeSet<_> = receipts.iter().map(|r| r.card).collect();
    let record = room.door().renewed_record(&received).map_err(words)?;
    Ok(AddPinRoom {
        words: vec!["add a PIN room".into()],
        signed: signed(room, &record, names),
        receipts,
        people: coming.into_iter().map(|holder| holder.person).collect(),
        new_cards: renewal.cards.iter().map(|c| c.card).collect(),
    })
}

fn scenario(room: &mut Room) -> Result<(), String> {
    room.try_logon(Administrators, &["Ada", "Ben"])
        .map_err(|e| e.to_string())?;
    let act = prepared(room, &["Ada", "Ben"])?;
    perform(room, &act).map_err(|e| e.to_string())?;
    room.door_mut().logout("done").map_err(|e| e.to_string())
}

#[test]
fn administrators_add_a_pin_room_to_a_station_that_has_none() {
    let mut room = Room::in_memory();
    scenario(&mut room).unwrap();
    room.reopen();
    room.people.extend(newcomers());
    room.logon_pin_room();
    let open = room.vault().open_compartments_list();
    assert!(open.contains(&Compartment::Pins) && open.contains(&Compartment::Catalogue));
    keep(&mut room);
    room.logout();
    kept(&mut room);
    room.examine(room.memory().content()).unwrap();
    let record = room.vault().authority().unwrap().clone();
    assert_eq!(record.seq, 1);
    // Everybody else opens what they opened before, with the shares they had.
    for entry in &record.groups {
        assert_eq!(entry.epoch, 1, "{}", entry.group);
    }
    room.logon_all(&[Administrators]);
    assert!(
        people(&room, &record).is_empty(),
        "the directory knows them"
    );
    assert!(
        prepared(&mut room, &["Ada", "Ben"]).is_err(),
        "a second time"
    );
    room.logout();
    room.logon_all(&[Recovery]);
    let pins: String = room.vault().get(Compartment::Pins, NOTE).unwrap();
    assert_eq!(pins, "kept");
}

#[test]
fn half_a_pin_room_and_wrong_signatures_add_nothing() {
    let mut room = Room::in_memory();
    room.logon_all(&[Administrators]);
    let mut half = adding(&room);
    half.groups.remove(&GroupId::PinSupervisors);
    let refused = room.door_mut().prepare_renewal(&half).err();
    if refused.is_none() {
        let received = half.cards.iter().map(|c| c.card).collect();
        let record = room.door().renewed_record(&received).unwrap();
        let signed = signed(&room, &record, &["Ada", "Ben"]);
        let refused = room.vault().check_authority(&signed).unwrap_err();
        assert!(refused.to_string().contains("other half"), "{refused}");
    }
    for names in [&["Ada"][..], &["Ada", "Ada"], &["Dora", "Emil"], &[]] {
        let act = prepared(&mut room, names).unwrap();
        let refused = perform(&mut room, &act);
        assert!(
            matches!(refused, Err(DoorError::Failed(ActionError::Rule { .. }))),
            "{names:?}: {refused:?}"
        );
    }
    let mut act = prepared(&mut room, &["Ada", "Ben"]).unwrap();
    act.receipts.pop();
    assert!(perform(&mut room, &act).is_err(), "one did not receive");
    assert!(
        room.vault()
            .authority()
            .unwrap()
            .group(GroupId::PinOperators)
            .is_none()
    );
    let act = prepared(&mut room, &["Ada", "Ben"]).unwrap();
    perform(&mut room, &act).unwrap();
}

#[test]
fn a_cut_at_any_write_leaves_a_station_with_or_without_a_pin_room() {
    let mut room = Room::in_memory();
    let mut content = room.memory().content();
    let first = room.memory().batches().len();
    scenario(&mut room).unwrap();
    let mut found = Vec::new();
    for (at, batch) in room.memory().batches()[first..].iter().enumerate() {
        apply(&mut content, batch);
        let mut cut = Room::before_founding(MemoryStore::holding(content.clone()));
        let record = cut.vault().authority().unwrap().clone();
        let there = GroupId::PIN_ROOM.map(|group| record.group(group).is_some());
        assert_eq!(there[0], there[1], "after commit {at}");
        assert_eq!(
            there[0],
            record.writer("pins").is_some(),
            "after commit {at}"
        );
        if !there[0] {
            cut.examine(content.clone())
                .unwrap_or_else(|error| panic!("after commit {at}: {error}"));
            scenario(&mut cut).unwrap_or_else(|error| panic!("after commit {at}: {error}"));
        }
        cut.people.extend(newcomers());
        cut.logon_pin_room();
        keep(&mut cut);
        cut.logout();
        cut.logon_all(&[Recovery]);
        found.push(there[0]);
    }
    assert!(found.is_sorted() && found.contains(&false) && found.contains(&true));
}
