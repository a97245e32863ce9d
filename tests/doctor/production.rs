//! A PRODUCTION station on a machine that a test changes.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conclave_evidence::GroupId;
use conclave_keyroom::ports::card::{CardChannel, CardError, CardReaders, ReaderId, ReaderState};
use conclave_keyroom::ports::clock::Clock;
use conclave_keyroom::ports::dialogue::{Answer, Ask};
use conclave_keyroom::ports::machine::{Facts, Machine, Seen};
use conclave_station::approve::Undone;
use conclave_station::compose::{Parts, assemble, random_source};
use conclave_station::config::TrainingConfig;
use conclave_station::doctor::clock::ConfirmClock;
use conclave_station::doctor::exception::AcceptFinding;
use conclave_station::doctor::{Check, Finding, Verdict};
use conclave_station::initialise::InitialiseEnd;
use conclave_station::logon::LogonEnd;
use conclave_station::service::ActEnd;
use conclave_station::station::Station;
use conclave_station::training_room::TrainingRoom;
use conclave_training::card::TrainingReaders;
use tempfile::TempDir;

use crate::absent::NoMedia;
use crate::machines::{closed, facts};
use crate::papers::Real;
use crate::people::{Crowd, done};
use crate::stage::STAFF;

/// The training cards as if they were real: PRODUCTION takes no others.
struct RealCards(TrainingReaders);

impl CardReaders for RealCards {
    fn states(&self) -> Result<Vec<ReaderState>, CardError> {
        let mut states = self.0.states()?;
        states.iter_mut().for_each(|state| state.training = false);
        Ok(states)
    }

    fn wait_change(
        &self,
        known: &[ReaderState],
        timeout: Duration,
    ) -> Result<Vec<ReaderState>, CardError> {
        let mut known = known.to_vec();
        known.iter_mut().for_each(|state| state.training = true);
        self.0.wait_change(&known, timeout)?;
        self.states()
    }

    fn connect(&self, reader: &ReaderId) -> Result<Box<dyn CardChannel>, CardError> {
        self.0.connect(reader)
    }
}

/// 2026-11-24 09:14 UTC.
const MORNING: u64 = 1_795_511_640_000;
const DAY: i64 = 86_400_000;

/// Time stands unless a test lets it pass; the wall clock can be set apart.
#[derive(Clone, Default)]
pub struct Clocks {
    gone: Arc<AtomicU64>,
    set: Arc<AtomicI64>,
}

impl Clocks {
    /// Somebody sets the wall clock.
    fn set(&self, by_ms: i64) {
        self.set.fetch_add(by_ms, Ordering::SeqCst);
    }

    /// Time passes on both clocks.
    fn pass(&self, ms: i64) {
        self.gone.fetch_add(ms.unsigned_abs(), Ordering::SeqCst);
    }
}

impl Clock for Clocks {
    fn wall_ms(&self) -> u64 {
        (MORNING + self.gone.load(Ordering::SeqCst))
            .saturating_add_signed(self.set.load(Ordering::SeqCst))
    }

    fn mono_ms(&self) -> u64 {
        self.gone.load(Ordering::SeqCst)
    }
}

/// A machine that a test changes.
#[derive(Clone)]
struct Changing(Arc<Mutex<Facts>>);

impl Machine for Changing {
    fn look(&self) -> Facts {
        self.0.lock().unwrap().clone()
    }

    fn attached(&self) -> Seen<Vec<String>> {
        Ok(Vec::new())
    }
}

impl Changing {
    fn is(&self, name: &str) {
        *self.0.lock().unwrap() = facts(name);
    }
}

pub struct Bank {
    pub station: Station,
    pub people: Crowd,
    pub clocks: Clocks,
    machine: Changing,
    pub room: TrainingRoom,
}

fn station(folder: &TempDir, room: &TrainingRoom, clocks: &Clocks, machine: &Changing) -> Station {
    assemble(Parts {
        folder: folder.path().to_owned(),
        training: false,
        readers: Arc::new(RealCards(room.readers.clone())),
        printers: Box::new(Real(room.printers.clone())),
        media: Box::new(NoMedia),
        clock: Arc::new(clocks.clone()),
        random: random_source().unwrap(),
        blank: Arc::new(|_| {}),
    })
    .unwrap()
    .on_machine(Box::new(machine.clone()), closed())
}

impl Bank {
    /// A founded PRODUCTION station on a fit machine, after what its founders
    /// accepted has lapsed.
    pub fn founded(folder: &TempDir) -> Self {
        let mut bank = Self::empty(folder);
        bank.people
            .form("init.red", &["no HSM before March", "1 day"]);
        match bank.found() {
            InitialiseEnd::Done(_) => {}
            end => panic!("{end:?}: {:?}", bank.people.refusals),
        }
        bank.clocks.pass(25 * 3_600_000);
        bank
    }

    /// What is to become a PRODUCTION station.
    fn empty(folder: &TempDir) -> Self {
        let config = TrainingConfig {
            readers: 1,
            cards: u8::try_from(STAFF.len()).unwrap(),
            form_ms: 0,
        };
        let room = TrainingRoom::open(folder.path(), &config).unwrap();
        let clocks = Clocks::default();
        let machine = Changing(Arc::new(Mutex::new(facts("fit"))));
        Self {
            station: station(folder, &room, &clocks, &machine),
            people: Crowd::new(&room, STAFF),
            clocks,
            machine,
            room,
        }
    }

    /// The initialise ceremony, to its end.
    fn found(&mut self) -> InitialiseEnd {
        self.people.form("init.name", &["KEYROOM-1", "PRODUCTION"]);
        for (name, manager, groups) in STAFF {
            self.people.form("init.person", &[name, manager, groups]);
        }
        self.people.form("init.person", &[]);
        self.station.initialise(&mut self.people)
    }

    /// The program ends and starts again.
    fn restarted(self, folder: &TempDir) -> Self {
        let Self {
            station: before,
            people,
            clocks,
            machine,
            room,
        } = self;
        drop(before);
        Self {
            station: station(folder, &room, &clocks, &machine),
            people,
            clocks,
            machine,
            room,
        }
    }

    /// What a group's logon comes to.
    pub fn logon(&mut self, group: GroupId) -> Result<(), String> {
        match self.station.logon(Some(group), &mut self.people) {
            LogonEnd::Done(_) => Ok(()),
            LogonEnd::Refused(refusal) => Err(refusal.happened),
            LogonEnd::Aborted | LogonEnd::Shutdown => panic!("{:?}", self.people.refusals),
        }
    }

    pub fn out(&mut self) {
        self.station.logout("logged out").unwrap();
    }

    /// The administrators accept what is red of this check.
    fn accept(&mut self, check: Check, reason: &str, span: &str) -> String {
        self.people.at = Box::new(move |prompt, _| match &prompt.ask {
            Ask::Choose { options } if prompt.code == "doctor.which" => {
                let at = options.iter().position(|o| o.label == check.name());
                Some(Answer::Chosen(at.expect("to choose from")))
            }
            _ => None,
        });
        self.people.form("doctor.accept", &[reason, span]);
        let end = self.station.accept_finding(&mut self.people);
        self.people.at = Box::new(|_, _| None);
        done(end)
    }

    /// An administrators' session in which they accept the software provider.
    pub fn accept_provider(&mut self, span: &str) {
        self.logon(GroupId::Administrators).unwrap();
        let title = self.accept(Check::Provider, "no HSM before March; board 12/26", span);
        assert_eq!(title, "Accepted: provider");
        self.out();
    }

    fn finding(&mut self, check: Check) -> Finding {
        let all = self.station.examine();
        all.into_iter().find(|f| f.check == check).unwrap()
    }

    /// The journal's words, as an administrator reads them.
    fn journal(&mut self) -> String {
        if !self.station.is_open() {
            self.logon(GroupId::Administrators).unwrap();
        }
        let entries = self.station.door().vault().read_journal(0).unwrap();
        let mut words = String::new();
        for entry in entries {
            words.push_str(&entry.header.action);
            let body = entry.body.expect("opened");
            words.push_str(&format!(": {}\n", body.words.join("; ")));
        }
        words
    }
}

#[test]
fn no_production_station_is_founded_on_a_red_machine_without_an_exception_on_record() {
    let folder = TempDir::new().unwrap();
    let mut bank = Bank::empty(&folder);
    // Nobody says why: nothing is founded.
    bank.people.form("init.red", &["  ", "1 day"]);
    let end = bank.found();
    assert!(matches!(end, InitialiseEnd::Aborted), "{end:?}");
    let said = bank.people.refusals.join("\n");
    assert!(said.contains("a reason has 3 to"), "{said}");

    // Of an unfit machine every red finding is asked for.
    bank.people.forms.clear();
    bank.people.codes.clear();
    bank.machine.is("unfit");
    for _ in 0..30 {
        bank.people.form("init.red", &["to see", "1 day"]);
    }
    bank.people.at = Box::new(|prompt, _| (prompt.code == "init.groups").then_some(Answer::Abort));
    assert!(matches!(bank.found(), InitialiseEnd::Aborted));
    let asked = bank.people.codes.iter().filter(|c| *c == "init.red");
    assert!(asked.count() > 8);

    // What comes up in the middle of the sitting is covered by nothing, also
    // while the administrators already sign.
    for moment in ["init.confirm", "init.sign"] {
        let folder = TempDir::new().unwrap();
        let mut bank = Bank::empty(&folder);
        bank.people
            .form("init.red", &["no HSM before March", "1 day"]);
        let machine = bank.machine.clone();
        bank.people.at = Box::new(move |prompt, _| {
            if prompt.code == moment {
                machine.is("unfit");
            }
            None
        });
        let end = bank.found();
        let InitialiseEnd::Refused(refusal) = end else {
            panic!("{moment}: {end:?}")
        };
        assert!(
            refusal
                .happened
                .starts_with("No PRODUCTION station is founded while this is red"),
            "{refusal:?}"
        );
        assert!(bank.station.door().vault().is_empty());
    }
}

#[test]
fn what_the_founders_accepted_stands_before_the_signers_and_on_record() {
    let folder = TempDir::new().unwrap();
    let mut bank = Bank::empty(&folder);
    bank.people
        .form("init.red", &["no HSM before March; board 11/26", "7 days"]);
    let signed = Arc::new(Mutex::new(String::new()));
    let lines = Arc::clone(&signed);
    bank.people.at = Box::new(move |prompt, _| {
        if prompt.code == "init.sign" {
            let all: Vec<&str> = prompt.lines.iter().map(|l| l.text.as_str()).collect();
            *lines.lock().unwrap() = all.join("\n");
        }
        None
    });
    let end = bank.found();
    assert!(matches!(end, InitialiseEnd::Done(_)), "{end:?}");
    let signed = signed.lock().unwrap().clone();
    assert!(signed.contains("board 11/26"), "{signed}");
    bank.logon(GroupId::KeyManagers).unwrap();
    let accepted = bank.finding(Check::Provider).excepted.unwrap();
    assert!(accepted.contains("board 11/26"), "{accepted}");
    bank.out();
    let journal = bank.journal();
    let founded = journal.lines().find(|l| l.starts_with("found-station"));
    assert!(founded.unwrap().contains("board 11/26"), "{journal}");
}

#[test]
fn a_software_provider_keeps_production_closed_until_administrators_accept_it() {
    let folder = TempDir::new().unwrap();
    let mut bank = Bank::founded(&folder);
    for group in [
        GroupId::KeyManagers,
        GroupId::Approvers,
        GroupId::Auditors,
        GroupId::Recovery,
    ] {
        let why = bank.logon(group).unwrap_err();
        assert!(why.contains("provider (software in locked memory"), "{why}");
        assert!(!bank.station.is_open());
        assert!(
            bank.station.door().vault().open_groups().is_empty(),
            "{group}"
        );
    }
    let guard = bank.station.door().vault().guard().unwrap();
    assert_eq!(guard.failures, 0, "no failed logon: all were who they are");

    bank.accept_provider("30 days");
    bank.logon(GroupId::KeyManagers).unwrap();
    bank.logon(GroupId::Approvers).unwrap();
    let finding = bank.finding(Check::Provider);
    assert_eq!(finding.verdict, Verdict::Red, "accepted is not green");
    assert!(!finding.stops_production());
    let accepted = finding.excepted.unwrap();
    assert!(accepted.contains("board 12/26"), "{accepted}");
    bank.out();

    // It stands after a restart, and the journal has check, reason and names.
    let mut bank = bank.restarted(&folder);
    bank.logon(GroupId::KeyManagers).unwrap();
    bank.out();
    let journal = bank.journal();
    for words in [
        "turned-away",
        "accept-finding",
        "Accept a red finding: provider",
        "no HSM before March; board 12/26",
    ] {
        assert!(journal.contains(words), "{words}");
    }
    bank.out();
}

#[test]
fn an_exception_lapses_at_its_day_and_the_station_closes_and_opens_again() {
    let folder = TempDir::new().unwrap();
    let mut bank = Bank::founded(&folder);
    bank.accept_provider("1 day");
    bank.clocks.pass(DAY - 3_600_000);
    bank.logon(GroupId::Auditors).unwrap();
    bank.clocks.pass(2 * 3_600_000);
    // Nobody is thrown out in the middle of their work.
    assert!(bank.station.is_open());
    bank.out();
    let why = bank.logon(GroupId::Auditors).unwrap_err();
    assert!(why.contains("provider"), "{why}");
    bank.accept_provider("7 days");
    bank.logon(GroupId::Auditors).unwrap();
}

#[test]
fn an_exception_covers_one_finding_as_it_was_signed() {
    let folder = TempDir::new().unwrap();
    let mut bank = Bank::founded(&folder);
    bank.accept_provider("90 days");
    bank.machine.is("unfit");
    let why = bank.logon(GroupId::KeyManagers).unwrap_err();
    for words in ["network (up: eth0", "swap (on: /dev/sda2", "terminals"] {
        assert!(why.contains(words), "{why}");
    }
    assert!(!why.contains("provider"), "accepted: {why}");
    bank.logon(GroupId::Administrators).unwrap();
    bank.accept(Check::Swap, "until the new disk is in", "1 day");
    // A second group may not join on what is left, and the first stays.
    let why = bank.logon(GroupId::KeyManagers).unwrap_err();
    assert!(!why.contains("swap"), "{why}");
    assert_eq!(
        bank.station.door().vault().open_groups(),
        vec![GroupId::Administrators]
    );
    bank.out();
    bank.machine.is("fit");
    bank.logon(GroupId::KeyManagers).unwrap();
}

#[test]
fn nobody_but_the_administrators_accepts_and_the_rules_hold_behind_the_screen() {
    let folder = TempDir::new().unwrap();
    let mut bank = Bank::founded(&folder);
    let Err(refusal) = bank.station.accept_finding(&mut bank.people) else {
        panic!("nobody is logged on");
    };
    assert!(refusal.happened.contains("Administrators"), "{refusal:?}");
    assert!(bank.station.confirm_clock(&mut bank.people).is_err());
    bank.logon(GroupId::Administrators).unwrap();
    let now = bank.clocks.wall_ms();
    let good = AcceptFinding {
        check: Check::Provider,
        found: "software in locked memory; not an HSM".into(),
        reason: "a reason".into(),
        until_ms: now + 5 * DAY.unsigned_abs(),
    };
    let refused = [
        AcceptFinding {
            check: Check::Clock,
            ..good.clone()
        },
        AcceptFinding {
            check: Check::Random,
            ..good.clone()
        },
        AcceptFinding {
            reason: "  ".into(),
            ..good.clone()
        },
        AcceptFinding {
            reason: "a\x1b[2J".into(),
            ..good.clone()
        },
        AcceptFinding {
            until_ms: now + 91 * DAY.unsigned_abs(),
            ..good.clone()
        },
        AcceptFinding {
            until_ms: now,
            ..good.clone()
        },
    ];
    for action in refused {
        match bank.station.act(&action, "accept", &mut bank.people) {
            Err(Undone::Door(_)) => {}
            other => panic!("{action:?}: {other:?}"),
        }
    }
    assert!(bank.finding(Check::Provider).stops_production());
    bank.station.act(&good, "accept", &mut bank.people).unwrap();
    assert!(!bank.finding(Check::Provider).stops_production());
}

#[test]
fn a_clock_that_was_set_back_is_confirmed_by_people_and_nothing_is_lost() {
    let folder = TempDir::new().unwrap();
    let mut bank = Bank::founded(&folder);
    bank.accept_provider("90 days");
    // While it runs: it jumped. After a restart: it is behind what was signed.
    bank.clocks.set(-3 * DAY);
    let found = bank.finding(Check::Clock).found;
    assert!(found.contains("jumped 3 days back"), "{found}");
    let mut bank = bank.restarted(&folder);
    let finding = bank.finding(Check::Clock);
    assert_eq!(finding.verdict, Verdict::Red);
    assert!(
        finding.found.contains("behind the last signed event"),
        "{finding:?}"
    );
    let why = bank.logon(GroupId::KeyManagers).unwrap_err();
    assert!(why.contains("clock"), "{why}");
    // The administrators' own logon is an event with the wrong time, and does
    // not hide what went before it.
    bank.logon(GroupId::Administrators).unwrap();
    assert_eq!(bank.finding(Check::Clock).verdict, Verdict::Red);
    bank.people
        .form("doctor.clock", &["the wall clock and Ben's watch"]);
    let title = done(bank.station.confirm_clock(&mut bank.people));
    assert_eq!(title, "The clock is confirmed");
    let finding = bank.finding(Check::Clock);
    assert_eq!(finding.verdict, Verdict::Green, "{finding:?}");
    assert!(
        !bank.finding(Check::Provider).stops_production(),
        "nothing lapsed"
    );
    let journal = bank.journal();
    assert!(
        journal.contains("3 days before the last signed event"),
        "{journal}"
    );
    assert!(journal.contains("Ben's watch"), "{journal}");
    let vault = bank.station.door().vault();
    let minutes = crate::filed_minutes::only(folder.path(), "clock", vault);
    assert!(minutes.script.contains("Ben's watch"), "{}", minutes.script);
    crate::filed_minutes::only(folder.path(), "finding", vault);
    bank.out();
    bank.logon(GroupId::KeyManagers).unwrap();
    bank.out();
    let mut bank = bank.restarted(&folder);
    bank.logon(GroupId::KeyManagers).unwrap();
}

#[test]
fn a_clock_years_ahead_ends_nothing_before_people_have_looked() {
    let folder = TempDir::new().unwrap();
    let mut bank = Bank::founded(&folder);
    bank.accept_provider("90 days");
    bank.clocks.set(900 * DAY);
    let mut bank = bank.restarted(&folder);
    let why = bank.logon(GroupId::KeyManagers).unwrap_err();
    assert!(
        why.contains("clock") && why.contains("900 days after") && !why.contains("provider"),
        "{why}"
    );
    // Set right again, what was signed meanwhile lies ahead: people confirm,
    // and the exception that 900 days had outlived stands as before.
    bank.clocks.set(-900 * DAY);
    let mut bank = bank.restarted(&folder);
    assert_eq!(bank.finding(Check::Clock).verdict, Verdict::Red);
    bank.logon(GroupId::Administrators).unwrap();
    bank.people
        .form("doctor.clock", &["the radio clock; the battery is new"]);
    done(bank.station.confirm_clock(&mut bank.people));
    bank.out();
    bank.logon(GroupId::KeyManagers).unwrap();
}

#[test]
fn a_confirmation_holds_for_the_clock_that_was_compared() {
    let folder = TempDir::new().unwrap();
    let mut bank = Bank::founded(&folder);
    bank.logon(GroupId::Administrators).unwrap();
    let action = ConfirmClock {
        wall_ms: bank.clocks.wall_ms() + 3_600_000,
        latest_ms: bank.clocks.wall_ms(),
        reason: "a watch".into(),
    };
    match bank.station.act(&action, "confirm", &mut bank.people) {
        Err(Undone::Door(error)) => assert!(error.to_string().contains("was set"), "{error}"),
        other => panic!("{other:?}"),
    }
    // Given up at the question, nothing is recorded.
    bank.people.at = Box::new(|prompt, _| (prompt.code == "doctor.clock").then_some(Answer::Abort));
    let before = bank.station.door().vault().newest().unwrap().0;
    assert!(matches!(
        bank.station.confirm_clock(&mut bank.people),
        Ok(ActEnd::Stopped)
    ));
    assert_eq!(bank.station.door().vault().newest().unwrap().0, before);
}

/// TEST is for learning: it tells, and keeps nobody out.
#[test]
fn a_test_station_is_told_and_works() {
    let folder = crate::stage::folder();
    let mut scene = crate::people::Scene::open(folder.path(), STAFF);
    let machine = Changing(Arc::new(Mutex::new(facts("unfit"))));
    scene.station = scene.station.on_machine(Box::new(machine), closed());
    let red = scene.station.examine();
    assert!(red.iter().filter(|f| f.stops_production()).count() > 8);
    scene.logon_both();
}
