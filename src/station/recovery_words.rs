//! Recovery words, typed by their holder in place of a card and its PIN.

use std::time::Duration;

use conclave_crypto::primitive::passphrase::{PRINTED, Passphrase, Slip, number_of};
use conclave_crypto::secret::Secret;
use conclave_evidence::Id;
use conclave_evidence::authority::CardEntry;
use conclave_keyroom::door::Door;
use conclave_keyroom::ports::card::ReaderId;
use conclave_keyroom::ports::dialogue::{Answer, Ask, Choice, People, Prompt, PromptLine, Refusal};
use conclave_keyroom::vault::WordKeys;

use crate::cards::{Held, Interrupted, Place, ask};
use crate::token::Token;

/// Wrong words before it is over; a card blocks after as many.
pub const TRIES: u8 = 3;
/// From the first word to the last, for one try after another.
const TYPING: Duration = Duration::from_mins(10);

/// Why typed words open nothing.
#[derive(Debug)]
pub enum WordsFailure {
    /// The question ended; `wrong` when wrong words had been typed.
    Interrupted {
        /// Wrong words were typed before.
        wrong: bool,
        /// Why.
        why: Interrupted,
    },
    /// Wrong words, as often as may be, or no memory to judge them.
    Failed {
        /// Whose.
        card: Id,
        /// How.
        why: String,
    },
}

fn question(prompt: &Prompt, code: &str, name: &str) -> Prompt {
    let mut question = prompt.clone();
    code.clone_into(&mut question.code);
    question.words = false;
    name.clone_into(&mut question.waiting_for);
    question
}

/// Whose words, where several hold some.
fn whose(
    people: &mut dyn People,
    prompt: &Prompt,
    holders: &[CardEntry],
) -> Result<CardEntry, Interrupted> {
    let mut question = question(prompt, "words.who", "whoever holds words");
    question.lines = vec![PromptLine::note("Whose words are typed?")];
    question.ask = Ask::Choose {
        options: holders
            .iter()
            .map(|holder| Choice {
                label: holder.person_name.clone(),
                detail: format!("words {}", holder.card.short()),
            })
            .collect(),
    };
    loop {
        if let [only] = holders {
            return Ok(only.clone());
        }
        if let Answer::Chosen(at) = ask(people, &mut question, &mut |_| Ok(false))?
            && let Some(holder) = holders.get(at)
        {
            return Ok(holder.clone());
        }
    }
}

/// One word, until it is one of the list.
fn one_word(
    people: &mut dyn People,
    question: &mut Prompt,
    place: usize,
    tick: &mut dyn FnMut(&mut Prompt) -> Result<bool, Interrupted>,
) -> Result<u16, Interrupted> {
    question.ask = Ask::Word {
        place: u8::try_from(place).unwrap_or(u8::MAX),
        of: PRINTED as u8,
    };
    loop {
        let Answer::Secret(typed) = ask(people, question, tick)? else {
            continue;
        };
        match number_of(typed.expose()) {
            Some(number) => {
                question.refused = None;
                return Ok(number);
            }
            None => {
                question.refused = Some(Refusal {
                    happened: format!("Word {place} is not on the list of words."),
                    safe: "The words before it are kept; this counts as no try.".into(),
                    advice: format!("Read word {place} again, and type it once more."),
                });
            }
        }
    }
}

/// All words of one sheet, until its check words agree. `wrong` hears of each
/// slip, and ends the typing.
pub(crate) fn type_words(
    people: &mut dyn People,
    question: &mut Prompt,
    tick: &mut dyn FnMut(&mut Prompt) -> Result<bool, Interrupted>,
    wrong: &mut dyn FnMut(&str) -> Result<(), Interrupted>,
) -> Result<Passphrase, Interrupted> {
    let mut numbers = Secret::zeroed(2 * PRINTED);
    let mut again: Vec<usize> = (1..=PRINTED).collect();
    loop {
        for place in again.drain(..) {
            let number = one_word(people, question, place, tick)?;
            if let Some(cell) = numbers.expose_mut().get_mut(2 * place - 2..2 * place) {
                cell.copy_from_slice(&number.to_be_bytes());
            }
        }
        let slip = match Passphrase::typed(numbers.duplicate()) {
            Ok(words) => return Ok(words),
            Err(slip) => slip,
        };
        wrong(&slip.to_string())?;
        let mut happened = slip.to_string();
        happened.replace_range(..1, &happened[..1].to_uppercase());
        let advice = match slip {
            Slip::Word(place) => {
                again = vec![place];
                format!("Read word {place} again, and type it once more; the others are kept.")
            }
            Slip::Several => {
                again = (1..=PRINTED).collect();
                "Type all words again, in their order.".into()
            }
        };
        question.refused = Some(Refusal {
            happened: format!("{happened}."),
            safe: "Nothing is open.".into(),
            advice,
        });
    }
}

/// Has one of these holders type their words. What comes back stands for their
/// card, its PIN verified.
///
/// # Errors
/// [`WordsFailure`]; each wrong try is in the journal.
pub fn by_words(
    door: &mut Door,
    people: &mut dyn People,
    prompt: &Prompt,
    holders: &[CardEntry],
) -> Result<(Held, CardEntry), WordsFailure> {
    let over = |wrong: bool| move |why| WordsFailure::Interrupted { wrong, why };
    let entry = whose(people, prompt, holders).map_err(over(false))?;
    let (card, name) = (entry.card, entry.person_name.clone());
    let failed = |why: String| WordsFailure::Failed { card, why };
    let Some(salt) = entry.words else {
        return Err(failed("there are no words for this member".into()));
    };
    let station = match door.vault().authority() {
        Ok(record) => record.station,
        Err(error) => return Err(failed(error.to_string())),
    };
    let mut question = question(prompt, "words.type", &name);
    question.lines.push(PromptLine::note(format!(
        "{name} opens the sheet and types its words, the two check words too. The others look away."
    )));
    let clock = door.vault().shared_clock();
    let end = clock.mono_ms() + u64::try_from(TYPING.as_millis()).unwrap_or(u64::MAX);
    let mut tick = |_: &mut Prompt| match clock.mono_ms() > end {
        true => Err(Interrupted::TimedOut),
        false => Ok(false),
    };
    let mut tries = 0;
    loop {
        let mut slips = Vec::new();
        let typed = {
            let before = tries;
            let mut wrong = |why: &str| {
                slips.push(why.to_owned());
                // At once, for the power may go while the question stands.
                let nth = before + u8::try_from(slips.len()).unwrap_or(u8::MAX);
                let words = format!(
                    "card {}: {why}; wrong words, {nth} of {TRIES}",
                    card.short()
                );
                let _ = door.note("words-refused", words);
                match nth >= TRIES {
                    true => Err(Interrupted::TimedOut),
                    false => Ok(()),
                }
            };
            type_words(people, &mut question, &mut tick, &mut wrong)
        };
        tries += u8::try_from(slips.len()).unwrap_or(u8::MAX);
        let words = match typed {
            Ok(words) => words,
            Err(_) if tries >= TRIES => {
                return Err(failed(format!("{name} typed wrong words {TRIES} times")));
            }
            Err(why) => return Err(over(tries > 0)(why)),
        };
        people.progress("Deriving the keys: 256 MiB, a few seconds", 0, 1);
        let keys = WordKeys::derive(&words, &salt, station, card);
        people.progress("Deriving the keys: 256 MiB, a few seconds", 1, 1);
        drop(words);
        let keys = keys.map_err(|error| failed(error.to_string()))?;
        if keys.are_of(&entry) {
            return Ok((held(card, keys), entry));
        }
        tries += 1;
        let said = format!(
            "card {}: another sheet's words, {tries} of {TRIES}",
            card.short()
        );
        let _ = door.note("words-refused", said);
        if tries >= TRIES {
            return Err(failed(format!("{name} typed wrong words {TRIES} times")));
        }
        question.refused = Some(Refusal {
            happened: format!("These are the words of a sheet, but not of {name}'s."),
            safe: "Nothing is open.".into(),
            advice: format!(
                "Look at the name on the sheet. Tries left: {}.",
                TRIES - tries
            ),
        });
    }
}

/// Keys as something that is held, in no reader.
pub(crate) fn held(card: Id, keys: WordKeys) -> Held {
    Held {
        place: Place {
            reader: ReaderId(String::new()),
            changes: 0,
        },
        card: Token::Words(Box::new(keys)),
        guid: card,
        wrong_pins: 0,
    }
}
