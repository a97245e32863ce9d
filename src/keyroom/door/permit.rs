//! The permit: what an action that the door let through may do.

use std::sync::Arc;

use conclave_crypto::secret::{RandomSource, Secret};
use conclave_evidence::approval::SignedApproval;
use conclave_evidence::authority::{AuthorityRecord, SignedAuthority};
use conclave_evidence::journal::EntryKind;
use conclave_evidence::{Hash, Id, Signature};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::proposal::Proposal;
use super::stop::StopFlag;
use crate::domain::key::KeyRecord;
use crate::domain::permission::{Permission, sealed::Sealed};
use crate::domain::tries::Moment;
use crate::provider::Provider;
use crate::vault::{
    Batch, Compartment, EntryBody, GIVEN_UP, KeysOf, NewEntry, Vault, VaultError, given_up_digest,
};

/// Made by the door alone, for one run of one action. What it collects is
/// committed together with the outcome.
pub struct Permit<'a> {
    pub(super) act: Id,
    pub(super) action: &'static str,
    pub(super) vault: &'a mut Vault,
    pub(super) provider: &'a mut dyn Provider,
    pub(super) batch: Batch,
    pub(super) stop: Arc<StopFlag>,
    pub(super) proposal: Option<&'a Proposal>,
    pub(super) approvals: &'a [SignedApproval],
}

impl Sealed for Permit<'_> {}

impl Permission for Permit<'_> {
    fn act(&self) -> Id {
        self.act
    }

    fn action(&self) -> &'static str {
        self.action
    }

    fn may_continue(&self) -> bool {
        !self.stop.is_raised()
    }
}

/// The mark of a permit, apart from its vault and provider, so that an effect
/// can be called while the permit itself is borrowed.
pub struct PermitMark {
    act: Id,
    action: &'static str,
    stop: Arc<StopFlag>,
}

impl PermitMark {
    /// For the one effect that no act stands behind: the founding's sheets of
    /// words, printed before there is a station.
    pub(super) fn of_founding(act: Id, stop: Arc<StopFlag>) -> Self {
        Self {
            act,
            action: "print-founding-words",
            stop,
        }
    }
}

impl Sealed for PermitMark {}

impl Permission for PermitMark {
    fn act(&self) -> Id {
        self.act
    }

    fn action(&self) -> &'static str {
        self.action
    }

    fn may_continue(&self) -> bool {
        !self.stop.is_raised()
    }
}

impl Permit<'_> {
    pub(super) fn mark(&self) -> PermitMark {
        PermitMark {
            act: self.act,
            action: self.action,
            stop: Arc::clone(&self.stop),
        }
    }

    /// A record's present content: before this action.
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

    /// All records of a kind, as they were before this action.
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

    /// A record whose body is a secret.
    ///
    /// # Errors
    /// [`VaultError`]
    pub fn get_secret(&self, compartment: Compartment, id: Id) -> Result<Secret, VaultError> {
        self.vault.get_secret(compartment, id)
    }

    /// Sets a record, with the outcome.
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

    /// Sets a record whose body is a secret, with the outcome.
    pub fn put_secret(
        &mut self,
        compartment: Compartment,
        kind: &'static str,
        id: Id,
        body: Secret,
    ) {
        self.batch.put_secret(compartment, kind, id, body);
    }

    /// Deletes a record, with the outcome.
    pub fn delete(&mut self, compartment: Compartment, id: Id) {
        self.batch.delete(compartment, id);
    }

    /// Commits what was set so far, before the effect that it is about: it
    /// counts whatever becomes of the act. For what only the act itself can
    /// make, such as the value that proves a PIN which is about to be printed;
    /// everything else belongs into [`super::Action::before`].
    ///
    /// # Errors
    /// [`VaultError`]; then nothing of it took place, and the effect must not.
    pub fn commit_before_effect(&mut self, words: Vec<String>) -> Result<(), VaultError> {
        let mut batch = std::mem::take(&mut self.batch);
        batch.entry(NewEntry {
            kind: EntryKind::Note,
            act: self.act,
            action: self.action.into(),
            commitment: None,
            body: EntryBody {
                words,
                ..EntryBody::default()
            },
        });
        self.vault.commit(batch)
    }

    /// Appends an authority record, with the outcome. It is verified against
    /// the chain there: an act's own authority does not stand for the
    /// signatures that the record itself needs.
    pub fn put_authority(&mut self, signed: SignedAuthority) {
        self.batch.authority(signed);
    }

    /// Says of an act that was open in the repository what became of it, with
    /// this outcome.
    pub fn close_act(&mut self, act: Id, action: &str, words: Vec<String>) {
        self.batch.entry(NewEntry {
            kind: EntryKind::Outcome,
            act,
            action: action.into(),
            commitment: None,
            body: EntryBody {
                words,
                ..EntryBody::default()
            },
        });
    }

    /// Notes, in clear, that an incarnation which was begun elsewhere is given
    /// up: cards that were there are let in here again.
    ///
    /// # Errors
    /// [`VaultError::Malformed`]
    pub fn give_up(&mut self, incarnation: Id) -> Result<(), VaultError> {
        self.batch.entry(NewEntry {
            kind: EntryKind::Note,
            act: self.act,
            action: GIVEN_UP.into(),
            commitment: Some(given_up_digest(incarnation)?),
            body: EntryBody {
                words: vec![format!("incarnation {incarnation} is given up")],
                ..EntryBody::default()
            },
        });
        Ok(())
    }

    /// Clears the count of failed logons and any lock, with the outcome.
    ///
    /// # Errors
    /// [`VaultError`]
    pub fn clear_guard(&mut self) -> Result<(), VaultError> {
        self.vault.clear_guard(&mut self.batch)
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

    /// A fresh random id.
    ///
    /// # Errors
    /// [`VaultError::Random`]
    pub fn new_id(&mut self) -> Result<Id, VaultError> {
        self.vault.new_id()
    }

    /// The newest authority record.
    ///
    /// # Errors
    /// [`VaultError::Empty`]
    pub fn authority(&self) -> Result<&AuthorityRecord, VaultError> {
        self.vault.authority()
    }

    /// The vault, to read what is public.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        self.vault
    }

    /// Signs with the station's key.
    ///
    /// # Errors
    /// [`VaultError::Closed`]
    pub fn sign_as_station(&self, digest: &Hash) -> Result<Signature, VaultError> {
        self.vault.sign_as_station(digest)
    }

    /// Signs with the bundle signing key.
    ///
    /// # Errors
    /// [`VaultError::Closed`] unless key managers and approvers are logged on.
    pub fn sign_bundle(&self, digest: &Hash) -> Result<Signature, VaultError> {
        self.vault.sign_bundle(digest)
    }

    /// The provider and the random source, with the mark that their calls
    /// take.
    pub fn provider(&mut self) -> (&mut dyn Provider, PermitMark, &mut dyn RandomSource) {
        let mark = self.mark();
        (&mut *self.provider, mark, self.vault.random())
    }

    /// Who the provider is.
    #[must_use]
    pub fn provider_identity(&self) -> crate::provider::Identity {
        self.provider.identity()
    }

    /// The proposal that was signed, where there is one.
    #[must_use]
    pub fn proposal(&self) -> Option<&Proposal> {
        self.proposal
    }

    /// The approvals that let this act through.
    #[must_use]
    pub fn approvals(&self) -> &[SignedApproval] {
        self.approvals
    }
}
