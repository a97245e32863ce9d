//! Who is logged on: quorums come together, fail, are turned away, and leave;
//! the provider is open for as long as the key values are.

use conclave_crypto::primitive::shamir::Share;
use conclave_evidence::GroupId;
use conclave_evidence::journal::EntryKind;

use super::{Door, DoorError};
use crate::vault::guard::Guard;
use crate::vault::{Batch, Compartment, EntryBody, NewEntry, VaultError};

/// A quorum that came to log on.
#[derive(Clone, Copy)]
pub struct CameQuorum<'a> {
    /// The group.
    pub group: GroupId,
    /// Its members' shares.
    pub shares: &'a [Share],
    /// Their names, for the journal.
    pub members: &'a [String],
}

impl Door {
    /// Logs a group on with its quorum's shares, and journals it.
    ///
    /// # Errors
    /// [`VaultError`]; then nothing more is open than before.
    pub fn logon(
        &mut self,
        group: GroupId,
        shares: &[Share],
        members: &[String],
    ) -> Result<(), VaultError> {
        self.logon_together(&[CameQuorum {
            group,
            shares,
            members,
        }])
    }

    /// Logs groups on that open what they open only together, and journals
    /// each: all or none.
    ///
    /// # Errors
    /// [`VaultError`]; then nothing more is open than before.
    pub fn logon_together(&mut self, came: &[CameQuorum<'_>]) -> Result<(), VaultError> {
        if let Some(why) = self.vault.rescue_shut() {
            return Err(VaultError::StationLocked(why.to_owned()));
        }
        // Who may come while a rescue's guard cannot be read, the station says.
        let guard = match self.vault.guard() {
            Err(_) if self.vault.is_frozen() => Guard::default(),
            guard => guard?,
        };
        let administers = |one: &CameQuorum<'_>| one.group == GroupId::Administrators;
        if let Some(why) = guard.locked
            && (guard.recovery || !came.iter().all(administers))
        {
            return Err(VaultError::StationLocked(why));
        }
        let open = self.vault.open_groups();
        let first = open
            .iter()
            .all(|group| came.iter().any(|one| one.group == *group));
        let quorums: Vec<_> = came.iter().map(|one| (one.group, one.shares)).collect();
        self.vault.unlock_together(&quorums)?;
        if first {
            self.stop.lower();
        }
        if self.vault.is_frozen() {
            return Ok(());
        }
        let act = self.vault.new_id()?;
        let mut batch = Batch::default();
        self.vault.forgive_failures(&mut batch)?;
        for one in came {
            batch.entry(NewEntry {
                kind: EntryKind::Session,
                act,
                action: "logon".into(),
                commitment: None,
                body: EntryBody {
                    words: vec![format!("{} logged on", one.group)],
                    people: one.members.to_vec(),
                    ..EntryBody::default()
                },
            });
        }
        if let Err(error) = self.vault.commit(batch) {
            for one in came {
                self.vault.lock_group(one.group);
            }
            return Err(error);
        }
        self.provider_follows();
        Ok(())
    }

    /// Closes a group (and its other half) again that has just logged on, and journals why: the
    /// station is not fit for it to work.
    ///
    /// # Errors
    /// [`DoorError::Vault`] when it could not be journalled; the group is
    /// closed all the same.
    pub fn turn_away(&mut self, group: GroupId, why: &str) -> Result<(), DoorError> {
        let told = self.note("turned-away", format!("{group}: {why}"));
        self.vault.lock_group(group);
        if self
            .vault
            .derived(Compartment::Keys, "conclave/provider/1")
            .is_err()
        {
            self.provider.lock();
        }
        told
    }

    /// Journals a failed group logon of known cards, and counts it.
    ///
    /// # Errors
    /// [`VaultError`]
    pub fn logon_failed(&mut self, words: String) -> Result<Guard, VaultError> {
        if self.vault.is_frozen() {
            return Ok(self.vault.guard().unwrap_or_default());
        }
        let act = self.vault.new_id()?;
        let kind = self.kind(EntryKind::Failed);
        self.vault.count_failure(NewEntry {
            kind,
            act,
            action: "logon".into(),
            commitment: None,
            body: EntryBody {
                words: vec![words],
                ..EntryBody::default()
            },
        })
    }

    /// Ends the session: journals it and wipes every key.
    ///
    /// # Errors
    /// [`VaultError`] when it could not be journalled; the keys are wiped all
    /// the same.
    pub fn logout(&mut self, why: &str) -> Result<(), DoorError> {
        let journalled = if self.vault.open_groups().is_empty() {
            Ok(())
        } else {
            let act = self.vault.new_id()?;
            self.record(NewEntry {
                kind: EntryKind::Session,
                act,
                action: "logout".into(),
                commitment: None,
                body: EntryBody {
                    words: vec![why.into()],
                    ..EntryBody::default()
                },
            })
        };
        self.provider.lock();
        self.vault.lock();
        journalled
    }
}
