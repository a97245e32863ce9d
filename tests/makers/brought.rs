//! Malformed files that somebody brings on a medium: public keys, key stores,
//! receipts. Each is told, leaves an intent and one failure in the journal, and the keys
//! are what they were.

use std::path::Path;

use conclave_crypto::secret::Secret;
use conclave_evidence::journal::EntryKind;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::door::{Action, ActionError, DoorError, Warrant};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::programs::NoPrograms;
use conclave_keyroom::vault::Compartment;
use conclave_trades::keys::{ReadPublic, ReadStore};
use conclave_trades::target::ReadReceipt;

use crate::desk::Desk;
use crate::room::NoPrinters;

/// The journal's failures of this action.
fn failed(desk: &Desk, action: &str) -> usize {
    let entries = desk.room.vault().entries(0).unwrap();
    let headers = entries.iter().filter_map(|entry| entry.open_header().ok());
    headers
        .filter(|header| header.action == action && header.kind == EntryKind::Failed)
        .count()
}

fn keys(desk: &Desk) -> Vec<KeyRecord> {
    let list = desk
        .room
        .vault()
        .list(Compartment::Catalogue, KeyRecord::KIND);
    list.unwrap().into_iter().map(|(_, key)| key).collect()
}

/// Brings each file of a folder; how many were refused.
fn bring<A: Action>(of: &str, halves: &[&str], act: impl Fn(&Desk, String) -> A) -> (usize, usize) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/malformed");
    let mut desk = Desk::new();
    let import = desk.folder.join("IMPORT");
    std::fs::create_dir(&import).unwrap();
    let before = keys(&desk);
    let (mut refused, mut all) = (0, 0);
    for file in std::fs::read_dir(from.join(of)).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        std::fs::copy(&path, import.join(&name)).unwrap();
        let action = act(&desk, name.clone());
        let secret = |half: &&str| Secret::take(&mut half.as_bytes().to_vec());
        let (entries, mut printers) = (failed(&desk, A::NAME), NoPrinters);
        let mut ports = Ports {
            printers: &mut printers,
            media: &mut *desk.ports,
            programs: &mut NoPrograms,
        };
        let secrets = halves.iter().map(secret).collect();
        let door = desk.room.door_mut();
        let result = door.perform(&action, &Warrant::default(), secrets, &mut ports);
        all += 1;
        match result {
            Err(DoorError::Failed(ActionError::Rule { rule, advice })) => {
                assert!(
                    !rule.contains('\u{1b}') && !advice.is_empty(),
                    "{name}: {rule}"
                );
                assert_eq!(failed(&desk, A::NAME), entries + 1, "{name}");
                refused += 1;
            }
            Err(DoorError::Failed(ActionError::Device { what, .. })) => {
                // Longer than such a file is, before it is parsed.
                assert!(what.contains("was not read"), "{name}: {what}");
                assert_eq!(failed(&desk, A::NAME), entries + 1, "{name}");
                refused += 1;
            }
            Err(other) => panic!("{name}: {other:?}"),
            Ok(_) => assert_eq!(failed(&desk, A::NAME), entries, "{name}"),
        }
        assert_eq!(keys(&desk), before, "{name}");
    }
    (refused, all)
}

#[test]
fn public_keys() {
    let (refused, all) = bring("rsa-public", &[], |desk, file| ReadPublic {
        medium: desk.medium.id,
        file,
    });
    assert!(refused == all && all >= 17, "{refused} of {all}");
}

#[test]
fn receipts() {
    let (refused, all) = bring("receipts", &[], |desk, file| ReadReceipt {
        medium: desk.medium.id,
        file,
    });
    assert!(refused == all && all >= 22, "{refused} of {all}");
}

/// A few are damaged inside an entry alone, which shows when that entry is imported.
#[test]
fn key_stores() {
    let (refused, all) = bring("stores", &["passp", "hrase"], |desk, file| ReadStore {
        medium: desk.medium.id,
        file,
    });
    assert!(refused + 6 >= all && all >= 30, "{refused} of {all}");
}
