//! Pages: the PDF side of forms and reports.
//!
//! Deterministic: the same input gives the same bytes on every machine (no
//! clock, no random document id), so that a page can be compared with its
//! golden file and its digest means something. Standard fonts, not embedded;
//! streams are not compressed, so that an auditor's eye can read them.

use conclave_evidence::authority::Mode;
use printpdf::{
    BuiltinFont, Color, Greyscale, Line, LineDashPattern, LinePoint, Mm, Op, PaintMode,
    PdfDocument, PdfFontHandle, PdfPage, PdfSaveOptions, Point, Pt, Rect, TextItem, TextMatrix,
};
use sha2::{Digest, Sha256};

use super::error::PrintError;
use super::layout::Layout;
use super::metrics;
use super::sheet::{Kind, Piece, Sheet};

/// Points of a column on the page: Courier of 11 points.
const COLUMN: f32 = 6.6;
/// Points of a line: six to the inch.
const LINE: f32 = 12.0;
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

/// The component form with X's, and where each value line starts in the bytes.
///
/// # Errors
/// [`PrintError::PlaceLost`] when a value line is not on the page exactly
/// once, as it was given.
pub(super) fn draw_form(
    layout: &Layout,
    form: &Sheet,
) -> Result<(Vec<u8>, Vec<usize>), PrintError> {
    let (width, height) = layout.page.points();
    let grid = Grid {
        left: (width - layout.columns as f32 * COLUMN) / 2.0,
        top: height - (height - layout.lines as f32 * LINE) / 2.0,
    };
    let mut canvas = Canvas::new();
    for fold in &form.folds {
        let y = grid.middle(fold.line);
        let right = grid.left + layout.columns as f32 * COLUMN;
        let words = metrics::width(&fold.text, false, 7.5);
        let gap = ((right - grid.left) - words) / 2.0;
        // Through the margins: it is a line to fold along, not a rule.
        canvas.line((12.0, y), (grid.left + gap - 5.0, y), 0.6, true);
        canvas.line((right - gap + 5.0, y), (width - 12.0, y), 0.6, true);
        let x = grid.left + gap;
        canvas.text(x, y - 2.6, helvetica(false), 7.5, GREY, &fold.text);
    }
    for frame in &form.frames {
        let low = grid.middle(frame.line + frame.height.saturating_sub(1));
        let x = grid.x(frame.column) + COLUMN / 2.0;
        let wide = frame.width.saturating_sub(1) as f32 * COLUMN;
        canvas.rect(x, low, wide, grid.middle(frame.line) - low, None);
    }
    for piece in &form.pieces {
        draw_piece(&mut canvas, &grid, form.mode, piece);
    }
    let bytes = save(&layout.title, (width, height), vec![canvas]);
    let places = (1..)
        .zip(&form.value_lines)
        .map(|(line, text)| only_place(&bytes, line, text))
        .collect::<Result<Vec<_>, _>>()?;
    Ok((bytes, places))
}

struct Grid {
    left: f32,
    top: f32,
}

impl Grid {
    fn x(&self, column: usize) -> f32 {
        self.left + column.saturating_sub(1) as f32 * COLUMN
    }

    fn baseline(&self, line: usize) -> f32 {
        self.top - line as f32 * LINE + 3.0
    }

    fn middle(&self, line: usize) -> f32 {
        self.top - line as f32 * LINE + LINE / 2.0
    }
}

fn draw_piece(canvas: &mut Canvas, grid: &Grid, mode: Mode, piece: &Piece) {
    let (x, y) = (grid.x(piece.column), grid.baseline(piece.line));
    let bold = piece.bold || piece.wide;
    let courier = if bold {
        BuiltinFont::CourierBold
    } else {
        BuiltinFont::Courier
    };
    let size = if piece.wide { 22.0 } else { 11.0 };
    match piece.kind {
        Kind::Caption | Kind::Title => {
            let size = if piece.wide { 17.0 } else { 9.0 };
            let level = if bold { BLACK } else { GREY };
            canvas.text(x, y, helvetica(bold), size, level, &piece.text);
        }
        Kind::Data | Kind::Value => canvas.text(x, y, courier, size, BLACK, &piece.text),
        Kind::Blank => {
            let end = x + piece.width as f32 * COLUMN;
            canvas.line((x, y - 1.0), (end, y - 1.0), 0.8, false);
        }
        Kind::Banner => {
            let tall = if piece.wide { 20.0 } else { 13.0 };
            let wide = piece.width as f32 * COLUMN;
            canvas.banner(mode, &piece.text, x, y - 5.0, wide, tall);
        }
    }
}

/// Where a value line stands in the page's bytes.
fn only_place(bytes: &[u8], line: usize, text: &str) -> Result<usize, PrintError> {
    let text = format!("({text})");
    let mut found = bytes
        .windows(text.len())
        .enumerate()
        .filter(|(_, window)| *window == text.as_bytes())
        .map(|(at, _)| at + 1);
    match (found.next(), found.next()) {
        (Some(at), None) => Ok(at),
        _ => Err(PrintError::PlaceLost(line)),
    }
}
