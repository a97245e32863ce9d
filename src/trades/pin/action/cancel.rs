//! A card that waits is not issued after all.

use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::pin_batch::PinBatch;
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use serde::{Deserialize, Serialize};

use super::{BatchName, both_sign, put, reason, rule, said};

/// Cancels a card that waits: the output says that it is to be reissued.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CancelCard {
    /// The batch.
    pub batch: BatchName,
    /// Which card of the file, from 1.
    pub card: u32,
    /// Why, in one sentence.
    pub reason: String,
}

impl CancelCard {
    fn on(&self, mut batch: PinBatch) -> Result<PinBatch, ActionError> {
        reason(&self.reason)?;
        batch.cancel(self.card).map_err(rule)?;
        Ok(batch)
    }
}

impl Action for CancelCard {
    const NAME: &'static str = "cancel-card";
    type Out = ();

    fn authority(&self) -> Authority {
        both_sign()
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!("Cancel card {} of {}", self.card, self.batch.words()),
            format!("reason: {}", said(&self.reason)),
        ]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        self.on(self.batch.beforehand(beforehand)?).map(drop)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let batch = self.on(self.batch.get(permit)?)?;
        put(permit, &batch)
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec!["the card is to be reissued".into()]
    }
}
