//! Layout files: what stands where on a form.
//!
//! A form is a grid of lines (six or eight to the inch) and columns (ten or
//! twelve to the inch), counted from 1 at the top left. Wide items take two
//! columns a character. `docs/layouts.md` has every key there is.

use super::error::{LayoutError, LayoutFault};
use super::field::FieldName;
use super::kind::{Disclosure, Kind};
use super::layout_file;
use super::rules;

/// Paper of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub enum Page {
    /// 210 × 297 mm, at most 68 lines.
    A4,
    /// 8.5 × 11 in, at most 64 lines.
    Letter,
    /// Continuous forms between sprocket strips: as wide and as long as the
    /// columns and lines are.
    #[serde(rename = "continuous")]
    Continuous,
}

impl Page {
    /// Width and height of a cut sheet in points (1/72 inch); those of A4 for
    /// continuous forms, whose size their layout has.
    #[must_use]
    pub fn points(self) -> (f32, f32) {
        match self {
            Self::Letter => (612.0, 792.0),
            Self::A4 | Self::Continuous => (595.276, 841.89),
        }
    }
}

/// When the sheet leaves the printer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Eject {
    /// The form ends without a feed; [`EJECT`](super::escp::EJECT) is sent
    /// when the custodian stands ready. A sheet that is fed at once may fall
    /// to the floor.
    OnConfirmation,
    /// The form ends with a feed.
    WithForm,
}

/// Lines between two printed lines of a value, where the layout does not say:
/// room for a finger, and for the height of wide digits on a page.
pub(super) const VALUE_STEP: usize = 2;
/// Lines of a value, where the layout does not say: 32 bytes at eight a line.
pub(super) const VALUE_LINES: usize = 4;

/// How letters look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Font {
    /// Struck twice, or a bold font.
    pub bold: bool,
    /// Two columns a character.
    pub wide: bool,
    /// With a line under it.
    pub underline: bool,
}

impl Font {
    /// Columns that so many characters take.
    #[must_use]
    pub fn columns(self, characters: usize) -> usize {
        if self.wide {
            characters.saturating_mul(2)
        } else {
            characters
        }
    }

    /// Characters that so many columns take.
    #[must_use]
    pub fn room(self, columns: usize) -> usize {
        if self.wide { columns / 2 } else { columns }
    }
}

/// A field's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub name: FieldName,
    /// Columns of one line of it.
    pub width: usize,
    pub font: Font,
    /// Lines that it may take.
    pub repeat: usize,
    /// From one of its lines to the next.
    pub step: usize,
    /// Lines of a value beside one another: read row by row, from left to right.
    pub beside: usize,
    /// A space between two digits.
    pub spaced: bool,
    /// The language of digit words, if not the layout's.
    pub language: Option<String>,
}

/// Columns between two lines of a value on one row.
pub(super) const BESIDE_GAP: usize = 3;

impl Place {
    /// Lines that it has room for.
    pub fn lines(&self) -> usize {
        self.repeat.saturating_mul(self.beside)
    }

    /// Where its line `k`, from 0, stands: lines below and columns to the right of the
    /// first one. `None` when there is no such line.
    pub fn row(&self, k: usize) -> Option<(usize, usize)> {
        let (row, column) = (k.checked_div(self.beside)?, k % self.beside);
        (row < self.repeat).then(|| {
            (
                row.saturating_mul(self.step),
                column.saturating_mul(self.width.saturating_add(BESIDE_GAP)),
            )
        })
    }
}

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
    Field(Place),
    Text { text: String, font: Font },
    Frame { width: usize, height: usize },
    Fold { text: String },
    Escape { language: String, code: Vec<u8> },
}

impl Item {
    /// For errors.
    pub fn title(&self) -> String {
        match &self.what {
            What::Field(place) => place.name.to_string(),
            What::Text { text, .. } => format!("text {text:?}"),
            What::Frame { .. } => "a box".to_owned(),
            What::Fold { .. } => "a fold".to_owned(),
            What::Escape { .. } => "an escape".to_owned(),
        }
    }
}

/// A part of the form, in lines and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// Its first line.
    pub line: usize,
    /// Its first column.
    pub column: usize,
    /// Columns.
    pub width: usize,
    /// Lines.
    pub height: usize,
}

impl Area {
    /// TRUE when the run of `width` cells has a cell in the area, which is
    /// thought larger by `margin` cells on every side.
    #[must_use]
    pub fn meets(&self, line: usize, column: usize, width: usize, margin: usize) -> bool {
        let below = line.saturating_add(margin) >= self.line;
        let above = line < self.line.saturating_add(self.height).saturating_add(margin);
        let right = column.saturating_add(width).saturating_add(margin) > self.column;
        let left = column
            < self
                .column
                .saturating_add(self.width)
                .saturating_add(margin);
        width > 0 && below && above && right && left
    }
}

/// A layout that passed the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) version: u32,
    pub(super) kind: Kind,
    pub(super) disclosure: Disclosure,
    pub(super) language: String,
    pub(super) page: Page,
    pub(super) stock: Option<String>,
    pub(super) toner: Option<String>,
    pub(super) columns: usize,
    pub(super) lines: usize,
    pub(super) columns_to_the_inch: usize,
    pub(super) lines_to_the_inch: usize,
    /// Forms beside one another, and columns from one to the next.
    pub(super) across: usize,
    pub(super) offset: usize,
    pub(super) pin_digits: usize,
    pub(super) card_hint: bool,
    pub(super) outside_lines: usize,
    /// The outside, with the first lines as one of its areas.
    pub(super) outside: Vec<Area>,
    pub(super) eject: Eject,
    pub(super) items: Vec<Item>,
}

impl Layout {
    /// Reads a layout file and holds it to the rules.
    ///
    /// # Errors
    /// The first [`LayoutError`] of [`Layout::read`].
    pub fn parse(text: &str) -> Result<Self, LayoutError> {
        Self::read(text).map_err(|faults| {
            faults.into_iter().next().unwrap_or(LayoutError {
                file_line: None,
                fault: LayoutFault::File("the layout is refused".to_owned()),
            })
        })
    }

    /// Reads a layout file and says everything that is wrong with it.
    ///
    /// # Errors
    /// Each [`LayoutError`] with the file's line: a secret or a check value on
    /// the outside, a card's number beside a PIN, control characters, items
    /// that overlap or run off the form, unknown or doubled names, required
    /// fields that are not there. What is no layout at all has one.
    pub fn read(text: &str) -> Result<Self, Vec<LayoutError>> {
        let layout = layout_file::parse(text).map_err(|error| vec![error])?;
        let faults = rules::faults(&layout);
        if faults.is_empty() {
            Ok(layout)
        } else {
            Err(faults)
        }
    }

    /// Reads one that was approved and opened a batch, whatever rules have come since:
    /// what is printed half is printed to its end in one way. Its sizes are asked all
    /// the same, by which memory is taken.
    ///
    /// # Errors
    /// [`LayoutError`]
    pub fn as_approved(text: &str) -> Result<Self, LayoutError> {
        let layout = layout_file::parse(text)?;
        match rules::sizes(&layout).into_iter().next() {
            None => Ok(layout),
            Some(fault) => Err(LayoutError {
                file_line: None,
                fault,
            }),
        }
    }

    /// The layout's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its title, as printed.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Its version, from 1: whoever changes a layout counts it up.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// What the form is for.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether the secret can be read on the printed form.
    #[must_use]
    pub fn disclosure(&self) -> Disclosure {
        self.disclosure
    }

    /// Its paper.
    #[must_use]
    pub fn page(&self) -> Page {
        self.page
    }

    /// The kind of form that it is printed on: its stock where the file names it, else
    /// its own name. Layouts for one paper name the same stock.
    #[must_use]
    pub fn form(&self) -> &str {
        let stock = self.stock.as_deref().map(str::trim);
        stock
            .filter(|stock| !stock.is_empty())
            .unwrap_or(&self.name)
    }

    /// How many forms stand beside one another on the paper: 1 or 2.
    #[must_use]
    pub fn across(&self) -> usize {
        self.across
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

    /// Where the form can be read without opening it.
    #[must_use]
    pub fn outside(&self) -> &[Area] {
        &self.outside
    }

    /// Columns of the paper, all forms across.
    #[must_use]
    pub fn paper_columns(&self) -> usize {
        self.columns + (self.across.saturating_sub(1)) * self.offset
    }

    /// Lines of the form.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.lines
    }

    /// Most digits of a PIN that has room on it.
    #[must_use]
    pub fn pin_digits(&self) -> usize {
        self.pin_digits
    }

    /// TRUE when the layout prints this field.
    #[must_use]
    pub fn has(&self, field: FieldName) -> bool {
        self.places().any(|(_, place)| place.name == field)
    }

    /// Lines of a value that it has room for; none on a form without one.
    #[must_use]
    pub fn value_lines(&self) -> usize {
        let mut places = self.places();
        places
            .find(|(_, place)| place.name == FieldName::Value)
            .map_or(0, |(_, place)| place.lines())
    }

    /// TRUE when the layout prints this field where it is read without opening
    /// the form.
    #[must_use]
    pub fn has_outside(&self, field: FieldName) -> bool {
        self.places()
            .any(|(item, place)| place.name == field && super::rules_place::is_outside(self, item))
    }

    /// The fields that the layout prints, each once, in no special order.
    #[must_use]
    pub fn fields(&self) -> Vec<FieldName> {
        let mut fields: Vec<FieldName> = self.places().map(|(_, place)| place.name).collect();
        fields.sort_unstable();
        fields.dedup();
        fields
    }

    /// Fields that stand in an issuer's records under the same names: a batch is
    /// printed by this layout where its template has them.
    #[must_use]
    pub fn host_fields(&self) -> Vec<FieldName> {
        let mut fields = self.fields();
        fields.retain(|field| matches!(field, FieldName::Host(_)));
        fields
    }

    /// What a shipped layout leaves open: the paper or the toner of a station.
    #[must_use]
    pub fn to_be_completed(&self) -> Option<&'static str> {
        let open = |text: &Option<String>| {
            let text = text.as_deref();
            text.is_some_and(|text| text.trim_start().starts_with("to be completed"))
        };
        match (open(&self.stock), open(&self.toner)) {
            (true, _) => Some("the stock"),
            (_, true) => Some("the toner"),
            _ => None,
        }
    }

    pub(super) fn places(&self) -> impl Iterator<Item = (&Item, &Place)> {
        self.items.iter().filter_map(|item| match &item.what {
            What::Field(place) => Some((item, place)),
            _ => None,
        })
    }
}
