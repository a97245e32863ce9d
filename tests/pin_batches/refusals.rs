//! What the room does not do, whoever signs.

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Hash};
use conclave_keyroom::domain::pin_card::{Loss, PinCard};
use conclave_keyroom::domain::pin_seen::{Reading, Shown};
use conclave_keyroom::door::{Action, ActionError, Authority, DoorError};
use conclave_keyroom::vault::Compartment;
use conclave_trades::pin::action::{
    CancelCards, IssueForms, OpenBatch, PurgeBatch, ReceiveStock, ResolveUnknown, ReturnForms,
    SpoilMailer,
};

use super::pin_acts::{confirm, export, exporting, give_back};
use super::pin_house::{OPERATOR, PAIR, PinHouse, csv};

pub fn rule<T>(done: Result<T, DoorError>) -> String {
    match done {
        Err(DoorError::Failed(ActionError::Rule { rule, advice })) => {
            assert!(!advice.is_empty());
            rule
        }
        Err(other) => panic!("no rule: {other}"),
        Ok(_) => panic!("it was done"),
    }
}

#[test]
fn a_file_is_taken_whole_once_and_as_it_was_signed() {
    let mut house = PinHouse::new();
    let file = house.sealed(csv("B-0001", 3).as_bytes());
    let good = house.opening("csv-pvv", "pin-mailer-continuous", &file, 1);
    let secret = || vec![Secret::take(&mut file.clone())];
    type Change = fn(&mut OpenBatch);
    let changes: [(&str, Change); 11] = [
        ("another file", |act| act.file = Hash([1; 32])),
        ("what was signed", |act| act.input = Hash([1; 32])),
        ("what was signed", |act| act.batch.name = "B-0009".into()),
        ("what was signed", |act| {
            act.count += 1;
            act.limits.replacements = 1;
        }),
        ("taken", |act| act.batch.id.0[15] = 1),
        ("issuer on record", |act| act.partner.signer = Hash([1; 32])),
        ("approved template", |act| {
            act.template.name = "other".into()
        }),
        ("not approved", |act| act.layout.push('\n')),
        ("layout for a", |act| {
            act.layout = super::pin_house::layout_text("component");
        }),
        ("no printer", |act| act.printer = "REP-1".into()),
        ("1 to 5 tries", |act| act.limits.tries = 6),
    ];
    for (why, change) in changes {
        let mut act = good.clone();
        change(&mut act);
        let told = rule(house.act_with(&act, &PAIR, secret()));
        assert!(told.contains(why), "{why}: {told}");
    }
    // Keys: of another use, another record, one too many.
    let mut act = good.clone();
    act.zone_key = Some(act.pin_key.clone());
    assert!(rule(house.act_with(&act, &PAIR, secret())).contains("no PIN block"));
    let mut act = good.clone();
    act.pin_key.label.push('X');
    assert!(rule(house.act_with(&act, &PAIR, secret())).contains("another key"));

    house.act_with(&good, &PAIR, secret()).unwrap();
    let all = house.room.vault().of_kind(Compartment::Pins, PinCard::KIND);
    assert_eq!(all.unwrap().0.len(), 3, "and nothing of what was refused");
    let told = rule(house.act_with(&good, &PAIR, secret()));
    assert!(told.contains("taken"), "{told}");
    let mut again = good.clone();
    again.batch.id.0[0] ^= 1;
    let told = rule(house.act_with(&again, &PAIR, secret()));
    assert!(told.contains("this file was here before"), "{told}");
    // A file that another than the issuer made.
    let text = csv("B-0003", 2).replace("BANKX;2", "BANKY;2");
    let file = house.sealed(text.as_bytes());
    let reading = house.reading("csv-pvv", "pin-mailer-continuous", &file);
    let secret = vec![Secret::take(&mut file.clone())];
    let faults = house.act_with(&reading, &[], secret).unwrap().unwrap_err();
    assert_eq!(
        faults,
        ["line 1, column 8: issuer is another issuer than BANKX"]
    );
    // A name that the form cannot print is told by its place, not quoted.
    let text = csv("B-0004", 2).replace("HOLDER 00002", "HOLDER \u{4e00}");
    let file = house.sealed(text.as_bytes());
    let reading = house.reading("csv-pvv", "pin-mailer-continuous", &file);
    let secret = vec![Secret::take(&mut file.clone())];
    let faults = house.act_with(&reading, &[], secret).unwrap().unwrap_err();
    assert_eq!(
        faults,
        ["line 3, column 26: holder has a character that the form cannot print"]
    );
}

#[test]
fn forms_are_taken_and_given_back_as_they_are() {
    let mut house = PinHouse::new();
    let file = house.sealed(csv("B-0001", 2).as_bytes());
    let batch = house.open("csv-pvv", "pin-mailer-continuous", &file, 1);
    house.forms(&batch, 100, 109);
    let lot = |first, last, lot: &str| ReceiveStock {
        id: conclave_evidence::Id([9; 16]),
        lot: lot.into(),
        first,
        last,
        form: "pin-mailer-continuous".into(),
    };
    for wrong in [
        lot(105, 120, "LOT-2"),
        lot(200, 210, "LOT-100"),
        lot(210, 200, "LOT-2"),
        lot(200, 210, ""),
        lot(200, 210, "LOT\u{1b}2"),
    ] {
        rule(house.pair(&wrong));
    }
    let issue = |first, last| IssueForms {
        batch: batch.clone(),
        first,
        last,
    };
    for (first, last) in [(100, 101), (110, 111), (109, 110)] {
        rule(house.pair(&issue(first, last)));
    }
    house.print(&batch, 9).unwrap();
    let back = |count, counted: &str| ReturnForms {
        batch: batch.clone(),
        count,
        counted: counted.into(),
    };
    // Two went home in a pocket: whoever counts does not read the answer.
    let told = rule(house.pair(&back(6, "102 to 107")));
    assert!(
        told.contains("others than these") && !told.contains("10"),
        "{told}"
    );
    let told = rule(house.pair(&back(8, "102 to 107")));
    assert!(told.contains("8 were counted, and the numbers are those of 6"));
    assert!(rule(house.pair(&back(8, "all"))).contains("no numbers of forms"));
    assert_eq!(house.batch(&batch).forms.returned.count(), 0);
    give_back(&mut house, &batch);
    rule(house.pair(&back(0, "none")));
    rule(house.pair(&back(8, "102 to 109")));
    // They may come out again, and then they are out.
    house.pair(&issue(105, 109)).unwrap();
    confirm(&mut house, &batch, 100, 101);
    let told = rule_or_refused(house.pair(&exporting(&house, &batch)));
    assert!(told.contains("5 blank forms are unaccounted for"), "{told}");
}

pub fn rule_or_refused<T>(done: Result<T, DoorError>) -> String {
    match done {
        Err(error) => error.to_string(),
        Ok(_) => panic!("it was done"),
    }
}

#[test]
fn nothing_leaves_before_it_balances_and_nothing_changes_after() {
    let mut house = PinHouse::new();
    let file = house.sealed(csv("B-0001", 3).as_bytes());
    let batch = house.open("csv-pvv", "pin-mailer-continuous", &file, 1);
    house.forms(&batch, 1, 10);
    let purge = PurgeBatch {
        batch: batch.clone(),
        receipt: "R-1 of the issuer".into(),
    };
    let cancel = |card| CancelCards {
        batch: batch.clone(),
        first: card,
        last: card,
        reason: "the issuer asked for it".into(),
    };
    house.print(&batch, 2).unwrap();
    let told = rule_or_refused(house.pair(&exporting(&house, &batch)));
    assert!(told.contains("3 mailers are neither"), "{told}");
    rule(house.pair(&purge));
    rule(house.pair(&cancel(1)));
    house.pair(&cancel(3)).unwrap();
    confirm(&mut house, &batch, 1, 1);
    // Not confirmed, not unknown, no such form, no reason.
    let unknown = ResolveUnknown {
        batch: batch.clone(),
        first: 2,
        last: 2,
        found: conclave_trades::pin::action::Found::Whole(Shown { first: 2, last: 2 }),
        reason: "in the tray".into(),
    };
    rule(house.pair(&unknown));
    for (form, reason) in [(3, "torn"), (2, "x"), (2, "a\u{1b}b")] {
        let act = SpoilMailer {
            batch: batch.clone(),
            first: form,
            last: form,
            loss: Loss::Damaged,
            reading: Reading::Nothing,
            reason: reason.into(),
        };
        rule(house.pair(&act));
    }
    confirm(&mut house, &batch, 2, 2);
    give_back(&mut house, &batch);
    rule(house.pair(&purge));
    let mut early = exporting(&house, &batch);
    early.output = 7;
    rule_or_refused(house.pair(&early));
    let (_, text) = export(&mut house, &batch);
    assert!(text.ends_with("count;3;2;1\n"), "{text}");
    for told in [
        rule(house.pair(&cancel(3))),
        rule_or_refused(house.pair(&exporting(&house, &batch))),
        rule_or_refused(house.print(&batch, 1).map(drop)),
    ] {
        assert!(told.contains("the output has left"), "{told}");
    }
    rule(house.pair(&purge));
    // Other numbers than the batch's are not signed.
    let (own, _) = house.reconciling(&batch);
    let mut other = own.clone();
    other.numbers[1] = "mailers confirmed: 3".into();
    rule(house.pair(&other));
    house.pair(&own).unwrap();
    rule(house.pair(&own));
    house.pair(&purge).unwrap();
    rule(house.pair(&purge));
}

#[test]
fn one_of_the_pair_is_not_enough() {
    let mut house = PinHouse::new();
    let file = house.sealed(csv("B-0001", 2).as_bytes());
    let batch = house.open("csv-pvv", "pin-mailer-continuous", &file, 1);
    house.forms(&batch, 1, 10);
    house.print(&batch, 2).unwrap();
    let act = conclave_trades::pin::action::ConfirmMailers {
        batch: batch.clone(),
        first: 1,
        last: 2,
        shows: Shown { first: 1, last: 2 },
    };
    let twice = ("Pavel", GroupId::PinOperators);
    for signers in [&[OPERATOR][..], &[], &[OPERATOR, twice]] {
        let done = house.act(&act, signers);
        assert!(matches!(done, Err(DoorError::Refused(_))), "{signers:?}");
    }
    house.pair(&act).unwrap();
    // Every act of the room names both groups.
    for authority in [act.authority(), exporting(&house, &batch).authority()] {
        for group in GroupId::PIN_ROOM {
            assert!(authority.parts().contains(&&Authority::Quorum(group)));
        }
    }
}
