//! What makes a DES key unfit (R5): parity, weak parts, equal parts.

use thiserror::Error;

/// Weak keys: encryption is its own inverse (SP 800-67 Rev. 2, 3.3.2).
const WEAK: [u64; 4] = [
    0x0101_0101_0101_0101,
    0xFEFE_FEFE_FEFE_FEFE,
    0xE0E0_E0E0_F1F1_F1F1,
    0x1F1F_1F1F_0E0E_0E0E,
];

/// Semi-weak keys: pairs of which one undoes the other.
const SEMI_WEAK: [u64; 12] = [
    0x011F_011F_010E_010E,
    0x1F01_1F01_0E01_0E01,
    0x01E0_01E0_01F1_01F1,
    0xE001_E001_F101_F101,
    0x01FE_01FE_01FE_01FE,
    0xFE01_FE01_FE01_FE01,
    0x1FE0_1FE0_0EF1_0EF1,
    0xE01F_E01F_F10E_F10E,
    0x1FFE_1FFE_0EFE_0EFE,
    0xFE1F_FE1F_FE0E_FE0E,
    0xE0FE_E0FE_F1FE_F1FE,
    0xFEE0_FEE0_FEF1_FEF1,
];

/// Possibly weak keys: only four different round keys.
const POSSIBLY_WEAK: [u64; 48] = [
    0x1F1F_0101_0E0E_0101,
    0x011F_1F01_010E_0E01,
    0x1F01_011F_0E01_010E,
    0x0101_1F1F_0101_0E0E,
    0xE0E0_0101_F1F1_0101,
    0xFEFE_0101_FEFE_0101,
    0xFEE0_1F01_FEF1_0E01,
    0xE0FE_1F01_F1FE_0E01,
    0xFEE0_011F_FEF1_010E,
    0xE0FE_011F_F1FE_010E,
    0xE0E0_1F1F_F1F1_0E0E,
    0xFEFE_1F1F_FEFE_0E0E,
    0xFE1F_E001_FE0E_F101,
    0xE01F_FE01_F10E_FE01,
    0xFE01_E01F_FE01_F10E,
    0xE001_FE1F_F101_FE0E,
    0x01E0_E001_01F1_F101,
    0x1FFE_E001_0EFE_F101,
    0x1FE0_FE01_0EF1_FE01,
    0x01FE_FE01_01FE_FE01,
    0x1FE0_E01F_0EF1_F10E,
    0x01FE_E01F_01FE_F10E,
    0x01E0_FE1F_01F1_FE0E,
    0x1FFE_FE1F_0EFE_FE0E,
    0xE001_01E0_F101_01F1,
    0xFE1F_01E0_FE0E_01F1,
    0xFE01_1FE0_FE01_0EF1,
    0xE01F_1FE0_F10E_0EF1,
    0xFE01_01FE_FE01_01FE,
    0xE01F_01FE_F10E_01FE,
    0xE001_1FFE_F101_0EFE,
    0xFE1F_1FFE_FE0E_0EFE,
    0x1FFE_01E0_0EFE_01F1,
    0x01FE_1FE0_01FE_0EF1,
    0x1FE0_01FE_0EF1_01FE,
    0x01E0_1FFE_01F1_0EFE,
    0x0101_E0E0_0101_F1F1,
    0x1F1F_E0E0_0E0E_F1F1,
    0x1F01_FEE0_0E01_FEF1,
    0x011F_FEE0_010E_FEF1,
    0x1F01_E0FE_0E01_F1FE,
    0x011F_E0FE_010E_F1FE,
    0x0101_FEFE_0101_FEFE,
    0x1F1F_FEFE_0E0E_FEFE,
    0xFEFE_E0E0_FEFE_F1F1,
    0xE0FE_FEE0_F1FE_FEF1,
    0xFEE0_E0FE_FEF1_F1FE,
    0xE0E0_FEFE_F1F1_FEFE,
];

/// Why a DES key is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DesKeyError {
    /// Not 8, 16 or 24 bytes.
    #[error("a DES key has 8, 16 or 24 bytes, not {0}")]
    Length(usize),
    /// A byte with an even number of ones; counted from 0.
    #[error("byte {0} has even parity")]
    Parity(usize),
    /// A part is weak in one of three degrees; parts are counted from 1.
    #[error("part {part} is a {kind:?} DES key")]
    Weak {
        /// Which 8-byte part, from 1.
        part: usize,
        /// How weak.
        kind: Weakness,
    },
    /// Two parts are equal, so that the key is shorter than it looks; parts are
    /// counted from 1.
    #[error("parts {0} and {1} are equal")]
    EqualParts(usize, usize),
}

/// The three lists of SP 800-67.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    /// Encryption is its own inverse.
    Weak,
    /// Another key undoes this one.
    SemiWeak,
    /// Four different round keys only.
    PossiblyWeak,
}

/// Sets the lowest bit of each byte so that each has an odd number of ones.
pub fn set_odd_parity(key: &mut [u8]) {
    for byte in key {
        *byte = odd(*byte);
    }
}

fn odd(byte: u8) -> u8 {
    let upper = byte & 0xFE;
    upper | (!upper.count_ones() & 1) as u8
}

/// The first byte, from 0, with an even number of ones.
#[must_use]
pub fn first_even_byte(key: &[u8]) -> Option<usize> {
    key.iter().position(|byte| *byte != odd(*byte))
}

/// How weak an 8-byte part is, parity aside. Every list is walked to its end:
/// time must not tell how near a good key is to a bad one.
#[must_use]
pub fn weakness(part: &[u8; 8]) -> Option<Weakness> {
    let key = u64::from_be_bytes(part.map(odd));
    let listed = |list: &[u64]| {
        list.iter()
            .fold(false, |found, weak| found | (*weak == key))
    };
    let found = [
        (listed(&WEAK), Weakness::Weak),
        (listed(&SEMI_WEAK), Weakness::SemiWeak),
        (listed(&POSSIBLY_WEAK), Weakness::PossiblyWeak),
    ];
    found
        .into_iter()
        .find_map(|(hit, kind)| hit.then_some(kind))
}

/// The rules of R5 for a whole key, parity aside: no weak part, no two parts
/// equal (K1 = K2 and K2 = K3 make single DES, K1 = K3 makes a double key of a
/// triple one).
pub fn check(key: &[u8]) -> Result<(), DesKeyError> {
    if !matches!(key.len(), 8 | 16 | 24) {
        return Err(DesKeyError::Length(key.len()));
    }
    let mut parts = [[0u8; 8]; 3];
    let count = key.len() / 8;
    for (part, bytes) in parts.iter_mut().zip(key.chunks_exact(8)) {
        part.copy_from_slice(bytes);
        set_odd_parity(part);
    }
    let parts = zeroize::Zeroizing::new(parts);
    for (index, part) in parts[..count].iter().enumerate() {
        if let Some(kind) = weakness(part) {
            return Err(DesKeyError::Weak {
                part: index + 1,
                kind,
            });
        }
    }
    for (a, b) in [(1, 2), (2, 3), (1, 3)] {
        if b <= count
            && bool::from(subtle::ConstantTimeEq::ct_eq(
                &parts[a - 1][..],
                &parts[b - 1][..],
            ))
        {
            return Err(DesKeyError::EqualParts(a, b));
        }
    }
    Ok(())
}

/// [`check`], and odd parity in every byte.
pub fn check_with_parity(key: &[u8]) -> Result<(), DesKeyError> {
    check(key)?;
    match first_even_byte(key) {
        Some(byte) => Err(DesKeyError::Parity(byte)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::modes::{Algorithm, Cipher};
    use crate::primitive::vectors::{field, of};
    use proptest::prelude::*;

    #[test]
    fn published_parity() {
        for vector in of("kcv.json", "des_odd_parity") {
            let mut key = field(&vector["inputs"], "key");
            set_odd_parity(&mut key);
            assert_eq!(key, field(&vector["expected"], "adjusted"), "{vector}");
            assert_eq!(first_even_byte(&key), None);
        }
    }

    /// The lists are not believed: what a weak key does is tried.
    #[test]
    fn weak_and_semi_weak_keys_are_what_they_are_called() {
        let twice = |first: u64, second: u64| {
            let mut block = *b"plain123";
            for key in [first, second] {
                let cipher = Cipher::new(Algorithm::Tdes, &key.to_be_bytes()).unwrap();
                cipher.ecb_encrypt(&mut block).unwrap();
            }
            &block == b"plain123"
        };
        assert!(WEAK.iter().all(|key| twice(*key, *key)));
        assert!(SEMI_WEAK.chunks(2).all(|pair| twice(pair[0], pair[1])));
        assert!(!twice(0x0123_4567_89AB_CDEF, 0x0123_4567_89AB_CDEF));
    }

    /// The 64 keys of the three lists are those whose halves of the key schedule
    /// repeat with period one or two: 8 x 8 patterns, all of odd parity, all
    /// different.
    #[test]
    fn the_lists_hold_sixty_four_different_keys_of_odd_parity() {
        let mut all = [&WEAK[..], &SEMI_WEAK, &POSSIBLY_WEAK].concat();
        for key in &all {
            assert_eq!(first_even_byte(&key.to_be_bytes()), None, "{key:016X}");
        }
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 64);
    }

    #[test]
    fn equal_parts_are_named() {
        let part = |n: u8| [n, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF];
        let key = |parts: &[u8]| parts.iter().flat_map(|n| part(*n)).collect::<Vec<u8>>();
        for (parts, expected) in [
            (&[0x10][..], Ok(())),
            (&[0x10, 0x20], Ok(())),
            (&[0x10, 0x20, 0x40], Ok(())),
            (&[0x10, 0x10], Err(DesKeyError::EqualParts(1, 2))),
            // differing in parity only
            (&[0x10, 0x11], Err(DesKeyError::EqualParts(1, 2))),
            (&[0x10, 0x20, 0x20], Err(DesKeyError::EqualParts(2, 3))),
            (&[0x10, 0x20, 0x10], Err(DesKeyError::EqualParts(1, 3))),
        ] {
            assert_eq!(check(&key(parts)), expected, "{parts:?}");
        }
        assert_eq!(check(&[1; 15]), Err(DesKeyError::Length(15)));
        let weak = [part(0x10), [0; 8]].concat();
        let kind = Weakness::Weak;
        assert_eq!(check(&weak), Err(DesKeyError::Weak { part: 2, kind }));
        assert_eq!(check_with_parity(&part(0x11)), Err(DesKeyError::Parity(0)));
    }

    proptest! {
        #[test]
        fn parity_changes_the_lowest_bits_only_and_once(key in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut set = key.clone();
            set_odd_parity(&mut set);
            prop_assert!(set.iter().all(|b| b.count_ones() % 2 == 1));
            prop_assert!(set.iter().zip(&key).all(|(a, b)| a >> 1 == b >> 1));
        }
    }
}
