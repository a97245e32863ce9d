//! The form through the station: cast, task, reconfirmation, a new custodian.

use std::sync::Arc;

use conclave_evidence::GroupId;
use conclave_keyroom::ports::clock::Clock;
use conclave_keyroom::ports::dialogue::{Answer, Ask, Prompt};
use conclave_station::front::TaskRow;
use conclave_station::host::clock::SystemClock;
use conclave_station::renew::Change;
use conclave_station::service::ActEnd;
use tempfile::TempDir;

use crate::people::{Scene, done};
use crate::stage::{STAFF, folder};

const DAY_MS: u64 = 86_400_000;

/// A clock that is ahead.
struct Ahead(u64);

impl Clock for Ahead {
    fn wall_ms(&self) -> u64 {
        SystemClock::default().wall_ms() + self.0
    }

    fn mono_ms(&self) -> u64 {
        // Nobody is idle here.
        0
    }
}

/// The station so many days later.
pub fn later(folder: &TempDir, days: u64) -> Scene {
    let random = conclave_station::compose::random_source().unwrap();
    Scene::open_at(folder.path(), STAFF, random, Arc::new(Ahead(days * DAY_MS)))
}

fn form_tasks(scene: &Scene) -> Vec<TaskRow> {
    let tasks = scene.station.lists().tasks.into_iter();
    tasks
        .filter(|t| t.what.contains("custodian form"))
        .collect()
}

fn choose(prompt: &Prompt, wanted: &str) -> Option<Answer> {
    match &prompt.ask {
        Ask::Choose { options } => options
            .iter()
            .position(|o| o.label == wanted)
            .map(Answer::Chosen),
        _ => None,
    }
}

fn reconfirm(scene: &mut Scene, name: &'static str) {
    scene.people.at = Box::new(move |prompt, _| choose(prompt, name));
    let end = scene
        .station
        .change_group(Change::CustodianForm, &mut scene.people);
    assert_eq!(done(end), format!("{name}'s custodian form holds"));
    scene.people.at = Box::new(|_, _| None);
}

#[test]
fn a_fresh_station_casts_custodians_and_a_lapsed_form_stops_the_cast_with_its_remedy() {
    let folder = folder();
    let mut scene = later(&folder, 0);
    scene.logon(GroupId::Administrators);
    assert!(form_tasks(&scene).is_empty());
    scene.station.logout("logged out").unwrap();
    drop(scene);

    // A month before it is a task, and everything still works.
    let mut scene = later(&folder, 340);
    scene.logon_both();
    let tasks = form_tasks(&scene);
    assert_eq!(tasks.len(), 3, "{tasks:?}");
    assert!(
        tasks.iter().all(|t| (0..=30).contains(&t.days)),
        "{tasks:?}"
    );
    done(scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2"));
    scene.station.logout("logged out").unwrap();
    drop(scene);

    let mut scene = later(&folder, 366);
    scene.logon_both();
    let tasks = form_tasks(&scene);
    assert!(tasks.iter().all(|t| t.days < 0), "{tasks:?}");
    assert!(
        tasks[0]
            .detail
            .join(" ")
            .contains("Sign a custodian's form")
    );
    let before = scene.entries();
    let refused = scene
        .zmk("BANK-LAKE.ZMK.002", "zmk-aes128", "2")
        .err()
        .unwrap();
    assert!(
        refused
            .happened
            .contains("Gus is not offered: the custodian form has lapsed"),
        "{refused:?}"
    );
    assert!(
        refused.advice.contains("Sign a custodian's form"),
        "{refused:?}"
    );
    assert_eq!(scene.entries(), before, "nothing was begun");
    // The key that is there is not touched by a day that has passed.
    assert_eq!(
        scene.key_state("BANK-LAKE.ZMK.001").as_deref(),
        Some("active")
    );
    // Nor do its sheets go out of custody without a form.
    let exercise = scene.ceremony("custody-exercise.toml", &["BANK-LAKE.ZMK.001"]);
    let refused = exercise.err().unwrap();
    assert!(refused.happened.contains("is not offered"), "{refused:?}");

    scene.logon(GroupId::Administrators);
    for name in ["Gus", "Hal"] {
        reconfirm(&mut scene, name);
    }
    let left: Vec<String> = form_tasks(&scene).into_iter().map(|t| t.what).collect();
    assert_eq!(left, ["Ida: the custodian form has lapsed"]);
    let filed = std::fs::read_dir(folder.path().join("reports")).unwrap();
    let filed = filed.filter(|f| {
        let name = f.as_ref().unwrap().file_name();
        name.to_string_lossy().contains("custodian-form-")
    });
    // Three at the founding, and the two of now.
    assert_eq!(filed.count(), 3 + 2);
    scene.station.logout("logged out").unwrap();
    scene.logon_both();
    done(scene.zmk("BANK-LAKE.ZMK.002", "zmk-aes128", "2"));
    // A third component would be Ida's.
    let refused = scene
        .zmk("BANK-LAKE.ZMK.003", "zmk-aes128", "3")
        .err()
        .unwrap();
    assert!(
        refused.happened.contains("Ida is not offered"),
        "{refused:?}"
    );
}

#[test]
fn the_duties_stand_on_the_screen_while_a_custodian_signs() {
    let folder = TempDir::new().unwrap();
    let mut scene = Scene::open(folder.path(), STAFF);
    let seen: Arc<std::sync::Mutex<Vec<Prompt>>> = Arc::default();
    let kept = Arc::clone(&seen);
    scene.people.at = Box::new(move |prompt, _| {
        if prompt.code == "init.finish" && matches!(prompt.ask, Ask::Pin { .. }) {
            kept.lock().unwrap().push(prompt.clone());
        }
        None
    });
    scene.found();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), STAFF.len());
    for prompt in seen.iter() {
        let Ask::Pin {
            person, purpose, ..
        } = &prompt.ask
        else {
            panic!("no PIN");
        };
        let custodian = ["Gus", "Hal", "Ida"].contains(&person.as_str());
        let lines: Vec<&str> = prompt.lines.iter().map(|l| l.text.as_str()).collect();
        let duties = lines.join("\n").contains("and no other part of their key");
        assert_eq!(duties, custodian, "{person}: {lines:?}");
        assert_eq!(purpose.contains("sign these duties"), custodian);
    }
}

#[test]
fn who_becomes_a_custodian_signs_at_once_or_is_a_task_until_they_do() {
    for given_up in [false, true] {
        let folder = folder();
        let mut scene = later(&folder, 0);
        scene.logon(GroupId::Administrators);
        scene
            .people
            .form("renew.person", &["Dan", "", "Custodians A"]);
        scene.people.at = Box::new(move |prompt, _| {
            (given_up && prompt.code == "form.read").then_some(Answer::Abort)
        });
        let end = scene
            .station
            .change_group(Change::AddMember, &mut scene.people);
        let Ok(ActEnd::Done { good, lines, .. }) = end else {
            panic!("{:?}", scene.people.refusals);
        };
        assert_eq!(good, !given_up, "{lines:?}");
        assert!(scene.people.codes.iter().any(|code| code == "form.read"));
        scene.people.at = Box::new(|_, _| None);
        scene.logon(GroupId::Administrators);
        let tasks = form_tasks(&scene);
        if given_up {
            assert!(lines.join(" ").contains("form is not signed"), "{lines:?}");
            assert_eq!(tasks[0].what, "Dan: the custodian form is missing");
            assert!(tasks[0].days < 0);
            reconfirm(&mut scene, "Dan");
        }
        assert!(form_tasks(&scene).is_empty());
    }
}
