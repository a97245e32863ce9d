//! DER, the few forms of it that a key store has (X.690 10 and 11): definite
//! lengths in their shortest writing, tags of one byte. The reader never goes
//! deeper than its caller asks, so that nesting cannot be a bomb.

use super::StoreError;
use crate::secret::Secret;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OID: u8 = 0x06;
pub(super) const UTF8: u8 = 0x0C;
pub(super) const BMP: u8 = 0x1E;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
/// `[0]`, primitive: an implicit octet string.
pub(super) const CONTEXT_0_PRIMITIVE: u8 = 0x80;
/// `[0]`, constructed.
pub(super) const CONTEXT_0: u8 = 0xA0;

/// One element: its tag, what stands in it, and the whole of it.
#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    pub tag: u8,
    pub value: &'a [u8],
    pub whole: &'a [u8],
}

/// Reads one element after the other.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

const SHORT: StoreError = StoreError::Format("the DER ends too early");

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The tag that comes next.
    pub(super) fn next_tag(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next element, of whatever tag.
    pub(super) fn any(&mut self) -> Result<Element<'a>, StoreError> {
        let [tag, first, after @ ..] = self.rest else {
            return Err(SHORT);
        };
        if tag & 0x1F == 0x1F {
            return Err(StoreError::Format("a DER tag is longer than one byte"));
        }
        let (len, digits) = match *first {
            short @ 0..=0x7F => (usize::from(short), 0),
            0x80 => {
                return Err(StoreError::Format(
                    "this is BER with an open length, not DER; convert it with: openssl pkcs12",
                ));
            }
            long => {
                let digits = usize::from(long & 0x7F);
                let number = after.get(..digits).ok_or(SHORT)?;
                if digits > 4 || number.first() == Some(&0) {
                    return Err(StoreError::Format("a DER length is not in its short form"));
                }
                let len = number.iter().fold(0, |n, b| n << 8 | usize::from(*b));
                if len < 0x80 {
                    return Err(StoreError::Format("a DER length is not in its short form"));
                }
                (len, digits)
            }
        };
        let start = 2 + digits;
        let end = start.checked_add(len).ok_or(SHORT)?;
        let value = self.rest.get(start..end).ok_or(SHORT)?;
        let (whole, rest) = self.rest.split_at_checked(end).ok_or(SHORT)?;
        self.rest = rest;
        Ok(Element {
            tag: *tag,
            value,
            whole,
        })
    }

    /// The next element, which has this tag.
    pub(super) fn take(&mut self, tag: u8) -> Result<&'a [u8], StoreError> {
        let element = self.any()?;
        if element.tag == tag {
            Ok(element.value)
        } else {
            Err(StoreError::Format("a DER element has another tag"))
        }
    }

    /// The next element, opened.
    pub(super) fn open(&mut self, tag: u8) -> Result<Reader<'a>, StoreError> {
        self.take(tag).map(Reader::new)
    }

    /// A positive INTEGER that fits into 32 bits.
    pub(super) fn number(&mut self) -> Result<u32, StoreError> {
        let wrong = StoreError::Format("a number is negative, too large or not in its short form");
        let bytes = self.take(INTEGER)?;
        let [first, rest @ ..] = bytes else {
            return Err(wrong);
        };
        let padded = *first == 0 && rest.first().is_some_and(|next| next & 0x80 == 0);
        if first & 0x80 != 0 || padded || bytes.len() > 5 {
            return Err(wrong);
        }
        let value = bytes.iter().fold(0u64, |n, b| n << 8 | u64::from(*b));
        u32::try_from(value).map_err(|_| wrong)
    }

    /// Nothing may follow.
    pub(super) fn end(self) -> Result<(), StoreError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(StoreError::Format("something follows that does not belong"))
        }
    }
}

/// The one element that these bytes are, opened.
pub(super) fn only(bytes: &[u8], tag: u8) -> Result<Reader<'_>, StoreError> {
    let mut reader = Reader::new(bytes);
    let inside = reader.open(tag)?;
    reader.end()?;
    Ok(inside)
}

fn head(tag: u8, len: usize) -> Vec<u8> {
    let mut head = vec![tag];
    let bytes = len.to_be_bytes();
    let significant = bytes.iter().position(|b| *b != 0).unwrap_or(bytes.len());
    let digits = bytes.get(significant..).unwrap_or_default();
    match (len, u8::try_from(digits.len())) {
        (0..=0x7F, _) => head.push(digits.first().copied().unwrap_or(0)),
        (_, Ok(count)) => {
            head.push(0x80 | count);
            head.extend_from_slice(digits);
        }
        // A usize has eight bytes.
        (_, Err(_)) => {}
    }
    head
}

/// An element with these parts in it.
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let len = parts.iter().map(|part| part.len()).sum();
    let mut out = head(tag, len);
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// An element with something secret in it.
pub(super) fn secret_element(tag: u8, parts: &[&[u8]]) -> Secret {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let head = head(tag, len);
    joined(&[&[head.as_slice()], parts].concat())
}

/// Parts one behind the other, in locked memory.
pub(super) fn joined(parts: &[&[u8]]) -> Secret {
    let len = parts.iter().map(|part| part.len()).sum();
    Secret::from_fn(len, |to| {
        let mut at = 0;
        for part in parts {
            if let Some(place) = to.get_mut(at..at + part.len()) {
                place.copy_from_slice(part);
            }
            at += part.len();
        }
    })
}

/// A positive INTEGER.
pub(super) fn integer(value: u32) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let from = bytes.iter().position(|b| *b != 0).unwrap_or(3);
    let digits = bytes.get(from..).unwrap_or_default();
    let sign: &[u8] = if digits.first().is_some_and(|b| b & 0x80 != 0) {
        &[0]
    } else {
        &[]
    };
    element(INTEGER, &[sign, digits])
}

/// An OBJECT IDENTIFIER, given as the bytes of its content.
pub(super) fn oid(content: &[u8]) -> Vec<u8> {
    element(OID, &[content])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_numbers_have_one_writing() {
        for len in [0usize, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let body = vec![7; len];
            let whole = element(OCTETS, &[&body]);
            assert_eq!(secret_element(OCTETS, &[&body]).expose(), whole);
            let mut reader = Reader::new(&whole);
            assert_eq!(reader.take(OCTETS).unwrap(), body);
            reader.end().unwrap();
        }
        for value in [0, 1, 127, 128, 255, 256, 100_000, u32::MAX] {
            assert_eq!(Reader::new(&integer(value)).number().unwrap(), value);
        }
        for bad in [
            &[4u8, 0x81, 5, 1, 2, 3, 4, 5][..],
            &[4, 0x82, 0, 200],
            &[4, 0x80, 0, 0],
            &[4, 0x85, 1, 0, 0, 0, 0],
            &[4, 0xFF],
            &[4, 2, 1],
            &[4],
            &[0x1F, 0x81, 0],
        ] {
            assert!(Reader::new(bad).any().is_err(), "{bad:02X?}");
        }
        for bad in [
            &[2u8, 1, 0x80][..],
            &[2, 2, 0, 5],
            &[2, 0],
            &[2, 5, 1, 0, 0, 0, 0],
        ] {
            assert!(Reader::new(bad).number().is_err(), "{bad:02X?}");
        }
    }
}
