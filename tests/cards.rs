//! One suite of card tests, run on the training card and on a hardware
//! vendor's applet behind real PC/SC, each with one reader and with six.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise
#![allow(missing_docs)]

#[allow(dead_code, reason = "each test file takes what it needs")]
#[path = "support/bench.rs"]
mod bench;
#[path = "cards/card.rs"]
mod card;
#[path = "cards/openssl.rs"]
mod openssl;
#[path = "cards/suite.rs"]
mod suite;

/// The suite on one kind of bench with one number of readers.
macro_rules! on {
    ($name:ident, $bench:expr) => {
        mod $name {
            use std::sync::Arc;

            use super::{bench, suite};

            on!(@test $bench,
                a_card_as_delivered_is_blank 1,
                enrolment_leaves_a_card_that_only_its_people_can_use 1,
                factory_values_are_refused 1,
                wrong_pins_block_and_the_puk_unblocks 1,
                a_wrong_puk_is_counted 1,
                a_puk_that_was_used_is_changed 1,
                signatures_are_true_and_9c_wants_its_pin_each_time 1,
                key_agreement_agrees_with_openssl 1,
                leading_zeros_of_a_shared_secret_are_kept 1,
                hostile_points_never_reach_the_card 1,
                management_authenticates_both_ways 1,
                anchors_alternate_and_survive_reinsertion 1,
                certificates_come_back_whole 1,
                a_card_belongs_to_one_at_a_time 1,
                a_pulled_card_is_noticed_and_its_pin_forgotten 1,
                swapped_cards_are_told_apart 2,
                an_enrolment_survives_a_pull_at_each_command 200,
            );
        }
    };
    (@test $bench:expr, $($test:ident $cards:literal),* $(,)?) => {
        $(
            #[test]
            fn $test() {
                let bench: fn(usize) -> Arc<dyn bench::Bench> = $bench;
                suite::$test(&bench($cards));
            }
        )*
    };
}

on!(training_card_one_reader, |cards| Arc::new(bench::training(
    1, cards
)));
on!(training_card_six_readers, |cards| Arc::new(
    bench::training(6, cards)
));
on!(real_applet_one_reader, |cards| Arc::new(bench::rig(
    1, cards
)));
on!(real_applet_six_readers, |cards| Arc::new(bench::rig(
    6, cards
)));
