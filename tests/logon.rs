//! Initialise and logon through the real station, in one suite on training
//! cards and on a hardware vendor's applet behind real PC/SC, each with one
//! reader and with six.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise
#![allow(missing_docs)]

use std::collections::BTreeMap;
use std::sync::Arc;

use conclave_evidence::authority::CardEntry;

#[path = "support/absent.rs"]
mod absent;
#[path = "logon/anchors.rs"]
mod anchors;
#[allow(dead_code, reason = "each test file takes what it needs")]
#[path = "support/bench.rs"]
mod bench;
#[path = "logon/founding.rs"]
mod founding;
#[path = "logon/hands.rs"]
mod hands;
#[path = "logon/house.rs"]
mod house;
#[path = "logon/locking.rs"]
mod locking;
#[path = "support/machines.rs"]
mod machines;
#[path = "logon/openssl.rs"]
mod openssl;
#[path = "logon/refusals.rs"]
mod refusals;
#[path = "logon/serving.rs"]
mod serving;
#[path = "logon/table.rs"]
mod table;
#[path = "logon/together.rs"]
mod together;

use house::{CARDS, House};

/// The cards of the authority record by their people's names.
fn cards_of(house: &House) -> BTreeMap<String, CardEntry> {
    let record = house.station.door().vault().authority().unwrap();
    let cards = record.cards.iter().cloned();
    cards.map(|card| (card.person_name.clone(), card)).collect()
}

/// A station from its founding on: one check after the other at the same
/// cards, for a founding with real ones takes its time.
fn a_day(bench: Arc<dyn bench::Bench>, training: bool, stride: usize) {
    let house = House::new(bench, training);
    founding::enrol_elsewhere(&house);
    let mut house = founding::founding_with_mistakes(house);
    founding::cards_are_the_stations(&mut house);
    if !training {
        house.accept_software();
    }
    let checks: [(&str, fn(&mut House)); 15] = [
        ("two groups", together::two_groups_log_on),
        ("not from here", refusals::cards_that_do_not_belong_here),
        ("twice", refusals::no_card_counts_twice),
        ("wrong PINs", refusals::wrong_pins_to_the_block),
        ("made good", refusals::a_wrong_pin_made_good_is_no_failure),
        ("two minutes", refusals::members_come_within_two_minutes),
        ("giving up", refusals::giving_up),
        ("Tab", refusals::tab_chooses_another_group),
        ("pulled at the PIN", refusals::pulled_at_the_pin),
        ("session card", serving::the_session_card),
        ("last signature", serving::the_last_signature_stays),
        ("quorum cards", serving::every_quorum_card_stays),
        ("nobody is there", serving::nobody_is_there),
        ("nobody answers", serving::nobody_answers),
        ("wiped anchor", anchors::a_wiped_anchor_is_an_alarm),
    ];
    for (name, check) in checks {
        eprintln!("check: {name}");
        check(&mut house);
    }
    eprintln!("check: pulled at each command");
    refusals::pulled_at_each_command(&mut house, stride);
    eprintln!("check: five failures");
    let house = locking::five_failures_lock(house);
    eprintln!("check: older repository");
    let house = anchors::an_older_repository_is_refused(house);
    drop(house);
}

#[test]
fn a_day_with_training_cards_and_one_reader() {
    a_day(Arc::new(bench::training(1, CARDS)), true, 1);
}

#[test]
fn a_day_with_training_cards_and_six_readers() {
    a_day(Arc::new(bench::training(6, CARDS)), true, 2);
}

#[test]
fn a_day_with_real_applets_and_one_reader() {
    a_day(Arc::new(bench::rig(1, CARDS)), false, 13);
}

#[test]
fn a_day_with_real_applets_and_six_readers() {
    a_day(Arc::new(bench::rig(6, CARDS)), false, 9);
}

#[test]
fn an_enrolment_pulled_at_each_command_is_done_in_the_end() {
    founding::enrolment_pulled_at_each_command();
}

#[test]
fn production_wants_real_cards() {
    founding::production_wants_real_cards();
}

#[test]
fn a_founding_given_up_before_its_commit_never_was() {
    founding::given_up_before_the_commit();
}

#[test]
fn a_founding_cut_after_its_commit_is_finished_at_the_next_start() {
    for (readers, stride) in [(1, 1), (6, 3)] {
        let house = House::new(Arc::new(bench::training(readers, CARDS)), true);
        let mut house = founding::cut_and_finished(house, stride);
        founding::enrol_elsewhere(&house);
        founding::cards_are_the_stations(&mut house);
    }
}
