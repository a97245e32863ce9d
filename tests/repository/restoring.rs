//! A restore, commit by commit: cut after any of them, the repository is empty
//! or it is the restored station.

use conclave_evidence::GroupId::{Administrators, Recovery};
use conclave_evidence::authority::{CardSignature, SignedAuthority};
use conclave_evidence::journal::EntryKind;
use conclave_evidence::{Hash, Id};
use conclave_keyroom::door::{DoorError, Refusal};
use conclave_keyroom::ports::store::Pair;
use conclave_keyroom::vault::VaultError;
use conclave_keyroom::vault::format::FORMAT;
use conclave_trades::backup::{Restore, reborn};

use crate::lived_in;
use crate::room::memory::apply;
use crate::room::{Content, MemoryStore, Room};

/// What a backup would hold: what is filled in, and what is staged.
fn values(room: &Room) -> (Vec<Pair>, Vec<Pair>) {
    let (mut below, mut last) = (Vec::new(), Vec::new());
    let mut take = |key: &[u8], value: &[u8]| {
        let pair = (key.to_vec(), value.to_vec());
        if key == b"h" || key.starts_with(b"a/") {
            last.push(pair);
        } else {
            below.push(pair);
        }
        true
    };
    room.vault().sealed_pairs(&mut take).unwrap();
    room.vault().public_pairs(&mut take).unwrap();
    (below, last)
}

fn signed(room: &Room, incarnation: Id, signers: &[&str]) -> SignedAuthority {
    let vault = room.vault();
    let record = vault.authority().unwrap();
    let hash = vault.authority_hash().unwrap();
    let next = reborn(record, hash, incarnation, 1);
    let mut signed = SignedAuthority::unsigned(&next).unwrap();
    let digest = signed.digest().unwrap();
    for name in signers {
        let card = &room.holder(name).card;
        signed.signatures.push(CardSignature {
            card: card.card,
            signature: card.sign(&digest),
        });
    }
    signed
}

fn act(room: &Room, signers: &[&str]) -> Restore {
    let fork = room.vault().fork().unwrap();
    Restore {
        from: None,
        last: fork.seq,
        entry: fork.entry,
        seen: None,
        elsewhere: Vec::new(),
        signed: signed(room, Id([9; 16]), signers),
    }
}

/// An empty machine into which everything was filled, both groups logged on.
fn filled(old: &Room) -> Room {
    let mut new = Room::before_founding(MemoryStore::default());
    let (below, last) = values(old);
    new.door_mut().begin_filling().unwrap();
    for some in below.chunks(7) {
        new.door_mut().fill(some.to_vec()).unwrap();
    }
    new.door_mut().stage(last, FORMAT).unwrap();
    let recovery = new.members(Recovery);
    new.logon(Recovery, &recovery[..2]);
    new.logon(Administrators, &["Ada", "Ben"]);
    new
}

fn signers(room: &Room) -> Vec<(&'static str, conclave_evidence::GroupId)> {
    let recovery = room.members(Recovery);
    vec![
        (recovery[0], Recovery),
        (recovery[1], Recovery),
        ("Ada", Administrators),
        ("Ben", Administrators),
    ]
}

#[test]
fn cut_after_any_commit_it_is_empty_or_restored() {
    let old = lived_in();
    let mut new = filled(&old);
    let before = new.memory().batches().len();
    let act = act(&new, &["Ada", "Ben"]);
    let who = signers(&new);
    new.perform_with(&act, &who).unwrap();
    assert_eq!(
        new.memory().batches().len(),
        before,
        "nothing is on the disk"
    );
    new.door_mut().settle_recovery().unwrap();
    assert_eq!(
        new.memory().batches().len(),
        before + 1,
        "and then all of it"
    );
    new.logout();
    let batches = new.memory().batches();
    let mut content = Content::new();
    let mut restored = 0;
    for batch in &batches {
        apply(&mut content, batch);
        let store = MemoryStore::holding(content.clone());
        let mut cut = Room::before_founding(store.clone());
        if cut.vault().is_empty() {
            assert!(store.content().is_empty(), "what was filled in is gone");
            cut.try_found().unwrap();
            continue;
        }
        restored += 1;
        new.examine(content.clone()).unwrap();
        assert_eq!(cut.vault().incarnations().unwrap().len(), 2);
    }
    assert_eq!(restored, 2, "the restore, and the logout");
    // The records are those of the backup, to the bit.
    for (key, value) in old.memory().content() {
        if key.starts_with(b"r/") || key.starts_with(b"c/") {
            assert_eq!(content.get(&key), Some(&value));
        }
    }
    let journal = new.vault().entries(0).unwrap();
    let headers: Vec<_> = journal.iter().map(|e| e.open_header().unwrap()).collect();
    let outcome = headers
        .iter()
        .find(|h| h.action == "restore" && h.kind == EntryKind::Outcome);
    assert!(outcome.is_some());
}

#[test]
fn a_disk_that_is_full_restores_nothing() {
    let old = lived_in();
    let commits = filled(&old).memory().batches().len();
    for left in [0, 1, commits / 2, commits] {
        let mut new = Room::before_founding(MemoryStore::default());
        new.memory().full_after(Some(left));
        let (below, last) = values(&old);
        let done = (|| {
            new.door_mut().begin_filling()?;
            for some in below.chunks(7) {
                new.door_mut().fill(some.to_vec())?;
            }
            new.door_mut().stage(last, FORMAT)?;
            new.door_mut().settle_recovery()
        })();
        assert!(
            matches!(done, Err(VaultError::Store(_))),
            "{left}: {done:?}"
        );
        new.memory().full_after(None);
        new.door_mut().abandon_recovery().unwrap();
        assert!(new.vault().is_empty());
        assert!(new.memory().content().is_empty(), "{left}");
        new.try_found().unwrap();
    }
}

#[test]
fn neither_quorum_alone_nor_m_minus_one_restores() {
    let old = lived_in();
    let mut new = filled(&old);
    let all = signers(&new);
    let good = act(&new, &["Ada", "Ben"]);
    for missing in 0..all.len() {
        let mut some = all.clone();
        some.remove(missing);
        let refused = new.perform_with(&good, &some);
        assert!(
            matches!(refused, Err(DoorError::Refused(Refusal::TooFew { .. }))),
            "{missing}: {refused:?}"
        );
    }
    // One administrator alone does not sign a new incarnation, and no record
    // that changes something else passes for one.
    let alone = act(&new, &["Ada"]);
    assert!(new.perform_with(&alone, &all).is_err());
    let mut other = good.clone();
    other.entry = Hash([1; 32]);
    assert!(new.perform_with(&other, &all).is_err());
    let mut same = good.clone();
    let incarnation = new.vault().authority().unwrap().incarnation;
    same.signed = signed(&new, incarnation, &["Ada", "Ben"]);
    assert!(new.perform_with(&same, &all).is_err());
    new.perform_with(&good, &all).unwrap();
    // Outside of a restore the same act is none.
    let mut lived = lived_in();
    lived.logon_all(&[Recovery, Administrators]);
    let refused = lived.perform_with(&good, &all);
    assert!(refused.is_err(), "{refused:?}");
}

#[test]
fn what_does_not_belong_is_not_filled_in() {
    let old = lived_in();
    let mut new = Room::before_founding(MemoryStore::default());
    new.door_mut().begin_filling().unwrap();
    for key in [&b"a/"[..], b"h", b"g", b"k", b"b", b"u/x"] {
        let pair = vec![(key.to_vec(), Vec::new())];
        assert!(new.door_mut().fill(pair).is_err(), "{key:?}");
    }
    // Values of a station, and authority records of another history.
    let (below, mut last) = values(&old);
    new.door_mut().fill(below).unwrap();
    last.iter_mut()
        .filter(|(key, _)| key == b"h")
        .for_each(|(_, value)| {
            let end = value.len() - 1;
            value[end] ^= 1;
        });
    assert!(new.door_mut().stage(last, FORMAT).is_err());
    new.door_mut().abandon_recovery().unwrap();
    assert!(new.memory().content().is_empty());
    // Nor into a station that is there.
    let mut lived = lived_in();
    assert!(lived.door_mut().begin_filling().is_err());
    assert!(
        lived.door_mut().begin_recovery().is_err(),
        "nothing locked it"
    );
}
