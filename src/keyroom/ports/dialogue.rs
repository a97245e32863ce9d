//! The people in the room, as a port.
//!
//! Whatever needs a person shows a [`Prompt`] and receives an [`Answer`]. The
//! terminal draws prompts for people; the demonstration answers them by
//! itself. Neither can do anything else: effects pass the door.

use std::time::Duration;

use conclave_crypto::secret::Secret;

/// One question, with everything a tired person needs beside it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Prompt {
    /// A stable name of the question, for example `logon.pin` or
    /// `seal.serial.first`: tests and the demonstration go by it.
    pub code: String,
    /// The act at hand, for the header: `Generate ZMK BANK-LAKE.ZMK.001`.
    pub act: String,
    /// Step i of n.
    pub step: Option<(u16, u16)>,
    /// What this screen is about: `Component 2 of 3`.
    pub title: String,
    /// Who plays which part, for example (`custodian`, `MEMBER-4`).
    pub cast: Vec<(String, String)>,
    /// What was done, what is asked now, what comes.
    pub lines: Vec<PromptLine>,
    /// A quorum being collected, drawn as cards.
    pub quorum: Option<QuorumView>,
    /// Something to be read out: large, spaced, with the phonetic words.
    pub show: Option<Show>,
    /// A table, for example the people recorded so far.
    pub table: Option<Table>,
    /// What is asked.
    pub ask: Ask,
    /// At [`Ask::Card`]: somebody who would do holds recovery words in place of
    /// a card, and may say so with [`Answer::ByWords`].
    pub words: bool,
    /// At [`Ask::Pin`]: nobody is proven yet, and Tab still chooses another group
    /// with [`Answer::OtherGroup`].
    pub other_group: bool,
    /// From whom.
    pub waiting_for: String,
    /// Whether stopping now is safe, and what it would mean.
    pub safe: String,
    /// The act can be paused here and resumed. Ending it for good is another
    /// thing, and asks for this label to be typed.
    pub pauses: Option<String>,
    /// Why the last answer was refused: what happened, what is safe now, what
    /// to do.
    pub refused: Option<Refusal>,
    /// Help: why this step exists.
    pub why: String,
}

impl Prompt {
    /// The field of a refused form that the refusal is about: the one that it names by
    /// its label, of several the first in which nothing stands; else the last one whose
    /// value it names. Nothing where it names none.
    #[must_use]
    pub fn field_named(&self) -> Option<usize> {
        let (Ask::Form { fields, .. }, Some(refusal)) = (&self.ask, &self.refused) else {
            return None;
        };
        let open = |field: &Field| matches!(field.value.trim(), "" | "-");
        for said in [&refusal.happened, &refusal.advice] {
            let said = words_of(said);
            let names = |field: &Field| {
                let label = words_of(&field.label);
                said.windows(label.len().max(1)).any(|part| part == label)
            };
            let empty = fields.iter().position(|field| names(field) && open(field));
            if let Some(at) = empty.or_else(|| fields.iter().position(names)) {
                return Some(at);
            }
        }
        fields.iter().rposition(|field| {
            !open(field) && field.value.len() > 1 && refusal.happened.contains(field.value.trim())
        })
    }
}

/// The words of a text in small letters, without what stands between them.
fn words_of(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// One line of a step list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptLine {
    /// Its state.
    pub mark: Mark,
    /// The words.
    pub text: String,
}

impl PromptLine {
    /// Plain text, no step.
    pub fn note(text: impl Into<String>) -> Self {
        Self {
            mark: Mark::Note,
            text: text.into(),
        }
    }
}

/// The state of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Done, with the time `HH:MM` at which it was.
    Done(String),
    /// Being done.
    Now,
    /// Still to come.
    Next,
    /// Plain text, no step.
    Note,
}

/// A quorum as cards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuorumView {
    /// The group's name.
    pub group: String,
    /// How many must come.
    pub m: u8,
    /// How many there are.
    pub n: u8,
    /// All members.
    pub members: Vec<MemberView>,
    /// Whole seconds left to complete it, and who came first and when.
    pub deadline: Option<(u64, String)>,
}

/// One member of a quorum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberView {
    /// The person.
    pub name: String,
    /// The last four hex digits of the card's GUID, as printed on it.
    pub card: String,
    /// How far they are.
    pub state: MemberState,
}

/// How far a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberState {
    /// Came, and the card answered.
    Proven,
    /// Is typing the PIN.
    EnterPin,
    /// Has not come yet.
    Missing,
    /// The quorum is complete without them.
    NotNeeded,
    /// They take no part in the ceremony whose cast signs.
    NotInCast,
    /// The card is suspended or revoked.
    Barred,
}

/// Something read aloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Show {
    /// A key check value, with its method and the key's label.
    CheckValue {
        /// Upper-case hex.
        kcv: String,
        /// For example `ENC-ZERO`.
        method: String,
        /// The key's label.
        label: String,
    },
    /// A digest in words, in reading order.
    Words {
        /// What it is a digest of.
        of: String,
        /// The words.
        words: Vec<String>,
    },
    /// A printed page: it fills the screen, and is moved over where it is
    /// larger.
    Page(DrawnPage),
    /// A run of a printer: it fills the screen, and is shown again as it goes.
    Run(RunView),
}

/// A run of PIN mailers as the people beside the printer see it. Nothing of a
/// card or a PIN is in it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct RunView {
    /// The next action in one or two short words, drawn large: `FEED FORMS`.
    pub large: String,
    /// The same in a sentence.
    pub next: String,
    /// Mailers that left the station, of the whole batch.
    pub done: u64,
    /// Mailers of the batch.
    pub of: u64,
    /// Mailers an hour, where enough were printed to say so.
    pub rate: Option<u64>,
    /// Seconds that the rest takes at this rate.
    pub left: Option<u64>,
    /// The form that is printed next, and how many blank ones are here.
    pub forms: String,
    /// The printer and its state.
    pub device: String,
    /// What became of cards and forms so far.
    pub counts: Vec<(String, u64)>,
}

/// A printed page in characters, one cell a column and one row a line.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DrawnPage {
    /// What it is, in sentences.
    pub about: Vec<String>,
    /// Columns counted, above the rows.
    pub ruler: String,
    /// Cells at the left of ruler and rows that stay where the page is moved
    /// to the side.
    pub gutter: usize,
    /// The page.
    pub rows: Vec<String>,
}

/// A small table.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Table {
    /// Column titles.
    pub head: Vec<String>,
    /// Rows; each as long as the head.
    pub rows: Vec<Vec<String>>,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Ask {
    /// Nothing: the station is busy or only tells. No answer is awaited.
    #[default]
    Nothing,
    /// Put a card into a reader. The station sees it by itself; only Esc (and
    /// Tab, where `other_group`) are answers.
    Card {
        /// The people whose cards would do.
        wanted: Vec<String>,
        /// Tab chooses another group.
        other_group: bool,
    },
    /// A person's card PIN, masked.
    Pin {
        /// Whose.
        person: String,
        /// Tries left on the card, where it tells.
        tries_left: Option<u8>,
        /// What the PIN releases, in words: `log on`, `sign: print component 2`.
        purpose: String,
    },
    /// A new PIN: asked twice, masked, both must agree; 6 to 8 digits.
    NewPin {
        /// Whose.
        person: String,
    },
    /// A text.
    Text {
        /// What is typed.
        label: String,
        /// Its form, for example `two letters, seven digits`.
        hint: String,
        /// The most characters.
        max: usize,
        /// Not shown while typed (second entry of a pair).
        masked: bool,
    },
    /// One line of a secret value in hex, masked, in groups of four; answered
    /// with [`Answer::Secret`], the digits in capitals and, where the form has
    /// one, the check letter behind them. A letter that is no hex digit is
    /// refused where it is typed: O is not taken as 0, nor I as 1.
    Groups(Groups),
    /// One recovery word, masked; answered with [`Answer::Secret`], the letters
    /// as typed. A word of the list is known by its first four.
    Word {
        /// Which, from 1.
        place: u8,
        /// How many there are on the sheet.
        of: u8,
    },
    /// A passphrase, or a part of one: printable ASCII, masked; answered with
    /// [`Answer::Secret`]. Nothing typed is a part of no length.
    Passphrase {
        /// The most characters.
        most: usize,
    },
    /// Several fields at once.
    Form {
        /// The fields.
        fields: Vec<Field>,
        /// What Enter does, and whether an empty form may end a list.
        submit: String,
        /// An empty answer means «no more»; words for it, for example
        /// `everybody is recorded`.
        done: Option<String>,
    },
    /// One of several.
    Choose {
        /// The choices.
        options: Vec<Choice>,
    },
    /// Press this key to go on. Enter never confirms a step that needs
    /// reading.
    Confirm {
        /// Lower-case letter.
        key: char,
        /// What it does: `print`.
        label: String,
    },
    /// Type this text exactly (a label before a destructive act).
    Exactly {
        /// The text.
        text: String,
    },
    /// Only read: Enter goes on.
    Read,
}

/// A line of a secret value.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Groups {
    /// Which line, from 1.
    pub line: u8,
    /// How many lines the value has.
    pub lines: u8,
    /// Digits of a line.
    pub digits: u8,
    /// The form has a check letter behind each line.
    pub check: bool,
    /// Which typing of this line it is, from 1: each begins empty.
    pub typing: u8,
}

/// A field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name on the screen.
    pub label: String,
    /// What may be entered.
    pub kind: FieldKind,
    /// What stands there at first.
    pub value: String,
    /// A hint below the field.
    pub hint: String,
}

/// What a field takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Text of at most this many characters.
    Text(usize),
    /// The same, and it may stay empty.
    Optional(usize),
    /// One of these; with no value none is chosen yet, and somebody has to.
    One(Vec<String>),
    /// The same, and what each means stands under the field once it is chosen.
    Told(Vec<Choice>),
    /// Any of these; the value is their names joined by `, `.
    Many(Vec<String>),
}

/// One choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Short.
    pub label: String,
    /// What it means.
    pub detail: String,
}

/// An answer of a person, or of what happened meanwhile.
pub enum Answer {
    /// A text, or the exactly typed text.
    Word(String),
    /// A PIN.
    Secret(Secret),
    /// A form's values in field order; empty for «no more».
    Fields(Vec<String>),
    /// The index of a choice.
    Chosen(usize),
    /// The key was pressed, or the text was read.
    Confirmed,
    /// Something went differently; the words say what.
    Deviated(String),
    /// Esc, confirmed where it matters.
    Abort,
    /// Tab: another group.
    OtherGroup,
    /// Recovery words are typed in place of a card.
    ByWords,
    /// A card that had to stay was pulled.
    CardGone,
    /// The program is asked to end.
    Shutdown,
}

/// A refusal, in three parts. What is said of a form names the field by its label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What happened.
    pub happened: String,
    /// What is safe now.
    pub safe: String,
    /// What to do.
    pub advice: String,
}

/// The people at the station.
pub trait People: Send {
    /// Shows a prompt. The newest one stands.
    fn show(&mut self, prompt: &Prompt);
    /// The next answer to the newest prompt, or nothing after `timeout`.
    fn answer(&mut self, timeout: Duration) -> Option<Answer>;
    /// Long work: done of whole, with words.
    fn progress(&mut self, words: &str, done: u64, of: u64);
    /// While `true`, nobody has to press a key for the act to go on: the idle
    /// clock blanks the screen and ends nothing. Whoever asks for it watches
    /// the cards that have to stay.
    fn stay(&mut self, _stay: bool) {}
    /// The screen goes blank (a card was pulled, or nobody is there), or comes
    /// back.
    fn blank(&mut self, blank: bool);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(happened: &str, advice: &str) -> Option<usize> {
        let field = |label: &str, value: &str| Field {
            label: label.into(),
            kind: FieldKind::Text(20),
            value: value.into(),
            hint: String::new(),
        };
        let prompt = Prompt {
            ask: Ask::Form {
                fields: vec![
                    field("Certificate", "from a file"),
                    field("Medium", "-"),
                    field("File", "retial.pem"),
                    field("Last form", "12"),
                ],
                submit: String::new(),
                done: None,
            },
            refused: Some(Refusal {
                happened: happened.into(),
                safe: "Nothing was changed.".into(),
                advice: advice.into(),
            }),
            ..Prompt::default()
        };
        prompt.field_named()
    }

    #[test]
    fn a_refusal_names_the_field() {
        assert_eq!(refused("On which medium, and in which file?", ""), Some(1));
        assert_eq!(refused("Wrong.", "Look at the file's name."), Some(2));
        assert_eq!(refused("There is no retial.pem.", ""), Some(2));
        assert_eq!(refused("The last form is unknown.", ""), Some(3));
        assert_eq!(refused("Something else.", "Call somebody."), None);
    }
}
