//! What a commit does to the disk: cut, full, failing.

use std::path::Path;
use std::process::Command;

use crate::acts::{Change, End, Need};
use crate::room::memory::apply;
use crate::room::{Content, MemoryStore, Room, Seeded};
use crate::*;
use conclave_evidence::GroupId::{Approvers, KeyManagers};
use conclave_evidence::journal::entry_hash;
use conclave_keyroom::door::DoorError;
use conclave_keyroom::ports::store::{Store, StoreError, Write};
use conclave_keyroom::vault::engine::SledStore;
use conclave_keyroom::vault::{Compartment, VaultError};

/// The scenario that cuts and full disks interrupt. Stops at the first error.
fn scenario(room: &mut Room) -> Result<(), String> {
    let words = |e: &dyn std::fmt::Display| e.to_string();
    if room.vault().is_empty() {
        room.try_found().map_err(|e| words(&e))?;
    }
    room.try_logon(KeyManagers, &["Dora", "Emil"])
        .map_err(|e| words(&e))?;
    room.try_logon(Approvers, &["Ada", "Ben"])
        .map_err(|e| words(&e))?;
    for (act, signers) in [
        (note("one"), &[][..]),
        (note("two").ending(End::Failed), &[]),
        (
            Change::new(Compartment::Keys, "value", &[Need::Quorum(KeyManagers)]),
            &[("Dora", KeyManagers), ("Fay", KeyManagers)],
        ),
    ] {
        match room.perform_with(&act, signers) {
            Ok(()) => {}
            Err(DoorError::Failed(_)) if act.end == End::Failed => {}
            Err(error) => return Err(words(&error)),
        }
    }
    room.door_mut().logout("done").map_err(|e| words(&e))
}

#[test]
fn after_a_cut_at_any_commit_the_station_opens() {
    let mut room = Room::before_founding(MemoryStore::default());
    scenario(&mut room).unwrap();
    let batches = room.memory().batches();
    assert!(batches.len() > 12, "{}", batches.len());
    // The founding, each custodian's form, and that it is over.
    let over = |batch: &Vec<Write>| {
        let done = |write: &Write| matches!(write, Write::Put(_, value) if value == b"done");
        batch.iter().any(done)
    };
    let founded = batches.iter().position(over).expect("it is finished");
    assert!(founded > 0);
    let mut content = Content::new();
    let mut open_intents = 0;
    for (at, batch) in batches.iter().enumerate() {
        apply(&mut content, batch);
        room.examine(content.clone())
            .unwrap_or_else(|error| panic!("after commit {at}: {error}"));
        let mut cut = Room::before_founding(MemoryStore::holding(content.clone()));
        assert_eq!(cut.vault().genesis_unfinished().unwrap(), at < founded);
        open_intents += cut.vault().open_intents().unwrap().len();
        scenario(&mut cut).unwrap_or_else(|error| panic!("after commit {at}: {error}"));
    }
    assert_eq!(open_intents, 3, "each act has one moment between");
}

#[test]
fn a_disk_that_is_full_at_any_commit_leaves_what_was() {
    let commits = {
        let mut room = Room::before_founding(MemoryStore::default());
        scenario(&mut room).unwrap();
        room.memory().batches().len()
    };
    for left in 0..commits {
        let mut room = Room::before_founding(MemoryStore::default());
        room.memory().full_after(Some(left));
        scenario(&mut room).unwrap_err();
        assert_eq!(room.memory().batches().len(), left);
        let full = room.memory().content();
        if !room.vault().is_empty() {
            // In memory, too: the numbers are those of the disk.
            let newest = room.vault().newest().unwrap();
            let hash = entry_hash(entries(&full).last().unwrap());
            assert_eq!(newest, (entries(&full).len() as u64 - 1, hash));
        }
        // With room again the same run of the program goes on, and what it
        // writes adds up.
        room.memory().full_after(None);
        let _ = room.door_mut().logout("the disk was full");
        scenario(&mut room).unwrap_or_else(|error| panic!("after {left}: {error}"));
        room.examine(room.memory().content()).unwrap();
    }
}

#[test]
fn records_do_not_change_without_an_entry() {
    use conclave_keyroom::vault::{Batch, Surroundings, Vault};
    let room = Room::in_memory();
    let shares = ["Dora", "Emil"].map(|name| room.share(KeyManagers, name));
    let store = MemoryStore::holding(room.memory().content());
    let mut vault = Vault::open(
        Box::new(store.clone()),
        Surroundings {
            clock: std::sync::Arc::new(room.clock.clone()),
            random: Box::new(Seeded::new(8)),
            boot: NOTE,
        },
    )
    .unwrap();
    vault.unlock(KeyManagers, &shares).unwrap();
    let before = store.content();
    let mut batch = Batch::default();
    batch
        .put(Compartment::Catalogue, "note", NOTE, &"x")
        .unwrap();
    assert!(matches!(vault.commit(batch), Err(VaultError::Unjournalled)));
    assert!(store.content() == before);
}

/// The inner half of the next test: commits as often as it is told.
#[test]
#[ignore = "run by the test that traces it"]
fn traced_commits() {
    let folder = std::env::var("CONCLAVE_TRACED_FOLDER").unwrap();
    let commits: u8 = std::env::var("CONCLAVE_TRACED_COMMITS")
        .unwrap()
        .parse()
        .unwrap();
    let mut store = SledStore::open(Path::new(&folder)).unwrap();
    // Seen in the trace: what came before is the opening.
    let _ = std::fs::File::open(Path::new(&folder).join("begin-mark"));
    for at in 0..commits {
        store
            .commit(&[Write::Put(vec![at], vec![at; 100])])
            .unwrap();
        assert_eq!(store.get(&[at]).unwrap(), Some(vec![at; 100]));
    }
    let _ = std::fs::File::open(Path::new(&folder).join("end-mark"));
}

#[test]
fn every_commit_reaches_the_disk() {
    for commits in [0usize, 3] {
        let folder = tempfile::tempdir().unwrap();
        let trace = folder.path().join("trace");
        let status = Command::new("strace")
            .args(["-f", "-y", "-e", "trace=openat,fdatasync,fsync", "-o"])
            .arg(&trace)
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "disk::traced_commits", "--ignored"])
            .env("CONCLAVE_TRACED_FOLDER", folder.path().join("store"))
            .env("CONCLAVE_TRACED_COMMITS", commits.to_string())
            .output()
            .expect("strace is missing: run ./scripts/test, which installs it");
        assert!(status.status.success(), "{status:?}");
        let trace = std::fs::read_to_string(trace).unwrap();
        let between: Vec<&str> = trace
            .lines()
            .skip_while(|line| !line.contains("begin-mark"))
            .take_while(|line| !line.contains("end-mark"))
            .collect();
        assert!(!between.is_empty(), "the marks are in the trace");
        let synced = between
            .iter()
            .filter(|line| line.contains("fdatasync(") && line.contains("/store/db>"))
            .count();
        assert_eq!(synced, commits, "{between:#?}");
    }
}

/// What the store tells; nothing where the disk below it fails.
fn told<T>(read: Result<T, StoreError>) -> Option<T> {
    match read {
        Ok(found) => Some(found),
        Err(StoreError::Io(_)) => None,
        Err(other) => panic!("{other:?}"),
    }
}

/// The inner half of the next test: commits until the disk takes no more.
#[test]
#[ignore = "run by the test that limits it"]
fn limited_commits() {
    let folder = std::env::var("CONCLAVE_LIMITED_FOLDER").unwrap();
    let mut store = SledStore::open(Path::new(&folder)).unwrap();
    let value = |at: u32| at.to_be_bytes().repeat(8 * 1024);
    for at in 0..200u32 {
        let batch = [
            Write::Put(at.to_be_bytes().to_vec(), value(at)),
            Write::Put(b"newest".to_vec(), at.to_be_bytes().to_vec()),
        ];
        if store.commit(&batch).is_err() {
            // What is read is what was acknowledged, or nothing where the disk
            // fails again; and nothing follows.
            if let Some(newest) = told(store.get(b"newest")) {
                assert_eq!(newest.unwrap(), (at - 1).to_be_bytes());
            }
            assert_eq!(told(store.get(&at.to_be_bytes())).flatten(), None);
            if let Some(last) = told(store.last(b"")) {
                assert_eq!(last.unwrap().0, b"newest");
            }
            let mut seen = 0;
            let count = &mut |_: &[u8], _: &[u8]| {
                seen += 1;
                true
            };
            if told(store.scan(b"", count)).is_some() {
                assert_eq!(seen, at + 1);
            }
            assert!(matches!(store.commit(&batch), Err(StoreError::Failed)));
            println!("full at {at}");
            std::process::exit(0);
        }
    }
    panic!("the limit was never reached");
}

#[test]
fn a_real_write_that_fails_is_undone_and_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    drop(SledStore::open(&store).unwrap());
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 4096; exec \"$0\" --exact disk::limited_commits --ignored --nocapture"])
        .arg(std::env::current_exe().unwrap())
        .env("CONCLAVE_LIMITED_FOLDER", &store)
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{words}");
    let at: u32 = words
        .lines()
        .find_map(|line| line.split("full at ").nth(1))
        .and_then(|at| at.trim().parse().ok())
        .unwrap_or_else(|| panic!("{words}"));
    // After a restart every acknowledged commit is there, and the last one as
    // a whole or not at all.
    let store = SledStore::open(&store).unwrap();
    let newest = store.get(b"newest").unwrap().unwrap();
    let newest = u32::from_be_bytes(newest.try_into().unwrap());
    assert!(newest == at - 1 || newest == at, "{newest} of {at}");
    for at in 0..=newest {
        assert!(store.get(&at.to_be_bytes()).unwrap().is_some(), "{at}");
    }
}
