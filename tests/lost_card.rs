//! Lost cards: barred at once by one administrator, brought back by a quorum,
//! and never below what a group needs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "support/filed_minutes.rs"]
mod filed_minutes;
#[path = "support/people.rs"]
mod people;
#[path = "support/stage.rs"]
mod stage;

use std::sync::{Arc, Mutex};

use conclave_evidence::GroupId;
use conclave_evidence::authority::CardState;
use conclave_evidence::verify::verify_paths;
use conclave_keyroom::ports::dialogue::{Answer, Ask, Refusal};
use conclave_station::logon::LogonEnd;
use people::{Scene, done};
use stage::{STAFF, folder};
use tempfile::TempDir;

fn state(scene: &Scene, name: &str) -> CardState {
    let record = scene.station.door().vault().authority().unwrap();
    let card = record.cards.iter().find(|c| c.person_name == name);
    card.unwrap().state
}

/// The next question for a card in question is answered with this person.
fn choose(scene: &mut Scene, name: &'static str) {
    scene.people.at = Box::new(move |prompt, _| match &prompt.ask {
        Ask::Choose { options } if prompt.code.starts_with("card.") => {
            let at = options.iter().position(|o| o.label == name);
            Some(Answer::Chosen(at.expect("to choose from")))
        }
        _ => None,
    });
}

fn suspend(scene: &mut Scene, name: &'static str) -> Result<String, Refusal> {
    choose(scene, name);
    scene
        .station
        .suspend_card(&mut scene.people)
        .map(|end| done(Ok(end)))
}

fn closed(folder: &TempDir) -> Scene {
    Scene::open(folder.path(), STAFF)
}

#[test]
fn one_administrator_suspends_while_nobody_is_logged_on() {
    let folder = folder();
    let mut scene = closed(&folder);
    let before = scene.entries();
    let title = suspend(&mut scene, "Dan").unwrap();
    assert_eq!(title, "Dan's card is suspended");
    assert_eq!(scene.entries(), before + 2, "intent and outcome");
    assert_eq!(state(&scene, "Dan"), CardState::Suspended);
    // The key that signs transcripts is closed.
    let vault = scene.station.door().vault();
    assert!(filed_minutes::filed(folder.path(), "suspension", vault).is_empty());
    drop(scene);

    // It holds after a restart, before anybody has signed a head over it.
    let mut scene = closed(&folder);
    assert_eq!(state(&scene, "Dan"), CardState::Suspended);
    scene.people.codes.clear();
    let dan = scene.people.hand();
    let card = scene.room.cards.lock().unwrap()[3].clone();
    scene.people.at = Box::new(move |prompt, times| {
        if matches!(prompt.ask, Ask::Card { .. }) && times == 1 {
            dan.pull(0);
            dan.insert(&card, 0).unwrap();
            // No answer to this question: the station looks at the reader.
            return Some(Answer::Confirmed);
        }
        None
    });
    // The others of the group come together, and it goes under the head.
    scene.logon(GroupId::KeyManagers);
    let told = scene.people.refusals.join("\n");
    assert!(told.contains("Dan's card is suspended"), "{told}");
    scene.logon(GroupId::Approvers);
    let journal = folder.path().join("journal.cbor");
    std::fs::write(&journal, scene.station.journal_bytes().unwrap()).unwrap();
    let report = verify_paths(&[journal]);
    assert!(report.ok(), "{report}");
    assert!(report.to_string().contains("records (2)"), "{report}");
}

#[test]
fn a_group_keeps_what_it_needs_to_come_together() {
    let folder = folder();
    let mut scene = closed(&folder);
    suspend(&mut scene, "Dan").unwrap();
    let before = scene.entries();
    let refused = suspend(&mut scene, "Eva").unwrap_err();
    assert!(refused.happened.contains("Key managers"), "{refused:?}");
    assert!(refused.advice.contains("new card"), "{refused:?}");
    assert_eq!(state(&scene, "Eva"), CardState::Active);
    assert_eq!(scene.entries(), before, "no card was asked for");
    // A custodian group of one, and auditors two of two, have none to spare.
    for name in ["Gus", "Jim"] {
        assert!(suspend(&mut scene, name).is_err(), "{name}");
    }
}

#[test]
fn neither_the_lost_card_nor_another_group_signs() {
    let folder = folder();
    let mut scene = closed(&folder);
    let hand = scene.people.hand();
    let cards = scene.room.cards.lock().unwrap().clone();
    let mut shown = 0;
    scene.people.at = Box::new(move |prompt, _| match &prompt.ask {
        Ask::Choose { options } => options
            .iter()
            .position(|o| o.label == "Ada")
            .map(Answer::Chosen),
        Ask::Card { wanted, .. } => {
            assert_eq!(wanted, &["Ben", "Cat"]);
            shown += 1;
            if shown == 1 {
                hand.pull(0);
                hand.insert(&cards[0], 0).unwrap();
                return Some(Answer::Confirmed);
            }
            None
        }
        _ => None,
    });
    done(scene.station.suspend_card(&mut scene.people));
    let told = scene.people.refusals.join("\n");
    assert!(told.contains("very card that is in question"), "{told}");
    assert_eq!(state(&scene, "Ada"), CardState::Suspended);
    // Ada signs nothing any more; Ben and Cat are the administrators' quorum.
    scene.people.at = Box::new(|_, _| None);
    scene.logon(GroupId::Administrators);
}

/// Somebody who is no administrator has their card in: it may stay, and the
/// screen says that nobody waits for it.
#[test]
fn a_card_that_is_not_wanted_is_named_on_the_screen() {
    let folder = folder();
    let mut scene = closed(&folder);
    let hand = scene.people.hand();
    let cards = scene.room.cards.lock().unwrap().clone();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let (seen, mut shown) = (Arc::clone(&lines), 0);
    scene.people.at = Box::new(move |prompt, _| match &prompt.ask {
        Ask::Choose { options } => options
            .iter()
            .position(|o| o.label == "Ada")
            .map(Answer::Chosen),
        Ask::Card { .. } => {
            let all = prompt.lines.iter().map(|line| line.text.clone());
            seen.lock()
                .unwrap()
                .push(all.collect::<Vec<_>>().join("\n"));
            shown += 1;
            // Dan, then Eva, are key managers.
            let at = match shown {
                1 => 3,
                2 => 4,
                _ => return None,
            };
            hand.pull(0);
            hand.insert(&cards[at], 0).unwrap();
            Some(Answer::Confirmed)
        }
        _ => None,
    });
    done(scene.station.suspend_card(&mut scene.people));
    let lines = lines.lock().unwrap().clone();
    assert!(!lines[0].contains("not wanted"), "{lines:?}");
    let named = "In a reader, and not wanted here: Dan (no administrator), Eva (no administrator).";
    assert!(lines.iter().any(|shown| shown.contains(named)), "{lines:?}");
    assert!(
        scene.people.refusals.is_empty(),
        "{:?}",
        scene.people.refusals
    );
    assert_eq!(state(&scene, "Ada"), CardState::Suspended);
}

#[test]
fn bringing_a_card_back_takes_the_quorum() {
    let folder = folder();
    let mut scene = closed(&folder);
    suspend(&mut scene, "Dan").unwrap();
    choose(&mut scene, "Dan");
    let refused = scene.station.reinstate_card(&mut scene.people).err();
    assert!(refused.unwrap().happened.contains("Administrators"));
    scene.logon(GroupId::Administrators);
    scene.people.codes.clear();
    choose(&mut scene, "Dan");
    let title = done(scene.station.reinstate_card(&mut scene.people));
    assert_eq!(title, "Dan's card is reinstated");
    let vault = scene.station.door().vault();
    let minutes = filed_minutes::only(folder.path(), "reinstatement", vault);
    assert_eq!(minutes.title, "Reinstate a suspended card: Dan");
    for words in ["Administrators: Ada", "Reinstate Dan's card"] {
        assert!(
            minutes.script.contains(words),
            "{words}: {}",
            minutes.script
        );
    }
    assert!(
        !scene.station.card_lost(),
        "cards were swapped, none was lost"
    );
    assert_eq!(state(&scene, "Dan"), CardState::Active);
    let record = scene
        .station
        .door()
        .vault()
        .authority_chain()
        .unwrap()
        .last()
        .unwrap()
        .clone();
    assert_eq!(record.signatures.len(), 2);
    scene.station.logout("logged out").unwrap();
    drop(scene);
    let mut scene = closed(&folder);
    match scene
        .station
        .logon(Some(GroupId::KeyManagers), &mut scene.people)
    {
        LogonEnd::Done(_) => {}
        end => panic!("{end:?}"),
    }
}

#[test]
fn a_suspended_card_ends_the_session_that_it_opened_and_leaves_a_task() {
    let folder = folder();
    let mut scene = closed(&folder);
    scene.logon(GroupId::KeyManagers);
    let member = |scene: &Scene| {
        let told = format!("{:?}", scene.station.lists().tasks);
        told.contains("Key managers: 2 live cards, 2 needed")
    };
    assert!(!member(&scene));
    // Fay is not of this session: it goes on.
    suspend(&mut scene, "Fay").unwrap();
    assert!(scene.station.is_open());
    assert!(member(&scene));
    drop(scene);

    let folder = stage::folder();
    let mut scene = closed(&folder);
    scene.logon(GroupId::KeyManagers);
    suspend(&mut scene, "Dan").unwrap();
    assert!(!scene.station.is_open());
    let vault = scene.station.door().vault();
    let minutes = filed_minutes::only(folder.path(), "suspension", vault);
    assert_eq!(minutes.title, "Suspend a lost card: Dan");
}
