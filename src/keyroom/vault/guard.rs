//! The count of failed logons, and the lock it leads to.
//!
//! It stands in clear, because it must count while nobody is logged on:
//! whoever has the disk could set it back, and the journal would still show
//! the failures.

use conclave_evidence::cbor;
use serde::{Deserialize, Serialize};

use super::commit::{Batch, NewEntry};
use super::error::VaultError;
use super::{Vault, place};
use crate::ports::store::{Store, Write};

/// Failed group logons before the station locks.
pub const FAILURES_MAX: u8 = 5;

/// What the guard remembers.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Guard {
    /// Failed group logons since the last success.
    pub failures: u8,
    /// Why the station is locked until administrators unlock it.
    pub locked: Option<String>,
    /// A card has seen what this repository does not hold: unlocking takes the
    /// recovery quorum.
    #[serde(default)]
    pub recovery: bool,
}

impl Vault {
    /// The guard's state.
    ///
    /// # Errors
    /// [`VaultError::Malformed`], [`VaultError::Store`]
    pub fn guard(&self) -> Result<Guard, VaultError> {
        match self.store.get(place::GUARD)? {
            None => Ok(Guard::default()),
            Some(bytes) => cbor::from_slice(&bytes).map_err(|_| VaultError::Malformed("guard")),
        }
    }

    /// Counts a failed group logon, with its journal entry in one batch; the
    /// fifth locks the station.
    ///
    /// # Errors
    /// [`VaultError::Store`]
    pub fn count_failure(&mut self, entry: NewEntry) -> Result<Guard, VaultError> {
        let mut guard = self.guard()?;
        guard.failures = guard.failures.saturating_add(1);
        if guard.failures >= FAILURES_MAX && guard.locked.is_none() {
            guard.locked = Some(format!("{FAILURES_MAX} group logons failed"));
        }
        let mut batch = Batch::default();
        write_guard(&guard, &mut batch)?;
        batch.entry(entry);
        self.commit(batch)?;
        Ok(guard)
    }

    /// Sets the count back after a logon that succeeded; a lock stays.
    pub(crate) fn forgive_failures(&self, batch: &mut Batch) -> Result<(), VaultError> {
        let mut guard = self.guard()?;
        guard.failures = 0;
        write_guard(&guard, batch)
    }

    /// Locks the station until it is recovered.
    pub(crate) fn lock_for_recovery(&self, why: &str, batch: &mut Batch) -> Result<(), VaultError> {
        let mut guard = self.guard()?;
        guard.locked = Some(why.into());
        guard.recovery = true;
        write_guard(&guard, batch)
    }

    /// Clears count and lock.
    pub(crate) fn clear_guard(&self, batch: &mut Batch) -> Result<(), VaultError> {
        write_guard(&Guard::default(), batch)
    }
}

fn write_guard(guard: &Guard, batch: &mut Batch) -> Result<(), VaultError> {
    let bytes = cbor::to_vec(guard).map_err(|_| VaultError::Malformed("guard"))?;
    batch.write(Write::Put(place::GUARD.to_vec(), bytes));
    Ok(())
}
