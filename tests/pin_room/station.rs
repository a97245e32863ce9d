//! The pair at the logon of a station, a key that goes to it, and a backup with
//! the PIN room in it.

use std::path::Path;
use std::sync::{Arc, Mutex};

use conclave_evidence::GroupId;
use conclave_keyroom::ports::dialogue::{Answer, Ask, MemberState, Prompt};
use conclave_keyroom::vault::Compartment;
use conclave_station::logon::LogonEnd;
use conclave_station::renew::Change;
use conclave_station::service::ActEnd;
use tempfile::TempDir;

use crate::people::{Scene, done};
use crate::stage::{PIN_STAFF as STAFF, furnish_with_pin_room};

const DAN: usize = 3;
const OLGA: usize = 14;
const PAVEL: usize = 15;
const PVK: &str = "BANK-LAKE.PVK.001";
const ZMK: &str = "BANK-LAKE.ZMK.001";

fn founded(folder: &Path) -> Scene {
    let mut scene = Scene::open(folder, STAFF);
    furnish_with_pin_room(&mut scene);
    scene
}

fn pair(scene: &mut Scene) {
    scene.logon(GroupId::PinOperators);
    let open = scene.station.door().vault().open_compartments_list();
    assert!(open.contains(&Compartment::Pins), "{open:?}");
    let groups = scene.station.door().vault().open_groups();
    assert_eq!(groups, GroupId::PIN_ROOM);
}

fn out(scene: &mut Scene) {
    scene.station.logout("logged out").unwrap();
}

fn key(scene: &Scene, label: &str) -> conclave_evidence::Id {
    let keys = scene.station.keys();
    keys.iter().find(|key| key.label == label).unwrap().id
}

/// How many of the quorum are proven.
fn proven(prompt: &Prompt) -> usize {
    prompt.quorum.as_ref().map_or(0, |quorum| {
        let members = quorum.members.iter();
        members.filter(|m| m.state == MemberState::Proven).count()
    })
}

/// When so many are proven, this card comes once instead of the next one.
fn card_comes(scene: &mut Scene, after: usize, number: usize) {
    let readers = scene.room.readers.clone();
    let card = scene.room.cards.lock().unwrap()[number].clone();
    let mut came = false;
    scene.people.at = Box::new(move |prompt: &Prompt, _| {
        let wanted = prompt.code == "logon.card" && matches!(prompt.ask, Ask::Card { .. });
        if !wanted || came || proven(prompt) != after {
            return None;
        }
        came = true;
        readers.pull(0);
        readers.insert(&card, 0).unwrap();
        // No answer to this question: the card is looked at.
        Some(Answer::Confirmed)
    });
}

#[test]
fn the_pair_logs_on_as_one_entry_and_no_card_opens_anything_alone() {
    let folder = TempDir::new().unwrap();
    let mut scene = founded(folder.path());
    // Either name of the pair is the one entry.
    pair(&mut scene);
    out(&mut scene);
    scene.logon(GroupId::PinSupervisors);
    assert_eq!(
        scene.station.door().vault().open_groups(),
        GroupId::PIN_ROOM
    );
    let status = scene.station.status(0);
    let names: Vec<&str> = status
        .session
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["PIN operators", "PIN supervisors"]);
    out(&mut scene);

    // An operator is proven, and the supervisor does not come.
    let shown = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&shown);
    scene.people.at = Box::new(move |prompt: &Prompt, _| {
        let wanted = prompt.code == "logon.card" && matches!(prompt.ask, Ask::Card { .. });
        if !wanted {
            return None;
        }
        seen.lock().unwrap().push(prompt.clone());
        (proven(prompt) > 0).then_some(Answer::Abort)
    });
    let end = scene
        .station
        .logon(Some(GroupId::PinOperators), &mut scene.people);
    assert_eq!(end, LogonEnd::Aborted);
    assert!(!scene.station.is_open());
    assert!(
        scene
            .station
            .door()
            .vault()
            .open_compartments_list()
            .is_empty()
    );
    let mut other_half = Vec::new();
    for prompt in shown.lock().unwrap().iter() {
        assert_eq!(prompt.title, "PIN operators and supervisors");
        let quorum = prompt.quorum.as_ref().unwrap();
        assert_eq!((quorum.m, quorum.n), (2, 4));
        if let (Ask::Card { wanted, .. }, 1) = (&prompt.ask, proven(prompt)) {
            other_half.clone_from(wanted);
        }
    }
    assert_eq!(other_half, ["Quinn", "Rosa"], "only those are wanted");

    // Another operator in the supervisor's place, and a key manager in both.
    for (after, number, why) in [
        (
            1,
            PAVEL,
            "PIN operators are complete; Pavel is one of them.",
        ),
        (
            0,
            DAN,
            "Dan is no member of the group PIN operators and supervisors.",
        ),
        (
            1,
            DAN,
            "Dan is no member of the group PIN operators and supervisors.",
        ),
    ] {
        scene.people.refusals.clear();
        // Nobody's card is left from the session before.
        scene.room.readers.pull(0);
        let olga = scene.room.cards.lock().unwrap()[OLGA].clone();
        scene.people.give("Olga", olga);
        card_comes(&mut scene, after, number);
        scene.logon(GroupId::PinOperators);
        let refusals = scene.people.refusals.join("\n");
        assert!(refusals.contains(why), "{number} after {after}: {refusals}");
        out(&mut scene);
    }
    // Key managers who come by themselves are key managers.
    scene.people.at = Box::new(|_, _| None);
    scene.logon(GroupId::KeyManagers);
    let open = scene.station.door().vault().open_compartments_list();
    assert!(!open.contains(&Compartment::Pins));
}

#[test]
fn a_key_goes_to_the_pin_room_and_all_of_it_comes_back_from_a_backup() {
    let folder = TempDir::new().unwrap();
    let mut scene = founded(folder.path());
    scene.logon_both();
    done(scene.zmk(ZMK, "zmk-tdes3", "3"));
    done(scene.working(PVK, "pvk-tdes2", ZMK));
    // What the PIN room does nothing with is refused before anybody signs.
    let zmk = key(&scene, ZMK);
    let refused = scene.station.pin_room_key(zmk, &mut scene.people).err();
    assert!(refused.unwrap().happened.contains("does nothing with"));
    let pvk = key(&scene, PVK);
    let title = done(scene.station.pin_room_key(pvk, &mut scene.people));
    assert_eq!(title, format!("{PVK} is with the PIN room"));
    let detail = scene.station.key_detail(PVK, pvk);
    assert!(
        detail
            .iter()
            .any(|line| line.starts_with("PIN room: released until")),
        "{detail:?}"
    );
    let signed = scene.station.pin_keys()[0].released_by.clone();
    assert_eq!(signed.len(), 4, "{signed:?}");
    out(&mut scene);
    pair(&mut scene);
    assert_eq!(
        scene.station.pin_keys().len(),
        1,
        "the pair sees what it has"
    );
    out(&mut scene);

    scene.logon(GroupId::Administrators);
    done(scene.station.make_backup(&mut scene.people));
    out(&mut scene);
    drop(scene);
    let other = TempDir::new().unwrap();
    for shared in ["cards", "stick"] {
        std::os::unix::fs::symlink(folder.path().join(shared), other.path().join(shared)).unwrap();
    }
    let mut new = Scene::open(other.path(), STAFF);
    match new.station.restore_backup(&mut new.people) {
        Ok(ActEnd::Done { title, .. }) => assert_eq!(title, "The station is restored"),
        Ok(ActEnd::Stopped) => panic!("given up: {:?}", new.people.refusals),
        Err(refusal) => panic!("{refusal:?}"),
    }
    if new.station.is_open() {
        out(&mut new);
    }
    pair(&mut new);
    let released = &new.station.pin_keys()[0];
    assert_eq!(released.released.label, PVK);

    // What a restore brings back is void: it is released anew, not taken back.
    let detail = new.station.key_detail(PVK, pvk).join("\n");
    assert!(detail.contains("from before the restore, void"), "{detail}");
    out(&mut new);
    new.logon_both();
    let title = done(new.station.pin_room_key(pvk, &mut new.people));
    assert_eq!(title, format!("{PVK} is with the PIN room"));

    // Taken back, it is listed as such.
    let title = {
        new.people
            .form("pin-key.withdraw", &["the batch is printed"]);
        done(new.station.pin_room_key(pvk, &mut new.people))
    };
    assert_eq!(title, format!("{PVK} is with the PIN room no more"));
    assert!(new.station.pin_keys()[0].sealed.is_none());
}

#[test]
fn administrators_add_a_pin_room_with_four_new_cards() {
    let folder = TempDir::new().unwrap();
    let mut scene = Scene::open(folder.path(), STAFF);
    // Founded by the fourteen, as before there was a PIN room.
    scene.people.form("init.name", &["KEYROOM-TEST", "TEST"]);
    for (name, manager, groups) in &STAFF[..14] {
        scene.people.form("init.person", &[name, manager, groups]);
    }
    scene.people.form("init.person", &[]);
    let end = scene.station.initialise(&mut scene.people);
    assert!(
        matches!(end, conclave_station::initialise::InitialiseEnd::Done(_)),
        "{:?}",
        scene.people.refusals
    );
    let before = scene.station.door().vault().authority().unwrap().clone();
    scene.logon(GroupId::Administrators);
    scene.people.form(
        "renew.pin-room",
        &["Olga", "Pavel", "Quinn", "Quinn", "Sid", "Roy"],
    );
    scene.people.form(
        "renew.pin-room",
        &["Olga", "Dan", "Quinn", "Rosa", "Sid", "Roy"],
    );
    scene.people.form(
        "renew.pin-room",
        &["Olga", "Pavel", "Quinn", "Rosa", "Sid", "Roy"],
    );
    let end = scene
        .station
        .change_group(Change::PinRoom, &mut scene.people);
    let refusals = scene.people.refusals.join("\n");
    assert!(
        matches!(end, Ok(ActEnd::Done { good: true, .. })),
        "{end:?}\n{refusals}"
    );
    assert!(refusals.contains("Quinn stands twice"), "{refusals}");
    assert!(refusals.contains("do not go together"), "{refusals}");
    let after = scene.station.door().vault().authority().unwrap().clone();
    assert_eq!(after.cards.len(), before.cards.len() + 4);
    pair(&mut scene);
    assert!(scene.station.pin_room_words().is_some());
    out(&mut scene);
    // The old groups open with the shares they had.
    for group in [GroupId::KeyManagers, GroupId::Auditors, GroupId::Recovery] {
        scene.logon(group);
        out(&mut scene);
    }
    scene.logon(GroupId::Administrators);
    let again = scene
        .station
        .change_group(Change::PinRoom, &mut scene.people);
    assert!(again.err().unwrap().happened.contains("has a PIN room"));
}
