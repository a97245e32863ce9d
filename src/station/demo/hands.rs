//! People who answer by themselves: they put in the card that is wanted, type
//! their PIN, copy what is shown, and stop at the first refusal.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use conclave_crypto::secret::Secret;
use conclave_keyroom::ports::dialogue::{Answer, Ask, Field, FieldKind, People, Prompt, Show};
use conclave_training::card::{TrainingCard, TrainingReaders};
use conclave_training::printer::TrainingPrinter;

use super::papers::Papers;
use super::report::sheet_name;
use super::systems::{FIRST, LAST};

/// Called with what is being done: words, how far, of how much.
pub type OnProgress = Arc<dyn Fn(&str) + Send + Sync>;

/// A person's card and PIN. The PIN is of a training card.
pub struct Hand {
    /// Whose.
    pub name: String,
    /// The card.
    pub card: TrainingCard,
    /// Its PIN.
    pub pin: Secret,
}

/// What is typed into the forms and fields of one run, by prompt code.
pub type Script = BTreeMap<String, Vec<Vec<String>>>;

/// Where the sheets of the key at hand are filed.
pub struct Sheets {
    /// The line printer.
    pub escp: Option<TrainingPrinter>,
    /// The PDF printer.
    pub pdf: Option<TrainingPrinter>,
    /// The key's label.
    pub name: String,
}

/// The people of the demonstration, at one reader.
pub struct Hands {
    readers: TrainingReaders,
    hands: Vec<Hand>,
    /// Forms still to be filled, by prompt code, in order.
    pub forms: Script,
    prompt: Option<Prompt>,
    in_reader: Option<usize>,
    /// The people who come first when several would do.
    prefer: Vec<String>,
    read_out: String,
    serial: u32,
    typed_serial: String,
    refused_cards: usize,
    /// Printed sheets are taken and filed here.
    pub sheets: Option<Sheets>,
    /// What is typed from paper.
    pub papers: Papers,
    /// Sheets of this key are kept by their custodians, to be read again.
    pub keep: Option<(String, Papers)>,
    /// What is chosen where it stands in a list of choices; else the first.
    pub choices: Vec<String>,
    component: u8,
    /// A half of a passphrase lies in the printer, this one of the two.
    half: Option<u8>,
    /// Why they stopped.
    pub stopped: Option<String>,
    progress: OnProgress,
}

/// A card that is not the right one is swapped; a room that goes on swapping
/// has a fault.
const SWAPS_MAX: usize = 64;

impl Hands {
    /// People with these cards at these readers; the first reader is used.
    #[must_use]
    pub fn new(readers: TrainingReaders, hands: Vec<Hand>, progress: OnProgress) -> Self {
        Self {
            readers,
            hands,
            forms: Script::new(),
            prompt: None,
            in_reader: None,
            prefer: Vec::new(),
            read_out: String::new(),
            serial: 480,
            typed_serial: String::new(),
            refused_cards: 0,
            sheets: None,
            papers: Papers::default(),
            keep: None,
            choices: Vec::new(),
            component: 0,
            half: None,
            stopped: None,
            progress,
        }
    }

    /// These come first when several people would do.
    pub fn prefer(&mut self, names: &[&str]) {
        self.prefer = names.iter().map(|name| (*name).to_owned()).collect();
    }

    /// The card that somebody holds from now on. It is in no reader, and
    /// neither is the one before it: that is lost.
    pub fn give(&mut self, name: &str, card: TrainingCard) {
        if let Some(hand) = self.hands.iter_mut().find(|hand| hand.name == name) {
            hand.card = card;
        }
    }

    fn stop(&mut self, why: String) -> Answer {
        self.stopped.get_or_insert(why);
        Answer::Abort
    }

    /// Swaps in the next card that would do.
    fn swap(&mut self, wanted: &[String]) -> Option<Answer> {
        self.refused_cards += 1;
        if self.refused_cards > SWAPS_MAX {
            return Some(self.stop(format!("no card of {} will do", wanted.join(", "))));
        }
        let order = self
            .prefer
            .iter()
            .filter(|name| wanted.contains(name))
            .chain(wanted.iter());
        let next = order
            .filter_map(|name| self.hands.iter().position(|hand| hand.name == *name))
            .find(|at| Some(*at) != self.in_reader);
        let Some(next) = next else {
            // The only one who would do is in already and was passed over:
            // pulled and put in again, it is looked at anew.
            let at = self.in_reader?;
            self.readers.pull(0);
            return match self.readers.insert(&self.hands[at].card, 0) {
                Ok(()) => None,
                Err(error) => Some(self.stop(error.to_string())),
            };
        };
        if self.in_reader.take().is_some() {
            self.readers.pull(0);
        }
        match self.readers.insert(&self.hands[next].card, 0) {
            Ok(()) => {
                self.in_reader = Some(next);
                None
            }
            Err(error) => Some(self.stop(error.to_string())),
        }
    }

    fn pin_of(&mut self, person: &str) -> Answer {
        match self.hands.iter().find(|hand| hand.name == person) {
            Some(hand) => Answer::Secret(hand.pin.duplicate()),
            None => self.stop(format!("nobody here is {person}")),
        }
    }

    fn fill(&mut self, code: &str, fields: &[Field]) -> Answer {
        let next = self
            .forms
            .get_mut(code)
            .filter(|rows| !rows.is_empty())
            .map(|rows| rows.remove(0));
        match next {
            Some(row) if row.is_empty() || row.len() == fields.len() => Answer::Fields(
                row.into_iter()
                    .zip(fields.iter().map(Some).chain(std::iter::repeat(None)))
                    .map(|(value, field)| match field {
                        Some(field) if value == FIRST || value == LAST => match &field.kind {
                            FieldKind::One(choices) if value == FIRST => choices.first(),
                            FieldKind::One(choices) => choices.last(),
                            _ => None,
                        }
                        .cloned()
                        .unwrap_or(value),
                        _ => value,
                    })
                    .collect(),
            ),
            _ => self.stop(format!("nobody knows what to fill into {code}")),
        }
    }

    fn text(&mut self, code: &str, masked: bool) -> Answer {
        if code.starts_with("seal") {
            if !masked {
                self.typed_serial = self.new_serial();
            }
            return Answer::Word(self.typed_serial.clone());
        }
        Answer::Word(self.read_out.clone())
    }
}

impl Hands {
    /// The serial of the next new package.
    pub fn new_serial(&mut self) -> String {
        self.serial += 1;
        format!("CE{:07}", self.serial)
    }

    /// The custodian takes the sheet out of each printer.
    fn take_sheets(&mut self) {
        let Some(sheets) = &self.sheets else {
            return;
        };
        let stem = sheet_name(&sheets.name, self.component);
        for (printer, ending) in [(&sheets.escp, "escp"), (&sheets.pdf, "pdf")] {
            let Some(printer) = printer else { continue };
            if let Err(error) = printer.save_as(&format!("{stem}.{ending}")) {
                self.stopped.get_or_insert(error.to_string());
            }
            let Some(sheet) = printer.take_sheet() else {
                continue;
            };
            if let (Some((label, papers)), "escp") = (&mut self.keep, ending)
                && *label == sheets.name
            {
                papers.add_printed(self.component, &sheet);
            }
        }
    }
}

impl Hands {
    /// The holder takes the sheet with a half out of the printer that it came
    /// from, and files it.
    pub fn file_half(&mut self) {
        let (Some(half), Some(sheets)) = (self.half.take(), &self.sheets) else {
            return;
        };
        let stem = sheet_name(&sheets.name, half);
        for (printer, ending) in [(&sheets.escp, "escp"), (&sheets.pdf, "pdf")] {
            let Some(printer) = printer.as_ref().filter(|p| p.sheet().is_some()) else {
                continue;
            };
            if let Err(error) = printer.save_as(&format!("{stem}.{ending}")) {
                self.stopped.get_or_insert(error.to_string());
            }
            drop(printer.take_sheet());
        }
    }
}

impl People for Hands {
    fn show(&mut self, prompt: &Prompt) {
        if prompt.code == "store.half.card" {
            let half = if prompt.title.starts_with("Half 1") {
                1
            } else {
                2
            };
            if self.half.is_some_and(|before| before != half) {
                self.file_half();
            }
            self.half = Some(half);
        }
        if prompt.code == "rsa.fingerprint" {
            // Both write the groups down, and type them from their paper.
            let groups = prompt.lines.iter().skip(1).map(|line| line.text.as_str());
            self.read_out = groups.collect();
        }
        if let Some(Show::CheckValue { kcv, .. }) = &prompt.show {
            self.read_out.clone_from(kcv);
        }
        let same = self
            .prompt
            .as_ref()
            .is_some_and(|old| old.code == prompt.code && old.ask == prompt.ask);
        if !same {
            self.refused_cards = 0;
        }
        if let Some(number) = prompt
            .title
            .strip_prefix("Component ")
            .or(prompt.title.strip_prefix("Share "))
            .and_then(|rest| rest.split(' ').next())
            .and_then(|number| number.parse().ok())
        {
            self.component = number;
        }
        let asks_card = matches!(prompt.ask, Ask::Card { .. });
        if let (Some(refusal), false) = (&prompt.refused, asks_card) {
            self.stopped
                .get_or_insert(format!("{}: {}", prompt.code, refusal.happened));
        }
        (self.progress)(&prompt.act);
        self.prompt = Some(prompt.clone());
    }

    fn answer(&mut self, _: Duration) -> Option<Answer> {
        if self.stopped.is_some() {
            return Some(Answer::Abort);
        }
        let prompt = self.prompt.clone()?;
        if let Some(answer) = self.papers.answer(&prompt, self.component) {
            return Some(answer);
        }
        match &prompt.ask {
            Ask::Nothing => None,
            Ask::Card { wanted, .. } => self.swap(wanted),
            Ask::Pin { person, .. } | Ask::NewPin { person } => Some(self.pin_of(person)),
            Ask::Text { masked, .. } => Some(self.text(&prompt.code, *masked)),
            Ask::Groups(_) => Some(self.stop("nobody here has that sheet".into())),
            Ask::Passphrase { .. } => Some(self.stop("nobody here has that passphrase".into())),
            Ask::Word { .. } => Some(self.stop("nobody here holds recovery words".into())),
            Ask::Form { fields, .. } => {
                if self.forms.contains_key(&prompt.code) {
                    return Some(self.fill(&prompt.code, fields));
                }
                // What stands there at first is good enough.
                Some(Answer::Fields(
                    fields
                        .iter()
                        .map(|field| match &field.kind {
                            FieldKind::One(all) if field.value.is_empty() => {
                                all.first().cloned().unwrap_or_default()
                            }
                            FieldKind::Told(all) if field.value.is_empty() => {
                                all.first().map(|c| c.label.clone()).unwrap_or_default()
                            }
                            _ => field.value.clone(),
                        })
                        .collect(),
                ))
            }
            Ask::Choose { options } => {
                let at = options.iter().position(|o| self.choices.contains(&o.label));
                Some(Answer::Chosen(at.unwrap_or(0)))
            }
            Ask::Confirm { .. } if prompt.code == "print.collect" => {
                self.take_sheets();
                Some(Answer::Confirmed)
            }
            Ask::Confirm { .. } | Ask::Read => Some(Answer::Confirmed),
            Ask::Exactly { text } => Some(Answer::Word(text.clone())),
        }
    }

    fn progress(&mut self, words: &str, _: u64, _: u64) {
        (self.progress)(words);
    }

    fn blank(&mut self, _: bool) {}
}
