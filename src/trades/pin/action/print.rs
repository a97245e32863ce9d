//! One window of mailers: the PINs are drawn, what proves them is on disk, then
//! the bytes leave, sheet by sheet.
//!
//! What a cut leaves is never printed again: its forms have numbers, and people
//! look at them. The values that an issuer stores are written before the first
//! byte, so that a mailer which lies there whole can still go out.

use conclave_crypto::pin::Pin;
use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::device::{PrinterLanguage, PrinterPurpose, PrinterRecord};
use conclave_keyroom::domain::permission::Permission;
use conclave_keyroom::domain::pin_batch::{Mailer, PinBatch};
use conclave_keyroom::domain::pin_card::PinCard;
use conclave_keyroom::domain::pin_run::{Left, MOST_WINDOW};
use conclave_keyroom::domain::ranges::Ranges;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::printer::{FoundPrinter, PrinterError};
use serde::{Deserialize, Serialize};

use super::keys;
use super::pages::Pages;
use super::{BatchName, both_here, card, layout, put, put_card, refused, rule};
use crate::pin::letter::{Letter, Occasion, render_set, tracking};
use crate::pin::{Card, Keys, Template, issue_anew, template_of_batch};
use crate::print::enrolment::{fit, on_record};
use crate::print::print_report::node;
use crate::print::{Eject, Layout, PrintError, mailer};

/// Prints the next mailers that wait.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrintMailers {
    /// The batch.
    pub batch: BatchName,
    /// Most mailers of this window: after a power cut all of them are unknown.
    /// It becomes a whole number of layout-sets, at least one.
    pub window: u16,
    /// The form that lies in the printer, where the first mailer goes: read
    /// there when a run begins, and after a stop or a gap in the numbers; else
    /// the one after the last window's.
    pub form: u64,
}

/// What became of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printed {
    /// Mailers that left whole.
    pub sent: usize,
    /// Mailers of which bytes may have left.
    pub unknown: usize,
    /// Mailers of which no byte has left; they wait again.
    pub kept: usize,
    /// Why it ended before its end.
    pub stopped: Option<PrinterError>,
    /// The form that lies in the printer now; nothing where people have to look.
    pub lies: Option<u64>,
    /// Cards that wait.
    pub waiting: u64,
}

/// A window, ready for the printer.
struct Ready {
    /// The cards' records as they were.
    before: Vec<PinCard>,
    /// The cards' records as they are when it is printed.
    after: Vec<PinCard>,
    /// The bytes of each sheet, and how many mailers it has.
    sheets: Vec<(Secret, usize)>,
}

/// Where the mailers go, and how.
struct Way<'a> {
    template: &'a Template,
    layout: &'a Layout,
    printer: &'a PrinterRecord,
}

impl PrintMailers {
    /// The device, asked before anything is drawn: nothing has happened when it
    /// is not there or is another one.
    fn device(
        &self,
        permit: &Permit<'_>,
        batch: &PinBatch,
        ports: &mut Ports<'_>,
    ) -> Result<(PrinterRecord, FoundPrinter), ActionError> {
        let mode = permit.authority()?.mode;
        let enrolled = on_record(permit)?;
        let printer = fit(mode, &enrolled, &batch.printer, PrinterPurpose::Pins)
            .map_err(|e| ActionError::rule(e.to_string(), "Have administrators look."))?;
        if printer.language == PrinterLanguage::Pdf && !printer.training {
            return Err(refused("PIN mailers as PDF are for training stations only"));
        }
        let found = ports.printers.found().map_err(|e| device(&e))?;
        let there = node(printer, &found).map_err(|e| device(&e))?;
        Ok((printer.clone(), there.clone()))
    }

    /// Draws the PINs of a window and lays out its sheets. Nothing has changed
    /// on disk or paper when this fails.
    fn prepare(
        permit: &mut Permit<'_>,
        batch: &PinBatch,
        way: &Way<'_>,
    ) -> Result<Ready, ActionError> {
        let ids = (batch.pin_key, batch.zone_key);
        let opened = keys::open(permit, &batch.issuer, way.template.pin.method, ids)?;
        let keys = Keys {
            pin: &opened.pin,
            zone: opened.zone.as_ref(),
        };
        let (wall_ms, house) = (permit.now_ms(), permit.authority()?);
        let (mode, station) = (house.mode, house.station_name.clone());
        let on = Occasion {
            mode,
            station: &station,
            batch: &batch.name,
            wall_ms,
        };
        let mut ready = Ready {
            before: Vec::with_capacity(batch.window.len()),
            after: Vec::with_capacity(batch.window.len()),
            sheets: Vec::new(),
        };
        for set in batch.window.chunks(usize::from(batch.across.max(1))) {
            let mut pins: Vec<Pin> = Vec::new();
            let mut cards: Vec<(Card, String)> = Vec::new();
            for Mailer { card: number, form } in set {
                let before = card(permit, batch, *number)?;
                let of = |why: String| refused(format!("card {number}: {why}"));
                let mut person = Card::of(&before).map_err(|e| of(e.to_string()))?;
                let (_, _, random) = permit.provider();
                let issued = issue_anew(way.template, &keys, &person, &before.lost, random);
                let (pin, values) = issued.map_err(|e| of(e.to_string()))?;
                // What the layout is asked for is the PIN that is there.
                person.pin_length = pin.len();
                let number = tracking(random).map_err(|e| of(e.to_string()))?;
                let mut after = before.clone();
                after.is_printed(*form, Some(number.clone()), Some(values));
                ready.before.push(before);
                ready.after.push(after);
                pins.push(pin);
                cards.push((person, number));
            }
            let letters: Vec<Letter<'_>> = cards
                .iter()
                .zip(set)
                .map(|((card, tracking), mailer)| Letter {
                    on: &on,
                    card,
                    tracking: tracking.clone(),
                    number: (mailer.card as usize, batch.count as usize),
                })
                .collect();
            let sheet = render_set(way.layout, &letters, &pins, way.printer.language)
                .map_err(|e| refused(which(way.layout, &letters, &e)))?;
            ready.sheets.push((sheet, set.len()));
        }
        Ok(ready)
    }

    /// The sheets, one after another, until one fails or somebody says stop.
    fn emit(
        permit: &Permit<'_>,
        ports: &mut Ports<'_>,
        (node, serial): (&str, &str),
        eject: &[u8],
        sheets: Vec<(Secret, usize)>,
    ) -> (Left, Option<PrinterError>) {
        let mut left = Left::default();
        for (sheet, mailers) in sheets {
            if !permit.may_continue() {
                return (left, Some(PrinterError::Stopped));
            }
            // A form that is held is fed out with its last byte: whoever stops the run
            // now stops it before the next one.
            let whole = Secret::from_fn(sheet.len() + eject.len(), |out| {
                let bytes = sheet.expose().iter().chain(eject);
                out.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            });
            match ports.printers.print(permit, node, serial, whole.expose()) {
                Ok(()) => left.sent += mailers,
                Err(error) => {
                    if error.may_have_printed() {
                        left.unknown = mailers;
                        left.cut_short = matches!(error, PrinterError::CutShort(_));
                    }
                    return (left, Some(error));
                }
            }
        }
        (left, None)
    }
}

/// Why a sheet is not made, with the card that does not fit: of several beside
/// one another it may be any.
fn which(layout: &Layout, letters: &[Letter<'_>], error: &PrintError) -> String {
    let unfit = letters.iter().find(|letter| letter.fits(layout).is_err());
    match unfit.or(letters.first()) {
        Some(letter) => format!("card {}: {error}", letter.number.0),
        None => error.to_string(),
    }
}

fn device(error: &PrinterError) -> ActionError {
    ActionError::Device {
        what: error.to_string(),
        advice: "Nothing was printed. Check the printer of PIN mailers: it must be the enrolled \
                 one, on and with paper."
            .into(),
    }
}

/// The next window is so many mailers: whole layout-sets, at least one.
fn window(asked: u16, across: u8) -> usize {
    let across = usize::from(across.max(1));
    let asked = usize::from(asked).min(MOST_WINDOW);
    (asked / across).max(1) * across
}

impl Action for PrintMailers {
    const NAME: &'static str = "print-mailers";
    type Out = Printed;

    fn authority(&self) -> Authority {
        let mut parts = both_here();
        parts.push(Authority::Mandate(self.batch.id));
        parts.push(Authority::Holders(self.batch.id));
        Authority::All(parts)
    }

    fn words(&self) -> Vec<String> {
        vec![format!(
            "Print the next mailers of {}, at most {}, from form {} on",
            self.batch.words(),
            self.window,
            self.form
        )]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<Printed, ActionError> {
        let mut batch = self.batch.get(permit)?;
        batch.moves().map_err(rule)?;
        let template = template_of_batch(permit, &batch.template_digest)?;
        let layout = layout(permit, &batch)?;
        let (printer, found) = self.device(permit, &batch, ports)?;
        // A layout that was approved anew since then has its page elsewhere, maybe.
        Pages::on_record(permit)?.check(&layout, &batch.layout_digest, &printer)?;
        let most = window(self.window, batch.across);
        batch.intend(most, self.form).map_err(rule)?;
        let last = batch.window.last().map(|mailer| mailer.form);
        let way = Way {
            template: &template,
            layout: &layout,
            printer: &printer,
        };
        let Ready {
            before,
            after,
            sheets,
        } = Self::prepare(permit, &batch, &way)?;
        // The intent of each mailer: durable before its first byte.
        for card in &after {
            put_card(permit, card)?;
        }
        put(permit, &batch)?;
        permit.commit_before_effect(vec![about(&batch)])?;
        let eject = match layout.eject() {
            Eject::OnConfirmation => mailer::eject(printer.language),
            Eject::WithForm => b"",
        };
        let node = (found.device.as_str(), printer.serial.as_str());
        let (left, stopped) = Self::emit(permit, ports, node, eject, sheets);
        batch.printed(left).map_err(rule)?;
        let Left { sent, unknown, .. } = left;
        let kept = before.len().saturating_sub(sent + unknown);
        for card in before.iter().skip(sent + unknown) {
            put_card(permit, card)?;
        }
        put(permit, &batch)?;
        let lies = last.filter(|_| stopped.is_none());
        Ok(Printed {
            lies: lies.map(|form| batch.form_after(form)),
            sent,
            unknown,
            kept,
            stopped,
            waiting: batch.cards.waiting.count(),
        })
    }

    fn outcome(&self, out: &Printed) -> Vec<String> {
        let mut words = vec![format!("{} mailers were sent to the printer", out.sent)];
        if out.unknown > 0 {
            words.push(format!(
                "of {} it is not known: people look at the forms",
                out.unknown
            ));
        }
        if out.kept > 0 {
            words.push(format!("{} wait again: no byte of them left", out.kept));
        }
        words.extend(out.stopped.as_ref().map(ToString::to_string));
        words
    }
}

/// Which cards of the file a window is of, and which forms it is on, for the
/// journal.
fn about(batch: &PinBatch) -> String {
    let first = batch.window.first().map_or(0, |mailer| mailer.form);
    let last = batch.window.last().map_or(0, |mailer| mailer.form);
    let mut cards = Ranges::default();
    for mailer in &batch.window {
        // A card is once in a window.
        let _ = cards.insert(mailer.card.into(), mailer.card.into());
    }
    format!(
        "{} mailers of batch {} on forms {first} to {last}: cards {}",
        batch.window.len(),
        batch.name,
        cards.words()
    )
}

#[cfg(test)]
mod tests {
    use conclave_crypto::card::pan::Pan;
    use conclave_evidence::authority::Mode;

    use super::*;

    /// Of the forms beside one another the one that does not fit is named.
    #[test]
    fn the_card_that_does_not_fit_is_named() {
        let text = include_str!("../../../../keymailer-layouts/pin-mailer-two-up.toml");
        let Ok(layout) = Layout::parse(text) else {
            panic!("a layout that ships");
        };
        let Ok(pan) = Pan::checked("4111111111111111") else {
            panic!("a card number");
        };
        let card = |pin_length| Card {
            pan: pan.clone(),
            sequence: "00".into(),
            expiry: None,
            service_code: None,
            holder: None,
            address: Vec::new(),
            host: std::collections::BTreeMap::new(),
            language: Some("en".into()),
            pin_length,
            pin_block: None,
            pin_version: 0,
            pin_mark: None,
            reference: None,
        };
        let on = Occasion {
            mode: Mode::Test,
            station: "KEYROOM-1",
            batch: "B-0001",
            wall_ms: 0,
        };
        let cards = [card(4), card(6)];
        let letters: Vec<Letter<'_>> = cards
            .iter()
            .zip(7..)
            .map(|(card, number)| Letter {
                on: &on,
                card,
                tracking: "XXXX-XXXX-XXXX".into(),
                number: (number, 9),
            })
            .collect();
        let told = which(&layout, &letters, &PrintError::Pin { most: 4 });
        assert_eq!(told, "card 8: a PIN has 4 to 4 digits here");
    }

    #[test]
    fn a_window_is_whole_layout_sets() {
        for (asked, across, is) in [
            (0, 1, 1),
            (0, 2, 2),
            (1, 2, 2),
            (5, 2, 4),
            (25, 1, 25),
            (9999, 1, MOST_WINDOW),
            (9999, 3, 63),
        ] {
            assert_eq!(window(asked, across), is, "{asked} {across}");
        }
    }
}
