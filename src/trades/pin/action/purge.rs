//! What a batch had of cards goes, when its output is where it belongs (R31).

use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::pin_batch::{BatchLayout, PinBatch, Stage};
use conclave_keyroom::domain::pin_card::PinCard;
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Mandate, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use conclave_keyroom::vault::batch_key::batch_key_id;
use serde::{Deserialize, Serialize};

use crate::pin::marks;

use super::{BatchName, both_sign, put, reason, said};

/// Deletes the cards of a batch: card numbers, names, addresses, PIN blocks and
/// the values that prove PINs. Its numbers stay.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurgeBatch {
    /// The batch.
    pub batch: BatchName,
    /// How the recipient confirmed the output: its receipt's number.
    pub receipt: String,
}

impl PurgeBatch {
    fn check(&self, batch: &PinBatch) -> Result<(), ActionError> {
        reason(&self.receipt)?;
        let stage = batch.stage();
        match stage == Stage::Reconciled {
            true => Ok(()),
            false => Err(ActionError::rule(
                format!(
                    "this batch is not exported and reconciled: {}",
                    stage.words()
                ),
                "Purge it when its output is confirmed and its sheet is signed.",
            )),
        }
    }
}

impl Action for PurgeBatch {
    const NAME: &'static str = "purge-batch";
    type Out = u32;

    fn authority(&self) -> Authority {
        both_sign()
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!(
                "Delete all cards, names and PIN blocks of {}",
                self.batch.words()
            ),
            format!("its output is confirmed: {}", said(&self.receipt)),
            "for 400 days the station knows each of these cards again, by a digest under a key of \
             its vault"
                .into(),
            "backups that were made before still have them, and open with their quorums: they \
             must be destroyed"
                .into(),
        ]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        self.check(&self.batch.beforehand(beforehand)?)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<u32, ActionError> {
        let mut batch = self.batch.get(permit)?;
        self.check(&batch)?;
        marks::purge(permit, &batch)?;
        for number in 1..=batch.count {
            permit.delete(Compartment::Pins, PinCard::id_of(batch.id, number));
        }
        // Old bytes of the cards are in the store's file for a while: without
        // this they open for nobody.
        permit.delete(Compartment::Pins, batch_key_id(batch.id));
        permit.delete(Compartment::Pins, BatchLayout::id_of(batch.id));
        permit.delete(Compartment::Pins, Mandate::id_of(batch.id));
        batch.printed.clear();
        batch.purged_ms = Some(permit.now_ms());
        put(permit, &batch)?;
        Ok(batch.count)
    }

    fn outcome(&self, count: &u32) -> Vec<String> {
        vec![format!(
            "{count} cards and their batch's key are deleted; the counts stay"
        )]
    }
}
