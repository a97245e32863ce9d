//! A window that a cut left open: each of its mailers is unknown.

use conclave_crypto::secret::Secret;
use conclave_evidence::Id;
use conclave_keyroom::domain::permission::Permission;
use conclave_keyroom::domain::pin_batch::PinBatch;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::{PrintMailers, both_here, put, refused, rule};

/// Sets what was about to be printed when the station stopped to unknown, in
/// every batch, and says so of the acts that have no outcome. Nothing prints
/// while this runs: one act runs at a time.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettleInterrupted {}

impl Action for SettleInterrupted {
    const NAME: &'static str = "settle-interrupted";
    type Out = usize;

    fn authority(&self) -> Authority {
        Authority::All(both_here())
    }

    fn words(&self) -> Vec<String> {
        vec!["Mailers that were about to be printed when the station stopped are unknown".into()]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<usize, ActionError> {
        let all: Vec<(Id, PinBatch)> = permit.list(Compartment::Pins, PinBatch::KIND)?;
        let mut unknown = 0;
        for (_, mut batch) in all {
            let cut = batch.interrupted().map_err(rule)?;
            if cut > 0 {
                unknown += cut;
                put(permit, &batch)?;
            }
        }
        let here = permit.act();
        let open = permit.vault().open_intents()?.into_iter();
        let open: Vec<_> = open
            .filter(|intent| intent.action == PrintMailers::NAME && intent.act != here)
            .collect();
        if unknown == 0 && open.is_empty() {
            return Err(refused("no window of mailers was interrupted"));
        }
        for intent in open {
            let words = vec!["interrupted: what it was about to print is unknown".into()];
            permit.close_act(intent.act, PrintMailers::NAME, words);
        }
        Ok(unknown)
    }

    fn outcome(&self, unknown: &usize) -> Vec<String> {
        vec![format!("{unknown} mailers are unknown")]
    }
}
