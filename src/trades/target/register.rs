//! The register of bundles: a number is used once, whatever becomes of it.

use conclave_evidence::{Hash, Id};
use conclave_keyroom::domain::second_reading::SecondReading;
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
    /// It was written, and is worth nothing: its medium gave back something else later,
    /// its ceremony ended without the key, or people say so. No receipt of it is wanted.
    Void,
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
    /// While it is begun: the keys of which its intent was the first to say that a
    /// cryptogram may be outside under this wrapping key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub first_under: Vec<Id>,
    /// The medium's name.
    pub medium: String,
    /// How far it came.
    pub state: BundleState,
    /// The manifest's digest, once written.
    pub manifest: Option<Hash>,
    /// When it was begun, wall clock.
    pub begun_ms: u64,
    /// The keys in it.
    #[serde(default)]
    pub keys: Vec<Id>,
    /// What the other side says, once a receipt came back.
    #[serde(default)]
    pub received: Option<Received>,
    /// Whether it was read again after its medium was pulled and put back; nothing for one
    /// that left before that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<SecondReading>,
}

/// What a receipt said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// Who.
    pub by: String,
    /// When it was filed, wall clock.
    pub at_ms: u64,
    /// What is not as it should be, in words; nothing where all is.
    pub differs: Vec<String>,
}

impl BundleRecord {
    /// TRUE while it may be made void: it counts, and the other side has not said that
    /// every key came as it is.
    #[must_use]
    pub fn may_be_void(&self) -> bool {
        self.state == BundleState::Written
            && self.received.as_ref().is_none_or(|r| !r.differs.is_empty())
    }

    /// TRUE while a receipt is wanted: it left, and nothing came back, or
    /// something that differs.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.state == BundleState::Written
            && !self.keys.is_empty()
            && self.received.as_ref().is_none_or(|r| !r.differs.is_empty())
    }

    /// TRUE while it should be read again: it counts, nobody read it since its medium was
    /// pulled, and the other side has not seen every key as it is.
    #[must_use]
    pub fn lacks_reading(&self) -> bool {
        self.again == Some(SecondReading::Wanted)
            && self.state == BundleState::Written
            && self.received.as_ref().is_none_or(|r| !r.differs.is_empty())
    }

    /// What a bundle of this state wants.
    #[must_use]
    pub fn reading_of(state: BundleState) -> Option<SecondReading> {
        (state == BundleState::Written).then_some(SecondReading::Wanted)
    }

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
    /// In which incarnation; none for the first.
    #[serde(default)]
    incarnation: Option<Id>,
}

/// How many numbers a restore leaves out: those that may have been used in the
/// history that was lost.
const GAP: u64 = 1000;

const COUNTER: Id = Id(*b"bundle-counter--");
const COUNTER_KIND: &str = "bundle-counter";

/// The number after the last; the first of an incarnation comes after a gap.
fn after(last: Result<Counter, VaultError>, incarnations: &[Id]) -> Result<u64, VaultError> {
    let (last, of) = match last {
        Ok(counter) => (counter.last, counter.incarnation),
        Err(VaultError::Missing(_)) => (0, None),
        Err(error) => return Err(error),
    };
    let of = of.as_ref().or(incarnations.first());
    let gap = if of == incarnations.last() { 0 } else { GAP };
    Ok(last.saturating_add(gap).saturating_add(1))
}

/// The number that the next bundle will have.
///
/// # Errors
/// [`VaultError::Closed`] unless key managers and approvers are logged on.
pub fn next_bundle(vault: &Vault) -> Result<u64, VaultError> {
    after(
        vault.get(Compartment::Export, COUNTER),
        &vault.incarnations()?,
    )
}

/// Uses a number up, with the act's intent.
///
/// # Errors
/// [`ActionError::Rule`] where it is not the next one.
pub(crate) fn take(
    beforehand: &mut Beforehand<'_>,
    record: &BundleRecord,
) -> Result<(), ActionError> {
    let incarnations = beforehand.incarnations()?;
    let next = after(beforehand.get(Compartment::Export, COUNTER), &incarnations)?;
    if record.number != next {
        return Err(ActionError::rule(
            format!(
                "bundle {} was approved, and the next number is {next}: a number is used once",
                record.number
            ),
            format!("propose the export again, as bundle {next}"),
        ));
    }
    let counter = Counter {
        last: next,
        incarnation: incarnations.last().copied(),
    };
    beforehand.put(Compartment::Export, COUNTER_KIND, COUNTER, &counter)?;
    beforehand.put(Compartment::Export, BundleRecord::KIND, record.id, record)?;
    Ok(())
}
