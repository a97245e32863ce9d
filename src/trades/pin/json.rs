//! A file of cards as JSON (RFC 8259): one object with the header's fields and
//! `records`, a list of flat objects. Values are strings, or digits without a
//! sign; anything else, a name twice and a name that the template does not have
//! are refused. A reader of its own, because a fault has a line and a column.
//!
//! Where it is no JSON any more, nobody knows what the rest means: reading ends with
//! that fault. Names and letters that are wrong are faults of their place alone, and
//! all of them are told.

use zeroize::Zeroizing;

use super::fault::{Fault, Wrong};
use super::rows::{Cell, MOST_FAULTS, Row, Rows, fault, is_control};
use super::template::{Field, FieldName, Input};

struct Reader<'t> {
    rest: std::iter::Peekable<std::str::Chars<'t>>,
    line: usize,
    column: usize,
    /// What is wrong and does not end the reading.
    faults: Vec<Fault>,
}

type Read<T> = Result<T, Fault>;

const TWICE: &str = "a name is there twice";

/// Adds a character. A string that grows by itself leaves what it had where it
/// was; here that is wiped.
fn push(text: &mut Zeroizing<String>, c: char) {
    if text.capacity() - text.len() < c.len_utf8() {
        let mut wider = Zeroizing::new(String::with_capacity(64.max(2 * text.capacity())));
        wider.push_str(text);
        *text = wider;
    }
    text.push(c);
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        match c {
            '\n' => (self.line, self.column) = (self.line + 1, 1),
            _ => self.column += 1,
        }
        Some(c)
    }

    /// Notes what is wrong with a place; the last one that is told ends the reading.
    fn note(&mut self, fault: Fault) -> Read<()> {
        if self.faults.len() + 1 >= MOST_FAULTS {
            return Err(fault);
        }
        self.faults.push(fault);
        Ok(())
    }

    fn bad(&self, why: &'static str) -> Fault {
        fault(self.line, self.column, Wrong::Json(why))
    }

    fn space(&mut self) {
        while self
            .rest
            .next_if(|c| matches!(c, ' ' | '\t' | '\r' | '\n'))
            .map(|c| match c {
                '\n' => (self.line, self.column) = (self.line + 1, 1),
                _ => self.column += 1,
            })
            .is_some()
        {}
    }

    /// The next character after white space, if it is this one.
    fn maybe(&mut self, c: char) -> bool {
        self.space();
        let there = self.rest.peek() == Some(&c);
        if there {
            self.next();
        }
        there
    }

    fn want(&mut self, c: char, why: &'static str) -> Read<()> {
        match self.maybe(c) {
            true => Ok(()),
            false => Err(self.bad(why)),
        }
    }

    fn hex(&mut self) -> Read<u32> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.next().and_then(|c| c.to_digit(16));
            code = code << 4 | digit.ok_or_else(|| self.bad("four hex digits after \\u"))?;
        }
        Ok(code)
    }

    /// The rest of a string whose quote was read.
    fn string(&mut self) -> Read<Zeroizing<String>> {
        let mut text = Zeroizing::new(String::new());
        loop {
            let (line, column) = (self.line, self.column);
            let c = match self.next() {
                None | Some('\n') => return Err(self.bad("a string does not end")),
                Some('"') => return Ok(text),
                Some('\\') => match self.next() {
                    Some(c @ ('"' | '\\' | '/')) => c,
                    Some('u') => {
                        let mut code = self.hex()?;
                        if (0xD800..0xDC00).contains(&code) {
                            let pair = self.next() == Some('\\') && self.next() == Some('u');
                            let low = if pair { self.hex()? } else { 0 };
                            if !(0xDC00..0xE000).contains(&low) {
                                return Err(self.bad("half a surrogate pair"));
                            }
                            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
                        }
                        char::from_u32(code).ok_or_else(|| self.bad("half a surrogate pair"))?
                    }
                    Some('b' | 'f' | 'n' | 'r' | 't') => {
                        self.note(fault(line, column, Wrong::Control))?;
                        continue;
                    }
                    _ => return Err(self.bad("no such escape")),
                },
                Some(c) => c,
            };
            match is_control(c) {
                true => self.note(fault(line, column, Wrong::Control))?,
                false => push(&mut text, c),
            }
        }
    }

    /// A string, or a number that is digits only.
    fn value(&mut self) -> Read<(usize, usize, Zeroizing<String>)> {
        self.space();
        let (line, column) = (self.line, self.column);
        if self.maybe('"') {
            return Ok((line, column, self.string()?));
        }
        let mut text = Zeroizing::new(String::new());
        while self.rest.peek().is_some_and(char::is_ascii_digit) {
            if let Some(c) = self.next() {
                push(&mut text, c);
            }
        }
        let lone_zero = text.len() == 1 || !text.starts_with('0');
        match !text.is_empty() && text.len() <= 19 && lone_zero {
            true => Ok((line, column, text)),
            false => Err(fault(
                line,
                column,
                Wrong::Json("a string or a number of digits is wanted"),
            )),
        }
    }

    /// The name of a member, and its colon.
    fn name(&mut self) -> Read<(usize, usize, Zeroizing<String>)> {
        self.space();
        let (line, column) = (self.line, self.column);
        self.want('"', "a name in quotes is wanted")?;
        let name = self.string()?;
        self.want(':', "a colon is wanted")?;
        Ok((line, column, name))
    }

    fn member(
        &mut self,
        (line, column, name): (usize, usize, Zeroizing<String>),
        fields: &[Field],
        cells: &mut Vec<Cell>,
    ) -> Read<()> {
        let known = FieldName::of(&name).filter(|name| fields.iter().any(|f| f.name == *name));
        let wrong = match known {
            None => Some("the template has no such field"),
            Some(name) if cells.iter().any(|cell| cell.name == name) => Some(TWICE),
            Some(_) => None,
        };
        if let Some(why) = wrong {
            self.note(fault(line, column, Wrong::Json(why)))?;
        }
        let (line, column, text) = self.value()?;
        let (Some(name), None) = (known, wrong) else {
            return Ok(());
        };
        cells.push(Cell {
            name,
            column,
            line,
            text,
        });
        Ok(())
    }

    fn record(&mut self, fields: &[Field]) -> Read<Row> {
        self.want('{', "an object is wanted")?;
        let line = self.line;
        let mut cells = Vec::with_capacity(fields.len());
        if !self.maybe('}') {
            loop {
                let name = self.name()?;
                self.member(name, fields, &mut cells)?;
                if !self.maybe(',') {
                    break;
                }
            }
            self.want('}', "a comma or the object's end is wanted")?;
        }
        Ok(Row {
            line,
            cells: in_order(cells, fields, line),
        })
    }
}

/// Cells in the order of the template; what is absent is empty.
fn in_order(mut cells: Vec<Cell>, fields: &[Field], line: usize) -> Vec<Cell> {
    let mut ordered = Vec::with_capacity(fields.len());
    for field in fields {
        let at = cells.iter().position(|cell| cell.name == field.name);
        ordered.push(match at {
            Some(at) => cells.swap_remove(at),
            None => Cell {
                name: field.name,
                column: 0,
                line,
                text: Zeroizing::new(String::new()),
            },
        });
    }
    ordered
}

/// Reads the file up to where it is no JSON of the template's shape.
///
/// # Errors
/// Each fault, in the order of the file, at most [`MOST_FAULTS`].
pub(super) fn read(input: &Input, text: &str) -> Result<Rows, Vec<Fault>> {
    let mut reader = Reader {
        rest: text.chars().peekable(),
        line: 1,
        column: 1,
        faults: Vec::new(),
    };
    let rows = rows(&mut reader, input);
    let mut faults = reader.faults;
    match rows {
        Ok(rows) if faults.is_empty() => Ok(rows),
        Ok(_) => Err(faults),
        Err(last) => {
            faults.push(last);
            Err(faults)
        }
    }
}

fn rows(reader: &mut Reader<'_>, input: &Input) -> Read<Rows> {
    reader.want('{', "an object is wanted")?;
    let mut cells = Vec::new();
    let mut records: Option<Vec<Row>> = None;
    loop {
        let name = reader.name()?;
        if *name.2 != "records" {
            reader.member(name, &input.header, &mut cells)?;
        } else if records.is_some() {
            return Err(fault(name.0, name.1, Wrong::Json(TWICE)));
        } else {
            reader.want('[', "a list is wanted")?;
            let mut list = Vec::new();
            if !reader.maybe(']') {
                loop {
                    list.push(reader.record(&input.record)?);
                    if list.len() > input.most {
                        return Err(fault(reader.line, 0, Wrong::TooMany(input.most)));
                    }
                    if !reader.maybe(',') {
                        break;
                    }
                }
                reader.want(']', "a comma or the list's end is wanted")?;
            }
            records = Some(list);
        }
        if !reader.maybe(',') {
            break;
        }
    }
    reader.want('}', "a comma or the object's end is wanted")?;
    reader.space();
    if reader.rest.peek().is_some() {
        return Err(reader.bad("something follows the object"));
    }
    let header = Row {
        line: 1,
        cells: in_order(cells, &input.header, 1),
    };
    match records {
        Some(records) => Ok(Rows { header, records }),
        None => Err(fault(0, 0, Wrong::Json("no records"))),
    }
}
