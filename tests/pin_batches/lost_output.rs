//! An output that did not reach its issuer, or not the medium.

use conclave_evidence::GroupId;
use conclave_keyroom::domain::pin_batch::Stage;
use conclave_keyroom::domain::pin_card::Loss;
use conclave_keyroom::domain::pin_seen::Reading;
use conclave_keyroom::door::{Action, ActionError, DoorError};
use conclave_keyroom::ports::media::MediaError;
use conclave_trades::media::CondemnMedium;
use conclave_trades::pin::action::{
    BatchName, LoseOutput, PurgeBatch, ReadOutput, SpoilMailer, sheet,
};
use conclave_training::stick::{FolderStick, Mishap, StickPorts};

use super::pin_acts::{confirm, export, exporting, give_back, reconcile};
use super::pin_house::{PinHouse, csv};
use super::refusals::rule;

/// A batch of two whose output may leave.
fn balanced() -> (PinHouse, BatchName) {
    let mut house = PinHouse::new();
    let file = house.sealed(csv("B-0001", 2).as_bytes());
    let batch = house.open("csv-pvv", "pin-mailer-continuous", &file, 1);
    house.forms(&batch, 1, 5);
    house.print(&batch, 2).unwrap();
    confirm(&mut house, &batch, 1, 2);
    give_back(&mut house, &batch);
    (house, batch)
}

#[test]
fn what_did_not_arrive_is_written_again_with_the_next_number_and_the_same_lines() {
    let (mut house, batch) = balanced();
    assert!(LoseOutput::of(&house.batch(&batch), "the stick is lost").is_err());

    let (first, text) = export(&mut house, &batch);
    reconcile(&mut house, &batch);
    let lose = LoseOutput::of(&house.batch(&batch), "lost in the post, says R. Meyer").unwrap();
    // Which output it is, and why: both are signed.
    let words = lose.words().join("\n");
    assert!(words.contains(&first.digest.to_string()), "{words}");
    assert!(words.contains("lost in the post"), "{words}");
    let mut wrong = lose.clone();
    wrong.file.0[0] ^= 1;
    assert!(rule(house.pair(&wrong)).contains("not the output that left last"));
    let mut silent = lose.clone();
    silent.reason = " ".into();
    rule(house.pair(&silent));
    // It stands on the sheet, which could not be printed then.
    for odd in [
        "it cost 5 \u{20ac}",
        "\u{3c7}\u{3ac}\u{3b8}\u{3b7}\u{3ba}\u{3b5}",
    ] {
        let mut act = lose.clone();
        act.reason = odd.into();
        assert!(rule(house.pair(&act)).contains("cannot print"), "{odd}");
    }
    house.pair(&lose).unwrap();
    rule(house.pair(&lose));

    // Nothing of the mailers changes: two outputs would differ.
    let record = house.batch(&batch);
    assert_eq!(record.stage(), Stage::Balanced);
    assert!(record.reconciled.is_none());
    let spoil = SpoilMailer {
        batch: batch.clone(),
        first: 2,
        last: 2,
        loss: Loss::Missing,
        reading: Reading::Nothing,
        reason: "it was not posted".into(),
    };
    assert!(rule(house.pair(&spoil)).contains("the output has left"));
    let purge = PurgeBatch {
        batch: batch.clone(),
        receipt: "R-1 of the issuer".into(),
    };
    rule(house.pair(&purge));

    // openssl opens the second as it did the first.
    let (second, again) = export(&mut house, &batch);
    assert_eq!(second.folder, "PIN-B-0001-02-TEST");
    assert_eq!(again, text);
    assert_ne!(second.digest, first.digest, "encrypted afresh");
    let record = house.batch(&batch);
    let authority = house.room.vault().authority().unwrap().clone();
    let sheet = format!("{:?}", sheet(&authority, &record, &[], &[]));
    assert!(sheet.contains("did not arrive") && sheet.contains("lost in the post"));
    reconcile(&mut house, &batch);
    house.pair(&purge).unwrap();
    let late = LoseOutput::of(&house.batch(&batch), "lost after all").unwrap();
    rule(house.pair(&late));
}

/// The second reading, after the medium was pulled and put back: of the output that was
/// signed for, on its own medium. One that comes back with other bytes is written again on
/// another medium.
#[test]
fn an_output_is_read_again_and_counts_no_more_where_a_byte_is_another() {
    let (mut house, batch) = balanced();
    assert!(ReadOutput::of(&house.batch(&batch)).is_err());
    let (out, text) = export(&mut house, &batch);
    let unread = |house: &PinHouse| {
        let exported = house.batch(&batch).exported;
        exported.map(|output| output.lacks_reading())
    };
    assert_eq!(unread(&house), Some(true));
    let read = ReadOutput::of(&house.batch(&batch)).unwrap();
    let mut other = read.clone();
    other.file.0[0] ^= 1;
    assert!(rule(house.act(&other, &[])).contains("not the output that left last"));

    // Not there, another one beside it, another one in its place: nothing is said of it.
    let stick = house.media.sticks()[0].clone();
    let further = tempfile::tempdir().unwrap();
    let second = FolderStick::new(further.path(), "S-2");
    let without = |house: &mut PinHouse, sticks: Vec<FolderStick>| {
        house.media = StickPorts::new(sticks);
        let told = house.act(&read, &[]).unwrap_err();
        let no_medium = DoorError::Failed(ActionError::NoMedium {
            undone: "nothing was read again",
            cause: MediaError::Missing,
            advice: String::new(),
        });
        let same = std::mem::discriminant(&told) == std::mem::discriminant(&no_medium);
        assert!(
            same && told.to_string().contains("nothing was read again"),
            "{told}"
        );
        assert_eq!(
            house.batch(&batch).exported.map(|o| o.lacks_reading()),
            Some(true)
        );
    };
    without(&mut house, Vec::new());
    without(&mut house, vec![stick.clone(), second.clone()]);
    without(&mut house, vec![second]);
    house.media = StickPorts::new(vec![stick.clone()]);

    house.act(&read, &[]).unwrap();
    assert_eq!(unread(&house), Some(false));
    let told = |house: &PinHouse| {
        let authority = house.room.vault().authority().unwrap().clone();
        format!("{:?}", sheet(&authority, &house.batch(&batch), &[], &[]))
    };
    assert!(
        told(&house).contains("it was read again"),
        "{}",
        told(&house)
    );

    // A byte flips, and it is read once more.
    let file = house
        .folder
        .path()
        .join("stick")
        .join(&out.folder)
        .join(&out.file);
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let error = house.act(&read, &[]).unwrap_err();
    assert!(
        matches!(error, DoorError::Failed(ActionError::Device { .. })),
        "{error:?}"
    );
    let record = house.batch(&batch);
    assert_eq!(record.stage(), Stage::Balanced);
    assert_eq!(record.lost_outputs.len(), 1);
    assert!(record.lost_outputs[0].reason.contains("other bytes"));
    assert_eq!(record.lost_outputs[0].signed.people.len(), 2);
    assert!(told(&house).contains("other bytes"));
    let refused = rule(house.pair(&exporting(&house, &batch)));
    assert!(refused.contains("is condemned"), "{refused}");
    house.enrol_another();
    let (out, again) = export(&mut house, &batch);
    assert_eq!(out.folder, "PIN-B-0001-02-TEST");
    assert_eq!(again, text);
}

/// A stick that is pulled, full or worn out while the output is written: nothing
/// counts as written, its number is used up, and the next one is whole.
#[test]
fn a_stick_that_fails_anywhere_in_an_output_uses_its_number_up() {
    let (mut house, batch) = balanced();
    let length = {
        let mut other = balanced();
        let (out, _) = export(&mut other.0, &other.1);
        let at = other.0.folder.path().join("stick").join(&out.folder);
        std::fs::metadata(at.join(&out.file)).unwrap().len()
    };
    let mishaps = [
        Mishap::PulledAfter(0),
        Mishap::PulledAfter(1),
        Mishap::PulledAfter(length / 2),
        Mishap::FullAfter(10),
        Mishap::Worn,
        Mishap::PulledAfterFile(1),
    ];
    for (begun, mishap) in (1..).zip(mishaps) {
        let stick = house.media.sticks()[0].clone();
        stick.expect(Some(mishap));
        let done = house.pair(&exporting(&house, &batch));
        stick.expect(None);
        stick.plug();
        if mishap == Mishap::Worn {
            // It gets nothing any more; what follows is another stick's.
            let told = rule(house.pair(&exporting(&house, &batch)));
            assert!(told.contains("is condemned"), "{told}");
            // Nobody else writes to it either, though the reason is closed to them.
            house.room.logout();
            house.room.logon_all(&[GroupId::Administrators]);
            let again = CondemnMedium {
                id: house.medium.id,
                name: house.medium.name.clone(),
                serial: house.medium.serial.clone(),
                reason: "it is worn".into(),
            };
            let admins = ["Ada", "Ben"].map(|name| (name, GroupId::Administrators));
            let told = rule(house.act(&again, &admins));
            assert!(told.contains("the PIN room condemned it"), "{told}");
            house.enrol_another();
        }
        // The only file is the last one: pulled in it, it may be whole.
        let open = matches!(mishap, Mishap::PulledAfter(_) | Mishap::PulledAfterFile(_));
        match done {
            Err(DoorError::Failed(ActionError::Device { .. } | ActionError::NoMedium { .. })) => {
                assert!(!open, "{mishap:?}");
            }
            Err(DoorError::Failed(ActionError::Unknown { .. })) => assert!(open, "{mishap:?}"),
            other => panic!("{mishap:?}: {other:?}"),
        }
        let record = house.batch(&batch);
        assert_eq!((record.outputs, record.stage()), (begun, Stage::Balanced));
        assert!(record.exported.is_none(), "{mishap:?}");
    }
    // Before anything was written, no number is used up.
    let stick = house.media.sticks()[0].clone();
    let used = house.batch(&batch).outputs;
    stick.unplug();
    match house.pair(&exporting(&house, &batch)) {
        Err(DoorError::Failed(ActionError::NoMedium { .. } | ActionError::Rule { .. })) => {}
        other => panic!("{other:?}"),
    }
    stick.plug();
    assert_eq!(house.batch(&batch).outputs, used);
    let (out, text) = export(&mut house, &batch);
    assert!(text.ends_with("count;2;2;0\n"), "{text} {}", out.folder);
    let record = house.batch(&batch);
    let authority = house.room.vault().authority().unwrap().clone();
    let sheet = format!("{:?}", sheet(&authority, &record, &[], &[]));
    assert!(sheet.contains("outputs were begun and cut off"), "{sheet}");
}
