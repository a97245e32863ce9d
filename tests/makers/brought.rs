//! Malformed files that somebody brings on a medium: public keys, key stores,
//! receipts, certificate chains. Each is told, leaves an intent and one failure in the journal, and the keys
//! are what they were.

use std::collections::BTreeMap;
use std::path::Path;

use conclave_crypto::secret::Secret;
use conclave_evidence::journal::EntryKind;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::door::{Action, ActionError, DoorError, Warrant};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::programs::NoPrograms;
use conclave_keyroom::vault::Compartment;
use conclave_trades::keys::{ReadPublic, ReadStore};
use conclave_trades::target::store::ReadCertificate;
use conclave_trades::target::{KeyName, ReadReceipt};

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
    let (refused, all) = bring_to(Desk::new(), of, halves, act);
    (refused.len(), all)
}

/// The same on a desk that has something already; which were refused, and why.
fn bring_to<A: Action>(
    mut desk: Desk,
    of: &str,
    halves: &[&str],
    act: impl Fn(&Desk, String) -> A,
) -> (BTreeMap<String, String>, usize) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/malformed");
    let import = desk.folder.join("IMPORT");
    std::fs::create_dir_all(&import).unwrap();
    let before = keys(&desk);
    let (mut refused, mut all) = (BTreeMap::new(), 0);
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
                refused.insert(name.clone(), rule);
            }
            Err(DoorError::Failed(ActionError::Device { what, .. })) => {
                // Longer than such a file is, before it is parsed.
                assert!(what.contains("was not read"), "{name}: {what}");
                assert_eq!(failed(&desk, A::NAME), entries + 1, "{name}");
                refused.insert(name.clone(), what);
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

/// Words of the refusal, by file. What is not here is no certificate at all.
const CHAINS: [(&str, &str); 15] = [
    ("other-key.pem", "no certificate of the file is of this key"),
    ("signed-by-another.pem", "certificate 1 is not signed by"),
    ("signed-with-sha1.pem", "certificate 1 is not signed by"),
    ("signature-bit-turned.pem", "certificate 1 is not signed by"),
    ("subject-changed.pem", "certificate 1 is not signed by"),
    (
        "algorithm-outside-differs.pem",
        "certificate 1 is not signed by",
    ),
    (
        "root-did-not-sign-itself.pem",
        "certificate 3 is not signed by",
    ),
    (
        "signer-is-no-authority.pem",
        "certificate 2 signs another and is no CA's",
    ),
    (
        "signer-without-constraints.pem",
        "certificate 2 signs another and is no CA's",
    ),
    (
        "signer-may-not-sign-certificates.pem",
        "certificate 2 signs another and is no CA's",
    ),
    ("stranger-behind.pem", "not of the chain"),
    ("own-twice.pem", "not of the chain"),
    ("above-missing-between.pem", "not of the chain"),
    (
        "own-out-of-date.pem",
        "certificate 1 is outside its validity",
    ),
    (
        "above-not-yet-valid.pem",
        "certificate 2 is outside its validity",
    ),
];

/// The pair is that of the certificates: a good chain of it is taken, by the same
/// action, from the same stick.
#[test]
fn certificate_chains() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus/certificate-chain");
    let mut desk = Desk::new();
    let leaf = std::fs::read(corpus.join("leaf.der")).unwrap();
    let pair = crate::to_rsa::public(&mut desk, "BANK-LAKE.TLS.001", &leaf, "K3");
    let import = desk.folder.join("IMPORT");
    std::fs::create_dir_all(&import).unwrap();
    std::fs::copy(corpus.join("three.pem"), import.join("three.pem")).unwrap();
    let read = |desk: &Desk, file: String| ReadCertificate {
        key: KeyName::of(&pair),
        medium: desk.medium.id,
        file,
    };
    let good = read(&desk, "three.pem".into());
    assert_eq!(desk.act(&good, &[]).unwrap().len(), 3);
    let (refused, all) = bring_to(desk, "chains", &[], read);
    assert!(
        refused.len() == all && all >= 29,
        "{} of {all}: {refused:?}",
        refused.len()
    );
    for (file, why) in &refused {
        let expected = CHAINS.iter().find(|(name, _)| name == file);
        let expected = expected.map_or("these are no certificates in PEM or DER", |(_, why)| why);
        assert!(why.contains(expected), "{file}: {why}");
    }
    for (file, _) in CHAINS {
        assert!(refused.contains_key(file), "{file}");
    }
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
