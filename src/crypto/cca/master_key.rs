//! Key parts of CCA master keys, as the ICSF Master Key Entry panel and TKE take
//! them: checksum, verification pattern, hash pattern.
//!
//! From the ICSF Administrator's Guide, appendix on checksum, verification
//! pattern and hash pattern, and from "Master-key verification algorithms" of
//! the CCA documentation. How sure each is stands in [`Confidence`]: no
//! coprocessor has confirmed any of them to us.

use std::fmt;

use sha1::{Digest, Sha1};
use thiserror::Error;
use zeroize::Zeroize;

use super::mdc::mdc4;
use crate::primitive::derive::sha256;
use crate::primitive::des_keys;
use crate::primitive::modes::{Algorithm, Cipher, ModeError};
use crate::secret::Secret;

/// A master key of a CCA coprocessor, by what its parts look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MasterKey {
    /// DES-MK (SYM-MK) of 16 bytes, the usual one.
    Des16,
    /// DES-MK of 24 bytes, where the coprocessor is set to it.
    Des24,
    /// RSA-MK (ASYM-MK).
    Rsa,
    /// AES-MK.
    Aes,
    /// ECC-MK (APKA-MK).
    Ecc,
}

/// How sure it is that the coprocessor shows the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confidence {
    /// IBM's text gives it whole.
    Documented,
    /// IBM's text gives it in part; the rest was concluded.
    Concluded,
}

impl Confidence {
    /// For forms and run sheets.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Documented => "documented by IBM, not tried on a coprocessor",
            Self::Concluded => "concluded from IBM's text in part, not tried on a coprocessor",
        }
    }
}

/// Why there is nothing to print for a key part.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PartError {
    /// Another length than the master key's.
    #[error("a part of the {key} has {} bytes, not {len}", .key.len())]
    Length {
        /// The master key.
        key: MasterKey,
        /// Bytes given.
        len: usize,
    },
    /// The cipher.
    #[error(transparent)]
    Cipher(#[from] ModeError),
}

/// The "shift" of one digit: one place to the right, and what falls out comes
/// back as C. IBM prints its table as a picture; the text gives H(5) = E, and of
/// all shift registers of four bits this one alone does that.
const SHIFT: [u8; 16] = [
    0x0, 0xC, 0x1, 0xD, 0x2, 0xE, 0x3, 0xF, 0x4, 0x8, 0x5, 0x9, 0x6, 0xA, 0x7, 0xB,
];

/// The two-digit checksum of a key part: its digits are summed (exclusive-or)
/// and shifted one after the other, the odd places and the even ones apart.
///
/// The procedure is IBM's; see [`MasterKey::checksum_confidence`] for what is
/// not. IBM gives it for 32 digits, and longer parts go on in the same way.
#[must_use]
pub fn checksum(part: &Secret) -> u8 {
    let shifted = |sum: u8, digit: u8| {
        SHIFT
            .get(usize::from((sum ^ digit) & 0x0F))
            .copied()
            .unwrap_or(0)
    };
    part.expose().iter().fold(0, |sum, byte| {
        shifted(sum >> 4, byte >> 4) << 4 | shifted(sum & 0x0F, byte & 0x0F)
    })
}

/// The first eight bytes of a hash of a part; the hash is wiped.
fn first_eight(hash: &mut [u8]) -> Secret {
    let first = Secret::from_fn(8, |to| {
        to.iter_mut().zip(&*hash).for_each(|(to, byte)| *to = *byte);
    });
    hash.zeroize();
    first
}

/// Eight bytes of `input` under `key` in DES, with the input added.
fn chained(key: &[u8], input: &[u8]) -> Result<Secret, ModeError> {
    let mut out = Secret::from_fn(8, |to| {
        to.iter_mut().zip(input).for_each(|(to, byte)| *to = *byte);
    });
    Cipher::new(Algorithm::Tdes, key)?.ecb_encrypt(out.expose_mut())?;
    let bytes = out.expose_mut().iter_mut();
    bytes.zip(input).for_each(|(to, byte)| *to ^= byte);
    Ok(out)
}

impl MasterKey {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Des16, Self::Des24, Self::Rsa, Self::Aes, Self::Ecc];

    /// As the panel calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Des16 | Self::Des24 => "DES-MK",
            Self::Rsa => "RSA-MK",
            Self::Aes => "AES-MK",
            Self::Ecc => "ECC-MK",
        }
    }

    /// Bytes of the key and of each part.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // a length of a kind of key, not of something held
    pub fn len(self) -> usize {
        match self {
            Self::Des16 => 16,
            Self::Des24 | Self::Rsa => 24,
            Self::Aes | Self::Ecc => 32,
        }
    }

    /// What becomes of parity.
    #[must_use]
    pub fn parity(self) -> &'static str {
        match self {
            Self::Des16 | Self::Des24 => {
                "parts of any parity; the coprocessor makes the whole key odd"
            }
            Self::Rsa => "parts of any parity; the whole key is not adjusted",
            Self::Aes | Self::Ecc => "AES has no parity",
        }
    }

    /// The keyword of part `index` of `of`, from 1: `FIRST`, `MIDDLE`, `FINAL`.
    #[must_use]
    pub fn part_word(index: u8, of: u8) -> &'static str {
        match index {
            1 => "FIRST",
            last if last == of => "FINAL",
            _ => "MIDDLE",
        }
    }

    fn check(self, part: &Secret) -> Result<(), PartError> {
        if part.len() == self.len() {
            return Ok(());
        }
        Err(PartError::Length {
            key: self,
            len: part.len(),
        })
    }

    /// The whole key of its parts, as the coprocessor makes it.
    ///
    /// # Errors
    /// [`PartError::Length`] where a part has another length, or there is none.
    pub fn combine(self, parts: &[&Secret]) -> Result<Secret, PartError> {
        let mut whole = Secret::zeroed(self.len());
        if parts.is_empty() {
            return Err(PartError::Length { key: self, len: 0 });
        }
        for part in parts {
            self.check(part)?;
            let _ = whole.xor_in_place(part);
        }
        if matches!(self, Self::Des16 | Self::Des24) {
            des_keys::set_odd_parity(whole.expose_mut());
        }
        Ok(whole)
    }

    /// The verification pattern (VP) of a part, or of the whole key, 8 bytes; none
    /// for the RSA-MK, which is told by its hash pattern. That of a part is kept
    /// like the part.
    ///
    /// # Errors
    /// [`PartError`]
    pub fn verification_pattern(self, part: &Secret) -> Result<Option<Secret>, PartError> {
        self.check(part)?;
        let key = part.expose();
        Ok(Some(match self {
            Self::Des16 => {
                let (left, right) = key.split_at(8);
                let middle = chained(&[0x45; 8], left)?;
                chained(middle.expose(), right)?
            }
            Self::Des24 => {
                let mut hash = Sha1::new();
                hash.update([0x01]);
                hash.update(key);
                let mut hash: [u8; 20] = hash.finalize().into();
                first_eight(&mut hash)
            }
            Self::Rsa => return Ok(None),
            Self::Aes | Self::Ecc => first_eight(&mut sha256(&[&[0x01], key])),
        }))
    }

    /// The hash pattern (HP) of a part, or of the whole key: MDC-4, 16 bytes; none
    /// for AES-MK and ECC-MK. That of a part is kept like the part.
    ///
    /// # Errors
    /// [`PartError`]
    pub fn hash_pattern(self, part: &Secret) -> Result<Option<Secret>, PartError> {
        self.check(part)?;
        Ok(match self {
            Self::Des16 | Self::Des24 | Self::Rsa => {
                Some(Secret::take(&mut mdc4(part.expose())?[..]))
            }
            Self::Aes | Self::Ecc => None,
        })
    }

    /// Of the checksum. The addition table and the order of the steps are IBM's
    /// text; of the shift table the text gives one value. Where the coprocessor
    /// says another one, the panel's own checksum counts.
    #[must_use]
    pub fn checksum_confidence(self) -> Confidence {
        Confidence::Concluded
    }

    /// Of the verification pattern. That of the ECC-MK is said of AES and ECC
    /// tokens, and taken for the master key itself.
    #[must_use]
    pub fn vp_confidence(self) -> Confidence {
        match self {
            Self::Ecc => Confidence::Concluded,
            _ => Confidence::Documented,
        }
    }

    /// Of the hash pattern. IBM documents MDC-4 for the RSA-MK and for key
    /// parts; for a DES-MK of 24 bytes it is the same calculation, longer.
    #[must_use]
    pub fn hp_confidence(self) -> Confidence {
        match self {
            Self::Des24 => Confidence::Concluded,
            _ => Confidence::Documented,
        }
    }
}

impl fmt::Display for MasterKey {
    /// `DES-MK of 16 bytes`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes", self.name(), self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::vectors::unhex;
    use proptest::prelude::*;

    fn secret(bytes: &[u8]) -> Secret {
        Secret::from_fn(bytes.len(), |to| to.copy_from_slice(bytes))
    }

    /// What IBM's text says of its tables: A and 6 are C, and 5 becomes E.
    #[test]
    fn the_tables_as_far_as_the_text_gives_them() {
        assert_eq!(SHIFT[5], 0xE);
        // One byte 50: the odd place alone is shifted.
        assert_eq!(checksum(&secret(&[0x50])), 0xE0);
        // A and then 6 into the same place, after the shift of A (which is 5).
        assert_eq!(SHIFT[0xA], 0x5);
        assert_eq!(checksum(&secret(&[0xA0, 0x60])), SHIFT[0x5 ^ 0x6] << 4);
        let mut all = SHIFT;
        all.sort_unstable();
        assert_eq!(all, std::array::from_fn(|at| at as u8), "one to one");
    }

    #[test]
    fn lengths_and_what_there_is() {
        for key in MasterKey::ALL {
            let part = secret(&vec![0x31; key.len()]);
            let vp = key.verification_pattern(&part).unwrap();
            let hp = key.hash_pattern(&part).unwrap();
            assert_eq!(vp.is_none(), key == MasterKey::Rsa);
            assert_eq!(hp.is_none(), matches!(key, MasterKey::Aes | MasterKey::Ecc));
            let short = secret(&vec![0x31; key.len() - 1]);
            assert!(key.verification_pattern(&short).is_err());
            assert!(key.hash_pattern(&short).is_err());
            assert!(key.combine(&[&part, &short]).is_err());
            assert!(key.combine(&[]).is_err());
        }
        let words: Vec<&str> = (1..=4).map(|at| MasterKey::part_word(at, 4)).collect();
        assert_eq!(words, ["FIRST", "MIDDLE", "MIDDLE", "FINAL"]);
    }

    #[test]
    fn a_des_key_becomes_odd_and_others_stay() {
        let one = secret(&unhex("0123456789ABCDEF0022446688AACCEE0022446688AACCEE"));
        let two = secret(&[0; 24]);
        let rsa = MasterKey::Rsa.combine(&[&one, &two]).unwrap();
        assert!(rsa.ct_eq(one.expose()));
        let des = MasterKey::Des24.combine(&[&one, &two]).unwrap();
        assert_eq!(des_keys::first_even_byte(des.expose()), None);
    }

    proptest! {
        /// One wrong digit, or two equal places exchanged next to each other,
        /// never have the same checksum.
        #[test]
        fn a_wrong_digit_is_noticed(
            part in prop::collection::vec(any::<u8>(), 32),
            len in prop::sample::select(vec![16usize, 24, 32]),
            at in 0usize..64, by in 1u8..16,
        ) {
            let part = &part[..len];
            let at = at % (2 * len);
            let mut wrong = part.to_vec();
            wrong[at / 2] ^= if at % 2 == 0 { by << 4 } else { by };
            prop_assert_ne!(checksum(&secret(part)), checksum(&secret(&wrong)));
            let mut swapped = part.to_vec();
            swapped.swap(0, 1);
            prop_assert!(
                part[0] == part[1] || checksum(&secret(part)) != checksum(&secret(&swapped))
            );
        }
    }
}
