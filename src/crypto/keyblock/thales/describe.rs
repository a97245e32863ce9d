//! What a Thales key block, or a cryptogram of a scheme, says of itself.

use super::usage::thales_usage;
use super::{ThalesBlock, ThalesReadError, ThalesVersion};
use crate::describe::{Confidence, Described};
use crate::keyblock::header::{Algorithm, Exportability, HEADER_LEN};
use crate::primitive::key_scheme::{Cryptogram, Scheme};

/// Describes the text of one Thales key block, with or without its `S`; line ends
/// and blanks around it are allowed. Nothing here is proven.
#[must_use]
pub fn describe_thales(bytes: &[u8]) -> Option<Described> {
    let text = bytes.trim_ascii();
    let tagged = text.first() == Some(&b'S');
    let block = text.strip_prefix(b"S").unwrap_or(text);
    let fixed = block.get(..HEADER_LEN)?;
    let digits = |range: std::ops::Range<usize>| {
        let part = fixed.get(range);
        part.is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    let known = ThalesVersion::from_char(char::from(fixed[0])).is_some();
    let letters = fixed[5..12].iter().all(u8::is_ascii_alphanumeric);
    if !known || !digits(1..5) || !digits(12..14) || !letters {
        return None;
    }
    // Without its letter many a line of digits begins so.
    if !tagged && fixed[5..12].iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(match ThalesBlock::parse(text) {
        Ok(read) => whole(&read, tagged, block.len()),
        Err(error) => broken(&error),
    })
}

fn broken(error: &ThalesReadError) -> Described {
    let mut said = Described::new(
        "key block of Thales (scheme S), damaged",
        Confidence::Likely,
    );
    said.damaged(error.to_string());
    said
}

fn whole(block: &ThalesBlock, tagged: bool, len: usize) -> Described {
    let header = block.header();
    let of = &header.attributes;
    let digit = header.version.digit();
    let mut said = Described::new(
        format!("key block of Thales (scheme S), version {digit}"),
        Confidence::Certain,
    );
    said.field(
        "version",
        digit.to_string(),
        match header.version {
            ThalesVersion::Tdes => "under TDES, variants; CBC-MAC of 4 bytes",
            ThalesVersion::Aes => "under AES, derived keys; CMAC of 8 bytes",
        },
    );
    said.field("length", len.to_string(), "characters, the S left out");
    let row = thales_usage(of.usage);
    let meaning = row.map_or("not in the maker's table", |row| row.meaning);
    said.field("key usage", of.usage.to_string(), meaning);
    said.field(
        "algorithm",
        of.algorithm.letter().to_string(),
        match of.algorithm {
            Algorithm::Aes => "AES",
            Algorithm::Des => "single DES",
            Algorithm::Tdes => "TDES",
            Algorithm::Hmac => "HMAC",
            Algorithm::Rsa => "RSA",
            Algorithm::Ec => "elliptic curve",
            _ => "",
        },
    );
    said.field(
        "mode of use",
        of.mode.letter().to_string(),
        of.mode.meaning(),
    );
    let version = match of.key_version.is_component() {
        true => "a component, not a whole key",
        false => "00 is none",
    };
    said.field("key version", of.key_version.to_string(), version);
    said.field(
        "exportability",
        of.exportability.letter().to_string(),
        match of.exportability {
            Exportability::Trusted => "under a trusted key",
            Exportability::No => "not at all",
            Exportability::Sensitive => "also under an untrusted key",
            Exportability::Proprietary(_) => "a maker's own",
        },
    );
    let lmk = header.lmk.to_string();
    let meaning = match lmk.as_str() {
        "FF" => "under a key that two share, not under an LMK",
        _ => "the number of the LMK that it is under",
    };
    said.field("LMK", lmk, meaning);
    for optional in header.blocks.iter() {
        let meaning = match optional.id().to_string().as_str() {
            "00" => "key status",
            "03" => "from when it may be used",
            "04" => "until when it may be used",
            "05" => "text",
            "KS" => "key set identifier",
            "KV" => "version of the block",
            _ => "",
        };
        said.field(
            format!("optional block {}", optional.id()),
            optional.data(),
            meaning,
        );
    }
    said.field(
        "encrypted key",
        format!("{} bytes", block.encrypted_len()),
        "with its length and padding: tells which lengths the key may have",
    );
    if !tagged {
        said.unusual("the scheme's letter S in front is missing: some systems want it");
    }
    if of.algorithm == Algorithm::Des {
        said.unusual("single DES is broken");
    }
    if row.is_some_and(|row| !row.allows(of.algorithm, of.mode)) {
        said.unusual("the maker's table does not have this usage with this algorithm and mode");
    }
    if of.algorithm == Algorithm::Aes && header.version == ThalesVersion::Tdes {
        said.unusual("an AES key under TDES: weaker than the key (R6)");
    }
    if of.key_version.is_component() {
        said.unusual("it carries a component, not a key");
    }
    said
}

/// One part behind a `Z`: payShield's letter where nothing else says the length.
fn single(digits: &str) -> Option<Described> {
    let hex = digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    if !hex {
        return None;
    }
    let what = "key without key block, Thales scheme Z: single DES";
    let mut said = Described::new(what, Confidence::Likely);
    said.field("scheme", "Z", "one part by itself (ECB)");
    said.field("key", "8 bytes, encrypted", "under which key is not said");
    said.unusual("single DES is broken: a key of this length is not taken (R5)");
    Some(said)
}

/// Describes a cryptogram without a key block: the letter of a scheme and
/// hexadecimal digits.
#[must_use]
pub fn describe_cryptogram(bytes: &[u8]) -> Option<Described> {
    let text = std::str::from_utf8(bytes.trim_ascii()).ok()?;
    if let Some(digits) = text.strip_prefix('Z') {
        return single(digits);
    }
    let read = Cryptogram::parse(text).ok()?;
    let scheme = read.letter?;
    let what = match scheme {
        Scheme::U | Scheme::T => "key without key block, Thales variant scheme",
        Scheme::X | Scheme::Y => "key without key block, ANSI X9.17 scheme",
    };
    let mut said = Described::new(format!("{what} {scheme}"), Confidence::Likely);
    said.field(
        "scheme",
        scheme.to_string(),
        match scheme {
            Scheme::U => "two parts, each under its own variant of the wrapping key",
            Scheme::T => "three parts, each under its own variant of the wrapping key",
            Scheme::X => "two parts, each by itself (ECB)",
            Scheme::Y => "three parts, each by itself (ECB)",
        },
    );
    said.field(
        "key",
        format!("{} bytes, encrypted", read.bytes.len()),
        "under a zone master key or a pair of an LMK: which one is not said",
    );
    said.unusual("nothing says what the key is for, and nothing authenticates it: PCI PIN 18-3 wants a key block");
    let mut parts: Vec<&[u8]> = read.bytes.chunks_exact(8).collect();
    parts.dedup();
    if !scheme.is_variant() && parts.len() < read.bytes.len() / 8 {
        said.unusual("two parts of the cryptogram are equal: so are those of the key, which is as weak as a shorter one");
    }
    Some(said)
}
