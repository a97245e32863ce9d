//! The suite. Each test is given a bench with cards as delivered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use conclave_crypto::secret::RandomSource;
use conclave_keyroom::piv::{
    self, AnchorObject, FACTORY_PINS, ManagementAlgorithm, ManagementKey, PinRule, PivCard,
    PivError, SigningSlot, Slot,
};
use conclave_keyroom::ports::card::{CardChannel, CardError, ReaderId, Response};
use p256::elliptic_curve::sec1::ToSec1Point;

use crate::bench::{Bench, SystemRandom, secret};
use crate::card::{self, Plan, anchor, enrol, factory_pin, factory_puk, open, rank};
use crate::openssl;

pub fn a_card_as_delivered_is_blank(bench: &Arc<dyn Bench>) {
    bench.seat(0, 0);
    let mut card = open(bench, 0).expect("a PIV card");
    let seen = card.inspect(&mut SystemRandom::new()).expect("looked at");
    assert!(seen.is_blank(), "{seen:?}");
    assert_eq!(card.tries_left().expect("tries"), Some(3));
    // No key yet; and 9C without PIN is refused before that is told.
    assert!(matches!(
        card.sign(SigningSlot::Signature, &[0; 32]),
        Err(PivError::PinNeeded {
            slot: Slot::Signature
        })
    ));
    card.verify_pin(&factory_pin()).expect("the factory PIN");
    assert!(matches!(
        card.ecdh(&openssl::Peer::new().point),
        Err(PivError::NoKey {
            slot: Slot::KeyManagement
        })
    ));
    // Writing is for the management key's holder only.
    drop(card);
    let mut card = open(bench, 0).expect("a PIV card");
    assert!(matches!(
        card.generate(Slot::Authentication),
        Err(PivError::ManagementNeeded { .. })
    ));
    assert!(matches!(
        card.put_certificate(Slot::Authentication, b"x"),
        Err(PivError::ManagementNeeded { .. })
    ));
    assert!(matches!(
        card.set_management_key(&Plan::new().management),
        Err(PivError::ManagementNeeded { .. })
    ));
}

pub fn enrolment_leaves_a_card_that_only_its_people_can_use(bench: &Arc<dyn Bench>) {
    bench.seat(0, 0);
    let plan = Plan::new();
    let points = enrol(bench, 0, &plan);
    assert!(points[0] != points[1] && points[1] != points[2]);

    let random: &mut dyn RandomSource = &mut SystemRandom::new();
    let mut card = open(bench, 0).expect("a PIV card");
    let seen = card.inspect(random).expect("looked at");
    assert!(
        !seen.is_blank() && !seen.factory_management && seen.has_anchor,
        "{seen:?}"
    );
    assert_eq!(seen.certificates, Slot::ALL);
    assert!(seen.guid.is_some());
    assert!(matches!(
        card.verify_pin(&factory_pin()),
        Err(PivError::WrongPin { tries_left: 2 })
    ));
    assert!(matches!(
        card.change_puk(&factory_puk(), &plan.puk),
        Err(PivError::WrongPuk { .. })
    ));
    card.authenticate_management(&plan.management, random)
        .expect("the new management key");
    card.verify_pin(&plan.pin).expect("the holder's PIN");
    assert_eq!(card.tries_left().expect("tries"), None, "verified");
}

pub fn factory_values_are_refused(bench: &Arc<dyn Bench>) {
    bench.seat(0, 0);
    let mut card = open(bench, 0).expect("a PIV card");
    for factory in FACTORY_PINS {
        assert!(matches!(
            card.change_pin(&factory_pin(), &secret(factory)),
            Err(PivError::PinRule(PinRule::Factory))
        ));
        assert!(matches!(
            card.unblock(&factory_puk(), &secret(factory)),
            Err(PivError::PinRule(PinRule::Factory))
        ));
    }
    for (pin, rule) in [
        (&b"12345"[..], PinRule::Length),
        (b"12345x", PinRule::NotDigits),
        (b"345678", PinRule::Trivial),
    ] {
        match card.change_pin(&factory_pin(), &secret(pin)) {
            Err(PivError::PinRule(broken)) => assert_eq!(broken, rule),
            _ => panic!("{rule:?} not seen"),
        }
    }
    // Nothing was tried on the card meanwhile.
    assert_eq!(card.tries_left().expect("tries"), Some(3));
    card.verify_pin(&factory_pin()).expect("unchanged");
}

pub fn wrong_pins_block_and_the_puk_unblocks(bench: &Arc<dyn Bench>) {
    bench.seat(0, 0);
    let plan = Plan::new();
    enrol(bench, 0, &plan);
    let mut card = open(bench, 0).expect("a PIV card");
    for tries in [2, 1] {
        match card.verify_pin(&secret(b"914266")) {
            Err(PivError::WrongPin { tries_left }) => assert_eq!(tries_left, tries),
            _ => panic!("a wrong PIN with {tries} tries left"),
        }
        assert_eq!(card.tries_left().expect("tries"), Some(tries));
    }
    // A wrong old PIN counts the same.
    assert!(matches!(
        card.change_pin(&secret(b"914266"), &secret(b"553917")),
        Err(PivError::PinBlocked)
    ));
    assert_eq!(card.tries_left().expect("tries"), Some(0));
    // Blocked for the right PIN too, and over a power cycle.
    assert!(matches!(
        card.verify_pin(&plan.pin),
        Err(PivError::PinBlocked)
    ));
    drop(card);
    bench.unseat(0);
    bench.seat(0, 0);
    let mut card = open(bench, 0).expect("a PIV card");
    assert!(matches!(
        card.verify_pin(&plan.pin),
        Err(PivError::PinBlocked)
    ));

    card.unblock(&plan.puk, &secret(b"10293847"))
        .expect("unblocked");
    assert_eq!(card.tries_left().expect("tries"), Some(3));
    assert!(matches!(
        card.verify_pin(&plan.pin),
        Err(PivError::WrongPin { tries_left: 2 })
    ));
    card.verify_pin(&secret(b"10293847")).expect("the new PIN");
    card.sign(SigningSlot::Authentication, &[7; 32])
        .expect("the keys are as before");
}

pub fn a_wrong_puk_is_counted(bench: &Arc<dyn Bench>) {
    bench.seat(0, 0);
    let plan = Plan::new();
    enrol(bench, 0, &plan);
    let mut card = open(bench, 0).expect("a PIV card");
    for tries in [2, 1] {
        match card.unblock(&factory_puk(), &secret(b"553917")) {
            Err(PivError::WrongPuk { tries_left }) => assert_eq!(tries_left, Some(tries)),
            _ => panic!("a wrong PUK with {tries} tries left"),
        }
    }
    for puk in [&factory_puk(), &plan.puk] {
        assert!(matches!(
            card.unblock(puk, &secret(b"553917")),
            Err(PivError::PukBlocked)
        ));
    }
    card.verify_pin(&plan.pin)
        .expect("the PIN is not concerned");
}

/// An unblocking that does not know which of two PUKs the card has tries both, and the
/// one that was used is another one from then on: the tries are full again each time.
pub fn a_puk_that_was_used_is_changed(bench: &Arc<dyn Bench>) {
    bench.seat(0, 0);
    let plan = Plan::new();
    enrol(bench, 0, &plan);
    let mut card = open(bench, 0).expect("a PIV card");
    let next = secret(b"73920581");
    let pins = [secret(b"553917"), secret(b"10293847")];
    for (wrong, has, becomes, pin) in [
        (&next, &plan.puk, &next, &pins[0]),
        (&plan.puk, &next, &plan.puk, &pins[1]),
    ] {
        match card.unblock(wrong, pin) {
            Err(PivError::WrongPuk { tries_left }) => assert_eq!(tries_left, Some(2)),
            _ => panic!("the other PUK"),
        }
        card.unblock(has, pin).expect("unblocked");
        card.verify_pin(pin).expect("the new PIN");
        card.change_puk(has, becomes).expect("another PUK");
        // A card need not say here how many tries are left.
        match card.change_puk(has, becomes) {
            Err(PivError::WrongPuk { tries_left }) => assert_ne!(tries_left, Some(1)),
            _ => panic!("the PUK that was used"),
        }
        card.change_puk(becomes, becomes).expect("the other PUK");
        card.verify_pin(pin).expect("the PIN is not concerned");
    }
}

pub fn signatures_are_true_and_9c_wants_its_pin_each_time(bench: &Arc<dyn Bench>) {
    bench.seat(0, 0);
    let plan = Plan::new();
    let points = enrol(bench, 0, &plan);
    let mut card = open(bench, 0).expect("a PIV card");
    let digest = [0x5A; 32];
    assert!(matches!(
        card.sign(SigningSlot::Authentication, &digest),
        Err(PivError::PinNeeded {
            slot: Slot::Authentication
        })
    ));

    let approval = card.sign_with_fresh_pin(&plan.pin, &digest).expect("9C");
    assert!(piv::verify(&points[1], &digest, &approval));
    assert!(openssl::verifies(&points[1], &digest, &approval));
    assert!(matches!(
        card.sign(SigningSlot::Signature, &digest),
        Err(PivError::PinNeeded {
            slot: Slot::Signature
        })
    ));
    // Another use in between takes the freshness away.
    card.verify_pin(&plan.pin).expect("the holder's PIN");
    let logon = card.sign(SigningSlot::Authentication, &digest).expect("9A");
    assert!(piv::verify(&points[0], &digest, &logon));
    assert!(openssl::verifies(&points[0], &digest, &logon));
    assert!(matches!(
        card.sign(SigningSlot::Signature, &digest),
        Err(PivError::PinNeeded {
            slot: Slot::Signature
        })
    ));
    // 9A goes on without.
    card.sign(SigningSlot::Authentication, &digest)
        .expect("9A again");

    // And the judges can say no.
    let mut other = digest;
    other[31] ^= 1;
    assert!(!piv::verify(&points[1], &other, &approval));
    assert!(!openssl::verifies(&points[1], &other, &approval));
    assert!(!piv::verify(&points[0], &digest, &approval));
    assert!(!openssl::verifies(&points[0], &digest, &approval));
}

pub fn key_agreement_agrees_with_openssl(bench: &Arc<dyn Bench>) {
    bench.seat(0, 0);
    let plan = Plan::new();
    let points = enrol(bench, 0, &plan);
    let peer = openssl::Peer::new();
    let mut card = open(bench, 0).expect("a PIV card");
    assert!(matches!(
        card.ecdh(&peer.point),
        Err(PivError::PinNeeded {
            slot: Slot::KeyManagement
        })
    ));
    card.verify_pin(&plan.pin).expect("the holder's PIN");
    let shared = card.ecdh(&peer.point).expect("agreed");
    assert!(shared.ct_eq(&peer.agree(&points[2])));
}

pub fn leading_zeros_of_a_shared_secret_are_kept(bench: &Arc<dyn Bench>) {
    bench.seat(0, 0);
    let plan = Plan::new();
    let points = enrol(bench, 0, &plan);
    let card_key = p256::PublicKey::from_sec1_bytes(&points[2]).expect("on the curve");
    let mut random = SystemRandom::new();
    // One secret in 256 begins with a zero byte.
    let (peer, shared) = std::iter::repeat_with(|| {
        let mut scalar = [0; 32];
        random.secret(&mut scalar).expect("random bytes");
        let key = p256::SecretKey::from_slice(&scalar).ok()?;
        let shared = p256::ecdh::diffie_hellman(key.to_nonzero_scalar(), card_key.as_affine());
        (shared.raw_secret_bytes()[0] == 0).then_some((key.public_key(), shared))
    })
    .flatten()
    .next()
    .expect("endless");
    let point = peer.to_sec1_point(false);
    let point = point.as_bytes().try_into().expect("65 bytes");
    let mut card = open(bench, 0).expect("a PIV card");
    card.verify_pin(&plan.pin).expect("the holder's PIN");
    let agreed = card.ecdh(&point).expect("agreed");
    assert_eq!(agreed.expose()[0], 0);
    assert!(agreed.ct_eq(shared.raw_secret_bytes()));
}

pub fn hostile_points_never_reach_the_card(bench: &Arc<dyn Bench>) {
    bench.seat(0, 0);
    let plan = Plan::new();
    enrol(bench, 0, &plan);
    let counted = Arc::new(AtomicUsize::new(0));
    let channel = bench.connect(0).expect("the card");
    let mut card = PivCard::open(Box::new(Counting {
        inner: channel,
        count: Arc::clone(&counted),
    }))
    .expect("a PIV card");
    card.verify_pin(&plan.pin).expect("the holder's PIN");
    let good = openssl::Peer::new().point;
    card.ecdh(&good).expect("a good point");
    let sent = counted.load(Ordering::SeqCst);

    let mut off_curve = good;
    off_curve[64] ^= 1;
    let mut hybrid = good;
    hybrid[0] = 0x06;
    let mut zero = [0; 65];
    zero[0] = 4;
    let mut beyond = [0xFF; 65];
    beyond[0] = 4;
    for (name, point) in [
        ("off the curve", off_curve),
        ("hybrid form", hybrid),
        ("all zero", zero),
        ("beyond the field", beyond),
        ("infinity", [0; 65]),
    ] {
        assert!(
            matches!(card.ecdh(&point), Err(PivError::PointNotOnCurve)),
            "{name}"
        );
    }
    assert_eq!(counted.load(Ordering::SeqCst), sent);
}

pub fn management_authenticates_both_ways(bench: &Arc<dyn Bench>) {
    bench.seat(0, 0);
    let random: &mut dyn RandomSource = &mut SystemRandom::new();
    let mut card = open(bench, 0).expect("a PIV card");
    assert_eq!(
        card.strongest_management_algorithm(),
        ManagementAlgorithm::Aes256
    );
    let wrong = ManagementKey::random(ManagementAlgorithm::Tdes, random).expect("a key");
    let other = ManagementKey::random(ManagementAlgorithm::Aes256, random).expect("a key");
    for key in [&wrong, &other] {
        assert!(matches!(
            card.authenticate_management(key, random),
            Err(PivError::WrongManagementKey)
        ));
        assert!(matches!(
            card.authenticate_management_one_way(key),
            Err(PivError::WrongManagementKey)
        ));
    }
    // A refused key opens nothing.
    assert!(matches!(
        card.generate(Slot::Signature),
        Err(PivError::ManagementNeeded { .. })
    ));
    let mut current = ManagementKey::factory();
    for algorithm in [
        ManagementAlgorithm::Aes256,
        ManagementAlgorithm::Aes256,
        ManagementAlgorithm::Tdes,
    ] {
        card.authenticate_management_one_way(&current)
            .expect("one way");
        drop(card);
        card = open(bench, 0).expect("a PIV card");
        let next = ManagementKey::random(algorithm, random).expect("a key");
        assert!(matches!(
            card.set_management_key(&next),
            Err(PivError::ManagementNeeded { .. })
        ));
        card.authenticate_management(&current, random)
            .expect("both ways");
        card.set_management_key(&next).expect("a new key");
        drop(card);
        card = open(bench, 0).expect("a PIV card");
        assert!(matches!(
            card.authenticate_management(&current, random),
            Err(PivError::WrongManagementKey)
        ));
        current = next;
    }
    card.authenticate_management(&current, random)
        .expect("the last key");
}

pub fn anchors_alternate_and_survive_reinsertion(bench: &Arc<dyn Bench>) {
    bench.seat(0, 0);
    let random: &mut dyn RandomSource = &mut SystemRandom::new();
    let factory = ManagementKey::factory();
    let mut card = open(bench, 0).expect("a PIV card");
    assert_eq!(card.anchors().expect("read"), [None, None]);
    card.authenticate_management(&factory, random)
        .expect("the factory key");
    let expected = [AnchorObject::First, AnchorObject::Second];
    for number in 1..=5u64 {
        let object = card.write_anchor(&anchor(number), &rank).expect("written");
        assert_eq!(
            object,
            expected[(number as usize + 1) % 2],
            "anchor {number}"
        );
    }
    assert_eq!(
        card.anchors().expect("read"),
        [Some(anchor(5)), Some(anchor(4))]
    );
    assert!(matches!(
        card.write_anchor(&anchor(3), &rank),
        Err(PivError::AnchorNotNewer {
            on_card: 5,
            offered: 3
        })
    ));
    assert!(matches!(
        card.write_anchor(b"nonsense", &rank),
        Err(PivError::AnchorInvalid)
    ));
    assert!(matches!(
        card.write_anchor(&[0; 1906], &rank),
        Err(PivError::TooLong {
            length: 1906,
            most: 1905
        })
    ));
    drop(card);

    bench.unseat(0);
    bench.seat(0, 0);
    let mut card = open(bench, 0).expect("a PIV card");
    // Readable without PIN or key; writable only with the key.
    assert_eq!(
        card.anchors().expect("read"),
        [Some(anchor(5)), Some(anchor(4))]
    );
    assert!(matches!(
        card.write_anchor(&anchor(6), &rank),
        Err(PivError::ManagementNeeded { .. })
    ));
    card.authenticate_management(&factory, random)
        .expect("the factory key");
    // To a reader for whom the newer copy is damaged, that one goes first.
    let damaged = |bytes: &[u8]| rank(bytes).filter(|it| *it != 5);
    let object = card.write_anchor(&anchor(6), &damaged).expect("written");
    assert_eq!(object, AnchorObject::First);
    assert_eq!(
        card.anchors().expect("read"),
        [Some(anchor(6)), Some(anchor(4))]
    );
    // The largest there is.
    let full = [7u8; 1905];
    let object = card
        .write_anchor(&full, &|it| (it == full).then_some(7))
        .expect("written");
    assert_eq!(
        object,
        AnchorObject::First,
        "neither old copy is valid to this reader"
    );
    assert_eq!(card.anchors().expect("read")[0].as_deref(), Some(&full[..]));
}

pub fn certificates_come_back_whole(bench: &Arc<dyn Bench>) {
    bench.seat(0, 0);
    let random: &mut dyn RandomSource = &mut SystemRandom::new();
    let mut card = open(bench, 0).expect("a PIV card");
    card.authenticate_management(&ManagementKey::factory(), random)
        .expect("the factory key");
    // Around each edge of length encoding, of chaining and of GET RESPONSE.
    for length in [1, 127, 128, 240, 255, 256, 257, 500, 512, 1024, 1856] {
        let der: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        card.put_certificate(Slot::Authentication, &der)
            .expect("written");
        let read = card.certificate(Slot::Authentication).expect("read");
        assert_eq!(read.as_deref(), Some(&der[..]), "{length} bytes");
    }
    assert!(matches!(
        card.put_certificate(Slot::Authentication, &[0; 1857]),
        Err(PivError::TooLong {
            length: 1857,
            most: 1856
        })
    ));
    assert_eq!(card.certificate(Slot::Signature).expect("read"), None);
    let before = card.guid().expect("read");
    let guid = card.guid_or_new(random).expect("a GUID");
    assert_eq!(card.guid().expect("read"), Some(guid));
    assert!(
        before.is_none_or(|it| it == guid),
        "a GUID that is there stays"
    );
}

pub fn a_card_belongs_to_one_at_a_time(bench: &Arc<dyn Bench>) {
    bench.seat(0, 0);
    let first = bench.connect(0).expect("the card");
    assert_eq!(bench.connect(0).err(), Some(CardError::Sharing));
    let mut card = PivCard::open(first).expect("a PIV card");
    card.verify_pin(&factory_pin()).expect("the factory PIN");
    drop(card);
    // The next one finds it reset.
    let mut card = open(bench, 0).expect("the card again");
    assert_eq!(card.tries_left().expect("tries"), Some(3));
    drop(card);
    let nowhere = ReaderId("No such reader".into());
    assert_eq!(
        bench.readers().connect(&nowhere).err(),
        Some(CardError::NoReader)
    );
    bench.unseat(0);
    assert_eq!(bench.connect(0).err(), Some(CardError::Removed));
}

pub fn a_pulled_card_is_noticed_and_its_pin_forgotten(bench: &Arc<dyn Bench>) {
    bench.seat(0, 0);
    let readers = bench.readers();
    let known = readers.states().expect("states");
    let mut card = open(bench, 0).expect("a PIV card");
    card.verify_pin(&factory_pin()).expect("the factory PIN");

    // Somebody waits while another pulls. Bounded, not timed.
    let noticed = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let mut states = known.clone();
            while states[0].card_present {
                let before = states.clone();
                states = readers
                    .wait_change(&states, Duration::from_secs(5))
                    .expect("states");
                assert_ne!(states, before, "the removal was not noticed in 5 s");
            }
            states
        });
        bench.pull(0);
        waiting.join().expect("noticed")
    });
    assert_ne!(noticed[0].changes, known[0].changes);
    assert!(matches!(
        card.tries_left(),
        Err(PivError::Card(CardError::Removed))
    ));

    // The same card back in: the old channel stays dead.
    bench.seat(0, 0);
    let back = readers.states().expect("states");
    assert_ne!(back[0].changes, noticed[0].changes);
    assert!(matches!(
        card.tries_left(),
        Err(PivError::Card(CardError::Removed))
    ));
    drop(card);
    let mut card = open(bench, 0).expect("a PIV card");
    assert_eq!(card.tries_left().expect("tries"), Some(3), "not verified");

    // Nothing happens: the wait ends by itself, with the same states.
    let now = readers.states().expect("states");
    let later = readers
        .wait_change(&now, Duration::from_millis(50))
        .expect("states");
    assert_eq!(later, now);
    // What happened before the wait ends it at once.
    let later = readers
        .wait_change(&known, Duration::from_secs(600))
        .expect("states");
    assert_eq!(later, now);
}

pub fn swapped_cards_are_told_apart(bench: &Arc<dyn Bench>) {
    let random: &mut dyn RandomSource = &mut SystemRandom::new();
    let mut identify = |number: usize, reader: usize| {
        bench.seat(number, reader);
        let mut card = open(bench, reader).expect("a PIV card");
        card.authenticate_management(&ManagementKey::factory(), random)
            .expect("the factory key");
        card.guid_or_new(random).expect("a GUID")
    };
    // With one reader the cards are swapped; with several they sit side by
    // side, and then change places.
    let (here, there) = (0, bench.reader_count() - 1);
    let first = identify(0, here);
    if here == there {
        bench.unseat(here);
    }
    let second = identify(1, there);
    assert_ne!(first, second);
    if here != there {
        bench.unseat(here);
    }
    bench.unseat(there);
    assert_eq!(identify(1, here), second);
    bench.unseat(here);
    assert_eq!(identify(0, there), first);
}

/// How the card leaves in the middle.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cut {
    /// It never sees the command with this number, counted from 0.
    Before(usize),
    /// It has run that command, but the answer does not arrive.
    After(usize),
}

/// Enrols a card with a cut, then finishes as the station would at its next
/// start. Says whether the cut came before the enrolment was over.
fn enrol_with_cut(bench: &Arc<dyn Bench>, number: usize, reader: usize, cut: Cut) -> bool {
    let plan = Plan::new();
    let peer = openssl::Peer::new();
    bench.seat(number, reader);
    let pulled = Arc::new(AtomicBool::new(false));
    let channel = Box::new(CutAt {
        inner: bench.connect(reader).expect("the card"),
        bench: Arc::clone(bench),
        reader,
        cut,
        commands: 0,
        pulled: Arc::clone(&pulled),
    });
    let mut committed = None;
    let first = PivCard::open(channel).and_then(|mut card| {
        let points = card::before_commit(&mut card, &plan)?;
        committed = Some(points);
        card::after_commit(&mut card, &plan, &peer.point)
    });
    let came = pulled.load(Ordering::SeqCst);
    if came {
        assert!(
            matches!(first, Err(PivError::Card(CardError::Removed))),
            "{cut:?}: {first:?}"
        );
        bench.wait(reader, false);
        bench.seat(number, reader);
        let mut card = open(bench, reader).expect("the card again");
        let points = match committed {
            Some(points) => points,
            None => card::before_commit(&mut card, &plan).expect("step 1, again"),
        };
        committed = Some(points);
        card::after_commit(&mut card, &plan, &peer.point).expect("step 3, to its end");
    } else {
        first.expect("an enrolment without a cut");
    }
    let points = committed.expect("step 1 is done");

    // Whatever the cut, the card is now as planned.
    let mut card = open(bench, reader).expect("the enrolled card");
    let random: &mut dyn RandomSource = &mut SystemRandom::new();
    let seen = card.inspect(random).expect("looked at");
    assert!(
        !seen.factory_management && seen.has_anchor,
        "{cut:?}: {seen:?}"
    );
    assert_eq!(seen.certificates, Slot::ALL, "{cut:?}");
    card.authenticate_management(&plan.management, random)
        .expect("the management key that the vault holds");
    let anchors = card.anchors().expect("read");
    assert!(anchors.contains(&Some(anchor(1))), "{cut:?}");
    let digest = [0xC7; 32];
    let approval = card.sign_with_fresh_pin(&plan.pin, &digest).expect("9C");
    assert!(piv::verify(&points[1], &digest, &approval), "{cut:?}");
    let logon = card.sign(SigningSlot::Authentication, &digest).expect("9A");
    assert!(piv::verify(&points[0], &digest, &logon), "{cut:?}");
    let shared = card.ecdh(&peer.point).expect("agreed");
    assert!(shared.ct_eq(&peer.agree(&points[2])), "{cut:?}");
    card.change_puk(&plan.puk, &plan.puk)
        .expect("the PUK that the vault holds");
    came
}

pub fn an_enrolment_survives_a_pull_at_each_command(bench: &Arc<dyn Bench>) {
    // Each reader works through cuts of its own; a single one takes samples.
    let stride = if bench.reader_count() == 1 { 9 } else { 1 };
    let next = AtomicUsize::new(0);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for reader in 0..bench.reader_count() {
            let (next, over) = (&next, &over);
            scope.spawn(move || {
                while !over.load(Ordering::SeqCst) {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let command = number / 2 * stride;
                    let cut = match number % 2 {
                        0 => Cut::Before(command),
                        _ => Cut::After(command),
                    };
                    if !enrol_with_cut(bench, number, reader, cut) {
                        over.store(true, Ordering::SeqCst);
                    }
                    bench.unseat(reader);
                }
            });
        }
    });
    // Both phases were cut: step 1 alone takes more than thirty commands.
    let cuts = next.load(Ordering::SeqCst);
    assert!(cuts / 2 * stride > 40, "{cuts} cuts");
}

/// Pulls the card by a hand in the middle of its work.
struct CutAt {
    inner: Box<dyn CardChannel>,
    bench: Arc<dyn Bench>,
    reader: usize,
    cut: Cut,
    commands: usize,
    pulled: Arc<AtomicBool>,
}

impl CardChannel for CutAt {
    fn transmit(&mut self, command: &[u8]) -> Result<Response, CardError> {
        let number = self.commands;
        self.commands += 1;
        match self.cut {
            Cut::Before(at) if at == number => {
                self.pulled.store(true, Ordering::SeqCst);
                self.bench.pull(self.reader);
            }
            Cut::After(at) if at == number => {
                self.inner.transmit(command)?;
                self.pulled.store(true, Ordering::SeqCst);
                self.bench.pull(self.reader);
                return Err(CardError::Removed);
            }
            _ => {}
        }
        self.inner.transmit(command)
    }
}

/// Counts commands.
struct Counting {
    inner: Box<dyn CardChannel>,
    count: Arc<AtomicUsize>,
}

impl CardChannel for Counting {
    fn transmit(&mut self, command: &[u8]) -> Result<Response, CardError> {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.inner.transmit(command)
    }
}
