//! A bit flips in what the store holds: every value of it, at many places.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use conclave_evidence::GroupId::{Administrators, Approvers, KeyManagers};
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::door::{Door, DoorError, Refusal, StopFlag, Warrant};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::programs::NoPrograms;
use conclave_keyroom::provider::SoftwareProvider;
use conclave_keyroom::vault::{
    Batch, Compartment, EntryBody, NewEntry, RootFit, Surroundings, Vault, VaultError, is_damage,
};

use crate::Dice;
use crate::acts::{Change, Need};
use crate::room::{Content, MemoryStore, NoMedia, NoPrinters, Room, SECRET_GROUPS, Seeded};

/// A station with records of each compartment, changed once, and anchors.
fn lived_in() -> Room {
    let mut room = Room::in_memory();
    room.logon_all(&[Administrators, KeyManagers, Approvers]);
    for (at, (compartment, group)) in [
        (Compartment::Catalogue, KeyManagers),
        (Compartment::Catalogue, KeyManagers),
        (Compartment::Keys, KeyManagers),
        (Compartment::Export, KeyManagers),
        (Compartment::Directory, Administrators),
    ]
    .into_iter()
    .enumerate()
    {
        let mut change = Change::new(compartment, "text", &[Need::Session(group)]);
        change.id = Id([0x70 + u8::try_from(at / 2).unwrap(); 16]);
        room.perform(&change, &Warrant::default()).unwrap();
    }
    for name in ["Ada", "Dora"] {
        let anchor = room.anchor(name);
        let card = room.holder(name).card.card;
        room.door_mut().keep_anchor(card, &anchor).unwrap();
    }
    room.logout();
    room
}

fn surroundings(room: &Room) -> Surroundings {
    Surroundings {
        clock: Arc::new(room.clock.clone()),
        random: Box::new(Seeded::new(0xE5)),
        boot: Id([3; 16]),
    }
}

/// Logs every group on, each with the members whose shares open. Names the
/// shares that do not.
fn unlock_all(room: &Room, vault: &mut Vault, bad: &mut Vec<String>) -> Result<(), VaultError> {
    unlock_groups(room, vault, &SECRET_GROUPS, bad)
}

/// Each group alone, with what only it opens, and then all together.
fn unlock_each(room: &Room, vault: &mut Vault, bad: &mut Vec<String>) -> Result<(), VaultError> {
    for group in SECRET_GROUPS {
        vault.lock();
        unlock_groups(room, vault, &[group], &mut Vec::new())?;
    }
    vault.lock();
    unlock_groups(room, vault, &SECRET_GROUPS, bad)
}

fn unlock_groups(
    room: &Room,
    vault: &mut Vault,
    groups: &[GroupId],
    bad: &mut Vec<String>,
) -> Result<(), VaultError> {
    for &group in groups {
        let mut shares = Vec::new();
        for name in room.members(group) {
            let card = &room.holder(name).card;
            let entry = vault.authority()?.card(card.card).cloned().unwrap();
            let share = vault.open_share(group, &entry, |point| {
                card.agree_9d
                    .diffie_hellman(point)
                    .map_err(|_| VaultError::Crypto("the card"))
            });
            match share {
                Ok(share) => shares.push(share),
                Err(error) => bad.push(format!("{group} {name}: {error}")),
            }
        }
        if let Some(two) = shares.get(..2) {
            vault.unlock(group, two)?;
        }
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// Nobody signed it; it fails softly.
    Soft,
    /// One member's share does not open; with the others all is as ever.
    ShareRefused,
    /// The rescue names the very place.
    Named,
    /// The rescue names the compartment: a record is missing.
    RootNamed,
    /// Without authority record or head nobody logs on.
    NobodyLogsOn,
}

fn printed(key: &[u8]) -> String {
    key.escape_ascii().to_string()
}

/// What becomes of a repository in which the value at `key` is another.
fn examine(room: &Room, altered: Content, key: &[u8]) -> Outcome {
    let what = printed(key);
    let store = MemoryStore::holding(altered.clone());
    let opened = Vault::open_or_freeze(Box::new(store.clone()), surroundings(room));
    let (mut vault, error) = opened.unwrap();
    let mut bad = Vec::new();
    if error.is_none() {
        match unlock_each(room, &mut vault, &mut bad) {
            Ok(()) if !bad.is_empty() => {
                assert!(key.starts_with(b"s/") && bad.len() == 1, "{what}: {bad:?}");
                return Outcome::ShareRefused;
            }
            Ok(()) if key.starts_with(b"n/") => {}
            Ok(()) => {
                let unsigned = key == b"g" || key == b"k" || key.starts_with(b"u/");
                assert!(unsigned, "accepted: {what}");
                return Outcome::Soft;
            }
            Err(error) => assert!(is_damage(&error), "{what}: {error}"),
        }
        // Chosen after it was found; the store has not changed so far.
        assert!(store.content() == altered, "{what}");
        vault.freeze();
    }
    let outcome = in_rescue(room, &mut vault, key);
    assert!(store.content() == altered, "written in a rescue: {what}");
    outcome
}

fn in_rescue(room: &Room, vault: &mut Vault, key: &[u8]) -> Outcome {
    let what = printed(key);
    assert!(vault.is_frozen(), "{what}");
    if vault.is_empty() {
        let public = key == b"h" || key.starts_with(b"a/");
        assert!(public, "nobody can log on, for {what}");
        return Outcome::NobodyLogsOn;
    }
    let mut bad = Vec::new();
    unlock_all(room, vault, &mut bad).unwrap_or_else(|error| panic!("{what}: {error}"));
    // What a rescue does not show, whoever is logged on.
    for (compartment, id) in [
        (Compartment::Keys, Id([0x71; 16])),
        (Compartment::Export, Id(*b"bundle-signing..")),
        (Compartment::Station, Id(*b"station-signing.")),
        (Compartment::Administration, Id(*b"station-ca-key..")),
    ] {
        let closed = vault.check_record(compartment, id);
        let here = key == crate::record_place(compartment.name(), id).as_slice();
        let shut = matches!(closed, Err(VaultError::Closed(_)));
        assert!(shut || (here && closed.is_err()), "{what}: {closed:?}");
    }
    let mut batch = Batch::default();
    batch.entry(NewEntry {
        kind: conclave_evidence::journal::EntryKind::Note,
        act: Id([1; 16]),
        action: "note".into(),
        commitment: None,
        body: EntryBody::default(),
    });
    assert!(
        matches!(vault.commit(batch), Err(VaultError::Rescue)),
        "{what}"
    );
    assert!(vault.journal_survey().is_some());

    let records: usize = vault
        .surveys()
        .map(|survey| survey.bad.len() + usize::try_from(survey.good_count()).unwrap())
        .sum();
    let id = key.len().checked_sub(16).and_then(|at| key.get(at..));
    let id = id.map(|id| Id(id.try_into().unwrap()).to_string());
    let named_record = vault.surveys().any(|survey| {
        let here = key.starts_with(format!("r/{}/", survey.compartment).as_bytes());
        here && survey.bad.iter().any(|one| Some(&one.id) == id.as_ref())
    });
    let named_place = vault.damaged_places().iter().any(|one| one.id == what);
    let seq = key
        .strip_prefix(b"j/")
        .map(|seq| u64::from_be_bytes(seq.try_into().unwrap()));
    let journal = vault.journal_survey().unwrap();
    let named_entry = seq.is_some_and(|seq| journal.damaged.iter().any(|(at, _)| *at == seq));
    if let Some(seq) = seq {
        // The chain holds before it, and its bodies are read.
        assert!(journal.holds <= seq, "{what}: {journal:?}");
        let read = vault.read_journal(0).unwrap();
        assert_eq!(read.len() as u64, journal.holds, "{what}");
    } else {
        assert!(journal.damaged.is_empty(), "{what}: {journal:?}");
    }
    let roots: BTreeSet<Compartment> = vault
        .surveys()
        .filter(|survey| !matches!(survey.root, RootFit::Agrees | RootFit::Unconfirmed))
        .map(|survey| survey.compartment)
        .collect();
    if named_record || named_place || named_entry {
        // And nothing else is.
        let others: usize = vault.surveys().map(|survey| survey.bad.len()).sum();
        assert!(others <= 1 && records > 20, "{what}: {others} of {records}");
        return Outcome::Named;
    }
    let compartment = roots.iter().find(|one| {
        let name = one.name();
        key == format!("c/{name}").as_bytes() || key.starts_with(format!("r/{name}/").as_bytes())
    });
    assert!(
        compartment.is_some() && roots.len() == 1,
        "not named: {what}, {roots:?}"
    );
    Outcome::RootNamed
}

/// The first letters of a key say what stands there.
fn family(key: &[u8]) -> String {
    let text: Vec<&[u8]> = key.split(|byte| *byte == b'/').collect();
    match text.as_slice() {
        [b"r", compartment, ..] => format!("r/{}", String::from_utf8_lossy(compartment)),
        [b"w", purpose, ..] => format!("w/{}", String::from_utf8_lossy(purpose)),
        [first, ..] => String::from_utf8_lossy(first).into_owned(),
        [] => String::new(),
    }
}

#[test]
fn a_bit_in_any_value_is_named_and_nothing_is_written() {
    let room = lived_in();
    let content = room.memory().content();
    let mut dice = Dice::new(31);
    let mut counts: BTreeMap<(String, Outcome), usize> = BTreeMap::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (key, value) in content.iter().filter(|(_, value)| !value.is_empty()) {
        // Of many alike the first have more places.
        let alike = seen.entry(family(key)).or_default();
        *alike += 1;
        let places = match *alike {
            0..3 => 4,
            _ if *alike <= 6 || key.starts_with(b"w/") => 1,
            _ => 0,
        };
        for run in 0..places {
            let mut altered = content.clone();
            let value_there = altered.get_mut(key).unwrap();
            if run == 3 {
                value_there.truncate(dice.below(value.len()));
            } else {
                value_there[dice.below(value.len())] ^= 1 << dice.below(8);
            }
            let outcome = examine(&room, altered, key);
            *counts.entry((family(key), outcome)).or_default() += 1;
        }
    }
    for (key, _) in content.iter().filter(|(key, _)| {
        [b"r/", b"c/", b"w/", b"j/"]
            .iter()
            .any(|p| key.starts_with(*p))
    }) {
        let family = format!("{} gone", family(key));
        let alike = seen.entry(family.clone()).or_default();
        *alike += 1;
        if *alike > 9 {
            continue;
        }
        let mut altered = content.clone();
        altered.remove(key);
        let outcome = examine(&room, altered, key);
        *counts.entry((family, outcome)).or_default() += 1;
    }
    let all: usize = counts.values().sum();
    println!("{all} damaged repositories: {counts:#?}");
    let families: BTreeSet<&str> = counts.keys().map(|(family, _)| family.as_str()).collect();
    for wanted in [
        "a",
        "c",
        "h",
        "j",
        "n",
        "r/catalogue",
        "r/directory",
        "r/keys",
        "r/export",
        "r/station",
        "r/administration",
        "r/cardkeys",
        "r/journal",
        "s",
        "w/data",
        "w/writer",
    ] {
        assert!(
            families.contains(wanted),
            "{wanted} is missing: {families:?}"
        );
    }
    assert!(all > 180, "{all}");
}

/// Old records under an old root, in a new journal: each is well signed, and
/// together they are not the newest.
#[test]
fn older_records_in_a_newer_journal_are_told_apart() {
    let mut room = lived_in();
    let old = room.memory().content();
    room.logon_all(&[KeyManagers]);
    let mut change = Change::new(Compartment::Catalogue, "new", &[Need::Session(KeyManagers)]);
    change.id = Id([0x70; 16]);
    room.perform(&change, &Warrant::default()).unwrap();
    room.logout();
    let mut mixed = room.memory().content();
    for (key, value) in &old {
        if key.starts_with(b"r/catalogue/") || key == b"c/catalogue" {
            mixed.insert(key.clone(), value.clone());
        }
    }
    let (mut vault, error) =
        Vault::open_or_freeze(Box::new(MemoryStore::holding(mixed)), surroundings(&room)).unwrap();
    assert!(
        matches!(error, Some(VaultError::Root(Compartment::Catalogue))),
        "{error:?}"
    );
    unlock_all(&room, &mut vault, &mut Vec::new()).unwrap();
    let survey = vault
        .surveys()
        .find(|survey| survey.compartment == Compartment::Catalogue)
        .unwrap();
    assert_eq!(survey.root, RootFit::NotNewest);
    assert!(!survey.is_sound() && survey.bad.is_empty());
}

/// The door has one answer to every act, signed or not.
#[test]
fn no_action_passes_in_a_rescue() {
    let room = lived_in();
    let mut content = room.memory().content();
    let key = content
        .keys()
        .find(|key| key.starts_with(b"r/directory/"))
        .unwrap()
        .clone();
    content.get_mut(&key).unwrap()[40] ^= 4;
    let store = MemoryStore::holding(content.clone());
    let (mut vault, _) =
        Vault::open_or_freeze(Box::new(store.clone()), surroundings(&room)).unwrap();
    vault.freeze();
    let provider = Box::new(SoftwareProvider::default());
    let mut door = Door::new(vault, provider, Arc::new(StopFlag::default()));
    let share = |door: &Door, group: GroupId, name: &str| {
        let card = &room.holder(name).card;
        let entry = room.entry(name);
        door.open_share(group, &entry, |point| {
            card.agree_9d
                .diffie_hellman(point)
                .map_err(|_| VaultError::Crypto("the card"))
        })
        .unwrap()
    };
    for (group, names) in [
        (KeyManagers, ["Dora", "Emil"]),
        (Administrators, ["Ada", "Ben"]),
    ] {
        let shares = names.map(|name| share(&door, group, name));
        door.logon(group, &shares, &names.map(String::from))
            .unwrap();
    }
    for needs in [
        vec![Need::Session(KeyManagers)],
        vec![Need::Quorum(Administrators)],
        vec![Need::Locked],
    ] {
        let act = Change::new(Compartment::Catalogue, "x", &needs);
        let refused = door.propose(&act).map(drop);
        assert!(
            matches!(refused, Err(DoorError::Refused(Refusal::Rescue))),
            "{refused:?}"
        );
        let mut ports = Ports {
            printers: &mut NoPrinters,
            media: &mut NoMedia,
            programs: &mut NoPrograms,
        };
        let refused = door.perform(&act, &Warrant::default(), Vec::new(), &mut ports);
        assert!(
            matches!(refused, Err(DoorError::Refused(Refusal::Rescue))),
            "{:?}",
            refused.err()
        );
    }
    assert!(door.begin_filling().is_err());
    door.note("note", "it leaves no note".into()).unwrap();
    door.lock_for_recovery("nor a lock").unwrap();
    door.logon_failed("nor a count".into()).unwrap();
    door.logout("nor an end").unwrap();
    assert!(store.content() == content);
    assert!(matches!(door.release(), Ok(())));
    assert!(
        store.content() == content,
        "what is let go of is not emptied"
    );
}
