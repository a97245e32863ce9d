//! What is this file? Told without a station, without keys, without writing.
//!
//! Each format's recogniser stands beside its parser ([`conclave_crypto::describe`]
//! has the shape of the answer); here is the list of all of them, and what is said
//! of a file that none knows.

mod beside;
mod carried;
mod evidence;
mod hosts;
mod looks;
mod papers;
mod prints;

use conclave_crypto::describe::{Confidence, Described, Recogniser, describe};
use conclave_crypto::{cca, keyblock, keystore, x509};

pub use beside::{MANIFEST_FILE, beside};
pub use looks::looks_like;

/// Every recogniser, the one with the surest marks first.
pub const RECOGNISERS: &[Recogniser] = &[
    evidence::describe,
    carried::describe,
    keyblock::describe_thales,
    keyblock::describe_akb,
    keyblock::describe_cryptogram,
    cca::describe,
    keystore::describe,
    x509::cms::describe,
    x509::describe,
];

/// Largest file that is looked at, in bytes.
pub const FILE_MOST: u64 = 64 << 20;

/// Most lines of a text that are looked at one by one.
const LINES_MOST: usize = 100;

/// Longest line that is looked at, in bytes: more than a key block can have.
const LINE_MOST: usize = 16 * 1024;

/// What was found in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The line, counted from 1, where the file is a text of several.
    pub line: Option<usize>,
    /// All that it may be, the surest first; at least one.
    pub may_be: Vec<Described>,
}

/// Looks at a whole file; where nothing knows it and it is a text, at each line.
#[must_use]
pub fn inspect(bytes: &[u8]) -> Vec<Found> {
    let whole = describe(bytes, RECOGNISERS);
    let paper = prints::describe(bytes)
        .or_else(|| papers::describe(bytes))
        .or_else(|| hosts::describe(bytes));
    if let Some(paper) = paper {
        // Cryptograms belong into a run sheet; what is clear does not.
        let whole = Found {
            line: None,
            may_be: whole,
        };
        let mut found = line_by_line(lines(bytes));
        found.insert(0, whole);
        found.retain(|found| found.may_be.iter().any(|said| said.clear_secret));
        let paper = Found {
            line: None,
            may_be: vec![paper],
        };
        found.insert(0, paper);
        return found;
    }
    let lines = lines(bytes);
    let surest = whole.first().map(|d| d.confidence);
    // A list of blocks is no damaged block: its first line is a whole one.
    let list = || {
        let first = lines.first().map(|(_, line)| describe(line, RECOGNISERS));
        let certain = first.as_ref().and_then(|may_be| may_be.first());
        certain.is_some_and(|d| d.confidence == Confidence::Certain)
    };
    let sure = match surest {
        Some(Confidence::Certain) => true,
        Some(Confidence::Likely) => lines.len() < 2 || !list(),
        _ => false,
    };
    if sure || lines.len() < 2 {
        let found = Found {
            line: None,
            may_be: whole,
        };
        return match found.may_be.is_empty() {
            true => Vec::new(),
            false => vec![found],
        };
    }
    line_by_line(lines)
}

/// What is found in lines.
fn line_by_line(lines: Vec<(usize, &[u8])>) -> Vec<Found> {
    lines
        .into_iter()
        .map(|(line, text)| Found {
            line: Some(line),
            may_be: describe(text, RECOGNISERS),
        })
        .filter(|found| !found.may_be.is_empty())
        .collect()
}

/// The lines of a text that hold something, with their numbers.
fn lines(bytes: &[u8]) -> Vec<(usize, &[u8])> {
    if std::str::from_utf8(bytes).is_err() {
        return Vec::new();
    }
    bytes
        .split(|byte| *byte == b'\n')
        .zip(1..)
        .map(|(line, number)| (number, line.trim_ascii()))
        .filter(|(_, line)| (1..=LINE_MOST).contains(&line.len()))
        .take(LINES_MOST)
        .collect()
}
