//! A batch that came back with a restore: two people say that they know what
//! its records do not.

use conclave_crypto::secret::Secret;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use serde::{Deserialize, Serialize};

use super::{BatchName, both_sign, put, refused, rule};

/// Settles a batch of before the restore: see
/// [`conclave_keyroom::domain::pin_batch::PinBatch::settle_restored`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettleRestoredBatch {
    /// The batch.
    pub batch: BatchName,
    /// Cards that wait by the records: they are reissued.
    pub waiting: u64,
}

impl Action for SettleRestoredBatch {
    const NAME: &'static str = "settle-restored-batch";
    /// Cards that were cancelled, and mailers that are unknown now.
    type Out = (u64, u64);

    fn authority(&self) -> Authority {
        both_sign()
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!("Settle {} after the restore", self.batch.words()),
            format!(
                "{} cards that wait by the records may have been printed since the backup: they \
                 get no mailer from this batch, and are reissued",
                self.waiting
            ),
            "mailers that were printed and not confirmed are unknown; none is replaced; the \
             blank forms are counted"
                .into(),
            "a confirmed mailer may have been destroyed and replaced since the backup: each that \
             does not lie there under its number, and was not posted, is said to be missing \
             before the output leaves"
                .into(),
            "the issuer was asked whether an output of this batch has come since the backup".into(),
        ]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(u64, u64), ActionError> {
        let here = permit.authority()?.incarnation;
        let mut batch = self.batch.on_record(permit)?;
        if !batch.is_restored(here) {
            return Err(refused("this batch is settled: no restore came after it"));
        }
        if batch.cards.waiting.count() != self.waiting {
            return Err(refused("another number of cards waits"));
        }
        let done = batch.settle_restored(here).map_err(rule)?;
        put(permit, &batch)?;
        Ok(done)
    }

    fn outcome(&self, (cancelled, unknown): &(u64, u64)) -> Vec<String> {
        vec![
            format!("{cancelled} cards are to be reissued"),
            format!("{unknown} mailers are unknown: people look at their forms"),
        ]
    }
}
