//! The people: they put in the card that is wanted, type its PIN, fill in
//! what they were told to, unless a test says otherwise at a question.

use std::collections::BTreeMap;
use std::time::Duration;

use conclave_keyroom::ports::dialogue::{Answer, Ask, People, Prompt};

use crate::bench::secret;
use crate::table::Table;

/// Everybody's PIN.
pub const PIN: &[u8] = b"802803";

/// What a test wants at a question.
pub enum Do {
    /// As people usually do.
    Usual,
    /// This answer.
    Answer(Answer),
    /// Nothing, until the station shows something new.
    Wait,
}

/// Called at each new question, with how often its code was asked.
pub type At = Box<dyn FnMut(&Prompt, usize) -> Do + Send>;

/// The people.
pub struct Hands {
    pub table: Table,
    /// Whose card is which.
    pub holders: Vec<(String, usize)>,
    /// What is typed into forms, by code of the question.
    pub forms: BTreeMap<String, Vec<Vec<String>>>,
    pub at: At,
    /// Cards that have to stay in where there are readers enough.
    pub stay: Vec<usize>,
    /// Codes of all questions, in order, with what was asked.
    pub seen: Vec<Prompt>,
    asked: BTreeMap<String, usize>,
    prompt: Option<Prompt>,
    fresh: bool,
    /// How many looks people still wait for what the station shows next.
    waits: usize,
    looks: usize,
}

/// How many looks a card that is in is given, before it is put in anew.
const LOOKS: usize = 50;
/// A question that is shown more often than this has no end.
const SHOWN_MOST: usize = 4000;

impl Hands {
    pub fn new(table: Table, names: &[&str]) -> Self {
        Self {
            table,
            holders: names
                .iter()
                .enumerate()
                .map(|(at, name)| ((*name).to_owned(), at))
                .collect(),
            forms: BTreeMap::new(),
            at: usual(),
            stay: Vec::new(),
            seen: Vec::new(),
            asked: BTreeMap::new(),
            prompt: None,
            fresh: false,
            waits: 0,
            looks: 0,
        }
    }

    /// What is typed into a form the next time.
    pub fn form(&mut self, code: &str, values: &[&str]) {
        let row = values.iter().map(|v| (*v).to_owned()).collect();
        self.forms.entry(code.into()).or_default().push(row);
    }

    /// Forgets what was asked; from now on people do as told.
    pub fn told(&mut self, at: At) {
        self.at = at;
        self.asked.clear();
        self.seen.clear();
    }

    /// Refusals that stood on the screen, each once.
    pub fn refusals(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for prompt in &self.seen {
            if let Some(refusal) = &prompt.refused
                && all.last() != Some(&refusal.happened)
            {
                assert!(!refusal.safe.is_empty() && !refusal.advice.is_empty());
                all.push(refusal.happened.clone());
            }
        }
        all
    }

    /// How often a question of this code was asked.
    pub fn asked(&self, code: &str) -> usize {
        self.asked.get(code).copied().unwrap_or(0)
    }

    pub fn card_of(&self, name: &str) -> usize {
        let holder = self.holders.iter().find(|(n, _)| n == name);
        holder.expect("somebody of this name").1
    }

    fn bring(&mut self, wanted: &[String]) {
        let cards: Vec<usize> = wanted.iter().map(|name| self.card_of(name)).collect();
        let seated = cards.iter().any(|card| self.table.seat_of(*card).is_some());
        self.looks += 1;
        if seated && !self.looks.is_multiple_of(LOOKS) {
            return;
        }
        assert!(
            self.looks < 10 * LOOKS,
            "none of {wanted:?} is taken: {:?}",
            self.prompt
        );
        if let Some(card) = cards.first() {
            self.table.put(*card, &self.stay);
        }
    }
}

/// Nothing special.
pub fn usual() -> At {
    Box::new(|_, _| Do::Usual)
}

pub fn pin() -> Answer {
    Answer::Secret(secret(PIN))
}

pub fn wrong_pin() -> Answer {
    Answer::Secret(secret(b"914266"))
}

impl People for Hands {
    fn show(&mut self, prompt: &Prompt) {
        let same = self
            .prompt
            .as_ref()
            .is_some_and(|old| old.code == prompt.code && old.ask == prompt.ask);
        if !same {
            self.looks = 0;
        }
        assert!(self.seen.len() < SHOWN_MOST, "no end: {prompt:?}");
        self.seen.push(prompt.clone());
        self.fresh = true;
        self.waits = 0;
        self.prompt = Some(prompt.clone());
    }

    fn answer(&mut self, timeout: Duration) -> Option<Answer> {
        let nothing = || {
            std::thread::sleep(timeout);
            None
        };
        let Some(prompt) = self.prompt.clone() else {
            return nothing();
        };
        if std::mem::take(&mut self.fresh) {
            let times = self.asked.entry(prompt.code.clone()).or_default();
            *times += 1;
            match (self.at)(&prompt, *times) {
                Do::Usual => {}
                Do::Answer(answer) => return Some(answer),
                Do::Wait => self.waits = 4 * LOOKS,
            }
        }
        if self.waits > 0 {
            self.waits -= 1;
            return nothing();
        }
        match &prompt.ask {
            Ask::Nothing | Ask::Groups(_) | Ask::Word { .. } | Ask::Passphrase { .. } => nothing(),
            Ask::Card { wanted, .. } => {
                self.bring(wanted);
                nothing()
            }
            Ask::Pin { .. } | Ask::NewPin { .. } => Some(pin()),
            Ask::Form { fields, .. } => match self.forms.get_mut(&prompt.code) {
                Some(rows) if !rows.is_empty() => Some(Answer::Fields(rows.remove(0))),
                _ if prompt.refused.is_some() => panic!("refused: {prompt:?}"),
                _ => Some(Answer::Fields(
                    fields.iter().map(|field| field.value.clone()).collect(),
                )),
            },
            Ask::Confirm { .. } | Ask::Read => Some(Answer::Confirmed),
            Ask::Exactly { text } => Some(Answer::Word(text.clone())),
            Ask::Text { .. } | Ask::Choose { .. } => panic!("nobody knows: {prompt:?}"),
        }
    }

    fn progress(&mut self, _: &str, _: u64, _: u64) {}

    fn blank(&mut self, _: bool) {}
}
