//! One mailer on its form: the holder's address outside, the PIN inside, and
//! nothing that ties it to a card number but what the approved layout allows.

use conclave_crypto::pin::Pin;
use conclave_crypto::secret::{RandomError, RandomExt, RandomSource, Secret};
use conclave_evidence::authority::Mode;
use conclave_keyroom::domain::device::PrinterLanguage;

use super::card::Card;

use crate::print::{FieldName, Filling, Layout, PrintError, day_words, mailer};

/// What all mailers say that are printed on one occasion.
pub struct Occasion<'a> {
    /// TEST or PRODUCTION.
    pub mode: Mode,
    /// The station's name.
    pub station: &'a str,
    /// The batch's id.
    pub batch: &'a str,
    /// The day of printing, milliseconds since 1970.
    pub wall_ms: u64,
}

/// What is on a form besides the PIN.
pub struct Letter<'a> {
    /// When and where it is printed.
    pub on: &'a Occasion<'a>,
    /// The card.
    pub card: &'a Card,
    /// A number that follows the form and tells nothing of the card.
    pub tracking: String,
    /// Which form of the batch, from 1, and of how many.
    pub number: (usize, usize),
}

/// Letters and digits that nobody takes for one another.
const TRACKING: &[u8; 30] = b"23456789ABCDEFGHJKLMNPQRSTVWXY";

/// A fresh tracking number: twelve characters in groups of four.
///
/// # Errors
/// [`RandomError`]
pub fn tracking(random: &mut dyn RandomSource) -> Result<String, RandomError> {
    let mut number = String::with_capacity(14);
    for at in 0..12 {
        if at > 0 && at % 4 == 0 {
            number.push('-');
        }
        let drawn = random.secret_below(TRACKING.len() as u32)? as usize;
        number.push(char::from(TRACKING.get(drawn).copied().unwrap_or(b'2')));
    }
    Ok(number)
}

impl Letter<'_> {
    fn filling<'p>(&self, layout: &Layout, pin: &'p Secret) -> Filling<'p> {
        let card = self.card;
        let lines: Vec<&str> = card.address.iter().map(|line| line.as_str()).collect();
        let holder = card.holder.as_ref().map_or("", |holder| holder.as_str());
        let (number, of) = self.number;
        let mut filling = Filling::new(self.on.mode)
            .text(FieldName::Station, self.on.station)
            .text(FieldName::Date, day_words(self.on.wall_ms))
            .text(FieldName::Name, holder)
            .text(FieldName::Address, lines.join("\n"))
            .text(FieldName::Tracking, self.tracking.clone())
            .text(FieldName::Sequence, format!("{number} of {of}"))
            .text(FieldName::Reference, self.on.batch)
            .secret(FieldName::Pin, pin);
        if layout.has(FieldName::CardHint) {
            let digits = card.pan.digits();
            let hint = digits.get(digits.len() - 4..).unwrap_or_default();
            filling = filling.text(FieldName::CardHint, hint);
        }
        // A layout with a field that the template does not have is refused, for it was
        // not given; one that a record leaves empty stays empty.
        for (number, text) in &card.host {
            filling = filling.text(FieldName::Host(*number), text.as_str());
        }
        match &card.language {
            Some(language) => filling.language(language),
            // A layout whose words follow the holder refuses that by itself.
            None => filling,
        }
    }

    /// The form's bytes with X's for the PIN: for the check before anything is
    /// printed, whether this card fits the layout.
    ///
    /// # Errors
    /// [`PrintError`]
    pub fn preview(
        &self,
        layout: &Layout,
        language: PrinterLanguage,
    ) -> Result<Vec<u8>, PrintError> {
        let none = Secret::from_fn(self.card.pin_length, |digits| digits.fill(b'0'));
        mailer::preview(layout, &[self.filling(layout, &none)], language)
    }

    /// TRUE when this card has everything that the layout wants of it.
    ///
    /// # Errors
    /// [`PrintError`]: what does not fit.
    pub fn fits(&self, layout: &Layout) -> Result<(), PrintError> {
        // The least costly language: what fits is a matter of the layout.
        self.preview(layout, PrinterLanguage::Line).map(drop)
    }

    /// The form's bytes for an enrolled printer of PIN mailers, and nowhere else.
    ///
    /// # Errors
    /// [`PrintError`]; nothing has left locked memory then.
    pub fn render(
        &self,
        layout: &Layout,
        pin: &Pin,
        language: PrinterLanguage,
    ) -> Result<Secret, PrintError> {
        let digits = pin.text();
        mailer::render(layout, &[self.filling(layout, &digits)], language)
    }
}

/// The forms that stand beside one another on the paper, with their PINs, for
/// an enrolled printer of PIN mailers and nowhere else.
///
/// # Errors
/// [`PrintError`]; nothing has left locked memory then.
pub fn render_set(
    layout: &Layout,
    letters: &[Letter<'_>],
    pins: &[Pin],
    language: PrinterLanguage,
) -> Result<Secret, PrintError> {
    let digits: Vec<Secret> = pins.iter().map(Pin::text).collect();
    let fillings: Vec<Filling<'_>> = letters
        .iter()
        .zip(&digits)
        .map(|(letter, pin)| letter.filling(layout, pin))
        .collect();
    mailer::render(layout, &fillings, language)
}
