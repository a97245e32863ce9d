//! What a file of cards is held against besides its template: what was here
//! before, who was chosen as its issuer, and what each card has to fit.

use conclave_keyroom::domain::pin_marks::Mark;
use zeroize::Zeroizing;

use super::card::Card;
use super::fault::Wrong;
use super::template::{FieldName, Method, Template};

/// What was here before.
pub trait Before {
    /// TRUE for a batch of this id of this issuer.
    fn has_batch(&self, issuer: &str, id: &str) -> bool;
    /// TRUE for a file of this digest.
    fn has_file(&self, digest: &[u8; 32]) -> bool;
    /// The highest `pin-version` of this card's mailers, 0 for none, of whatever
    /// issuer's batch; nothing for a card that had none.
    fn had_card(&self, card: &Card) -> Option<u64>;
    /// TRUE for a PIN that a host made for this card number, and that was on a
    /// mailer.
    fn has_pin(&self, mark: &Mark) -> bool;
    /// TRUE where a card of this issuer whose PIN follows from these validation
    /// data had a mailer.
    fn has_natural_pin(&self, issuer: &str, validation: &str) -> bool;
}

/// The digits from which a card's PIN follows, where its method draws none and
/// its host makes none: two cards that share them have one PIN.
pub(super) fn validation_of(template: &Template, card: &Card) -> Option<Zeroizing<String>> {
    if template.pin.method != Method::Ibm3624Natural {
        return None;
    }
    let rules = template.pin.validation?;
    let to = rules.from.saturating_add(rules.count);
    let digits = card.pan.digits().get(rules.from..to)?;
    Some(Zeroizing::new(digits.to_owned()))
}

/// Nothing was here before.
struct Nothing;

impl Before for Nothing {
    fn has_batch(&self, _: &str, _: &str) -> bool {
        false
    }

    fn has_file(&self, _: &[u8; 32]) -> bool {
        false
    }

    fn had_card(&self, _: &Card) -> Option<u64> {
        None
    }

    fn has_pin(&self, _: &Mark) -> bool {
        false
    }

    fn has_natural_pin(&self, _: &str, _: &str) -> bool {
        false
    }
}

/// Where in its file a card does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// No place: it is the same with every file.
    File,
    /// This field, of the card or of the header.
    Field(FieldName),
    /// The address line that is printed as the so-manyth, from 0.
    AddressLine(usize),
}

/// Which card it is.
#[derive(Clone, Copy, Debug)]
pub struct InFile<'a> {
    /// The batch's id; nothing where the header has none.
    pub batch: &'a str,
    /// Its place, from 1.
    pub number: usize,
    /// Cards of the file.
    pub of: usize,
}

/// What a card is asked that its template does not say.
pub trait Fit {
    /// All that does not fit. The length of a PIN that only its block says is
    /// noted in the card, and the mark of that PIN. What does not fit is taken out of it, so that the rest
    /// is looked at too: no batch is made of such a file.
    fn misfits(&self, file: InFile<'_>, card: &mut Card) -> Vec<(At, Wrong)>;
}

/// What a file is held against besides its template.
#[derive(Clone, Copy)]
pub struct Against<'a> {
    /// What was here before.
    pub before: &'a dyn Before,
    /// The issuer that the header has to name.
    pub issuer: Option<&'a str>,
    /// What each card has to fit.
    pub fit: Option<&'a dyn Fit>,
}

impl Against<'static> {
    /// Nothing: the template alone.
    pub const NOTHING: Self = Self {
        before: &Nothing,
        issuer: None,
        fit: None,
    };
}
