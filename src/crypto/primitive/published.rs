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
            assert!(matches!(bytes.len(), 16 | 24 | 32 | 48 | 64), "{name}");
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

    /// Inputs of the public test vectors that are no keys, where they are as long as one.
    const NO_KEYS: [&str; 6] = [
        "cryptogram",
        "data",
        "enciphered_pin_block",
        "iv",
        "tag_9f10",
        "token",
    ];
    /// Answers that are keys.
    const KEYS: [&str; 16] = [
        "clear_key",
        "data_encryption_key_aes128",
        "data_encryption_key_aes256",
        "derivation_key",
        "derived_key",
        "icc_mk",
        "initial_key",
        "ipek",
        "key",
        "mac_generation_key_aes128",
        "mac_generation_key_aes256",
        "pin_key",
        "pin_key_aes128",
        "pin_key_aes256",
        "session_key",
        "update_key",
    ];

    /// Whatever a field of the vectors has that a station can have as a key.
    fn key_long(value: &serde_json::Value) -> Option<&str> {
        let text = value.as_str()?;
        let hex = text.bytes().all(|b| b.is_ascii_hexdigit());
        (hex && matches!(text.len(), 32 | 48 | 64 | 96 | 128)).then_some(text)
    }

    /// A field that nobody has said is no key counts as one: a new vector brings its
    /// keys onto the list, or its field's name onto the one above.
    #[test]
    fn every_key_of_the_vectors_is_known() {
        let mut count = 0;
        let mut unknown = Vec::new();
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
                let fields = |of: &str| vector[of].as_object().cloned().unwrap_or_default();
                let inputs = fields("inputs")
                    .into_iter()
                    .filter(|(input, _)| !NO_KEYS.contains(&input.as_str()));
                let answers = fields("expected")
                    .into_iter()
                    .filter(|(answer, _)| KEYS.contains(&answer.as_str()));
                for (field, value) in inputs.chain(answers) {
                    let Some(hex) = key_long(&value) else {
                        continue;
                    };
                    count += 1;
                    if named(hex).is_none() {
                        unknown.push(format!("{}: {field} {hex}", vector["id"]));
                    }
                }
            }
        }
        assert!(unknown.is_empty(), "{}", unknown.join("\n"));
        assert!(count > 400, "{count}");
    }

    proptest! {
        #[test]
        fn a_random_key_is_not_published(bytes in prop::collection::vec(any::<u8>(), 16..33)) {
            prop_assert_eq!(published(&Secret::take(&mut bytes.clone())), None);
        }
    }
}
