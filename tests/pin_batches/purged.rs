//! What a purge leaves on a real disk: bytes of cards stay in the store's file
//! for a while, and no key that is left opens them.

use conclave_keyroom::domain::device::PrinterLanguage;
use conclave_trades::pin::action::PurgeBatch;

use super::pin_acts::{confirm, export, give_back, reconcile};
use super::pin_house::{PinHouse, csv};
use super::platters::found;
use super::room::Room;

#[test]
fn no_key_that_is_left_opens_a_card_of_a_purged_batch() {
    let folder = tempfile::tempdir().unwrap();
    let repository = folder.path().join("repository");
    let room = Room::with_pin_room_in(&repository);
    let mut house = PinHouse::in_room(room, PrinterLanguage::Line);
    let file = house.sealed(csv("B-0001", 3).as_bytes());
    let batch = house.open("csv-pvv", "pin-mailer-continuous", &file, 1);
    house.forms(&batch, 1, 5);
    house.print(&batch, 3).unwrap();
    confirm(&mut house, &batch, 1, 3);
    give_back(&mut house, &batch);
    export(&mut house, &batch);
    reconcile(&mut house, &batch);
    let [cards, opened, others] = found(&mut house, &repository, &repository);
    assert!(cards >= 3 && others > 0, "{cards} {others}");
    assert_eq!(opened, cards, "the room opens its own cards");
    let small = || {
        std::fs::read_dir(repository.join("erasable"))
            .unwrap()
            .count()
    };
    assert_eq!(small(), 1);

    let act = PurgeBatch {
        batch,
        receipt: "R-77 of the issuer".into(),
    };
    assert_eq!(house.pair(&act).unwrap(), 3);
    assert_eq!(small(), 0);
    let [cards, opened, others] = found(&mut house, &repository, &repository);
    assert!(cards > 0, "their bytes lie in the file still");
    assert!(others > 0);
    assert_eq!(opened, 0, "of {cards}");
}
