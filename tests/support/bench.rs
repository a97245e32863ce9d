//! Benches for card tests: readers, cards as delivered, and hands that insert
//! and pull them. One is the training card in process, the other a hardware
//! vendor's applet behind real PC/SC (`tests/piv-rig`). Tests are written once
//! against [`Bench`] and run on both.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use conclave_crypto::secret::{RandomError, RandomSource, Secret};
use conclave_keyroom::ports::card::{CardChannel, CardError, CardReaders, ReaderId, ReaderState};
use conclave_station::host::pcsc::PcscReaders;
use conclave_training::card::{CardLabel, TrainingCard, TrainingReaders};

/// How long a test waits for what it expects, before it fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// Readers with people in front of them.
pub trait Bench: Send + Sync {
    /// The readers, as a station would be given them.
    fn readers(&self) -> Arc<dyn CardReaders>;

    /// How many readers there are.
    fn reader_count(&self) -> usize;

    /// How many cards there are, all as delivered at first.
    fn card_count(&self) -> usize;

    /// Puts card `card` into reader `reader`, both counted from 0, and does
    /// not wait for anybody to notice.
    fn insert(&self, card: usize, reader: usize);

    /// Pulls whatever is in reader `reader`, now.
    fn pull(&self, reader: usize);

    /// The name of reader `reader`.
    fn reader(&self, reader: usize) -> ReaderId {
        let states = self.readers().states().expect("the readers answer");
        states[reader].id.clone()
    }

    /// Waits until reader `reader` shows a card, or none.
    fn wait(&self, reader: usize, present: bool) {
        let readers = self.readers();
        let mut known = readers.states().expect("the readers answer");
        // Each wait ends with a change, so that this ends, too.
        for _ in 0..100 {
            if known[reader].card_present == present {
                return;
            }
            let before = known.clone();
            known = readers
                .wait_change(&known, PATIENCE)
                .expect("the readers answer");
            assert_ne!(known, before, "nothing changed within {PATIENCE:?}");
        }
        panic!("reader {reader} never showed a card: {present}");
    }

    /// Inserts a card and waits until its reader shows it.
    fn seat(&self, card: usize, reader: usize) {
        self.insert(card, reader);
        self.wait(reader, true);
    }

    /// Pulls a card and waits until its reader shows none.
    fn unseat(&self, reader: usize) {
        self.pull(reader);
        self.wait(reader, false);
    }

    /// Connects to the card in reader `reader`.
    fn connect(&self, reader: usize) -> Result<Box<dyn CardChannel>, CardError> {
        self.readers().connect(&self.reader(reader))
    }
}

/// The operating system's randomness.
pub struct SystemRandom(File);

impl SystemRandom {
    pub fn new() -> Self {
        Self(File::open("/dev/urandom").expect("/dev/urandom"))
    }
}

impl RandomSource for SystemRandom {
    fn public(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        self.0
            .read_exact(buf)
            .map_err(|error| RandomError::Unavailable(error.to_string()))
    }

    fn secret(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        self.public(buf)
    }
}

/// A secret from a literal.
pub fn secret(bytes: &[u8]) -> Secret {
    Secret::take(&mut bytes.to_vec())
}

/// Training cards in software readers.
pub fn training(readers: usize, cards: usize) -> TrainingBench {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cards = (0..cards)
        .map(|at| {
            let label = CardLabel {
                number: at as u16 + 1,
                name: String::new(),
            };
            let path = folder.path().join(format!("card-{at:02}"));
            TrainingCard::create(&path, label, Box::new(SystemRandom::new()))
                .expect("a new training card")
        })
        .collect();
    TrainingBench {
        _folder: folder,
        cards,
        readers: TrainingReaders::new(readers),
    }
}

/// See [`training`].
pub struct TrainingBench {
    _folder: tempfile::TempDir,
    cards: Vec<TrainingCard>,
    readers: TrainingReaders,
}

impl Bench for TrainingBench {
    fn readers(&self) -> Arc<dyn CardReaders> {
        Arc::new(self.readers.clone())
    }

    fn reader_count(&self) -> usize {
        self.readers.count()
    }

    fn card_count(&self) -> usize {
        self.cards.len()
    }

    fn insert(&self, card: usize, reader: usize) {
        self.readers
            .insert(&self.cards[card], reader)
            .expect("the card goes in");
    }

    fn pull(&self, reader: usize) {
        self.readers.pull(reader).expect("a card to pull");
    }
}

/// Vendor's applets in the readers of a private pcscd.
///
/// libpcsclite asks for its daemon's address once per process, so there is one
/// daemon, with six readers, and the benches of one test program take turns.
/// A bench of fewer readers does not see the others.
pub fn rig(readers: usize, cards: usize) -> RigBench {
    assert!(readers <= RIG_READERS);
    let mut process = TURN.take();
    let first_card = process.cards_used;
    process.cards_used += cards;
    RigBench {
        process: Mutex::new(Some(process)),
        first_card,
        cards,
        readers,
    }
}

const RIG_READERS: usize = 6;

static TURN: Turn = Turn {
    state: Mutex::new(Rig::NotYet),
    given_back: Condvar::new(),
};

struct Turn {
    state: Mutex<Rig>,
    given_back: Condvar,
}

enum Rig {
    NotYet,
    Free(RigProcess),
    InUse,
    Broken(String),
}

impl Turn {
    fn take(&self) -> RigProcess {
        let mut state = self.state.lock().expect("the rig's turn");
        loop {
            match std::mem::replace(&mut *state, Rig::InUse) {
                Rig::Free(process) => return process,
                Rig::InUse => state = self.given_back.wait(state).expect("the rig's turn"),
                Rig::NotYet => match RigProcess::start() {
                    Ok(process) => return process,
                    Err(why) => *state = Rig::Broken(why),
                },
                Rig::Broken(why) => {
                    *state = Rig::Broken(why.clone());
                    drop(state);
                    panic!("{why}");
                }
            }
        }
    }

    fn give_back(&self, process: RigProcess) {
        *self.state.lock().expect("the rig's turn") = Rig::Free(process);
        self.given_back.notify_one();
    }
}

struct RigProcess {
    _child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
    cards_used: usize,
    occupied: [bool; RIG_READERS],
}

impl RigProcess {
    fn start() -> Result<Self, String> {
        let program = std::env::var_os("PIV_RIG").map_or_else(
            || {
                PathBuf::from(env!("CARGO_MANIFEST_DIR"))
                    .join("tests/piv-rig/target/release/piv-rig")
            },
            PathBuf::from,
        );
        let wanting = "run ./scripts/test, which installs pcscd and vpcd and builds the rig";
        // The rig removes it when this process ends.
        let run = tempfile::tempdir()
            .map_err(|error| error.to_string())?
            .keep();
        let mut child = Command::new(&program)
            .args(["--readers", &RIG_READERS.to_string(), "--run"])
            .arg(&run)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}: {wanting}", program.display()))?;
        let (Some(commands), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("the rig has no pipes".into());
        };
        let mut process = Self {
            _child: child,
            commands,
            answers: BufReader::new(answers),
            cards_used: 0,
            occupied: [false; RIG_READERS],
        };
        if process.answer() != "ready" {
            return Err(format!("the smart-card rig does not start: {wanting}"));
        }
        // SAFETY: once in the process, before anything here talks to
        // libpcsclite, which is the only reader of this variable; no code of
        // these tests changes the environment.
        #[allow(unsafe_code)]
        unsafe {
            std::env::set_var("PCSCLITE_CSOCK_NAME", run.join("pcscd.comm"));
        }
        Ok(process)
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        match self.answers.read_line(&mut line) {
            Ok(_) => line.trim_end().to_owned(),
            Err(error) => error.to_string(),
        }
    }

    fn command(&mut self, command: &str) {
        writeln!(self.commands, "{command}").expect("the rig listens");
        let answer = self.answer();
        assert_eq!(answer, "ok", "{command}");
    }
}

/// See [`rig`].
pub struct RigBench {
    process: Mutex<Option<RigProcess>>,
    first_card: usize,
    cards: usize,
    readers: usize,
}

impl RigBench {
    /// Whether the reader comes to show a card within a few seconds.
    fn shows_card(&self, reader: usize) -> bool {
        let readers = self.readers();
        let mut known = readers.states().expect("the readers answer");
        for _ in 0..30 {
            if known[reader].card_present {
                return true;
            }
            known = readers
                .wait_change(&known, Duration::from_millis(100))
                .expect("the readers answer");
        }
        false
    }

    fn with<T>(&self, work: impl FnOnce(&mut RigProcess) -> T) -> T {
        let mut process = match self.process.lock() {
            Ok(process) => process,
            Err(poisoned) => poisoned.into_inner(),
        };
        work(
            process
                .as_mut()
                .expect("the rig, until the bench is dropped"),
        )
    }
}

impl Bench for RigBench {
    fn readers(&self) -> Arc<dyn CardReaders> {
        Arc::new(FirstOf {
            all: PcscReaders::new(),
            count: self.readers,
        })
    }

    fn reader_count(&self) -> usize {
        self.readers
    }

    fn card_count(&self) -> usize {
        self.cards
    }

    fn insert(&self, card: usize, reader: usize) {
        assert!(card < self.cards && reader < self.readers);
        let card = self.first_card + card;
        self.with(|rig| {
            rig.command(&format!("insert {card} {reader}"));
            rig.occupied[reader] = true;
        });
    }

    /// pcscd looks at a virtual reader only every so often: a card that came
    /// before it had noticed that the last one went is put in again.
    fn seat(&self, card: usize, reader: usize) {
        for _ in 0..6 {
            self.insert(card, reader);
            if self.shows_card(reader) {
                return;
            }
            self.pull(reader);
            std::thread::sleep(Duration::from_millis(500));
        }
        self.insert(card, reader);
        self.wait(reader, true);
    }

    fn pull(&self, reader: usize) {
        self.with(|rig| {
            rig.occupied[reader] = false;
            rig.command(&format!("pull {reader}"));
        });
    }
}

impl Drop for RigBench {
    fn drop(&mut self) {
        let left: Vec<usize> = self.with(|rig| {
            (0..RIG_READERS)
                .filter(|reader| rig.occupied[*reader])
                .collect()
        });
        // The next bench finds empty readers. A test that is failing already
        // must not panic a second time here.
        if !std::thread::panicking() {
            left.iter().for_each(|reader| self.unseat(*reader));
        } else {
            for reader in left {
                self.with(|rig| {
                    rig.occupied[reader] = false;
                    let _ = writeln!(rig.commands, "pull {reader}");
                    rig.answer();
                });
            }
            std::thread::sleep(Duration::from_secs(2));
        }
        let process = match self.process.get_mut() {
            Ok(process) => process.take(),
            Err(poisoned) => poisoned.into_inner().take(),
        };
        process.into_iter().for_each(|it| TURN.give_back(it));
    }
}

/// The first few of some readers.
struct FirstOf<R> {
    all: R,
    count: usize,
}

impl<R> FirstOf<R> {
    fn first(&self, mut states: Vec<ReaderState>) -> Vec<ReaderState> {
        states.truncate(self.count);
        states
    }
}

impl<R: CardReaders> CardReaders for FirstOf<R> {
    fn states(&self) -> Result<Vec<ReaderState>, CardError> {
        Ok(self.first(self.all.states()?))
    }

    fn wait_change(
        &self,
        known: &[ReaderState],
        timeout: Duration,
    ) -> Result<Vec<ReaderState>, CardError> {
        // The readers beyond are empty and stay so.
        let mut all = self.all.states()?;
        if all.len() < known.len() || all[..known.len()] != *known {
            return Ok(self.first(all));
        }
        all.splice(..known.len(), known.iter().cloned());
        Ok(self.first(self.all.wait_change(&all, timeout)?))
    }

    fn connect(&self, reader: &ReaderId) -> Result<Box<dyn CardChannel>, CardError> {
        if self.states()?.iter().any(|it| it.id == *reader) {
            self.all.connect(reader)
        } else {
            Err(CardError::NoReader)
        }
    }
}
