//! The initialise ceremony: what it refuses, what a pulled card and a cut
//! leave behind, and what it leaves on the cards.

use std::collections::BTreeMap;
use std::sync::Arc;

use conclave_crypto::primitive::ec::KeyPair;
use conclave_crypto::x509::subject_key;
use conclave_evidence::GroupId::{Administrators, KeyManagers};
use conclave_evidence::Id;
use conclave_evidence::authority::CardEntry;
use conclave_keyroom::piv::{FACTORY_PINS, FACTORY_PUK, ManagementKey, PivError, Slot};
use conclave_keyroom::ports::dialogue::{Answer, Ask, FieldKind};
use conclave_station::anchor::management_from_secret;
use conclave_station::enrol::{self, Authority, Holder};
use conclave_station::front::Phase;
use conclave_station::initialise::InitialiseEnd;

use crate::bench::{self, SystemRandom, secret};
use crate::cards_of;
use crate::hands::{At, Do, PIN, usual};
use crate::house::{CARDS, FOREIGN, GROUPS, House, NAME, STAFF, START_MS};
use crate::openssl;
use crate::table::Cut;

/// What another station leaves on a card.
pub fn enrol_elsewhere(house: &House) {
    let mut random = SystemRandom::new();
    let elsewhere = Authority {
        name: "ELSEWHERE".into(),
        key: KeyPair::generate(&mut random).unwrap(),
        now_s: START_MS / 1000,
    };
    let holder = Holder {
        id: Id([9; 16]),
        name: "Somebody",
        pin: &secret(PIN),
    };
    let mut card = house.card(FOREIGN);
    let made = enrol::before_commit(&mut card, &holder, &elsewhere, &mut random).unwrap();
    let management = management_from_secret(&made.management_key).unwrap();
    card.set_management_key(&management).unwrap();
    drop(card);
    house.table.clear();
}

/// A sitting with everything that people get wrong in it, cut while a card
/// receives its share, and finished at the next start.
pub fn founding_with_mistakes(mut house: House) -> House {
    // Two roles that exclude one another are refused with the rule's name.
    for (roles, _) in CONFLICTS {
        house.hands.form("init.person", &["Zoe", "Quinn", roles]);
    }
    for row in [
        ["Ada\u{1b}", "Quinn", "Administrators"],
        ["Zoe", "Quinn", ""],
    ] {
        house.hands.form("init.person", &row);
    }
    house.hands.form("init.name", &["", "TEST"]);
    for groups in BAD_GROUPS {
        house.hands.form("init.groups", &groups.0);
    }
    house.tell_founding();

    // The first card is offered as one of another station; its holder tries
    // the PINs that nobody may have; and it is pulled at its commands.
    let table = house.table.clone();
    let mut pins = BAD_PINS.iter();
    let mut offered = false;
    let mut cut = 0;
    let mut cuts = house.table.width() + 2;
    house.hands.told(Box::new(move |prompt, _| {
        let ada = prompt.title.ends_with(": Ada");
        match &prompt.ask {
            Ask::Card { .. } if ada && !std::mem::replace(&mut offered, true) => {
                table.put(FOREIGN, &[]);
                Do::Wait
            }
            Ask::NewPin { .. } if ada => {
                if let Some((pin, _)) = pins.next() {
                    return Do::Answer(Answer::Secret(secret(pin)));
                }
                if cuts > 0 {
                    cuts -= 1;
                    cut += 11;
                    table.cut(Some(Cut::After(cut)));
                }
                Do::Usual
            }
            // Once more after the commit; then the power goes.
            Ask::Pin { .. } if prompt.code == "init.finish" => {
                table.cut(Some(Cut::After(9)));
                Do::Usual
            }
            Ask::Card { .. } if prompt.code == "init.finish" && table.was_cut() => {
                Do::Answer(Answer::Abort)
            }
            _ => Do::Usual,
        }
    }));
    let end = house.station.initialise(&mut house.hands);
    assert!(matches!(end, InitialiseEnd::Aborted), "{end:?}");
    assert!(house.table.was_cut());
    house.table.cut(None);

    let refusals = house.hands.refusals();
    for (roles, rule) in CONFLICTS {
        let (first, second) = roles.split_once(", ").unwrap();
        let words = format!("{first} and {second} do not go together: {rule}");
        assert!(
            refusals.iter().any(|it| it.starts_with(&words)),
            "{words}: {refusals:?}"
        );
    }
    let refusals = refusals.join("\n");
    for words in [
        "The name does not work",
        "Zoe would belong to no group.",
        "This card is in use, here or at another station.",
        "The card could not be made ready",
    ] {
        assert!(refusals.contains(words), "{words}: {refusals}");
    }
    for (_, words) in BAD_GROUPS {
        assert!(refusals.contains(words), "{words}: {refusals}");
    }
    for (_, words) in BAD_PINS {
        assert!(
            refusals.contains(&format!("This PIN is refused: {words}")),
            "{words}: {refusals}"
        );
    }
    assert!(house.is_shut());
    let staff = house.hands.seen.iter().find(|p| p.code == "init.staff");
    let lines = &staff.unwrap().lines;
    assert!(
        lines[0].text.contains("smallest legal staff is 9 people"),
        "{lines:?}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.text == "  Administrators and Approvers"),
        "{lines:?}"
    );
    house.hands.told(usual());
    house.table.clear();
    house = house.restart();
    assert_eq!(house.station.status(0).phase, Phase::Unfinished);
    house.initialise();
    assert_eq!(house.hands.asked("init.card"), 0, "no card is made anew");
    assert_eq!(house.station.status(0).phase, Phase::Closed);
    house.hands.told(usual());
    house.table.clear();
    house
}

/// Cid's card.
const CID: usize = 2;

const CONFLICTS: [(&str, &str); 5] = [
    (
        "Administrators, Key managers",
        "an administrator may never also be key manager",
    ),
    (
        "Administrators, Custodians A",
        "an administrator may never also be key manager",
    ),
    (
        "Auditors, Recovery",
        "an auditor reads, verifies and signs minutes",
    ),
    (
        "Key managers, Auditors",
        "an auditor reads, verifies and signs minutes",
    ),
    ("Approvers, Recovery", "recovery opens every compartment"),
];

const BAD_GROUPS: [([&str; 8], &str); 4] = [
    (
        [
            "1 of 3", GROUPS[1], GROUPS[2], GROUPS[3], "", "", GROUPS[6], GROUPS[7],
        ],
        "one person alone would open what this group protects",
    ),
    (
        [
            "3 of 2", GROUPS[1], GROUPS[2], GROUPS[3], "", "", GROUPS[6], GROUPS[7],
        ],
        "3 of 2 is not possible",
    ),
    (
        [
            "2 of 17", GROUPS[1], GROUPS[2], GROUPS[3], "", "", GROUPS[6], GROUPS[7],
        ],
        "2 of 17 is not possible",
    ),
    (
        [
            "both", GROUPS[1], GROUPS[2], GROUPS[3], "", "", GROUPS[6], GROUPS[7],
        ],
        "is not of the form",
    ),
];

const BAD_PINS: [(&[u8], &str); 5] = [
    (
        FACTORY_PINS[0],
        "this is a PIN that cards are delivered with",
    ),
    (b"777777", "this PIN is too easy to guess"),
    (b"12345", "a PIN has 6 to 8 digits"),
    (b"802803802", "a PIN has 6 to 8 digits"),
    (b"80280x", "a PIN has digits only"),
];

/// The cards hold the station's certificates, as an outsider sees them, and
/// nothing of the factory's.
pub fn cards_are_the_stations(house: &mut House) {
    let seconds = START_MS / 1000;
    let cards = cards_of(house);
    house.enter(Administrators);
    let ca = house.station.ca_certificate().unwrap();
    let kept: BTreeMap<Id, _> = cards
        .values()
        .map(|entry| {
            let door = house.station.door();
            let management = door.management_key(entry.card).unwrap();
            let management = management_from_secret(&management).unwrap();
            (entry.card, (management, door.puk(entry.card).unwrap()))
        })
        .collect();
    house.leave();
    assert_eq!(house.station.ca_certificate(), None, "nobody is logged on");
    let mode = house.station.door().vault().authority().unwrap().mode;
    let filed = format!("authority/{mode}-station-ca.der");
    let filed = house.folder.path().join(filed);
    assert_eq!(std::fs::read(filed).unwrap(), ca);
    assert_eq!(openssl::names(&ca), (NAME.into(), NAME.into()));

    let mut random = SystemRandom::new();
    let mut serials = Vec::new();
    for (number, (name, ..)) in STAFF.iter().enumerate() {
        let entry = &cards[*name];
        let (management, puk) = &kept[&entry.card];
        let mut card = house.card(number);
        let seen = card.inspect(&mut random).unwrap();
        assert_eq!(seen.guid.map(|guid| Id(guid.0)), Some(entry.card));
        assert_eq!(seen.certificates, Slot::ALL);
        assert!(
            !seen.factory_management && seen.has_anchor,
            "{name}: {seen:?}"
        );
        card.authenticate_management(management, &mut random)
            .unwrap();
        // Factory values are counted as wrong ones, then the true ones work.
        assert!(matches!(
            card.verify_pin(&secret(FACTORY_PINS[0])),
            Err(PivError::WrongPin { tries_left: 2 })
        ));
        card.verify_pin(&secret(PIN)).unwrap();
        assert!(matches!(
            card.change_puk(&secret(FACTORY_PUK), puk),
            Err(PivError::WrongPuk { .. })
        ));
        card.change_puk(puk, puk).unwrap();
        let pinned = [entry.auth_key_9a, entry.sign_key_9c, entry.agree_key_9d];
        for (slot, key) in Slot::ALL.into_iter().zip(pinned) {
            let der = card.certificate(slot).unwrap().unwrap();
            assert!(openssl::verifies(&ca, &der, seconds), "{name}, {slot:?}");
            assert_eq!(openssl::names(&der), ((*name).into(), NAME.into()));
            assert_eq!(subject_key(&der).unwrap(), key.0);
            serials.push(der);
        }
    }
    // And the judge can say no: to another's card, to altered bytes, to time.
    let mut foreign = house.card(FOREIGN);
    let der = foreign.certificate(Slot::Signature).unwrap().unwrap();
    assert!(!openssl::verifies(&ca, &der, seconds));
    assert!(!openssl::verifies(
        &ca,
        &serials[0],
        seconds + 6 * 366 * 86_400
    ));
    let last = serials[0].len() - 1;
    serials[0][last] ^= 1;
    assert!(!openssl::verifies(&ca, &serials[0], seconds));
    serials.sort();
    serials.dedup();
    assert_eq!(serials.len(), 3 * STAFF.len());
    drop(foreign);
    house.table.clear();
}

/// A founding that is cut at one command of a card after its first commit, at
/// the next start at another, and so on until it is finished: no card has a
/// management key that nobody holds.
pub fn cut_and_finished(mut house: House, stride: usize) -> House {
    house.tell_founding();
    let mut cuts = 0;
    for number in 0.. {
        let cut = match number % 2 {
            0 => Cut::Before(number / 2 * stride),
            _ => Cut::After(number / 2 * stride),
        };
        // Nobody finishes while the first card is cut.
        house.hands.told(at_the_finish(&house, cut));
        let end = house.station.initialise(&mut house.hands);
        let came = house.table.was_cut();
        house.table.cut(None);
        house.table.clear();
        assert!(house.is_shut(), "nobody is logged on behind it");
        assert!(
            number == 0 || house.hands.asked("init.card") == 0,
            "no card is made anew"
        );
        if !came {
            assert!(matches!(end, InitialiseEnd::Done(_)), "{cut:?}: {end:?}");
            break;
        }
        assert!(matches!(end, InitialiseEnd::Aborted), "{cut:?}: {end:?}");
        cuts += 1;
        let refused = house.hands.refusals();
        let cid = cards_of(&house)["Cid"].card;
        if house.station.door().vault().has_anchor(cid).unwrap() {
            // The cut met the next card.
            assert!(refused.is_empty(), "{cut:?}: {refused:?}");
        } else {
            let words = "Cid's card failed: the card was removed.";
            assert_eq!(refused, [words], "{cut:?}");
        }
        house.hands.told(usual());
        house = house.restart();
        assert_eq!(house.station.status(0).phase, Phase::Unfinished);
        cids_management_key_is_held(&mut house);
    }
    assert!(cuts * stride > 40, "{cuts} cuts");
    assert_eq!(house.station.status(0).phase, Phase::Closed);
    house.hands.told(usual());
    house
}

/// The power goes while Cid's card receives its share: first the card, then
/// the station. (Whoever logs on to finish gets a note of it on the card, and
/// so would be finished already.)
fn at_the_finish(house: &House, cut: Cut) -> At {
    let table = house.table.clone();
    Box::new(move |prompt, _| {
        if prompt.code != "init.finish" {
            return Do::Usual;
        }
        match &prompt.ask {
            Ask::Card { .. } if table.was_cut() => Do::Answer(Answer::Abort),
            Ask::Card { .. } if table.seat_of(CID).is_none() => {
                table.put(CID, &[]);
                Do::Wait
            }
            Ask::Pin { person, .. } if person == "Cid" => {
                table.cut(Some(cut));
                Do::Usual
            }
            _ => Do::Usual,
        }
    })
}

fn cids_management_key_is_held(house: &mut House) {
    let cid = cards_of(house)["Cid"].card;
    house.enter(Administrators);
    let mut random = SystemRandom::new();
    let kept = house.station.door().management_key(cid).unwrap();
    let planned = management_from_secret(&kept).unwrap();
    house.leave();
    let mut opens = |key: &ManagementKey| {
        let mut card = house.card(CID);
        card.authenticate_management(key, &mut random).is_ok()
    };
    let (ours, factory) = (opens(&planned), opens(&ManagementKey::factory()));
    assert!(ours != factory, "{ours} {factory}");
    house.table.clear();
}

/// Pulled at each command before the first commit: the same card is made
/// ready in the end.
pub fn enrolment_pulled_at_each_command() {
    let mut house = House::new(Arc::new(bench::training(1, CARDS)), true);
    house.tell_founding();
    let table = house.table.clone();
    let made = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&made);
    let mut over = false;
    house.hands.told(Box::new(move |prompt, _| {
        if matches!(prompt.ask, Ask::NewPin { .. }) && prompt.refused.is_none() && !over {
            if count.load(std::sync::atomic::Ordering::SeqCst) > 0 && !table.was_cut() {
                over = true;
                table.cut(None);
                return Do::Usual;
            }
            let number = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let cut = match number % 2 {
                0 => Cut::Before(number / 2),
                _ => Cut::After(number / 2),
            };
            table.cut(Some(cut));
        }
        Do::Usual
    }));
    house.initialise();
    let cuts = made.load(std::sync::atomic::Ordering::SeqCst);
    assert!(cuts > 40, "{cuts} cuts");
    house.hands.told(usual());
    house.table.clear();
    house.enter(KeyManagers);
    house.leave();
}

/// A PRODUCTION station enrols no training card; a training station is TEST.
pub fn production_wants_real_cards() {
    let mut house = House::new(Arc::new(bench::training(1, CARDS)), false);
    house.hands.form("init.name", &[NAME, "PRODUCTION"]);
    // Training readers are red, and to accept them does not help.
    house.hands.form("init.red", &["only to try", "1 day"]);
    house.tell_founding();
    house.hands.forms.get_mut("init.name").unwrap().truncate(1);
    house.hands.told(Box::new(|prompt, _| match &prompt.ask {
        Ask::Card { .. } if prompt.refused.is_some() => Do::Answer(Answer::Abort),
        _ => Do::Usual,
    }));
    let end = house.station.initialise(&mut house.hands);
    assert!(matches!(end, InitialiseEnd::Aborted), "{end:?}");
    assert_eq!(
        house.hands.refusals(),
        ["A training card is never enrolled on a PRODUCTION station."]
    );
    assert!(house.station.door().vault().is_empty());
    house.table.clear();

    let mut house = House::new(Arc::new(bench::training(1, CARDS)), true);
    house.hands.told(Box::new(|prompt, _| {
        match (&prompt.ask, prompt.code.as_str()) {
            (Ask::Form { fields, .. }, "init.name") => {
                assert_eq!(fields[1].kind, FieldKind::One(vec!["TEST".into()]));
                Do::Answer(Answer::Abort)
            }
            _ => panic!("asked before the name: {prompt:?}"),
        }
    }));
    let end = house.station.initialise(&mut house.hands);
    assert!(matches!(end, InitialiseEnd::Aborted), "{end:?}");
}

/// Given up before the first commit, nothing exists.
pub fn given_up_before_the_commit() {
    let mut house = House::new(Arc::new(bench::training(1, CARDS)), true);
    house.tell_founding();
    house
        .hands
        .told(Box::new(|prompt, _| match prompt.code.as_str() {
            "init.sign" => Do::Answer(Answer::Abort),
            _ => Do::Usual,
        }));
    let end = house.station.initialise(&mut house.hands);
    assert!(matches!(end, InitialiseEnd::Aborted), "{end:?}");
    assert!(house.station.door().vault().is_empty());
    house = house.restart();
    assert_eq!(house.station.status(0).phase, Phase::Empty);
    // The same cards with the same holders do it, because nothing binds them.
    house.table.clear();
    house.hands.forms.clear();
    house.hands.told(usual());
    house.found();
    house.enter(KeyManagers);
    let entry: CardEntry = cards_of(&house)["Ada"].clone();
    assert!(house.station.door().management_key(entry.card).is_ok());
    house.leave();
}
