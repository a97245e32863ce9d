//! Cards and readers as a ceremony sees them: waiting for the right card,
//! and noticing when one that had to stay is pulled.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use conclave_crypto::secret::Secret;
use conclave_evidence::Id;
use conclave_keyroom::door::{Stop, StopFlag};
use conclave_keyroom::piv::{PivCard, PivError};
use conclave_keyroom::ports::card::{CardReaders, ReaderId, ReaderState};
use conclave_keyroom::ports::dialogue::{Answer, Ask, People, Prompt, PromptLine, Refusal};

use crate::token::Token;

/// Why a question ended without what was asked for.
#[derive(Debug)]
pub enum Interrupted {
    /// Recovery words are typed in place of a card.
    ByWords,
    /// Esc.
    Aborted,
    /// Tab: another group.
    OtherGroup,
    /// The time for it is over.
    TimedOut,
    /// A card that had to stay was pulled.
    CardGone,
    /// The program ends.
    Shutdown,
    /// Refused, with the words for the screen.
    Refused(Refusal),
}

/// A card in a reader, powered.
pub struct Held {
    /// Where.
    pub place: Place,
    /// The card, or what stands for one.
    pub card: Token,
    /// Its GUID.
    pub guid: Id,
    /// Wrong PINs that were typed since it was found.
    pub wrong_pins: u8,
}

/// A card's insertion into a reader: pulling it and putting it back makes
/// another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The reader.
    pub reader: ReaderId,
    /// The reader's count of insertions and removals.
    pub changes: u64,
}

/// What to do with a card that was found.
pub enum Judgement {
    /// This is the one.
    Take,
    /// Not this one, and no reason to say so: it sits there rightly.
    Ignore,
    /// Not this one, though its holder may think so; it may stay where it is.
    /// The screen says so in one line, with the holder and the reason.
    PassOver(String),
    /// Not this one; say why.
    Refuse(Refusal),
}

/// What the line begins with that names the cards that were passed over.
const PASSED_OVER: &str = "In a reader, and not wanted here: ";

/// One more card that was passed over.
fn pass_over(prompt: &mut Prompt, words: &str) {
    let line = prompt.lines.iter_mut();
    let mut there = line.filter(|line| line.text.starts_with(PASSED_OVER));
    match there.next() {
        Some(line) if line.text.contains(words) => {}
        Some(line) => {
            let all = line.text.trim_end_matches('.').to_owned();
            line.text = format!("{all}, {words}.");
        }
        None => prompt
            .lines
            .push(PromptLine::note(format!("{PASSED_OVER}{words}."))),
    }
}

/// Looks at a card before any PIN: where it is, and its GUID where it has one.
pub type Judge<'a> =
    &'a mut dyn FnMut(&mut PivCard, &Place, Option<Id>) -> Result<Judgement, PivError>;

/// How often the readers are looked at while a question stands.
const LOOK: Duration = Duration::from_millis(40);

/// Waits until `judge` takes a card. Every insertion is judged once.
///
/// `tick` runs at every look; it may change the prompt (a countdown) or end
/// the wait.
///
/// # Errors
/// [`Interrupted`]
pub fn await_card(
    readers: &dyn CardReaders,
    people: &mut dyn People,
    prompt: &mut Prompt,
    tick: &mut dyn FnMut(&mut Prompt) -> Result<bool, Interrupted>,
    judge: Judge<'_>,
) -> Result<Held, Interrupted> {
    let mut judged: BTreeSet<Place> = BTreeSet::new();
    people.show(prompt);
    loop {
        if tick(prompt)? {
            people.show(prompt);
        }
        let states = readers.states().map_err(|e| {
            Interrupted::Refused(Refusal {
                happened: e.to_string(),
                safe: "Nothing was changed.".into(),
                advice:
                    "Check that the card readers are plugged in and the smart-card service runs."
                        .into(),
            })
        })?;
        for state in present(&states) {
            let place = Place {
                reader: state.id.clone(),
                changes: state.changes,
            };
            if judged.contains(&place) {
                continue;
            }
            match look(readers, &place, judge) {
                Ok((Judgement::Take, Some(held))) => return Ok(held),
                Ok((Judgement::Refuse(refusal), _)) => {
                    prompt.refused = Some(refusal);
                    people.show(prompt);
                }
                Ok((Judgement::PassOver(words), _)) => {
                    pass_over(prompt, &words);
                    people.show(prompt);
                }
                Ok(_) => {}
                Err(PivError::Card(
                    conclave_keyroom::ports::card::CardError::Removed
                    | conclave_keyroom::ports::card::CardError::Sharing
                    | conclave_keyroom::ports::card::CardError::NoReader,
                )) => continue,
                Err(error) => {
                    prompt.refused = Some(unreadable(&error));
                    people.show(prompt);
                }
            }
            judged.insert(place);
        }
        match people.answer(LOOK) {
            Some(Answer::Abort) => return Err(Interrupted::Aborted),
            Some(Answer::OtherGroup) => return Err(Interrupted::OtherGroup),
            Some(Answer::ByWords) if prompt.words => return Err(Interrupted::ByWords),
            Some(Answer::CardGone) => return Err(Interrupted::CardGone),
            Some(Answer::Shutdown) => return Err(Interrupted::Shutdown),
            _ => {}
        }
    }
}

fn present(states: &[ReaderState]) -> impl Iterator<Item = &ReaderState> {
    states.iter().filter(|s| s.card_present)
}

fn look(
    readers: &dyn CardReaders,
    place: &Place,
    judge: Judge<'_>,
) -> Result<(Judgement, Option<Held>), PivError> {
    let mut card = PivCard::open(readers.connect(&place.reader)?)?;
    let guid = card.guid()?.map(|g| Id(g.0));
    let judgement = judge(&mut card, place, guid)?;
    let held = match (&judgement, guid) {
        (Judgement::Take, guid) => Some(Held {
            place: place.clone(),
            card: Token::Card(card),
            // A blank card gets its GUID at enrolment.
            guid: guid.unwrap_or(Id([0; 16])),
            wrong_pins: 0,
        }),
        _ => None,
    };
    Ok((judgement, held))
}

fn unreadable(error: &PivError) -> Refusal {
    Refusal {
        happened: format!("This card cannot be used: {error}."),
        safe: "Nothing was changed, and no PIN was asked for.".into(),
        advice: "Take it out, look at the chip, and try again or use the right card.".into(),
    }
}

/// Asks for a card's PIN and verifies it, until it is right.
///
/// # Errors
/// [`PinFailure::Interrupted`], or why the card will not do.
pub fn verify_pin(
    people: &mut dyn People,
    prompt: &mut Prompt,
    held: &mut Held,
    person: &str,
    purpose: &str,
    tick: &mut dyn FnMut(&mut Prompt) -> Result<bool, Interrupted>,
) -> Result<Secret, PinFailure> {
    let mut wrong = false;
    prompt.other_group = matches!(
        prompt.ask,
        Ask::Card {
            other_group: true,
            ..
        }
    );
    loop {
        let tries_left = held
            .card
            .piv()
            .and_then(PivCard::tries_left)
            .map_err(PinFailure::card(wrong))?;
        if tries_left == Some(0) {
            return Err(PinFailure::Blocked);
        }
        prompt.ask = Ask::Pin {
            person: person.into(),
            tries_left,
            purpose: purpose.into(),
        };
        let answer =
            ask(people, prompt, tick).map_err(|why| PinFailure::Interrupted { wrong, why })?;
        let Answer::Secret(pin) = answer else {
            continue;
        };
        match held.card.verify_pin(&pin) {
            Ok(()) => {
                prompt.refused = None;
                return Ok(pin);
            }
            Err(PivError::WrongPin { tries_left }) => {
                wrong = true;
                // A failure is one of the group that it was made for.
                prompt.other_group = false;
                held.wrong_pins = held.wrong_pins.saturating_add(1);
                prompt.refused = Some(Refusal {
                    happened: match tries_left {
                        1 => "Wrong PIN. One try is left.".into(),
                        left => format!("Wrong PIN. {left} tries left."),
                    },
                    safe: "Nothing was done with this card.".into(),
                    advice: "Type the PIN of this card again; after the last try it blocks, and \
                             administrators unblock it."
                        .into(),
                });
            }
            Err(PivError::PinBlocked) => return Err(PinFailure::Blocked),
            Err(PivError::PinRule(rule)) => {
                prompt.refused = Some(Refusal {
                    happened: format!("{rule}."),
                    safe: "The card did not count a try.".into(),
                    advice: "A card PIN has 6 to 8 digits.".into(),
                });
            }
            Err(error) => return Err(PinFailure::card(wrong)(error)),
        }
    }
}

/// Why a PIN was not verified.
#[derive(Debug)]
pub enum PinFailure {
    /// The question was interrupted; `wrong` when a wrong PIN had been typed.
    Interrupted {
        /// A wrong PIN was typed before.
        wrong: bool,
        /// Why.
        why: Interrupted,
    },
    /// The card's PIN is blocked.
    Blocked,
    /// The card failed or was pulled.
    Card {
        /// A wrong PIN was typed before.
        wrong: bool,
        /// How.
        error: PivError,
    },
}

impl PinFailure {
    fn card(wrong: bool) -> impl FnOnce(PivError) -> Self {
        move |error| Self::Card { wrong, error }
    }
}

/// Shows a prompt and waits for its answer; interruptions are errors.
///
/// # Errors
/// [`Interrupted`]
pub fn ask(
    people: &mut dyn People,
    prompt: &mut Prompt,
    tick: &mut dyn FnMut(&mut Prompt) -> Result<bool, Interrupted>,
) -> Result<Answer, Interrupted> {
    people.show(prompt);
    loop {
        if tick(prompt)? {
            people.show(prompt);
        }
        match people.answer(LOOK) {
            None => {}
            Some(Answer::Abort) => return Err(Interrupted::Aborted),
            Some(Answer::OtherGroup) => return Err(Interrupted::OtherGroup),
            Some(Answer::CardGone) => return Err(Interrupted::CardGone),
            Some(Answer::Shutdown) => return Err(Interrupted::Shutdown),
            Some(answer) => return Ok(answer),
        }
    }
}

/// What was filled into a form. Where it is asked again, it stands there again.
///
/// # Errors
/// [`Interrupted`]
pub fn filled(people: &mut dyn People, prompt: &mut Prompt) -> Result<Vec<String>, Interrupted> {
    loop {
        let Answer::Fields(values) = ask(people, prompt, &mut |_| Ok(false))? else {
            continue;
        };
        if let Ask::Form { fields, .. } = &mut prompt.ask {
            for (field, value) in fields.iter_mut().zip(&values) {
                field.value.clone_from(value);
            }
        }
        return Ok(values);
    }
}

/// How long the watch waits before it sees that it is to end: whoever swaps
/// cards waits for that.
const WATCH: Duration = Duration::from_millis(40);

/// Watches the cards that have to stay, in a thread of its own, and blanks the
/// screen itself the moment one is pulled.
pub struct Watch {
    end: Arc<AtomicBool>,
    gone: Arc<AtomicBool>,
    paused: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins to watch these insertions; paused while cards are swapped.
    #[must_use]
    pub fn begin(
        readers: Arc<dyn CardReaders>,
        places: Vec<Place>,
        stop: Arc<StopFlag>,
        blank: Box<dyn Fn() + Send>,
        paused: bool,
    ) -> Self {
        let end = Arc::new(AtomicBool::new(false));
        let gone = Arc::new(AtomicBool::new(false));
        let paused = Arc::new(AtomicBool::new(paused));
        let (e, g, p) = (Arc::clone(&end), Arc::clone(&gone), Arc::clone(&paused));
        let thread = std::thread::Builder::new()
            .name("card-watch".into())
            .spawn(move || {
                let mut known = readers.states().unwrap_or_default();
                while !e.load(Ordering::SeqCst) {
                    let lost = !p.load(Ordering::SeqCst)
                        && places.iter().any(|place| {
                            !known.iter().any(|s| {
                                s.id == place.reader && s.card_present && s.changes == place.changes
                            })
                        });
                    if lost && !g.swap(true, Ordering::SeqCst) {
                        stop.raise(Stop::QuorumLost);
                        blank();
                    }
                    // A reader that fails is a card that is gone.
                    known = readers.wait_change(&known, WATCH).unwrap_or_default();
                }
            })
            .ok();
        Self {
            end,
            gone,
            paused,
            thread,
        }
    }

    /// TRUE once a watched card was pulled.
    #[must_use]
    pub fn lost(&self) -> bool {
        self.gone.load(Ordering::SeqCst)
    }

    /// The card is gone: somebody else saw it first.
    pub fn lose(&self) {
        self.gone.store(true, Ordering::SeqCst);
    }

    /// While paused, a pulled card is one that the station asked for.
    pub fn pause(&self, paused: bool) {
        self.paused.store(paused, Ordering::SeqCst);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
