//! A key that somebody who may not may know, and what lies under it (R12, R21).

use conclave_keyroom::ports::dialogue::{Answer, Ask};
use conclave_station::service::ActEnd;

use super::people::{Scene, done};
use super::stage::{folder, scene};
use super::{outcomes, record};

/// What is wrong with a key is chosen and said.
fn incident(scene: &mut Scene, label: &str, wanted: &'static str, reason: &str) -> ActEnd {
    let id = record(scene, label).id;
    scene.people.form("key.incident.say", &[reason]);
    scene.people.at = Box::new(move |prompt, _| match (prompt.code.as_str(), &prompt.ask) {
        ("key.incident", Ask::Choose { options }) => {
            let at = options.iter().position(|one| one.label == wanted);
            at.map(Answer::Chosen)
        }
        _ => None,
    });
    let end = scene.station.key_incident(id, &mut scene.people);
    scene.people.at = Box::new(|_, _| None);
    end.unwrap_or_else(|refusal| panic!("{refusal:?}"))
}

fn tasks(scene: &Scene) -> Vec<String> {
    let all = scene.station.lists().tasks;
    all.iter().map(|task| task.what.clone()).collect()
}

#[test]
fn what_is_under_a_compromised_key_is_a_red_task_until_it_is_replaced() {
    let folder = folder();
    let mut scene = scene(&folder);
    let (zmk, other) = ("BANK-LAKE.ZMK.001", "BANK-HILL.ZMK.001");
    let (under, apart) = ("BANK-LAKE.ZPK.001", "BANK-HILL.ZPK.001");
    for (zmk, key) in [(zmk, under), (other, apart)] {
        done(scene.zmk(zmk, "zmk-aes128", "2"));
        done(scene.working(key, "zpk-aes128", zmk));
    }
    let leaves = |scene: &mut Scene| {
        scene.people.form(
            "letter.parameters",
            &[zmk, "BANK-LAKE", "on the screen only", ""],
        );
        let id = record(scene, under).id;
        scene.station.print_key_letter(id, &mut scene.people)
    };

    // Set aside: nothing leaves under it until both quorums resume it.
    incident(&mut scene, zmk, "Suspend the key", "the bag was found open");
    assert_eq!(scene.key_state(zmk).as_deref(), Some("suspended"));
    assert!(tasks(&scene).contains(&format!("{zmk} is suspended")));
    let end = leaves(&mut scene);
    assert!(!matches!(end, Ok(ActEnd::Done { .. })), "{end:?}");
    incident(
        &mut scene,
        zmk,
        "Resume the key",
        "the bag was opened by its custodian",
    );
    assert_eq!(scene.key_state(zmk).as_deref(), Some("active"));
    done(leaves(&mut scene));

    incident(
        &mut scene,
        zmk,
        "The key is compromised",
        "both sheets were in one hand",
    );
    let found = record(&scene, zmk);
    assert_eq!(found.state.words(), "compromised");
    let why = found.compromise.as_ref().map(|c| c.reason.as_str());
    assert_eq!(why, Some("both sheets were in one hand"));
    let open = tasks(&scene);
    let below = format!("{under} was under {zmk}, which may be known");
    assert!(open.contains(&below), "{open:?}");
    assert!(open.contains(&format!("{zmk} is compromised")), "{open:?}");
    assert!(!open.iter().any(|task| task.contains(apart)), "{open:?}");
    let end = leaves(&mut scene);
    assert!(!matches!(end, Ok(ActEnd::Done { .. })), "{end:?}");

    // It never comes back, and destroyed it still says what it was.
    let id = found.id;
    scene
        .people
        .form("key.destroy", &["its successor is in use everywhere"]);
    done(scene.station.destroy_key(id, &mut scene.people));
    let gone = record(&scene, zmk);
    assert_eq!(
        (gone.state.words(), gone.compromise),
        ("destroyed", found.compromise)
    );
    assert!(tasks(&scene).contains(&below));
    // Of its old packages alone something is said yet.
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let offered = std::sync::Arc::clone(&seen);
    scene.people.at = Box::new(move |prompt, _| match &prompt.ask {
        Ask::Choose { options } if prompt.code == "key.incident" => {
            let labels = options.iter().map(|one| one.label.clone());
            *offered.lock().unwrap() = labels.collect::<Vec<String>>();
            Some(Answer::Abort)
        }
        _ => None,
    });
    let end = scene.station.key_incident(id, &mut scene.people);
    assert!(matches!(end, Ok(ActEnd::Stopped)), "{end:?}");
    scene.people.at = Box::new(|_, _| None);
    assert_eq!(*seen.lock().unwrap(), ["A package is not as recorded"]);
    // What was under it is settled when it is out of use too.
    let key = record(&scene, under);
    scene
        .people
        .form("key.destroy", &["replaced by the new one"]);
    done(scene.station.destroy_key(key.id, &mut scene.people));
    assert!(!tasks(&scene).contains(&below));
    for (action, times) in [
        ("suspend-key", 1),
        ("resume-key", 1),
        ("declare-compromised", 1),
    ] {
        assert_eq!(outcomes(&scene, action), times, "{action}");
    }
}
