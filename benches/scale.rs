//! A repository of a million keys, made by this bench, in a training station
//! with cards: how long from the last PIN to the first frame, a filter typed
//! into the key list through the terminal's own code, how much memory station
//! and screen take together, how fast records are added up; and how fast a
//! journal is verified. Beside them, in the same run, the plain ways: a file with
//! as many bytes read, every row's string looked through.
//!
//! `CONCLAVE_SCALE_KEYS` sets another number of keys, `CONCLAVE_SCALE_DIR` keeps
//! the station in that folder and uses it again, `CONCLAVE_SCALE_ONLY=make`
//! makes it and does nothing else.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a bench may stop at the first surprise

#[path = "../tests/support/filled.rs"]
mod filled;
#[path = "../tests/support/people.rs"]
mod people;
#[path = "../tests/support/room.rs"]
mod room;
#[path = "scale/screen.rs"]
mod screen;
#[path = "../tests/support/stage.rs"]
mod stage;
mod typed;

/// The ports of a room without devices, where what fills the station looks.
mod absent {
    pub use crate::room::{NoMedia, NoPrinters};
}

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use conclave_crypto::secret::{ZeroOnFree, give_large_blocks_back};
use conclave_evidence::GroupId::KeyManagers;
use conclave_evidence::export::JournalExport;
use conclave_keyroom::vault::KeysOf;
use conclave_station::rescue::REPOSITORY;
use people::Scene;
use room::Room;
use stage::STAFF;
use typed::once;

/// As in the program: its memory is measured.
#[global_allocator]
static ALLOCATOR: ZeroOnFree = ZeroOnFree;

const KEYS: u32 = 1_000_000;
const ENTRIES: u32 = 20_000;
const LOGON_BOUND: Duration = Duration::from_secs(1);
/// Megabytes.
const MEMORY_BOUND: u64 = 400;
const JOURNAL_BOUND: f64 = 100_000.0;

/// Stands in the environment of the process whose memory is measured: the one
/// that makes the repository is another.
const MEASURED: &str = "CONCLAVE_SCALE_MEASURED";

#[allow(clippy::disallowed_methods, reason = "a bench reads the clock")]
fn now() -> Instant {
    Instant::now()
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

/// A plain file of as many bytes as the repository, written and read.
fn plain_file(folder: &Path) -> Duration {
    let size = bytes_below(&folder.join(REPOSITORY));
    let plain = folder.join("plain");
    std::fs::write(&plain, vec![0x5A; usize::try_from(size).unwrap()]).unwrap();
    let mut read = 0;
    let took = once(|| read = std::fs::read(&plain).unwrap().len());
    std::fs::remove_file(&plain).unwrap();
    println!(
        "rival, a plain file of {} MB read in {took:.1?}",
        read / 1_000_000
    );
    took
}

/// What the vault answers below the screen.
fn questions(folder: &Path, keys: u32) {
    let mut door = filled::door(folder);
    let took = once(|| filled::added_up(&mut door));
    let records = f64::from(keys) * 2.0;
    println!(
        "records added up against their roots in {took:.1?}: {:.0} a second",
        records / took.as_secs_f64()
    );
    let rival = plain_file(folder);
    println!(
        "  that is {:.1} times as long",
        took.as_secs_f64() / rival.as_secs_f64()
    );
    let label = filled::label(keys / 2);
    for what in ["first of a session: every record is opened", "then"] {
        let mut found = 0;
        let vault = door.vault();
        let took = once(|| found = vault.keys_of(KeysOf::Label(&label)).unwrap().len());
        println!("a question for one label, {what}: {took:.1?}");
        assert_eq!(found, 1);
    }
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
    give_large_blocks_back();
    let keys = std::env::var("CONCLAVE_SCALE_KEYS").map_or(KEYS, |n| n.parse().unwrap());
    let kept = std::env::var_os("CONCLAVE_SCALE_DIR").map(PathBuf::from);
    let only = std::env::var("CONCLAVE_SCALE_ONLY").unwrap_or_default();
    let temporary = tempfile::TempDir::new().unwrap();
    let folder = kept.unwrap_or_else(|| temporary.path().to_owned());
    if std::env::var_os(MEASURED).is_some() {
        return screen::run(&folder, usize::try_from(keys).unwrap());
    }
    let filled = folder.join("filled");
    if !filled.exists() {
        let took = once(|| {
            Scene::open(&folder, STAFF).furnish();
            filled::fill(&folder, keys);
        });
        println!("made {keys} keys in {took:.1?}");
        std::fs::write(&filled, b"").unwrap();
    }
    if only == "make" {
        return;
    }
    let measured = Command::new(std::env::current_exe().unwrap())
        .env(MEASURED, "1")
        .env("CONCLAVE_SCALE_DIR", &folder)
        .env("CONCLAVE_SCALE_KEYS", keys.to_string())
        .status()
        .unwrap();
    assert!(measured.success(), "{measured}");
    questions(&folder, keys);
    journal();
}
