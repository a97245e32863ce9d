//! Which keys a batch is opened with: its issuer's, of the right algorithm, and
//! such as make PINs of its cards. Found out before anything is printed.

use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::pin_card::PinCard;
use conclave_keyroom::vault::Compartment;
use conclave_trades::pin::action::OpenBatch;

use super::pin_house::{PAIR, PVK, PinHouse, csv, digest};
use super::refusals::rule;

const OTHER: &str = "7CB3A8D0E6F4925B1F2C3D4A5B687986";

fn refused(house: &mut PinHouse, act: &OpenBatch, file: &[u8]) -> String {
    let secret = vec![Secret::take(&mut file.to_vec())];
    let told = rule(house.act_with(act, &PAIR, secret));
    let cards = house.room.vault().of_kind(Compartment::Pins, PinCard::KIND);
    assert!(cards.unwrap().0.is_empty(), "nothing of the file was taken");
    told
}

#[test]
fn a_key_serves_the_issuer_that_it_was_released_for() {
    let mut house = PinHouse::new();
    let file = house.sealed(csv("B-0001", 2).as_bytes());
    let good = house.opening("csv-pvv", "pin-mailer-continuous", &file, 1);
    let mut act = good.clone();
    act.pin_key = house.further_key(11, PVK, ("V2", "C", "N"), KeyForm::Tdes2, "BANKY");
    let told = refused(&mut house, &act, &file);
    assert!(
        told.contains("released for batches of BANKY, not of BANKX"),
        "{told}"
    );
    // The same for the key of what goes back.
    let file = std::fs::read("tests/vectors/pins/good.txt").unwrap();
    let file = house.sealed(&file);
    let mut act = house.opening("fixed-offset", "pin-mailer-continuous", &file, 2);
    act.zone_key = Some(house.further_key(12, OTHER, ("P0", "E", "E"), KeyForm::Tdes2, "BANKY"));
    let told = refused(&mut house, &act, &file);
    assert!(told.contains("released for batches of BANKY"), "{told}");
}

#[test]
fn a_key_of_another_algorithm_or_value_is_found_out_before_anything_is_taken() {
    let mut house = PinHouse::new();
    let file = std::fs::read("tests/vectors/pins/good.json").unwrap();
    let file = house.sealed(&file);
    let good = house.opening("json-host", "pin-mailer-two-up", &file, 1);
    let usage = ("P0", "D", "N");
    let mut act = good.clone();
    act.pin_key = house.further_key(11, OTHER, usage, KeyForm::Aes128, "BANKX");
    let told = refused(&mut house, &act, &file);
    assert!(told.contains("needs a TDES key"), "{told}");
    // A key that opens none of the host's blocks.
    act.pin_key = house.further_key(12, OTHER, usage, KeyForm::Tdes2, "BANKX");
    let told = refused(&mut house, &act, &file);
    assert!(
        told.starts_with("faults of the file, 1 in all: the file: has PIN blocks that do not open"),
        "{told}"
    );
    // One block among ten that is another card's.
    let text = std::fs::read_to_string("tests/vectors/pins/good.json").unwrap();
    let text = text.replacen("F5EDC959CDEEAF4E", "F2CBD5C8D5168F2D", 1);
    let other = house.sealed(text.as_bytes());
    let mut act = good.clone();
    act.file = digest(&other);
    let told = refused(&mut house, &act, &other);
    let one = "faults of the file, 1 in all: the file: has PIN blocks that do not open under \
               BANKX.P0.004; which ones is never told.";
    assert!(told.starts_with(one), "{told}");
    // With its own keys it is taken.
    let secret = vec![Secret::take(&mut file.clone())];
    house.act_with(&good, &PAIR, secret).unwrap();
}
