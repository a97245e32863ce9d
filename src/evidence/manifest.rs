//! The manifest of an export bundle: what left the room, for whom, and who
//! allowed it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::approval::{Expected, SignedApproval, action_digest};
use crate::authority::{AuthorityChain, AuthorityRecord, CardState, GroupId, Mode};
use crate::cbor::{self, CborError};
use crate::error::EvidenceError;
use crate::ids::{Bytes, Hash, Id, Signature};
use crate::sign::verify_p256;
use crate::tagged;

/// Name of the signed manifest in a bundle.
pub const MANIFEST_FILE: &str = "manifest.cbor";
/// Name of the authority chain in a bundle.
pub const AUTHORITY_FILE: &str = "authority.cbor";
/// Name of the manifest for people in a bundle.
pub const TEXT_FILE: &str = "manifest.txt";

/// Longest name of a file in a bundle, bytes.
pub const NAME_MOST: usize = 64;
/// Most files in a bundle.
pub const FILES_MOST: usize = 10_000;

const TAG: &str = "conclave/manifest/1";
const FILE_TAG: &str = "conclave/signed-manifest/1";

/// How a file must be carried to where it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// Unchanged.
    Binary,
    /// Text, to be translated on an EBCDIC system.
    AsciiText,
    /// Text that is EBCDIC already: unchanged.
    EbcdicText,
}

impl Encoding {
    /// Its name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::AsciiText => "text, ASCII",
            Self::EbcdicText => "text, EBCDIC",
        }
    }
}

/// A key check value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kcv {
    /// Hex digits.
    pub value: String,
    /// How it was made: `legacy`, `CMAC`, …
    pub method: String,
}

/// The key that another one is wrapped under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Under {
    /// Its label.
    pub label: String,
    /// Its KCV.
    pub kcv: Option<Kcv>,
}

/// A key in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyLine {
    /// Its label.
    pub label: String,
    /// Its algorithm.
    pub algorithm: String,
    /// Its length, bits, parity included.
    pub bits: u32,
    /// Its usage.
    pub usage: String,
    /// Its KCV, where it has one.
    pub kcv: Option<Kcv>,
    /// What it is wrapped under.
    pub under: Option<Under>,
}

/// One file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// A flat name, see [`check_name`].
    pub name: String,
    /// Length, bytes.
    pub size: u64,
    /// SHA-256 of the content.
    pub sha256: Hash,
    /// The format, as the target names it.
    pub format: String,
    /// Binary or text.
    pub encoding: Encoding,
    /// Length of the records it must be loaded with, where that matters.
    pub lrecl: Option<u32>,
    /// Conformance level: proven, documented, or to be completed.
    pub conformance: String,
    /// The keys in it.
    pub keys: Vec<KeyLine>,
}

impl FileEntry {
    /// The digest and size of this content.
    #[must_use]
    pub fn measure(content: &[u8]) -> (u64, Hash) {
        let size = u64::try_from(content.len()).unwrap_or(u64::MAX);
        (size, Hash(Sha256::digest(content).into()))
    }
}

/// Where a bundle is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Medium {
    /// Its name.
    pub name: String,
    /// Its serial number.
    pub serial: String,
}

/// What a bundle holds, for whom, and who allowed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The station.
    pub station: Id,
    /// Its name.
    pub station_name: String,
    /// TEST or PRODUCTION.
    pub mode: Mode,
    /// The station's incarnation.
    pub incarnation: Id,
    /// Counts the bundles of a station; never twice the same.
    pub sequence: u64,
    /// Wall clock, milliseconds since 1970.
    pub made_at_ms: u64,
    /// For whom.
    pub recipient: String,
    /// On which medium.
    pub medium: Medium,
    /// The files.
    pub files: Vec<FileEntry>,
    /// Name of the action that was approved.
    pub action_name: String,
    /// Its parameters, deterministic CBOR.
    pub action_params: Bytes,
    /// The proposal's nonce.
    pub nonce: Id,
    /// Hash of the PROPOSED entry.
    pub proposed: Hash,
    /// Of key managers and of approvers.
    pub approvals: Vec<SignedApproval>,
    /// Digest of the authority record in force.
    pub authority: Hash,
}

/// TRUE for a name that any system takes as one plain file:
/// `[A-Za-z0-9._-]`, 1 to 64 characters, no dot at either end.
#[must_use]
pub fn check_name(name: &str) -> bool {
    (1..=NAME_MOST).contains(&name.len())
        && !name.starts_with('.')
        && !name.ends_with('.')
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

impl Manifest {
    /// What the approvals must name.
    ///
    /// # Errors
    /// [`CborError`]
    pub fn action_digest(&self) -> Result<Hash, CborError> {
        action_digest(&self.action_name, &self.action_params, self.nonce)
    }

    /// Checks the names of the files: flat, not the bundle's own, and none
    /// twice (on a stick, letter case does not tell them apart).
    ///
    /// # Errors
    /// [`EvidenceError`], naming the file.
    pub fn check_files(&self) -> Result<(), EvidenceError> {
        if self.files.len() > FILES_MOST {
            return Err(EvidenceError::broken("manifest", "it names too many files"));
        }
        let mut names: BTreeSet<String> = [MANIFEST_FILE, AUTHORITY_FILE, TEXT_FILE]
            .map(String::from)
            .into();
        for file in &self.files {
            let place = || format!("manifest, file {:?}", file.name);
            if !check_name(&file.name) {
                return Err(EvidenceError::broken(place(), "its name is not flat"));
            }
            if !names.insert(file.name.to_ascii_lowercase()) {
                return Err(EvidenceError::broken(place(), "its name stands twice"));
            }
        }
        Ok(())
    }

    /// Checks that this is the station of the record.
    ///
    /// # Errors
    /// [`EvidenceError`]
    pub fn check_station(&self, record: &AuthorityRecord) -> Result<(), EvidenceError> {
        let broken = |reason: &str| Err(EvidenceError::broken("manifest", reason));
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

    /// Checks the approvals: all are for this very act, by active cards, and
    /// a quorum of key managers and one of approvers, no person and no card
    /// twice.
    ///
    /// # Errors
    /// [`EvidenceError`], naming the approval or the group.
    pub fn check_approvals(&self, record: &AuthorityRecord) -> Result<(), EvidenceError> {
        let action = self
            .action_digest()
            .map_err(EvidenceError::form("manifest, action"))?;
        let expected = Expected {
            station: self.station,
            incarnation: self.incarnation,
            proposed: self.proposed,
            action,
            action_name: self.action_name.clone(),
            authority: self.authority,
            nonce: self.nonce,
            now_ms: self.made_at_ms,
        };
        let mut people = BTreeSet::new();
        let mut cards = BTreeSet::new();
        let mut managers = 0;
        let mut approvers = 0;
        for (number, signed) in (1..).zip(&self.approvals) {
            let place = || format!("manifest, approval {number}");
            let approval =
                signed
                    .verify(record, &expected)
                    .map_err(|source| EvidenceError::Approval {
                        place: place(),
                        source,
                    })?;
            let active = record
                .card(approval.card)
                .is_some_and(|c| c.state == CardState::Active);
            if !active {
                return Err(EvidenceError::broken(place(), "its card was not active"));
            }
            if !people.insert(approval.person) || !cards.insert(approval.card) {
                return Err(EvidenceError::broken(
                    place(),
                    "one person or card approves twice",
                ));
            }
            match approval.group {
                GroupId::KeyManagers => managers += 1,
                GroupId::Approvers => approvers += 1,
                other => {
                    return Err(EvidenceError::broken(
                        place(),
                        format!("an export is not for {other} to approve"),
                    ));
                }
            }
        }
        for (group, have) in [
            (GroupId::KeyManagers, managers),
            (GroupId::Approvers, approvers),
        ] {
            let need = record.group(group).map_or(usize::MAX, |g| g.m.into());
            if have < need {
                return Err(EvidenceError::Quorum {
                    place: format!("manifest, {group}"),
                    have,
                    need,
                });
            }
        }
        Ok(())
    }
}

/// A manifest with the export key's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedManifest {
    /// The tagged manifest, deterministic CBOR.
    pub manifest: Bytes,
    /// By the export key, over its SHA-256.
    pub signature: Signature,
}

impl SignedManifest {
    /// Signs a manifest. Call [`Manifest::check_files`] before.
    ///
    /// # Errors
    /// What `signer` answers.
    pub fn sign<E: From<CborError>>(
        manifest: &Manifest,
        signer: impl FnOnce(&Hash) -> Result<Signature, E>,
    ) -> Result<Self, E> {
        let bytes = tagged::to_vec(TAG, manifest)?;
        let signature = signer(&tagged::sha256(&bytes))?;
        Ok(Self {
            manifest: bytes.into(),
            signature,
        })
    }

    /// What the signature is over, and what is read aloud in words.
    #[must_use]
    pub fn digest(&self) -> Hash {
        tagged::sha256(&self.manifest)
    }

    /// The manifest, with nothing verified but its form.
    ///
    /// # Errors
    /// [`EvidenceError::Form`], [`EvidenceError::Tag`]
    pub fn open(&self) -> Result<Manifest, EvidenceError> {
        tagged::from_slice("manifest", TAG, &self.manifest)
    }

    /// Verifies the signature by a record's export key.
    ///
    /// # Errors
    /// [`EvidenceError::Signature`]
    pub fn check_signature(&self, record: &AuthorityRecord) -> Result<(), EvidenceError> {
        verify_p256(&record.export_key, &self.digest(), &self.signature).map_err(|_| {
            EvidenceError::Signature {
                place: "manifest, by the export key".into(),
            }
        })
    }

    /// Verifies everything but the files' content: form, signature, station,
    /// mode and incarnation, approvals and their quorums, names of the files.
    ///
    /// # Errors
    /// [`EvidenceError`] with the first thing that does not fit.
    pub fn verify(&self, chain: &AuthorityChain) -> Result<Manifest, EvidenceError> {
        let manifest = self.open()?;
        let record = record_of(&manifest, chain)?;
        self.check_signature(record)?;
        manifest.check_station(record)?;
        manifest.check_approvals(record)?;
        manifest.check_files()?;
        Ok(manifest)
    }

    /// The content of `manifest.cbor`.
    ///
    /// # Errors
    /// [`CborError`]
    pub fn to_file(&self) -> Result<Vec<u8>, CborError> {
        tagged::to_vec(FILE_TAG, self)
    }

    /// Reads `manifest.cbor`.
    ///
    /// # Errors
    /// [`EvidenceError::Form`], [`EvidenceError::Tag`]
    pub fn from_file(bytes: &[u8]) -> Result<Self, EvidenceError> {
        tagged::from_slice(MANIFEST_FILE, FILE_TAG, bytes)
    }

    /// TRUE when a file is marked as a signed manifest.
    #[must_use]
    pub fn is_file(bytes: &[u8]) -> bool {
        cbor::tag_of(bytes) == Some(FILE_TAG)
    }
}

/// The record that a manifest names.
pub(crate) fn record_of<'a>(
    manifest: &Manifest,
    chain: &'a AuthorityChain,
) -> Result<&'a AuthorityRecord, EvidenceError> {
    chain.by_hash(&manifest.authority).ok_or_else(|| {
        EvidenceError::broken("manifest", "its authority record is not in the chain")
    })
}
