//! What people say of printed forms: confirmed, spoiled, found; and of cards
//! that get none.

use conclave_keyroom::domain::pin_batch::{PinBatch, State};
use conclave_keyroom::domain::pin_card::Loss;
use conclave_keyroom::domain::pin_seen::{Reading, Shown};
use conclave_keyroom::domain::ranges::Ranges;
use conclave_keyroom::ports::dialogue::{Ask, People, Prompt, Refusal};
use conclave_trades::pin::action::{
    BatchName, Became, CancelCards, ConfirmMailers, Found, HandOverBatch, REASON_MOST,
    ResolveUnknown, SpoilMailer,
};

use super::forms::{no_number, not_said};
use super::{number, question};
use crate::approve::Undone;
use crate::cards::{Interrupted, filled};
use crate::ceremony::begin::{choose, optional, refused, text};
use crate::station::Station;

const NUMBER: usize = 24;

const DAMAGED: &str = "damaged: destroyed now, both look on";
const MISSING: &str = "missing: an incident";
const BLANK: &str = "blank: nothing was printed; destroyed";
const BEHIND: &str = "behind a form without a mailer: all destroyed now";
const WHOLE: &str = "whole and closed, seen by both";

fn loss(words: &str) -> Loss {
    match words {
        MISSING => Loss::Missing,
        BLANK => Loss::Blank,
        BEHIND => Loss::Behind,
        _ => Loss::Damaged,
    }
}

/// The forms whose mailers are in this state.
pub(super) fn forms_in(batch: &PinBatch, state: State) -> Ranges {
    let mut forms = Ranges::default();
    for stretch in &batch.printed {
        for at in 0..stretch.count {
            let form = stretch.from.form + u64::from(at);
            let card = stretch.from.card + at;
            let here = batch.holder(form, state) == Ok(card);
            if here {
                // A form has one mailer, so it is not there yet.
                let _ = forms.insert(form, form);
            }
        }
    }
    forms
}

/// Forms, and what is said of them.
struct Said {
    first: u64,
    last: u64,
    what: String,
    reason: String,
}

/// How a mailer's number is read.
pub(super) const MAILER: &str = "17 where its outside has 17 of 200";

fn form_fields(prompt: &mut Prompt, first: Option<u64>, choices: &[&str]) {
    let first = first.map(|form| form.to_string()).unwrap_or_default();
    let choices = choices.iter().map(|c| (*c).to_owned()).collect();
    prompt.ask = Ask::Form {
        fields: vec![
            text("First form", &first, "its printed number", NUMBER),
            text("Last form", &first, "the same where it is one", NUMBER),
            choose("They are", choices),
            text(
                "How",
                "",
                "one sentence: what happened, what was found",
                REASON_MOST,
            ),
        ],
        submit: "go on".into(),
        done: None,
    };
}

fn ask_forms(prompt: &mut Prompt, people: &mut dyn People) -> Result<Said, Interrupted> {
    loop {
        let values = filled(people, prompt)?;
        let value = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
        match (number(value(0)), number(value(1))) {
            (Some(_), Some(_)) if value(2).is_empty() => prompt.refused = Some(not_said()),
            (Some(first), Some(last)) => {
                return Ok(Said {
                    first,
                    last,
                    what: value(2).to_owned(),
                    reason: value(3).trim().to_owned(),
                });
            }
            _ => prompt.refused = Some(no_number()),
        }
    }
}

/// A mailer's number as people read it; nothing where none is typed.
pub(super) fn mailer(typed: &str) -> Result<Option<u32>, Refusal> {
    if typed.trim().is_empty() {
        return Ok(None);
    }
    let read = number(typed).and_then(|n| u32::try_from(n).ok());
    read.map(Some).ok_or_else(|| {
        refused(
            "This is no number of a mailer.",
            "Read it on the form's outside: 17 where it has 17 of 200.",
        )
    })
}

/// No mailer's number where both ends have one.
pub(super) fn no_mailer() -> Refusal {
    refused(
        "The mailer's number is missing.",
        "Read it on the first and on the last form: 17 where it has 17 of 200.",
    )
}

/// Asks what stands on the forms: those that are named, or, where these are
/// blank, the one behind them.
fn ask_shown(
    batch: &PinBatch,
    (title, note): (&str, &str),
    forms: &[u64],
    may_be_none: bool,
    people: &mut dyn People,
) -> Result<Vec<Option<u32>>, Interrupted> {
    let mut prompt = question("pins.shows", batch, title, note);
    // A form that may say nothing is sent as it stands.
    let field = if may_be_none { optional } else { text };
    let label = |form: &u64| field(&format!("Form {form}"), "", MAILER, 8);
    prompt.ask = Ask::Form {
        fields: forms.iter().map(label).collect(),
        submit: "go on to the signatures".into(),
        done: None,
    };
    loop {
        let values = filled(people, &mut prompt)?;
        let read: Result<Vec<Option<u32>>, Refusal> = values.iter().map(|v| mailer(v)).collect();
        prompt.refused = Some(match read {
            Ok(read) if may_be_none || read.iter().all(Option::is_some) => return Ok(read),
            Ok(_) => refused(
                "The mailer's number is missing.",
                "Read it on the form's outside.",
            ),
            Err(refusal) => refusal,
        });
    }
}

/// What both read on forms that are no mailers.
fn ask_reading(
    batch: &PinBatch,
    said: &Said,
    people: &mut dyn People,
) -> Result<Reading, Interrupted> {
    match loss(&said.what) {
        Loss::Missing | Loss::Behind => Ok(Reading::Nothing),
        Loss::Blank => {
            let title = "What is on the form behind them?";
            let note = "Empty where it is blank too. A form that was fed without a mailer has \
                        its mailer there.";
            let next = [said.last.saturating_add(1)];
            let read = ask_shown(batch, (title, note), &next, true, people)?;
            Ok(Reading::Next(read.first().copied().flatten()))
        }
        Loss::Damaged => {
            let title = "Which mailers are on these forms?";
            let note = "Empty where it cannot be read any more.";
            let mut forms = vec![said.first, said.last];
            forms.dedup();
            let read = ask_shown(batch, (title, note), &forms, true, people)?;
            Ok(match (read.first(), read.last()) {
                (Some(Some(first)), Some(Some(last))) => Reading::Shown(Shown {
                    first: *first,
                    last: *last,
                }),
                _ => Reading::Nothing,
            })
        }
    }
}

/// What both found of unknown mailers.
fn ask_found(batch: &PinBatch, said: &Said, people: &mut dyn People) -> Result<Found, Interrupted> {
    if said.what != WHOLE {
        let reading = ask_reading(batch, said, people)?;
        return Ok(Found::Lost(loss(&said.what), reading));
    }
    let title = "Which mailers are on these forms?";
    let mut forms = vec![said.first, said.last];
    forms.dedup();
    let read = ask_shown(batch, (title, ""), &forms, false, people)?;
    let read: Vec<u32> = read.into_iter().flatten().collect();
    Ok(Found::Whole(Shown {
        first: read.first().copied().unwrap_or_default(),
        last: read.last().copied().unwrap_or_default(),
    }))
}

/// What became of their cards.
fn outcome(said: &Said, became: &Became) -> Vec<String> {
    let forms = match said.first == said.last {
        true => format!("Form {}", said.first),
        false => format!("Forms {} to {}", said.first, said.last),
    };
    vec![format!("{forms}: {}.", became.words().join(", "))]
}

impl Station {
    /// Forms that both have looked at.
    pub(super) fn confirm_mailers(
        &mut self,
        batch: &PinBatch,
        people: &mut dyn People,
    ) -> Result<Vec<String>, Undone> {
        let sent = forms_in(batch, State::Sent);
        let (first, last) = sent.ranges().first().copied().unwrap_or_default();
        let note = format!("Printed and not yet confirmed: forms {}", sent.words());
        let mut prompt = question(
            "pins.confirm",
            batch,
            "Which forms have both of you looked at?",
            &note,
        );
        prompt.why = "Whole, closed, its number in the row, the address on the outside, nothing \
                      of the inside to be seen: against a lamp, and from the side. A damaged one \
                      is said first."
            .into();
        prompt.ask = Ask::Form {
            fields: vec![
                text(
                    "First form",
                    &first.to_string(),
                    "its printed number",
                    NUMBER,
                ),
                text("First mailer", "", MAILER, 8),
                text("Last form", &last.to_string(), "its printed number", NUMBER),
                text("Last mailer", "", MAILER, 8),
            ],
            submit: "go on to the signatures".into(),
            done: None,
        };
        let action = loop {
            let values = filled(people, &mut prompt)?;
            let value = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
            let forms = number(value(0)).zip(number(value(2)));
            let read = mailer(value(1)).and_then(|first| Ok(first.zip(mailer(value(3))?)));
            prompt.refused = Some(match (forms, read) {
                (Some((first, last)), Ok(Some(read))) => {
                    let action = ConfirmMailers {
                        batch: BatchName::of(batch),
                        first,
                        last,
                        shows: Shown {
                            first: read.0,
                            last: read.1,
                        },
                    };
                    match self.foreseen(&action) {
                        Ok(()) => break action,
                        Err(refusal) => refusal,
                    }
                }
                (None, _) => no_number(),
                (_, Ok(None)) => no_mailer(),
                (_, Err(refusal)) => refusal,
            });
        };
        let count = self.act(&action, "confirm mailers", people)?;
        Ok(vec![format!("{count} mailers are confirmed.")])
    }

    /// A printed form that is no mailer any more.
    pub(super) fn spoil_mailer(
        &mut self,
        batch: &PinBatch,
        people: &mut dyn People,
    ) -> Result<Vec<String>, Undone> {
        let sent = forms_in(batch, State::Sent);
        let mut prompt = question(
            "pins.spoil",
            batch,
            "Which forms are spoiled?",
            "Nobody opens them. What is there of them is destroyed before both; each card gets \
             another PIN, or is reissued.",
        );
        // What others count is not proposed to them.
        let told = !self.count_first(batch);
        let first = sent.first(1).first().copied().filter(|_| told);
        // Nor may they say more of them than that they are gone.
        let all = [DAMAGED, MISSING, BLANK, BEHIND];
        form_fields(&mut prompt, first, if told { &all } else { &[MISSING] });
        let (said, action) = loop {
            let said = ask_forms(&mut prompt, people)?;
            let action = SpoilMailer {
                batch: BatchName::of(batch),
                first: said.first,
                last: said.last,
                loss: loss(&said.what),
                reading: ask_reading(batch, &said, people)?,
                reason: said.reason.clone(),
            };
            match self.foreseen(&action) {
                Ok(()) => break (said, action),
                Err(refusal) => prompt.refused = Some(refusal),
            }
        };
        let became = self.act(&action, "a mailer is spoiled", people)?;
        Ok(outcome(&said, &became))
    }

    /// A form of which nobody knew.
    pub(super) fn resolve_unknown(
        &mut self,
        batch: &PinBatch,
        people: &mut dyn People,
    ) -> Result<Vec<String>, Undone> {
        let unknown = forms_in(batch, State::Unknown);
        let mut prompt = question(
            "pins.unknown",
            batch,
            "What are these forms?",
            &format!(
                "Unknown: forms {}. Take each from the printer, and look.",
                unknown.words()
            ),
        );
        let first = unknown.first(1).first().copied();
        form_fields(&mut prompt, first, &[DAMAGED, WHOLE, BLANK, MISSING]);
        let (said, action) = loop {
            let said = ask_forms(&mut prompt, people)?;
            let action = ResolveUnknown {
                batch: BatchName::of(batch),
                first: said.first,
                last: said.last,
                found: ask_found(batch, &said, people)?,
                reason: said.reason.clone(),
            };
            match self.foreseen(&action) {
                Ok(()) => break (said, action),
                Err(refusal) => prompt.refused = Some(refusal),
            }
        };
        let became = self.act(&action, "an unknown mailer", people)?;
        Ok(outcome(&said, &became))
    }

    /// Cards that get no PIN.
    pub(super) fn cancel_cards(
        &mut self,
        batch: &PinBatch,
        people: &mut dyn People,
    ) -> Result<Vec<String>, Undone> {
        let mut prompt = question(
            "pins.cancel",
            batch,
            "Which cards get no PIN?",
            &format!(
                "Cards that wait, by their number in the file: {}",
                batch.cards.waiting.words()
            ),
        );
        prompt.ask = Ask::Form {
            fields: vec![
                text("First card", "", "its number in the file, from 1", 8),
                text("Last card", "", "the same where it is one", 8),
                text("Reason", "", "one sentence", REASON_MOST),
            ],
            submit: "go on to the signatures".into(),
            done: None,
        };
        let action = loop {
            let values = filled(people, &mut prompt)?;
            let value = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
            let card = |at| number(value(at)).and_then(|n| u32::try_from(n).ok());
            match card(0).zip(card(1)) {
                Some((first, last)) => {
                    let action = CancelCards {
                        batch: BatchName::of(batch),
                        first,
                        last,
                        reason: value(2).trim().to_owned(),
                    };
                    match self.foreseen(&action) {
                        Ok(()) => break action,
                        Err(refusal) => prompt.refused = Some(refusal),
                    }
                }
                None => {
                    prompt.refused = Some(refused(
                        "This is no number of a card in the file.",
                        "Its place in the file, counted from 1.",
                    ));
                }
            }
        };
        let count = self.act(&action, "cancel cards", people)?;
        Ok(vec![format!("To be reissued: cards {count}.")])
    }

    /// Others go on with the batch: they count, and sign for what they found.
    pub(super) fn hand_over_batch(
        &mut self,
        batch: &PinBatch,
        people: &mut dyn People,
    ) -> Result<Vec<String>, Undone> {
        let mut prompt = question(
            "pins.hand-over",
            batch,
            "Who goes on counts first",
            "Those who take it over count what is there. Confirmed mailers that were posted are \
             counted by their posting slips; unknown ones are not counted.",
        );
        prompt.ask = Ask::Form {
            fields: vec![
                text("Confirmed mailers", "", "counted", 8),
                text("Printed mailers", "", "not confirmed yet, counted", 8),
                text("Blank forms", "", "counted", 8),
            ],
            submit: "go on to the signatures".into(),
            done: None,
        };
        let action = loop {
            let values = filled(people, &mut prompt)?;
            let value = |at: usize| values.get(at).and_then(|v| number(v));
            match (value(0), value(1), value(2)) {
                // Not foreseen: what others count wrongly is signed for, and
                // stands in the journal.
                (Some(confirmed), Some(printed), Some(blank)) => {
                    break HandOverBatch {
                        batch: BatchName::of(batch),
                        confirmed,
                        printed,
                        blank,
                    };
                }
                _ => {
                    prompt.refused = Some(Refusal {
                        happened: "All three numbers are counted.".into(),
                        safe: "Nothing was changed.".into(),
                        advice: "Count the pile, and type how many there are.".into(),
                    });
                }
            }
        };
        self.act(&action, "take a batch over", people)?;
        Ok(vec!["The batch is taken over.".into()])
    }
}
