//! Pages: the PDF side of forms and reports.
//!
//! Deterministic: the same input gives the same bytes on every machine (no
//! clock, no random document id), so that a page can be compared with its
//! golden file and its digest means something. Standard fonts, not embedded;
//! streams are not compressed, so that an auditor's eye can read them.

use std::collections::BTreeMap;

use conclave_evidence::authority::Mode;
use printpdf::{
    BuiltinFont, Color, Greyscale, Line, LineDashPattern, LinePoint, Mm, Op, PaintMode,
    PdfDocument, PdfFontHandle, PdfPage, PdfSaveOptions, Point, Pt, Rect, TextItem, TextMatrix,
};
use sha2::{Digest, Sha256};

use super::error::PrintError;
use super::grid::Grid;
use super::layout::Layout;
use super::metrics;
use super::sheet::{Piece, PieceKind, Sheet};

const BLACK: f32 = 0.0;
const GREY: f32 = 0.38;
const WHITE: f32 = 1.0;

/// One page in the making. Coordinates are points from the lower left corner.
pub struct Canvas {
    ops: Vec<Op>,
}

fn point(x: f32, y: f32) -> Point {
    Point { x: Pt(x), y: Pt(y) }
}

fn grey(level: f32) -> Color {
    Color::Greyscale(Greyscale::new(level, None))
}

impl Canvas {
    pub fn new() -> Self {
        Self { ops: Vec::new() }
    }

    /// Printable ASCII with its baseline's left end at (x, y).
    pub fn text(&mut self, x: f32, y: f32, font: BuiltinFont, size: f32, level: f32, text: &str) {
        self.ops.extend([
            Op::StartTextSection,
            Op::SetFillColor { col: grey(level) },
            Op::SetFont {
                font: PdfFontHandle::Builtin(font),
                size: Pt(size),
            },
            Op::SetTextMatrix {
                matrix: TextMatrix::Translate(Pt(x), Pt(y)),
            },
            Op::ShowText {
                items: vec![TextItem::Text(text.to_owned())],
            },
            Op::EndTextSection,
        ]);
    }

    /// Helvetica with its right end at `x`.
    pub fn text_right(&mut self, x: f32, y: f32, bold: bool, size: f32, level: f32, text: &str) {
        let left = x - metrics::width(text, bold, size);
        self.text(left, y, helvetica(bold), size, level, text);
    }

    /// A straight line; dashed for a fold.
    pub fn line(&mut self, from: (f32, f32), to: (f32, f32), thickness: f32, dashed: bool) {
        let dash = if dashed {
            LineDashPattern::new(0.0, &[4.0, 3.0])
        } else {
            LineDashPattern::solid()
        };
        let end = |(x, y)| LinePoint {
            p: point(x, y),
            bezier: false,
        };
        self.ops.extend([
            Op::SetOutlineColor { col: grey(BLACK) },
            Op::SetOutlineThickness { pt: Pt(thickness) },
            Op::SetLineDashPattern { dash },
            Op::DrawLine {
                line: Line {
                    points: vec![end(from), end(to)],
                    is_closed: false,
                },
            },
        ]);
    }

    /// A rectangle, its outline or filled.
    pub fn rect(&mut self, x: f32, y: f32, width: f32, height: f32, fill: Option<f32>) {
        if let Some(level) = fill {
            self.ops.push(Op::SetFillColor { col: grey(level) });
        } else {
            self.ops.extend([
                Op::SetOutlineColor { col: grey(BLACK) },
                Op::SetOutlineThickness { pt: Pt(0.8) },
                Op::SetLineDashPattern {
                    dash: LineDashPattern::solid(),
                },
            ]);
        }
        self.ops.push(Op::DrawRectangle {
            rectangle: Rect {
                x: Pt(x),
                y: Pt(y),
                width: Pt(width),
                height: Pt(height),
                mode: Some(if fill.is_some() {
                    PaintMode::Fill
                } else {
                    PaintMode::Stroke
                }),
                winding_order: None,
            },
        });
    }

    /// TEST as white letters on a black bar, PRODUCTION in a frame: nobody
    /// takes one for the other.
    pub fn banner(&mut self, mode: Mode, words: &str, left: f32, low: f32, width: f32, tall: f32) {
        let size = tall * 0.68;
        let room = metrics::width(words, true, size);
        let x = left + (width - room) / 2.0;
        let y = low + (tall - size * 0.72) / 2.0;
        let letters = match mode {
            Mode::Test => {
                self.rect(left, low, width, tall, Some(BLACK));
                WHITE
            }
            Mode::Production => {
                self.rect(left, low, width, tall, None);
                BLACK
            }
        };
        self.text(x, y, BuiltinFont::HelveticaBold, size, letters, words);
    }
}

pub fn helvetica(bold: bool) -> BuiltinFont {
    if bold {
        BuiltinFont::HelveticaBold
    } else {
        BuiltinFont::Helvetica
    }
}

/// Pages of one size, in points, as the bytes of a PDF.
pub fn save(title: &str, size: (f32, f32), pages: Vec<Canvas>) -> Vec<u8> {
    let mut document = PdfDocument::new(title);
    document.metadata.info.creator = "Conclave".to_owned();
    document.metadata.info.producer = "Conclave".to_owned();
    document.pages = pages
        .into_iter()
        .map(|canvas| {
            let mut page = PdfPage::new(Mm(210.0), Mm(297.0), canvas.ops);
            let whole = Rect::from_wh(Pt(size.0), Pt(size.1));
            page.media_box = whole.clone();
            page.trim_box = whole.clone();
            page.crop_box = whole;
            page
        })
        .collect();
    let options = PdfSaveOptions {
        optimize: false,
        ..PdfSaveOptions::default()
    };
    let mut bytes = document.save(&options, &mut Vec::new());
    settle_id(&mut bytes);
    bytes
}

/// Replaces the two random document ids of the trailer by one that follows
/// from the document: hex digits of its SHA-256 (ISO 32000-1, 14.4, asks for
/// an id that depends on the contents).
fn settle_id(bytes: &mut [u8]) {
    const MARK: &[u8] = b"/ID[(";
    const LEN: usize = 32;
    let Some(at) = bytes.windows(MARK.len()).rposition(|w| w == MARK) else {
        return;
    };
    let first = at + MARK.len();
    let second = first + LEN + 2;
    let digest = Sha256::digest(bytes.get(..at).unwrap_or_default());
    let hex: Vec<u8> = digest
        .iter()
        .take(LEN / 2)
        .flat_map(|byte| format!("{byte:02x}").into_bytes())
        .collect();
    if bytes.get(first + LEN..second) == Some(b")(") {
        for start in [first, second] {
            if let Some(id) = bytes.get_mut(start..start + LEN) {
                id.copy_from_slice(&hex);
            }
        }
    }
}

/// The form with X's.
pub(super) fn draw_form(layout: &Layout, form: &Sheet) -> Vec<u8> {
    let grid = Grid::new(layout);
    let mut canvas = Canvas::new();
    for fold in &form.folds {
        let y = grid.middle(fold.line);
        let left = grid.x(fold.column);
        let right = left + fold.width as f32 * grid.column;
        let words = metrics::width(&fold.text, false, 7.5);
        let gap = ((right - left) - words) / 2.0;
        // Through the margins: it is a line to fold along, not a rule.
        let last = fold.column + fold.width > layout.paper_columns();
        let from = if fold.column == 1 { 12.0 } else { left };
        let to = if last { grid.width - 12.0 } else { right };
        canvas.line((from, y), (left + gap - 5.0, y), 0.6, true);
        canvas.line((right - gap + 5.0, y), (to, y), 0.6, true);
        let x = left + gap;
        canvas.text(x, y - 2.6, helvetica(false), 7.5, GREY, &fold.text);
    }
    for frame in &form.frames {
        let low = grid.middle(frame.line + frame.height.saturating_sub(1));
        let x = grid.x(frame.column) + grid.column / 2.0;
        let wide = frame.width.saturating_sub(1) as f32 * grid.column;
        canvas.rect(x, low, wide, grid.middle(frame.line) - low, None);
    }
    for piece in &form.pieces {
        draw_piece(&mut canvas, &grid, form.mode, piece);
    }
    save(&layout.title, (grid.width, grid.height), vec![canvas])
}

fn draw_piece(canvas: &mut Canvas, grid: &Grid, mode: Mode, piece: &Piece) {
    let x = grid.x(piece.column);
    let y = grid.baseline(piece.line);
    let font = piece.font;
    let bold = font.bold || font.wide;
    let courier = if bold {
        BuiltinFont::CourierBold
    } else {
        BuiltinFont::Courier
    };
    let size = if font.wide { 2.0 } else { 1.0 } * grid.courier();
    match piece.kind {
        PieceKind::Caption | PieceKind::Title => {
            let size = if font.wide { 17.0 } else { 9.0 };
            let level = if bold { BLACK } else { GREY };
            canvas.text(x, y, helvetica(bold), size, level, &piece.text);
            if font.underline {
                let end = x + metrics::width(&piece.text, bold, size);
                canvas.line((x, y - 1.5), (end, y - 1.5), 0.6, false);
            }
        }
        PieceKind::Data | PieceKind::Secret => {
            canvas.text(x, y, courier, size, BLACK, &piece.text);
            if font.underline {
                let end = x + font.columns(piece.text.len()) as f32 * grid.column;
                canvas.line((x, y - 1.5), (end, y - 1.5), 0.6, false);
            }
        }
        PieceKind::Blank => {
            let end = x + piece.width as f32 * grid.column;
            canvas.line((x, y - 1.0), (end, y - 1.0), 0.8, false);
        }
        PieceKind::Banner => {
            let tall = if font.wide { 20.0 } else { 13.0 };
            let wide = piece.width as f32 * grid.column;
            canvas.banner(mode, &piece.text, x, y - 5.0, wide, tall);
        }
        PieceKind::Escape(_) => {}
    }
}

/// Where each line of a secret starts in the page's bytes. A line of X's may be
/// there several times, if as many lines are drawn with it.
///
/// # Errors
/// [`PrintError::PlaceLost`] when a line is there less or more often than it
/// was given.
pub(super) fn places(bytes: &[u8], form: &Sheet) -> Result<Vec<usize>, PrintError> {
    let mut found: BTreeMap<&str, std::vec::IntoIter<usize>> = BTreeMap::new();
    let mut places = Vec::new();
    for (line, (text, _)) in (1..).zip(form.secrets()) {
        let all = found.entry(text).or_insert_with(|| {
            let shown = format!("({text})");
            let windows = bytes.windows(shown.len()).enumerate();
            let hits = windows.filter(|(_, window)| *window == shown.as_bytes());
            hits.map(|(at, _)| at + 1).collect::<Vec<_>>().into_iter()
        });
        places.push(all.next().ok_or(PrintError::PlaceLost(line))?);
    }
    match found.values().all(|rest| rest.as_slice().is_empty()) {
        true => Ok(places),
        false => Err(PrintError::PlaceLost(places.len() + 1)),
    }
}
