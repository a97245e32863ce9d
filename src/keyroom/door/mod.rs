//! The one door.
//!
//! Everything that changes the world is an [`Action`] and passes here: its
//! authority is checked, its intent is on disk before it runs, and its records,
//! outcome and new head are committed together. Only this room can make a
//! [`Permit`], and every effect in the house takes one.

mod action;
mod authority;
mod beforehand;
mod founding;
mod holders;
mod mandate;
mod perform;
mod permit;
mod proposal;
mod recovery;
mod rehearsal;
mod renewal;
mod rescue;
mod session;
mod stop;

use std::collections::BTreeMap;
use std::sync::Arc;

use conclave_evidence::Id;
use conclave_evidence::approval::SignedApproval;
use conclave_evidence::journal::EntryKind;

pub use action::{Action, ActionError};
pub use authority::{Authority, Refusal};
pub use beforehand::Beforehand;
pub use founding::cards_and_groups;
pub use mandate::Mandate;
pub use perform::no_medium_digest;
pub use permit::{Permit, PermitMark};
pub use proposal::{PROPOSAL_MS, Proposal};
pub use rehearsal::Rehearsal;
pub use session::CameQuorum;
pub use stop::{Stop, StopFlag};

use crate::ports::card::ReaderId;
use crate::provider::Provider;
use crate::vault::{Batch, EntryBody, NewEntry, Vault, VaultError};

/// What a caller brings to the door besides the action.
#[derive(Default)]
pub struct Warrant {
    /// The proposal that was signed.
    pub proposal: Option<Proposal>,
    /// The signatures.
    pub approvals: Vec<SignedApproval>,
}

/// Why an action did not take place.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The door refused it; nothing happened.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It ran and failed; no record changed.
    #[error(transparent)]
    Failed(#[from] ActionError),
    /// The vault failed: before it ran, or when its outcome was to be
    /// committed. In the second case the intent stays open, since effects may
    /// have taken place.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// The door, with the vault and the provider behind it.
pub struct Door {
    vault: Vault,
    provider: Box<dyn Provider>,
    stop: Arc<StopFlag>,
    /// Of each reader the insertion of which a refused card is journalled.
    refused: BTreeMap<ReaderId, u64>,
}

impl Door {
    /// Builds the door in front of a vault and a provider.
    #[must_use]
    pub fn new(vault: Vault, provider: Box<dyn Provider>, stop: Arc<StopFlag>) -> Self {
        Self {
            vault,
            provider,
            stop,
            refused: BTreeMap::new(),
        }
    }

    /// The vault, to read.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// How far the checking of large compartments is, see
    /// [`Vault::adding_up`].
    ///
    /// # Errors
    /// [`VaultError::Root`]
    pub fn adding_up(&mut self) -> Result<Option<(u64, u64)>, VaultError> {
        self.vault.adding_up()
    }

    /// Who the provider is.
    #[must_use]
    pub fn provider_identity(&self) -> crate::provider::Identity {
        self.provider.identity()
    }

    /// TRUE while this component still waits for its printer: components die
    /// with the session.
    #[must_use]
    pub fn component_waits(&self, key: Id, index: u8) -> bool {
        self.provider.has_component(key, index)
    }

    /// The flag that stops work.
    #[must_use]
    pub fn stop(&self) -> &Arc<StopFlag> {
        &self.stop
    }

    /// Fresh random bytes for what is public (challenges).
    ///
    /// # Errors
    /// [`VaultError::Random`]
    pub fn challenge(&mut self) -> Result<[u8; 32], VaultError> {
        let mut bytes = [0u8; 32];
        self.vault
            .random()
            .public(&mut bytes)
            .map_err(|_| VaultError::Random)?;
        Ok(bytes)
    }

    /// While nobody is logged on, entries are LOCKED: they stand after the
    /// signed head.
    fn kind(&self, kind: EntryKind) -> EntryKind {
        if self.vault.open_groups().is_empty() {
            EntryKind::Locked
        } else {
            kind
        }
    }

    fn record(&mut self, mut entry: NewEntry) -> Result<(), DoorError> {
        // A rescue writes nothing, also no note of what it shows.
        if self.vault.is_empty() || self.vault.is_frozen() {
            return Ok(());
        }
        entry.kind = self.kind(entry.kind);
        let mut batch = Batch::default();
        batch.entry(entry);
        self.vault.commit(batch)?;
        Ok(())
    }

    /// Journals that a card was refused: once for its insertion (the reader's count of
    /// insertions and removals), however often it is judged while it stays in.
    ///
    /// # Errors
    /// [`DoorError::Vault`]
    pub fn card_refused(
        &mut self,
        reader: &ReaderId,
        changes: u64,
        words: String,
    ) -> Result<(), DoorError> {
        if self.refused.get(reader) == Some(&changes) {
            return Ok(());
        }
        self.note("card-refused", words)?;
        self.refused.insert(reader.clone(), changes);
        Ok(())
    }

    /// Journals something that happened and changed no record: a self-test, a card that was pulled.
    ///
    /// # Errors
    /// [`DoorError::Vault`]
    pub fn note(&mut self, action: &str, words: String) -> Result<(), DoorError> {
        let act = self.vault.new_id()?;
        self.record(NewEntry {
            kind: EntryKind::Note,
            act,
            action: action.into(),
            commitment: None,
            body: EntryBody {
                words: vec![words],
                ..EntryBody::default()
            },
        })
    }
}
