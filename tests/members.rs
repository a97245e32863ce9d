//! The life of people and cards, played by the people themselves: a card that
//! is replaced, a leaver, a new member, another quorum, a renewed secret.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "support/filed_minutes.rs"]
mod filed_minutes;
#[path = "support/people.rs"]
mod people;
#[path = "support/stage.rs"]
mod stage;

use std::sync::{Arc, Mutex};

use conclave::tui::{App, Input, Theme, view};
use conclave_crypto::x509;
use conclave_evidence::authority::{AuthorityRecord, CardState};
use conclave_evidence::verify::verify_paths;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::piv::{PivCard, Slot};
use conclave_keyroom::ports::card::CardReaders;
use conclave_keyroom::ports::clock::Clock;
use conclave_keyroom::ports::dialogue::{Answer, Ask, Prompt, Refusal};
use conclave_station::front::{Event, Phase, Status};
use conclave_station::host::clock::SystemClock;
use conclave_station::logon::LogonEnd;
use conclave_station::renew::Change;
use conclave_station::service::ActEnd;
use conclave_training::card::{CardLabel, TrainingCard, TrainingReaders};
use people::{Scene, done};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use stage::{STAFF, folder};
use tempfile::TempDir;

const ALL: &[GroupId] = &[
    GroupId::Administrators,
    GroupId::KeyManagers,
    GroupId::Approvers,
];

fn closed(folder: &TempDir) -> Scene {
    Scene::open(folder.path(), STAFF)
}

fn open(folder: &TempDir, groups: &[GroupId]) -> Scene {
    let mut scene = closed(folder);
    for group in groups {
        scene.logon(*group);
    }
    scene
}

fn record(scene: &Scene) -> AuthorityRecord {
    scene.station.door().vault().authority().unwrap().clone()
}

fn members(scene: &Scene, group: GroupId) -> Vec<String> {
    let record = record(scene);
    let entry = record.group(group).unwrap().clone();
    let name = |id: Id| record.card(id).unwrap().person_name.clone();
    entry.members.iter().map(|m| name(m.card)).collect()
}

fn epoch(scene: &Scene, group: GroupId) -> u32 {
    record(scene).group(group).unwrap().epoch
}

/// A card as delivered, kept in this folder.
fn blank(folder: &TempDir, at: u16) -> TrainingCard {
    let label = CardLabel {
        number: at,
        name: String::new(),
    };
    let path = folder.path().join(format!("spare-card-{at}"));
    let random = conclave_station::compose::random_source().unwrap();
    TrainingCard::create(&path, label, random).unwrap()
}

/// At the list of cards this person is chosen; at the list of groups this one.
fn choose(prompt: &Prompt, wanted: &str) -> Option<Answer> {
    match &prompt.ask {
        Ask::Choose { options } => options
            .iter()
            .position(|o| o.label == wanted)
            .map(Answer::Chosen),
        _ => None,
    }
}

fn change(scene: &mut Scene, change: Change) -> Result<ActEnd, Refusal> {
    scene.station.change_group(change, &mut scene.people)
}

/// What the act says at its end, line by line.
fn told(end: Result<ActEnd, Refusal>) -> String {
    match end {
        Ok(ActEnd::Done { good, title, lines }) => {
            assert!(good, "{title}: {lines:?}");
            format!("{title}\n{}", lines.join("\n"))
        }
        Ok(ActEnd::Stopped) => panic!("given up"),
        Err(refusal) => panic!("{refusal:?}"),
    }
}

fn logs_on(scene: &mut Scene, group: GroupId) {
    let end = scene.station.logon(Some(group), &mut scene.people);
    assert_eq!(end, LogonEnd::Done(group), "{:?}", scene.people.refusals);
    scene.station.logout("logged out").unwrap();
}

/// From now on this person's hand holds this card: when the new card is asked
/// for, and wherever the person is wanted afterwards.
fn with_new_card(scene: &mut Scene, name: &'static str, card: &TrainingCard) {
    scene.people.give(name, card.clone());
}

#[test]
fn a_lost_card_is_replaced_and_the_old_one_is_refused_by_name() {
    let folder = folder();
    let mut scene = open(&folder, &[GroupId::KeyManagers, GroupId::Approvers]);
    done(scene.zmk("BANK-LAKE.ZMK.001", "zmk-aes128", "2"));
    scene.station.logout("logged out").unwrap();
    scene.people.at = Box::new(|prompt, _| choose(prompt, "Dan"));
    done(scene.station.suspend_card(&mut scene.people));
    scene.people.at = Box::new(|_, _| None);

    for group in [
        GroupId::Administrators,
        GroupId::Approvers,
        GroupId::KeyManagers,
    ] {
        scene.logon(group);
    }
    let old = scene.room.cards.lock().unwrap()[3].clone();
    let old_id = record(&scene)
        .cards
        .iter()
        .find(|c| c.person_name == "Dan")
        .unwrap()
        .card;
    let new = blank(&folder, 90);
    with_new_card(&mut scene, "Dan", &new);
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let words = Arc::clone(&seen);
    scene.people.at = Box::new(move |prompt, _| {
        let lines = prompt.lines.iter().map(|l| l.text.clone());
        words.lock().unwrap().extend(lines);
        choose(prompt, "Dan")
    });
    let end = told(change(&mut scene, Change::ReplaceCard));
    assert!(end.contains("is revoked for ever"), "{end}");
    assert!(end.contains("old backup"), "{end}");
    let seen = seen.lock().unwrap().join("\n");
    assert!(
        seen.contains("old share dies only with the renewal"),
        "{seen}"
    );
    assert!(!scene.station.is_open(), "everybody logs on anew");
    // Minutes were filed before that, by the station's own key.
    let minutes = filed_minutes::only(folder.path(), "members", scene.station.door().vault());
    assert!(minutes.title.contains("Dan"), "{}", minutes.title);
    for words in [
        "Received a new share: Dan",
        "Administrators: ",
        "is revoked for ever",
        "Result: Done. The administrators' signatures",
    ] {
        assert!(
            minutes.script.contains(words),
            "{words}: {}",
            minutes.script
        );
    }

    let now = record(&scene);
    assert_eq!(now.card(old_id).unwrap().state, CardState::Revoked);
    assert_eq!(members(&scene, GroupId::KeyManagers).len(), 3);
    assert_eq!(epoch(&scene, GroupId::KeyManagers), 2);
    let vault = scene.station.door().vault();
    let dans = now.cards.iter().rfind(|c| c.person_name == "Dan").unwrap();
    assert!(dans.card != old_id && dans.state == CardState::Active);
    assert!(
        vault.has_anchor(dans.card).unwrap(),
        "the new card is finished"
    );

    // The old card, put in at a logon, is refused by its holder's name.
    let hand = scene.people.hand();
    hand.pull(0);
    scene.people.at = Box::new(move |prompt, times| {
        if matches!(prompt.ask, Ask::Card { .. }) && times == 1 {
            hand.insert(&old, 0).unwrap();
            return Some(Answer::Confirmed);
        }
        None
    });
    scene.people.codes.clear();
    scene.people.refusals.clear();
    scene.people.forget_questions();
    scene.logon(GroupId::KeyManagers);
    let refused = scene.people.refusals.join("\n");
    assert!(refused.contains("Dan's card is revoked"), "{refused}");
    scene.people.at = Box::new(|_, _| None);
    // Keys that were made before are still of use.
    scene.logon(GroupId::Approvers);
    done(scene.working("BANK-LAKE.ZPK.001", "zpk-aes128", "BANK-LAKE.ZMK.001"));
    assert_eq!(
        scene.key_state("BANK-LAKE.ZPK.001").as_deref(),
        Some("active")
    );
    scene.station.logout("logged out").unwrap();
    drop(scene);

    let mut scene = closed(&folder);
    with_new_card(&mut scene, "Dan", &new);
    for group in ALL {
        logs_on(&mut scene, *group);
    }
    let journal = folder.path().join("journal.cbor");
    scene.logon(GroupId::Auditors);
    std::fs::write(&journal, scene.station.journal_bytes().unwrap()).unwrap();
    let report = verify_paths(&[journal, folder.path().join("minutes")]);
    assert!(report.ok(), "{report}");
    let told = report.to_string();
    assert!(told.contains("of an act that Ada, Ben signed"), "{told}");
}

#[test]
fn a_person_of_two_groups_gets_one_new_card_for_both_at_once() {
    let folder = folder();
    let mut scene = open(&folder, ALL);
    let new = blank(&folder, 91);
    scene.people.at = Box::new(|prompt, _| choose(prompt, "Cat"));
    with_new_card(&mut scene, "Cat", &new);
    let end = told(change(&mut scene, Change::ReplaceCard));
    assert!(end.contains("Administrators, 2 of 3"), "{end}");
    assert!(end.contains("Approvers, 2 of 3"), "{end}");
    assert_eq!(epoch(&scene, GroupId::Administrators), 2);
    assert_eq!(epoch(&scene, GroupId::Approvers), 2);
    assert_eq!(epoch(&scene, GroupId::KeyManagers), 1);
    assert_eq!(record(&scene).seq, 1, "one record, one act");
    scene.people.at = Box::new(|_, _| None);
    for group in ALL {
        logs_on(&mut scene, *group);
    }
}

#[test]
fn people_who_take_their_time_between_two_cards_stop_nothing() {
    let folder = folder();
    let mut scene = open(&folder, ALL);
    let hand = scene.people.hand();
    let mut swaps = 0;
    scene.people.at = Box::new(move |prompt, _| {
        if matches!(prompt.ask, Ask::Card { .. }) && swaps < 8 {
            swaps += 1;
            hand.pull(0);
            // Longer than the watch needs to see that a reader is empty.
            std::thread::sleep(std::time::Duration::from_millis(400));
        }
        choose(prompt, "Key managers")
    });
    let end = told(change(&mut scene, Change::Secret));
    assert!(end.contains("Key managers, 2 of 3"), "{end}");
}

#[test]
fn backups_from_before_are_named_until_there_is_a_new_one() {
    let folder = folder();
    let mut scene = open(&folder, ALL);
    let task = |scene: &Scene| {
        let tasks = scene.station.lists().tasks;
        tasks
            .iter()
            .find(|t| t.what == "make a new backup, and destroy the old ones")
            .map(|t| t.detail.join("\n"))
    };
    done(scene.station.make_backup(&mut scene.people));
    assert_eq!(task(&scene), None);
    scene.people.at = Box::new(|prompt, _| choose(prompt, "Recovery"));
    scene.logon(GroupId::Recovery);
    let end = told(change(&mut scene, Change::Secret));
    assert!(end.contains("Old backups: BACKUP-"), "{end}");
    assert!(end.contains("on STICK-1"), "{end}");
    scene.people.at = Box::new(|_, _| None);
    scene.logon(GroupId::Administrators);
    let detail = task(&scene).unwrap();
    assert!(detail.contains("on STICK-1"), "{detail}");
    done(scene.station.make_backup(&mut scene.people));
    assert_eq!(task(&scene), None);
}

#[test]
fn who_is_not_logged_on_is_told_before_anything_is_asked_of_the_card() {
    let folder = folder();
    let mut scene = closed(&folder);
    let refused = change(&mut scene, Change::ReplaceCard).err().unwrap();
    assert!(refused.happened.contains("Administrators"), "{refused:?}");
    scene.logon(GroupId::Administrators);
    scene.people.at = Box::new(|prompt, _| choose(prompt, "Dan"));
    let before = scene.entries();
    let refused = change(&mut scene, Change::ReplaceCard).err().unwrap();
    assert_eq!(
        refused.happened,
        "Not logged on: Key managers and Approvers."
    );
    assert!(refused.advice.contains("Recovery"), "{refused:?}");
    assert_eq!(scene.entries(), before);
    // Auditors two of two have none to spare, however many come.
    scene.logon(GroupId::Auditors);
    scene.people.at = Box::new(|prompt, _| choose(prompt, "Jim"));
    let refused = change(&mut scene, Change::Leaver).err().unwrap();
    assert!(
        refused.happened.contains("Auditors would have 1"),
        "{refused:?}"
    );
    assert!(refused.advice.contains("Add a person"), "{refused:?}");
}

#[test]
fn a_leaver_is_gone_and_never_leaves_too_few() {
    let folder = folder();
    let mut scene = open(&folder, ALL);
    scene.people.at = Box::new(|prompt, _| choose(prompt, "Dan"));
    let refused = change(&mut scene, Change::Leaver).err().unwrap();
    assert!(
        refused
            .happened
            .contains("Key managers would have 2 members, and 3 are needed"),
        "{refused:?}"
    );
    // So somebody comes first.
    let new = blank(&folder, 92);
    with_new_card(&mut scene, "Pat", &new);
    scene.people.at = Box::new(|_, _| None);
    scene
        .people
        .form("renew.person", &["Pat", "Yan", "Key managers"]);
    let end = told(change(&mut scene, Change::AddMember));
    // The card of whoever signed last is still in the reader: it is not called a card in
    // use, and nobody has to guess what to do with it.
    let refusals = &scene.people.refusals;
    assert!(
        !refusals.iter().any(|r| r.contains("in use")),
        "{refusals:?}"
    );
    let sits = "(logged on; use another reader, or take this card out)";
    assert!(scene.people.shown.iter().any(|shown| shown.contains(sits)));
    assert!(end.contains("Pat comes to: Key managers"), "{end}");
    assert_eq!(
        members(&scene, GroupId::KeyManagers),
        ["Dan", "Eva", "Fay", "Pat"]
    );
    let pat = scene.station.lists();
    assert!(pat.people.is_empty(), "nobody is logged on");

    for group in ALL {
        scene.logon(*group);
    }
    let pat = scene.station.lists();
    let pat = pat.people.iter().find(|p| p.name == "Pat").unwrap();
    assert_eq!((pat.reports_to.as_str(), pat.roles.len()), ("Yan", 1));
    scene.people.at = Box::new(|prompt, _| choose(prompt, "Dan"));
    let dan = scene.room.cards.lock().unwrap()[3].clone();
    let end = told(change(&mut scene, Change::Leaver));
    assert!(end.contains("Dan's cards are revoked"), "{end}");
    assert_eq!(members(&scene, GroupId::KeyManagers), ["Eva", "Fay", "Pat"]);
    assert_eq!(epoch(&scene, GroupId::KeyManagers), 3);

    let hand = scene.people.hand();
    scene.people.forget_questions();
    scene.people.refusals.clear();
    scene.people.at = Box::new(move |prompt, times| {
        if matches!(prompt.ask, Ask::Card { .. }) && times == 1 {
            hand.pull(0);
            hand.insert(&dan, 0).unwrap();
            return Some(Answer::Confirmed);
        }
        None
    });
    scene.logon(GroupId::KeyManagers);
    let refused = scene.people.refusals.join("\n");
    assert!(refused.contains("Dan's card is revoked"), "{refused}");
    let lists = scene.station.lists();
    let dan = lists.people.iter().find(|p| p.name == "Dan").unwrap();
    assert!(dan.roles.is_empty(), "the name stays, the roles go");
}

#[test]
fn keys_are_made_anew_when_a_member_is_not_here_although_somebody_only_comes() {
    let folder = folder();
    let mut scene = open(&folder, ALL);
    let epoch = |scene: &Scene| record(scene).writer("catalogue").unwrap().epoch;
    let new = blank(&folder, 98);
    with_new_card(&mut scene, "Pat", &new);
    scene
        .people
        .form("renew.person", &["Pat", "Yan", "Key managers"]);
    scene.people.form("renew.members", &["Dan, Eva"]);
    let end = told(change(&mut scene, Change::AddMember));
    assert!(end.contains("old backup"), "{end}");
    assert_eq!(members(&scene, GroupId::KeyManagers), ["Dan", "Eva", "Pat"]);
    assert_eq!(epoch(&scene), 2);
    logs_on(&mut scene, GroupId::KeyManagers);
}

#[test]
fn two_roles_that_exclude_one_another_are_refused_by_the_rule() {
    for (name, groups, rule) in [
        (
            "Dan",
            "Administrators",
            "an administrator may never also be key manager",
        ),
        (
            "Ada",
            "Auditors",
            "an auditor reads, verifies and signs minutes",
        ),
        (
            "Gus",
            "Custodians B",
            "nobody may ever hold two parts of a key (R4)",
        ),
        ("Lea", "Approvers", "recovery opens every compartment"),
        (
            "Sue",
            "Key managers, Recovery",
            "recovery opens every compartment",
        ),
    ] {
        let folder = folder();
        let mut scene = open(&folder, &[GroupId::Administrators]);
        scene.people.form("renew.person", &[name, "Yan", groups]);
        let end = change(&mut scene, Change::AddMember);
        assert!(matches!(end, Ok(ActEnd::Stopped)), "{name}");
        let told = scene.people.refusals.join("\n");
        assert!(told.contains("do not go together"), "{name}: {told}");
        let whole = scene.people.last_refusal().unwrap();
        assert!(format!("{whole:?}").contains(rule), "{name}: {whole:?}");
        assert_eq!(record(&scene).seq, 0);
    }
}

#[test]
fn a_known_person_comes_to_one_more_group_with_the_card_they_have() {
    let folder = folder();
    let mut scene = open(&folder, &[GroupId::Administrators]);
    // Custodians receive no share: only the administrators sign.
    scene
        .people
        .form("renew.person", &["Dan", "", "Custodians A"]);
    told(change(&mut scene, Change::AddMember));
    assert_eq!(members(&scene, GroupId::CustodiansA), ["Gus", "Dan"]);
    assert!(!scene.people.codes.iter().any(|code| code == "init.card"));
    assert!(
        !scene
            .people
            .codes
            .iter()
            .any(|code| code == "renew.receive")
    );
    logs_on(&mut scene, GroupId::KeyManagers);
}

#[test]
fn another_quorum_holds_from_the_next_logon_on() {
    let folder = folder();
    let mut scene = open(&folder, &[GroupId::Administrators, GroupId::Recovery]);
    // Three of three would leave none to spare.
    scene.people.at = Box::new(|prompt, _| match &prompt.ask {
        Ask::Text { .. } => Some(Answer::Word("3".into())),
        _ => choose(prompt, "Recovery"),
    });
    let refused = change(&mut scene, Change::Quorum).err().unwrap();
    assert!(refused.happened.contains("4 are needed"), "{refused:?}");
    // With a fourth there is.
    let new = blank(&folder, 93);
    with_new_card(&mut scene, "Pat", &new);
    scene.people.at = Box::new(|_, _| None);
    scene
        .people
        .form("renew.person", &["Pat", "Tom", "Recovery"]);
    told(change(&mut scene, Change::AddMember));
    for group in [GroupId::Administrators, GroupId::Recovery] {
        scene.logon(group);
    }
    scene.people.at = Box::new(|prompt, _| match &prompt.ask {
        Ask::Text { .. } => Some(Answer::Word("3".into())),
        _ => choose(prompt, "Recovery"),
    });
    told(change(&mut scene, Change::Quorum));
    let entry = record(&scene).group(GroupId::Recovery).unwrap().clone();
    assert_eq!((entry.m, entry.members.len()), (3, 4));
    scene.people.codes.clear();
    scene.people.at = Box::new(|_, _| None);
    logs_on(&mut scene, GroupId::Recovery);
    let pins = scene.people.codes.iter().filter(|c| *c == "logon.card");
    assert!(pins.count() >= 3, "{:?}", scene.people.codes);
}

#[test]
fn who_is_not_here_when_a_secret_is_renewed_is_no_member_afterwards() {
    let folder = folder();
    let mut scene = open(&folder, ALL);
    let new = blank(&folder, 94);
    with_new_card(&mut scene, "Pat", &new);
    scene
        .people
        .form("renew.person", &["Pat", "Yan", "Key managers"]);
    told(change(&mut scene, Change::AddMember));
    for group in ALL {
        scene.logon(*group);
    }
    scene.people.at = Box::new(|prompt, _| choose(prompt, "Key managers"));
    scene.people.form("renew.members", &["Dan, Eva"]);
    scene.people.form("renew.members", &["Dan, Eva, Pat"]);
    told(change(&mut scene, Change::Secret));
    let refused = scene.people.refusals.join("\n");
    assert!(
        refused.contains("3 are needed"),
        "two are too few: {refused}"
    );
    assert_eq!(members(&scene, GroupId::KeyManagers), ["Dan", "Eva", "Pat"]);
    // Fay's card is not barred; it only has no share of this group.
    let fay = record(&scene);
    let fay = fay.cards.iter().find(|c| c.person_name == "Fay").unwrap();
    assert_eq!(fay.state, CardState::Active);
    scene.people.at = Box::new(|_, _| None);
    logs_on(&mut scene, GroupId::KeyManagers);
}

/// The questions of a replacement at which a card is in: each is answered by
/// pulling it, and afterwards the old card and the old shares work.
#[test]
fn pulled_or_given_up_at_any_step_before_the_last_signature_nothing_has_changed() {
    for (code, nth) in [
        ("renew.who", 1),
        ("renew.who.name", 1),
        ("renew.members", 1),
        ("init.card", 1),
        ("init.pin", 1),
        ("renew.receive", 1),
        ("renew.receive", 2),
        ("renew.receive", 4),
        ("card.sign", 1),
        ("card.sign", 2),
        ("card.sign", 3),
    ] {
        for pulled in [true, false] {
            let folder = folder();
            let mut scene = open(&folder, ALL);
            let new = blank(&folder, 95);
            with_new_card(&mut scene, "Dan", &new);
            let hand = scene.people.hand();
            let met = Arc::new(Mutex::new(false));
            let seen = Arc::clone(&met);
            scene.people.at = Box::new(move |prompt, times| {
                if prompt.code == code && times == nth {
                    *seen.lock().unwrap() = true;
                    hand.pull(0);
                    return Some(if pulled {
                        Answer::CardGone
                    } else {
                        Answer::Abort
                    });
                }
                choose(prompt, "Dan")
            });
            let before = record(&scene);
            let end = change(&mut scene, Change::ReplaceCard);
            assert!(*met.lock().unwrap(), "{code} {nth} is never asked");
            assert!(
                matches!(end, Ok(ActEnd::Stopped) | Err(_)),
                "{code} {nth}: it went through"
            );
            assert_eq!(record(&scene), before, "{code} {nth}");
            drop(scene);
            let mut scene = closed(&folder);
            for group in ALL {
                logs_on(&mut scene, *group);
            }
        }
    }
}

#[test]
fn a_card_that_was_pulled_before_it_was_finished_is_a_task_and_is_finished_later() {
    let folder = folder();
    let mut scene = open(&folder, ALL);
    let new = blank(&folder, 96);
    with_new_card(&mut scene, "Dan", &new);
    let hand = scene.people.hand();
    scene.people.at = Box::new(move |prompt, _| {
        if prompt.code == "renew.finish" {
            hand.pull(0);
            return Some(Answer::Abort);
        }
        choose(prompt, "Dan")
    });
    match change(&mut scene, Change::ReplaceCard) {
        Ok(ActEnd::Done { good, lines, .. }) => {
            assert!(!good);
            assert!(
                lines.join("\n").contains("new card is not finished"),
                "{lines:?}"
            );
        }
        _ => panic!("it is done, but for the card"),
    }
    drop(scene);
    let mut scene = closed(&folder);
    with_new_card(&mut scene, "Dan", &new);
    scene.logon(GroupId::Administrators);
    let task = |scene: &Scene| {
        format!("{:?}", scene.station.lists().tasks).contains("finish Dan's new card")
    };
    assert!(task(&scene));
    scene.people.at = Box::new(|prompt, _| choose(prompt, "Dan"));
    assert_eq!(
        done(change(&mut scene, Change::FinishCard)),
        "Dan's card is finished"
    );
    assert!(!task(&scene));
    let refused = change(&mut scene, Change::FinishCard).err().unwrap();
    assert!(refused.happened.contains("Every card is finished"));
    scene.people.at = Box::new(|_, _| None);
    scene.station.logout("logged out").unwrap();
    logs_on(&mut scene, GroupId::KeyManagers);
}

/// A clock that is years ahead.
struct Ahead(u64);

impl Clock for Ahead {
    fn wall_ms(&self) -> u64 {
        SystemClock::default().wall_ms() + self.0
    }

    fn mono_ms(&self) -> u64 {
        // Tests of minutes are others.
        0
    }
}

fn certificates(card: &TrainingCard) -> Vec<Vec<u8>> {
    let readers = TrainingReaders::new(1);
    readers.insert(card, 0).unwrap();
    let place = readers.states().unwrap().remove(0).id;
    let mut piv = PivCard::open(readers.connect(&place).unwrap()).unwrap();
    let all = Slot::ALL.map(|slot| piv.certificate(slot).unwrap().unwrap());
    drop(piv);
    readers.pull(0);
    all.into()
}

#[test]
fn certificates_are_renewed_before_they_expire_and_the_keys_stay() {
    const YEARS: u64 = (5 * 366 - 60) * 86_400_000;
    let folder = folder();
    let random = conclave_station::compose::random_source().unwrap();
    let mut scene = Scene::open_at(folder.path(), STAFF, random, Arc::new(Ahead(YEARS)));
    let task = |scene: &Scene| {
        let tasks = scene.station.lists().tasks;
        let due = |name: &str| format!("renew the certificates of {name}'s card");
        let is = |name: &str| {
            tasks
                .iter()
                .any(|t| t.what == due(name) && (1..=90).contains(&t.days))
        };
        (is("Dan"), is("Eva"))
    };
    scene.logon(GroupId::Administrators);
    assert_eq!(task(&scene), (true, true));
    let dan = scene.room.cards.lock().unwrap()[3].clone();
    let old = certificates(&dan);

    // Pulled at the moment of writing: the task stays.
    let hand = scene.people.hand();
    scene.people.at = Box::new(move |prompt, _| {
        if prompt.code == "certificates.card" && matches!(prompt.ask, Ask::Pin { .. }) {
            hand.pull(0);
        }
        choose(prompt, "Dan")
    });
    assert!(change(&mut scene, Change::Certificates).is_err());
    assert_eq!(task(&scene), (true, true));

    scene.people.at = Box::new(|prompt, _| choose(prompt, "Dan"));
    let before = record(&scene);
    let end = told(change(&mut scene, Change::Certificates));
    assert!(
        end.contains("Keys, shares and PIN are as they were"),
        "{end}"
    );
    assert_eq!(task(&scene), (false, true));
    assert_eq!(record(&scene), before, "the authority did not change");
    let minutes = filed_minutes::only(folder.path(), "certificates", scene.station.door().vault());
    let words = "Dan's card";
    assert!(minutes.script.contains(words), "{}", minutes.script);
    let ca = scene.station.ca_certificate().unwrap();
    let issuer = x509::subject_key(&ca).unwrap();
    let entry = before
        .cards
        .iter()
        .find(|c| c.person_name == "Dan")
        .unwrap();
    let keys = [entry.auth_key_9a, entry.sign_key_9c, entry.agree_key_9d];
    scene.people.hand().pull(0);
    let made = certificates(&dan);
    for (der, key) in made.iter().zip(keys) {
        x509::verify_signature(der, &issuer).unwrap();
        assert_eq!(x509::subject_key(der).unwrap(), key.0);
    }
    assert!(made.iter().all(|der| !old.contains(der)), "they are new");
    scene.people.at = Box::new(|_, _| None);
    scene.station.logout("logged out").unwrap();
    logs_on(&mut scene, GroupId::KeyManagers);
}

/// What a question looks like on the smallest terminal, word by word.
fn seen(prompt: &Prompt) -> Vec<String> {
    let mut app = App::new(Theme { colour: false }, None);
    let status = Status {
        station: "KEYROOM-TEST".into(),
        mode: "TEST".into(),
        phase: Phase::Open,
        ..Status::default()
    };
    app.update(Input::Event(Event::Status(status)));
    app.update(Input::Event(Event::Prompt(Box::new(prompt.clone()))));
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal.draw(|frame| view::draw(&app, frame)).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let cells = buffer.content.chunks(80);
    let lines = cells.map(|row| row.iter().map(|c| c.symbol()).collect::<String>());
    lines
        .flat_map(|line| {
            line.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn every_question_of_a_replacement_fits_the_smallest_terminal() {
    let folder = folder();
    let mut scene = open(&folder, ALL);
    let new = blank(&folder, 97);
    with_new_card(&mut scene, "Cat", &new);
    let asked: Arc<Mutex<Vec<Prompt>>> = Arc::default();
    let seen_prompts = Arc::clone(&asked);
    scene.people.at = Box::new(move |prompt, _| {
        seen_prompts.lock().unwrap().push(prompt.clone());
        match &prompt.ask {
            Ask::Choose { .. } if prompt.code == "renew.what" => choose(prompt, "Replace a card"),
            _ => choose(prompt, "Cat"),
        }
    });
    told(scene.station.change_members(&mut scene.people));
    let asked = asked.lock().unwrap();
    let codes: Vec<&str> = asked.iter().map(|p| p.code.as_str()).collect();
    for code in [
        "renew.what",
        "renew.members",
        "renew.receive",
        "card.sign",
        "renew.finish",
    ] {
        assert!(codes.contains(&code), "{code} of {codes:?}");
    }
    for prompt in asked.iter() {
        let screen = seen(prompt);
        let mut wanted: Vec<String> = prompt.lines.iter().map(|l| l.text.clone()).collect();
        wanted.push(prompt.title.clone());
        wanted.push(prompt.safe.clone());
        match &prompt.ask {
            Ask::Choose { options } if prompt.code == "renew.what" => {
                wanted.extend(options.iter().map(|o| o.label.clone()));
            }
            Ask::Form { fields, .. } => wanted.extend(fields.iter().map(|f| f.label.clone())),
            _ => {}
        }
        for word in wanted.iter().flat_map(|text| text.split_whitespace()) {
            assert!(
                screen.iter().any(|w| w == word),
                "{}: {word:?} is cut off: {screen:?}",
                prompt.code
            );
        }
    }
}
