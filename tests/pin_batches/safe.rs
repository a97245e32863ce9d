//! The safe of blank forms: counted by both, and written off.

use conclave_evidence::Id;
use conclave_keyroom::domain::form_stock::{Aside, FormStock};
use conclave_keyroom::vault::Compartment;
use conclave_trades::pin::action::{CountSafe, ReceiveStock, WriteFormsOff};

use super::pin_house::{PinHouse, csv};
use super::refusals::rule;

fn stocks(house: &PinHouse) -> Vec<FormStock> {
    let vault = house.room.vault();
    let all = vault.list::<FormStock>(Compartment::Pins, FormStock::KIND);
    let mut all: Vec<FormStock> = all.unwrap().into_iter().map(|(_, stock)| stock).collect();
    all.sort_by_key(|stock| stock.delivered);
    all
}

fn count(count: u64, counted: &str) -> CountSafe {
    CountSafe {
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
    };
    rule(house.pair(&again));
}
