//! A journal, cut, stretched and exchanged.

use conclave_evidence::journal::{EntryKind, entry_hash};
use conclave_evidence::{EvidenceError, JournalExport, cbor};

use crate::station::{QUORUMS, Station, id};

fn station() -> Station {
    let mut station = Station::new();
    station.manifest(&QUORUMS);
    station
}

fn refused(export: &JournalExport) -> String {
    match export.verify() {
        Err(error) => error.to_string(),
        Ok(_) => panic!("it was accepted"),
    }
}

#[test]
fn an_entrys_hash_is_the_digest_of_its_encoding() {
    let mut entry = station().export().entries.swap_remove(0);
    for length in [0, 1, 23, 24, 255, 256, 65_535, 65_536] {
        entry.header = vec![7; length].into();
        entry.sealed = vec![9; length + 1].into();
        let digest = cbor::digest("conclave/entry/1", &entry).expect("encodes");
        assert_eq!(entry_hash(&entry), digest, "{length}");
    }
}

#[test]
fn a_whole_journal_verifies() {
    let station = station();
    let export = station.export();
    let checked = export.verify().expect("it holds");
    assert_eq!(checked.entries.len(), 5);
    assert!(checked.unauthenticated.is_empty());
    assert!(checked.open_intents.is_empty());
    let file = export.to_file().expect("encodes");
    assert_eq!(JournalExport::from_file(&file), Ok(export));
}

#[test]
fn entries_removed_exchanged_or_changed() {
    let whole = station().export();
    let mut cut = whole.clone();
    cut.entries.pop();
    assert!(refused(&cut).contains("entry 4"), "{}", refused(&cut));
    let mut gap = whole.clone();
    gap.entries.remove(1);
    assert!(refused(&gap).contains("entry 1"), "{}", refused(&gap));
    let mut beheaded = whole.clone();
    beheaded.entries.remove(0);
    assert!(refused(&beheaded).contains("entry 0"));
    let mut turned = whole.clone();
    turned.entries.swap(2, 3);
    assert!(refused(&turned).contains("entry 2"));
    let mut twice = whole.clone();
    twice.entries.insert(2, twice.entries[1].clone());
    assert!(refused(&twice).contains("entry 2"));
    let mut resealed = whole.clone();
    resealed.entries[1].sealed.0[0] ^= 1;
    assert!(refused(&resealed).contains("entry 2"));
    let mut none = whole.clone();
    none.entries.clear();
    assert!(refused(&none).contains("entry 4"));
    let mut changed = whole;
    let mut header = changed.entries[1].open_header().expect("a header");
    header.kind = EntryKind::Locked;
    changed.entries[1].header = cbor::to_vec(&header).expect("encodes").into();
    assert!(refused(&changed).contains("entry 2"));
}

#[test]
fn after_the_head_only_locked_entries() {
    let mut station = station();
    let head = station.signed_head();
    station.append(EntryKind::Locked, 90, "failed logon", None);
    let mut export = station.export();
    export.head = head.clone();
    export.anchors.clear();
    assert_eq!(export.verify().map(|it| it.unauthenticated.len()), Ok(1));
    station.append(EntryKind::Intent, 91, "export", None);
    export.entries = station.entries.clone();
    assert!(refused(&export).contains("entry 6"));
}

#[test]
fn heads_and_anchors_must_agree() {
    let mut station = station();
    let old_head = station.signed_head();
    let old_anchor = station.anchor(4);
    station.append(EntryKind::Note, 50, "note", None);
    let whole = station.export();
    let mut anchored = whole.clone();
    anchored.anchors = vec![old_anchor];
    assert!(anchored.verify().is_ok(), "an older anchor agrees");
    // Cut back to the older head: the cards know better.
    let mut back = whole.clone();
    back.entries.pop();
    back.head = old_head;
    assert!(refused(&back).contains("newer"), "{}", refused(&back));
    let mut foreign = whole.clone();
    foreign.head.head.station = id(0xA9);
    assert!(matches!(
        foreign.verify(),
        Err(EvidenceError::Signature { .. })
    ));
    let mut moved = whole.clone();
    moved.anchors[0].anchor.card = id(5);
    assert!(matches!(
        moved.verify(),
        Err(EvidenceError::Signature { .. })
    ));
    let mut other = Station::new();
    for act in 60..64 {
        other.append(EntryKind::Note, act, "another history", None);
    }
    let mut split = whole;
    split.anchors = vec![other.anchor(7)];
    assert!(
        refused(&split).contains("another journal"),
        "{}",
        refused(&split)
    );
}

#[test]
fn a_cut_journal_does_not_pass_with_a_newer_chain() {
    let mut station = station();
    let head = station.signed_head();
    station.next_record(&[1, 2], |record| record.station_name = "Renamed".into());
    let mut export = station.export();
    assert!(export.verify().is_ok());
    export.head = head;
    export.anchors.clear();
    assert!(refused(&export).contains("newest authority record"));
}

#[test]
fn open_intents_are_named() {
    let mut station = station();
    station.append(EntryKind::Intent, 70, "print", None);
    let checked = station.export().verify().expect("it holds");
    assert_eq!(checked.open_intents, [5]);
}
