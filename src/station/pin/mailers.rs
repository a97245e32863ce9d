//! What people say of printed forms: confirmed, spoiled, found; and of cards
//! that get none.

use conclave_keyroom::domain::pin_batch::{PinBatch, State};
use conclave_keyroom::domain::pin_card::Loss;
use conclave_keyroom::domain::ranges::Ranges;
use conclave_keyroom::ports::dialogue::{Ask, People, Prompt, Refusal};
use conclave_trades::pin::action::{
    BatchName, CancelCard, ConfirmMailers, Found, HandOverBatch, REASON_MOST, ResolveUnknown,
    SpoilMailer,
};

use super::forms::no_number;
use super::{number, question};
use crate::approve::Undone;
use crate::cards::{Interrupted, filled};
use crate::ceremony::begin::{one, refused, text};
use crate::station::Station;

const NUMBER: usize = 24;

const DAMAGED: &str = "damaged: destroyed now, both look on";
const MISSING: &str = "missing: an incident";
const BLANK: &str = "blank: nothing was printed; destroyed";
const WHOLE: &str = "whole and closed, seen by both";

fn loss(words: &str) -> Loss {
    match words {
        MISSING => Loss::Missing,
        BLANK => Loss::Blank,
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

/// A form and what is said of it.
struct Said {
    form: u64,
    what: String,
    reason: String,
}

fn form_fields(prompt: &mut Prompt, first: u64, choices: &[&str]) {
    let choices = choices.iter().map(|c| (*c).to_owned()).collect();
    prompt.ask = Ask::Form {
        fields: vec![
            text("Form", &first.to_string(), "its printed number", NUMBER),
            one("It is", choices, None),
            text(
                "How",
                "",
                "one sentence: what happened, what was found",
                REASON_MOST,
            ),
        ],
        submit: "go on to the signatures".into(),
        done: None,
    };
}

fn ask_form(prompt: &mut Prompt, people: &mut dyn People) -> Result<Said, Interrupted> {
    loop {
        let values = filled(people, prompt)?;
        let value = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
        match number(value(0)) {
            Some(form) => {
                return Ok(Said {
                    form,
                    what: value(1).to_owned(),
                    reason: value(2).trim().to_owned(),
                });
            }
            None => prompt.refused = Some(no_number()),
        }
    }
}

/// What became of its card.
fn outcome(form: u64, state: State) -> Vec<String> {
    vec![match state {
        State::Confirmed => format!("The mailer on form {form} is confirmed."),
        State::Queued => format!("Form {form} is void; its card gets another PIN on another form."),
        _ => format!("Form {form} is void; its card is to be reissued."),
    }]
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
                text("Last form", &last.to_string(), "its printed number", NUMBER),
            ],
            submit: "go on to the signatures".into(),
            done: None,
        };
        let action = loop {
            let values = filled(people, &mut prompt)?;
            let value = |at: usize| values.get(at).and_then(|v| number(v));
            match (value(0), value(1)) {
                (Some(first), Some(last)) => {
                    let action = ConfirmMailers {
                        batch: BatchName::of(batch),
                        first,
                        last,
                    };
                    match self.foreseen(&action) {
                        Ok(()) => break action,
                        Err(refusal) => prompt.refused = Some(refusal),
                    }
                }
                _ => prompt.refused = Some(no_number()),
            }
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
            "Which form is spoiled?",
            "Nobody reads it. It is destroyed before both; its card gets another PIN, or is reissued.",
        );
        let first = sent.first(1).first().copied().unwrap_or_default();
        form_fields(&mut prompt, first, &[DAMAGED, MISSING, BLANK]);
        let action = loop {
            let said = ask_form(&mut prompt, people)?;
            let action = SpoilMailer {
                batch: BatchName::of(batch),
                form: said.form,
                loss: loss(&said.what),
                reason: said.reason,
            };
            match self.foreseen(&action) {
                Ok(()) => break action,
                Err(refusal) => prompt.refused = Some(refusal),
            }
        };
        let state = self.act(&action, "a mailer is spoiled", people)?;
        Ok(outcome(action.form, state))
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
            "What is this form?",
            &format!(
                "Unknown: forms {}. Take each from the printer, and look.",
                unknown.words()
            ),
        );
        let first = unknown.first(1).first().copied().unwrap_or_default();
        form_fields(&mut prompt, first, &[DAMAGED, WHOLE, BLANK, MISSING]);
        let action = loop {
            let said = ask_form(&mut prompt, people)?;
            let action = ResolveUnknown {
                batch: BatchName::of(batch),
                form: said.form,
                found: match said.what.as_str() {
                    WHOLE => Found::Whole,
                    lost => Found::Lost(loss(lost)),
                },
                reason: said.reason,
            };
            match self.foreseen(&action) {
                Ok(()) => break action,
                Err(refusal) => prompt.refused = Some(refusal),
            }
        };
        let state = self.act(&action, "an unknown mailer", people)?;
        Ok(outcome(action.form, state))
    }

    /// A card that gets no PIN.
    pub(super) fn cancel_card(
        &mut self,
        batch: &PinBatch,
        people: &mut dyn People,
    ) -> Result<Vec<String>, Undone> {
        let mut prompt = question(
            "pins.cancel",
            batch,
            "Which card gets no PIN?",
            &format!(
                "Cards that wait, by their number in the file: {}",
                batch.cards.waiting.words()
            ),
        );
        prompt.ask = Ask::Form {
            fields: vec![
                text("Card", "", "its number in the file, from 1", 8),
                text("Reason", "", "one sentence", REASON_MOST),
            ],
            submit: "go on to the signatures".into(),
            done: None,
        };
        let action = loop {
            let values = filled(people, &mut prompt)?;
            let value = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
            match number(value(0)).and_then(|n| u32::try_from(n).ok()) {
                Some(card) => {
                    let action = CancelCard {
                        batch: BatchName::of(batch),
                        card,
                        reason: value(1).trim().to_owned(),
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
        self.act(&action, "cancel a card", people)?;
        Ok(vec![format!("Card {} is to be reissued.", action.card)])
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
            "Those who take it over count both piles, and type what they counted.",
        );
        prompt.ask = Ask::Form {
            fields: vec![
                text("Confirmed mailers", "", "counted", 8),
                text("Blank forms", "", "counted", 8),
            ],
            submit: "go on to the signatures".into(),
            done: None,
        };
        let action = loop {
            let values = filled(people, &mut prompt)?;
            let value = |at: usize| values.get(at).and_then(|v| number(v));
            match (value(0), value(1)) {
                // Not foreseen: what others count wrongly is signed for, and
                // stands in the journal.
                (Some(confirmed), Some(blank)) => {
                    break HandOverBatch {
                        batch: BatchName::of(batch),
                        confirmed,
                        blank,
                    };
                }
                _ => {
                    prompt.refused = Some(Refusal {
                        happened: "Both numbers are counted.".into(),
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
