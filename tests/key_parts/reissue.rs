//! Re-issue through the whole station: the same key, other sheets.

use std::sync::OnceLock;
use std::time::Duration;

use conclave_evidence::GroupId;
use conclave_evidence::verify::verify_paths;
use conclave_keyroom::domain::key::{ComponentState, KeyRecord};
use conclave_keyroom::domain::part_set::SetState;
use conclave_keyroom::ports::dialogue::{Answer, Ask, Field, FieldKind};
use conclave_station::service::ActEnd;
use tempfile::TempDir;

use crate::people::{At, Scene, Staff, done};
use crate::sheets::{self, custodians, printed};
use crate::stage::{STAFF, copy, folder, scene};
use crate::typist::sum;

pub const REISSUE: &str = "reissue-components.toml";
pub const DESTROY: &str = "destroy-sheets.toml";
pub const EXERCISE: &str = "custody-exercise.toml";
pub const LABEL: &str = "BANK-LAKE.ZMK.001";

pub fn key(scene: &Scene) -> KeyRecord {
    sheets::key(scene, LABEL)
}

/// A station with one TDES key in three sheets, and the sheets.
pub fn with_sheets() -> (TempDir, Scene, Vec<Vec<u8>>) {
    static BASE: OnceLock<(TempDir, Vec<Vec<u8>>)> = OnceLock::new();
    let (base, old) = BASE.get_or_init(|| {
        let folder = folder();
        let mut scene = scene(&folder);
        done(scene.zmk(LABEL, "zmk-tdes2", "3"));
        let old = printed(&scene);
        scene.station.logout("logged out").unwrap();
        (folder, old)
    });
    let folder = TempDir::new().unwrap();
    copy(base.path(), folder.path());
    let scene = reopened(&folder, 5000);
    (folder, scene, old.clone())
}

pub fn reopened(folder: &TempDir, serial: u32) -> Scene {
    let mut scene = Scene::open(folder.path(), STAFF);
    scene.people.serial = serial;
    scene.logon_both();
    scene
}

pub fn tasks(scene: &Scene) -> String {
    format!("{:?}", scene.station.lists().tasks)
}

/// Plays a script; its end, and every refusal on the way.
pub fn play(scene: &mut Scene, script: &str, fields: &[&str], at: At) -> (String, String) {
    scene.people.at = at;
    scene.people.refusals.clear();
    scene.people.forget_questions();
    let end = scene.ceremony(script, fields);
    scene.people.at = Box::new(|_, _| None);
    let told = scene.people.refusals.join("\n");
    match end {
        Ok(ActEnd::Done { title, lines, .. }) if title.ends_with("ended early") => {
            (title, format!("{told}\n{}", lines.join("\n")))
        }
        Ok(ActEnd::Done { title, .. }) => (title, told),
        Ok(ActEnd::Stopped) => ("given up".into(), told),
        Err(refusal) => (refusal.happened, told),
    }
}

pub fn nothing() -> At {
    Box::new(|_, _| None)
}

/// Two people read these serials off the packages.
pub fn serials(of: Vec<Option<String>>) -> At {
    Box::new(move |prompt, _| {
        if !prompt.code.starts_with("destroy.serial") || !matches!(prompt.ask, Ask::Text { .. }) {
            return None;
        }
        // `Old sheet 2 of 3`; of a set of which some are gone `Old sheet 2, number 1 of 1`.
        let mut words = prompt.title.split(' ');
        let turn = match prompt.title.contains("number") {
            true => words.skip_while(|word| *word != "number").nth(1),
            false => words.nth(2),
        };
        let sheet: usize = turn.unwrap().parse().unwrap();
        let serial = of[sheet - 1].clone();
        Some(Answer::Word(serial.unwrap_or("UNSEALED-1".into())))
    })
}

/// The name of the first that waits for its destruction, as on the form.
pub fn offered(scene: &mut Scene) -> String {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let out = std::sync::Arc::clone(&seen);
    let at: At = Box::new(move |prompt, _| {
        if let Ask::Form { fields, .. } = &prompt.ask
            && prompt.code == "ceremony.parameters"
        {
            // Nothing is chosen for anybody: it stands in the list.
            assert_eq!(fields[0].value, "");
            if let FieldKind::One(all) = &fields[0].kind {
                out.lock().unwrap().clone_from(&all[0]);
            }
            return Some(Answer::Abort);
        }
        None
    });
    scene.people.at = at;
    let _ = scene.ceremony(DESTROY, &[]);
    scene.people.at = nothing();
    seen.lock().unwrap().clone()
}

#[test]
fn a_key_gets_new_sheets_and_the_old_ones_are_destroyed() {
    let (folder, mut scene, old) = with_sheets();
    let before = key(&scene);
    let (title, told) = play(&mut scene, REISSUE, &[LABEL, "3"], nothing());
    assert!(
        title.ends_with("done") && told.is_empty(),
        "{title}: {told}"
    );
    let new = printed(&scene);
    assert_eq!(new.len(), 3, "this run's printer has the new sheets alone");
    assert_eq!(sum(&new), sum(&old), "the same key");
    assert!(new.iter().all(|part| !old.contains(part)), "drawn afresh");

    let after = key(&scene);
    assert_eq!((after.state, &after.kcv), (before.state, &before.kcv));
    assert_eq!(after.components.len(), 3);
    for (old, new) in before.components.iter().zip(&after.components) {
        assert_eq!(new.state, ComponentState::Sealed);
        assert_ne!(new.envelope, old.envelope);
        assert_ne!(new.commitment, old.commitment);
    }
    let former = after.set(before.ceremony).unwrap();
    assert_eq!(former.state, SetState::Former);
    assert_eq!(former.parts, before.components);
    assert!(tasks(&scene).contains("destroy 3 old sheets"));
    done(scene.working("BANK-LAKE.ZPK.001", "zpk-tdes2", LABEL));

    // The new sheets are the ones that an exercise takes.
    let at = custodians(&after.components, &new);
    let (title, told) = play(&mut scene, EXERCISE, &[LABEL], at);
    assert!(
        title.ends_with("done") && told.is_empty(),
        "{title}: {told}"
    );
    assert!(key(&scene).components.iter().all(|c| c.proven_ms.is_some()));
    let at = custodians(&key(&scene).components, &old);
    let (title, told) = play(&mut scene, EXERCISE, &[LABEL], at);
    assert!(title.ends_with("done"), "{title}");
    assert!(
        told.contains("what was typed is not the component"),
        "{told}"
    );
    assert!(
        key(&scene)
            .components
            .iter()
            .all(|c| c.doubted_ms.is_some())
    );

    let name = offered(&mut scene);
    let right = before.components.iter().map(|c| c.envelope.clone());
    let (title, told) = play(
        &mut scene,
        DESTROY,
        &[&name],
        serials(right.clone().collect()),
    );
    assert!(
        title.ends_with("done") && told.is_empty(),
        "{title}: {told}"
    );
    let after = key(&scene);
    let destroyed = &after.set(before.ceremony).unwrap().destroyed;
    assert!(destroyed.iter().map(|d| Some(d.serial.clone())).eq(right));
    assert!(
        destroyed
            .iter()
            .all(|d| d.by.len() == 2 && d.by[0] != d.by[1])
    );
    assert!(!tasks(&scene).contains("old sheets"));
    let detail = scene.station.key_detail(LABEL, after.id).join("\n");
    assert!(detail.contains("3 components: former since"), "{detail}");
    assert_eq!(detail.matches("destroyed").count(), 3, "{detail}");

    // Minutes and transcripts stand by themselves.
    let journal = folder.path().join("journal.cbor");
    std::fs::write(&journal, scene.station.journal_bytes().unwrap()).unwrap();
    let mut minutes: Vec<_> = std::fs::read_dir(folder.path().join("minutes"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "cbor"))
        .collect();
    assert!(minutes.len() >= 6, "{minutes:?}");
    minutes.push(journal);
    let verified = verify_paths(&minutes);
    assert!(verified.ok(), "{:?}", verified.lines);
    each_sheet_has_its_entries(&mut scene, &before, &after);
}

/// Of every sheet of both sets auditors read that it was printed, for whom, in
/// which package it was sealed, and of the old ones that it was destroyed there.
fn each_sheet_has_its_entries(scene: &mut Scene, before: &KeyRecord, after: &KeyRecord) {
    scene.station.logout("logged out").unwrap();
    scene.logon(GroupId::Auditors);
    let entries = scene.station.door().vault().read_journal(0).unwrap();
    let said: Vec<String> = entries
        .into_iter()
        .map(|entry| entry.body.unwrap().words.join("\n"))
        .collect();
    let has = |parts: &[String]| {
        said.iter()
            .any(|all| parts.iter().all(|one| all.contains(one)))
    };
    for sheet in before.components.iter().chain(&after.components) {
        let (index, holder) = (sheet.index, &sheet.custodian_name);
        let serial = sheet.envelope.as_deref().unwrap();
        assert!(sheet.printed_ms.is_some() && sheet.sealed_ms >= sheet.printed_ms);
        let printed = format!("Print component {index} of 3 of {LABEL}");
        let whose = format!("for {holder}, who alone takes the sheet");
        assert!(has(&[printed, whose]), "{index} {holder}");
        let sealed = format!("Component {index} of {LABEL} is sealed in envelope {serial}");
        let by = format!(
            "sealed by {holder}, seen by {}",
            sheet.witness.as_deref().unwrap()
        );
        assert!(has(&[sealed, by]), "{serial}");
    }
    for sheet in &before.components {
        let (index, serial) = (sheet.index, sheet.envelope.as_deref().unwrap());
        let gone =
            format!("The old sheet of part {index} of {LABEL} is destroyed, in package {serial}");
        assert!(has(&[gone]), "{serial}");
    }
}

#[test]
fn whoever_held_a_part_of_any_set_never_gets_another() {
    const FOUR: Staff = &[
        ("Ada", "Zoe", "Administrators, Approvers"),
        ("Ben", "Zoe", "Administrators, Approvers"),
        ("Cat", "Zoe", "Administrators, Approvers"),
        ("Dan", "Yan", "Key managers"),
        ("Eva", "Yan", "Key managers"),
        ("Fay", "Yan", "Key managers"),
        ("Gus", "Xia", "Custodians A"),
        ("Hal", "Wim", "Custodians B"),
        ("Ida", "Val", "Custodians C"),
        ("Oda", "Val", "Custodians A"),
        ("Pia", "Val", "Custodians A"),
        ("Jim", "Uwe", "Auditors"),
        ("Kim", "Uwe", "Auditors"),
        ("Lea", "Tom", "Recovery"),
        ("Max", "Tom", "Recovery"),
        ("Ned", "Tom", "Recovery"),
    ];
    let folder = TempDir::new().unwrap();
    let mut scene = Scene::open(folder.path(), FOUR);
    scene.people.at = Box::new(|prompt, _| {
        let Ask::Form { fields, .. } = &prompt.ask else {
            return None;
        };
        (prompt.code == "init.groups").then(|| {
            let size = |field: &Field| match field.label.contains("Custodians A") {
                true => "1 of 3".to_owned(),
                false => field.value.clone(),
            };
            Answer::Fields(fields.iter().map(size).collect())
        })
    });
    scene.furnish();
    scene.logon_both();
    let with = |first: &'static str, last: &'static str| {
        ["Dan", "Eva", "Ada", "Ben", first, "Hal", "Ida", last, "Jim"]
    };
    let mut issue = |script: &str, fields: &[&str], cast: [&str; 9]| {
        scene.people.forms.remove("ceremony.cast");
        scene.people.form("ceremony.cast", &cast);
        let played = play(&mut scene, script, fields, nothing());
        let known = scene.station.keys().iter().any(|k| k.label == LABEL);
        assert!(known, "{played:?}");
        (played, key(&scene))
    };
    let made = issue(
        "generate-zmk.toml",
        &[LABEL, "zmk-tdes2", "4"],
        with("Gus", "Oda"),
    );
    assert!(made.0.0.ends_with("done"), "{:?}", made.0);
    // In the set that they hold, and in one that is former.
    for holder in ["Gus", "Pia"] {
        let (last, other) = match holder {
            "Gus" => ("Gus", "Pia"),
            _ => ("Pia", "Gus"),
        };
        let ((_, told), record) = issue(REISSUE, &[LABEL, "4"], with(other, last));
        assert!(
            told.contains(&format!(
                "{holder} holds, or once held, another component of this key (R4)"
            )),
            "{told}"
        );
        assert!(record.others.iter().all(|s| s.state == SetState::Former));
        let ((title, told), _) = issue(REISSUE, &[LABEL, "4"], with("Pia", "Oda"));
        assert!(title.ends_with("done"), "{title}: {told}");
    }
    // Gus held part 1 of the first set, and may hold it again.
    let ((title, told), record) = issue(REISSUE, &[LABEL, "4"], with("Gus", "Oda"));
    assert!(title.ends_with("done"), "{title}: {told}");
    assert_eq!(record.others.len(), 3);
    assert_eq!(record.components[0].custodian_name, "Gus");
}

/// A card that is pulled between a print and its seal voids the new set, and
/// nothing else.
#[test]
fn an_interrupted_re_issue_voids_the_new_set_alone() {
    for (code, components, printed_then) in [
        ("confirm.sheet", "Component 2", 2),
        ("seal.serial.second", "Component 1", 1),
        ("print.ready", "Component 2", 1),
    ] {
        let (folder, mut scene, old) = with_sheets();
        let before = key(&scene);
        let reader = scene.people.hand();
        let mut pulled = false;
        let at: At = Box::new(move |prompt, _| {
            let here = prompt.code == code && prompt.title.starts_with(components);
            if here && !std::mem::replace(&mut pulled, true) {
                reader.pull(0);
                std::thread::sleep(Duration::from_millis(300));
            }
            None
        });
        let (title, told) = play(&mut scene, REISSUE, &[LABEL, "3"], at);
        // Between the print and the seal the set is void at once; before it,
        // the ceremony waits, and its components live in this run alone.
        drop(scene);
        let mut scene = reopened(&folder, 6000);
        if let Some(open) = scene.station.ceremonies().into_iter().find(|c| !c.over) {
            let id = open.ceremony.to_string();
            let title = done(scene.station.resume_ceremony(&id, &mut scene.people));
            assert!(title.ends_with("the new set is void"), "{code}: {title}");
        } else {
            assert!(
                title.ends_with("the new set is void"),
                "{code}: {title}: {told}"
            );
        }
        let after = key(&scene);
        assert_eq!(after.components, before.components, "{code}");
        assert_eq!((after.state, &after.kcv), (before.state, &before.kcv));
        assert_eq!(after.others.len(), 1, "{code}");
        let void = &after.others[0];
        assert_eq!(
            (void.state, void.left().len()),
            (SetState::Void, printed_then),
            "{code}"
        );
        let sheets = match printed_then {
            1 => "destroy 1 old sheet".to_owned(),
            n => format!("destroy {n} old sheets"),
        };
        assert!(tasks(&scene).contains(&sheets), "{code}: {}", tasks(&scene));
        for index in 1..=9 {
            assert!(!scene.station.door().component_waits(void.ceremony, index));
        }
        if code != "seal.serial.second" {
            continue;
        }
        // The old set is as good as ever, and what was printed counts.
        let at = custodians(&after.components, &old);
        let (title, told) = play(&mut scene, EXERCISE, &[LABEL], at);
        assert!(
            title.ends_with("done") && told.is_empty(),
            "{code}: {title}: {told}"
        );
        let left: Vec<_> = void.left().iter().map(|p| p.envelope.clone()).collect();
        let name = offered(&mut scene);
        let (title, told) = play(&mut scene, DESTROY, &[&name], serials(left));
        assert!(
            title.ends_with("done") && told.is_empty(),
            "{code}: {title}: {told}"
        );
        let (title, told) = play(&mut scene, REISSUE, &[LABEL, "3"], nothing());
        assert!(
            title.ends_with("done") && told.is_empty(),
            "{code}: {title}: {told}"
        );
    }
}

/// What was printed of a key that became void is a task, until it is recorded
/// as destroyed like any old sheet.
#[test]
fn a_printed_sheet_of_a_void_key_is_a_task_until_it_is_destroyed() {
    let folder = folder();
    let mut scene = scene(&folder);
    let at: At = Box::new(|prompt, _| {
        let second = prompt.code == "print.ready" && prompt.title.starts_with("Component 2");
        second.then_some(Answer::Abort)
    });
    let (title, _) = play(
        &mut scene,
        "generate-zmk.toml",
        &[LABEL, "zmk-tdes2", "2"],
        at,
    );
    assert!(!title.ends_with("done"), "{title}");
    let void = key(&scene);
    assert_eq!(void.state.words(), "void");
    assert!(tasks(&scene).contains("destroy 1 old sheet"), "{title}");
    assert_eq!(void.others.len(), 1);
    let left = void.others[0].left();
    assert_eq!((left.len(), left[0].index), (1, 1));

    let name = offered(&mut scene);
    let right = left.iter().map(|part| part.envelope.clone()).collect();
    let (title, told) = play(&mut scene, DESTROY, &[&name], serials(right));
    assert!(
        title.ends_with("done") && told.is_empty(),
        "{title}: {told}"
    );
    assert!(!tasks(&scene).contains("old sheet"));
    // The label is free for the key that is made afresh.
    let (title, told) = play(
        &mut scene,
        "generate-zmk.toml",
        &[LABEL, "zmk-tdes2", "2"],
        nothing(),
    );
    assert!(
        title.ends_with("done") && told.is_empty(),
        "{title}: {told}"
    );
}
