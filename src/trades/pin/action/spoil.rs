//! A printed form is no mailer: its PIN is void.

use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::pin_batch::{PinBatch, State};
use conclave_keyroom::domain::pin_card::Loss;
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use serde::{Deserialize, Serialize};

use super::{BatchName, both_sign, card, put, put_card, reason, rule, said};

/// Gives a printed mailer up. Its card waits for another PIN, or is reissued
/// where its PIN cannot change or its tries are used up.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpoilMailer {
    /// The batch.
    pub batch: BatchName,
    /// The form.
    pub form: u64,
    /// What became of it.
    pub loss: Loss,
    /// Why, in one sentence.
    pub reason: String,
}

/// What became of a card whose form was lost, in words.
pub(super) fn outcome(state: State) -> String {
    match state {
        State::Queued => "its card gets another PIN on another form".into(),
        _ => "its card is to be reissued".into(),
    }
}

impl SpoilMailer {
    /// The card whose mailer is on the form, if it is in this state.
    pub(super) fn card_in(&self, batch: &PinBatch, from: State) -> Result<u32, ActionError> {
        reason(&self.reason)?;
        batch.moves().map_err(rule)?;
        batch.holder(self.form, from).map_err(rule)
    }

    pub(super) fn spoil(&self, permit: &mut Permit<'_>, from: State) -> Result<State, ActionError> {
        let mut batch = self.batch.get(permit)?;
        let number = self.card_in(&batch, from)?;
        let mut card = card(permit, &batch, number)?;
        let now = permit.now_ms();
        let state = batch.spoil(&mut card, self.loss, now).map_err(rule)?;
        put_card(permit, &card)?;
        put(permit, &batch)?;
        Ok(state)
    }
}

impl Action for SpoilMailer {
    const NAME: &'static str = "spoil-mailer";
    type Out = State;

    fn authority(&self) -> Authority {
        both_sign()
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!(
                "The mailer on form {} of {} is void",
                self.form,
                self.batch.words()
            ),
            format!("the form: {}", self.loss.words()),
            format!("reason: {}", said(&self.reason)),
        ]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let batch = self.batch.beforehand(beforehand)?;
        self.card_in(&batch, State::Sent).map(drop)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<State, ActionError> {
        self.spoil(permit, State::Sent)
    }

    fn outcome(&self, state: &State) -> Vec<String> {
        vec![outcome(*state)]
    }
}
