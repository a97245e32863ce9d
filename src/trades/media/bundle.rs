//! A bundle: a flat set of files, and how it leaves.

use conclave_keyroom::domain::Permission;
use conclave_keyroom::ports::media::{FoundMedium, KnownBy, Media, MediaError};
use sha2::{Digest, Sha256};

use super::disc::disc_image;
use super::name::check_name;

/// The most files in a bundle.
pub const FILES_MOST: usize = 4096;

/// The most bytes in one file.
pub const FILE_MOST: usize = 16 * 1024 * 1024;

/// The most bytes in a bundle.
pub const TOTAL_MOST: usize = 256 * 1024 * 1024;

/// How the serial of a medium begins that is known by its port, and has a plate.
const PORT: &str = "PORT:";

/// What a file system may need for itself, a file: entries and rounding.
const ROUNDING: u64 = 8 * 1024;

/// Why files are no bundle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// A name that is not plain.
    #[error("{0:?} is no plain file name")]
    Name(String),
    /// Two files that FAT could not tell apart.
    #[error("two files are called {0}, when capitals do not count")]
    Twice(String),
    /// No file at all, or more than [`FILES_MOST`].
    #[error("a bundle has 1 to {FILES_MOST} files, not {0}")]
    Count(usize),
    /// More than [`FILE_MOST`] bytes in a file, or [`TOTAL_MOST`] in all.
    #[error("{0} makes the bundle too large")]
    TooLarge(String),
}

/// A flat set of files. The last one makes the set whole: until it stands on
/// the medium, the set counts for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    folder: String,
    files: Vec<(String, Vec<u8>)>,
}

impl Bundle {
    /// Checks names and sizes. `files` are written in this order; the last is
    /// the manifest.
    ///
    /// # Errors
    /// [`BundleError`]
    pub fn new(
        folder: impl Into<String>,
        files: Vec<(String, Vec<u8>)>,
    ) -> Result<Self, BundleError> {
        let folder = folder.into();
        if files.is_empty() || files.len() > FILES_MOST {
            return Err(BundleError::Count(files.len()));
        }
        check_name(&folder).map_err(|_| BundleError::Name(folder.clone()))?;
        let mut seen = std::collections::BTreeSet::new();
        let mut total = 0usize;
        for (name, bytes) in &files {
            check_name(name).map_err(|_| BundleError::Name(name.clone()))?;
            if !seen.insert(name.to_ascii_lowercase()) {
                return Err(BundleError::Twice(name.clone()));
            }
            total = total.saturating_add(bytes.len());
            if bytes.len() > FILE_MOST || total > TOTAL_MOST {
                return Err(BundleError::TooLarge(name.clone()));
            }
        }
        Ok(Self { folder, files })
    }

    /// The folder's name.
    #[must_use]
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// Names and bytes, in the order in which they are written.
    #[must_use]
    pub fn files(&self) -> &[(String, Vec<u8>)] {
        &self.files
    }

    /// Bytes that must be free for it: every file and what a file system
    /// rounds up.
    #[must_use]
    pub fn needs(&self) -> u64 {
        self.files.iter().fold(ROUNDING, |sum, (_, bytes)| {
            let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            sum.saturating_add(len).saturating_add(ROUNDING)
        })
    }
}

/// The folder of the export bundle with this sequence number:
/// `CONCLAVE-0041-TEST`.
#[must_use]
pub fn bundle_folder(sequence: u64, production: bool) -> String {
    let mode = if production { "PRODUCTION" } else { "TEST" };
    format!("CONCLAVE-{sequence:04}-{mode}")
}

/// The one medium that is plugged in, if it is the one with this serial and
/// takes writing.
///
/// # Errors
/// [`MediaError::Missing`], [`MediaError::Several`], [`MediaError::Wrong`],
/// [`MediaError::Plate`], [`MediaError::ReadOnly`]
pub fn single(media: &mut dyn Media, serial: &str) -> Result<FoundMedium, MediaError> {
    let medium = single_to_read(media, serial)?;
    if medium.read_only {
        return Err(MediaError::ReadOnly);
    }
    Ok(medium)
}

/// The one medium that is plugged in, if it is the one with this serial: it may be
/// write-protected, or a disc that is written.
///
/// # Errors
/// [`MediaError::Missing`], [`MediaError::Several`], [`MediaError::Wrong`],
/// [`MediaError::Plate`]
pub fn single_to_read(media: &mut dyn Media, serial: &str) -> Result<FoundMedium, MediaError> {
    let mut found = media.found()?;
    if found.len() > 1 {
        return Err(MediaError::Several);
    }
    let medium = found.pop().ok_or(MediaError::Missing)?;
    if medium.serial != serial {
        return Err(MediaError::Wrong);
    }
    // What was enrolled with a plate is known by its port, and nothing else is: a
    // device that calls itself a port has no plate that anybody read.
    match medium.known_by {
        KnownBy::Port {
            plate_read: false, ..
        } => Err(MediaError::Plate),
        KnownBy::Port { .. } if !serial.starts_with(PORT) => Err(MediaError::Wrong),
        KnownBy::Serial | KnownBy::Drive if serial.starts_with(PORT) => Err(MediaError::Wrong),
        _ => Ok(medium),
    }
}

/// The medium with this serial is the one that is plugged in, and has room for the
/// bundle: asked right before what the writing uses up is used up.
///
/// # Errors
/// As [`single`]; [`MediaError::Full`]
pub fn has_room(media: &mut dyn Media, serial: &str, bundle: &Bundle) -> Result<(), MediaError> {
    let medium = single(media, serial)?;
    // A disc's image is larger than its files, and is asked again with its own size.
    match medium.free < bundle.needs() {
        true => Err(MediaError::Full),
        false => Ok(()),
    }
}

/// An emission that did not end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct Interrupted {
    /// What happened.
    pub cause: MediaError,
    /// How many files stand there whole.
    pub files: usize,
    /// Bytes may have left.
    pub begun: bool,
    /// The last file, which makes the set whole, may stand there.
    pub may_be_whole: bool,
}

/// Writes a bundle to the one medium that is plugged in, and reads each file
/// back past every cache before the next one is written. The permit is asked
/// between files; where it says stop, or anything fails, the last file is not
/// there.
///
/// # Errors
/// [`Interrupted`] tells how far it came.
pub fn emit(
    permit: &dyn Permission,
    media: &mut dyn Media,
    serial: &str,
    bundle: &Bundle,
) -> Result<(), Interrupted> {
    let nothing = |cause| Interrupted {
        cause,
        files: 0,
        begun: false,
        may_be_whole: false,
    };
    let medium = single(media, serial).map_err(nothing)?;
    if medium.known_by == KnownBy::Drive {
        return emit_disc(permit, media, &medium, bundle);
    }
    if medium.free < bundle.needs() {
        return Err(nothing(MediaError::Full));
    }
    let last = bundle.files.len().saturating_sub(1);
    for (at, (name, bytes)) in bundle.files.iter().enumerate() {
        let cut = |begun: bool| {
            move |cause: MediaError| Interrupted {
                files: at,
                begun: begun && !before_a_byte(&cause) || at > 0,
                may_be_whole: begun && at == last && may_stand(&cause),
                cause,
            }
        };
        // A second stick, or another in its place, is no place for the rest.
        single(media, serial).map_err(cut(false))?;
        if !permit.may_continue() {
            return Err(cut(false)(MediaError::Stopped));
        }
        media
            .write(permit, serial, &bundle.folder, name, bytes)
            .map_err(cut(true))?;
        compare(permit, media, serial, &bundle.folder, name, bytes).map_err(cut(true))?;
    }
    Ok(())
}

/// Writes a bundle as one disc, and reads the disc back past every cache. A disc
/// is whole or it is none: there is no place at which to stop.
fn emit_disc(
    permit: &dyn Permission,
    media: &mut dyn Media,
    medium: &FoundMedium,
    bundle: &Bundle,
) -> Result<(), Interrupted> {
    let cut = |cause: MediaError, begun: bool| Interrupted {
        files: 0,
        begun: begun && !before_a_byte(&cause),
        may_be_whole: begun && may_stand(&cause),
        cause,
    };
    let image = disc_image(bundle).map_err(|cause| cut(cause, false))?;
    let needs = u64::try_from(image.len()).unwrap_or(u64::MAX);
    if medium.free < needs {
        return Err(cut(MediaError::Full, false));
    }
    if !permit.may_continue() {
        return Err(cut(MediaError::Stopped, false));
    }
    let serial = &medium.serial;
    let written = media
        .write_disc(permit, serial, &image)
        .and_then(|()| media.read_disc(permit, serial, image.len()));
    let back = written.map_err(|cause| cut(cause, true))?;
    if Sha256::digest(&back) == Sha256::digest(&image) {
        return Ok(());
    }
    Err(cut(MediaError::ReadBack("the disc".into()), true))
}

/// Writes one file to the one medium that is plugged in, and reads it back
/// past every cache: where a set is too long to be held as a whole.
///
/// # Errors
/// [`MediaError`]
pub fn write_one(
    permit: &dyn Permission,
    media: &mut dyn Media,
    serial: &str,
    folder: &str,
    name: &str,
    bytes: &[u8],
) -> Result<(), MediaError> {
    if single(media, serial)?.known_by == KnownBy::Drive {
        return Err(MediaError::Sessions);
    }
    if !permit.may_continue() {
        return Err(MediaError::Stopped);
    }
    media.write(permit, serial, folder, name, bytes)?;
    compare(permit, media, serial, folder, name, bytes)
}

/// Failures of a write that took no byte.
fn before_a_byte(cause: &MediaError) -> bool {
    matches!(
        cause,
        MediaError::Exists(_)
            | MediaError::Name(_)
            | MediaError::ReadOnly
            | MediaError::Wrong
            | MediaError::Plate
            | MediaError::Sessions
            | MediaError::Stopped
    )
}

/// Failures after which a file may stand there whole all the same.
pub(crate) fn may_stand(cause: &MediaError) -> bool {
    matches!(cause, MediaError::Broken(_) | MediaError::Missing)
}

fn compare(
    permit: &dyn Permission,
    media: &mut dyn Media,
    serial: &str,
    folder: &str,
    name: &str,
    bytes: &[u8],
) -> Result<(), MediaError> {
    let most = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let back = media.read_back(permit, serial, folder, name, most)?;
    if Sha256::digest(&back) == Sha256::digest(bytes) {
        Ok(())
    } else {
        Err(MediaError::ReadBack(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> (String, Vec<u8>) {
        (name.into(), b"x".to_vec())
    }

    #[test]
    fn a_bundle_is_flat_plain_and_bounded() {
        assert!(Bundle::new("F", vec![file("a"), file("b")]).is_ok());
        assert_eq!(Bundle::new("F", vec![]), Err(BundleError::Count(0)));
        assert_eq!(
            Bundle::new("../F", vec![file("a")]),
            Err(BundleError::Name("../F".into()))
        );
        assert_eq!(
            Bundle::new("F", vec![file("a/b")]),
            Err(BundleError::Name("a/b".into()))
        );
        assert_eq!(
            Bundle::new("F", vec![file("K.tr31"), file("k.TR31")]),
            Err(BundleError::Twice("k.TR31".into()))
        );
        assert_eq!(
            Bundle::new("F", vec![("big".into(), vec![0; FILE_MOST + 1])]),
            Err(BundleError::TooLarge("big".into()))
        );
        let many = (0..=FILES_MOST).map(|n| file(&n.to_string())).collect();
        assert_eq!(
            Bundle::new("F", many),
            Err(BundleError::Count(FILES_MOST + 1))
        );
    }

    #[test]
    fn the_folder_says_number_and_mode() {
        assert_eq!(bundle_folder(41, false), "CONCLAVE-0041-TEST");
        assert_eq!(bundle_folder(12345, true), "CONCLAVE-12345-PRODUCTION");
    }
}
