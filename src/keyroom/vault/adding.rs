//! Adding up a compartment's records, against the sum that its signed root
//! shows: at once where they are few, in a thread of its own where they are
//! many. Until they are added up the compartment is read, and not written.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
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

/// Which records there are is told whenever so many more were added up.
const TOLD: u64 = 500;

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
        let mut all = Kinds::default();
        self.go_through(scan, &mut |some| all.follow(some))?;
        Ok(all)
    }

    /// Adds up, and tells by the way, and before it ends, which records are of
    /// which kind: each once, in the order of their ids.
    fn go_through(&self, scan: Scan<'_>, tell: &mut dyn FnMut(Kinds)) -> Result<(), VaultError> {
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
            if sum.count.is_multiple_of(TOLD) {
                tell(std::mem::take(&mut kinds));
            }
            failed.is_none() && !self.stop.load(Ordering::Relaxed)
        })?;
        tell(kinds);
        match failed {
            Some(error) => Err(error),
            None if sum == self.expected => Ok(()),
            None => Err(wrong()),
        }
    }

    /// Adds up in a thread of its own.
    pub fn behind(self, reader: Box<dyn StoreReader>) -> Behind {
        let (stop, done) = (Arc::clone(&self.stop), Arc::clone(&self.done));
        let of = self.expected.count;
        let (told, coming) = channel();
        let thread = std::thread::spawn(move || {
            // Nobody listens any more when the session has ended.
            self.go_through(&|p, each| reader.scan(p, each), &mut |some| {
                let _ = told.send(some);
            })
        });
        Behind {
            stop,
            done,
            of,
            coming,
            so_far: Kinds::default(),
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
    coming: Receiver<Kinds>,
    so_far: Kinds,
    thread: Option<JoinHandle<Result<(), VaultError>>>,
}

impl Behind {
    /// How many records are added up, and of how many.
    pub fn progress(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.of)
    }

    /// Which records were seen so far. Each is authentic by itself; that none is
    /// old and none is missing is not known before the end.
    pub fn so_far(&self) -> &Kinds {
        &self.so_far
    }

    /// What came of it; nothing while it goes on.
    pub fn result(&mut self) -> Option<Result<Kinds, VaultError>> {
        // Looked at first: what it tells before its end is all there then.
        let ended = self.thread.as_ref()?.is_finished();
        while let Ok(some) = self.coming.try_recv() {
            self.so_far.follow(some);
        }
        if !ended {
            return None;
        }
        let thread = self.thread.take()?;
        let died = Err(VaultError::Crypto("adding the records up"));
        let added = thread.join().unwrap_or(died);
        Some(added.map(|()| std::mem::take(&mut self.so_far)))
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::Duration;

    use conclave_crypto::secret::Secret;
    use conclave_evidence::Id;

    use super::super::seal::Binding;
    use super::*;

    /// A store whose reader stops until somebody lets it go on.
    struct Halting {
        all: Vec<(Vec<u8>, Vec<u8>)>,
        /// Before which record.
        halts_at: usize,
        halted: Sender<()>,
        goes_on: Receiver<()>,
    }

    impl StoreReader for Halting {
        fn scan(
            &self,
            _: &[u8],
            each: &mut dyn FnMut(&[u8], &[u8]) -> bool,
        ) -> Result<(), StoreError> {
            for (at, (key, value)) in self.all.iter().enumerate() {
                if at == self.halts_at {
                    self.halted.send(()).unwrap();
                    self.goes_on.recv().unwrap();
                }
                if !each(key, value) {
                    break;
                }
            }
            Ok(())
        }
    }

    /// Two more than are told at once, twice: an odd one of another kind each.
    const RECORDS: u64 = 2 * TOLD + 2;

    fn id(n: u64) -> Id {
        let mut id = [0; 16];
        id[8..].copy_from_slice(&n.to_be_bytes());
        Id(id)
    }

    fn kind(n: u64) -> &'static str {
        if n.is_multiple_of(TOLD) {
            "mandate"
        } else {
            "key"
        }
    }

    fn records() -> Vec<(Vec<u8>, Vec<u8>)> {
        let record = |n: u64| {
            let sealed = Sealed {
                binding: Binding {
                    purpose: "conclave/record/1".into(),
                    station: Id([1; 16]),
                    compartment: Compartment::Catalogue,
                    epoch: 1,
                    kind: kind(n).into(),
                    id: id(n),
                    version: 1,
                },
                salt: vec![0; 32],
                body: n.to_be_bytes().to_vec(),
            };
            let key = place::record(Compartment::Catalogue, id(n));
            (key, sealed.to_bytes().unwrap())
        };
        (0..RECORDS).map(record).collect()
    }

    fn roots() -> RootKeys {
        RootKeys::derive(&Secret::from_fn(32, |key| key.fill(7))).unwrap()
    }

    /// Begins, and waits until the reader stands before its last record.
    fn begun(signed: Sum) -> (Behind, Sender<()>) {
        let (halted, stands) = channel();
        let (go_on, goes_on) = channel();
        let all = records();
        let halts_at = all.len() - 1;
        let work = Adding::new(Compartment::Catalogue, roots(), signed);
        let behind = work.behind(Box::new(Halting {
            all,
            halts_at,
            halted,
            goes_on,
        }));
        stands.recv().unwrap();
        (behind, go_on)
    }

    fn signed() -> Sum {
        let mut sum = Sum::default();
        for (n, (_, value)) in (0..).zip(records()) {
            roots().add(&mut sum, id(n), 1, &value).unwrap();
        }
        sum
    }

    fn end(behind: &mut Behind) -> Result<Kinds, VaultError> {
        loop {
            if let Some(end) = behind.result() {
                return end;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn what_was_gone_through_is_seen_before_the_end_and_stays_as_it_was() {
        let (mut behind, go_on) = begun(signed());
        assert!(behind.result().is_none());
        assert_eq!(behind.progress(), (RECORDS - 1, RECORDS));
        let told = 2 * TOLD;
        let (keys, _) = behind.so_far().of("key");
        let keys = keys.to_vec();
        assert_eq!(
            keys,
            (0..told)
                .filter(|n| kind(*n) == "key")
                .map(id)
                .collect::<Vec<_>>()
        );
        assert_eq!(behind.so_far().of("mandate").0, [id(0), id(TOLD)]);
        let noted = behind.so_far().note("key", id(3)).unwrap();
        noted.store(9, Ordering::Relaxed);
        go_on.send(()).unwrap();
        let kinds = end(&mut behind).unwrap();
        assert!(kinds.of("key").0.starts_with(&keys));
        assert_eq!(kinds.of("key").0.len() + kinds.of("mandate").0.len(), 1002);
        let noted = kinds.note("key", id(3)).unwrap();
        assert_eq!(noted.load(Ordering::Relaxed), 9, "a note stays");
        let at_once = Adding::new(Compartment::Catalogue, roots(), signed());
        let all = at_once.add_up(&|_, each| {
            records().iter().all(|(key, value)| each(key, value));
            Ok(())
        });
        assert_eq!(all.unwrap(), kinds, "as where nobody waits");
    }

    #[test]
    fn what_comes_to_another_sum_is_an_error_however_much_was_seen() {
        let mut other = signed();
        other.value[31] ^= 1;
        let (mut behind, go_on) = begun(other);
        assert!(behind.result().is_none());
        assert!(!behind.so_far().of("key").0.is_empty());
        go_on.send(()).unwrap();
        let end = end(&mut behind);
        assert!(matches!(end, Err(VaultError::Root(Compartment::Catalogue))));
    }

    #[test]
    fn dropped_it_stops() {
        let (behind, go_on) = begun(signed());
        let waits = std::thread::spawn(move || drop(behind));
        go_on.send(()).unwrap();
        waits.join().unwrap();
    }
}
