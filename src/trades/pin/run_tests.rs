use super::*;
use proptest::prelude::*;

fn run(cards: usize) -> Run {
    let mut run = Run::new(cards, true, 3);
    run.take_forms(1000, 1000 + 3 * cards as u64).unwrap();
    run
}

#[test]
fn a_batch_with_a_jam_a_power_cut_and_a_damaged_form_balances() {
    let mut run = run(4);
    run.set_aside(1000, false).unwrap();
    assert_eq!(run.intend(2).unwrap(), [0, 1]);
    assert_eq!(run.intend(1).unwrap(), [2]);
    run.sent(0).unwrap();
    // The power goes: two were about to be printed.
    assert_eq!(run.interrupted(), 2);
    assert_eq!(run.may_export(), Err(RunError::Open(4)));
    run.confirm(0, 1001).unwrap();
    // One lies there whole, the other is torn and gets another PIN and form.
    run.confirm(1, 1002).unwrap();
    assert_eq!(run.spoil(2, Loss::Damaged).unwrap(), State::Queued);
    let second = run.intend(5).unwrap();
    assert_eq!(second, [2, 3]);
    assert_eq!((run.items[2].attempt, run.items[2].form), (2, Some(1004)));
    for card in second {
        run.sent(card).unwrap();
        let form = run.items[card].form.unwrap();
        run.confirm(card, form).unwrap();
    }
    assert_eq!(run.may_export(), Err(RunError::Stock(7)));
    assert_eq!(run.return_rest(), 7);
    let balance = run.may_export().unwrap();
    assert_eq!(
        (balance.confirmed, balance.spoiled, balance.test),
        (4, 1, 1)
    );
    assert_eq!(balance.issued, 4 + 1 + 1 + balance.returned);
}

#[test]
fn a_pin_that_cannot_change_is_never_printed_again() {
    let mut run = Run::new(1, false, 3);
    run.take_forms(1, 5).unwrap();
    run.intend(1).unwrap();
    run.sent(0).unwrap();
    assert_eq!(run.spoil(0, Loss::Missing).unwrap(), State::Cancelled);
    assert_eq!(run.intend(1), Err(RunError::NothingWaits));
}

#[test]
fn forms_have_a_last_number() {
    let mut run = Run::new(2, true, 3);
    for (first, last) in [(u64::MAX, u64::MAX), (LAST_FORM, LAST_FORM + 1)] {
        assert_eq!(
            run.take_forms(first, last),
            Err(RunError::Reel(first, last))
        );
    }
    run.take_forms(LAST_FORM, LAST_FORM).unwrap();
    assert_eq!(run.intend(2), Err(RunError::Form(LAST_FORM + 1)));
    // A run of before the bound.
    run.stock.issued = vec![(u64::MAX, u64::MAX)];
    assert_eq!(run.intend(2), Err(RunError::Form(u64::MAX)));
}

#[test]
fn tries_end() {
    let mut run = run(1);
    for attempt in 1..=3u16 {
        run.intend(1).unwrap();
        run.sent(0).unwrap();
        let state = run.spoil(0, Loss::Damaged).unwrap();
        assert_eq!(state == State::Cancelled, attempt == 3);
    }
}

#[test]
fn what_does_not_follow() {
    let mut run = run(2);
    assert!(run.sent(0).is_err());
    assert!(run.confirm(0, 1000).is_err());
    assert!(run.spoil(0, Loss::Blank).is_err());
    assert_eq!(run.sent(7), Err(RunError::NoCard(8)));
    run.intend(1).unwrap();
    assert!(run.confirm(0, 1000).is_err(), "not sent, and not unknown");
    run.sent(0).unwrap();
    assert_eq!(run.confirm(0, 1001), Err(RunError::Form(1001)));
    run.confirm(0, 1000).unwrap();
    assert!(run.spoil(0, Loss::Damaged).is_err());
    assert!(run.cancel(0).is_err());
    assert_eq!(run.set_aside(1000, false), Err(RunError::Form(1000)));
    assert_eq!(run.take_forms(1003, 1010), Err(RunError::Reel(1003, 1010)));
    assert_eq!(run.take_forms(9, 8), Err(RunError::Reel(9, 8)));
    let mut few = Run::new(2, true, 3);
    few.take_forms(1, 1).unwrap();
    assert_eq!(few.intend(2), Err(RunError::Form(2)));
    assert_eq!(few.items[0].state, State::Queued, "nothing was changed");
}

#[derive(Clone, Debug)]
enum Step {
    Intend(usize),
    Sent(usize),
    Interrupted,
    Confirm(usize),
    Spoil(usize),
    Cancel(usize),
    Aside(usize, bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (1..4usize).prop_map(Step::Intend),
        (0..6usize).prop_map(Step::Sent),
        Just(Step::Interrupted),
        (0..6usize).prop_map(Step::Confirm),
        (0..6usize).prop_map(Step::Spoil),
        (0..6usize).prop_map(Step::Cancel),
        (0..20usize, any::<bool>()).prop_map(|(at, back)| Step::Aside(at, back)),
    ];
    prop::collection::vec(step, 0..80)
}

proptest! {
    /// Whatever happens in whatever order: no PIN goes to the printer twice, no
    /// form is used twice, a confirmed card stays, and the forms add up.
    #[test]
    fn exactly_once(steps in steps(), replaceable in any::<bool>()) {
        let mut run = Run::new(6, replaceable, 3);
        run.take_forms(1, 19).unwrap();
        let mut printed: BTreeSet<(usize, u16)> = BTreeSet::new();
        let mut confirmed = BTreeSet::new();
        for step in steps {
            match step {
                Step::Intend(window) => {
                    for card in run.intend(window).unwrap_or_default() {
                        let item = run.items[card];
                        prop_assert!(printed.insert((card, item.attempt)), "one PIN twice");
                        prop_assert!(!confirmed.contains(&card));
                        prop_assert!(replaceable || item.attempt == 1);
                    }
                }
                Step::Sent(card) => { let _ = run.sent(card); }
                Step::Interrupted => { run.interrupted(); }
                Step::Confirm(card) => {
                    let form = run.items[card].form.unwrap_or_default();
                    if run.confirm(card, form).is_ok() { confirmed.insert(card); }
                }
                Step::Spoil(card) => { let _ = run.spoil(card, Loss::Damaged); }
                Step::Cancel(card) => { let _ = run.cancel(card); }
                Step::Aside(at, back) => {
                    if let Some(form) = run.blank().get(at).copied() {
                        run.set_aside(form, back).unwrap();
                    }
                }
            }
            for card in &confirmed {
                prop_assert_eq!(run.items[*card].state, State::Confirmed);
            }
            let balance = run.balance();
            let held = run.items.iter().filter(|item| item.form.is_some()).count() as u64;
            let out = held + balance.spoiled + balance.test + balance.returned;
            prop_assert_eq!(balance.issued, out + run.blank().len() as u64);
            if run.may_export().is_ok() {
                prop_assert_eq!(balance.input, balance.confirmed + balance.cancelled);
                prop_assert_eq!(held, balance.confirmed);
            }
        }
    }
}
