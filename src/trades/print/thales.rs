//! Print formats of Thales payShield (the data of the host commands PA and PC),
//! read into a layout file.
//!
//! `>L` a line down, `>nnn` to column nnn, `>F` the end of the form, `^0` to
//! `^F` a field that the host sends, `^P` the PIN, `^Q` the PIN of the second
//! form beside the first, `|n` and n bytes in hex a printer command; all else is
//! printed as it stands. At most 299 symbols and constants. What other symbols
//! mean is not publicly documented, and is not guessed: they are faults.

use std::collections::BTreeMap;

use super::escape::{EscapeLanguage, allowed};
use super::field::FieldName;
use super::layout::Area;
use super::layout_file::bytes;
use super::thales_layout::{Part, layout_text};

/// Most symbols and constants of a format.
pub const MOST_SYMBOLS: usize = 299;

/// What the format does not say.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// The layout's name.
    pub name: String,
    /// Lines of a form.
    pub lines: usize,
    /// Columns of the paper.
    pub columns: usize,
    /// Most digits of a PIN.
    pub pin_digits: usize,
    /// What the host's fields are; those not named stay numbered.
    pub fields: BTreeMap<u8, FieldName>,
    /// Where the form can be read without opening it.
    pub outside: Vec<Area>,
}

/// A fault of a print format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}, {symbol:?}: {what}")]
pub struct ImportFault {
    /// Where, in characters from 1; line ends do not count.
    pub at: usize,
    /// The symbol or text.
    pub symbol: String,
    /// What is wrong with it.
    pub what: String,
}

/// What stands at a place of the format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Held {
    Text(String),
    Host(u8),
    Pin,
    SecondPin,
    Escape(Vec<u8>),
}

/// One of its items.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub at: usize,
    pub line: usize,
    pub column: usize,
    pub bold: bool,
    pub held: Held,
}

/// What the commands at the beginning set for the whole form.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pitch {
    pub columns: usize,
    pub lines: usize,
}

struct Reader {
    found: Vec<Found>,
    faults: Vec<ImportFault>,
    pitch: Pitch,
    line: usize,
    /// `None` behind a field, whose length the format does not say.
    column: Option<usize>,
    bold: bool,
    symbols: usize,
}

/// Reads a print format and writes it as a layout file. The file may still lack
/// what the format cannot say: hold it to the rules with
/// [`Layout::read`](super::Layout::read).
///
/// # Errors
/// Each [`ImportFault`], with its place.
pub fn import(format: &str, options: &ImportOptions) -> Result<String, Vec<ImportFault>> {
    let symbols: Vec<char> = format
        .chars()
        .filter(|c| !matches!(c, '\r' | '\n'))
        .collect();
    let mut reader = Reader {
        found: Vec::new(),
        faults: Vec::new(),
        pitch: Pitch {
            columns: 10,
            lines: 6,
        },
        line: 1,
        column: Some(1),
        bold: false,
        symbols: 0,
    };
    // A file of megabytes is no format; its faults would be as many.
    if symbols.len() > 64 * MOST_SYMBOLS {
        reader.fault(1, "", &format!("longer than {MOST_SYMBOLS} symbols"));
        return Err(reader.faults);
    }
    let mut at = 0;
    let mut ended = false;
    while let Some(symbol) = symbols.get(at) {
        let rest = symbols.get(at..).unwrap_or_default();
        reader.symbols += 1;
        if ended {
            let left: String = rest.iter().take(8).collect();
            reader.fault(at + 1, &left, "stands behind the form feed");
            break;
        }
        at += match symbol {
            '>' => reader.motion(at + 1, rest, &mut ended),
            '^' => reader.field(at + 1, rest),
            '|' => reader.command(at + 1, rest),
            _ => reader.text(at + 1, *symbol),
        };
    }
    if reader.symbols > MOST_SYMBOLS {
        let what = format!(
            "{} symbols; a payShield takes {MOST_SYMBOLS}",
            reader.symbols
        );
        reader.fault(1, "", &what);
    }
    let parts = Part::of(&reader.found, options);
    if !reader.faults.is_empty() {
        return Err(reader.faults);
    }
    layout_text(&parts?, reader.pitch, options)
}

impl Reader {
    fn fault(&mut self, at: usize, symbol: &str, what: &str) {
        self.faults.push(ImportFault {
            at,
            symbol: symbol.to_owned(),
            what: what.to_owned(),
        });
    }

    fn put(&mut self, at: usize, symbol: &str, held: Held) {
        // A command takes no room: behind a field it stands behind it, however
        // long that is.
        let behind = match (&held, self.found.last()) {
            (Held::Escape(_), Some(last)) if last.line == self.line => Some(last.column + 1),
            _ => None,
        };
        let Some(column) = self.column.or(behind) else {
            self.fault(
                at,
                symbol,
                "stands behind a field of unknown length; put a >nnn before it",
            );
            return;
        };
        self.found.push(Found {
            at,
            line: self.line,
            column,
            bold: self.bold,
            held,
        });
    }

    /// `>`; gives how many characters it took.
    fn motion(&mut self, at: usize, rest: &[char], ended: &mut bool) -> usize {
        match rest.get(1) {
            Some('L') => {
                self.line += 1;
                self.column = Some(1);
                2
            }
            Some('F') => {
                *ended = true;
                2
            }
            Some(digit) if digit.is_ascii_digit() => {
                let digits: String = rest
                    .iter()
                    .skip(1)
                    .take(3)
                    .take_while(|c| c.is_ascii_digit())
                    .collect();
                match digits.parse::<usize>() {
                    Ok(column) if digits.len() == 3 && column > 0 => self.column = Some(column),
                    _ => self.fault(at, &format!(">{digits}"), "is not a column of three digits"),
                }
                1 + digits.len()
            }
            other => {
                let symbol: String = std::iter::once('>').chain(other.copied()).collect();
                self.fault(at, &symbol, "is no symbol whose meaning is documented");
                1 + usize::from(other.is_some())
            }
        }
    }

    fn field(&mut self, at: usize, rest: &[char]) -> usize {
        let held = match rest.get(1) {
            Some('P') => Held::Pin,
            Some('Q') => Held::SecondPin,
            Some(digit @ ('0'..='9' | 'A'..='F')) => {
                let number = digit.to_digit(16).and_then(|d| u8::try_from(d).ok());
                Held::Host(number.unwrap_or(0))
            }
            other => {
                let symbol: String = std::iter::once('^').chain(other.copied()).collect();
                self.fault(at, &symbol, "is no field whose meaning is documented");
                return 1 + usize::from(other.is_some());
            }
        };
        let symbol: String = rest.iter().take(2).collect();
        self.put(at, &symbol, held);
        self.column = None;
        2
    }

    fn command(&mut self, at: usize, rest: &[char]) -> usize {
        let count = rest.get(1).and_then(|c| c.to_digit(10)).unwrap_or(0) as usize;
        let digits: String = rest.iter().skip(2).take(2 * count).collect();
        let symbol = format!("|{count}{digits}");
        let code = match bytes(&digits) {
            Some(code) if count > 0 && code.len() == count => code,
            _ => {
                self.fault(at, &symbol, "is not a count and as many bytes in hex");
                return 2.min(rest.len());
            }
        };
        self.escape(at, &symbol, code);
        2 + 2 * count
    }

    /// Commands for the whole form become the layout's settings, those for bold
    /// letters its fonts; others stay commands if they may.
    fn escape(&mut self, at: usize, symbol: &str, code: Vec<u8>) {
        let first = self.found.is_empty();
        match code.as_slice() {
            // Reset is sent before every form anyhow.
            b"\x1b@" if first => {}
            b"\x1bP" if first => self.pitch.columns = 10,
            b"\x1bM" if first => self.pitch.columns = 12,
            b"\x1b2" if first => self.pitch.lines = 6,
            b"\x1b0" if first => self.pitch.lines = 8,
            b"\x1bE" | b"\x1bG" => self.bold = true,
            b"\x1bF" | b"\x1bH" => self.bold = false,
            other if allowed(EscapeLanguage::EscP, other) => {
                self.put(at, symbol, Held::Escape(code));
            }
            _ => self.fault(
                at,
                symbol,
                "is a printer command that a layout may not have",
            ),
        }
    }

    fn text(&mut self, at: usize, symbol: char) -> usize {
        if !matches!(symbol, ' '..='~') {
            let shown = symbol.escape_default().to_string();
            self.fault(at, &shown, "is not printable ASCII");
            return 1;
        }
        let next = self.column;
        let goes_on = self.found.last_mut().filter(|last| {
            matches!(&last.held, Held::Text(text)
                if last.line == self.line
                    && next == Some(last.column + text.len())
                    && last.bold == self.bold)
        });
        if let Some(Found {
            held: Held::Text(text),
            ..
        }) = goes_on
        {
            text.push(symbol);
        } else {
            self.put(at, &symbol.to_string(), Held::Text(symbol.to_string()));
        }
        self.column = self.column.map(|column| column + 1);
        1
    }
}
