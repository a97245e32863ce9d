//! The key that protects key blocks, and what it may protect.

use super::error::{RuleError, WrapError};
use super::header::{Algorithm, Version};
use crate::primitive::modes::Algorithm as Cipher;
use crate::secret::Secret;

/// A key block protection key. Its cipher decides which versions it writes and
/// reads.
pub struct Kbpk {
    cipher: Cipher,
    key: Secret,
}

/// The version that is written where none is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Written {
    /// Under TDES.
    B,
    /// Under AES.
    D,
}

impl From<Written> for Version {
    fn from(written: Written) -> Self {
        match written {
            Written::B => Self::B,
            Written::D => Self::D,
        }
    }
}

impl Kbpk {
    /// A protection key: TDES of 16 or 24 bytes, AES of 16, 24 or 32.
    pub fn new(cipher: Cipher, key: Secret) -> Result<Self, WrapError> {
        let len = key.len();
        let single = cipher == Cipher::Tdes && len == 8;
        if single || !cipher.takes_key_len(len) {
            return Err(WrapError::KbpkLength { cipher, len });
        }
        Ok(Self { cipher, key })
    }

    /// Its cipher.
    #[must_use]
    pub fn cipher(&self) -> Cipher {
        self.cipher
    }

    /// The version of the blocks it writes where none is asked for.
    #[must_use]
    pub fn writes(&self) -> Written {
        match self.cipher {
            Cipher::Tdes => Written::B,
            Cipher::Aes => Written::D,
        }
    }

    /// Its bytes, for derivation and check value.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.key
    }

    /// Whether it may protect a key of that algorithm and length: see
    /// [`check_rule`].
    pub fn may_protect(&self, algorithm: Algorithm, len: usize) -> Result<(), RuleError> {
        check_rule(self.cipher, self.key.len(), algorithm, len)
    }
}

/// Strength in bits as X9.24-1 and SP 800-57 rank keys; only the order counts.
const fn strength(cipher: Cipher, len: usize) -> u16 {
    match (cipher, len) {
        (Cipher::Aes, len) => (len * 8) as u16,
        (Cipher::Tdes, 8) => 56,
        (Cipher::Tdes, 16) => 80,
        (Cipher::Tdes, _) => 112,
    }
}

/// Most bits of strength that an HMAC key has with SHA-256, SHA-384 and SHA-512 alike
/// (SP 800-57 part 1 revision 5, table 3).
const HMAC_MOST: usize = 256;

/// R6: the protection key is at least as strong as the key, and no AES key goes
/// under TDES. Asked of keys whose length tells their strength (DES, TDES, AES,
/// HMAC); others pass.
pub fn check_rule(
    cipher: Cipher,
    kbpk_len: usize,
    algorithm: Algorithm,
    key_len: usize,
) -> Result<(), RuleError> {
    let of_key = match algorithm {
        Algorithm::Aes if cipher == Cipher::Tdes => return Err(RuleError::AesUnderTdes),
        Algorithm::Aes => strength(Cipher::Aes, key_len),
        Algorithm::Des | Algorithm::Tdes => strength(Cipher::Tdes, key_len),
        Algorithm::Hmac => (key_len * 8).min(HMAC_MOST) as u16,
        _ => return Ok(()),
    };
    let of_kbpk = strength(cipher, kbpk_len);
    if of_kbpk < of_key {
        return Err(RuleError::WeakerKbpk {
            kbpk: of_kbpk,
            key: of_key,
        });
    }
    Ok(())
}
