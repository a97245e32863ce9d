//! Key types of DES keys, with the control vector that each has where nobody
//! chooses another.

use super::control_vector::{ControlVector, CvError, HALF};

/// How the lengths of a key type end its control vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lengths {
    /// 8 bytes.
    Single,
    /// 16 bytes.
    Double,
    /// 16 bytes, halves guaranteed to differ.
    DoubleUnique,
    /// 16 and 24 bytes.
    DoubleTriple,
    /// 16 and 24 bytes; the table prints 24 without ENH-ONLY.
    DoubleTriplePlain,
    /// All three.
    All,
}

impl Lengths {
    fn words(self) -> &'static str {
        match self {
            Self::Single => "8 bytes",
            Self::Double | Self::DoubleUnique => "16 bytes",
            Self::DoubleTriple | Self::DoubleTriplePlain => "16 and 24 bytes",
            Self::All => "8, 16 and 24 bytes",
        }
    }

    /// The last five bytes of left and right half for a key of this length.
    fn ends(self, len: usize) -> Option<([u8; 5], [u8; 5])> {
        const NONE: [u8; 5] = [0; 5];
        const SINGLE: [u8; 5] = [0x00, 0x03, 0x00, 0x00, 0x00];
        const LEFT: [u8; 5] = [0x00, 0x03, 0x41, 0x00, 0x00];
        const RIGHT: [u8; 5] = [0x00, 0x03, 0x21, 0x00, 0x00];
        const LEFT_UNIQUE: [u8; 5] = [0x00, 0x03, 0xC0, 0x00, 0x00];
        const RIGHT_UNIQUE: [u8; 5] = [0x00, 0x03, 0xA0, 0x00, 0x00];
        const TRIPLE: [u8; 5] = [0x00, 0x03, 0x60, 0x00, 0x81];
        const TRIPLE_PLAIN: [u8; 5] = [0x00, 0x03, 0x60, 0x00, 0x00];
        Some(match (self, len) {
            (Self::Single | Self::All, 8) => (SINGLE, NONE),
            (Self::Double | Self::DoubleTriple | Self::DoubleTriplePlain | Self::All, 16) => {
                (LEFT, RIGHT)
            }
            (Self::DoubleUnique, 16) => (LEFT_UNIQUE, RIGHT_UNIQUE),
            (Self::DoubleTriple | Self::All, 24) => (TRIPLE, TRIPLE),
            (Self::DoubleTriplePlain, 24) => (TRIPLE_PLAIN, TRIPLE_PLAIN),
            _ => return None,
        })
    }
}

/// A key type with a default control vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyType {
    /// As KGUP and the services call it.
    pub name: &'static str,
    /// What its keys are for.
    pub meaning: &'static str,
    pub(super) base: [u8; 3],
    lengths: Lengths,
}

const fn row(
    name: &'static str,
    meaning: &'static str,
    base: [u8; 3],
    lengths: Lengths,
) -> KeyType {
    KeyType {
        name,
        meaning,
        base,
        lengths,
    }
}

/// "Default control vector values" of the Application Programmer's Guide.
/// KEYGENKY is missing because it has none: its usage has to be chosen.
pub const DEFAULTS: [KeyType; 28] = [
    row(
        "CIPHER",
        "encrypts and decrypts data",
        [0x00, 0x03, 0x71],
        Lengths::All,
    ),
    row(
        "CIPHERXI",
        "translates ciphertext, inbound",
        [0x00, 0x0C, 0x50],
        Lengths::DoubleUnique,
    ),
    row(
        "CIPHERXL",
        "translates ciphertext, both ways",
        [0x00, 0x0C, 0x71],
        Lengths::DoubleUnique,
    ),
    row(
        "CIPHERXO",
        "translates ciphertext, outbound",
        [0x00, 0x0C, 0x60],
        Lengths::DoubleUnique,
    ),
    row(
        "CVARDEC",
        "cryptographic variable, decrypts",
        [0x00, 0x3F, 0x42],
        Lengths::Single,
    ),
    row(
        "CVARENC",
        "cryptographic variable, encrypts",
        [0x00, 0x3F, 0x48],
        Lengths::Single,
    ),
    row(
        "CVARPINE",
        "cryptographic variable, PIN",
        [0x00, 0x3F, 0x41],
        Lengths::Single,
    ),
    row(
        "CVARXCVL",
        "cryptographic variable, translates left",
        [0x00, 0x3F, 0x44],
        Lengths::Single,
    ),
    row(
        "CVARXCVR",
        "cryptographic variable, translates right",
        [0x00, 0x3F, 0x47],
        Lengths::Single,
    ),
    row(
        "DATA",
        "encrypts, decrypts and MACs data",
        [0x00, 0x00, 0x7D],
        Lengths::All,
    ),
    row(
        "DATAC",
        "encrypts and decrypts data",
        [0x00, 0x00, 0x71],
        Lengths::Double,
    ),
    row(
        "DATAM",
        "makes and verifies MACs",
        [0x00, 0x00, 0x4D],
        Lengths::Double,
    ),
    row(
        "DATAMV",
        "verifies MACs",
        [0x00, 0x00, 0x44],
        Lengths::Double,
    ),
    row(
        "DECIPHER",
        "decrypts data",
        [0x00, 0x03, 0x50],
        Lengths::All,
    ),
    row(
        "DKYGENKY",
        "derives keys of a card (subtype 0)",
        [0x00, 0x71, 0x44],
        Lengths::Double,
    ),
    row(
        "ENCIPHER",
        "encrypts data",
        [0x00, 0x03, 0x60],
        Lengths::All,
    ),
    row(
        "EXPORTER",
        "wraps keys that leave",
        [0x00, 0x41, 0x7D],
        Lengths::DoubleTriple,
    ),
    row(
        "IKEYXLAT",
        "translates keys, inbound",
        [0x00, 0x42, 0x42],
        Lengths::Double,
    ),
    row(
        "IMP-PKA",
        "unwraps private keys",
        [0x00, 0x42, 0x05],
        Lengths::DoubleTriple,
    ),
    row(
        "IMPORTER",
        "unwraps keys that come",
        [0x00, 0x42, 0x7D],
        Lengths::DoubleTriple,
    ),
    row(
        "IPINENC",
        "decrypts PIN blocks that come",
        [0x00, 0x21, 0x5F],
        Lengths::DoubleTriplePlain,
    ),
    row(
        "MAC",
        "makes and verifies MACs",
        [0x00, 0x05, 0x4D],
        Lengths::All,
    ),
    row("MACVER", "verifies MACs", [0x00, 0x05, 0x44], Lengths::All),
    row(
        "OKEYXLAT",
        "translates keys, outbound",
        [0x00, 0x41, 0x42],
        Lengths::Double,
    ),
    row(
        "OPINENC",
        "encrypts PIN blocks that leave",
        [0x00, 0x24, 0x77],
        Lengths::DoubleTriple,
    ),
    row(
        "PINGEN",
        "makes and verifies PINs",
        [0x00, 0x22, 0x7E],
        Lengths::DoubleTriple,
    ),
    row(
        "PINVER",
        "verifies PINs",
        [0x00, 0x22, 0x42],
        Lengths::DoubleTriple,
    ),
    // The left half alone says so much; what a DKYGENKY of another subtype
    // makes has no default.
    row(
        "ZERO-CV",
        "a DATA key of the old form, all zero",
        [0x00, 0x00, 0x00],
        Lengths::All,
    ),
];

impl KeyType {
    /// The type of this name; `ZERO-CV` is no name of IBM's and is not found.
    ///
    /// # Errors
    /// [`CvError::Type`]
    pub fn named(name: &str) -> Result<&'static Self, CvError> {
        DEFAULTS
            .iter()
            .find(|row| row.name == name && !row.is_zero())
            .ok_or_else(|| CvError::Type(name.chars().take(16).collect()))
    }

    pub(super) fn is_zero(&self) -> bool {
        self.base == [0; 3]
    }

    /// The default control vector for a key of `len` bytes.
    ///
    /// # Errors
    /// [`CvError::NoLength`], [`CvError::KeyLength`]
    pub fn default_vector(&self, len: usize) -> Result<ControlVector, CvError> {
        if !matches!(len, 8 | 16 | 24) {
            return Err(CvError::KeyLength(len));
        }
        if self.is_zero() {
            return Ok(ControlVector::ZERO);
        }
        let (left, right) = self.lengths.ends(len).ok_or(CvError::NoLength {
            name: self.name,
            len,
            has: self.lengths.words(),
        })?;
        let half = |end: [u8; 5]| {
            let [a, b, c] = self.base;
            let [d, e, f, g, h] = end;
            [a, b, c, d, e, f, g, h]
        };
        Ok(ControlVector {
            left: half(left),
            right: if len == 8 { [0; HALF] } else { half(right) },
        })
    }
}
