//! How fast a backup is made and restored, in MB a second of the backup's bytes.
//! Beside each, in the same run, a plain copy of the same bytes: file by file,
//! with fsync.
//!
//! `CONCLAVE_BACKUP_KEYS` sets another number of keys.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a bench may stop at the first surprise

#[path = "../tests/support/room.rs"]
mod room;

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use conclave_crypto::secret::Secret;
use conclave_evidence::GroupId::{Administrators, Approvers, KeyManagers, Recovery};
use conclave_evidence::authority::{CardSignature, SignedAuthority};
use conclave_evidence::backup::BackupAct;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::device::MediumRecord;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit, Warrant};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::programs::NoPrograms;
use conclave_keyroom::vault::Compartment;
use conclave_trades::backup::{
    FromBackup, MakeBackup, Restore, backup_folders, contents, examine_on, fill, reborn,
};
use conclave_training::stick::{FolderStick, StickPorts};
use room::{NoPrinters, Room};
use serde::{Deserialize, Serialize};

const KEYS: u32 = 50_000;
const BATCH: u32 = 5_000;
const SERIAL: &str = "BENCH-1";
const MEDIUM: Id = Id([0x31; 16]);

#[allow(clippy::disallowed_methods, reason = "a bench reads the clock")]
fn now() -> Instant {
    Instant::now()
}

/// Puts records as long as those of a key and its value.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Fill {
    from: u32,
    count: u32,
}

impl Action for Fill {
    const NAME: &'static str = "fill";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Session(KeyManagers),
            Authority::Session(Approvers),
            Authority::Session(Administrators),
        ])
    }

    fn words(&self) -> Vec<String> {
        vec![format!("{} keys", self.count)]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        if self.from == 0 {
            let medium = MediumRecord {
                id: MEDIUM,
                name: "STICK-1".into(),
                serial: SERIAL.into(),
                training: true,
                plate: None,
            };
            permit.put(Compartment::Directory, MediumRecord::KIND, MEDIUM, &medium)?;
        }
        for n in self.from..self.from + self.count {
            // Spread over the store as random ids are.
            let mut id = [0xA5; 16];
            id[..4].copy_from_slice(&n.wrapping_mul(0x9E37_79B1).to_be_bytes());
            id[4..8].copy_from_slice(&n.to_be_bytes());
            let text = "a key's record with label, custody and history ".repeat(10);
            permit.put(Compartment::Catalogue, "note", Id(id), &text)?;
            permit.put(Compartment::Keys, "note", Id(id), &vec![7u8; 60])?;
            let mut mark = id;
            mark[15] = 0x5A;
            permit.put(Compartment::Keys, "key-mark", Id(mark), &vec![Id(id)])?;
        }
        Ok(())
    }
}

fn told(what: &str, bytes: u64, took: Duration, rival: Duration) {
    let rate = |took: Duration| bytes as f64 / 1e6 / took.as_secs_f64();
    println!(
        "{what}: {} MB in {took:?}, {:.1} MB/s; rival, a plain copy with fsync: {rival:?}, \
         {:.1} MB/s; {:.1} times as long",
        bytes / 1_000_000,
        rate(took),
        rate(rival),
        took.as_secs_f64() / rival.as_secs_f64()
    );
}

/// Copies every file, each synced, and the folder at the end.
fn plain_copy(from: &Path, to: &Path) -> Duration {
    std::fs::create_dir_all(to).unwrap();
    let begin = now();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        std::fs::copy(entry.path(), &target).unwrap();
        File::open(&target).unwrap().sync_all().unwrap();
    }
    File::open(to).unwrap().sync_all().unwrap();
    begin.elapsed()
}

fn backed_up(room: &mut Room, media: &mut StickPorts) -> (u64, Duration) {
    room.logon_all(&[Administrators]);
    let vault = room.vault();
    let begin = now();
    let (contents, pairs, _) = contents(vault).unwrap();
    let action = MakeBackup(BackupAct {
        number: vault.newest().unwrap().0,
        contents,
        pairs,
        medium: MEDIUM,
        medium_name: "STICK-1".into(),
        serial: SERIAL.into(),
    });
    let proposal = room.propose(&action);
    let signers = [("Ada", Administrators), ("Ben", Administrators)];
    let warrant = Warrant {
        approvals: room.approve(&proposal, &signers),
        proposal: Some(proposal),
    };
    let mut ports = Ports {
        printers: &mut NoPrinters,
        media,
        programs: &mut NoPrograms,
    };
    let made = room
        .door_mut()
        .perform(&action, &warrant, Vec::new(), &mut ports)
        .unwrap();
    let took = begin.elapsed();
    room.logout();
    (made.bytes, took)
}

/// Checked to the bit, filled, signed by both quorums, durable.
fn restored(folder: &Path, media: &mut StickPorts) -> Duration {
    let begin = now();
    let mut room = Room::before_founding_in(folder);
    let found = backup_folders(media).unwrap().remove(0);
    let checked = examine_on(media, &found.place, &found.signed).unwrap();
    fill(room.door_mut(), media, &found.place, &checked, &mut |_| {}).unwrap();
    let groups: [GroupId; 2] = [Recovery, Administrators];
    room.logon_all(&groups);
    let vault = room.vault();
    let record = vault.authority().unwrap().clone();
    let next = reborn(&record, vault.authority_hash().unwrap(), Id([9; 16]), 1);
    let mut signed = SignedAuthority::unsigned(&next).unwrap();
    let digest = signed.digest().unwrap();
    for name in ["Ada", "Ben"] {
        let card = &room.holder(name).card;
        signed.signatures.push(CardSignature {
            card: card.card,
            signature: card.sign(&digest),
        });
    }
    let fork = room.vault().fork().unwrap().clone();
    let action = Restore {
        from: Some(FromBackup {
            folder: found.place.folder.clone(),
            digest: checked.digest,
            act: checked.backup.act,
        }),
        last: fork.seq,
        entry: fork.entry,
        seen: fork.seen,
        elsewhere: Vec::new(),
        signed,
    };
    let signers = [
        ("Lea", Recovery),
        ("Max", Recovery),
        ("Ada", Administrators),
        ("Ben", Administrators),
    ];
    room.perform_with(&action, &signers).unwrap();
    room.door_mut().settle_recovery().unwrap();
    begin.elapsed()
}

fn main() {
    let keys = std::env::var("CONCLAVE_BACKUP_KEYS").map_or(KEYS, |n| n.parse().unwrap());
    let folder = tempfile::TempDir::new().unwrap();
    let stick = folder.path().join("stick");
    std::fs::create_dir_all(&stick).unwrap();
    let mut media = StickPorts::new(vec![FolderStick::new(&stick, SERIAL)]);
    let mut room = Room::found(&folder.path().join("repository"));
    room.logon_all(&[KeyManagers, Approvers, Administrators]);
    for from in (0..keys).step_by(BATCH as usize) {
        let fill = Fill {
            from,
            count: BATCH.min(keys - from),
        };
        room.perform(&fill, &Warrant::default()).unwrap();
    }
    room.logout();
    let (bytes, took) = backed_up(&mut room, &mut media);
    let made = std::fs::read_dir(&stick)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.join("backup.cbor").exists())
        .unwrap();
    println!("{keys} keys");
    let rival = plain_copy(&made, &folder.path().join("copied"));
    told("backup, written and read back", bytes, took, rival);
    drop(room);
    let took = restored(&folder.path().join("restored"), &mut media);
    let rival = plain_copy(&made, &folder.path().join("copied-again"));
    told("restore, checked, signed and durable", bytes, took, rival);
}
