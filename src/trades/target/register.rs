//! The register of bundles: a number is used once, whatever becomes of it.

use conclave_evidence::{Hash, Id};
use conclave_keyroom::door::{ActionError, Beforehand};
use conclave_keyroom::vault::{Compartment, Vault, VaultError};
use serde::{Deserialize, Serialize};

/// How far a bundle came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BundleState {
    /// Its number is used up. Where this stays, the export failed or was cut:
    /// no manifest of this number counts.
    Begun,
    /// Written, read back, and signed for.
    Written,
}

/// One number of the register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleRecord {
    /// Its record's id: made of the number.
    pub id: Id,
    /// The number.
    pub number: u64,
    /// For whom.
    pub recipient: String,
    /// The labels of the keys.
    pub labels: Vec<String>,
    /// The medium's name.
    pub medium: String,
    /// How far it came.
    pub state: BundleState,
    /// The manifest's digest, once written.
    pub manifest: Option<Hash>,
    /// When it was begun, wall clock.
    pub begun_ms: u64,
}

impl BundleRecord {
    /// The record's kind in the export compartment.
    pub const KIND: &'static str = "bundle";

    /// The id of a number's record.
    #[must_use]
    pub fn id_of(number: u64) -> Id {
        let mut id = *b"bundle--\0\0\0\0\0\0\0\0";
        id[8..].copy_from_slice(&number.to_be_bytes());
        Id(id)
    }
}

/// The last number that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Counter {
    last: u64,
}

const COUNTER: Id = Id(*b"bundle-counter--");
const COUNTER_KIND: &str = "bundle-counter";

fn after(last: Result<Counter, VaultError>) -> Result<u64, VaultError> {
    match last {
        Ok(counter) => Ok(counter.last.saturating_add(1)),
        Err(VaultError::Missing(_)) => Ok(1),
        Err(error) => Err(error),
    }
}

/// The number that the next bundle will have.
///
/// # Errors
/// [`VaultError::Closed`] unless key managers and approvers are logged on.
pub fn next_bundle(vault: &Vault) -> Result<u64, VaultError> {
    after(vault.get(Compartment::Export, COUNTER))
}

/// Uses a number up, with the act's intent.
///
/// # Errors
/// [`ActionError::Rule`] where it is not the next one.
pub(super) fn take(
    beforehand: &mut Beforehand<'_>,
    record: &BundleRecord,
) -> Result<(), ActionError> {
    let next = after(beforehand.get(Compartment::Export, COUNTER))?;
    if record.number != next {
        return Err(ActionError::rule(
            format!(
                "bundle {} was approved, and the next number is {next}: a number is used once",
                record.number
            ),
            format!("propose the export again, as bundle {next}"),
        ));
    }
    let counter = Counter { last: next };
    beforehand.put(Compartment::Export, COUNTER_KIND, COUNTER, &counter)?;
    beforehand.put(Compartment::Export, BundleRecord::KIND, record.id, record)?;
    Ok(())
}
