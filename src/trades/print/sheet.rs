//! A form with everything in its place, and X's where secrets go.

use conclave_evidence::authority::Mode;

use super::check::LINE_BYTES;
use super::digit_words::{self, HOLDER};
use super::error::PrintError;
use super::escape::EscapeLanguage;
use super::field::FieldName;
use super::filling::{Content, Filling};
use super::layout::{Font, Item, Layout, Place, What};
use super::marks::{Mark, PASSWORD_LINE, Shape, WORDS_ROWS};

/// What a piece of text is, for printers that can show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PieceKind {
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
    /// A line of a secret.
    Secret,
    /// A raw command for one printer language.
    Escape(EscapeLanguage),
}

/// Text at one place.
#[derive(Clone, Debug)]
pub struct Piece {
    pub line: usize,
    pub column: usize,
    /// Columns that the layout gives it.
    pub width: usize,
    pub text: String,
    pub font: Font,
    pub kind: PieceKind,
    /// What is written over a line of a secret.
    pub mark: Option<Mark>,
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
    pub column: usize,
    pub width: usize,
    pub text: String,
}

/// The form, drawn; or the forms that stand beside one another.
pub struct Sheet {
    pub mode: Mode,
    pub pieces: Vec<Piece>,
    pub frames: Vec<Frame>,
    pub folds: Vec<Fold>,
}

impl Sheet {
    /// The lines of secrets, with X's, in the order of the page.
    pub fn secrets(&self) -> impl Iterator<Item = (&str, &Mark)> {
        self.pieces
            .iter()
            .filter_map(|piece| piece.mark.as_ref().map(|mark| (piece.text.as_str(), mark)))
    }
}

/// What need not be given: it is printed where there is something to say.
const OPTIONAL: [FieldName; 2] = [FieldName::Provenance, FieldName::Quorum];

/// What is not left out silently where the layout has no place for it.
fn has_to_be_said(field: FieldName) -> bool {
    OPTIONAL.contains(&field) || field == FieldName::Fingerprint || field.is_secret()
}

/// Puts the fillings into the layout's places.
///
/// # Errors
/// [`PrintError`]: too many forms or none, something that was not given, a
/// character that cannot be printed, a text longer than its place, a secret
/// that has no place.
pub fn lay_out(layout: &Layout, fillings: &[Filling<'_>]) -> Result<Sheet, PrintError> {
    let Some(first) = fillings.first().filter(|_| fillings.len() <= layout.across) else {
        return Err(PrintError::Forms {
            found: fillings.len(),
            room: layout.across,
        });
    };
    let mut sheet = Sheet {
        mode: first.mode,
        pieces: Vec::new(),
        frames: Vec::new(),
        folds: Vec::new(),
    };
    for (form, filling) in fillings.iter().enumerate() {
        // What has to be said and has no place is not left out silently.
        let needed = filling
            .given()
            .find(|field| has_to_be_said(*field) && !layout.has(*field));
        if let Some(field) = needed {
            return Err(PrintError::NoPlace(field));
        }
        let drawing = Drawing {
            layout,
            filling,
            form,
            right: form * layout.offset,
        };
        for item in &layout.items {
            drawing.item(item, &mut sheet)?;
        }
    }
    sheet.pieces.sort_by_key(|piece| (piece.line, piece.column));
    Ok(sheet)
}

/// One form being drawn.
struct Drawing<'d, 'f> {
    layout: &'d Layout,
    filling: &'d Filling<'f>,
    form: usize,
    /// Columns that the form stands to the right of the first one.
    right: usize,
}

impl Drawing<'_, '_> {
    fn item(&self, item: &Item, sheet: &mut Sheet) -> Result<(), PrintError> {
        let (line, column) = (item.line, item.column + self.right);
        match &item.what {
            What::Frame { width, height } => sheet.frames.push(Frame {
                line,
                column,
                width: *width,
                height: *height,
            }),
            What::Fold { text } => sheet.folds.push(Fold {
                line,
                column,
                width: self.layout.columns,
                text: text.clone(),
            }),
            What::Text { text, font } => sheet.pieces.push(Piece {
                line,
                column,
                width: font.columns(text.len()),
                text: text.clone(),
                font: *font,
                kind: PieceKind::Caption,
                mark: None,
            }),
            What::Escape { language, code } => {
                let language = EscapeLanguage::from_name(language);
                let text = String::from_utf8(code.clone()).ok();
                if let (Some(language), Some(text)) = (language, text) {
                    sheet.pieces.push(Piece {
                        line,
                        column,
                        width: 0,
                        text,
                        font: Font::default(),
                        kind: PieceKind::Escape(language),
                        mark: None,
                    });
                }
            }
            What::Field(place) if place.name.is_secret() => {
                for mark in self.marks(place)? {
                    let text = mark.placeholder();
                    let (down, right) = self.row(place, mark.row)?;
                    sheet.pieces.push(Piece {
                        line: line + down,
                        column: column + right,
                        width: place.width,
                        text,
                        font: place.font,
                        kind: PieceKind::Secret,
                        mark: Some(mark),
                    });
                }
            }
            What::Field(place) => {
                let (texts, kind) = self.texts(place)?;
                for (row, text) in texts.into_iter().enumerate() {
                    let (down, right) = self.row(place, row)?;
                    let font = Font {
                        wide: place.font.wide && kind != PieceKind::Blank,
                        ..place.font
                    };
                    let room = font.room(place.width);
                    if text.len() > room {
                        return Err(PrintError::TooLong {
                            field: place.name,
                            len: text.len(),
                            width: room,
                        });
                    }
                    if text.is_empty() {
                        continue;
                    }
                    sheet.pieces.push(Piece {
                        line: line + down,
                        column: column + right,
                        width: place.width,
                        text,
                        font,
                        kind,
                        mark: None,
                    });
                }
            }
        }
        Ok(())
    }

    fn row(&self, place: &Place, row: usize) -> Result<(usize, usize), PrintError> {
        place.row(row).ok_or(PrintError::TooManyRows {
            field: place.name,
            found: row + 1,
            room: place.lines(),
        })
    }

    /// The lines of a field that is no secret.
    fn texts(&self, place: &Place) -> Result<(Vec<String>, PieceKind), PrintError> {
        let field = place.name;
        Ok(match field {
            FieldName::Banner => {
                let silent =
                    self.layout.kind.for_customers() && self.filling.mode == Mode::Production;
                let words = if silent {
                    Vec::new()
                } else {
                    vec![self.filling.mode.to_string()]
                };
                (words, PieceKind::Banner)
            }
            FieldName::Title => (vec![self.layout.title.clone()], PieceKind::Title),
            FieldName::Serial => (vec!["_".repeat(place.width)], PieceKind::Blank),
            field if OPTIONAL.contains(&field) && self.filling.content(field).is_none() => {
                (Vec::new(), PieceKind::Data)
            }
            field => (self.filling.lines(self.layout, field)?, PieceKind::Data),
        })
    }

    /// The lines of a secret.
    fn marks(&self, place: &Place) -> Result<Vec<Mark>, PrintError> {
        let field = place.name;
        let length = self.filling.length(self.layout, field)?;
        let shapes: Vec<Shape> = match field {
            FieldName::Value => {
                if length == 0 || length % LINE_BYTES != 0 {
                    return Err(PrintError::ValueLength {
                        found: length,
                        expected: length.next_multiple_of(LINE_BYTES).max(LINE_BYTES),
                    });
                }
                vec![Shape::Value; length / LINE_BYTES]
            }
            FieldName::Pin => vec![Shape::Pin {
                digits: length,
                spaced: place.spaced,
            }],
            FieldName::PinWords => {
                let language = self.word_language(place)?;
                let letters = digit_words::longest(&language)
                    .ok_or_else(|| PrintError::Language(language.clone()))?;
                let shape = |first, count| Shape::PinWords {
                    first,
                    count,
                    letters,
                    language: language.clone(),
                };
                if place.repeat > 1 {
                    (0..length).map(|first| shape(first, 1)).collect()
                } else {
                    vec![shape(0, length)]
                }
            }
            FieldName::Password => (0..length.div_ceil(PASSWORD_LINE))
                .map(|row| Shape::Password {
                    characters: (length - row * PASSWORD_LINE).min(PASSWORD_LINE),
                })
                .collect(),
            _ => vec![Shape::Words; WORDS_ROWS],
        };
        let marks = shapes.into_iter().enumerate().map(|(row, shape)| Mark {
            form: self.form,
            field,
            row,
            shape,
        });
        Ok(marks.collect())
    }

    /// The language of digit words: the field's, else the layout's; the
    /// holder's where they say so.
    fn word_language(&self, place: &Place) -> Result<String, PrintError> {
        let language = place.language.as_ref().unwrap_or(&self.layout.language);
        if language != HOLDER {
            return Ok(language.clone());
        }
        let holder = self.filling.language.clone();
        match holder {
            Some(holder) if digit_words::languages().contains_key(&holder) => Ok(holder),
            other => Err(PrintError::Language(other.unwrap_or_default())),
        }
    }
}

/// The content that belongs to a mark.
pub fn content_of<'c, 'f>(
    fillings: &'c [Filling<'f>],
    mark: &Mark,
) -> Result<&'c Content<'f>, PrintError> {
    fillings
        .get(mark.form)
        .and_then(|filling| filling.content(mark.field))
        .ok_or(PrintError::NotGiven(mark.field))
}
