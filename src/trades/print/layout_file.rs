//! The file form of a layout: keys, their defaults, and the line of the file
//! that each item stands on.

use serde::Deserialize;
use toml::Spanned;

use super::error::{LayoutError, LayoutFault};
use super::field::FieldName;
use super::kind::{Disclosure, Kind};
use super::layout::{Area, Eject, Font, Item, Layout, Page, Place, VALUE_LINES, VALUE_STEP, What};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLayout {
    name: String,
    title: String,
    #[serde(default = "one")]
    version: u32,
    #[serde(default)]
    kind: Kind,
    #[serde(default)]
    disclosure: Disclosure,
    #[serde(default = "english")]
    language: String,
    page: Page,
    stock: Option<String>,
    toner: Option<String>,
    columns: usize,
    lines: usize,
    #[serde(default = "ten")]
    columns_to_the_inch: usize,
    #[serde(default = "six")]
    lines_to_the_inch: usize,
    #[serde(default = "single")]
    across: usize,
    #[serde(default)]
    offset: usize,
    #[serde(default = "six")]
    pin_digits: usize,
    #[serde(default)]
    card_hint: bool,
    #[serde(default)]
    outside_lines: usize,
    eject: Eject,
    #[serde(default)]
    outside: Vec<RawArea>,
    #[serde(default)]
    fold: Vec<Spanned<RawFold>>,
    #[serde(default)]
    r#box: Vec<Spanned<RawArea>>,
    #[serde(default)]
    text: Vec<Spanned<RawText>>,
    #[serde(default)]
    field: Vec<Spanned<RawField>>,
    #[serde(default)]
    escape: Vec<Spanned<RawEscape>>,
}

fn one() -> u32 {
    1
}

fn english() -> String {
    "en".to_owned()
}

fn ten() -> usize {
    10
}

fn six() -> usize {
    6
}

fn single() -> usize {
    1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFold {
    line: usize,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawArea {
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
    #[serde(default)]
    underline: bool,
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
    #[serde(default)]
    underline: bool,
    repeat: Option<usize>,
    step: Option<usize>,
    #[serde(default = "single")]
    beside: usize,
    #[serde(default)]
    spaced: bool,
    language: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEscape {
    line: usize,
    column: usize,
    /// `esc-p` or `pcl-5`.
    printer: String,
    /// Two digits a byte; spaces between bytes do not count.
    hex: String,
}

/// The largest layout file, in bytes: it is operator's data, not a program.
const FILE_MAX: usize = 64 * 1024;

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

/// The layout as written; the rules come after it.
///
/// # Errors
/// [`LayoutError`]: no TOML, unknown keys and names, wrong types, hex that is
/// none.
pub(super) fn parse(text: &str) -> Result<Layout, LayoutError> {
    if text.len() > FILE_MAX {
        return Err(LayoutError {
            file_line: None,
            fault: LayoutFault::File(format!("the file is larger than {FILE_MAX} bytes")),
        });
    }
    let raw: RawLayout = toml::from_str(text).map_err(|error| LayoutError {
        file_line: error.span().map(|span| line_of(text, span.start)),
        fault: LayoutFault::File(error.message().to_owned()),
    })?;
    let items = items(text, &raw)?;
    let mut outside: Vec<Area> = raw.outside.iter().map(area).collect();
    if raw.outside_lines > 0 {
        outside.insert(
            0,
            Area {
                line: 1,
                column: 1,
                width: raw.columns,
                height: raw.outside_lines,
            },
        );
    }
    Ok(Layout {
        name: raw.name,
        title: raw.title,
        version: raw.version,
        kind: raw.kind,
        disclosure: raw.disclosure,
        language: raw.language,
        page: raw.page,
        stock: raw.stock,
        toner: raw.toner,
        columns: raw.columns,
        lines: raw.lines,
        columns_to_the_inch: raw.columns_to_the_inch,
        lines_to_the_inch: raw.lines_to_the_inch,
        across: raw.across,
        offset: raw.offset,
        pin_digits: raw.pin_digits,
        card_hint: raw.card_hint,
        outside_lines: raw.outside_lines,
        outside,
        eject: raw.eject,
        items,
    })
}

fn area(raw: &RawArea) -> Area {
    Area {
        line: raw.line,
        column: raw.column,
        width: raw.width,
        height: raw.height,
    }
}

fn items(text: &str, raw: &RawLayout) -> Result<Vec<Item>, LayoutError> {
    let mut items = Vec::new();
    for fold in &raw.fold {
        let inner = fold.get_ref();
        items.push(Item {
            file_line: line_of(text, fold.span().start),
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
            file_line: line_of(text, frame.span().start),
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
            file_line: line_of(text, constant.span().start),
            line: inner.line,
            column: inner.column,
            what: What::Text {
                text: inner.text.clone(),
                font: Font {
                    bold: inner.bold,
                    wide: inner.wide,
                    underline: inner.underline,
                },
            },
        });
    }
    for field in &raw.field {
        let inner = field.get_ref();
        let at = line_of(text, field.span().start);
        items.push(Item {
            file_line: at,
            line: inner.line,
            column: inner.column,
            what: What::Field(place(inner, at)?),
        });
    }
    for escape in &raw.escape {
        let inner = escape.get_ref();
        let at = line_of(text, escape.span().start);
        items.push(Item {
            file_line: at,
            line: inner.line,
            column: inner.column,
            what: What::Escape {
                language: inner.printer.clone(),
                code: bytes(&inner.hex).ok_or_else(|| LayoutError {
                    file_line: Some(at),
                    fault: LayoutFault::File(format!("{:?} is not hex", inner.hex)),
                })?,
            },
        });
    }
    Ok(items)
}

fn place(raw: &RawField, at: usize) -> Result<Place, LayoutError> {
    let name = FieldName::from_name(&raw.name).ok_or_else(|| LayoutError {
        file_line: Some(at),
        fault: LayoutFault::UnknownField(raw.name.clone()),
    })?;
    let (repeat, step) = if name == FieldName::Value {
        (VALUE_LINES, VALUE_STEP)
    } else {
        (1, 1)
    };
    Ok(Place {
        name,
        width: raw.width,
        font: Font {
            bold: raw.bold,
            wide: raw.wide,
            underline: raw.underline,
        },
        repeat: raw.repeat.unwrap_or(repeat),
        step: raw.step.unwrap_or(step),
        beside: raw.beside,
        spaced: raw.spaced,
        language: raw.language.clone(),
    })
}

/// Bytes of a hex text, or `None`.
pub(super) fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = hex
        .chars()
        .filter(|c| *c != ' ')
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    Some(
        pairs
            .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
            .collect(),
    )
}
