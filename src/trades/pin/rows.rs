//! A file of cards as rows of fields, each with its place. Whether a field is
//! good is asked elsewhere; here it is only found.

use zeroize::Zeroizing;

use super::fault::{Fault, Wrong};
use super::json;
use super::template::{Field, FieldName, FileFormat, Input};

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
    let text = std::str::from_utf8(bytes).map_err(|_| vec![fault(0, 0, Wrong::NotText)])?;
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
        FileFormat::Json => json::read(input, text).map_err(|fault| vec![fault]),
        FileFormat::Csv | FileFormat::Fixed => lines(input, text),
    }
}

fn lines(input: &Input, text: &str) -> Result<Rows, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut header = None;
    let mut records = Vec::new();
    let content = text.strip_suffix('\n').unwrap_or(text);
    for (at, line) in content.split('\n').enumerate() {
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
fn separated(line: &str, separator: char, fields: &[Field], at: usize) -> Result<Vec<Cell>, Fault> {
    let mut found: Vec<(usize, Zeroizing<String>)> = Vec::new();
    let mut chars = line.chars().enumerate().peekable();
    loop {
        let column = chars.peek().map_or(line.chars().count(), |(at, _)| *at) + 1;
        let mut text = Zeroizing::new(String::with_capacity(line.len()));
        let quoted = chars.next_if(|(_, c)| *c == '"').is_some();
        let more = loop {
            match chars.next() {
                None if quoted => return Err(fault(at, column, Wrong::Quote)),
                None => break false,
                Some((_, '"')) if quoted => {
                    if chars.next_if(|(_, c)| *c == '"').is_some() {
                        text.push('"');
                        continue;
                    }
                    match chars.next() {
                        None => break false,
                        Some((_, c)) if c == separator => break true,
                        Some((place, _)) => return Err(fault(at, place + 1, Wrong::Quote)),
                    }
                }
                Some((place, '"')) => return Err(fault(at, place + 1, Wrong::Quote)),
                Some((_, c)) if c == separator && !quoted => break true,
                Some((_, c)) => text.push(c),
            }
        };
        found.push((column, text));
        if !more {
            break;
        }
    }
    if found.len() != fields.len() {
        let (want, found) = (fields.len(), found.len());
        return Err(fault(at, 0, Wrong::Fields { want, found }));
    }
    let cell = |(field, (column, text)): (&Field, (usize, Zeroizing<String>))| Cell {
        name: field.name,
        column,
        line: at,
        text,
    };
    Ok(fields.iter().zip(found).map(cell).collect())
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
        let text: Zeroizing<String> = Zeroizing::new(chars.by_ref().take(field.width).collect());
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
