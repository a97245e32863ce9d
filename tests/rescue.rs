//! A damaged repository: every bit of it that flips is found, named and only
//! looked at; and the way on leads beside it, never over it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "support/acts.rs"]
mod acts;
#[path = "rescue/files.rs"]
mod files;
#[path = "support/people.rs"]
mod people;
#[path = "rescue/records.rs"]
mod records;
#[path = "support/room.rs"]
mod room;
#[path = "rescue/session.rs"]
mod session;
#[path = "support/stage.rs"]
mod stage;

use std::collections::BTreeMap;
use std::path::Path;

use conclave_keyroom::ports::store::{Store, StoreError, Write};
use conclave_keyroom::vault::engine::SledStore;

/// All that a repository's store holds.
pub type Content = BTreeMap<Vec<u8>, Vec<u8>>;

/// Places are thrown, and the same in every run.
pub struct Dice(u64);

impl Dice {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below this one.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end.max(1)
    }
}

/// The store in this folder. Whoever had it open just now may need a moment to
/// let go of it: that is no damage.
fn opened(repository: &Path) -> Result<SledStore, StoreError> {
    for _ in 0..500 {
        match SledStore::open(repository) {
            Err(StoreError::Locked) => {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            other => return other,
        }
    }
    panic!("the folder stays locked");
}

/// What the store in this folder holds, if it opens and can be read.
pub fn content(repository: &Path) -> Result<Content, StoreError> {
    let store = opened(repository)?;
    let mut all = Content::new();
    store.scan(b"", &mut |key, value| {
        all.insert(key.to_vec(), value.to_vec());
        true
    })?;
    Ok(all)
}

/// Where a record stands in the store.
pub fn record_place(compartment: &str, id: conclave_evidence::Id) -> Vec<u8> {
    [format!("r/{compartment}/").as_bytes(), &id.0].concat()
}

/// Writes into a store, past the vault.
pub fn spoil(repository: &Path, writes: &[Write]) {
    opened(repository).unwrap().commit(writes).unwrap();
}
