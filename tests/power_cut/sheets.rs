//! A re-issue and a software update, and what must be left of them.

use std::path::{Path, PathBuf};

use conclave_crypto::primitive::ec::KeyPair;
use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Point};
use conclave_keyroom::domain::key::{ComponentState, KeyState};
use conclave_keyroom::domain::part_set::SetState;
use conclave_keyroom::ports::dialogue::{Answer, Ask};
use conclave_keyroom::vault::AUDIT_RESERVE;
use conclave_station::host::programs::HostPrograms;
use conclave_trades::update::VERSION;

use crate::auditor::verified;
use crate::ceremony::{self, aside, lay_back};
use crate::mounts::{Mounted, ext4};
use crate::people::{Scene, done};
use crate::recording::{BESIDE, FOLDER, Recording};
use crate::release::{GOOD, Made, installed, leads, with_letter};
use crate::stage::{self, STAFF};

const KEY: &str = "BANK-LAKE.ZMK.001";
const NEW: &str = "0.2.0";

/// The release key: the same in the run that is recorded and after the cut.
fn release() -> KeyPair {
    let secret = Secret::from_fn(32, |to| to.fill(0x2A));
    KeyPair::from_secret(secret).unwrap()
}

fn open(folder: &Path) -> Scene {
    let mut scene = Scene::open(folder, STAFF);
    scene.station = scene.station.with_programs(
        Box::new(HostPrograms::new(&folder.join("programs"))),
        Some(Point(*release().public())),
    );
    scene
}

/// A station with a key in two sheets, its programs, and an update on the
/// stick.
pub fn prepare(folder: &Path, beside: &Path) {
    ceremony::prepare(folder, beside);
    let station = folder.join("station");
    let mut scene = open(&station);
    scene.logon_both();
    done(scene.zmk(KEY, "zmk-aes128", "2"));
    scene.station.logout("logged out").unwrap();
    installed(&station);
    let made = Made::new(&release(), [0, 2, 0], GOOD);
    made.put(&release(), &scene.room.stick.folder());
}

/// A disk that others fill: acts are refused before anything is done, the
/// journal goes on, and with room everything is as before.
#[test]
fn a_disk_that_is_nearly_full_refuses_acts_and_still_records() {
    let folder = tempfile::TempDir::new().unwrap();
    let image = folder.path().join("disk");
    std::fs::write(&image, ext4(folder.path(), 64 << 20)).unwrap();
    let mounted = Mounted::image(&image, &folder.path().join("mounted"));
    let station = mounted.path().join("station");
    stage::copy(stage::folder().path(), &station);
    let mut scene = Scene::open(&station, STAFF);
    scene.logon_both();

    let filler = mounted.path().join("of-others");
    let room = || rustix::fs::statvfs(mounted.path()).unwrap();
    let free = |stat: &rustix::fs::StatVfs| stat.f_bavail * stat.f_frsize;
    let too_much = free(&room()) - AUDIT_RESERVE + (1 << 20);
    std::fs::write(&filler, vec![0xAA; usize::try_from(too_much).unwrap()]).unwrap();
    std::fs::File::open(&filler).unwrap().sync_all().unwrap();
    assert!(free(&room()) < AUDIT_RESERVE);

    let before = scene.entries();
    for _ in 0..20 {
        let refused = scene.zmk(KEY, "zmk-aes128", "2").unwrap_err();
        assert!(refused.happened.contains("The disk is full"), "{refused:?}");
        assert!(refused.advice.contains("make a backup"), "{refused:?}");
    }
    assert!(scene.entries() >= before + 20, "each refusal is recorded");
    // Who comes and goes is recorded too.
    scene.station.logout("logged out").unwrap();
    scene.logon_both();
    assert!(scene.station.keys().is_empty());

    // What makes room, and what cannot wait, is done all the same.
    scene.station.logout("logged out").unwrap();
    choose(&mut scene, "Dan");
    let barred = scene.station.suspend_card(&mut scene.people);
    assert_eq!(done(barred), "Dan's card is suspended");
    scene.people.at = Box::new(|_, _| None);
    scene.logon(GroupId::Administrators);
    let backup = scene.station.make_backup(&mut scene.people);
    assert_eq!(done(backup), "The backup is made");
    choose(&mut scene, "Dan");
    let back = scene.station.reinstate_card(&mut scene.people);
    assert_eq!(done(back), "Dan's card is reinstated");
    scene.people.at = Box::new(|_, _| None);
    scene.station.logout("logged out").unwrap();
    assert!(free(&room()) < AUDIT_RESERVE);

    std::fs::remove_file(&filler).unwrap();
    scene.logon_both();
    done(scene.zmk(KEY, "zmk-aes128", "2"));
    drop(scene);
    drop(mounted);
}

/// The next question for a card is answered with this person's.
fn choose(scene: &mut Scene, name: &'static str) {
    scene.people.at = Box::new(move |prompt, _| match &prompt.ask {
        Ask::Choose { options } if prompt.code.starts_with("card.") => {
            let at = options.iter().position(|o| o.label == name);
            Some(Answer::Chosen(at.expect("to choose from")))
        }
        _ => None,
    });
}

fn read_letter(scene: &mut Scene) {
    let made = Made::new(&release(), [0, 2, 0], GOOD);
    with_letter(scene, &made.sign(&release()));
}

/// Plays one act, with a word at each of its questions.
fn play(scene: &mut Scene, beside: &Path, act: &'static str) {
    read_letter(scene);
    let mut letter = std::mem::replace(&mut scene.people.at, Box::new(|_, _| None));
    let place = beside.to_owned();
    scene.people.at = Box::new(move |prompt, times| {
        aside(&place, &format!("{act} {}", prompt.code));
        letter(prompt, times)
    });
    done(match act {
        "re-issue" => scene.ceremony("reissue-components.toml", &[KEY, "2"]),
        _ => scene.station.install_update(&mut scene.people),
    });
    aside(beside, &format!("{act} done"));
}

/// What is recorded.
#[test]
#[ignore = "run by the test that cuts its power"]
fn work() {
    let folder = PathBuf::from(std::env::var(FOLDER).unwrap());
    let beside = PathBuf::from(std::env::var(BESIDE).unwrap());
    let mut scene = open(&folder.join("station"));
    scene.people.serial = 300;
    let place = beside.clone();
    scene.people.at = Box::new(move |prompt, _| {
        aside(&place, &format!("logon {}", prompt.code));
        None
    });
    scene.logon_both();
    scene.logon(GroupId::Administrators);
    aside(&beside, "logon done");
    for act in ["re-issue", "update"] {
        play(&mut scene, &beside, act);
    }
    // Without a word: sled writes more when it is closed.
    std::process::exit(0);
}

/// Which of the key's two sets of sheets stands: one of them whole, the other
/// former, void, or not there.
fn standing(scene: &Scene) -> Result<&'static str, String> {
    let keys = scene.station.keys();
    let key = keys.iter().find(|key| key.label == KEY).ok_or("no key")?;
    if key.state != KeyState::Active {
        return Err(format!("the key is {}", key.state.words()));
    }
    let whole = key.components.len() == 2
        && key.components.iter().all(|part| {
            part.state == ComponentState::Sealed && part.envelope.is_some() && part.of == 2
        });
    if !whole {
        return Err(format!("no set is whole: {:?}", key.components));
    }
    // Serials count up: those of the first set were drawn before the re-issue.
    let first = |serial: &Option<String>| serial.as_deref() < Some("CE0000300");
    let old = key.components.iter().all(|part| first(&part.envelope));
    let new = key.components.iter().all(|part| !first(&part.envelope));
    let states: Vec<SetState> = key.others.iter().map(|set| set.state).collect();
    match (old, new, states.as_slice()) {
        (true, false, [] | [SetState::Void]) => Ok("old sheets"),
        (false, true, [SetState::Former]) => Ok("new sheets"),
        _ => Err(format!("sets are mixed: {old}, {new}, {states:?}")),
    }
}

/// One set of sheets stands and one program; what was acknowledged is there;
/// the update that was cut goes in.
pub fn check(recording: &Recording, cut: usize, folder: &Path) -> Result<String, String> {
    let said = recording.said(cut);
    let at = said.len() - 1;
    let last = said[at];
    lay_back(recording, at);
    let acknowledged = |act: &str| said.contains(&format!("{act} done").as_str());

    let station = folder.join("station");
    let programs = station.join("programs");
    let current = leads(&programs, "current").ok_or(format!("{last}: no program stands"))?;
    let program = std::fs::read(programs.join("current/conclave"));
    if program.ok().as_deref() != Some(GOOD) {
        return Err(format!("{last}: the program that stands is not whole"));
    }
    if current != NEW && (current != VERSION || acknowledged("update")) {
        return Err(format!("{last}: {current} stands"));
    }

    let mut scene = open(&station);
    let intents = scene.station.door().vault().open_intents();
    let intents = intents.map_err(|error| error.to_string())?.len();
    if intents > 1 {
        return Err(format!("{last}: {intents} intents without an outcome"));
    }
    scene.people.serial = 600;
    scene.logon_both();
    let known = scene.station.ceremonies();
    for one in known.iter().filter(|one| !one.over) {
        let id = one.ceremony.to_string();
        done(scene.station.resume_ceremony(&id, &mut scene.people));
    }
    if scene.station.ceremonies().iter().any(|one| !one.over) {
        return Err(format!("{last}: a ceremony stays open"));
    }
    let sheets = standing(&scene).map_err(|why| format!("{last}: {why}"))?;
    if acknowledged("re-issue") && sheets != "new sheets" {
        return Err(format!("{last}: {sheets} after the re-issue"));
    }
    if current == VERSION && intents == 0 {
        scene.logon(GroupId::Administrators);
        read_letter(&mut scene);
        done(scene.station.install_update(&mut scene.people));
        if leads(&programs, "current").as_deref() != Some(NEW) {
            return Err(format!("{last}: the update does not go in any more"));
        }
    }
    let journal = station.join("journal.cbor");
    std::fs::write(&journal, scene.station.journal_bytes().unwrap()).unwrap();
    verified(&[journal, station.join("minutes")]).map_err(|why| format!("{last}: {why}"))?;
    let act = last.split(' ').next().unwrap();
    Ok(format!(
        "in {act}: {sheets}, {current} stands, {intents} UNKNOWN"
    ))
}
