//! A day of a training station: a partner's key entered, a working key carried
//! out, a backup, new shares; and what must be left of it.

use std::path::{Path, PathBuf};

use conclave_evidence::GroupId;
use conclave_keyroom::ports::dialogue::{Answer, Ask, Prompt};
use conclave_station::renew::Change;

use crate::auditor::verified;
use crate::ceremony::aside;
use crate::people::{At, Scene, done};
use crate::recording::{BESIDE, FOLDER, Recording};
use crate::stage::STAFF;
use crate::typist::Typist;

const ZMK: &str = "BANK-LAKE.ZMK.001";
const WORKING: &str = "BANK-LAKE.ZPK.001";
/// Who is logged on for all of it.
const GROUPS: [GroupId; 3] = [
    GroupId::KeyManagers,
    GroupId::Approvers,
    GroupId::Administrators,
];

/// The acts, in their order; each is acknowledged by its name and `done`.
const ACTS: [&str; 4] = ["entry", "export", "backup", "renewal"];

fn parts() -> Vec<Vec<u8>> {
    let part = |step: u8| (0..16).map(|at: u8| at.wrapping_mul(step) ^ 0x5A).collect();
    vec![part(7), part(11)]
}

/// The check value that the partner's letter names.
fn value() -> String {
    use conclave_crypto::primitive::kcv::{Kcv, Method};
    let key = crate::typist::sum(&parts());
    Kcv::compute(Method::AesCmac, &key).unwrap().hex()
}

fn hands() -> At {
    Typist::new(parts(), &value()).at()
}

fn choose(prompt: &Prompt) -> Option<Answer> {
    match &prompt.ask {
        Ask::Choose { options } => options
            .iter()
            .position(|o| o.label == GroupId::KeyManagers.title())
            .map(Answer::Chosen),
        _ => None,
    }
}

/// Plays one act, with a word at each of its questions.
fn play(scene: &mut Scene, beside: &Path, act: &'static str) {
    let mut typist = hands();
    let place = beside.to_owned();
    scene.people.at = Box::new(move |prompt, times| {
        aside(&place, &format!("{act} {}", prompt.code));
        typist(prompt, times).or_else(|| choose(prompt))
    });
    let title = done(match act {
        "entry" => scene.ceremony(
            "enter-components.toml",
            &[
                ZMK,
                "zmk-aes128",
                "2",
                "BANK-LAKE",
                "none",
                "on each component",
                "usual for the cipher",
            ],
        ),
        "export" => scene.working(WORKING, "zpk-aes128", ZMK),
        "backup" => scene.station.make_backup(&mut scene.people),
        _ => scene
            .station
            .change_group(Change::Secret, &mut scene.people),
    });
    println!("{title}");
    aside(beside, &format!("{act} done"));
}

/// What is recorded.
#[test]
#[ignore = "run by the test that cuts its power"]
fn work() {
    let folder = PathBuf::from(std::env::var(FOLDER).unwrap());
    let beside = PathBuf::from(std::env::var(BESIDE).unwrap());
    let mut scene = Scene::open(&folder.join("station"), STAFF);
    let place = beside.clone();
    scene.people.at = Box::new(move |prompt, _| {
        aside(&place, &format!("logon {}", prompt.code));
        None
    });
    for group in GROUPS {
        scene.logon(group);
    }
    aside(&beside, "logon done");
    for act in ACTS {
        play(&mut scene, &beside, act);
    }
    // Without a word: sled writes more when it is closed.
    std::process::exit(0);
}

/// Folders on the stick whose names begin so.
fn on_stick(scene: &Scene, begins: &str) -> Vec<PathBuf> {
    let stick = scene.room.stick.folder();
    let entries = std::fs::read_dir(stick).unwrap().flatten();
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    entries
        .map(|entry| entry.path())
        .filter(|path| name(path).starts_with(begins))
        .collect()
}

/// What was acknowledged is there and verifies; what was not is there whole or
/// not at all; the cards as they were log on.
pub fn check(recording: &Recording, cut: usize, folder: &Path) -> Result<String, String> {
    let said = recording.said(cut);
    let at = said.len() - 1;
    let last = said[at];
    crate::ceremony::lay_back(recording, at);
    let acknowledged = |act: &str| said.contains(&format!("{act} done").as_str());

    let mut scene = Scene::open(&folder.join("station"), STAFF);
    let intents = scene.station.door().vault().open_intents();
    let intents = intents.map_err(|error| error.to_string())?.len();
    if intents > 1 {
        return Err(format!("{last}: {intents} intents without an outcome"));
    }
    scene.logon_both();
    let known = scene.station.ceremonies();
    let open = known.iter().filter(|one| !one.over);
    let open: Vec<String> = open.map(|one| one.ceremony.to_string()).collect();
    if open.len() > 1 {
        return Err(format!("{last}: {} ceremonies are open", open.len()));
    }
    scene.people.serial = 500;
    let mut typist = hands();
    scene.people.at = Box::new(move |prompt, times| typist(prompt, times));
    for id in &open {
        done(scene.station.resume_ceremony(id, &mut scene.people));
    }
    scene.people.at = Box::new(|_, _| None);
    if scene.station.ceremonies().iter().any(|one| !one.over) {
        return Err(format!("{last}: a ceremony stays open"));
    }

    let keys = scene.station.keys();
    let key = |label: &str| keys.iter().rfind(|key| key.label == label);
    let state = |label: &str| key(label).map_or("no key", |key| key.state.words());
    let right = key(ZMK).is_none_or(|key| key.state.words() == "void" || key.kcv.value == value());
    if !right || (acknowledged("entry") && state(ZMK) != "active") {
        return Err(format!("{last}: the partner's key is {}", state(ZMK)));
    }
    let exports = key(WORKING).map_or(0, |key| key.exports.len());
    if acknowledged("export") && (state(WORKING), exports) != ("active", 1) {
        return Err(format!(
            "{last}: the working key is {}, {exports} times carried out",
            state(WORKING)
        ));
    }
    // The repository says that it went out: then it is on the stick, whole.
    // Beside it may lie one that a cut left unfinished, without a manifest.
    for export in key(WORKING).iter().flat_map(|key| &key.exports) {
        let bundle = on_stick(&scene, &format!("CONCLAVE-{:04}-", export.bundle));
        verified(&bundle).map_err(|why| format!("{last}: {why}"))?;
    }
    if acknowledged("backup") {
        verified(&on_stick(&scene, "BACKUP-")).map_err(|why| format!("{last}: {why}"))?;
    }
    let vault = scene.station.door().vault();
    let record = vault.authority().map_err(|error| error.to_string())?;
    let epoch = record.group(GroupId::KeyManagers).map_or(0, |g| g.epoch);
    if !(epoch == 2 || (epoch == 1 && !acknowledged("renewal"))) {
        return Err(format!("{last}: the key managers' epoch is {epoch}"));
    }
    let evidence = folder.join("station");
    let journal = evidence.join("journal.cbor");
    std::fs::write(&journal, scene.station.journal_bytes().unwrap()).unwrap();
    let mut papers = vec![journal];
    // There are none before the first ceremony.
    papers.extend(Some(evidence.join("minutes")).filter(|folder| folder.exists()));
    verified(&papers).map_err(|why| format!("{last}: {why}"))?;
    let act = last.split(' ').next().unwrap();
    Ok(format!(
        "in {act}: partner's key {}, working key {} and {exports} times out, epoch {epoch}, \
         {intents} UNKNOWN",
        state(ZMK),
        state(WORKING)
    ))
}
