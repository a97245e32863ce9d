//! PINs after the first day: changed by their holder, and set anew on a blocked
//! card with the administrators' signatures.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "support/filed_minutes.rs"]
mod filed_minutes;
#[path = "support/people.rs"]
mod people;
#[path = "support/stage.rs"]
mod stage;

use conclave_crypto::secret::{RandomError, RandomSource, Secret};
use conclave_evidence::GroupId;
use conclave_keyroom::piv::{ManagementKey, PivCard};
use conclave_keyroom::ports::card::CardReaders;
use conclave_keyroom::ports::dialogue::{Answer, Ask, Prompt};
use conclave_station::logon::LogonEnd;
use conclave_station::pins::UnblockPin;
use conclave_station::puk::FilePuk;
use conclave_training::card::{CardLabel, TrainingCard, TrainingReaders};
use people::{PIN, Scene, done};
use stage::{STAFF, folder};
use tempfile::TempDir;

const NEW: &[u8] = b"91827364";

fn pin(digits: &[u8]) -> Answer {
    Answer::Secret(Secret::from_fn(digits.len(), |out| {
        out.copy_from_slice(digits);
    }))
}

fn closed(folder: &TempDir) -> Scene {
    Scene::open(folder.path(), STAFF)
}

/// Dan's PIN is this one; everybody else's is as it was.
fn dans(digits: &'static [u8]) -> impl FnMut(&Prompt, usize) -> Option<Answer> + Send {
    move |prompt, _| match &prompt.ask {
        Ask::Pin { person, .. } if person == "Dan" => Some(pin(digits)),
        _ => None,
    }
}

/// Dan's card is put in wherever anybody's would do.
fn with_dans_card(
    scene: &Scene,
    mut then: impl FnMut(&Prompt, usize) -> Option<Answer> + Send + 'static,
) -> people::At {
    let hand = scene.people.hand();
    let card = scene.room.cards.lock().unwrap()[3].clone();
    Box::new(move |prompt, times| {
        if let Ask::Card { .. } = &prompt.ask {
            hand.pull(0);
            hand.insert(&card, 0).unwrap();
            return Some(Answer::Confirmed);
        }
        if let ("pin.change.who", Ask::Choose { options }) = (prompt.code.as_str(), &prompt.ask) {
            let dan = options.iter().position(|one| one.label == "Dan");
            return dan.map(Answer::Chosen);
        }
        then(prompt, times)
    })
}

fn logs_on(scene: &mut Scene) {
    let end = scene
        .station
        .logon(Some(GroupId::KeyManagers), &mut scene.people);
    assert_eq!(end, LogonEnd::Done(GroupId::KeyManagers));
}

#[test]
fn a_holder_changes_the_pin() {
    let folder = folder();
    let mut scene = closed(&folder);
    let before = scene.entries();
    let mut chosen = vec![NEW, b"123456"];
    scene.people.at = with_dans_card(&scene, move |prompt, _| match &prompt.ask {
        Ask::NewPin { .. } => chosen.pop().map(pin),
        _ => None,
    });
    let title = done(scene.station.change_pin(&mut scene.people));
    assert_eq!(title, "Dan's card has a new PIN");
    assert_eq!(scene.entries(), before + 1);
    let told = scene.people.refusals.join("\n");
    assert!(told.contains("This PIN is refused"), "{told}");
    drop(scene);

    let mut scene = closed(&folder);
    let mut wrong = 0;
    scene.people.at = Box::new(move |prompt, _| match &prompt.ask {
        Ask::Pin {
            person, tries_left, ..
        } if person == "Dan" => {
            wrong += 1;
            match wrong {
                1 => {
                    assert_eq!(*tries_left, Some(3));
                    Some(pin(PIN))
                }
                _ => {
                    assert_eq!(*tries_left, Some(2), "the old PIN is wrong now");
                    Some(pin(NEW))
                }
            }
        }
        _ => None,
    });
    logs_on(&mut scene);
    assert!(wrong_was_told(&scene));
}

fn wrong_was_told(scene: &Scene) -> bool {
    scene
        .people
        .refusals
        .iter()
        .any(|told| told.contains("PIN"))
}

#[test]
fn a_blocked_card_gets_a_new_pin_from_its_holder_and_a_quorum() {
    let folder = folder();
    let mut scene = closed(&folder);
    scene.people.at = Box::new(dans(b"555555"));
    let end = scene
        .station
        .logon(Some(GroupId::KeyManagers), &mut scene.people);
    assert!(matches!(end, LogonEnd::Refused(_)), "{end:?}");

    // Not without the administrators.
    let refused = scene.station.unblock_pin(&mut scene.people).err();
    assert!(refused.unwrap().happened.contains("Administrators"));

    scene.people.at = Box::new(|_, _| None);
    scene.logon(GroupId::Administrators);
    let before = scene.entries();
    let puk = kept(&scene);
    let signed = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = std::sync::Arc::clone(&signed);
    scene.people.at = Box::new(move |prompt, _| match &prompt.ask {
        Ask::Choose { options } => options
            .iter()
            .position(|o| o.label == "Dan")
            .map(Answer::Chosen),
        Ask::Pin { person, .. } => {
            seen.lock().unwrap().push(person.clone());
            None
        }
        Ask::NewPin { person } => {
            assert_eq!(person, "Dan");
            Some(pin(NEW))
        }
        _ => None,
    });
    let title = done(scene.station.unblock_pin(&mut scene.people));
    assert_eq!(title, "Dan's card has a new PIN");
    assert_eq!(signed.lock().unwrap().len(), 2, "two administrators");
    assert_eq!(
        scene.entries(),
        before + 5,
        "proposed, intent, outcome; the other PUK: intent, outcome"
    );
    // The one that was used is another one now, on the card as on record.
    let after = kept(&scene);
    assert!(!after.ct_eq(puk.expose()));
    assert!(has(&scene, &after) && !has(&scene, &puk));
    let vault = scene.station.door().vault();
    let minutes = filed_minutes::only(folder.path(), "pin-unblock", vault);
    assert_eq!(minutes.lines.len(), 5);
    scene.station.logout("logged out").unwrap();

    scene.people.at = Box::new(dans(NEW));
    logs_on(&mut scene);
}

fn dan(scene: &Scene) -> conclave_evidence::Id {
    let record = scene.station.door().vault().authority().unwrap();
    let dan = record.cards.iter().find(|c| c.person_name == "Dan");
    dan.unwrap().card
}

/// The PUK of Dan's card on record.
fn kept(scene: &Scene) -> Secret {
    scene.station.door().puk(dan(scene)).unwrap()
}

fn dans_card<T>(scene: &Scene, then: impl FnOnce(&mut PivCard) -> T) -> T {
    let hand = scene.people.hand();
    let card = scene.room.cards.lock().unwrap()[3].clone();
    hand.pull(0);
    hand.insert(&card, 0).unwrap();
    let channel = hand.connect(&TrainingReaders::id(0)).unwrap();
    let done = then(&mut PivCard::open(channel).unwrap());
    hand.pull(0);
    done
}

/// Dan's card has this PUK. A wrong one costs a try.
fn has(scene: &Scene, puk: &Secret) -> bool {
    dans_card(scene, |card| card.change_puk(puk, puk).is_ok())
}

fn sets_dans_pin(scene: &mut Scene) -> Vec<String> {
    scene.people.forget_questions();
    scene.people.at = Box::new(move |prompt, _| match &prompt.ask {
        Ask::Choose { options } => options
            .iter()
            .position(|o| o.label == "Dan")
            .map(Answer::Chosen),
        Ask::NewPin { .. } => Some(pin(NEW)),
        _ => None,
    });
    match scene.station.unblock_pin(&mut scene.people) {
        Ok(conclave_station::service::ActEnd::Done { lines, .. }) => lines,
        other => panic!("{other:?}"),
    }
}

/// Wherever the power went in an unblocking, the card has one of the two PUKs that are
/// on record, and the next unblocking goes on from there.
#[test]
fn a_power_cut_while_the_puk_is_changed_costs_no_card() {
    let folder = folder();
    let mut scene = closed(&folder);
    scene.logon(GroupId::Administrators);
    let first = kept(&scene);
    let act = UnblockPin {
        card: dan(&scene),
        person: "Dan".into(),
    };
    // Cut before the card heard of it.
    let puks = scene.station.act(&act, "a new PIN", &mut scene.people);
    let puks = puks.unwrap();
    assert!(!puks.open && puks.own.ct_eq(first.expose()));
    drop(puks);
    assert_eq!(sets_dans_pin(&mut scene).len(), 2, "tries, minutes");
    let second = kept(&scene);
    assert!(has(&scene, &second) && !second.ct_eq(first.expose()));

    // Cut when the card had it, and the record did not say so.
    scene.people.at = Box::new(|_, _| None);
    let puks = scene.station.act(&act, "a new PIN", &mut scene.people);
    let puks = puks.unwrap();
    let third = Secret::from_fn(puks.next.len(), |out| {
        out.copy_from_slice(puks.next.expose())
    });
    dans_card(&scene, |card| card.change_puk(&puks.own, &puks.next)).unwrap();
    drop(puks);
    assert!(kept(&scene).ct_eq(second.expose()));
    assert_eq!(sets_dans_pin(&mut scene).len(), 2, "tries, minutes");
    let fourth = kept(&scene);
    assert!(has(&scene, &fourth));
    for used in [&first, &second, &third] {
        assert!(!fourth.ct_eq(used.expose()));
    }
    // Nothing is left to be filed: nobody makes the record another one than the card's.
    let file = FilePuk {
        card: dan(&scene),
        person: "Dan".into(),
        another: false,
    };
    scene.people.at = Box::new(|_, _| None);
    let refused = scene.station.act(&file, "a PUK", &mut scene.people);
    assert!(refused.is_err());
    assert!(has(&scene, &kept(&scene)));
}

/// A card's number is read without a PIN. What only has the number is told no PUK.
#[test]
fn a_card_that_only_has_the_number_gets_no_puk() {
    struct Number([u8; 16]);
    impl RandomSource for Number {
        fn public(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
            for (out, byte) in buf.iter_mut().zip(self.0.iter().cycle()) {
                *out = *byte;
            }
            Ok(())
        }
        fn secret(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
            self.public(buf)
        }
    }
    let folder = folder();
    let mut scene = closed(&folder);
    scene.logon(GroupId::Administrators);
    let dan = {
        let record = scene.station.door().vault().authority().unwrap();
        let dan = record.cards.iter().find(|c| c.person_name == "Dan");
        dan.unwrap().card
    };
    let label = CardLabel {
        number: 99,
        name: "made at home".into(),
    };
    let at = folder.path().join("fake.card");
    let fake = TrainingCard::create(&at, label, Box::new(Number(dan.0))).unwrap();
    let hand = scene.people.hand();
    hand.pull(0);
    hand.insert(&fake, 0).unwrap();
    {
        let channel = hand.connect(&TrainingReaders::id(0)).unwrap();
        let mut card = PivCard::open(channel).unwrap();
        let mut number = Number(dan.0);
        card.authenticate_management(&ManagementKey::factory(), &mut number)
            .unwrap();
        assert_eq!(card.guid_or_new(&mut number).unwrap().0, dan.0);
    }
    let mut asked = false;
    scene.people.at = Box::new(move |prompt, _| match &prompt.ask {
        Ask::Choose { options } => options
            .iter()
            .position(|o| o.label == "Dan")
            .map(Answer::Chosen),
        Ask::Card { wanted, .. } if wanted == &["Dan"] => {
            hand.pull(0);
            hand.insert(&fake, 0).unwrap();
            asked = true;
            Some(Answer::Confirmed)
        }
        Ask::NewPin { .. } => panic!("a stranger's card is asked for a PIN"),
        _ => {
            assert!(!asked, "nothing is asked after it");
            None
        }
    });
    let told = format!("{:?}", scene.station.unblock_pin(&mut scene.people).err());
    assert!(told.contains("does not prove to be it"), "{told}");
}

/// Put in by mistake or by habit, a blocked card is refused before its PIN, and who
/// may come instead comes.
#[test]
fn a_blocked_card_keeps_nobody_else_from_coming() {
    let folder = folder();
    let mut scene = closed(&folder);
    scene.people.at = Box::new(dans(b"555555"));
    let end = scene
        .station
        .logon(Some(GroupId::KeyManagers), &mut scene.people);
    assert!(matches!(end, LogonEnd::Refused(_)), "{end:?}");

    let hand = scene.people.hand();
    let card = scene.room.cards.lock().unwrap()[3].clone();
    let mut came = 0;
    scene.people.at = Box::new(move |prompt, _| match &prompt.ask {
        Ask::Card { .. } => {
            came += 1;
            if came == 1 {
                hand.pull(0);
                hand.insert(&card, 0).unwrap();
                return Some(Answer::Confirmed);
            }
            hand.pull(0);
            None
        }
        Ask::Pin { person, .. } => {
            assert_ne!(person, "Dan");
            None
        }
        _ => None,
    });
    scene.people.refusals.clear();
    logs_on(&mut scene);
    let told = scene.people.refusals.join("\n");
    assert!(told.contains("The PIN of Dan's card is blocked"), "{told}");
}

#[test]
fn given_up_before_the_new_pin_nothing_has_changed() {
    let folder = folder();
    let mut scene = closed(&folder);
    scene.logon(GroupId::Administrators);
    let before = scene.entries();
    scene.people.at = Box::new(|prompt, _| match &prompt.ask {
        Ask::Choose { .. } => Some(Answer::Chosen(3)),
        Ask::NewPin { .. } => Some(Answer::Abort),
        _ => None,
    });
    let end = scene.station.unblock_pin(&mut scene.people);
    assert!(matches!(
        end,
        Ok(conclave_station::service::ActEnd::Stopped)
    ));
    assert_eq!(
        scene.entries(),
        before + 2,
        "proposed, and that it came to nothing"
    );
    scene.station.logout("logged out").unwrap();
    scene.people.at = Box::new(|_, _| None);
    logs_on(&mut scene);
}
