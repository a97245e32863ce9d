//! Long values in parts, for the engine.
//!
//! sled writes a page of more than 128 KiB into a file of its own and never
//! syncs that one: after a power cut its content is gone, and with it every
//! value of the page, old ones too. A page has up to 20 values, so no value
//! that sled sees is longer than [`PART`].
//!
//! A value is cut into parts of [`PART`] bytes, of which the last is shorter,
//! and may be empty. The first stands at the key, the others at places of
//! their own. A value that is longer than one part was written before there
//! were parts, and is whole.

/// The length of every part but the last.
pub(super) const PART: usize = 4096;

/// Places of parts begin with this byte; no key of a caller does.
pub(super) const PLACES: &[u8] = &[0xFF];

/// Whether a caller may use this key.
pub(super) fn is_key(key: &[u8]) -> bool {
    !key.starts_with(PLACES) && u16::try_from(key.len()).is_ok()
}

/// Whether more parts follow on what stands at a key.
pub(super) fn follows(part: &[u8]) -> bool {
    part.len() == PART
}

/// Where the parts after the first of this key stand.
pub(super) fn places(key: &[u8]) -> Vec<u8> {
    let length = u16::try_from(key.len()).unwrap_or(u16::MAX);
    [PLACES, &length.to_be_bytes(), key].concat()
}

/// A value as pairs of place and part.
pub(super) fn cut<'a>(key: &[u8], value: &'a [u8]) -> Vec<(Vec<u8>, &'a [u8])> {
    let mut pairs = Vec::new();
    let mut rest = value;
    loop {
        let place = match u32::try_from(pairs.len()) {
            Ok(0) => key.to_vec(),
            number => [
                places(key).as_slice(),
                &number.unwrap_or(u32::MAX).to_be_bytes(),
            ]
            .concat(),
        };
        let (part, after) = rest.split_at(rest.len().min(PART));
        pairs.push((place, part));
        if !follows(part) {
            return pairs;
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_but_the_last_is_full() {
        for (length, expected) in [
            (0, vec![0]),
            (PART - 1, vec![PART - 1]),
            (PART, vec![PART, 0]),
            (2 * PART + 5, vec![PART, PART, 5]),
        ] {
            let value = vec![7; length];
            let pairs = cut(b"k", &value);
            let lengths: Vec<usize> = pairs.iter().map(|(_, part)| part.len()).collect();
            assert_eq!(lengths, expected);
            assert!(pairs.is_sorted());
            let parts: Vec<&[u8]> = pairs.iter().map(|(_, part)| *part).collect();
            assert_eq!(parts.concat(), value);
        }
    }

    #[test]
    fn the_places_of_two_keys_never_meet() {
        let value = vec![1; 3 * PART];
        let long = [b"k".as_slice(), &[0, 0, 0, 1]].concat();
        for (place, _) in cut(&long, &value).iter().skip(1) {
            assert!(!place.starts_with(&places(b"k")));
            assert!(!is_key(place));
        }
    }
}
