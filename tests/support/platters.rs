//! What another program reads on a disk: sealed records of the PIN room, old ones
//! too, and those of them that open with the cards of its pair.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop at the first surprise"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use conclave_evidence::GroupId;
use conclave_keyroom::ports::store::Store;
use conclave_keyroom::vault::engine::SledStore;

use crate::pin_house::PinHouse;

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

/// What another program finds in all files of a folder: cards of batches, how many
/// of them it opens with the keys of an operator and a supervisor and what the
/// repository stores for these, and other records that it opens.
pub fn found(house: &mut PinHouse, repository: &Path, folder: &Path) -> [usize; 3] {
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
        "repository": folder,
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
