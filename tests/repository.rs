//! The repository in hostile hands, on a full disk, and after a power cut.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop at the first surprise, also in what it shares with others"
)]

#[path = "support/acts.rs"]
mod acts;
#[path = "repository/adding.rs"]
mod adding;
#[path = "repository/copy.rs"]
mod copy;
#[path = "support/decode.rs"]
mod decode;
#[path = "repository/disk.rs"]
mod disk;
#[path = "repository/restoring.rs"]
mod restoring;
#[path = "support/room.rs"]
mod room;

use acts::{Change, Need};
use conclave_crypto::primitive::{derive, ec::KeyPair, hpke};
use conclave_evidence::GroupId::{Administrators, Auditors, KeyManagers};
use conclave_evidence::journal::{Entry, EntryHeader, EntryKind, entry_hash};
use conclave_evidence::{Hash, Id, Point, Signature, cbor};
use conclave_keyroom::door::Warrant;
use conclave_keyroom::vault::{Compartment, FORGED_WHILE_LOCKED, VaultError};
use decode::{Sealed, State, record_place};
use room::{Content, MemoryStore, Room, Seeded};

const NOTE: Id = Id([7; 16]);

fn note(text: &str) -> Change {
    Change::new(Compartment::Catalogue, text, &[Need::Session(KeyManagers)])
}

/// A station with a short history: two notes, the first changed once, one
/// signed act, anchors kept.
fn lived_in() -> Room {
    let mut room = Room::in_memory();
    live(&mut room);
    room
}

fn live(room: &mut Room) {
    room.logon_all(&[Administrators, KeyManagers]);
    for text in ["one", "two"] {
        room.perform(&note(text), &Warrant::default()).unwrap();
    }
    let mut other = note("other");
    other.id = Id([8; 16]);
    room.perform(&other, &Warrant::default()).unwrap();
    let signed = Change::new(
        Compartment::Directory,
        "signed",
        &[Need::Quorum(Administrators)],
    );
    let signers = [("Ada", Administrators), ("Cid", Administrators)];
    room.perform_with(&signed, &signers).unwrap();
    for name in ["Ada", "Dora"] {
        let anchor = room.anchor(name);
        let card = room.holder(name).card.card;
        room.door_mut().keep_anchor(card, &anchor).unwrap();
    }
    room.logout();
}

/// What stands in clear and is signed by nobody: the mark of the founding's
/// end, the count of failures, used nonces.
fn unsigned(key: &[u8]) -> bool {
    key == b"g" || key == b"k" || key.starts_with(b"u/")
}

fn entry_place(seq: u64) -> Vec<u8> {
    [b"j/".as_slice(), &seq.to_be_bytes()].concat()
}

fn entries(content: &Content) -> Vec<Entry> {
    content
        .iter()
        .filter(|(key, _)| key.starts_with(b"j/"))
        .map(|(_, value)| cbor::from_slice(value).unwrap())
        .collect()
}

#[track_caller]
fn noticed(room: &Room, content: Content, what: &str) -> VaultError {
    match room.examine(content) {
        Err(error) => error,
        Ok(()) => panic!("accepted: {what}"),
    }
}

#[test]
fn commits_survive_a_restart_on_the_real_store() {
    let mut room = Room::temporary();
    live(&mut room);
    let (entries, newest) = (room.entries(), room.vault().newest().unwrap());
    room.reopen();
    assert_eq!(room.entries(), entries);
    assert_eq!(room.vault().newest().unwrap(), newest);
    room.logon_all(&[KeyManagers]);
    let text: String = room.vault().get(Compartment::Catalogue, NOTE).unwrap();
    assert_eq!(text, "two");
}

#[test]
fn a_change_at_any_place_is_noticed() {
    let room = lived_in();
    let content = room.memory().content();
    room.examine(content.clone()).unwrap();
    for (key, value) in content.iter().filter(|(key, _)| !unsigned(key)) {
        let name = String::from_utf8_lossy(key);
        // Both ends and places between: which ones moves with the key's length.
        let step = value.len() / 3 + 1;
        let places = (0..value.len()).skip(key.len() % step).step_by(step);
        for at in places.chain([0, value.len() - 1]) {
            let mut altered = content.clone();
            altered.get_mut(key).unwrap()[at] ^= 1 << (at % 8);
            noticed(&room, altered, &format!("{name}, byte {at}"));
        }
        let mut shorter = content.clone();
        shorter.get_mut(key).unwrap().pop();
        noticed(&room, shorter, &format!("{name}, cut"));
        let mut gone = content.clone();
        gone.remove(key);
        // Anchors are kept for the export only; the cards have them. Without its format
        // a repository is one of the first, and is brought up.
        if !key.starts_with(b"n/") && key != b"v" {
            noticed(&room, gone, &format!("{name}, deleted"));
        }
    }
}

#[test]
fn what_nobody_signed_fails_softly() {
    let room = lived_in();
    let content = room.memory().content();
    for key in content.keys().filter(|key| unsigned(key)) {
        for value in [vec![], vec![0xFF; 40], b"done".to_vec()] {
            let mut altered = content.clone();
            altered.insert(key.clone(), value);
            room.examine(altered).unwrap();
        }
    }
}

#[test]
fn two_values_of_one_kind_are_not_exchanged() {
    let room = lived_in();
    let content = room.memory().content();
    let keys: Vec<&Vec<u8>> = content.keys().filter(|key| !unsigned(key)).collect();
    for pair in keys.windows(2) {
        if pair[0].get(..2) == pair[1].get(..2) {
            let mut swapped = content.clone();
            swapped.insert(pair[0].clone(), content[pair[1]].clone());
            swapped.insert(pair[1].clone(), content[pair[0]].clone());
            let name = String::from_utf8_lossy(pair[0]);
            noticed(&room, swapped, &format!("{name} exchanged with the next"));
        }
    }
    // A record under a name of its own, another's, and in another compartment.
    let place = record_place("catalogue", NOTE);
    for to in [
        record_place("catalogue", Id([9; 16])),
        record_place("catalogue", Id([8; 16])),
        record_place("directory", NOTE),
        b"r/catalogue/short".to_vec(),
    ] {
        let mut renamed = content.clone();
        let value = renamed.remove(&place).unwrap();
        renamed.insert(to, value);
        assert!(matches!(
            noticed(&room, renamed, "a record renamed"),
            VaultError::Root(_)
        ));
        let mut copied = content.clone();
        copied.insert(
            record_place("catalogue", Id([9; 16])),
            content[&place].clone(),
        );
        noticed(&room, copied, "a record copied");
    }
}

#[test]
fn an_older_version_of_a_record_does_not_come_back() {
    let mut room = Room::in_memory();
    room.logon_all(&[KeyManagers]);
    room.perform(&note("one"), &Warrant::default()).unwrap();
    let old = room.memory().content();
    room.perform(&note("two"), &Warrant::default()).unwrap();
    room.logout();
    let new = room.memory().content();
    let (record, state) = (record_place("catalogue", NOTE), b"c/catalogue".to_vec());

    let mut content = new.clone();
    content.insert(record.clone(), old[&record].clone());
    let error = noticed(&room, content.clone(), "the old record");
    assert!(matches!(error, VaultError::Root(Compartment::Catalogue)));
    // With its root, which was well signed in its time.
    content.insert(state.clone(), old[&state].clone());
    let error = noticed(&room, content.clone(), "the old record and root");
    assert!(matches!(error, VaultError::Root(Compartment::Catalogue)));
    // And with an entry of a locked station that shows the old roots: nobody
    // signs those.
    let roots = entries(&old)
        .iter()
        .rev()
        .find_map(|e| e.open_header().unwrap().roots);
    append(&mut content, EntryKind::Locked, |header| {
        header.roots = roots
    });
    let error = noticed(
        &room,
        content,
        "the old record, root, and an entry that shows it",
    );
    // Before anybody reads bodies: no logon would look at this one's.
    let words = error.to_string();
    assert!(
        words.contains("stands after the last signed head"),
        "{words}"
    );
}

/// Appends an entry as whoever has the disk could.
fn append(content: &mut Content, kind: EntryKind, change: impl FnOnce(&mut EntryHeader)) {
    let record = decode::authority(content);
    let all = entries(content);
    let last = all.last().unwrap();
    let mut header = EntryHeader {
        seq: all.len() as u64,
        previous: entry_hash(last),
        kind,
        roots: None,
        ..last.open_header().unwrap()
    };
    change(&mut header);
    let header_bytes = cbor::to_vec(&header).unwrap();
    let (enc, sealed) = hpke::seal_to(
        &record.journal_key.0,
        b"no idea",
        &header_bytes,
        b"nothing",
        &mut Seeded::new(5),
    )
    .unwrap();
    let entry = Entry {
        header: header_bytes.into(),
        enc: Point(enc),
        sealed: sealed.into(),
    };
    content.insert(entry_place(header.seq), cbor::to_vec(&entry).unwrap());
}

#[test]
fn the_journal_is_one_chain_under_its_head() {
    let room = lived_in();
    let content = room.memory().content();
    let count = entries(&content).len() as u64;
    let journal = |content: Content, what: &str| {
        let error = noticed(&room, content, what);
        assert!(matches!(error, VaultError::Journal(_)), "{what}: {error}");
    };
    for seq in 0..count {
        let mut removed = content.clone();
        removed.remove(&entry_place(seq));
        journal(removed, &format!("entry {seq} removed"));
        let mut truncated = content.clone();
        (seq..count).for_each(|at| drop(truncated.remove(&entry_place(at))));
        journal(truncated, &format!("cut at {seq}"));
        if seq + 1 < count {
            let mut reordered = content.clone();
            reordered.insert(entry_place(seq), content[&entry_place(seq + 1)].clone());
            reordered.insert(entry_place(seq + 1), content[&entry_place(seq)].clone());
            journal(reordered, &format!("entries {seq} and next exchanged"));
        }
    }
    for kind in [
        EntryKind::Proposed,
        EntryKind::Intent,
        EntryKind::Outcome,
        EntryKind::Failed,
        EntryKind::Session,
        EntryKind::Note,
    ] {
        let mut forged = content.clone();
        append(&mut forged, kind, |_| {});
        journal(forged, kind.name());
    }
    let mut no_head = content.clone();
    no_head.remove(b"h".as_slice());
    journal(no_head, "no head");
}

#[test]
fn an_older_head_does_not_cover_what_came_after() {
    let mut room = Room::in_memory();
    room.logon_all(&[KeyManagers]);
    let old = room.memory().content();
    room.perform(&note("one"), &Warrant::default()).unwrap();
    let mut content = room.memory().content();
    content.insert(b"h".to_vec(), old[b"h".as_slice()].clone());
    let error = noticed(&room, content, "an older head");
    assert!(matches!(error, VaultError::Journal(_)));
}

#[test]
fn a_forged_entry_of_a_locked_station_shows_as_forged() {
    let mut room = lived_in();
    let mut content = room.memory().content();
    append(&mut content, EntryKind::Locked, |_| {});
    room.memory().put_back(content);
    room.reopen();
    room.logon_all(&[Auditors]);
    let journal = room.vault().read_journal(0).unwrap();
    let forged = journal.iter().filter(|entry| {
        let words = &entry.body.as_ref().unwrap().words;
        words == &[FORGED_WHILE_LOCKED.to_owned()]
    });
    assert_eq!(forged.count(), 1);
}

#[test]
fn what_happens_while_locked_is_recorded_and_sealed() {
    let mut room = lived_in();
    room.door_mut()
        .note("card", "a stranger's card".into())
        .unwrap();
    room.door_mut().logon_failed("a wrong PIN".into()).unwrap();
    room.reopen();
    let all = room.vault().entries(0).unwrap();
    let kinds: Vec<EntryKind> = all[all.len() - 2..]
        .iter()
        .map(|entry| entry.open_header().unwrap().kind)
        .collect();
    assert_eq!(kinds, [EntryKind::Locked, EntryKind::Locked]);
    assert!(
        room.vault()
            .read_journal(0)
            .unwrap()
            .iter()
            .all(|e| e.body.is_none())
    );
    room.logon_all(&[Auditors]);
    let words: Vec<String> = room
        .vault()
        .read_journal(0)
        .unwrap()
        .into_iter()
        .flat_map(|entry| entry.body.unwrap().words)
        .collect();
    assert!(words.iter().any(|word| word == "a stranger's card"));
}

#[test]
fn an_older_copy_of_the_repository_is_refused_by_the_cards() {
    let mut room = Room::in_memory();
    room.logon_all(&[KeyManagers]);
    let (old, early) = (room.memory().content(), room.anchor("Dora"));
    room.perform(&note("one"), &Warrant::default()).unwrap();
    let late = room.anchor("Dora");
    let dora = room.entry("Dora");
    for anchor in [&early, &late] {
        room.vault().check_anchor(&dora, anchor).unwrap();
    }
    // By another card, of another card, altered.
    assert!(
        room.vault()
            .check_anchor(&room.entry("Emil"), &late)
            .is_err()
    );
    let mut altered = late.clone();
    altered.anchor.head.seq = 0;
    assert!(room.vault().check_anchor(&dora, &altered).is_err());
    // The old copy is whole in itself; only the card knows better.
    room.memory().put_back(old.clone());
    room.reopen();
    room.vault().check_anchor(&dora, &early).unwrap();
    assert!(matches!(
        room.vault().check_anchor(&dora, &late),
        Err(VaultError::Journal(_))
    ));
    // Another history of the same length, and longer.
    room.logon_all(&[KeyManagers]);
    for text in ["another", "history"] {
        room.perform(&note(text), &Warrant::default()).unwrap();
    }
    assert!(matches!(
        room.vault().check_anchor(&dora, &late),
        Err(VaultError::Journal(_))
    ));
}

#[test]
fn another_founding_does_not_take_the_station_over() {
    let room = lived_in();
    let mut content = room.memory().content();
    // What is left without its authority record is no empty station.
    for gone in [&b"a/"[..], &b"j/"[..]] {
        content.retain(|key, _| !key.starts_with(gone));
        let error = noticed(&room, content.clone(), "the authority record is gone");
        assert!(matches!(error, VaultError::Authority(_)), "{error}");
    }
    // Another station's records under this one's cards.
    let mut content = room.memory().content();
    let other = {
        let mut other = Room::before_founding(MemoryStore::default());
        other.door_mut().new_id().unwrap();
        other.try_found().unwrap();
        other.memory().content()
    };
    let place = [b"a/".as_slice(), &0u64.to_be_bytes()].concat();
    content.insert(place.clone(), other[&place].clone());
    noticed(&room, content, "another authority record");
}

#[test]
fn a_data_key_alone_writes_nothing_that_lasts() {
    let mut room = lived_in();
    let mut content = room.memory().content();
    let secret = decode::group_secret(&content, &room, Auditors, &["Jana", "Kim"]);
    let data = decode::wrapped_key(&content, "data", "catalogue", "auditors", &secret).unwrap();
    let random = &mut Seeded::new(77);
    // A record as the vault makes them, with a sum and a root that fit; only
    // the writer key is not the auditors' to use.
    let place = record_place("catalogue", NOTE);
    let old: Sealed = cbor::from_slice(&content[&place]).unwrap();
    let before = cbor::to_vec(&old).unwrap();
    let text = cbor::to_vec("forged").unwrap();
    let mut binding = old.binding.clone();
    binding.version += 1;
    let new = cbor::to_vec(&Sealed::seal(&data, binding.clone(), &text, random)).unwrap();
    let mut state: State = cbor::from_slice(&content[b"c/catalogue".as_slice()]).unwrap();
    let key = |info: &[u8]| derive::hkdf(data.expose(), &[], &[info], 32).unwrap();
    let term = |version: u64, value: &[u8]| {
        let digest = Hash(derive::sha256(&[value]));
        let message = cbor::to_vec(&(NOTE, version, digest)).unwrap();
        derive::hmac(key(b"conclave/root-record/1").expose(), &[&message])
    };
    let mut sum = state.sum.open(&data).unwrap().expose().to_vec();
    let mut carry = 0i32;
    let (plus, minus) = (
        term(binding.version, &new),
        term(binding.version - 1, &before),
    );
    for at in (0..32).rev() {
        let total = i32::from(sum[at]) + i32::from(plus.expose()[at])
            - i32::from(minus.expose()[at])
            + carry;
        sum[at] = total.rem_euclid(256) as u8;
        carry = total.div_euclid(256);
    }
    let count = state.root.count;
    let sum_hash = Hash(sum.clone().try_into().unwrap());
    let shown = cbor::to_vec(&("catalogue", 1u32, count, sum_hash)).unwrap();
    let mac = derive::hmac(key(b"conclave/root-shown/1").expose(), &[&shown]);
    state.root.mac = Hash(mac.expose().try_into().unwrap());
    state.sum = Sealed::seal(&data, state.sum.binding.clone(), &sum, random);
    content.insert(place, new);
    let mut try_signed_by = |pair: Option<&KeyPair>, room: &mut Room| {
        if let Some(pair) = pair {
            let root = &state.root;
            let digest = cbor::digest(
                "conclave/root/1",
                &(&root.compartment, root.epoch, root.count, root.mac),
            )
            .unwrap();
            state.root.signature = Signature(pair.sign(&digest.0).unwrap());
        }
        let mut content = content.clone();
        content.insert(b"c/catalogue".to_vec(), cbor::to_vec(&state).unwrap());
        room.examine(content)
    };
    for pair in [None, Some(KeyPair::generate(&mut Seeded::new(3)).unwrap())] {
        let refused = try_signed_by(pair.as_ref(), &mut room);
        assert!(matches!(
            refused,
            Err(VaultError::Root(Compartment::Catalogue))
        ));
    }
    // With the writers' key the root verifies, and the journal still disagrees.
    let managers = decode::group_secret(&content, &room, KeyManagers, &["Dora", "Emil"]);
    let openers = "key-managers";
    let writer = decode::wrapped_key(&content, "writer", "catalogue", openers, &managers).unwrap();
    let pair = KeyPair::from_secret(writer).unwrap();
    let refused = try_signed_by(Some(&pair), &mut room);
    assert!(matches!(
        refused,
        Err(VaultError::Root(Compartment::Catalogue))
    ));
    // And the auditors' secret does not open it.
    for wrap in decode::wraps(&content) {
        if wrap.binding.purpose == "conclave/wrap-writer/1" {
            assert!(wrap.open(&[&secret]).is_none());
        }
    }
}
