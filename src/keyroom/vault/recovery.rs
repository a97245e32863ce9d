//! A station that comes back: filled from a backup, or gone on with from an
//! older copy. Both happen in a layer above the store, and come down as one
//! commit with the quorums' RESTORE in it, or not at all.
//!
//! While a repository is filled, the key `b` stands in it and no authority
//! record does. Opened like that, it is emptied: a restore that was cut has
//! left nothing.

use std::collections::BTreeSet;

use conclave_evidence::authority::CardEntry;
use conclave_evidence::journal::{EntryKind, SignedAnchor};
use conclave_evidence::{Hash, Id, cbor};

use super::error::VaultError;
use super::{Vault, format, place};
use crate::ports::store::{Pair, Store, Write};

/// How many keys are taken away in one commit.
const SWEEP: usize = 4096;

/// The action of notes about incarnations that are given up.
pub(crate) const GIVEN_UP: &str = "given-up";

/// What such a note carries in clear.
pub(crate) fn given_up_digest(incarnation: Id) -> Result<Hash, VaultError> {
    cbor::digest("conclave/given-up/1", &incarnation)
        .map_err(|_| VaultError::Malformed("incarnation"))
}

/// How an anchor that a card presents stands to this repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnchorFit {
    /// The repository holds the entry that the card has seen.
    Known,
    /// It was signed in a history that a quorum has given up.
    Lost {
        /// The entry that the card had seen there.
        seq: u64,
        /// In which incarnation of the station.
        incarnation: Id,
    },
}

/// What is given up: everything that came after this entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fork {
    /// The last entry that is kept.
    pub seq: u64,
    /// Its hash.
    pub entry: Hash,
    /// The highest entry after it, or beside it, that a card has shown.
    pub seen: Option<u64>,
    /// Incarnations that cards have shown and that this repository does not
    /// know: other restores, elsewhere.
    pub elsewhere: BTreeSet<Id>,
}

impl Vault {
    /// Begins to fill an empty repository.
    ///
    /// # Errors
    /// [`VaultError::NotEmpty`], [`VaultError::Store`]
    pub(crate) fn begin_filling(&mut self) -> Result<(), VaultError> {
        if !self.is_empty() {
            return Err(VaultError::NotEmpty);
        }
        self.sweep()?;
        let mark = Write::Put(place::FILLING.to_vec(), Vec::new());
        Ok(self.store.commit_below(&[mark])?)
    }

    /// Fills in values of a backup, durably. Authority records and head wait
    /// for [`Vault::stage`]: without them there is no station.
    ///
    /// # Errors
    /// [`VaultError::Malformed`] for a value that has no place in a backup.
    pub(crate) fn fill(&mut self, values: Vec<Pair>) -> Result<(), VaultError> {
        let parts = [place::SEALED.as_slice(), &[place::JOURNAL, place::ANCHOR]].concat();
        let belongs = |key: &[u8]| parts.iter().any(|prefix| key.starts_with(prefix));
        if !self.is_empty() || values.iter().any(|(key, _)| !belongs(key)) {
            return Err(VaultError::Malformed("value of a backup"));
        }
        let writes: Vec<Write> = values
            .into_iter()
            .map(|(key, value)| Write::Put(key, value))
            .collect();
        Ok(self.store.commit_below(&writes)?)
    }

    /// With authority records and head, in the layer: the station is there for
    /// those who restore it, and not yet on the disk. What is of an older format is
    /// brought up before anything of it is read.
    ///
    /// # Errors
    /// What does not verify; then nothing is staged. [`VaultError::NewerFormat`].
    pub(crate) fn stage(&mut self, values: Vec<Pair>, format: u32) -> Result<(), VaultError> {
        if !self.is_empty() {
            return Err(VaultError::NotEmpty);
        }
        self.store.raise();
        let mut writes: Vec<Write> = values
            .into_iter()
            .map(|(key, value)| Write::Put(key, value))
            .collect();
        writes.push(Write::Put(place::GENESIS.to_vec(), b"done".to_vec()));
        if format > 1 {
            writes.push(format::mark(format)?);
        }
        writes.push(Write::Delete(place::FILLING.to_vec()));
        let staged = self
            .store
            .commit(&writes)
            .map_err(VaultError::from)
            .and_then(|()| format::bring_up(&mut self.store, &format::STEPS))
            .and_then(|()| self.load_station());
        match staged {
            Ok(Some(station)) => {
                self.station = Some(station);
                self.fork = Some(self.fork_here()?);
                Ok(())
            }
            Ok(None) => Err(VaultError::Empty),
            Err(error) => Err(error),
        }
    }

    /// Begins to recover this repository as it is: what locked it is put aside
    /// in the layer.
    ///
    /// # Errors
    /// [`VaultError::Empty`], [`VaultError::Store`]
    pub(crate) fn begin_recovery(&mut self) -> Result<(), VaultError> {
        let fork = self.fork_here()?;
        self.store.raise();
        self.store.commit(&[Write::Delete(place::GUARD.to_vec())])?;
        self.fork = Some(fork);
        Ok(())
    }

    fn fork_here(&self) -> Result<Fork, VaultError> {
        // Entries after the head were made while locked; they go on.
        let head = self.head()?.ok_or(VaultError::Missing("head"))?;
        Ok(Fork {
            seq: head.seq,
            entry: head.entry,
            seen: None,
            elsewhere: BTreeSet::new(),
        })
    }

    /// What a recovery that is going on gives up.
    #[must_use]
    pub fn fork(&self) -> Option<&Fork> {
        self.fork.as_ref()
    }

    /// TRUE while nothing that is written is on the disk yet.
    #[must_use]
    pub fn is_recovering(&self) -> bool {
        self.store.is_raised()
    }

    /// A card has shown this entry of the history that is given up.
    pub(crate) fn lost_up_to(&mut self, seq: u64, incarnation: Id) -> Result<(), VaultError> {
        let known = self.incarnations()?.contains(&incarnation);
        if let Some(fork) = &mut self.fork {
            fork.seen = fork.seen.max(Some(seq));
            if !known {
                fork.elsewhere.insert(incarnation);
            }
        }
        Ok(())
    }

    /// TRUE when quorums have given an incarnation up that was begun elsewhere:
    /// a note under a signed head says so. While locked nobody makes notes.
    fn given_up(&self, incarnation: Id) -> Result<bool, VaultError> {
        let wanted = Some(given_up_digest(incarnation)?);
        let newest = self.head()?.map_or(0, |head| head.seq);
        for entry in self.entries(0)? {
            let header = entry
                .open_header()
                .map_err(|_| VaultError::Malformed("entry"))?;
            let note = header.kind == EntryKind::Note && header.action == GIVEN_UP;
            if note && header.commitment == wanted && header.seq <= newest {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Makes all of it durable at once. Nothing was before.
    ///
    /// # Errors
    /// [`VaultError::Store`]; then nothing is on the disk, and the recovery
    /// must be given up.
    pub(crate) fn settle_recovery(&mut self) -> Result<(), VaultError> {
        self.store.settle()?;
        self.fork = None;
        Ok(())
    }

    /// Gives a recovery up: everybody is logged off, and the repository is what
    /// it was. What was filled in is taken away.
    ///
    /// # Errors
    /// [`VaultError::Store`]
    pub(crate) fn abandon_recovery(&mut self) -> Result<(), VaultError> {
        self.lock();
        self.store.drop_layer();
        self.fork = None;
        self.station = None;
        self.clear_leftovers()?;
        self.station = self.load_station()?;
        Ok(())
    }

    /// Empties a repository whose filling was cut.
    pub(super) fn clear_leftovers(&mut self) -> Result<(), VaultError> {
        let filling = self.store.get(place::FILLING)?.is_some();
        let mut founded = false;
        self.store.scan(place::AUTHORITY, &mut |_, _| {
            founded = true;
            false
        })?;
        if filling && !founded {
            self.sweep()?;
        }
        Ok(())
    }

    /// Takes everything away; the mark goes last.
    fn sweep(&mut self) -> Result<(), VaultError> {
        let mut keys = Vec::new();
        self.store.scan(b"", &mut |key, _| {
            keys.push(key.to_vec());
            true
        })?;
        if keys.iter().any(|key| key.starts_with(place::AUTHORITY)) {
            return Err(VaultError::NotEmpty);
        }
        keys.retain(|key| key != place::FILLING);
        keys.push(place::FILLING.to_vec());
        for some in keys.chunks(SWEEP) {
            let writes: Vec<Write> = some.iter().cloned().map(Write::Delete).collect();
            self.store.commit_below(&writes)?;
        }
        Ok(())
    }

    /// The incarnations of this station, the present one last. A quorum begins
    /// a new one with each restore.
    ///
    /// # Errors
    /// [`VaultError::Empty`]
    pub fn incarnations(&self) -> Result<Vec<Id>, VaultError> {
        let mut all: Vec<Id> = Vec::new();
        for signed in self.authority_chain()? {
            let record = signed
                .open()
                .map_err(|_| VaultError::Malformed("authority record"))?;
            if all.last() != Some(&record.incarnation) {
                all.push(record.incarnation);
            }
        }
        Ok(all)
    }

    /// When the present incarnation began, wall clock; none on a station that
    /// was never restored.
    ///
    /// # Errors
    /// [`VaultError::Empty`]
    pub fn restored_ms(&self) -> Result<Option<u64>, VaultError> {
        let mut last: Option<Id> = None;
        let mut restored = None;
        for signed in self.authority_chain()? {
            let record = signed
                .open()
                .map_err(|_| VaultError::Malformed("authority record"))?;
            if last.is_some_and(|before| before != record.incarnation) {
                restored = Some(record.made_at_ms);
            }
            last = Some(record.incarnation);
        }
        Ok(restored)
    }

    /// Checks an anchor that a card presents against this repository. An older
    /// copy of the repository has not seen the entry that the anchor names. A
    /// card that was last here before a restore has seen what was given up
    /// then; and while a quorum recovers, what is being given up now.
    ///
    /// # Errors
    /// [`VaultError::Journal`] with the reason in words.
    pub fn check_anchor(
        &self,
        card: &CardEntry,
        anchor: &SignedAnchor,
    ) -> Result<AnchorFit, VaultError> {
        let head = anchor
            .verify(&card.auth_key_9a)
            .map_err(|_| {
                VaultError::Journal("the card's anchor is not signed by this card".into())
            })?
            .head;
        match self.anchor_agrees(card, anchor) {
            Ok(()) => Ok(AnchorFit::Known),
            Err(error @ VaultError::Journal(_)) => {
                let mine =
                    head.station == self.authority()?.station && anchor.anchor.card == card.card;
                let mut before = self.incarnations()?;
                before.pop();
                let (seq, incarnation) = (head.seq, head.incarnation);
                let lost = self.is_recovering()
                    || before.contains(&incarnation)
                    || self.given_up(incarnation)?;
                if mine && lost {
                    Ok(AnchorFit::Lost { seq, incarnation })
                } else {
                    Err(error)
                }
            }
            Err(error) => Err(error),
        }
    }
}
