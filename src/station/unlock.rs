//! Unlocking a station that failed logons have locked: administrators sign.

use conclave_crypto::secret::Secret;
use conclave_evidence::GroupId;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use serde::{Deserialize, Serialize};

/// Unlocks the station.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UnlockStation {}

impl Action for UnlockStation {
    const NAME: &'static str = "unlock-station";
    const NEEDS_ROOM: bool = false;
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::Quorum(GroupId::Administrators)
    }

    fn words(&self) -> Vec<String> {
        vec!["Unlock the station and set the count of failed logons to zero".into()]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        Ok(permit.clear_guard()?)
    }
}
