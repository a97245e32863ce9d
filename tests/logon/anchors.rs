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
fn refusal(house: &mut House, of: &'static str) -> String {
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
    assert_eq!(
        house.since(seq),
        [
            (EntryKind::Locked, "card-refused".to_owned()),
            (EntryKind::Locked, "logon-void".to_owned()),
        ]
    );
    assert_eq!(house.guard(), guard);
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
    let words = refusal(&mut house, of);
    assert!(words.contains(newer), "{words}");
    // What happens while it is locked makes it longer, and no truer.
    let words = refusal(&mut house, of);
    assert!(words.contains(newer), "{words}");
    // Nor does a session of people who saw nothing newer.
    house.enter(Auditors);
    house.leave();
    let words = refusal(&mut house, of);
    assert!(
        words.contains("the entry that the card has seen was altered"),
        "{words}"
    );
    // The true one is accepted as before.
    house = house.restart_with(|folder| {
        let gone = tempfile::tempdir().unwrap();
        swap(folder, gone.path(), new.path());
    });
    house.enter(KeyManagers);
    house.leave();
    // And the auditors, who worked on the false one, are refused by it.
    house
        .hands
        .told(Box::new(|prompt, _| match &prompt.refused {
            Some(_) => Do::Answer(Answer::Abort),
            None => Do::Usual,
        }));
    assert_eq!(house.logon(Auditors), "aborted");
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
        refusal(house, "Dora"),
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
