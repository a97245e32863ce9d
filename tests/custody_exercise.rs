//! Custody exercises through the whole station: months later each sheet is
//! proven by its own custodian, one at a time, and never put together.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "support/minutes_text.rs"]
mod minutes_text;
#[path = "support/people.rs"]
mod people;
#[path = "support/sheets.rs"]
mod sheets;
#[path = "support/stage.rs"]
mod stage;
#[path = "support/typist.rs"]
mod typist;

use std::sync::OnceLock;

use conclave_evidence::journal::EntryKind;
use conclave_keyroom::domain::key::{ComponentState, KeyRecord};
use conclave_keyroom::ports::dialogue::{Answer, Ask, Choice, Field};
use conclave_station::service::ActEnd;
use people::{At, Scene, Staff, done};
use sheets::printed;
use stage::{STAFF, copy, folder, scene};
use tempfile::TempDir;
use typist::{Typist, sum};

const EXERCISE: &str = "custody-exercise.toml";
const LABEL: &str = "BANK-LAKE.ZMK.001";

/// A station with one TDES key in three sheets, and the sheets.
fn with_sheets() -> (TempDir, Scene, Vec<Vec<u8>>) {
    static BASE: OnceLock<(TempDir, Vec<Vec<u8>>)> = OnceLock::new();
    let (base, sheets) = BASE.get_or_init(|| {
        let folder = folder();
        let mut scene = scene(&folder);
        done(scene.zmk(LABEL, "zmk-tdes2", "3"));
        let sheets = printed(&scene);
        assert_eq!((sheets.len(), sheets[0].len()), (3, 16));
        scene.station.logout("logged out").unwrap();
        (folder, sheets)
    });
    let folder = TempDir::new().unwrap();
    copy(base.path(), folder.path());
    let scene = reopened(&folder);
    (folder, scene, sheets.clone())
}

fn reopened(folder: &TempDir) -> Scene {
    let mut scene = Scene::open(folder.path(), STAFF);
    // Serials of the base are used up.
    scene.people.serial = 5000;
    scene.logon_both();
    scene
}

fn key(scene: &Scene) -> KeyRecord {
    sheets::key(scene, LABEL)
}

fn custodians(scene: &Scene, typed: &[Vec<u8>]) -> At {
    sheets::custodians(&key(scene).components, typed)
}

fn exercise(scene: &mut Scene, at: At) -> (String, String) {
    scene.people.at = at;
    scene.people.refusals.clear();
    let end = scene.ceremony(EXERCISE, &[LABEL]);
    scene.people.at = Box::new(|_, _| None);
    let told = scene.people.refusals.join("\n");
    match end {
        Ok(ActEnd::Done { title, lines, .. }) if title.ends_with("ended early") => {
            (title, format!("{told}\n{}", lines.join("\n")))
        }
        Ok(ActEnd::Done { title, .. }) => (title, told),
        other => panic!("{other:?}"),
    }
}

fn journalled(scene: &Scene, action: &str) -> usize {
    let entries = scene.station.door().vault().entries(0).unwrap();
    entries
        .iter()
        .filter_map(|e| e.open_header().ok())
        .filter(|h| h.action == action && h.kind == EntryKind::Outcome)
        .count()
}

fn tasks(scene: &Scene) -> String {
    format!("{:?}", scene.station.lists().tasks)
}

/// No component is in the provider, under whatever id.
fn assert_nothing_waits(scene: &Scene) {
    let ids = scene.station.ceremonies().into_iter().map(|c| c.ceremony);
    for id in ids.chain([key(scene).id]) {
        for index in 1..=9 {
            assert!(!scene.station.door().component_waits(id, index));
        }
    }
}

#[test]
fn each_sheet_is_proven_and_lies_in_a_new_package() {
    let (_folder, mut scene, sheets) = with_sheets();
    let before = key(&scene);
    let at = custodians(&scene, &sheets);
    let (title, told) = exercise(&mut scene, at);
    assert!(title.ends_with("done"), "{title}: {told}");
    assert!(told.is_empty(), "{told}");
    let after = key(&scene);
    assert_eq!((after.state, &after.kcv), (before.state, &before.kcv));
    for (old, new) in before.components.iter().zip(&after.components) {
        assert!(old.commitment.is_some());
        assert_eq!(new.commitment, old.commitment);
        assert_eq!(new.custodian, old.custodian);
        assert_eq!(new.state, ComponentState::Sealed);
        assert_ne!(new.envelope, old.envelope, "a new package");
        assert!(new.proven_ms.is_some() && new.doubted_ms.is_none() && new.opened.is_none());
    }
    assert_eq!(journalled(&scene, "prove-component"), 3);
    assert_nothing_waits(&scene);
    // The key still wraps.
    done(scene.working("BANK-LAKE.ZPK.001", "zpk-tdes2", LABEL));
    // And the next exercise wants the new serials.
    let at = custodians(&scene, &sheets);
    let (title, told) = exercise(&mut scene, at);
    assert!(
        title.ends_with("done") && told.is_empty(),
        "{title}: {told}"
    );
}

#[test]
fn sheets_of_every_form_are_proven() {
    let folder = folder();
    let mut scene = scene(&folder);
    for (template, length) in [
        ("zmk-tdes3", 24),
        ("zmk-aes128", 16),
        ("zmk-aes192", 24),
        ("zmk-aes256", 32),
    ] {
        let label = format!("{}.ZMK.001", template.to_uppercase());
        let before = printed(&scene).len();
        done(scene.zmk(&label, template, "2"));
        let typed = printed(&scene)[before..].to_vec();
        assert!(typed.iter().all(|sheet| sheet.len() == length));
        let parts = sheets::key(&scene, &label).components;
        // The second custodian types a sheet of as many digits that is not theirs.
        let sheets = vec![typed[0].clone(), sum(&typed)];
        let value = sheets::key(&scene, &label).kcv.value;
        let mut named = sheets::serials(&parts);
        let mut typist = Typist::new(sheets, &value).at();
        let at = move |prompt: &_, times| named(prompt, times).or_else(|| typist(prompt, times));
        scene.people.at = Box::new(at);
        scene.people.refusals.clear();
        done(scene.ceremony(EXERCISE, &[&label]));
        scene.people.at = Box::new(|_, _| None);
        let told = scene.people.refusals.join("\n");
        assert!(
            told.contains("what was typed is not the component"),
            "{told}"
        );
        let after = sheets::key(&scene, &label).components;
        let proven: Vec<bool> = after.iter().map(|part| part.proven_ms.is_some()).collect();
        assert_eq!(proven, [true, false], "{template}: {told}");
    }
}

#[test]
fn a_sheet_that_is_another_is_found_and_the_others_are_proven() {
    let (_folder, mut scene, sheets) = with_sheets();
    // Custodian 2 has a copy of another sheet; typed four times.
    let mut wrong = sheets.clone();
    wrong[1] = sum(&[sheets[0].clone(), sheets[2].clone()]);
    let at = custodians(&scene, &wrong);
    let (title, told) = exercise(&mut scene, at);
    assert!(title.ends_with("done"), "{title}: {told}");
    assert_eq!(
        told.matches("what was typed is not the component").count(),
        3,
        "{told}"
    );
    let ceremonies = scene.station.ceremonies();
    let failed: Vec<String> = ceremonies.iter().flat_map(|c| c.failed_words()).collect();
    assert!(
        failed
            .iter()
            .any(|line| line.contains("3 times: Component 2")),
        "{failed:?}"
    );
    let found = key(&scene);
    let doubted: Vec<u8> = found
        .components
        .iter()
        .filter(|c| c.doubted_ms.is_some())
        .map(|c| c.index)
        .collect();
    assert_eq!(doubted, [2]);
    assert!(tasks(&scene).contains("the sheet of component 2 was not proven"));
    // The right sheet turns up.
    let at = custodians(&scene, &sheets);
    let (title, _) = exercise(&mut scene, at);
    assert!(title.ends_with("done"), "{title}");
    assert!(
        key(&scene)
            .components
            .iter()
            .all(|c| c.doubted_ms.is_none())
    );
    assert!(!tasks(&scene).contains("not proven"));
}

#[test]
fn the_commitment_counts_and_not_the_check_value_alone() {
    let (_folder, mut scene, sheets) = with_sheets();
    // A parity bit: DES does not see it, so the check value is the same.
    let mut wrong = sheets.clone();
    wrong[2][5] ^= 1;
    let at = custodians(&scene, &wrong);
    let (title, told) = exercise(&mut scene, at);
    assert!(title.ends_with("done"), "{title}: {told}");
    assert!(told.is_empty(), "the check value agrees: {told}");
    let found = key(&scene);
    assert!(found.components[2].doubted_ms.is_some());
    assert!(found.components[0].proven_ms.is_some());
}

#[test]
fn a_slip_of_the_fingers_is_named_by_group_and_proven_in_the_end() {
    let (_folder, mut scene, sheets) = with_sheets();
    let typist = Typist::new(sheets.clone(), "000000");
    typist.slip(|sheet, line, typing, digits| {
        if (sheet, line, typing) == (1, 2, 1) {
            digits.swap(0, 1);
        }
    });
    let mut slips = typist.at();
    let mut usual = custodians(&scene, &sheets);
    let at: At = Box::new(move |prompt, times| match prompt.ask {
        Ask::Groups(_) => slips(prompt, times),
        _ => usual(prompt, times),
    });
    let (title, told) = exercise(&mut scene, at);
    assert!(title.ends_with("done"), "{title}: {told}");
    assert!(
        told.contains("Component 1, line 2: the check letter"),
        "{told}"
    );
    assert!(key(&scene).components.iter().all(|c| c.proven_ms.is_some()));
}

#[test]
fn a_sheet_that_nobody_can_read_is_a_finding() {
    let (_folder, mut scene, sheets) = with_sheets();
    let typist = Typist::new(sheets.clone(), "000000");
    typist.slip(|sheet, line, _, digits| {
        if (sheet, line) == (3, 1) {
            digits.swap(2, 3);
        }
    });
    let differ = sheets[2][1] >> 4 != sheets[2][1] & 15;
    let mut slips = typist.at();
    let mut usual = custodians(&scene, &sheets);
    let at: At = Box::new(move |prompt, times| match prompt.ask {
        Ask::Groups(_) => slips(prompt, times),
        _ => usual(prompt, times),
    });
    let (title, told) = exercise(&mut scene, at);
    assert!(title.ends_with("done"), "{title}: {told}");
    assert_eq!(key(&scene).components[2].doubted_ms.is_some(), differ);
}

#[test]
fn another_serial_on_the_package_ends_it_unopened() {
    let (folder, mut scene, sheets) = with_sheets();
    let mut usual = custodians(&scene, &sheets);
    let at: At = Box::new(move |prompt, times| {
        let second = prompt.title.starts_with("Component 2");
        if second && prompt.code.starts_with("exercise.serial") && !prompt.code.ends_with("card") {
            return Some(Answer::Word("CE9999999".into()));
        }
        usual(prompt, times)
    });
    let (title, told) = exercise(&mut scene, at);
    assert!(title.ends_with("ended early"), "{title}: {told}");
    assert!(
        told.contains("goes into quarantine, unopened (R11)"),
        "{told}"
    );
    let found = key(&scene);
    assert_eq!(found.state.words(), "active");
    assert!(found.components[1].opened.is_none() && found.components[1].proven_ms.is_none());
    assert_eq!(journalled(&scene, "prove-component"), 1);

    // It is recorded, and stands as a red task until it is settled.
    incident(&mut scene, "A package is not as recorded", &|options| {
        let second = options.iter().find(|o| o.starts_with("component 2, "));
        vec![
            second.unwrap().clone(),
            "CE9999999 on it, seal whole".into(),
        ]
    });
    assert_eq!(journalled(&scene, "quarantine-package"), 1);
    assert!(key(&scene).has_quarantine());
    // What is found later stands beside it: the first finding stays, and since when.
    let first = key(&scene).components[1].quarantine.clone().unwrap();
    incident(&mut scene, "A package is not as recorded", &|options| {
        vec![options[1].clone(), "its seal is torn, too".into()]
    });
    let both = key(&scene).components[1].quarantine.clone().unwrap();
    assert_eq!(both.at_ms, first.at_ms);
    assert!(
        both.found.starts_with(&format!("{}; ", first.found))
            && both.found.ends_with(": its seal is torn, too"),
        "{both:?}"
    );
    for found in ["CE9999999 on it, seal whole", "its seal is torn, too"] {
        assert!(tasks(&scene).contains(found), "{found}");
    }
    assert_eq!(journalled(&scene, "quarantine-package"), 2);
    // Whoever wraps another key under it reads so.
    scene.people.at =
        Box::new(|prompt, _| (prompt.code == "ceremony.parameters").then_some(Answer::Abort));
    let label = key(&scene).label;
    let ended = scene.working("BANK-LAKE.ZPK.001", "zpk-aes128", &label);
    assert!(matches!(ended, Ok(ActEnd::Stopped)), "{ended:?}");
    scene.people.at = Box::new(|_, _| None);
    let warned = format!("! A package of {label} is in quarantine.");
    assert!(
        scene
            .people
            .shown
            .iter()
            .any(|shown| shown.contains(&warned))
    );
    assert!(
        tasks(&scene).contains("quarantine, the package of component 2"),
        "{}",
        tasks(&scene)
    );
    // An exercise passes it over, proves the others, and says so to everybody who signs.
    let before = key(&scene).components;
    let usual = custodians(&scene, &sheets);
    let (title, told) = exercise(&mut scene, usual);
    assert!(
        title.ends_with("done") && told.is_empty(),
        "{title}: {told}"
    );
    let after = key(&scene).components;
    assert_eq!(after[1], before[1], "nobody opened it");
    for at in [0, 2] {
        assert!(after[at].proven_ms.is_some());
        assert_ne!(after[at].envelope, before[at].envelope);
    }
    assert_eq!(journalled(&scene, "prove-component"), 3);
    // Each package in the minutes beside its own component.
    let minutes = minutes_text::newest(folder.path());
    for at in [0, 2] {
        let serial = after[at].envelope.as_ref().unwrap();
        let line = format!("Envelope of component {} {serial}", at + 1);
        assert!(minutes.contains(&line), "{line}: {minutes}");
    }
    assert!(!minutes.contains("Envelope of component 2"), "{minutes}");
    let passed_over = "component 2 is passed over: its package is in quarantine";
    let shown = scene.people.shown.iter();
    assert!(shown.filter(|s| s.contains(passed_over)).count() >= 2);
    assert!(tasks(&scene).contains("quarantine, the package of component 2"));
    assert!(tasks(&scene).contains("a custody exercise passes it over"));
    // Both quorums say how they know.
    incident(&mut scene, "A package leaves quarantine", &|options| {
        vec![options[1].clone(), "the wrong bag was brought".into()]
    });
    assert_eq!(journalled(&scene, "lift-quarantine"), 1);
    assert!(!tasks(&scene).contains("quarantine, "));
    assert_eq!(key(&scene).components[1].quarantine, None);
    assert!(!key(&scene).has_quarantine());
}

#[test]
fn a_torn_seal_stays_red_and_unopened_until_both_quorums_lift_it() {
    let (_folder, mut scene, sheets) = with_sheets();
    incident(&mut scene, "A package is not as recorded", &|options| {
        vec![options[2].clone(), "the seal is torn".into()]
    });
    let (title, told) = {
        let at = custodians(&scene, &sheets);
        exercise(&mut scene, at)
    };
    assert!(
        title.ends_with("done") && told.is_empty(),
        "{title}: {told}"
    );
    let found = key(&scene).components[2].clone();
    assert!(found.proven_ms.is_none() && found.opened.is_none());
    assert!(found.quarantine.is_some());
    assert!(
        tasks(&scene).contains("quarantine, the package of component 3"),
        "{}",
        tasks(&scene)
    );
    incident(&mut scene, "A package leaves quarantine", &|options| {
        vec![options[2].clone(), "torn by the custodian, on film".into()]
    });
    assert_eq!(key(&scene).components[2].quarantine, None);
    assert!(!tasks(&scene).contains("quarantine, "));
    // Nothing is in quarantine: it is not offered.
    let id = key(&scene).id;
    let offered = std::sync::Arc::new(std::sync::Mutex::new(0));
    let seen = std::sync::Arc::clone(&offered);
    scene.people.at = Box::new(move |prompt, _| match &prompt.ask {
        Ask::Choose { options } if prompt.code == "key.incident" => {
            let lifts = |o: &&Choice| o.label == "A package leaves quarantine";
            *seen.lock().unwrap() = 1 + options.iter().filter(lifts).count();
            Some(Answer::Abort)
        }
        _ => None,
    });
    let _ = scene.station.key_incident(id, &mut scene.people);
    assert_eq!(*offered.lock().unwrap(), 1, "asked, and not offered");
}

/// A custodian who became an approver too neither decides nor witnesses where
/// their key's sheets are opened, although their backup comes in their place.
#[test]
fn a_custodian_who_became_an_approver_is_refused_before_anything_is_opened() {
    const TWO_ROLES: Staff = &[
        ("Ada", "Zoe", "Administrators, Approvers"),
        ("Ben", "Zoe", "Administrators, Approvers"),
        ("Cat", "Zoe", "Administrators"),
        ("Dan", "Yan", "Key managers"),
        ("Eva", "Yan", "Key managers"),
        ("Fay", "Yan", "Key managers"),
        ("Gus", "Xia", "Custodians A, Approvers"),
        ("Pat", "Xia", "Custodians A"),
        ("Hal", "Wim", "Custodians B"),
        ("Ida", "Val", "Custodians C"),
        ("Jim", "Uwe", "Auditors"),
        ("Kim", "Uwe", "Auditors"),
        ("Lea", "Tom", "Recovery"),
        ("Max", "Tom", "Recovery"),
        ("Ned", "Tom", "Recovery"),
    ];
    let folder = TempDir::new().unwrap();
    let mut scene = Scene::open(folder.path(), TWO_ROLES);
    scene.people.at = Box::new(|prompt, _| {
        let Ask::Form { fields, .. } = &prompt.ask else {
            return None;
        };
        (prompt.code == "init.groups").then(|| {
            let size = |field: &Field| match field.label.contains("Custodians A") {
                true => "1 of 2".to_owned(),
                false => field.value.clone(),
            };
            Answer::Fields(fields.iter().map(size).collect())
        })
    });
    scene.furnish();
    scene.people.at = Box::new(|_, _| None);
    scene.logon_both();
    let made = ["Dan", "Eva", "Ada", "Ben", "Gus", "Hal", "Jim"];
    scene.people.form("ceremony.cast", &made);
    done(scene.zmk(LABEL, "zmk-tdes2", "2"));
    let sheets = printed(&scene);
    assert_eq!(key(&scene).components[0].custodian_name, "Gus");

    let with = |approver: &'static str| ["Dan", "Eva", approver, "Ada", "Pat", "Hal", "Jim"];
    scene.people.forms.remove("ceremony.cast");
    scene.people.form("ceremony.cast", &with("Gus"));
    let _ = scene.ceremony(EXERCISE, &[LABEL]);
    let told = scene.people.refusals.join("\n");
    assert!(
        told.contains("Gus cannot be approver: they hold, or once held, part 1 of this key"),
        "{told}"
    );
    // Refused at casting: nothing of it was begun, and no task is left.
    assert_eq!(scene.station.ceremonies().len(), 1, "the key's own");
    assert!(!tasks(&scene).contains("lies in no sealed package"));
    // With another approver it is held.
    scene.people.forms.remove("ceremony.cast");
    scene.people.form("ceremony.cast", &with("Ben"));
    let at = custodians(&scene, &sheets);
    let (title, told) = exercise(&mut scene, at);
    assert!(title.ends_with("done"), "{title}: {told}");

    // Nor does whoever holds a package say that nobody has read what is in it: neither
    // Gus, an approver, nor the others are asked in his name.
    incident(&mut scene, "A package is not as recorded", &|options| {
        vec![options[0].clone(), "the seal is torn".into()]
    });
    let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = std::sync::Arc::clone(&asked);
    say_incident(
        &mut scene,
        "A package leaves quarantine",
        &|options| vec![options[0].clone(), "the wrong bag was brought".into()],
        Box::new(move |prompt, _| {
            if prompt.code == "sign.card" {
                seen.lock().unwrap().push(prompt.waiting_for.clone());
            }
            None
        }),
    );
    assert_eq!(key(&scene).components[0].quarantine, None);
    let asked = asked.lock().unwrap();
    assert!(asked.iter().any(|names| names.contains("Ada")), "{asked:?}");
    assert!(
        !asked.iter().any(|names| names.contains("Gus")),
        "{asked:?}"
    );
}

/// What is wrong is chosen and said on the key's screen.
fn incident(scene: &mut Scene, wanted: &'static str, say: &dyn Fn(&[String]) -> Vec<String>) {
    say_incident(scene, wanted, say, Box::new(|_, _| None));
}

/// The same, with somebody who looks on.
fn say_incident(
    scene: &mut Scene,
    wanted: &'static str,
    say: &dyn Fn(&[String]) -> Vec<String>,
    mut others: At,
) {
    let id = key(scene).id;
    let packages: Vec<String> = key(scene)
        .components
        .iter()
        .map(|c| format!("component {}, {}", c.index, c.envelope.clone().unwrap()))
        .collect();
    let said = say(&packages);
    let said: Vec<&str> = said.iter().map(String::as_str).collect();
    scene.people.form("key.incident.say", &said);
    scene.people.at = Box::new(
        move |prompt, times| match (prompt.code.as_str(), &prompt.ask) {
            ("key.incident", Ask::Choose { options }) => {
                assert!(prompt.title.starts_with("What is to be recorded of "));
                let at = options.iter().position(|one| one.label == wanted);
                at.map(Answer::Chosen)
            }
            _ => others(prompt, times),
        },
    );
    done(scene.station.key_incident(id, &mut scene.people));
    scene.people.at = Box::new(|_, _| None);
}

#[test]
fn the_old_package_is_not_used_again() {
    let (_folder, mut scene, sheets) = with_sheets();
    let old = key(&scene).components[0].envelope.clone().unwrap();
    let mut usual = custodians(&scene, &sheets);
    let mut left = 2;
    let at: At = Box::new(move |prompt, times| {
        if prompt.code.starts_with("seal.serial")
            && matches!(prompt.ask, Ask::Text { .. })
            && left > 0
        {
            left -= 1;
            return Some(Answer::Word(old.clone()));
        }
        usual(prompt, times)
    });
    let (title, told) = exercise(&mut scene, at);
    assert!(title.ends_with("done"), "{title}: {told}");
    assert!(told.contains("was used before (R11)"), "{told}");
}

#[test]
fn nobody_but_the_holder_opens_a_sheet() {
    let (_folder, mut scene, sheets) = with_sheets();
    scene.people.at = custodians(&scene, &sheets);
    let holders: Vec<String> = key(&scene)
        .components
        .iter()
        .map(|c| c.custodian_name.clone())
        .collect();
    let (first, second, third) = (&holders[0], &holders[1], &holders[2]);
    let cast = ["Dan", "Eva", "Ada", "Ben", second, first, third, "Jim"];
    scene.people.form("ceremony.cast", &cast);
    let _ = scene.ceremony(EXERCISE, &[LABEL]);
    let told = scene.people.refusals.join("\n");
    assert!(told.contains("Nobody is chosen for custodian"), "{told}");
    assert_eq!(journalled(&scene, "prove-component"), 0);
}

#[test]
fn a_pulled_card_leaves_it_to_be_resumed() {
    for code in [
        "exercise.serial.first",
        "enter.ready",
        "exercise.line",
        "seal.serial.first",
    ] {
        let (_folder, mut scene, sheets) = with_sheets();
        let mut usual = custodians(&scene, &sheets);
        let reader = scene.people.hand();
        let mut pulled = false;
        scene.people.at = Box::new(move |prompt, times| {
            let second = prompt.title.starts_with("Component 2");
            if prompt.code == code && second && !std::mem::replace(&mut pulled, true) {
                reader.pull(0);
                std::thread::sleep(std::time::Duration::from_millis(300));
            }
            usual(prompt, times)
        });
        let refusal = scene.ceremony(EXERCISE, &[LABEL]).err();
        let refusal = refusal.unwrap_or_else(|| panic!("{code}: nobody saw it"));
        assert!(refusal.happened.contains("pulled"), "{code}: {refusal:?}");
        let open = scene
            .station
            .ceremonies()
            .into_iter()
            .find(|c| !c.over)
            .unwrap();
        let unsealed = key(&scene).components[1].opened.is_some();
        assert_eq!(unsealed, code == "seal.serial.first", "{code}");
        assert_eq!(
            tasks(&scene).contains("lies in no sealed package"),
            unsealed,
            "{code}"
        );
        scene.station.logout("logged out").unwrap();
        scene.logon_both();
        scene.people.at = custodians(&scene, &sheets);
        let id = open.ceremony.to_string();
        let title = done(scene.station.resume_ceremony(&id, &mut scene.people));
        assert!(
            title.ends_with("done"),
            "{code}: {title}: {:?}",
            scene.people.refusals
        );
        assert!(
            key(&scene).components.iter().all(|c| c.proven_ms.is_some()),
            "{code}"
        );
        assert_nothing_waits(&scene);
    }
}

#[test]
fn one_stop_is_enough_while_a_sheet_is_typed() {
    let (_folder, mut scene, sheets) = with_sheets();
    let mut usual = custodians(&scene, &sheets);
    let mut stops = 0;
    let asked = std::sync::Arc::new(std::sync::Mutex::new(0));
    let times_asked = std::sync::Arc::clone(&asked);
    scene.people.at = Box::new(move |prompt, times| {
        if stops > 0 {
            *times_asked.lock().unwrap() += 1;
            return Some(Answer::Abort);
        }
        if let Ask::Groups(_) = prompt.ask {
            stops += 1;
            return Some(Answer::Shutdown);
        }
        usual(prompt, times)
    });
    let end = scene.ceremony(EXERCISE, &[LABEL]);
    assert!(matches!(end, Ok(ActEnd::Stopped)), "{end:?}");
    assert_eq!(*asked.lock().unwrap(), 0, "nobody is asked a second time");
    let open = scene.station.ceremonies().into_iter().find(|c| !c.over);
    scene.people.at = custodians(&scene, &sheets);
    let id = open.unwrap().ceremony.to_string();
    let title = done(scene.station.resume_ceremony(&id, &mut scene.people));
    assert!(title.ends_with("done"), "{title}");
}
