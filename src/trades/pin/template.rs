//! Batch templates: how a file of cards is laid out, how their PINs are made,
//! and what goes back. Data, approved before it counts; nothing in the file of
//! cards can change any of it.

use conclave_crypto::pin::block::Format;
use conclave_crypto::pin::random::Denied;
use conclave_crypto::pin::translate::Enciphered;
use conclave_keyroom::domain::pin_batch::Limits;
use serde::Deserialize;
use std::collections::BTreeSet;

/// A template as it stands in its file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Template {
    /// A plain name.
    pub name: String,
    /// For people.
    pub title: String,
    /// The file of cards.
    pub input: Input,
    /// How PINs are made.
    pub pin: PinRules,
    /// What goes back to the issuer.
    pub output: Output,
    /// What the pair may allow without administrators.
    #[serde(default)]
    pub replacement: Replacement,
}

/// Most PINs that may ever be made for one card of a batch.
pub const MOST_TRIES: u16 = 5;

/// How many PINs a pair may have replaced in a batch. For more, administrators
/// sign beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Replacement {
    /// Most PINs for one card, 1 to [`MOST_TRIES`].
    pub tries: u16,
    /// Most replaced PINs of a small batch.
    pub batch: u32,
    /// The same of a large one: so many of a hundred cards, where that is more.
    pub percent: u32,
}

impl Default for Replacement {
    /// A jam alone costs some; more than one in twenty wants an explanation.
    fn default() -> Self {
        Self {
            tries: 3,
            batch: 10,
            percent: 5,
        }
    }
}

impl Replacement {
    /// The highest limits of a batch of so many cards.
    #[must_use]
    pub fn of(self, cards: u32) -> Limits {
        let part = u64::from(cards) * u64::from(self.percent) / 100;
        let part = u32::try_from(part).unwrap_or(u32::MAX);
        Limits {
            tries: self.tries,
            replacements: part.max(self.batch).min(cards),
        }
    }
}

/// The file of cards.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Input {
    /// How its lines are told apart.
    pub format: FileFormat,
    /// How its bytes are letters.
    #[serde(default)]
    pub encoding: Encoding,
    /// Between the fields of a CSV line: one of `,`, `;`, `|`, tab.
    pub separator: Option<char>,
    /// The fields of the first line.
    pub header: Vec<Field>,
    /// The fields of every other line.
    pub record: Vec<Field>,
    /// Most records that are taken, at most [`MOST_RECORDS`].
    pub most: usize,
}

/// More cards than this are several batches.
pub const MOST_RECORDS: usize = 100_000;

/// How a file of cards is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileFormat {
    /// Lines of fields with a separator (RFC 4180).
    Csv,
    /// Lines of fields at fixed places.
    Fixed,
    /// One object, its records in `records`.
    Json,
}

/// How the bytes of a file of cards are letters. EBCDIC is not among them: the host
/// converts it on its way out, as it does for everybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Encoding {
    /// UTF-8 (RFC 3629).
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// ISO 8859-1: each byte is the letter of its number. What Windows has in place of
    /// its upper controls (code page 1252) is a control character here.
    #[serde(rename = "iso-8859-1")]
    Latin1,
}

/// A field: what it is, and how wide.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Field {
    /// What stands in it.
    pub name: FieldName,
    /// Most characters; in fixed lines exactly so many, padded with spaces.
    pub width: usize,
    /// Whether it may be empty.
    #[serde(default)]
    pub optional: bool,
}

/// Every field that a batch knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub enum FieldName {
    /// Header: the batch's own id, never used twice.
    Batch,
    /// Header: for whom.
    Issuer,
    /// Header: how many records follow.
    Count,
    /// Header: the sum of all card numbers, its lowest sixteen digits.
    HashTotal,
    /// The card number.
    Pan,
    /// The card sequence number, two digits.
    Sequence,
    /// Expiry, four digits.
    Expiry,
    /// The service code of the magnetic stripe, three digits.
    ServiceCode,
    /// The holder's name, as it is printed.
    Holder,
    /// An address line.
    Address1,
    /// An address line.
    Address2,
    /// An address line.
    Address3,
    /// An address line.
    Address4,
    /// Language of the mailer, two letters.
    Language,
    /// Digits of the PIN.
    PinLength,
    /// A PIN that the host made: its block in hexadecimal under the PIN-print
    /// key.
    PinBlock,
    /// Which PIN of this card the host made, counted by it; none is 0. A new PIN
    /// has another number, and may come on a mailer again.
    PinVersion,
    /// The issuer's own reference, which stands in the output for the card.
    Reference,
    /// Filler between fields of a fixed line; not looked at, spaces only.
    Filler,
    /// What else the issuer has printed: the layout's field of the same number,
    /// 0 to 15.
    Host(u8),
}

/// The names of [`FieldName::Host`], by number.
const HOST: [&str; 16] = [
    "host-0", "host-1", "host-2", "host-3", "host-4", "host-5", "host-6", "host-7", "host-8",
    "host-9", "host-a", "host-b", "host-c", "host-d", "host-e", "host-f",
];

impl TryFrom<String> for FieldName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::of(&name).ok_or_else(|| format!("{name:?} is no field that a batch knows"))
    }
}

impl FieldName {
    /// TRUE for fields of the header line.
    #[must_use]
    pub fn is_header(self) -> bool {
        matches!(
            self,
            Self::Batch | Self::Issuer | Self::Count | Self::HashTotal
        )
    }

    /// As templates and faults name it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Issuer => "issuer",
            Self::Count => "count",
            Self::HashTotal => "hash-total",
            Self::Pan => "pan",
            Self::Sequence => "sequence",
            Self::Expiry => "expiry",
            Self::ServiceCode => "service-code",
            Self::Holder => "holder",
            Self::Address1 => "address1",
            Self::Address2 => "address2",
            Self::Address3 => "address3",
            Self::Address4 => "address4",
            Self::Language => "language",
            Self::PinLength => "pin-length",
            Self::PinBlock => "pin-block",
            Self::PinVersion => "pin-version",
            Self::Reference => "reference",
            Self::Filler => "filler",
            Self::Host(number) => HOST.get(usize::from(number)).copied().unwrap_or("host"),
        }
    }

    /// The field of that name.
    #[must_use]
    pub fn of(words: &str) -> Option<Self> {
        let named = Self::ALL.into_iter().find(|name| name.words() == words);
        named.or_else(|| Self::hosts().find(|name| name.words() == words))
    }

    /// The fields that an issuer has printed besides name and address.
    pub(super) fn hosts() -> impl Iterator<Item = Self> {
        (0..=15).map(Self::Host)
    }

    /// All but the sixteen of [`Self::Host`].
    pub const ALL: [FieldName; 19] = [
        Self::Batch,
        Self::Issuer,
        Self::Count,
        Self::HashTotal,
        Self::Pan,
        Self::Sequence,
        Self::Expiry,
        Self::ServiceCode,
        Self::Holder,
        Self::Address1,
        Self::Address2,
        Self::Address3,
        Self::Address4,
        Self::Language,
        Self::PinLength,
        Self::PinBlock,
        Self::PinVersion,
        Self::Reference,
        Self::Filler,
    ];
}

/// How PINs come to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Drawn; the issuer stores a Visa PVV.
    RandomPvv,
    /// Follows from the account; nothing is stored.
    Ibm3624Natural,
    /// Drawn; the issuer stores the offset from the natural PIN.
    Ibm3624Offset,
    /// Made by the host and sent in a PIN block under the PIN-print key.
    Host,
}

impl Method {
    /// TRUE where a spoiled mailer gets another PIN. Where the method fixes the
    /// PIN, the card is reissued instead.
    #[must_use]
    pub fn can_replace(self) -> bool {
        matches!(self, Self::RandomPvv | Self::Ibm3624Offset)
    }

    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::RandomPvv => "random PIN, Visa PVV",
            Self::Ibm3624Natural => "IBM 3624 natural PIN",
            Self::Ibm3624Offset => "random PIN, IBM 3624 offset",
            Self::Host => "PIN of the host",
        }
    }
}

/// The rules for PINs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PinRules {
    /// How they are made.
    pub method: Method,
    /// The lengths that a record may ask for; the first is the usual one.
    pub lengths: Vec<usize>,
    /// Visa PVV: the index of the verification key, 1 to 6.
    pub key_index: Option<String>,
    /// IBM 3624: sixteen digits.
    pub decimalisation: Option<String>,
    /// IBM 3624: what of the card number is encrypted.
    pub validation: Option<Validation>,
    /// Host: the format of the PIN blocks.
    pub block: Option<String>,
    /// PINs that are not drawn, where the method draws.
    #[serde(default)]
    pub denied: DeniedRules,
}

/// Validation data out of a card number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Validation {
    /// The first digit taken, from 0.
    pub from: usize,
    /// How many digits.
    pub count: usize,
    /// The hex digit that fills up to sixteen.
    pub pad: char,
}

/// PINs that are not drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct DeniedRules {
    /// One digit throughout.
    pub repeats: bool,
    /// Digits that go up or down by one.
    pub runs: bool,
    /// Years, in PINs of four digits.
    pub years: bool,
    /// Others.
    pub others: BTreeSet<String>,
}

/// What goes back.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Output {
    /// How a card is named.
    pub card: CardName,
    /// Whether PIN blocks under a zone PIN key go back, and in which format.
    pub block: Option<String>,
    /// Why blocks go back in which equal PINs are equal (`iso-2`): one sentence,
    /// which the template's approvers sign.
    #[serde(default)]
    pub block_reason: Option<String>,
    /// Which card verification values go back, if any.
    #[serde(default)]
    pub card_values: Option<CardValues>,
    /// Whether the form's number and the tracking number go back, by which a
    /// mailer that comes back by post is its card's.
    #[serde(default)]
    pub paper: bool,
}

/// Card verification values that go back, each with the order in which its
/// scheme takes the expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CardValues {
    /// How records have the expiry.
    pub expiry: DateOrder,
    /// CVV: with the record's service code.
    pub cvv: Option<DateOrder>,
    /// CVV2: with service code 000.
    pub cvv2: Option<DateOrder>,
    /// iCVV: with service code 999.
    pub icvv: Option<DateOrder>,
}

/// How month and year stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DateOrder {
    /// Year, then month.
    Yymm,
    /// Month, then year.
    Mmyy,
}

impl DateOrder {
    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Yymm => "YYMM",
            Self::Mmyy => "MMYY",
        }
    }
}

/// How the output names a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CardName {
    /// By its number.
    Pan,
    /// By the issuer's reference.
    Reference,
}

/// Why a template is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Not TOML, or not of this shape.
    #[error("{0}")]
    Toml(String),
    /// A rule.
    #[error("{0}")]
    Rule(String),
}

/// A PIN block's format by name in an output: those of [`block_format`], and
/// `iso-2`, which is for a chip's reference PIN alone (ISO 9564-1, 8.4).
#[must_use]
pub fn output_format(name: &str) -> Option<Enciphered> {
    match name {
        ISO_2 => Some(Enciphered::Tdes(Format::Iso2)),
        other => block_format(other),
    }
}

pub(super) const ISO_2: &str = "iso-2";

/// A PIN block's format by name: `iso-0`, `iso-1`, `iso-3`, `iso-4`.
#[must_use]
pub fn block_format(name: &str) -> Option<Enciphered> {
    match name {
        "iso-0" => Some(Enciphered::Tdes(Format::Iso0)),
        "iso-1" => Some(Enciphered::Tdes(Format::Iso1)),
        "iso-3" => Some(Enciphered::Tdes(Format::Iso3)),
        "iso-4" => Some(Enciphered::Iso4),
        _ => None,
    }
}

impl Template {
    /// Reads one and checks its rules.
    ///
    /// # Errors
    /// [`TemplateError`]
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let template = Self::as_approved(text)?;
        template.check()?;
        Ok(template)
    }

    /// Reads one that was approved and opened a batch, whatever rules have come since:
    /// what both signed for ends as it began.
    ///
    /// # Errors
    /// [`TemplateError::Toml`]
    pub fn as_approved(text: &str) -> Result<Self, TemplateError> {
        toml::from_str(text).map_err(|e| TemplateError::Toml(e.message().to_owned()))
    }

    /// The denied list, for drawing.
    #[must_use]
    pub fn denied(&self) -> Denied {
        let DeniedRules {
            repeats,
            runs,
            years,
            ref others,
        } = self.pin.denied;
        Denied {
            repeats,
            runs,
            years,
            others: others.clone(),
        }
    }

    /// TRUE where records have the field.
    #[must_use]
    pub fn has(&self, name: FieldName) -> bool {
        self.input.record.iter().any(|field| field.name == name)
    }
}
