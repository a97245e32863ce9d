//! A station that is being founded, and what must be left of it.

use std::path::{Path, PathBuf};

use conclave_evidence::GroupId;
use conclave_evidence::verify::verify_paths;
use conclave_station::initialise::InitialiseEnd;

use crate::ceremony::aside;
use crate::people::Scene;
use crate::recording::{BESIDE, FOLDER, Recording};
use crate::stage::{self, STAFF};

/// An empty folder on the disk; blank cards beside it.
pub fn prepare(folder: &Path, beside: &Path) {
    let blank = tempfile::TempDir::new().unwrap();
    drop(Scene::open(blank.path(), STAFF));
    stage::copy(&blank.path().join("cards"), &beside.join("cards"));
    let station = folder.join("station");
    std::fs::create_dir_all(&station).unwrap();
    std::os::unix::fs::symlink(beside.join("cards"), station.join("cards")).unwrap();
}

/// What is recorded: initialise, with a word at each new question.
#[test]
#[ignore = "run by the test that cuts its power"]
fn work() {
    let folder = PathBuf::from(std::env::var(FOLDER).unwrap());
    let beside = PathBuf::from(std::env::var(BESIDE).unwrap());
    let mut scene = Scene::open(&folder.join("station"), STAFF);
    let place = beside.clone();
    scene.people.at = Box::new(move |prompt, _| {
        aside(&place, &prompt.code);
        None
    });
    scene.found();
    aside(&beside, "founded");
    // Without a word: sled writes more when it is closed.
    std::process::exit(0);
}

/// The station is empty and is founded with the same cards, or it is there and
/// is finished; then its people log on.
pub fn check(recording: &Recording, cut: usize, folder: &Path) -> Result<String, String> {
    let said = recording.said(cut);
    let at = said.len() - 1;
    let last = said[at];
    crate::ceremony::lay_back(recording, at);
    let mut scene = Scene::open(&folder.join("station"), STAFF);
    let empty = scene.station.door().vault().is_empty();
    let over = last == "founded";
    if empty && (over || last == "init.finish") {
        return Err(format!("{last}, and there is no station"));
    }
    if empty {
        scene.found();
    } else if !over {
        match scene.station.initialise(&mut scene.people) {
            InitialiseEnd::Done(_) => {}
            InitialiseEnd::Refused(refusal) => return Err(format!("{last}: {refusal:?}")),
            _ => return Err(format!("{last}: given up: {:?}", scene.people.refusals)),
        }
    }
    for group in [GroupId::Administrators, GroupId::Recovery] {
        scene.logon(group);
        scene.station.logout("logged out").unwrap();
    }
    scene.logon_both();
    let journal = folder.join("station/journal.cbor");
    std::fs::write(&journal, scene.station.journal_bytes().unwrap()).unwrap();
    let report = verify_paths(&[journal]);
    if !report.ok() {
        let failure = report.failure().unwrap_or_default();
        return Err(format!("{last}, and an auditor finds: {failure}"));
    }
    Ok(match (empty, over) {
        (true, _) => "nothing was there, founded anew",
        (false, false) => "finished",
        (false, true) => "complete",
    }
    .into())
}
