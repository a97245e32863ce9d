//! Key check values (R7): a value and the method that made it, never apart.

use std::fmt;

use thiserror::Error;

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
}

impl Method {
    /// The cipher of the keys it checks.
    #[must_use]
    pub const fn algorithm(self) -> Algorithm {
        match self {
            Self::TdesZero | Self::TdesCmac => Algorithm::Tdes,
            Self::AesZero | Self::AesCmac => Algorithm::Aes,
        }
    }

    /// Most bytes that may be shown (R7): more would help a search for the key.
    #[must_use]
    pub const fn max_len(self) -> usize {
        match self {
            Self::AesCmac => 5,
            Self::TdesZero | Self::TdesCmac | Self::AesZero => 3,
        }
    }

    /// The method a key of this cipher gets when nobody asks for another.
    #[must_use]
    pub const fn usual(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Tdes => Self::TdesZero,
            Algorithm::Aes => Self::AesCmac,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TdesZero | Self::AesZero => "ENC-ZERO",
            Self::TdesCmac | Self::AesCmac => "CMAC",
        })
    }
}

/// Why there is no check value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KcvError {
    /// The key does not fit the method.
    #[error(transparent)]
    Key(#[from] ModeError),
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
    /// or 5 for AES CMAC.
    pub fn compute(method: Method, key: &[u8]) -> Result<Self, KcvError> {
        let block = Self::block(method, key)?;
        Self::from_bytes(method, &block.expose()[..method.max_len()])
    }

    /// The whole block that a check value is the beginning of. More of it than
    /// R7 allows never leaves the caller.
    pub(super) fn block(method: Method, key: &[u8]) -> Result<Secret, KcvError> {
        let algorithm = method.algorithm();
        let zero = [0; 16];
        let zero = &zero[..algorithm.block_len()];
        match method {
            Method::TdesZero | Method::AesZero => {
                let mut block = Secret::zeroed(algorithm.block_len());
                Cipher::new(algorithm, key)?.ecb_encrypt(block.expose_mut())?;
                Ok(block)
            }
            Method::TdesCmac | Method::AesCmac => Ok(cmac(algorithm, key, zero)?),
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
}
