//! The ceremony's record, before and after each step.

use conclave_crypto::secret::Secret;
use conclave_evidence::GroupId;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::super::state::State;

/// Records where a ceremony stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecordStep {
    /// The whole state; nothing in it is secret.
    pub state: State,
    /// What happened, for the journal.
    pub words: Vec<String>,
}

impl Action for RecordStep {
    const NAME: &'static str = "record-step";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::Session(GroupId::KeyManagers)
    }

    fn words(&self) -> Vec<String> {
        self.words.clone()
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        permit.put(
            Compartment::Catalogue,
            State::KIND,
            self.state.ceremony,
            &self.state,
        )?;
        Ok(())
    }
}
