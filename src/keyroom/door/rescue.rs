//! A damaged repository: it is looked at, and nothing passes.

use super::{Door, DoorError, Refusal};
use crate::ports::store::Store;
use crate::vault::VaultError;

impl Door {
    /// The one answer to every act while the repository is only looked at.
    pub(super) fn not_in_rescue(&self) -> Result<(), DoorError> {
        match self.vault.is_frozen() {
            true => Err(Refusal::Rescue.into()),
            false => Ok(()),
        }
    }

    /// From now on nothing is written. TRUE where a quorum can log on to look.
    pub fn freeze(&mut self) -> bool {
        self.provider.lock();
        self.vault.freeze()
    }

    /// Closes a group again that has just logged on to look.
    pub fn turn_away_unnoted(&mut self, group: conclave_evidence::GroupId) {
        self.vault.lock_group(group);
    }

    /// Lets go of a damaged store, whose files are about to be moved. Only what
    /// is frozen is let go of.
    ///
    /// # Errors
    /// [`VaultError::NotEmpty`]
    pub fn release(&mut self) -> Result<(), VaultError> {
        if !self.vault.is_frozen() {
            return Err(VaultError::NotEmpty);
        }
        self.provider.lock();
        self.vault.release();
        Ok(())
    }

    /// Goes on over an empty store.
    ///
    /// # Errors
    /// As [`crate::vault::Vault::begin_anew`].
    pub fn begin_anew(&mut self, store: Box<dyn Store>) -> Result<(), VaultError> {
        self.vault.begin_anew(store)
    }
}
