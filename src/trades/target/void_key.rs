//! A ceremony that ends without a key: whatever was made is void, and so is each bundle
//! in which it left.

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::key::{KeyRecord, KeyState};
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::{Compartment, VaultError};
use serde::{Deserialize, Serialize};

use super::void_bundle::void_all;
use crate::ceremony::action::{end_mandate, put_key};
use crate::ceremony::commitment;

/// Voids a ceremony's key, wipes its value, and ends the mandate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VoidKey {
    /// The ceremony.
    pub ceremony: Id,
    /// Its title.
    pub title: String,
    /// The key, where one was made.
    pub key: Option<Id>,
    /// Why.
    pub reason: String,
}

impl Action for VoidKey {
    const NAME: &'static str = "void-key";
    type Out = Vec<String>;

    fn authority(&self) -> Authority {
        // With a key value to wipe, both groups have to be there: neither
        // alone opens the keys.
        let mut parts = vec![Authority::Session(GroupId::KeyManagers)];
        if self.key.is_some() {
            parts.push(Authority::Session(GroupId::Approvers));
        }
        Authority::All(parts)
    }

    fn words(&self) -> Vec<String> {
        let mut words = vec![format!("The ceremony ended without a key: {}", self.title)];
        words.push(format!("reason: {}", self.reason));
        if self.key.is_some() {
            words.push("its key is void and is made afresh; destroy every printed sheet".into());
        }
        words
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<Vec<String>, ActionError> {
        let mut told = Vec::new();
        if let Some(key) = self.key {
            match permit.get::<KeyRecord>(Compartment::Catalogue, key) {
                Ok(mut record) => {
                    if !record.state.may_become(KeyState::Void) && record.state != KeyState::Void {
                        return Err(ActionError::rule(
                            format!("{} is {}", record.label, record.state.words()),
                            "A key in use is not voided; it is destroyed or replaced.",
                        ));
                    }
                    record.state = KeyState::Void;
                    record.void_sheets(permit.now_ms());
                    told = void_all(permit, &mut record)?;
                    put_key(permit, &record)?;
                    permit.delete(Compartment::Keys, key);
                }
                Err(VaultError::Missing(_)) => {}
                Err(error) => return Err(error.into()),
            }
            let (provider, ..) = permit.provider();
            provider.forget_components(key);
        }
        // Nothing partial is kept of an entry.
        let (provider, ..) = permit.provider();
        provider.forget_components(self.ceremony);
        for id in std::iter::once(self.ceremony).chain(self.key) {
            let id = commitment::id_of(id);
            if permit.get_secret(Compartment::Keys, id).is_ok() {
                permit.delete(Compartment::Keys, id);
            }
        }
        end_mandate(permit, self.ceremony, None)?;
        Ok(told)
    }

    fn outcome(&self, told: &Vec<String>) -> Vec<String> {
        told.clone()
    }
}
