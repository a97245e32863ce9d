//! What a file looks like that nothing recognises.

/// What common files begin with that are no text.
const BEGINNINGS: [(&[u8], &str); 8] = [
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1F\x8B", "a gzip archive"),
    (b"\x7FELF", "a program"),
    (b"MZ\x90", "a Windows program"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xFF\xD8\xFF", "a picture (JPEG)"),
    (b"SQLite format 3\0", "an SQLite database"),
];

/// What common texts begin with.
const TEXTS: [(&str, &str); 4] = [
    ("-----BEGIN PGP", "an OpenPGP message or key"),
    ("<?xml", "XML"),
    ("<", "XML, or something like it"),
    ("ssh-", "a public key of OpenSSH"),
];

/// One line for people. In whatever a text is written, digits that may be a clear key
/// are told.
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
    if let Some(text) = utf16(bytes) {
        let lines = text.lines().count();
        let what = format!("text in UTF-16, {len} bytes in {lines} lines");
        return with_key_line(
            format!("{what}: save it as plain text and try again"),
            &text,
        );
    }
    if let Some(rest) = bytes.strip_prefix(b"\xEF\xBB\xBF") {
        let what = format!("text with a byte order mark, {len} bytes: remove it and try again");
        return with_key_line(what, &String::from_utf8_lossy(rest));
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
    if text.is_empty() {
        return format!("only blanks, {len} bytes");
    }
    let lines = text.lines().count();
    let packed: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if let Some((_, what)) = TEXTS.iter().find(|(begin, _)| text.starts_with(begin)) {
        return with_key_line(format!("{what}, {len} bytes"), text);
    }
    if let Some(label) = text
        .strip_prefix("-----BEGIN ")
        .and_then(|t| t.split("-----").next())
    {
        let label: String = label.chars().take(40).filter(|c| !c.is_control()).collect();
        return with_key_line(format!("PEM text with the label {label:?}"), text);
    }
    if is_hex(&packed) {
        let digits = packed.len();
        let single = match digits {
            16 => ". payShield writes a single DES key so (16H), which is not taken (R5)",
            _ => "",
        };
        return format!(
            "{digits} hexadecimal digits in {lines} lines{}{single}",
            key_like(digits)
        );
    }
    if packed.starts_with(['{', '[']) && packed.ends_with(['}', ']']) {
        return with_key_line(format!("JSON, or something like it, {len} bytes"), text);
    }
    if key_line(text).is_some() {
        return with_key_line(format!("text, {len} bytes in {lines} lines"), text);
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

/// Text of two bytes a character: by its byte order mark, or because every other byte of
/// it is zero.
fn utf16(bytes: &[u8]) -> Option<String> {
    let zeros = |from: usize| {
        let half = bytes.iter().skip(from).step_by(2);
        bytes.len() >= 8 && half.clone().all(|b| *b == 0)
    };
    let (big, rest) = match bytes {
        [0xFE, 0xFF, rest @ ..] => (true, rest),
        [0xFF, 0xFE, rest @ ..] => (false, rest),
        _ if bytes.len().is_multiple_of(2) && zeros(0) && !zeros(1) => (true, bytes),
        _ if bytes.len().is_multiple_of(2) && zeros(1) && !zeros(0) => (false, bytes),
        _ => return None,
    };
    let units = rest.chunks_exact(2).map(|pair| match big {
        true => u16::from_be_bytes([pair[0], pair[1]]),
        false => u16::from_le_bytes([pair[0], pair[1]]),
    });
    let text: String = char::decode_utf16(units).collect::<Result<_, _>>().ok()?;
    let control = |c: char| c.is_control() && !"\r\n\t\u{c}".contains(c);
    (!text.chars().any(control)).then_some(text)
}

/// Adds which line may hold a key, where one does.
fn with_key_line(what: String, text: &str) -> String {
    match key_line(text) {
        Some(at) => format!("{what}; line {at} has hexadecimal digits{KEY_LIKE}"),
        None => what,
    }
}

/// Which line may hold a key, from 1; and never what stands there.
pub(super) fn key_line(text: &str) -> Option<usize> {
    let hex = |word: &str| {
        let digits = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
        digits.unwrap_or(word).len() * usize::from(is_hex(digits.unwrap_or(word)))
    };
    text.lines().zip(1usize..).find_map(|(line, at)| {
        let groups: usize = line.split_whitespace().map(hex).sum();
        let words = line.split(|c: char| !c.is_ascii_alphanumeric());
        let told = words.map(hex).chain([groups]).map(key_like);
        told.into_iter().find(|told| !told.is_empty()).map(|_| at)
    })
}

fn is_hex(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_hexdigit())
}

pub(super) const KEY_LIKE: &str =
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
        let key = "0101010101010101FEFEFEFEFEFEFEFE";
        let wide = |text: &str, big: bool| -> Vec<u8> {
            let pair = |unit: u16| {
                if big {
                    unit.to_be_bytes()
                } else {
                    unit.to_le_bytes()
                }
            };
            text.encode_utf16().flat_map(pair).collect()
        };
        for bytes in [
            format!("{{\"key\": \"{key}\"}}").into_bytes(),
            format!("[{{\n\"zmk\": \"0x{key}\"}}]").into_bytes(),
            format!("<?xml version=\"1.0\"?>\n<key>{key}</key>").into_bytes(),
            format!("<key value=\"{key}\"/>").into_bytes(),
            format!("\u{feff}{key}\r\n").into_bytes(),
            wide(&format!("\u{feff}{key}\r\n"), false),
            wide(&format!("\u{feff}ZMK {key}"), true),
            wide(key, false),
            wide(key, true),
            format!("-----BEGIN WHATEVER-----\n{key}\n").into_bytes(),
        ] {
            let told = looks_like(&bytes);
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
            (b" \r\n\t", "only blanks"),
            (b"0123456789ABCDEF", "16H"),
            (b"<a>b</a>", "XML"),
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
