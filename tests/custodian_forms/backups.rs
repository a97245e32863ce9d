//! A backup for each component: named, opening that one and no other, and
//! taking over.

use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::key::{Component, Holder, KeyRecord};
use conclave_keyroom::door::Warrant;
use conclave_keyroom::ports::dialogue::{Answer, Ask, FieldKind, Prompt};
use conclave_station::renew::Change;
use conclave_trades::ceremony::action::GenerateKey;
use std::sync::{Arc, Mutex, OnceLock};
use tempfile::TempDir;

use crate::door::{generate, mandated, rule};
use crate::people::{At, Scene, Staff, done};
use crate::room::Room;
use crate::sheets;
use crate::stage::copy;

/// Two can hold a component of group A, three one of group B, one of C.
const STAFF: Staff = &[
    ("Ada", "Zoe", "Administrators, Approvers"),
    ("Ben", "Zoe", "Administrators, Approvers"),
    ("Cat", "Zoe", "Administrators, Approvers"),
    ("Dan", "Yan", "Key managers"),
    ("Eva", "Yan", "Key managers"),
    ("Fay", "Yan", "Key managers"),
    ("Gus", "Xia", "Custodians A"),
    ("Pat", "Xia", "Custodians A"),
    ("Hal", "Wim", "Custodians B"),
    ("Quy", "Wim", "Custodians B"),
    ("Rob", "Wim", "Custodians B"),
    ("Ida", "Val", "Custodians C"),
    ("Jim", "Uwe", "Auditors"),
    ("Kim", "Uwe", "Auditors"),
    ("Lea", "Tom", "Recovery"),
    ("Max", "Tom", "Recovery"),
    ("Ned", "Tom", "Recovery"),
];

const LABEL: &str = "BANK-LAKE.ZMK.001";

fn furnished() -> TempDir {
    static BASE: OnceLock<TempDir> = OnceLock::new();
    let base = BASE.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        let mut scene = Scene::open(folder.path(), STAFF);
        scene.people.at = Box::new(|prompt, _| {
            (prompt.code == "init.groups").then(|| {
                let Ask::Form { fields, .. } = &prompt.ask else {
                    panic!("no form");
                };
                let number = |f: &conclave_keyroom::ports::dialogue::Field| match f.label.as_str() {
                    "Custodians A" => "1 of 2".to_owned(),
                    "Custodians B" => "1 of 3".to_owned(),
                    _ => f.value.clone(),
                };
                Answer::Fields(fields.iter().map(number).collect())
            })
        });
        scene.furnish();
        folder
    });
    let folder = TempDir::new().unwrap();
    copy(base.path(), folder.path());
    folder
}

fn scene(folder: &TempDir) -> Scene {
    let mut scene = Scene::open(folder.path(), STAFF);
    scene.logon_both();
    scene
}

fn key(scene: &Scene) -> KeyRecord {
    sheets::key(scene, LABEL)
}

fn backup(component: &Component) -> Option<&str> {
    component.backup.as_ref().map(|b| b.name.as_str())
}

fn tasks(scene: &Scene, word: &str) -> Vec<String> {
    let tasks = scene.station.lists().tasks.into_iter();
    let found = tasks.filter(|t| t.what.contains(word));
    found
        .map(|t| format!("{} {}: {}", t.days, t.what, t.detail.join(" ")))
        .collect()
}

#[test]
fn each_component_gets_a_backup_of_its_group_and_the_papers_say_who() {
    let folder = furnished();
    let mut scene = scene(&folder);
    let asked: Arc<Mutex<Vec<Prompt>>> = Arc::default();
    let seen = Arc::clone(&asked);
    scene.people.at = Box::new(move |prompt, _| {
        if prompt.code == "ceremony.backups" || prompt.code == "sign.card" {
            seen.lock().unwrap().push(prompt.clone());
        }
        None
    });
    // Not nobody where somebody is free; then somebody else than proposed.
    scene
        .people
        .form("ceremony.backups", &["Pat", "nobody", "nobody"]);
    scene
        .people
        .form("ceremony.backups", &["Pat", "Rob", "nobody"]);
    done(scene.zmk(LABEL, "zmk-tdes2", "3"));
    let told = scene.people.refusals.join("\n");
    assert!(
        told.contains("Component 2 has no backup, and Quy is free (R16)"),
        "{told}"
    );
    let key = key(&scene);
    let named: Vec<Option<&str>> = key.components.iter().map(backup).collect();
    assert_eq!(named, [Some("Pat"), Some("Rob"), None]);
    assert!(key.components.iter().all(|c| c.former.is_empty()));

    let asked = asked.lock().unwrap();
    let Ask::Form { fields, .. } = &asked[0].ask else {
        panic!("no form");
    };
    let offered: Vec<Vec<String>> = fields
        .iter()
        .map(|field| match &field.kind {
            FieldKind::One(names) => names.clone(),
            _ => panic!("no list"),
        })
        .collect();
    assert_eq!(offered[0], ["Pat", "nobody"]);
    assert_eq!(offered[1], ["Quy", "Rob", "nobody"]);
    assert_eq!(offered[2], ["nobody"]);
    let values: Vec<&str> = fields.iter().map(|f| f.value.as_str()).collect();
    assert_eq!(values, ["Pat", "Quy", "nobody"]);
    // Both quorums signed it, and the minutes have it.
    let signed = asked.iter().flat_map(|p| &p.lines).map(|l| l.text.as_str());
    let signed: Vec<&str> = signed.filter(|l| l.contains("backups:")).collect();
    assert!(!signed.is_empty(), "nobody signed the backups");
    assert!(
        signed.iter().all(|l| l.contains("1 Pat, 2 Rob, 3 none")),
        "{signed:?}"
    );
    let detail = scene.station.key_detail(LABEL, key.id).join("\n");
    assert!(
        detail.contains("backup Pat") && detail.contains("no backup"),
        "{detail}"
    );
    let alone = tasks(&scene, "no backup");
    assert_eq!(alone.len(), 1, "{alone:?}");
    assert!(alone[0].contains("no backup for component 3"), "{alone:?}");
}

/// Everybody types their sheet, and the serials on record; the custodian of
/// component 1 is this one.
fn custodians(scene: &Scene, typed: &[Vec<u8>], first: &'static str) -> At {
    let mut usual = sheets::custodians(&key(scene).components, typed);
    Box::new(move |prompt, times| {
        let (Ask::Form { fields, .. }, "ceremony.cast") = (&prompt.ask, prompt.code.as_str())
        else {
            return usual(prompt, times);
        };
        let values = fields.iter().map(|field| match &field.kind {
            FieldKind::One(names) if names.iter().any(|n| n == first) => first.to_owned(),
            _ => field.value.clone(),
        });
        Some(Answer::Fields(values.collect()))
    })
}

fn exercise(scene: &mut Scene, typed: &[Vec<u8>], first: &'static str) -> String {
    scene.people.at = custodians(scene, typed, first);
    let title = done(scene.ceremony("custody-exercise.toml", &[LABEL]));
    scene.people.at = Box::new(|_, _| None);
    title
}

#[test]
fn a_backup_comes_once_and_takes_over_when_the_custodian_has_left() {
    let folder = furnished();
    let mut scene = scene(&folder);
    done(scene.zmk(LABEL, "zmk-tdes2", "2"));
    let printed = sheets::printed(&scene);
    assert!(tasks(&scene, "no backup").is_empty());

    // Gus cannot come today: Pat opens and seals it, and Gus stays.
    let title = exercise(&mut scene, &printed, "Pat");
    assert!(
        title.ends_with("done"),
        "{title}: {:?}",
        scene.people.refusals
    );
    let after = key(&scene);
    let first = &after.components[0];
    assert_eq!(
        (first.custodian_name.as_str(), backup(first)),
        ("Gus", Some("Pat"))
    );
    assert!(first.proven_ms.is_some() && first.opened.is_none());
    assert!(first.former.is_empty());

    // Gus leaves.
    scene.logon(GroupId::Administrators);
    scene.people.at = Box::new(|prompt, _| match &prompt.ask {
        Ask::Choose { options } => {
            let at = options.iter().position(|o| o.label == "Gus");
            at.map(Answer::Chosen)
        }
        _ => None,
    });
    let end = scene
        .station
        .change_group(Change::Leaver, &mut scene.people);
    let end = format!("{end:?}");
    assert!(
        end.contains("Pat takes over in a custody exercise"),
        "{end}"
    );
    scene.people.at = Box::new(|_, _| None);
    scene.logon_both();
    let left = tasks(&scene, "cannot come");
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(
        left[0].starts_with("-1 ") && left[0].contains("Pat takes over"),
        "{left:?}"
    );

    let title = exercise(&mut scene, &printed, "Pat");
    assert!(
        title.ends_with("done"),
        "{title}: {:?}",
        scene.people.refusals
    );
    let after = key(&scene);
    let first = &after.components[0];
    assert_eq!(
        (first.custodian_name.as_str(), backup(first)),
        ("Pat", None)
    );
    let former: Vec<&str> = first.former.iter().map(|h| h.name.as_str()).collect();
    assert_eq!(former, ["Gus"], "custody is permanent");
    assert!(tasks(&scene, "cannot come").is_empty());
    assert_eq!(tasks(&scene, "no backup for component 1").len(), 1);
    let gus = first.former[0].person;
    assert!(after.held_other_part(gus, 2) && !after.held_other_part(gus, 1));
}

#[test]
fn the_door_takes_no_backup_of_another_group_or_of_two_components() {
    let mut room = Room::in_memory();
    mandated::<GenerateKey>(&mut room);
    let holder = |room: &Room, name: &str| {
        Some(Holder {
            person: room.holder(name).person.id,
            name: name.into(),
        })
    };
    for (name, why) in [
        ("Ivo", "no member"),
        ("Ada", "no member"),
        ("Hana", "no member"),
    ] {
        let mut act = generate(&room);
        act.parts[0].backup = holder(&room, name);
        let refused = rule(room.perform(&act, &Warrant::default()));
        assert!(refused.contains(why), "{name}: {refused}");
    }
    // The custodian as the own backup is no backup.
    let mut act = generate(&room);
    act.parts[0].backup = holder(&room, "Gus");
    let refused = rule(room.perform(&act, &Warrant::default()));
    assert!(
        refused.contains("two components of one key (R4)"),
        "{refused}"
    );
    act.parts[0].backup = None;
    room.perform(&act, &Warrant::default()).unwrap();
}

#[test]
fn a_record_from_before_backups_is_read() {
    #[derive(serde::Serialize)]
    struct Old {
        index: u8,
        of: u8,
        kcv: conclave_keyroom::domain::key::CheckValue,
        custodian: Id,
        custodian_name: String,
        group: GroupId,
        state: conclave_keyroom::domain::key::ComponentState,
        envelope: Option<String>,
        witness: Option<String>,
        printed_ms: Option<u64>,
        sealed_ms: Option<u64>,
    }
    let old = Old {
        index: 1,
        of: 2,
        kcv: conclave_keyroom::domain::key::CheckValue {
            value: "08D7B4".into(),
            method: "ENC-ZERO".into(),
        },
        custodian: Id([1; 16]),
        custodian_name: "Gus".into(),
        group: GroupId::CustodiansA,
        state: conclave_keyroom::domain::key::ComponentState::Sealed,
        envelope: None,
        witness: None,
        printed_ms: None,
        sealed_ms: None,
    };
    let bytes = conclave_evidence::cbor::to_vec(&old).unwrap();
    let read: Component = conclave_evidence::cbor::from_slice(&bytes).unwrap();
    assert_eq!((read.custodian_name.as_str(), read.backup), ("Gus", None));
}
