//! The people of a training room at the keyboard: they read what is asked and
//! press keys. Cards and paper go through the training desk, by the name that
//! stands there and the key beside it.

use std::collections::BTreeMap;

use super::driver::{DOWN, END, ENTER, ESC, F2, HOME, PAGE_DOWN, Terminal};
use super::screen::{Asked, Screen};

/// Everybody's PIN in a practice room.
pub const PIN: &str = "802803";

/// Who takes part in the making of a zone master key in three components.
pub const CAST: [&str; 8] = [
    "D. Novak",
    "E. Fischer",
    "A. Lindqvist",
    "B. Okafor",
    "G. Haddad",
    "H. Virtanen",
    "J. Mbeki",
    "K. Larsen",
];

/// The people.
pub struct Crew {
    pub terminal: Terminal,
    pub readers: usize,
    /// Whose cards are in readers, the oldest first.
    inside: Vec<String>,
    /// What stands on the desk for a person's card, where that is no name: a
    /// new station's cards have numbers.
    cards: BTreeMap<String, String>,
    /// The cards have numbers and no names.
    numbered: bool,
    /// Cards that are not pulled to make room.
    pub stay: Vec<String>,
    /// Who comes first where several would do.
    pub prefer: Vec<String>,
    /// Envelope serials, as each was typed first.
    pub envelopes: Vec<String>,
    /// The check value that was read aloud last.
    pub value: String,
    /// How many lines came to be typed, by label.
    pub typed: Vec<String>,
    /// Every key that confirmed something, with its label.
    pub pressed: Vec<String>,
    /// Whose PIN was typed, in order.
    pub pins: Vec<String>,
}

fn desk_row<'a>(screen: &'a Screen, thing: &str) -> Option<&'a str> {
    let mut desk = screen.rows.iter().filter(|row| row.starts_with('║'));
    let row = desk.find(|row| row.contains(thing))?;
    Some(row.trim_start_matches('║').trim_end_matches('║'))
}

/// The key that stands before a thing on the desk.
fn key_beside(row: &str) -> Option<String> {
    let mut words = row.split_whitespace().filter(|word| *word != "▸");
    words
        .next()
        .filter(|w| w.chars().count() == 1)
        .map(str::to_owned)
}

impl Crew {
    pub fn new(terminal: Terminal, readers: usize) -> Self {
        Self {
            terminal,
            readers,
            inside: Vec::new(),
            cards: BTreeMap::new(),
            numbered: false,
            stay: Vec::new(),
            prefer: Vec::new(),
            envelopes: Vec::new(),
            value: String::new(),
            typed: Vec::new(),
            pressed: Vec::new(),
            pins: Vec::new(),
        }
    }

    /// People of a new station, with cards as delivered.
    pub fn with_new_cards(terminal: Terminal, readers: usize) -> Self {
        Self {
            numbered: true,
            ..Self::new(terminal, readers)
        }
    }

    /// What stands on the desk for a person's card; the next one that nobody
    /// has yet.
    fn card_of(&mut self, name: &str) -> String {
        if !self.numbered {
            return name.to_owned();
        }
        let next = format!("card {:02}", self.cards.len() + 1);
        self.cards.entry(name.to_owned()).or_insert(next).clone()
    }

    /// Opens the desk and reads the key beside a thing. That key does it, and
    /// closes the desk over a card.
    #[track_caller]
    pub fn desk(&mut self, thing: &str) -> String {
        self.terminal.keys(F2);
        let mut screen = self.terminal.wait("the desk", Screen::is_desk);
        if desk_row(&screen, thing).is_none() {
            self.terminal.keys(HOME);
            screen = self.terminal.wait("the top of the desk", |screen| {
                screen.is_desk() && screen.has("▸ 1  ")
            });
        }
        for _ in 0..60 {
            if let Some(row) = desk_row(&screen, thing) {
                return key_beside(row).unwrap_or_else(|| panic!("no key beside {thing}"));
            }
            let before = screen.clone();
            self.terminal.keys(DOWN);
            let moved = |screen: &Screen| screen.is_desk() && *screen != before;
            screen = self.terminal.wait("further down the desk", moved);
        }
        panic!("{thing} is not on the desk:\n{}", screen.shown());
    }

    #[track_caller]
    fn off_desk(&mut self) {
        let gone = |screen: &Screen| !screen.is_desk() && !screen.is_sheet();
        self.terminal.wait("the desk closed", gone);
    }

    /// Pulls a person's card.
    #[track_caller]
    pub fn pull(&mut self, name: &str) {
        let card = self.card_of(name);
        let key = self.desk(&card);
        self.terminal.keys(&key);
        self.inside.retain(|inside| inside != name);
        self.off_desk();
    }

    /// Everybody takes their card.
    #[track_caller]
    pub fn pull_all(&mut self) {
        for name in self.inside.clone() {
            self.pull(&name);
        }
    }

    /// Puts a card in; with every reader taken, another goes first.
    #[track_caller]
    pub fn insert(&mut self, name: &str) {
        if self.inside.len() == self.readers && self.readers > 1 {
            let spare = self.inside.iter().find(|n| !self.stay.contains(n));
            let spare = spare.expect("a card that may go").clone();
            self.pull(&spare);
        }
        let card = self.card_of(name);
        let key = self.desk(&card);
        self.terminal.keys(&key);
        if self.readers == 1 {
            self.inside.clear();
        }
        self.inside.push(name.to_owned());
        self.off_desk();
    }

    /// The custodian looks at the sheet and takes it out of the printer.
    #[track_caller]
    fn collect(&mut self, lines: usize) {
        self.terminal.keys(F2);
        self.terminal.wait("the desk", Screen::is_desk);
        self.terminal.keys(END);
        let screen = self.terminal.wait("a sheet on the desk", |screen| {
            desk_row(screen, "in the printer").is_some()
        });
        let key = desk_row(&screen, "in the printer").and_then(key_beside);
        self.terminal.keys(&key.expect("a key beside the sheet"));
        let mut sheet = self.terminal.wait("the sheet", Screen::is_sheet);
        while sheet
            .rows
            .iter()
            .filter(|r| r.contains("   check "))
            .count()
            < lines
        {
            self.terminal.keys(PAGE_DOWN);
            let moved = |screen: &Screen| screen.is_sheet() && *screen != sheet;
            sheet = self.terminal.wait("the sheet's value", moved);
        }
        self.terminal.keys(ENTER);
        let taken =
            |screen: &Screen| screen.is_desk() && desk_row(screen, "in the printer").is_none();
        self.terminal.wait("the sheet taken away", taken);
        self.terminal.keys(ESC);
        self.off_desk();
    }

    /// What is signed is read to its end before the PIN is taken.
    fn reads_on(&mut self) {
        let mut screen = self.terminal.screen();
        while screen
            .rows
            .iter()
            .any(|row| row.contains("read on, more follows"))
        {
            self.terminal.keys(ENTER);
            let before = screen;
            screen = self
                .terminal
                .wait("the next lines", |now| now.still() != before.still());
        }
    }

    /// Types a PIN up to its Enter; gives the screen before that.
    #[track_caller]
    pub fn dots(&mut self, pin: &str) -> Screen {
        self.reads_on();
        self.terminal.keys(pin);
        let all = vec!["●"; pin.len()].join(" ");
        self.terminal.wait("a dot for each digit", |screen| {
            screen
                .rows
                .iter()
                .any(|row| row.contains(&all) && !row.contains('✓'))
        })
    }

    /// Presses keys that answer the question at hand, and waits for what comes
    /// after it.
    #[track_caller]
    pub fn answer(&mut self, keys: &str) -> Screen {
        let before = self.terminal.screen();
        self.terminal.keys(keys);
        self.terminal.wait("what comes next", |screen| {
            screen.asked() != Asked::Busy && screen.still() != before.still()
        })
    }

    /// A person's card and PIN: puts the card in where it is not.
    #[track_caller]
    pub fn come(&mut self, name: &str) -> Screen {
        self.insert(name);
        self.terminal.wait("the PIN question", |screen| {
            screen.asked() == Asked::Pin(name.to_owned())
        });
        self.dots(PIN);
        self.answer(ENTER)
    }

    /// Answers what is asked, like people who know their ceremony, until it is
    /// something else or `until` holds.
    #[track_caller]
    pub fn play(
        &mut self,
        pin: &dyn Fn(&str) -> String,
        until: impl Fn(&Screen) -> bool,
    ) -> Screen {
        for _ in 0..500 {
            let screen = self.terminal.wait("a question", |screen| {
                until(screen) || !matches!(screen.asked(), Asked::Busy | Asked::Other)
            });
            if until(&screen) {
                return screen;
            }
            if let Some(value) = screen.check_value() {
                self.value = value;
            }
            match screen.asked() {
                Asked::Card(wanted) => {
                    // A card that is in already is seen without a hand.
                    if !self.inside.iter().any(|name| wanted.contains(name)) {
                        let first = self.prefer.iter().find(|name| wanted.contains(name));
                        let name = first.unwrap_or(&wanted[0]).clone();
                        self.insert(&name);
                    }
                    self.terminal.wait("the card was seen", |screen| {
                        screen.asked() != Asked::Card(wanted.clone())
                            && screen.asked() != Asked::Other
                    });
                }
                Asked::Pin(name) => {
                    self.dots(&pin(&name));
                    self.pins.push(name);
                    self.answer(ENTER);
                }
                Asked::NewPin(name, _) => {
                    self.dots(&pin(&name));
                    self.answer(ENTER);
                }
                Asked::Press(key, label) => {
                    if label == "sheet is good" {
                        self.collect(4);
                    }
                    if self.pressed.is_empty() {
                        self.terminal
                            .then(ENTER, "Enter does not confirm this step.");
                    }
                    self.pressed.push(label);
                    self.answer(&key.to_string());
                }
                Asked::Line(label) => self.line(&label),
                Asked::Read => {
                    self.answer(ENTER);
                }
                _ => return screen,
            }
        }
        panic!("it has no end:\n{}", self.terminal.screen().shown());
    }

    /// An envelope's serial: the custodian reads it from the envelope, and so
    /// does the witness, who reads the first one wrongly. A check value: each
    /// from the paper.
    #[track_caller]
    fn line(&mut self, label: &str) {
        let times = self.typed.iter().filter(|l| *l == label).count();
        let second = !times.is_multiple_of(2);
        let wrong = label == "Envelope serial" && times == 1;
        if label == "Envelope serial" && !second {
            self.envelopes.push(format!("CE{:07}", 4711 + times));
        }
        let text = match label {
            _ if wrong => "CE0000000".to_owned(),
            "Envelope serial" => self.envelopes.last().expect("the first entry").clone(),
            _ => self.value.clone(),
        };
        self.typed.push(label.to_owned());
        self.terminal.then(ENTER, "Nothing is typed yet.");
        self.terminal.keys(&text);
        let shown = if second {
            "●".repeat(text.len())
        } else {
            text
        };
        self.terminal.wait("what was typed", |screen| {
            screen
                .row(&format!("   {label}"))
                .is_some_and(|row| row.contains(&shown))
        });
        let next = self.answer(ENTER);
        let refused = next.says("The entries are not the same.");
        assert_eq!(refused, wrong, "{}", next.shown());
    }
}
