//! Reading from a medium that may be hostile: no links, no devices, and a cap
//! on everything.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::EvidenceError;
use crate::ids::Hash;
use crate::show::clean;

/// Most names in a folder.
const NAMES_MOST: usize = 20_000;

/// What a path is.
pub(super) enum Kind {
    File,
    Folder,
    /// A link, a device, a pipe.
    Other,
}

fn place(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    clean(&name.to_string_lossy())
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> EvidenceError {
    let place = place(path);
    move |error| {
        let reason = match error.kind() {
            io::ErrorKind::NotFound => "it is missing".into(),
            _ => format!("it cannot be read: {error}"),
        };
        EvidenceError::file(place, reason)
    }
}

/// A cap as a file's length.
pub(super) fn most(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// What a path is; links are followed only where the operator named one.
pub(super) fn kind(path: &Path, follow: bool) -> Result<Kind, EvidenceError> {
    let meta = if follow {
        fs::metadata(path)
    } else {
        fs::symlink_metadata(path)
    };
    let meta = meta.map_err(failed(path))?;
    Ok(if meta.is_file() {
        Kind::File
    } else if meta.is_dir() {
        Kind::Folder
    } else {
        Kind::Other
    })
}

/// The names in a folder, sorted.
pub(super) fn list(path: &Path) -> Result<Vec<String>, EvidenceError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(failed(path))? {
        let name = entry.map_err(failed(path))?.file_name();
        let Ok(name) = name.into_string() else {
            return Err(EvidenceError::file(place(path), "a name is not text"));
        };
        names.push(name);
        if names.len() > NAMES_MOST {
            return Err(EvidenceError::file(place(path), "too many names"));
        }
    }
    names.sort();
    Ok(names)
}

/// The first bytes of a file: its mark.
pub(super) fn start(path: &Path) -> Result<Vec<u8>, EvidenceError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(300).read_to_end(&mut bytes))
        .map_err(failed(path))?;
    Ok(bytes)
}

/// A whole file, if it is not longer than the cap.
pub(super) fn read_capped(path: &Path, most: u64) -> Result<Vec<u8>, EvidenceError> {
    let file = open(path)?;
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(failed(path))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= most) {
        Ok(bytes)
    } else {
        let reason = format!("it is longer than {most} bytes");
        Err(EvidenceError::file(place(path), reason))
    }
}

/// Compares a file with the size and digest that were signed, without holding
/// it in memory, and reads no further than it should be.
pub(super) fn compare(path: &Path, size: u64, sha256: &Hash) -> Result<(), EvidenceError> {
    let file = open(path)?;
    let mut rest = file.take(size.saturating_add(1));
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut length = 0u64;
    loop {
        let got = match rest.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other.map_err(failed(path))?,
        };
        let Some(piece) = buffer.get(..got).filter(|piece| !piece.is_empty()) else {
            break;
        };
        hasher.update(piece);
        length = length.saturating_add(u64::try_from(got).unwrap_or(u64::MAX));
    }
    if length != size {
        let than = if length > size { "longer" } else { "shorter" };
        let reason = format!("it is {than} than the {size} bytes that were signed");
        return Err(EvidenceError::file(place(path), reason));
    }
    if Hash(hasher.finalize().into()) != *sha256 {
        let reason = "its SHA-256 is not the one that was signed";
        return Err(EvidenceError::file(place(path), reason));
    }
    Ok(())
}

fn open(path: &Path) -> Result<File, EvidenceError> {
    match kind(path, true)? {
        Kind::File => File::open(path).map_err(failed(path)),
        _ => Err(EvidenceError::file(place(path), "it is not a plain file")),
    }
}
