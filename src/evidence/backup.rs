//! A backup: what the repository holds, exactly as it lies there, with a
//! manifest that the station and a quorum's cards stand behind.
//!
//! Its files are frames, one a value of the store: length of the key, key,
//! length of the value, value; lengths are four bytes, big-endian. No frame
//! goes over the end of a file. `records-NNNN.bin` hold what is sealed,
//! `journal-NNNN.bin` what is public: authority records, head, entries,
//! anchors.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::approval::{Expected, SignedApproval, action_digest};
use crate::authority::{AuthorityChain, AuthorityRecord, CardState, GroupId, Mode};
use crate::cbor::{self, CborError};
use crate::error::EvidenceError;
use crate::ids::{Bytes, Hash, Id, Signature};
use crate::manifest::{FILES_MOST, check_name};
use crate::sign::verify_p256;
use crate::tagged;

/// Name of the signed manifest in a backup.
pub const BACKUP_FILE: &str = "backup.cbor";
/// Name of the action that makes one.
pub const BACKUP_ACTION: &str = "make-backup";
/// The most bytes of frames in one file; a longer frame has a file of its own.
pub const PART_MOST: usize = 4 * 1024 * 1024;
/// The most bytes of any file of a backup that is read.
pub const FILE_MOST: u64 = 64 * 1024 * 1024;

/// The format of a backup that does not say which.
const UNNAMED_FORMAT: u32 = 2;

const TAG: &str = "conclave/backup/1";
const FILE_TAG: &str = "conclave/signed-backup/1";
const CONTENTS_TAG: &str = "conclave/backup-contents/1";

/// Appends a frame.
pub fn frame(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    for part in [key, value] {
        // No value of the store comes near four gigabytes.
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        out.extend(length.to_be_bytes());
        out.extend(part);
    }
}

/// Calls `each` with the frames of a file, in order.
///
/// # Errors
/// [`EvidenceError`] where the bytes are no frames, or what `each` answers.
pub fn frames(
    place: &str,
    mut bytes: &[u8],
    each: &mut dyn FnMut(&[u8], &[u8]) -> Result<(), EvidenceError>,
) -> Result<(), EvidenceError> {
    let cut = || EvidenceError::file(place, "a value in it is cut off");
    while !bytes.is_empty() {
        let mut parts = [&[][..]; 2];
        for part in &mut parts {
            let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(cut)?;
            let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| cut())?;
            *part = rest.get(..length).ok_or_else(cut)?;
            bytes = rest.get(length..).unwrap_or_default();
        }
        each(parts[0], parts[1])?;
    }
    Ok(())
}

/// The running digest over what is sealed. Cards sign it before it is written.
#[derive(Default)]
pub struct Contents {
    pairs: u64,
    bytes: u64,
    hasher: Sha256,
}

impl Contents {
    /// Adds a value, in the order of the keys.
    pub fn add(&mut self, key: &[u8], value: &[u8]) {
        let mut framed = Vec::with_capacity(key.len() + value.len() + 8);
        frame(&mut framed, key, value);
        self.pairs += 1;
        self.bytes += u64::try_from(framed.len()).unwrap_or(u64::MAX);
        self.hasher.update(&framed);
    }

    /// How many values.
    #[must_use]
    pub fn pairs(&self) -> u64 {
        self.pairs
    }

    /// How many bytes of frames.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The digest, over number and frames.
    ///
    /// # Errors
    /// [`CborError`]
    pub fn digest(self) -> Result<Hash, CborError> {
        let frames = Hash(self.hasher.finalize().into());
        cbor::digest(CONTENTS_TAG, &(self.pairs, frames))
    }
}

/// What the quorum signs: the parameters of the action `make-backup`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupAct {
    /// The newest journal entry when it was asked for; it names the backup.
    pub number: u64,
    /// Over everything that is sealed, see [`Contents`].
    pub contents: Hash,
    /// How many sealed values.
    pub pairs: u64,
    /// The medium's record.
    pub medium: Id,
    /// The medium's name.
    pub medium_name: String,
    /// The medium's serial.
    pub serial: String,
}

/// One file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupFile {
    /// Its name.
    pub name: String,
    /// Length, bytes.
    pub size: u64,
    /// SHA-256 of the content.
    pub sha256: Hash,
}

/// What a backup holds, of when, and who allowed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// The station.
    pub station: Id,
    /// Its name.
    pub station_name: String,
    /// TEST or PRODUCTION.
    pub mode: Mode,
    /// The station's incarnation.
    pub incarnation: Id,
    /// Wall clock, milliseconds since 1970.
    pub made_at_ms: u64,
    /// Number of the newest entry in it: the INTENT of this backup.
    pub head_seq: u64,
    /// Its hash.
    pub head_entry: Hash,
    /// Files with what is sealed, in the order of the keys.
    pub records: Vec<BackupFile>,
    /// Files with what is public.
    pub journal: Vec<BackupFile>,
    /// The act's id.
    pub act: Id,
    /// Its parameters, deterministic CBOR: a [`BackupAct`].
    pub action_params: Bytes,
    /// The proposal's nonce.
    pub nonce: Id,
    /// Hash of the PROPOSED entry.
    pub proposed: Hash,
    /// Of administrators.
    pub approvals: Vec<SignedApproval>,
    /// Digest of the authority record in force.
    pub authority: Hash,
    /// The format of the repository that it was made of. A backup of before this was
    /// written says nothing: see [`Backup::repository_format`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<u32>,
}

impl Backup {
    /// The format of the repository: what names none was made while there were two, and
    /// what stands in the first stands in the second too.
    #[must_use]
    pub fn repository_format(&self) -> u32 {
        self.format.unwrap_or(UNNAMED_FORMAT)
    }

    /// Refuses a backup of a repository that a newer program has written.
    ///
    /// # Errors
    /// [`EvidenceError::NewerFormat`]
    pub fn check_format(&self, knows: u32) -> Result<(), EvidenceError> {
        match self.repository_format() {
            format if format > knows => Err(EvidenceError::NewerFormat { format, knows }),
            _ => Ok(()),
        }
    }

    /// What was approved.
    ///
    /// # Errors
    /// [`EvidenceError::Form`]
    pub fn act(&self) -> Result<BackupAct, EvidenceError> {
        cbor::exact(&self.action_params).map_err(EvidenceError::form("backup, action"))
    }

    /// All files, in the order in which they are written.
    pub fn files(&self) -> impl Iterator<Item = &BackupFile> {
        self.records.iter().chain(&self.journal)
    }

    /// What the approvals name.
    ///
    /// # Errors
    /// [`CborError`]
    pub fn action_digest(&self) -> Result<Hash, CborError> {
        action_digest(BACKUP_ACTION, &self.action_params, self.nonce)
    }

    /// Checks the names and sizes of the files: flat, and none twice.
    ///
    /// # Errors
    /// [`EvidenceError`], naming the file.
    pub fn check_files(&self) -> Result<(), EvidenceError> {
        if self.files().count() > FILES_MOST {
            return Err(EvidenceError::broken("backup", "it names too many files"));
        }
        let mut names: BTreeSet<String> = [BACKUP_FILE.to_owned()].into();
        for file in self.files() {
            let broken = |why| EvidenceError::broken(format!("backup, file {:?}", file.name), why);
            if !check_name(&file.name) {
                return Err(broken("its name is not flat"));
            }
            if !names.insert(file.name.to_ascii_lowercase()) {
                return Err(broken("its name stands twice"));
            }
            if file.size > FILE_MOST {
                return Err(broken("it is too long"));
            }
        }
        Ok(())
    }

    /// Checks that this is the station of the record.
    ///
    /// # Errors
    /// [`EvidenceError`]
    pub fn check_station(&self, record: &AuthorityRecord) -> Result<(), EvidenceError> {
        let broken = |reason: &str| Err(EvidenceError::broken("backup", reason));
        if self.station != record.station || self.station_name != record.station_name {
            broken("it is another station's")
        } else if self.incarnation != record.incarnation {
            broken("it is of another incarnation of the station")
        } else if self.mode != record.mode {
            broken("it mixes TEST and PRODUCTION")
        } else {
            Ok(())
        }
    }

    /// Checks the approvals: all of this very act, by active cards, and a
    /// quorum of administrators, nobody twice.
    ///
    /// # Errors
    /// [`EvidenceError`], naming the approval.
    pub fn check_approvals(&self, record: &AuthorityRecord) -> Result<(), EvidenceError> {
        let expected = Expected {
            station: self.station,
            incarnation: self.incarnation,
            proposed: self.proposed,
            action: self
                .action_digest()
                .map_err(EvidenceError::form("backup, action"))?,
            action_name: BACKUP_ACTION.into(),
            authority: self.authority,
            nonce: self.nonce,
            now_ms: self.made_at_ms,
        };
        let mut people = BTreeSet::new();
        let mut cards = BTreeSet::new();
        for (number, signed) in (1..).zip(&self.approvals) {
            let place = || format!("backup, approval {number}");
            let approval =
                signed
                    .verify(record, &expected)
                    .map_err(|source| EvidenceError::Approval {
                        place: place(),
                        source,
                    })?;
            let active = record
                .card(approval.card)
                .is_some_and(|card| card.state == CardState::Active);
            if !active || approval.group != GroupId::Administrators {
                let reason = "it is not by an active administrator's card";
                return Err(EvidenceError::broken(place(), reason));
            }
            if !people.insert(approval.person) || !cards.insert(approval.card) {
                let reason = "one person or card approves twice";
                return Err(EvidenceError::broken(place(), reason));
            }
        }
        let need = record
            .group(GroupId::Administrators)
            .map_or(usize::MAX, |group| group.m.into());
        if people.len() < need {
            return Err(EvidenceError::Quorum {
                place: "backup, administrators".into(),
                have: people.len(),
                need,
            });
        }
        Ok(())
    }
}

/// A manifest with the station key's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedBackup {
    /// The tagged manifest, deterministic CBOR.
    pub backup: Bytes,
    /// By the station key, over its SHA-256.
    pub signature: Signature,
}

impl SignedBackup {
    /// Signs a manifest.
    ///
    /// # Errors
    /// What `signer` answers.
    pub fn sign<E: From<CborError>>(
        backup: &Backup,
        signer: impl FnOnce(&Hash) -> Result<Signature, E>,
    ) -> Result<Self, E> {
        let bytes = tagged::to_vec(TAG, backup)?;
        let signature = signer(&tagged::sha256(&bytes))?;
        Ok(Self {
            backup: bytes.into(),
            signature,
        })
    }

    /// What the signature is over, and what is read aloud in words.
    #[must_use]
    pub fn digest(&self) -> Hash {
        tagged::sha256(&self.backup)
    }

    /// The manifest, with nothing verified but its form.
    ///
    /// # Errors
    /// [`EvidenceError::Form`], [`EvidenceError::Tag`]
    pub fn open(&self) -> Result<Backup, EvidenceError> {
        tagged::from_slice("backup", TAG, &self.backup)
    }

    /// Verifies the signature by a record's station key.
    ///
    /// # Errors
    /// [`EvidenceError::Signature`]
    pub fn check_signature(&self, record: &AuthorityRecord) -> Result<(), EvidenceError> {
        verify_p256(&record.station_key, &self.digest(), &self.signature).map_err(|_| {
            EvidenceError::Signature {
                place: "backup, by the station key".into(),
            }
        })
    }

    /// The content of `backup.cbor`.
    ///
    /// # Errors
    /// [`CborError`]
    pub fn to_file(&self) -> Result<Vec<u8>, CborError> {
        tagged::to_vec(FILE_TAG, self)
    }

    /// Reads `backup.cbor`.
    ///
    /// # Errors
    /// [`EvidenceError::Form`], [`EvidenceError::Tag`]
    pub fn from_file(bytes: &[u8]) -> Result<Self, EvidenceError> {
        tagged::from_slice(BACKUP_FILE, FILE_TAG, bytes)
    }

    /// TRUE when a file is marked as a signed backup.
    #[must_use]
    pub fn is_file(bytes: &[u8]) -> bool {
        cbor::tag_of(bytes) == Some(FILE_TAG)
    }
}

/// The record under which a backup was made: the newest of its chain.
pub(crate) fn record_of<'a>(
    backup: &Backup,
    chain: &'a AuthorityChain,
) -> Result<&'a AuthorityRecord, EvidenceError> {
    if backup.authority == chain.latest_hash() {
        Ok(chain.latest())
    } else {
        let reason = "its authority record is not the newest of the chain in it";
        Err(EvidenceError::broken("backup", reason))
    }
}
