//! The job that the room is for: ten thousand mailers, with a jam, a form that
//! was cut off, a power cut and a damaged form on the way, to the sheet that both
//! sign.

use std::collections::{BTreeMap, BTreeSet};

use conclave_keyroom::domain::pin_batch::Stage;
use conclave_keyroom::domain::pin_card::{Loss, PinCard};
use conclave_keyroom::door::Action;
use conclave_keyroom::ports::printer::PrinterError;
use conclave_keyroom::vault::Compartment;
use conclave_trades::pin::action::{BatchName, PrintMailers, PurgeBatch, SettleInterrupted};

use super::pin_acts::{confirm_all, export, give_back, reconcile, resolve, spoil};
use super::pin_house::{PinHouse, csv_of_one_street, tracking_on};

const CARDS: u32 = 10_000;
/// As many as a cut may leave unknown.
const WINDOW: u16 = 64;

/// How often each tracking number is on paper.
fn on_paper(house: &PinHouse) -> BTreeMap<String, usize> {
    let mut sheets = BTreeMap::new();
    for sheet in house.paper.sheets() {
        *sheets.entry(tracking_on(&sheet)).or_default() += 1;
    }
    sheets
}

/// Each unknown mailer is looked for among the sheets.
fn look(house: &mut PinHouse, batch: &BatchName) -> usize {
    let paper = on_paper(house);
    let unknown: Vec<u64> = house.batch(batch).cards.unknown.iter().collect();
    for number in &unknown {
        let card = house.card(batch, *number as u32);
        let there = paper.contains_key(card.tracking.as_ref().unwrap());
        let cut_short = house.batch(batch).cards.cut_short.contains(*number);
        let lost = match (there, cut_short) {
            (true, false) => None,
            (false, false) => Some(Loss::Blank),
            (_, true) => Some(Loss::Damaged),
        };
        resolve(house, batch, card.form.unwrap(), lost);
    }
    unknown.len()
}

#[test]
fn ten_thousand_mailers_with_a_jam_a_power_cut_and_a_damaged_form_balance_to_the_sheet() {
    let mut house = PinHouse::new();
    let file = house.sealed(csv_of_one_street("B-9999", CARDS).as_bytes());
    let batch = house.open("csv-pvv", "pin-mailer-continuous", &file, 9);
    house.forms(&batch, 100_001, 110_020);

    let (mut windows, mut unknown) = (0, 0);
    while !house.batch(&batch).cards.waiting.is_empty() {
        windows += 1;
        let stall = || "no data taken for 30 s".to_owned();
        match windows {
            20 => house.paper.fails_after(11, PrinterError::Broken(stall())),
            60 => house.paper.fails_after(5, PrinterError::CutShort(stall())),
            // The window's intent is on disk, its end is not.
            90 => house.room.memory().full_after(Some(2)),
            _ => {}
        }
        match (windows, house.print(&batch, WINDOW)) {
            (20 | 60, Ok(printed)) => assert_eq!((printed.unknown, printed.kept > 0), (1, true)),
            (90, Err(_)) => {
                house.room.memory().full_after(None);
                house.restart();
                house.act(&SettleInterrupted {}, &[]).unwrap();
                let open = house.room.vault().open_intents().unwrap();
                assert!(open.iter().all(|act| act.action != PrintMailers::NAME));
            }
            (_, printed) => assert_eq!(printed.unwrap().stopped, None),
        }
        unknown += look(&mut house, &batch);
        if windows == 40 {
            assert_eq!(spoil(&mut house, &batch, 100_777).again, 1);
        }
        if windows % 16 == 0 {
            confirm_all(&mut house, &batch);
        }
    }
    confirm_all(&mut house, &batch);
    assert_eq!(unknown, 2 + usize::from(WINDOW), "jam, cut form, power");
    assert_eq!(house.batch(&batch).stage(), Stage::Counting);
    give_back(&mut house, &batch);

    let balance = house.batch(&batch).may_export().unwrap();
    assert_eq!((balance.input, balance.confirmed), (10_000, 10_000));
    assert_eq!((balance.issued, balance.open), (10_020, 0));
    assert_eq!(balance.unaccounted(), 0);
    let used = balance.confirmed + balance.spoiled;
    assert_eq!(balance.returned, balance.issued - used);

    // By the paper: no number twice, each confirmed one once, no PIN's second
    // mailer beside a confirmed first.
    let paper = on_paper(&house);
    assert!(paper.values().all(|sheets| *sheets == 1));
    let cards: Vec<PinCard> = (1..=CARDS).map(|n| house.card(&batch, n)).collect();
    let confirmed: BTreeSet<&str> = cards
        .iter()
        .map(|card| card.tracking.as_deref().unwrap())
        .collect();
    assert_eq!(confirmed.len(), 10_000);
    assert!(confirmed.iter().all(|number| paper.contains_key(*number)));
    let again = cards.iter().filter(|card| card.attempt > 1).count();
    // The fake printer keeps no sheet of a form that it failed in: what came out
    // beside the confirmed ones is the damaged one alone.
    assert_eq!(paper.len(), 10_001);
    assert_eq!(again, 3, "the jam, the cut form, the damaged one");

    let (_, text) = export(&mut house, &batch);
    assert_eq!(text.matches(";issued;").count(), 10_000);
    assert!(text.ends_with("count;10000;10000;0\n"));
    reconcile(&mut house, &batch);
    let purge = PurgeBatch {
        batch: batch.clone(),
        receipt: "R-9999".into(),
    };
    assert_eq!(house.pair(&purge).unwrap(), CARDS);
    let left = house.room.vault().of_kind(Compartment::Pins, PinCard::KIND);
    assert_eq!(left.unwrap().0, []);
}
