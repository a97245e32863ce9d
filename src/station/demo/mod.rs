//! The whole main job, unattended: a fresh TEST station, eighteen people with
//! training cards at one reader, the same door and the same scripts.

mod bad_days;
mod cast;
mod formats;
mod hands;
mod issuer;
mod papers;
mod pin_batch;
mod pin_house;
mod practice;
mod put_away;
mod report;
mod shares;
mod systems;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use conclave_crypto::secret::{RandomExt, RandomSource, Secret};
use conclave_evidence::GroupId;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::piv::PinRule;
use conclave_training::card::{CardLabel, TrainingCard, TrainingReaders};
use conclave_training::printer::{TrainingPrinter, TrainingPrinters};

use crate::compose::{OpenError, Opened, open_with, random_source};
use crate::config::{Config, FORM_MS};
use crate::initialise::InitialiseEnd;
use crate::logon::LogonEnd;
use crate::service::ActEnd;
use crate::station::Station;
use crate::training_room::{PIN_PRINTER, PRINTER, REPORT_PRINTER, TrainingRoom, TrainingRoomError};

pub use hands::OnProgress;
use hands::{Hand, Hands, Sheets};
use papers::Papers;
use report::DemoReport;

/// Serial of the training printer that files components as PDF.
const PDF_PRINTER: &str = "TRAINING-PDF-1";

/// Why the demonstration ended.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The folder is in use.
    #[error("{0} exists and is not empty; the demonstration wants a folder of its own")]
    InUse(PathBuf),
    /// A folder or file.
    #[error("{path}: {error}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The station.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A stage did not go as it has to.
    #[error("{stage}: {why}")]
    Stage {
        /// Which.
        stage: String,
        /// What happened.
        why: String,
    },
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> DemoError + '_ {
    move |error| DemoError::Io {
        path: path.to_owned(),
        error,
    }
}

/// A station with its people, and the people's hands.
pub struct Demonstration {
    station: Station,
    hands: Hands,
    printers: TrainingPrinters,
    room: TrainingRoom,
    /// A blank card, for whoever loses theirs.
    spare: Option<TrainingCard>,
    out: PathBuf,
    progress: OnProgress,
    /// The backup's folder, once it is made.
    backup: String,
    /// The batch of PIN mailers, once it is done.
    pin_line: pin_batch::PinBatchLine,
}

/// Where the backup is restored, below the demonstration's folder.
const RESTORED: &str = "restored";

/// Six digits that the PIN rules accept, drawn like every training secret.
fn pin(random: &mut dyn RandomSource) -> Result<Secret, OpenError> {
    loop {
        let mut digits = Secret::zeroed(6);
        for digit in digits.expose_mut() {
            let number = random
                .secret_below(10)
                .map_err(|e| OpenError::Random(e.to_string()))?;
            *digit = b'0' + u8::try_from(number).unwrap_or(0);
        }
        if PinRule::check(&digits).is_ok() {
            return Ok(digits);
        }
    }
}

impl Demonstration {
    /// An empty TEST station in an empty folder, with eighteen blank cards.
    ///
    /// `practice_pin`: everybody's PIN in a practice room; the demonstration draws one
    /// for each and files what is printed.
    ///
    /// # Errors
    /// [`DemoError`]
    pub fn prepare(
        out: &Path,
        readers: usize,
        practice_pin: Option<&[u8]>,
        progress: OnProgress,
    ) -> Result<Self, DemoError> {
        let used = std::fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some());
        if used {
            return Err(DemoError::InUse(out.to_owned()));
        }
        std::fs::create_dir_all(out).map_err(io(out))?;
        let filed = practice_pin.is_none();
        let paper = out.join("paper");
        if filed {
            std::fs::create_dir_all(&paper).map_err(io(out))?;
        }
        let printer = |serial: &str| {
            TrainingPrinter::start_with_folder(serial, filed.then(|| paper.clone()))
                .map_err(|e| OpenError::Training(TrainingRoomError::Printer(e)))
        };
        // A practice room has the one printer that shows its paper; the
        // demonstration files every sheet, as ESC/P and as PDF.
        let mut all = vec![printer(PRINTER)?];
        if filed {
            all.push(printer(PDF_PRINTER)?);
            all.push(printer(REPORT_PRINTER)?);
        }
        all.push(printer(PIN_PRINTER)?);
        let printers = TrainingPrinters(all);
        let stick = out.join(if filed { "media" } else { "stick" });
        // Cards as delivered: for whoever loses one, or comes.
        let spare = std::iter::repeat_n("", if filed { 1 } else { SPARE });
        let labels: Vec<CardLabel> = (1u16..)
            .zip(cast::PEOPLE.iter().map(|(name, _, _)| *name).chain(spare))
            .map(|(number, name)| CardLabel {
                number,
                name: name.into(),
            })
            .collect();
        let room = TrainingRoom::furnished(out, readers, &labels, printers.clone(), &stick)
            .map_err(OpenError::Training)?;
        let config = Config::parse("").map_err(|why| DemoError::Stage {
            stage: "configuration".into(),
            why,
        })?;
        let Opened { station, .. } = open_with(out, &config, Some(room.clone()), Arc::new(|_| {}))?;
        let mut random = random_source()?;
        let mut people = Vec::new();
        let cards = room
            .cards
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone();
        for ((name, _, _), card) in cast::PEOPLE.into_iter().zip(cards) {
            people.push(Hand {
                name: name.into(),
                card,
                pin: match practice_pin {
                    Some(digits) => {
                        Secret::from_fn(digits.len(), |out| out.copy_from_slice(digits))
                    }
                    None => pin(&mut *random)?,
                },
            });
        }
        let readers: TrainingReaders = room.readers.clone();
        let mut hands = Hands::new(readers, people, Arc::clone(&progress));
        hands.sheets = filed.then(|| Sheets {
            escp: printers.0.first().cloned(),
            pdf: printers.0.get(1).cloned(),
            name: String::new(),
        });
        hands.keep = Some((cast::ZONES[0].label.into(), Papers::default()));
        let spare = room
            .cards
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .get(cast::PEOPLE.len())
            .cloned();
        Ok(Self {
            station,
            hands,
            printers,
            room,
            spare,
            backup: String::new(),
            pin_line: pin_batch::PinBatchLine::default(),
            out: out.to_owned(),
            progress,
        })
    }

    fn stage(&self, words: &str) {
        (self.progress)(words);
    }

    fn failed(&mut self, stage: &str, why: impl Into<String>) -> DemoError {
        let why = self.hands.stopped.take().unwrap_or_else(|| why.into());
        DemoError::Stage {
            stage: stage.into(),
            why,
        }
    }

    /// Founds the station and enrols its people.
    ///
    /// # Errors
    /// [`DemoError`]
    pub fn initialise(&mut self) -> Result<(), DemoError> {
        self.stage("initialise the station with eighteen people");
        let forms = &mut self.hands.forms;
        forms.insert(
            "init.name".into(),
            vec![vec![cast::STATION.into(), "TEST".into()]],
        );
        forms.insert(
            "init.groups".into(),
            vec![cast::QUORUMS.map(String::from).to_vec()],
        );
        let mut rows: Vec<Vec<String>> = cast::PEOPLE
            .into_iter()
            .map(|(name, manager, groups)| vec![name.into(), manager.into(), groups.into()])
            .collect();
        rows.push(Vec::new());
        forms.insert("init.person".into(), rows);
        match self.station.initialise(&mut self.hands) {
            InitialiseEnd::Done(_) => self.founding_sheet(),
            InitialiseEnd::Refused(refusal) => Err(self.failed("initialise", refusal.happened)),
            _ => Err(self.failed("initialise", "given up")),
        }
    }

    /// The words that people write on the founding sheet, for whoever verifies
    /// the evidence afterwards: of the record that was just made.
    fn founding_sheet(&mut self) -> Result<(), DemoError> {
        let genesis = self.station.door.vault().authority_hash();
        let genesis = genesis.map_err(|why| self.failed("genesis", why.to_string()))?;
        let paper = self.out.join("paper");
        let folder = if paper.is_dir() { &paper } else { &self.out };
        let path = folder.join(report::GENESIS);
        let words = conclave_evidence::words::digest_lines(&genesis).join("\n");
        std::fs::write(&path, words + "\n").map_err(io(&path))
    }

    fn logon(&mut self, group: GroupId, prefer: &[&str]) -> Result<(), DemoError> {
        self.stage(&format!("log on: {}", group.title()));
        self.hands.prefer(prefer);
        match self.station.logon(Some(group), &mut self.hands) {
            LogonEnd::Done(_) => Ok(()),
            LogonEnd::Refused(refusal) => Err(self.failed("logon", refusal.happened)),
            _ => Err(self.failed("logon", "given up")),
        }
    }

    fn logout(&mut self) -> Result<(), DemoError> {
        self.station
            .logout("logged out")
            .map_err(|e| DemoError::Stage {
                stage: "logout".into(),
                why: e.to_string(),
            })
    }

    fn done(
        &mut self,
        stage: &str,
        end: Result<ActEnd, conclave_keyroom::ports::dialogue::Refusal>,
    ) -> Result<(), DemoError> {
        match end {
            Ok(ActEnd::Done { good: true, .. }) if self.hands.stopped.is_none() => Ok(()),
            Ok(_) => Err(self.failed(stage, "given up")),
            Err(refusal) => Err(self.failed(stage, refusal.happened)),
        }
    }

    /// Administrators enrol the training printers and the stick.
    ///
    /// # Errors
    /// [`DemoError`]
    pub fn enrol_devices(&mut self) -> Result<(), DemoError> {
        self.logon(GroupId::Administrators, &[])?;
        let rows: Vec<Vec<String>> = self
            .printers
            .0
            .iter()
            .filter(|printer| printer.serial() != PIN_PRINTER)
            .zip([("KOMP-1", "ESC/P"), ("KOMP-PDF", "PDF")])
            .map(|(printer, (name, language))| {
                vec![
                    name.into(),
                    format!("{} serial {}", printer.device(), printer.serial()),
                    "key components".into(),
                    language.into(),
                ]
            })
            .collect();
        let count = rows.len();
        self.hands.forms.insert("enrol.printer".into(), rows);
        for _ in 0..count {
            self.stage("enrol a component printer");
            let end = self.station.ask_printer(&mut self.hands);
            self.done("enrol a printer", end)?;
        }
        self.hands
            .forms
            .insert("enrol.medium".into(), vec![vec!["STICK-1".into()]]);
        self.stage("enrol the stick");
        let end = self.station.ask_medium(&mut self.hands);
        self.done("enrol a medium", end)?;
        self.logout()
    }

    fn ceremony(
        &mut self,
        script: &str,
        label: &str,
        parameters: Vec<String>,
    ) -> Result<(), DemoError> {
        self.stage(&format!("ceremony: {label}"));
        self.hands
            .forms
            .insert("ceremony.parameters".into(), vec![parameters]);
        if let Some(sheets) = &mut self.hands.sheets {
            sheets.name = label.into();
        }
        let end = self.station.begin_ceremony(script, &mut self.hands);
        self.done(label, end)
    }

    /// Zone master keys in components, working keys under them; a partner's
    /// keys; sheets that are proven.
    ///
    /// # Errors
    /// [`DemoError`]
    pub fn main_job(&mut self) -> Result<(), DemoError> {
        self.logon(GroupId::KeyManagers, &["D. Novak", "E. Fischer"])?;
        self.logon(GroupId::Approvers, &["A. Lindqvist", "B. Okafor"])?;
        for zone in &cast::ZONES {
            self.ceremony(
                "generate-zmk.toml",
                zone.label,
                vec![
                    zone.label.into(),
                    zone.template.into(),
                    cast::COMPONENTS.into(),
                ],
            )?;
            for (label, template) in zone.working {
                self.ceremony(
                    "working-key.toml",
                    label,
                    vec![
                        label.into(),
                        template.into(),
                        zone.label.into(),
                        zone.recipient.into(),
                        "STICK-1".into(),
                        String::new(),
                        String::new(),
                    ],
                )?;
            }
        }
        self.partner()?;
        self.exercise()?;
        self.share()?;
        self.logout()
    }

    /// A backup to the stick, proven in memory by the recovery holders.
    ///
    /// # Errors
    /// [`DemoError`]
    pub fn back_up(&mut self) -> Result<(), DemoError> {
        self.logon(GroupId::Administrators, &[])?;
        self.stage("back up the station");
        let end = self.station.make_backup(&mut self.hands);
        self.done("backup", end)?;
        self.stage("rehearse a restore");
        let end = self.station.rehearse_restore(&mut self.hands);
        self.done("rehearsal", end)?;
        self.logout()?;
        let stick = self.room.stick.folder();
        let entries = std::fs::read_dir(&stick).map_err(io(&stick))?;
        let name = entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .find(|name| name.starts_with("BACKUP-"))
            .ok_or_else(|| self.failed("backup", "it is not on the stick"))?;
        let media = stick.file_name().unwrap_or_default().to_string_lossy();
        self.backup = format!("{media}/{name}");
        Ok(())
    }

    /// The backup restored on an empty machine, with the same cards; people
    /// log on there and find every key with its check value.
    fn restore(&mut self, keys: &[KeyRecord]) -> Result<(), DemoError> {
        self.stage("restore the backup into a second folder");
        let folder = self.out.join(RESTORED);
        std::fs::create_dir_all(&folder).map_err(io(&folder))?;
        let config = Config::parse("").map_err(|why| self.failed("restore", why))?;
        let room = Some(self.room.clone());
        let opened = open_with(&folder, &config, room, Arc::new(|_| {}))?;
        let first = std::mem::replace(&mut self.station, opened.station);
        let end = self.station.restore_backup(&mut self.hands);
        self.done("restore", end)?;
        self.logon(GroupId::KeyManagers, &[])?;
        let found = self.station.keys();
        let same = |a: &KeyRecord| {
            found
                .iter()
                .any(|b| (&a.label, &a.kcv) == (&b.label, &b.kcv))
        };
        if found.len() != keys.len() || !keys.iter().all(same) {
            return Err(self.failed("restore", "the keys there are not the station's"));
        }
        self.logout()?;
        self.station = first;
        // Its minutes belong to its own journal, another history than the one that is
        // exported here: whoever verifies the whole folder would be asked for that one.
        let minutes = folder.join("minutes");
        std::fs::remove_dir_all(&minutes).map_err(io(&minutes))
    }

    /// Other members log on, the journal is exported, everything is verified,
    /// `demo.json` is written.
    ///
    /// # Errors
    /// [`DemoError`]
    pub fn prove(mut self) -> Result<PathBuf, DemoError> {
        self.logon(GroupId::KeyManagers, &["F. Rossi", "E. Fischer"])?;
        let keys = self.station.keys();
        self.logon(GroupId::Auditors, &[])?;
        self.stage("export the journal");
        self.station
            .file_audit_reports()
            .map_err(|why| self.failed("reports", why))?;
        let journal = self
            .station
            .write_journal("journal.cbor")
            .map_err(|why| self.failed("journal", why))?;
        self.logout()?;
        self.restore(&keys)?;
        self.stage("verify bundles, backup and journal");
        let mut report =
            DemoReport::gather(&self.out, cast::STATION, "TEST", &keys, journal.clone())
                .map_err(|why| self.failed("report", why))?;
        report.backup.clone_from(&self.backup);
        report.restored = RESTORED.into();
        report.pin_batch = std::mem::take(&mut self.pin_line);
        let mut paths = vec![self.out.join(&journal)];
        paths.push(self.out.join(&report.backup));
        paths.extend(report.bundles.iter().map(|bundle| self.out.join(bundle)));
        let verified = conclave_evidence::verify::verify_paths(&paths);
        if !verified.ok() {
            let why = verified.failure();
            let why = why.unwrap_or_else(|| "nothing was verified".to_owned());
            return Err(self.failed("verify", why));
        }
        let path = self.out.join("demo.json");
        let text = serde_json::to_string_pretty(&report).map_err(|e| DemoError::Stage {
            stage: "demo.json".into(),
            why: e.to_string(),
        })?;
        std::fs::write(&path, text + "\n").map_err(io(&path))?;
        Ok(path)
    }
}

/// Blank cards of a practice room.
const SPARE: usize = 2;

/// The PIN of everybody in a practice room.
pub const PRACTICE_PIN: &[u8] = b"802803";

/// Furnishes a practice room: a station with eighteen people, its devices
/// enrolled and an issuer's files on its stick, to be opened by hand afterwards.
///
/// # Errors
/// [`DemoError`]
pub fn furnish(folder: &Path, readers: usize) -> Result<(), DemoError> {
    let mut demo = Demonstration::prepare(folder, 1, Some(PRACTICE_PIN), Arc::new(|_: &str| {}))?;
    demo.initialise()?;
    demo.enrol_devices()?;
    demo.furnish_pin_room()?;
    let path = folder.join(crate::config::FILE);
    let text = format!(
        "[training]\nreaders = {readers}\ncards = {}\n\
         # Milliseconds that a PIN mailer takes; 0: it prints at once, and never jams.\n\
         form_ms = {FORM_MS}\n",
        cast::PEOPLE.len() + SPARE
    );
    std::fs::write(&path, text).map_err(io(&path))
}

/// Plays everything; the path of `demo.json`.
///
/// # Errors
/// [`DemoError`]
pub fn run(out: &Path, progress: OnProgress) -> Result<PathBuf, DemoError> {
    let mut demo = Demonstration::prepare(out, 1, None, progress)?;
    demo.initialise()?;
    demo.enrol_devices()?;
    demo.main_job()?;
    demo.pin_batch()?;
    demo.hand_over()?;
    demo.lose_a_card()?;
    demo.back_up()?;
    demo.prove()
}
