//! How often what came under a wrapping key may fail to give a key: the station
//! tells nobody how near a forged block came.

use conclave_evidence::Id;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::door::{ActionError, Beforehand, Permit};
use conclave_keyroom::vault::{Compartment, VaultError};
use serde::{Deserialize, Serialize};

/// Blocks that may fail under one wrapping key within [`WINDOW_MS`].
pub const FAILURES_MOST: usize = 5;
/// One hour.
pub const WINDOW_MS: u64 = 3_600_000;

/// When blocks failed under a wrapping key.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ImportTries {
    /// Wall clock, oldest first. A try that has not ended counts as failed.
    pub failed_ms: Vec<u64>,
}

impl ImportTries {
    /// The record's kind in the catalogue.
    pub const KIND: &'static str = "import-tries";

    /// The record's id, of the wrapping key's.
    #[must_use]
    pub fn id_of(under: Id) -> Id {
        let mut id = under.0;
        id.iter_mut().for_each(|byte| *byte ^= 0x99);
        Id(id)
    }
}

/// Counts a try under a wrapping key as failed, before it is made.
pub(super) fn take(beforehand: &mut Beforehand<'_>, under: &KeyRecord) -> Result<(), ActionError> {
    let now = beforehand.now_ms();
    let id = ImportTries::id_of(under.id);
    let mut tries: ImportTries = match beforehand.get(Compartment::Catalogue, id) {
        Ok(tries) => tries,
        Err(VaultError::Missing(_)) => ImportTries::default(),
        Err(error) => return Err(error.into()),
    };
    // A clock that was set back makes no try older.
    tries
        .failed_ms
        .retain(|at| now.saturating_sub(*at) < WINDOW_MS);
    if tries.failed_ms.len() >= FAILURES_MOST {
        return Err(ActionError::rule(
            format!(
                "{FAILURES_MOST} blocks failed under {} within an hour: no more are tried",
                under.label
            ),
            "Find out with the partner what is wrong, and come back in an hour.",
        ));
    }
    tries.failed_ms.push(now);
    Ok(beforehand.put(Compartment::Catalogue, ImportTries::KIND, id, &tries)?)
}

/// This try did not fail.
pub(super) fn give_back(permit: &mut Permit<'_>, under: Id) -> Result<(), ActionError> {
    let id = ImportTries::id_of(under);
    let mut tries: ImportTries = permit.get(Compartment::Catalogue, id)?;
    tries.failed_ms.pop();
    Ok(permit.put(Compartment::Catalogue, ImportTries::KIND, id, &tries)?)
}
