//! Software updates: found on a medium, examined, installed beside what
//! stands, and taken back.

mod install;
mod roll_back;

pub use install::{InstallUpdate, no_way_back};
pub use roll_back::RollBack;

use conclave_evidence::backup::{BACKUP_ACTION, FILE_MOST};
use conclave_evidence::journal::{EntryHeader, EntryKind};
use conclave_evidence::update::{SignedUpdate, UPDATE_FILE, Update, read_version, version_words};
use conclave_evidence::{EvidenceError, Hash, Id, Point};
use conclave_keyroom::ports::media::{Media, MediaError};
use serde::{Deserialize, Serialize};

use crate::backup::OnMedium;

/// This program's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// For which machines this program is.
#[must_use]
pub fn target() -> String {
    format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS)
}

/// An update that was found on a medium.
#[derive(Clone, Debug)]
pub struct FoundUpdate {
    /// Where.
    pub place: OnMedium,
    /// Its manifest's digest.
    pub digest: Hash,
    /// What it says of itself, or why it is none.
    pub update: Result<Update, EvidenceError>,
}

/// The updates on the media that are plugged in, newest first; a folder with a
/// manifest that does not hold is among them, with the reason.
///
/// # Errors
/// [`MediaError`]
pub fn update_folders(media: &mut dyn Media) -> Result<Vec<FoundUpdate>, MediaError> {
    let mut found = Vec::new();
    for medium in media.found()? {
        for folder in media.folders(&medium.serial)? {
            let Ok(bytes) = media.read(&medium.serial, &folder, UPDATE_FILE, FILE_MOST) else {
                continue;
            };
            let signed = SignedUpdate::from_file(&bytes);
            found.push(FoundUpdate {
                place: OnMedium {
                    serial: medium.serial.clone(),
                    folder,
                },
                digest: signed.as_ref().map_or(Hash([0; 32]), SignedUpdate::digest),
                update: signed.and_then(|signed| signed.verify()),
            });
        }
    }
    let version = |one: &FoundUpdate| one.update.as_ref().map_or([0; 3], |update| update.version);
    found.sort_by_key(|one| std::cmp::Reverse(version(one)));
    Ok(found)
}

/// Why this update is not for this station, in words with advice.
///
/// # Errors
/// The reason and what to do.
pub fn may_install(
    update: &Update,
    key: &Point,
    current: Option<&str>,
) -> Result<(), (String, &'static str)> {
    if update.key != *key {
        return Err((
            "This update is signed by another key than the one this station was installed with."
                .into(),
            "Do not use it. Ask the maker, and keep the medium for the auditors.",
        ));
    }
    if update.target != target() {
        return Err((
            format!(
                "This update is for {}, and this machine is {}.",
                update.target,
                target()
            ),
            "Use the medium for this machine.",
        ));
    }
    let stands = [current, Some(VERSION)].into_iter().flatten();
    let newest = stands.filter_map(read_version).max().unwrap_or([0; 3]);
    if update.version <= newest {
        return Err((
            format!(
                "This is version {}, and {} is installed: an update never goes back.",
                update.words(),
                version_words(newest)
            ),
            "To go back, choose «Go back to the former program».",
        ));
    }
    Ok(())
}

/// Whether a backup was made after the last change of any record, in the
/// journal's order. A rehearsal of a backup is no such change.
#[must_use]
pub fn is_backed_up<'a>(headers: impl DoubleEndedIterator<Item = &'a EntryHeader>) -> bool {
    for header in headers.rev() {
        match (header.action.as_str(), header.kind) {
            (BACKUP_ACTION, EntryKind::Outcome) => return true,
            ("rehearse-restore", _) => {}
            _ if header.roots.is_some() => return false,
            _ => {}
        }
    }
    false
}

/// A version that was installed, or gone back to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateRecord {
    /// The version that stands.
    pub version: String,
    /// The one before it.
    pub former: Option<String>,
    /// Digest of its manifest; none where it came without one.
    pub digest: Option<Hash>,
    /// When, wall clock.
    pub at_ms: u64,
}

impl UpdateRecord {
    /// The record's kind in the directory.
    pub const KIND: &'static str = "software-update";
    /// The record's id: one for the station.
    pub const ID: Id = Id(*b"software-version");
}
