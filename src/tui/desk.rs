//! The training desk: what people would do with their hands.

use std::sync::Arc;

use conclave_station::front::{Desk, Paper, Pile};

use super::key::Key;
use super::pin_printer::{Next, Panel};
use super::words;

/// A thing on the desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thing {
    /// A card in a reader.
    InReader {
        /// The reader.
        reader: String,
        /// The card.
        card: String,
    },
    /// A card on the table.
    OnTable(String),
    /// A pile of paper.
    Sheet(Pile),
    /// The printer of PIN mailers, and what it does.
    PinPrinter(String),
}

impl Thing {
    fn card(&self) -> Option<&str> {
        match self {
            Self::InReader { card, .. } | Self::OnTable(card) => Some(card),
            Self::Sheet(_) | Self::PinPrinter(_) => None,
        }
    }
}

/// What a pile of paper is called on the desk.
#[must_use]
pub fn pile_words(pile: &Pile) -> String {
    let what = match pile.paper {
        Paper::Custodians => "custodian's sheet",
        Paper::Mailers => "PIN mailers",
        Paper::Reports => "report",
    };
    match pile.bag {
        Some(bag) => format!("{what}, bag {bag}"),
        None => what.to_owned(),
    }
}

/// Keys that act on a thing at once, in the order of the things.
const KEYS: [char; 35] = [
    '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j',
    'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z',
];

/// The key of the thing at this place, as far as keys go.
#[must_use]
pub fn key_of(at: usize) -> Option<char> {
    KEYS.get(at).copied()
}

/// How far PgUp and PgDn go: less than the smallest screen shows, so that no
/// line is passed over.
const SOME_LINES: usize = 10;

/// What the heading of a numbered form begins with.
const FORM: &str = "── form ";

/// The desk as it is shown.
pub struct Table {
    desk: Arc<dyn Desk>,
    /// Readers without a card.
    pub free: Vec<String>,
    /// Everything that Enter does something with.
    pub things: Vec<Thing>,
    /// The cursor.
    pub at: usize,
    /// The pile that is being looked at, and from which line on.
    pub looking: Option<(Pile, usize)>,
    /// The printer of PIN mailers, while hands are at it.
    pub printer: Option<Panel>,
    /// What could not be done.
    pub note: Option<&'static str>,
}

/// Whether the desk stays open after a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// It stays.
    Stays,
    /// Back to what stands below.
    Closes,
}

impl Table {
    /// The desk, looked at now.
    #[must_use]
    pub fn new(desk: Arc<dyn Desk>) -> Self {
        let mut table = Self {
            desk,
            free: Vec::new(),
            things: Vec::new(),
            at: 0,
            looking: None,
            printer: None,
            note: None,
        };
        table.look();
        // The first card that is not in use yet is what is wanted most often.
        table.at = table
            .things
            .iter()
            .position(|t| matches!(t, Thing::OnTable(_)))
            .unwrap_or(0);
        table
    }

    /// Looks again.
    pub fn look(&mut self) {
        let mut free = Vec::new();
        let mut things = Vec::new();
        for (reader, card) in self.desk.readers() {
            match card {
                Some(card) => things.push(Thing::InReader { reader, card }),
                None => free.push(reader),
            }
        }
        things.extend(self.desk.cards().into_iter().map(Thing::OnTable));
        // By card, wherever it lies: a card keeps its key while cards move.
        things.sort_by(|a, b| a.card().cmp(&b.card()));
        let printer = self.desk.pin_printer();
        things.extend(printer.map(|printer| Thing::PinPrinter(printer.state)));
        let piles = self.desk.piles();
        let lies = |looking: &(Pile, usize)| piles.contains(&looking.0);
        self.looking = self.looking.take().filter(lies);
        things.extend(piles.into_iter().map(Thing::Sheet));
        self.free = free;
        self.things = things;
        self.at = self.at.min(self.things.len().saturating_sub(1));
    }

    /// Whether hands have something to do with the printer of PIN mailers.
    #[must_use]
    pub fn has_pin_printer(&self) -> bool {
        let mut things = self.things.iter();
        things.any(|thing| matches!(thing, Thing::PinPrinter(_)))
    }

    /// The lines of the pile that somebody looks at.
    #[must_use]
    pub fn sheet(&self) -> Vec<String> {
        let looking = self.looking.as_ref();
        looking.map_or_else(Vec::new, |(pile, _)| self.desk.sheet(pile))
    }

    /// Takes a key.
    pub fn key(&mut self, key: Key) -> After {
        self.note = None;
        if let Some(panel) = &mut self.printer {
            match panel.key(key) {
                Next::Stays => {}
                Next::Back => {
                    self.printer = None;
                    self.look();
                }
                Next::Closes => return After::Closes,
            }
            return After::Stays;
        }
        if let Some((pile, from)) = self.looking.take() {
            let last = || self.desk.sheet(&pile).len().saturating_sub(1);
            let from = match key {
                Key::Enter | Key::Esc | Key::F(2) => None,
                Key::Down => Some((from + 1).min(last())),
                Key::PageDown => Some((from + SOME_LINES).min(last())),
                Key::Up => Some(from.saturating_sub(1)),
                Key::PageUp => Some(from.saturating_sub(SOME_LINES)),
                Key::Home => Some(0),
                Key::End => Some(last()),
                Key::Right => Some(self.form_behind(&pile, from).unwrap_or(from)),
                Key::Left => Some(self.form_before(&pile, from).unwrap_or(0)),
                _ => Some(from),
            };
            if key == Key::Enter && pile.bag.is_none() {
                self.desk.put_away(&pile);
                self.look();
            }
            self.looking = from.map(|from| (pile, from));
            return After::Stays;
        }
        let last = self.things.len().saturating_sub(1);
        match key {
            Key::Esc | Key::F(2) => return After::Closes,
            Key::Up => self.at = self.at.saturating_sub(1),
            Key::Down => self.at = (self.at + 1).min(last),
            Key::PageUp => self.at = self.at.saturating_sub(SOME_LINES),
            Key::PageDown => self.at = (self.at + SOME_LINES).min(last),
            Key::Home => self.at = 0,
            Key::End => self.at = last,
            Key::Char('P') => self.printer = Panel::new(Arc::clone(&self.desk)),
            Key::Char(c) => {
                if let Some(at) = KEYS.iter().position(|key| *key == c)
                    && at < self.things.len()
                {
                    self.at = at;
                    return self.act();
                }
            }
            Key::Enter => return self.act(),
            _ => {}
        }
        After::Stays
    }

    /// Where the next numbered form of a pile begins.
    fn form_behind(&self, pile: &Pile, from: usize) -> Option<usize> {
        let lines = self.desk.sheet(pile);
        let mut lines = lines.iter().enumerate().skip(from + 1);
        lines.find_map(|(at, line)| line.starts_with(FORM).then_some(at))
    }

    /// Where the one before begins.
    fn form_before(&self, pile: &Pile, from: usize) -> Option<usize> {
        let lines = self.desk.sheet(pile);
        let mut lines = lines.iter().enumerate().take(from);
        lines
            .rfind(|(_, line)| line.starts_with(FORM))
            .map(|(at, _)| at)
    }

    fn act(&mut self) -> After {
        match self.things.get(self.at).cloned() {
            Some(Thing::InReader { reader, .. }) => self.desk.pull(&reader),
            Some(Thing::OnTable(card)) => match self.reader_for_it() {
                Ok(reader) => self.desk.insert(&card, &reader),
                Err(note) => {
                    self.note = Some(note);
                    return After::Stays;
                }
            },
            Some(Thing::Sheet(pile)) => {
                self.looking = Some((pile, 0));
                return After::Stays;
            }
            Some(Thing::PinPrinter(_)) => {
                self.printer = Panel::new(Arc::clone(&self.desk));
                return After::Stays;
            }
            None => return After::Closes,
        }
        self.look();
        After::Closes
    }

    /// A free reader, or the only one, emptied.
    fn reader_for_it(&self) -> Result<String, &'static str> {
        if let Some(reader) = self.free.first() {
            return Ok(reader.clone());
        }
        let readers = self.desk.readers();
        match readers.as_slice() {
            [] => Err(words::NO_READER),
            [(reader, _)] => {
                self.desk.pull(reader);
                Ok(reader.clone())
            }
            _ => Err(words::READERS_FULL),
        }
    }
}
