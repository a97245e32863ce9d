//! A restore brings a batch back as it was at the backup: no card of it gets a
//! second mailer.

use conclave_keyroom::domain::form_stock::Aside;
use conclave_keyroom::domain::pin_batch::{Stage, State};
use conclave_keyroom::domain::pin_card::Loss;
use conclave_keyroom::domain::pin_seen::Shown;
use conclave_trades::pin::action::{
    BatchName, ConfirmMailers, HandOverBatch, LoseOutput, OutputLeft, PurgeBatch, ReadBatch,
    SetFormsAside, SettleRestoredBatch, sheet,
};

use super::limits::ALL;
use super::pin_acts::{confirm, export, exporting, give_back, reconcile, resolve};
use super::pin_house::{PAIR, PinHouse, csv};
use super::reborn::begin_anew;
use super::refusals::rule;

/// Six cards, of which three are printed and two confirmed at the backup; the
/// other three are printed afterwards. Then the station is restored.
fn restored() -> (PinHouse, BatchName) {
    let mut house = PinHouse::new();
    let file = house.sealed(csv("B-0007", 6).as_bytes());
    let batch = house.open("csv-pvv", "pin-mailer-continuous", &file, 7);
    house.forms(&batch, 1, 10);
    house.print(&batch, 3).unwrap();
    confirm(&mut house, &batch, 1, 2);
    let backup = house.room.memory().content();
    assert_eq!(house.print(&batch, 3).unwrap().sent, 3);
    house.room.memory().put_back(backup);
    house.room.reopen();
    let now = house.room.vault().clock().wall_ms();
    begin_anew(&mut house.room, 9, now);
    house.room.logon_pin_room();
    (house, batch)
}

fn settle(batch: &BatchName, waiting: u64) -> SettleRestoredBatch {
    SettleRestoredBatch {
        batch: batch.clone(),
        waiting,
    }
}

#[test]
fn cards_that_were_printed_after_the_backup_are_not_printed_again() {
    let (mut house, batch) = restored();
    assert_eq!(house.batch(&batch).cards.waiting.count(), 3);
    let over = HandOverBatch {
        batch: batch.clone(),
        confirmed: 2,
        printed: 0,
        blank: 7,
    };
    let held = ConfirmMailers {
        batch: batch.clone(),
        first: 3,
        last: 3,
        shows: Shown { first: 3, last: 3 },
    };
    for refused in [
        house.pair(&over).unwrap_err(),
        house.pair(&held).map(drop).unwrap_err(),
    ] {
        let refused = refused.to_string();
        let told = refused.contains("before the station was restored");
        assert!(told, "{refused}");
    }
    assert!(house.print(&batch, 3).is_err());
    // What is signed is what happens.
    assert!(house.pair(&settle(&batch, 2)).is_err());
    assert!(house.act(&settle(&batch, 3), &PAIR[..1]).is_err());
    assert_eq!(house.pair(&settle(&batch, 3)).unwrap(), (3, 1));
    let again = house.pair(&settle(&batch, 0)).unwrap_err().to_string();
    assert!(again.contains("settled"), "{again}");
    // The blank forms that both count are fewer than the records have.
    let aside = SetFormsAside {
        batch: batch.clone(),
        first: 4,
        last: 6,
        aside: Aside::Spoiled,
        reason: "used in the range that is lost".into(),
    };
    house.pair(&aside).unwrap();
    let sheets = house.paper.sheets().len();
    let over = HandOverBatch { blank: 4, ..over };
    house.pair(&over).unwrap();
    assert!(house.print(&batch, 3).is_err());
    // The one that was printed and not confirmed is lost: nothing replaces it.
    resolve(&mut house, &batch, 3, Some(Loss::Missing));
    let record = house.batch(&batch);
    assert!((3..=6).all(|card| record.state_of(card) == Some(State::Cancelled)));
    assert!(house.print(&batch, 3).is_err());
    assert_eq!(house.paper.sheets().len(), sheets);
    give_back(&mut house, &batch);
    assert_eq!(house.batch(&batch).stage(), Stage::Balanced);
    let (out, text) = export(&mut house, &batch);
    assert!(house.batch(&batch).outputs > 1000, "{}", out.folder);
    // Those that waited in the backup may have been printed since: the issuer is told.
    assert_eq!(text.matches(";reissue;;").count(), 0, "{text}");
    assert_eq!(text.matches(";reissue-missing;;").count(), 4, "{text}");
}

/// The backup knows of one output; after it that was lost and written again. The
/// number of the second, which the issuer has, is not used for another file.
#[test]
fn an_output_of_the_lost_range_keeps_its_number() {
    let mut house = PinHouse::new();
    let file = house.sealed(csv("B-0010", 2).as_bytes());
    let batch = house.open("csv-pvv", "pin-mailer-continuous", &file, 9);
    house.forms(&batch, 1, 5);
    house.print(&batch, 2).unwrap();
    confirm(&mut house, &batch, 1, 2);
    give_back(&mut house, &batch);
    let (first, text) = export(&mut house, &batch);
    let backup = house.room.memory().content();
    let lose = |house: &mut PinHouse| {
        let act = LoseOutput::of(&house.batch(&batch), "lost in the post").unwrap();
        house.pair(&act).unwrap();
    };
    lose(&mut house);
    let (second, _) = export(&mut house, &batch);
    house.room.memory().put_back(backup);
    house.room.reopen();
    let now = house.room.vault().clock().wall_ms();
    begin_anew(&mut house.room, 9, now);
    house.release_keys();
    house.room.logon_pin_room();

    assert_eq!(house.pair(&settle(&batch, 0)).unwrap(), (0, 0));
    lose(&mut house);
    let (third, again) = export(&mut house, &batch);
    assert_eq!(again, text);
    let folders = [&first.folder, &second.folder, &third.folder];
    assert_eq!(
        folders,
        [
            "PIN-B-0010-01-TEST",
            "PIN-B-0010-02-TEST",
            "PIN-B-0010-1002-TEST"
        ]
    );
    let record = house.batch(&batch);
    assert!(!record.had_mailer(0) && !record.lost_a_range);
    let authority = house.room.vault().authority().unwrap().clone();
    let sheet = format!("{:?}", sheet(&authority, &record, &[], &[]));
    assert!(sheet.contains("1000 numbers of outputs were passed over"));
    assert!(!sheet.contains("begun and cut off"), "{sheet}");
}

/// The output left after the backup: the issuer has it. No second one is written,
/// and what the batch has of cards goes all the same.
#[test]
fn an_output_that_had_left_ends_the_batch() {
    let (mut house, batch) = restored();
    house
        .room
        .logon(conclave_evidence::GroupId::Administrators, &["Ada", "Ben"]);
    let left = OutputLeft {
        batch: batch.clone(),
        output: 1,
        file: conclave_evidence::Hash([0x5A; 32]),
        medium: "STICK-1".into(),
        known_by: "receipt R-7; R. Meyer of BANKX has it".into(),
    };
    // Not before it is settled.
    let told = rule(house.act(&left, &ALL));
    assert!(told.contains("before the station was restored"), "{told}");
    house.pair(&settle(&batch, 3)).unwrap();
    // The blank forms are counted first: nothing moves afterwards.
    let told = rule(house.act(&left, &ALL));
    assert!(told.contains("7 blank forms"), "{told}");
    let aside = SetFormsAside {
        batch: batch.clone(),
        first: 4,
        last: 6,
        aside: Aside::Spoiled,
        reason: "used in the range that is lost".into(),
    };
    house.pair(&aside).unwrap();
    give_back(&mut house, &batch);
    for few in [&ALL[..2], &ALL[..3], &ALL[2..]] {
        let told = house.act(&left, few).unwrap_err().to_string();
        assert!(told.contains("approvals"), "{told}");
    }
    let with = |output, file: u8, medium: &str, known: &str| OutputLeft {
        output,
        file: conclave_evidence::Hash([file; 32]),
        medium: medium.into(),
        known_by: known.into(),
        ..left.clone()
    };
    for (wrong, why) in [
        (with(0, 1, "STICK-1", "R-7"), "number 0"),
        (with(1001, 1, "STICK-1", "R-7"), "number 1001"),
        (with(1, 0, "STICK-1", "R-7"), "digest of no file"),
        (with(1, 1, " ", "R-7"), "1 to 40"),
        (with(1, 1, "STICK-1", ""), "3 to 200"),
        (with(1, 1, &"S".repeat(41), "R-7"), "1 to 40"),
        (with(1, 1, "STICK-1", "4111111111111111"), "a card's"),
        (
            with(1, 1, "STICK-1", "\u{3c7}\u{3ac}\u{3b8}"),
            "cannot print",
        ),
    ] {
        let told = rule(house.act(&wrong, &ALL));
        assert!(told.contains(why), "{why}: {told}");
    }
    house.act(&left, &ALL).unwrap();
    rule(house.act(&left, &ALL));
    let record = house.batch(&batch);
    assert_eq!(record.stage(), Stage::Exported);
    let output = record.exported.as_ref().unwrap();
    assert_eq!(output.name, "PIN-B-0007-01-TEST/output.p7m");
    assert_eq!(output.signed.people.len(), 4);
    // None is written from the older records.
    assert!(house.pair(&exporting(&house, &batch)).is_err());
    let authority = house.room.vault().authority().unwrap().clone();
    let text = format!("{:?}", sheet(&authority, &record, &[], &[]));
    assert!(text.contains("left before the station was restored"));
    assert!(text.contains("R. Meyer of BANKX has it"), "{text}");
    reconcile(&mut house, &batch);
    let purge = PurgeBatch {
        batch: batch.clone(),
        receipt: "R-7 of the issuer".into(),
    };
    assert_eq!(house.pair(&purge).unwrap(), 6);
    assert_eq!(house.batch(&batch).stage(), Stage::Purged);
}

/// Only a restore makes it possible, and no output that is on record as lost
/// comes back by it.
#[test]
fn no_output_is_said_to_have_left_without_a_restore() {
    let mut house = PinHouse::new();
    let file = house.sealed(csv("B-0011", 2).as_bytes());
    let batch = house.open("csv-pvv", "pin-mailer-continuous", &file, 9);
    house.forms(&batch, 1, 5);
    house.print(&batch, 2).unwrap();
    confirm(&mut house, &batch, 1, 2);
    give_back(&mut house, &batch);
    let left = |output, file| OutputLeft {
        batch: batch.clone(),
        output,
        file,
        medium: "STICK-1".into(),
        known_by: "receipt R-7".into(),
    };
    let administrators = conclave_evidence::GroupId::Administrators;
    house.room.logon(administrators, &["Ada", "Ben"]);
    let other = conclave_evidence::Hash([1; 32]);
    rule(house.act(&left(1, other), &ALL));
    export(&mut house, &batch);
    assert!(rule(house.act(&left(1, other), &ALL)).contains("has left"));
    let lose = LoseOutput::of(&house.batch(&batch), "lost in the post").unwrap();
    house.pair(&lose).unwrap();
    let told = rule(house.act(&left(1, other), &ALL));
    assert!(told.contains("did not arrive"), "{told}");
    let now = house.room.vault().clock().wall_ms();
    begin_anew(&mut house.room, 9, now);
    house.release_keys();
    house.room.logon_pin_room();
    if !house.room.vault().open_groups().contains(&administrators) {
        house.room.logon(administrators, &["Ada", "Ben"]);
    }
    house.pair(&settle(&batch, 0)).unwrap();
    for (output, file) in [(1, other), (2, lose.file)] {
        let told = rule(house.act(&left(output, file), &ALL));
        assert!(told.contains("did not arrive"), "{told}");
    }
    house.act(&left(2, other), &ALL).unwrap();
    assert_eq!(house.batch(&batch).stage(), Stage::Exported);
}

#[test]
fn a_file_of_before_the_restore_is_opened_by_two_people_who_say_so() {
    let mut house = PinHouse::new();
    let file = house.sealed(csv("B-0008", 3).as_bytes());
    let later = house.room.vault().clock().wall_ms() + 60_000;
    begin_anew(&mut house.room, 9, later);
    house.release_keys();
    house.room.logon_pin_room();
    let mut act = house.opening("csv-pvv", "pin-mailer-continuous", &file, 8);
    assert!(act.older);
    act.older = false;
    let secret = |file: &[u8]| vec![conclave_crypto::secret::Secret::take(&mut file.to_vec())];
    let refused = house.act_with(&act, &PAIR, secret(&file)).unwrap_err();
    let refused = refused.to_string();
    assert!(
        refused.contains("signed before the station was restored"),
        "{refused}"
    );
    act.older = true;
    house.act_with(&act, &PAIR, secret(&file)).unwrap();
    // A file that came after it needs no such word.
    begin_anew(&mut house.room, 10, 1);
    house.room.logon_pin_room();
    let file = house.sealed(csv("B-0009", 3).as_bytes());
    let reading: ReadBatch = house.reading("csv-pvv", "pin-mailer-continuous", &file);
    let checked = house.act_with(&reading, &[], secret(&file)).unwrap();
    assert!(!checked.unwrap().older);
}

/// The signing time is the issuer's word: ahead of its time it would hide that
/// the file was printed before the restore.
#[test]
fn a_file_that_is_signed_ahead_of_its_time_is_not_taken() {
    const HOUR_MS: u64 = 3_600_000;
    let mut house = PinHouse::new();
    let file = house.sealed(csv("B-0008", 3).as_bytes());
    let secret = || vec![conclave_crypto::secret::Secret::take(&mut file.clone())];
    let reading = house.reading("csv-pvv", "pin-mailer-continuous", &file);
    let opening = house.opening("csv-pvv", "pin-mailer-continuous", &file, 8);
    let now = house.room.vault().clock().wall_ms();
    for (ahead, taken) in [(HOUR_MS / 2, true), (HOUR_MS + 60_000, false)] {
        house.room.clock.set(now - ahead);
        let read = house.act_with(&reading, &[], secret());
        if taken {
            assert!(read.unwrap().is_ok());
            continue;
        }
        let told = rule(read);
        assert!(told.contains("which is still to come"), "{told}");
        let told = rule(house.act_with(&opening, &PAIR, secret()));
        assert!(told.contains("which is still to come"), "{told}");
    }
    // A file that was printed before the restore says at most an hour more than
    // that: this one may be such a file.
    house.room.clock.set(now);
    for (epoch, restored, older) in [(9, now - HOUR_MS / 2, true), (10, now - 2 * HOUR_MS, false)] {
        begin_anew(&mut house.room, epoch, restored);
        house.room.logon_pin_room();
        let read = house.act_with(&reading, &[], secret()).unwrap();
        assert_eq!(read.unwrap().older, older);
    }
}
