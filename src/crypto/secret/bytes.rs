//! The byte string in locked memory.

use std::ptr::NonNull;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use super::arena::{self, Home};

/// A byte string in locked memory, wiped when dropped.
///
/// ```compile_fail
/// let secret = conclave_crypto::secret::Secret::zeroed(16);
/// println!("{secret:?}"); // there is no Debug
/// ```
/// ```compile_fail
/// let secret = conclave_crypto::secret::Secret::zeroed(16);
/// let copy = secret.clone(); // nor Clone: a copy is asked for as `duplicate`
/// ```
pub struct Secret {
    at: NonNull<u8>,
    len: usize,
    home: Home,
}

// SAFETY: a Secret is the only owner of its memory, as a Box is; shared access
// is read-only.
#[allow(unsafe_code)]
unsafe impl Send for Secret {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Sync for Secret {}

impl Secret {
    /// `len` bytes of zero, to be filled in place.
    #[must_use]
    pub fn zeroed(len: usize) -> Self {
        let (at, home) = arena::take(len);
        Self { at, len, home }
    }

    /// `len` bytes written in place by `fill`, which is given zeros.
    #[must_use]
    pub fn from_fn(len: usize, fill: impl FnOnce(&mut [u8])) -> Self {
        let mut secret = Self::zeroed(len);
        fill(secret.expose_mut());
        secret
    }

    /// Moves bytes in: copies them, then wipes where they came from.
    #[must_use]
    pub fn take(source: &mut [u8]) -> Self {
        let secret = Self::from_fn(source.len(), |bytes| bytes.copy_from_slice(source));
        source.zeroize();
        secret
    }

    /// The clear bytes. Every use of this word is a place to review.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        // SAFETY: `arena::take` gave at least `len` initialised bytes (zeros)
        // that are ours until drop; the borrow keeps `self` from changing.
        #[allow(unsafe_code)]
        unsafe {
            std::slice::from_raw_parts(self.at.as_ptr(), self.len)
        }
    }

    /// The clear bytes, to be changed in place.
    #[must_use]
    pub fn expose_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `expose`, and `&mut self` makes the access the only one.
        #[allow(unsafe_code)]
        unsafe {
            std::slice::from_raw_parts_mut(self.at.as_ptr(), self.len)
        }
    }

    /// Length in bytes, which is not a secret.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// A second copy, asked for by name.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self::from_fn(self.len, |bytes| bytes.copy_from_slice(self.expose()))
    }

    /// Compares in time that depends on the lengths alone.
    #[must_use]
    pub fn ct_eq(&self, other: &[u8]) -> bool {
        self.expose().ct_eq(other).into()
    }

    /// Adds `other` bit by bit (XOR). `None`, and nothing changed, when the
    /// lengths differ.
    #[must_use = "nothing was added when the lengths differ"]
    pub fn xor_in_place(&mut self, other: &Secret) -> Option<()> {
        if self.len != other.len {
            return None;
        }
        for (a, b) in self.expose_mut().iter_mut().zip(other.expose()) {
            *a ^= b;
        }
        Some(())
    }

    /// The bytes `range` as a secret of their own, or `None` past the end.
    #[must_use]
    pub fn part(&self, range: std::ops::Range<usize>) -> Option<Self> {
        let part = self.expose().get(range)?;
        Some(Self::from_fn(part.len(), |bytes| {
            bytes.copy_from_slice(part);
        }))
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.expose_mut().zeroize();
        arena::give_back(self.at, self.home);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_dropped_secret_leaves_zeros() {
        // The slot is kept alive by the arena, so its bytes can be looked at.
        let secret = Secret::from_fn(200, |b| b.fill(0xA5));
        let at = secret.at.as_ptr();
        assert!(matches!(secret.home, Home::Slot(_)));
        // SAFETY: the arena never unmaps a chunk. Another test may hold the slot
        // by now, but it would have to write 0xA5 throughout for a false alarm.
        #[allow(unsafe_code)]
        let left = {
            drop(secret);
            unsafe { std::slice::from_raw_parts(at, 200) }.to_vec()
        };
        assert!(!left.contains(&0xA5));
    }

    #[test]
    fn take_wipes_its_source() {
        let mut source = *b"0123456789ABCDEF";
        let secret = Secret::take(&mut source);
        assert_eq!(source, [0; 16]);
        assert_eq!(secret.expose(), b"0123456789ABCDEF");
    }

    #[test]
    fn xor_wants_equal_lengths() {
        let mut a = Secret::from_fn(16, |b| b.fill(0x0F));
        assert!(a.xor_in_place(&Secret::zeroed(15)).is_none());
        assert!(
            a.xor_in_place(&Secret::from_fn(16, |b| b.fill(0xFF)))
                .is_some()
        );
        assert!(a.ct_eq(&[0xF0; 16]));
        assert!(!a.ct_eq(&[0xF0; 15]));
        assert!(!a.ct_eq(&[0xF1; 16]));
    }

    #[test]
    fn secrets_cross_threads() {
        let secret = Secret::from_fn(32, |b| b.fill(7));
        let read = std::thread::spawn(move || secret.expose().to_vec()).join();
        assert_eq!(read.unwrap(), [7; 32]);
    }

    proptest! {
        #[test]
        fn a_new_secret_is_zero_whatever_was_there_before(lens in prop::collection::vec(0usize..9000, 1..20)) {
            for len in lens {
                let mut secret = Secret::zeroed(len);
                prop_assert_eq!(secret.len(), len);
                prop_assert!(secret.expose().iter().all(|b| *b == 0));
                secret.expose_mut().fill(0x5A);
                prop_assert!(secret.duplicate().ct_eq(secret.expose()));
            }
        }
    }
}
