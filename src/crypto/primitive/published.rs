//! Keys that are no secret: those of manuals, standards and public tests.
//!
//! A key wrapped under one of them leaves in clear, and a key that is one of them
//! protects nothing. They belong on a TEST station; whoever brings one to another
//! is refused. The list is data, beside this file, and grows by a line.

use super::lmk::Pair;
use crate::secret::Secret;

const LIST: &str = include_str!("published_keys.txt");

/// What this key is known as, if it is published. Parity bits do not count, and a
/// key of three parts of which the third repeats the first is one of two.
#[must_use]
pub fn published(key: &Secret) -> Option<String> {
    let bytes = key.expose();
    let short = match bytes.len() {
        24 if same(&bytes[..8], &bytes[16..]) => &bytes[..16],
        _ => bytes,
    };
    let pair = Pair::all().find(|pair| same(pair.published().expose(), short));
    if let Some(pair) = pair {
        return Some(format!("pair {pair} of the payShield test LMK"));
    }
    lines()
        .find(|(known, _)| same(known, bytes) || same(known, short))
        .map(|(_, name)| name.to_owned())
}

/// Equal but for the parity bits; the time depends on the lengths alone.
fn same(one: &[u8], other: &[u8]) -> bool {
    let differs = one.iter().zip(other).fold(0, |all, (a, b)| all | (a ^ b));
    one.len() == other.len() && differs & 0xFE == 0
}

fn lines() -> impl Iterator<Item = (Vec<u8>, &'static str)> {
    let entries = LIST.lines().filter(|line| !line.starts_with('#'));
    entries.filter_map(|line| {
        let (digits, name) = line.split_once(' ')?;
        let mut bytes = vec![0; digits.len() / 2];
        base16ct::upper::decode(digits, &mut bytes).ok()?;
        Some((bytes, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::vectors::{file, unhex};
    use proptest::prelude::*;

    fn named(hex: &str) -> Option<String> {
        published(&Secret::take(&mut unhex(hex)))
    }

    #[test]
    fn every_line_is_read() {
        let written = LIST.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(lines().count(), written);
        for (bytes, name) in lines() {
            assert!(matches!(bytes.len(), 16 | 24 | 32), "{name}");
            assert!(!name.trim().is_empty());
        }
    }

    #[test]
    fn published_keys_are_known_whatever_their_parity() {
        for hex in [
            "0123456789ABCDEFFEDCBA9876543210",
            "0022446688AACCEEFFDDBB9977553311",
            "0123456789ABCDEFFEDCBA98765432100123456789ABCDEF",
            "61616161616161617070707070707070",
            "60606060606060607171717171717171",
            "2ABC3DEF4567018998107645FED3CBA20123456789ABCDEF",
        ] {
            assert!(named(hex).is_some(), "{hex}");
        }
        let lmk = named("61616161616161617070707070707070").unwrap();
        assert_eq!(lmk, "pair 06-07 of the payShield test LMK");
        assert_eq!(named("0123456789ABCDEFFEDCBA9876543213"), None);
        assert_eq!(named("0123456789ABCDEF"), None);
    }

    /// Inputs of the public test vectors under which others are wrapped or from which
    /// they are derived.
    const MASTERS: [&str; 11] = [
        "kbpk",
        "kek",
        "zmk",
        "lmk",
        "wrapping",
        "bdk",
        "initial_key",
        "imk",
        "iss_mk_ac",
        "iss_mk_smi",
        "iss_mk_smc",
    ];

    #[test]
    fn every_wrapping_and_master_key_of_the_vectors_is_known() {
        let mut count = 0;
        for name in [
            "atalla.json",
            "cca.json",
            "cvv_mac.json",
            "dukpt.json",
            "emv.json",
            "emv_further.json",
            "kcv.json",
            "pin.json",
            "thales.json",
            "tr31.json",
        ] {
            for vector in file(name).as_array().unwrap() {
                for input in MASTERS {
                    let Some(hex) = vector["inputs"][input].as_str() else {
                        continue;
                    };
                    // Keys of these lengths are what a station can have.
                    if matches!(hex.len(), 32 | 48 | 64) {
                        count += 1;
                        assert!(named(hex).is_some(), "{}: {input}", vector["id"]);
                    }
                }
            }
        }
        assert!(count > 140, "{count}");
    }

    proptest! {
        #[test]
        fn a_random_key_is_not_published(bytes in prop::collection::vec(any::<u8>(), 16..33)) {
            prop_assert_eq!(published(&Secret::take(&mut bytes.clone())), None);
        }
    }
}
