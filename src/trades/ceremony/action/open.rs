//! Opening a ceremony: both quorums sign the mandate on the script's digest.

use std::collections::BTreeMap;

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Hash, Id};
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Mandate, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::{Compartment, VaultError};
use serde::{Deserialize, Serialize};

use super::super::state::State;

/// How long a mandate lasts at most (R: entry ceremonies, 24 hours).
pub const MANDATE_MS: u64 = 24 * 3600 * 1000;

/// Opens a ceremony.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OpenCeremony {
    /// The ceremony's id.
    pub ceremony: Id,
    /// Its title, with the key's label.
    pub title: String,
    /// SHA-256 of the script's exact bytes.
    pub script: Hash,
    /// Digest over parameters and cast.
    pub parameters: Hash,
    /// How often each action may run under the mandate.
    pub limits: BTreeMap<String, u32>,
    /// Who has, or once had, a part of the key: [`State::had_parts`] of its record. None
    /// of them signs it, nor is one of a quorum under its mandate (R13).
    #[serde(default)]
    pub barred: Vec<Id>,
    /// What the people are shown of script, parameters and cast.
    pub summary: Vec<String>,
}

impl Action for OpenCeremony {
    const NAME: &'static str = "open-ceremony";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Quorum(GroupId::KeyManagers),
            Authority::Quorum(GroupId::Approvers),
            Authority::NotBy(self.barred.clone()),
        ])
    }

    fn words(&self) -> Vec<String> {
        let mut words = vec![format!("Open the ceremony: {}", self.title)];
        words.extend(self.summary.iter().cloned());
        words.push(format!("Script SHA-256 {}", self.script));
        words
    }

    /// The record of the ceremony says who plays in it, not whoever asks.
    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let other = |rule: &str| Err(ActionError::rule(rule, "Begin the ceremony again."));
        let state: State = match beforehand.get(Compartment::Catalogue, self.ceremony) {
            Err(VaultError::Missing(_)) => return other("no such ceremony is on record"),
            found => found?,
        };
        if state.parameters_digest().ok() != Some(self.parameters) {
            return other("the ceremony on record has other parameters, or another cast");
        }
        match state.had_parts() == self.barred {
            true => Ok(()),
            false => other("the record names others who have, or had, a part of the key (R13)"),
        }
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        if permit
            .get::<Mandate>(Compartment::Catalogue, Mandate::id_of(self.ceremony))
            .is_ok()
        {
            return Err(ActionError::rule(
                "this ceremony was opened before",
                "Start a new one.",
            ));
        }
        let mandate = Mandate {
            ceremony: self.ceremony,
            incarnation: permit.authority()?.incarnation,
            script: self.script,
            parameters: self.parameters,
            left: self.limits.clone(),
            expires_ms: permit.now_ms() + MANDATE_MS,
            closed: false,
            barred: self.barred.clone(),
            minutes: None,
        };
        permit.put(
            Compartment::Catalogue,
            Mandate::KIND,
            Mandate::id_of(self.ceremony),
            &mandate,
        )?;
        Ok(())
    }
}
