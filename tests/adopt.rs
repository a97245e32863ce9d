//! What is written while the station is locked, by a run that ends before
//! anybody logs on, is nobody's until administrators adopt it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "support/people.rs"]
mod people;
#[path = "support/stage.rs"]
mod stage;

use std::path::Path;

use conclave_crypto::secret::Secret;
use conclave_evidence::GroupId::{Administrators, Auditors, KeyManagers};
use conclave_evidence::export::JournalExport;
use conclave_keyroom::door::Action;
use conclave_keyroom::ports::dialogue::{Answer, Ask, Refusal};
use conclave_station::adopt::AdoptEntries;
use conclave_station::front::Lists;
use people::{Scene, done};
use stage::{STAFF, folder};

fn open(folder: &Path) -> Scene {
    Scene::open(folder, STAFF)
}

/// Somebody types a wrong PIN and gives up.
fn failed_logon(scene: &mut Scene) {
    scene.people.at = Box::new(|prompt, times| match &prompt.ask {
        Ask::Pin { .. } if times == 1 => Some(Answer::Secret(Secret::from_fn(6, |out| {
            out.copy_from_slice(b"918273");
        }))),
        Ask::Pin { .. } => Some(Answer::Abort),
        _ => None,
    });
    let before = scene.entries();
    scene.station.logon(Some(KeyManagers), &mut scene.people);
    assert!(scene.entries() > before, "it is in the journal");
    scene.people.at = Box::new(|_, _| None);
}

fn tasks(lists: &Lists) -> Vec<&str> {
    let what = lists.tasks.iter().map(|task| task.what.as_str());
    what.filter(|what| what.contains("unauthenticated"))
        .collect()
}

fn marked(lists: &Lists) -> usize {
    lists.journal.iter().filter(|r| r.kind == "UNAUTH.").count()
}

/// What a stranger reads of it in the journal's export.
fn noted(scene: &mut Scene) -> usize {
    let export = JournalExport::from_file(&scene.station.journal_bytes().unwrap()).unwrap();
    export.verify().unwrap().unauthenticated.len()
}

/// Why nothing may be adopted.
fn refusal(scene: &mut Scene) -> Refusal {
    let end = scene.station.adopt_entries(&mut scene.people);
    end.expect_err("refused")
}

#[test]
fn a_logon_in_the_same_run_vouches() {
    let folder = folder();
    let mut scene = open(folder.path());
    failed_logon(&mut scene);
    scene.logon(KeyManagers);
    let lists = scene.station.lists();
    assert_eq!((tasks(&lists).len(), marked(&lists)), (0, 0));
    drop(scene);
    let mut scene = open(folder.path());
    scene.logon(KeyManagers);
    assert_eq!(marked(&scene.station.lists()), 0);
    assert_eq!(noted(&mut scene), 0);
}

#[test]
fn a_run_that_ended_before_a_logon_waits_for_the_administrators() {
    let folder = folder();
    let mut scene = open(folder.path());
    failed_logon(&mut scene);
    drop(scene);
    // Whoever logs on next sees it, and their head does not make it good.
    let mut scene = open(folder.path());
    scene.logon(KeyManagers);
    let lists = scene.station.lists();
    assert_eq!(tasks(&lists).len(), 1);
    let count = marked(&lists);
    assert!(count > 0);
    let refused = refusal(&mut scene);
    assert!(refused.happened.contains("Administrators"), "{refused:?}");
    drop(scene);

    let mut scene = open(folder.path());
    scene.logon(Auditors);
    assert_eq!(noted(&mut scene), 1);
    scene.station.logout("logged out").unwrap();
    scene.logon(Administrators);
    assert_eq!(marked(&scene.station.lists()), count);
    // Put off, and signed by nobody: nothing changes.
    for code in ["adopt.read", "sign.card"] {
        scene.people.at = Box::new(move |prompt, _| (prompt.code == code).then_some(Answer::Abort));
        let _ = scene.station.adopt_entries(&mut scene.people);
        assert_eq!(marked(&scene.station.lists()), count, "{code}");
    }
    scene.people.at = Box::new(|_, _| None);
    done(scene.station.adopt_entries(&mut scene.people));
    let lists = scene.station.lists();
    assert_eq!((tasks(&lists).len(), marked(&lists)), (0, 0));
    assert_eq!(noted(&mut scene), 0);
    let nothing = refusal(&mut scene);
    assert!(nothing.advice.contains("nothing to adopt"), "{nothing:?}");
    drop(scene);
    let mut scene = open(folder.path());
    scene.logon(Administrators);
    assert_eq!(marked(&scene.station.lists()), 0, "also after a restart");
}

#[test]
fn strangers_know_the_act_by_its_name() {
    assert_eq!(AdoptEntries::NAME, conclave_evidence::locked::ADOPT);
}
