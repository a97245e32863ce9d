//! A copy in memory is judged as the repository is, and leaves it alone.

use conclave_evidence::GroupId::Recovery;
use conclave_keyroom::vault::{CopyContent, Vault, VaultError};

use crate::lived_in;
use crate::room::Room;

/// Everything a backup would take, with one value changed.
fn copy(room: &Room, change: Option<(&[u8], &[u8])>) -> Result<Vault, VaultError> {
    let vault = room.vault();
    let mut content = CopyContent::default();
    let mut add = |key: &[u8], value: &[u8]| {
        let value = match change {
            Some((at, other)) if at == key => other,
            _ => value,
        };
        content.add(key, value).unwrap();
        true
    };
    vault.sealed_pairs(&mut add).unwrap();
    vault.public_pairs(&mut add).unwrap();
    vault.copy(content)
}

fn open(room: &Room, mut copy: Vault) -> Result<u64, VaultError> {
    let members = room.members(Recovery);
    let need = room.vault().authority()?.group(Recovery).unwrap().m;
    let shares: Vec<_> = members
        .iter()
        .take(need.into())
        .map(|name| room.share(Recovery, name))
        .collect();
    copy.unlock(Recovery, &shares)?;
    Ok(copy.check_all()?.values().sum())
}

#[test]
fn the_recovery_quorum_opens_every_record_of_a_copy() {
    let room = lived_in();
    let before = room.memory().content();
    let records = before.keys().filter(|key| key.starts_with(b"r/")).count();
    let copied = copy(&room, None).unwrap();
    assert_eq!(open(&room, copied).unwrap(), records as u64);
    assert!(room.memory().content() == before, "it was touched");
}

#[test]
fn a_copy_that_differs_anywhere_does_not_open() {
    let room = lived_in();
    let content = room.memory().content();
    let mut tried = 0;
    for (key, value) in &content {
        // What this group does not open here: other groups' wraps, all shares
        // (the rig's come from the station), anchors, what is not backed up.
        let name = String::from_utf8_lossy(key);
        let wrap = name.starts_with("w/") && !name.ends_with("/recovery");
        let other = ["s/", "u/", "n/", "g", "k", "v"]
            .iter()
            .any(|p| name.starts_with(p));
        if wrap || other {
            continue;
        }
        let mut bad = value.clone();
        let at = bad.len() - 1;
        bad[at] ^= 1;
        let end = copy(&room, Some((key, &bad))).and_then(|copied| open(&room, copied));
        assert!(end.is_err(), "{} opened", String::from_utf8_lossy(key));
        tried += 1;
    }
    assert!(tried > 30, "{tried}");
}
