//! BER-TLV as PIV uses it (ISO 7816-4 section 5.2.2): tags of one or two
//! bytes, lengths of up to two bytes. Only definite, in-bounds lengths.

use zeroize::Zeroizing;

/// One data object and what follows it.
pub struct Tlv<'a> {
    /// One byte or two, as on the wire.
    pub tag: u16,
    /// Its value.
    pub value: &'a [u8],
    /// What follows it.
    pub rest: &'a [u8],
}

/// Takes the first data object; `None` when it is not complete.
#[must_use]
pub fn take(input: &[u8]) -> Option<Tlv<'_>> {
    let (&first, mut input) = input.split_first()?;
    let mut tag = u16::from(first);
    if first & 0x1F == 0x1F {
        let (&second, after) = input.split_first()?;
        if second & 0x80 != 0 {
            return None;
        }
        tag = tag << 8 | u16::from(second);
        input = after;
    }
    let (&length, mut input) = input.split_first()?;
    let length = match length {
        0..=0x7F => usize::from(length),
        0x81 => {
            let (&one, after) = input.split_first()?;
            input = after;
            usize::from(one)
        }
        0x82 => {
            let (two, after) = input.split_first_chunk::<2>()?;
            input = after;
            usize::from(u16::from_be_bytes(*two))
        }
        _ => return None,
    };
    let (value, rest) = input.split_at_checked(length)?;
    Some(Tlv { tag, value, rest })
}

/// The value of the only data object in `input`, which must have this tag and
/// nothing behind it.
#[must_use]
pub fn only(tag: u16, input: &[u8]) -> Option<&[u8]> {
    take(input)
        .filter(|it| it.tag == tag && it.rest.is_empty())
        .map(|it| it.value)
}

/// The value of the first data object with this tag in a sequence.
#[must_use]
pub fn find(tag: u16, mut input: &[u8]) -> Option<&[u8]> {
    while !input.is_empty() {
        let it = take(input)?;
        if it.tag == tag {
            return Some(it.value);
        }
        input = it.rest;
    }
    None
}

/// Appends one data object. `value` is at most 65,535 bytes: the callers hold
/// smaller bounds.
pub fn put(out: &mut Zeroizing<Vec<u8>>, tag: u16, value: &[u8]) {
    let length = value.len();
    // Room first, so that growing leaves no unwiped copy behind.
    let mut grown = Zeroizing::new(Vec::with_capacity(out.len() + length + 6));
    grown.extend_from_slice(out);
    if tag > 0xFF {
        grown.push((tag >> 8) as u8);
    }
    grown.push(tag as u8);
    if length < 0x80 {
        grown.push(length as u8);
    } else if length < 0x100 {
        grown.extend_from_slice(&[0x81, length as u8]);
    } else {
        grown.extend_from_slice(&[0x82, (length >> 8) as u8, length as u8]);
    }
    grown.extend_from_slice(value);
    *out = grown;
}

/// One data object.
#[must_use]
pub fn object(tag: u16, value: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::new());
    put(&mut out, tag, value);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_at_their_edges_come_back() {
        for length in [0, 1, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF] {
            let value = vec![0xA5; length];
            for tag in [0x53, 0x7F49] {
                assert_eq!(only(tag, &object(tag, &value)), Some(&value[..]));
            }
        }
    }

    #[test]
    fn malformed_objects_are_refused() {
        for (name, bytes) in [
            ("empty", &[][..]),
            ("tag alone", &[0x53]),
            ("half a tag", &[0x7F]),
            ("three-byte tag", &[0x7F, 0x81, 0x01, 0x00]),
            ("length beyond the end", &[0x53, 0x02, 0x00]),
            ("indefinite length", &[0x53, 0x80, 0x00, 0x00]),
            ("half a long length", &[0x53, 0x82, 0x00]),
            ("three-byte length", &[0x53, 0x83, 0x00, 0x00, 0x01, 0x00]),
        ] {
            assert!(take(bytes).is_none(), "{name}");
        }
        assert!(only(0x53, &[0x53, 0x00, 0x00]).is_none(), "trailing byte");
        assert!(only(0x53, &[0x54, 0x00]).is_none(), "other tag");
        assert!(find(0x53, &[0x54, 0x01, 0x00, 0x53]).is_none());
    }
}
