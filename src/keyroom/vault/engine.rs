//! The repository's engine: the one file that names sled.
//!
//! `flush()` of sled 0.34 calls `sync_file_range` and never fsync, so what it
//! acknowledged can be lost in a power cut. A commit here is: one atomic
//! batch, flush, then `fdatasync` on sled's `db` file; the folder is synced
//! once when the file appears. sled syncs no page that is too long for its
//! file, so long values are cut into parts (`parts.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{erasable, parts};
use crate::ports::store::{Pair, Store, StoreError, StoreReader, Write};

/// sled's threads hold its lock for a moment after a store was closed: whoever
/// opens it again at once waits for them, half a second at most.
const LOCK_TRIES: u32 = 25;
const LOCK_WAIT: Duration = Duration::from_millis(20);

/// A sled database in a folder of its own.
pub struct SledStore {
    db: sled::Db,
    data: File,
    folder: PathBuf,
    /// A commit failed half way: what reached the disk is not known. These
    /// values were there before it; sled itself shows the new ones.
    failed: Option<BTreeMap<Vec<u8>, Option<Vec<u8>>>>,
}

impl SledStore {
    /// Opens the repository in `folder`, creating it where there is none.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another program holds it,
    /// [`StoreError::Damaged`] when sled refuses its own files.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let config = sled::Config::new()
            .path(folder)
            .mode(sled::Mode::HighThroughput)
            // A commit flushes by itself: no thread writes behind our back.
            .flush_every_ms(None)
            // Pages that are read again soon, as they stand on the disk: opened
            // they take several times that. The rest is read from the disk.
            .cache_capacity(8 * 1024 * 1024);
        let mut tries = 0;
        let db = loop {
            match config.open().map_err(from_sled) {
                Err(StoreError::Locked) if tries < LOCK_TRIES => tries += 1,
                opened => break opened?,
            }
            std::thread::sleep(LOCK_WAIT);
        };
        db.flush().map_err(from_sled)?;
        let data = File::open(folder.join("db")).map_err(from_io)?;
        data.sync_all().map_err(from_io)?;
        sync_folder(folder)?;
        if let Some(parent) = folder.parent().filter(|p| !p.as_os_str().is_empty()) {
            sync_folder(parent)?;
        }
        erase_unnamed(&db, folder)?;
        Ok(Self {
            db,
            data,
            folder: folder.to_owned(),
            failed: None,
        })
    }

    /// What stood under a prefix before the commit that failed.
    fn as_before(&self, prefix: &[u8]) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, StoreError> {
        let mut content =
            pairs((&self.db, &self.folder), prefix).collect::<Result<BTreeMap<_, _>, _>>()?;
        let changed = self.failed.iter().flatten();
        for (key, value) in changed.filter(|(key, _)| key.starts_with(prefix)) {
            match value {
                Some(value) => content.insert(key.clone(), value.clone()),
                None => content.remove(key),
            };
        }
        Ok(content)
    }

    /// The folder this repository lives in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// What a power cut left of values that were to be gone, or never came.
fn erase_unnamed(db: &sled::Db, folder: &Path) -> Result<(), StoreError> {
    let mut named = BTreeSet::new();
    for pair in db.scan_prefix(erasable::keys()) {
        let Ok((key, first)) = pair else {
            // Damaged: what is kept is looked into first.
            return Ok(());
        };
        if erasable::is_name(&key, &first) {
            named.insert(first.to_vec());
        }
    }
    erasable::erase_others(folder, &named).map_err(from_io)
}

/// sled's database and the repository's folder.
type Place<'a> = (&'a sled::Db, &'a Path);

/// The value at a key as it was written: put together from its parts, or from
/// its file.
fn whole((db, folder): Place<'_>, key: &[u8], first: sled::IVec) -> Result<Vec<u8>, StoreError> {
    let mut value = first.to_vec();
    if erasable::is_name(key, &value) {
        return erasable::read(folder, key, &value).map_err(from_io);
    }
    if parts::follows(&first) {
        for pair in db.scan_prefix(parts::places(key)) {
            value.extend_from_slice(&pair.map_err(from_sled)?.1);
        }
    }
    Ok(value)
}

fn read(at: Place<'_>, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    match at.0.get(key).map_err(from_sled)? {
        Some(first) => Ok(Some(whole(at, key, first)?)),
        None => Ok(None),
    }
}

/// The pairs under a prefix as sled has them, without the places of parts.
fn pairs<'a>(
    at: Place<'a>,
    prefix: &[u8],
) -> impl DoubleEndedIterator<Item = Result<Pair, StoreError>> + use<'a> {
    let db = at.0;
    // Without a prefix sled would show the places too.
    let range = if prefix.is_empty() {
        db.range(..parts::PLACES)
    } else {
        db.scan_prefix(prefix)
    };
    range.map(move |pair| {
        let (key, first) = pair.map_err(from_sled)?;
        let value = whole(at, &key, first)?;
        Ok((key.to_vec(), value))
    })
}

fn scan(
    at: Place<'_>,
    prefix: &[u8],
    each: &mut dyn FnMut(&[u8], &[u8]) -> bool,
) -> Result<(), StoreError> {
    for pair in pairs(at, prefix) {
        let (key, value) = pair?;
        if !each(&key, &value) {
            break;
        }
    }
    Ok(())
}

/// The same database, read by another thread.
struct SledReader(sled::Db, PathBuf);

impl StoreReader for SledReader {
    fn scan(
        &self,
        prefix: &[u8],
        each: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), StoreError> {
        scan((&self.0, &self.1), prefix, each)
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
    fn room(&self) -> Option<u64> {
        let disk = rustix::fs::statvfs(&self.folder).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if let Some(value) = self.failed.as_ref().and_then(|before| before.get(key)) {
            return Ok(value.clone());
        }
        read((&self.db, &self.folder), key)
    }

    fn scan(
        &self,
        prefix: &[u8],
        each: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), StoreError> {
        if self.failed.is_some() {
            self.as_before(prefix)?
                .iter()
                .all(|(key, value)| each(key, value));
            return Ok(());
        }
        scan((&self.db, &self.folder), prefix, each)
    }

    fn last(&self, prefix: &[u8]) -> Result<Option<Pair>, StoreError> {
        if self.failed.is_some() {
            return Ok(self.as_before(prefix)?.pop_last());
        }
        pairs((&self.db, &self.folder), prefix)
            .next_back()
            .transpose()
    }

    fn reader(&self) -> Option<Box<dyn StoreReader>> {
        // What a commit that failed left behind is told apart by its owner.
        let whole = self.failed.is_none();
        whole.then(|| {
            Box::new(SledReader(self.db.clone(), self.folder.clone())) as Box<dyn StoreReader>
        })
    }

    fn commit(&mut self, batch: &[Write]) -> Result<(), StoreError> {
        if self.failed.is_some() {
            return Err(StoreError::Failed);
        }
        // Of two writes to one key in a batch the later one holds.
        let mut changes = BTreeMap::new();
        let mut before = BTreeMap::new();
        for write in batch {
            let (key, value) = match write {
                Write::Put(key, value) => (key, Some(value)),
                Write::Delete(key) => (key, None),
            };
            if !parts::is_key(key) {
                return Err(StoreError::Io("a key that no value can have".into()));
            }
            before.insert(key.clone(), read((&self.db, &self.folder), key)?);
            changes.insert(key, value);
        }
        let mut writes = sled::Batch::default();
        // Files of values that are erased: named by this batch, and before it.
        let (mut named, mut old) = (BTreeSet::new(), BTreeSet::new());
        for (key, value) in changes {
            if erasable::is_key(key) {
                let there = self.db.get(key).map_err(from_sled)?;
                old.extend(there.filter(|there| erasable::is_name(key, there)));
            }
            if let Some(value) = value.filter(|_| erasable::is_key(key)) {
                let name = erasable::write(&self.folder, key, value).map_err(from_io)?;
                writes.insert(key.as_slice(), name.as_slice());
                named.insert(sled::IVec::from(name));
                continue;
            }
            writes.remove(key.as_slice());
            for pair in self.db.scan_prefix(parts::places(key)) {
                writes.remove(pair.map_err(from_sled)?.0);
            }
            for (place, part) in value.iter().flat_map(|value| parts::cut(key, value)) {
                writes.insert(place, part);
            }
        }
        let result = self
            .db
            .apply_batch(writes)
            .and_then(|()| self.db.flush().map(|_| ()))
            .map_err(from_sled)
            .and_then(|()| self.data.sync_data().map_err(from_io));
        if result.is_err() {
            // In memory sled holds the batch already. Readers see what was
            // before; and nothing is written any more: after a failed sync the
            // kernel may have dropped the pages, and a later sync that succeeds
            // would not say so. At the next start the batch is there or not, as
            // a whole.
            self.failed = Some(before);
            return result;
        }
        for name in old.difference(&named) {
            // What stays for a fault of the disk goes at the next start.
            let _ = erasable::erase(&self.folder, name);
        }
        result
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
    fn long_values_come_back_whole_and_sled_keeps_no_file_for_them()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("repository");
        let value = |at: u8| vec![at; [0, 4095, 4096, 4097, 8192, 300_000][usize::from(at % 6)]];
        {
            let mut store = SledStore::open(&path)?;
            // Each key has every length once, longer and shorter than before.
            for round in 0..6u8 {
                let batch: Vec<Write> = (0..30u8)
                    .map(|key| Write::Put(vec![b'k', key], value(key + round)))
                    .collect();
                store.commit(&batch)?;
            }
            store.commit(&[
                Write::Delete(vec![b'k', 0]),
                Write::Put(vec![b'k', 1], value(5)),
                Write::Put(vec![b'k', 1], value(2)),
            ])?;
            assert!(store.commit(&[Write::Put(vec![0xFF], vec![])]).is_err());
        }
        let store = SledStore::open(&path)?;
        let mut seen = Vec::new();
        store.scan(b"", &mut |key, found| {
            seen.push((key.to_vec(), found.to_vec()));
            true
        })?;
        let mut expected = vec![(vec![b'k', 1], value(2))];
        expected.extend((2..30u8).map(|key| (vec![b'k', key], value(key + 5))));
        assert!(seen == expected);
        assert!(store.last(b"")? == expected.pop());
        assert_eq!(store.get(&[b'k', 0])?, None);
        // Nothing is left over from longer values, and every page fits.
        let parts: usize = seen.iter().map(|(key, v)| parts::cut(key, v).len()).sum();
        assert_eq!(store.db.len(), parts);
        assert_eq!(std::fs::read_dir(path.join("blobs"))?.count(), 0);
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
