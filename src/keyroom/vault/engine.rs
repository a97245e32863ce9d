//! The repository's engine: the one file that names sled.
//!
//! `flush()` of sled 0.34 calls `sync_file_range` and never fsync, so what it
//! acknowledged can be lost in a power cut. A commit here is: one atomic
//! batch, flush, then `fdatasync` on sled's `db` file; the folder is synced
//! once when the file appears.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::ports::store::{Store, StoreError, Write};

/// A sled database in a folder of its own.
pub struct SledStore {
    db: sled::Db,
    data: File,
    folder: PathBuf,
}

impl SledStore {
    /// Opens the repository in `folder`, creating it where there is none.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another program holds it,
    /// [`StoreError::Damaged`] when sled refuses its own files.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let db = sled::Config::new()
            .path(folder)
            .mode(sled::Mode::HighThroughput)
            // A commit flushes by itself: no thread writes behind our back.
            .flush_every_ms(None)
            .open()
            .map_err(from_sled)?;
        db.flush().map_err(from_sled)?;
        let data = File::open(folder.join("db")).map_err(from_io)?;
        data.sync_all().map_err(from_io)?;
        sync_folder(folder)?;
        if let Some(parent) = folder.parent().filter(|p| !p.as_os_str().is_empty()) {
            sync_folder(parent)?;
        }
        Ok(Self {
            db,
            data,
            folder: folder.to_owned(),
        })
    }

    /// The folder this repository lives in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder)
        .and_then(|f| f.sync_all())
        .map_err(from_io)
}

fn from_io(error: std::io::Error) -> StoreError {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => StoreError::Full,
        std::io::ErrorKind::WouldBlock => StoreError::Locked,
        _ => StoreError::Io(error.to_string()),
    }
}

fn from_sled(error: sled::Error) -> StoreError {
    match error {
        sled::Error::Io(io) => {
            // sled reports its file lock as `Other` with these words.
            if io.to_string().contains("could not acquire lock") {
                StoreError::Locked
            } else {
                from_io(io)
            }
        }
        sled::Error::Corruption { .. } => StoreError::Damaged("a page fails its checksum".into()),
        other => StoreError::Damaged(other.to_string()),
    }
}

impl Store for SledStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.db.get(key).map_err(from_sled)?.map(|v| v.to_vec()))
    }

    fn scan(
        &self,
        prefix: &[u8],
        each: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), StoreError> {
        for pair in self.db.scan_prefix(prefix) {
            let (key, value) = pair.map_err(from_sled)?;
            if !each(&key, &value) {
                break;
            }
        }
        Ok(())
    }

    fn last(&self, prefix: &[u8]) -> Result<Option<(Vec<u8>, Vec<u8>)>, StoreError> {
        match self.db.scan_prefix(prefix).next_back() {
            None => Ok(None),
            Some(pair) => {
                let (key, value) = pair.map_err(from_sled)?;
                Ok(Some((key.to_vec(), value.to_vec())))
            }
        }
    }

    fn commit(&mut self, batch: &[Write]) -> Result<(), StoreError> {
        let mut writes = sled::Batch::default();
        for write in batch {
            match write {
                Write::Put(key, value) => writes.insert(key.as_slice(), value.as_slice()),
                Write::Delete(key) => writes.remove(key.as_slice()),
            }
        }
        self.db.apply_batch(writes).map_err(from_sled)?;
        self.db.flush().map_err(from_sled)?;
        self.data.sync_data().map_err(from_io)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_there_after_reopening() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("repository");
        {
            let mut store = SledStore::open(&path)?;
            store.commit(&[
                Write::Put(b"a/1".to_vec(), b"one".to_vec()),
                Write::Put(b"a/2".to_vec(), b"two".to_vec()),
                Write::Put(b"b/1".to_vec(), b"three".to_vec()),
            ])?;
            store.commit(&[Write::Delete(b"a/1".to_vec())])?;
        }
        let store = SledStore::open(&path)?;
        assert_eq!(store.get(b"a/1")?, None);
        assert_eq!(store.last(b"a/")?, Some((b"a/2".to_vec(), b"two".to_vec())));
        let mut seen = 0;
        store.scan(b"", &mut |_, _| {
            seen += 1;
            true
        })?;
        assert_eq!(seen, 2);
        Ok(())
    }

    #[test]
    fn a_second_opening_is_refused() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("repository");
        let _first = SledStore::open(&path)?;
        assert!(matches!(SledStore::open(&path), Err(StoreError::Locked)));
        Ok(())
    }
}
