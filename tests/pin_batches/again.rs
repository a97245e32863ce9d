//! The same cards come again, as another batch: a job of the issuer that ran
//! twice, or was sent anew under another name.

use conclave_crypto::secret::Secret;
use conclave_evidence::Bytes;
use conclave_keyroom::domain::pin_card::PinCard;
use conclave_keyroom::domain::pin_marks::{KEPT_MS, MARK_LEN, PinMarks};
use conclave_keyroom::vault::Compartment;
use conclave_trades::pin::action::{CancelCards, Checked, PurgeBatch, SettleRestoredBatch};

use super::pin_acts::{confirm, export, give_back, reconcile};
use super::pin_house::{PAIR, PinHouse, Plant, csv, csv_of, pan};
use super::reborn::begin_anew;
use super::refusals::rule;

/// What the station says of a file before anybody signs.
fn read(house: &mut PinHouse, template: &str, file: &[u8]) -> Result<Checked, Vec<String>> {
    let layout = match template {
        "json-host" => "pin-mailer-two-up",
        _ => "pin-mailer-continuous",
    };
    let reading = house.reading(template, layout, file);
    let secret = vec![Secret::take(&mut file.to_vec())];
    house.act_with(&reading, &[], secret).unwrap()
}

fn host_file(batch: &str) -> String {
    let text = std::fs::read_to_string("tests/vectors/pins/good.json").unwrap();
    let other = text.replace("\"B-JS\"", &format!("\"{batch}\""));
    assert_ne!(text, other);
    other
}

fn marks(house: &PinHouse) -> Vec<PinMarks> {
    let all = house.room.vault().list(Compartment::Pins, PinMarks::KIND);
    all.unwrap().into_iter().map(|(_, one)| one).collect()
}

#[test]
fn both_sign_that_cards_get_another_pin() {
    let mut house = PinHouse::new();
    let file = house.sealed(csv("B-0001", 3).as_bytes());
    let batch = house.open("csv-pvv", "pin-mailer-continuous", &file, 1);
    house.forms(&batch, 1, 10);
    // The third gets no mailer: the issuer may send it anew.
    let cancel = CancelCards {
        batch: batch.clone(),
        first: 3,
        last: 3,
        reason: "the issuer asked for it".into(),
    };
    house.pair(&cancel).unwrap();
    house.print(&batch, 2).unwrap();
    let file = house.sealed(csv("B-0002", 5).as_bytes());
    assert_eq!(read(&mut house, "csv-pvv", &file).unwrap().again, 2);
    confirm(&mut house, &batch, 1, 2);
    give_back(&mut house, &batch);
    export(&mut house, &batch);
    reconcile(&mut house, &batch);
    let before = marks(&house).remove(0).marks.0;
    assert_eq!(before.len(), 3 * MARK_LEN);
    house
        .pair(&PurgeBatch {
            batch: batch.clone(),
            receipt: "R-77 of the issuer".into(),
        })
        .unwrap();

    // The numbers are gone, and the cards are known all the same.
    let vault = house.room.vault();
    let cards = vault.of_kind(Compartment::Pins, PinCard::KIND).unwrap().0;
    assert_eq!(cards, []);
    let mut left: Vec<&[u8]> = before.chunks(MARK_LEN).take(2).collect();
    left.sort_unstable();
    assert_eq!(
        marks(&house)[0].marks,
        Bytes(left.concat()),
        "not the third"
    );
    let file = house.sealed(csv("B-0003", 5).as_bytes());
    let good = house.opening("csv-pvv", "pin-mailer-continuous", &file, 3);
    assert_eq!(good.again, 2);
    let secret = || vec![Secret::take(&mut file.clone())];
    for wrong in [0, 1, 3] {
        let mut act = good.clone();
        act.again = wrong;
        let told = rule(house.act_with(&act, &PAIR, secret()));
        assert!(
            told.contains("2 of its cards had a mailer before"),
            "{told}"
        );
    }
    house.act_with(&good, &PAIR, secret()).unwrap();
    // Neither key nor marks say which card it was: they are of no plain digest.
    for one in marks(&house) {
        for number in 1..=5 {
            let plain = conclave_crypto::primitive::derive::sha256(&[pan(number).as_bytes()]);
            let short = &plain[..MARK_LEN];
            assert!(one.marks.0.chunks(MARK_LEN).all(|mark| mark != short));
        }
    }
    // Those of 400 days ago are dropped when the next batch is opened.
    let old = PinMarks {
        batch: conclave_evidence::Id([0x77; 16]),
        opened_ms: house.room.vault().clock().wall_ms() - KEPT_MS - 1,
        marks: Bytes(vec![7; MARK_LEN]),
        versions: Vec::new(),
        validation: Bytes(Vec::new()),
        pins: Bytes(Vec::new()),
    };
    house.act(&Plant::Marks(old.clone()), &[]).unwrap();
    assert!(marks(&house).contains(&old));
    let file = house.sealed(csv_of("B-0004", 9..=9).as_bytes());
    house.open("csv-pvv", "pin-mailer-continuous", &file, 4);
    assert_eq!(marks(&house).len(), 3);
    assert!(!marks(&house).contains(&old));
}

#[test]
fn a_pin_that_cannot_change_is_on_no_second_mailer() {
    let mut house = PinHouse::new();
    let file = house.sealed(host_file("B-0001").as_bytes());
    house.open("json-host", "pin-mailer-two-up", &file, 2);
    // While the first batch still waits, and whatever the new one is called.
    let file = house.sealed(host_file("B-0002").as_bytes());
    let faults = read(&mut house, "json-host", &file).unwrap_err();
    assert_eq!(faults.len(), 10, "each card: {faults:?}");
    assert!(
        faults[0].starts_with("line 8, column ") && faults[0].contains("had a mailer"),
        "{faults:?}"
    );
    assert!(!faults.join(" ").contains("4111"), "{faults:?}");

    // A restore brings the batch back: whether its mailers were printed since
    // the backup stands in no record, so they may have been.
    let now = house.room.vault().clock().wall_ms();
    begin_anew(&mut house.room, 9, now);
    house.release_keys();
    house.room.logon_pin_room();
    let mut id = [2; 16];
    id[12..].fill(0);
    let batch = house.only_batch();
    assert_eq!(batch.id.0, id);
    let settle = SettleRestoredBatch { batch, waiting: 10 };
    assert_eq!(house.pair(&settle).unwrap(), (10, 0));
    let file = house.sealed(host_file("B-0003").as_bytes());
    assert_eq!(read(&mut house, "json-host", &file).unwrap_err().len(), 10);
}
