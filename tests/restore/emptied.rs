//! A restore that comes to nothing leaves an empty machine.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex};

use conclave_keyroom::ports::dialogue::{Answer, Ask};
use conclave_keyroom::ports::store::Store;
use conclave_keyroom::vault::engine::SledStore;
use conclave_station::front::Phase;
use conclave_station::service::ActEnd;

use crate::people::Scene;
use crate::stage::{STAFF, folder};
use crate::{back_up, machine_apart, machine_beside, restored};

/// What stands in a repository.
fn values(folder: &std::path::Path) -> usize {
    // sled may let go of its file a moment after it was dropped.
    let store = (0..100)
        .find_map(|_| {
            SledStore::open(&folder.join("repository"))
                .inspect_err(|_| std::thread::sleep(std::time::Duration::from_millis(20)))
                .ok()
        })
        .unwrap();
    let mut count = 0;
    store
        .scan(b"", &mut |_, _| {
            count += 1;
            true
        })
        .unwrap();
    count
}

/// The questions of a restore, in their order.
fn questions(scene: &mut Scene) -> Vec<(String, usize)> {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&asked);
    scene.people.at = Box::new(move |prompt, times| {
        note.lock().unwrap().push((prompt.code.clone(), times));
        None
    });
    restored(scene);
    scene.people.at = Box::new(|_, _| None);
    let asked = asked.lock().unwrap();
    asked.clone()
}

#[test]
fn given_up_at_any_question_it_leaves_nothing_and_can_begin_again() {
    let folder = folder();
    let mut scene = Scene::open(folder.path(), STAFF);
    back_up(&mut scene);
    drop(scene);
    let first = machine_apart(folder.path());
    let all = questions(&mut Scene::open(first.path(), STAFF));
    let before: Vec<_> = all
        .iter()
        .take_while(|(code, _)| code != "restore.note")
        .collect();
    assert!(before.len() > 15, "{all:?}");
    let other = machine_apart(folder.path());
    for (code, nth) in before {
        let mut scene = Scene::open(other.path(), STAFF);
        let (wanted, nth) = (code.clone(), *nth);
        scene.people.at = Box::new(move |prompt, times| {
            (prompt.code == wanted && times == nth).then_some(Answer::Abort)
        });
        match scene.station.restore_backup(&mut scene.people) {
            Ok(ActEnd::Stopped) => {}
            // A logon that was given up after a wrong turn says so.
            Err(refusal) => assert!(refusal.happened.contains("given up"), "{refusal:?}"),
            Ok(_) => panic!("{code} {nth}: it was restored"),
        }
        assert_eq!(scene.station.status(0).phase, Phase::Empty, "{code} {nth}");
        assert!(!scene.station.is_open());
        drop(scene);
        assert_eq!(values(other.path()), 0, "{code} {nth}");
    }
    let mut scene = Scene::open(other.path(), STAFF);
    restored(&mut scene);
    assert_eq!(scene.station.status(0).phase, Phase::Closed);
}

/// The program ends at a question, as by a power cut: nothing is tidied up.
#[test]
fn cut_at_any_question_it_opens_empty_or_restored() {
    let folder = folder();
    let mut scene = Scene::open(folder.path(), STAFF);
    back_up(&mut scene);
    drop(scene);
    let first = machine_apart(folder.path());
    let all = questions(&mut Scene::open(first.path(), STAFF));
    let mut outcomes = Vec::new();
    for (code, nth) in &all {
        let other = machine_apart(folder.path());
        let mut scene = Scene::open(other.path(), STAFF);
        let (wanted, nth) = (code.clone(), *nth);
        scene.people.at = Box::new(move |prompt, times| {
            if prompt.code == wanted && times == nth {
                resume_unwind(Box::new("cut"));
            }
            None
        });
        let cut = catch_unwind(AssertUnwindSafe(|| {
            let _ = scene.station.restore_backup(&mut scene.people);
        }));
        assert!(cut.is_err(), "{code} {nth} is not asked");
        drop(scene);
        let mut scene = Scene::open(other.path(), STAFF);
        let phase = scene.station.status(0).phase;
        outcomes.push(phase);
        if phase == Phase::Empty {
            drop(scene);
            assert_eq!(values(other.path()), 0, "{code} {nth}");
            scene = Scene::open(other.path(), STAFF);
            restored(&mut scene);
        }
        scene.logon_both();
    }
    let cards = |phase| outcomes.iter().filter(|one| **one == phase).count();
    let (empty, closed) = (cards(Phase::Empty), cards(Phase::Closed));
    assert_eq!(empty + closed, outcomes.len(), "{outcomes:?}");
    assert!(empty > 15 && closed > 0, "{outcomes:?}");
}

#[test]
fn without_the_recovery_holders_there_is_no_restore() {
    let folder = folder();
    let mut scene = Scene::open(folder.path(), STAFF);
    let backup = back_up(&mut scene);
    drop(scene);
    // A backup that was altered is refused before anything is written.
    let records = backup.join("records-0001.bin");
    let good = std::fs::read(&records).unwrap();
    let mut bad = good.clone();
    bad[1000] ^= 1;
    std::fs::write(&records, bad).unwrap();
    let other = machine_beside(folder.path());
    let mut scene = Scene::open(other.path(), STAFF);
    let refused = scene.station.restore_backup(&mut scene.people).unwrap_err();
    assert!(refused.happened.contains("records-0001.bin"), "{refused:?}");
    std::fs::write(&records, good).unwrap();
    // Administrators come in the recovery holders' place: not one PIN is asked.
    let hand = scene.people.hand();
    let ada = scene.room.cards.lock().unwrap()[0].clone();
    let mut tried = 0;
    scene.people.at = Box::new(move |prompt, _| match &prompt.ask {
        Ask::Card { .. } if prompt.code == "logon.card" => {
            tried += 1;
            if tried > 3 {
                return Some(Answer::Abort);
            }
            hand.pull(0);
            hand.insert(&ada, 0).unwrap();
            Some(Answer::Confirmed)
        }
        Ask::Pin { .. } => panic!("a PIN was asked for"),
        _ => None,
    });
    let end = scene.station.restore_backup(&mut scene.people);
    assert!(matches!(end, Ok(ActEnd::Stopped)), "{end:?}");
    let told = scene.people.refusals.join("\n");
    assert!(
        told.contains("Ada is no member of the group Recovery"),
        "{told}"
    );
    assert_eq!(scene.station.status(0).phase, Phase::Empty);
}
