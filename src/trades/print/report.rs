//! Reports without secrets: ceremony scripts, minutes, lists. A4 pages with
//! the station's banner, page numbers, and places to sign.
//!
//! Here as PDF; [`report_escp`](super::report_escp) writes the same blocks for
//! a line printer. The same report gives the same bytes: its SHA-256 can be read aloud and
//! stand in the journal.

use conclave_evidence::Hash;
use conclave_evidence::authority::Mode;
use printpdf::BuiltinFont;
use serde::{Deserialize, Serialize};

use super::error::PrintError;
use super::layout::Page;
use super::letters::to_ascii;
use super::metrics;
use super::pdf::{self, Canvas, helvetica};

/// A report. Texts become printable ASCII as on forms; a line break in a
/// paragraph is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// TEST or PRODUCTION.
    pub mode: Mode,
    /// The station's name.
    pub station: String,
    /// The title.
    pub title: String,
    /// When it was made, as [`time_words`](super::time_words) writes it.
    pub made: String,
    /// What stands on it, from the top.
    pub blocks: Vec<Block>,
}

impl Report {
    /// On a PRODUCTION station the page says first where keys are made, if that is
    /// not a secure cryptographic device: `provenance` are the words, if there are
    /// any to say.
    #[must_use]
    pub fn with_provenance(mut self, provenance: Option<&str>) -> Self {
        if let (Mode::Production, Some(words)) = (self.mode, provenance) {
            let said = vec![("Keys".to_owned(), words.to_owned())];
            self.blocks.insert(0, Block::Facts(said));
        }
        self
    }
}

/// A part of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Block {
    /// A heading; it is never the last line of a page.
    Heading(String),
    /// Running text.
    Text(String),
    /// Name and value, one pair a line.
    Facts(Vec<(String, String)>),
    /// A table: column titles with their share of the width, and rows. Cells
    /// wrap; the titles come again on the next page.
    Table {
        /// Title and weight of each column.
        columns: Vec<(String, u16)>,
        /// Rows, each with as many cells as there are columns.
        rows: Vec<Vec<String>>,
    },
    /// A table of characters that people type off the paper: in a face in which each is
    /// as wide as another. Cells do not wrap.
    Typed {
        /// Title and weight of each column.
        columns: Vec<(String, u16)>,
        /// Rows, each with as many cells as there are columns.
        rows: Vec<Vec<String>>,
    },
    /// A step of a script: number, what to do, who does it, and a box for
    /// initials and time.
    Step {
        /// For example `4.2`.
        number: String,
        /// Who acts.
        actor: String,
        /// What to do, and what to expect.
        text: String,
    },
    /// A SHA-256 in groups that can be read aloud.
    Digest {
        /// Of what.
        what: String,
        /// The value.
        sha256: Hash,
    },
    /// Places for signatures by hand; none is split over two pages.
    Signatures(Vec<Signature>),
    /// The rest stands on a new page.
    PageBreak,
}

/// How the cells of a row look.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Face {
    Title,
    Text,
    Typed,
}

impl Face {
    fn font(self) -> BuiltinFont {
        match self {
            Self::Title => helvetica(true),
            Self::Text => helvetica(false),
            Self::Typed => BuiltinFont::CourierBold,
        }
    }

    /// Points.
    fn size(self) -> f32 {
        match self {
            Self::Title | Self::Text => 9.0,
            Self::Typed => 12.0,
        }
    }

    /// Points from line to line.
    fn leading(self) -> f32 {
        match self {
            Self::Title | Self::Text => 11.5,
            Self::Typed => 15.0,
        }
    }

    /// Points from the next line's place up to the rule under a row.
    fn rule(self) -> f32 {
        match self {
            Self::Title | Self::Text => 8.0,
            Self::Typed => 10.5,
        }
    }

    /// A cell in lines of so many points.
    fn lines(self, cell: &str, room: f32) -> Vec<String> {
        match self {
            Self::Title | Self::Text => wrap(cell, self == Self::Title, 9.0, room),
            Self::Typed => vec![cell.to_owned()],
        }
    }
}

/// Who signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The person's name; empty for somebody who writes it by hand.
    pub name: String,
    /// In which role.
    pub role: String,
}

const LEFT: f32 = 56.0;
const TOP: f32 = 752.0;
const BOTTOM: f32 = 62.0;
const BODY: f32 = 9.5;
const LEADING: f32 = 13.0;

/// The report as a PDF.
///
/// # Errors
/// [`PrintError::Character`] for control characters and letters the standard
/// fonts do not have, [`PrintError::Cells`] for a crooked table.
pub fn report_pdf(report: &Report) -> Result<Vec<u8>, PrintError> {
    let title = ascii("the title", &report.title)?;
    let station = ascii("the station", &report.station)?;
    let made = ascii("the time", &report.made)?;
    let (width, height) = Page::A4.points();
    let mut flow = Flow {
        right: width - LEFT,
        y: TOP,
        pages: vec![Canvas::new()],
    };
    flow.title(&title);
    for block in &report.blocks {
        flow.block(block)?;
    }
    let count = flow.pages.len();
    let right = flow.right;
    for (page, canvas) in flow.pages.iter_mut().enumerate() {
        canvas.banner(
            report.mode,
            &report.mode.to_string(),
            LEFT,
            788.0,
            right - LEFT,
            18.0,
        );
        canvas.text(LEFT, 774.0, helvetica(false), 8.0, 0.38, &station);
        canvas.text_right(right, 774.0, false, 8.0, 0.38, &made);
        canvas.line((LEFT, 48.0), (right, 48.0), 0.5, false);
        canvas.text(LEFT, 37.0, helvetica(false), 8.0, 0.38, &title);
        let number = format!("page {} of {count}", page + 1);
        canvas.text_right(right, 37.0, false, 8.0, 0.38, &number);
    }
    Ok(pdf::save(&title, (width, height), flow.pages))
}

pub(super) fn ascii(part: &str, text: &str) -> Result<String, PrintError> {
    to_ascii(text).map_err(|character| PrintError::Character {
        field: part.to_owned(),
        character,
    })
}

/// Breaks text into lines of at most `room` points; what has no spaces is
/// broken where it must be.
fn wrap(text: &str, bold: bool, size: f32, room: f32) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let longer = if line.is_empty() {
            word.to_owned()
        } else {
            format!("{line} {word}")
        };
        if metrics::width(&longer, bold, size) <= room {
            line = longer;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for c in word.chars() {
            let one_more = format!("{line}{c}");
            if metrics::width(&one_more, bold, size) > room && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
                line.push(c);
            } else {
                line = one_more;
            }
        }
    }
    lines.push(line);
    lines
}

/// Pages being filled from the top.
struct Flow {
    right: f32,
    y: f32,
    pages: Vec<Canvas>,
}

impl Flow {
    fn new_page(&mut self) {
        self.pages.push(Canvas::new());
        self.y = TOP;
    }

    /// Starts a new page where less than `points` are left.
    fn need(&mut self, points: f32) {
        if self.y - points < BOTTOM && self.y < TOP {
            self.new_page();
        }
    }

    fn text(&mut self, x: f32, font: BuiltinFont, size: f32, level: f32, text: &str) {
        let y = self.y;
        self.on_page(|page| page.text(x, y, font, size, level, text));
    }

    fn on_page(&mut self, draw: impl FnOnce(&mut Canvas)) {
        if let Some(page) = self.pages.last_mut() {
            draw(page);
        }
    }

    fn title(&mut self, title: &str) {
        self.y -= 12.0;
        for line in wrap(title, true, 17.0, self.right - LEFT) {
            self.text(LEFT, helvetica(true), 17.0, 0.0, &line);
            self.y -= 21.0;
        }
        self.y -= 4.0;
    }

    fn block(&mut self, block: &Block) -> Result<(), PrintError> {
        match block {
            Block::PageBreak => self.new_page(),
            Block::Heading(text) => {
                // A heading with nothing below it helps nobody.
                self.need(52.0);
                self.y -= 8.0;
                let text = ascii("a heading", text)?;
                for line in wrap(&text, true, 12.0, self.right - LEFT) {
                    self.text(LEFT, helvetica(true), 12.0, 0.0, &line);
                    self.y -= 16.0;
                }
            }
            Block::Text(text) => self.paragraph(text)?,
            Block::Facts(facts) => self.facts(facts)?,
            Block::Table { columns, rows } => self.table(columns, rows, Face::Text)?,
            Block::Typed { columns, rows } => self.table(columns, rows, Face::Typed)?,
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

    fn paragraph(&mut self, text: &str) -> Result<(), PrintError> {
        for part in text.split('\n') {
            let part = ascii("a paragraph", part)?;
            for line in wrap(&part, false, BODY, self.right - LEFT) {
                self.need(LEADING);
                self.text(LEFT, helvetica(false), BODY, 0.0, &line);
                self.y -= LEADING;
            }
        }
        self.y -= 5.0;
        Ok(())
    }

    fn facts(&mut self, facts: &[(String, String)]) -> Result<(), PrintError> {
        let tab = LEFT + 130.0;
        for (name, value) in facts {
            let name = wrap(&ascii("a fact", name)?, false, BODY, 124.0);
            let value = wrap(&ascii("a fact", value)?, true, BODY, self.right - tab);
            for at in 0..name.len().max(value.len()) {
                self.need(LEADING);
                if let Some(line) = name.get(at) {
                    self.text(LEFT, helvetica(false), BODY, 0.38, line);
                }
                if let Some(line) = value.get(at) {
                    self.text(tab, helvetica(true), BODY, 0.0, line);
                }
                self.y -= LEADING;
            }
        }
        self.y -= 5.0;
        Ok(())
    }

    fn table(
        &mut self,
        columns: &[(String, u16)],
        rows: &[Vec<String>],
        face: Face,
    ) -> Result<(), PrintError> {
        const GAP: f32 = 8.0;
        let weights: f32 = columns.iter().map(|(_, w)| f32::from((*w).max(1))).sum();
        let mut left = LEFT;
        let mut places = Vec::new();
        for (_, weight) in columns {
            let width = (self.right - LEFT) * f32::from((*weight).max(1)) / weights;
            places.push((left, width - GAP));
            left += width;
        }
        let titles: Vec<String> = columns.iter().map(|(title, _)| title.clone()).collect();
        self.need(3.0 * LEADING);
        self.row(&titles, &places, Face::Title)?;
        for row in rows {
            if row.len() != columns.len() {
                return Err(PrintError::Cells {
                    found: row.len(),
                    expected: columns.len(),
                });
            }
            let page = self.pages.len();
            let tallest = row
                .iter()
                .zip(&places)
                .map(|(cell, (_, room))| face.lines(cell, *room).len())
                .max();
            self.need(tallest.unwrap_or(1).min(40) as f32 * face.leading() + 4.0);
            if self.pages.len() != page {
                self.row(&titles, &places, Face::Title)?;
            }
            self.row(row, &places, face)?;
        }
        self.y -= 8.0;
        Ok(())
    }

    fn row(
        &mut self,
        cells: &[String],
        places: &[(f32, f32)],
        face: Face,
    ) -> Result<(), PrintError> {
        let mut wrapped = Vec::new();
        for (cell, (_, room)) in cells.iter().zip(places) {
            wrapped.push(face.lines(&ascii("a table", cell)?, *room));
        }
        let lines = wrapped.iter().map(Vec::len).max().unwrap_or(0);
        for at in 0..lines {
            self.need(face.leading());
            for (cell, (x, _)) in wrapped.iter().zip(places) {
                if let Some(line) = cell.get(at) {
                    self.text(*x, face.font(), face.size(), 0.0, line);
                }
            }
            self.y -= face.leading();
        }
        let (y, right) = (self.y + face.rule(), self.right);
        let thick = if face == Face::Title { 0.9 } else { 0.25 };
        self.on_page(|page| page.line((LEFT, y), (right, y), thick, false));
        self.y -= 4.0;
        Ok(())
    }

    fn step(&mut self, number: &str, actor: &str, text: &str) -> Result<(), PrintError> {
        let (tab, edge) = (LEFT + 34.0, self.right - 112.0);
        let actor = ascii("a step", actor)?;
        let mut lines = Vec::new();
        for part in text.split('\n') {
            lines.extend(wrap(
                &ascii("a step", part)?,
                false,
                BODY,
                edge - tab - 10.0,
            ));
        }
        self.need((lines.len().min(30) + 1) as f32 * LEADING + 14.0);
        let (y, right) = (self.y, self.right);
        self.on_page(|page| {
            page.rect(edge, y - 20.0, right - edge, 30.0, None);
            page.line((edge + 48.0, y - 20.0), (edge + 48.0, y + 10.0), 0.5, false);
            page.text(edge + 3.0, y + 2.5, helvetica(false), 6.5, 0.38, "initials");
            page.text(edge + 51.0, y + 2.5, helvetica(false), 6.5, 0.38, "time");
        });
        let low = y - 20.0;
        let number = ascii("a step", number)?;
        self.text(LEFT, helvetica(true), BODY, 0.0, &number);
        self.text(tab, helvetica(true), BODY, 0.0, &actor);
        self.y -= LEADING;
        let page = self.pages.len();
        for line in lines {
            self.need(LEADING);
            self.text(tab, helvetica(false), BODY, 0.0, &line);
            self.y -= LEADING;
        }
        if page == self.pages.len() {
            self.y = self.y.min(low - 12.0);
        }
        self.y -= 6.0;
        Ok(())
    }

    fn digest(&mut self, what: &str, sha256: &Hash) -> Result<(), PrintError> {
        self.need(4.0 * LEADING);
        let what = format!("SHA-256 of {}", ascii("a digest", what)?);
        for line in wrap(&what, false, BODY, self.right - LEFT) {
            self.text(LEFT, helvetica(false), BODY, 0.38, &line);
            self.y -= LEADING;
        }
        for half in sha256.0.chunks(16) {
            let groups: Vec<String> = half
                .chunks(2)
                .map(|pair| pair.iter().map(|byte| format!("{byte:02x}")).collect())
                .collect();
            let line = groups.join(" ");
            self.text(LEFT, BuiltinFont::CourierBold, 11.0, 0.0, &line);
            self.y -= LEADING;
        }
        self.y -= 5.0;
        Ok(())
    }

    fn signatures(&mut self, people: &[Signature]) -> Result<(), PrintError> {
        for person in people {
            let name = ascii("a signature", &person.name)?;
            let role = ascii("a signature", &person.role)?;
            self.need(46.0);
            self.y -= 26.0;
            let (y, right) = (self.y, self.right);
            let (date, sign) = (LEFT + 190.0, LEFT + 290.0);
            self.on_page(|page| {
                page.line((LEFT, y), (date - 12.0, y), 0.6, false);
                page.line((date, y), (sign - 12.0, y), 0.6, false);
                page.line((sign, y), (right, y), 0.6, false);
                page.text(LEFT, y + 3.5, helvetica(true), 10.0, 0.0, &name);
                page.text(LEFT, y - 9.0, helvetica(false), 8.0, 0.38, &role);
                page.text(date, y - 9.0, helvetica(false), 8.0, 0.38, "date, time");
                page.text(sign, y - 9.0, helvetica(false), 8.0, 0.38, "signature");
            });
            self.y -= 18.0;
        }
        self.y -= 4.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_a_production_station_says_where_keys_are_made() {
        let page = |mode| Report {
            mode,
            station: "KEYROOM-1".into(),
            title: "Minutes".into(),
            made: "24NOV2026 09:14:00Z".into(),
            blocks: vec![Block::Text("whatever it says".into())],
        };
        let words = "made outside a secure cryptographic device";
        let said = page(Mode::Production).with_provenance(Some(words));
        let first = said.blocks.first();
        assert!(matches!(first, Some(Block::Facts(facts)) if facts[0].1 == words));
        let test = page(Mode::Test);
        assert_eq!(test.clone().with_provenance(Some(words)), test);
        let device = page(Mode::Production);
        assert_eq!(device.clone().with_provenance(None), device);
    }

    #[test]
    fn wrapping_keeps_every_letter_and_the_width() {
        let text = "a table cell with averyveryverylongwordthathasnospacesinit and more";
        let lines = wrap(text, false, 9.0, 60.0);
        let kept: String = lines.concat().replace(' ', "");
        assert_eq!(kept, text.replace(' ', ""));
        assert!(lines.iter().all(|l| metrics::width(l, false, 9.0) <= 60.0));
        assert_eq!(wrap("", false, 9.0, 60.0), [""]);
    }
}
