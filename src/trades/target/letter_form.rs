//! A key under a zone master key, as a letter: what stands on the page.

use conclave_evidence::authority::Mode;
use conclave_keyroom::domain::legacy::LegacyException;

use crate::ceremony::exception_words;
use crate::print::check::{LINE_BYTES, line_check};
use crate::print::{Block, Report, Signature};

/// Characters of a line: four groups of four.
const LINE: usize = 16;

/// What a letter says. Nothing of it is secret; the cryptogram is for the
/// recipient alone all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterFacts {
    /// TEST or PRODUCTION.
    pub mode: Mode,
    /// The station.
    pub station: String,
    /// When, as [`crate::print::time_words`] writes it.
    pub made: String,
    /// For whom.
    pub recipient: String,
    /// The key's label.
    pub label: String,
    /// Algorithm, usage, mode of use, exportability.
    pub kind: String,
    /// Its check value and method.
    pub kcv: String,
    /// The wrapping key's label and form.
    pub under: String,
    /// Its check value and method.
    pub under_kcv: String,
    /// `scheme U`, `TR-31 version D`.
    pub format: String,
    /// How sure it is that others read it.
    pub conformance: String,
    /// Scheme letter and hex digits, or a key block.
    pub cryptogram: String,
    /// Why it is no key block, or a deprecated one, where it is so.
    pub exception: Option<LegacyException>,
}

/// TRUE for a cryptogram alone; a deprecated key block is an exception too.
fn is_bare(facts: &LetterFacts) -> bool {
    facts.exception.is_some() && !facts.format.starts_with("TR-31 ")
}

/// A line: its number, its groups of four, its check letter where it has one.
fn rows(facts: &LetterFacts) -> Vec<[String; 3]> {
    let bare = is_bare(facts);
    // A scheme's letter stands before the groups, not in them.
    let text = if bare {
        facts.cryptogram.get(1..).unwrap_or_default()
    } else {
        &facts.cryptogram
    };
    let characters: Vec<char> = text.chars().collect();
    (1u8..)
        .zip(characters.chunks(LINE))
        .map(|(number, line)| {
            let groups: Vec<String> = line.chunks(4).map(|g| g.iter().collect()).collect();
            let check = if bare {
                check_letter(number, line)
            } else {
                None
            };
            [
                number.to_string(),
                groups.join(" "),
                check.map(String::from).unwrap_or_default(),
            ]
        })
        .collect()
}

fn check_letter(number: u8, line: &[char]) -> Option<char> {
    let digits: Option<Vec<u8>> = line
        .iter()
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect();
    let bytes: Vec<u8> = digits?
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect();
    (bytes.len() == LINE_BYTES).then(|| char::from(line_check(number, &bytes)))
}

/// The letter's lines, for reading them from a screen.
#[must_use]
pub fn lines(facts: &LetterFacts) -> Vec<String> {
    let mut lines = vec![
        format!("{}  {}", facts.label, facts.kind),
        format!("KCV {}", facts.kcv),
        format!("under {}, KCV {}", facts.under, facts.under_kcv),
        format!("{}:", facts.format),
    ];
    lines.extend(rows(facts).into_iter().map(|[number, groups, check]| {
        format!("  {number:>2}  {groups}  {check}")
            .trim_end()
            .to_owned()
    }));
    lines
}

/// The letter.
#[must_use]
pub fn key_letter(facts: &LetterFacts) -> Report {
    let fact = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut blocks = vec![
        Block::Facts(vec![
            fact("For", &facts.recipient),
            fact("Key", &facts.label),
            fact("Kind", &facts.kind),
            fact("Check value", &facts.kcv),
            fact("Encrypted under", &facts.under),
            fact("Its check value", &facts.under_kcv),
            fact("Form", &facts.format),
            fact("Conformance", &facts.conformance),
        ]),
        Block::Heading(format!("Cryptogram, {}", facts.format)),
        Block::Typed {
            columns: vec![
                ("Line".into(), 1),
                ("Groups of four".into(), 6),
                ("Check".into(), 1),
            ],
            rows: rows(facts).into_iter().map(Vec::from).collect(),
        },
    ];
    let exception = facts.exception.as_ref();
    blocks.extend(exception.map(|exception| Block::Text(exception_words(exception))));
    let explained = match is_bare(facts) {
        true => {
            "The letter behind each line is its check letter: (line + 1 d1 + 2 d2 + ... + 16 d16) \
             mod 17 in GHJKLMNPQRSTUVWYZ. It is not part of the cryptogram."
        }
        false => "The lines are one key block, without spaces.",
    };
    blocks.push(Block::Text(explained.into()));
    blocks.push(Block::Text(
        "Two people type it, each from the paper. The key is loaded only if it has the check value \
         above."
            .into(),
    ));
    blocks.push(Block::Signatures(vec![
        Signature {
            name: String::new(),
            role: "Key manager".into(),
        },
        Signature {
            name: String::new(),
            role: "Approver".into(),
        },
    ]));
    Report {
        mode: facts.mode,
        station: facts.station.clone(),
        title: format!("Key under a zone master key: {}", facts.label),
        made: facts.made.clone(),
        blocks,
    }
}
