use std::collections::{BTreeMap, BTreeSet};

use conclave_evidence::{Hash, Id};
use proptest::prelude::*;

use super::*;
use crate::domain::form_stock::{Aside, LAST_FORM};
use crate::domain::pin_ahead::Ahead;
use crate::domain::pin_batch::{Cards, Exported, Limits, Reconciled, Signing, Stage};
use crate::domain::pin_card::{CardText, Loss, PinCard, Values};
use crate::domain::pin_seen::Shown;

fn batch(count: u32, replaces: bool, limits: (u16, u32)) -> PinBatch {
    PinBatch {
        id: Id([0; 16]),
        incarnation: Id([0; 16]),
        name: "B-1".into(),
        issuer: "BANKX".into(),
        partner: Id([0; 16]),
        template: "csv-pvv".into(),
        template_digest: Hash([0; 32]),
        layout: "pin-mailer-continuous".into(),
        layout_digest: Hash([0; 32]),
        form: String::new(),
        across: 1,
        printer: "PIN-1".into(),
        input: Hash([0; 32]),
        count,
        method: "random PIN, Visa PVV".into(),
        replaces,
        pin_key: Id([0; 16]),
        zone_key: None,
        cvv_key: None,
        limits: Limits {
            tries: limits.0,
            replacements: limits.1,
        },
        raised: Vec::new(),
        cards: Cards {
            waiting: Ranges::of(1, count.into()),
            ..Cards::default()
        },
        window: Vec::new(),
        printed: Vec::new(),
        replaced: 0,
        forms: BatchForms::default(),
        opened: Signing {
            at_ms: 0,
            people: Vec::new(),
        },
        hand_overs: Vec::new(),
        said: Vec::new(),
        followed: Vec::new(),
        printers: Vec::new(),
        test_prints: Vec::new(),
        outputs: 0,
        passed_over_outputs: 0,
        lost_a_range: false,
        exported: None,
        lost_outputs: Vec::new(),
        reconciled: None,
        purged_ms: None,
    }
}

fn card(number: u32) -> PinCard {
    PinCard {
        batch: Id([0; 16]),
        number,
        pan: CardText::from("4111111111111111"),
        sequence: "00".into(),
        expiry: None,
        service_code: None,
        holder: None,
        address: Vec::new(),
        host: BTreeMap::new(),
        language: None,
        pin_length: 4,
        pin_block: None,
        reference: None,
        attempt: 0,
        form: None,
        tracking: None,
        values: None,
        lost: Vec::new(),
    }
}

/// A batch with its cards' records, played as the actions do it.
struct Play {
    batch: PinBatch,
    cards: BTreeMap<u32, PinCard>,
    /// Before the window.
    before: BTreeMap<u32, PinCard>,
}

impl Play {
    fn of(count: u32, replaces: bool) -> Self {
        Self {
            batch: batch(count, replaces, (3, 100)),
            cards: (1..=count).map(|n| (n, card(n))).collect(),
            before: BTreeMap::new(),
        }
    }

    fn intend(&mut self, most: usize) -> Result<Vec<Mailer>, RunError> {
        let lies = self.batch.next_form().unwrap_or(0);
        let window = self.batch.intend(most, lies)?.to_vec();
        self.before = self.cards.clone();
        for Mailer { card, form } in &window {
            let card = self.cards.get_mut(card).unwrap();
            card.is_printed(*form, None, Some(Values::default()));
        }
        Ok(window)
    }

    fn printed(&mut self, sent: usize, unknown: usize) {
        for mailer in self.batch.window.iter().skip(sent + unknown) {
            let before = self.before[&mailer.card].clone();
            self.cards.insert(mailer.card, before);
        }
        self.ended(Left {
            sent,
            unknown,
            cut_short: false,
        });
    }

    fn ended(&mut self, left: Left) {
        self.batch.printed(left).unwrap();
    }

    /// People read on the forms what the records have on them.
    fn confirm(&mut self, first: u64, last: u64) -> Result<u32, RunError> {
        self.says_whole(first, last, State::Sent)
    }

    fn found_whole(&mut self, form: u64) -> Result<u32, RunError> {
        self.says_whole(form, form, State::Unknown)
    }

    fn says_whole(&mut self, first: u64, last: u64, from: State) -> Result<u32, RunError> {
        let on = |form| self.batch.card_on(form).unwrap_or_default();
        let shown = Shown {
            first: on(first),
            last: on(last),
        };
        self.batch.confirm((first, last), shown, from)
    }

    fn spoil(&mut self, number: u32, loss: Loss) -> Result<State, RunError> {
        let card = self.cards.get_mut(&number).unwrap();
        self.batch.spoil(card, loss, 7)
    }
}

#[test]
fn a_batch_with_a_jam_a_power_cut_and_a_damaged_form_balances() {
    let mut play = Play::of(4, true);
    play.batch.forms.take(1000, 1012).unwrap();
    play.batch.forms.set_aside(1000, 1000, Aside::Test).unwrap();
    let window = play.intend(3).unwrap();
    assert_eq!((window[0].card, window[0].form), (1, 1001));
    // One was sent, the printer broke in the second, the third never began.
    play.printed(1, 1);
    assert_eq!(play.batch.state_of(3), Some(State::Queued));
    assert_eq!(play.cards[&3].attempt, 0);
    // The power goes with two on their way.
    play.intend(2).unwrap();
    assert_eq!(play.batch.stage(), Stage::Interrupted);
    assert_eq!(play.confirm(1001, 1001), Err(RunError::Interrupted(2)));
    assert_eq!(play.batch.interrupted(), Ok(2));
    assert_eq!(play.batch.may_export(), Err(RunError::Open(4)));
    assert_eq!(play.batch.balance().unknown, 3);
    // Two lie there whole, one is torn, one is not there.
    assert_eq!(play.confirm(1001, 1002), Err(RunError::Form(1002)));
    assert_eq!(play.confirm(1001, 1001), Ok(1));
    assert_eq!(play.found_whole(1001), Err(RunError::Form(1001)));
    assert_eq!(play.found_whole(1002), Ok(1));
    assert_eq!(play.spoil(3, Loss::Damaged), Ok(State::Queued));
    assert_eq!(play.spoil(4, Loss::Missing), Ok(State::Queued));
    let second = play.intend(5).unwrap();
    assert_eq!(
        second[0],
        Mailer {
            card: 3,
            form: 1005
        }
    );
    play.printed(2, 0);
    assert_eq!(play.confirm(1003, 1003), Err(RunError::Form(1003)));
    assert_eq!(play.confirm(1005, 1006), Ok(2));
    assert_eq!(play.batch.stage(), Stage::Counting);
    assert_eq!(play.batch.may_export(), Err(RunError::Stock(6)));
    assert_eq!(play.batch.return_rest().unwrap().words(), "1007 to 1012");
    let balance = play.batch.may_export().unwrap();
    assert_eq!(
        (
            balance.confirmed,
            balance.spoiled,
            balance.test,
            balance.issued
        ),
        (4, 1, 1, 13)
    );
    assert_eq!(balance.missing, 1);
    // A sum that is greater than what was taken out is no balance.
    play.batch.forms.gone += 1;
    assert_eq!(play.batch.may_export(), Err(RunError::Surplus(1)));
    play.batch.forms.gone -= 1;
    // What went back may come out again.
    play.batch.forms.take(1008, 1009).unwrap();
    assert_eq!(play.batch.may_export(), Err(RunError::Stock(2)));
}

#[test]
fn a_form_of_which_not_all_bytes_left_is_no_mailer() {
    let mut play = Play::of(2, true);
    play.batch.forms.take(1, 5).unwrap();
    play.intend(2).unwrap();
    play.ended(Left {
        sent: 1,
        unknown: 1,
        cut_short: true,
    });
    assert_eq!(play.batch.state_of(2), Some(State::Unknown));
    assert_eq!(play.found_whole(2), Err(RunError::CutShort(2)));
    assert_eq!(play.spoil(2, Loss::Damaged), Ok(State::Queued));
    // Its replacement is a mailer like any.
    assert_eq!(play.intend(1).unwrap()[0].form, 3);
    play.printed(0, 1);
    assert_eq!(play.found_whole(3), Ok(1));
}

#[test]
fn an_output_that_did_not_arrive_is_written_again_and_nothing_else_changes() {
    let mut play = Play::of(1, true);
    play.batch.forms.take(1, 1).unwrap();
    play.intend(1).unwrap();
    play.printed(1, 0);
    play.confirm(1, 1).unwrap();
    let signed = play.batch.opened.clone();
    let output = Exported {
        file: Hash([1; 32]),
        name: "PIN-B-1-01-TEST/output.p7m".into(),
        medium: "STICK-1".into(),
        card_values: None,
        known_by: None,
        again: None,
        signed: signed.clone(),
    };
    let lose = |batch: &mut PinBatch| batch.lose_output("lost in the post".into(), signed.clone());
    assert_eq!(lose(&mut play.batch), Err(RunError::NoOutput));
    play.batch.exported = Some(output.clone());
    play.batch.reconciled = Some(Reconciled {
        sheet: Hash([2; 32]),
        signed: signed.clone(),
    });
    assert_eq!(play.batch.may_export(), Err(RunError::Over));
    assert_eq!(lose(&mut play.batch), Ok(()));
    assert_eq!(play.batch.lost_outputs[0].output, output);
    assert_eq!(play.batch.stage(), Stage::Balanced);
    assert!(play.batch.may_export().is_ok());
    // A mailer that is spoiled now would make the two outputs differ.
    assert_eq!(play.spoil(1, Loss::Missing), Err(RunError::Over));
    play.batch.exported = Some(output);
    play.batch.purged_ms = Some(1);
    assert_eq!(lose(&mut play.batch), Err(RunError::Over));
}

#[test]
fn a_pin_that_cannot_change_is_never_printed_again() {
    let mut play = Play::of(1, false);
    play.batch.forms.take(1, 5).unwrap();
    play.intend(1).unwrap();
    play.printed(1, 0);
    assert_eq!(play.spoil(1, Loss::Missing), Ok(State::Cancelled));
    assert_eq!(play.intend(1), Err(RunError::NothingWaits));
}

#[test]
fn tries_and_replacements_end() {
    for (tries, replacements, wanted) in [(3, 100, 3), (9, 1, 2)] {
        let mut play = Play::of(1, true);
        play.batch.limits = Limits {
            tries,
            replacements,
        };
        play.batch.forms.take(1, 9).unwrap();
        let mut attempts = 0;
        while play.intend(1).is_ok() {
            play.printed(1, 0);
            attempts += 1;
            play.spoil(1, Loss::Damaged).unwrap();
        }
        assert_eq!(attempts, wanted);
        assert_eq!(play.batch.state_of(1), Some(State::Cancelled));
        assert_eq!(play.cards[&1].lost.len(), wanted);
    }
}

#[test]
fn what_does_not_follow() {
    let mut play = Play::of(2, true);
    play.batch.forms.take(1000, 1001).unwrap();
    assert_eq!(play.confirm(1000, 1000), Err(RunError::Form(1000)));
    assert!(play.spoil(1, Loss::Blank).is_err());
    assert_eq!(play.batch.cancel(7, 7), Err(RunError::NoCard(7)));
    assert_eq!(play.batch.cancel(1, 3), Err(RunError::NoCard(3)));
    assert_eq!(play.batch.cancel(1, u32::MAX), Err(RunError::NoCard(3)));
    assert!(play.batch.cancel(2, 1).is_err());
    play.intend(1).unwrap();
    assert!(play.intend(1).is_err(), "one window at a time");
    assert!(play.batch.printed.len() == 1);
    play.printed(1, 0);
    assert_eq!(play.confirm(1000, 1001), Err(RunError::Form(1001)));
    assert_eq!(play.batch.state_of(1), Some(State::Sent), "nothing changed");
    play.confirm(1000, 1000).unwrap();
    assert!(play.batch.cancel(1, 2).is_err());
    let forms = &mut play.batch.forms;
    assert!(forms.set_aside(1000, 1000, Aside::Test).is_err());
    for (first, last) in [
        (1001, 1010),
        (9, 8),
        (LAST_FORM, LAST_FORM + 1),
        (u64::MAX, u64::MAX),
        (1, 1_000_001),
    ] {
        assert!(forms.take(first, last).is_err(), "{first} to {last}");
    }
    assert_eq!(forms.issued.count(), 2);
    play.intend(9).unwrap();
    play.printed(0, 0);
    assert_eq!(play.cards[&2].attempt, 0);
    assert_eq!(play.batch.cancel(2, 2), Ok(1));
    play.batch.return_rest().unwrap();
    play.batch.may_export().unwrap();
    let mut few = Play::of(2, true);
    assert_eq!(few.intend(2), Err(RunError::NoForms));
    few.batch.forms.take(1, 1).unwrap();
    assert_eq!(few.intend(2).unwrap().len(), 1);
}

fn forms(window: &[Mailer]) -> Vec<u64> {
    window.iter().map(|mailer| mailer.form).collect()
}

#[test]
fn a_window_ends_at_a_gap_and_what_lies_behind_it_is_read_first() {
    let mut play = Play::of(6, true);
    play.batch.take_forms(48, 53).unwrap();
    play.batch.forms.set_aside(50, 50, Aside::Spoiled).unwrap();
    let other = |lies, next| Err(RunError::OtherForm { lies, next });
    assert_eq!(play.batch.intend(6, 49).map(drop), other(49, 48));
    assert_eq!(forms(&play.intend(6).unwrap()), [48, 49]);
    assert_eq!(play.batch.form_after(49), 50);
    play.printed(2, 0);
    // The form that the paper has next is not the next one on record.
    assert_eq!(play.batch.intend(6, 50).map(drop), other(50, 51));
    assert_eq!(forms(&play.intend(6).unwrap()), [51, 52, 53]);
    play.printed(3, 0);
    assert_eq!(play.intend(6), Err(RunError::NoForms));
}

#[test]
fn two_forms_beside_one_another_are_one_row() {
    let mut play = Play::of(5, true);
    play.batch.across = 2;
    assert_eq!(play.batch.take_forms(11, 15), Err(RunError::Rows(2)));
    play.batch.take_forms(11, 20).unwrap();
    play.batch.forms.set_aside(13, 13, Aside::Spoiled).unwrap();
    assert_eq!(forms(&play.intend(6).unwrap()), [11, 12]);
    // No byte has left: the row is as it was.
    play.printed(0, 0);
    assert_eq!(play.batch.forms.blank.words(), "11 to 12, 14 to 20");
    play.intend(6).unwrap();
    play.printed(2, 0);
    assert_eq!(play.intend(6), Err(RunError::Half(14)));
    play.batch.forms.set_aside(14, 14, Aside::Spoiled).unwrap();
    assert_eq!(forms(&play.intend(6).unwrap()), [15, 16, 17]);
    assert_eq!(play.batch.form_after(17), 19);
    play.printed(3, 0);
    // What stood beside the last one has left the printer with it.
    assert_eq!(play.batch.forms.spoiled.words(), "13 to 14, 18");
    assert_eq!(play.batch.next_form(), Some(19));
    play.confirm(15, 17).unwrap();
    play.confirm(11, 12).unwrap();
    play.batch.return_rest().unwrap();
    play.batch.may_export().unwrap();
    // What went back comes out again by the row.
    assert_eq!(play.batch.take_forms(20, 20), Err(RunError::Rows(2)));
    play.batch.take_forms(19, 20).unwrap();
}

/// Two-up paper that is a row ahead: what stood unused beside a mailer is a form
/// like any, and moves with its row.
#[test]
fn rows_that_ran_ahead_move_with_what_stands_beside() {
    let mut play = Play::of(6, true);
    play.batch.across = 2;
    play.batch.take_forms(11, 30).unwrap();
    // A replacement alone in its row, and an odd last row.
    play.intend(1).unwrap();
    play.printed(1, 0);
    play.intend(5).unwrap();
    play.printed(5, 0);
    assert_eq!(play.batch.forms.spoiled.words(), "12, 18");
    let ahead = |blank, first, last, shown: (u32, u32)| Ahead {
        blank,
        first,
        last,
        shown: Shown {
            first: shown.0,
            last: shown.1,
        },
    };
    let before = play.batch.clone();
    for (wrong, why) in [
        (ahead(11, 12, 18, (1, 6)), RunError::Rows(2)),
        (ahead(12, 14, 19, (2, 6)), RunError::Rows(2)),
        (ahead(11, 13, 17, (1, 4)), RunError::Behind(16)),
        (
            ahead(11, 13, 19, (1, 5)),
            RunError::Shows { form: 19, shows: 5 },
        ),
        (
            ahead(11, 13, u64::MAX, (1, 6)),
            RunError::Forms(FormsError::Reel(11, u64::MAX)),
        ),
    ] {
        assert_eq!(play.batch.move_ahead(&wrong), Err(why));
        assert_eq!(play.batch, before);
    }
    let moved = play.batch.move_ahead(&ahead(11, 13, 19, (1, 6))).unwrap();
    let moved: Vec<(u32, u64)> = moved.iter().map(|m| (m.card, m.form)).collect();
    assert_eq!(
        moved,
        [(1, 13), (2, 15), (3, 16), (4, 17), (5, 18), (6, 19)]
    );
    for (card, form) in moved {
        play.cards.get_mut(&card).unwrap().form = Some(form);
        assert_eq!(play.batch.card_on(form), Some(card));
    }
    // The row that was fed, the gap of the first mailer, and beside the last.
    assert_eq!(play.batch.forms.spoiled.words(), "11 to 12, 14, 20");
    assert_eq!(play.batch.next_form(), Some(21));
    play.confirm(13, 13).unwrap();
    play.confirm(15, 19).unwrap();
    play.batch.return_rest().unwrap();
    let balance = play.batch.may_export().unwrap();
    assert_eq!((balance.confirmed, balance.spoiled), (6, 4));
}

#[derive(Clone, Debug)]
enum Step {
    Print(usize, usize, bool),
    Cut(usize),
    Confirm(u64),
    Spoil(u32),
    Cancel(u32),
    Aside(usize, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (1..4usize, 0..4usize, any::<bool>())
            .prop_map(|(n, sent, broke)| { Step::Print(n, sent, broke) }),
        (1..4usize).prop_map(Step::Cut),
        (1..20u64).prop_map(Step::Confirm),
        (1..7u32).prop_map(Step::Spoil),
        (1..7u32).prop_map(Step::Cancel),
        (0..20usize, 0..3usize).prop_map(|(at, why)| Step::Aside(at, why)),
    ];
    prop::collection::vec(step, 0..80)
}

proptest! {
    /// Whatever happens in whatever order: no PIN goes to the printer twice, no
    /// form is used twice, a confirmed card stays until it is spoiled, and the forms add up.
    #[test]
    fn exactly_once(steps in steps(), replaceable in any::<bool>(), across in 1..3u8) {
        let mut play = Play::of(6, replaceable);
        play.batch.across = across;
        play.batch.take_forms(1, 20).unwrap();
        let mut printed: BTreeSet<(u32, u16)> = BTreeSet::new();
        let mut forms = BTreeSet::new();
        let mut confirmed = BTreeSet::new();
        for step in steps {
            match step {
                Step::Print(most, sent, broke) => if let Ok(window) = play.intend(most) {
                    let sent = sent.min(window.len());
                    let unknown = usize::from(broke && sent < window.len());
                    for mailer in window.iter().take(sent + unknown) {
                        let attempt = play.cards[&mailer.card].attempt;
                        prop_assert!(printed.insert((mailer.card, attempt)), "one PIN twice");
                        prop_assert!(forms.insert(mailer.form), "one form twice");
                        prop_assert!(!confirmed.contains(&mailer.card));
                        prop_assert!(replaceable || attempt == 1);
                    }
                    play.printed(sent, unknown);
                },
                Step::Cut(most) => if let Ok(window) = play.intend(most) {
                    for mailer in window {
                        let attempt = play.cards[&mailer.card].attempt;
                        prop_assert!(printed.insert((mailer.card, attempt)), "one PIN twice");
                        prop_assert!(forms.insert(mailer.form), "one form twice");
                    }
                    play.batch.interrupted().unwrap();
                },
                Step::Confirm(form) => if play.confirm(form, form).is_ok()
                    || play.found_whole(form).is_ok() {
                    let card = play.batch.card_on(form).unwrap();
                    prop_assert_eq!(play.cards[&card].form, Some(form));
                    confirmed.insert(card);
                },
                Step::Spoil(card) => if play.spoil(card, Loss::Damaged).is_ok() {
                    confirmed.remove(&card);
                },
                Step::Cancel(card) => { let _ = play.batch.cancel(card, card); }
                Step::Aside(at, why) => {
                    let found = play.batch.forms.blank.iter().nth(at);
                    if let Some(form) = found {
                        let why = [Aside::Returned, Aside::Test, Aside::Missing][why];
                        play.batch.forms.set_aside(form, form, why).unwrap();
                    }
                }
            }
            for card in &confirmed {
                prop_assert_eq!(play.batch.state_of(*card), Some(State::Confirmed));
            }
            for number in 1..=6 {
                prop_assert!(play.batch.state_of(number).is_some());
            }
            let cards = &play.batch.cards;
            let each = [&cards.waiting, &cards.sent, &cards.confirmed, &cards.unknown, &cards.cancelled];
            prop_assert_eq!(each.iter().map(|set| set.count()).sum::<u64>(), 6);
            let balance = play.batch.balance();
            let held = play.cards.values().filter(|card| card.form.is_some()).count() as u64;
            let out = held + balance.spoiled + balance.missing + balance.test + balance.returned;
            prop_assert_eq!(balance.issued, out + play.batch.forms.blank.count());
            if play.batch.may_export().is_ok() {
                prop_assert_eq!(balance.input, balance.confirmed + balance.cancelled);
                prop_assert_eq!(held, balance.confirmed);
            }
        }
    }
}
