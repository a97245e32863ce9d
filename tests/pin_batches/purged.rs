//! What a purge leaves on a real disk: bytes of cards stay in the store's file
//! for a while, and no key that is left opens them.

use std::path::{Path, PathBuf};
use std::process::Command;

use conclave_evidence::GroupId;
use conclave_keyroom::domain::device::PrinterLanguage;
use conclave_keyroom::ports::store::Store;
use conclave_keyroom::vault::engine::SledStore;
use conclave_trades::pin::action::PurgeBatch;

use super::job::{confirm, export, give_back, reconcile};
use super::pin_house::{PinHouse, csv};
use super::room::Room;

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut above = here.ancestors();
    above
        .find(|folder| folder.join("Cargo.lock").exists())
        .unwrap()
        .to_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What another program finds in the files: cards of batches, how many of them
/// it opens with the keys of an operator and a supervisor, and other records
/// that it opens.
fn found(house: &mut PinHouse, repository: &Path) -> [usize; 3] {
    let record = house.room.vault().authority().unwrap().clone();
    house.room.close();
    let store = SledStore::open(repository).unwrap();
    let value = |key: &str| hex(&store.get(key.as_bytes()).unwrap().unwrap());
    let half = |group: GroupId, name: &str| {
        let card = &house.room.holder(name).card;
        let entry = record.group(group).unwrap();
        let member = entry.members.iter().find(|m| m.card == card.card).unwrap();
        serde_json::json!({
            "card_9d_private": hex(card.agree_9d.secret().expose()),
            "card_9d_public": hex(card.agree_9d.public()),
            "share_value": value(&format!("s/{group}/{}/{}", entry.epoch, member.x)),
        })
    };
    let given = serde_json::json!({
        "station": hex(&record.station.0),
        "operator": half(GroupId::PinOperators, "Olga"),
        "supervisor": half(GroupId::PinSupervisors, "Quinn"),
        "pins_wrap": value("w/data/pins/pin-operators+pin-supervisors"),
        "repository": repository,
    });
    drop(store);
    let file = house.folder.path().join("given.json");
    std::fs::write(&file, given.to_string()).unwrap();
    let root = root();
    let oracles =
        std::env::var_os("CONCLAVE_ORACLES").map_or_else(|| root.join(".oracles"), PathBuf::from);
    let output = Command::new(oracles.join("bin/python3"))
        .arg(root.join("tests/support/purged.py"))
        .arg(&file)
        .output()
        .expect("the oracle is missing: run ./scripts/test, which installs it");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    house.restart();
    let said = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<usize> = said
        .split_whitespace()
        .map(|n| n.parse().unwrap())
        .collect();
    numbers.try_into().unwrap()
}

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
    let [cards, opened, others] = found(&mut house, &repository);
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
    let [cards, opened, others] = found(&mut house, &repository);
    assert!(cards > 0, "their bytes lie in the file still");
    assert!(others > 0);
    assert_eq!(opened, 0, "of {cards}");
}
