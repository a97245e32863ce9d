//! Hands at the training printer of PIN mailers: what they can do to it now, and the
//! number of a reel that is laid in.

use std::sync::Arc;

use conclave_station::front::{Desk, PinPrinter, PrinterHand};

use super::key::Key;
use super::typed::Line;
use super::words;

/// Most digits of a form's number.
const DIGITS: usize = 12;

/// Whether hands stay at the printer after a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// They stay.
    Stays,
    /// Back to the desk.
    Back,
    /// Away from the desk.
    Closes,
}

/// The printer as it is looked at.
pub struct Panel {
    desk: Arc<dyn Desk>,
    /// The cursor.
    pub at: usize,
    /// The first form of a reel, while it is typed.
    pub reel: Option<Line>,
    /// What could not be done.
    pub note: Option<&'static str>,
}

/// A hand's work in words, and what comes of it.
#[must_use]
pub fn hand_words(hand: PrinterHand) -> (&'static str, &'static str) {
    match hand {
        PrinterHand::Jam => ("Jam the paper", "at once, in the form at hand"),
        PrinterHand::RunOut => ("Let the forms run out", "after the form at hand"),
        PrinterHand::SwitchOff => ("Switch it off", "what its memory holds is lost"),
        PrinterHand::Feed => ("Press form feed", "a form goes through blank"),
        PrinterHand::ClearJam => ("Clear the jam", "tear the form out; off and on again"),
        PrinterHand::SwitchOn => ("Switch it on", "with an empty memory"),
        PrinterHand::Load(_) => ("Lay a reel in", "its first form is typed"),
    }
}

impl Panel {
    /// The printer, looked at now; nothing where hands have nothing to do with it.
    #[must_use]
    pub fn new(desk: Arc<dyn Desk>) -> Option<Self> {
        desk.pin_printer()?;
        Some(Self {
            desk,
            at: 0,
            reel: None,
            note: None,
        })
    }

    /// The printer as it stands now.
    #[must_use]
    pub fn printer(&self) -> Option<PinPrinter> {
        self.desk.pin_printer()
    }

    fn can(&self) -> Vec<PrinterHand> {
        self.printer().map(|p| p.can).unwrap_or_default()
    }

    /// Takes a key.
    pub fn key(&mut self, key: Key) -> Next {
        self.note = None;
        if let Some(mut line) = self.reel.take() {
            match key {
                Key::Esc => {}
                Key::F(2) => return Next::Closes,
                Key::Enter => match line.text().trim().parse() {
                    Ok(first) if first > 0 => self.does(PrinterHand::Load(first)),
                    _ => {
                        self.note = Some(words::NO_FORM);
                        self.reel = Some(line);
                    }
                },
                _ => {
                    line.key(key);
                    self.reel = Some(line);
                }
            }
            return Next::Stays;
        }
        let can = self.can();
        let last = can.len().saturating_sub(1);
        match key {
            Key::Esc => return Next::Back,
            Key::F(2) => return Next::Closes,
            Key::Up => self.at = self.at.min(last).saturating_sub(1),
            Key::Down => self.at = (self.at + 1).min(last),
            Key::Home => self.at = 0,
            Key::End => self.at = last,
            Key::Char(c @ '1'..='9') => {
                let at = c.to_digit(10).map_or(0, |d| d as usize).saturating_sub(1);
                if let Some(hand) = can.get(at) {
                    self.at = at;
                    self.act(*hand);
                }
            }
            Key::Enter => {
                if let Some(hand) = can.get(self.at.min(last)) {
                    self.act(*hand);
                }
            }
            _ => {}
        }
        Next::Stays
    }

    fn act(&mut self, hand: PrinterHand) {
        match hand {
            PrinterHand::Load(next) => {
                self.reel = Some(Line::with(DIGITS, &next.to_string()));
            }
            hand => self.does(hand),
        }
    }

    /// The cursor goes to what comes first then: a second Enter does no more harm.
    fn does(&mut self, hand: PrinterHand) {
        self.desk.do_to_printer(hand);
        if hand != PrinterHand::Feed {
            self.at = 0;
        }
    }
}
