//! Batch templates: how a file of cards is laid out, how their PINs are made,
//! and what goes back. Data, approved before it counts; nothing in the file of
//! cards can change any of it.

use conclave_crypto::pin::block::Format;
use conclave_crypto::pin::ibm3624::DecimalisationTable;
use conclave_crypto::pin::pvv::KeyIndex;
use conclave_crypto::pin::random::{Denied, Draw};
use conclave_crypto::pin::translate::Enciphered;
use conclave_keyroom::domain::pin_batch::Limits;
use serde::Deserialize;
use std::collections::BTreeSet;

use crate::print::reason::check_reason;

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

    fn check(self, method: Method) -> Result<(), TemplateError> {
        if !method.can_replace() && self != Self::default() {
            return Err(rule(format!(
                "{} does not know replacement: its PINs cannot change",
                method.words()
            )));
        }
        if !(1..=MOST_TRIES).contains(&self.tries) || self.percent > 100 {
            return Err(rule(format!(
                "replacement has 1 to {MOST_TRIES} tries, and at most 100 percent"
            )));
        }
        Ok(())
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
#[serde(rename_all = "kebab-case")]
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
        }
    }

    /// The field of that name.
    #[must_use]
    pub fn of(words: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.words() == words)
    }

    const ALL: [FieldName; 19] = [
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

fn rule(words: impl Into<String>) -> TemplateError {
    TemplateError::Rule(words.into())
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

const ISO_2: &str = "iso-2";

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
        let template: Self =
            toml::from_str(text).map_err(|e| TemplateError::Toml(e.message().to_owned()))?;
        template.check()?;
        Ok(template)
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

    fn check(&self) -> Result<(), TemplateError> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !(1..=32).contains(&self.name.len()) || !self.name.chars().all(plain) {
            return Err(rule("its name has 1 to 32 of a-z, 0-9 and -"));
        }
        let title = self.title.chars();
        if !(1..=60).contains(&title.clone().count()) || title.clone().any(char::is_control) {
            return Err(rule("its title has 1 to 60 plain characters"));
        }
        self.check_input()?;
        self.check_pin()?;
        self.replacement.check(self.pin.method)?;
        if self.output.card == CardName::Reference && !self.has(FieldName::Reference) {
            return Err(rule(
                "the output names cards by a reference that no record has",
            ));
        }
        if let Some(values) = &self.output.card_values {
            self.check_card_values(values)?;
        }
        if let Some(block) = &self.output.block {
            let back =
                output_format(block).ok_or_else(|| rule(format!("no PIN block is {block:?}")))?;
            let from = self.pin.block.as_deref().and_then(block_format);
            // ISO 9564-1 annex B: a PIN that a block binds to its card stays bound.
            if from.is_some_and(|from| from.takes_pan()) && !back.takes_pan() {
                return Err(rule(
                    "a PIN of a block with the card number goes back in no block without it \
                     (ISO 9564-1)",
                ));
            }
        }
        match (
            self.output.block.as_deref() == Some(ISO_2),
            &self.output.block_reason,
        ) {
            (false, None) => Ok(()),
            (true, Some(why)) if check_reason(why).is_ok() => Ok(()),
            (true, _) => Err(rule(
                "in iso-2 blocks equal PINs are equal: say in block-reason, in one sentence, why \
                 this issuer gets them (ISO 9564-1: for a chip alone)",
            )),
            (false, Some(_)) => Err(rule("only iso-2 blocks want a block-reason")),
        }
    }

    /// TRUE where records have the field.
    #[must_use]
    pub fn has(&self, name: FieldName) -> bool {
        self.input.record.iter().any(|field| field.name == name)
    }

    fn check_card_values(&self, values: &CardValues) -> Result<(), TemplateError> {
        if [values.cvv, values.cvv2, values.icvv]
            .iter()
            .all(Option::is_none)
        {
            return Err(rule("no card value is named: cvv, cvv2 or icvv"));
        }
        let always = |name: FieldName| {
            let found = self.input.record.iter().find(|field| field.name == name);
            found.is_some_and(|field| !field.optional)
        };
        if !always(FieldName::Expiry) {
            return Err(rule("card values need the expiry in every record"));
        }
        if values.cvv.is_some() && !always(FieldName::ServiceCode) {
            return Err(rule("CVV needs the service code in every record"));
        }
        Ok(())
    }

    fn check_input(&self) -> Result<(), TemplateError> {
        let input = &self.input;
        let csv = input.format == FileFormat::Csv;
        match input.separator {
            Some(',' | ';' | '|' | '\t') if csv => {}
            None if !csv => {}
            _ => {
                return Err(rule(
                    "CSV has a separator (, ; | or tab), other files have none",
                ));
            }
        }
        for (fields, header) in [(&input.header, true), (&input.record, false)] {
            let mut seen = BTreeSet::new();
            for Field { name, width, .. } in fields {
                let filler = *name == FieldName::Filler && input.format == FileFormat::Fixed;
                if !filler && (name.is_header() != header || !seen.insert(*name)) {
                    return Err(rule(format!(
                        "{} is twice there, or in the wrong line",
                        name.words()
                    )));
                }
                if !(1..=120).contains(width) {
                    return Err(rule(format!("{} is 1 to 120 wide", name.words())));
                }
            }
        }
        for name in [FieldName::Batch, FieldName::Count, FieldName::HashTotal] {
            if !input
                .header
                .iter()
                .any(|field| field.name == name && !field.optional)
            {
                return Err(rule(format!("the header needs {}", name.words())));
            }
        }
        let pan = input
            .record
            .iter()
            .find(|field| field.name == FieldName::Pan);
        if pan.is_none_or(|field| field.optional) {
            return Err(rule("every record needs the card number"));
        }
        if !(1..=MOST_RECORDS).contains(&input.most) {
            return Err(rule(format!("a batch has 1 to {MOST_RECORDS} records")));
        }
        Ok(())
    }

    fn check_pin(&self) -> Result<(), TemplateError> {
        let pin = &self.pin;
        let lengths = !pin.lengths.is_empty() && pin.lengths.iter().all(|l| (4..=12).contains(l));
        if !lengths {
            return Err(rule("PINs have 4 to 12 digits"));
        }
        let pvv = pin.method == Method::RandomPvv;
        let ibm = matches!(pin.method, Method::Ibm3624Natural | Method::Ibm3624Offset);
        let host = pin.method == Method::Host;
        let wanted = [
            (pvv, pin.key_index.is_some(), "key-index"),
            (ibm, pin.decimalisation.is_some(), "decimalisation"),
            (ibm, pin.validation.is_some(), "validation"),
            (host, pin.block.is_some(), "block"),
            (host, self.has(FieldName::PinBlock), "the field pin-block"),
        ];
        for (wanted, there, what) in wanted {
            if wanted != there {
                let words = if wanted { "needs" } else { "does not know" };
                return Err(rule(format!("{} {words} {what}", pin.method.words())));
            }
        }
        if self.has(FieldName::PinVersion) && !host {
            return Err(rule(format!(
                "{} does not know the field pin-version",
                pin.method.words()
            )));
        }
        // A list that nobody asks would be a promise that nobody keeps.
        if !pin.method.can_replace() && pin.denied != DeniedRules::default() {
            return Err(rule(format!(
                "{} does not know denied: no PIN is drawn",
                pin.method.words()
            )));
        }
        if pin.denied.years && !pin.lengths.contains(&4) {
            return Err(rule(
                "denied years are PINs of four digits, and no record may ask for one",
            ));
        }
        if let Some(index) = &pin.key_index {
            KeyIndex::parse(index)
                .and_then(KeyIndex::check_for_issuing)
                .map_err(|e| rule(e.to_string()))?;
        }
        if let Some(table) = &pin.decimalisation {
            DecimalisationTable::parse(table)
                .and_then(|table| table.check_for_issuing())
                .map_err(|e| rule(e.to_string()))?;
        }
        if let Some(Validation { count, pad, .. }) = pin.validation
            && (!(4..=16).contains(&count) || !pad.is_ascii_hexdigit())
        {
            return Err(rule(
                "validation data take 4 to 16 digits and a hex digit to fill",
            ));
        }
        if let Some(block) = &pin.block {
            block_format(block).ok_or_else(|| rule(format!("no PIN block is {block:?}")))?;
        }
        for length in &pin.lengths {
            Draw::new(&self.denied(), *length).map_err(|e| rule(e.to_string()))?;
        }
        Ok(())
    }
}
