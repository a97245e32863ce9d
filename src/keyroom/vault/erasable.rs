//! Values that are gone from the disk when they are deleted, for the engine.
//!
//! sled writes at the end and frees what is old: a deleted value stays in its
//! file, for how long nobody says, and the key that opens it opens it still. So
//! a record of `pins` whose id ends with [`MARK`] stands in a small file of its
//! own, and sled has the file's name alone, a digest. A new value is a new file, synced
//! before the batch that names it; the old one is written over and removed
//! after it. What a power cut leaves unnamed goes at the next start.
//!
//! A file is written over where it lies. A disk that moves blocks by itself may
//! keep a copy: it is encrypted, or destroyed in the end.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use conclave_crypto::primitive::derive::sha256;

use super::compartment::Compartment;
use super::place;

/// The last four bytes of such a key.
pub const MARK: [u8; 4] = [0xFF, 0xFF, 0xFF, 0xFE];

/// The folder in the repository's.
const FOLDER: &str = "erasable";

/// Bytes of a file's name. Every sealed record is longer.
const NAME: usize = 16;

/// The prefix of such keys.
pub(super) fn keys() -> Vec<u8> {
    place::records(Compartment::Pins)
}

/// Whether the value at this key stands in a file of its own.
pub(super) fn is_key(key: &[u8]) -> bool {
    key.starts_with(&keys()) && key.ends_with(&MARK)
}

/// Whether this is what sled has of such a value.
pub(super) fn is_name(key: &[u8], value: &[u8]) -> bool {
    value.len() == NAME && is_key(key)
}

/// A sealed value has a salt of its own, so its digest is nobody else's.
fn name_of(key: &[u8], value: &[u8]) -> Vec<u8> {
    let digest = sha256(&[b"conclave/erasable/1", key, value]);
    digest.iter().take(NAME).copied().collect()
}

fn at(folder: &Path, name: &[u8]) -> PathBuf {
    let hex: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
    folder.join(FOLDER).join(hex)
}

fn sync(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Writes a value, and gives the name of its file.
pub(super) fn write(folder: &Path, key: &[u8], value: &[u8]) -> std::io::Result<Vec<u8>> {
    let name = name_of(key, value);
    let files = folder.join(FOLDER);
    if !files.is_dir() {
        std::fs::create_dir(&files)?;
        sync(folder)?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(at(folder, &name))?;
    file.write_all(value)?;
    file.sync_all()?;
    sync(&files)?;
    Ok(name)
}

/// The value of this name.
pub(super) fn read(folder: &Path, key: &[u8], name: &[u8]) -> std::io::Result<Vec<u8>> {
    let value = std::fs::read(at(folder, name))?;
    match name_of(key, &value) == name {
        true => Ok(value),
        false => Err(std::io::Error::other(
            "a value in a file of its own is damaged",
        )),
    }
}

/// Writes over a value, and removes it. One that is gone is gone.
pub(super) fn erase(folder: &Path, name: &[u8]) -> std::io::Result<()> {
    erase_file(&at(folder, name))?;
    sync(&folder.join(FOLDER))
}

fn erase_file(path: &Path) -> std::io::Result<()> {
    let mut file = match OpenOptions::new().write(true).open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    file.write_all(&vec![0; length])?;
    file.sync_all()?;
    drop(file);
    std::fs::remove_file(path)
}

/// Erases what no name leads to.
pub(super) fn erase_others(folder: &Path, named: &BTreeSet<Vec<u8>>) -> std::io::Result<()> {
    let files = folder.join(FOLDER);
    if !files.is_dir() {
        return Ok(());
    }
    let kept: BTreeSet<PathBuf> = named.iter().map(|name| at(folder, name)).collect();
    for entry in std::fs::read_dir(&files)? {
        let path = entry?.path();
        if !kept.contains(&path) {
            erase_file(&path)?;
        }
    }
    sync(&files)
}

#[cfg(test)]
mod tests {
    use super::super::engine::SledStore;
    use super::*;
    use crate::ports::store::{Store, Write};

    fn key(of: u8) -> Vec<u8> {
        [keys().as_slice(), &[of; 12], &MARK].concat()
    }

    fn has(folder: &Path, what: &[u8]) -> std::io::Result<bool> {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let there = match path.is_dir() {
                true => has(&path, what)?,
                false => std::fs::read(&path)?
                    .windows(what.len())
                    .any(|part| part == what),
            };
            if there {
                return Ok(true);
            }
        }
        Ok(false)
    }

    #[test]
    fn what_is_deleted_or_replaced_is_in_no_file() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let values = [[0xA1; 300], [0xB2; 300], [0xC3; 300]];
        let put = |of: u8, value: [u8; 300]| Write::Put(key(of), value.to_vec());
        let mut store = SledStore::open(folder.path())?;
        store.commit(&[put(1, values[0]), put(2, values[2])])?;
        assert_eq!(store.get(&key(1))?, Some(values[0].to_vec()));
        // The same again is there still.
        store.commit(&[put(1, values[0])])?;
        assert_eq!(store.get(&key(1))?, Some(values[0].to_vec()));
        store.commit(&[put(1, values[1])])?;
        assert!(!has(folder.path(), &values[0])?);
        assert_eq!(store.last(&keys())?, Some((key(2), values[2].to_vec())));
        store.commit(&[Write::Delete(key(1))])?;
        drop(store);
        let store = SledStore::open(folder.path())?;
        assert_eq!(store.get(&key(1))?, None);
        assert_eq!(store.get(&key(2))?, Some(values[2].to_vec()));
        assert!(!has(folder.path(), &values[1])?);
        assert!(has(folder.path(), &values[2])?);
        Ok(())
    }

    #[test]
    fn what_a_power_cut_left_unnamed_goes_at_the_next_start()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        drop(SledStore::open(folder.path())?);
        write(folder.path(), &key(1), &[0xA1; 300])?;
        assert!(has(folder.path(), &[0xA1; 300])?);
        let store = SledStore::open(folder.path())?;
        assert!(!has(folder.path(), &[0xA1; 300])?);
        assert_eq!(store.get(&key(1))?, None);
        Ok(())
    }
}
