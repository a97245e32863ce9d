//! A software update: programs on a medium, with a manifest that the maker's
//! release key signs.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::backup::{BackupFile, FILE_MOST};
use crate::cbor::{self, CborError};
use crate::error::EvidenceError;
use crate::ids::{Bytes, Hash, Point, Signature};
use crate::manifest::{FileEntry, check_name};
use crate::sign::verify_p256;
use crate::tagged;

/// Name of the signed manifest on the medium and beside an installed program.
pub const UPDATE_FILE: &str = "update.cbor";
/// The programs that an update has, all of them and no other.
pub const PROGRAMS: [&str; 2] = ["conclave", "conclave-verify"];
/// The longest note of an update, in bytes.
const NOTE_MOST: usize = 200;

const TAG: &str = "conclave/update/1";
const FILE_TAG: &str = "conclave/signed-update/1";

/// What an update is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// Major, minor, patch.
    pub version: [u16; 3],
    /// For which machines: architecture and system, `x86_64-linux`.
    pub target: String,
    /// The newest format of the repository that it knows. It brings an older
    /// one up to this.
    pub format: u32,
    /// Wall clock, milliseconds since 1970.
    pub made_at_ms: u64,
    /// What is new, in one line.
    pub note: String,
    /// The release key that signs.
    pub key: Point,
    /// The programs.
    pub files: Vec<BackupFile>,
}

impl Update {
    /// `1.2.3`.
    #[must_use]
    pub fn words(&self) -> String {
        version_words(self.version)
    }

    /// Checks what a manifest says on its own: programs, sizes, plain text.
    ///
    /// # Errors
    /// [`EvidenceError::Broken`]
    pub fn check(&self) -> Result<(), EvidenceError> {
        let broken = |why: &str| Err(EvidenceError::broken("update", why));
        let plain = |text: &str| text.chars().all(|c| matches!(c, ' '..='~'));
        let names: BTreeSet<&str> = self.files.iter().map(|file| file.name.as_str()).collect();
        if self.files.len() != PROGRAMS.len() || !PROGRAMS.iter().all(|name| names.contains(name)) {
            return broken("it has other files than the programs");
        }
        if self.files.iter().any(|file| !check_name(&file.name)) {
            return broken("a name is not flat");
        }
        if self
            .files
            .iter()
            .any(|file| file.size == 0 || file.size > FILE_MOST)
        {
            return broken("a program is empty or too long");
        }
        if self.target.is_empty() || self.target.len() > 40 || !plain(&self.target) {
            return broken("its target is no plain text");
        }
        if self.note.len() > NOTE_MOST || !plain(&self.note) {
            return broken("its note is no plain text of one line");
        }
        Ok(())
    }

    /// Checks the content of one program.
    ///
    /// # Errors
    /// [`EvidenceError::Broken`]
    pub fn check_file(file: &BackupFile, bytes: &[u8]) -> Result<(), EvidenceError> {
        let (size, sha256) = FileEntry::measure(bytes);
        let place = || format!("update, file {:?}", file.name);
        if size != file.size {
            let why = format!("it has {size} bytes, and {} are in the manifest", file.size);
            return Err(EvidenceError::broken(place(), why));
        }
        if sha256 != file.sha256 {
            return Err(EvidenceError::broken(place(), "its digest differs"));
        }
        Ok(())
    }
}

/// `1.2.3`.
#[must_use]
pub fn version_words([major, minor, patch]: [u16; 3]) -> String {
    format!("{major}.{minor}.{patch}")
}

/// The inverse of [`version_words`], in the one way to write it.
#[must_use]
pub fn read_version(text: &str) -> Option<[u16; 3]> {
    let parts: Vec<u16> = text
        .split('.')
        .map_while(|part| part.parse().ok())
        .collect();
    let version = <[u16; 3]>::try_from(parts).ok()?;
    (version_words(version) == text).then_some(version)
}

/// A manifest with the release key's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedUpdate {
    /// The tagged manifest, deterministic CBOR.
    pub update: Bytes,
    /// By the release key, over its SHA-256.
    pub signature: Signature,
}

impl SignedUpdate {
    /// Signs a manifest.
    ///
    /// # Errors
    /// What `signer` answers.
    pub fn sign<E: From<CborError>>(
        update: &Update,
        signer: impl FnOnce(&Hash) -> Result<Signature, E>,
    ) -> Result<Self, E> {
        let bytes = tagged::to_vec(TAG, update)?;
        let signature = signer(&tagged::sha256(&bytes))?;
        Ok(Self {
            update: bytes.into(),
            signature,
        })
    }

    /// What the signature is over, and what is read aloud in words.
    #[must_use]
    pub fn digest(&self) -> Hash {
        tagged::sha256(&self.update)
    }

    /// The manifest, its form and the signature by the key that it names. Whose
    /// key that is, is another question.
    ///
    /// # Errors
    /// [`EvidenceError`]
    pub fn verify(&self) -> Result<Update, EvidenceError> {
        let update: Update = tagged::from_slice("update", TAG, &self.update)?;
        verify_p256(&update.key, &self.digest(), &self.signature).map_err(|_| {
            EvidenceError::Signature {
                place: "update, by the release key".into(),
            }
        })?;
        update.check()?;
        Ok(update)
    }

    /// The content of `update.cbor`.
    ///
    /// # Errors
    /// [`CborError`]
    pub fn to_file(&self) -> Result<Vec<u8>, CborError> {
        tagged::to_vec(FILE_TAG, self)
    }

    /// Reads `update.cbor`.
    ///
    /// # Errors
    /// [`EvidenceError::Form`], [`EvidenceError::Tag`]
    pub fn from_file(bytes: &[u8]) -> Result<Self, EvidenceError> {
        tagged::from_slice(UPDATE_FILE, FILE_TAG, bytes)
    }

    /// TRUE when a file is marked as a signed update.
    #[must_use]
    pub fn is_file(bytes: &[u8]) -> bool {
        cbor::tag_of(bytes) == Some(FILE_TAG)
    }
}

/// SHA-256 of a release key's point: its fingerprint, read aloud in words.
#[must_use]
pub fn fingerprint(key: &Point) -> Hash {
    tagged::sha256(&key.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_written_in_one_way() {
        for (text, version) in [
            ("0.1.0", Some([0, 1, 0])),
            ("1.22.333", Some([1, 22, 333])),
            ("1.2", None),
            ("1.2.3.4", None),
            ("01.2.3", None),
            ("1.2.3-rc", None),
            ("+1.2.3", None),
            ("", None),
            ("1.2.70000", None),
        ] {
            assert_eq!(read_version(text), version, "{text}");
        }
    }
}
