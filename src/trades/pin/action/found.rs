//! Forms that were missing turn up: they are destroyed, and the incident ends.

use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::pin_batch::PinBatch;
use conclave_keyroom::domain::pin_said::{Became, FormsSaid};
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::{BatchName, both_sign, put, reason, said, signing};

/// Says that missing forms were found and destroyed. No number of mailers changes:
/// their PINs are void, or their cards are reissued, as it was said then. It may be
/// said as long as the batch is on record, also after a restore and after the purge.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DestroyFoundForms {
    /// The batch.
    pub batch: BatchName,
    /// The first form.
    pub first: u64,
    /// The last form.
    pub last: u64,
    /// Where they were, and whether they were closed, in one sentence.
    pub reason: String,
}

impl DestroyFoundForms {
    fn check(&self, batch: &PinBatch) -> Result<(), ActionError> {
        reason(&self.reason)?;
        let mut missing = batch.missing_still();
        missing.remove(self.first, self.last).map_err(|_| {
            ActionError::rule(
                format!(
                    "not all of forms {} to {} were said to be missing from this batch",
                    self.first, self.last
                ),
                "Read the numbers on the forms again. A form that was said to be destroyed and \
                 is here is an incident of its own: call whoever is responsible.",
            )
        })
    }
}

impl Action for DestroyFoundForms {
    const NAME: &'static str = "destroy-found-forms";
    type Out = ();

    fn authority(&self) -> Authority {
        both_sign()
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!(
                "Forms {} to {} of {}, which were missing, are found",
                self.first,
                self.last,
                self.batch.words()
            ),
            "they are destroyed, and both of us have seen it".into(),
            "no card gets its mailer back: what was said of it stays".into(),
            format!("where, and how they were: {}", said(&self.reason)),
        ]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let found = beforehand.get(Compartment::Pins, self.batch.id);
        self.check(&self.batch.same(found)?)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let mut batch = self.batch.on_record(permit)?;
        self.check(&batch)?;
        batch.said.push(FormsSaid {
            first: self.first,
            last: self.last,
            unknown: false,
            became: Became::Found,
            reason: self.reason.trim().to_owned(),
            signed: signing(permit),
        });
        put(permit, &batch)
    }
}
