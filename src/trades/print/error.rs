//! Why a layout or a form is refused.

use super::field::FieldName;
use super::kind::{Disclosure, Kind};

/// A layout file that is refused: what, and on which line of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{fault}", .file_line.map(|l| format!("line {l} of the layout file: ")).unwrap_or_default())]
pub struct LayoutError {
    /// The line of the file, from 1, where one is to blame.
    pub file_line: Option<usize>,
    /// What is wrong there.
    pub fault: LayoutFault,
}

/// What can be wrong with a layout. Lines and columns are the form's, from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutFault {
    /// Not TOML, an unknown or doubled key, a missing one, a wrong type.
    #[error("{0}")]
    File(String),
    /// The form's own numbers.
    #[error("the form has {what} {found}; {least} to {most} are possible")]
    Size {
        /// Which number.
        what: &'static str,
        /// As the file has it.
        found: usize,
        /// Smallest.
        least: usize,
        /// Largest.
        most: usize,
    },
    /// There is no field of this name.
    #[error("there is no field \"{0}\"")]
    UnknownField(String),
    /// Something that may not be read from outside stands there.
    #[error("{field} may not stand on the outside (form line {line})")]
    Outside {
        /// Which field.
        field: FieldName,
        /// Its line.
        line: usize,
    },
    /// A control character, or a letter no printer is sure to have.
    #[error("{item} has the character {character:?}; only printable ASCII is allowed")]
    Character {
        /// Which item.
        item: String,
        /// The character.
        character: char,
    },
    /// A fixed text that could be taken for a part of the value.
    #[error("{0} could be taken for a group of the value")]
    LooksLikeValue(String),
    /// Beyond the form's edge.
    #[error(
        "{item} at line {line}, column {column} runs beyond the form ({lines} lines, {columns} columns)"
    )]
    Overflow {
        /// Which item.
        item: String,
        /// Its line.
        line: usize,
        /// Its column.
        column: usize,
        /// Lines of the form.
        lines: usize,
        /// Columns of the form.
        columns: usize,
    },
    /// Two items on one place: one would overstrike the other.
    #[error("{item} and {other} overlap at line {line}, column {column}")]
    Overlap {
        /// The later of the two.
        item: String,
        /// The earlier.
        other: String,
        /// Where.
        line: usize,
        /// Where.
        column: usize,
    },
    /// A field twice in one area.
    #[error("{field} stands twice on the {area}")]
    Duplicate {
        /// Which field.
        field: FieldName,
        /// `outside` or `inside`.
        area: &'static str,
    },
    /// A field that every form must have.
    #[error("{field} is missing on the {area}")]
    Missing {
        /// Which field.
        field: FieldName,
        /// `outside` or `inside`.
        area: &'static str,
    },
    /// The field is too narrow for what it must hold.
    #[error("{field} needs {least} columns, the layout gives it {width}")]
    Narrow {
        /// Which field.
        field: FieldName,
        /// Columns that the layout gives.
        width: usize,
        /// Columns that it needs.
        least: usize,
    },
    /// An empty text or box.
    #[error("{0} is empty")]
    Empty(String),
    /// There is no fold where the outside ends.
    #[error("there is no fold at line {0}, where the outside ends")]
    NoFold(usize),
    /// The secret is so near to the outside that a careless fold shows it.
    #[error(
        "{what} stands less than {guard} lines from the outside, or beside it; that of the next form counts too"
    )]
    NearOutside {
        /// Which secret.
        what: &'static str,
        /// Lines and columns that have to be between.
        guard: usize,
    },
    /// A field that is half outside.
    #[error(
        "field \"{}\" lies half outside, half under the cover (form line {line})",
        .field.name()
    )]
    Straddles {
        /// Which field.
        field: FieldName,
        /// Line of the form.
        line: usize,
    },
    /// A field that this kind of form does not have.
    #[error("there is no field \"{}\" on a {}", .field.name(), .kind.words())]
    NotOfKind {
        /// Which field.
        field: FieldName,
        /// The layout's kind.
        kind: Kind,
    },
    /// A card's number on a form that has a secret.
    #[error("a card's number may not stand beside a secret: leave out the field \"pan\"")]
    PanBesideSecret,
    /// The last digits of the card's number, and the layout does not say that
    /// policy wants them.
    #[error("the field \"card-hint\" needs `card_hint = true`: who approves the layout sees it")]
    CardHint,
    /// A fixed text that could be taken for a PIN.
    #[error("{0} could be taken for a PIN")]
    LooksLikePin(String),
    /// A fixed text that could be a card's number.
    #[error("{0} could be a card's number")]
    LooksLikePan(String),
    /// A command that is not on the list.
    #[error("the command {code} for {printer:?} is not one that a layout may have")]
    Escape {
        /// As the file names the printer.
        printer: String,
        /// In hex.
        code: String,
    },
    /// Rows, steps and such where the field has none, or too many or few.
    #[error("{field} has {what} {found}; {least} to {most} are possible")]
    Rows {
        /// Which field.
        field: FieldName,
        /// `repeat`, `step`, `beside` or `spaced`.
        what: &'static str,
        /// As the file has it.
        found: usize,
        /// Smallest.
        least: usize,
        /// Largest.
        most: usize,
    },
    /// A secret under a cover on cut sheets, and no word of the paper.
    #[error(
        "a blind mailer on cut sheets names the `stock` and the `toner` that were inspected, \
         by maker and number: laser mailers can be read through unless these are right"
    )]
    NoStock,
    /// A disclosure that the kind cannot have.
    #[error("a {} cannot be {}", .kind.words(), match .found { Disclosure::OpenSheet => "an open sheet", Disclosure::BlindMailer => "a blind mailer" })]
    Disclosure {
        /// The layout's kind.
        kind: Kind,
        /// As the file has it.
        found: Disclosure,
    },
    /// No digit words in this language.
    #[error("there are no digit words in the language {0:?}")]
    Language(String),
    /// Nothing of the form is the outside.
    #[error("the layout does not say which part of the form is the outside")]
    NoOutside,
}

/// Why a form is not rendered. Nothing has been printed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrintError {
    /// A page for the Master Key Entry panel on a printer of documents.
    #[error("a page for the Master Key Entry panel is not made as PDF")]
    PanelLanguage,
    /// A page for the Master Key Entry panel, which is in clear, on blind mailers.
    #[error("a page for the Master Key Entry panel is in clear, and the form is a blind mailer")]
    PanelBlind,
    /// A character that could steer the printer, or that it does not have.
    #[error("{field} has the character {character:?}, which the form cannot print")]
    Character {
        /// Which field or part of the document.
        field: String,
        /// The character.
        character: char,
    },
    /// Longer than the layout's field.
    #[error("{field} has {len} characters, the layout gives it {width}")]
    TooLong {
        /// Which field.
        field: FieldName,
        /// Characters.
        len: usize,
        /// Room.
        width: usize,
    },
    /// Empty.
    #[error("{0} is empty")]
    Empty(FieldName),
    /// What has to stand on this form has no place in its layout.
    #[error("the layout has no {0}, and this form has to say it")]
    NoPlace(FieldName),
    /// A ceremony id or date with four hex digits alone, as a value has them.
    #[error("{0} could be taken for a group of the value")]
    LooksLikeValue(FieldName),
    /// Not `1 <= i <= n <= 9`, or fewer than two.
    #[error("component {index} of {of} is none")]
    Part {
        /// Which.
        index: u8,
        /// How many.
        of: u8,
    },
    /// The value has another length than the key form says.
    #[error("the value has {found} bytes, the form is for {expected}")]
    ValueLength {
        /// Bytes given.
        found: usize,
        /// Bytes of the key form.
        expected: usize,
    },
    /// The page writer did not put the X's where the value goes. Nothing is
    /// printed rather than a form without its value.
    #[error("the place of value line {0} was not found on the rendered page")]
    PlaceLost(usize),
    /// What the layout prints was not given.
    #[error("{0} was not given")]
    NotGiven(FieldName),
    /// A secret where a text belongs, or the other way round.
    #[error("{0} was given as something else than it is")]
    WrongContent(FieldName),
    /// More lines than the layout has for it.
    #[error("{field} has {found} lines, the layout gives it {room}")]
    TooManyRows {
        /// Which field.
        field: FieldName,
        /// Lines.
        found: usize,
        /// Room.
        room: usize,
    },
    /// A PIN that is none, or of which the layout does not print so many digits.
    #[error("a PIN has 4 to {most} digits here")]
    Pin {
        /// Most digits.
        most: usize,
    },
    /// A password with characters that forms do not print: spaces, brackets
    /// `(` and `)`, backslashes, letters beyond ASCII.
    #[error("the password has a character that a form cannot print, or none at all")]
    Password,
    /// A text that passes the check of card numbers, on a form with a PIN.
    #[error("{0} holds a card's number, and may not stand beside a PIN")]
    Pan(FieldName),
    /// No digit words in this language.
    #[error("there are no digit words in the language {0:?}")]
    Language(String),
    /// Paper with more columns than a page printer has room for.
    #[error("paper of {0} columns does not go through a page printer")]
    TooWide(usize),
    /// More forms than the paper has beside one another, or none.
    #[error("{found} forms were given for paper with {room}")]
    Forms {
        /// Given.
        found: usize,
        /// Room.
        room: usize,
    },
    /// A table row with another number of cells than the table has columns.
    #[error("a table row has {found} cells, the table {expected} columns")]
    Cells {
        /// Cells of the row.
        found: usize,
        /// Columns of the table.
        expected: usize,
    },
    /// More columns than a line printer has room for.
    #[error("a table has {found} columns, a line has room for {most}")]
    TooManyColumns {
        /// Columns of the table.
        found: usize,
        /// Room.
        most: usize,
    },
}
