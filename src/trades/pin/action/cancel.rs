//! Cards that wait are not issued after all.

use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::pin_batch::PinBatch;
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use serde::{Deserialize, Serialize};

use super::{BatchName, holders_sign, put, reason, rule, said};

/// Cancels cards that wait: the output says that they are to be reissued.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CancelCards {
    /// The batch.
    pub batch: BatchName,
    /// The first card, by its place in the file, from 1.
    pub first: u32,
    /// The last card.
    pub last: u32,
    /// Why, in one sentence.
    pub reason: String,
}

impl CancelCards {
    /// The batch afterwards, and how many cards that are.
    fn on(&self, mut batch: PinBatch) -> Result<(PinBatch, u64), ActionError> {
        reason(&self.reason)?;
        let cancelled = batch.cancel(self.first, self.last).map_err(rule)?;
        Ok((batch, cancelled))
    }
}

impl Action for CancelCards {
    const NAME: &'static str = "cancel-cards";
    type Out = u64;

    fn authority(&self) -> Authority {
        holders_sign(&self.batch)
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!(
                "Cancel cards {} to {} of {}",
                self.first,
                self.last,
                self.batch.words()
            ),
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
    ) -> Result<u64, ActionError> {
        let (batch, cancelled) = self.on(self.batch.get(permit)?)?;
        put(permit, &batch)?;
        Ok(cancelled)
    }

    fn outcome(&self, cancelled: &u64) -> Vec<String> {
        vec![format!("to be reissued: cards {cancelled}")]
    }
}
