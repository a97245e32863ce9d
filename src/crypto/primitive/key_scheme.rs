//! Keys encrypted under a zone master key without a key block: the schemes U,
//! T (Thales variant) and X, Y (ANSI X9.17) of letters and of older systems.
//!
//! Each part of eight bytes is encrypted by itself, under TDES in ECB. The
//! variant schemes exclusive-or one byte into the second part of the wrapping
//! key, another one for each part of the key, so that parts cannot change
//! places. X and Y do nothing of the kind. Neither says what the key is for,
//! and nothing authenticates it: TR-31 does both.
//!
//! A wrapping key of three parts has its second part, the middle one, changed.
//! Vectors of others: U and X under two parts, T under two parts
//! (`tests/vectors/thales.json`). Under three parts, and for Y, only our own
//! calculation and openssl agree.

use std::fmt;

use thiserror::Error;

use super::modes::{Algorithm, Cipher, ModeError};
use crate::secret::Secret;

/// A part of a key, in bytes.
const PART: usize = 8;

/// How a key of this length is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Two parts, Thales variant.
    U,
    /// Three parts, Thales variant.
    T,
    /// Two parts, ANSI X9.17.
    X,
    /// Three parts, ANSI X9.17.
    Y,
}

/// Why a key is not wrapped, or nothing is unwrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SchemeError {
    /// The key, or the cryptogram, has another length than the scheme.
    #[error("scheme {scheme} is for {} bytes, not {len}", .scheme.key_len())]
    Length {
        /// The scheme.
        scheme: Scheme,
        /// Bytes given.
        len: usize,
    },
    /// A wrapping key of one part, or of no DES key's length.
    #[error("a wrapping key has 16 or 24 bytes, not {0}")]
    Wrapping(usize),
    /// The cipher.
    #[error(transparent)]
    Cipher(#[from] ModeError),
}

/// Why a text is no cryptogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CryptogramError {
    /// A letter that names no scheme.
    #[error("{0:?} is no scheme: U, T, X and Y are")]
    Letter(char),
    /// A character that is no hex digit; in groups of four, from 1.
    #[error("group {group} has {found:?}, which is no hex digit")]
    Digit {
        /// Which group of four.
        group: usize,
        /// What stands there.
        found: char,
    },
    /// Sixteen digits: single DES.
    #[error("16 digits are a single-length DES key, which is not taken (R5)")]
    Single,
    /// Neither 32 nor 48 digits.
    #[error("{0} digits; a cryptogram has 32 or 48")]
    Digits(usize),
    /// A letter of the other length.
    #[error("scheme {0} does not have that many digits")]
    OtherLength(Scheme),
}

impl Scheme {
    /// All of them.
    pub const ALL: [Scheme; 4] = [Self::U, Self::T, Self::X, Self::Y];

    /// Its letter in front of a cryptogram.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::U => 'U',
            Self::T => 'T',
            Self::X => 'X',
            Self::Y => 'Y',
        }
    }

    /// The scheme of a letter.
    #[must_use]
    pub fn from_letter(letter: char) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.letter() == letter)
    }

    /// The scheme for a key of this length, variant or not.
    #[must_use]
    pub fn of(variant: bool, len: usize) -> Option<Self> {
        match (variant, len) {
            (true, 16) => Some(Self::U),
            (true, 24) => Some(Self::T),
            (false, 16) => Some(Self::X),
            (false, 24) => Some(Self::Y),
            _ => None,
        }
    }

    /// TRUE for the Thales variants.
    #[must_use]
    pub fn is_variant(self) -> bool {
        matches!(self, Self::U | Self::T)
    }

    /// The other way to encrypt a key of this length: what is mistaken for it.
    #[must_use]
    pub fn mistaken_for(self) -> Self {
        match self {
            Self::U => Self::X,
            Self::X => Self::U,
            Self::T => Self::Y,
            Self::Y => Self::T,
        }
    }

    /// Bytes of the key, and of its cryptogram.
    #[must_use]
    pub fn key_len(self) -> usize {
        match self {
            Self::U | Self::X => 16,
            Self::T | Self::Y => 24,
        }
    }

    /// What is added to the wrapping key for each part of the key.
    #[must_use]
    pub fn variants(self) -> &'static [u8] {
        match self {
            Self::U => &[0xA6, 0x5A],
            Self::T => &[0x6A, 0xDE, 0x2B],
            Self::X | Self::Y => &[],
        }
    }

    fn variant(self, part: usize) -> u8 {
        self.variants().get(part).copied().unwrap_or(0)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.letter())
    }
}

fn lengths(scheme: Scheme, wrapping: &Secret, len: usize) -> Result<(), SchemeError> {
    if !matches!(wrapping.len(), 16 | 24) {
        return Err(SchemeError::Wrapping(wrapping.len()));
    }
    if len != scheme.key_len() {
        return Err(SchemeError::Length { scheme, len });
    }
    Ok(())
}

/// The cipher for one part.
fn cipher(scheme: Scheme, wrapping: &Secret, part: usize) -> Result<Cipher, SchemeError> {
    let mut key = wrapping.duplicate();
    if let Some(byte) = key.expose_mut().get_mut(PART) {
        *byte ^= scheme.variant(part);
    }
    Ok(Cipher::new(Algorithm::Tdes, key.expose())?)
}

/// The cryptogram of a key. Parity, and weak parts, are the caller's.
///
/// # Errors
/// [`SchemeError`]
pub fn wrap(scheme: Scheme, wrapping: &Secret, key: &Secret) -> Result<Vec<u8>, SchemeError> {
    lengths(scheme, wrapping, key.len())?;
    let mut out = key.duplicate();
    for (at, part) in out.expose_mut().chunks_exact_mut(PART).enumerate() {
        cipher(scheme, wrapping, at)?.ecb_encrypt(part)?;
    }
    Ok(out.expose().to_vec())
}

/// Whatever a cryptogram is under this key: nothing authenticates it.
///
/// # Errors
/// [`SchemeError`]
pub fn unwrap(scheme: Scheme, wrapping: &Secret, cryptogram: &[u8]) -> Result<Secret, SchemeError> {
    lengths(scheme, wrapping, cryptogram.len())?;
    let mut key = Secret::from_fn(cryptogram.len(), |bytes| bytes.copy_from_slice(cryptogram));
    for (at, part) in key.expose_mut().chunks_exact_mut(PART).enumerate() {
        cipher(scheme, wrapping, at)?.ecb_decrypt(part)?;
    }
    Ok(key)
}

/// A cryptogram as a letter has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cryptogram {
    /// The letter in front, where there is one.
    pub letter: Option<Scheme>,
    /// What follows.
    pub bytes: Vec<u8>,
}

impl Cryptogram {
    /// Reads upper-case hex digits, perhaps behind a scheme's letter; spaces
    /// are the caller's to leave out.
    ///
    /// # Errors
    /// [`CryptogramError`]
    pub fn parse(text: &str) -> Result<Self, CryptogramError> {
        let first = text.chars().next().unwrap_or('0');
        let (letter, digits) = if matches!(first, '0'..='9' | 'A'..='F') {
            (None, text)
        } else {
            let scheme = Scheme::from_letter(first).ok_or(CryptogramError::Letter(first))?;
            (Some(scheme), text.get(first.len_utf8()..).unwrap_or(""))
        };
        let mut nibbles = Vec::with_capacity(48);
        for (at, found) in digits.chars().enumerate() {
            // Long before this a number of digits is wrong.
            if at >= 256 {
                return Err(CryptogramError::Digits(digits.chars().count()));
            }
            match found {
                '0'..='9' | 'A'..='F' => {
                    let digit = found.to_digit(16).unwrap_or_default();
                    nibbles.push(u8::try_from(digit).unwrap_or_default());
                }
                _ => {
                    let group = at / 4 + 1;
                    return Err(CryptogramError::Digit { group, found });
                }
            }
        }
        match nibbles.len() {
            32 | 48 => {}
            16 => return Err(CryptogramError::Single),
            other => return Err(CryptogramError::Digits(other)),
        }
        let bytes: Vec<u8> = nibbles
            .chunks_exact(2)
            .map(|pair| match pair {
                [high, low] => high << 4 | low,
                _ => 0,
            })
            .collect();
        match letter {
            Some(scheme) if scheme.key_len() != bytes.len() => {
                Err(CryptogramError::OtherLength(scheme))
            }
            _ => Ok(Self { letter, bytes }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::vectors::{field, of};
    use proptest::prelude::*;

    fn secret(bytes: &[u8]) -> Secret {
        Secret::from_fn(bytes.len(), |to| to.copy_from_slice(bytes))
    }

    /// What others published, with the wrapping key as it is in the end.
    #[test]
    fn published_cryptograms() {
        let mut seen = Vec::new();
        for vector in of("thales.json", "key_scheme") {
            let letter = vector["inputs"]["scheme"].as_str().unwrap();
            let scheme = Scheme::from_letter(letter.chars().next().unwrap()).unwrap();
            let wrapping = secret(&field(&vector["inputs"], "wrapping"));
            let key = secret(&field(&vector["inputs"], "clear_key"));
            let cryptogram = field(&vector["expected"], "cryptogram");
            assert_eq!(
                wrap(scheme, &wrapping, &key).unwrap(),
                cryptogram,
                "{vector}"
            );
            let back = unwrap(scheme, &wrapping, &cryptogram).unwrap();
            assert!(back.ct_eq(key.expose()), "{vector}");
            seen.push(scheme);
        }
        for scheme in Scheme::ALL {
            assert!(seen.contains(&scheme), "no vector of {scheme}");
        }
    }

    #[test]
    fn single_des_has_no_scheme() {
        let key = secret(&[1; 8]);
        let wrapping = secret(&[2; 16]);
        for scheme in Scheme::ALL {
            assert!(matches!(
                wrap(scheme, &wrapping, &key),
                Err(SchemeError::Length { len: 8, .. })
            ));
            assert_eq!(
                wrap(scheme, &key, &wrapping).err(),
                Some(SchemeError::Wrapping(8))
            );
        }
        assert_eq!(Scheme::of(true, 8), None);
        assert_eq!(Scheme::of(false, 8), None);
        assert_eq!(
            Cryptogram::parse("0123456789ABCDEF"),
            Err(CryptogramError::Single)
        );
    }

    #[test]
    fn texts_that_are_no_cryptogram_are_named() {
        let digits = "0123456789ABCDEF".repeat(2);
        let parse = |text: &str| Cryptogram::parse(text);
        assert_eq!(parse(&digits).unwrap().letter, None);
        assert_eq!(
            parse(&format!("U{digits}")).unwrap().letter,
            Some(Scheme::U)
        );
        for (text, expected) in [
            (format!("Z{digits}"), CryptogramError::Letter('Z')),
            (
                format!("Y{digits}"),
                CryptogramError::OtherLength(Scheme::Y),
            ),
            (
                digits.replacen("89AB", "89OB", 1),
                CryptogramError::Digit {
                    group: 3,
                    found: 'O',
                },
            ),
            (format!("X{digits}0"), CryptogramError::Digits(33)),
            (String::new(), CryptogramError::Digits(0)),
            ("é".into(), CryptogramError::Letter('é')),
        ] {
            assert_eq!(parse(&text), Err(expected), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_was_wrapped_comes_back(
            wrapping in prop::collection::vec(any::<u8>(), 24),
            key in prop::collection::vec(any::<u8>(), 24),
            long in any::<bool>(),
        ) {
            let wrapping = secret(if long { &wrapping } else { &wrapping[..16] });
            for scheme in Scheme::ALL {
                let key = secret(&key[..scheme.key_len()]);
                let wrapped = wrap(scheme, &wrapping, &key).unwrap();
                let back = unwrap(scheme, &wrapping, &wrapped).unwrap();
                prop_assert!(back.ct_eq(key.expose()));
                // Another scheme reads another key.
                let other = unwrap(scheme.mistaken_for(), &wrapping, &wrapped).unwrap();
                prop_assert!(!other.ct_eq(key.expose()));
            }
        }
    }
}
