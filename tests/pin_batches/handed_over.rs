//! Whose the run is, at the door itself: whoever did not take it over confirms,
//! spoils and prints nothing, whatever a screen would let them do.

use conclave_evidence::GroupId;
use conclave_keyroom::domain::pin_ahead::Ahead;
use conclave_keyroom::domain::pin_card::Loss;
use conclave_keyroom::domain::pin_seen::Reading;
use conclave_keyroom::door::{Action, DoorError, Refusal};
use conclave_keyroom::ports::printer::PrinterError;
use conclave_trades::pin::action::{
    BatchName, CancelCards, ConfirmMailers, FollowPaper, Found, HandOverBatch, PrintMailers,
    ResolveUnknown, SpoilMailer,
};

use super::pin_acts::{confirm, shown};
use super::pin_house::{PinHouse, csv};

type Signer = (&'static str, GroupId);

fn pair(operator: &'static str, supervisor: &'static str) -> [Signer; 2] {
    [
        (operator, GroupId::PinOperators),
        (supervisor, GroupId::PinSupervisors),
    ]
}

fn log_on(house: &mut PinHouse, [(operator, _), (supervisor, _)]: [Signer; 2]) {
    house.room.logout();
    house.room.try_pin_logon(operator, supervisor).unwrap();
}

/// Refused at the door, with one entry beside the proposal, and nothing changes.
#[track_caller]
fn refused<A: Action>(house: &mut PinHouse, batch: &BatchName, by: [Signer; 2], act: &A) {
    let before = (house.batch(batch), house.room.entries());
    let proposed = usize::from(act.authority().needs_signatures());
    match house.act(act, &by) {
        Err(DoorError::Refused(Refusal::NotHolder)) => {}
        Err(other) => panic!("{} by {by:?}: {other}", A::NAME),
        Ok(_) => panic!("{} by {by:?}: let through", A::NAME),
    }
    assert_eq!(house.batch(batch), before.0, "{}", A::NAME);
    assert_eq!(house.room.entries(), before.1 + proposed + 1, "{}", A::NAME);
}

/// All that is the run's, by these.
fn refused_everything(house: &mut PinHouse, batch: &BatchName, by: [Signer; 2]) {
    log_on(house, by);
    let (first, last) = (1, 2);
    let shows = shown(house, batch, first, last);
    let spoil = |loss, reading| SpoilMailer {
        batch: batch.clone(),
        first,
        last,
        loss,
        reading,
        reason: "torn at the fold".into(),
    };
    let resolve = |found| ResolveUnknown {
        batch: batch.clone(),
        first: 4,
        last: 4,
        found,
        reason: "it lay in the tray".into(),
    };
    let confirm = ConfirmMailers {
        batch: batch.clone(),
        first,
        last,
        shows,
    };
    refused(house, batch, by, &confirm);
    refused(
        house,
        batch,
        by,
        &spoil(Loss::Damaged, Reading::Shown(shows)),
    );
    refused(house, batch, by, &spoil(Loss::Blank, Reading::Next(None)));
    refused(house, batch, by, &spoil(Loss::Behind, Reading::Nothing));
    let on_fourth = shown(house, batch, 4, 4);
    refused(house, batch, by, &resolve(Found::Whole(on_fourth)));
    let lost = Found::Lost(Loss::Missing, Reading::Nothing);
    refused(house, batch, by, &resolve(lost));
    let cancel = CancelCards {
        batch: batch.clone(),
        first: 6,
        last: 6,
        reason: "the issuer asked for it".into(),
    };
    refused(house, batch, by, &cancel);
    let follow = FollowPaper {
        batch: batch.clone(),
        ahead: Ahead {
            blank: 3,
            first: 4,
            last: 4,
            shown: on_fourth,
        },
        reason: "fed by hand".into(),
    };
    refused(house, batch, by, &follow);
    let print = PrintMailers {
        batch: batch.clone(),
        window: 1,
        form: 5,
    };
    refused(house, batch, by, &print);
}

#[test]
fn whoever_did_not_take_the_run_over_is_refused_at_the_door() {
    let (old, new) = (pair("Olga", "Quinn"), pair("Pavel", "Rosa"));
    let mut house = PinHouse::new();
    let file = house.sealed(csv("B-0002", 6).as_bytes());
    let batch = house.open("csv-pvv", "pin-mailer-continuous", &file, 2);
    house.forms(&batch, 1, 40);
    // Three are printed, and of the fourth nobody knows.
    house
        .paper
        .fails_after(3, PrinterError::Broken("paper jam".into()));
    let printed = house.print(&batch, 4).unwrap();
    assert_eq!((printed.sent, printed.unknown), (3, 1));

    for by in [new, pair("Olga", "Rosa"), pair("Pavel", "Quinn")] {
        refused_everything(&mut house, &batch, by);
    }
    // Who sits there does not count where people sign, and who signs does.
    log_on(&mut house, new);
    confirm(&mut house, &batch, 1, 1);

    // What is missing is said before it is counted: by those who take it over.
    let missing = SpoilMailer {
        batch: batch.clone(),
        first: 2,
        last: 2,
        loss: Loss::Missing,
        reading: Reading::Nothing,
        reason: "not in the tray".into(),
    };
    house.act(&missing, &new).unwrap();
    let take_over = HandOverBatch {
        batch: batch.clone(),
        confirmed: 1,
        printed: 1,
        blank: house.batch(&batch).forms.blank.count(),
    };
    house.act(&take_over, &new).unwrap();

    // Now it is theirs, and the former pair's no more.
    let third = shown(&house, &batch, 3, 3);
    let confirm_third = ConfirmMailers {
        batch: batch.clone(),
        first: 3,
        last: 3,
        shows: third,
    };
    log_on(&mut house, old);
    refused(&mut house, &batch, old, &confirm_third);
    let print = PrintMailers {
        batch: batch.clone(),
        window: 1,
        form: 5,
    };
    refused(&mut house, &batch, old, &print);
    log_on(&mut house, new);
    house.act(&confirm_third, &new).unwrap();
    // Unknown mailers are theirs too.
    let told = ResolveUnknown {
        batch: batch.clone(),
        first: 4,
        last: 4,
        found: Found::Lost(Loss::Damaged, Reading::Nothing),
        reason: "crumpled in the printer".into(),
    };
    refused(&mut house, &batch, old, &told);
    house.act(&told, &new).unwrap();
}
