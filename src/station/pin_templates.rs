//! Templates for files of cards: those that came with the program and those of
//! the station's folder `pins`. Administrators read what one says and sign it.

use conclave_keyroom::domain::pin_template::PinTemplateApproval;
use conclave_keyroom::door::Action;
use conclave_keyroom::ports::dialogue::{Ask, Field, People, Prompt, PromptLine, Refusal};
use conclave_keyroom::vault::Compartment;
use conclave_trades::pin::ApprovePinTemplate;
use conclave_trades::pin::Template;

use crate::approve::Undone;
use crate::cards::{Interrupted, filled};
use crate::ceremony::begin::{refused, sole};
use crate::pin_take_back::takes_back;
use crate::service::{ActEnd, stopped};
use crate::station::Station;

/// A template that waits for approval.
struct Waiting {
    /// As people choose it.
    shown: String,
    text: String,
}

impl Station {
    /// The templates by which a batch may be opened: of each name the one that
    /// was approved last.
    #[must_use]
    pub fn pin_templates(&self) -> Vec<PinTemplateApproval> {
        PinTemplateApproval::newest(self.approved_pin_templates())
    }

    fn approved_pin_templates(&self) -> Vec<PinTemplateApproval> {
        self.door
            .vault()
            .list::<PinTemplateApproval>(Compartment::Directory, PinTemplateApproval::KIND)
            .unwrap_or_default()
            .into_iter()
            .map(|(_, approval)| approval)
            .collect()
    }

    /// Asks which template is approved; administrators read it and sign.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn approve_pin_template(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.administrators_here()?;
        if !self.pin_templates().is_empty() {
            let choices = [
                ("Approve a template", "batches are opened by it"),
                ("Withdraw a template", "it opens no further batch"),
            ];
            match takes_back(("pin-template.what", "PIN templates"), choices, people) {
                Ok(true) => return self.withdraw_pin_template(people),
                Ok(false) => {}
                Err(why) => return stopped(why),
            }
        }
        let (waiting, faults) = self.pin_templates_waiting();
        if waiting.is_empty() {
            let mut refusal = self.refusal("no PIN template waits for approval");
            refusal.advice = match faults.first() {
                Some(first) => format!("Have this corrected: {first}"),
                None => "Put a template file into the station's folder pins.".into(),
            };
            return Err(refusal);
        }
        let done = ask_template(&waiting, &faults, people)
            .map_err(Undone::Interrupted)
            .and_then(|action| {
                self.act(&action, "approve a PIN template", people)?;
                Ok(action)
            });
        match done {
            Ok(action) => Ok(ActEnd::Done {
                good: true,
                title: "The PIN template is approved".into(),
                lines: action.words(),
            }),
            Err(undone) => self.undone(undone),
        }
    }

    /// What waits, and what is refused with its reason.
    fn pin_templates_waiting(&self) -> (Vec<Waiting>, Vec<String>) {
        let newest = self.pin_templates();
        let mut waiting = Vec::new();
        let mut faults = Vec::new();
        for (file, text) in self.data.pin_templates() {
            let template =
                text.and_then(
                    |text| match Template::parse(&text).map_err(|e| e.to_string()) {
                        Ok(template) => Ok((template, text)),
                        Err(why) => Err(why),
                    },
                );
            match template {
                Ok((_, text)) if newest.iter().any(|approved| approved.text == text) => {}
                Ok((template, text)) => {
                    let again = newest.iter().any(|a| a.name == template.name);
                    let changed = if again { ", changed" } else { "" };
                    waiting.push(Waiting {
                        shown: format!("{file}{changed}"),
                        text,
                    });
                }
                Err(why) => faults.push(format!("{file} is refused: {why}")),
            }
        }
        (waiting, faults)
    }
}

fn ask_template(
    waiting: &[Waiting],
    faults: &[String],
    people: &mut dyn People,
) -> Result<ApprovePinTemplate, Interrupted> {
    let choices: Vec<String> = waiting.iter().map(|one| one.shown.clone()).collect();
    let fields: Vec<Field> = vec![sole("Template", choices)];
    let mut prompt = Prompt {
        code: "pin-template.approve".into(),
        act: "Approve a PIN template".into(),
        title: "Which template?".into(),
        lines: faults.iter().map(PromptLine::note).collect(),
        ask: Ask::Form {
            fields,
            submit: "read it and sign".into(),
            done: None,
        },
        waiting_for: "administrators".into(),
        safe: "yes, nothing is changed before the last signature".into(),
        why: "The template decides how PINs are made and what goes back to the issuer; the file \
              of cards can change none of it. Compare each line with what the issuer gave you \
              in writing."
            .into(),
        ..Prompt::default()
    };
    loop {
        let values = filled(people, &mut prompt)?;
        let chosen = waiting
            .iter()
            .find(|one| values.first() == Some(&one.shown));
        if let Some(chosen) = chosen {
            return Ok(ApprovePinTemplate {
                template: chosen.text.clone(),
            });
        }
        prompt.refused = Some(refused("Which template?", "Choose one of the list."));
    }
}
