//! Closing a ceremony: the mandate ends, the key becomes active, the minutes
//! are signed.

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Hash, Id};
use conclave_keyroom::domain::key::{ComponentState, KeyState};
use conclave_keyroom::domain::part_set::SetState;
use conclave_keyroom::door::{Action, ActionError, Authority, Mandate, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::super::state::Player;

/// Closes a ceremony.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CloseCeremony {
    /// The ceremony.
    pub ceremony: Id,
    /// Its title.
    pub title: String,
    /// The key it made, or was about.
    pub key: Id,
    /// SHA-256 of the minutes as printed.
    pub minutes: Hash,
    /// Who signs.
    pub signers: Vec<Player>,
}

impl Action for CloseCeremony {
    const NAME: &'static str = "close-ceremony";
    type Out = ();

    fn authority(&self) -> Authority {
        let mut parts = vec![
            Authority::Mandate(self.ceremony),
            Authority::Session(GroupId::KeyManagers),
        ];
        parts.extend(
            self.signers
                .iter()
                .map(|s| Authority::Person(s.id, s.group)),
        );
        Authority::All(parts)
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!("Close the ceremony: {}", self.title),
            format!("Minutes SHA-256 {}", self.minutes),
        ]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let mut record = super::key_record(permit, self.key)?;
        let coming = record
            .set(self.ceremony)
            .filter(|s| s.state == SetState::Coming);
        let is_coming = coming.is_some();
        // Of a key that is no more, sheets are destroyed: nothing is sealed.
        let over = matches!(record.state, KeyState::Void | KeyState::Destroyed);
        if !over
            && coming
                .map_or(record.components.as_slice(), |s| s.parts.as_slice())
                .iter()
                .any(|c| matches!(c.state, ComponentState::Waiting | ComponentState::Printed))
        {
            return Err(ActionError::rule(
                "a component is not sealed yet",
                "Seal it, or abandon the ceremony: the key is then void.",
            ));
        }
        if record.state == KeyState::PreActivation {
            record.state = KeyState::Active;
            super::put_key(permit, &record)?;
        }
        if is_coming {
            record.keep(self.ceremony, permit.now_ms());
            super::put_key(permit, &record)?;
        }
        let (provider, ..) = permit.provider();
        provider.forget_components(self.key);
        provider.forget_components(self.ceremony);
        end_mandate(permit, self.ceremony, Some(self.minutes))
    }
}

/// Ends a mandate, if there is one, with the minutes that were signed for it.
pub(crate) fn end_mandate(
    permit: &mut Permit<'_>,
    ceremony: Id,
    minutes: Option<Hash>,
) -> Result<(), ActionError> {
    let id = Mandate::id_of(ceremony);
    if let Ok(mut mandate) = permit.get::<Mandate>(Compartment::Catalogue, id) {
        mandate.closed = true;
        mandate.minutes = minutes;
        permit.put(Compartment::Catalogue, Mandate::KIND, id, &mandate)?;
    }
    Ok(())
}
