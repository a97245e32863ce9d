//! The restore of a station, and the recovery of one that went back in time.
//! What they do stands in a layer above the store; the act that both quorums
//! sign passes [`Door::perform`] like any other, and everything comes down in
//! one commit.

use super::{Door, DoorError};
use crate::ports::store::Pair;
use crate::vault::{Batch, EntryBody, NewEntry, VaultError};
use conclave_evidence::Id;
use conclave_evidence::journal::EntryKind;

impl Door {
    /// Begins to fill an empty repository from a backup.
    ///
    /// # Errors
    /// [`VaultError::NotEmpty`], [`VaultError::Store`]
    pub fn begin_filling(&mut self) -> Result<(), VaultError> {
        self.vault.begin_filling()
    }

    /// Fills in values of a backup that was examined.
    ///
    /// # Errors
    /// [`VaultError`]
    pub fn fill(&mut self, values: Vec<Pair>) -> Result<(), VaultError> {
        self.vault.fill(values)
    }

    /// Its authority records and head, and which format it is of: the station is there
    /// for those who restore it.
    ///
    /// # Errors
    /// [`VaultError`], naming what does not verify.
    pub fn stage(&mut self, values: Vec<Pair>, format: u32) -> Result<(), VaultError> {
        self.vault.stage(values, format)
    }

    /// Begins to recover this repository as it is. It must be locked to that.
    ///
    /// # Errors
    /// [`VaultError`]
    pub fn begin_recovery(&mut self) -> Result<(), VaultError> {
        if !self.vault.guard()?.recovery || !self.vault.open_groups().is_empty() {
            return Err(VaultError::Missing("reason for a recovery"));
        }
        self.vault.begin_recovery()
    }

    /// Everything that was done since comes down to the disk, at once.
    ///
    /// # Errors
    /// [`VaultError::Store`]
    pub fn settle_recovery(&mut self) -> Result<(), VaultError> {
        self.vault.settle_recovery()
    }

    /// Everything that was done since is forgotten, and nobody is logged on.
    ///
    /// # Errors
    /// [`VaultError`]
    pub fn abandon_recovery(&mut self) -> Result<(), VaultError> {
        self.provider.lock();
        self.vault.abandon_recovery()
    }

    /// A card has shown an entry of a history that is given up.
    ///
    /// # Errors
    /// [`DoorError::Vault`]
    pub fn anchor_lost(&mut self, card: &str, seq: u64, incarnation: Id) -> Result<(), DoorError> {
        self.vault.lost_up_to(seq, incarnation)?;
        let words = format!(
            "card {card} had seen entry {seq} of a history that was given up; what was decided \
             there about cards is to be decided again"
        );
        self.note("lost-range", words)
    }

    /// A card has seen what this repository does not hold: locks the station
    /// to a recovery, which needs the recovery quorum.
    ///
    /// # Errors
    /// [`VaultError`]
    pub fn lock_for_recovery(&mut self, why: &str) -> Result<(), VaultError> {
        if self.vault.is_frozen() {
            self.vault.shut_rescue(why);
            return Ok(());
        }
        if self.vault.is_recovering() || self.vault.guard()?.recovery {
            return Ok(());
        }
        let act = self.vault.new_id()?;
        let kind = self.kind(EntryKind::Failed);
        let mut batch = Batch::default();
        self.vault.lock_for_recovery(why, &mut batch)?;
        batch.entry(NewEntry {
            kind,
            act,
            action: "lock-for-recovery".into(),
            commitment: None,
            body: EntryBody {
                words: vec![why.into()],
                ..EntryBody::default()
            },
        });
        self.vault.commit(batch)
    }
}
