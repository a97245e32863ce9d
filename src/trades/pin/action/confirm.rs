//! Two people hold a run of printed forms: whole, closed, of these numbers.

use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::pin_batch::{PinBatch, State};
use conclave_keyroom::domain::pin_seen::Shown;
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use serde::{Deserialize, Serialize};

use super::{BatchName, holders_sign, put, rule};

/// Confirms the mailers on these forms.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfirmMailers {
    /// The batch.
    pub batch: BatchName,
    /// The first form.
    pub first: u64,
    /// The last form.
    pub last: u64,
    /// The mailers that both read on these two.
    pub shows: Shown,
}

impl ConfirmMailers {
    /// The batch afterwards, and how many mailers that are.
    fn on(&self, mut batch: PinBatch) -> Result<(PinBatch, u32), ActionError> {
        let forms = (self.first, self.last);
        let confirmed = batch.confirm(forms, self.shows, State::Sent);
        let confirmed = confirmed.map_err(rule)?;
        Ok((batch, confirmed))
    }
}

impl Action for ConfirmMailers {
    const NAME: &'static str = "confirm-mailers";
    type Out = u32;

    fn authority(&self) -> Authority {
        holders_sign(&self.batch)
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!(
                "The mailers on forms {} to {} of {} are there",
                self.first,
                self.last,
                self.batch.words()
            ),
            self.shows.words(),
            "each is whole and closed, and both of us have seen it".into(),
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
    ) -> Result<u32, ActionError> {
        let (batch, confirmed) = self.on(self.batch.get(permit)?)?;
        put(permit, &batch)?;
        Ok(confirmed)
    }

    fn outcome(&self, confirmed: &u32) -> Vec<String> {
        vec![format!("{confirmed} mailers are confirmed")]
    }
}
