//! Whether a card of a file can be printed: its PIN block opens under the chosen
//! key, and what is printed of it has room on the layout. Asked of each card
//! before anybody signs, and not when forms lie in the printer.

use conclave_crypto::secret::Secret;
use conclave_evidence::authority::Mode;
use zeroize::Zeroizing;

use super::against::{At, Fit, InFile};
use super::card::Card;
use super::fault::Wrong;
use super::issue::host_pin;
use super::letter::{Letter, Occasion};
use super::marks::PinMarking;
use super::template::{FieldName, Method, Template};
use crate::print::letters::{has_card_number, to_ascii};
use crate::print::{FieldName as Printed, Layout, PrintError};

/// The key of a host's PIN blocks, open for one call.
pub struct BlockKey<'a> {
    /// The PIN-print key.
    pub key: &'a Secret,
    /// Its label, for faults.
    pub label: &'a str,
    /// By which PINs of its blocks are known again.
    pub marks: PinMarking,
}

/// What each card of a file has to fit.
pub struct Fitting<'a> {
    /// How its PIN comes about.
    pub template: &'a Template,
    /// Where it is printed.
    pub layout: &'a Layout,
    /// The key of its PIN block, where the host made the PIN.
    pub blocks: Option<BlockKey<'a>>,
    /// TEST or PRODUCTION.
    pub mode: Mode,
    /// The station's name.
    pub station: &'a str,
    /// Today, milliseconds since 1970.
    pub wall_ms: u64,
}

/// More faults than one card can have.
const MOST: usize = 16;

/// Stands for what does not fit, while the rest is looked at.
const STAND_IN: &str = "X";

impl Fitting<'_> {
    /// How long the card's PIN is, where its block says so, and its mark. The PIN is
    /// dropped at once.
    fn length(&self, card: &mut Card, found: &mut Vec<(At, Wrong)>) -> Option<usize> {
        let field = At::Field(FieldName::PinBlock);
        let blocks = self.blocks.as_ref()?;
        if card.pin_block.is_none() {
            found.push((field, Wrong::Missing));
            return None;
        }
        // Whatever is wrong with it, there is one answer: where in a block the
        // error lies tells of the PIN in it.
        let Ok(pin) = host_pin(self.template, blocks.key, card) else {
            found.push((field, Wrong::Unopened(blocks.label.to_owned())));
            return None;
        };
        if !self.template.pin.lengths.contains(&pin.len()) {
            found.push((field, Wrong::PinLength));
            return None;
        }
        card.pin_mark = Some(blocks.marks.of(card, &pin));
        Some(pin.len())
    }

    /// Where the length of a PIN stands.
    fn of_pin(&self) -> At {
        match self.template.pin.method {
            Method::Host => At::Field(FieldName::PinBlock),
            _ if self.template.has(FieldName::PinLength) => At::Field(FieldName::PinLength),
            _ => At::File,
        }
    }

    /// The place and the words of what does not fit, which is taken out.
    fn misfit(
        &self,
        error: PrintError,
        card: &mut Card,
        file: &mut InFile<'_>,
    ) -> Option<(At, Wrong)> {
        let at = match &error {
            PrintError::Pin { most } => {
                card.pin_length = 4;
                return Some((self.of_pin(), Wrong::PinWide(*most)));
            }
            PrintError::Language(_) => {
                card.language = Some("en".into());
                return Some((At::Field(FieldName::Language), Wrong::NoWords));
            }
            PrintError::NotGiven(field @ Printed::Host(number)) => {
                card.host.insert(*number, Zeroizing::new(STAND_IN.into()));
                return Some((At::File, Wrong::NoSuchField(*field)));
            }
            PrintError::Character { field, .. } => [
                Printed::Name,
                Printed::Address,
                Printed::Reference,
                Printed::Sequence,
            ]
            .into_iter()
            .chain((0..=15).map(Printed::Host))
            .find(|known| known.to_string() == *field)?,
            PrintError::TooLong { field, .. }
            | PrintError::TooManyRows { field, .. }
            | PrintError::Pan(field) => *field,
            _ => return None,
        };
        let place = match at {
            Printed::Name => {
                card.holder = None;
                At::Field(FieldName::Holder)
            }
            Printed::Address => At::AddressLine(take_line(&error, card)),
            Printed::Host(number) => {
                card.host.insert(number, Zeroizing::new(STAND_IN.into()));
                At::Field(FieldName::Host(number))
            }
            Printed::Reference => {
                file.batch = STAND_IN;
                At::Field(FieldName::Batch)
            }
            Printed::Sequence => {
                (file.number, file.of) = (1, 1);
                At::Field(FieldName::Count)
            }
            _ => return None,
        };
        let what = match error {
            PrintError::Character { .. } => Wrong::Unprintable,
            PrintError::Pan(_) => Wrong::CardNumber,
            other => Wrong::Layout(other),
        };
        Some((place, what))
    }
}

/// Takes the address line out that does not fit: which one, from 0.
fn take_line(error: &PrintError, card: &mut Card) -> usize {
    if let PrintError::TooManyRows { room, .. } = error {
        card.address.truncate(*room);
        return *room;
    }
    let is_it = |line: &Zeroizing<String>| match (error, to_ascii(line)) {
        (PrintError::Character { .. }, printed) => printed.is_err(),
        (PrintError::TooLong { len, .. }, Ok(printed)) => printed.len() == *len,
        _ => has_card_number(line),
    };
    match card.address.iter().position(is_it) {
        Some(at) => {
            if let Some(line) = card.address.get_mut(at) {
                *line = Zeroizing::new(STAND_IN.into());
            }
            at
        }
        // A number over the ends of lines: none of them has it alone.
        None => {
            card.address.clear();
            0
        }
    }
}

impl Fit for Fitting<'_> {
    fn misfits(&self, file: InFile<'_>, card: &mut Card) -> Vec<(At, Wrong)> {
        let mut found = Vec::new();
        let opened = self.length(card, &mut found);
        let length = opened.unwrap_or(card.pin_length);
        // A PIN that nobody has seen is not held against the layout.
        card.pin_length = match (&self.blocks, opened) {
            (Some(_), None) => 4,
            _ => length,
        };
        // What an issuer sends to be printed is not left out silently.
        let sent = card.host.keys().map(|number| Printed::Host(*number));
        let unprinted = sent.filter(|field| !self.layout.has(*field));
        found.extend(unprinted.map(|field| (At::File, Wrong::NotPrinted(field))));
        let mut file = file;
        for _ in 0..MOST {
            let on = Occasion {
                mode: self.mode,
                station: self.station,
                batch: file.batch,
                wall_ms: self.wall_ms,
            };
            let letter = Letter {
                on: &on,
                card,
                tracking: "XXXX-XXXX-XXXX".into(),
                number: (file.number, file.of),
            };
            let Err(error) = letter.fits(self.layout) else {
                break;
            };
            match self.misfit(error.clone(), card, &mut file) {
                Some(misfit) if found.last() != Some(&misfit) => found.push(misfit),
                // What is taken out and still there has no place in the file.
                _ => {
                    found.push((At::File, Wrong::Layout(error)));
                    break;
                }
            }
        }
        card.pin_length = length;
        found
    }
}
