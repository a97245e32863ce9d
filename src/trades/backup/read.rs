//! A backup on a medium, examined before anything is made of it.

use conclave_evidence::EvidenceError;
use conclave_evidence::backup::{BACKUP_FILE, Backup, BackupFile, FILE_MOST, SignedBackup};
use conclave_evidence::examine::{CheckedBackup, examine};
use conclave_keyroom::ports::media::{Media, MediaError};
use conclave_keyroom::vault::format::FORMAT;

/// Where a backup is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnMedium {
    /// The medium's serial.
    pub serial: String,
    /// The folder on it.
    pub folder: String,
}

/// A backup that was found on a medium. Nothing of it is checked yet.
#[derive(Clone, Debug)]
pub struct FoundBackup {
    /// Where.
    pub place: OnMedium,
    /// Its manifest.
    pub signed: SignedBackup,
    /// The manifest, opened.
    pub backup: Backup,
}

/// The backups on the media that are plugged in, newest first. What cannot be
/// read as one is none.
///
/// # Errors
/// [`MediaError`]
pub fn backup_folders(media: &mut dyn Media) -> Result<Vec<FoundBackup>, MediaError> {
    let mut found = Vec::new();
    for medium in media.found()? {
        for folder in media.folders(&medium.serial)? {
            let Ok(bytes) = media.read(&medium.serial, &folder, BACKUP_FILE, FILE_MOST) else {
                continue;
            };
            let Ok(signed) = SignedBackup::from_file(&bytes) else {
                continue;
            };
            let Ok(backup) = signed.open() else {
                continue;
            };
            let serial = medium.serial.clone();
            found.push(FoundBackup {
                place: OnMedium { serial, folder },
                signed,
                backup,
            });
        }
    }
    found.sort_by_key(|one| std::cmp::Reverse((one.backup.made_at_ms, one.backup.head_seq)));
    Ok(found)
}

impl OnMedium {
    /// One file, and no byte more than the manifest says.
    ///
    /// # Errors
    /// [`EvidenceError::File`]
    pub fn read(&self, media: &mut dyn Media, file: &BackupFile) -> Result<Vec<u8>, EvidenceError> {
        media
            .read(&self.serial, &self.folder, &file.name, file.size)
            .map_err(|error| EvidenceError::File {
                place: file.name.clone(),
                reason: error.to_string(),
            })
    }
}

/// Examines a backup in full depth. One of a newer program's repository is refused by
/// name, before anything else of it is looked at.
///
/// # Errors
/// The first check that did not hold.
pub fn examine_on(
    media: &mut dyn Media,
    place: &OnMedium,
    signed: &SignedBackup,
) -> Result<CheckedBackup, EvidenceError> {
    signed.open()?.check_format(FORMAT)?;
    let mut first = None;
    let checked = examine(
        signed,
        &mut |file| place.read(media, file),
        &mut |_, result| {
            if let Err(error) = result {
                first.get_or_insert(error);
            }
        },
    );
    checked.ok_or_else(|| {
        first.unwrap_or_else(|| EvidenceError::Broken {
            place: place.folder.clone(),
            reason: "it does not verify".into(),
        })
    })
}

/// What a backup that does not hold means for whoever wanted to use it.
#[must_use]
pub fn refused(error: &EvidenceError) -> (String, &'static str) {
    if let EvidenceError::NewerFormat { format, knows } = error {
        return (
            format!(
                "This backup is of repository format {format}, and this program knows none \
                 above {knows}"
            ),
            "Start the program that made it, or a newer one, and use the backup there.",
        );
    }
    (
        format!("This backup does not verify: {error}"),
        "Use another backup. Keep this one as it is, and show it to the auditors.",
    )
}
