//! The texts that a station puts into a bundle, and others that it leaves, told by their
//! first lines. Those of a bundle are signed by digest, in the manifest beside them, not
//! in themselves.

use conclave_crypto::card::pan::Pan;
use conclave_crypto::describe::{Confidence, Described};
use conclave_evidence::words::read_digest;

/// Longest text that is looked at, in bytes.
const TEXT_MOST: usize = 4 << 20;

/// First words of a text, what it is, and what it is good for.
const TEXTS: [(&str, &str, &str); 3] = [
    (
        "CONCLAVE EXPORT BUNDLE ",
        "manifest of an export bundle, for people",
        "what is signed is manifest.cbor: conclave-verify checks that this says the same",
    ),
    (
        "RUN SHEET  ",
        "run sheet of an export bundle",
        "what the other side does with the files; conclave-verify checks it with its bundle",
    ),
    (
        "# RECEIPT for ",
        "receipt form of an export bundle",
        "what the other side fills in and sends back; it holds no secret",
    ),
];

/// What the storage engine's settings begin with; a checksum stands behind them.
const ENGINE: &[u8] = b"segment_size: ";

/// Bytes of a segment of the storage engine's file, unless its settings say otherwise.
const SEGMENT: usize = 512 * 1024;

/// The storage engine's file: each segment begins with a checksum, its own place in the
/// log and the place up to which that is stable, both masked.
fn engine_file(bytes: &[u8]) -> Option<Described> {
    const MASK: u64 = i64::MAX.cast_unsigned();
    let place = |at: usize| -> Option<u64> {
        let bytes = bytes.get(at..at + 8)?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?) ^ MASK)
    };
    let (own, stable) = (place(4)?, place(12)?);
    // A log of a terabyte would be another thing. The last segment need not be whole.
    if !own.is_multiple_of(SEGMENT as u64) || own > 1 << 40 || stable > 1 << 40 {
        return None;
    }
    let what = "file of a repository's storage engine (sled)";
    let mut said = Described::new(what, Confidence::Likely);
    let segments = bytes.len().div_ceil(SEGMENT).to_string();
    said.field("segments", segments, "frames of the engine");
    said.field(
        "use",
        "for the program",
        "each record in it is sealed by itself",
    );
    Some(said)
}

/// Words that people read to one another: a digest.
fn words(text: &str) -> Option<Described> {
    let digest = read_digest(text).ok()?;
    if !text
        .bytes()
        .any(|b| b.is_ascii_alphabetic() && !b.is_ascii_hexdigit())
    {
        return None;
    }
    let mut said = Described::new("digest in words, as it is read aloud", Confidence::Likely);
    said.field(
        "digest",
        digest.to_string(),
        "compare it with what it is of: a manifest, the record of a station's founding",
    );
    Some(said)
}

/// A list with a card number in every other line at least: an issuer's file.
fn cards(text: &str) -> Option<Described> {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let has = |line: &&&str| {
        let mut cells = line.split(|c: char| !c.is_ascii_alphanumeric());
        cells.any(|cell| cell.len() >= 13 && Pan::checked(cell).is_ok())
    };
    let count = lines.iter().filter(has).count();
    if count == 0 || 2 * count < lines.len() {
        return None;
    }
    let mut said = Described::new("list of cards, as an issuer sends it", Confidence::Likely);
    said.field("lines", lines.len().to_string(), "");
    said.field("card numbers", count.to_string(), "with a good check digit");
    said.unusual("card numbers stand in it in clear: outside the key room it is encrypted");
    Some(said)
}

/// A text that stands alone: its beginning, what else its head has, what it is, and what
/// it is good for.
const ALONE: [(&str, &str, &str, &str); 1] = [(
    "{\n  \"station\": ",
    "\"mode\": \"TEST\"",
    "account of a demonstration, JSON",
    "what was made, printed and exported, for a look at the files beside it",
)];

fn alone(text: &str) -> Option<Described> {
    // A component on a paper that the demonstration gives a partner.
    if text.starts_with("TEST\ncomponent ") {
        let mut said = Described::new("component of a key, typed out, TEST", Confidence::Likely);
        said.clear_secret("the component stands in it in clear");
        return Some(said);
    }
    let head: String = text.chars().take(600).collect();
    let known = ALONE
        .iter()
        .find(|(begin, has, ..)| head.starts_with(begin) && head.contains(has))?;
    let mut said = Described::new(known.2, Confidence::Likely);
    said.field("use", "to be read", known.3);
    Some(said)
}

/// Describes a text of a bundle, or another one of this house.
#[must_use]
pub fn describe(bytes: &[u8]) -> Option<Described> {
    if let Some(said) = engine_file(bytes) {
        return Some(said);
    }
    if bytes.len() > TEXT_MOST {
        return None;
    }
    if bytes.starts_with(ENGINE) {
        let what = "settings of a repository's storage engine (sled)";
        let mut said = Described::new(what, Confidence::Likely);
        let of = "the repository is the file db beside it, sealed record by record";
        said.field("use", "for the program", of);
        return Some(said);
    }
    let text = std::str::from_utf8(bytes).ok()?;
    if let Some(said) = alone(text).or_else(|| words(text)).or_else(|| cards(text)) {
        return Some(said);
    }
    let first = text.lines().next()?;
    let (head, what, use_of) = TEXTS.iter().find(|(head, ..)| first.starts_with(head))?;
    let mut said = Described::new(*what, Confidence::Likely);
    let rest = first.strip_prefix(head).unwrap_or_default();
    let mut parts = rest.split_whitespace();
    said.field("bundle", parts.next().unwrap_or("not said"), "");
    if let Some(mode) = parts.next() {
        said.field("mode", mode, "");
    }
    let second = text.lines().nth(1).unwrap_or_default();
    let recipient = second.trim_start_matches("# ").strip_prefix("for ");
    if let Some(recipient) = recipient {
        said.field("recipient", recipient, "");
    }
    said.field("use", "to be read", *use_of);
    Some(said)
}
