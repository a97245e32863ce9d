//! The founding of a station, and what cards need of the vault: no records,
//! so no actions, and still nobody reaches the vault but through here.

use std::sync::Arc;

use conclave_crypto::primitive::shamir::Share;
use conclave_crypto::secret::{RandomSource, Secret};
use conclave_evidence::authority::{AuthorityRecord, CardEntry, CardSignature};
use conclave_evidence::journal::{EntryKind, SignedAnchor};
use conclave_evidence::{GroupId, Hash, Id, Signature};

use super::Door;
use super::permit::PermitMark;
use crate::domain::custodian_form::CustodianForm;
use crate::vault::genesis::{Founded, Founding};
use crate::vault::{Batch, Compartment, EntryBody, NewEntry, VaultError};

impl Door {
    /// Makes a station in memory. Nothing is written.
    ///
    /// # Errors
    /// [`VaultError`]
    pub fn found(&mut self, founding: Founding) -> Result<Founded, VaultError> {
        self.vault.found(founding)
    }

    /// The first commit, with the administrators' signatures and its journal
    /// entry. On return the administrators' group is logged on, to finish the
    /// cards.
    ///
    /// # Errors
    /// [`VaultError`]; the repository is then as empty as before.
    pub fn commit_founding(&mut self, founded: Founded) -> Result<(), VaultError> {
        let act = self.vault.new_id()?;
        let record = founded.record();
        let mut words = vec![
            format!("{} was founded, {}", record.station_name, record.mode),
            cards_and_groups(record),
        ];
        words.extend(founded.words().iter().cloned());
        self.vault.commit_founding(
            founded,
            vec![NewEntry {
                kind: EntryKind::Outcome,
                act,
                action: "found-station".into(),
                commitment: None,
                body: EntryBody {
                    words,
                    ..EntryBody::default()
                },
            }],
        )
    }

    /// Permits the printing of a founding's recovery words, while there is no
    /// station yet whose journal could keep an intent: what was printed stands
    /// in the founding's own entry, and opens nothing before that.
    ///
    /// # Errors
    /// [`VaultError::NotEmpty`] where a station is; [`VaultError::Random`].
    pub fn permit_founding_sheet(&mut self) -> Result<PermitMark, VaultError> {
        if !self.vault.is_empty() || self.vault.is_frozen() {
            return Err(VaultError::NotEmpty);
        }
        let act = self.vault.new_id()?;
        Ok(PermitMark::of_founding(act, Arc::clone(&self.stop)))
    }

    /// Marks that every member with recovery words opened their share with
    /// them, with a journal entry.
    ///
    /// # Errors
    /// [`VaultError::NotEmpty`] where no words of a founding are left.
    pub fn founding_words_done(&mut self, words: Vec<String>) -> Result<(), VaultError> {
        if !self.vault.founding_words_left()? {
            return Err(VaultError::NotEmpty);
        }
        let act = self.vault.new_id()?;
        let mut batch = Batch::default();
        self.vault.founding_words_done(&mut batch);
        batch.entry(NewEntry {
            kind: EntryKind::Outcome,
            act,
            action: "founding-words".into(),
            commitment: None,
            body: EntryBody {
                words,
                ..EntryBody::default()
            },
        });
        self.vault.commit(batch)
    }

    /// Puts a custodian's signature under the form that management signed
    /// with the founding record. Only until the founding is finished: later a
    /// form is an act of its own.
    ///
    /// # Errors
    /// [`VaultError::NotEmpty`] afterwards; [`VaultError::Authority`] for a
    /// signature that is not this custodian's.
    pub fn complete_form(
        &mut self,
        form: CustodianForm,
        signed: CardSignature,
    ) -> Result<(), VaultError> {
        if !self.vault.genesis_unfinished()? {
            return Err(VaultError::NotEmpty);
        }
        let act = self.vault.new_id()?;
        let words = vec![
            format!("{} signed the custodian form", form.text.name),
            format!("duties {}, {}", form.text.duties.stamp, form.text.group),
        ];
        let mut batch = Batch::default();
        self.vault.complete_form(form, signed, &mut batch)?;
        batch.entry(NewEntry {
            kind: EntryKind::Outcome,
            act,
            action: "custodian-form".into(),
            commitment: None,
            body: EntryBody {
                words,
                ..EntryBody::default()
            },
        });
        self.vault.commit(batch)
    }

    /// Marks the initialise ceremony as finished.
    ///
    /// # Errors
    /// [`VaultError`]
    pub fn finish_genesis(&mut self) -> Result<(), VaultError> {
        let act = self.vault.new_id()?;
        let mut batch = Batch::default();
        self.vault.finish_genesis(&mut batch);
        batch.entry(NewEntry {
            kind: EntryKind::Outcome,
            act,
            action: "finish-founding".into(),
            commitment: None,
            body: EntryBody {
                words: vec!["all cards opened their shares".into()],
                ..EntryBody::default()
            },
        });
        self.vault.commit(batch)
    }

    /// Opens one member's share with the card's key agreement.
    ///
    /// # Errors
    /// [`VaultError::BadShare`]; what `dh` answered.
    pub fn open_share<E: From<VaultError>>(
        &self,
        group: GroupId,
        card: &CardEntry,
        dh: impl FnOnce(&[u8; 65]) -> Result<Secret, E>,
    ) -> Result<Share, E> {
        self.vault.open_share(group, card, dh)
    }

    /// Keeps the newest anchor that a card signed.
    ///
    /// # Errors
    /// [`VaultError::Store`]
    pub fn keep_anchor(&mut self, card: Id, anchor: &SignedAnchor) -> Result<(), VaultError> {
        self.vault.keep_anchor(card, anchor)
    }

    /// A card's management key, for a card that is in a reader: misuse is
    /// denial of service only, since a card is its pinned keys.
    ///
    /// # Errors
    /// [`VaultError::Closed`], [`VaultError::Missing`]
    pub fn management_key(&self, card: Id) -> Result<Secret, VaultError> {
        self.vault.get_secret(Compartment::Cardkeys, card)
    }

    /// A card's PUK, for the enrolment that sets it.
    ///
    /// # Errors
    /// [`VaultError::Closed`] unless administrators are logged on,
    /// [`VaultError::Missing`]
    pub fn puk(&self, card: Id) -> Result<Secret, VaultError> {
        self.vault.get_secret(Compartment::Administration, card)
    }

    /// Signs a ceremony's transcript: proof that a quorum was here, no more.
    ///
    /// # Errors
    /// [`VaultError::Closed`] while nobody is logged on.
    pub fn sign_transcript(&self, digest: &Hash) -> Result<Signature, VaultError> {
        self.vault.sign_as_station(digest)
    }

    /// The random source.
    pub fn random(&mut self) -> &mut dyn RandomSource {
        self.vault.random()
    }

    /// A fresh random id.
    ///
    /// # Errors
    /// [`VaultError::Random`]
    pub fn new_id(&mut self) -> Result<Id, VaultError> {
        self.vault.new_id()
    }
}

/// `11 cards, 2 sheets of recovery words, 8 groups`.
#[must_use]
pub fn cards_and_groups(record: &AuthorityRecord) -> String {
    let sheets = record.cards.iter().filter(|c| c.words.is_some()).count();
    let cards = record.cards.len() - sheets;
    let groups = record.groups.len();
    match sheets {
        0 => format!("{cards} cards, {groups} groups"),
        1 => format!("{cards} cards, 1 sheet of recovery words, {groups} groups"),
        _ => format!("{cards} cards, {sheets} sheets of recovery words, {groups} groups"),
    }
}
