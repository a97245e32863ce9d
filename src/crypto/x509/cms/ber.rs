//! The encoding: DER, and of BER what programs write that do not know a length
//! beforehand (X.690 8.1.3.6, 8.7.3): open lengths, and octets in pieces.
//!
//! Lengths are in their shortest form, tags have one byte, open lengths stand
//! at most [`DEPTH`] deep in one another, pieces are not made of pieces.

use std::ops::Deref;

use zeroize::Zeroizing;

use super::CmsError;

pub const INTEGER: u8 = 0x02;
pub const BITS: u8 = 0x03;
pub const OCTETS: u8 = 0x04;
pub const NULL: u8 = 0x05;
pub const OID: u8 = 0x06;
pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;
/// Octets in pieces.
const OCTETS_IN_PIECES: u8 = 0x24;

/// How deep open lengths may stand in one another.
const DEPTH: usize = 12;

/// `[n]` with elements in it.
pub const fn constructed(n: u8) -> u8 {
    0xA0 | n
}

/// `[n]` with bytes in it.
pub const fn primitive(n: u8) -> u8 {
    0x80 | n
}

/// An AlgorithmIdentifier: the OID's bytes, and its parameters whole.
pub struct AlgorithmId<'a> {
    pub oid: &'a [u8],
    pub parameters: Option<Element<'a>>,
    pub whole: &'a [u8],
}

impl AlgorithmId<'_> {
    /// TRUE without parameters, or with NULL: digests and RSA are written both
    /// ways (RFC 5754).
    pub fn is_plain(&self) -> bool {
        let null = |p: &Element<'_>| p.tag == NULL && p.value.is_empty();
        self.parameters.as_ref().is_none_or(null)
    }
}

/// One element.
#[derive(Clone, Copy)]
pub struct Element<'a> {
    pub tag: u8,
    /// What stands in it, without the end of an open length.
    pub value: &'a [u8],
    pub whole: &'a [u8],
    /// Its length is open.
    pub open: bool,
}

impl<'a> Element<'a> {
    /// What stands in it, element by element.
    pub fn inside(&self) -> Reader<'a> {
        Reader { rest: self.value }
    }

    /// Octets, whole or in pieces; `tag` is that of whole ones.
    pub fn octets(&self, tag: u8) -> Result<Octets<'a>, CmsError> {
        if self.tag == tag && !self.open {
            return Ok(Octets::Whole(self.value));
        }
        let in_pieces = match tag {
            OCTETS => OCTETS_IN_PIECES,
            other => other | 0x20,
        };
        if self.tag != in_pieces {
            return Err(CmsError::Refused);
        }
        // Room for all of them at once: a list that grows leaves copies behind.
        let mut all = Zeroizing::new(Vec::with_capacity(self.value.len()));
        let mut pieces = self.inside();
        while !pieces.is_empty() {
            all.extend_from_slice(pieces.take(OCTETS)?.value);
        }
        Ok(Octets::Joined(all))
    }
}

/// Octets. What was joined of pieces may be a file of cards, so it is wiped.
pub enum Octets<'a> {
    /// As they stand.
    Whole(&'a [u8]),
    /// Of pieces.
    Joined(Zeroizing<Vec<u8>>),
}

impl Deref for Octets<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Whole(whole) => whole,
            Self::Joined(joined) => joined,
        }
    }
}

impl Octets<'_> {
    /// As a list of their own, wiped when dropped.
    pub fn into_list(self) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Whole(whole) => Zeroizing::new(whole.to_vec()),
            Self::Joined(joined) => joined,
        }
    }
}

/// Reads one element after the other.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

/// Tag, length, and where the contents begin; no length where it is open.
fn head(bytes: &[u8]) -> Option<(u8, Option<usize>, usize)> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    if tag & 0x1F == 0x1F || tag == 0 {
        return None;
    }
    match first {
        0..0x80 => Some((tag, Some(usize::from(first)), 2)),
        0x80 => (tag & 0x20 != 0).then_some((tag, None, 2)),
        _ => {
            let digits = usize::from(first & 0x7F);
            let number = rest.get(..digits).filter(|_| digits <= 4)?;
            let len = number.iter().fold(0, |n, b| n << 8 | usize::from(*b));
            let shortest = number.first() != Some(&0) && len >= 0x80;
            shortest.then_some((tag, Some(len), 2 + digits))
        }
    }
}

/// Where an element ends, and where its contents do.
fn extent(bytes: &[u8], depth: usize) -> Option<(u8, usize, usize, usize, bool)> {
    let (tag, len, start) = head(bytes)?;
    if let Some(len) = len {
        let end = start.checked_add(len).filter(|end| *end <= bytes.len())?;
        return Some((tag, start, end, end, false));
    }
    if depth == 0 {
        return None;
    }
    let mut at = start;
    loop {
        let rest = bytes.get(at..)?;
        if rest.starts_with(&[0, 0]) {
            return Some((tag, start, at, at + 2, true));
        }
        let (_, _, _, end, _) = extent(rest, depth - 1)?;
        at += end;
    }
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The tag that comes next.
    pub fn next_tag(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next element, of whatever tag.
    pub fn any(&mut self) -> Result<Element<'a>, CmsError> {
        let (tag, start, end, after, open) = extent(self.rest, DEPTH).ok_or(CmsError::Refused)?;
        let value = self.rest.get(start..end).ok_or(CmsError::Refused)?;
        let (whole, rest) = self.rest.split_at_checked(after).ok_or(CmsError::Refused)?;
        self.rest = rest;
        Ok(Element {
            tag,
            value,
            whole,
            open,
        })
    }

    /// The next element, which has this tag.
    pub fn take(&mut self, tag: u8) -> Result<Element<'a>, CmsError> {
        let element = self.any()?;
        (element.tag == tag)
            .then_some(element)
            .ok_or(CmsError::Refused)
    }

    /// The next element, opened.
    pub fn enter(&mut self, tag: u8) -> Result<Self, CmsError> {
        Ok(self.take(tag)?.inside())
    }

    /// The next element, where it has this tag.
    pub fn maybe(&mut self, tag: u8) -> Result<Option<Element<'a>>, CmsError> {
        if self.next_tag() == Some(tag) {
            self.any().map(Some)
        } else {
            Ok(None)
        }
    }

    /// A version: an INTEGER of one byte.
    pub fn version(&mut self) -> Result<u8, CmsError> {
        match self.take(INTEGER)?.value {
            [number @ 0..0x80] => Ok(*number),
            _ => Err(CmsError::Refused),
        }
    }

    /// An AlgorithmIdentifier.
    pub fn algorithm(&mut self) -> Result<AlgorithmId<'a>, CmsError> {
        let element = self.take(SEQUENCE)?;
        AlgorithmId::of(&element)
    }

    /// Nothing may follow.
    pub fn end(self) -> Result<(), CmsError> {
        self.rest.is_empty().then_some(()).ok_or(CmsError::Refused)
    }
}

impl<'a> AlgorithmId<'a> {
    /// An AlgorithmIdentifier out of a sequence, or of what stands in its place
    /// under another tag.
    pub fn of(element: &Element<'a>) -> Result<Self, CmsError> {
        let mut inside = element.inside();
        let oid = inside.take(OID)?.value;
        let parameters = match inside.is_empty() {
            true => None,
            false => Some(inside.any()?),
        };
        inside.end()?;
        Ok(Self {
            oid,
            parameters,
            whole: element.whole,
        })
    }
}

/// Tag, length and contents in DER.
pub fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let bytes = len.to_be_bytes();
    let first = bytes
        .iter()
        .position(|b| *b != 0)
        .unwrap_or(bytes.len() - 1);
    let mut out = Vec::with_capacity(len + 10);
    out.push(tag);
    match len {
        0..0x80 => out.push(len as u8),
        _ => {
            out.push(0x80 | (bytes.len() - first) as u8);
            out.extend_from_slice(&bytes[first..]);
        }
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// An OBJECT IDENTIFIER, given as the bytes of its content.
pub fn oid(content: &[u8]) -> Vec<u8> {
    element(OID, &[content])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_lengths_end_where_they_end() {
        // SEQUENCE, open: octets in two pieces, and a number.
        let open = [
            0x30, 0x80, 0x24, 0x80, 4, 2, 0, 0, 4, 1, 7, 0, 0, 2, 1, 5, 0, 0, 0xFF,
        ];
        let mut reader = Reader::new(&open);
        let element = reader.any().unwrap();
        assert!(element.open && element.whole.len() == open.len() - 1);
        let mut inside = element.inside();
        let octets = inside.any().unwrap();
        assert_eq!(&*octets.octets(OCTETS).unwrap(), &[0, 0, 7]);
        assert_eq!(inside.version().unwrap(), 5);
        inside.end().unwrap();
        assert!(reader.end().is_err());
    }

    #[test]
    fn what_is_not_taken() {
        let deep: Vec<u8> = std::iter::repeat_n([0x30, 0x80], 5000).flatten().collect();
        for bad in [
            &[0x30, 0x80, 2, 1, 5][..],
            &[0x04, 0x80, 0, 0],
            &[0x30, 0x81, 5, 1, 2, 3, 4, 5],
            &[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
            &[0x30, 0x89, 1, 0, 0, 0, 0, 0, 0, 0, 0],
            &[0x1F, 0x81, 0],
            &[0x30],
            &[],
            &[0, 0],
            &deep,
        ] {
            assert!(Reader::new(bad).any().is_err());
        }
        // Pieces of pieces, and of another tag.
        for bad in [
            &[0x24, 0x80, 0x24, 0x80, 4, 1, 7, 0, 0, 0, 0][..],
            &[0x24, 3, 2, 1, 7],
        ] {
            let element = Reader::new(bad).any().unwrap();
            assert!(element.octets(OCTETS).is_err());
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for len in [0usize, 1, 127, 128, 255, 256, 65_536] {
            let body = vec![9; len];
            let whole = element(OCTETS, &[&body]);
            let read = Reader::new(&whole).any().unwrap();
            assert_eq!(&*read.octets(OCTETS).unwrap(), &body);
        }
    }
}
