//! A station with its people in front of one bench: founded once, then used
//! by one check after the other.

use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use conclave_evidence::GroupId;
use conclave_evidence::journal::EntryKind;
use conclave_keyroom::piv::PivCard;
use conclave_keyroom::ports::clock::Clock;
use conclave_keyroom::ports::dialogue::Answer;
use conclave_keyroom::ports::store::StoreError;
use conclave_station::compose::{OpenError, Parts, assemble, random_source};
use conclave_station::initialise::InitialiseEnd;
use conclave_station::logon::LogonEnd;
use conclave_station::service::ActEnd;
use conclave_station::station::Station;

use crate::absent::{NoMedia, NoPrinters};
use crate::bench::Bench;
use crate::hands::{Do, Hands, usual};
use crate::machines;
use crate::table::Table;

/// Name, manager, groups. Everybody's card has the number of their line; the
/// groups are as small as their jobs in these checks allow.
pub const STAFF: [(&str, &str, &str); 10] = [
    ("Ada", "Quinn", "Administrators, Approvers"),
    ("Ben", "Quinn", "Administrators, Approvers"),
    ("Cid", "Quinn", "Administrators, Approvers"),
    ("Dora", "Rita", "Key managers"),
    ("Emil", "Rita", "Key managers"),
    ("Jana", "Sven", "Auditors"),
    ("Kim", "Sven", "Auditors"),
    ("Lea", "Tess", "Recovery"),
    ("Max", "Tess", "Recovery"),
    ("Gus", "Ulf", "Custodians A"),
];

/// m of n of each group, in the order of the form.
pub const GROUPS: [&str; 8] = [
    "2 of 3", "2 of 2", "2 of 3", "1 of 1", "", "", "2 of 2", "2 of 2",
];

/// The station's name.
pub const NAME: &str = "KEYROOM-TEST";

/// A card that another station enrolled.
pub const FOREIGN: usize = STAFF.len();
/// A card as delivered.
pub const BLANK: usize = STAFF.len() + 1;
/// Cards that a house needs.
pub const CARDS: usize = STAFF.len() + 2;

/// 2026-01-01 00:00 UTC, in milliseconds.
pub const START_MS: u64 = 1_767_225_600_000;

/// A clock that stands unless a test lets time pass.
#[derive(Clone)]
pub struct TestClock(Arc<AtomicU64>);

impl TestClock {
    pub fn pass(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn wall_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn mono_ms(&self) -> u64 {
        self.wall_ms() - START_MS
    }
}

/// What a logon came to.
pub fn words(end: LogonEnd) -> String {
    match end {
        LogonEnd::Done(group) => format!("done: {group}"),
        LogonEnd::Refused(refusal) => {
            assert!(!refusal.safe.is_empty() && !refusal.advice.is_empty());
            refusal.happened
        }
        LogonEnd::Aborted => "aborted".into(),
        LogonEnd::Shutdown => "shut down".into(),
    }
}

/// A station and its people.
pub struct House {
    pub station: Station,
    pub table: Table,
    pub hands: Hands,
    pub clock: TestClock,
    /// What the screen was told, by whoever told it: blank or not.
    pub blanks: Receiver<bool>,
    pub folder: tempfile::TempDir,
    training: bool,
}

impl House {
    /// An empty station. `training`: its devices are those of the training
    /// room, so it can only be TEST.
    pub fn new(bench: Arc<dyn Bench>, training: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let table = Table::new(bench);
        let clock = TestClock(Arc::new(AtomicU64::new(START_MS)));
        let (station, blanks) = open(folder.path(), &table, &clock, training);
        let names = STAFF.map(|(name, ..)| name);
        Self {
            station,
            hands: Hands::new(table.clone(), &names),
            table,
            clock,
            blanks,
            folder,
            training,
        }
    }

    /// Ends the program and starts it again, on whatever is in the folder.
    pub fn restart(self) -> Self {
        self.restart_with(|_| ())
    }

    /// As [`Self::restart`], with something done to the folder meanwhile.
    pub fn restart_with(self, meanwhile: impl FnOnce(&Path)) -> Self {
        let Self {
            station,
            table,
            hands,
            clock,
            folder,
            training,
            ..
        } = self;
        drop(station);
        meanwhile(folder.path());
        let (station, blanks) = open(folder.path(), &table, &clock, training);
        Self {
            station,
            table,
            hands,
            clock,
            blanks,
            folder,
            training,
        }
    }

    /// Fills in what the founding asks for.
    pub fn tell_founding(&mut self) {
        // Real cards can do what training cards never may.
        let mode = if self.training { "TEST" } else { "PRODUCTION" };
        self.hands.form("init.name", &[NAME, mode]);
        if !self.training {
            let reason = "no HSM in this room yet";
            self.hands.form("init.red", &[reason, "1 day"]);
        }
        self.hands.form("init.groups", &GROUPS);
        for (name, manager, groups) in STAFF {
            self.hands.form("init.person", &[name, manager, groups]);
        }
        self.hands.form("init.person", &[]);
    }

    /// The founding as it should be.
    pub fn found(&mut self) -> Vec<String> {
        self.tell_founding();
        let done = self.initialise();
        self.hands.told(usual());
        self.table.clear();
        done
    }

    /// The initialise ceremony, to its end.
    pub fn initialise(&mut self) -> Vec<String> {
        match self.station.initialise(&mut self.hands) {
            InitialiseEnd::Done(lines) => lines,
            InitialiseEnd::Refused(refusal) => panic!("{refusal:?}"),
            InitialiseEnd::Aborted => panic!("given up: {:?}", self.hands.refusals()),
            InitialiseEnd::Shutdown => panic!("shut down"),
        }
    }

    /// What the founders accepted lapses after their day; then a PRODUCTION
    /// station opens to administrators alone until they accept once more that
    /// its keys are in software.
    pub fn accept_software(&mut self) {
        self.clock.pass(25 * 3_600_000);
        let why = self.logon(GroupId::KeyManagers);
        assert!(
            why.contains("not fit: red, and not accepted: provider"),
            "{why}"
        );
        assert!(self.is_shut());
        self.leave();
        self.enter(GroupId::Administrators);
        self.hands
            .form("doctor.accept", &["no HSM in this room", "90 days"]);
        self.hands
            .told(Box::new(|prompt, _| match prompt.code.as_str() {
                "doctor.which" => Do::Answer(Answer::Chosen(0)),
                _ => Do::Usual,
            }));
        let end = self.station.accept_finding(&mut self.hands);
        assert!(matches!(end, Ok(ActEnd::Done { good: true, .. })));
        self.leave();
    }

    /// A group logs on; what it came to.
    pub fn logon(&mut self, group: impl Into<Option<GroupId>>) -> String {
        words(self.station.logon(group.into(), &mut self.hands))
    }

    /// A group logs on, and does it.
    #[track_caller]
    pub fn enter(&mut self, group: GroupId) {
        self.hands.told(usual());
        assert_eq!(self.logon(group), format!("done: {group}"));
    }

    /// Nobody is logged on, the table is empty, people do as usual.
    pub fn leave(&mut self) {
        self.station.logout("the check is over").unwrap();
        self.hands.told(usual());
        self.hands.stay.clear();
        self.table.clear();
        while self.blanks.try_recv().is_ok() {}
    }

    /// Opens a card from outside of the station.
    pub fn card(&self, number: usize) -> PivCard {
        let reader = self.table.put(number, &self.hands.stay);
        PivCard::open(self.table.bench.connect(reader).unwrap()).unwrap()
    }

    /// The number of the newest entry of the journal.
    pub fn newest(&self) -> u64 {
        self.station.door().vault().newest().unwrap().0
    }

    /// Kinds and actions of the entries after this one.
    pub fn since(&self, seq: u64) -> Vec<(EntryKind, String)> {
        let entries = self.station.door().vault().entries(seq + 1).unwrap();
        entries
            .iter()
            .map(|entry| entry.open_header().unwrap())
            .map(|header| (header.kind, header.action))
            .collect()
    }

    /// Actions of the entries after this one.
    pub fn actions(&self, seq: u64) -> Vec<String> {
        self.since(seq)
            .into_iter()
            .map(|(_, action)| action)
            .collect()
    }

    /// Failed group logons so far, and whether that locked the station.
    pub fn guard(&self) -> (u8, bool) {
        let guard = self.station.door().vault().guard().unwrap();
        (guard.failures, guard.locked.is_some())
    }

    /// TRUE when no key is open.
    pub fn is_shut(&self) -> bool {
        !self.station.is_open() && self.station.door().vault().open_groups().is_empty()
    }

    /// Whether the screen goes blank within a second, the bound of the
    /// requirement.
    pub fn blanks_in_time(&self) -> bool {
        self.blanks.recv_timeout(Duration::from_secs(1)) == Ok(true)
    }
}

fn open(
    folder: &Path,
    table: &Table,
    clock: &TestClock,
    training: bool,
) -> (Station, Receiver<bool>) {
    let (blank, blanks) = channel();
    let blank = Arc::new(Mutex::new(blank));
    // The store's threads may need a moment to let go of the folder.
    for _ in 0..200 {
        let blank = Arc::clone(&blank);
        let station = assemble(Parts {
            folder: folder.to_owned(),
            training,
            readers: table.readers(),
            printers: Box::new(NoPrinters),
            media: Box::new(NoMedia),
            clock: Arc::new(clock.clone()),
            random: random_source().unwrap(),
            blank: Arc::new(move |is| {
                let _ = blank.lock().unwrap().send(is);
            }),
        });
        match station {
            Ok(station) => {
                let machine = Box::new(machines::machine("fit"));
                return (station.on_machine(machine, machines::closed()), blanks);
            }
            Err(OpenError::Store(StoreError::Locked)) => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the folder stays locked");
}
