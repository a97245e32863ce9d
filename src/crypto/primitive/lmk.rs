//! The variant LMK of a payShield: twenty pairs, and which of them, with which
//! variant, encrypts a key of which type.
//!
//! A key type is a digit and a pair's code, as `209`: variant 2 of the pair with
//! code `09`, which is 28-29. The variant is added (XOR) to the pair's first byte.
//! What is then encrypted under it follows the schemes of
//! [`key_scheme`](super::key_scheme).

use std::fmt;

use crate::secret::Secret;

/// Bytes of one pair.
pub const PAIR_LEN: usize = 16;

/// Added to the first byte of a pair, by the first digit of a key type.
pub const VARIANTS: [u8; 10] = [0, 0xA6, 0x5A, 0x6A, 0xDE, 0x2B, 0x50, 0x74, 0x9C, 0xFA];

/// The pairs of the test LMK that every manual prints, in their order: 00-01 first.
pub const PUBLISHED_TEST_PAIRS: [u128; 20] = [
    0x0101_0101_0101_0101_7902_CD1F_D36E_F8BA,
    0x2020_2020_2020_2020_3131_3131_3131_3131,
    0x4040_4040_4040_4040_5151_5151_5151_5151,
    0x6161_6161_6161_6161_7070_7070_7070_7070,
    0x8080_8080_8080_8080_9191_9191_9191_9191,
    0xA1A1_A1A1_A1A1_A1A1_B0B0_B0B0_B0B0_B0B0,
    0xC1C1_0101_0101_0101_D0D0_0101_0101_0101,
    0xE0E0_0101_0101_0101_F1F1_0101_0101_0101,
    0x1C58_7F1C_1392_4FEF_0101_0101_0101_0101,
    0x0101_0101_0101_0101_0101_0101_0101_0101,
    0x0202_0202_0202_0202_0404_0404_0404_0404,
    0x0707_0707_0707_0707_1010_1010_1010_1010,
    0x1313_1313_1313_1313_1515_1515_1515_1515,
    0x1616_1616_1616_1616_1919_1919_1919_1919,
    0x1A1A_1A1A_1A1A_1A1A_1C1C_1C1C_1C1C_1C1C,
    0x2323_2323_2323_2323_2525_2525_2525_2525,
    0x2626_2626_2626_2626_2929_2929_2929_2929,
    0x2A2A_2A2A_2A2A_2A2A_2C2C_2C2C_2C2C_2C2C,
    0x2F2F_2F2F_2F2F_2F2F_3131_3131_3131_3131,
    0x0101_0101_0101_0101_0101_0101_0101_0101,
];

/// One of the twenty pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pair(u8);

impl Pair {
    /// All of them, 00-01 first.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..20).map(Self)
    }

    /// From its two even and odd numbers, `14-15`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|pair| pair.to_string() == name)
    }

    /// The pair of a code of key types, `00` to `0E`.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        match code {
            0 | 1 => Some(Self(code + 2)),
            2..=0x0E => Some(Self(code + 5)),
            _ => None,
        }
    }

    /// Its code in key types; nothing for pairs that encrypt no keys.
    #[must_use]
    pub fn code(self) -> Option<u8> {
        (0..=0x0E).find(|code| Self::from_code(*code) == Some(self))
    }

    /// The pair of the published test LMK.
    #[must_use]
    pub fn published(self) -> Secret {
        let all = PUBLISHED_TEST_PAIRS.get(usize::from(self.0));
        Secret::take(&mut all.copied().unwrap_or_default().to_be_bytes())
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}-{:02}", self.0 * 2, self.0 * 2 + 1)
    }
}

/// A key type: a variant of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyType {
    variant: u8,
    code: u8,
}

impl KeyType {
    /// From its three characters, a digit and two of upper-case hexadecimal.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let [variant @ b'0'..=b'9', b'0', code] = text.as_bytes() else {
            return None;
        };
        let code = match code {
            b'0'..=b'9' => code - b'0',
            b'A'..=b'E' => code - b'A' + 10,
            _ => return None,
        };
        Some(Self {
            variant: variant - b'0',
            code,
        })
    }

    /// The pair.
    #[must_use]
    pub fn pair(self) -> Pair {
        Pair::from_code(self.code).unwrap_or(Pair(0))
    }

    /// The pair with the variant added, of an LMK's sixteen bytes.
    #[must_use]
    pub fn apply(self, pair: &Secret) -> Secret {
        let mut key = pair.duplicate();
        let variant = VARIANTS.get(usize::from(self.variant)).copied();
        if let Some(first) = key.expose_mut().first_mut() {
            *first ^= variant.unwrap_or_default();
        }
        key
    }

    /// What keys of this type are, where the manuals say so.
    #[must_use]
    pub fn meaning(self) -> Option<&'static str> {
        let text = self.to_string();
        TYPES.iter().find(|(t, _)| *t == text).map(|(_, m)| *m)
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:02X}", self.variant, self.code)
    }
}

const TYPES: [(&str, &str); 35] = [
    ("000", "ZMK"),
    ("100", "ZMK component"),
    ("200", "KML"),
    ("001", "ZPK"),
    ("002", "PVK; TPK and TMK before PCI HSM separation"),
    ("302", "IKEY"),
    ("402", "CVK, CSCK"),
    ("70D", "TPK under PCI HSM separation"),
    ("80D", "TMK under PCI HSM separation"),
    ("90D", "TKR under PCI HSM separation"),
    ("003", "TAK"),
    ("006", "WWK"),
    ("107", "KEK, card issuing"),
    ("207", "KMC"),
    ("307", "SK-ENC"),
    ("407", "SK-MAC"),
    ("507", "SK-DEK"),
    ("607", "ZKA master key"),
    ("807", "MK-KE"),
    ("907", "MK-AS"),
    ("008", "ZAK"),
    ("009", "BDK type 1"),
    ("609", "BDK type 2"),
    ("809", "BDK type 3"),
    ("109", "MK-AC"),
    ("209", "MK-SMI"),
    ("309", "MK-SMC"),
    ("409", "MK-DAC"),
    ("509", "MK-DN"),
    ("709", "MK-CVC3"),
    ("00A", "ZEK"),
    ("00B", "DEK"),
    ("30B", "TEK"),
    ("00C", "RSA private key"),
    ("00D", "MAC of an RSA public key"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::key_scheme::{Scheme, wrap};
    use crate::primitive::vectors::{field, of};

    #[test]
    fn pairs_and_codes() {
        assert_eq!(Pair::all().count(), 20);
        assert_eq!(Pair::from_name("38-39").unwrap().code(), Some(0x0E));
        assert_eq!(Pair::from_name("00-01").unwrap().code(), None);
        assert_eq!(Pair::from_name("08-09").unwrap().code(), None);
        for bad in ["", "14-16", "40-41", "15-16", "1-2"] {
            assert_eq!(Pair::from_name(bad), None, "{bad}");
        }
        for code in 0..=0x0E {
            assert_eq!(Pair::from_code(code).unwrap().code(), Some(code));
        }
        assert_eq!(Pair::from_code(0x0F), None);
    }

    #[test]
    fn key_types() {
        for (text, pair) in [("000", "04-05"), ("209", "28-29"), ("90D", "36-37")] {
            let kind = KeyType::new(text).unwrap();
            assert_eq!(kind.pair().to_string(), pair);
            assert_eq!(kind.to_string(), text);
        }
        for bad in ["", "00", "00F", "A00", "010", "00a", "0000", "00é"] {
            assert_eq!(KeyType::new(bad), None, "{bad}");
        }
        for (text, _) in TYPES {
            assert!(KeyType::new(text).unwrap().meaning().is_some(), "{text}");
        }
        assert_eq!(KeyType::new("00E").unwrap().meaning(), None);
    }

    /// Variant 2 of 28-29 as the manual writes it out, and the cryptograms under
    /// the published pairs.
    #[test]
    fn published_values() {
        let kind = KeyType::new("209").unwrap();
        let key = kind.apply(&kind.pair().published());
        assert!(key.ct_eq(&0x401A_1A1A_1A1A_1A1A_1C1C_1C1C_1C1C_1C1C_u128.to_be_bytes()));
        for vector in of("thales.json", "lmk_encrypt") {
            let letter = vector["inputs"]["scheme"].as_str().unwrap();
            let Some(scheme) = Scheme::from_letter(letter.chars().next().unwrap()) else {
                continue;
            };
            let kind = KeyType::new(vector["inputs"]["key_type"].as_str().unwrap()).unwrap();
            let lmk = kind.apply(&kind.pair().published());
            let mut clear = field(&vector["inputs"], "clear_key");
            let clear = Secret::take(&mut clear);
            let cryptogram = field(&vector["expected"], "cryptogram");
            assert_eq!(wrap(scheme, &lmk, &clear).unwrap(), cryptogram, "{vector}");
        }
    }
}
