//! Adding up a compartment's records, against the sum that its signed root
//! shows: at once where they are few, in a thread of its own where they are
//! many. Until they are added up the compartment is read, and not written.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use super::compartment::Compartment;
use super::error::VaultError;
use super::kinds::Kinds;
use super::place;
use super::root::{RootKeys, Sum};
use super::seal::Sealed;
use crate::ports::store::{StoreError, StoreReader};

/// More records than these are added up behind the first screens.
const AT_ONCE: u64 = 20_000;

/// What is added up, and what has to come out.
pub struct Adding {
    compartment: Compartment,
    roots: RootKeys,
    expected: Sum,
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
}

/// How a store is gone through.
type Scan<'a> = &'a dyn Fn(&[u8], &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), StoreError>;

impl Adding {
    /// The records of one compartment, which should come to this.
    pub fn new(compartment: Compartment, roots: RootKeys, expected: Sum) -> Self {
        Self {
            compartment,
            roots,
            expected,
            stop: Arc::default(),
            done: Arc::default(),
        }
    }

    /// TRUE where nobody should wait for it.
    pub fn is_long(&self) -> bool {
        self.expected.count > AT_ONCE
    }

    /// Adds up, now, and sees which records are of which kind.
    ///
    /// # Errors
    /// [`VaultError::Root`] when it comes to something else.
    pub fn add_up(&self, scan: Scan<'_>) -> Result<Kinds, VaultError> {
        let wrong = || VaultError::Root(self.compartment);
        let mut sum = Sum::default();
        let mut kinds = Kinds::default();
        let mut failed = None;
        scan(&place::records(self.compartment), &mut |key, value| {
            let step = Sealed::from_bytes(value).and_then(|sealed| {
                if place::record(self.compartment, sealed.binding.id) != key {
                    return Err(wrong());
                }
                let (id, version) = (sealed.binding.id, sealed.binding.version);
                kinds.put(&sealed.binding.kind, id);
                self.roots.add(&mut sum, id, version, value)
            });
            failed = step.err();
            self.done.store(sum.count, Ordering::Relaxed);
            failed.is_none() && !self.stop.load(Ordering::Relaxed)
        })?;
        match failed {
            Some(error) => Err(error),
            None if sum == self.expected => Ok(kinds),
            None => Err(wrong()),
        }
    }

    /// Adds up in a thread of its own.
    pub fn behind(self, reader: Box<dyn StoreReader>) -> Behind {
        let (stop, done) = (Arc::clone(&self.stop), Arc::clone(&self.done));
        let of = self.expected.count;
        let thread = std::thread::spawn(move || self.add_up(&|p, each| reader.scan(p, each)));
        Behind {
            stop,
            done,
            of,
            thread: Some(thread),
        }
    }
}

/// Records that are being added up. Dropped, it stops, and the keys in its
/// thread are wiped before anything else goes on.
pub struct Behind {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
    of: u64,
    thread: Option<JoinHandle<Result<Kinds, VaultError>>>,
}

impl Behind {
    /// How many records are added up, and of how many.
    pub fn progress(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.of)
    }

    /// What came of it; nothing while it goes on.
    pub fn result(&mut self) -> Option<Result<Kinds, VaultError>> {
        if !self.thread.as_ref()?.is_finished() {
            return None;
        }
        let thread = self.thread.take()?;
        let died = Err(VaultError::Crypto("adding the records up"));
        Some(thread.join().unwrap_or(died))
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
