//! The forms a key's bytes can have.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Algorithm and length of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum KeyForm {
    /// Double-length TDES, 16 bytes, 112 bits.
    #[serde(rename = "TDES-2")]
    Tdes2,
    /// Triple-length TDES, 24 bytes, 168 bits.
    #[serde(rename = "TDES-3")]
    Tdes3,
    /// AES-128, 16 bytes.
    #[serde(rename = "AES-128")]
    Aes128,
    /// AES-192, 24 bytes.
    #[serde(rename = "AES-192")]
    Aes192,
    /// AES-256, 32 bytes.
    #[serde(rename = "AES-256")]
    Aes256,
    /// HMAC with SHA-256, 32 bytes.
    #[serde(rename = "HMAC-SHA256")]
    HmacSha256,
    /// HMAC with SHA-384, 48 bytes.
    #[serde(rename = "HMAC-SHA384")]
    HmacSha384,
    /// HMAC with SHA-512, 64 bytes.
    #[serde(rename = "HMAC-SHA512")]
    HmacSha512,
    /// RSA, whose length stands in the key's record. No symmetric key's form:
    /// nothing wraps it, and its components are those of one prime.
    #[serde(rename = "RSA")]
    Rsa,
}

impl KeyForm {
    /// All forms of symmetric keys.
    pub const ALL: [KeyForm; 8] = [
        Self::Tdes2,
        Self::Tdes3,
        Self::Aes128,
        Self::Aes192,
        Self::Aes256,
        Self::HmacSha256,
        Self::HmacSha384,
        Self::HmacSha512,
    ];
    /// The forms of ciphers' keys, which can wrap others.
    pub const CIPHERS: [KeyForm; 5] = [
        Self::Tdes2,
        Self::Tdes3,
        Self::Aes128,
        Self::Aes192,
        Self::Aes256,
    ];

    /// Length in bytes; 0 for RSA, which has none by its form.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::Tdes2 | Self::Aes128 => 16,
            Self::Tdes3 | Self::Aes192 => 24,
            Self::Aes256 | Self::HmacSha256 => 32,
            Self::HmacSha384 => 48,
            Self::HmacSha512 => 64,
            Self::Rsa => 0,
        }
    }

    /// Key bits: parity bits do not count.
    #[must_use]
    pub fn bits(self) -> u16 {
        match self {
            Self::Tdes2 => 112,
            Self::Tdes3 => 168,
            Self::Aes128 => 128,
            Self::Aes192 => 192,
            Self::Aes256 | Self::HmacSha256 => 256,
            Self::HmacSha384 => 384,
            Self::HmacSha512 => 512,
            Self::Rsa => 0,
        }
    }

    /// TRUE for the TDES forms.
    #[must_use]
    pub fn is_tdes(self) -> bool {
        matches!(self, Self::Tdes2 | Self::Tdes3)
    }

    /// TRUE for the AES forms.
    #[must_use]
    pub fn is_aes(self) -> bool {
        matches!(self, Self::Aes128 | Self::Aes192 | Self::Aes256)
    }

    /// TRUE for the HMAC forms.
    #[must_use]
    pub fn is_hmac(self) -> bool {
        self.hash().is_some()
    }

    /// The hash that an HMAC key is for, and no other: its number in X9.143's optional
    /// block HM, and its name. A form's length is its hash's output.
    #[must_use]
    pub fn hash(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::HmacSha256 => Some(("21", "SHA-256")),
            Self::HmacSha384 => Some(("22", "SHA-384")),
            Self::HmacSha512 => Some(("23", "SHA-512")),
            _ => None,
        }
    }

    /// The letter of its algorithm in a key block's header (X9.143 table 7): `T`, `A`,
    /// `H` or `R`.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Tdes2 | Self::Tdes3 => 'T',
            Self::Aes128 | Self::Aes192 | Self::Aes256 => 'A',
            Self::HmacSha256 | Self::HmacSha384 | Self::HmacSha512 => 'H',
            Self::Rsa => 'R',
        }
    }

    /// `TDES`, `AES`, `HMAC` or `RSA`.
    #[must_use]
    pub fn algorithm(self) -> &'static str {
        match self {
            Self::Tdes2 | Self::Tdes3 => "TDES",
            Self::Aes128 | Self::Aes192 | Self::Aes256 => "AES",
            Self::HmacSha256 | Self::HmacSha384 | Self::HmacSha512 => "HMAC",
            Self::Rsa => "RSA",
        }
    }

    /// Security strength in bits (SP 800-57 part 1 revision 5: table 2, and for HMAC
    /// table 3, by which its keys of SHA-256, SHA-384 and SHA-512 are worth 256 alike:
    /// nothing but AES-256 wraps them).
    #[must_use]
    pub fn strength(self) -> u16 {
        match self {
            Self::Tdes2 => 80,
            Self::Tdes3 | Self::Rsa => 112,
            Self::Aes128 => 128,
            Self::Aes192 => 192,
            Self::Aes256 | Self::HmacSha256 | Self::HmacSha384 | Self::HmacSha512 => 256,
        }
    }

    /// The form of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.name() == name)
    }

    /// Its name on screens and forms.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tdes2 => "TDES-2",
            Self::Tdes3 => "TDES-3",
            Self::Aes128 => "AES-128",
            Self::Aes192 => "AES-192",
            Self::Aes256 => "AES-256",
            Self::HmacSha256 => "HMAC-SHA256",
            Self::HmacSha384 => "HMAC-SHA384",
            Self::HmacSha512 => "HMAC-SHA512",
            Self::Rsa => "RSA",
        }
    }
}

impl fmt::Display for KeyForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
