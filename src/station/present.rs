//! One person's own card: found, known, not barred, its anchor checked, its
//! PIN verified. Logon, approvals and sign-ins are made of this.

use std::sync::Arc;

use conclave_crypto::secret::Secret;
use conclave_evidence::Id;
use conclave_evidence::authority::{CardEntry, CardState};
use conclave_keyroom::door::Door;
use conclave_keyroom::piv::PivError;
use conclave_keyroom::ports::card::CardReaders;
use conclave_keyroom::ports::dialogue::{Ask, People, Prompt, Refusal};
use conclave_keyroom::vault::AnchorFit;

use crate::anchor;
use crate::cards::{Held, Interrupted, Judgement, PinFailure, await_card, verify_pin};
use crate::recovery_words::{WordsFailure, by_words};

/// A person whose card is in a reader with its PIN verified.
pub struct Present {
    /// The card.
    pub held: Held,
    /// What the authority record says of it.
    pub entry: CardEntry,
    /// The PIN, for one more VERIFY before a signature with 9C; wiped with
    /// this value. Empty where words were typed.
    pub pin: Secret,
    /// How long it took to type words, in milliseconds.
    pub typed_ms: u64,
}

/// Why nobody is present.
#[derive(Debug)]
pub enum Absent {
    /// The question ended. `failed` is the card whose challenge had failed
    /// before: only that counts towards the station's lock.
    Interrupted {
        /// Why.
        why: Interrupted,
        /// A known card that had failed.
        failed: Option<Id>,
    },
    /// A known card failed.
    Failed {
        /// The card.
        card: Id,
        /// How.
        why: String,
    },
}

/// Who would do, in the eyes of the question at hand.
pub trait Wanted {
    /// Whether this card's holder is wanted; a refusal says why not.
    ///
    /// # Errors
    /// The words for the screen.
    fn wants(&self, entry: &CardEntry) -> Result<(), Refusal>;
    /// A card that sits there rightly but has done its part is passed over
    /// silently.
    fn passes_over(&self, _entry: &CardEntry) -> bool {
        false
    }
    /// What the screen says of a card that is passed over: `Eva (no
    /// administrator)`. Nothing where it is clear why it sits there.
    fn passed_over(&self, _entry: &CardEntry) -> Option<String> {
        None
    }
    /// Whether recovery words stand for a card here.
    fn takes_words(&self) -> bool {
        false
    }
    /// The card that came, before its PIN is asked: what the screen says of it.
    fn came(&self, _entry: &CardEntry, _prompt: &mut Prompt) {}
    /// Their names, for the screen and for whoever puts cards in.
    fn names(&self) -> Vec<String>;
}

/// Waits for a wanted card, checks it before its PIN, and has its PIN
/// verified.
///
/// # Errors
/// [`Absent`]
#[allow(clippy::too_many_arguments)]
pub fn present(
    door: &mut Door,
    readers: &Arc<dyn CardReaders>,
    people: &mut dyn People,
    prompt: &mut Prompt,
    wanted: &dyn Wanted,
    purpose: &str,
    other_group: bool,
    tick: &mut dyn FnMut(&mut Prompt) -> Result<bool, Interrupted>,
) -> Result<Present, Absent> {
    prompt.ask = Ask::Card {
        wanted: wanted.names(),
        other_group,
    };
    let holders = holders_of_words(door, wanted);
    prompt.words = !holders.is_empty();
    // Why they come again stays on the screen, also where the card is in
    // already and nothing else is read before the PIN.
    let why_again = prompt.refused.clone();
    let found = await_card(
        readers.as_ref(),
        people,
        prompt,
        tick,
        &mut |card, place, guid| match judge(door, card, guid, wanted)? {
            Verdict::Take(AnchorFit::Known) => Ok(Judgement::Take),
            Verdict::Take(AnchorFit::Lost { seq, incarnation }) => {
                let card = guid.map_or_else(String::new, |g| g.short());
                let _ = door.anchor_lost(&card, seq, incarnation);
                Ok(Judgement::Take)
            }
            Verdict::Older(why) => {
                let refusal = older(&why);
                let card = guid.map_or_else(String::new, |g| g.short());
                let _ = door.note("card-refused", format!("card {card}: {why}"));
                // It is locked once, and stays so.
                if let Err(error) = door.lock_for_recovery(&why) {
                    let _ = door.note("lock-for-recovery", error.to_string());
                }
                Ok(Judgement::Refuse(refusal))
            }
            Verdict::Ignore => Ok(Judgement::Ignore),
            Verdict::PassOver(words) => Ok(Judgement::PassOver(words)),
            Verdict::Refuse(refusal) => {
                let card = guid.map_or_else(|| "without a number".to_owned(), |g| g.short());
                // At once, for the power may go while the question stands. The
                // refusal itself is on the screen; a journal that cannot be
                // written shows at the next act.
                let words = format!("card {card}: {}", refusal.happened);
                let _ = door.card_refused(&place.reader, place.changes, words);
                Ok(Judgement::Refuse(refusal))
            }
        },
    );
    if matches!(found, Err(Interrupted::ByWords)) {
        return present_by_words(door, people, prompt, &holders);
    }
    let mut held = found.map_err(|why| Absent::Interrupted { why, failed: None })?;
    let entry = door
        .vault()
        .authority()
        .ok()
        .and_then(|record| record.card(held.guid).cloned());
    let Some(entry) = entry else {
        return Err(Absent::Failed {
            card: held.guid,
            why: "the card is not known here".into(),
        });
    };
    let card = held.guid;
    let name = entry.person_name.clone();
    prompt.words = false;
    prompt.refused = why_again;
    prompt.waiting_for.clone_from(&name);
    wanted.came(&entry, prompt);
    let pin =
        verify_pin(people, prompt, &mut held, &name, purpose, tick).map_err(
            |failure| match failure {
                PinFailure::Interrupted { wrong, why } => Absent::Interrupted {
                    why,
                    failed: wrong.then_some(card),
                },
                PinFailure::Blocked => Absent::Failed {
                    card,
                    why: format!("the PIN of {name}'s card is blocked"),
                },
                PinFailure::Card {
                    wrong,
                    error: PivError::Card(_),
                } => Absent::Interrupted {
                    why: Interrupted::CardGone,
                    failed: wrong.then_some(card),
                },
                PinFailure::Card { error, .. } => Absent::Failed {
                    card,
                    why: error.to_string(),
                },
            },
        )?;
    Ok(Present {
        held,
        entry,
        pin,
        typed_ms: 0,
    })
}

/// Those who are wanted, and hold words in place of a card.
fn holders_of_words(door: &Door, wanted: &dyn Wanted) -> Vec<CardEntry> {
    let record = match door.vault().authority() {
        Ok(record) if wanted.takes_words() => record,
        _ => return Vec::new(),
    };
    let fits = |entry: &&CardEntry| {
        entry.words.is_some()
            && entry.state == CardState::Active
            && !wanted.passes_over(entry)
            && wanted.wants(entry).is_ok()
    };
    record.cards.iter().filter(fits).cloned().collect()
}

fn present_by_words(
    door: &mut Door,
    people: &mut dyn People,
    prompt: &Prompt,
    holders: &[CardEntry],
) -> Result<Present, Absent> {
    let clock = door.vault().shared_clock();
    let begun = clock.mono_ms();
    let (held, entry) =
        by_words(door, people, prompt, holders).map_err(|failure| match failure {
            WordsFailure::Interrupted { wrong, why } => Absent::Interrupted {
                why,
                failed: wrong.then(|| holders.first().map(|h| h.card)).flatten(),
            },
            WordsFailure::Failed { card, why } => Absent::Failed { card, why },
        })?;
    Ok(Present {
        held,
        entry,
        pin: Secret::zeroed(0),
        typed_ms: clock.mono_ms().saturating_sub(begun),
    })
}

fn older(why: &str) -> Refusal {
    Refusal {
        happened: format!("Stop: {why}."),
        safe: "Nothing was opened, and no PIN was asked for. The station is locked.".into(),
        advice: "Call the administrators, the recovery holders and the auditors: only both \
                 quorums together go on from here."
            .into(),
    }
}

enum Verdict {
    Take(AnchorFit),
    Older(String),
    Ignore,
    PassOver(String),
    Refuse(Refusal),
}

fn judge(
    door: &Door,
    card: &mut conclave_keyroom::piv::PivCard,
    guid: Option<Id>,
    wanted: &dyn Wanted,
) -> Result<Verdict, PivError> {
    let refuse = |happened: String, advice: &str| {
        Ok(Verdict::Refuse(Refusal {
            happened,
            safe: "Nothing was changed, and no PIN was asked for.".into(),
            advice: advice.into(),
        }))
    };
    let Ok(record) = door.vault().authority() else {
        return refuse("There is no station yet.".into(), "Initialise it first.");
    };
    let Some(entry) = guid.and_then(|guid| record.card(guid)) else {
        return refuse(
            "This card belongs to no person of this station.".into(),
            "Use the card that was enrolled here.",
        );
    };
    if wanted.passes_over(entry) {
        let words = wanted.passed_over(entry);
        return Ok(words.map_or(Verdict::Ignore, Verdict::PassOver));
    }
    let name = &entry.person_name;
    match entry.state {
        CardState::Active => {}
        CardState::Suspended => {
            return refuse(
                format!("{name}'s card is suspended."),
                "Administrators can reinstate it.",
            );
        }
        CardState::Revoked => {
            return refuse(
                format!("{name}'s card is revoked."),
                "It can never be used again; hand it to the administrators.",
            );
        }
    }
    if let Err(refusal) = wanted.wants(entry) {
        return Ok(Verdict::Refuse(refusal));
    }
    match anchor::check(door, card, entry) {
        // Whoever's card is blocked keeps nobody else from coming in their place. What it
        // has seen is asked before: that this repository is an older one is true without
        // its PIN.
        Ok(_) if card.tries_left()? == Some(0) => refuse(
            format!("The PIN of {name}'s card is blocked."),
            "Another may come instead. Administrators unblock it: people screen (p), b.",
        ),
        Ok(fit) => Ok(Verdict::Take(fit)),
        Err(anchor::CheckError::Older(why)) => Ok(Verdict::Older(why)),
        Err(anchor::CheckError::Refused(refusal)) => Ok(Verdict::Refuse(refusal)),
        Err(anchor::CheckError::Card(error)) => Err(error),
        Err(anchor::CheckError::Vault(error)) => refuse(
            format!("The repository cannot be checked against this card: {error}."),
            "Stop, and call the administrators.",
        ),
    }
}
