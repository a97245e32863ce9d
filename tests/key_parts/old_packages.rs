//! Old packages that are not as they were recorded: set aside, in quarantine, and
//! destroyed as they were found, while the others go on.

use conclave_evidence::journal::EntryKind;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::domain::part_set::PartSet;
use conclave_keyroom::ports::dialogue::{Answer, Ask, FieldKind};
use conclave_station::service::ActEnd;
use tempfile::TempDir;

use crate::minutes_text;
use crate::people::{At, Scene, done};
use crate::reissue::{
    DESTROY, EXERCISE, LABEL, REISSUE, key, nothing, offered, play, reopened, serials, tasks,
    with_sheets,
};
use crate::sheets::{self, custodians};

/// Says something of the key, and gives the packages that stood to choose.
fn say(scene: &mut Scene, wanted: &'static str, values: &[&str]) -> Vec<String> {
    let id = key(scene).id;
    scene.people.forms.remove("key.incident.say");
    scene.people.form("key.incident.say", values);
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let out = std::sync::Arc::clone(&seen);
    scene.people.at = Box::new(move |prompt, _| match (prompt.code.as_str(), &prompt.ask) {
        ("key.incident", Ask::Choose { options }) => {
            let at = options.iter().position(|one| one.label == wanted);
            at.map(Answer::Chosen)
        }
        ("key.incident.say", Ask::Form { fields, .. }) => {
            if let FieldKind::One(all) = &fields[0].kind {
                out.lock().unwrap().clone_from(all);
            }
            None
        }
        _ => None,
    });
    done(scene.station.key_incident(id, &mut scene.people));
    scene.people.at = nothing();
    seen.lock().unwrap().clone()
}

fn former(record: &KeyRecord) -> &PartSet {
    record
        .others
        .iter()
        .find(|set| !set.parts.is_empty())
        .unwrap()
}

fn destroyed(scene: &Scene) -> Vec<(u8, String)> {
    let record = key(scene);
    let gone = &former(&record).destroyed;
    gone.iter().map(|d| (d.index, d.serial.clone())).collect()
}

fn reissued(scene: &mut Scene) {
    let (title, told) = play(scene, REISSUE, &[LABEL, "3"], nothing());
    assert!(
        title.ends_with("done") && told.is_empty(),
        "{title}: {told}"
    );
}

/// A key with its sheets, and the numbers of the bags that they lie in.
fn with_bags() -> (TempDir, Scene, Vec<String>) {
    let (folder, scene, _) = with_sheets();
    let parts = key(&scene).components;
    let bags = parts.into_iter().map(|c| c.envelope.unwrap()).collect();
    (folder, scene, bags)
}

#[test]
fn a_package_that_is_another_is_set_aside_and_the_others_are_destroyed() {
    let (folder, mut scene, old) = with_bags();
    reissued(&mut scene);
    let name = offered(&mut scene);
    // First the bag of the third is read in the turn of the second.
    let third = old[2].clone();
    let found = [&old[0], "CE9999999", &old[2]].map(|s: &str| Some(s.to_owned()));
    let mut usual = serials(found.to_vec());
    let mut swapped = 2;
    let at: At = Box::new(move |prompt, times| {
        let second = prompt.title.starts_with("Old sheet 2 of 3");
        let typed = prompt.code.starts_with("destroy.serial");
        if second && typed && swapped > 0 && matches!(prompt.ask, Ask::Text { .. }) {
            swapped -= 1;
            return Some(Answer::Word(third.clone()));
        }
        usual(prompt, times)
    });
    scene.people.at = at;
    scene.people.refusals.clear();
    scene.people.forget_questions();
    let end = scene.ceremony(DESTROY, &[&name]);
    scene.people.at = nothing();
    let Ok(ActEnd::Done { title, lines, .. }) = end else {
        panic!("{end:?}");
    };
    let told = scene.people.refusals.join("\n");
    assert!(title.ends_with("done"), "{title}: {told}");
    assert!(told.contains("another package of the list"), "{told}");
    let told = lines.join("\n");
    assert_eq!(
        destroyed(&scene),
        [(1, old[0].clone()), (3, old[2].clone())]
    );
    let record = key(&scene);
    let aside = former(&record).left();
    assert_eq!(aside.len(), 1);
    let quarantine = aside[0].quarantine.as_ref().unwrap();
    assert!(quarantine.found.contains("CE9999999"), "{quarantine:?}");
    let red = "quarantine, the package of old component 2";
    assert!(tasks(&scene).contains(red), "{}", tasks(&scene));
    let entries = scene.station.door().vault().entries(0).unwrap();
    let acts = entries.iter().filter_map(|e| e.open_header().ok());
    let acts = acts.filter(|h| h.action == "quarantine-package" && h.kind == EntryKind::Outcome);
    assert_eq!(acts.count(), 1);
    for words in [
        "sheets destroyed, unopened where they were sealed: 2",
        "set aside unopened, in quarantine, not destroyed: 1",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let minutes = scene.station.ceremonies();
    let told: Vec<&str> = minutes
        .iter()
        .flat_map(|c| &c.exceptions)
        .map(|e| e.words.as_str())
        .collect();
    assert!(
        told.iter()
            .any(|w| w.starts_with("package CE9999999 in place of the recorded one")),
        "{told:?}"
    );

    // It is destroyed as it was found, once that is decided.
    let name = offered(&mut scene);
    assert!(name.ends_with("part 2, in quarantine"), "{name}");
    let at = serials(vec![Some("CE9999999".into())]);
    let (title, told) = play(&mut scene, DESTROY, &[&name], at);
    assert!(
        title.ends_with("done") && told.is_empty(),
        "{title}: {told}"
    );
    assert_eq!(destroyed(&scene)[2], (2, "CE9999999".to_owned()));
    let minutes = minutes_text::newest(folder.path());
    assert!(minutes.contains(", component 2"), "{minutes}");
    assert!(!minutes.contains(", component 1"), "{minutes}");
    assert!(!tasks(&scene).contains("quarantine") && !tasks(&scene).contains("old sheet"));
    let detail = scene.station.key_detail(LABEL, record.id).join("\n");
    let recorded = format!("recorded as {}, in quarantine since", old[1]);
    assert!(detail.contains(&recorded), "{detail}");
}

#[test]
fn an_old_package_in_quarantine_bars_nobody_and_stays_red_until_it_is_lifted() {
    let (_folder, mut scene, old) = with_bags();
    // Before the set is former, and after it.
    let first = format!("component 1, {}", old[0]);
    let what = "A package is not as recorded";
    say(&mut scene, what, &[&first, "the seal is torn"]);
    reissued(&mut scene);
    let red = |n: u8| format!("quarantine, the package of old component {n}");
    assert!(tasks(&scene).contains(&red(1)), "{}", tasks(&scene));
    let second = format!("old component 2, {}", old[1]);
    let named = say(&mut scene, what, &[&second, "it is not in the safe"]);
    assert!(named.contains(&second), "{named:?}");
    assert!(tasks(&scene).contains(&red(2)), "{}", tasks(&scene));
    assert!(key(&scene).has_quarantine());

    let name = offered(&mut scene);
    assert!(!name.contains("in quarantine"), "{name}");
    let third = || serials(vec![Some(old[2].clone())]);
    let (title, told) = play(&mut scene, DESTROY, &[&name], third());
    assert!(
        title.ends_with("done") && told.is_empty(),
        "{title}: {told}"
    );
    assert_eq!(destroyed(&scene), [(3, old[2].clone())]);
    assert!(tasks(&scene).contains(&red(1)) && tasks(&scene).contains(&red(2)));

    let lifted = "A package leaves quarantine";
    let named = say(&mut scene, lifted, &[&second, "it lay in the other safe"]);
    assert_eq!(named.len(), 2, "{named:?}");
    assert!(tasks(&scene).contains(&red(1)) && !tasks(&scene).contains(&red(2)));
    // As recorded again, and compared again.
    let name = offered(&mut scene);
    assert!(!name.contains("in quarantine"), "{name}");
    let at = serials(vec![Some(old[1].clone())]);
    let (title, told) = play(&mut scene, DESTROY, &[&name], at);
    assert!(
        title.ends_with("done") && told.is_empty(),
        "{title}: {told}"
    );
    assert_eq!(destroyed(&scene).len(), 2);
}

/// A sheet that an exercise left open lies in no recorded package: whatever it lies in
/// when it is destroyed is recorded then.
#[test]
fn a_sheet_that_an_exercise_left_open_is_destroyed_in_what_it_lies_in() {
    let (folder, mut scene, old) = with_sheets();
    let mut usual = custodians(&key(&scene).components, &old);
    let at: At = Box::new(move |prompt, times| match prompt.code.as_str() {
        "seal.serial.first" => Some(Answer::Abort),
        _ => usual(prompt, times),
    });
    let (title, told) = play(&mut scene, EXERCISE, &[LABEL], at);
    assert!(title.ends_with("ended early"), "{title}: {told}");
    assert!(key(&scene).components[0].opened.is_some());
    reissued(&mut scene);
    drop(scene);
    let mut scene = reopened(&folder, 7000);
    let record = key(&scene);
    let mut found: Vec<Option<String>> = former(&record)
        .parts
        .iter()
        .map(|c| c.envelope.clone())
        .collect();
    found[0] = Some("BAG-0001".into());
    let name = offered(&mut scene);
    let (title, told) = play(&mut scene, DESTROY, &[&name], serials(found));
    assert!(
        title.ends_with("done") && told.is_empty(),
        "{title}: {told}"
    );
    assert_eq!(destroyed(&scene)[0], (1, "BAG-0001".to_owned()));
}

/// New sheets of a suspended key, and the proof of those that are there, are custody
/// and no use of it.
#[test]
fn a_suspended_key_gets_new_sheets_and_stays_suspended() {
    let (_folder, mut scene, _) = with_sheets();
    say(&mut scene, "Suspend the key", &["a bag was open"]);
    assert_eq!(key(&scene).state.words(), "suspended");
    reissued(&mut scene);
    let record = key(&scene);
    assert_eq!(record.state.words(), "suspended");
    assert_eq!(former(&record).left().len(), 3);
    let new = sheets::printed(&scene);
    let at = custodians(&record.components, &new);
    let (title, told) = play(&mut scene, EXERCISE, &[LABEL], at);
    assert!(
        title.ends_with("done") && told.is_empty(),
        "{title}: {told}"
    );
    assert!(key(&scene).components.iter().all(|c| c.proven_ms.is_some()));
    let working = scene.working("BANK-LAKE.ZPK.001", "zpk-tdes2", LABEL);
    assert!(working.is_err(), "it wraps nothing: {working:?}");
}
