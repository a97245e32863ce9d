//! The training station's ceremony at work, and what must be left of it.

use std::path::{Path, PathBuf};

use crate::auditor::verified;
use crate::people::{Scene, done};
use crate::recording::{BESIDE, FOLDER, Recording, say};
use crate::stage::{self, STAFF};

const KEY: &str = "BANK-LAKE.ZMK.001";

/// A furnished station on the disk; its cards beside it.
pub fn prepare(folder: &Path, beside: &Path) {
    let furnished = stage::folder();
    stage::copy(furnished.path(), &folder.join("station"));
    let (here, there) = (folder.join("station/cards"), beside.join("cards"));
    stage::copy(&here, &there);
    std::fs::remove_dir_all(&here).unwrap();
    std::os::unix::fs::symlink(&there, &here).unwrap();
}

/// Lays the cards aside as they are now, and says where the work stands.
pub fn aside(beside: &Path, words: &str) {
    let number = std::fs::read_dir(beside).unwrap().count() - 1;
    let aside = beside.join(format!("cards-{number}"));
    stage::copy(&beside.join("cards"), &aside);
    say(words);
}

/// Lays the cards on the table as they were at this word.
pub fn lay_back(recording: &Recording, word: usize) {
    let beside = recording.beside();
    std::fs::remove_dir_all(beside.join("cards")).unwrap();
    stage::copy(&beside.join(format!("cards-{word}")), &beside.join("cards"));
}

/// Where the work stands, and how many sheets were printed.
fn word(beside: &Path, code: &str, sheets: usize) {
    aside(beside, &format!("{code} {sheets}"));
}

/// What is recorded: a ceremony, with a word at each new question.
#[test]
#[ignore = "run by the test that cuts its power"]
fn work() {
    let folder = PathBuf::from(std::env::var(FOLDER).unwrap());
    let beside = PathBuf::from(std::env::var(BESIDE).unwrap());
    let mut scene = Scene::open(&folder.join("station"), STAFF);
    scene.logon_both();
    word(&beside, "logged-on", 0);
    let (printers, place) = (scene.room.printers.clone(), beside.clone());
    scene.people.at = Box::new(move |prompt, _| {
        word(&place, &prompt.code, stage::sheets_in(&printers));
        None
    });
    done(scene.zmk(KEY, "zmk-aes128", "2"));
    word(&beside, "over", stage::sheets(&scene));
    // Without a word: sled writes more when it is closed.
    std::process::exit(0);
}

fn code(word: &str) -> &str {
    word.split(' ').next().unwrap()
}

fn printed(word: &str) -> usize {
    word.split(' ').nth(1).unwrap().parse().unwrap()
}

/// Where the ceremony stood at a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// It is not signed for yet, or not on record.
    Begun,
    /// It has a record of its own.
    Opened,
    /// The next answer makes the key.
    Making,
    /// The key's components are made, and not all of them sealed.
    Unsealed,
    /// The next answer seals the last one.
    Sealing,
    Sealed,
    Over,
}

fn stage_of(words: &[&str], at: usize) -> Stage {
    let first = |wanted: &str| words.iter().position(|w| code(w) == wanted).unwrap();
    let readback = first("readback.show");
    if at + 1 == words.len() {
        Stage::Over
    } else if at >= readback {
        Stage::Sealed
    } else if at + 1 == readback {
        Stage::Sealing
    } else if at > first("generate.ready") {
        Stage::Unsealed
    } else if at == first("generate.ready") {
        Stage::Making
    } else if at >= first("sign-in.card") {
        Stage::Opened
    } else {
        Stage::Begun
    }
}

/// The station opens with the cards as they were, notices no older copy, and
/// the ceremony comes to the end that its stage allows.
pub fn check(recording: &Recording, cut: usize, folder: &Path) -> Result<String, String> {
    let said = recording.said(cut);
    let all = recording.said(recording.events.len());
    let at = said.len() - 1;
    let stage = stage_of(&all, at);
    lay_back(recording, at);

    let mut scene = Scene::open(&folder.join("station"), STAFF);
    let intents = scene.station.door().vault().open_intents();
    let intents = intents.map_err(|error| error.to_string())?.len();
    if intents > 1 {
        return Err(format!("{intents} intents without an outcome"));
    }
    // The cards hold the head of their last logon: this one would notice a
    // repository that is older.
    scene.logon_both();
    let known = scene.station.ceremonies();
    if known.is_empty() {
        if stage > Stage::Begun {
            return Err(format!("{stage:?}, and there is no ceremony"));
        }
        done(scene.zmk(KEY, "zmk-aes128", "2"));
    }
    let open = known.iter().filter(|one| !one.over);
    let open: Vec<String> = open.map(|one| one.ceremony.to_string()).collect();
    // In the last answers before it is over it may be over already.
    let early = stage < Stage::Sealed && open.is_empty() && !known.is_empty();
    if early || (stage == Stage::Over && !open.is_empty()) {
        return Err(format!("{stage:?}, and {} are open", open.len()));
    }
    scene.people.serial = 500;
    for id in &open {
        done(scene.station.resume_ceremony(id, &mut scene.people));
    }
    if scene.station.ceremonies().iter().any(|one| !one.over) {
        return Err("a ceremony stays open".into());
    }
    let (state, sheets) = (scene.key_state(KEY), stage::sheets(&scene));
    let allowed: &[(Option<&str>, usize)] = match stage {
        Stage::Begun | Stage::Opened => &[(Some("active"), 2)],
        Stage::Making => &[(Some("active"), 2), (None, 0), (Some("void"), 0)],
        Stage::Unsealed => &[(Some("void"), 0)],
        Stage::Sealing => &[(Some("void"), 0), (Some("active"), 0)],
        Stage::Sealed | Stage::Over => &[(Some("active"), 0)],
    };
    let good = allowed.contains(&(state.as_deref(), sheets));
    let evidence = folder.join("station");
    let journal = evidence.join("journal.cbor");
    let bytes = scene.station.journal_bytes().unwrap();
    std::fs::write(&journal, bytes).unwrap();
    // Everything below the folder that an auditor would look at.
    if let Err(failure) = verified(&[journal, evidence.join("minutes")]) {
        return Err(format!("{stage:?}, and an auditor finds: {failure}"));
    }
    let before = printed(all[at]);
    let ended = format!(
        "{stage:?}: {} with {before} sheets before the cut and {sheets} after, {intents} UNKNOWN",
        state.as_deref().unwrap_or("no key")
    );
    // An active key has exactly one sheet per component.
    let once = state.as_deref() != Some("active") || before + sheets == 2;
    if good && once { Ok(ended) } else { Err(ended) }
}
