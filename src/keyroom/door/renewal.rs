//! A re-share on its way to the door: made in memory, opened by the cards,
//! and then written by one action.

use std::collections::BTreeSet;

use conclave_crypto::primitive::ec::KeyPair;
use conclave_crypto::secret::Secret;
use conclave_evidence::authority::{AuthorityRecord, CardEntry, SignedAuthority};
use conclave_evidence::{Hash, Id};

use super::action::ActionError;
use super::{Beforehand, Door, Permit, PermitMark};
use crate::domain::Permission;
use crate::domain::key::KeyRecord;
use crate::provider::StoredKey;
use crate::vault::{Compartment, Receipt, Renewal, VaultError, genesis};

/// The purpose of the secret under which the provider keeps its keys.
pub(super) const PROVIDER: &str = "conclave/provider/1";

impl Door {
    /// Makes a renewal in memory. Nothing is written.
    ///
    /// # Errors
    /// [`VaultError`]
    pub fn prepare_renewal(&mut self, renewal: &Renewal) -> Result<(), VaultError> {
        self.vault.prepare_renewal(renewal)
    }

    /// Forgets what was prepared.
    pub fn forget_renewal(&mut self) {
        self.vault.forget_renewal();
    }

    /// The cards that are to open a new share.
    ///
    /// # Errors
    /// [`VaultError::Missing`] when nothing is prepared.
    pub fn renewal_cards(&self) -> Result<Vec<CardEntry>, VaultError> {
        self.vault.renewal_cards()
    }

    /// Has a card open its new shares.
    ///
    /// # Errors
    /// [`VaultError::BadShare`]; what `dh` answered.
    pub fn open_new_shares<E: From<VaultError>>(
        &self,
        card: Id,
        dh: impl FnMut(&[u8; 65]) -> Result<Secret, E>,
    ) -> Result<(), E> {
        self.vault.open_new_shares(card, dh)
    }

    /// What a card signs once it has opened them.
    ///
    /// # Errors
    /// [`VaultError::Missing`]
    pub fn receipt_digest(&self, card: Id) -> Result<Hash, VaultError> {
        self.vault.receipt_digest(card)
    }

    /// The record that administrators sign.
    ///
    /// # Errors
    /// [`VaultError::NoneToSpare`]
    pub fn renewed_record(&self, received: &BTreeSet<Id>) -> Result<AuthorityRecord, VaultError> {
        self.vault.renewed_record(received)
    }

    /// The station CA's key, for the certificates of a card that is enrolled.
    ///
    /// # Errors
    /// [`VaultError::Closed`] unless administrators are logged on.
    pub fn ca_key(&self) -> Result<KeyPair, VaultError> {
        let secret = self
            .vault
            .get_secret(Compartment::Administration, genesis::CA_KEY)?;
        KeyPair::from_secret(secret).map_err(|_| VaultError::Crypto("the CA's key"))
    }

    /// The provider keeps its keys under the compartment's key of now.
    pub(super) fn provider_follows(&mut self) {
        if let Ok(parent) = self.vault.derived(Compartment::Keys, PROVIDER) {
            self.provider.unlock(parent);
        }
    }
}

impl Beforehand<'_> {
    /// Whether this is the prepared renewal, received and signed.
    ///
    /// # Errors
    /// [`VaultError::Authority`]
    pub fn check_renewal(
        &self,
        signed: &SignedAuthority,
        receipts: &[Receipt],
    ) -> Result<AuthorityRecord, VaultError> {
        self.vault.check_renewal(signed, receipts)
    }
}

impl Permit<'_> {
    /// Writes the prepared renewal, with the outcome. Keys that the provider
    /// has sealed go under its new secret.
    ///
    /// # Errors
    /// [`ActionError`]
    pub fn renew(
        &mut self,
        signed: SignedAuthority,
        receipts: Vec<Receipt>,
    ) -> Result<(), ActionError> {
        if let Some(parent) = self.vault.derived_anew(Compartment::Keys, PROVIDER)? {
            let stored: Vec<(Id, StoredKey)> =
                self.vault.list(Compartment::Keys, KeyRecord::VALUE_KIND)?;
            for (id, key) in stored {
                let mark: PermitMark = self.mark();
                let again = self.provider.reseal(
                    &mark as &dyn Permission,
                    &key,
                    &parent,
                    self.vault.random(),
                )?;
                self.put(Compartment::Keys, KeyRecord::VALUE_KIND, id, &again)?;
            }
        }
        self.batch.renew(signed, receipts);
        Ok(())
    }
}
