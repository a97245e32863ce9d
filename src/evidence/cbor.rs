//! Deterministic CBOR (RFC 8949 section 4.2.1): one value, one encoding.

use ciborium::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::ids::Hash;

/// The largest encoding that is read, in bytes.
pub const LARGEST: usize = 64 * 1024 * 1024;

/// So many items are read in any case.
const ITEMS_FREE: usize = 64 * 1024;

/// Beyond those, so many bytes for each item: in memory an item takes tens of
/// bytes, and a small number is one byte to send. Evidence has names, hashes
/// and ciphertexts: its items are longer than this by far.
const BYTES_AN_ITEM: usize = 4;

/// Nested arrays and maps deeper than this are refused.
const DEEPEST: usize = 32;

/// Why bytes are not a value of the expected form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// Longer than [`LARGEST`].
    #[error("larger than {LARGEST} bytes")]
    TooLarge,
    /// Far more items than their bytes account for.
    #[error("more items than its length allows")]
    TooMany,
    /// Not CBOR, truncated, or nested too deeply.
    #[error("not well-formed")]
    Malformed,
    /// Well-formed, but not the deterministic encoding: long forms, unsorted
    /// or duplicate map keys, indefinite lengths, trailing bytes.
    #[error("not the deterministic encoding")]
    NotDeterministic,
    /// Another shape than expected.
    #[error("not of the expected shape: {0}")]
    Shape(String),
    /// A value that has no deterministic encoding here (floats, tags).
    #[error("cannot be encoded: {0}")]
    Unencodable(String),
}

/// Encodes a value deterministically.
///
/// # Errors
/// [`CborError::Unencodable`]
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CborError> {
    let value = Value::serialized(value).map_err(|e| CborError::Unencodable(e.to_string()))?;
    let mut out = Vec::new();
    encode(&value, &mut out, 0)?;
    Ok(out)
}

/// Decodes a value, if it is encoded deterministically and nothing follows it.
///
/// # Errors
/// [`CborError`]
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CborError> {
    if bytes.len() > LARGEST {
        return Err(CborError::TooLarge);
    }
    count_items(bytes)?;
    let value: Value = ciborium::de::from_reader_with_recursion_limit(bytes, 2 * DEEPEST)
        .map_err(|_| CborError::Malformed)?;
    let mut again = Vec::with_capacity(bytes.len());
    encode(&value, &mut again, 0)?;
    if again != bytes {
        return Err(CborError::NotDeterministic);
    }
    value
        .deserialized()
        .map_err(|ciborium::value::Error::Custom(why)| CborError::Shape(why))
}

/// Decodes a value, if encoding it again gives the same bytes: also no unknown
/// key, and nothing left out that has a place.
///
/// # Errors
/// [`CborError`]
pub fn exact<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, CborError> {
    // What encodes to these bytes again is the deterministic encoding; only
    // where it does not, the longer way says why.
    if bytes.len() <= LARGEST
        && count_items(bytes).is_ok()
        && let Ok(value) = ciborium::de::from_reader_with_recursion_limit(bytes, 2 * DEEPEST)
        && to_vec(&value).is_ok_and(|again| again == bytes)
    {
        return Ok(value);
    }
    let value: T = from_slice(bytes)?;
    if to_vec(&value)? != bytes {
        return Err(CborError::Shape(
            "it has a key that is not known, or lacks one".into(),
        ));
    }
    Ok(value)
}

/// Goes over the heads, before anything is built of them. What is not
/// well-formed is left to the decoder.
fn count_items(bytes: &[u8]) -> Result<(), CborError> {
    let most = ITEMS_FREE + bytes.len() / BYTES_AN_ITEM;
    let (mut at, mut items) = (0usize, 0usize);
    while let Some(first) = bytes.get(at) {
        items += 1;
        if items > most {
            return Err(CborError::TooMany);
        }
        let (major, info) = (first >> 5, first & 0x1F);
        let width = match info {
            0..24 => 0,
            24..28 => 1usize << (info - 24),
            31 if (2..6).contains(&major) => return Err(CborError::NotDeterministic),
            _ => return Ok(()),
        };
        let Some(argument) = bytes.get(at + 1..at + 1 + width) else {
            return Ok(());
        };
        at += 1 + width;
        if matches!(major, 2 | 3) {
            let length = match width {
                0 => u64::from(info),
                _ => argument
                    .iter()
                    .fold(0, |number, byte| (number << 8) | u64::from(*byte)),
            };
            at = at.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
        }
    }
    Ok(())
}

/// The tag of a tagged array `[tag, value]`, without reading the value.
#[must_use]
pub fn tag_of(bytes: &[u8]) -> Option<&str> {
    let (length, rest) = match bytes {
        [0x82, short @ 0x60..=0x77, rest @ ..] => (usize::from(short & 0x1F), rest),
        [0x82, 0x78, length, rest @ ..] => (usize::from(*length), rest),
        _ => return None,
    };
    std::str::from_utf8(rest.get(..length)?).ok()
}

/// SHA-256 over the tagged array `[tag, value]`: what is signed or hashed is
/// never a bare concatenation.
///
/// # Errors
/// [`CborError::Unencodable`]
pub fn digest<T: Serialize + ?Sized>(tag: &str, value: &T) -> Result<Hash, CborError> {
    Ok(Hash(Sha256::digest(to_vec(&(tag, value))?).into()))
}

/// The beginning of a byte string of that length, for who hashes it piece by
/// piece.
pub(crate) fn bytes_head(length: usize) -> Vec<u8> {
    let mut out = Vec::new();
    head(2, length as u64, &mut out);
    out
}

fn head(major: u8, number: u64, out: &mut Vec<u8>) {
    let major = major << 5;
    match number {
        0..24 => out.push(major | number.to_be_bytes()[7]),
        24..0x100 => out.extend([major | 24, number.to_be_bytes()[7]]),
        0x100..0x1_0000 => {
            out.push(major | 25);
            out.extend(&number.to_be_bytes()[6..]);
        }
        0x1_0000..0x1_0000_0000 => {
            out.push(major | 26);
            out.extend(&number.to_be_bytes()[4..]);
        }
        _ => {
            out.push(major | 27);
            out.extend(number.to_be_bytes());
        }
    }
}

fn encode(value: &Value, out: &mut Vec<u8>, depth: usize) -> Result<(), CborError> {
    if depth > DEEPEST {
        return Err(CborError::Malformed);
    }
    let length = |n: usize| u64::try_from(n).map_err(|_| CborError::TooLarge);
    match value {
        Value::Integer(number) => {
            let number = i128::from(*number);
            if number >= 0 {
                head(0, u64::try_from(number).map_err(|_| too_wide())?, out);
            } else {
                head(1, u64::try_from(-1 - number).map_err(|_| too_wide())?, out);
            }
        }
        Value::Bytes(bytes) => {
            head(2, length(bytes.len())?, out);
            out.extend(bytes);
        }
        Value::Text(text) => {
            head(3, length(text.len())?, out);
            out.extend(text.as_bytes());
        }
        Value::Array(items) => {
            head(4, length(items.len())?, out);
            for item in items {
                encode(item, out, depth + 1)?;
            }
        }
        Value::Map(pairs) => {
            let mut encoded = Vec::with_capacity(pairs.len());
            for (key, value) in pairs {
                let mut k = Vec::new();
                encode(key, &mut k, depth + 1)?;
                let mut v = Vec::new();
                encode(value, &mut v, depth + 1)?;
                encoded.push((k, v));
            }
            encoded.sort();
            if encoded.windows(2).any(|two| two[0].0 == two[1].0) {
                return Err(CborError::NotDeterministic);
            }
            head(5, length(encoded.len())?, out);
            for (k, v) in encoded {
                out.extend(k);
                out.extend(v);
            }
        }
        Value::Bool(false) => out.push(0xF4),
        Value::Bool(true) => out.push(0xF5),
        Value::Null => out.push(0xF6),
        other => return Err(CborError::Unencodable(format!("{other:?}"))),
    }
    Ok(())
}

fn too_wide() -> CborError {
    CborError::Unencodable("an integer beyond 64 bits".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rfc_8949_appendix_a() {
        let hex = |v: &Value| {
            to_vec(v)
                .map(|b| b.iter().map(|b| format!("{b:02x}")).collect::<String>())
                .unwrap_or_default()
        };
        assert_eq!(hex(&Value::from(0)), "00");
        assert_eq!(hex(&Value::from(23)), "17");
        assert_eq!(hex(&Value::from(24)), "1818");
        assert_eq!(hex(&Value::from(1000)), "1903e8");
        assert_eq!(hex(&Value::from(1_000_000)), "1a000f4240");
        assert_eq!(
            hex(&Value::from(18_446_744_073_709_551_615_u64)),
            "1bffffffffffffffff"
        );
        assert_eq!(hex(&Value::from(-1)), "20");
        assert_eq!(hex(&Value::from(-1000)), "3903e7");
        assert_eq!(hex(&Value::Bytes(vec![1, 2, 3, 4])), "4401020304");
        assert_eq!(hex(&Value::from("IETF")), "6449455446");
        assert_eq!(
            hex(&Value::Array(vec![1.into(), 2.into(), 3.into()])),
            "83010203"
        );
        assert_eq!(
            hex(&Value::Map(vec![
                ("b".into(), Value::Array(vec![2.into(), 3.into()])),
                ("a".into(), 1.into())
            ])),
            "a26161016162820203"
        );
    }

    #[test]
    fn other_encodings_of_the_same_value_are_refused() {
        for bytes in [
            &[0x18, 0x01][..],                     // long form
            &[0x9f, 0x01, 0xff],                   // indefinite array
            &[0xa2, 0x61, 0x62, 1, 0x61, 0x61, 2], // unsorted
            &[0xa2, 0x61, 0x61, 1, 0x61, 0x61, 2], // duplicate
            &[0x01, 0x02],                         // trailing
        ] {
            assert_eq!(
                from_slice::<Value>(bytes),
                Err(CborError::NotDeterministic),
                "{bytes:x?}"
            );
        }
        assert_eq!(
            from_slice::<Value>(&[0x82, 0x01]),
            Err(CborError::Malformed)
        );
        assert_eq!(from_slice::<Value>(&[0x81; 200]), Err(CborError::Malformed));
    }

    #[test]
    fn many_small_items_are_counted_before_they_are_built() {
        let array = |items: usize, unit: &[u8]| {
            let mut bytes = Vec::new();
            head(4, items as u64, &mut bytes);
            (0..items).for_each(|_| bytes.extend(unit));
            bytes
        };
        for unit in [
            &[0x00][..],
            &[0x60],
            &[0x80],
            &[0xA0],
            &[0xF6],
            &[0x41, 0x00],
        ] {
            let few = array(ITEMS_FREE - 1, unit);
            assert!(from_slice::<Value>(&few).is_ok(), "{unit:x?}");
            let many = array(3 * ITEMS_FREE, unit);
            assert_eq!(from_slice::<Value>(&many), Err(CborError::TooMany));
            assert_eq!(exact::<Vec<Value>>(&many), Err(CborError::TooMany));
        }
        // Items as long as those of evidence are as many as fit.
        let long = array(20 * ITEMS_FREE, &[0x64, b'n', b'a', b'm', b'e']);
        assert!(from_slice::<Vec<String>>(&long).is_ok());
        assert!(exact::<Vec<String>>(&long).is_ok());
    }

    #[test]
    fn exact_knows_unknown_keys() {
        #[derive(Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
        struct One {
            a: u8,
            b: Option<u8>,
        }
        let whole = to_vec(&One { a: 1, b: None });
        assert!(whole.is_ok_and(|bytes| exact::<One>(&bytes).is_ok()));
        for bytes in [
            &[0xa1, 0x61, 0x61, 1][..],                                // b is left out
            &[0xa2, 0x61, 0x61, 1, 0x61, 0x63, 0xf6],                  // c instead
            &[0xa3, 0x61, 0x61, 1, 0x61, 0x62, 0xf6, 0x61, 0x63, 1u8], // c too
        ] {
            assert!(matches!(exact::<One>(bytes), Err(CborError::Shape(_))));
        }
    }

    #[test]
    fn tags_are_seen_without_reading_on() {
        assert_eq!(tag_of(&[0x82, 0x61, b'x']), Some("x"));
        assert_eq!(tag_of(&[0x82, 0x78, 1, b'x', 0xFF]), Some("x"));
        assert_eq!(tag_of(&[0x82, 0x62, b'x']), None);
        assert_eq!(tag_of(&[0x81, 0x61, b'x']), None);
        assert_eq!(tag_of(&[]), None);
    }

    proptest! {
        #[test]
        fn what_decodes_encodes_to_the_same_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(value) = from_slice::<Value>(&bytes) {
                prop_assert_eq!(to_vec(&value), Ok(bytes));
            }
        }
    }
}
