//! What is wrong with a file of cards, and where. A fault never quotes what
//! stands there: it may be a card number.

use std::fmt;

use super::template::FieldName;
use crate::print::{FieldName as Printed, PrintError};

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1; the whole file is line 0.
    pub line: usize,
    /// The character in it, from 1; the whole line is 0.
    pub column: usize,
    /// The field, where it is one.
    pub field: Option<FieldName>,
    /// What is wrong.
    pub what: Wrong,
}

/// How a fault ends that no correction of the file mends.
pub const HERE_BEFORE: &str = "was here before";

/// Kinds of faults.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// A byte that is no letter, in a file whose template names no other encoding.
    #[error(
        "not UTF-8 from here on: the issuer sends UTF-8, or its template says encoding = \
         \"iso-8859-1\""
    )]
    NotText,
    /// The file.
    #[error("the file is empty")]
    Empty,
    /// The file.
    #[error("the file is longer than {0} bytes")]
    TooLong(usize),
    /// A control character, a mark of byte order, a text direction.
    #[error("a control character")]
    Control,
    /// A line of fields, which is not read to its end then.
    #[error("more than {0} fields")]
    MoreFields(usize),
    /// A line with too few fields.
    #[error("{found} fields, not {want}")]
    Fields {
        /// As the template has them.
        want: usize,
        /// As the line has them.
        found: usize,
    },
    /// A line at fixed places.
    #[error("the line is {found} characters long, not {want}")]
    LineLength {
        /// As the template has it.
        want: usize,
        /// As it is.
        found: usize,
    },
    /// A quote that is not closed, or stands inside a field.
    #[error("a quote is in the wrong place")]
    Quote,
    /// JSON.
    #[error("not JSON of the template's shape: {0}")]
    Json(&'static str),
    /// A field.
    #[error("is missing")]
    Missing,
    /// A field.
    #[error("is wider than {0} characters")]
    Wide(usize),
    /// A field.
    #[error("is not {0}")]
    Not(&'static str),
    /// A card number.
    #[error("has a wrong check digit")]
    Luhn,
    /// A field that is printed beside the PIN.
    #[error("has digits of the card's number, and would be printed beside its PIN")]
    CardNumber,
    /// A card, again.
    #[error("is the card of line {0} again")]
    Twice(usize),
    /// The header's number.
    #[error("says {said}, the file has {found}")]
    Count {
        /// The header.
        said: u64,
        /// The records.
        found: u64,
    },
    /// The header's sum.
    #[error("is not the sum of the card numbers")]
    HashTotal,
    /// The header's issuer.
    #[error("is another issuer than {0}")]
    Issuer(String),
    /// PIN blocks. One answer for the file, whatever is wrong with whichever of them.
    #[error(
        "has PIN blocks that do not open under {0}; which ones is never told. Compare key and check \
         value with the issuer, the template's block format, and whether each block is of the card \
         beside it"
    )]
    Unopened(String),
    /// A PIN block.
    #[error("has a PIN of a length that the template does not allow")]
    PinLength,
    /// A record's `pin-length`, beside a block with a PIN of another one.
    #[error("is not the length of the PIN in its block")]
    OtherLength,
    /// A PIN, where the layout prints so many digits.
    #[error("has a PIN of more digits than the layout prints, which is {0}")]
    PinWide(usize),
    /// A field that is printed.
    #[error("has a character that the form cannot print")]
    Unprintable,
    /// The language.
    #[error("is none that the layout has words in")]
    NoWords,
    /// A field that is printed, or the whole file.
    #[error("does not fit the layout: {0}")]
    Layout(PrintError),
    /// The layout prints what no record of the template has.
    #[error("does not fit the layout: it prints {0}, and the template has no such field")]
    NoSuchField(Printed),
    /// The records have what the layout has no place for.
    #[error("does not fit the layout: the template has {0}, and the layout does not print it")]
    NotPrinted(Printed),
    /// A card that had a mailer, and its host may make another PIN.
    #[error(
        "is a card that had a mailer: its PIN would be on two. A new PIN comes with a higher \
         pin-version than any of its mailers had"
    )]
    Mailed,
    /// A PIN block, with the PIN of a mailer of this card number.
    #[error(
        "has the PIN of a mailer that this card number had: the host makes another one. Another \
         sequence number, pin-version or issuer does not change it"
    )]
    SamePin,
    /// A PIN block, with the PIN of another card of this number in the file.
    #[error("has the PIN of line {0}, for the same card number: the host makes another one")]
    SamePinAs(usize),
    /// A card whose PIN follows from its number, and was on a mailer.
    #[error(
        "has the validation data of a card that had a mailer: its PIN would be on two. Another PIN \
         comes with another card number; another sequence number does not change it"
    )]
    MailedNatural,
    /// A card whose PIN follows from the same digits as another's.
    #[error(
        "has the validation data of line {0}: both cards would have one PIN. One of them gets \
         another card number, or a PIN that is drawn, by another template"
    )]
    SameNatural(usize),
    /// A card, where the output names it by its reference alone.
    #[error("is the reference of line {0}, and the output names cards by nothing else")]
    SameReference(usize),
    /// A batch again.
    #[error("this batch {HERE_BEFORE}")]
    Replayed,
    /// The same bytes again.
    #[error("this file {HERE_BEFORE}")]
    SameFile,
    /// Too many.
    #[error("more than {0} records")]
    TooMany(usize),
    /// None.
    #[error("no records")]
    None,
}

impl Wrong {
    /// TRUE for what nobody could say who has not opened a PIN block.
    #[must_use]
    pub fn tells_of_pin(&self) -> bool {
        matches!(
            self,
            Self::Unopened(_)
                | Self::PinLength
                | Self::OtherLength
                | Self::PinWide(_)
                | Self::SamePin
                | Self::SamePinAs(_)
        )
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (0, _) => f.write_str("the file: ")?,
            (line, 0) => write!(f, "line {line}: ")?,
            (line, column) => write!(f, "line {line}, column {column}: ")?,
        }
        if let Some(field) = self.field {
            write!(f, "{} ", field.words())?;
        }
        write!(f, "{}", self.what)
    }
}
