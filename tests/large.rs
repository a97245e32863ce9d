//! A repository with more keys than anybody reads at once: the list comes a
//! slice at a time, a key that changes is right in it at once, and of many keys
//! the one in another's place is named, not chosen.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "support/absent.rs"]
mod absent;
#[path = "support/filled.rs"]
mod filled;
#[path = "support/people.rs"]
mod people;
#[path = "support/stage.rs"]
mod stage;

use std::sync::{Arc, Mutex};

use conclave_keyroom::ports::dialogue::{Answer, Ask, FieldKind};
use conclave_keyroom::ports::store::{Store, Write};
use conclave_keyroom::vault::KeysOf;
use conclave_keyroom::vault::engine::SledStore;
use conclave_station::front::{Event, KeyTable};
use conclave_station::rescue::REPOSITORY;
use conclave_station::session::Checked;
use people::{Scene, done};
use stage::{folder, scene};

const KEYS: u32 = 5_200;

/// Reads on until nothing is left; the tables that came, in order.
fn read(scene: &mut Scene) -> Vec<KeyTable> {
    let mut tables = Vec::new();
    let mut tell = |event: Event| match event {
        Event::Keys(table) => tables.push(table),
        Event::Lists(lists) => tables.push(lists.keys),
        other => panic!("{other:?}"),
    };
    while scene.station.read_on(&mut tell) {}
    tables
}

fn state(table: &KeyTable, n: u32) -> String {
    let at = table.find(&filled::label(n)).unwrap();
    table.get(at).unwrap().state
}

#[test]
fn a_key_that_is_replaced_among_thousands_is_right_in_the_list_at_once() {
    let folder = folder();
    filled::fill(folder.path(), KEYS);
    let mut scene = scene(&folder);
    let vault = scene.station.door().vault();
    // Where there are more than somebody looks through, they are not looked for.
    assert_eq!(vault.few_keys_of(KeysOf::Serving("P0"), 40).unwrap(), None);
    let none = vault.few_keys_of(KeysOf::Serving("K0"), 40).unwrap();
    assert_eq!(none, Some(Vec::new()));
    let tables = read(&mut scene);
    let whole = tables.last().unwrap();
    assert_eq!((whole.len(), whole.complete()), (KEYS as usize, true));
    let tasks = scene.station.lists().tasks;
    // One of a hundred is due.
    assert_eq!(
        tasks
            .iter()
            .filter(|t| t.what.starts_with("replace "))
            .count(),
        52
    );
    assert!(read(&mut scene).is_empty(), "nothing changed");

    // The label of the new key is typed; another one is refused.
    let kinds: Arc<Mutex<Vec<FieldKind>>> = Arc::default();
    let seen = Arc::clone(&kinds);
    scene.people.at = Box::new(move |prompt, _| {
        if let ("key.replace", Ask::Form { fields, .. }) = (prompt.code.as_str(), &prompt.ask) {
            seen.lock().unwrap().push(fields[0].kind.clone());
        }
        None
    });
    let old = filled::id(100);
    for wrong in [filled::label(100), filled::label(KEYS), "no key".to_owned()] {
        scene.people.form("key.replace", &[&wrong]);
        let refusal = scene.station.replace_key(old, &mut scene.people);
        let refusal = refusal.unwrap_err().happened;
        assert!(refusal.contains("is no other active key"), "{refusal}");
    }
    scene.people.form("key.replace", &[&filled::label(4_711)]);
    done(scene.station.replace_key(old, &mut scene.people));
    let kinds = kinds.lock().unwrap();
    assert!(!kinds.is_empty());
    assert!(kinds.iter().all(|kind| matches!(kind, FieldKind::Text(_))));

    // The first table that comes has it, and all the others as they were.
    let tables = read(&mut scene);
    let first = tables.first().unwrap();
    assert_eq!((first.len(), first.complete()), (KEYS as usize, true));
    assert_eq!(state(first, 100), "deactivated");
    assert_eq!(state(first, 101), "active");
    assert_eq!(tables.last(), Some(first));
    // Read anew behind it: it is no task any more.
    let tasks = scene.station.lists().tasks;
    assert_eq!(
        tasks
            .iter()
            .filter(|t| t.what.starts_with("replace "))
            .count(),
        51
    );

    // A card that is suspended changes no key, and may change what is due: that is
    // read anew too, and the list stays as it was.
    assert!(read(&mut scene).is_empty(), "nothing changed");
    scene.people.at = Box::new(|prompt, _| match &prompt.ask {
        Ask::Choose { options } => {
            let at = options.iter().position(|o| o.label.contains("Fay"));
            at.map(Answer::Chosen)
        }
        _ => None,
    });
    done(scene.station.suspend_card(&mut scene.people));
    let tables = read(&mut scene);
    assert!(tables.iter().all(|table| table.complete()) && !tables.is_empty());
    assert!(read(&mut scene).is_empty(), "nothing changed since");
}

/// More records than anybody waits for: they are checked behind the first screens.
const CHECKED_BEHIND: u32 = 20_400;

/// Reads the list while the records are being checked, until one is over; the
/// tables that came while they still were, and those of the last turn: the check
/// may have ended in the middle of it.
fn while_checked(scene: &mut Scene) -> (Checked, Vec<KeyTable>, Vec<KeyTable>) {
    let (mut tables, mut last) = (Vec::new(), Vec::new());
    loop {
        let checked = scene.station.checked();
        if !matches!(checked, Checked::Before) {
            return (checked, tables, last);
        }
        tables.append(&mut last);
        last = read(scene);
    }
}

#[test]
fn keys_stand_in_the_list_while_their_records_are_still_being_checked() {
    let folder = folder();
    filled::fill(folder.path(), CHECKED_BEHIND);
    let mut opened = scene(&folder);
    let (checked, before, mut last) = while_checked(&mut opened);
    assert!(matches!(checked, Checked::Now));
    assert!(
        before.iter().all(|table| !table.complete()),
        "whole only when it is what was signed"
    );
    last.extend(read(&mut opened));
    let whole = last.pop().unwrap();
    assert_eq!(
        (whole.len(), whole.complete()),
        (CHECKED_BEHIND as usize, true)
    );
    let labels: Vec<String> = whole.iter().map(|row| row.label).collect();
    assert!(labels.is_sorted() && labels.windows(2).all(|two| two[0] != two[1]));
    for table in &before {
        assert!(table.iter().all(|row| whole.find(&row.label).is_some()));
        assert!(table.len() + table.to_come() >= whole.len());
    }
    drop(opened);

    // One record is another's: what was shown goes with the session.
    let place = |n| [b"r/catalogue/".as_slice(), &filled::id(n).0].concat();
    let mut store = SledStore::open(&folder.path().join(REPOSITORY)).unwrap();
    let other = store.get(&place(3)).unwrap().unwrap();
    store.commit(&[Write::Put(place(12_345), other)]).unwrap();
    drop(store);
    let mut opened = scene(&folder);
    let (checked, ..) = while_checked(&mut opened);
    assert!(matches!(checked, Checked::Wrong(_)));
    assert!(read(&mut opened).is_empty());
    assert!(opened.station.lists().keys.is_empty());
}
