//! A training room whose people answer by themselves, unless a test says
//! otherwise at one of the questions.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "each test takes what it needs, and may stop at the first surprise"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conclave_crypto::secret::{RandomSource, Secret};
use conclave_evidence::GroupId;
use conclave_keyroom::domain::Permission;
use conclave_keyroom::domain::open_page::OpenPage;
use conclave_keyroom::ports::clock::Clock;
use conclave_keyroom::ports::dialogue::{Answer, Ask, FieldKind, People, Prompt, Refusal, Show};
use conclave_keyroom::ports::printer::{FoundPrinter, PrinterError, Printers};
use conclave_station::compose::{Parts, assemble, random_source};
use conclave_station::config::TrainingConfig;
use conclave_station::host::clock::SystemClock;
use conclave_station::host::ipp;
use conclave_station::initialise::InitialiseEnd;
use conclave_station::logon::LogonEnd;
use conclave_station::service::ActEnd;
use conclave_station::station::Station;
use conclave_station::training_room::TrainingRoom;
use conclave_training::card::{TrainingCard, TrainingReaders};
use conclave_training::printer::TrainingPrinters;
use conclave_training::stick::{FolderStick, StickPorts};

/// Everybody's PIN.
pub const PIN: &[u8] = b"802803";

/// Name, manager, groups; in the order of the cards' numbers.
pub type Staff = &'static [(&'static str, &'static str, &'static str)];

pub const ZMK: &str = "generate-zmk.toml";
pub const WORKING: &str = "working-key.toml";

/// What a test does at a question before anybody answers it: nothing, or its
/// own answer.
pub type At = Box<dyn FnMut(&Prompt, usize) -> Option<Answer> + Send>;

/// The people.
pub struct Crowd {
    readers: TrainingReaders,
    cards: Vec<(String, TrainingCard)>,
    in_reader: Option<usize>,
    prompt: Option<Prompt>,
    pub forms: BTreeMap<String, Vec<Vec<String>>>,
    /// Called at each new question with how often its code was asked.
    pub at: At,
    asked: BTreeMap<String, usize>,
    fresh: bool,
    check_value: String,
    pub serial: u32,
    typed: String,
    /// Every code asked, in order.
    pub codes: Vec<String>,
    /// Every refusal that stood on a screen.
    pub refusals: Vec<String>,
    /// Every screen, once.
    pub shown: BTreeSet<String>,
    swaps: usize,
    /// Recovery words by their holder, who has no card.
    pub words: BTreeMap<String, Vec<String>>,
    typing: String,
    /// They ask for a pause while a run goes on.
    pub pause: Arc<AtomicBool>,
    /// They end the program with the pause.
    pub leave: bool,
}

impl Crowd {
    pub fn new(room: &TrainingRoom, staff: Staff) -> Self {
        let cards = room.cards.lock().unwrap().clone();
        Self {
            readers: room.readers.clone(),
            cards: staff
                .iter()
                .zip(cards)
                .map(|((name, ..), card)| ((*name).to_owned(), card))
                .collect(),
            in_reader: None,
            prompt: None,
            forms: BTreeMap::new(),
            at: Box::new(|_, _| None),
            asked: BTreeMap::new(),
            fresh: false,
            check_value: String::new(),
            serial: 100,
            typed: String::new(),
            codes: Vec::new(),
            refusals: Vec::new(),
            shown: BTreeSet::new(),
            swaps: 0,
            words: BTreeMap::new(),
            typing: String::new(),
            pause: Arc::default(),
            leave: false,
        }
    }

    /// What is typed into a form the next time.
    pub fn form(&mut self, code: &str, values: &[&str]) {
        let row = values.iter().map(|v| (*v).to_owned()).collect();
        self.forms.entry(code.into()).or_default().push(row);
    }

    fn swap(&mut self, wanted: &[String]) -> Option<Answer> {
        self.swaps += 1;
        if self.swaps > 40 {
            return Some(Answer::Abort);
        }
        let next = wanted
            .iter()
            .filter_map(|name| self.cards.iter().position(|(n, _)| n == name))
            .find(|at| Some(*at) != self.in_reader)
            .or(self.in_reader)?;
        self.readers.pull(0);
        // It may sit where a run wanted it.
        self.readers.pull(1);
        self.readers.insert(&self.cards[next].1, 0).unwrap();
        self.in_reader = Some(next);
        None
    }

    /// The pair of a run: each card in a reader of its own, and there it stays.
    fn sit(&mut self, wanted: &[String]) -> Option<Answer> {
        self.swaps += 1;
        if self.swaps > 40 {
            return Some(Answer::Abort);
        }
        let here = |at: &usize| wanted.contains(&self.cards[*at].0);
        if wanted.len() > 1 && !self.in_reader.as_ref().is_some_and(here) {
            return self.swap(wanted);
        }
        let at = self.cards.iter().position(|(name, _)| {
            wanted.contains(name) && self.in_reader.is_none_or(|at| self.cards[at].0 != *name)
        })?;
        self.readers.pull(1);
        self.readers.insert(&self.cards[at].1, 1).unwrap();
        None
    }

    /// From now on this person holds this card, and no other.
    pub fn give(&mut self, name: &str, card: TrainingCard) {
        self.cards.retain(|(n, _)| n != name);
        self.cards.push((name.into(), card));
        self.in_reader = None;
    }

    /// This person is not here any more, nor the card.
    pub fn leaves(&mut self, name: &str) {
        self.cards.retain(|(n, _)| n != name);
        self.in_reader = None;
    }

    /// A person's card.
    pub fn card(&self, name: &str) -> TrainingCard {
        let card = self.cards.iter().find(|(n, _)| n == name);
        card.expect("a card of that person").1.clone()
    }

    /// How often a question was asked counts from here.
    pub fn forget_questions(&mut self) {
        self.asked.clear();
    }

    /// The refusal that stood on a screen last, whole.
    pub fn last_refusal(&self) -> Option<Refusal> {
        self.prompt.as_ref().and_then(|p| p.refused.clone())
    }

    /// Pulls the card that is in.
    pub fn hand(&self) -> TrainingReaders {
        self.readers.clone()
    }
}

impl People for Crowd {
    fn show(&mut self, prompt: &Prompt) {
        if let Some(Show::CheckValue { kcv, .. }) = &prompt.show {
            self.check_value.clone_from(kcv);
        }
        self.shown.insert(format!("{prompt:?}"));
        if let Some(refusal) = &prompt.refused {
            self.refusals
                .push(format!("{}: {}", prompt.code, refusal.happened));
        }
        let same = self
            .prompt
            .as_ref()
            .is_some_and(|old| old.code == prompt.code && old.ask == prompt.ask);
        if !same {
            self.swaps = 0;
        }
        self.fresh = true;
        self.prompt = Some(prompt.clone());
    }

    fn answer(&mut self, _: Duration) -> Option<Answer> {
        let prompt = self.prompt.clone()?;
        if std::mem::take(&mut self.fresh) {
            self.codes.push(prompt.code.clone());
            assert!(self.codes.len() < 3000, "no end: {:?}", self.refusals);
            let times = self.asked.entry(prompt.code.clone()).or_default();
            *times += 1;
            if let Some(answer) = (self.at)(&prompt, *times) {
                return Some(answer);
            }
        }
        Some(match &prompt.ask {
            Ask::Nothing => {
                let pause = self.pause.swap(false, Ordering::SeqCst);
                return pause.then_some(match self.leave {
                    true => Answer::Shutdown,
                    false => Answer::Abort,
                });
            }
            Ask::Card { wanted, .. } => {
                let holder = wanted.iter().find(|name| self.words.contains_key(*name));
                if let (true, Some(holder)) = (prompt.words, holder) {
                    self.typing.clone_from(holder);
                    return Some(Answer::ByWords);
                }
                return match prompt.code.as_str() {
                    "pins.cards" | "pins.presence" => self.sit(wanted),
                    _ => self.swap(wanted),
                };
            }
            Ask::Word { place, .. } => {
                let words = self
                    .words
                    .get(&prompt.waiting_for)
                    .expect("a holder's sheet");
                let word = words[usize::from(*place) - 1].as_bytes();
                Answer::Secret(Secret::from_fn(word.len(), |out| out.copy_from_slice(word)))
            }
            Ask::Choose { options } if prompt.code == "words.who" => {
                let at = options.iter().position(|o| o.label == self.typing);
                Answer::Chosen(at.expect("the holder"))
            }
            Ask::Pin { .. } | Ask::NewPin { .. } => {
                Answer::Secret(Secret::from_fn(PIN.len(), |out| out.copy_from_slice(PIN)))
            }
            Ask::Passphrase { .. } => panic!("{} asks for a passphrase", prompt.code),
            Ask::Groups(_) => panic!("{} asks for a component", prompt.code),
            Ask::Text { masked, .. } if prompt.code.starts_with("seal") => {
                if !masked {
                    self.serial += 1;
                    self.typed = format!("CE{:07}", self.serial);
                }
                Answer::Word(self.typed.clone())
            }
            Ask::Text { .. } => Answer::Word(self.check_value.clone()),
            Ask::Form { fields, .. } => match self.forms.get_mut(&prompt.code) {
                Some(rows) if !rows.is_empty() => Answer::Fields(rows.remove(0)),
                _ if prompt.refused.is_some() => Answer::Abort,
                _ => Answer::Fields(
                    fields
                        .iter()
                        .map(|field| match &field.kind {
                            FieldKind::One(all) if field.value.is_empty() => {
                                all.first().cloned().unwrap_or_default()
                            }
                            FieldKind::Told(all) if field.value.is_empty() => {
                                all.first().map(|c| c.label.clone()).unwrap_or_default()
                            }
                            _ => field.value.clone(),
                        })
                        .collect(),
                ),
            },
            Ask::Choose { .. } => Answer::Chosen(0),
            Ask::Confirm { .. } | Ask::Read => Answer::Confirmed,
            Ask::Exactly { text } => Answer::Word(text.clone()),
        })
    }

    fn progress(&mut self, _: &str, _: u64, _: u64) {}

    fn blank(&mut self, _: bool) {}
}

/// What is wrong with the printer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing is plugged in.
    Gone,
    /// Another one is plugged in.
    Other,
    /// It takes no byte.
    NotReady,
    /// It stops in the middle of a sheet.
    Broken,
    /// It prints; with its first sheet somebody asks for a pause.
    Pause,
    /// It stops in the middle of its first sheet, while somebody asks for a pause.
    BrokenInPause,
    /// It was switched off and on, or pulled and plugged in again.
    Replugged,
}

/// The room's printers, each with its own trouble.
struct Shelf {
    inner: TrainingPrinters,
    troubles: Vec<Arc<Mutex<Option<Trouble>>>>,
    loopback: Arc<Mutex<Vec<String>>>,
    pause: Arc<AtomicBool>,
}

impl Shelf {
    fn trouble(&self, at: usize) -> Option<Trouble> {
        self.troubles
            .get(at)
            .and_then(|trouble| trouble.lock().unwrap().clone())
    }
}

impl Shelf {
    fn asks_for_a_pause(&self) {
        self.pause.store(true, Ordering::SeqCst);
        // As long as somebody needs to be heard.
        std::thread::sleep(Duration::from_millis(300));
    }
}

impl Printers for Shelf {
    fn found(&mut self) -> Result<Vec<FoundPrinter>, PrinterError> {
        let mut there = Vec::new();
        for (at, mut printer) in self.inner.found()?.into_iter().enumerate() {
            match self.trouble(at) {
                Some(Trouble::Gone) => continue,
                Some(Trouble::Other) => printer.serial = format!("OTHER-{}", at + 1),
                Some(Trouble::Replugged) => printer.attached += 1,
                _ => {}
            }
            there.push(printer);
        }
        Ok(there)
    }

    fn print(
        &mut self,
        permit: &dyn Permission,
        device: &str,
        serial: &str,
        bytes: &[u8],
    ) -> Result<(), PrinterError> {
        let at = self.inner.0.iter().position(|p| p.device() == device);
        match at.and_then(|at| self.trouble(at)) {
            Some(Trouble::NotReady) => Err(PrinterError::NotReady("off line".into())),
            Some(Trouble::Broken) => Err(PrinterError::Broken("it went off".into())),
            Some(Trouble::Pause) => {
                self.inner.print(permit, device, serial, bytes)?;
                self.asks_for_a_pause();
                Ok(())
            }
            Some(Trouble::BrokenInPause) => {
                self.asks_for_a_pause();
                Err(PrinterError::Broken("it went off".into()))
            }
            _ => self.inner.print(permit, device, serial, bytes),
        }
    }

    fn found_for_reports(&mut self) -> Result<Vec<FoundPrinter>, PrinterError> {
        Ok(ipp::found(&self.loopback.lock().unwrap()))
    }

    fn submit(
        &mut self,
        permit: &dyn Permission,
        device: &str,
        serial: &str,
        page: &OpenPage,
    ) -> Result<(), PrinterError> {
        ipp::submit(permit, device, serial, page)
    }
}

/// A station, its room and its people.
pub struct Scene {
    pub station: Station,
    pub room: TrainingRoom,
    /// Another stick at another port; not plugged in.
    pub second: FolderStick,
    pub people: Crowd,
    /// What is wrong with the component printer now.
    pub printer: Arc<Mutex<Option<Trouble>>>,
    /// What is wrong with the report printer now.
    pub report_printer: Arc<Mutex<Option<Trouble>>>,
    /// Addresses of report printers on the loopback.
    pub loopback: Arc<Mutex<Vec<String>>>,
    pub staff: Staff,
}

impl Scene {
    /// The station in a folder, with one reader.
    pub fn open(folder: &Path, staff: Staff) -> Self {
        Self::open_with(folder, staff, random_source().unwrap())
    }

    pub fn open_with(folder: &Path, staff: Staff, random: Box<dyn RandomSource + Send>) -> Self {
        Self::open_at(folder, staff, random, Arc::new(SystemClock::default()))
    }

    /// With another clock.
    pub fn open_at(
        folder: &Path,
        staff: Staff,
        random: Box<dyn RandomSource + Send>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self::open_room(folder, staff, random, clock, 1)
    }

    /// With so many readers: a run of mailers wants two.
    pub fn open_with_readers(folder: &Path, staff: Staff, readers: u8) -> Self {
        let clock = Arc::new(SystemClock::default());
        Self::open_desk(folder, staff, clock, readers)
    }

    /// The same, with another clock.
    pub fn open_desk(folder: &Path, staff: Staff, clock: Arc<dyn Clock>, readers: u8) -> Self {
        Self::open_room(folder, staff, random_source().unwrap(), clock, readers)
    }

    fn open_room(
        folder: &Path,
        staff: Staff,
        random: Box<dyn RandomSource + Send>,
        clock: Arc<dyn Clock>,
        readers: u8,
    ) -> Self {
        let config = TrainingConfig {
            readers,
            cards: u8::try_from(staff.len()).unwrap(),
            form_ms: 0,
        };
        let room = TrainingRoom::open(folder, &config).unwrap();
        let printer = Arc::new(Mutex::new(None));
        let report_printer = Arc::new(Mutex::new(None));
        let loopback = Arc::new(Mutex::new(Vec::new()));
        let pause = Arc::new(AtomicBool::new(false));
        let second = FolderStick::new(folder.join("second-stick"), "SECOND-STICK");
        second.unplug();
        let station = assemble(Parts {
            folder: folder.to_owned(),
            training: true,
            readers: Arc::new(room.readers.clone()),
            printers: Box::new(Shelf {
                inner: TrainingPrinters(room.printers.0.clone()),
                troubles: vec![Arc::clone(&printer), Arc::clone(&report_printer)],
                loopback: Arc::clone(&loopback),
                pause: Arc::clone(&pause),
            }),
            media: Box::new(StickPorts::new(vec![room.stick.clone(), second.clone()])),
            clock,
            random,
            blank: Arc::new(|_| {}),
        })
        .unwrap();
        let mut people = Crowd::new(&room, staff);
        people.pause = pause;
        Self {
            station,
            room,
            second,
            people,
            printer,
            report_printer,
            loopback,
            staff,
        }
    }

    /// Founds the station.
    pub fn found(&mut self) {
        self.people.form("init.name", &["KEYROOM-TEST", "TEST"]);
        for (name, manager, groups) in self.staff {
            self.people.form("init.person", &[name, manager, groups]);
        }
        self.people.form("init.person", &[]);
        match self.station.initialise(&mut self.people) {
            InitialiseEnd::Done(_) => {}
            InitialiseEnd::Refused(refusal) => panic!("{refusal:?}"),
            _ => panic!("given up: {:?}", self.people.refusals),
        }
    }

    /// Enrols a printer of the room. Administrators are logged on.
    pub fn enrol_printer(&mut self, at: usize, name: &str, purpose: &str, language: &str) {
        let printer = &self.room.printers.0[at];
        let found = format!("{} serial {}", printer.device(), printer.serial());
        self.people
            .form("enrol.printer", &[name, &found, purpose, language]);
        done(self.station.ask_printer(&mut self.people));
    }

    /// Founds the station, and enrols the component printer and the stick.
    pub fn furnish(&mut self) {
        self.found();
        self.logon(GroupId::Administrators);
        self.enrol_printer(0, "KOMP-1", "key components", "ESC/P");
        self.people.form("enrol.medium", &["STICK-1"]);
        done(self.station.ask_medium(&mut self.people));
        self.station.logout("logged out").unwrap();
    }

    pub fn logon(&mut self, group: GroupId) {
        match self.station.logon(Some(group), &mut self.people) {
            LogonEnd::Done(_) => {}
            LogonEnd::Refused(refusal) => panic!("{refusal:?}"),
            _ => panic!("no logon: {:?}", self.people.refusals),
        }
    }

    /// Both groups of a ceremony.
    pub fn logon_both(&mut self) {
        self.logon(GroupId::KeyManagers);
        self.logon(GroupId::Approvers);
    }

    pub fn ceremony(&mut self, script: &str, parameters: &[&str]) -> Result<ActEnd, Refusal> {
        self.people.forms.remove("ceremony.parameters");
        self.people.form("ceremony.parameters", parameters);
        self.station.begin_ceremony(script, &mut self.people)
    }

    pub fn zmk(&mut self, label: &str, template: &str, count: &str) -> Result<ActEnd, Refusal> {
        self.ceremony(ZMK, &[label, template, count])
    }

    pub fn working(&mut self, label: &str, template: &str, under: &str) -> Result<ActEnd, Refusal> {
        self.ceremony(WORKING, &[label, template, under, "BANK-LAKE", "STICK-1"])
    }

    /// Entries of the journal so far.
    pub fn entries(&self) -> u64 {
        self.station.door().vault().newest().unwrap().0
    }

    /// The state of a key, in words; nothing for one that is not there.
    pub fn key_state(&self, label: &str) -> Option<String> {
        self.station
            .keys()
            .iter()
            .filter(|key| key.label == label)
            .map(|key| key.state.words().to_owned())
            .next_back()
    }
}

/// The title of an act that came to an end.
#[track_caller]
pub fn done(end: Result<ActEnd, Refusal>) -> String {
    match end {
        Ok(ActEnd::Done { title, .. }) => title,
        Ok(ActEnd::Stopped) => panic!("given up"),
        Err(refusal) => panic!("{refusal:?}"),
    }
}
