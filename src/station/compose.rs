//! Puts a station together: store, vault, door, devices, from the folder that
//! it lives in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use conclave_crypto::known_answer;
use conclave_crypto::secret::{HealthTested, RandomSource, harden_process};
use conclave_evidence::Id;
use conclave_keyroom::door::{Door, StopFlag};
use conclave_keyroom::ports::card::CardReaders;
use conclave_keyroom::ports::clock::Clock;
use conclave_keyroom::ports::machine::Machine;
use conclave_keyroom::ports::media::Media;
use conclave_keyroom::ports::printer::Printers;
use conclave_keyroom::ports::programs::NoPrograms;
use conclave_keyroom::ports::store::StoreError;
use conclave_keyroom::provider::{Provider, SoftwareProvider};
use conclave_keyroom::vault::engine::SledStore;
use conclave_keyroom::vault::{Surroundings, Vault, VaultError};
use conclave_training::stick::StickPorts;

use crate::approve::Casting;
use crate::config::{Config, ConfigError};
use crate::data::Data;
use crate::doctor::{self, Finding};
use crate::host::clock::SystemClock;
use crate::host::machine::HostMachine;
use crate::host::media::{HostMedia, MediaPlaces};
use crate::host::pcsc::PcscReaders;
use crate::host::printer::HostPrinters;
use crate::host::programs::HostPrograms;
use crate::host::random::SystemRandom;
use crate::host::recorder::Recorder;
use crate::rescue::{self, Damage, REPOSITORY};
use crate::session::Session;
use crate::station::{Blank, Station};
use crate::training_room::{TrainingRoom, TrainingRoomError};

/// Why a station does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder.
    #[error("{folder}: {error}")]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// `station.toml`.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A known answer came out wrong: nothing this build computes can be
    /// trusted.
    #[error("the self-test failed: {0}")]
    SelfTest(String),
    /// The random source is faulty (R1).
    #[error("the random source failed its start-up test: {0}")]
    Random(String),
    /// The repository.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The repository is damaged; at the terminal there is a way on.
    #[error("the repository is damaged: {0}")]
    Damaged(String),
    /// The training room.
    #[error(transparent)]
    Training(#[from] TrainingRoomError),
}

impl OpenError {
    /// What is safe now, and what to do.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::SelfTest(_) | Self::Random(_) => {
                "The station stays locked and does nothing. Do not use this computer or this \
                 build; call the administrators."
            }
            Self::Vault(VaultError::NewerFormat { .. }) => {
                "Nothing was opened or changed. Start the newer program; to go back, restore the \
                 backup that was made before the update. If there never was a newer program, the \
                 disk is damaged: restore the last backup."
            }
            Self::Vault(_) => {
                "Nothing was opened or changed. Keep the disk as it is; call the administrators \
                 and the auditors."
            }
            Self::Store(StoreError::Locked) => {
                "Another window has this station open. Use that one."
            }
            Self::Store(StoreError::Io(_)) => {
                "Nothing was changed. Look whether the folder and its files belong to you and \
                 may be written."
            }
            Self::Store(_) => {
                "Nothing was changed. Keep the disk as it is; call the administrators and the \
                 auditors."
            }
            Self::Damaged(_) => {
                "Nothing was changed. Keep the disk as it is; start conclave at the terminal, which \
                 shows the way on."
            }
            Self::Config(_) => "Correct station.toml and start again.",
            Self::Folder { .. } | Self::Training(_) => "Choose another folder, or mend this one.",
        }
    }
}

/// A station that is open for business, and what stands around it.
pub struct Opened {
    /// The station.
    pub station: Station,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
    /// The training room, where it is a training station.
    pub room: Option<TrainingRoom>,
}

/// The station's random source, health-tested (R1).
///
/// # Errors
/// [`OpenError::Random`]
pub fn random_source() -> Result<Box<dyn RandomSource + Send>, OpenError> {
    let mut random = HealthTested::new(SystemRandom);
    random
        .start_up()
        .map_err(|e| OpenError::Random(e.to_string()))?;
    Ok(Box::new(random))
}

/// What the doctor says of this computer where there is no station.
#[must_use]
pub fn examine_machine() -> Vec<Finding> {
    let hardening = harden_process();
    let drawn = random_source()
        .map(|_| ())
        .map_err(|error| error.to_string());
    let mut findings = vec![
        doctor::provider(SoftwareProvider::default().identity().class),
        doctor::random(drawn),
    ];
    findings.extend(doctor::judge::machine(
        &HostMachine::default().look(),
        &hardening,
    ));
    findings
}

/// Opens the station in `folder`. A folder without `station.toml` becomes a
/// training station.
///
/// # Errors
/// [`OpenError`]
pub fn open(folder: &Path, blank: Blank) -> Result<Opened, OpenError> {
    let at = |error| OpenError::Folder {
        folder: folder.to_owned(),
        error,
    };
    std::fs::create_dir_all(folder).map_err(at)?;
    let config = Config::read(folder)?;
    let room = match &config.training {
        Some(training) => Some(TrainingRoom::open(folder, training)?),
        None => None,
    };
    open_with(folder, &config, room, blank)
}

/// Opens a station with a training room that is there already, or none.
///
/// # Errors
/// [`OpenError`]
pub fn open_with(
    folder: &Path,
    config: &Config,
    room: Option<TrainingRoom>,
    blank: Blank,
) -> Result<Opened, OpenError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let readers: Arc<dyn CardReaders> = match &room {
        Some(room) => Arc::new(room.readers.clone()),
        None => Arc::new(PcscReaders::new()),
    };
    let printers: Box<dyn Printers> = match &room {
        Some(room) => Box::new(room.printers.clone()),
        None => Box::new(HostPrinters::new()),
    };
    let media: Box<dyn Media> = match &room {
        Some(room) => Box::new(StickPorts::new(vec![room.stick.clone()])),
        None => Box::new(HostMedia::new(MediaPlaces {
            recorders: config.recorders.iter().cloned().map(Recorder::at).collect(),
            ..MediaPlaces::of_system(config.media.clone())
        })),
    };
    let station = assemble(Parts {
        folder: folder.to_owned(),
        training: room.is_some(),
        readers,
        printers,
        media,
        clock: Arc::clone(&clock),
        random: random_source()?,
        blank,
    })?;
    let station = match &config.update {
        Some(update) => {
            let programs = HostPrograms::new(&update.programs);
            station.with_programs(Box::new(programs), Some(update.release_key))
        }
        None => station,
    };
    Ok(Opened {
        station,
        clock,
        room,
    })
}

/// What a station is made of.
pub struct Parts {
    /// Where it lives.
    pub folder: PathBuf,
    /// Its devices are those of the training room.
    pub training: bool,
    /// The readers.
    pub readers: Arc<dyn CardReaders>,
    /// The printers.
    pub printers: Box<dyn Printers>,
    /// The media.
    pub media: Box<dyn Media>,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// The random source, health-tested.
    pub random: Box<dyn RandomSource + Send>,
    /// Blanks the screen.
    pub blank: Blank,
}

/// Hardens the process, runs the self-test, and puts a station together from
/// its parts.
///
/// # Errors
/// [`OpenError`]
pub fn assemble(parts: Parts) -> Result<Station, OpenError> {
    let hardening = harden_process();
    known_answer::power_on().map_err(|failure| OpenError::SelfTest(failure.to_string()))?;
    let mut random = parts.random;
    let mut boot = [0u8; 16];
    random
        .public(&mut boot)
        .map_err(|e| OpenError::Random(e.to_string()))?;
    let world = Surroundings {
        clock: Arc::clone(&parts.clock),
        random,
        boot: Id(boot),
    };
    let (vault, damage) = open_vault(&parts.folder, world)?;
    let door = Door::new(
        vault,
        Box::new(SoftwareProvider::default()),
        Arc::new(StopFlag::default()),
    );
    let clocks_at = (parts.clock.wall_ms(), parts.clock.mono_ms());
    Ok(Station {
        door,
        readers: parts.readers,
        printers: parts.printers,
        media: parts.media,
        programs: Box::new(NoPrograms),
        release_key: None,
        clock: parts.clock,
        blank: parts.blank,
        session: Session::default(),
        data: Data::new(&parts.folder),
        folder: parts.folder,
        training: parts.training,
        warnings: hardening.words(),
        machine: Box::new(HostMachine::default()),
        hardening,
        clocks_at,
        keys_read: Default::default(),
        stake: None,
        stumbles: Vec::new(),
        casting: Casting::default(),
        outside: Vec::new(),
        minutes: None,
        signers: Vec::new(),
        damage,
    })
}

/// The repository, or what is wrong with it: a damaged one does not end the
/// program, since people have to see what can be done.
fn open_vault(folder: &Path, world: Surroundings) -> Result<(Vault, Option<Damage>), OpenError> {
    let repository = folder.join(REPOSITORY);
    let was_there = repository.join("db").exists();
    let store = match SledStore::open(&repository) {
        Ok(store) => store,
        Err(error @ StoreError::Damaged(_)) => {
            let damage = Damage::found(error.to_string(), false);
            return Ok((Vault::over_nothing(world), Some(damage)));
        }
        Err(error) => return Err(error.into()),
    };
    let (mut vault, error) = Vault::open_or_freeze(Box::new(store), world)?;
    let damage = match error {
        Some(error) => Some(Damage::found(error.to_string(), !vault.is_empty())),
        None if vault.is_empty() && rescue::emptied(folder, was_there) => {
            vault.freeze();
            let why = "it holds nothing, and this folder has been a station's";
            Some(Damage::found(why.into(), false))
        }
        None => None,
    };
    if damage.as_ref().is_some_and(|damage| !damage.readable) {
        // Its files are about to be moved.
        vault.release();
    }
    Ok((vault, damage))
}
