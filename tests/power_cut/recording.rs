//! What a program wrote and said, and the disks that a power cut leaves of it.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::disk::{Disk, Event};
use crate::mounts::{self, Mounted};

const SIZE: usize = 64 << 20;
const SECTOR: usize = 512;

/// The environment that the program finds its disk by.
pub const FOLDER: &str = "CONCLAVE_CUT_FOLDER";
pub const SAID: &str = "CONCLAVE_CUT_SAID";
/// A folder beside the disk, which no cut touches.
pub const BESIDE: &str = "CONCLAVE_CUT_BESIDE";

/// Which writes since the last flush reached the platters before the cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// All: the disk has no cache of its own, and only the kernel's is lost.
    Kept,
    /// None: the disk's cache is lost too.
    Lost,
    /// Each by chance whole, not at all, or up to one of its sectors.
    Torn,
}

/// A disk's history.
pub struct Recording {
    before: Vec<u8>,
    pub events: Vec<Event>,
    /// Work space.
    pub space: TempDir,
}

/// A program under strace, or as it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    Real,
    /// `fdatasync` returns success and does nothing.
    Pretended,
}

impl Recording {
    /// Runs one ignored test of this test program on a recorded disk.
    pub fn of(program: &str, sync: Sync, prepare: impl FnOnce(&Path, &Path)) -> Self {
        Self::of_disk(SIZE, program, sync, prepare)
    }

    /// The same on a disk of so many bytes.
    pub fn of_disk(
        size: usize,
        program: &str,
        sync: Sync,
        prepare: impl FnOnce(&Path, &Path),
    ) -> Self {
        // In memory where there is such a place: what is durable is the recorded
        // disk's business, and the real one need not turn for it.
        let space = tempfile::tempdir_in("/dev/shm")
            .or_else(|_| tempfile::tempdir())
            .unwrap();
        let mut before = mounts::ext4(space.path(), size);
        let beside = space.path().join("beside");
        std::fs::create_dir(&beside).unwrap();
        let disk = Disk::insert(before.clone(), &space.path().join("slot"));
        let mounted = Mounted::image(&disk.file(), &space.path().join("mounted"));
        prepare(mounted.path(), &beside);
        mounts::root(&["sync", "-f"], mounted.path());
        // The history begins here: what was flushed before is on the platters.
        for event in disk.settled() {
            if let Event::Write { at, bytes } = event {
                before[at..at + bytes.len()].copy_from_slice(&bytes);
            }
        }
        let this = std::env::current_exe().unwrap();
        let mut command = match sync {
            Sync::Real => Command::new(this),
            Sync::Pretended => {
                let mut command = Command::new("strace");
                command.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync"]);
                command.args(["-e", "inject=fdatasync:retval=0"]).arg(this);
                command
            }
        };
        let done = command
            .args(["--exact", program, "--ignored", "--nocapture"])
            .env(FOLDER, mounted.path())
            .env(SAID, disk.said())
            .env(BESIDE, &beside)
            .output()
            .expect("strace is missing: run ./scripts/test, which installs it");
        let told = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{program}, {}: {told}", done.status);
        // Before unmounting, which writes everything.
        let events = disk.events();
        drop(mounted);
        drop(disk);
        Self {
            before,
            events,
            space,
        }
    }

    /// The folder beside the disk.
    pub fn beside(&self) -> PathBuf {
        self.space.path().join("beside")
    }

    /// A moment after the program first spoke: anywhere, or directly after a write, so
    /// that there is something to lose.
    pub fn moment(&self, after_a_write: bool, dice: &mut Dice) -> usize {
        let spoke = |event: &Event| matches!(event, Event::Said(_));
        let first = self.events.iter().position(spoke).unwrap() + 1;
        let moments: Vec<usize> = (first..=self.events.len())
            .filter(|at| !after_a_write || matches!(self.events[at - 1], Event::Write { .. }))
            .collect();
        moments[dice.below(moments.len())]
    }

    /// What the program had said before this event.
    pub fn said(&self, cut: usize) -> Vec<&str> {
        self.events[..cut]
            .iter()
            .filter_map(|event| match event {
                Event::Said(words) => Some(words.as_str()),
                _ => None,
            })
            .collect()
    }

    /// Moments of a cut, in order: after the first and the last thing that was
    /// acknowledged; then every other one directly after an acknowledgement, and
    /// the rest anywhere.
    pub fn moments(&self, count: usize, dice: &mut Dice) -> Vec<usize> {
        let spoken: Vec<usize> = (1..=self.events.len())
            .filter(|&cut| matches!(self.events[cut - 1], Event::Said(_)))
            .collect();
        // Before the program first speaks is the preparation.
        let (first, end) = (spoken[0], self.events.len() + 1);
        let mut moments: Vec<usize> = (0..count)
            .map(|at| match at {
                0 => spoken[1],
                1 => spoken[spoken.len() - 1],
                _ if at % 2 == 0 => spoken[dice.below(spoken.len())],
                _ => first + dice.below(end - first),
            })
            .collect();
        moments.sort_unstable();
        moments
    }

    /// Writes the disk that a cut before this event leaves, and mounts it.
    pub fn cut(&self, cut: usize, fate: Fate, dice: &mut Dice) -> Mounted {
        let flushed = self.events[..cut]
            .iter()
            .rposition(|event| matches!(event, Event::Flush))
            .unwrap_or(0);
        let mut content = self.before.clone();
        for (index, event) in self.events[..cut].iter().enumerate() {
            let Event::Write { at, bytes } = event else {
                continue;
            };
            let length = if index < flushed {
                bytes.len()
            } else {
                match (fate, dice.below(3)) {
                    (Fate::Kept, _) | (Fate::Torn, 0) => bytes.len(),
                    (Fate::Lost, _) | (Fate::Torn, 1) => 0,
                    (Fate::Torn, _) => dice.below(bytes.len() / SECTOR + 1) * SECTOR,
                }
            };
            content[*at..*at + length].copy_from_slice(&bytes[..length]);
        }
        let path = self
            .space
            .path()
            .join(format!("cut-{cut}-{}", dice.below(1 << 30)));
        let file = File::create(&path).unwrap();
        file.set_len(content.len() as u64).unwrap();
        for (block, bytes) in content.chunks(4096).enumerate() {
            if bytes.iter().any(|&byte| byte != 0) {
                file.write_all_at(bytes, block as u64 * 4096).unwrap();
            }
        }
        let mounted = Mounted::image(&path, &path.with_extension("mounted"));
        // The loop device has it open, and nobody else needs it.
        std::fs::remove_file(&path).unwrap();
        mounted
    }

    pub fn summary(&self) -> String {
        let count = |which: fn(&Event) -> bool| self.events.iter().filter(|e| which(e)).count();
        format!(
            "{} writes, {} flushes, {} acknowledgements",
            count(|e| matches!(e, Event::Write { .. })),
            count(|e| matches!(e, Event::Flush)),
            count(|e| matches!(e, Event::Said(_))),
        )
    }
}

/// Says something on the way to the recorded disk.
pub fn say(words: &str) {
    let path = std::env::var(SAID).unwrap();
    let file = File::options().write(true).open(path).unwrap();
    file.write_all_at(words.as_bytes(), 0).unwrap();
}

/// Chance that repeats itself: xorshift64*.
pub struct Dice(u64);

impl Dice {
    /// From `CONCLAVE_CUT_SEED`, or another one in each run; printed, so that a
    /// failure can be looked for again. The recording itself never repeats
    /// exactly: the kernel chooses when and in what order it writes.
    pub fn new() -> Self {
        let seed = match std::env::var("CONCLAVE_CUT_SEED") {
            Ok(seed) => seed.parse().unwrap(),
            Err(_) => u64::from(std::process::id()) ^ 0x9E37_79B9_7F4A_7C15,
        };
        println!("CONCLAVE_CUT_SEED={seed}");
        Self(seed | 1)
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(drawn).unwrap() % end
    }
}
