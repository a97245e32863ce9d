//! Authority is cryptography: what opens and what does not.

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
#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/room.rs"]
mod room;

use acts::{Change, End, Need, OpenMandate, Unlock};
use conclave_crypto::primitive::shamir::Share;
use conclave_crypto::secret::{RandomSource, Secret};
use conclave_evidence::GroupId::{Administrators, Approvers, Auditors, KeyManagers, Recovery};
use conclave_evidence::authority::CardSignature;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::door::{DoorError, Refusal, Warrant};
use conclave_keyroom::vault::guard::FAILURES_MAX;
use conclave_keyroom::vault::{Compartment, VaultError};
use refusal::{ADA_AND_BEN, directory, records, refused, suspend, warrant};
use room::memory::content_of;
use room::{Room, SECRET_GROUPS, Seeded};

const KEYS_QUORUMS: [GroupId; 2] = [KeyManagers, Approvers];

#[test]
fn a_founded_station_opens_for_each_quorum_on_the_real_store() {
    let mut room = Room::temporary();
    room.reopen();
    for group in SECRET_GROUPS {
        let names = room.members(group);
        for pair in [[names[0], names[1]], [names[1], names[names.len() - 1]]] {
            if pair[0] != pair[1] {
                room.logon(group, &pair);
                assert_eq!(room.vault().open_groups(), [group]);
                room.logout();
            }
        }
    }
}

fn share(x: u8, bytes: &[u8]) -> Share {
    Share {
        x,
        bytes: Secret::take(&mut bytes.to_vec()),
    }
}

#[test]
fn all_files_and_one_share_of_each_group_open_nothing() {
    let mut room = Room::in_memory();
    let content = room.memory().content();
    let mut held = Vec::new();
    for group in SECRET_GROUPS {
        let name = room.members(group)[0];
        let bytes = room.share(group, name).bytes.expose().to_vec();
        let other = room.share(Recovery, "Max").bytes.expose().to_vec();
        let mut guess = [0u8; 32];
        Seeded::new(u64::from(bytes[0])).public(&mut guess).unwrap();
        for second in [
            None,
            Some(share(1, &bytes)),
            Some(share(2, &bytes)),
            Some(share(2, &guess)),
            Some(share(2, &[0; 32])),
            Some(share(0, &[0; 32])),
            Some(share(17, &guess)),
            Some(share(2, &bytes[..31])),
            Some(share(2, &[])),
            (group != Recovery).then(|| share(2, &other)),
        ] {
            let mut shares = vec![share(1, &bytes)];
            shares.extend(second);
            let refused = room.door_mut().logon(group, &shares, &[]);
            assert!(
                matches!(
                    refused,
                    Err(VaultError::TooFew { .. } | VaultError::BadShare { .. })
                ),
                "{group}: {refused:?}"
            );
            assert!(room.vault().open_groups().is_empty());
            assert!(room.vault().open_compartments_list().is_empty());
        }
        held.push(bytes);
    }
    // Every wrap stays sealed under whatever the held shares make.
    held.push(vec![0; 32]);
    let secrets: Vec<Secret> = held
        .iter()
        .map(|bytes| Secret::take(&mut bytes.clone()))
        .collect();
    let wraps = decode::wraps(&content);
    assert_eq!(wraps.len(), 29 + 9, "data and writer keys for their groups");
    for wrap in &wraps {
        for first in &secrets {
            assert!(wrap.open(&[first]).is_none(), "{:?}", wrap.binding);
            for second in &secrets {
                assert!(wrap.open(&[first, second]).is_none(), "{:?}", wrap.binding);
            }
        }
    }
    // The same attempt with the second share does open: the test can fail.
    let secret = decode::group_secret(&content, &room, Auditors, &["Jana", "Kim"]);
    assert!(wraps.iter().any(|wrap| wrap.open(&[&secret]).is_some()));
    // And a pair's key takes both of the pair.
    let both = [
        decode::group_secret(&content, &room, KeyManagers, &["Dora", "Emil"]),
        decode::group_secret(&content, &room, Approvers, &["Ada", "Ben"]),
    ];
    let pairs: Vec<_> = wraps.iter().filter(|w| w.enc.len() == 2).collect();
    assert_eq!(pairs.len(), 4);
    for wrap in pairs {
        assert!(wrap.open(&[&both[0], &both[1]]).is_some());
        for (first, second) in [(0, 0), (1, 1), (1, 0)] {
            assert!(wrap.open(&[&both[first], &both[second]]).is_none());
        }
    }
}

#[test]
fn each_group_opens_its_compartments_and_no_other() {
    use Compartment::{
        Administration, Cardkeys, Catalogue, Directory, Export, Journal, Keys, Station,
    };
    let common = vec![Station, Directory, Cardkeys, Catalogue];
    let with = |more: &[Compartment]| {
        let mut list = common.clone();
        list.extend(more);
        list.sort();
        list
    };
    let table: [(&[GroupId], Vec<Compartment>); 8] = [
        (&[Administrators], with(&[Administration, Journal])),
        (&[KeyManagers], with(&[])),
        (&[Approvers], with(&[])),
        (&[Auditors], with(&[Journal])),
        (&[Recovery], with(&[Administration, Keys, Export, Journal])),
        (&KEYS_QUORUMS, with(&[Keys, Export])),
        (
            &[Administrators, Approvers],
            with(&[Administration, Journal]),
        ),
        (
            &[Administrators, KeyManagers, Auditors],
            with(&[Administration, Journal]),
        ),
    ];
    let mut room = Room::in_memory();
    for (groups, expected) in table {
        room.logon_all(groups);
        assert_eq!(
            room.vault().open_compartments_list(),
            expected,
            "{groups:?}"
        );
        for compartment in Compartment::ALL {
            let got = room.vault().list::<String>(compartment, "no such kind");
            assert_eq!(got.is_ok(), expected.contains(&compartment));
        }
        room.logout();
        assert!(room.vault().open_compartments_list().is_empty());
    }
}

#[test]
fn no_secret_of_the_founding_is_in_any_file() {
    let mut room = Room::temporary();
    room.logon_all(&SECRET_GROUPS);
    room.logout();
    let mut secrets: Vec<(String, Vec<u8>)> = Vec::new();
    let content = {
        let folder = room.folder().to_owned();
        room.close();
        let store = conclave_keyroom::vault::engine::SledStore::open(&folder).unwrap();
        content_of(&store)
    };
    for group in SECRET_GROUPS {
        let names = room.members(group);
        let secret = decode::group_secret(&content, &room, group, &names[..2]);
        secrets.push((format!("{group}"), secret.expose().to_vec()));
    }
    room.reopen();
    for group in SECRET_GROUPS {
        for name in room.members(group) {
            let bytes = room.share(group, name).bytes.expose().to_vec();
            secrets.push((format!("share of {name}"), bytes));
        }
    }
    let founding = room.founding();
    secrets.push(("CA key".into(), founding.ca_key.expose().to_vec()));
    for card in founding.cards {
        secrets.push(("PUK".into(), card.puk.expose().to_vec()));
        secrets.push(("management".into(), card.management_key.expose().to_vec()));
    }
    let recovery = decode::group_secret(&content, &room, Recovery, &["Lea", "Max"]);
    let record = room.vault().authority().unwrap().clone();
    for compartment in Compartment::of(&record) {
        let key = decode::wrapped_key(&content, "data", compartment.name(), "recovery", &recovery);
        secrets.push((
            format!("{compartment} data key"),
            key.unwrap().expose().to_vec(),
        ));
    }
    let mut files = Vec::new();
    for file in walk(room.folder()) {
        files.push((file.clone(), std::fs::read(file).unwrap()));
    }
    let found = |needle: &[u8]| {
        files
            .iter()
            .any(|(_, bytes)| bytes.windows(needle.len()).any(|w| w == needle))
    };
    assert!(found(b"Training room"), "the files hold the public record");
    for (what, secret) in secrets {
        assert!(!found(&secret), "{what} is on the disk");
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else {
            files.push(path);
        }
    }
    files
}

#[test]
fn a_suspended_card_neither_opens_nor_approves() {
    let mut room = Room::in_memory();
    let held = room.share(Administrators, "Ada");
    suspend(&mut room, "Ada", "Ben");
    room.reopen();
    let ada = room.holder("Ada").card.card;
    assert!(
        matches!(room.try_share(Administrators, "Ada"), Err(VaultError::Barred(card)) if card == ada)
    );
    // A share that was opened before the suspension.
    let ben = room.share(Administrators, "Ben");
    let refused_logon = room.door_mut().logon(Administrators, &[held, ben], &[]);
    assert!(matches!(refused_logon, Err(VaultError::Barred(card)) if card == ada));
    assert!(room.vault().open_groups().is_empty());
    room.logon(Administrators, &["Ben", "Cid"]);
    let act = directory("one");
    let signed = warrant(&mut room, &act, &ADA_AND_BEN);
    assert_eq!(refused(&mut room, &act, &signed), Refusal::Barred);
    let signers = [("Ben", Administrators), ("Cid", Administrators)];
    room.perform_with(&act, &signers).unwrap();
    // Taking the suspension away again is noticed: a head was signed under it.
    let mut content = room.memory().content();
    content.remove([b"a/".as_slice(), &1u64.to_be_bytes()].concat().as_slice());
    room.memory().put_back(content);
    assert!(matches!(room.try_reopen(), Err(VaultError::Authority(_))));
}

#[test]
fn reading_does_not_give_writing() {
    let mut room = Room::in_memory();
    room.logon_all(&[Auditors]);
    for compartment in [
        Compartment::Directory,
        Compartment::Catalogue,
        Compartment::Journal,
    ] {
        let act = Change::new(compartment, "x", &[Need::Session(Auditors)]);
        let before = records(&room.memory().content());
        assert!(matches!(
            room.perform(&act, &Warrant::default()),
            Err(DoorError::Vault(VaultError::ReadOnly(c))) if c == compartment
        ));
        assert!(records(&room.memory().content()) == before);
    }
    let act = Change::new(Compartment::Keys, "x", &[Need::Session(Auditors)]);
    assert!(matches!(
        room.perform(&act, &Warrant::default()),
        Err(DoorError::Vault(VaultError::Closed(Compartment::Keys)))
    ));
    room.reopen();
    room.logon_all(&[Administrators]);
}

#[test]
fn a_mandate_covers_its_units_and_no_more() {
    let mut room = Room::in_memory();
    room.logon_all(&[KeyManagers]);
    let ceremony = Id([3; 16]);
    let expires_ms = room::START_MS + 60_000;
    let mandate = OpenMandate {
        ceremony,
        covers: "change".into(),
        units: 2,
        expires_ms,
        closed: false,
        before_a_restore: false,
        barred: Vec::new(),
    };
    let act = Change::new(Compartment::Catalogue, "x", &[Need::Mandate(ceremony)]);
    let none = Warrant::default();
    assert_eq!(refused(&mut room, &act, &none), Refusal::NoMandate);
    room.perform(&mandate, &none).unwrap();
    // The unit is used up with the intent, also where the act then fails.
    let failing = act.clone().ending(End::Failed);
    assert!(matches!(
        room.perform(&failing, &none),
        Err(DoorError::Failed(_))
    ));
    room.perform(&act, &none).unwrap();
    assert_eq!(refused(&mut room, &act, &none), Refusal::NoMandate);
    // Over, expired, or the clock set back.
    let closed = OpenMandate {
        closed: true,
        ..mandate.clone()
    };
    room.perform(&closed, &none).unwrap();
    assert_eq!(refused(&mut room, &act, &none), Refusal::NoMandate);
    room.perform(&mandate, &none).unwrap();
    room.clock.set(expires_ms + 1);
    assert_eq!(refused(&mut room, &act, &none), Refusal::NoMandate);
    room.clock.set(expires_ms - 1);
    assert_eq!(refused(&mut room, &act, &none), Refusal::NoMandate);
    // What was allowed before a restore.
    room.clock.set(room::START_MS + 1000);
    let old = OpenMandate {
        before_a_restore: true,
        ..mandate.clone()
    };
    room.perform(&old, &none).unwrap();
    assert_eq!(refused(&mut room, &act, &none), Refusal::NoMandate);
    room.perform(&mandate, &none).unwrap();
    room.perform(&act, &none).unwrap();
    // Another ceremony's mandate is none of this one's.
    let other = Change::new(Compartment::Catalogue, "x", &[Need::Mandate(Id([4; 16]))]);
    assert_eq!(refused(&mut room, &other, &none), Refusal::NoMandate);
}

/// R13 at the door: whoever has a part of the key is none of a quorum under its mandate,
/// in whoever's place, and signs what is theirs by name all the same.
#[test]
fn whoever_has_a_part_of_the_key_decides_nothing_under_its_mandate() {
    let mut room = Room::in_memory();
    room.logon_all(&[KeyManagers, Approvers]);
    let ceremony = Id([3; 16]);
    let ben = room.holder("Ben").person.id;
    let mandate = OpenMandate {
        ceremony,
        covers: "change".into(),
        units: 9,
        expires_ms: room::START_MS + 60_000,
        closed: false,
        before_a_restore: false,
        barred: vec![ben],
    };
    room.perform(&mandate, &Warrant::default()).unwrap();
    let needs = [
        Need::Quorum(KeyManagers),
        Need::Quorum(Approvers),
        Need::Mandate(ceremony),
    ];
    let act = Change::new(Compartment::Catalogue, "x", &needs);
    let managers = [("Dora", KeyManagers), ("Emil", KeyManagers)];
    let with = |approvers: [&'static str; 2]| {
        let approvers = approvers.map(|name| (name, Approvers));
        [managers.as_slice(), &approvers].concat()
    };
    for approvers in [["Ada", "Ben"], ["Ben", "Cid"]] {
        let signed = warrant(&mut room, &act, &with(approvers));
        assert_eq!(refused(&mut room, &act, &signed), Refusal::Concerned);
    }
    let signed = warrant(&mut room, &act, &with(["Ada", "Cid"]));
    room.perform(&act, &signed).unwrap();
    // By name: a custodian prints and seals under it.
    let own = [Need::Person(ben, Approvers), Need::Mandate(ceremony)];
    let own = Change::new(Compartment::Catalogue, "y", &own);
    let signed = warrant(&mut room, &own, &[("Ben", Approvers)]);
    room.perform(&own, &signed).unwrap();
}

#[test]
fn auditors_cannot_use_a_mandate_that_they_can_read() {
    let mut room = Room::in_memory();
    room.logon_all(&[KeyManagers]);
    let ceremony = Id([3; 16]);
    let mandate = OpenMandate {
        ceremony,
        covers: "change".into(),
        units: 2,
        expires_ms: room::START_MS + 60_000,
        closed: false,
        before_a_restore: false,
        barred: Vec::new(),
    };
    room.perform(&mandate, &Warrant::default()).unwrap();
    room.logout();
    room.logon_all(&[Auditors]);
    let before = (room.entries(), records(&room.memory().content()));
    let act = Change::new(Compartment::Catalogue, "x", &[Need::Mandate(ceremony)]);
    assert!(matches!(
        room.perform(&act, &Warrant::default()),
        Err(DoorError::Vault(VaultError::ReadOnly(
            Compartment::Catalogue
        )))
    ));
    assert_eq!(room.entries(), before.0 + 1, "one entry that it failed");
    assert!(records(&room.memory().content()) == before.1);
}

#[test]
fn five_failures_lock_and_administrators_unlock() {
    let mut room = Room::in_memory();
    for count in 1..=FAILURES_MAX {
        let guard = room.door_mut().logon_failed("a wrong PIN".into()).unwrap();
        assert_eq!(guard.failures, count);
        assert_eq!(guard.locked.is_some(), count == FAILURES_MAX);
        room.reopen();
    }
    let refused_logon = room.try_logon(KeyManagers, &["Dora", "Emil"]);
    assert!(matches!(refused_logon, Err(VaultError::StationLocked(_))));
    assert!(room.vault().open_groups().is_empty());
    room.logon_all(&[Administrators]);
    let act = Change::new(
        Compartment::Directory,
        "x",
        &[Need::Session(Administrators)],
    );
    assert_eq!(
        refused(&mut room, &act, &Warrant::default()),
        Refusal::StationLocked
    );
    room.perform_with(&Unlock, &ADA_AND_BEN).unwrap();
    assert_eq!(room.vault().guard().unwrap(), Default::default());
    room.perform(&act, &Warrant::default()).unwrap();
    room.logout();
    room.logon_all(&[KeyManagers]);
}

#[test]
fn a_success_sets_the_count_back() {
    let mut room = Room::in_memory();
    for _ in 0..FAILURES_MAX - 1 {
        room.door_mut().logon_failed("a wrong PIN".into()).unwrap();
    }
    room.logon_all(&[Auditors]);
    assert_eq!(room.vault().guard().unwrap(), Default::default());
}

#[test]
fn what_runs_while_locked_does_not_keep_the_station_shut() {
    let mut room = Room::in_memory();
    let act = Change::new(Compartment::Directory, "x", &[Need::Locked]);
    room.perform(&act, &Warrant::default()).unwrap();
    room.reopen();
    // A proposal needs somebody to sign the head over it.
    let before = room.entries();
    let refused_proposal = room.door_mut().propose(&directory("x"));
    assert!(matches!(
        refused_proposal,
        Err(DoorError::Refused(Refusal::NobodyLoggedOn))
    ));
    assert_eq!(room.entries(), before + 1);
    room.door_mut().finish_genesis().unwrap();
    room.reopen();
    room.logon_all(&[Administrators]);
}

#[test]
fn a_station_is_founded_by_legal_people_and_a_quorum_only() {
    let mut room = Room::before_founding(room::MemoryStore::default());
    // One person would open the recovery compartment alone.
    let mut founding = room.founding();
    founding.groups.insert(Recovery, 1);
    assert!(matches!(
        room.door_mut().found(founding),
        Err(VaultError::Staff(_))
    ));
    // An auditor who administers, too.
    let mut founding = room.founding();
    founding.people[0].roles.insert(Auditors);
    assert!(matches!(
        room.door_mut().found(founding),
        Err(VaultError::Staff(_))
    ));
    // Signed by one administrator, or twice by one, or by none.
    for signers in [&["Ada"][..], &["Ada", "Ada"], &[], &["Dora", "Emil"]] {
        let founding = room.founding();
        let mut founded = room.door_mut().found(founding).unwrap();
        room.management_signs(&mut founded);
        let digest = founded.digest().unwrap();
        for name in signers {
            let card = &room.holder(name).card;
            founded.sign(CardSignature {
                card: card.card,
                signature: card.sign(&digest),
            });
        }
        assert!(matches!(
            room.door_mut().commit_founding(founded),
            Err(VaultError::Authority(_))
        ));
        assert!(room.vault().is_empty());
        assert!(room.memory().content().is_empty());
    }
    room.try_found().unwrap();
    let again = room.founding();
    assert!(matches!(
        room.door_mut().found(again),
        Err(VaultError::NotEmpty)
    ));
}

#[test]
fn the_pin_room_opens_for_an_operator_and_a_supervisor_together_and_nothing_less() {
    use Compartment::{Cardkeys, Catalogue, Directory, Pins, Station};
    let [operators, supervisors] = GroupId::PIN_ROOM;
    let mut room = Room::with_pin_room();
    let of_record = room.vault().authority().unwrap().clone();
    assert_eq!(Compartment::of(&of_record).count(), Compartment::ALL.len());

    // One card alone, and a quorum of the one half however many come of it.
    for (group, names) in [
        (operators, ["Olga", "Pavel"]),
        (supervisors, ["Quinn", "Rosa"]),
    ] {
        for names in [&names[..1], &names[..]] {
            let alone = room.try_logon(group, names);
            assert!(
                matches!(alone, Err(VaultError::OnlyTogether(g)) if g == group),
                "{group}: {alone:?}"
            );
        }
        assert!(room.vault().open_compartments_list().is_empty());
        assert!(room.vault().open_groups().is_empty());
    }
    // An operator's share does not stand for a supervisor's.
    let olga = [room.share(operators, "Olga")];
    let pavel = [room.share(operators, "Pavel")];
    let no_names: [String; 0] = [];
    let forged = room.door_mut().logon_together(&[
        conclave_keyroom::door::CameQuorum {
            group: operators,
            shares: &olga,
            members: &no_names,
        },
        conclave_keyroom::door::CameQuorum {
            group: supervisors,
            shares: &pavel,
            members: &no_names,
        },
    ]);
    assert!(forged.is_err());
    assert!(room.vault().open_groups().is_empty());

    for pair in [("Olga", "Quinn"), ("Pavel", "Rosa"), ("Olga", "Rosa")] {
        room.try_pin_logon(pair.0, pair.1).unwrap();
        let open = [Station, Directory, Cardkeys, Catalogue, Pins];
        assert_eq!(room.vault().open_compartments_list(), open, "{pair:?}");
        assert_eq!(room.vault().open_groups(), GroupId::PIN_ROOM);
        let act = Change::new(Pins, "kept", &[Need::Session(operators)]);
        room.perform(&act, &Warrant::default()).unwrap();
        for closed in [Catalogue, Directory] {
            let act = Change::new(closed, "x", &[Need::Session(supervisors)]);
            assert!(matches!(
                room.perform(&act, &Warrant::default()),
                Err(DoorError::Vault(VaultError::ReadOnly(c))) if c == closed
            ));
        }
        room.logout();
    }
    // Nobody else opens it but recovery, which reads.
    for group in [Administrators, KeyManagers, Approvers, Auditors] {
        room.logon_all(&[group]);
    }
    assert!(!room.vault().open_compartments_list().contains(&Pins));
    room.logout();
    room.logon_all(&[Recovery]);
    assert!(room.vault().open_compartments_list().contains(&Pins));
    let act = Change::new(Pins, "x", &[Need::Session(Recovery)]);
    assert!(matches!(
        room.perform(&act, &Warrant::default()),
        Err(DoorError::Vault(VaultError::ReadOnly(Pins)))
    ));
    room.logout();
    // A wrap of the pair takes the secrets of both, in their order.
    let content = room.memory().content();
    let secret = |group, name: &str| decode::group_secret(&content, &room, group, &[name]);
    let both = [secret(operators, "Pavel"), secret(supervisors, "Quinn")];
    let place = b"w/data/pins/pin-operators+pin-supervisors".as_slice();
    assert!(content.contains_key(place));
    let wraps = decode::wraps(&content);
    assert_eq!(wraps.len(), 29 + 9 + 4 + 3, "and those of the PIN room");
    let of_pair = |w: &&decode::Wrapped| w.binding.kind.starts_with("pin-operators");
    let pairs: Vec<_> = wraps.iter().filter(of_pair).collect();
    assert_eq!(pairs.len(), 6);
    for wrap in pairs {
        assert!(wrap.open(&[&both[0], &both[1]]).is_some());
        for (first, second) in [(0, 0), (1, 1), (1, 0)] {
            assert!(wrap.open(&[&both[first], &both[second]]).is_none());
        }
    }
    room.examine(content).unwrap();
}

#[test]
fn a_station_without_a_pin_room_has_no_such_compartment_and_works_on() {
    let mut room = Room::in_memory();
    let record = room.vault().authority().unwrap().clone();
    assert_eq!(Compartment::of(&record).count() + 1, Compartment::ALL.len());
    let content = room.memory().content();
    let named = |key: &Vec<u8>| {
        let text = String::from_utf8_lossy(key).into_owned();
        text.contains("pin-operators") || text.contains("/pins")
    };
    assert_eq!(content.keys().filter(|key| named(key)).count(), 0);
    room.logon_all(&[Recovery]);
    let pins = room.vault().list::<String>(Compartment::Pins, "pin-batch");
    assert!(matches!(pins, Err(VaultError::Closed(Compartment::Pins))));
    room.logon_all(&[Administrators]);
    room.perform(&directory_by_session(), &Warrant::default())
        .unwrap();
    room.logout();
    room.reopen();
    room.logon_all(&[Auditors]);
}

fn directory_by_session() -> Change {
    Change::new(
        Compartment::Directory,
        "x",
        &[Need::Session(Administrators)],
    )
}
