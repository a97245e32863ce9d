//! How often what came under a wrapping key may fail to give a key: the station
//! tells nobody how near a forged block came.

use conclave_evidence::Id;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::domain::tries::{FAILURES_MOST, FailedTries};
use conclave_keyroom::door::{ActionError, Beforehand, Permit};
use conclave_keyroom::vault::{Compartment, VaultError};

/// The record's kind in the catalogue.
const KIND: &str = "import-tries";

/// Counts a try under a wrapping key as failed, before it is made: one that has
/// not ended counts.
pub(super) fn take(beforehand: &mut Beforehand<'_>, under: &KeyRecord) -> Result<(), ActionError> {
    let now = beforehand.moment();
    let id = FailedTries::id_of(under.id);
    let mut tries: FailedTries = match beforehand.get(Compartment::Catalogue, id) {
        Ok(tries) => tries,
        Err(VaultError::Missing(_)) => FailedTries::default(),
        Err(error) => return Err(error.into()),
    };
    if !tries.may_try(now) {
        return Err(ActionError::rule(
            format!(
                "{FAILURES_MOST} blocks failed under {} within an hour: no more are tried",
                under.label
            ),
            "Find out with the partner what is wrong. The hour counts while the station runs: neither \
             a clock nor a restart shortens it.",
        ));
    }
    tries.failed.push(now);
    Ok(beforehand.put(Compartment::Catalogue, KIND, id, &tries)?)
}

/// This try did not fail.
pub(super) fn give_back(permit: &mut Permit<'_>, under: Id) -> Result<(), ActionError> {
    let id = FailedTries::id_of(under);
    let mut tries: FailedTries = permit.get(Compartment::Catalogue, id)?;
    tries.failed.pop();
    Ok(permit.put(Compartment::Catalogue, KIND, id, &tries)?)
}
