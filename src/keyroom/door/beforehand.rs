//! What an action may do before it begins: read, and set what its intent uses
//! up.

use conclave_evidence::authority::{AuthorityRecord, SignedAuthority};
use conclave_evidence::journal::EntryHeader;
use conclave_evidence::{Hash, Id};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::action::{Action, ActionError};
use crate::domain::key::KeyRecord;
use crate::domain::tries::Moment;
use crate::vault::{Batch, Compartment, Fork, KeysOf, Vault, VaultError};

impl super::Door {
    /// What [`super::Action::before`] would say of an action now, so that a form
    /// refuses it before anybody is asked to sign. Nothing is set, and nothing is
    /// journalled; the door asks again when it is signed.
    ///
    /// # Errors
    /// [`ActionError`]
    pub fn foresee<A: Action>(&self, action: &A) -> Result<(), ActionError> {
        action.before(&mut Beforehand {
            vault: &self.vault,
            batch: Batch::default(),
        })
    }
}

/// Given to [`super::Action::before`]. It is no permit: its intent is not on
/// disk yet, so it opens no key and reaches no device.
pub struct Beforehand<'a> {
    pub(super) vault: &'a Vault,
    pub(super) batch: Batch,
}

impl Beforehand<'_> {
    /// A record's present content.
    ///
    /// # Errors
    /// [`VaultError`]
    pub fn get<T: DeserializeOwned>(
        &self,
        compartment: Compartment,
        id: Id,
    ) -> Result<T, VaultError> {
        self.vault.get(compartment, id)
    }

    /// A few keys among many, as they were before this action.
    ///
    /// # Errors
    /// [`VaultError`]
    pub fn keys_of(&self, which: KeysOf<'_>) -> Result<Vec<(Id, KeyRecord)>, VaultError> {
        self.vault.keys_of(which)
    }

    /// All records of a kind.
    ///
    /// # Errors
    /// [`VaultError`]
    pub fn list<T: DeserializeOwned>(
        &self,
        compartment: Compartment,
        kind: &str,
    ) -> Result<Vec<(Id, T)>, VaultError> {
        self.vault.list(compartment, kind)
    }

    /// Sets a record, with the intent.
    ///
    /// # Errors
    /// [`VaultError::Malformed`]
    pub fn put<T: Serialize>(
        &mut self,
        compartment: Compartment,
        kind: &'static str,
        id: Id,
        record: &T,
    ) -> Result<(), VaultError> {
        self.batch.put(compartment, kind, id, record)
    }

    /// The newest authority record.
    ///
    /// # Errors
    /// [`VaultError::Empty`]
    pub fn authority(&self) -> Result<&AuthorityRecord, VaultError> {
        self.vault.authority()
    }

    /// The newest authority record's digest.
    ///
    /// # Errors
    /// [`VaultError::Empty`]
    pub fn authority_hash(&self) -> Result<Hash, VaultError> {
        self.vault.authority_hash()
    }

    /// Whether an authority record continues the chain and is signed by enough
    /// administrators; gives it opened.
    ///
    /// # Errors
    /// [`VaultError::Authority`]
    pub fn check_authority(&self, signed: &SignedAuthority) -> Result<AuthorityRecord, VaultError> {
        Ok(self.vault.check_authority(signed)?.0)
    }

    /// What a recovery that is going on gives up.
    #[must_use]
    pub fn fork(&self) -> Option<&Fork> {
        self.vault.fork()
    }

    /// The incarnations of this station, the present one last.
    ///
    /// # Errors
    /// [`VaultError::Empty`]
    pub fn incarnations(&self) -> Result<Vec<Id>, VaultError> {
        self.vault.incarnations()
    }

    /// The headers of all entries, in the journal's order.
    ///
    /// # Errors
    /// [`VaultError`]
    pub fn headers(&self) -> Result<Vec<EntryHeader>, VaultError> {
        self.vault.headers()
    }

    /// Wall clock, milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.vault.clock().wall_ms()
    }

    /// Now, by a clock that nobody sets.
    #[must_use]
    pub fn moment(&self) -> Moment {
        self.vault.moment()
    }
}
