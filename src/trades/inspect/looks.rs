//! What a file looks like that nothing recognises.

/// What common files begin with.
const BEGINNINGS: [(&[u8], &str); 12] = [
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1F\x8B", "a gzip archive"),
    (b"\x7FELF", "a program"),
    (b"MZ", "a Windows program"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xFF\xD8\xFF", "a picture (JPEG)"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"-----BEGIN PGP", "an OpenPGP message or key"),
    (b"<?xml", "XML"),
    (b"ssh-", "a public key of OpenSSH"),
    (
        b"\xEF\xBB\xBF",
        "text with a byte order mark: remove it and try again",
    ),
];

/// One line for people.
#[must_use]
pub fn looks_like(bytes: &[u8]) -> String {
    let len = bytes.len();
    if bytes.is_empty() {
        return "an empty file".into();
    }
    if let Some((_, what)) = BEGINNINGS
        .iter()
        .find(|(begin, _)| bytes.starts_with(begin))
    {
        return format!("{what}, {len} bytes");
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return binary(bytes);
    };
    let text = text.trim();
    if text
        .chars()
        .any(|c| c.is_control() && !"\r\n\t\u{c}".contains(c))
    {
        return binary(bytes);
    }
    let lines = text.lines().count();
    let packed: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if let Some(label) = text
        .strip_prefix("-----BEGIN ")
        .and_then(|t| t.split("-----").next())
    {
        let label: String = label.chars().take(40).filter(|c| !c.is_control()).collect();
        return format!("PEM text with the label {label:?}");
    }
    if packed.bytes().all(|b| b.is_ascii_hexdigit()) {
        let digits = packed.len();
        return format!(
            "{digits} hexadecimal digits in {lines} lines{}",
            key_like(digits)
        );
    }
    if packed.starts_with(['{', '[']) && packed.ends_with(['}', ']']) {
        return format!("JSON, or something like it, {len} bytes");
    }
    // Which line, and never what stands there.
    let clear = text.lines().zip(1usize..).find_map(|(line, at)| {
        let groups: String = line.split_whitespace().filter(|w| is_hex(w)).collect();
        let words = line.split(|c: char| !c.is_ascii_alphanumeric());
        let one = words.filter(|w| is_hex(w)).map(str::len);
        let told = one.chain([groups.len()]).map(key_like);
        told.into_iter().find(|told| !told.is_empty()).map(|_| at)
    });
    if let Some(at) = clear {
        return format!(
            "text, {len} bytes in {lines} lines; line {at} has hexadecimal digits{KEY_LIKE}"
        );
    }
    let base64 = |b: u8| b.is_ascii_alphanumeric() || b"+/=".contains(&b);
    if packed.len() >= 40 && packed.len().is_multiple_of(4) && packed.bytes().all(base64) {
        return format!(
            "base64 text of {} bytes: decode it and try again",
            packed.len() / 4 * 3
        );
    }
    format!("text, {len} bytes in {lines} lines")
}

fn is_hex(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_hexdigit())
}

const KEY_LIKE: &str =
    ": as long as a key or a cryptogram. If it is a CLEAR KEY, the file must not exist";

/// Digits that may be a key nobody encrypted.
fn key_like(digits: usize) -> &'static str {
    match digits {
        16 | 32 | 48 | 64 => KEY_LIKE,
        _ => "",
    }
}

fn binary(bytes: &[u8]) -> String {
    let len = bytes.len();
    let first = bytes.first().copied().unwrap_or(0);
    let ebcdic = bytes.iter().filter(|b| matches!(b, 0x40 | 0x81..=0x89 | 0x91..=0x99 | 0xA2..=0xA9 | 0xC1..=0xC9 | 0xD1..=0xD9 | 0xE2..=0xE9 | 0xF0..=0xF9)).count();
    if ebcdic * 10 >= len * 9 && len >= 8 {
        return format!("EBCDIC text, {len} bytes: a text file that was transferred as binary");
    }
    match (first, len) {
        (0x30, 3..) => format!("DER, {len} bytes, of a kind that is not known here"),
        (_, 8 | 16 | 24 | 32) => {
            format!(
                "{len} bytes: as long as a key or a cryptogram. If it is a CLEAR KEY, the file must not exist"
            )
        }
        _ => format!("binary, {len} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::looks_like;

    #[test]
    fn digits_like_a_key_among_other_lines_are_told_and_not_shown() {
        // DES weak keys, as published.
        for text in [
            "component 1 of 3\n0101010101010101FEFEFEFEFEFEFEFE\nKCV 8CA64D\n",
            "KEY=0101010101010101FEFEFEFEFEFEFEFE\nnot encrypted",
            "part\n0101 0101 0101 0101 FEFE FEFE FEFE FEFE\n",
        ] {
            let told = looks_like(text.as_bytes());
            assert!(told.contains("CLEAR KEY"), "{told}");
            assert!(!told.contains("0101"), "{told}");
        }
        for text in ["a letter\nof 24 NOV 2026, KCV 8CA64D", "face\nbeef dead"] {
            assert!(!looks_like(text.as_bytes()).contains("CLEAR"), "{text}");
        }
    }

    #[test]
    fn common_files_are_named() {
        for (bytes, what) in [
            (&b""[..], "an empty file"),
            (b"%PDF-1.7 ...", "a PDF"),
            (b"0123456789ABCDEFFEDCBA9876543210\n", "CLEAR KEY"),
            (&[0x13; 16], "CLEAR KEY"),
            (b"\xC1\xC4\xC4\x40\xD3\xC1\xC2\xC5\xD3\x40", "EBCDIC"),
            (b"{\"a\": 1}", "JSON"),
            (
                b"Dear colleague,\nhere it is.\n",
                "text, 28 bytes in 2 lines",
            ),
            (b"-----BEGIN WHATEVER-----\nAA==\n", "WHATEVER"),
            (b"\x30\x03\x02\x01\x05", "DER"),
            (b"\x00\x01\x02", "binary, 3 bytes"),
        ] {
            let said = looks_like(bytes);
            assert!(said.contains(what), "{said}");
        }
    }
}
