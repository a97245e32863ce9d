//! The training stick: a folder that behaves as a USB stick does, also when
//! it is pulled, full, or worn out.
//!
//! Its files are written and read by the same code as a real medium's. It
//! says of itself that it is a training medium, which is why a PRODUCTION
//! station does not enrol it.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use conclave_keyroom::domain::Permission;
use conclave_keyroom::ports::media::{FoundMedium, KnownBy, Media, MediaError};
use conclave_trades::media::folder::{self, Draft, Made};

/// What is going to happen to a stick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// It is pulled when it has taken this many bytes more.
    PulledAfter(u64),
    /// It is pulled when it has taken this many files more, the last one
    /// whole.
    PulledAfterFile(u32),
    /// It is full when it has taken this many bytes more.
    FullAfter(u64),
    /// It gives back other bytes than it took.
    Worn,
}

struct State {
    folder: PathBuf,
    serial: String,
    plugged: bool,
    read_only: bool,
    mishap: Option<Mishap>,
    made: Made,
}

/// A stick, and the hand that plugs it: clones are the same stick.
#[derive(Clone)]
pub struct FolderStick(Arc<Mutex<State>>);

impl FolderStick {
    /// A stick that is a folder, plugged in. Its serial is kept outside of the
    /// folder, as a real one's is outside of its files.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, serial: impl Into<String>) -> Self {
        Self(Arc::new(Mutex::new(State {
            folder: folder.into(),
            serial: serial.into(),
            plugged: true,
            read_only: false,
            mishap: None,
            made: Made::default(),
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its serial.
    #[must_use]
    pub fn serial(&self) -> String {
        self.state().serial.clone()
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.state().folder.clone()
    }

    /// Another stick is in its place from now on: that folder, that serial.
    pub fn exchange(&self, folder: impl Into<PathBuf>, serial: impl Into<String>) {
        let mut state = self.state();
        state.folder = folder.into();
        state.serial = serial.into();
        state.mishap = None;
        state.made = Made::default();
    }

    /// Plugs it in.
    pub fn plug(&self) {
        self.state().plugged = true;
    }

    /// Pulls it out.
    pub fn unplug(&self) {
        self.state().plugged = false;
    }

    /// TRUE while it is in.
    #[must_use]
    pub fn is_plugged(&self) -> bool {
        self.state().plugged
    }

    /// Moves its write-protect switch.
    pub fn protect(&self, read_only: bool) {
        self.state().read_only = read_only;
    }

    /// Something is going to happen to it, or no more.
    pub fn expect(&self, mishap: Option<Mishap>) {
        self.state().mishap = mishap;
    }

    fn found(&self) -> Result<Option<FoundMedium>, MediaError> {
        let state = self.state();
        if !state.plugged {
            return Ok(None);
        }
        let root = folder::open_root(&state.folder)?;
        let mut free = folder::free(root.as_fd())?;
        if let Some(Mishap::FullAfter(bytes)) = state.mishap
            && bytes == 0
        {
            free = 0;
        }
        Ok(Some(FoundMedium {
            serial: state.serial.clone(),
            known_by: KnownBy::Serial,
            free,
            read_only: state.read_only,
            lacks: Vec::new(),
            training: true,
        }))
    }
}

impl State {
    fn pulled(&mut self) -> MediaError {
        self.plugged = false;
        MediaError::Broken("it was pulled".into())
    }

    fn write(&mut self, folder: &str, name: &str, bytes: &[u8]) -> Result<(), MediaError> {
        if self.read_only {
            return Err(MediaError::ReadOnly);
        }
        if let Some(Mishap::PulledAfterFile(0)) = self.mishap {
            return Err(self.pulled());
        }
        let root = folder::open_root(&self.folder)?;
        let mut draft = Draft::begin(root.as_fd(), &mut self.made, &self.serial, folder, name)?;
        match self.mishap {
            Some(Mishap::PulledAfter(left)) => {
                let fits = usize::try_from(left).unwrap_or(usize::MAX);
                if let Some(part) = bytes.get(..fits) {
                    draft.append(part)?;
                    return Err(self.pulled());
                }
                self.mishap = Some(Mishap::PulledAfter(left - length(bytes)));
            }
            Some(Mishap::FullAfter(left)) => match left.checked_sub(length(bytes)) {
                Some(rest) => self.mishap = Some(Mishap::FullAfter(rest)),
                None => {
                    draft.discard();
                    return Err(MediaError::Full);
                }
            },
            Some(Mishap::PulledAfterFile(left)) => {
                self.mishap = Some(Mishap::PulledAfterFile(left - 1));
            }
            Some(Mishap::Worn) | None => {}
        }
        draft.append(bytes)?;
        draft.finish()?;
        if let Some(Mishap::PulledAfterFile(0)) = self.mishap {
            return Err(self.pulled());
        }
        Ok(())
    }

    fn read_back(&self, folder: &str, name: &str, most: u64) -> Result<Vec<u8>, MediaError> {
        let root = folder::open_root(&self.folder)?;
        let mut bytes = folder::read_back(root.as_fd(), folder, name, most)?;
        if self.mishap == Some(Mishap::Worn)
            && let Some(byte) = bytes.last_mut()
        {
            *byte ^= 0x10;
        }
        Ok(bytes)
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// The ports that sticks are plugged into.
#[derive(Clone, Default)]
pub struct StickPorts {
    sticks: Vec<FolderStick>,
}

impl StickPorts {
    /// Ports for these sticks.
    #[must_use]
    pub fn new(sticks: Vec<FolderStick>) -> Self {
        Self { sticks }
    }

    /// The sticks, plugged or not.
    #[must_use]
    pub fn sticks(&self) -> &[FolderStick] {
        &self.sticks
    }

    /// The stick of this folder.
    #[must_use]
    pub fn at(&self, folder: &Path) -> Option<&FolderStick> {
        self.sticks.iter().find(|stick| stick.folder() == folder)
    }

    fn plugged(&self, serial: &str) -> Result<MutexGuard<'_, State>, MediaError> {
        let mut other = MediaError::Missing;
        for stick in &self.sticks {
            let state = stick.state();
            if state.plugged && state.serial == serial {
                return Ok(state);
            }
            if state.plugged {
                other = MediaError::Wrong;
            }
        }
        Err(other)
    }
}

impl Media for StickPorts {
    fn found(&mut self) -> Result<Vec<FoundMedium>, MediaError> {
        let mut found = Vec::new();
        for stick in &self.sticks {
            found.extend(stick.found()?);
        }
        Ok(found)
    }

    fn write(
        &mut self,
        permit: &dyn Permission,
        serial: &str,
        folder: &str,
        name: &str,
        bytes: &[u8],
    ) -> Result<(), MediaError> {
        if !permit.may_continue() {
            return Err(MediaError::Stopped);
        }
        self.plugged(serial)?.write(folder, name, bytes)
    }

    fn read_back(
        &mut self,
        _permit: &dyn Permission,
        serial: &str,
        folder: &str,
        name: &str,
        most: u64,
    ) -> Result<Vec<u8>, MediaError> {
        self.plugged(serial)?.read_back(folder, name, most)
    }

    fn folders(&mut self, serial: &str) -> Result<Vec<String>, MediaError> {
        let root = folder::open_root(&self.plugged(serial)?.folder)?;
        folder::folders(root.as_fd())
    }

    fn files(&mut self, serial: &str, folder: &str) -> Result<Vec<String>, MediaError> {
        let root = folder::open_root(&self.plugged(serial)?.folder)?;
        folder::files(root.as_fd(), folder)
    }

    fn read(
        &mut self,
        serial: &str,
        folder: &str,
        name: &str,
        most: u64,
    ) -> Result<Vec<u8>, MediaError> {
        self.plugged(serial)?.read_back(folder, name, most)
    }
}
