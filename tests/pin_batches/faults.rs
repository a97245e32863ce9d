//! The power goes at each write; a printer fails in every way.

use std::collections::BTreeSet;

use conclave_keyroom::domain::pin_batch::{PinBatch, State};
use conclave_keyroom::domain::pin_card::Loss;
use conclave_keyroom::domain::pin_seen::Shown;
use conclave_keyroom::door::{Action, DoorError};
use conclave_keyroom::ports::printer::PrinterError;
use conclave_trades::pin::action::{
    BatchName, ConfirmMailers, Found, HandOverBatch, PrintMailers, ResolveUnknown,
    SettleInterrupted,
};

use super::pin_acts::{confirm, export, give_back, resolve, shown, spoil};
use super::pin_house::{PinHouse, csv};

fn opened(cards: u32) -> (PinHouse, BatchName) {
    let mut house = PinHouse::new();
    let file = house.sealed(csv("B-0002", cards).as_bytes());
    let batch = house.open("csv-pvv", "pin-mailer-continuous", &file, 2);
    house.forms(&batch, 1, 40);
    (house, batch)
}

/// What people find when they are back: which forms came out whole.
fn whole(house: &PinHouse) -> BTreeSet<String> {
    let sheets = house.paper.sheets();
    sheets
        .iter()
        .map(|sheet| String::from_utf8_lossy(sheet).into_owned())
        .collect()
}

/// Settles what a cut left, as people do who look at the forms.
fn settle(house: &mut PinHouse, batch: &BatchName) {
    let record = house.batch(batch);
    let open = house.room.vault().open_intents().unwrap();
    let cut = open.iter().any(|act| act.action == PrintMailers::NAME);
    if !record.window.is_empty() || cut {
        house.act(&SettleInterrupted {}, &[]).unwrap();
    }
    let open = house.room.vault().open_intents().unwrap();
    assert!(open.iter().all(|act| act.action != PrintMailers::NAME));
    let record: PinBatch = house.batch(batch);
    assert!(record.window.is_empty());
    for card in record.cards.unknown.iter() {
        let card = house.card(batch, card as u32);
        let tracking = card.tracking.as_ref().unwrap();
        let there = whole(house).iter().any(|sheet| sheet.contains(tracking));
        let found = match there {
            true => None,
            false => Some(Loss::Blank),
        };
        resolve(house, batch, card.form.unwrap(), found);
    }
}

#[test]
fn the_power_goes_at_each_write_and_no_pin_is_on_two_forms() {
    let (mut house, batch) = opened(6);
    let ready = house.room.memory().content();
    let mut cuts = 0;
    for cut in 0.. {
        house.paper.0.lock().unwrap().sheets.clear();
        house.room.memory().put_back(ready.clone());
        house.restart();
        house.room.memory().full_after(Some(cut));
        // Two windows and a confirmation: as far as the power lasts.
        let first = house.print(&batch, 2);
        let second = first.as_ref().ok().map(|_| house.print(&batch, 2));
        let over = matches!(second, Some(Ok(_)));
        house.room.memory().full_after(None);
        house.restart();
        settle(&mut house, &batch);
        // The rest, until nothing waits.
        while house.print(&batch, 4).is_ok() {}
        let record = house.batch(&batch);
        assert!(record.cards.waiting.is_empty() && record.cards.unknown.is_empty());
        for card in record.cards.sent.iter() {
            let form = house.card(&batch, card as u32).form.unwrap();
            confirm(&mut house, &batch, form, form);
        }
        give_back(&mut house, &batch);
        let balance = house.batch(&batch).may_export().unwrap();
        assert_eq!(balance.confirmed, 6, "cut {cut}");
        // Each confirmed card has one form that came out, each form one PIN.
        let sheets = house.paper.sheets();
        assert_eq!(
            whole(&house).len(),
            sheets.len(),
            "cut {cut}: one form twice"
        );
        for number in 1..=6 {
            let card = house.card(&batch, number);
            let tracking = card.tracking.unwrap();
            let on = |sheet: &&Vec<u8>| String::from_utf8_lossy(sheet).contains(&tracking);
            assert_eq!(sheets.iter().filter(on).count(), 1, "cut {cut}");
        }
        assert_eq!((sheets.len(), balance.spoiled), (6, 0), "cut {cut}");
        cuts += 1;
        if over {
            break;
        }
    }
    // Three commits a window, and one that is not cut.
    assert_eq!(cuts, 7);
}

#[test]
fn a_printer_that_is_gone_or_another_gets_nothing() {
    let (mut house, batch) = opened(4);
    let before = house.batch(&batch);
    for (unplugged, impostor, twin, words) in [
        (true, false, false, "is not there"),
        (false, true, false, "another printer is connected"),
        (false, false, true, "two printers are connected"),
    ] {
        {
            let mut tray = house.paper.0.lock().unwrap();
            (tray.unplugged, tray.impostor, tray.twin) = (unplugged, impostor, twin);
        }
        let error = house.print(&batch, 4).unwrap_err();
        assert!(matches!(error, DoorError::Failed(_)), "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(house.batch(&batch), before);
    }
    house.paper.0.lock().unwrap().twin = false;
    // Each way in which a printer fails, in the second of three sheets.
    for (error, unknown) in [
        (PrinterError::NotReady("no paper".into()), 0),
        (PrinterError::Missing, 0),
        (PrinterError::Stopped, 0),
        (PrinterError::Broken("no data taken for 30 s".into()), 1),
        (PrinterError::CutShort("no data taken for 30 s".into()), 1),
    ] {
        house.paper.fails_after(1, error.clone());
        let printed = house.print(&batch, 3).unwrap();
        assert_eq!((printed.sent, printed.unknown), (1, unknown), "{error}");
        let broken = matches!(error, PrinterError::Broken(_));
        assert_eq!(printed.stopped, Some(error));
        let forms: Vec<u64> = house.batch(&batch).cards.unknown.iter().collect();
        for card in forms {
            let form = house.card(&batch, card as u32).form.unwrap();
            // What did not leave whole is no mailer, whoever says so.
            let whole = ResolveUnknown {
                batch: batch.clone(),
                first: form,
                last: form,
                found: Found::Whole(Shown {
                    first: card as u32,
                    last: card as u32,
                }),
                reason: "it lies in the tray".into(),
            };
            let may_be_whole = !house.batch(&batch).cards.cut_short.contains(card);
            assert_eq!(may_be_whole, broken, "{card}");
            if !may_be_whole {
                let told = super::refusals::rule(house.pair(&whole));
                assert!(told.contains("it is no mailer"), "{told}");
            }
            resolve(&mut house, &batch, form, Some(Loss::Damaged));
        }
        for card in house.batch(&batch).cards.sent.iter().collect::<Vec<_>>() {
            let form = house.card(&batch, card as u32).form.unwrap();
            spoil(&mut house, &batch, form);
        }
    }
    // Nothing was printed twice all the same.
    assert_eq!(whole(&house).len(), house.paper.sheets().len());
}

#[test]
fn a_stop_between_sheets_keeps_the_rest() {
    let (mut house, batch) = opened(4);
    house
        .room
        .door_mut()
        .stop()
        .raise(conclave_keyroom::door::Stop::Asked);
    let printed = house.print(&batch, 4).unwrap();
    assert_eq!((printed.sent, printed.unknown, printed.kept), (0, 0, 4));
    assert_eq!(printed.stopped, Some(PrinterError::Stopped));
    assert_eq!(house.batch(&batch).state_of(1), Some(State::Queued));
}

#[test]
fn another_pair_takes_over_and_a_day_ends() {
    let (mut house, batch) = opened(4);
    house.print(&batch, 2).unwrap();
    confirm(&mut house, &batch, 1, 2);
    // The mandate is of those two who signed for it.
    let before = house.batch(&batch);
    for (operator, supervisor) in [("Pavel", "Rosa"), ("Olga", "Rosa"), ("Pavel", "Quinn")] {
        house.room.logout();
        house.room.try_pin_logon(operator, supervisor).unwrap();
        let told = house.print(&batch, 2).unwrap_err().to_string();
        assert!(told.contains("others hold this run"), "{told}");
        assert_eq!(house.batch(&batch), before);
    }
    house.room.clock.pass(25 * 3_600_000);
    assert!(matches!(
        house.print(&batch, 2),
        Err(DoorError::Refused(
            conclave_keyroom::door::Refusal::NoMandate
        ))
    ));
    house.room.logout();
    house.room.try_pin_logon("Pavel", "Rosa").unwrap();
    let others = [
        ("Pavel", conclave_evidence::GroupId::PinOperators),
        ("Rosa", conclave_evidence::GroupId::PinSupervisors),
    ];
    let over = |confirmed, printed, blank| HandOverBatch {
        batch: batch.clone(),
        confirmed,
        printed,
        blank,
    };
    let printed = house.batch(&batch).cards.sent.count();
    for wrong in [
        over(3, printed, 38),
        over(2, printed, 37),
        over(2, printed + 1, 38),
    ] {
        assert!(house.act(&wrong, &others).is_err(), "they counted wrong");
    }
    house.act(&over(2, printed, 38), &others).unwrap();
    house.room.logout();
    house.room.logon_pin_room();
    let told = house.print(&batch, 2).unwrap_err().to_string();
    assert!(told.contains("took it over last"), "{told}");
    house.room.logout();
    house.room.try_pin_logon("Pavel", "Rosa").unwrap();
    let record = house.batch(&batch);
    assert_eq!(record.hand_overs.len(), 1);
    let pavel = house.room.holder("Pavel").person.id;
    assert!(record.hand_overs[0].people.contains(&pavel));
    assert_eq!(house.print(&batch, 2).unwrap().sent, 2);
    let act = ConfirmMailers {
        batch: batch.clone(),
        first: 3,
        last: 4,
        shows: shown(&house, &batch, 3, 4),
    };
    house.act(&act, &others).unwrap();
    house.room.logout();
    house.room.logon_pin_room();
    give_back(&mut house, &batch);
    export(&mut house, &batch);
}
