//! A new set of parts that did not become whole: void, and nothing else is.

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::domain::part_set::SetState;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::{Compartment, VaultError};
use serde::{Deserialize, Serialize};

use super::super::commitment;

/// Voids a ceremony's set of parts, and ends the mandate. The key and what was
/// in custody of it before stay as they are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VoidSet {
    /// The ceremony.
    pub ceremony: Id,
    /// Its title.
    pub title: String,
    /// The key.
    pub key: Id,
    /// Why.
    pub reason: String,
}

impl Action for VoidSet {
    const NAME: &'static str = "void-set";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Session(GroupId::KeyManagers),
            Authority::Session(GroupId::Approvers),
        ])
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!("The ceremony ended without a new set: {}", self.title),
            format!("reason: {}", self.reason),
            "the key and its sheets in custody stay as they were; destroy every sheet of the new set"
                .into(),
        ]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        match permit.get::<KeyRecord>(Compartment::Catalogue, self.key) {
            Ok(mut record) => {
                let now = permit.now_ms();
                let set = record.set_mut(self.ceremony);
                if let Some(set) = set.filter(|s| s.state == SetState::Coming) {
                    set.state = SetState::Void;
                    set.since_ms = now;
                    super::put_key(permit, &record)?;
                    let id = commitment::id_of(self.ceremony);
                    if permit.get_secret(Compartment::Keys, id).is_ok() {
                        permit.delete(Compartment::Keys, id);
                    }
                }
            }
            Err(VaultError::Missing(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let (provider, ..) = permit.provider();
        provider.forget_components(self.ceremony);
        super::close::end_mandate(permit, self.ceremony, None)
    }
}
