//! What a training card keeps without power, and its file.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::crypto::PinHash;

/// No card file is longer: three keys, and a few objects of at most 3 kB.
const LONGEST_FILE: u64 = 256 * 1024;

/// What is printed on the card: a number, and room for a holder's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardLabel {
    /// The card's number.
    pub number: u16,
    /// What somebody wrote on it; may be empty.
    pub name: String,
}

impl std::fmt::Display for CardLabel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "card {:02}", self.number)?;
        if self.name.is_empty() {
            Ok(())
        } else {
            write!(f, " {}", self.name)
        }
    }
}

/// A training card's file failed.
#[derive(Debug, thiserror::Error)]
pub enum CardFileError {
    /// Reading or writing it.
    #[error("training card {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not a training card.
    #[error("{path} is not a training card")]
    Form {
        /// The file.
        path: PathBuf,
    },
    /// No randomness, or no memory, for a new card.
    #[error("a new training card could not be made")]
    Make,
}

/// A secret with its counter.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Reference {
    pub hash: PinHash,
    /// Tries left; 0 is blocked.
    pub left: u8,
}

impl Reference {
    /// What the counter starts with.
    pub const TRIES: u8 = 3;
}

/// Algorithm (PIV's number) and bytes of the management key.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(super) struct Management {
    pub algorithm: u8,
    #[serde(with = "serde_bytes")]
    pub key: Vec<u8>,
}

/// A private scalar, 32 bytes.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(super) struct Scalar(#[serde(with = "serde_bytes")] pub Vec<u8>);

/// Everything on the card.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct State {
    form: String,
    pub label: CardLabel,
    pub pin: Reference,
    pub puk: Reference,
    pub management: Management,
    /// Slot to private key.
    pub keys: BTreeMap<u8, Scalar>,
    /// Object (the last byte of `5FC1xx`) to content.
    pub objects: BTreeMap<u8, serde_bytes::ByteBuf>,
}

const FORM: &str = "conclave/training-card/1";

impl State {
    pub fn new(label: CardLabel, pin: PinHash, puk: PinHash, management: Management) -> Self {
        let full = |hash| Reference {
            hash,
            left: Reference::TRIES,
        };
        Self {
            form: FORM.to_owned(),
            label,
            pin: full(pin),
            puk: full(puk),
            management,
            keys: BTreeMap::new(),
            objects: BTreeMap::new(),
        }
    }
}

/// The file behind a card.
pub(super) struct CardFile {
    path: PathBuf,
}

impl CardFile {
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// Reads the card.
    pub fn load(&self) -> Result<State, CardFileError> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_FILE as usize));
        File::open(&self.path)
            .and_then(|file| file.take(LONGEST_FILE).read_to_end(&mut bytes))
            .map_err(|source| self.io(source))?;
        ciborium::from_reader::<State, _>(&bytes[..])
            .ok()
            .filter(|state| state.form == FORM)
            .ok_or_else(|| CardFileError::Form {
                path: self.path.clone(),
            })
    }

    /// Writes the card anew beside its file and renames it over: a cut
    /// leaves the old card or the new one, never half of one.
    pub fn store(&self, state: &State) -> Result<(), CardFileError> {
        self.replace(state).map_err(|source| self.io(source))
    }

    /// The first write of a new card: there must not be one already.
    pub fn create(&self, state: &State) -> Result<(), CardFileError> {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.path)
            .map_err(|source| self.io(source))?;
        self.store(state)
    }

    fn replace(&self, state: &State) -> io::Result<()> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_FILE as usize));
        ciborium::into_writer(state, &mut *bytes).map_err(io::Error::other)?;
        let beside = self.path.with_extension("new");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, &self.path)?;
        // The rename itself is on disk only when the folder is.
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
            _ => File::open(".")?.sync_all(),
        }
    }

    fn io(&self, source: io::Error) -> CardFileError {
        CardFileError::Io {
            path: self.path.clone(),
            source,
        }
    }
}
