//! PCL 5, the language of laser printers (HP, PCL 5 Printer Language Technical
//! Reference Manual). Every piece is placed by itself, in decipoints (1/720
//! inch), so that no printer's line spacing or margin moves a secret.
//!
//! One command each, never combined, and only what PCL 5e and later do alike.

use super::error::PrintError;
use super::escape::EscapeLanguage;
use super::escp::{lines_and_folds, printed};
use super::grid::Grid;
use super::layout::{Eject, Font, Layout, Page};
use super::sheet::{Piece, PieceKind, Sheet};

/// Reset; it also prints a page that has something on it.
pub const RESET: &[u8] = b"\x1bE";
/// Feeds the page.
pub const EJECT: &[u8] = b"\r\x0c\x1bE";

/// Points from the left edge of the sheet to that of the logical page: 71 dots
/// at 300 to the inch on A4 and 75 on Letter, portrait. A continuous form that
/// is tried on cut sheets begins at the logical page.
fn logical_left(page: Page, grid: &Grid) -> f32 {
    match page {
        Page::A4 => 71.0 / 300.0 * 72.0,
        Page::Letter => 75.0 / 300.0 * 72.0,
        Page::Continuous => grid.left,
    }
}

/// Points of the logical page's width: 2338 dots on A4, 2400 on Letter.
fn logical_width(page: Page) -> f32 {
    match page {
        Page::A4 => 2338.0 / 300.0 * 72.0,
        Page::Letter | Page::Continuous => 2400.0 / 300.0 * 72.0,
    }
}

fn command(out: &mut Vec<u8>, text: &str) {
    out.push(0x1B);
    out.extend_from_slice(text.as_bytes());
}

/// Decipoints of points, none below zero.
fn decipoints(points: f32) -> i32 {
    (points * 10.0).round().max(0.0) as i32
}

struct Pen<'l> {
    layout: &'l Layout,
    /// Points from the grid's left end to that of the logical page.
    logical_left: f32,
    grid: Grid,
    font: Option<Font>,
    out: Vec<u8>,
}

impl Pen<'_> {
    fn begin(&mut self) {
        self.out.extend_from_slice(RESET);
        let paper = match self.layout.page {
            Page::A4 => "&l26A".to_owned(),
            Page::Letter => "&l2A".to_owned(),
            // No paper size has a name here: as many lines as the form has.
            Page::Continuous => format!("&l{}P", self.layout.lines),
        };
        let spacing = format!("&l{}D", self.layout.lines_to_the_inch);
        // One copy, upright, no line left out at a perforation, no margin
        // above; CR, LF and FF mean themselves.
        for text in ["&l1X", "&l0O", &spacing, &paper, "&l0L", "&l0E", "&k0G"] {
            command(&mut self.out, text);
        }
    }

    fn move_to(&mut self, x: f32, y: f32) {
        let x = decipoints(x - self.logical_left);
        command(&mut self.out, &format!("&a{x}H"));
        let down = self.grid.height - y;
        command(&mut self.out, &format!("&a{}V", decipoints(down)));
    }

    /// Courier in ASCII, upright, as wide as the grid's columns.
    fn choose(&mut self, font: Font) {
        if self
            .font
            .is_some_and(|now| (now.bold, now.wide) == (font.bold, font.wide))
        {
            return;
        }
        let times = if font.wide { 2.0 } else { 1.0 };
        let pitch = 72.0 / (self.grid.column * times);
        let size = self.grid.courier() * times;
        let weight = if font.bold || font.wide { 3 } else { 0 };
        for text in [
            "(0U".to_owned(),
            "(s0P".to_owned(),
            format!("(s{pitch:.2}H"),
            format!("(s{size:.2}V"),
            "(s0S".to_owned(),
            format!("(s{weight}B"),
            "(s4099T".to_owned(),
        ] {
            command(&mut self.out, &text);
        }
        self.font = Some(font);
    }

    /// A black rectangle, down and to the right of a place.
    fn rule(&mut self, x: f32, y: f32, width: f32, height: f32) {
        self.move_to(x, y);
        command(&mut self.out, &format!("*c{}H", decipoints(width)));
        command(&mut self.out, &format!("*c{}V", decipoints(height)));
        command(&mut self.out, "*c0P");
    }

    fn piece(&mut self, sheet: &Sheet, piece: &Piece) -> Option<usize> {
        let x = self.grid.x(piece.column);
        let y = self.grid.baseline(piece.line);
        match piece.kind {
            PieceKind::Escape(EscapeLanguage::Pcl5) => {
                self.out.extend_from_slice(piece.text.as_bytes());
                return None;
            }
            PieceKind::Escape(_) => return None,
            PieceKind::Blank => {
                let width = piece.width as f32 * self.grid.column;
                self.rule(x, y - 1.0, width, 0.8);
                return None;
            }
            _ => {}
        }
        self.choose(piece.font);
        self.move_to(x, y);
        if piece.font.underline {
            command(&mut self.out, "&d0D");
        }
        let place = self.out.len();
        let text = printed(sheet, piece, piece.font);
        self.out.extend_from_slice(text.as_bytes());
        if piece.font.underline {
            command(&mut self.out, "&d@");
        }
        (piece.kind == PieceKind::Secret).then_some(place)
    }
}

/// The form with X's, and where each line of a secret starts in it.
///
/// # Errors
/// [`PrintError::TooWide`] for paper that no page printer takes.
pub(super) fn draw(layout: &Layout, sheet: &Sheet) -> Result<(Vec<u8>, Vec<usize>), PrintError> {
    let grid = Grid::new(layout);
    let logical_left = logical_left(layout.page, &grid);
    let end = grid.x(layout.paper_columns() + 1) - logical_left;
    // A tenth of a point is a rounding, not a column.
    if end > logical_width(layout.page) + 0.1 {
        return Err(PrintError::TooWide(layout.paper_columns()));
    }
    let mut pen = Pen {
        layout,
        logical_left,
        grid,
        font: None,
        out: Vec::new(),
    };
    pen.begin();
    for frame in &sheet.frames {
        let half = pen.grid.column / 2.0;
        let (left, high) = (pen.grid.x(frame.column) + half, pen.grid.middle(frame.line));
        let width = frame.width.saturating_sub(1) as f32 * pen.grid.column;
        let height = frame.height.saturating_sub(1) as f32 * pen.grid.line;
        pen.rule(left, high, width, 0.8);
        pen.rule(left, high - height, width, 0.8);
        pen.rule(left, high, 0.8, height);
        pen.rule(left + width, high, 0.8, height + 0.8);
    }
    let folds = Sheet {
        mode: sheet.mode,
        pieces: Vec::new(),
        frames: Vec::new(),
        folds: sheet.folds.clone(),
    };
    for fold in lines_and_folds(&folds) {
        pen.piece(sheet, &fold);
    }
    let places = sheet
        .pieces
        .iter()
        .filter_map(|piece| pen.piece(sheet, piece))
        .collect();
    match layout.eject {
        Eject::OnConfirmation => pen.out.push(b'\r'),
        Eject::WithForm => pen.out.extend_from_slice(EJECT),
    }
    Ok((pen.out, places))
}
