//! What a token says of itself, without any key: for people who were given a
//! file and want to know what it is.

use super::control_vector::ControlVector;
use super::des_token::{DesToken, TOKEN_LEN, Wrapping, token_validation_value};
use super::rsa_token::{RsaToken, RsaTokenError};
use crate::describe::{Confidence, Described};

/// What is told, in the tokens' own order.
struct Told(Described);

impl Told {
    fn new(title: &str) -> Self {
        Self(Described::new(title, Confidence::Certain))
    }

    fn tell(&mut self, name: &str, meaning: impl AsRef<str>, unusual: bool) {
        let meaning = meaning.as_ref();
        self.0.field(name, meaning, "");
        if unusual {
            self.0.unusual(format!("{name}: {meaning}"));
        }
    }
}

/// Describes a key token of CCA: DES fixed-length (external and internal), PKA,
/// and the head of a variable-length one. Nothing where the bytes are none.
///
/// A token in hex, as people write one, in one line or several, is told too.
#[must_use]
pub fn describe(bytes: &[u8]) -> Option<Described> {
    let text = bytes.trim_ascii();
    let digits = matches!(
        text,
        [b'0', b'1' | b'2', ..] | [b'1', b'E' | b'F' | b'e' | b'f', ..]
    );
    if digits && text.len() <= 3 * HEX_MOST {
        let packed: Vec<u8> = text
            .iter()
            .copied()
            .filter(|b| !b.is_ascii_whitespace())
            .collect();
        return told(&base16ct::mixed::decode_vec(packed).ok()?);
    }
    told(bytes)
}

/// The longest token that is told in hex, in bytes.
const HEX_MOST: usize = 4096;

fn told(bytes: &[u8]) -> Option<Described> {
    let at = |at: usize| bytes.get(at).copied().unwrap_or_default();
    let said = usize::from(u16::from_be_bytes([at(2), at(3)]));
    match (at(0), at(4)) {
        (0x01 | 0x02, 0x05) if said == bytes.len() && said >= 46 => Some(variable(bytes).0),
        (0x02, 0x10) if bytes.len() == TOKEN_LEN && said == 0 => Some(rkx().0),
        (0x01, 0x04) if bytes.len() == TOKEN_LEN && has_sum(bytes) => Some(aes(bytes).0),
        (0x01 | 0x02, 0x00 | 0x01 | 0x03) if bytes.len() == TOKEN_LEN && has_sum(bytes) => {
            Some(des(bytes).0)
        }
        // A validation value that is off is worth telling where all else fits.
        (0x01 | 0x02, 0x00 | 0x01) if bytes.len() == TOKEN_LEN && looks_like_des(bytes) => {
            Some(des(bytes).0)
        }
        (0x1E | 0x1F, _) if said == bytes.len() && said >= 20 => Some(pka(bytes).0),
        _ => None,
    }
}

fn has_sum(token: &[u8]) -> bool {
    token.get(60..64) == Some(&token_validation_value(token)[..])
}

fn looks_like_des(token: &[u8]) -> bool {
    let zero = [1, 5, 56, 57, 58].into_iter();
    zero.chain(8..16).all(|at| token.get(at) == Some(&0))
        && token.get(6).is_some_and(|flags| flags & 0x9F == 0x80)
}

fn half(token: &[u8], at: usize) -> [u8; 8] {
    let mut half = [0; 8];
    half.iter_mut()
        .zip(token.iter().skip(at))
        .for_each(|(to, byte)| *to = *byte);
    half
}

fn vector_of(token: &[u8], out: &mut Told) {
    let vector = ControlVector {
        left: half(token, 32),
        right: half(token, 40),
    };
    let kind = vector.key_type();
    let unusual = kind.is_none() || vector.is_zero();
    match kind {
        Some(kind) => out.tell(
            "key type",
            format!("{}: {}", kind.name, kind.meaning),
            vector.is_zero(),
        ),
        None => out.tell("key type", "none of the default types", true),
    }
    out.tell("control vector", vector.to_string(), unusual);
    if vector.is_zero() {
        return;
    }
    match vector.key_len() {
        Some(len) => {
            out.tell("key length", format!("{len} bytes"), len == 8);
            if let Err(rule) = vector.check_strictly(len) {
                out.tell("control vector", rule.to_string(), true);
            }
            let is_default = kind.is_some_and(|kind| {
                let default = kind.default_vector(len);
                default.is_ok_and(|default| default == vector || default.without_export() == vector)
            });
            if !is_default {
                out.tell(
                    "control vector",
                    "differs from its type's default: read it bit by bit",
                    true,
                );
            }
        }
        None => out.tell(
            "key length",
            "left and right half of the control vector do not go together",
            true,
        ),
    }
    let export = vector.may_be_exported();
    out.tell(
        "export",
        if export {
            "the key may leave the system it is brought to"
        } else {
            "the key may not leave the system it is brought to"
        },
        false,
    );
    if vector.is_key_part() {
        out.tell("key part", "parts of the key are still to come", true);
    }
    if vector.wants_enhanced() {
        let by_ecb = token.get(7).is_some_and(|flags| flags >> 5 == 0);
        out.tell(
            "wrapping rule",
            "ENH-ONLY: the original wrapping is not allowed for this key",
            by_ecb,
        );
    }
}

fn des(token: &[u8]) -> Told {
    let at = |at: usize| token.get(at).copied().unwrap_or_default();
    let external = at(0) == 0x02;
    let mut out = Told::new(if external {
        "CCA external DES key token, 64 bytes"
    } else {
        "CCA internal DES key token, 64 bytes"
    });
    out.tell(
        "key",
        match (external, at(6) & 0x80 != 0) {
            (true, true) => "under a transport key (KEK)",
            (false, true) => "under the master key of one coprocessor domain",
            (_, false) => "in clear, or none",
        },
        at(6) & 0x80 == 0,
    );
    let clear = at(6) & 0x80 == 0 && (half(token, 16) != [0; 8] || half(token, 48) != [0; 8]);
    if clear {
        out.0
            .clear_secret("a key stands in clear in this token: it is spent");
    }
    out.tell("version", format!("{:02X}", at(4)), at(4) == 0x03);
    let wrapping = match at(7) >> 5 {
        0b000 => Some(Wrapping::Ecb),
        0b001 => Some(Wrapping::Enhanced),
        0b010 => Some(Wrapping::Enhanced2),
        0b011 => Some(Wrapping::Enhanced3),
        _ => None,
    };
    match wrapping {
        Some(wrapping) => out.tell("wrapping", wrapping.to_string(), false),
        None => out.tell("wrapping", format!("unknown: {:02X}", at(7)), true),
    }
    vector_of(token, &mut out);
    if !external {
        let pattern: String = half(token, 8).iter().map(|b| format!("{b:02X}")).collect();
        out.tell("master key verification pattern", pattern, false);
    }
    let repeated = half(token, 16) == half(token, 24) && half(token, 24) != [0; 8];
    if repeated {
        out.tell(
            "key parts",
            "first and second part are encrypted alike: a single-length key in disguise",
            true,
        );
    }
    if has_sum(token) {
        out.tell("token validation value", "right", false);
    } else {
        out.tell("token validation value", "wrong", false);
        out.0
            .damaged("token validation value: wrong, a byte was altered");
    }
    if let (true, Err(rule)) = (external, DesToken::parse(token)) {
        out.tell("not taken here", rule.to_string(), true);
    }
    out
}

fn aes(token: &[u8]) -> Told {
    let mut out = Told::new("CCA internal AES key token, fixed length, 64 bytes");
    let clear = token.get(6).is_some_and(|flags| flags & 0x80 == 0);
    out.tell(
        "key",
        if clear {
            "in clear, or none"
        } else {
            "under the AES master key of one coprocessor domain"
        },
        clear,
    );
    out
}

fn rkx() -> Told {
    let mut out = Told::new("CCA external DES key token of remote key export (RKX)");
    out.tell("not taken here", "its layout is not read", true);
    out
}

fn variable(token: &[u8]) -> Told {
    let at = |at: usize| token.get(at).copied().unwrap_or_default();
    let external = at(0) == 0x02;
    let mut out = Told::new(if external {
        "CCA external variable-length symmetric key token"
    } else {
        "CCA internal variable-length symmetric key token"
    });
    let algorithm = match at(41) {
        0x01 => "DES",
        0x02 => "AES",
        0x03 => "HMAC",
        _ => "unknown",
    };
    out.tell("algorithm", algorithm, algorithm == "unknown");
    let state = match at(8) {
        0x00 => "no key",
        0x01 => "in clear",
        0x02 => "under a transport key (KEK)",
        0x03 => "under the master key of one coprocessor domain",
        _ => "unknown",
    };
    out.tell("key", state, !matches!(at(8), 0x02 | 0x03));
    let kind = match (at(42), at(43)) {
        (0, 1) => "CIPHER",
        (0, 2) => "MAC",
        (0, 3) => "EXPORTER",
        (0, 4) => "IMPORTER",
        _ => "another",
    };
    out.tell(
        "key type",
        format!("{kind} ({:02X}{:02X})", at(42), at(43)),
        false,
    );
    let label = usize::from(at(34));
    if label == 64 {
        let from = 46 + 2 * usize::from(at(44));
        let usage = token.get(from).copied().unwrap_or_default();
        out.tell(
            "usage fields",
            format!("{}; first byte {usage:02X}", at(44)),
            false,
        );
    }
    out.tell(
        "not taken here",
        "AES and HMAC keys come and go in TR-31 key blocks",
        true,
    );
    out
}

fn pka(token: &[u8]) -> Told {
    match RsaToken::parse(token) {
        Ok(key) => {
            let mut out = Told::new("CCA external PKA token, RSA public key");
            out.tell("modulus", format!("{} bits", key.bits()), key.bits() < 2048);
            let exponent: String = key.exponent().iter().map(|b| format!("{b:02X}")).collect();
            let usual = key.exponent() == [1, 0, 1];
            out.tell("exponent", exponent, !usual);
            out
        }
        Err(rule) => {
            let internal = token.first() == Some(&0x1F);
            let mut out = Told::new(if internal {
                "CCA internal PKA token"
            } else {
                "CCA external PKA token"
            });
            let private = matches!(rule, RsaTokenError::Private(_)) || internal;
            if private {
                out.tell("key", "a private key", true);
            }
            out.tell("not taken here", rule.to_string(), true);
            out
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cca::KeyType;
    use crate::primitive::vectors::{field, of, unhex};
    use proptest::prelude::*;

    fn unusual(bytes: &[u8]) -> Vec<String> {
        describe(bytes).unwrap().unusual
    }

    #[test]
    fn published_tokens_are_told() {
        for vector in of("cca.json", "external_des_token") {
            let token = field(&vector["expected"], "token");
            let told = describe(&token).unwrap();
            let name = vector["inputs"]["key_type"].as_str().unwrap();
            assert!(
                told.fields
                    .iter()
                    .any(|f| f.value.starts_with(&format!("{name}:"))),
                "{told:?}"
            );
            let triple = field(&vector["inputs"], "key").len() == 24;
            let expected = usize::from(triple || token[24..32] == [0; 8]);
            assert_eq!(unusual(&token).len(), expected, "{told:?}");
        }
        for vector in of("cca.json", "external_des_token_reject") {
            let token = field(&vector["inputs"], "token");
            assert!(unusual(&token).iter().any(|line| line.contains("altered")));
        }
    }

    #[test]
    fn others_are_told_by_their_kind() {
        let key = KeyType::named("IMPORTER")
            .unwrap()
            .default_vector(16)
            .unwrap();
        let mut internal = vec![0; 64];
        internal[0] = 1;
        internal[6] = 0xC0;
        internal[32..40].copy_from_slice(&key.left);
        internal[40..48].copy_from_slice(&key.right);
        let sum = token_validation_value(&internal);
        internal[60..].copy_from_slice(&sum);
        for (bytes, title) in [
            (internal, "internal DES"),
            (
                unhex("1F00001400000000020000000000000000000000"),
                "internal PKA",
            ),
            (
                unhex("1E00001400000000080000000000000000000000"),
                "external PKA",
            ),
        ] {
            let told = describe(&bytes).unwrap();
            assert!(told.what.contains(title), "{told:?}");
        }
        for bytes in [
            &b""[..],
            b"D0112P0AE00E0000",
            &[0; 64],
            &[0xFF; 64],
            &[1; 64],
        ] {
            assert_eq!(describe(bytes), None);
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_told_or_not(mut bytes in prop::collection::vec(any::<u8>(), 0..100), first in 0u8..3, version in 0u8..6) {
            if let Some(byte) = bytes.first_mut() { *byte = [1, 2, 0x1E][usize::from(first)]; }
            if let Some(byte) = bytes.get_mut(4) { *byte = version; }
            let _ = describe(&bytes);
        }
    }
}
