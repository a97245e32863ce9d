//! Settling an act that a cut left open: the journal has its intent and no
//! outcome, so people look what is the case, and administrators sign what they
//! found.

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::permission::Permission;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::dialogue::{
    Answer, Ask, Choice, Field, FieldKind, People, Prompt, PromptLine, Refusal,
};
use conclave_keyroom::vault::{Compartment, OpenIntent};
use conclave_trades::ceremony::State;
use serde::{Deserialize, Serialize};

use crate::cards::ask;
use crate::doctor::exception::{REASON_MAX, check_reason};
use crate::service::{ActEnd, stopped};
use crate::station::Station;

/// Says what became of an act that is UNKNOWN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettleAct {
    /// The act.
    pub act: Id,
    /// Its action's name.
    pub action: String,
    /// The number of its intent in the journal.
    pub seq: u64,
    /// What was found, in one sentence.
    pub found: String,
}

impl Action for SettleAct {
    const NAME: &'static str = "settle-act";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::Quorum(GroupId::Administrators)
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!("Settle {} (journal {}), UNKNOWN", self.action, self.seq),
            format!("Found: {}", self.found),
        ]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        check_reason(&self.found)?;
        let wanted = OpenIntent {
            act: self.act,
            action: self.action.clone(),
            seq: self.seq,
        };
        if permit.act() == self.act || !permit.vault().open_intents()?.contains(&wanted) {
            return Err(ActionError::rule(
                "there is no such act without an outcome",
                "Look at the tasks again.",
            ));
        }
        let ceremonies: Vec<(Id, State)> = permit.list(Compartment::Catalogue, State::KIND)?;
        if ceremonies.iter().any(|(_, state)| !state.over) {
            return Err(ActionError::rule(
                "a ceremony is not over, and its end says what became of its acts",
                "Go on with the ceremony first; what is left then is settled here.",
            ));
        }
        permit.close_act(
            self.act,
            &self.action,
            vec![format!("settled by administrators: {}", self.found)],
        );
        Ok(())
    }
}

/// What has to be looked at before an act of this name is settled.
pub(crate) fn advice(action: &str) -> &'static str {
    match action {
        "print-component" => {
            "Look into the printer, the paper path and the bin. A sheet that came out is destroyed \
             under witness; the key of that set is void."
        }
        "export-keys" | "make-backup" => {
            "Look at the medium: a folder without a manifest is unfinished. Destroy it, and check \
             the sequence numbers of what was handed over."
        }
        "export-batch" => {
            "Look at the medium: where an output may stand whole, destroy it. The next export \
             has the next number, and the issuer takes one alone."
        }
        "print-mailers" => {
            "Look at the forms of the last window, one by one: the batch counts each of them as \
             unknown until both of you say what became of it."
        }
        _ => "Compare the journal, the devices and the papers with what the act says.",
    }
}

impl Station {
    /// Administrators say of an act that a cut left open what they found.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn settle_act(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.administrators_here()?;
        let open = self.door.vault().open_intents();
        let open = open.map_err(|error| self.refusal(&error.to_string()))?;
        if open.is_empty() {
            return Err(Refusal {
                happened: "No act is UNKNOWN: each has its outcome.".into(),
                safe: "Nothing was changed.".into(),
                advice: "There is nothing to settle.".into(),
            });
        }
        let mut which = Prompt {
            code: "settle.which".into(),
            act: "Settle an UNKNOWN act".into(),
            title: "Which one?".into(),
            ask: Ask::Choose {
                options: open
                    .iter()
                    .map(|intent| Choice {
                        label: intent.action.clone(),
                        detail: format!("journal {}", intent.seq),
                    })
                    .collect(),
            },
            waiting_for: "administrators".into(),
            safe: "yes, nothing is changed before the administrators have signed".into(),
            why: "The power went, or the program ended, between the intent of this act and its \
                  outcome. What it did outside this machine only people can see."
                .into(),
            ..Prompt::default()
        };
        let intent = loop {
            match ask(people, &mut which, &mut |_| Ok(false)) {
                Ok(Answer::Chosen(at)) => {
                    if let Some(intent) = open.get(at) {
                        break intent;
                    }
                }
                Ok(_) => {}
                Err(why) => return stopped(why),
            }
        };
        let mut question = Prompt {
            code: "settle.found".into(),
            title: format!("{}, journal {}", intent.action, intent.seq),
            lines: vec![PromptLine::note(advice(&intent.action))],
            ask: Ask::Form {
                fields: vec![Field {
                    label: "Found".into(),
                    kind: FieldKind::Text(REASON_MAX),
                    value: String::new(),
                    hint: "in one sentence".into(),
                }],
                submit: "go on to the signatures".into(),
                done: None,
            },
            ..which
        };
        let found = loop {
            let values = match ask(people, &mut question, &mut |_| Ok(false)) {
                Ok(Answer::Fields(values)) => values,
                Ok(_) => continue,
                Err(why) => return stopped(why),
            };
            let found = values.into_iter().next().unwrap_or_default();
            match check_reason(&found) {
                Ok(()) => break found,
                Err(_) => {
                    question.refused = Some(Refusal {
                        happened: "That says nothing.".into(),
                        safe: question.safe.clone(),
                        advice: format!("One sentence, at most {REASON_MAX} characters."),
                    });
                }
            }
        };
        let action = SettleAct {
            act: intent.act,
            action: intent.action.clone(),
            seq: intent.seq,
            found,
        };
        match self.act(&action, "Settle an UNKNOWN act", people) {
            Ok(()) => Ok(ActEnd::Done {
                good: true,
                title: format!("{} (journal {}) is settled", action.action, action.seq),
                lines: vec![action.found],
            }),
            Err(undone) => self.undone(undone),
        }
    }
}
