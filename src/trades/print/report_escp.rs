//! A report for a line printer: plain letters, 80 columns, 66 lines a page.
//!
//! The same blocks as the PDF, and the PDF's digest at the end, so that who
//! holds the paper can tell which file it was printed from.

use conclave_evidence::Hash;
use conclave_evidence::authority::Mode;

use super::error::PrintError;
use super::escp::{
    BOLD_OFF, BOLD_ON, EJECT, PAGE_LENGTH, RESET, SIX_LINES, TEN_PITCH, WIDE_OFF, WIDE_ON,
};
use super::report::{Block, Report, Signature, ascii};

/// Lines of a page: eleven inches.
const LINES: u8 = 66;
/// Blank columns on the left; as many stay free on the right of 80.
const MARGIN: usize = 3;
/// Columns between the margins.
const WIDTH: usize = 74;
/// Lines between head and foot. Four stand above, three below, and the last
/// one stays free for the perforation.
const BODY: usize = 58;
/// Where the values of facts start.
const TAB: usize = 26;
/// Blank columns between those of a table.
const GAP: usize = 2;

/// Text at one place of a line.
struct Span {
    column: usize,
    text: String,
    bold: bool,
}

type Line = Vec<Span>;

fn span(column: usize, text: impl Into<String>, bold: bool) -> Span {
    Span {
        column,
        text: text.into(),
        bold,
    }
}

/// The report as ESC/P. `filed` is the SHA-256 of its PDF.
///
/// # Errors
/// [`PrintError::Character`] for what no printer is sure to have,
/// [`PrintError::Cells`] and [`PrintError::TooManyColumns`] for a crooked
/// table.
pub fn report_escp(report: &Report, filed: &Hash) -> Result<Vec<u8>, PrintError> {
    let title = ascii("the title", &report.title)?;
    let station = ascii("the station", &report.station)?;
    let made = ascii("the time", &report.made)?;
    let mut flow = Flow {
        pages: vec![Vec::new()],
    };
    for line in wrap(&title, WIDTH) {
        flow.push(vec![span(0, line, true)]);
    }
    flow.blank();
    for block in &report.blocks {
        flow.block(block)?;
    }
    flow.digest("the filed PDF", filed)?;

    let mut out = Vec::new();
    for command in [RESET, TEN_PITCH, SIX_LINES, PAGE_LENGTH] {
        out.extend_from_slice(command);
    }
    out.push(LINES);
    let count = flow.pages.len();
    for (at, body) in flow.pages.iter().enumerate() {
        if at > 0 {
            out.extend_from_slice(b"\r\x0c");
        }
        banner(&mut out, report.mode);
        emit(&mut out, &both_ends(&station, &made));
        emit(&mut out, &[span(0, "=".repeat(WIDTH), false)]);
        emit(&mut out, &[]);
        for line in body {
            emit(&mut out, line);
        }
        for _ in body.len()..=BODY {
            emit(&mut out, &[]);
        }
        emit(&mut out, &[span(0, "-".repeat(WIDTH), false)]);
        // No line end after the last line: the form feed follows.
        let number = format!("page {} of {count}", at + 1);
        text(&mut out, &both_ends(&title, &number));
    }
    out.extend_from_slice(EJECT);
    Ok(out)
}

/// TEST again and again, as on forms; both in letters twice as wide.
fn banner(out: &mut Vec<u8>, mode: Mode) {
    let word = mode.to_string();
    let words = match mode {
        Mode::Test => {
            let times = (WIDTH / 2 + 4) / (word.len() + 4);
            vec![word.as_str(); times].join("    ")
        }
        Mode::Production => word,
    };
    out.extend(std::iter::repeat_n(b' ', MARGIN));
    out.extend_from_slice(BOLD_ON);
    out.extend_from_slice(WIDE_ON);
    out.extend_from_slice(words.as_bytes());
    out.extend_from_slice(WIDE_OFF);
    out.extend_from_slice(BOLD_OFF);
    out.extend_from_slice(b"\r\n");
}

/// One text on the left, cut where the other, on the right, needs the room.
fn both_ends(left: &str, right: &str) -> Line {
    let right: String = right.chars().take(WIDTH / 2).collect();
    let column = WIDTH - right.len();
    let left: String = left.chars().take(column.saturating_sub(GAP)).collect();
    vec![span(0, left, false), span(column, right, false)]
}

fn text(out: &mut Vec<u8>, line: &[Span]) {
    let mut column = 0;
    for piece in line.iter().filter(|piece| !piece.text.is_empty()) {
        let place = MARGIN + piece.column;
        out.extend(std::iter::repeat_n(b' ', place.saturating_sub(column)));
        if piece.bold {
            out.extend_from_slice(BOLD_ON);
        }
        out.extend_from_slice(piece.text.as_bytes());
        if piece.bold {
            out.extend_from_slice(BOLD_OFF);
        }
        column = place + piece.text.len();
    }
}

fn emit(out: &mut Vec<u8>, line: &[Span]) {
    text(out, line);
    out.extend_from_slice(b"\r\n");
}

/// Breaks ASCII into lines of at most `room` columns; what has no spaces is
/// broken where it must be.
fn wrap(text: &str, room: usize) -> Vec<String> {
    let room = room.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let longer = line.len() + word.len() + usize::from(!line.is_empty());
        if longer <= room {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for c in word.chars() {
            if line.len() == room {
                lines.push(std::mem::take(&mut line));
            }
            line.push(c);
        }
    }
    lines.push(line);
    lines
}

/// Pages being filled from the top.
struct Flow {
    pages: Vec<Vec<Line>>,
}

impl Flow {
    /// Lines on this page so far.
    fn used(&self) -> usize {
        self.pages.last().map_or(0, Vec::len)
    }

    fn new_page(&mut self) {
        self.pages.push(Vec::new());
    }

    /// Starts a new page where fewer than `lines` are left.
    fn need(&mut self, lines: usize) {
        if self.used() > 0 && self.used() + lines > BODY {
            self.new_page();
        }
    }

    fn push(&mut self, line: Line) {
        self.need(1);
        if let Some(page) = self.pages.last_mut() {
            page.push(line);
        }
    }

    /// One blank line between blocks; none at a page's top or bottom.
    fn blank(&mut self) {
        let page = self.pages.last();
        let after_text = page
            .and_then(|page| page.last())
            .is_some_and(|line| !line.is_empty());
        if after_text && self.used() < BODY {
            self.push(Vec::new());
        }
    }

    /// Columns side by side, each of several lines.
    fn side_by_side(&mut self, columns: &[(usize, Vec<String>, bool)]) {
        let lines = columns.iter().map(|(_, text, _)| text.len()).max();
        for at in 0..lines.unwrap_or(0) {
            self.push(
                columns
                    .iter()
                    .filter_map(|(column, lines, bold)| {
                        lines.get(at).map(|line| span(*column, line, *bold))
                    })
                    .collect(),
            );
        }
    }

    fn block(&mut self, block: &Block) -> Result<(), PrintError> {
        match block {
            Block::PageBreak => self.new_page(),
            Block::Heading(text) => {
                let lines = wrap(&ascii("a heading", text)?, WIDTH);
                // A heading with nothing below it helps nobody.
                self.need(lines.len() + 4);
                self.blank();
                for line in lines {
                    self.push(vec![span(0, line, true)]);
                }
            }
            Block::Text(text) => {
                for part in text.split('\n') {
                    for line in wrap(&ascii("a paragraph", part)?, WIDTH) {
                        self.push(vec![span(0, line, false)]);
                    }
                }
                self.blank();
            }
            Block::Facts(facts) => {
                for (name, value) in facts {
                    let name = wrap(&ascii("a fact", name)?, TAB - GAP);
                    let value = wrap(&ascii("a fact", value)?, WIDTH - TAB);
                    self.side_by_side(&[(0, name, false), (TAB, value, true)]);
                }
                self.blank();
            }
            // Its characters are all of one width.
            Block::Table { columns, rows } | Block::Typed { columns, rows } => {
                self.table(columns, rows)?;
            }
            Block::Step {
                number,
                actor,
                text,
            } => self.step(number, actor, text)?,
            Block::Digest { what, sha256 } => self.digest(what, sha256)?,
            Block::Signatures(people) => self.signatures(people)?,
        }
        Ok(())
    }

    fn table(&mut self, columns: &[(String, u16)], rows: &[Vec<String>]) -> Result<(), PrintError> {
        // With so many each still has a column of its own.
        const MOST: usize = WIDTH / (GAP + 1);
        if columns.len() > MOST {
            return Err(PrintError::TooManyColumns {
                found: columns.len(),
                most: MOST,
            });
        }
        let gaps = GAP * columns.len().saturating_sub(1);
        // One column is everybody's; the rest goes by weight.
        let shared = WIDTH - gaps - columns.len();
        let weight = |at: usize| usize::from(columns.get(at).map_or(1, |c| c.1.max(1)));
        let total: usize = (0..columns.len()).map(weight).sum();
        let mut places = Vec::new();
        let (mut left, mut before) = (0, 0);
        for at in 0..columns.len() {
            let after = before + weight(at);
            let room = 1 + shared * after / total - shared * before / total;
            places.push((left, room));
            left += room + GAP;
            before = after;
        }
        let cut = |cells: &[String]| -> Result<Vec<Cell>, PrintError> {
            cells
                .iter()
                .zip(&places)
                .map(|(cell, (left, room))| Ok((*left, wrap(&ascii("a table", cell)?, *room))))
                .collect()
        };
        let titles: Vec<String> = columns.iter().map(|(title, _)| title.clone()).collect();
        let titles = cut(&titles)?;
        self.need(height(&titles) + 3);
        self.titles(&titles);
        let mut cells = Vec::new();
        for row in rows {
            if row.len() != columns.len() {
                return Err(PrintError::Cells {
                    found: row.len(),
                    expected: columns.len(),
                });
            }
            cells.push(cut(row)?);
        }
        for (at, row) in cells.iter().enumerate() {
            // Rows without a first cell tell more of the one above: together
            // they stand on one page, unless they are taller than half of one.
            let more = cells.iter().skip(at + 1).take_while(|row| goes_on(row));
            let lines = height(row) + more.map(|row| height(row)).sum::<usize>();
            let page = self.pages.len();
            self.need(lines.min(BODY / 2));
            if self.pages.len() != page {
                self.titles(&titles);
            }
            self.row(row, false);
        }
        self.blank();
        Ok(())
    }

    fn titles(&mut self, titles: &[Cell]) {
        self.row(titles, true);
        self.push(vec![span(0, "-".repeat(WIDTH), false)]);
    }

    fn row(&mut self, cells: &[Cell], bold: bool) {
        let columns: Vec<_> = cells
            .iter()
            .map(|(at, lines)| (*at, lines.clone(), bold))
            .collect();
        self.side_by_side(&columns);
    }

    fn step(&mut self, number: &str, actor: &str, text: &str) -> Result<(), PrintError> {
        const INDENT: usize = 7;
        const BOX: &str = "initials ______  time ______";
        let edge = WIDTH - BOX.len();
        let number = wrap(&ascii("a step", number)?, INDENT - 1);
        let actor = wrap(&ascii("a step", actor)?, edge - INDENT - GAP);
        let mut lines = Vec::new();
        for part in text.split('\n') {
            lines.extend(wrap(&ascii("a step", part)?, WIDTH - INDENT));
        }
        self.need((lines.len() + number.len().max(actor.len())).min(BODY / 2));
        self.side_by_side(&[
            (0, number, true),
            (INDENT, actor, true),
            (edge, vec![BOX.to_owned()], false),
        ]);
        self.side_by_side(&[(INDENT, lines, false)]);
        self.blank();
        Ok(())
    }

    fn digest(&mut self, what: &str, sha256: &Hash) -> Result<(), PrintError> {
        let what = format!("SHA-256 of {}", ascii("a digest", what)?);
        let what = wrap(&what, WIDTH);
        self.need(what.len() + 2);
        for line in what {
            self.push(vec![span(0, line, false)]);
        }
        for half in sha256.0.chunks(16) {
            let groups: Vec<String> = half
                .chunks(2)
                .map(|pair| pair.iter().map(|byte| format!("{byte:02x}")).collect())
                .collect();
            self.push(vec![span(0, groups.join(" "), true)]);
        }
        self.blank();
        Ok(())
    }

    fn signatures(&mut self, people: &[Signature]) -> Result<(), PrintError> {
        // Name and role, date, signature: left edge and width of each.
        const NAME: (usize, usize) = (0, 30);
        const DATE: (usize, usize) = (32, 16);
        const SIGN: (usize, usize) = (50, 24);
        for person in people {
            let name = wrap(&ascii("a signature", &person.name)?, NAME.1);
            let role = wrap(&ascii("a signature", &person.role)?, NAME.1);
            self.need(name.len() + role.len() + 4);
            self.blank();
            self.push(Vec::new());
            self.side_by_side(&[(NAME.0, name, true)]);
            let rules = [NAME, DATE, SIGN].map(|(at, room)| span(at, "_".repeat(room), false));
            self.push(rules.into());
            self.side_by_side(&[
                (NAME.0, role, false),
                (DATE.0, vec!["date, time".to_owned()], false),
                (SIGN.0, vec!["signature".to_owned()], false),
            ]);
        }
        self.blank();
        Ok(())
    }
}

/// A table's cell: its left edge and its lines.
type Cell = (usize, Vec<String>);

/// The row's first cell is empty, and there are others.
fn goes_on(row: &[Cell]) -> bool {
    row.len() > 1
        && row
            .first()
            .is_some_and(|(_, lines)| lines.iter().all(String::is_empty))
}

/// Lines of the tallest cell.
fn height(row: &[Cell]) -> usize {
    row.iter().map(|(_, cell)| cell.len()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_keeps_every_letter_and_the_width() {
        let text = "a table cell with averyveryverylongwordthathasnospacesinit and more";
        let lines = wrap(text, 12);
        let kept: String = lines.concat().replace(' ', "");
        assert_eq!(kept, text.replace(' ', ""));
        assert!(lines.iter().all(|line| line.len() <= 12), "{lines:?}");
        assert_eq!(lines.first().map(String::as_str), Some("a table cell"));
        assert_eq!(wrap("", 9), [""]);
    }
}
