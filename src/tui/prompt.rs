//! The question that stands, and what was typed into it so far.

use std::cell::Cell;

use conclave_crypto::secret::Secret;
use conclave_keyroom::ports::dialogue::{Answer, Ask, Prompt, Show};

use super::field::Input;
use super::groups::{Took, Typing};
use super::key::Key;
use super::overlay::{DEVIATION, Overlay};
use super::typed::{Line, Masked, SHORTEST_PIN, SHORTEST_WORD};
use super::words;

/// The question that stands.
pub struct Standing {
    /// The question.
    pub prompt: Prompt,
    /// What was typed so far.
    pub entry: Entry,
    /// It was answered; the station has not said anything yet.
    pub sent: bool,
    /// What is wrong with the entry, before the station hears of it.
    pub note: Option<String>,
    /// The first line shown of what stands above the question, where a person
    /// moved it.
    pub scroll: Option<usize>,
    /// Cells that a printed page is moved to the left.
    pub side: usize,
    /// Where something is read, and more of it lies below what is shown: the line
    /// at which the next page begins. Drawing says so.
    pub below: Cell<Option<usize>>,
    /// The first line shown of what stands above the question, and the last that can
    /// be the first. Drawing says so.
    pub shown: Cell<(usize, usize)>,
}

/// What was typed so far.
pub enum Entry {
    /// Nothing is typed here.
    None,
    /// A PIN.
    Pin(Masked),
    /// A new PIN, and the same once more.
    NewPin {
        /// The first time, once it is complete.
        first: Option<Secret>,
        /// What is being typed.
        now: Masked,
    },
    /// A recovery word.
    Word(Masked),
    /// A part of a passphrase.
    Passphrase(Masked),
    /// A line of a secret value.
    Groups(Typing),
    /// A line.
    Line(Line),
    /// A form: its fields, and which one takes the keys.
    Form {
        /// The fields.
        fields: Vec<Input>,
        /// Which one takes the keys.
        at: usize,
    },
    /// Which of several.
    Choice(usize),
}

/// What a key led to.
pub enum Reaction {
    /// Nothing, or a change that shows.
    Stay,
    /// An answer for the station.
    Answer(Answer),
    /// A small question of the terminal's own.
    Overlay(Overlay),
}

/// The question for a card that signs: above it stands what is signed.
const SIGN: &str = "sign.card";

impl Standing {
    /// The question, with nothing typed.
    #[must_use]
    pub fn new(prompt: Prompt) -> Self {
        Self {
            entry: fresh(&prompt.ask),
            prompt,
            sent: false,
            note: None,
            scroll: None,
            side: 0,
            below: Cell::new(None),
            shown: Cell::new((0, 0)),
        }
    }

    /// The station shows a question. The same one again (a countdown moved, a
    /// member's card was seen) keeps what was typed into it.
    pub fn replace(&mut self, prompt: Prompt) {
        let same = !self.sent && prompt.code == self.prompt.code && prompt.ask == self.prompt.ask;
        if same {
            self.prompt = prompt;
            return;
        }
        let stood = self.stood_at(&prompt);
        *self = Self::new(prompt);
        if let (Entry::Form { at, .. }, Some(stood)) = (&mut self.entry, stood) {
            *at = stood;
        }
    }

    /// Where the cursor goes in a form that was refused: to the field that the refusal
    /// names, or it stays where it stood.
    fn stood_at(&self, refused: &Prompt) -> Option<usize> {
        refused.refused.as_ref()?;
        let labels = |prompt: &Prompt| match &prompt.ask {
            Ask::Form { fields, .. } => fields.iter().map(|f| f.label.clone()).collect(),
            _ => Vec::new(),
        };
        let again = self.prompt.code == refused.code && labels(&self.prompt) == labels(refused);
        let stood = match &self.entry {
            Entry::Form { at, .. } if again => Some(*at),
            _ => None,
        };
        refused.field_named().or(stood)
    }

    /// Drops what was typed. Which of several is marked stays: Enter would take
    /// another than the one that somebody had gone to.
    pub fn forget(&mut self) {
        if !matches!(self.entry, Entry::Choice(_)) {
            self.entry = fresh(&self.prompt.ask);
        }
        self.note = None;
    }

    /// Whether letters are typing here, so that help is F1 and not `?`.
    #[must_use]
    pub fn types(&self) -> bool {
        if self.sent {
            return false;
        }
        match &self.entry {
            Entry::Line(_) | Entry::Groups(_) | Entry::Word(_) | Entry::Passphrase(_) => true,
            Entry::Form { fields, at } => {
                matches!(fields.get(*at), Some(Input::Text(_) | Input::Optional(_)))
            }
            _ => false,
        }
    }

    /// Whether a deviation can be noted here: at a step of a script.
    #[must_use]
    pub fn may_deviate(&self) -> bool {
        let asked = matches!(self.prompt.ask, Ask::Confirm { .. } | Ask::Read);
        asked && self.prompt.step.is_some() && !self.sent && !self.pages()
    }

    fn answer(&mut self, answer: Answer) -> Reaction {
        self.sent = true;
        self.note = None;
        Reaction::Answer(answer)
    }

    fn say(&mut self, note: &str) -> Reaction {
        self.note = Some(note.to_owned());
        Reaction::Stay
    }

    /// Takes a key.
    pub fn key(&mut self, key: Key) -> Reaction {
        match key {
            Key::Esc => return Reaction::Overlay(Overlay::Abandon),
            Key::PageUp | Key::PageDown => return self.turn(key),
            Key::Up | Key::Down | Key::Left | Key::Right | Key::Home | Key::End if self.pages() => {
                return self.turn(key);
            }
            _ if self.sent => return Reaction::Stay,
            Key::Char('D') if self.may_deviate() => {
                return Reaction::Overlay(Overlay::Deviate(Line::new(DEVIATION)));
            }
            _ => {}
        }
        match self.prompt.ask.clone() {
            Ask::Nothing => Reaction::Stay,
            Ask::Card { other_group, .. } => match key {
                Key::Tab if other_group => self.answer(Answer::OtherGroup),
                Key::Char('w' | 'W') if self.prompt.words => self.answer(Answer::ByWords),
                _ => Reaction::Stay,
            },
            Ask::Pin { .. } if key == Key::Tab && self.prompt.other_group => {
                self.forget();
                self.answer(Answer::OtherGroup)
            }
            Ask::Pin { .. } => self.pin(key),
            Ask::NewPin { .. } => self.new_pin(key),
            Ask::Word { .. } => self.word(key),
            Ask::Passphrase { .. } => self.passphrase(key),
            Ask::Text { .. } => self.text(key),
            Ask::Groups(_) => self.groups(key),
            Ask::Exactly { text } => self.exactly(key, &text),
            Ask::Form { done, .. } => self.form(key, done.is_some()),
            Ask::Choose { options } => self.choose(key, options.len()),
            Ask::Confirm { key: wanted, .. } => match key {
                Key::Char(c) if c.eq_ignore_ascii_case(&wanted) => self.answer(Answer::Confirmed),
                Key::Enter => self.say(&words::enter_does_not_confirm(wanted)),
                _ => Reaction::Stay,
            },
            Ask::Read => match (key, self.below.get()) {
                (Key::Enter, Some(next)) => {
                    self.scroll = Some(next);
                    Reaction::Stay
                }
                (Key::Enter, None) => self.answer(Answer::Confirmed),
                _ => Reaction::Stay,
            },
        }
    }

    /// Whether what stands above is read to its end before Enter goes on: what is read
    /// at all, and what a card signs.
    #[must_use]
    pub fn reads_first(&self) -> bool {
        let signs = matches!(self.prompt.ask, Ask::Pin { .. }) && self.prompt.code == SIGN;
        self.prompt.ask == Ask::Read || signs
    }

    /// Whether the arrows move a printed page.
    #[must_use]
    pub fn pages(&self) -> bool {
        self.prompt.ask == Ask::Read && matches!(self.prompt.show, Some(Show::Page(_)))
    }

    fn turn(&mut self, key: Key) -> Reaction {
        // What can be moved over, so that a key held down is not to be undone
        // press by press. Some rows of a page always stay on the screen.
        let (rows, cells) = match &self.prompt.show {
            Some(Show::Page(page)) => (
                page.rows.len().saturating_sub(8),
                page.rows.iter().map(String::len).max().unwrap_or(0),
            ),
            _ => (self.shown.get().1, 0),
        };
        let at = match self.prompt.show {
            Some(Show::Page(_)) => self.scroll.unwrap_or(0),
            _ => self.shown.get().0,
        };
        match key {
            Key::PageUp => self.scroll = Some(at.saturating_sub(5)),
            Key::PageDown => self.scroll = Some(at.saturating_add(5).min(rows)),
            Key::Up => self.scroll = Some(at.saturating_sub(1)),
            Key::Down => self.scroll = Some(at.saturating_add(1).min(rows)),
            Key::Left => self.side = self.side.saturating_sub(8),
            Key::Right => self.side = (self.side + 8).min(cells.saturating_sub(80)),
            Key::Home => self.side = 0,
            _ => self.side = cells.saturating_sub(80),
        }
        Reaction::Stay
    }

    fn pin(&mut self, key: Key) -> Reaction {
        // Nobody signs what they have not had before their eyes; a PIN that was typed
        // before would be typed again over itself, and cost a try.
        if let Some(next) = self.below.get().filter(|_| self.reads_first()) {
            match key {
                Key::Enter => self.scroll = Some(next),
                Key::Char(_) => return self.say(words::SIGNED_GOES_ON),
                _ => {}
            }
            return Reaction::Stay;
        }
        let Entry::Pin(pin) = &mut self.entry else {
            return Reaction::Stay;
        };
        match digits(pin, key) {
            Typed::Changed => self.note = None,
            Typed::Wrong(note) => return self.say(note),
            Typed::Complete => {
                let pin = pin.take();
                return self.answer(Answer::Secret(pin));
            }
            Typed::Other => {}
        }
        Reaction::Stay
    }

    fn word(&mut self, key: Key) -> Reaction {
        let Entry::Word(letters) = &mut self.entry else {
            return Reaction::Stay;
        };
        match key {
            Key::Char(c) if c.is_ascii_alphabetic() => {
                if !letters.push(c.to_ascii_lowercase() as u8) {
                    return self.say(words::WORD_TOO_LONG);
                }
            }
            Key::Char(' ') | Key::Enter if letters.len() >= SHORTEST_WORD => {
                let word = letters.take();
                return self.answer(Answer::Secret(word));
            }
            Key::Char(' ') | Key::Enter => return self.say(words::WORD_TOO_SHORT),
            Key::Char(_) => return self.say(words::WORD_LETTERS_ONLY),
            Key::Backspace => letters.pop(),
            Key::Ctrl('u') => letters.clear(),
            _ => return Reaction::Stay,
        }
        self.note = None;
        Reaction::Stay
    }

    fn passphrase(&mut self, key: Key) -> Reaction {
        let Entry::Passphrase(typed) = &mut self.entry else {
            return Reaction::Stay;
        };
        match key {
            Key::Char(c) if c == ' ' || c.is_ascii_graphic() => {
                if !typed.push(c as u8) {
                    return self.say(words::PASSPHRASE_TOO_LONG);
                }
            }
            Key::Enter => {
                let typed = typed.take();
                return self.answer(Answer::Secret(typed));
            }
            Key::Char(_) => return self.say(words::PASSPHRASE_ASCII_ONLY),
            Key::Backspace => typed.pop(),
            Key::Ctrl('u') => typed.clear(),
            _ => return Reaction::Stay,
        }
        self.note = None;
        Reaction::Stay
    }

    fn new_pin(&mut self, key: Key) -> Reaction {
        let Entry::NewPin { first, now } = &mut self.entry else {
            return Reaction::Stay;
        };
        match digits(now, key) {
            Typed::Changed => self.note = None,
            Typed::Wrong(note) => return self.say(note),
            Typed::Complete => {
                let typed = now.take();
                match first.take() {
                    None => *first = Some(typed),
                    Some(first) if first.ct_eq(typed.expose()) => {
                        return self.answer(Answer::Secret(typed));
                    }
                    Some(_) => return self.say(words::NEW_PIN_DIFFERS),
                }
                self.note = None;
            }
            Typed::Other => {}
        }
        Reaction::Stay
    }

    fn groups(&mut self, key: Key) -> Reaction {
        let Entry::Groups(typing) = &mut self.entry else {
            return Reaction::Stay;
        };
        match typing.key(key) {
            Took::Changed => self.note = None,
            Took::Wrong(note) => return self.say(note),
            Took::Complete(line) => return self.answer(Answer::Secret(line)),
            Took::Other => {}
        }
        Reaction::Stay
    }

    fn text(&mut self, key: Key) -> Reaction {
        let Entry::Line(line) = &mut self.entry else {
            return Reaction::Stay;
        };
        if key != Key::Enter {
            line.key(key);
            self.note = None;
            return Reaction::Stay;
        }
        if line.is_blank() {
            return self.say(words::NOTHING_TYPED);
        }
        let word = line.text().trim().to_owned();
        self.answer(Answer::Word(word))
    }

    fn exactly(&mut self, key: Key, wanted: &str) -> Reaction {
        let Entry::Line(line) = &mut self.entry else {
            return Reaction::Stay;
        };
        if key != Key::Enter {
            line.key(key);
            self.note = None;
            return Reaction::Stay;
        }
        if line.text() == wanted {
            return self.answer(Answer::Word(wanted.to_owned()));
        }
        self.say(words::NOT_EXACTLY)
    }

    /// The name of a field on the screen.
    fn field(&self, at: usize) -> String {
        match &self.prompt.ask {
            Ask::Form { fields, .. } => fields.get(at).map(|field| field.label.clone()),
            _ => None,
        }
        .unwrap_or_default()
    }

    fn form(&mut self, key: Key, may_end: bool) -> Reaction {
        let Entry::Form { fields, at } = &mut self.entry else {
            return Reaction::Stay;
        };
        let last = fields.len().saturating_sub(1);
        match key {
            Key::Tab | Key::Down => *at = if *at >= last { 0 } else { *at + 1 },
            Key::BackTab | Key::Up => *at = at.checked_sub(1).unwrap_or(last),
            Key::Enter => {
                let texts = fields.iter().any(|f| matches!(f, Input::Text(_)));
                let blank = fields
                    .iter()
                    .all(|f| f.is_untouched_text() || !matches!(f, Input::Text(_)));
                if texts && blank && may_end {
                    return Reaction::Overlay(Overlay::NoMore);
                }
                // What has to be filled in is asked for here, not after signatures.
                let open = |f: &Input| f.is_untouched_text() || f.is_unchosen();
                if let Some(first) = fields.iter().position(open) {
                    let typed = fields.get(first).is_some_and(Input::is_untouched_text);
                    *at = first;
                    let name = self.field(first);
                    return self.say(&match typed {
                        true if texts && blank => words::form_empty(&name),
                        true => words::field_empty(&name),
                        false => words::field_unchosen(&name),
                    });
                }
                let values = fields.iter().map(Input::value).collect();
                return self.answer(Answer::Fields(values));
            }
            _ => {
                if let Some(field) = fields.get_mut(*at) {
                    field.key(key);
                }
            }
        }
        self.note = None;
        Reaction::Stay
    }

    fn choose(&mut self, key: Key, options: usize) -> Reaction {
        let Entry::Choice(at) = &mut self.entry else {
            return Reaction::Stay;
        };
        match key {
            Key::Down | Key::Tab => *at = if *at + 1 >= options { 0 } else { *at + 1 },
            Key::Up | Key::BackTab => *at = at.checked_sub(1).unwrap_or(options.saturating_sub(1)),
            Key::Home => *at = 0,
            Key::End => *at = options.saturating_sub(1),
            Key::Char(c @ '1'..='9') => {
                let wanted = usize::from(c as u8 - b'1');
                if wanted < options {
                    *at = wanted;
                }
            }
            Key::Enter if *at < options => {
                let at = *at;
                return self.answer(Answer::Chosen(at));
            }
            _ => {}
        }
        Reaction::Stay
    }
}

fn fresh(ask: &Ask) -> Entry {
    match ask {
        Ask::Nothing | Ask::Card { .. } | Ask::Confirm { .. } | Ask::Read => Entry::None,
        Ask::Pin { .. } => Entry::Pin(Masked::default()),
        Ask::NewPin { .. } => Entry::NewPin {
            first: None,
            now: Masked::default(),
        },
        Ask::Word { .. } => Entry::Word(Masked::default()),
        Ask::Passphrase { most } => Entry::Passphrase(Masked::of(*most)),
        Ask::Groups(groups) => Entry::Groups(Typing::new(groups)),
        Ask::Text { max, .. } => Entry::Line(Line::new(*max)),
        // One more than the text, so that a longer one is seen to be wrong.
        Ask::Exactly { text } => Entry::Line(Line::new(text.chars().count() + 1)),
        Ask::Form { fields, .. } => Entry::Form {
            fields: fields.iter().map(Input::of).collect(),
            at: 0,
        },
        Ask::Choose { .. } => Entry::Choice(0),
    }
}

enum Typed {
    Changed,
    Wrong(&'static str),
    Complete,
    Other,
}

/// A key for masked digits. A PIN that cannot be right is not sent: it would
/// cost a try.
fn digits(masked: &mut Masked, key: Key) -> Typed {
    match key {
        Key::Char(c @ '0'..='9') => {
            if masked.push(c as u8) {
                Typed::Changed
            } else {
                Typed::Wrong(words::PIN_TOO_LONG)
            }
        }
        Key::Char(_) => Typed::Wrong(words::PIN_DIGITS_ONLY),
        Key::Backspace => {
            masked.pop();
            Typed::Changed
        }
        Key::Ctrl('u') => {
            masked.clear();
            Typed::Changed
        }
        Key::Enter if masked.len() < SHORTEST_PIN => {
            // Whoever types it once more types all of it.
            masked.clear();
            Typed::Wrong(words::PIN_TOO_SHORT)
        }
        Key::Enter => Typed::Complete,
        _ => Typed::Other,
    }
}
