//! Key check values (R7): a value and the method that made it, never apart.

use std::fmt;

use thiserror::Error;
use zeroize::Zeroize;

use super::derive::sha256;
use super::key_kind::KeyKind;
use super::modes::{Algorithm, Cipher, ModeError, cmac};
use crate::secret::Secret;

/// How a check value is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// A block of zeros encrypted with TDES.
    TdesZero,
    /// TDES CMAC over one block of zeros.
    TdesCmac,
    /// A block of zeros encrypted with AES: older than the CMAC method, and
    /// still what some hosts show.
    AesZero,
    /// AES CMAC over one block of zeros (ANSI X9.24-1:2017).
    AesCmac,
    /// SHA-256 over IBM's constants of an HMAC key, its length and the key: the
    /// pattern SHAVP1 of CCA, keyword SHA2VP1 of CSNBKYT2. No standard names a check
    /// value of HMAC keys, and this one is published.
    HmacSha2Vp1,
    /// SHA-256 over the bytes themselves, of a component of an RSA pair's prime. The field
    /// has no check value for these; 128 random bytes and more are not found from it.
    Sha256,
}

/// What SHAVP1 has before the key's length: algorithm HMAC, key type MAC (ICSF
/// Application Programmer's Guide, "SHAVP1 Algorithm").
const HMAC_MAC: [u8; 3] = [0x03, 0x00, 0x02];

impl Method {
    /// Every method.
    pub const ALL: [Self; 6] = [
        Self::TdesZero,
        Self::TdesCmac,
        Self::AesZero,
        Self::AesCmac,
        Self::HmacSha2Vp1,
        Self::Sha256,
    ];

    /// What the keys that it checks are keys of.
    #[must_use]
    pub const fn kind(self) -> KeyKind {
        match self {
            Self::TdesZero | Self::TdesCmac => KeyKind::Tdes,
            Self::AesZero | Self::AesCmac => KeyKind::Aes,
            Self::HmacSha2Vp1 => KeyKind::Hmac,
            Self::Sha256 => KeyKind::RsaPrime,
        }
    }

    /// Most bytes that may be shown (R7): more would help a search for the key.
    #[must_use]
    pub const fn max_len(self) -> usize {
        match self {
            Self::AesCmac | Self::HmacSha2Vp1 | Self::Sha256 => 5,
            Self::TdesZero | Self::TdesCmac | Self::AesZero => 3,
        }
    }

    /// The method a key of this kind gets when nobody asks for another.
    #[must_use]
    pub fn usual(kind: impl Into<KeyKind>) -> Self {
        match kind.into() {
            KeyKind::Tdes => Self::TdesZero,
            KeyKind::Aes => Self::AesCmac,
            KeyKind::Hmac => Self::HmacSha2Vp1,
            KeyKind::RsaPrime => Self::Sha256,
        }
    }

    /// The method of this name for keys of this kind.
    #[must_use]
    pub fn named(kind: KeyKind, name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|method| method.kind() == kind && method.to_string() == name)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TdesZero | Self::AesZero => "ENC-ZERO",
            Self::TdesCmac | Self::AesCmac => "CMAC",
            Self::HmacSha2Vp1 => "SHA2VP1",
            Self::Sha256 => "SHA-256",
        })
    }
}

/// Why there is no check value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KcvError {
    /// The key does not fit the method.
    #[error(transparent)]
    Key(#[from] ModeError),
    /// A key of HMAC that is empty, or longer than its length in bits can say.
    #[error("an HMAC key has 1 to 8191 bytes, not {0}")]
    HmacLength(usize),
    /// No bytes, or more than R7 allows to show.
    #[error("a check value of this method has 1 to {max} bytes, not {len}")]
    Length {
        /// Bytes asked for.
        len: usize,
        /// Most bytes allowed.
        max: usize,
    },
}

/// A check value with its method. Prints as `08D7B4 (ENC-ZERO)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kcv {
    method: Method,
    bytes: [u8; 5],
    len: u8,
}

impl Kcv {
    /// Computes the check value of `key` at the method's full length: 3 bytes,
    /// or 5 for AES CMAC, for HMAC and for SHA-256.
    pub fn compute(method: Method, key: &[u8]) -> Result<Self, KcvError> {
        let block = Self::block(method, key)?;
        Self::from_bytes(method, &block.expose()[..method.max_len()])
    }

    /// The whole block that a check value is the beginning of. More of it than
    /// R7 allows never leaves the caller.
    pub(super) fn block(method: Method, key: &[u8]) -> Result<Secret, KcvError> {
        match method {
            Method::TdesZero => encrypted_zeros(Algorithm::Tdes, key),
            Method::AesZero => encrypted_zeros(Algorithm::Aes, key),
            Method::TdesCmac => Ok(cmac(Algorithm::Tdes, key, &[0; 8])?),
            Method::AesCmac => Ok(cmac(Algorithm::Aes, key, &[0; 16])?),
            Method::HmacSha2Vp1 => {
                let bits = u16::try_from(key.len() * 8).ok().filter(|bits| *bits > 0);
                let bits = bits.ok_or(KcvError::HmacLength(key.len()))?;
                let mut digest = sha256(&[&HMAC_MAC, &bits.to_be_bytes(), key]);
                let pattern = Secret::from_fn(16, |to| to.copy_from_slice(&digest[..16]));
                digest.zeroize();
                Ok(pattern)
            }
            Method::Sha256 => {
                let mut digest = sha256(&[key]);
                let whole = Secret::from_fn(32, |to| to.copy_from_slice(&digest));
                digest.zeroize();
                Ok(whole)
            }
        }
    }

    /// A check value known from elsewhere: typed in, or read from a record.
    pub fn from_bytes(method: Method, value: &[u8]) -> Result<Self, KcvError> {
        let max = method.max_len();
        if value.is_empty() || value.len() > max {
            return Err(KcvError::Length {
                len: value.len(),
                max,
            });
        }
        let mut bytes = [0; 5];
        bytes[..value.len()].copy_from_slice(value);
        Ok(Self {
            method,
            bytes,
            len: value.len() as u8,
        })
    }

    /// The first `len` bytes of it: several targets show 3 of an AES CMAC.
    pub fn truncated(&self, len: usize) -> Result<Self, KcvError> {
        let max = self.bytes().len();
        if len > max {
            return Err(KcvError::Length { len, max });
        }
        Self::from_bytes(self.method, &self.bytes[..len])
    }

    /// How it was made.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// The value, 1 to 5 bytes. A check value is not a secret.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// The value in upper-case hexadecimal, without the method.
    #[must_use]
    pub fn hex(&self) -> String {
        use fmt::Write;
        self.bytes().iter().fold(String::new(), |mut text, byte| {
            // Writing to a String does not fail.
            let _ = write!(text, "{byte:02X}");
            text
        })
    }
}

fn encrypted_zeros(cipher: Algorithm, key: &[u8]) -> Result<Secret, KcvError> {
    let mut block = Secret::zeroed(cipher.block_len());
    Cipher::new(cipher, key)?.ecb_encrypt(block.expose_mut())?;
    Ok(block)
}

impl fmt::Display for Kcv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.hex(), self.method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::vectors::{field, of, unhex};

    #[test]
    fn published_values() {
        for (op, method) in [
            ("kcv_des_zero", Method::TdesZero),
            ("kcv_aes_zero", Method::AesZero),
            ("kcv_aes_cmac", Method::AesCmac),
            ("kcv_tdes_cmac", Method::TdesCmac),
        ] {
            for vector in of("kcv.json", op) {
                let kcv = Kcv::compute(method, &field(&vector["inputs"], "key")).unwrap();
                let expected = field(&vector["expected"], "kcv");
                let shown = expected.len().min(method.max_len());
                assert_eq!(
                    kcv.truncated(shown).unwrap().bytes(),
                    &expected[..shown],
                    "{vector}"
                );
            }
        }
    }

    #[test]
    fn the_method_is_printed_with_the_value() {
        let tdes = unhex("0123456789ABCDEFFEDCBA9876543210");
        let kcv = Kcv::compute(Method::TdesZero, &tdes).unwrap();
        assert_eq!(kcv.to_string(), "08D7B4 (ENC-ZERO)");
        let kcv = Kcv::compute(Method::AesCmac, &unhex("FA36E44278DB3AB5F298F9F7DA8F1F88"));
        assert_eq!(kcv.unwrap().to_string(), "D77F007724 (CMAC)");
    }

    #[test]
    fn no_more_than_r7_allows() {
        for (method, max) in [
            (Method::TdesZero, 3),
            (Method::TdesCmac, 3),
            (Method::AesCmac, 5),
            (Method::HmacSha2Vp1, 5),
            (Method::Sha256, 5),
        ] {
            for len in [0, max + 1] {
                assert_eq!(
                    Kcv::from_bytes(method, &vec![1; len]),
                    Err(KcvError::Length { len, max })
                );
            }
        }
        assert!(Kcv::compute(Method::AesCmac, &[1; 8]).is_err());
    }

    /// By `printf 030002KLKL… | xxd -r -p | sha256sum`.
    #[test]
    fn the_pattern_of_an_hmac_key_covers_its_length() {
        let of = |key: &[u8]| Kcv::compute(Method::HmacSha2Vp1, key).map(|kcv| kcv.to_string());
        let key: Vec<u8> = (0..64).collect();
        for (len, expected) in [(32, "D54CAE6D23"), (48, "D758D9FD2F"), (64, "DFFE3BA27C")] {
            assert_eq!(of(&key[..len]).unwrap(), format!("{expected} (SHA2VP1)"));
        }
        for len in [0, 8192] {
            assert_eq!(of(&vec![1; len]), Err(KcvError::HmacLength(len)));
        }
    }

    /// By `printf abc | sha256sum`, the example of FIPS 180-4.
    #[test]
    fn of_a_prime_s_component_it_is_the_plain_hash() {
        let kcv = Kcv::compute(Method::Sha256, b"abc").unwrap();
        assert_eq!(kcv.to_string(), "BA7816BF8F (SHA-256)");
    }
}
