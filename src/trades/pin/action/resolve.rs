//! An unknown mailer: people looked at the numbered form, and say what it is.

use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::pin_batch::State;
use conclave_keyroom::domain::pin_card::Loss;
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use serde::{Deserialize, Serialize};

use super::spoil::{self, SpoilMailer};
use super::{BatchName, both_sign, put, reason, rule, said};

/// What was found of an unknown mailer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// It is there, whole and closed: it goes out.
    Whole,
    /// It is no mailer.
    Lost(Loss),
}

/// Says what an unknown mailer is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolveUnknown {
    /// The batch.
    pub batch: BatchName,
    /// The form.
    pub form: u64,
    /// What was found.
    pub found: Found,
    /// Where and how, in one sentence.
    pub reason: String,
}

impl ResolveUnknown {
    fn lost(&self, loss: Loss) -> SpoilMailer {
        SpoilMailer {
            batch: self.batch.clone(),
            form: self.form,
            loss,
            reason: self.reason.clone(),
        }
    }
}

impl Action for ResolveUnknown {
    const NAME: &'static str = "resolve-unknown";
    type Out = State;

    fn authority(&self) -> Authority {
        both_sign()
    }

    fn words(&self) -> Vec<String> {
        let found = match self.found {
            Found::Whole => "it is there, whole and closed, and both of us have seen it".into(),
            Found::Lost(loss) => format!("it is void: {}", loss.words()),
        };
        vec![
            format!(
                "The unknown mailer on form {} of {}",
                self.form,
                self.batch.words()
            ),
            found,
            format!("found: {}", said(&self.reason)),
        ]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let mut batch = self.batch.beforehand(beforehand)?;
        reason(&self.reason)?;
        match self.found {
            Found::Whole => batch.found_whole(self.form).map_err(rule),
            Found::Lost(loss) => {
                let card = self.lost(loss).card_in(&batch, State::Unknown);
                card.map(drop)
            }
        }
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<State, ActionError> {
        match self.found {
            Found::Whole => {
                reason(&self.reason)?;
                let mut batch = self.batch.get(permit)?;
                batch.found_whole(self.form).map_err(rule)?;
                put(permit, &batch)?;
                Ok(State::Confirmed)
            }
            Found::Lost(loss) => self.lost(loss).spoil(permit, State::Unknown),
        }
    }

    fn outcome(&self, state: &State) -> Vec<String> {
        match state {
            State::Confirmed => vec!["the mailer is confirmed".into()],
            state => vec![spoil::outcome(*state)],
        }
    }
}
