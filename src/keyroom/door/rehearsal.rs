//! A backup opened beside the station, under the permit of an act: to see that
//! it opens, and whether it holds what it should.

use std::collections::BTreeMap;

use conclave_crypto::primitive::shamir::Share;
use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use serde::de::DeserializeOwned;

use super::permit::{Permit, PermitMark};
use crate::provider::{Provider, ProviderError, SoftwareProvider, StoredKey};
use crate::vault::{Compartment, CopyContent, Vault, VaultError};

/// The copy, with a provider of its own. Dropped, its keys are wiped; nothing
/// of it was ever on a disk.
pub struct Rehearsal {
    vault: Vault,
    provider: SoftwareProvider,
    mark: PermitMark,
}

impl Permit<'_> {
    /// Opens a backup's values with a quorum's shares, and adds every
    /// compartment up.
    ///
    /// # Errors
    /// [`VaultError`], naming what does not verify.
    pub fn rehearse(
        &self,
        content: CopyContent,
        group: GroupId,
        shares: &[Share],
    ) -> Result<Rehearsal, VaultError> {
        let mut vault = self.vault().copy(content)?;
        vault.unlock(group, shares)?;
        let mut provider = SoftwareProvider::default();
        provider.unlock(vault.derived(Compartment::Keys, "conclave/provider/1")?);
        Ok(Rehearsal {
            vault,
            provider,
            mark: self.mark(),
        })
    }
}

impl Rehearsal {
    /// Opens every record of every compartment; how many each has.
    ///
    /// # Errors
    /// [`VaultError::Forged`], naming the record.
    pub fn check_all(&self) -> Result<BTreeMap<Compartment, u64>, VaultError> {
        self.vault.check_all()
    }

    /// The ids of all records of a kind.
    ///
    /// # Errors
    /// [`VaultError`]
    pub fn ids(&self, compartment: Compartment, kind: &str) -> Result<Vec<Id>, VaultError> {
        Ok(self.vault.of_kind(compartment, kind)?.0.to_vec())
    }

    /// A record of a kind.
    ///
    /// # Errors
    /// [`VaultError`]; [`VaultError::Missing`] for a record of another kind.
    pub fn get<T: DeserializeOwned>(
        &self,
        compartment: Compartment,
        kind: &str,
        id: Id,
    ) -> Result<T, VaultError> {
        self.vault.get_kind(compartment, kind, id)
    }

    /// Opens a stored key for one look at it.
    ///
    /// # Errors
    /// [`ProviderError`]
    pub fn open(
        &mut self,
        key: &StoredKey,
        look: &mut dyn FnMut(&Secret),
    ) -> Result<(), ProviderError> {
        self.provider.open(&self.mark, &[key], &mut |secrets| {
            if let [clear] = secrets {
                look(clear);
            }
        })
    }
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        self.provider.lock();
        self.vault.lock();
    }
}
