//! A repository of a million keys: how long until it opens for a group, until
//! its records are added up against their roots, how much memory that takes;
//! and how fast a journal is verified. Beside it, in the same run, the plain
//! reading of a file with as many bytes.
//!
//! `CONCLAVE_SCALE_KEYS` sets another number of keys, `CONCLAVE_SCALE_DIR` keeps
//! the repository in that folder and uses it again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a bench may stop at the first surprise

#[path = "../tests/support/room.rs"]
mod room;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use conclave_crypto::secret::Secret;
use conclave_evidence::GroupId::{Approvers, KeyManagers};
use conclave_evidence::export::JournalExport;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{CheckValue, KeyRecord, KeySource, KeyState};
use conclave_keyroom::door::{Action, ActionError, Authority, Permit, Warrant};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use room::Room;
use serde::{Deserialize, Serialize};

const KEYS: u32 = 1_000_000;
const ENTRIES: u32 = 20_000;
const BATCH: u32 = 5_000;
const LOGON_BOUND: Duration = Duration::from_secs(1);
const MEMORY_BOUND: u64 = 400;
const JOURNAL_BOUND: f64 = 100_000.0;

#[allow(clippy::disallowed_methods, reason = "a bench reads the clock")]
fn now() -> Instant {
    Instant::now()
}

/// Puts keys on record, each with a value as long as a real one.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Fill {
    from: u32,
    count: u32,
}

fn id(n: u32) -> Id {
    // Spread over the store as random ids are.
    let mut id = [0xA5; 16];
    id[..4].copy_from_slice(&n.wrapping_mul(0x9E37_79B1).to_be_bytes());
    id[4..8].copy_from_slice(&n.to_be_bytes());
    Id(id)
}

fn record(n: u32) -> KeyRecord {
    KeyRecord {
        id: id(n),
        label: format!("BANK-{:03}.ZPK.{n:07}", n % 997),
        form: KeyForm::Tdes2,
        usage: "P0".into(),
        mode_of_use: "B".into(),
        exportability: "E".into(),
        template: "zpk-tdes2 v1".into(),
        kcv: CheckValue {
            value: format!("{:06X}", n & 0xFF_FFFF),
            method: "ENC-ZERO".into(),
        },
        state: KeyState::Active,
        provider: "software in locked memory".into(),
        ceremony: id(n ^ 0x5555),
        created_ms: room::START_MS,
        expires_ms: room::START_MS + 365 * 86_400_000,
        wrapping: None,
        components: Vec::new(),
        source: KeySource::Here,
        rsa: None,
        successor: None,
        exports: Vec::new(),
        others: Vec::new(),
        reissued: None,
    }
}

impl Action for Fill {
    const NAME: &'static str = "fill";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Session(KeyManagers),
            Authority::Session(Approvers),
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
        for n in self.from..self.from + self.count {
            permit.put(Compartment::Catalogue, KeyRecord::KIND, id(n), &record(n))?;
            permit.put(
                Compartment::Keys,
                KeyRecord::VALUE_KIND,
                id(n),
                &vec![7u8; 60],
            )?;
        }
        Ok(())
    }
}

const BOTH: [GroupId; 2] = [KeyManagers, Approvers];

fn filled(folder: &Path, keys: u32) -> Room {
    if folder.join("filled").exists() {
        return Room::returning(&folder.join("repository"), 7).unwrap();
    }
    let mut room = Room::found(&folder.join("repository"));
    room.logon_all(&BOTH);
    let begin = now();
    for from in (0..keys).step_by(BATCH as usize) {
        let fill = Fill {
            from,
            count: BATCH.min(keys - from),
        };
        room.perform(&fill, &Warrant::default()).unwrap();
    }
    println!("made {keys} keys in {:?}", begin.elapsed());
    std::fs::write(folder.join("filled"), b"").unwrap();
    room
}

/// Megabytes from a line of the process's status.
fn megabytes(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes / 1024
}

fn bytes_below(folder: &Path) -> u64 {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => bytes_below(&path),
                false => std::fs::metadata(path).unwrap().len(),
            }
        })
        .sum()
}

fn verdict(good: bool) -> &'static str {
    if good { "good" } else { "MISSED" }
}

fn repository(folder: &Path, keys: u32) {
    drop(filled(folder, keys));
    let begin = now();
    let mut room = Room::returning(&folder.join("repository"), 8).unwrap();
    println!("opened before logon in {:?}", begin.elapsed());
    let begin = now();
    room.logon_all(&BOTH);
    let took = begin.elapsed();
    println!(
        "{keys} keys: both groups logged on in {took:?} (bound {LOGON_BOUND:?}): {}",
        verdict(took < LOGON_BOUND)
    );
    let begin = now();
    while room.door_mut().adding_up().unwrap().is_some() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let adding = begin.elapsed() + took;
    let records = f64::from(keys) * 2.0;
    println!(
        "records added up behind it in {adding:?}: {:.0} a second",
        records / adding.as_secs_f64()
    );
    let begin = now();
    let (ids, _) = room
        .vault()
        .of_kind(Compartment::Catalogue, KeyRecord::KIND)
        .unwrap();
    let ids = ids.to_vec();
    let mut labels = 0;
    for id in &ids {
        let key: KeyRecord = room.vault().get(Compartment::Catalogue, *id).unwrap();
        labels += key.label.len();
    }
    let reading = begin.elapsed();
    println!(
        "{} key records opened and read in {reading:?}: {:.0} a second ({labels} letters)",
        ids.len(),
        f64::from(keys) / reading.as_secs_f64()
    );
    let memory = megabytes("VmHWM");
    println!(
        "memory at most {memory} MB (bound {MEMORY_BOUND} MB): {}",
        verdict(memory < MEMORY_BOUND)
    );
    drop(room);
    // The rival: the same number of bytes, read from a plain file.
    let size = bytes_below(&folder.join("repository"));
    let plain = folder.join("plain");
    std::fs::write(&plain, vec![0x5A; usize::try_from(size).unwrap()]).unwrap();
    let begin = now();
    let read = std::fs::read(&plain).unwrap().len();
    let rival = begin.elapsed();
    std::fs::remove_file(&plain).unwrap();
    println!(
        "rival, a plain file of {} MB read in {rival:?}: adding up takes {:.1} times as long",
        read / 1_000_000,
        adding.as_secs_f64() / rival.as_secs_f64()
    );
}

fn journal() {
    let mut room = Room::in_memory();
    room.logon_all(&[KeyManagers]);
    for _ in 0..ENTRIES {
        room.door_mut().note("note", "nothing".into()).unwrap();
    }
    let export = JournalExport {
        authority: room.vault().authority_chain().unwrap().to_vec(),
        entries: room.vault().entries(0).unwrap(),
        head: room.vault().signed_head().unwrap(),
        anchors: Vec::new(),
    };
    let file = export.to_file().unwrap();
    let begin = now();
    let entries = export.verify().unwrap().entries.len();
    let took = begin.elapsed();
    let rate = entries as f64 / took.as_secs_f64();
    println!(
        "journal: {entries} entries verified in {took:?}, {rate:.0} a second (bound \
         {JOURNAL_BOUND:.0}): {}",
        verdict(rate > JOURNAL_BOUND)
    );
    let begin = now();
    let sum: u64 = file.iter().map(|byte| u64::from(*byte)).sum();
    let rival = begin.elapsed();
    println!(
        "rival, the same {} MB read once: {rival:?} (sum {sum})",
        file.len() / 1_000_000
    );
}

fn main() {
    let keys = std::env::var("CONCLAVE_SCALE_KEYS").map_or(KEYS, |n| n.parse().unwrap());
    let kept = std::env::var_os("CONCLAVE_SCALE_DIR").map(PathBuf::from);
    let temporary = tempfile::TempDir::new().unwrap();
    let folder = kept.unwrap_or_else(|| temporary.path().to_owned());
    repository(&folder, keys);
    journal();
}
