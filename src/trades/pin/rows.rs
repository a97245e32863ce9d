//! A file of cards as rows of fields, each with its place. Whether a field is
//! good is asked elsewhere; here it is only found.

use zeroize::Zeroizing;

use super::fault::{Fault, Wrong};
use super::json;
use super::template::{Encoding, Field, FieldName, FileFormat, Input};

/// One field that was found.
pub struct Cell {
    /// What it is.
    pub name: FieldName,
    /// Its first character in its line, from 1.
    pub column: usize,
    /// Its line, from 1: in JSON, fields of one record have several.
    pub line: usize,
    /// What stands there, without padding.
    pub text: Zeroizing<String>,
}

/// One line, or object.
pub struct Row {
    /// Its line, from 1.
    pub line: usize,
    /// Its fields, in the order of the template.
    pub cells: Vec<Cell>,
}

/// The header, and the records.
pub struct Rows {
    /// The header.
    pub header: Row,
    /// The records.
    pub records: Vec<Row>,
}

/// Longest file, in bytes.
pub const MOST_BYTES: usize = 64 << 20;
/// Faults after which a file is not looked at any further.
pub const MOST_FAULTS: usize = 50;

/// TRUE for what a file of cards has no use for and a printer or a screen could
/// take as an order: controls, direction and other invisible marks.
pub(super) fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

pub(super) fn fault(line: usize, column: usize, what: Wrong) -> Fault {
    Fault {
        line,
        column,
        field: None,
        what,
    }
}

/// Reads a file by its template. All faults that were found, up to
/// [`MOST_FAULTS`]; none of the file is taken then.
pub fn read(input: &Input, bytes: &[u8]) -> Result<Rows, Vec<Fault>> {
    if bytes.len() > MOST_BYTES {
        return Err(vec![fault(0, 0, Wrong::TooLong(MOST_BYTES))]);
    }
    let decoded;
    let text = match input.encoding {
        Encoding::Utf8 => utf8(bytes).map_err(|fault| vec![fault])?,
        Encoding::Latin1 => {
            decoded = latin1(bytes);
            decoded.as_str()
        }
    };
    if text.is_empty() {
        return Err(vec![fault(0, 0, Wrong::Empty)]);
    }
    let separator = input.separator;
    let allowed =
        |c: char| Some(c) == separator && c == '\t' || c == '\n' || c == '\r' || !is_control(c);
    let json = input.format == FileFormat::Json;
    let mut faults = Vec::new();
    for (line, content) in text.split('\n').enumerate() {
        // A carriage return belongs to the end of the line and nowhere else.
        let content = content.strip_suffix('\r').unwrap_or(content);
        let bad = content
            .chars()
            .position(|c| c == '\r' || !(allowed(c) || json && c == '\t'));
        if let Some(at) = bad {
            faults.push(fault(line + 1, at + 1, Wrong::Control));
        }
        if faults.len() >= MOST_FAULTS {
            break;
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    match input.format {
        FileFormat::Json => json::read(input, text),
        FileFormat::Csv | FileFormat::Fixed => lines(input, text),
    }
}

/// The text; or the place of the first byte that is none.
fn utf8(bytes: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let good = std::str::from_utf8(good).unwrap_or_default();
        let line = good.rsplit('\n').next().unwrap_or_default();
        let lines = good.matches('\n').count();
        fault(lines + 1, line.chars().count() + 1, Wrong::NotText)
    })
}

/// Each byte as the letter of its number, in a text that does not grow: one that does
/// leaves pieces of card numbers behind.
fn latin1(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(2 * bytes.len()));
    text.extend(bytes.iter().copied().map(char::from));
    text
}

fn lines(input: &Input, text: &str) -> Result<Rows, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut header = None;
    let mut records = Vec::new();
    let content = text.strip_suffix('\n').unwrap_or(text);
    for (at, line) in content.split('\n').enumerate() {
        // The header is line 0; what follows the last record is not even read.
        if at > input.most {
            faults.push(fault(at + 1, 0, Wrong::TooMany(input.most)));
            break;
        }
        let line = line.strip_suffix('\r').unwrap_or(line);
        let fields = if at == 0 {
            &input.header
        } else {
            &input.record
        };
        let cells = match input.separator {
            Some(separator) => separated(line, separator, fields, at + 1),
            None => placed(line, fields, at + 1),
        };
        match cells {
            Ok(cells) if at == 0 => header = Some(Row { line: 1, cells }),
            Ok(cells) => records.push(Row {
                line: at + 1,
                cells,
            }),
            Err(fault) => faults.push(fault),
        }
        if faults.len() >= MOST_FAULTS {
            break;
        }
    }
    match header {
        Some(header) if faults.is_empty() => Ok(Rows { header, records }),
        _ => Err(faults),
    }
}

/// RFC 4180: a field may stand in quotes, in which a quote is doubled. A field
/// does not go over the end of a line.
///
/// A field is copied once its end is known, into a text of just that size: a
/// text that grows leaves pieces of card numbers behind, and one of the line's
/// size for each field is more memory than a short file may ask for.
fn separated(line: &str, separator: char, fields: &[Field], at: usize) -> Result<Vec<Cell>, Fault> {
    let want = fields.len();
    let mut cells: Vec<Cell> = Vec::with_capacity(want);
    // Each character with its column and its byte.
    let mut chars = line.char_indices().enumerate().peekable();
    loop {
        let Some(field) = fields.get(cells.len()) else {
            return Err(fault(at, 0, Wrong::MoreFields(want)));
        };
        let first = chars.peek().map(|(column, (byte, _))| (*column, *byte));
        let (column, mut start) = first.unwrap_or_else(|| (line.chars().count(), line.len()));
        let column = column + 1;
        let quoted = chars.next_if(|(_, (_, c))| *c == '"').is_some();
        if quoted {
            start += 1;
        }
        let (end, more) = loop {
            match chars.next() {
                None if quoted => return Err(fault(at, column, Wrong::Quote)),
                None => break (line.len(), false),
                Some((_, (end, '"'))) if quoted => {
                    if chars.next_if(|(_, (_, c))| *c == '"').is_some() {
                        continue;
                    }
                    match chars.next() {
                        None => break (end, false),
                        Some((_, (_, c))) if c == separator => break (end, true),
                        Some((place, _)) => return Err(fault(at, place + 1, Wrong::Quote)),
                    }
                }
                Some((place, (_, '"'))) => return Err(fault(at, place + 1, Wrong::Quote)),
                Some((_, (end, c))) if c == separator && !quoted => break (end, true),
                Some(_) => {}
            }
        };
        let found = line.get(start..end).unwrap_or_default();
        let mut text = Zeroizing::new(String::with_capacity(found.len()));
        for (index, piece) in found.split("\"\"").enumerate() {
            if index > 0 {
                text.push('"');
            }
            text.push_str(piece);
        }
        cells.push(Cell {
            name: field.name,
            column,
            line: at,
            text,
        });
        if !more {
            break;
        }
    }
    match cells.len() == want {
        true => Ok(cells),
        false => {
            let found = cells.len();
            Err(fault(at, 0, Wrong::Fields { want, found }))
        }
    }
}

fn placed(line: &str, fields: &[Field], at: usize) -> Result<Vec<Cell>, Fault> {
    let want = fields.iter().map(|field| field.width).sum();
    let found = line.chars().count();
    if found != want {
        return Err(fault(at, 0, Wrong::LineLength { want, found }));
    }
    let mut chars = line.chars();
    let mut column = 1;
    let mut cells = Vec::with_capacity(fields.len());
    for field in fields {
        // Room for all of it at once: a string that grows leaves a copy behind.
        let mut text = Zeroizing::new(String::with_capacity(4 * field.width));
        text.extend(chars.by_ref().take(field.width));
        let place = column;
        column += field.width;
        if field.name == FieldName::Filler {
            if !text.chars().all(|c| c == ' ') {
                let name = Some(field.name);
                let what = Wrong::Not("spaces");
                return Err(Fault {
                    line: at,
                    column: place,
                    field: name,
                    what,
                });
            }
            continue;
        }
        cells.push(Cell {
            name: field.name,
            column: place,
            line: at,
            text: Zeroizing::new(text.trim_end_matches(' ').to_owned()),
        });
    }
    Ok(cells)
}
