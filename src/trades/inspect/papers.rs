//! The texts that a station puts into a bundle, told by their first line, and the papers
//! that it files. They are signed by digest, in the manifest or transcript beside them,
//! not in themselves.

use conclave_crypto::describe::{Confidence, Described};

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

/// What the title of a PDF of the station begins with, and what it is then. Their text
/// stands open in the file.
const TITLES: [(&str, &str, &str); 2] = [
    (
        "Minutes: ",
        "minutes of a station, PDF",
        "conclave-verify compares them with the transcript that lies beside them",
    ),
    (
        "Reconciliation of PIN batch ",
        "reconciliation sheet of a PIN batch, PDF",
        "its digest stands in the journal, signed by both",
    ),
];

/// Longest title that is told, in bytes.
const TITLE_MOST: usize = 120;

/// A PDF that says in its title what it is.
fn pdf(bytes: &[u8]) -> Option<Described> {
    if !bytes.starts_with(b"%PDF-") {
        return None;
    }
    TITLES.iter().find_map(|(head, what, use_of)| {
        let begin = format!("({head}");
        let at = bytes
            .windows(begin.len())
            .position(|at| at == begin.as_bytes())?;
        let title: String = bytes
            .get(at + 1..)?
            .iter()
            .take(TITLE_MOST)
            .map(|b| char::from(*b))
            .take_while(|c| *c != ')')
            .collect();
        let mut said = Described::new(*what, Confidence::Likely);
        said.field("title", title, "");
        said.field("use", "to be read", *use_of);
        Some(said)
    })
}

/// Describes a text of a bundle, or a paper of the station.
#[must_use]
pub fn describe(bytes: &[u8]) -> Option<Described> {
    if let Some(said) = pdf(bytes) {
        return Some(said);
    }
    if bytes.len() > TEXT_MOST {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
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
