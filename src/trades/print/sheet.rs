//! A form with everything in its place, and X's where the value goes.

use conclave_evidence::authority::Mode;

use super::check::LINE_BYTES;
use super::error::PrintError;
use super::form::ComponentForm;
use super::layout::{FieldName, Layout, VALUE_STEP, What};

/// What a piece of text is, for printers that can show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Fixed text of the layout.
    Caption,
    /// The layout's title.
    Title,
    /// A field's text.
    Data,
    /// TEST or PRODUCTION.
    Banner,
    /// A line to write on.
    Blank,
    /// A line of the value.
    Value,
}

/// Text at one place.
#[derive(Clone, Debug)]
pub struct Piece {
    pub line: usize,
    pub column: usize,
    /// Columns that the layout gives it.
    pub width: usize,
    pub text: String,
    pub bold: bool,
    pub wide: bool,
    pub kind: Kind,
}

/// A frame around something.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    pub line: usize,
    pub column: usize,
    pub width: usize,
    pub height: usize,
}

/// A line to fold along.
#[derive(Clone, Debug)]
pub struct Fold {
    pub line: usize,
    pub text: String,
}

/// The form, drawn.
pub struct Sheet {
    pub mode: Mode,
    pub pieces: Vec<Piece>,
    pub frames: Vec<Frame>,
    pub folds: Vec<Fold>,
    /// Lines of the value, with X's, in their order.
    pub value_lines: Vec<String>,
}

/// Where a value line's sixteen digits stand in [`placeholder`].
const DIGITS: [usize; 16] = [3, 4, 5, 6, 8, 9, 10, 11, 13, 14, 15, 16, 18, 19, 20, 21];
/// Where its check letter stands.
const CHECK: usize = 31;

/// Line `k` (from 0) of a value, with X's. No other line of a form is a number
/// followed by groups of four: whoever copies a value by hand or by program
/// has one pattern to look for.
pub fn placeholder(k: usize) -> String {
    format!("{}  XXXX XXXX XXXX XXXX   check X", k + 1)
}

/// Writes eight bytes of the value and their check letter over the X's of a
/// value line, in place.
pub fn fill_line(place: &mut [u8], k: usize, bytes: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]);
    for (at, digit) in DIGITS.iter().zip(digits) {
        if let (Some(cell), Some(hex)) = (place.get_mut(*at), HEX.get(usize::from(digit))) {
            *cell = *hex;
        }
    }
    if let Some(cell) = place.get_mut(CHECK) {
        *cell = super::check::line_check(u8::try_from(k + 1).unwrap_or(u8::MAX), bytes);
    }
}

/// Puts the form's texts into the layout's places.
///
/// # Errors
/// [`PrintError`]: a character that cannot be printed, a text longer than its
/// place.
pub fn lay_out(layout: &Layout, form: &ComponentForm) -> Result<Sheet, PrintError> {
    // The part is on every layout, but a form that is none is refused first.
    form.text(FieldName::Part)?;
    for (needed, field) in [
        (form.provenance.is_some(), FieldName::Provenance),
        (form.quorum.is_some(), FieldName::Quorum),
    ] {
        let mut items = layout.items.iter();
        let has_place =
            items.any(|item| matches!(item.what, What::Field { name, .. } if name == field));
        if needed && !has_place {
            return Err(PrintError::NoPlace(field));
        }
    }
    let mut sheet = Sheet {
        mode: form.mode,
        pieces: Vec::new(),
        frames: Vec::new(),
        folds: Vec::new(),
        value_lines: (0..form.form.bytes() / LINE_BYTES)
            .map(placeholder)
            .collect(),
    };
    for item in &layout.items {
        let (line, column) = (item.line, item.column);
        match &item.what {
            What::Frame { width, height } => sheet.frames.push(Frame {
                line,
                column,
                width: *width,
                height: *height,
            }),
            What::Fold { text } => sheet.folds.push(Fold {
                line,
                text: text.clone(),
            }),
            What::Text { text, bold, wide } => sheet.pieces.push(Piece {
                line,
                column,
                width: if *wide { 2 * text.len() } else { text.len() },
                text: text.clone(),
                bold: *bold,
                wide: *wide,
                kind: Kind::Caption,
            }),
            What::Field {
                name,
                width,
                bold,
                wide,
            } => {
                let piece = |line, text: String, kind| Piece {
                    line,
                    column,
                    width: *width,
                    text,
                    bold: *bold,
                    wide: *wide && kind != Kind::Blank,
                    kind,
                };
                match (*name, form.text(*name)?) {
                    (FieldName::Value, _) => {
                        let lines = sheet.value_lines.iter().enumerate();
                        let lines = lines.map(|(k, text)| {
                            piece(line + k * VALUE_STEP, text.clone(), Kind::Value)
                        });
                        sheet.pieces.extend(lines.collect::<Vec<_>>());
                    }
                    (FieldName::Serial, _) => {
                        sheet
                            .pieces
                            .push(piece(line, "_".repeat(*width), Kind::Blank));
                    }
                    (FieldName::Title, _) => {
                        let room = if *wide { width / 2 } else { *width };
                        fits(FieldName::Title, &layout.title, room)?;
                        sheet
                            .pieces
                            .push(piece(line, layout.title.clone(), Kind::Title));
                    }
                    (name, Some(text)) => {
                        let room = if *wide { width / 2 } else { *width };
                        fits(name, &text, room)?;
                        let kind = match name {
                            FieldName::Banner => Kind::Banner,
                            _ => Kind::Data,
                        };
                        sheet.pieces.push(piece(line, text, kind));
                    }
                    (_, None) => {}
                }
            }
        }
    }
    sheet.pieces.sort_by_key(|piece| (piece.line, piece.column));
    Ok(sheet)
}

fn fits(field: FieldName, text: &str, width: usize) -> Result<(), PrintError> {
    if text.len() > width {
        return Err(PrintError::TooLong {
            field,
            len: text.len(),
            width,
        });
    }
    Ok(())
}
