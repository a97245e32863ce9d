//! The station: door, devices, session and data, put together.

use std::path::PathBuf;
use std::sync::Arc;

use conclave_crypto::secret::Hardening;
use conclave_keyroom::door::Door;
use conclave_keyroom::ports::card::CardReaders;
use conclave_keyroom::ports::clock::Clock;
use conclave_keyroom::ports::machine::Machine;
use conclave_keyroom::ports::media::Media;
use conclave_keyroom::ports::printer::Printers;
use conclave_keyroom::ports::programs::Programs;

use conclave_evidence::{GroupId, Id, Point};

use crate::approve::Casting;
use crate::ceremony::paper::Filed;
use crate::data::Data;
use crate::inventory::Inventory;
use crate::rescue::Damage;
use crate::session::Session;

/// Blanks the screen (`true`) or lets it come back; called from any thread.
pub type Blank = Arc<dyn Fn(bool) + Send + Sync>;

/// A station at work.
pub struct Station {
    pub(crate) door: Door,
    pub(crate) readers: Arc<dyn CardReaders>,
    pub(crate) printers: Box<dyn Printers>,
    pub(crate) media: Box<dyn Media>,
    pub(crate) programs: Box<dyn Programs>,
    /// Whose updates are taken.
    pub(crate) release_key: Option<Point>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) blank: Blank,
    pub(crate) session: Session,
    pub(crate) folder: PathBuf,
    pub(crate) training: bool,
    pub(crate) warnings: Vec<String>,
    /// The computer below, for the doctor.
    pub(crate) machine: Box<dyn Machine>,
    /// What came of closing the process.
    pub(crate) hardening: Hardening,
    /// Wall clock and monotonic clock when they were last known to be right.
    pub(crate) clocks_at: (u64, u64),
    pub(crate) data: Data,
    /// The key list, where it is read a slice at a time.
    pub(crate) keys_read: Inventory,
    /// What stopping would mean while signatures are collected.
    pub(crate) stake: Option<String>,
    /// Who signs for the ceremony whose unit is done.
    pub(crate) casting: Casting,
    /// Who signed the last act for a group though they are not of the cast, in
    /// words.
    pub(crate) outside: Vec<String>,
    /// What went wrong on the way to an answer since a ceremony last looked: wrong
    /// PINs, sheets typed wrong. No digit of them.
    pub(crate) stumbles: Vec<String>,
    /// What is wrong with the repository.
    pub(crate) damage: Option<Damage>,
    /// Minutes that were filed at a close, and of which ceremony.
    pub(crate) minutes: Option<(Id, Filed)>,
    /// Who signed the last act that needed signatures, and as whose member.
    pub(crate) signers: Vec<(GroupId, String)>,
}

impl Station {
    /// The door, to read what is behind it.
    #[must_use]
    pub fn door(&self) -> &Door {
        &self.door
    }

    /// The folder in which the station lives.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// Puts another machine, and what it let the process do for itself, under
    /// the doctor's eyes.
    #[must_use]
    pub fn on_machine(mut self, machine: Box<dyn Machine>, hardening: Hardening) -> Self {
        self.machine = machine;
        self.hardening = hardening;
        self
    }

    /// Who is logged on.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }
}
