//! One card of a batch: what its issuer sent, and what became of it. A PIN
//! itself is in no record.

use std::collections::BTreeMap;

use conclave_evidence::{Bytes, Id};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// A text of a card that is wiped when it is done with: a card number, a name.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CardText(Zeroizing<String>);

impl CardText {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for CardText {
    fn from(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}

impl Serialize for CardText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for CardText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

/// What an issuer stores of one PIN; nothing of it shows the PIN.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Values {
    /// Visa PVV, four digits.
    pub pvv: Option<String>,
    /// The index of the key that the PVV is of.
    pub key_index: Option<String>,
    /// IBM 3624 offset.
    pub offset: Option<String>,
    /// The PIN in a block under the zone PIN key, in hexadecimal.
    pub block: Option<String>,
}

impl Values {
    /// What tells this PIN of the card from another of it: the PVV, or the
    /// offset. Nothing where the PIN cannot change.
    #[must_use]
    pub fn check(&self) -> Option<&String> {
        self.pvv.as_ref().or(self.offset.as_ref())
    }
}

/// What became of a form that is no mailer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// Torn, jammed, badly printed, open: destroyed under witness.
    Damaged,
    /// Not there: an incident.
    Missing,
    /// Found blank.
    Blank,
    /// Behind a form that was fed without a mailer: the paper does not show
    /// what the records have on it. Destroyed under witness.
    Behind,
}

impl Loss {
    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Damaged => "damaged, destroyed under witness",
            Self::Missing => "missing, an incident",
            Self::Blank => "found blank, destroyed under witness",
            Self::Behind => "the paper was ahead of the records, destroyed under witness",
        }
    }
}

/// A form that was lost to this card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lost {
    /// Which try it was, from 1.
    pub attempt: u16,
    /// The form's number.
    pub form: u64,
    /// What became of it.
    pub loss: Loss,
    /// [`Values::check`] of its PIN: the next PIN has another.
    pub check: Option<String>,
    /// When it was said, wall clock.
    pub at_ms: u64,
}

/// A card. It has no `Debug`: that would be a way for its number into a log.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinCard {
    /// The batch's record.
    pub batch: Id,
    /// Which card of the file, from 1.
    pub number: u32,
    /// Its card number.
    pub pan: CardText,
    /// Card sequence number, two digits.
    pub sequence: String,
    /// Expiry, four digits.
    pub expiry: Option<String>,
    /// Service code, three digits.
    #[serde(default)]
    pub service_code: Option<String>,
    /// The holder's name.
    pub holder: Option<CardText>,
    /// Address lines that are not empty.
    pub address: Vec<CardText>,
    /// What else its issuer has printed, by the number of the layout's field, 0 to
    /// 15: those that the template has; one may be empty.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub host: BTreeMap<u8, CardText>,
    /// Language, two letters.
    pub language: Option<String>,
    /// Digits of its PIN.
    pub pin_length: u8,
    /// The host's PIN block, under the PIN-print key, where the host made the
    /// PIN.
    pub pin_block: Option<Bytes>,
    /// The issuer's reference.
    pub reference: Option<String>,
    /// How often a PIN was made for it.
    pub attempt: u16,
    /// The form that it is on.
    pub form: Option<u64>,
    /// The number on that form's outside.
    pub tracking: Option<String>,
    /// What its issuer stores of the PIN on that form.
    pub values: Option<Values>,
    /// Forms that were lost to it.
    pub lost: Vec<Lost>,
}

impl PinCard {
    /// The record's kind in `pins`.
    pub const KIND: &'static str = "pin-card";

    /// The record of a batch's card: the batch's id with the card's number in
    /// its last four bytes. Numbers begin at 1; the batch has 0.
    #[must_use]
    pub fn id_of(batch: Id, number: u32) -> Id {
        let mut id = batch.0;
        for (to, from) in id.iter_mut().skip(12).zip(number.to_be_bytes()) {
            *to = from;
        }
        Id(id)
    }

    /// A mailer of it is, or may be, on this form.
    pub fn is_printed(&mut self, form: u64, tracking: Option<String>, values: Option<Values>) {
        self.attempt = self.attempt.saturating_add(1);
        self.form = Some(form);
        self.tracking = tracking;
        self.values = values;
    }
}
