//! Layout files: what stands where on a form.
//!
//! A form is a grid of lines (six to the inch) and columns (ten to the inch),
//! counted from 1 at the top left. Wide items take two columns a character.
//! `keymailer-layouts/component.toml` shows every key there is.

use std::fmt;

use serde::Deserialize;
use toml::Spanned;

use super::error::{LayoutError, LayoutFault};
use super::rules;

/// Paper of the PDF form. ESC/P takes the number of lines alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Page {
    /// 210 × 297 mm, at most 68 lines.
    A4,
    /// 8.5 × 11 in, at most 64 lines.
    Letter,
}

impl Page {
    /// Width and height in points (1/72 inch).
    #[must_use]
    pub fn points(self) -> (f32, f32) {
        match self {
            Self::A4 => (595.276, 841.89),
            Self::Letter => (612.0, 792.0),
        }
    }

    /// Lines of 12 points that fit with a margin.
    #[must_use]
    pub fn most_lines(self) -> usize {
        match self {
            Self::A4 => 68,
            Self::Letter => 64,
        }
    }
}

/// When the sheet leaves the printer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Eject {
    /// The form ends without a feed; [`EJECT`](super::escp::EJECT) is sent
    /// when the custodian stands ready. A sheet that is fed at once may fall
    /// to the floor.
    OnConfirmation,
    /// The form ends with a feed.
    WithForm,
}

/// What can stand on a component form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldName {
    /// `TEST` or `PRODUCTION`.
    Banner,
    /// The layout's own title.
    Title,
    /// The station's name.
    Station,
    /// The key's label.
    Label,
    /// What the key is for.
    Purpose,
    /// Algorithm and length.
    Algorithm,
    /// `COMPONENT i of n`, or `SHARE i of n`.
    Part,
    /// `any m of the n shares`; nothing for a component.
    Quorum,
    /// The component's check value with its method.
    Kcv,
    /// The whole key's check value, where policy wants it printed.
    KeyKcv,
    /// The ceremony.
    Ceremony,
    /// The date.
    Date,
    /// The custodian group.
    Group,
    /// The custodian's name.
    Custodian,
    /// An empty line for the package serial, written by hand.
    Serial,
    /// What is to be said of where the key was made; nothing where there is
    /// nothing to say.
    Provenance,
    /// The value, in lines of four groups with a check letter.
    Value,
}

impl FieldName {
    /// All of them, with the names that layout files use.
    pub const ALL: [(FieldName, &'static str); 17] = [
        (Self::Banner, "banner"),
        (Self::Title, "title"),
        (Self::Station, "station"),
        (Self::Label, "label"),
        (Self::Purpose, "purpose"),
        (Self::Algorithm, "algorithm"),
        (Self::Part, "part"),
        (Self::Quorum, "quorum"),
        (Self::Kcv, "kcv"),
        (Self::KeyKcv, "key-kcv"),
        (Self::Ceremony, "ceremony"),
        (Self::Date, "date"),
        (Self::Group, "group"),
        (Self::Custodian, "custodian"),
        (Self::Serial, "serial"),
        (Self::Provenance, "provenance"),
        (Self::Value, "value"),
    ];

    /// As layout files write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(field, _)| *field == self)
            .map_or("", |(_, name)| name)
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(field, _)| *field)
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "field \"{}\"", self.name())
    }
}

/// Lines between two printed lines of a value: room for a finger, and for the
/// height of wide digits on a page.
pub(super) const VALUE_STEP: usize = 2;
/// Most lines of a value: 32 bytes at eight a line.
pub(super) const VALUE_LINES: usize = 4;
/// Characters of a value line.
pub(super) const VALUE_CHARS: usize = 32;

/// One item of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// Line in the layout file, for errors.
    pub file_line: usize,
    pub line: usize,
    pub column: usize,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Field {
        name: FieldName,
        width: usize,
        bold: bool,
        wide: bool,
    },
    Text {
        text: String,
        bold: bool,
        wide: bool,
    },
    Frame {
        width: usize,
        height: usize,
    },
    Fold {
        text: String,
    },
}

impl Item {
    /// For errors.
    pub fn title(&self) -> String {
        match &self.what {
            What::Field { name, .. } => name.to_string(),
            What::Text { text, .. } => format!("text {text:?}"),
            What::Frame { .. } => "a box".to_owned(),
            What::Fold { .. } => "a fold".to_owned(),
        }
    }
}

/// A layout that passed the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) page: Page,
    pub(super) columns: usize,
    pub(super) lines: usize,
    pub(super) outside_lines: usize,
    pub(super) eject: Eject,
    pub(super) items: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLayout {
    name: String,
    title: String,
    page: Page,
    columns: usize,
    lines: usize,
    outside_lines: usize,
    eject: Eject,
    #[serde(default)]
    fold: Vec<Spanned<RawFold>>,
    #[serde(default)]
    r#box: Vec<Spanned<RawBox>>,
    #[serde(default)]
    text: Vec<Spanned<RawText>>,
    #[serde(default)]
    field: Vec<Spanned<RawField>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFold {
    line: usize,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBox {
    line: usize,
    column: usize,
    width: usize,
    height: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawText {
    line: usize,
    column: usize,
    text: String,
    #[serde(default)]
    bold: bool,
    #[serde(default)]
    wide: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawField {
    name: String,
    line: usize,
    column: usize,
    width: usize,
    #[serde(default)]
    bold: bool,
    #[serde(default)]
    wide: bool,
}

/// The largest layout file, in bytes: it is operator's data, not a program.
const FILE_MAX: usize = 64 * 1024;

fn file_line(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

impl Layout {
    /// Reads a layout file and holds it to the rules.
    ///
    /// # Errors
    /// [`LayoutError`] with the file's line: value or check value on the
    /// outside, control characters, items that overlap or run off the form,
    /// unknown or doubled names, required fields that are not there.
    pub fn parse(text: &str) -> Result<Self, LayoutError> {
        if text.len() > FILE_MAX {
            return Err(LayoutError {
                file_line: None,
                fault: LayoutFault::File(format!("the file is larger than {FILE_MAX} bytes")),
            });
        }
        let raw: RawLayout = toml::from_str(text).map_err(|error| LayoutError {
            file_line: error.span().map(|span| file_line(text, span.start)),
            fault: LayoutFault::File(error.message().to_owned()),
        })?;
        let items = items(text, &raw)?;
        let layout = Self {
            name: raw.name,
            title: raw.title,
            page: raw.page,
            columns: raw.columns,
            lines: raw.lines,
            outside_lines: raw.outside_lines,
            eject: raw.eject,
            items,
        };
        rules::check(&layout)?;
        Ok(layout)
    }

    /// The layout's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When the sheet leaves the printer.
    #[must_use]
    pub fn eject(&self) -> Eject {
        self.eject
    }

    /// How many lines from the top are the outside.
    #[must_use]
    pub fn outside_lines(&self) -> usize {
        self.outside_lines
    }

    /// TRUE when the layout prints this field.
    #[must_use]
    pub fn has(&self, field: FieldName) -> bool {
        self.items
            .iter()
            .any(|item| matches!(item.what, What::Field { name, .. } if name == field))
    }
}

fn items(text: &str, raw: &RawLayout) -> Result<Vec<Item>, LayoutError> {
    let mut items = Vec::new();
    for fold in &raw.fold {
        let inner = fold.get_ref();
        items.push(Item {
            file_line: file_line(text, fold.span().start),
            line: inner.line,
            column: 1,
            what: What::Fold {
                text: inner.text.clone(),
            },
        });
    }
    for frame in &raw.r#box {
        let inner = frame.get_ref();
        items.push(Item {
            file_line: file_line(text, frame.span().start),
            line: inner.line,
            column: inner.column,
            what: What::Frame {
                width: inner.width,
                height: inner.height,
            },
        });
    }
    for constant in &raw.text {
        let inner = constant.get_ref();
        items.push(Item {
            file_line: file_line(text, constant.span().start),
            line: inner.line,
            column: inner.column,
            what: What::Text {
                text: inner.text.clone(),
                bold: inner.bold,
                wide: inner.wide,
            },
        });
    }
    for field in &raw.field {
        let inner = field.get_ref();
        let at = file_line(text, field.span().start);
        let name = FieldName::from_name(&inner.name).ok_or_else(|| LayoutError {
            file_line: Some(at),
            fault: LayoutFault::UnknownField(inner.name.clone()),
        })?;
        items.push(Item {
            file_line: at,
            line: inner.line,
            column: inner.column,
            what: What::Field {
                name,
                width: inner.width,
                bold: inner.bold,
                wide: inner.wide,
            },
        });
    }
    Ok(items)
}
