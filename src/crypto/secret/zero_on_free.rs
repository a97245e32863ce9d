//! An allocator that leaves nothing behind.

use std::alloc::{GlobalAlloc, Layout, System};

/// The system allocator, wiping each block before it goes back.
///
/// Secrets live in [`Secret`](super::Secret); this catches what a library
/// copies on the way (a decoded structure, a growing buffer). The binary
/// installs it with `#[global_allocator]`.
pub struct ZeroOnFree;

/// Blocks from this size on go back to the system when they are freed.
#[cfg(target_env = "gnu")]
const LARGE: std::ffi::c_int = 1 << 20;

/// Has the C library's allocator, on which [`System`] stands, give each large
/// block back to the system when it is freed, and keep the others in one place
/// for all threads. Left alone it raises the size from which it gives back with
/// each such block, and keeps for each thread what that thread once had: a
/// repository of a million keys then costs a hundred megabytes more. To be called
/// once, before there are threads.
pub fn give_large_blocks_back() {
    #[cfg(target_env = "gnu")]
    {
        /// `M_MMAP_THRESHOLD` of mallopt(3).
        const MMAP_THRESHOLD: std::ffi::c_int = -3;
        /// `M_ARENA_MAX` of mallopt(3).
        const ARENA_MAX: std::ffi::c_int = -8;
        #[allow(unsafe_code)]
        unsafe extern "C" {
            safe fn mallopt(param: std::ffi::c_int, value: std::ffi::c_int) -> std::ffi::c_int;
        }
        // Refused, all stays as it was: more memory, and nothing wrong.
        let _ = mallopt(MMAP_THRESHOLD, LARGE);
        let _ = mallopt(ARENA_MAX, 1);
    }
}

/// Overwrites `len` bytes at `at`, in a way that the compiler must not drop
/// although the memory is freed next.
///
/// # Safety
/// `at` must be valid for writes of `len` bytes.
#[allow(unsafe_code)]
unsafe fn wipe(at: *mut u8, len: usize) {
    // SAFETY: the caller's promise.
    unsafe { std::ptr::write_bytes(at, 0, len) };
    // SAFETY: empty. As it takes the pointer and may read memory, the bytes
    // above must be written before it.
    unsafe {
        std::arch::asm!("/* {0} */", in(reg) at, options(nostack, preserves_flags, readonly));
    }
}

// SAFETY: every block comes from and returns to `System` with its own layout;
// between, only bytes inside a block that is being given up are written.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for ZeroOnFree {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps `alloc`'s contract, which is `System`'s.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: `at` is a block of `layout.size()` bytes that the caller gives up.
        unsafe {
            wipe(at, layout.size());
            System.dealloc(at, layout);
        }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // `System` would move the bytes and leave the old ones; so a new block,
        // a copy, and the old block wiped.
        // SAFETY: the caller promises that `new_size`, rounded up to the
        // alignment, does not overflow `isize`; that is all a layout asks.
        unsafe {
            let new_layout = Layout::from_size_align_unchecked(new_size, layout.align());
            let new = System.alloc(new_layout);
            if !new.is_null() {
                std::ptr::copy_nonoverlapping(at, new, layout.size().min(new_size));
                self.dealloc(at, layout);
            }
            new
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(unsafe_code)]
    fn growing_and_shrinking_keeps_the_bytes() {
        let layout = Layout::from_size_align(100, 8).unwrap();
        // SAFETY: each block is used with its own size and freed once.
        unsafe {
            let block = ZeroOnFree.alloc(layout);
            block.write_bytes(0x11, 100);
            let larger = ZeroOnFree.realloc(block, layout, 10_000);
            assert!((0..100).all(|i| larger.add(i).read() == 0x11));
            let layout = Layout::from_size_align(10_000, 8).unwrap();
            let smaller = ZeroOnFree.realloc(larger, layout, 10);
            assert!((0..10).all(|i| smaller.add(i).read() == 0x11));
            ZeroOnFree.dealloc(smaller, Layout::from_size_align(10, 8).unwrap());
        }
    }

    #[test]
    #[allow(unsafe_code)]
    fn wipe_overwrites() {
        let mut block = [0x22u8; 77];
        // SAFETY: the array's own length.
        unsafe { wipe(block.as_mut_ptr(), block.len()) };
        assert_eq!(block, [0; 77]);
    }
}
