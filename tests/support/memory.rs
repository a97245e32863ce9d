//! A store in memory that outlives its vault, as a disk does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use conclave_keyroom::ports::store::{Pair, Store, StoreError, Write};

/// What a store holds.
pub type Content = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Default)]
struct Memory {
    content: Content,
    batches: Vec<Vec<Write>>,
    /// Commits until the disk is full.
    room_left: Option<usize>,
    /// What the disk says that it still takes.
    bytes_left: Option<u64>,
}

/// A store in memory: its clones share one content, so that it outlives the
/// vault as a disk does. It keeps every batch that was committed, and can be
/// told to be full.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Memory>>);

impl MemoryStore {
    /// A store that holds this.
    pub fn holding(content: Content) -> Self {
        let store = Self::default();
        store.0.lock().unwrap().content = content;
        store
    }

    /// All it holds.
    pub fn content(&self) -> Content {
        self.0.lock().unwrap().content.clone()
    }

    /// Replaces all it holds.
    pub fn put_back(&self, content: Content) {
        self.0.lock().unwrap().content = content;
    }

    /// Every batch so far.
    pub fn batches(&self) -> Vec<Vec<Write>> {
        self.0.lock().unwrap().batches.clone()
    }

    /// The disk takes so many commits more; `None` lifts the limit.
    pub fn full_after(&self, commits: Option<usize>) {
        self.0.lock().unwrap().room_left = commits;
    }

    /// What the disk says from now on that it still takes.
    pub fn room_is(&self, bytes: Option<u64>) {
        self.0.lock().unwrap().bytes_left = bytes;
    }
}

/// Applies a batch to a content.
pub fn apply(content: &mut Content, batch: &[Write]) {
    for write in batch {
        match write {
            Write::Put(key, value) => content.insert(key.clone(), value.clone()),
            Write::Delete(key) => content.remove(key),
        };
    }
}

/// All that a store holds.
pub fn content_of(store: &dyn Store) -> Content {
    let mut content = Content::new();
    store
        .scan(b"", &mut |key, value| {
            content.insert(key.to_vec(), value.to_vec());
            true
        })
        .unwrap();
    content
}

impl Store for MemoryStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.lock().unwrap().content.get(key).cloned())
    }

    fn room(&self) -> Option<u64> {
        self.0.lock().unwrap().bytes_left
    }

    fn scan(
        &self,
        prefix: &[u8],
        each: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), StoreError> {
        // A copy: the callback may read the store.
        let content = self.content();
        for (key, value) in content.range(prefix.to_vec()..) {
            if !key.starts_with(prefix) || !each(key, value) {
                break;
            }
        }
        Ok(())
    }

    fn last(&self, prefix: &[u8]) -> Result<Option<Pair>, StoreError> {
        let content = self.content();
        Ok(content
            .iter()
            .rev()
            .find(|(key, _)| key.starts_with(prefix))
            .map(|(key, value)| (key.clone(), value.clone())))
    }

    fn commit(&mut self, batch: &[Write]) -> Result<(), StoreError> {
        let mut memory = self.0.lock().unwrap();
        if let Some(left) = memory.room_left.as_mut() {
            *left = left.checked_sub(1).ok_or(StoreError::Full)?;
        }
        apply(&mut memory.content, batch);
        memory.batches.push(batch.to_vec());
        Ok(())
    }
}
