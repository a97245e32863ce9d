//! From the start of the program to its first complete frame, and our share of
//! a member's logon.
//!
//! **Start.** The release binary is started in a pseudo-terminal of 80 by 24 on
//! a station that exists, and the clock stops with the frame that shows its
//! start page with header and keys: the self-test of the cryptography, the
//! start-up test of the random source, the opening of the repository and the
//! check of its roots lie before it. The rivals are full-screen programs that
//! do nothing of the kind, started in the same pseudo-terminal in turn with
//! ours; their clock stops when their screen stands.
//!
//! **Logon.** Two of three key managers log on at one reader, with the station
//! in this process and people who answer at once. The clock runs over the whole
//! logon, with its journal entries on disk; what lies inside of the card
//! transport (powering a card, and each command until its answer) is taken off,
//! for that is the card's time, which differs from card to card. What is left
//! is ours, by the clock on the wall and not by the processor's alone: waiting
//! for the disk is not forgotten. It is divided by the members.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a bench may stop at the first surprise

#[path = "../tests/support/people.rs"]
mod people;
#[path = "../tests/support/stage.rs"]
mod stage;

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use conclave_evidence::GroupId;
use conclave_keyroom::ports::card::{
    CardChannel, CardError, CardReaders, ReaderId, ReaderState, Response,
};
use conclave_station::compose::{Parts, assemble, random_source};
use conclave_station::config::TrainingConfig;
use conclave_station::host::clock::SystemClock;
use conclave_station::logon::LogonEnd;
use conclave_station::training_room::TrainingRoom;
use conclave_training::stick::StickPorts;
use people::{Crowd, Scene};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use stage::STAFF;
use tempfile::TempDir;

const STARTS: usize = 20;
const LOGONS: usize = 40;
const START_BOUND: Duration = Duration::from_millis(150);
const SHARE_BOUND: Duration = Duration::from_millis(50);

#[allow(clippy::disallowed_methods, reason = "a bench reads the clock")]
fn now() -> Instant {
    Instant::now()
}

/// The middle and the slowest.
fn tell(what: &str, times: &mut [Duration]) -> (Duration, Duration) {
    times.sort_unstable();
    let (middle, slowest) = (times[times.len() / 2], times[times.len() - 1]);
    println!(
        "{what}: p50 {middle:.1?}, slowest {slowest:.1?} of {}",
        times.len()
    );
    (middle, slowest)
}

/// Starts a program in a terminal, gives the time until its screen stands, and
/// ends it.
fn start(
    program: &str,
    arguments: &[&str],
    stands: &dyn Fn(&str) -> bool,
    quit: &[&str],
) -> Duration {
    let (cols, rows) = (80, 24);
    let size = |n| NonZeroU16::new(n).expect("a size");
    let pty = native_pty_system()
        .openpty(PtySize {
            rows,
            cols,
            ..PtySize::default()
        })
        .expect("a terminal");
    let mut command = CommandBuilder::new(program);
    command.args(arguments);
    command.env("TERM", "xterm-256color");
    let mut reader = pty.master.try_clone_reader().expect("its output");
    let mut writer = pty.master.take_writer().expect("its input");
    let mut screen = vt100::Parser::new(size(rows), size(cols), 0);
    let mut buffer = [0; 64 * 1024];
    let begun = now();
    let mut child = pty.slave.spawn_command(command).expect(program);
    drop(pty.slave);
    let took = loop {
        let read = reader.read(&mut buffer).unwrap_or(0);
        assert!(read > 0, "{program} ended: {}", screen.screen().contents());
        screen.process(&buffer[..read]);
        if stands(&screen.screen().contents()) {
            break begun.elapsed();
        }
    };
    for keys in quit {
        writer.write_all(keys.as_bytes()).expect("keys");
        writer.flush().expect("keys");
        // So that each is a key of its own.
        std::thread::sleep(Duration::from_millis(100));
    }
    while reader.read(&mut buffer).unwrap_or(0) > 0 {}
    child.wait().expect("its end");
    took
}

fn found(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).exists())
}

fn starts(folder: &Path) {
    // Our own start page, whole: its first words, and its keys in the last row.
    let ours = |text: &str| {
        text.contains("This station is closed.") && text.trim_end().ends_with("? help")
    };
    let text = folder.join("page.txt");
    std::fs::write(&text, "a line of a page\n".repeat(200)).expect("a page");
    let page = text.to_str().expect("a path");
    let less: (&str, &[&str], &dyn Fn(&str) -> bool, &[&str]) =
        ("less", &[page], &|t| t.contains("page.txt"), &["q"]);
    let vi: (&str, &[&str], &dyn Fn(&str) -> bool, &[&str]) = (
        "vi",
        &["-u", "NONE", page],
        &|t| t.contains("200L") || t.contains("200 lines"),
        &[":q!\r"],
    );
    let top: (&str, &[&str], &dyn Fn(&str) -> bool, &[&str]) =
        ("top", &[], &|t| t.contains("PID"), &["q"]);
    let rivals: Vec<_> = [less, vi, top]
        .into_iter()
        .filter(|(program, ..)| found(program))
        .collect();
    assert!(!rivals.is_empty(), "no rival: install less, vim or procps");
    let station = folder.to_str().expect("a path");
    let mut times = vec![Vec::new(); rivals.len() + 1];
    for _ in 0..STARTS {
        let program = env!("CARGO_BIN_EXE_conclave");
        times[0].push(start(program, &["--station", station], &ours, &["q", "y"]));
        for (at, (program, arguments, stands, quit)) in rivals.iter().enumerate() {
            times[at + 1].push(start(program, arguments, stands, quit));
        }
    }
    let (middle, slowest) = tell("start to the first complete frame", &mut times[0]);
    println!(
        "  wanted: under {START_BOUND:?}; {}",
        if slowest < START_BOUND {
            "kept by every start"
        } else {
            "NOT KEPT"
        }
    );
    for (times, (program, ..)) in times.iter_mut().skip(1).zip(&rivals) {
        let (theirs, _) = tell(&format!("rival: {program}"), times);
        println!(
            "  ours is {:.1} times that",
            middle.as_secs_f64() / theirs.as_secs_f64()
        );
    }
}

/// What the cards took.
#[derive(Clone, Default)]
struct Meter(Arc<Mutex<Duration>>);

impl Meter {
    fn over<T>(&self, work: impl FnOnce() -> T) -> T {
        let begun = now();
        let out = work();
        *self.0.lock().unwrap() += begun.elapsed();
        out
    }

    fn take(&self) -> Duration {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// Readers that note how long their cards take.
struct Metered<R>(R, Meter);

impl<R: CardReaders> CardReaders for Metered<R> {
    fn states(&self) -> Result<Vec<ReaderState>, CardError> {
        self.0.states()
    }

    fn wait_change(
        &self,
        known: &[ReaderState],
        timeout: Duration,
    ) -> Result<Vec<ReaderState>, CardError> {
        self.0.wait_change(known, timeout)
    }

    fn connect(&self, reader: &ReaderId) -> Result<Box<dyn CardChannel>, CardError> {
        let channel = self.1.over(|| self.0.connect(reader))?;
        Ok(Box::new(MeteredChannel(channel, self.1.clone())))
    }
}

struct MeteredChannel(Box<dyn CardChannel>, Meter);

impl CardChannel for MeteredChannel {
    fn transmit(&mut self, command: &[u8]) -> Result<Response, CardError> {
        self.1.over(|| self.0.transmit(command))
    }
}

fn logons(folder: &Path) {
    let config = TrainingConfig {
        readers: 1,
        cards: u8::try_from(STAFF.len()).expect("few"),
        form_ms: 0,
    };
    let room = TrainingRoom::open(folder, &config).expect("the room");
    let meter = Meter::default();
    let mut station = assemble(Parts {
        folder: folder.to_owned(),
        training: true,
        readers: Arc::new(Metered(room.readers.clone(), meter.clone())),
        printers: Box::new(room.printers.clone()),
        media: Box::new(StickPorts::new(vec![room.stick.clone()])),
        clock: Arc::new(SystemClock::default()),
        random: random_source().expect("random"),
        blank: Arc::new(|_| {}),
    })
    .expect("the station");
    let mut people = Crowd::new(&room, STAFF);
    let (mut ours, mut cards) = (Vec::new(), Vec::new());
    for _ in 0..LOGONS {
        people.codes.clear();
        meter.take();
        let begun = now();
        let end = station.logon(Some(GroupId::KeyManagers), &mut people);
        let whole = begun.elapsed();
        let card = meter.take();
        assert!(matches!(end, LogonEnd::Done(_)), "{end:?}");
        ours.push((whole - card) / 2);
        cards.push(card / 2);
        station.logout("logged out").expect("logged out");
    }
    let (middle, slowest) = tell("our share of a member's logon", &mut ours);
    println!(
        "  wanted: under {SHARE_BOUND:?}; {}",
        if slowest < SHARE_BOUND {
            "kept by every logon"
        } else {
            "NOT KEPT"
        }
    );
    let (card, _) = tell("beside it: the training card's own work", &mut cards);
    println!(
        "  ours is {:.2} times that",
        middle.as_secs_f64() / card.as_secs_f64()
    );
}

fn main() {
    let folder = TempDir::new().expect("a folder");
    Scene::open(folder.path(), STAFF).furnish();
    starts(folder.path());
    logons(folder.path());
}
