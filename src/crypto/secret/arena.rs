//! Locked pages, cut into slots.
//!
//! A system call per secret would cost microseconds and a page; so pages are
//! mapped a chunk at a time, locked once, and cut into slots of three sizes.
//! A slot on the free list is always all zero: it was mapped so, or its
//! [`Secret`](super::Secret) wiped it. What is longer than the largest slot has
//! a mapping of its own.

use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mlock, mmap_anonymous, munmap};

/// Slot sizes in bytes. A key or a PIN fits the first, a share or a private key
/// with its structure the second, an envelope of components the third.
const SLOT_SIZES: [usize; 3] = [64, 256, 4096];

/// Bytes mapped at a time for one slot size: sixteen pages.
const CHUNK: usize = 64 * 1024;

/// The unit in which the kernel maps; a multiple of every page size in use on
/// the processors we build for, as `mmap` rounds up by itself.
const PAGE: usize = 4096;

/// How many bytes hold secrets or wait to, and how many of these the kernel
/// agreed to keep out of swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Locking {
    /// Bytes of pages that are locked in memory.
    pub locked: usize,
    /// Bytes of pages that the kernel refused to lock, mostly for
    /// `RLIMIT_MEMLOCK`. They work, but may be swapped out.
    pub unlocked: usize,
    /// Bytes of pages for which core-dump exclusion or wiping in a forked child
    /// was refused.
    pub unadvised: usize,
}

/// The state of the pages that hold secrets, at this moment.
pub fn locking() -> Locking {
    with_arena(|arena| arena.locking)
}

/// Where a block of memory came from, so that it can go back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    /// A slot of `SLOT_SIZES[_]` bytes.
    Slot(usize),
    /// A mapping of its own, of this many bytes, and whether it is locked.
    Own {
        size: usize,
        locked: bool,
        advised: bool,
    },
}

/// An address of a free slot. The memory is not touched through this type.
struct Free(NonNull<u8>);

// SAFETY: a free slot belongs to the arena alone, whichever thread asks it.
#[allow(unsafe_code)]
unsafe impl Send for Free {}

struct Arena {
    free: [Vec<Free>; SLOT_SIZES.len()],
    /// Slots in existence per size: the capacity each free list needs.
    slots: [usize; SLOT_SIZES.len()],
    locking: Locking,
}

static ARENA: Mutex<Arena> = Mutex::new(Arena {
    free: [const { Vec::new() }; SLOT_SIZES.len()],
    slots: [0; SLOT_SIZES.len()],
    locking: Locking {
        locked: 0,
        unlocked: 0,
        unadvised: 0,
    },
});

fn with_arena<T>(f: impl FnOnce(&mut Arena) -> T) -> T {
    // Every change under this lock is complete before anything could panic, so
    // a poisoned lock still guards a consistent arena.
    f(&mut ARENA.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Takes zeroed memory for `len` bytes, alone owned by the caller until
/// [`give_back`].
///
/// When the system has no memory left, this ends the process as any other
/// allocation does.
pub(super) fn take(len: usize) -> (NonNull<u8>, Home) {
    match SLOT_SIZES.iter().position(|size| len <= *size) {
        Some(class) => with_arena(|arena| {
            if arena.free[class].is_empty() {
                arena.grow(class);
            }
            match arena.free[class].pop() {
                Some(Free(at)) => (at, Home::Slot(class)),
                None => out_of_memory(SLOT_SIZES[class]),
            }
        }),
        None => {
            let size = match len.checked_next_multiple_of(PAGE) {
                Some(size) => size,
                None => out_of_memory(len),
            };
            let (at, locked, advised) = map(size);
            with_arena(|arena| arena.count(size, locked, advised));
            (
                at,
                Home::Own {
                    size,
                    locked,
                    advised,
                },
            )
        }
    }
}

/// Returns memory from [`take`]. The caller has wiped it.
pub(super) fn give_back(at: NonNull<u8>, home: Home) {
    match home {
        Home::Slot(class) => with_arena(|arena| arena.free[class].push(Free(at))),
        Home::Own {
            size,
            locked,
            advised,
        } => {
            // SAFETY: `at` and `size` are what `mmap_anonymous` gave in `map`;
            // the owner is being dropped, so nothing points there any more.
            #[allow(unsafe_code)]
            let unmapped = unsafe { munmap(at.as_ptr().cast(), size) };
            if unmapped.is_ok() {
                with_arena(|arena| arena.discount(size, locked, advised));
            }
        }
    }
}

impl Arena {
    fn grow(&mut self, class: usize) {
        let (at, locked, advised) = map(CHUNK);
        self.count(CHUNK, locked, advised);
        let count = CHUNK / SLOT_SIZES[class];
        self.slots[class] += count;
        // All slots may be free at once; giving one back must not allocate.
        let list = &mut self.free[class];
        list.reserve_exact(self.slots[class].saturating_sub(list.len()));
        for slot in (0..count).rev() {
            // SAFETY: slot < CHUNK / size, so the address is inside the chunk.
            #[allow(unsafe_code)]
            let address = unsafe { at.add(slot * SLOT_SIZES[class]) };
            list.push(Free(address));
        }
    }

    fn count(&mut self, size: usize, locked: bool, advised: bool) {
        if locked {
            self.locking.locked += size;
        } else {
            self.locking.unlocked += size;
        }
        if !advised {
            self.locking.unadvised += size;
        }
    }

    fn discount(&mut self, size: usize, locked: bool, advised: bool) {
        if locked {
            self.locking.locked -= size;
        } else {
            self.locking.unlocked -= size;
        }
        if !advised {
            self.locking.unadvised -= size;
        }
    }
}

/// Maps `size` bytes of zeroed private memory: address, whether it is locked,
/// whether dump and fork advice was taken.
fn map(size: usize) -> (NonNull<u8>, bool, bool) {
    // SAFETY: a new anonymous mapping at an address of the kernel's choice
    // cannot disturb memory in use.
    #[allow(unsafe_code)]
    let mapped = unsafe {
        mmap_anonymous(
            std::ptr::null_mut(),
            size,
            ProtFlags::READ | ProtFlags::WRITE,
            MapFlags::PRIVATE,
        )
    };
    let Some(at) = mapped.ok().and_then(NonNull::new) else {
        out_of_memory(size)
    };
    // SAFETY: both calls are on the whole mapping just made, which is ours
    // alone; neither changes what a read of it returns in this process.
    #[allow(unsafe_code)]
    let (locked, advised) = unsafe {
        (
            mlock(at.as_ptr(), size).is_ok(),
            madvise(at.as_ptr(), size, Advice::LinuxDontDump).is_ok()
                // A child sees zeros. (Leaving the pages out of it altogether
                // would make its arena point at nothing.)
                & madvise(at.as_ptr(), size, Advice::LinuxWipeOnFork).is_ok(),
        )
    };
    (at.cast(), locked, advised)
}

fn out_of_memory(size: usize) -> ! {
    match std::alloc::Layout::from_size_align(size, PAGE) {
        Ok(layout) => std::alloc::handle_alloc_error(layout),
        Err(_) => std::process::abort(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_secret_has_its_own_mapping_and_it_goes_away() {
        let (at, home) = take(CHUNK + 1);
        assert!(matches!(home, Home::Own { size, .. } if size == CHUNK + PAGE));
        give_back(at, home);
        // The page is gone: the kernel refuses to lock what is not mapped.
        // SAFETY: the address is only handed to the kernel, not read.
        #[allow(unsafe_code)]
        let again = unsafe { mlock(at.as_ptr().cast(), PAGE) };
        assert!(again.is_err());
    }

    #[test]
    fn slots_do_not_overlap() {
        let taken: Vec<_> = (0..3000).map(|_| take(64)).collect();
        let mut addresses: Vec<_> = taken.iter().map(|(at, _)| at.as_ptr() as usize).collect();
        addresses.sort_unstable();
        assert!(addresses.windows(2).all(|pair| pair[1] - pair[0] >= 64));
        for (at, home) in taken {
            give_back(at, home);
        }
    }

    #[test]
    fn a_slot_is_of_the_smallest_size_that_fits() {
        for (len, class) in [(0, 0), (64, 0), (65, 1), (256, 1), (257, 2), (4096, 2)] {
            let (at, home) = take(len);
            assert!(matches!(home, Home::Slot(c) if c == class), "{len}");
            give_back(at, home);
        }
    }
}
