//! Keys without a key block under an Atalla variant of the wrapping key, as
//! systems from before the AKB take them.
//!
//! Eight times the variant's number is added (XOR) to the first byte of *each* part
//! of the wrapping key; each part of the key is then encrypted by itself, TDES in
//! ECB. Numbers 0 to 4 are published by several sources; 5 and more follow the
//! same rule and no value of them is. Variant 0 is ANSI X9.17, scheme X or Y.

use thiserror::Error;

use super::modes::{Algorithm, Cipher, ModeError};
use crate::secret::Secret;

/// A part of a key, in bytes.
const PART: usize = 8;

/// A variant's number: 0 to 31, of which eight times fits a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Variant(u8);

/// Why a key is not wrapped, or nothing is unwrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum VariantError {
    /// A key, or cryptogram, that is not two or three parts.
    #[error("a key has 16 or 24 bytes, not {0}")]
    Length(usize),
    /// A wrapping key of one part, or of no DES key's length.
    #[error("a wrapping key has 16 or 24 bytes, not {0}")]
    Wrapping(usize),
    /// The cipher.
    #[error(transparent)]
    Cipher(#[from] ModeError),
}

impl Variant {
    /// From its number, 0 to 31.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        match number {
            0..=31 => Some(Self(number)),
            _ => None,
        }
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Whether values of this variant are published.
    #[must_use]
    pub const fn is_published(self) -> bool {
        self.0 <= 4
    }

    /// What keys of this variant are for, as systems use it.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self.0 {
            0 => "key encryption; the wrapping key as it is",
            1 => "PIN encryption",
            2 => "data encryption",
            3 => "MAC",
            4 => "PIN verification",
            5 => "ATM master key",
            _ => "no meaning that is published",
        }
    }

    /// The wrapping key as this variant has it.
    fn cipher(self, wrapping: &Secret) -> Result<Cipher, VariantError> {
        if !matches!(wrapping.len(), 16 | 24) {
            return Err(VariantError::Wrapping(wrapping.len()));
        }
        let mut key = wrapping.duplicate();
        for part in key.expose_mut().chunks_exact_mut(PART) {
            part[0] ^= self.0 << 3;
        }
        Ok(Cipher::new(Algorithm::Tdes, key.expose())?)
    }
}

fn length(len: usize) -> Result<(), VariantError> {
    match len {
        16 | 24 => Ok(()),
        other => Err(VariantError::Length(other)),
    }
}

/// The cryptogram of a key of two or three parts.
///
/// # Errors
/// [`VariantError`]
pub fn wrap(variant: Variant, wrapping: &Secret, key: &Secret) -> Result<Vec<u8>, VariantError> {
    length(key.len())?;
    let mut out = key.duplicate();
    variant.cipher(wrapping)?.ecb_encrypt(out.expose_mut())?;
    Ok(out.expose().to_vec())
}

/// Whatever a cryptogram is under this key: nothing authenticates it.
///
/// # Errors
/// [`VariantError`]
pub fn unwrap(
    variant: Variant,
    wrapping: &Secret,
    cryptogram: &[u8],
) -> Result<Secret, VariantError> {
    length(cryptogram.len())?;
    let mut key = Secret::from_fn(cryptogram.len(), |bytes| bytes.copy_from_slice(cryptogram));
    variant.cipher(wrapping)?.ecb_decrypt(key.expose_mut())?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::key_scheme::{self, Scheme};
    use crate::primitive::vectors::{field, of};
    use proptest::prelude::*;

    fn secret(bytes: &[u8]) -> Secret {
        Secret::from_fn(bytes.len(), |to| to.copy_from_slice(bytes))
    }

    #[test]
    fn published_cryptograms() {
        for vector in of("atalla.json", "atalla_variant") {
            let number = vector["inputs"]["variant"]
                .as_str()
                .unwrap()
                .parse()
                .unwrap();
            let variant = Variant::new(number).unwrap();
            let kek = secret(&field(&vector["inputs"], "kek"));
            let key = secret(&field(&vector["inputs"], "clear_key"));
            let cryptogram = field(&vector["expected"], "cryptogram");
            assert_eq!(wrap(variant, &kek, &key).unwrap(), cryptogram, "{vector}");
            let back = unwrap(variant, &kek, &cryptogram).unwrap();
            assert!(back.ct_eq(key.expose()), "{vector}");
        }
    }

    #[test]
    fn single_des_is_not_taken() {
        let zero = Variant::new(0).unwrap();
        let (short, long) = (secret(&[1; 8]), secret(&[2; 16]));
        assert_eq!(wrap(zero, &long, &short), Err(VariantError::Length(8)));
        assert_eq!(wrap(zero, &short, &long), Err(VariantError::Wrapping(8)));
        assert!(unwrap(zero, &long, &[0; 8]).is_err());
        assert!(Variant::new(32).is_none());
    }

    proptest! {
        #[test]
        fn each_variant_reads_its_own(
            kek in prop::collection::vec(any::<u8>(), 24),
            key in prop::collection::vec(any::<u8>(), 24),
            long_kek in any::<bool>(), long_key in any::<bool>(),
            number in 0u8..32,
        ) {
            let kek = secret(if long_kek { &kek } else { &kek[..16] });
            let key = secret(if long_key { &key } else { &key[..16] });
            let variant = Variant::new(number).unwrap();
            let wrapped = wrap(variant, &kek, &key).unwrap();
            let back = unwrap(variant, &kek, &wrapped).unwrap();
            prop_assert!(back.ct_eq(key.expose()));
            let scheme = Scheme::of(false, key.len()).unwrap();
            let plain = key_scheme::wrap(scheme, &kek, &key).unwrap();
            prop_assert_eq!(plain == wrapped, number == 0);
        }
    }
}
