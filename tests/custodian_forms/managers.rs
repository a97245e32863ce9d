//! Custodians of one manager (R17): refused at the cast and at the door, and
//! accepted by administrators alone, for a time, on record.

use conclave_evidence::GroupId;
use conclave_keyroom::door::Warrant;
use conclave_keyroom::ports::dialogue::{Answer, Ask, Prompt};
use conclave_station::one_manager::AcceptOneManager;
use conclave_trades::ceremony::action::GenerateKey;
use tempfile::TempDir;

use crate::door::{generate, mandated, rule};
use crate::people::{Scene, Staff, done};
use crate::room::Room;

/// All custodians report to Xia, and somebody wrote the name in another way.
const STAFF: Staff = &[
    ("Ada", "Zoe", "Administrators, Approvers"),
    ("Ben", "Zoe", "Administrators, Approvers"),
    ("Cat", "Zoe", "Administrators, Approvers"),
    ("Dan", "Yan", "Key managers"),
    ("Eva", "Yan", "Key managers"),
    ("Fay", "Yan", "Key managers"),
    ("Gus", "Xia", "Custodians A"),
    ("Hal", "XIA", "Custodians B"),
    ("Ida", "Xia", "Custodians C"),
    ("Jim", "Uwe", "Auditors"),
    ("Kim", "Uwe", "Auditors"),
    ("Lea", "Tom", "Recovery"),
    ("Max", "Tom", "Recovery"),
    ("Ned", "Tom", "Recovery"),
];

const DAY_MS: u64 = 86_400_000;

#[test]
fn the_door_hands_nothing_to_custodians_of_one_manager_unless_it_is_accepted() {
    let mut room = Room::before_founding(crate::room::MemoryStore::default());
    for holder in &mut room.people {
        if ["Gus", "Hana"].contains(&holder.person.name.as_str()) {
            holder.person.reports_to = "Xia".into();
        }
    }
    room.try_found().unwrap();
    mandated::<GenerateKey>(&mut room);
    let act = generate(&room);
    let refused = rule(room.perform(&act, &Warrant::default()));
    assert!(refused.contains("all report to Xia (R17)"), "{refused}");

    let sign = [
        ("Ada", GroupId::Administrators),
        ("Ben", GroupId::Administrators),
    ];
    room.logon_all(&[GroupId::Administrators]);
    let now = room.vault().clock().wall_ms();
    let accept = |manager: &str, reason: &str, days: u64| AcceptOneManager {
        manager: manager.into(),
        reason: reason.into(),
        until_ms: now + days * DAY_MS,
    };
    for bad in [
        accept("Xia", "four of us", 0),
        accept("Xia", "four of us", 366),
        accept("Xia", "", 30),
        accept("", "four of us", 30),
    ] {
        rule(room.perform_with(&bad, &sign));
    }
    // Another manager's is not this one's.
    room.perform_with(&accept("Yan", "four of us", 30), &sign)
        .unwrap();
    let refused = rule(room.perform(&act, &Warrant::default()));
    assert!(refused.contains("all report to Xia"), "{refused}");
    room.perform_with(&accept("xia", "four of us", 30), &sign)
        .unwrap();
    room.clock.pass(30 * DAY_MS);
    room.perform(&act, &Warrant::default()).unwrap();
    room.clock.pass(1);
    let mut again = act.clone();
    again.key = conclave_evidence::Id([5; 16]);
    again.label = "BANK-LAKE.ZMK.002".into();
    let refused = rule(room.perform(&again, &Warrant::default()));
    assert!(
        refused.contains("all report to Xia"),
        "it has lapsed: {refused}"
    );
}

fn choose(prompt: &Prompt, wanted: &str) -> Option<Answer> {
    let Ask::Choose { options } = &prompt.ask else {
        return None;
    };
    options
        .iter()
        .position(|o| o.label == wanted)
        .map(Answer::Chosen)
}

#[test]
fn a_small_organisation_accepts_its_one_manager_and_the_minutes_say_so() {
    let folder = TempDir::new().unwrap();
    let mut scene = Scene::open(folder.path(), STAFF);
    scene.furnish();
    scene.logon_both();
    let end = scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2");
    assert!(!matches!(
        end,
        Ok(conclave_station::service::ActEnd::Done { .. })
    ));
    let refused = scene.people.last_refusal().unwrap();
    assert!(refused.happened.contains("(R17)"), "{refused:?}");
    assert!(
        refused.advice.contains("administrators accept one manager"),
        "{refused:?}"
    );

    scene.logon(GroupId::Administrators);
    scene.people.form("manager.accept", &["Xia", "", "30"]);
    scene
        .people
        .form("manager.accept", &["Xia", "four of us", "30"]);
    scene.people.at = Box::new(|prompt, _| {
        choose(prompt, "Accept one manager").or_else(|| choose(prompt, "Custodians"))
    });
    done(scene.station.change_members(&mut scene.people));
    scene.people.at = Box::new(|_, _| None);
    let end = done(scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2"));
    assert!(end.ends_with("done"), "{end}");
    let ceremony = scene
        .station
        .ceremonies()
        .into_iter()
        .find(|c| c.key.is_some());
    let exceptions = ceremony.unwrap().exceptions;
    assert_eq!(exceptions.len(), 1, "{exceptions:?}");
    assert!(
        exceptions[0]
            .words
            .contains("report to Xia (R17): four of us"),
        "{exceptions:?}"
    );
}
