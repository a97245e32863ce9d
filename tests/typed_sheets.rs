//! A partner's key was typed in: where each of its sheets is goes on record, and
//! those that are kept are proven like any other.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "support/people.rs"]
mod people;
#[path = "support/sheets.rs"]
mod sheets;
#[path = "support/stage.rs"]
mod stage;
#[path = "support/typist.rs"]
mod typist;

use std::sync::{Arc, Mutex, OnceLock};

use conclave_evidence::journal::EntryKind;
use conclave_keyroom::domain::key::{Component, ComponentState, KeyRecord};
use conclave_keyroom::ports::dialogue::{Answer, Ask, Refusal};
use conclave_station::service::ActEnd;
use people::{At, Scene, done};
use stage::{STAFF, copy, folder, scene};
use tempfile::TempDir;
use typist::{Typist, hex, unhex};

const EXERCISE: &str = "custody-exercise.toml";
const LABEL: &str = "BANK-LAKE.ZMK.001";
const KEPT: &str = "kept in a new package";
const RETURNED: &str = "gone back in a package";
const DESTROYED: &str = "destroyed";

fn parts() -> Vec<Vec<u8>> {
    [
        "3642CDA0913998CFBE5B1288C52E3E72",
        "8CE2DCE29494CC0C86E7CAD6BF681F83",
    ]
    .map(unhex)
    .to_vec()
}

/// A station into which a key was typed from two sheets, Gus's and Hal's.
fn entered() -> (TempDir, Scene) {
    static BASE: OnceLock<TempDir> = OnceLock::new();
    let base = BASE.get_or_init(|| {
        let folder = folder();
        let mut scene = scene(&folder);
        scene.people.at = Typist::new(parts(), "373994").at();
        let fields = [
            LABEL,
            "zmk-tdes2",
            "2",
            "BANK-LAKE",
            "none",
            "on each component",
            "ENC-ZERO",
        ];
        match scene.ceremony("enter-components.toml", &fields) {
            Ok(ActEnd::Done { good, lines, .. }) => {
                assert!(good, "{lines:?}");
                let next = lines.iter().any(|l| l.starts_with("Now record where each"));
                assert!(next, "{lines:?}");
            }
            other => panic!("{other:?}"),
        }
        scene.station.logout("logged out").unwrap();
        folder
    });
    let folder = TempDir::new().unwrap();
    copy(base.path(), folder.path());
    let mut scene = Scene::open(folder.path(), STAFF);
    scene.people.serial = 5000;
    scene.logon_both();
    (folder, scene)
}

fn key(scene: &Scene) -> KeyRecord {
    sheets::key(scene, LABEL)
}

fn states(scene: &Scene) -> Vec<ComponentState> {
    key(scene).components.iter().map(|c| c.state).collect()
}

fn tasks(scene: &Scene) -> String {
    format!("{:?}", scene.station.lists().tasks)
}

fn called(part: &Component) -> String {
    let serial = part.envelope.as_deref().unwrap_or("no serial");
    format!("component {}, {serial}", part.index)
}

/// What became of a sheet is said on the key's screen: `said` is what stands in
/// the second form.
fn say(scene: &mut Scene, index: usize, became: &str, said: &[&str]) -> Result<ActEnd, Refusal> {
    let of = key(scene);
    let sheet = called(&of.components[index - 1]);
    scene.people.forms.clear();
    scene.people.refusals.clear();
    scene.people.form("key.sheet", &[&sheet, became]);
    scene.people.form("key.sheet.say", said);
    scene.people.at = Box::new(move |prompt, _| match (prompt.code.as_str(), &prompt.ask) {
        ("key.incident", Ask::Choose { options }) => {
            let wanted = |one: &conclave_keyroom::ports::dialogue::Choice| {
                one.label == "Where a typed sheet is"
            };
            options.iter().position(wanted).map(Answer::Chosen)
        }
        _ => None,
    });
    let end = scene.station.key_incident(of.id, &mut scene.people);
    scene.people.at = Box::new(|_, _| None);
    end
}

/// It is refused before anybody signs; why.
fn refused(scene: &mut Scene, index: usize, became: &str, said: &[&str]) -> String {
    let before = key(scene);
    let asked = journalled(scene, EntryKind::Proposed);
    let end = say(scene, index, became, said);
    assert!(!matches!(end, Ok(ActEnd::Done { .. })), "{end:?}");
    assert_eq!(key(scene), before);
    assert_eq!(journalled(scene, EntryKind::Proposed), asked);
    scene.people.refusals.join("\n")
}

fn journalled(scene: &Scene, kind: EntryKind) -> usize {
    let entries = scene.station.door().vault().entries(0).unwrap();
    entries
        .iter()
        .filter_map(|e| e.open_header().ok())
        .filter(|h| h.action == "record-sheet" && h.kind == kind)
        .count()
}

fn exercise(scene: &mut Scene, at: At) -> (String, String) {
    scene.people.forms.clear();
    scene.people.refusals.clear();
    scene.people.at = at;
    let title = done(scene.ceremony(EXERCISE, &[LABEL]));
    scene.people.at = Box::new(|_, _| None);
    (title, scene.people.refusals.join("\n"))
}

fn no_exercise(scene: &mut Scene) {
    let refused = scene.ceremony(EXERCISE, &[LABEL]).unwrap_err();
    assert!(
        refused
            .happened
            .contains("No key in use has components in custody"),
        "{refused:?}"
    );
}

#[test]
fn kept_sheets_have_serials_and_are_proven_and_no_screen_shows_a_digit() {
    let (_folder, mut scene) = entered();
    let task = "record where the sheets of components 1 and 2 are";
    assert!(tasks(&scene).contains(task), "{}", tasks(&scene));
    for (index, custodian) in [(1, "Gus"), (2, "Hal")] {
        no_exercise(&mut scene);
        let serial = format!("new-000{index}");
        done(say(
            &mut scene,
            index,
            KEPT,
            &[custodian, "Ada", &serial, &serial],
        ));
    }
    assert!(!tasks(&scene).contains("record where"), "{}", tasks(&scene));
    assert_eq!(journalled(&scene, EntryKind::Outcome), 2);
    for (part, serial) in key(&scene).components.iter().zip(["NEW-0001", "NEW-0002"]) {
        assert_eq!(part.state, ComponentState::Sealed);
        assert_eq!(part.envelope.as_deref(), Some(serial));
        assert_eq!(part.witness.as_deref(), Some("Ada"));
        assert!(part.sealed_ms.is_some() && part.gone_ms.is_none());
    }
    for round in 0..2 {
        let mut usual = sheets::custodians(&key(&scene).components, &parts());
        let seen = Arc::new(Mutex::new(String::new()));
        let all = Arc::clone(&seen);
        let at: At = Box::new(move |prompt, times| {
            all.lock().unwrap().push_str(&format!("{prompt:?}\n"));
            usual(prompt, times)
        });
        let (title, told) = exercise(&mut scene, at);
        assert!(
            title.ends_with("done") && told.is_empty(),
            "{round}: {told}"
        );
        let seen = seen.lock().unwrap();
        assert!(seen.contains("Groups"));
        for group in parts().iter().flat_map(|p| p.chunks(4)) {
            assert!(!seen.contains(&hex(group)));
        }
    }
    let found = key(&scene);
    assert!(found.components.iter().all(|c| c.proven_ms.is_some()));
}

#[test]
fn a_destroyed_sheet_has_two_witnesses_and_minutes() {
    let (_folder, mut scene) = entered();
    let told = refused(&mut scene, 2, DESTROYED, &["Hal", "Ada", "Ada"]);
    assert!(told.contains("two witnesses (R15)"), "{told}");
    let end = say(&mut scene, 2, DESTROYED, &["Hal", "Ada", "Jim"]).unwrap();
    let ActEnd::Done { good, lines, .. } = end else {
        panic!("{end:?}")
    };
    let lines = lines.join("\n");
    assert!(good && lines.contains("the sheet of part 2 is no more"));
    assert!(lines.to_lowercase().contains("minutes"), "{lines}");
    let part = key(&scene).components[1].clone();
    assert_eq!(
        (part.state, &part.envelope),
        (ComponentState::Destroyed, &None)
    );
    assert!(part.gone_ms.is_some());
    let detail = scene.station.key_detail(LABEL, key(&scene).id).join("\n");
    assert!(detail.contains("its sheet destroyed"), "{detail}");
    assert!(detail.contains("seen by Ada and Jim"), "{detail}");
    // The other one is kept: it makes no key any more, and no exercise proves it.
    done(say(
        &mut scene,
        1,
        KEPT,
        &["Gus", "Ada", "NEW-0001", "NEW-0001"],
    ));
    no_exercise(&mut scene);
    let left = "send back or destroy the sheet of component 1";
    assert!(tasks(&scene).contains(left), "{}", tasks(&scene));
    // Later it goes too, unopened: its serial is the one on record.
    let with = |serial| ["Gus", "Ada", "Jim", serial, serial];
    let told = refused(&mut scene, 1, DESTROYED, &with("NEW-0009"));
    assert!(
        told.contains("another serial than was recorded (R11)"),
        "{told}"
    );
    done(say(&mut scene, 1, DESTROYED, &with("NEW-0001")));
    assert_eq!(states(&scene), [ComponentState::Destroyed; 2]);
    assert_eq!(
        key(&scene).components[0].envelope.as_deref(),
        Some("NEW-0001")
    );
    assert!(!tasks(&scene).contains("sheet of"), "{}", tasks(&scene));
    // The key works on; when it is destroyed nothing is left to destroy of it.
    done(scene.working("BANK-LAKE.ZPK.001", "zpk-tdes2", LABEL));
}

#[test]
fn a_sheet_that_went_back_is_in_nobodys_custody() {
    let (_folder, mut scene) = entered();
    for (index, who) in [(1, "Gus"), (2, "Hal")] {
        let serial = format!("BACK-{index}");
        done(say(
            &mut scene,
            index,
            RETURNED,
            &[who, "Ben", &serial, &serial],
        ));
    }
    assert_eq!(states(&scene), [ComponentState::Returned; 2]);
    assert!(!tasks(&scene).contains("sheet"), "{}", tasks(&scene));
    no_exercise(&mut scene);
    let detail = scene.station.key_detail(LABEL, key(&scene).id).join("\n");
    assert!(
        detail.contains("in package BACK-1, seen by Ben"),
        "{detail}"
    );
    // Who held a part once held it, wherever the sheet is.
    assert!(key(&scene).ever_held(key(&scene).components[0].custodian));
}

#[test]
fn serials_and_witnesses_are_looked_at_before_anybody_signs() {
    let (_folder, mut scene) = entered();
    done(say(
        &mut scene,
        1,
        KEPT,
        &["Gus", "Ada", "NEW-0001", "NEW-0001"],
    ));
    for (said, why) in [
        (["Hal", "Ada", "NEW-0002", "NEW-0003"], "not the same"),
        (["Hal", "Ada", "NEW-0001", "NEW-0001"], "used before (R11)"),
        (["Hal", "Ada", "N 2", "N 2"], "4 to 24"),
        (["Hal", "", "NEW-0002", "NEW-0002"], "who saw it?"),
        (["Gus", "Ada", "NEW-0002", "NEW-0002"], "Whose hands"),
        (["Hal", "Ida", "NEW-0002", "NEW-0002"], "who saw it?"),
    ] {
        let told = refused(&mut scene, 2, KEPT, &said);
        assert!(told.contains(why), "{why}: {told}");
    }
    let told = refused(&mut scene, 1, KEPT, &["Gus", "Ada", "NEW-0002", "NEW-0002"]);
    assert!(told.contains("in a recorded package already"), "{told}");
}
