//! Recovery words that are made: printed on their holder's one sheet, typed back
//! from it once, and only then part of a renewal or a founding.

use conclave_crypto::primitive::passphrase::Passphrase;
use conclave_crypto::secret::{RandomExt, Secret};
use conclave_evidence::authority::CardEntry;
use conclave_evidence::{Hash, Id};
use conclave_keyroom::domain::people::Person;
use conclave_keyroom::ports::dialogue::{Answer, Ask, People, Prompt, PromptLine, Refusal};
use conclave_keyroom::vault::WordKeys;
use conclave_trades::print::{PrintWords, day_words};

use crate::approve::Undone;
use crate::cards::{Held, Interrupted, ask};
use crate::recovery_words::{TRIES, held, type_words};
use crate::station::Station;

/// Words that were made and typed back; their keys are still open.
pub(crate) struct NewWords {
    pub entry: CardEntry,
    pub held: Held,
}

/// Whose sheet, and where it is printed.
pub(crate) struct Sheet<'a> {
    /// The holder.
    pub person: &'a Person,
    /// Which member of the group, from 1.
    pub part: u8,
    /// How many it has then.
    pub of: u8,
    /// The station, by which the keys are bound.
    pub station: Id,
    /// The component printer's name.
    pub printer: &'a str,
    /// What every question of this act has in common.
    pub question: Prompt,
}

/// Sends the sheet to the printer: as an act, or in a founding.
pub(crate) type Print<'a> = dyn FnMut(&mut Station, &PrintWords, Secret) -> Result<(), Undone> + 'a;

fn never(_: &mut Prompt) -> Result<bool, Interrupted> {
    Ok(false)
}

fn refused(happened: impl Into<String>, advice: impl Into<String>) -> Refusal {
    Refusal {
        happened: happened.into(),
        safe: "Nothing was changed.".into(),
        advice: advice.into(),
    }
}

impl Station {
    /// Makes words, prints them, and has their holder type them back.
    pub(crate) fn new_words(
        &mut self,
        sheet: &Sheet<'_>,
        people: &mut dyn People,
        print: &mut Print<'_>,
    ) -> Result<NewWords, Undone> {
        let failed = |error: &dyn std::fmt::Display| Undone::Card(error.to_string());
        let Sheet {
            person, printer, ..
        } = *sheet;
        let name = &person.name;
        let mut question = sheet.question.clone();
        question.code = "words.print".into();
        question.title = format!("{name}'s words are printed");
        question.lines = vec![
            PromptLine::note(format!(
                "{name} alone stands at {printer} and takes the sheet. Nobody else reads its \
                 inside; it is never on the screen."
            )),
            PromptLine::note(
                "It is printed once. A sheet that is not in order is destroyed, and the act begun again.",
            ),
        ];
        question.waiting_for.clone_from(name);
        question.ask = Ask::Confirm {
            key: 'p',
            label: "print".into(),
        };
        while !matches!(
            ask(people, &mut question, &mut never).map_err(Undone::Interrupted)?,
            Answer::Confirmed
        ) {}
        let card = self.door.new_id().map_err(|e| failed(&e))?;
        let salt: [u8; 32] = self.door.random().public_array().map_err(|e| failed(&e))?;
        let words = Passphrase::new(self.door.random()).map_err(|e| failed(&e))?;
        let action = PrintWords {
            member: card,
            holder: name.clone(),
            part: sheet.part,
            of: sheet.of,
            printer: printer.to_owned(),
            date: day_words(self.clock.wall_ms()),
        };
        people.progress(&format!("Printing on {printer}"), 0, 1);
        print(self, &action, words.duplicate())?;
        let typed = type_back(&words, sheet, people)?;
        drop(words);
        people.progress("Deriving the keys: 256 MiB, a few seconds", 0, 1);
        let keys = WordKeys::derive(&typed, &Hash(salt), sheet.station, card);
        let keys = keys.map_err(|error| failed(&error))?;
        let entry = keys.entry(card, (person.id, name), Hash(salt));
        Ok(NewWords {
            entry,
            held: held(card, keys),
        })
    }
}

/// The rehearsal: what was printed is what the holder reads.
fn type_back(
    words: &Passphrase,
    sheet: &Sheet<'_>,
    people: &mut dyn People,
) -> Result<Passphrase, Undone> {
    let name = &sheet.person.name;
    let mut question = sheet.question.clone();
    question.code = "words.type".into();
    question.title = "The words are typed back".into();
    question.waiting_for.clone_from(name);
    question.lines = vec![PromptLine::note(format!(
        "{name} types the words from the sheet, the two check words too: so it is proven that \
         they can be read. The others look away."
    ))];
    let mut wrong = 0;
    loop {
        let mut slip = |_: &str| {
            wrong += 1;
            match wrong >= TRIES {
                true => Err(Interrupted::TimedOut),
                false => Ok(()),
            }
        };
        let typed = type_words(people, &mut question, &mut never, &mut slip);
        let gave_up = || {
            Undone::Interrupted(Interrupted::Refused(refused(
                format!("{name} could not type the words back."),
                "Destroy the sheet, and begin again: other words are made.",
            )))
        };
        match typed {
            Ok(typed) if typed.same(words) => return Ok(typed),
            Ok(_) => {
                wrong += 1;
                if wrong >= TRIES {
                    return Err(gave_up());
                }
                question.refused = Some(refused(
                    "These are other words than those that were printed.",
                    "Look at the name and the date on the sheet.",
                ));
            }
            Err(Interrupted::TimedOut) => return Err(gave_up()),
            Err(why) => return Err(Undone::Interrupted(why)),
        }
    }
}

/// What needs no PIN has none.
pub(crate) fn no_pin() -> Secret {
    Secret::zeroed(0)
}
