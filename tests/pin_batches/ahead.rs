//! The paper runs ahead of the records: a form was fed without a mailer, and
//! each mailer after it lies one form further than the records have it.

use conclave_evidence::GroupId;
use conclave_keyroom::domain::pin_ahead::Ahead;
use conclave_keyroom::domain::pin_batch::State;
use conclave_keyroom::domain::pin_card::Loss;
use conclave_keyroom::domain::pin_seen::{Reading, Shown};
use conclave_keyroom::door::{DoorError, Refusal};
use conclave_trades::pin::action::{
    BatchName, ConfirmMailers, FollowPaper, HandOverBatch, SpoilMailer,
};

use super::pin_acts::{confirm, export, give_back, shown};
use super::pin_house::{PinHouse, approval_of, csv, layout_text, tracking_on};
use super::refusals::rule;
use super::sheet::rows;

/// The mailer's number on this sheet, as people read it outside.
fn sequence_on(sheet: &[u8], of: u32) -> u32 {
    let text = String::from_utf8_lossy(sheet).into_owned();
    let words: Vec<&str> = text.split_whitespace().collect();
    let end = of.to_string();
    let at = words.windows(3).find(|w| w[1] == "of" && w[2] == end);
    at.unwrap()[0].parse().unwrap()
}

/// A reel of twelve mailers, from form 1 on, on which form 5 was fed without
/// one: what lies there.
struct Reel {
    house: PinHouse,
    batch: BatchName,
    sheets: Vec<Vec<u8>>,
}

const CARDS: u32 = 12;
const FED: u64 = 5;

impl Reel {
    fn new() -> Self {
        let mut house = PinHouse::new();
        let file = house.sealed(csv("B-0001", CARDS).as_bytes());
        let batch = house.open("csv-pvv", "pin-mailer-continuous", &file, 1);
        house.forms(&batch, 1, 40);
        while house.print(&batch, 4).is_ok() {}
        let sheets = house.paper.sheets();
        assert_eq!(sheets.len(), CARDS as usize);
        Self {
            house,
            batch,
            sheets,
        }
    }

    /// What two people read on a form; nothing where it is blank.
    fn read(&self, form: u64) -> Option<u32> {
        let at = match form.cmp(&FED) {
            std::cmp::Ordering::Less => form - 1,
            std::cmp::Ordering::Equal => return None,
            std::cmp::Ordering::Greater => form - 2,
        };
        let sheet = self.sheets.get(at as usize)?;
        Some(sequence_on(sheet, CARDS))
    }

    fn confirms(&mut self, first: u64, last: u64) -> Result<u32, String> {
        let (Some(a), Some(b)) = (self.read(first), self.read(last)) else {
            panic!("people see that it is blank");
        };
        let act = ConfirmMailers {
            batch: self.batch.clone(),
            first,
            last,
            shows: Shown { first: a, last: b },
        };
        self.house.pair(&act).map_err(|e| e.to_string())
    }

    fn spoiling(&self, (first, last): (u64, u64), loss: Loss, reading: Reading) -> SpoilMailer {
        SpoilMailer {
            batch: self.batch.clone(),
            first,
            last,
            loss,
            reading,
            reason: "it was looked at by both".into(),
        }
    }
}

#[test]
fn a_form_that_was_fed_without_a_mailer_is_found_and_put_right() {
    let mut reel = Reel::new();
    let before = reel.house.batch(&reel.batch);
    // All of it as if nothing had happened.
    let told = reel.confirms(1, 12).unwrap_err();
    assert!(told.contains("form 12 shows mailer 11"), "{told}");
    assert!(told.contains("ahead of the records by 1"), "{told}");
    assert!(
        !told.contains("mailer 12"),
        "the answer is not told: {told}"
    );
    // What stands there is no word of people who did not look.
    let told = reel.confirms(6, 7).unwrap_err();
    assert!(told.contains("form 6 shows mailer 5"), "{told}");
    // The form without a mailer is no blank form of its card.
    let next = Reading::Next(reel.read(6));
    let act = reel.spoiling((5, 5), Loss::Blank, next);
    let told = rule(reel.house.pair(&act));
    assert!(told.contains("form 6 shows mailer 5"), "{told}");
    let act = reel.spoiling((5, 5), Loss::Blank, Reading::Next(None));
    let told = rule(reel.house.pair(&act));
    assert!(told.contains("form 6 has a mailer on record"), "{told}");
    // A torn one is read as far as it can be.
    let on = reel.read(9).unwrap();
    let shown = Shown {
        first: on,
        last: on,
    };
    let act = reel.spoiling((9, 9), Loss::Damaged, Reading::Shown(shown));
    assert!(rule(reel.house.pair(&act)).contains("form 9 shows mailer 8"));
    // Nothing is said of blank forms that was read on printed ones.
    for (loss, reading) in [
        (Loss::Blank, Reading::Nothing),
        (Loss::Damaged, Reading::Next(None)),
        (Loss::Missing, Reading::Shown(shown)),
        (Loss::Behind, Reading::Shown(shown)),
    ] {
        let act = reel.spoiling((9, 9), loss, reading);
        assert!(rule(reel.house.pair(&act)).contains("does not go with"));
    }
    // Not further than the forms of this batch.
    let act = reel.spoiling((5, 41), Loss::Behind, Reading::Nothing);
    rule(reel.house.pair(&act));
    let act = reel.spoiling((13, 14), Loss::Behind, Reading::Nothing);
    rule(reel.house.pair(&act));
    assert_eq!(reel.house.batch(&reel.batch), before, "nothing changed");

    // What lies before it is right; it and all behind it, to the last form with
    // a mailer, are destroyed together.
    assert_eq!(reel.confirms(1, 4), Ok(4));
    let act = reel.spoiling((5, 13), Loss::Behind, Reading::Nothing);
    let became = reel.house.pair(&act).unwrap();
    assert_eq!((became.again, became.reissued), (8, 0));
    let record = reel.house.batch(&reel.batch);
    assert!(record.forms.spoiled.contains(13), "a mailer lay on it");
    assert_eq!(record.balance().spoiled, 9);

    // Their cards get other PINs, and each that goes out is where it is said.
    while reel.house.print(&reel.batch, 4).is_ok() {}
    let sheets = reel.house.paper.sheets().split_off(CARDS as usize);
    let last = 13 + sheets.len() as u64;
    for (form, sheet) in (14..=last).zip(&sheets) {
        let card = reel.house.card(&reel.batch, sequence_on(sheet, CARDS));
        assert_eq!(card.form, Some(form));
        assert_eq!(card.tracking, Some(tracking_on(sheet)));
    }
    confirm(&mut reel.house, &reel.batch, 14, last);
    give_back(&mut reel.house, &reel.batch);
    let (_, text) = export(&mut reel.house, &reel.batch);
    assert!(text.ends_with("count;12;12;0\n"), "{text}");
}

/// The records follow the paper, where both ends were read; nothing is printed
/// again, and each mailer is confirmed on the form that it lies on.
#[test]
fn the_records_follow_paper_that_ran_ahead() {
    let mut reel = Reel::new();
    let name = reel.batch.clone();
    let ahead = |blank, first, last, shown: (u32, u32)| FollowPaper {
        batch: name.clone(),
        ahead: Ahead {
            blank,
            first,
            last,
            shown: Shown {
                first: shown.0,
                last: shown.1,
            },
        },
        reason: "two forms were taken at once".into(),
    };
    let right = ahead(5, 6, 13, (5, 12));
    let before = reel.house.batch(&reel.batch);
    for (wrong, why) in [
        // Its ends show others.
        (ahead(5, 6, 13, (6, 12)), "form 6 shows mailer 6"),
        (ahead(5, 6, 13, (5, 11)), "form 13 shows mailer 11"),
        (ahead(5, 7, 14, (5, 11)), "form 14 shows mailer 11"),
        // It does not end there, or not on this paper.
        (ahead(5, 6, 12, (5, 11)), "form 12 has a mailer on record"),
        (ahead(5, 6, 15, (5, 14)), "form 13 has no mailer"),
        (ahead(5, 5, 12, (5, 12)), "does not go with"),
        (ahead(6, 5, 12, (5, 12)), "does not go with"),
        (ahead(41, 42, 43, (5, 6)), "form 41 has no mailer"),
    ] {
        let told = rule(reel.house.pair(&wrong));
        assert!(told.contains(why), "{why}: {told}");
    }
    let mut silent = right.clone();
    silent.reason = String::new();
    rule(reel.house.pair(&silent));
    assert_eq!(reel.house.batch(&reel.batch), before, "nothing changed");

    assert_eq!(reel.confirms(1, 4), Ok(4));
    // What is confirmed does not move.
    let told = rule(reel.house.pair(&ahead(4, 6, 14, (4, 12))));
    assert!(told.contains("form 4 has no mailer"), "{told}");
    assert_eq!(reel.house.pair(&right).unwrap(), 8);
    let record = reel.house.batch(&reel.batch);
    assert_eq!(record.balance().spoiled, 1, "the form that was fed");
    assert_eq!(record.next_form(), Some(14));
    for form in (6..=13).rev() {
        let number = reel.read(form).unwrap();
        let card = reel.house.card(&reel.batch, number);
        assert_eq!((card.form, card.attempt), (Some(form), 1));
    }
    assert_eq!(reel.confirms(6, 13), Ok(8));
    assert!(reel.house.print(&reel.batch, 4).is_err(), "nothing waits");
    give_back(&mut reel.house, &reel.batch);
    let balance = reel.house.batch(&reel.batch).may_export().unwrap();
    assert_eq!((balance.confirmed, balance.spoiled), (12, 1));
    assert_eq!(reel.house.paper.sheets().len(), CARDS as usize);
    let (_, text) = export(&mut reel.house, &reel.batch);
    assert!(text.ends_with("count;12;12;0\n"), "{text}");
    // The sheet that is signed says how it came about, and who said so.
    let (_, sheet) = reel.house.reconciling(&reel.batch);
    let followed = rows(&sheet, "The paper was ahead of the records");
    assert_eq!(
        followed[0][..3],
        [
            "5",
            "forms 6 to 13: mailers 5 to 12",
            "two forms were taken at once"
        ]
    );
    assert!(followed[0][3].starts_with("Olga, Quinn, "), "{followed:?}");
}

#[test]
fn a_confirmed_mailer_that_is_gone_stops_no_hand_over() {
    let mut house = PinHouse::new();
    let file = house.sealed(csv("B-0001", 4).as_bytes());
    let batch = house.open("csv-pvv", "pin-mailer-continuous", &file, 1);
    house.forms(&batch, 1, 10);
    house.print(&batch, 4).unwrap();
    confirm(&mut house, &batch, 1, 4);
    house.room.logout();
    house.room.try_pin_logon("Pavel", "Rosa").unwrap();
    let others = [
        ("Pavel", GroupId::PinOperators),
        ("Rosa", GroupId::PinSupervisors),
    ];
    let over = |confirmed| HandOverBatch {
        batch: batch.clone(),
        confirmed,
        printed: 0,
        blank: 6,
    };
    // They count three. Nobody has to say that there are four.
    assert!(house.act(&over(3), &others).is_err());
    let spoil = |loss, reading| SpoilMailer {
        batch: batch.clone(),
        first: 2,
        last: 2,
        loss,
        reading,
        reason: "not in the pile, nor under the table".into(),
    };
    // Only that it is gone: what else is wrong with a mailer they say when it is theirs.
    let blank = house.act(&spoil(Loss::Blank, Reading::Next(Some(3))), &others);
    let refused = DoorError::Refused(Refusal::NotHolder);
    assert_eq!(blank.unwrap_err().to_string(), refused.to_string());
    let gone = spoil(Loss::Missing, Reading::Nothing);
    assert!(house.act(&gone, &others[..1]).is_err(), "one alone");
    assert_eq!(house.act(&gone, &others).unwrap().again, 1);
    house.act(&over(3), &others).unwrap();
    let record = house.batch(&batch);
    assert_eq!(record.state_of(2), Some(State::Queued));
    assert_eq!(record.balance().missing, 1, "an incident stays one");
    let pin = house.card(&batch, 2).attempt;
    assert_eq!(house.print(&batch, 4).unwrap().sent, 1);
    assert_eq!(house.card(&batch, 2).attempt, pin + 1, "another PIN");
    let fifth = ConfirmMailers {
        batch: batch.clone(),
        first: 5,
        last: 5,
        shows: shown(&house, &batch, 5, 5),
    };
    house.act(&fifth, &others).unwrap();
    house.room.logout();
    house.room.logon_pin_room();
    give_back(&mut house, &batch);
    export(&mut house, &batch);
    // What has left is not taken back here.
    let told = rule(house.pair(&SpoilMailer {
        first: 1,
        last: 1,
        ..gone
    }));
    assert!(told.contains("the output has left"), "{told}");
}

#[test]
fn a_layout_that_does_not_say_which_mailer_it_is_is_not_approved() {
    let mut house = PinHouse::new();
    let whole = layout_text("pin-mailer-continuous");
    let field = "[[field]]\nname = \"sequence\"\nline = 15\ncolumn = 48\nwidth = 20\n\n";
    let text = whole.replace(field, "");
    assert_ne!(text, whole);
    let text = text.replace("\"pin-mailer-continuous\"", "\"pin-mailer-plain\"");
    house.room.logout();
    house.room.logon_all(&[GroupId::Administrators]);
    let approve = approval_of(text);
    let admins = ["Ada", "Ben"].map(|name| (name, GroupId::Administrators));
    let told = rule(house.act(&approve, &admins));
    assert!(told.contains("no sequence on its outside"), "{told}");
}

/// Two reels whose numbers follow one another are one range of the records. The
/// mailers of the other, which wait to be confirmed, stop nobody.
#[test]
fn the_reel_beside_it_may_wait_to_be_confirmed() {
    let mut house = PinHouse::new();
    let file = house.sealed(csv("B-0001", CARDS).as_bytes());
    let batch = house.open("csv-pvv", "pin-mailer-continuous", &file, 1);
    house.forms(&batch, 11, 16);
    house.print(&batch, 6).unwrap();
    house.forms(&batch, 1, 10);
    house.print(&batch, 6).unwrap();
    let record = house.batch(&batch);
    assert_eq!(record.forms.issued.ranges(), [(1, 16)]);
    assert_eq!((record.card_on(11), record.card_on(1)), (Some(1), Some(7)));
    // Form 3 was fed without a mailer.
    let follow = |last, shown| FollowPaper {
        batch: batch.clone(),
        ahead: Ahead {
            blank: 3,
            first: 4,
            last,
            shown: Shown {
                first: 9,
                last: shown,
            },
        },
        reason: "two forms were taken at once".into(),
    };
    // What lies behind on the same reel is still found.
    let told = rule(house.pair(&follow(6, 11)));
    assert!(told.contains("form 6 has a mailer on record"), "{told}");
    house.pair(&follow(7, 12)).unwrap();
    confirm(&mut house, &batch, 1, 2);
    confirm(&mut house, &batch, 4, 7);
    confirm(&mut house, &batch, 11, 16);
    give_back(&mut house, &batch);
    let (_, text) = export(&mut house, &batch);
    assert_eq!(text.matches(";issued;").count(), 12, "{text}");
}
