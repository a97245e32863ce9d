//! The safe of blank forms: counted by both, and written off.

use conclave_evidence::Id;
use conclave_keyroom::domain::form_stock::{Aside, FormStock};
use conclave_keyroom::domain::pin_card::Loss;
use conclave_keyroom::domain::pin_seen::Reading;
use conclave_keyroom::vault::Compartment;
use conclave_trades::pin::action::{
    BatchName, CountSafe, IssueForms, MissingFrom, ReceiveStock, RestockFoundForms, SetFormsAside,
    SpoilMailer, WriteFormsOff,
};

use super::pin_acts::confirm;
use super::pin_house::{PinHouse, csv, csv_of};
use super::refusals::rule;

/// The layout's name: it names no stock.
const FORM: &str = "pin-mailer-continuous";

fn stocks(house: &PinHouse) -> Vec<FormStock> {
    let vault = house.room.vault();
    let all = vault.list::<FormStock>(Compartment::Pins, FormStock::KIND);
    let mut all: Vec<FormStock> = all.unwrap().into_iter().map(|(_, stock)| stock).collect();
    all.sort_by_key(|stock| stock.delivered);
    all
}

fn count(count: u64, counted: &str) -> CountSafe {
    CountSafe {
        form: FORM.into(),
        count,
        counted: counted.into(),
    }
}

#[test]
fn the_safe_holds_what_both_count_or_somebody_looks() {
    let mut house = PinHouse::new();
    house.pair(&count(0, "")).unwrap();
    let file = house.sealed(csv("B-0001", 2).as_bytes());
    let batch = house.open("csv-pvv", "pin-mailer-continuous", &file, 1);
    // The house receives the reel and takes all of it out.
    house.forms(&batch, 100, 109);
    let receive = ReceiveStock {
        id: Id([9; 16]),
        lot: "LOT-2".into(),
        first: 200,
        last: 209,
        form: FORM.into(),
    };
    house.pair(&receive).unwrap();
    let safe: u64 = stocks(&house).iter().map(|stock| stock.safe.count()).sum();
    assert_eq!(safe, 10);

    // Whoever counts does not read the answer; one that is out is not in the safe.
    for wrong in [
        count(9, "200 to 208"),
        count(11, "109, 200 to 209"),
        count(0, ""),
    ] {
        let told = rule(house.pair(&wrong));
        assert!(told.contains("others than these"), "{told}");
        assert!(!told.contains("209"), "{told}");
    }
    assert!(rule(house.pair(&count(9, "200 to 209"))).contains("those of 10"));
    assert!(rule(house.pair(&count(9, "a box"))).contains("no numbers of forms"));
    rule(house.pair(&count(u64::MAX, "0 to 18446744073709551615")));
    assert!(
        stocks(&house)
            .iter()
            .all(|stock| stock.counted_ms.is_none())
    );
    house.pair(&count(10, "200 to 209")).unwrap();
    assert!(
        stocks(&house)
            .iter()
            .all(|stock| stock.counted_ms.is_some())
    );

    let off = |first, last, aside, reason: &str| WriteFormsOff {
        form: FORM.into(),
        first,
        last,
        aside,
        reason: reason.into(),
    };
    for wrong in [
        off(109, 109, Aside::Spoiled, "wet"),
        off(209, 210, Aside::Spoiled, "wet"),
        off(209, 208, Aside::Spoiled, "wet"),
        off(209, 209, Aside::Test, "page of X's"),
        off(209, 209, Aside::Returned, "it is there"),
        off(209, 209, Aside::Missing, ""),
    ] {
        rule(house.pair(&wrong));
    }
    let torn = off(200, 201, Aside::Spoiled, "wet, destroyed before both");
    house.pair(&torn).unwrap();
    rule(house.pair(&torn));
    let gone = off(209, 209, Aside::Missing, "the box was open");
    house.pair(&gone).unwrap();
    let second = &stocks(&house)[1];
    assert_eq!(second.safe.words(), "202 to 208");
    assert_eq!(
        (second.destroyed.words(), second.missing.words()),
        ("200 to 201".into(), "209".into())
    );
    rule(house.pair(&count(10, "200 to 209")));
    house.pair(&count(7, "202-208")).unwrap();
    // Their numbers are used up.
    let again = ReceiveStock {
        id: Id([10; 16]),
        lot: "LOT-3".into(),
        first: 209,
        last: 220,
        form: FORM.into(),
    };
    rule(house.pair(&again));
}

fn delivery(id: u8, lot: &str, form: &str, (first, last): (u64, u64)) -> ReceiveStock {
    ReceiveStock {
        id: Id([id; 16]),
        lot: lot.into(),
        first,
        last,
        form: form.into(),
    }
}

/// Forms of two layouts may have the same numbers; a batch takes its own, and each kind
/// is counted by itself.
#[test]
fn a_batch_takes_forms_of_its_own_kind_only() {
    const OTHER: &str = "pin-mailer-two-up";
    let mut house = PinHouse::new();
    rule(house.pair(&delivery(1, "LOT-A", "", (1, 20))));
    house.pair(&delivery(1, "LOT-A", OTHER, (1, 20))).unwrap();
    rule(house.pair(&delivery(2, "LOT-B", OTHER, (20, 30))));
    rule(house.pair(&delivery(2, "LOT-A", FORM, (1, 20))));
    let file = house.sealed(csv("B-0001", 2).as_bytes());
    let batch = house.open("csv-pvv", "pin-mailer-continuous", &file, 1);
    assert_eq!(house.batch(&batch).form, FORM);
    let issue = |batch: &BatchName, first, last| IssueForms {
        batch: batch.clone(),
        first,
        last,
    };
    let told = rule(house.pair(&issue(&batch, 1, 10)));
    assert_eq!(
        told,
        "form 1 is of the kind pin-mailer-two-up, and this batch is printed on \
         pin-mailer-continuous"
    );
    house.pair(&delivery(2, "LOT-B", FORM, (1, 20))).unwrap();
    house.pair(&issue(&batch, 1, 10)).unwrap();
    let of = |house: &PinHouse, form: &str| {
        let all = stocks(house).into_iter();
        all.filter(|stock| stock.form == form)
            .map(|stock| stock.safe.words())
            .collect::<String>()
    };
    assert_eq!(of(&house, OTHER), "1 to 20");
    assert_eq!(of(&house, FORM), "11 to 20");
    rule(house.pair(&count(30, "1 to 20, 11 to 20")));
    house.pair(&count(10, "11 to 20")).unwrap();
    let counted = stocks(&house)
        .into_iter()
        .filter(|s| s.counted_ms.is_some());
    assert_eq!(counted.count(), 1, "the other kind was not counted");
    let of_other = CountSafe {
        form: OTHER.into(),
        ..count(20, "1 to 20")
    };
    house.pair(&of_other).unwrap();
    // What is left goes back to its own kind.
    house.print(&batch, 2).unwrap();
    confirm(&mut house, &batch, 1, 2);
    super::pin_acts::give_back(&mut house, &batch);
    assert_eq!(of(&house, OTHER), "1 to 20");
    assert_eq!(of(&house, FORM), "3 to 20");
}

/// Blank forms that were not there lie in the safe after all: they are stock again. One
/// that had a mailer is not.
#[test]
fn missing_forms_that_lay_in_the_safe_unused_come_out_again() {
    let mut house = PinHouse::new();
    let file = house.sealed(csv("B-0001", 2).as_bytes());
    let batch = house.open("csv-pvv", "pin-mailer-continuous", &file, 1);
    house.forms(&batch, 1, 20);
    let restock = |from: &MissingFrom, first, last| RestockFoundForms {
        from: from.clone(),
        first,
        last,
        reason: "behind the other box".into(),
    };
    let of_batch = MissingFrom::Batch(batch.clone());
    rule(house.pair(&restock(&of_batch, 1, 2)));
    let gone = SetFormsAside {
        batch: batch.clone(),
        first: 1,
        last: 3,
        aside: Aside::Missing,
        reason: "the box was open".into(),
    };
    house.pair(&gone).unwrap();
    house.print(&batch, 2).unwrap();
    let lost = SpoilMailer {
        batch: batch.clone(),
        first: 4,
        last: 4,
        loss: Loss::Missing,
        reading: Reading::Nothing,
        reason: "it lay on the desk".into(),
    };
    house.pair(&lost).unwrap();
    assert_eq!(house.batch(&batch).missing_still().words(), "1 to 4");
    for (first, last) in [(4, 4), (3, 4), (1, 5), (2, 1)] {
        let told = rule(house.pair(&restock(&of_batch, first, last)));
        assert!(told.contains("while they were blank"), "{told}");
    }
    rule(house.pair(&RestockFoundForms {
        reason: String::new(),
        ..restock(&of_batch, 2, 3)
    }));
    let before = house.batch(&batch).balance();
    house.pair(&restock(&of_batch, 2, 3)).unwrap();
    rule(house.pair(&restock(&of_batch, 2, 3)));
    let record = house.batch(&batch);
    assert_eq!(record.balance(), before);
    assert_eq!(record.missing_still().words(), "1, 4");
    assert_eq!(record.missing_blank().words(), "1");
    assert_eq!(stocks(&house)[0].safe.words(), "2 to 3");
    house.pair(&count(2, "2, 3")).unwrap();

    // Another batch prints on them.
    let file = house.sealed(csv_of("B-0002", 8..=9).as_bytes());
    let next = house.open("csv-pvv", "pin-mailer-continuous", &file, 2);
    let issue = IssueForms {
        batch: next.clone(),
        first: 2,
        last: 3,
    };
    house.pair(&issue).unwrap();
    assert_eq!(house.print(&next, 2).unwrap().sent, 2);

    // The same of forms that were missing from the safe.
    house.pair(&delivery(9, "LOT-9", FORM, (100, 109))).unwrap();
    let of_safe = MissingFrom::Safe(FORM.into());
    rule(house.pair(&restock(&of_safe, 100, 100)));
    let off = WriteFormsOff {
        form: FORM.into(),
        first: 100,
        last: 101,
        aside: Aside::Missing,
        reason: "not in their box".into(),
    };
    house.pair(&off).unwrap();
    rule(house.pair(&restock(&of_safe, 100, 102)));
    rule(house.pair(&restock(
        &MissingFrom::Safe("pin-mailer-two-up".into()),
        100,
        101,
    )));
    house.pair(&restock(&of_safe, 101, 101)).unwrap();
    let stock = stocks(&house).pop().unwrap();
    assert_eq!(stock.safe.words(), "101 to 109");
    assert_eq!(stock.missing.words(), "100");
}
