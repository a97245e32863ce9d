//! The blank forms of a batch: reels that come out of the safe for it, and what
//! becomes of those that get no mailer.

use conclave_keyroom::domain::device::PrinterPurpose;
use conclave_keyroom::domain::form_stock::Aside;
use conclave_keyroom::domain::pin_batch::PinBatch;
use conclave_keyroom::domain::ranges::Ranges;
use conclave_keyroom::ports::dialogue::{Ask, Field, People, Refusal};
use conclave_trades::pin::action::{
    BatchName, ChangeBatchPrinter, DestroyFoundForms, IssueForms, MissingFrom, REASON_MOST,
    RestockFoundForms, ReturnForms, SetFormsAside,
};

use super::next::returns;
use super::{number, question};
use crate::approve::Undone;
use crate::cards::{Interrupted, filled};
use crate::ceremony::begin::{choose, refused, sole, text};
use crate::station::Station;

/// Digits of a form's number, with room for leading zeros and spaces.
pub(super) const NUMBER: usize = 24;

/// Longest list of numbers that people type: what went back in pieces is counted
/// in one line.
pub(super) const NUMBERS_MOST: usize = 2000;

/// Nobody said what the forms are.
pub(super) fn not_said() -> Refusal {
    refused(
        "Nothing is chosen: what are they?",
        "Choose what both of you found.",
    )
}

/// What is wrong with typed numbers.
pub(super) fn no_number() -> Refusal {
    refused(
        "This is no number of a form.",
        "Read it from the form: digits only.",
    )
}

/// Which forms were found, and where.
pub(super) fn found_fields() -> Vec<Field> {
    vec![
        text("First form", "", "its printed number", NUMBER),
        text("Last form", "", "the same where it is one", NUMBER),
        text(
            "Where",
            "",
            "one sentence: where in the safe, who saw it",
            REASON_MOST,
        ),
    ]
}

/// The act of [`found_fields`].
pub(super) fn restock(from: &MissingFrom, values: &[String]) -> Result<RestockFoundForms, Refusal> {
    let value = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
    let (Some(first), Some(last)) = (number(value(0)), number(value(1))) else {
        return Err(no_number());
    };
    Ok(RestockFoundForms {
        from: from.clone(),
        first,
        last,
        reason: value(2).trim().to_owned(),
    })
}

impl Station {
    /// A reel comes out of the safe for a batch.
    pub(super) fn take_forms(
        &mut self,
        batch: &PinBatch,
        people: &mut dyn People,
    ) -> Result<Vec<String>, Undone> {
        let safe: Vec<String> = self
            .stocks()
            .iter()
            .filter(|stock| !stock.safe.is_empty() && stock.is_of(&batch.form))
            .map(|stock| format!("{}: {}", stock.lot, stock.safe.words()))
            .collect();
        let note = match safe.is_empty() {
            true => format!(
                "No blank form of the kind {} is in the safe: receive a delivery first (batches, s).",
                batch.form
            ),
            false => format!("In the safe, for this batch: {}", safe.join("; ")),
        };
        let mut prompt = question(
            "pins.take",
            batch,
            "Which forms come out of the safe?",
            &note,
        );
        prompt.ask = Ask::Form {
            fields: vec![
                text("First form", "", "its printed number", NUMBER),
                text("Last form", "", "its printed number", NUMBER),
            ],
            submit: "go on to the signatures".into(),
            done: None,
        };
        let action = self.foreseen_form(&mut prompt, people, |values| {
            let value = |at: usize| values.get(at).and_then(|v| number(v));
            let (Some(first), Some(last)) = (value(0), value(1)) else {
                return Err(no_number());
            };
            Ok(IssueForms {
                batch: BatchName::of(batch),
                first,
                last,
            })
        })?;
        let IssueForms { first, last, .. } = action;
        self.act(&action, "take out blank forms", people)?;
        Ok(vec![format!(
            "Forms {first} to {last} are out for this batch."
        )])
    }

    /// Blank forms that get no mailer.
    pub(super) fn forms_aside(
        &mut self,
        batch: &PinBatch,
        people: &mut dyn People,
    ) -> Result<Vec<String>, Undone> {
        const TEST: &str = "test prints";
        const TORN: &str = "torn, creased or printed on: destroyed now";
        const MISSING: &str = "not there: an incident";
        // What is left is counted next.
        let note = match returns(batch) || self.count_first(batch) {
            true => "Read their numbers on the forms; those that are left are counted.".to_owned(),
            false => format!("Blank and here: {}", batch.forms.blank.words()),
        };
        let mut prompt = question(
            "pins.aside",
            batch,
            "Which blank forms are not used?",
            &note,
        );
        prompt.ask = Ask::Form {
            fields: vec![
                text("First form", "", "its printed number", NUMBER),
                text("Last form", "", "the same where it is one", NUMBER),
                choose("They are", vec![TEST.into(), TORN.into(), MISSING.into()]),
                text(
                    "Reason",
                    "",
                    "one sentence: why, and who saw it",
                    REASON_MOST,
                ),
            ],
            submit: "go on to the signatures".into(),
            done: None,
        };
        let action = self.foreseen_form(&mut prompt, people, |values| {
            let value = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
            let (Some(first), Some(last)) = (number(value(0)), number(value(1))) else {
                return Err(no_number());
            };
            let aside = match value(2) {
                TEST => Aside::Test,
                TORN => Aside::Spoiled,
                MISSING => Aside::Missing,
                _ => return Err(not_said()),
            };
            Ok(SetFormsAside {
                batch: BatchName::of(batch),
                first,
                last,
                aside,
                reason: value(3).trim().to_owned(),
            })
        })?;
        self.act(&action, "set blank forms aside", people)?;
        Ok(vec![match action.first == action.last {
            true => format!("Form {} gets no mailer.", action.first),
            false => format!("Forms {} to {} get no mailer.", action.first, action.last),
        }])
    }

    /// Forms that were missing are here.
    pub(super) fn found_forms(
        &mut self,
        batch: &PinBatch,
        people: &mut dyn People,
    ) -> Result<Vec<String>, Undone> {
        let mut prompt = question(
            "pins.found",
            batch,
            "Which missing forms turned up?",
            "Do not open them. Destroy them now; both look on. No card gets its mailer back.",
        );
        prompt.ask = Ask::Form {
            fields: vec![
                text("First form", "", "its printed number", NUMBER),
                text("Last form", "", "the same where it is one", NUMBER),
                text(
                    "Where",
                    "",
                    "one sentence: where they were, closed or open",
                    REASON_MOST,
                ),
            ],
            submit: "go on to the signatures".into(),
            done: None,
        };
        let action = self.foreseen_form(&mut prompt, people, |values| {
            let value = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
            let (Some(first), Some(last)) = (number(value(0)), number(value(1))) else {
                return Err(no_number());
            };
            Ok(DestroyFoundForms {
                batch: BatchName::of(batch),
                first,
                last,
                reason: value(2).trim().to_owned(),
            })
        })?;
        self.act(&action, "destroy missing forms that turned up", people)?;
        let still = self.pin_batch(batch.id).map_err(Interrupted::Refused)?;
        Ok(vec![match still.missing_still().is_empty() {
            true => "They are destroyed; no form of this batch is missing now.".into(),
            false => format!(
                "They are destroyed; missing still: forms {}.",
                still.missing_still().words()
            ),
        }])
    }

    /// Forms that were missing while blank lay in the safe.
    pub(super) fn unused_forms(
        &mut self,
        batch: &PinBatch,
        people: &mut dyn People,
    ) -> Result<Vec<String>, Undone> {
        let mut prompt = question(
            "pins.unused",
            batch,
            "Which missing forms lay in the safe?",
            "Only blank ones that both of you found in the locked safe, whole. A form that lay \
             anywhere else is destroyed: A missing form turned up.",
        );
        prompt.ask = Ask::Form {
            fields: found_fields(),
            submit: "go on to the signatures".into(),
            done: None,
        };
        let from = MissingFrom::Batch(BatchName::of(batch));
        let action = self.foreseen_form(&mut prompt, people, |values| restock(&from, values))?;
        self.act(&action, "put found forms back", people)?;
        Ok(vec![format!(
            "Forms {} to {} are in the safe again; the batch's counts stay.",
            action.first, action.last
        )])
    }

    /// What is left goes back, as both counted it: the question does not say
    /// what is expected.
    pub(super) fn return_forms(
        &mut self,
        batch: &PinBatch,
        people: &mut dyn People,
    ) -> Result<Vec<String>, Undone> {
        let mut prompt = question(
            "pins.return",
            batch,
            "Which blank forms go back to the safe?",
            "All that are left. Both count them, and read the first and the last number of each \
             pile; what is typed is compared with the records.",
        );
        prompt.ask = Ask::Form {
            fields: vec![
                text("How many", "", "counted", 8),
                text("Numbers", "", "as 102 to 109, 115", NUMBERS_MOST),
            ],
            submit: "go on to the signatures".into(),
            done: None,
        };
        let action = loop {
            let values = filled(people, &mut prompt)?;
            let value = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
            let counted = value(1).trim().to_owned();
            match (number(value(0)), Ranges::typed(&counted)) {
                // Not foreseen: what is counted wrongly is signed for.
                (Some(count), Some(_)) => {
                    break ReturnForms {
                        batch: BatchName::of(batch),
                        count,
                        counted,
                    };
                }
                _ => {
                    prompt.refused = Some(refused(
                        "These are no numbers of forms.",
                        "How many there are, and their numbers: 102 to 109, 115.",
                    ));
                }
            }
        };
        let count = self.act(&action, "put blank forms back", people)?;
        Ok(vec![format!("{count} blank forms are back in the safe.")])
    }

    /// The batch goes on at another printer.
    pub(super) fn change_printer(
        &mut self,
        batch: &PinBatch,
        people: &mut dyn People,
    ) -> Result<Vec<String>, Undone> {
        let others: Vec<String> = self
            .enrolled_printers()
            .into_iter()
            .filter(|one| one.purpose == PrinterPurpose::Pins && one.name != batch.printer)
            .map(|one| one.name)
            .collect();
        let note = match others.is_empty() {
            true => {
                "No other printer of PIN mailers is enrolled: administrators do that (devices, e)."
            }
            false => {
                "It speaks the same language, and administrators have looked at a page of X's of \
                 this layout on it (devices, x). Print another on its first forms."
            }
        };
        let title = format!("Which printer instead of {}?", batch.printer);
        let mut prompt = question("pins.printer", batch, &title, note);
        prompt.ask = Ask::Form {
            fields: vec![
                sole("Printer", others.clone()),
                text("Reason", "", "one sentence", REASON_MOST),
            ],
            submit: "go on to the signatures".into(),
            done: None,
        };
        let action = self.foreseen_form(&mut prompt, people, |values| {
            let value = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
            let to = others.iter().find(|name| *name == value(0));
            let to = to.ok_or_else(|| {
                refused("No printer was chosen.", "Have administrators enrol one.")
            })?;
            Ok(ChangeBatchPrinter {
                batch: BatchName::of(batch),
                from: batch.printer.clone(),
                to: to.clone(),
                reason: value(1).trim().to_owned(),
            })
        })?;
        self.act(&action, "another printer for a batch", people)?;
        Ok(vec![format!("The batch is printed by {} now.", action.to)])
    }
}
