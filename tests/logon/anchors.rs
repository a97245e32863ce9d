//! The note of the journal on each card: an older repository is refused by
//! the people who saw a newer one, and a card without its note is an alarm.

use std::path::Path;

use conclave_evidence::GroupId::{Administrators, Auditors, KeyManagers};
use conclave_evidence::journal::EntryKind;
use conclave_keyroom::ports::dialogue::{Answer, Ask};
use conclave_station::anchor::management_from_secret;

use crate::bench::SystemRandom;
use crate::cards_of;
use crate::hands::Do;
use crate::house::House;

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The key managers' logon, given up at the first refusal: the refusal, and
/// that this person's PIN was not asked for.
fn refusal(house: &mut House, of: &'static str, locks: bool) -> String {
    let seq = house.newest();
    house.hands.told(Box::new(move |prompt, _| {
        if let Ask::Pin { person, .. } = &prompt.ask {
            assert_ne!(person, of);
        }
        match &prompt.refused {
            Some(refusal) => {
                assert!(refusal.advice.contains("recovery"), "{refusal:?}");
                Do::Answer(Answer::Abort)
            }
            None => Do::Usual,
        }
    }));
    let guard = house.guard();
    assert_eq!(house.logon(KeyManagers), "aborted");
    let mut expected = vec!["card-refused", "logon-void"];
    if locks {
        expected.insert(1, "lock-for-recovery");
    }
    let expected: Vec<_> = expected
        .into_iter()
        .map(|action| (EntryKind::Locked, action.to_owned()))
        .collect();
    assert_eq!(house.since(seq), expected);
    assert_eq!(house.guard(), (guard.0, locks || guard.1));
    assert!(house.is_shut());
    let words = house.hands.refusals().join(" ");
    house.leave();
    words
}

pub fn an_older_repository_is_refused(house: House) -> House {
    let old = tempfile::tempdir().unwrap();
    let new = tempfile::tempdir().unwrap();
    let mut house =
        house.restart_with(|folder| copy(&folder.join("repository"), &old.path().join("copy")));
    house.enter(KeyManagers);
    house.leave();
    let swap = |folder: &Path, keep: &Path, put: &Path| {
        let place = folder.join("repository");
        std::fs::rename(&place, keep.join("copy")).unwrap();
        copy(&put.join("copy"), &place);
    };
    house = house.restart_with(|folder| swap(folder, new.path(), old.path()));
    // With one reader only the session card got the note of that logon.
    let of = if house.table.width() == 1 {
        "Emil"
    } else {
        "Dora"
    };
    let newer = "this card has seen a newer journal than this repository holds";
    let words = refusal(&mut house, of, true);
    assert!(words.contains(newer), "{words}");
    // From then on nobody logs on to it, not those either who saw nothing newer.
    let seq = house.newest();
    for group in [KeyManagers, Auditors, Administrators] {
        let words = house.logon(group);
        assert!(words.contains("what this disk does not hold"), "{words}");
        assert!(house.is_shut());
        house.leave();
    }
    assert_eq!(house.newest(), seq);
    // The true one is accepted as before.
    house = house.restart_with(|folder| {
        let gone = tempfile::tempdir().unwrap();
        swap(folder, gone.path(), new.path());
    });
    house.enter(KeyManagers);
    house.leave();
    house
}

pub fn a_wiped_anchor_is_an_alarm(house: &mut House) {
    let dora = house.hands.card_of("Dora");
    let id = cards_of(house)["Dora"].card;
    house.enter(Administrators);
    let key = house.station.door().management_key(id).unwrap();
    let key = management_from_secret(&key).unwrap();
    house.leave();
    let mut card = house.card(dora);
    let kept = card.anchors().unwrap();
    let overwrite = |card: &mut conclave_keyroom::piv::PivCard, bytes: [&[u8]; 2]| {
        card.authenticate_management(&key, &mut SystemRandom::new())
            .unwrap();
        // As if neither copy counted, the first one goes first; then the other.
        for (at, copy) in bytes.into_iter().enumerate() {
            let written = bytes[0];
            card.write_anchor(copy, &|it| match at {
                0 => (it == copy).then_some(1),
                _ if it == copy && copy != written => Some(2),
                _ => (it == written).then_some(1),
            })
            .unwrap();
        }
    };
    overwrite(&mut card, [b"wiped", b"too"]);
    assert_eq!(
        card.anchors().unwrap(),
        [Some(b"wiped".to_vec()), Some(b"too".to_vec())]
    );
    drop(card);
    house.table.clear();
    assert_eq!(
        refusal(house, "Dora", false),
        "This card carried a note of the journal, and the note is gone."
    );
    // Put back, it is accepted again.
    let copies = kept.map(|copy| copy.unwrap());
    let mut card = house.card(dora);
    overwrite(&mut card, [&copies[0], &copies[1]]);
    drop(card);
    house.table.clear();
    house.enter(KeyManagers);
    house.leave();
}
