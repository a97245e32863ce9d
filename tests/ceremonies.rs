//! Ceremonies through the whole station: scripts, cards, printer, stick, and
//! everything that can go wrong with them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "support/minutes_text.rs"]
mod minutes_text;
#[path = "support/people.rs"]
mod people;
#[path = "support/stage.rs"]
mod stage;

use std::path::Path;
use std::sync::{Arc, Mutex};

use conclave_evidence::GroupId;
use conclave_evidence::authority::Mode;
use conclave_evidence::export::JournalExport;
use conclave_evidence::journal::EntryKind;
use conclave_keyroom::ports::dialogue::{Answer, Ask, Field, Show};
use conclave_station::approve::Undone;
use conclave_station::front::UNKNOWN;
use conclave_station::service::ActEnd;
use conclave_trades::ceremony::action::PrintComponent;
use conclave_trades::ceremony::engine::Engine;
use conclave_trades::ceremony::minutes::{self, Station};
use conclave_trades::target::{CheckFile, CheckFrom, KeyName};
use conclave_training::stick::Mishap;
use people::{Scene, Staff, Trouble, done};
use stage::{STAFF, folder, scene, sheets};
use tempfile::TempDir;

/// The same with nine custodians, three of group B.
const MANY: Staff = &[
    ("Ada", "Zoe", "Administrators, Approvers"),
    ("Ben", "Zoe", "Administrators, Approvers"),
    ("Cat", "Zoe", "Administrators, Approvers"),
    ("Dan", "Yan", "Key managers"),
    ("Eva", "Yan", "Key managers"),
    ("Fay", "Yan", "Key managers"),
    ("Gus", "Xia", "Custodians A"),
    ("Hal", "Wim", "Custodians B"),
    ("Ida", "Val", "Custodians C"),
    ("Jim", "Uwe", "Auditors"),
    ("Kim", "Uwe", "Auditors"),
    ("Lea", "Tom", "Recovery"),
    ("Max", "Tom", "Recovery"),
    ("Ned", "Tom", "Recovery"),
    ("Ola", "Xia", "Custodians A"),
    ("Pia", "Sol", "Custodians B"),
    ("Qin", "Val", "Custodians C"),
    ("Rob", "Xia", "Custodians A"),
    ("Sam", "Wim", "Custodians B"),
    ("Ted", "Val", "Custodians C"),
];

fn below(folder: &Path, ending: &str) -> usize {
    std::fs::read_dir(folder).map_or(0, |all| {
        all.flatten()
            .filter(|e| e.file_name().to_string_lossy().ends_with(ending))
            .count()
    })
}

#[test]
fn zone_master_keys_of_every_form() {
    let folder = folder();
    let mut scene = scene(&folder);
    for (n, form) in ["tdes2", "tdes3", "aes128", "aes192", "aes256"]
        .iter()
        .enumerate()
    {
        let label = format!("BANK-LAKE.ZMK.00{n}");
        let count = if n % 2 == 0 { "2" } else { "3" };
        done(scene.zmk(&label, &format!("zmk-{form}"), count));
        assert_eq!(scene.key_state(&label).as_deref(), Some("active"), "{form}");
    }
    assert_eq!(below(&folder.path().join("minutes"), ".pdf"), 5);
    assert_eq!(below(&folder.path().join("minutes"), ".cbor"), 5);
    // A script for each, and the forms that three custodians signed.
    assert_eq!(below(&folder.path().join("reports"), ".pdf"), 5 + 3);
    // The list has no custody lines; they are read for the key that is shown.
    let keys = scene.station.lists().keys;
    assert!(keys.complete() && keys.len() == 5);
    let key = keys.get(1).unwrap();
    assert_eq!(key.label, "BANK-LAKE.ZMK.001");
    let detail = scene.station.key_detail(&key.label, key.id.unwrap());
    for part in ["component 1 of 3", "component 3 of 3", "envelope"] {
        assert!(format!("{detail:?}").contains(part), "{detail:?}");
    }
    let other = scene
        .station
        .key_detail("BANK-LAKE.ZMK.002", key.id.unwrap());
    assert_eq!(other, ["It is no longer in the catalogue."]);
    // A label counts once, whatever it is made of.
    let entries = scene.entries();
    let again = scene.zmk("BANK-LAKE.ZMK.000", "zmk-tdes2", "2");
    assert!(again.is_ok(), "the people gave up, and nothing failed");
    assert!(scene.people.refusals.last().unwrap().contains("already"));
    assert_eq!(scene.entries(), entries, "nothing was begun");
    let journal = folder.path().join("journal.cbor");
    std::fs::write(&journal, scene.station.journal_bytes().unwrap()).unwrap();
    let mut paths: Vec<_> = std::fs::read_dir(folder.path().join("minutes"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "cbor"))
        .collect();
    paths.push(journal);
    let report = conclave_evidence::verify::verify_paths(&paths);
    assert!(report.ok(), "{report}");
}

#[test]
fn nine_components_and_a_script_that_nobody_has_seen() {
    let folder = TempDir::new().unwrap();
    let mut scene = Scene::open(folder.path(), MANY);
    scene.people.at = Box::new(|prompt, _| {
        let Ask::Form { fields, .. } = &prompt.ask else {
            return None;
        };
        (prompt.code == "init.groups").then(|| {
            let size = |field: &Field| match field.label.contains("Custodians") {
                true => "1 of 3".to_owned(),
                false => field.value.clone(),
            };
            Answer::Fields(fields.iter().map(size).collect())
        })
    });
    scene.furnish();
    scene.logon_both();
    let end = scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes256", "9");
    done(end);
    assert_eq!(
        scene.key_state("BANK-LAKE.ZMK.001").as_deref(),
        Some("active")
    );
    let scripts = folder.path().join("ceremonies");
    std::fs::create_dir_all(&scripts).unwrap();
    std::fs::copy("tests/scripts/unseen.toml", scripts.join("unseen.toml")).unwrap();
    let end = scene.ceremony("unseen.toml", &["BANK-LAKE.ZMK.002", "zmk-tdes3", "2"]);
    done(end);
    assert_eq!(
        scene.key_state("BANK-LAKE.ZMK.002").as_deref(),
        Some("active")
    );
    for code in [
        "confirm.cameras",
        "confirm.lights",
        "seal.serial.third",
        "readback.third",
    ] {
        assert!(scene.people.codes.iter().any(|c| c == code), "{code}");
    }
}

#[test]
fn working_keys_leave_under_what_may_carry_them() {
    let folder = folder();
    let mut scene = scene(&folder);
    done(scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes256", "2"));
    done(scene.zmk("BANK-HILL.ZMK.001", "zmk-tdes3", "2"));
    for (label, template, under, version) in [
        ("BANK-LAKE.ZPK.001", "zpk-aes128", "BANK-LAKE.ZMK.001", "D"),
        ("BANK-LAKE.ZPK.002", "zpk-tdes2", "BANK-LAKE.ZMK.001", "D"),
        ("BANK-HILL.ZPK.001", "zpk-tdes3", "BANK-HILL.ZMK.001", "B"),
    ] {
        done(scene.working(label, template, under));
        let key = scene
            .station
            .keys()
            .into_iter()
            .find(|k| k.label == label)
            .unwrap();
        let bundle = format!("CONCLAVE-{:04}-TEST/{label}.tr31", key.exports[0].bundle);
        let block = std::fs::read_to_string(scene.room.stick.folder().join(bundle)).unwrap();
        assert!(block.starts_with(version), "{block}");
    }
    scene.people.refusals.clear();
    let weak = scene.working("BANK-HILL.ZPK.002", "zpk-aes128", "BANK-HILL.ZMK.001");
    let told = match weak {
        Err(refusal) => refusal.happened,
        Ok(_) => scene.people.refusals.join("; "),
    };
    assert!(told.contains("R6"), "{told}");
    assert_eq!(scene.key_state("BANK-HILL.ZPK.002"), None);
}

#[test]
fn what_two_type_has_to_agree_and_enter_types_nothing() {
    let folder = folder();
    let mut scene = scene(&folder);
    scene.people.at = Box::new(|prompt, times| match (prompt.code.as_str(), times) {
        ("seal.serial.second", 1) => Some(Answer::Word("CE9999999".into())),
        ("seal.serial.first", 1) => Some(Answer::Confirmed),
        ("readback.first", 1) => Some(Answer::Word(String::new())),
        ("readback.first", 2) => Some(Answer::Word("0000000000".into())),
        ("readback.second", 1) => Some(Answer::Word("0000000000".into())),
        _ => None,
    });
    done(scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2"));
    assert_eq!(
        scene.key_state("BANK-LAKE.ZMK.001").as_deref(),
        Some("active")
    );
    let told = scene.people.refusals.join("\n");
    for words in [
        "Enter alone does not confirm",
        "The entries are not the same",
        "That is no check value",
        "not the key's check value",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
}

#[test]
fn an_envelope_counts_once_also_across_ceremonies() {
    let folder = folder();
    let mut scene = scene(&folder);
    done(scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2"));
    scene.people.serial = 100;
    done(scene.zmk("BANK-LAKE.ZMK.002", "zmk-aes128", "2"));
    let told = scene.people.refusals.join("\n");
    assert!(told.contains("was used before (R11)"), "{told}");
    let mut serials: Vec<String> = scene
        .station
        .keys()
        .iter()
        .flat_map(|k| k.components.iter().filter_map(|c| c.envelope.clone()))
        .collect();
    let all = serials.len();
    serials.sort();
    serials.dedup();
    assert_eq!((all, serials.len()), (4, 4));
}

#[test]
fn a_deviation_is_witnessed_and_recorded() {
    let folder = folder();
    let mut scene = scene(&folder);
    scene.people.at = Box::new(|prompt, times| {
        (prompt.code == "confirm.room" && times == 1)
            .then(|| Answer::Deviated("Camera 2 is dark".into()))
    });
    done(scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2"));
    let exceptions: Vec<_> = scene
        .station
        .ceremonies()
        .into_iter()
        .flat_map(|c| c.exceptions)
        .collect();
    assert_eq!(exceptions.len(), 1);
    assert_eq!(exceptions[0].words, "Camera 2 is dark");
    assert!(!exceptions[0].witness.is_empty());
}

#[test]
fn ended_by_the_people() {
    for (code, state) in [("confirm.clock", None), ("print.ready", Some("void"))] {
        let folder = folder();
        let mut scene = scene(&folder);
        scene.people.at = Box::new(move |prompt, _| (prompt.code == code).then_some(Answer::Abort));
        let title = done(scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2"));
        assert!(!title.ends_with("done"), "{title}");
        assert_eq!(
            scene.key_state("BANK-LAKE.ZMK.001").as_deref(),
            state,
            "{code}"
        );
        assert_eq!(sheets(&scene), 0);
        // The label is free again.
        scene.people.at = Box::new(|_, _| None);
        done(scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2"));
    }
}

#[test]
fn signatures_withheld_at_the_close_cost_no_try() {
    let folder = folder();
    let mut scene = scene(&folder);
    scene.people.at = Box::new({
        let mut withheld = 0;
        move |prompt, _| {
            let here = prompt.act == "Close the ceremony" && withheld < 6;
            here.then(|| {
                withheld += 1;
                Answer::Abort
            })
        }
    });
    done(scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2"));
    let asked = scene.people.codes.iter().filter(|c| *c == "close.again");
    assert_eq!(asked.count(), 6);
    assert_eq!(
        scene.key_state("BANK-LAKE.ZMK.001").as_deref(),
        Some("active")
    );
    // What nobody signed is not kept.
    assert_eq!(below(&folder.path().join("minutes"), ".pdf"), 1);
}

/// Esc is never what costs the last try: it is asked, and leads back.
#[test]
fn to_give_up_the_close_is_asked_and_typed() {
    let folder = folder();
    let mut scene = scene(&folder);
    let label = "BANK-LAKE.ZMK.001";
    scene.people.at = Box::new({
        let mut kept = 0;
        move |prompt, _| match prompt.code.as_str() {
            "close.again" => Some(Answer::Abort),
            // Twice a key stroke too many; then it is meant.
            "close.give-up" if kept < 2 => {
                kept += 1;
                Some(Answer::Abort)
            }
            _ => (prompt.act == "Close the ceremony").then_some(Answer::Abort),
        }
    });
    let title = done(scene.zmk(label, "zmk-aes128", "2"));
    assert!(!title.ends_with("done"), "{title}");
    let asked = |code: &str| scene.people.codes.iter().filter(|c| *c == code).count();
    assert!(asked("close.give-up") > 2, "{:?}", scene.people.codes);
    assert_eq!(asked("close.again"), asked("close.give-up"));
    assert_eq!(scene.key_state(label).as_deref(), Some("void"));
}

#[test]
fn a_stick_that_is_missing_full_or_pulled_gets_the_key_afresh() {
    let folder = folder();
    let mut scene = scene(&folder);
    done(scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes256", "2"));
    type Trouble = Box<dyn Fn(&conclave_training::stick::FolderStick) + Send>;
    let troubles: Vec<(&str, Trouble)> = vec![
        ("no medium", Box::new(|stick| stick.unplug())),
        (
            "full",
            Box::new(|stick| stick.expect(Some(Mishap::FullAfter(0)))),
        ),
        (
            "pulled",
            Box::new(|stick| stick.expect(Some(Mishap::PulledAfter(300)))),
        ),
        ("write-protected", Box::new(|stick| stick.protect(true))),
    ];
    let mut bundles = Vec::new();
    for (n, (word, trouble)) in troubles.into_iter().enumerate() {
        let stick = scene.room.stick.clone();
        scene.people.refusals.clear();
        scene.people.at = Box::new({
            let mut first = true;
            move |prompt, _| {
                if prompt.code == "export.ready" {
                    stick.plug();
                    stick.protect(false);
                    stick.expect(None);
                    if std::mem::take(&mut first) {
                        trouble(&stick);
                    }
                }
                None
            }
        });
        let label = format!("BANK-LAKE.ZPK.00{n}");
        done(scene.working(&label, "zpk-aes128", "BANK-LAKE.ZMK.001"));
        let told = scene.people.refusals.join("\n").to_lowercase();
        assert!(told.contains(word), "{word}: {told}");
        let key = scene
            .station
            .keys()
            .into_iter()
            .find(|k| k.label == label)
            .unwrap();
        assert_eq!(key.state.words(), "active", "{word}");
        bundles.push(key.exports.last().unwrap().bundle);
    }
    let mut once = bundles.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once, bundles, "numbers only go up");
}

/// Two sticks are enrolled, and the first is in; there is a zone master key.
fn with_a_second_stick(folder: &TempDir) -> (Scene, TempDir) {
    let mut scene = scene(folder);
    let stick = scene.room.stick.clone();
    let (first, serial) = (stick.folder(), stick.serial());
    let second = TempDir::new().unwrap();
    scene.station.logout("logged out").unwrap();
    scene.logon(GroupId::Administrators);
    stick.exchange(second.path(), "STICK-SERIAL-2");
    scene.people.form("enrol.medium", &["STICK-2"]);
    done(scene.station.ask_medium(&mut scene.people));
    stick.exchange(&first, &serial);
    scene.station.logout("logged out").unwrap();
    scene.logon_both();
    done(scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes256", "2"));
    (scene, second)
}

/// A stick that gives back other bytes is condemned; both quorums sign the export to
/// another one, and the first is good for nothing any more.
#[test]
fn a_stick_that_reads_back_differently_is_condemned_and_another_gets_the_key() {
    let folder = folder();
    let (mut scene, second) = with_a_second_stick(&folder);
    let stick = scene.room.stick.clone();
    let other = second.path().to_owned();
    let mut times = 0;
    scene.people.refusals.clear();
    scene.people.at = Box::new(move |prompt, _| {
        if prompt.code == "export.ready" {
            times += 1;
            match times {
                1 => stick.expect(Some(Mishap::Worn)),
                // The same again: refused, and nothing is written to it.
                2 => stick.expect(None),
                _ => stick.exchange(&other, "STICK-SERIAL-2"),
            }
        }
        None
    });
    let label = "BANK-LAKE.ZPK.001";
    done(scene.working(label, "zpk-aes128", "BANK-LAKE.ZMK.001"));
    let told = scene.people.refusals.join("\n");
    assert!(told.contains("reads back differently"), "{told}");
    let again = "This is STICK-1, which is condemned: ";
    assert!(told.contains(again), "{told}");
    assert_eq!(scene.key_state(label).as_deref(), Some("active"));
    assert_eq!(std::fs::read_dir(second.path()).unwrap().count(), 1);
    let devices = format!("{:?}", scene.station.lists().devices);
    assert!(devices.contains("CONDEMNED"), "{devices}");
}

/// The same where it gives back other bytes only after it was pulled and put back: it is
/// condemned, its bundle counts no more, and another one gets the key.
#[test]
fn a_stick_that_is_worn_at_the_second_reading_is_condemned_too() {
    let folder = folder();
    let (mut scene, second) = with_a_second_stick(&folder);
    let stick = scene.room.stick.clone();
    let other = second.path().to_owned();
    scene.people.refusals.clear();
    scene.people.at = Box::new(move |prompt, times| {
        match (prompt.code.as_str(), times) {
            ("export.replug", 1) => stick.expect(Some(Mishap::Worn)),
            ("export.ready", 2) => {
                stick.expect(None);
                stick.exchange(&other, "STICK-SERIAL-2");
            }
            _ => {}
        }
        None
    });
    let label = "BANK-LAKE.ZPK.001";
    done(scene.working(label, "zpk-aes128", "BANK-LAKE.ZMK.001"));
    let told = scene.people.refusals.join("\n");
    assert!(told.contains("reads back differently"), "{told}");
    assert_eq!(scene.key_state(label).as_deref(), Some("active"));
    assert_eq!(std::fs::read_dir(second.path()).unwrap().count(), 1);
    let devices = format!("{:?}", scene.station.lists().devices);
    assert!(devices.contains("CONDEMNED"), "{devices}");
    // One receipt is waited for: that of the bundle which left.
    let tasks = format!("{:?}", scene.station.lists().tasks);
    assert!(tasks.contains("bundle 0002"), "{tasks}");
    assert!(!tasks.contains("bundle 0001"), "{tasks}");
}

/// A second reading that fails otherwise leads back to the export too, and a ceremony that
/// people end after it has no key: each bundle it wrote counts no more, and whoever reads
/// screen or minutes knows which medium to look after.
#[test]
fn every_bundle_that_its_ceremony_leaves_behind_counts_no_more() {
    let folder = folder();
    let mut scene = scene(&folder);
    done(scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes256", "2"));
    let on_stick = scene.room.stick.folder();
    scene.people.refusals.clear();
    scene.people.at = Box::new(move |prompt, times| {
        match (prompt.code.as_str(), times) {
            ("export.replug", 1) => {
                let bundle = on_stick.join("CONCLAVE-0001-TEST");
                std::fs::rename(&bundle, on_stick.join("elsewhere")).unwrap();
                std::fs::write(&bundle, b"no folder").unwrap();
            }
            ("export.replug", 2) => return Some(Answer::Abort),
            _ => {}
        }
        None
    });
    let label = "BANK-LAKE.ZPK.001";
    let end = scene.working(label, "zpk-aes128", "BANK-LAKE.ZMK.001");
    let Ok(ActEnd::Done { good, lines, .. }) = end else {
        panic!("{end:?}")
    };
    let told = scene.people.refusals.join("\n");
    assert!(told.contains("not a folder any more"), "{told}");
    let told = lines.join("\n");
    assert!(!good, "{told}");
    for number in 1..=2 {
        let void = format!("bundle {number:04} counts no more: destroy what it left on STICK-1");
        assert!(told.contains(&void), "{told}");
    }
    let key = scene.station.keys();
    let key = key.iter().find(|key| key.label == label).unwrap();
    assert_eq!((key.exports.len(), key.delivered().count()), (2, 0));
    assert!(
        key.begun_under.contains("BANK-LAKE.ZMK.001"),
        "it may be outside"
    );
    let lists = format!("{:?}", scene.station.lists());
    assert!(!lists.contains("receipt of bundle"), "{lists}");
    assert!(!lists.contains("CONDEMNED"), "{lists}");
}

/// Whatever lies in the port in place of the right stick is told by its name, and the
/// same question stands again. What an export that failed costs, none of it costs.
#[test]
fn a_wrong_stick_none_two_and_a_condemned_one_cost_no_try() {
    let folder = folder();
    let (mut scene, another) = with_a_second_stick(&folder);
    let (stick, second) = (scene.room.stick.clone(), scene.second.clone());
    let (first, serial) = (stick.folder(), stick.serial());
    let (other, unknown) = (another.path().to_owned(), TempDir::new().unwrap());
    std::fs::create_dir(second.folder()).unwrap();
    let nowhere = unknown.path().to_owned();
    let wanted = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&wanted);
    scene.people.refusals.clear();
    scene.people.at = Box::new(move |prompt, times| {
        let plug_other = || stick.exchange(&other, "STICK-SERIAL-2");
        match (prompt.code.as_str(), times) {
            ("export.ready", 1) => stick.unplug(),
            ("export.ready", 2) => {
                stick.plug();
                stick.exchange(&nowhere, "NOBODY-KNOWS-IT");
            }
            ("export.ready", 3) => plug_other(),
            ("export.ready", 4) => {
                stick.exchange(&first, &serial);
                second.plug();
            }
            // The only one that is tried: it gives back other bytes.
            ("export.ready", 5) => {
                second.unplug();
                stick.expect(Some(Mishap::Worn));
            }
            ("export.ready", 6) => stick.expect(None),
            ("export.ready", 7) => stick.unplug(),
            ("export.ready", 8) => {
                stick.plug();
                plug_other();
            }
            ("export.replug", 1) => stick.unplug(),
            ("export.replug", 2) => {
                stick.plug();
                stick.exchange(&first, &serial);
            }
            ("export.replug", 3) => {
                plug_other();
                second.plug();
            }
            ("export.replug", 4) => second.unplug(),
            _ => {}
        }
        if prompt.code.starts_with("export.") {
            seen.lock()
                .unwrap()
                .push(prompt.lines.last().unwrap().text.clone());
        }
        None
    });
    let label = "BANK-LAKE.ZPK.001";
    let end = scene.working(label, "zpk-aes128", "BANK-LAKE.ZMK.001");
    let Ok(ActEnd::Done { good, lines, .. }) = end else {
        panic!("{end:?}")
    };
    assert!(good, "{lines:?}");
    let told = scene.people.refusals.join("\n");
    for part in [
        "No medium is plugged in.",
        "The medium that is plugged in is not enrolled.",
        "This is STICK-2, which is not wanted here.",
        "More than one medium is plugged in.",
        "This is STICK-1, which is condemned: ",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    // The minutes have what was tried and failed, and nothing else.
    let failed = lines
        .iter()
        .position(|line| line == "failed attempts:")
        .unwrap();
    assert!(lines[failed + 1].contains("once: "), "{lines:?}");
    assert!(
        lines[failed + 1].contains("reads back differently"),
        "{lines:?}"
    );
    assert_eq!(lines[failed + 2], "recorded exceptions: none");
    let key = scene.station.keys();
    let key = key.iter().find(|key| key.label == label).unwrap();
    assert_eq!(key.exports.len(), 1);
    assert_eq!(
        key.exports[0].bundle, 2,
        "one number for each act that began"
    );
    // Each question names what may come.
    let wanted = wanted.lock().unwrap();
    assert_eq!(wanted.len(), 8 + 4, "{wanted:?}");
    for (at, words) in wanted.iter().enumerate() {
        let name = match at {
            0..5 => "Wanted: STICK-1, and no other medium.",
            5..8 => "STICK-1 is condemned. Wanted in its place: STICK-2.",
            _ => "Wanted: STICK-2, which was written.",
        };
        assert!(words.starts_with(name), "{at}: {words}");
    }
}

/// Pulled while cards sign for it: nothing left, the question stands again, and that it
/// was asked more often than it may fail costs nothing.
#[test]
fn a_stick_that_goes_while_cards_sign_is_asked_for_again() {
    let folder = folder();
    let mut scene = scene(&folder);
    done(scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes256", "2"));
    let stick = scene.room.stick.clone();
    let mut pulled = 0;
    scene.people.refusals.clear();
    scene.people.at = Box::new(move |prompt, _| {
        match prompt.code.as_str() {
            "export.ready" => stick.plug(),
            "sign.card" if prompt.act == "Export the key" && stick.is_plugged() && pulled < 4 => {
                pulled += 1;
                stick.unplug();
            }
            _ => {}
        }
        None
    });
    let label = "BANK-LAKE.ZPK.001";
    done(scene.working(label, "zpk-aes128", "BANK-LAKE.ZMK.001"));
    assert_eq!(scene.key_state(label).as_deref(), Some("active"));
    let told = scene.people.refusals.join("\n");
    assert!(
        told.matches("No medium is plugged in.").count() >= 4,
        "{told}"
    );
    // The act had begun: its number is used up, and the screen says so.
    let shown = &scene.people.shown;
    let said = "one of the exports that were approved";
    assert!(shown.iter().any(|prompt| prompt.contains(said)));
}

/// A pause and a restart lose nothing of an export: what was written is read again, and
/// is not written a second time. While no other medium is enrolled, the question says
/// how one is.
#[test]
fn an_export_goes_on_after_a_restart_with_the_medium_that_was_written() {
    let folder = folder();
    let mut scene = scene(&folder);
    done(scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes256", "2"));
    let stick = scene.room.stick.clone();
    let said = Arc::new(Mutex::new(String::new()));
    let last = Arc::clone(&said);
    scene.people.at = Box::new(move |prompt, times| {
        match (prompt.code.as_str(), times) {
            ("export.ready", 1) => stick.expect(Some(Mishap::Worn)),
            ("export.ready", 2) => {
                stick.expect(None);
                *last.lock().unwrap() = prompt.lines.last().unwrap().text.clone();
                return Some(Answer::Shutdown);
            }
            _ => {}
        }
        None
    });
    let label = "BANK-LAKE.ZPK.001";
    let end = scene.working(label, "zpk-aes128", "BANK-LAKE.ZMK.001");
    assert!(matches!(end, Ok(ActEnd::Stopped)), "{end:?}");
    let none = "STICK-1 is condemned, and no other medium is enrolled. Esc, then y pauses";
    assert!(said.lock().unwrap().starts_with(none), "{said:?}");
    // As the question says.
    scene.people.at = Box::new(|_, _| None);
    scene.station.logout("logged out").unwrap();
    scene.logon(GroupId::Administrators);
    let other = TempDir::new().unwrap();
    scene.room.stick.exchange(other.path(), "STICK-SERIAL-2");
    scene.people.form("enrol.medium", &["STICK-2"]);
    done(scene.station.ask_medium(&mut scene.people));
    scene.station.logout("logged out").unwrap();
    let goes_on = |scene: &mut Scene| {
        scene.logon_both();
        let all = scene.station.ceremonies();
        let open = all
            .iter()
            .find(|one| !one.over)
            .unwrap()
            .ceremony
            .to_string();
        scene.station.resume_ceremony(&open, &mut scene.people)
    };
    scene.people.at =
        Box::new(|prompt, _| (prompt.code == "export.replug").then_some(Answer::Shutdown));
    let end = goes_on(&mut scene);
    assert!(matches!(end, Ok(ActEnd::Stopped)), "{end:?}");
    drop(scene);
    let mut scene = Scene::open(folder.path(), STAFF);
    scene.room.stick.exchange(other.path(), "STICK-SERIAL-2");
    done(goes_on(&mut scene));
    assert_eq!(scene.key_state(label).as_deref(), Some("active"));
    let asked = |code: &str| scene.people.codes.iter().any(|asked| asked == code);
    assert!(asked("export.replug") && !asked("export.ready"));
    assert_eq!(std::fs::read_dir(other.path()).unwrap().count(), 1);
}

/// The printer is in trouble at the first of these sheets.
fn trouble_at(scene: &mut Scene, trouble: Trouble) {
    let printer = Arc::clone(&scene.printer);
    scene.people.at = Box::new(move |prompt, times| {
        if prompt.code == "print.ready" {
            *printer.lock().unwrap() = (times == 1).then(|| trouble.clone());
        }
        None
    });
}

#[test]
fn a_printer_that_is_not_there_prints_nothing_and_may_be_mended() {
    for (trouble, word) in [
        (Trouble::Gone, "the printer is not there"),
        // Another printer at the enrolled one's node is named; the nodes of training
        // printers are dealt out anew at each start.
        (Trouble::Other, "printer is "),
        (Trouble::NotReady, "not ready"),
    ] {
        let folder = folder();
        let mut scene = scene(&folder);
        trouble_at(&mut scene, trouble);
        done(scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2"));
        let told = scene.people.refusals.join("\n");
        assert!(told.contains(word), "{told}");
        let state = scene.key_state("BANK-LAKE.ZMK.001");
        assert_eq!((state.as_deref(), sheets(&scene)), (Some("active"), 2));
    }
}

#[test]
fn a_printer_that_fails_with_the_sheet_voids_the_key() {
    let folder = folder();
    let mut scene = scene(&folder);
    trouble_at(&mut scene, Trouble::Broken);
    done(scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2"));
    let state = scene.key_state("BANK-LAKE.ZMK.001");
    assert_eq!((state.as_deref(), sheets(&scene)), (Some("void"), 0));

    // What came out of the printer only people can see: it stays a task until
    // administrators have signed what they found.
    let unknown = |scene: &Scene| {
        let tasks = scene.station.lists().tasks;
        tasks.iter().filter(|t| t.what.starts_with(UNKNOWN)).count()
    };
    assert_eq!(unknown(&scene), 1);
    let refused = scene.station.settle_act(&mut scene.people).err().unwrap();
    assert!(refused.happened.contains("Administrators"), "{refused:?}");
    scene.logon(GroupId::Administrators);
    let found = "half a sheet in the feeder, destroyed by Gus and Jim";
    scene.people.form("settle.found", &["x"]);
    scene.people.form("settle.found", &[found]);
    let title = done(scene.station.settle_act(&mut scene.people));
    assert!(title.contains("print-component (journal "), "{title}");
    assert!(scene.people.refusals.join("\n").contains("says nothing"));
    assert_eq!(unknown(&scene), 0);
    let entries = scene.station.journal_bytes().unwrap();
    let export = JournalExport::from_file(&entries).unwrap();
    assert!(export.verify().unwrap().open_intents.is_empty());
    let again = scene.station.settle_act(&mut scene.people).err().unwrap();
    assert!(again.happened.contains("No act is UNKNOWN"), "{again:?}");
}

/// What a printer had in its memory is gone when it was switched off, and a page may
/// come again when it was plugged in again: nothing is ejected before people looked.
#[test]
fn a_component_printer_that_was_unplugged_before_the_eject_is_looked_at() {
    for (whole, after) in [(true, ("active", 2)), (false, ("void", 1))] {
        let folder = folder();
        let mut scene = scene(&folder);
        let printer = Arc::clone(&scene.printer);
        scene.people.at = Box::new(move |prompt, times| match prompt.code.as_str() {
            "print.collect" if times == 1 => {
                *printer.lock().unwrap() = Some(Trouble::Replugged);
                None
            }
            "print.collect" if times == 2 && !whole => Some(Answer::Abort),
            _ => None,
        });
        done(scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2"));
        let told = scene.people.refusals.join("\n");
        let words = "KOMP-1 was switched off or unplugged while it printed";
        assert_eq!(told.matches(words).count(), 1, "{told}");
        let state = scene.key_state("BANK-LAKE.ZMK.001");
        assert_eq!((state.as_deref(), sheets(&scene)), (Some(after.0), after.1));
    }
}

/// A printer that is off ejects nothing: it is asked until it is there, and where it does
/// not eject, its custodian takes the sheet out by hand or nobody knows of it.
#[test]
fn a_component_printer_that_is_off_at_the_eject_costs_no_key() {
    for (trouble, by_hand, after) in [
        (Trouble::Gone, None, ("active", 2)),
        // It stays away: the sheet is taken out by hand all the same.
        (Trouble::NotReady, Some(true), ("active", 2)),
        (Trouble::NotReady, Some(false), ("void", 1)),
    ] {
        let folder = folder();
        let mut scene = scene(&folder);
        let printer = Arc::clone(&scene.printer);
        let of = trouble.clone();
        scene.people.at = Box::new(move |prompt, times| {
            match (prompt.code.as_str(), times) {
                ("print.collect", 1) => *printer.lock().unwrap() = Some(of.clone()),
                ("print.by-hand", _) => {
                    *printer.lock().unwrap() = None;
                    return (by_hand == Some(false)).then_some(Answer::Abort);
                }
                _ => {}
            }
            None
        });
        done(scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2"));
        let told = scene.people.refusals.join("\n");
        let off = told.matches("KOMP-1 was switched off or unplugged").count();
        let by = told.matches("The printer did not eject the sheet").count();
        match by_hand {
            None => assert!(off == 1 && by == 1, "{told}"),
            Some(_) => assert!(off == 0 && by == 1, "{told}"),
        }
        let state = scene.key_state("BANK-LAKE.ZMK.001");
        assert_eq!((state.as_deref(), sheets(&scene)), (Some(after.0), after.1));
        // Whoever took it out by hand says so in the journal.
        let entries = scene.station.door().vault().entries(0).unwrap();
        let headers = entries.iter().filter_map(|entry| entry.open_header().ok());
        let said = headers.filter(|h| h.action == "eject-sheet" && h.kind == EntryKind::Note);
        assert_eq!(said.count(), usize::from(by_hand != Some(false)));
        if by_hand != Some(false) {
            let minutes = minutes_text::newest(folder.path());
            assert!(minutes.contains("got the sheet out by hand"), "{minutes}");
        }
    }
}

#[test]
fn a_card_pulled_while_the_station_waits_leads_back_to_the_boundary() {
    let folder = folder();
    for (n, code) in ["generate.ready", "confirm.step-back", "readback.show"]
        .into_iter()
        .enumerate()
    {
        let mut scene = scene(&folder);
        scene.people.serial = 1000 * (u32::try_from(n).unwrap() + 1);
        let reader = scene.people.hand();
        scene.people.at = Box::new(move |prompt, times| {
            if prompt.code == code && times == 1 {
                reader.pull(0);
                std::thread::sleep(std::time::Duration::from_millis(300));
            }
            None
        });
        let label = format!("BANK-LAKE.ZMK.00{n}");
        let refusal = scene.zmk(&label, "zmk-aes128", "2").err();
        let refusal = refusal.unwrap_or_else(|| panic!("{code}: nobody saw it"));
        assert!(refusal.happened.contains("pulled"), "{code}: {refusal:?}");
        let open: Vec<String> = scene
            .station
            .ceremonies()
            .iter()
            .filter(|c| !c.over)
            .map(|c| c.ceremony.to_string())
            .collect();
        assert_eq!(open.len(), 1, "{code}");
        scene.station.logout("logged out").unwrap();
        scene.people.at = Box::new(|_, _| None);
        scene.logon_both();
        done(scene.station.resume_ceremony(&open[0], &mut scene.people));
        // Components that waited for their printer died with the session.
        let state = if code == "confirm.step-back" {
            "void"
        } else {
            "active"
        };
        assert_eq!(scene.key_state(&label).as_deref(), Some(state), "{code}");
    }
}

#[test]
fn a_malformed_script_is_named_and_the_others_are_there() {
    let folder = folder();
    let scripts = folder.path().join("ceremonies");
    std::fs::create_dir_all(&scripts).unwrap();
    std::fs::copy(
        "tests/malformed/scripts/no-seal.toml",
        scripts.join("no-seal.toml"),
    )
    .unwrap();
    let mut scene = scene(&folder);
    let rows = format!("{:?}", scene.station.lists().scripts);
    assert!(
        rows.contains("no-seal.toml") && rows.contains("generate-zmk.toml"),
        "{rows}"
    );
    let entries = scene.entries();
    let refused = scene.ceremony("no-seal.toml", &[]).err().unwrap();
    assert_eq!(scene.entries(), entries + 1);
    assert!(refused.happened.contains("no-seal.toml"), "{refused:?}");
    assert!(scene.station.ceremonies().is_empty());
}

#[test]
fn malformed_templates_and_forms_are_named_and_nothing_begins() {
    let folder = folder();
    let keys = folder.path().join("keys");
    std::fs::create_dir_all(&keys).unwrap();
    for name in [
        "unknown-form.toml",
        "not-toml.toml",
        "cryptoperiod-zero.toml",
    ] {
        std::fs::copy(format!("tests/malformed/templates/{name}"), keys.join(name)).unwrap();
    }
    let mut scene = scene(&folder);
    let lines = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&lines);
    scene.people.at = Box::new(move |prompt, _| {
        if prompt.code == "ceremony.parameters" {
            let mut seen = seen.lock().unwrap();
            seen.extend(prompt.lines.iter().map(|line| line.text.clone()));
        }
        None
    });
    done(scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2"));
    let told = lines.lock().unwrap().join("\n");
    for name in [
        "unknown-form.toml",
        "not-toml.toml",
        "cryptoperiod-zero.toml",
    ] {
        assert!(told.contains(&format!("{name} is refused: ")), "{told}");
    }
    let begun = scene.station.ceremonies().len();
    let layouts = folder.path().join("layouts");
    std::fs::create_dir_all(&layouts).unwrap();
    for name in ["value-on-the-outside.toml", "not-toml.toml", "no-fold.toml"] {
        let from = format!("tests/malformed/layouts/{name}");
        std::fs::copy(from, layouts.join("component.toml")).unwrap();
        let entries = scene.entries();
        let refused = scene.zmk("BANK-LAKE.ZMK.002", "zmk-aes128", "2").err();
        let refused = refused.unwrap_or_else(|| panic!("{name} is taken"));
        assert_eq!(scene.entries(), entries + 1, "{name}");
        assert!(refused.happened.contains("component.toml"), "{refused:?}");
    }
    assert_eq!(scene.station.ceremonies().len(), begun);
}

/// One changed letter makes another layout: nothing is printed by it before
/// administrators have approved its page of X's.
#[test]
fn a_layout_of_the_station_is_printed_once_administrators_approved_it() {
    let folder = folder();
    let mut scene = scene(&folder);
    let layouts = folder.path().join("layouts");
    std::fs::create_dir_all(&layouts).unwrap();
    let shipped = std::fs::read_to_string("keymailer-layouts/component.toml").unwrap();
    let write = |title: &str| {
        let text = shipped
            .replace("title = \"KEY COMPONENT\"", &format!("title = \"{title}\""))
            .replace("page = \"A4\"", "page = \"A4\"\nversion = 2");
        std::fs::write(layouts.join("component.toml"), text).unwrap();
    };
    write("KEY PART");
    let refused = scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2").err();
    let refused = refused.expect("an unapproved layout is taken");
    assert!(refused.happened.contains("not approved"), "{refused:?}");
    assert!(scene.station.ceremonies().is_empty());

    scene.station.logout("logged out").unwrap();
    let alone = scene.station.approve_layout(&mut scene.people).err();
    assert!(alone.unwrap().happened.contains("Administrators"));
    scene.logon(GroupId::Administrators);
    scene.people.form(
        "layout.sample",
        &["component.toml", "KOMP-1", "one page of X's"],
    );
    done(scene.station.print_sample(&mut scene.people));
    let page = scene.room.printers.0[0].take_sheet().unwrap();
    assert!(page.contains("KEY PART") && page.contains("1  XXXX XXXX XXXX XXXX"));
    scene
        .people
        .form("layout.approve", &["printed on KOMP-1, against a lamp"]);
    // The one that waits stands first in the list; its page was looked at.
    scene.people.at = Box::new(|prompt, _| match prompt.code.as_str() {
        "layout.page" => {
            let Some(Show::Page(page)) = &prompt.show else {
                panic!("no page: {prompt:?}");
            };
            assert!(page.rows.iter().any(|row| row.contains("K E Y   P A R T")));
            None
        }
        "layout.next" => {
            assert!(
                prompt.lines[1]
                    .text
                    .contains("On paper: printed on KOMP-1, 2")
            );
            Some(Answer::Chosen(2))
        }
        _ => None,
    });
    let title = done(scene.station.approve_layout(&mut scene.people));
    assert_eq!(title, "The layout is approved");
    assert_eq!(below(&folder.path().join("samples"), ".pdf"), 1);
    scene.people.at = Box::new(|_, _| None);
    scene.station.logout("logged out").unwrap();

    scene.logon_both();
    done(scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2"));
    write("KEY PARTS");
    let refused = scene.zmk("BANK-LAKE.ZMK.002", "zmk-aes128", "2").err();
    assert!(refused.unwrap().happened.contains("not approved"));
}

/// The layout says *blind mailer*, and the script follows: nobody is asked
/// whether a value is legible, but for a page of X's and for the closed form.
#[test]
fn a_part_on_a_blind_mailer_is_checked_by_serial_and_sample() {
    let folder = folder();
    let mut scene = scene(&folder);
    let layouts = folder.path().join("layouts");
    std::fs::create_dir_all(&layouts).unwrap();
    let shipped = std::fs::read_to_string("keymailer-layouts/component.toml").unwrap();
    let blind = shipped.replace(
        "page = \"A4\"",
        "page = \"A4\"\nversion = 2\ndisclosure = \"blind-mailer\"\nstock = \"Peel Form 7\"\ntoner = \"Toner K\"",
    );
    std::fs::write(layouts.join("component.toml"), &blind).unwrap();
    scene.station.logout("logged out").unwrap();
    scene.logon(GroupId::Administrators);
    scene
        .people
        .form("layout.approve", &["peeled and unpeeled, lamp and scanner"]);
    // A page on the screen is not enough: it is printed, and then approved.
    let mut looks = 0;
    scene.people.at = Box::new(move |prompt, _| {
        if prompt.code != "layout.next" {
            return None;
        }
        looks += 1;
        let refused = prompt.refused.as_ref().map(|refusal| &refusal.happened);
        assert_eq!(refused.is_some(), looks == 2, "{looks}: {refused:?}");
        Some(Answer::Chosen(if looks == 2 { 1 } else { 2 }))
    });
    done(scene.station.approve_layout(&mut scene.people));
    let page = scene.room.printers.0[0].take_sheet().unwrap();
    assert!(page.contains("XXXX XXXX"));
    scene.people.at = Box::new(|_, _| None);
    scene.station.logout("logged out").unwrap();

    // A script of a house that says nothing of blind forms is not played.
    let scripts = folder.path().join("ceremonies");
    std::fs::create_dir_all(&scripts).unwrap();
    let script = std::fs::read_to_string("templates/ceremonies/generate-zmk.toml").unwrap();
    let silent: String = script
        .split("\n\n")
        .filter(|part| !part.contains("step.blind]"))
        .collect::<Vec<_>>()
        .join("\n\n");
    std::fs::write(scripts.join("generate-zmk.toml"), silent).unwrap();
    scene.logon_both();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let asked = Arc::clone(&seen);
    scene.people.at = Box::new(move |prompt, _| {
        if let Ask::Confirm { label, .. } = &prompt.ask {
            asked
                .lock()
                .unwrap()
                .push((prompt.code.clone(), label.clone()));
        }
        if let (Ask::Text { label, .. }, "seal.serial.first") = (&prompt.ask, prompt.code.as_str())
        {
            asked
                .lock()
                .unwrap()
                .push((prompt.code.clone(), label.clone()));
        }
        (prompt.code == "ceremony.parameters" && prompt.refused.is_some()).then_some(Answer::Abort)
    });
    let _ = scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2");
    let told = scene.people.refusals.join("; ");
    assert!(
        told.contains("does not say what is looked at on one"),
        "{told}"
    );
    assert!(scene.station.ceremonies().is_empty());
    std::fs::remove_file(scripts.join("generate-zmk.toml")).unwrap();

    done(scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2"));
    let said = seen.lock().unwrap().clone();
    let label = |code: &str| {
        let found = said.iter().find(|(c, _)| c == code);
        found.map(|(_, label)| label.as_str()).unwrap()
    };
    assert_eq!(label("confirm.room"), "sample is good");
    assert_eq!(label("confirm.sheet"), "form is closed and good");
    assert_eq!(label("seal.serial.first"), "Form serial");
    let state = scene.station.ceremonies().remove(0);
    assert!(state.parameters.blind);
    let words = format!(
        "{:?}",
        state.results.iter().map(|r| &r.title).collect::<Vec<_>>()
    );
    assert!(words.contains("outside as on the sample"), "{words}");
    assert!(!words.contains("readable, check value on it"), "{words}");
    let here = Station {
        name: "KEYROOM-1".into(),
        mode: Mode::Test,
    };
    let engine = Engine::of(&state).unwrap();
    let page = minutes::minutes(engine.script(), &here, &state, &[]).transcript();
    let says = |words: &str| page.iter().any(|line| line.contains(words));
    assert!(
        says("blind mailers: each checked by its serial"),
        "{page:?}"
    );

    // A page for the panel is in clear: not behind a form whose digits nobody sees.
    let begun = scene.station.ceremonies().len();
    let _ = scene.zmk("ICSF.PROD.MK.001", "icsf-aes-mk", "2");
    let told = scene.people.refusals.join("; ");
    assert!(told.contains("on open sheets"), "{told}");
    assert_eq!(scene.station.ceremonies().len(), begun);

    // What was signed is what comes out: another layout meanwhile is refused.
    let sheets_before = sheets(&scene);
    let path = layouts.join("component.toml");
    let mut changed = false;
    scene.people.at = Box::new(move |prompt, _| {
        if prompt.code != "print.ready" {
            return None;
        }
        // It is asked again once it was refused.
        if changed {
            return Some(Answer::Shutdown);
        }
        std::fs::remove_file(&path).unwrap();
        changed = true;
        None
    });
    let _ = scene.zmk("BANK-LAKE.ZMK.002", "zmk-aes128", "2");
    let told = scene.people.refusals.join("; ");
    // What is there instead is an older version, and an open sheet.
    assert!(
        told.contains("version 2 was approved: put that file back"),
        "{told}"
    );
    assert_eq!(sheets(&scene), sheets_before, "nothing was printed");
}

/// A master key for the panel of ICSF: each part has its page behind the form, also
/// when it is made anew; what both quorums signed decides that, not who prints. It
/// opens nothing here.
#[test]
fn parts_of_a_master_key_come_with_the_panels_page_and_it_wraps_nothing() {
    let folder = folder();
    let mut scene = scene(&folder);
    let label = "ICSF.PROD.MK.001";
    done(scene.zmk(label, "icsf-aes-mk", "2"));
    let pages = |scene: &Scene| {
        let bytes = scene.room.printers.0[0].bytes();
        let text = String::from_utf8_lossy(bytes.expose()).into_owned();
        let forms = text.matches("COMPONENT VALUE: four").count();
        let panels = text.matches("Key Type   ===> AES-MK").count();
        let both = |page: &str| page.contains("COMPONENT VALUE: four") && page.contains("===>");
        assert!(
            !text.split('\x0c').any(both),
            "one page on top of the other"
        );
        (forms, panels)
    };
    assert_eq!(pages(&scene), (2, 2));
    let key = scene.station.keys().pop().unwrap();
    assert!(!key.is_wrapping_key());
    let refused = scene.station.check_file(key.id, &mut scene.people).err();
    assert!(refused.unwrap().happened.contains("wraps no other keys"));
    let look = CheckFile {
        under: KeyName::of(&key),
        from: CheckFrom::Typed("00112233445566778899AABBCCDDEEFF".into()),
        value: String::new(),
        method: String::new(),
    };
    let refused = scene.station.act(&look, "look", &mut scene.people);
    let Err(Undone::Door(refused)) = refused else {
        panic!("a master key was tried");
    };
    let told = format!("{refused:?}");
    assert!(told.contains("master key of another machine"), "{told}");

    done(scene.ceremony("reissue-components.toml", &[label, "2"]));
    assert_eq!(pages(&scene), (4, 4));
}

/// Blind or open, with the panel's page or without it: the parameters that both
/// quorums signed say so, whatever the act that prints claims.
#[test]
fn a_part_is_printed_as_both_quorums_signed() {
    let folder = folder();
    let mut scene = scene(&folder);
    scene.people.at =
        Box::new(|prompt, _| (prompt.code == "print.ready").then_some(Answer::Shutdown));
    let _ = scene.zmk("ICSF.PROD.MK.001", "icsf-aes-mk", "2");
    scene.people.at = Box::new(|_, _| None);
    let key = scene.station.keys().pop().unwrap();
    let part = key.components[0].clone();
    let (_, _, title) = STAFF
        .iter()
        .find(|(name, ..)| *name == part.custodian_name)
        .unwrap();
    let group = GroupId::ALL.into_iter().find(|g| g.title() == *title);
    let print = PrintComponent {
        ceremony: key.ceremony,
        key: key.id,
        label: key.label.clone(),
        index: part.index,
        of: part.of,
        quorum: None,
        custodian: part.custodian,
        custodian_name: part.custodian_name,
        group: group.unwrap(),
        printers: vec!["KOMP-1".into()],
        layout: std::fs::read_to_string("keymailer-layouts/component.toml").unwrap(),
        blind: false,
        reference: "C1234abcd".into(),
        date: "24NOV2026".into(),
        panel: Some("AES-MK".into()),
    };
    let without = PrintComponent {
        panel: None,
        ..print.clone()
    };
    let blind = PrintComponent {
        blind: true,
        ..print.clone()
    };
    for claimed in [without, blind] {
        let end = scene.station.act(&claimed, "print", &mut scene.people);
        let Err(Undone::Door(refused)) = end else {
            panic!("it was printed as the caller says");
        };
        let told = format!("{refused:?}");
        assert!(told.contains("both quorums signed"), "{told}");
        assert_eq!(sheets(&scene), 0);
    }
    let printed = scene.station.act(&print, "print", &mut scene.people);
    assert!(printed.is_ok());
    assert_eq!(sheets(&scene), 1);
}
