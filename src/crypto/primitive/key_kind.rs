//! What a key is a key of, as far as its check value and its components ask: a block
//! cipher, HMAC, which has none, or RSA, of which one prime is split.

use super::modes::Algorithm;

/// A key of a block cipher or of HMAC, or a prime of an RSA pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// DES, single, double or triple length.
    Tdes,
    /// AES.
    Aes,
    /// HMAC (FIPS 198-1), with whichever hash.
    Hmac,
    /// One prime of an RSA pair, from which with the public half all else follows.
    RsaPrime,
}

impl KeyKind {
    /// Key lengths in bytes for which components are made and taken (R2): TDES of two
    /// or three keys, AES of all three lengths, HMAC of the output of SHA-256, SHA-384
    /// and SHA-512, half a modulus of 2048, 3072 or 4096 bits. Single DES is not among
    /// them.
    #[must_use]
    pub const fn takes_len(self, len: usize) -> bool {
        match self {
            Self::Tdes => matches!(len, 16 | 24),
            Self::Aes => Algorithm::Aes.takes_key_len(len),
            Self::Hmac => matches!(len, 32 | 48 | 64),
            Self::RsaPrime => matches!(len, 128 | 192 | 256),
        }
    }

    /// `TDES`, `AES`, `HMAC` or `RSA prime`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tdes => "TDES",
            Self::Aes => "AES",
            Self::Hmac => "HMAC",
            Self::RsaPrime => "RSA prime",
        }
    }
}

impl From<Algorithm> for KeyKind {
    fn from(cipher: Algorithm) -> Self {
        match cipher {
            Algorithm::Tdes => Self::Tdes,
            Algorithm::Aes => Self::Aes,
        }
    }
}
