//! Software updates: whose they are, what they replace, and that what stands
//! stands until the new one has proven itself. The release keys here are made
//! for the test that uses them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "support/filed_minutes.rs"]
mod filed_minutes;
#[path = "update/format.rs"]
mod format;
#[path = "support/people.rs"]
mod people;
#[path = "support/release.rs"]
mod release;
#[path = "support/stage.rs"]
mod stage;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use conclave_crypto::primitive::ec::KeyPair;
use conclave_evidence::update::{SignedUpdate, UPDATE_FILE};
use conclave_evidence::verify::verify_paths;
use conclave_evidence::{GroupId, Point};
use conclave_keyroom::ports::dialogue::{Answer, Ask, Refusal};
use conclave_keyroom::ports::programs::ProgramsError;
use conclave_keyroom::vault::format::FORMAT;
use conclave_station::compose::random_source;
use conclave_station::host::programs::HostPrograms;
use conclave_station::service::ActEnd;
use conclave_trades::update::VERSION;
use people::{Scene, done};
use release::{GOOD, Made, installed, leads, with_letter};
use stage::{STAFF, folder};
use tempfile::TempDir;

const BAD: &[u8] = b"#!/bin/sh\nexit 1\n";
const OTHER: &[u8] = b"\x7fELF nothing that this machine runs";

fn key() -> KeyPair {
    KeyPair::generate(&mut *random_source().unwrap()).unwrap()
}

/// A station with a release key, its programs, and administrators logged on.
fn room() -> (TempDir, Scene, KeyPair, PathBuf) {
    let folder = folder();
    let release = key();
    let programs = installed(folder.path());
    let mut scene = Scene::open(folder.path(), STAFF);
    scene.station = scene.station.with_programs(
        Box::new(HostPrograms::new(&programs)),
        Some(Point(*release.public())),
    );
    scene.logon(GroupId::Administrators);
    (folder, scene, release, programs)
}

fn install(scene: &mut Scene) -> Result<ActEnd, Refusal> {
    scene.station.install_update(&mut scene.people)
}

#[test]
fn an_update_is_installed_and_taken_back() {
    let (folder, mut scene, release, programs) = room();
    let made = Made::new(&release, [0, 2, 0], GOOD);
    let medium = made.put(&release, &scene.room.stick.folder());
    // What a stranger says of the medium.
    let report = verify_paths(&[medium]);
    assert!(report.ok(), "{report}");
    assert!(report.to_string().contains("version 0.2.0"), "{report}");

    with_letter(&mut scene, &made.sign(&release));
    scene.people.codes.clear();
    assert_eq!(done(install(&mut scene)), "Version 0.2.0 is installed");
    let vault = scene.station.door().vault();
    let minutes = filed_minutes::only(folder.path(), "update", vault);
    assert_eq!(minutes.title, "Install version 0.2.0");
    // There was no backup, so one was made; the words were compared.
    for code in [
        "update.digest",
        "update.typed",
        "update.backup",
        "sign.card",
    ] {
        assert!(scene.people.codes.iter().any(|c| c == code), "{code}");
    }
    assert_eq!(leads(&programs, "current").as_deref(), Some("0.2.0"));
    assert_eq!(leads(&programs, "former").as_deref(), Some(VERSION));
    let program = programs.join("current/conclave");
    assert_eq!(fs::read(&program).unwrap(), GOOD);
    assert_eq!(
        fs::metadata(&program).unwrap().permissions().mode() & 0o777,
        0o755
    );

    // The same again is no update.
    let refused = install(&mut scene).unwrap_err();
    assert!(refused.happened.contains("never goes back"), "{refused:?}");

    assert_eq!(
        done(scene.station.roll_back(&mut scene.people)),
        format!("Version {VERSION} stands again")
    );
    assert_eq!(leads(&programs, "current").as_deref(), Some(VERSION));
    assert_eq!(leads(&programs, "former").as_deref(), Some("0.2.0"));
    let vault = scene.station.door().vault();
    let all = filed_minutes::filed(folder.path(), "update", vault);
    let back = format!("Go back to version {VERSION}");
    assert!(all.len() == 2 && all.iter().any(|one| one.title == back));
    let headers = scene.station.door().vault().headers().unwrap();
    for action in ["install-update", "roll-back"] {
        let kinds: Vec<_> = headers
            .iter()
            .filter(|h| h.action == action)
            .map(|h| format!("{:?}", h.kind))
            .collect();
        assert_eq!(kinds, ["Proposed", "Intent", "Outcome"], "{action}");
    }
}

/// A program that this test starts: written by a child, so that no other thread's child
/// holds it open when it is started.
fn written_by_a_child(path: &str, text: &str) {
    let write = "printf %s \"$2\" > \"$1\" && chmod 755 \"$1\"";
    let done = Command::new("sh")
        .args(["-c", write, "sh", path, text])
        .status();
    assert!(done.unwrap().success());
}

/// The maker's script writes and signs a manifest with Python and openssl alone, from
/// what the operators' page says of it.
#[test]
fn what_the_makers_script_made_is_installed() {
    const ADVICE: &str = "run ./scripts/test, which installs it";
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let run = |program: &str, words: &[&str]| {
        let done = Command::new(program).args(words).output();
        let done = done.unwrap_or_else(|_| panic!("{program} is missing: {ADVICE}"));
        assert!(done.status.success(), "{program} {words:?}: {done:?}");
        String::from_utf8(done.stdout).unwrap()
    };
    let pem = at("release.pem");
    let made = ["-name", "prime256v1", "-genkey", "-noout", "-out", &pem];
    run("openssl", &[&["ecparam"], &made[..]].concat());
    fs::create_dir(at("programs")).unwrap();
    for name in ["programs/conclave", "programs/conclave-verify"] {
        written_by_a_child(&at(name), std::str::from_utf8(GOOD).unwrap());
    }
    let (_room, mut scene, _, programs) = room();
    let stick = scene.room.stick.folder();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/release");
    let (from, to) = (at("programs"), stick.to_str().unwrap());
    let words = ["--key", &pem, "--version", "0.2.0", "--programs", &from];
    let words = [&words[..], &["--out", to]].concat();
    // Which format the program knows, it says itself, or whoever signs: nobody guesses.
    let silent = Command::new(script).args(&words).output().unwrap();
    let why = String::from_utf8(silent.stderr).unwrap();
    assert!(
        !silent.status.success() && why.contains("repository format"),
        "{why}"
    );
    let ours = run(env!("CARGO_BIN_EXE_conclave"), &["--version"]);
    let knows = format!("repository format {FORMAT}");
    assert!(ours.lines().any(|line| line == knows), "{ours}");
    let says = format!("#!/bin/sh\necho '{knows}'\n");
    written_by_a_child(&at("programs/conclave"), &says);
    let told = run(script, &words);
    let point = told
        .lines()
        .find_map(|line| line.strip_prefix("release key"));
    let point = point.unwrap().trim();
    let point: Vec<u8> = (0..point.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&point[at..at + 2], 16).unwrap())
        .collect();
    scene.station = scene.station.with_programs(
        Box::new(HostPrograms::new(&programs)),
        Some(Point(point.try_into().unwrap())),
    );
    scene.logon(GroupId::Administrators);
    let manifest = fs::read(stick.join("UPDATE-0.2.0").join(UPDATE_FILE)).unwrap();
    let signed = SignedUpdate::from_file(&manifest).unwrap();
    let digest = signed.digest().to_string().to_lowercase();
    assert!(told.contains(&digest), "{told}");
    assert_eq!(signed.verify().unwrap().format, FORMAT);
    with_letter(&mut scene, &signed);
    assert_eq!(done(install(&mut scene)), "Version 0.2.0 is installed");
}

/// Each of these is refused by its words, and what stood stands.
#[test]
fn what_is_not_the_makers_newer_update_for_this_machine_is_refused() {
    let (_folder, mut scene, release, programs) = room();
    let stranger = key();
    let stick = scene.room.stick.folder();
    type Change = fn(&mut Made, &Path);
    let cases: [(&str, [u16; 3], Change); 5] = [
        ("This is version 0.1.0", [0, 1, 0], |_, _| {}),
        ("This is version 0.0.9", [0, 0, 9], |_, _| {}),
        ("is for sparc-plan9", [0, 2, 0], |made, _| {
            made.update.target = "sparc-plan9".into();
        }),
        ("other files than the programs", [0, 2, 0], |made, _| {
            made.update.files[1].name = "conclave-other".into();
        }),
        ("no plain text", [0, 2, 0], |made, _| {
            made.update.note = "new\u{1b}[2J".into();
        }),
    ];
    for (words, version, change) in cases {
        let mut made = Made::new(&release, version, GOOD);
        change(&mut made, &stick);
        made.put(&release, &stick);
        with_letter(&mut scene, &made.sign(&release));
        let refused = install(&mut scene).unwrap_err();
        assert!(refused.happened.contains(words), "{words}: {refused:?}");
    }
    // Another maker's, and one whose signature is not by the key it names.
    let made = Made::new(&stranger, [0, 2, 0], GOOD);
    made.put(&stranger, &stick);
    let refused = install(&mut scene).unwrap_err();
    assert!(refused.happened.contains("another key"), "{refused:?}");
    let made = Made::new(&release, [0, 2, 0], GOOD);
    let medium = made.put(&stranger, &stick);
    let refused = install(&mut scene).unwrap_err();
    assert!(refused.happened.contains("signature"), "{refused:?}");
    assert!(!verify_paths(&[medium]).ok());

    // Another letter: given up, nobody signs.
    made.put(&release, &stick);
    scene.people.at = Box::new(|prompt, times| match prompt.ask {
        Ask::Text { .. } if times > 1 => Some(Answer::Abort),
        Ask::Text { .. } => Some(Answer::Word("0000000".into())),
        _ => None,
    });
    assert!(matches!(install(&mut scene), Ok(ActEnd::Stopped)));
    let said = scene.people.refusals.join("\n");
    assert!(
        said.contains("not the first digits of this update"),
        "{said}"
    );
    assert_eq!(leads(&programs, "current").as_deref(), Some(VERSION));
    assert_eq!(leads(&programs, "former"), None);
    let headers = scene.station.door().vault().headers().unwrap();
    assert!(!headers.iter().any(|h| h.action == "install-update"));
}

/// Manifests that are none: refused at the medium, by the station and by a
/// stranger, and never a panic.
#[test]
fn malformed_manifests_are_refused() {
    let (_folder, mut scene, release, programs) = room();
    let made = Made::new(&release, [0, 2, 0], GOOD);
    let medium = made.put(&release, &scene.room.stick.folder());
    let malformed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/malformed/updates");
    let mut count = 0;
    for entry in fs::read_dir(malformed).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, medium.join(UPDATE_FILE)).unwrap();
        let refused = install(&mut scene).unwrap_err();
        assert!(
            refused.happened.contains("does not hold"),
            "{path:?}: {refused:?}"
        );
        let report = verify_paths(std::slice::from_ref(&medium));
        assert!(!report.ok(), "{path:?}: {report}");
        count += 1;
    }
    assert!(count > 20, "{count}");
    assert_eq!(leads(&programs, "current").as_deref(), Some(VERSION));
}

/// Files that change after the letter was compared, and programs that do not
/// run here: found before anything is switched.
#[test]
fn a_cut_file_another_file_and_a_program_that_fails_are_not_let_stand() {
    let (_folder, mut scene, release, programs) = room();
    let stick = scene.room.stick.folder();
    let flipped = |bytes: &mut Vec<u8>| bytes[3] ^= 1;
    let cut = |bytes: &mut Vec<u8>| bytes.truncate(9);
    let more = |bytes: &mut Vec<u8>| bytes.push(b'\n');
    type Spoil = fn(&mut Vec<u8>);
    let cases: [(&[u8], Option<(&str, Spoil)>, &str); 5] = [
        (GOOD, Some(("conclave", flipped)), "its digest differs"),
        (GOOD, Some(("conclave-verify", cut)), "are in the manifest"),
        (GOOD, Some(("conclave", more)), "conclave"),
        (BAD, None, "self-test fails"),
        (OTHER, None, "self-test fails"),
    ];
    for (program, spoil, words) in cases {
        let made = Made::new(&release, [0, 2, 0], program);
        let medium = made.put(&release, &stick);
        if let Some((name, spoil)) = spoil {
            let path = medium.join(name);
            let mut bytes = fs::read(&path).unwrap();
            spoil(&mut bytes);
            fs::write(&path, bytes).unwrap();
            let report = verify_paths(&[medium]);
            assert!(!report.ok(), "{report}");
        }
        with_letter(&mut scene, &made.sign(&release));
        let refused = install(&mut scene).unwrap_err();
        assert!(refused.happened.contains(words), "{words}: {refused:?}");
        assert_eq!(leads(&programs, "current").as_deref(), Some(VERSION));
        assert_eq!(leads(&programs, "former"), None);
    }
    let headers = scene.station.door().vault().headers().unwrap();
    let failed = headers
        .iter()
        .filter(|h| h.action == "install-update" && format!("{:?}", h.kind) == "Failed");
    assert_eq!(failed.count(), 5);
    // And a good one still goes in.
    let made = Made::new(&release, [0, 2, 0], GOOD);
    made.put(&release, &stick);
    with_letter(&mut scene, &made.sign(&release));
    assert_eq!(done(install(&mut scene)), "Version 0.2.0 is installed");
}

/// The power goes before any step on the disk: a whole program stands, and the
/// same update goes in afterwards.
#[test]
fn a_cut_at_any_step_leaves_a_whole_program_standing() {
    let (_folder, mut scene, release, programs) = room();
    let made = Made::new(&release, [0, 2, 0], GOOD);
    made.put(&release, &scene.room.stick.folder());
    let steps = Arc::new(Mutex::new((0usize, usize::MAX)));
    let watch = || {
        let steps = Arc::clone(&steps);
        HostPrograms::watched(
            &programs,
            Box::new(move |step| {
                let mut steps = steps.lock().unwrap();
                steps.0 += 1;
                match steps.0 > steps.1 {
                    true => Err(ProgramsError::Failed(format!("cut before: {step}"))),
                    false => Ok(()),
                }
            }),
        )
    };
    scene.station = scene
        .station
        .with_programs(Box::new(watch()), Some(Point(*release.public())));
    let mut cuts = 0;
    loop {
        *steps.lock().unwrap() = (0, cuts);
        with_letter(&mut scene, &made.sign(&release));
        let end = install(&mut scene);
        let standing = leads(&programs, "current").unwrap();
        let program = programs.join("current/conclave");
        assert_eq!(fs::read(&program).unwrap(), GOOD, "after {cuts} steps");
        match end {
            Ok(_) => {
                assert_eq!(standing, "0.2.0");
                break;
            }
            Err(refusal) => {
                assert!(refusal.happened.contains("cut before"), "{refusal:?}");
                // Turned and not yet synced, either may stand.
                if standing == "0.2.0" {
                    assert!(refusal.happened.contains("sync"), "{refusal:?}");
                    fs::remove_file(programs.join("current")).unwrap();
                    symlink(VERSION, programs.join("current")).unwrap();
                    fs::remove_file(programs.join("former")).unwrap();
                }
            }
        }
        cuts += 1;
    }
    assert!(cuts >= 14, "{cuts} steps");
}

/// Another thread that starts a program takes the half written file with it for
/// a moment: the self-test waits for that, and says so when it does not end.
#[test]
fn a_program_that_is_still_held_open_is_tried_again() {
    for held in [Duration::from_millis(200), Duration::from_secs(20)] {
        let (_folder, mut scene, release, programs) = room();
        let made = Made::new(&release, [0, 2, 0], GOOD);
        made.put(&release, &scene.room.stick.folder());
        let holders = Arc::new(Mutex::new(Vec::new()));
        let (kept, new) = (Arc::clone(&holders), programs.join(".new/conclave"));
        let watched = HostPrograms::watched(
            &programs,
            Box::new(move |step| {
                if step == "name the version" {
                    let open = fs::OpenOptions::new().append(true).open(&new).unwrap();
                    let (let_go, told) = mpsc::channel::<()>();
                    let holder = std::thread::spawn(move || {
                        let _ = told.recv_timeout(held);
                        drop(open);
                    });
                    kept.lock().unwrap().push((holder, let_go));
                }
                Ok(())
            }),
        );
        scene.station = scene
            .station
            .with_programs(Box::new(watched), Some(Point(*release.public())));
        with_letter(&mut scene, &made.sign(&release));
        let end = install(&mut scene);
        for (holder, let_go) in holders.lock().unwrap().drain(..) {
            drop(let_go);
            holder.join().unwrap();
        }
        if held < Duration::from_secs(1) {
            assert_eq!(done(end), "Version 0.2.0 is installed");
        } else {
            let refusal = end.unwrap_err();
            assert!(refusal.happened.contains("Text file busy"), "{refusal:?}");
            assert_eq!(leads(&programs, "current").as_deref(), Some(VERSION));
        }
    }
}

/// A station that was not told whose updates it takes takes none.
#[test]
fn without_a_release_key_or_a_place_nothing_is_installed() {
    let folder = folder();
    let mut scene = Scene::open(folder.path(), STAFF);
    scene.logon(GroupId::Administrators);
    let refused = install(&mut scene).unwrap_err();
    assert!(refused.happened.contains("no release key"), "{refused:?}");
    let refused = scene
        .station
        .update_software(&mut scene.people)
        .unwrap_err();
    assert!(refused.happened.contains("not told where"), "{refused:?}");
}
