//! The header: sixteen characters, then optional blocks (X9.143 clause 6.2).

use std::fmt;

use super::blocks::{self, OptionalBlocks};
use super::error::ReadError;
use crate::primitive::modes::Algorithm as Cipher;

/// Characters of the fixed part of a header.
pub const HEADER_LEN: usize = 16;

/// Most characters of a key block: its length field has four digits.
pub const MAX_LEN: usize = 9999;

/// How a block is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// TDES variants; deprecated.
    A,
    /// TDES, derived keys.
    B,
    /// TDES variants, as A; deprecated.
    C,
    /// AES in CBC, derived keys.
    D,
    /// AES in CTR, derived keys (ISO 20038).
    E,
}

impl Version {
    /// From its letter.
    #[must_use]
    pub const fn from_char(letter: char) -> Option<Self> {
        Some(match letter {
            'A' => Self::A,
            'B' => Self::B,
            'C' => Self::C,
            'D' => Self::D,
            'E' => Self::E,
            _ => return None,
        })
    }

    /// Its letter.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::A => 'A',
            Self::B => 'B',
            Self::C => 'C',
            Self::D => 'D',
            Self::E => 'E',
        }
    }

    /// The cipher of the protection key.
    #[must_use]
    pub const fn cipher(self) -> Cipher {
        match self {
            Self::A | Self::B | Self::C => Cipher::Tdes,
            Self::D | Self::E => Cipher::Aes,
        }
    }

    /// Bytes of the MAC.
    #[must_use]
    pub const fn mac_len(self) -> usize {
        match self {
            Self::A | Self::C => 4,
            Self::B => 8,
            Self::D | Self::E => 16,
        }
    }

    /// What the encrypted bytes come in whole multiples of: CTR needs no padding.
    pub(super) const fn unit(self) -> usize {
        match self {
            Self::E => 1,
            other => other.cipher().block_len(),
        }
    }

    /// What the header's characters come in whole multiples of.
    pub(super) const fn alignment(self) -> usize {
        // ISO 20038 clause A.2.1 makes no exception for CTR.
        self.cipher().block_len()
    }
}

/// Two characters saying what the key is for, as `P0` or, proprietary, `10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Usage([u8; 2]);

impl Usage {
    /// From two upper-case letters or digits; that X9.143 knows them is not
    /// asked, see [`Usage::meaning`].
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        two(text, |c| c.is_ascii_uppercase() || c.is_ascii_digit()).map(Self)
    }

    /// What the standard's table says of it.
    #[must_use]
    pub fn meaning(self) -> Option<&'static str> {
        Some(match &self.0 {
            b"B0" => "base derivation key",
            b"B1" => "initial DUKPT key",
            b"B2" => "base key variant key",
            b"B3" => "key derivation key",
            b"C0" => "card verification key",
            b"D0" => "data encryption",
            b"D1" => "asymmetric data encryption",
            b"D2" => "decimalisation table encryption",
            b"D3" => "sensitive data encryption",
            b"E0" => "EMV issuer master key, application cryptograms",
            b"E1" => "EMV issuer master key, confidentiality",
            b"E2" => "EMV issuer master key, integrity",
            b"E3" => "EMV issuer master key, data authentication code",
            b"E4" => "EMV issuer master key, dynamic numbers",
            b"E5" => "EMV issuer master key, personalisation",
            b"E6" => "EMV issuer master key, other",
            b"I0" => "initialisation vector",
            b"K0" => "key encryption",
            b"K1" => "key block protection key",
            b"K2" => "TR-34 asymmetric key",
            b"K3" => "asymmetric key agreement or wrapping",
            b"K4" => "ISO 20038 key block protection key",
            b"M0" => "ISO 16609 MAC",
            b"M1" => "ISO 9797-1 MAC algorithm 1",
            b"M2" => "ISO 9797-1 MAC algorithm 2",
            b"M3" => "ISO 9797-1 MAC algorithm 3",
            b"M4" => "ISO 9797-1 MAC algorithm 4",
            b"M5" => "ISO 9797-1:1999 MAC algorithm 5",
            b"M6" => "CMAC",
            b"M7" => "HMAC",
            b"M8" => "ISO 9797-1 MAC algorithm 6",
            b"P0" => "PIN encryption",
            b"P1" => "PIN generation",
            b"S0" => "signature key pair",
            b"S1" => "CA key pair",
            b"S2" => "key pair, other",
            b"V0" => "PIN verification, other",
            b"V1" => "PIN verification, IBM 3624",
            b"V2" => "PIN verification, Visa PVV",
            b"V3" => "PIN verification, X9.132 algorithm 1",
            b"V4" => "PIN verification, X9.132 algorithm 2",
            _ => return None,
        })
    }
}

/// The algorithm that the wrapped key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// `A`.
    Aes,
    /// `D`: single DES.
    Des,
    /// `E`: elliptic curve.
    Ec,
    /// `H`: HMAC.
    Hmac,
    /// `R`: RSA.
    Rsa,
    /// `S`: DSA.
    Dsa,
    /// `T`: TDES.
    Tdes,
    /// A digit: proprietary.
    Proprietary(char),
}

impl Algorithm {
    /// From its character.
    #[must_use]
    pub const fn from_char(letter: char) -> Option<Self> {
        Some(match letter {
            'A' => Self::Aes,
            'D' => Self::Des,
            'E' => Self::Ec,
            'H' => Self::Hmac,
            'R' => Self::Rsa,
            'S' => Self::Dsa,
            'T' => Self::Tdes,
            '0'..='9' => Self::Proprietary(letter),
            _ => return None,
        })
    }

    /// Its character.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Aes => 'A',
            Self::Des => 'D',
            Self::Ec => 'E',
            Self::Hmac => 'H',
            Self::Rsa => 'R',
            Self::Dsa => 'S',
            Self::Tdes => 'T',
            Self::Proprietary(digit) => digit,
        }
    }

    /// Whether a key for it may have `len` bytes. A block for TDES with a single
    /// key is read: hosts mark old DES keys so.
    #[must_use]
    pub const fn takes_key_len(self, len: usize) -> bool {
        match self {
            Self::Aes => matches!(len, 16 | 24 | 32),
            Self::Des => len == 8,
            Self::Tdes => matches!(len, 8 | 16 | 24),
            _ => len > 0,
        }
    }

    /// Bytes of its longest key, to which shorter ones are padded so that the
    /// block's length does not tell the key's (X9.143 clause 6.3.2). `None` where
    /// there is no longest.
    #[must_use]
    pub const fn longest_key(self) -> Option<usize> {
        match self {
            Self::Aes => Some(32),
            Self::Des | Self::Tdes => Some(24),
            _ => None,
        }
    }
}

/// What the key may be used to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mode(char);

impl Mode {
    /// One of `BCDEGNSTVXY`, or a digit for a proprietary mode.
    #[must_use]
    pub const fn from_char(letter: char) -> Option<Self> {
        match letter {
            'B' | 'C' | 'D' | 'E' | 'G' | 'N' | 'S' | 'T' | 'V' | 'X' | 'Y' | '0'..='9' => {
                Some(Self(letter))
            }
            _ => None,
        }
    }

    /// Its character.
    #[must_use]
    pub const fn letter(self) -> char {
        self.0
    }

    /// What the standard's table says of it.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self.0 {
            'B' => "encrypt and decrypt",
            'C' => "generate and verify",
            'D' => "decrypt only",
            'E' => "encrypt only",
            'G' => "generate only",
            'N' => "no restriction",
            'S' => "sign only",
            'T' => "sign and decrypt",
            'V' => "verify only",
            'X' => "derive keys",
            'Y' => "create variants",
            _ => "proprietary",
        }
    }
}

/// Whether the key may leave the domain that it was sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exportability {
    /// `E`: under a trusted key.
    Trusted,
    /// `N`: not at all.
    No,
    /// `S`: sensitive, also under an untrusted key.
    Sensitive,
    /// A digit: proprietary.
    Proprietary(char),
}

impl Exportability {
    /// From its character.
    #[must_use]
    pub const fn from_char(letter: char) -> Option<Self> {
        Some(match letter {
            'E' => Self::Trusted,
            'N' => Self::No,
            'S' => Self::Sensitive,
            '0'..='9' => Self::Proprietary(letter),
            _ => return None,
        })
    }

    /// Its character.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Trusted => 'E',
            Self::No => 'N',
            Self::Sensitive => 'S',
            Self::Proprietary(digit) => digit,
        }
    }
}

/// Two characters: `00` for none, `c` and one character for a key component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyVersion([u8; 2]);

impl KeyVersion {
    /// The key has no version.
    pub const NONE: Self = Self(*b"00");

    /// From two letters or digits.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        two(text, |c| c.is_ascii_alphanumeric()).map(Self)
    }

    /// Whether the block carries a component and not a key.
    #[must_use]
    pub const fn is_component(self) -> bool {
        self.0[0] == b'c'
    }
}

fn two(text: &str, good: fn(&u8) -> bool) -> Option<[u8; 2]> {
    let two: [u8; 2] = text.as_bytes().try_into().ok()?;
    two.iter().all(good).then_some(two)
}

fn show(two: [u8; 2], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{}{}", char::from(two[0]), char::from(two[1]))
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self.0, f)
    }
}

impl fmt::Display for KeyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self.0, f)
    }
}

/// What a header says of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Attributes {
    /// What it is for.
    pub usage: Usage,
    /// The algorithm it is a key of.
    pub algorithm: Algorithm,
    /// What it may do.
    pub mode: Mode,
    /// Its version.
    pub key_version: KeyVersion,
    /// Whether it may go further.
    pub exportability: Exportability,
}

impl Attributes {
    /// From the seven characters as they stand in a header, `P0TE00E`,
    /// behind version and length: usage, algorithm, mode, key version,
    /// exportability.
    pub fn parse(text: &str) -> Result<Self, ReadError> {
        fn field<T>(name: &'static str, value: Option<T>) -> Result<T, ReadError> {
            value.ok_or(ReadError::Field(name))
        }
        let mut letters = text.get(2..4).unwrap_or_default().chars();
        let mut next = || letters.next().unwrap_or_default();
        let (algorithm, mode) = (next(), next());
        let last = text.chars().nth(6).unwrap_or_default();
        let parsed = Self {
            usage: field("usage", text.get(..2).and_then(Usage::new))?,
            algorithm: field("algorithm", Algorithm::from_char(algorithm))?,
            mode: field("mode of use", Mode::from_char(mode))?,
            key_version: field("key version", text.get(4..6).and_then(KeyVersion::new))?,
            exportability: field("exportability", Exportability::from_char(last))?,
        };
        field("exportability", (text.len() == 7).then_some(parsed))
    }
}

impl fmt::Display for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}{}{}{}{}",
            self.usage,
            self.algorithm.letter(),
            self.mode.letter(),
            self.key_version,
            self.exportability.letter()
        )
    }
}

/// A header as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// How the block is protected.
    pub version: Version,
    /// What it says of the key.
    pub attributes: Attributes,
    /// The optional blocks in their order, the padding block left out.
    pub blocks: OptionalBlocks,
}

impl Header {
    /// Parses the head of a whole key block, whose length must be as declared;
    /// gives the header and how many characters it has.
    pub(super) fn parse(block: &str) -> Result<(Self, usize), ReadError> {
        let bytes = block.as_bytes();
        let first = block.chars().next().unwrap_or_default();
        let version = Version::from_char(first).ok_or(ReadError::Version(first))?;
        let digits = |range| -> Option<usize> {
            let text: &str = block.get(range)?;
            text.bytes()
                .all(|b| b.is_ascii_digit())
                .then(|| text.parse().ok())?
        };
        let declared = digits(1..5).ok_or(ReadError::LengthField)?;
        if declared != bytes.len() {
            let actual = bytes.len();
            return Err(ReadError::Length { declared, actual });
        }
        let attributes = Attributes::parse(block.get(5..12).unwrap_or_default())?;
        let count = digits(12..14).ok_or(ReadError::Field("number of optional blocks"))?;
        if block.get(14..HEADER_LEN) != Some("00") {
            return Err(ReadError::Reserved);
        }
        let rest = block.get(HEADER_LEN..).unwrap_or_default();
        let (blocks, used) = blocks::parse(rest, count)?;
        let len = HEADER_LEN + used;
        let align = version.alignment();
        if !len.is_multiple_of(align) {
            return Err(ReadError::Alignment { len, block: align });
        }
        let header = Self {
            version,
            attributes,
            blocks,
        };
        Ok((header, len))
    }
}
