//! The journal, exported for those who keep it elsewhere.

use serde::{Deserialize, Serialize};

use crate::authority::{AuthorityChain, SignedAuthority};
use crate::cbor::{self, CborError};
use crate::error::EvidenceError;
use crate::ids::Hash;
use crate::journal::{Entry, EntryHeader, EntryKind, Head, SignedAnchor, SignedHead, verify_chain};
use crate::locked::{LockedRun, LockedRuns};
use crate::tagged;

const TAG: &str = "conclave/journal-export/1";

/// A whole journal with what is needed to check it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalExport {
    /// From genesis on.
    pub authority: Vec<SignedAuthority>,
    /// From entry 0 on.
    pub entries: Vec<Entry>,
    /// The newest head.
    pub head: SignedHead,
    /// The newest heads that cards have signed, as far as they are known.
    pub anchors: Vec<SignedAnchor>,
}

/// What a verified journal shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedJournal {
    /// The authority chain.
    pub chain: AuthorityChain,
    /// Each entry's clear header and its hash.
    pub entries: Vec<(EntryHeader, Hash)>,
    /// The newest head.
    pub head: Head,
    /// LOCKED entries that nobody vouches for and nobody has adopted.
    pub unauthenticated: Vec<LockedRun>,
    /// Numbers of INTENT entries without OUTCOME or FAILED: UNKNOWN, or still
    /// going on when the export was made.
    pub open_intents: Vec<u64>,
}

impl CheckedJournal {
    /// The entry of this hash.
    #[must_use]
    pub fn by_hash(&self, hash: &Hash) -> Option<&EntryHeader> {
        self.entries
            .iter()
            .find(|(_, found)| found == hash)
            .map(|(header, _)| header)
    }

    /// The hash of the entry of this number.
    #[must_use]
    pub fn hash_at(&self, seq: u64) -> Option<Hash> {
        let at = usize::try_from(seq).ok()?;
        self.entries.get(at).map(|(_, hash)| *hash)
    }
}

impl JournalExport {
    /// Verifies the authority chain, the entries' chain, the head, and that
    /// the anchors agree. Only LOCKED entries may follow the head.
    ///
    /// # Errors
    /// [`EvidenceError`] with the first thing that does not fit.
    pub fn verify(&self) -> Result<CheckedJournal, EvidenceError> {
        let chain = AuthorityChain::verify(&self.authority)?;
        let entries = verify_chain(&self.entries)?;
        let head = check_head(&self.head, &chain)?;
        let mut journal = CheckedJournal {
            chain,
            entries,
            head,
            unauthenticated: Vec::new(),
            open_intents: Vec::new(),
        };
        if journal.hash_at(journal.head.seq) != Some(journal.head.entry) {
            return Err(EvidenceError::broken(
                format!("journal entry {}", journal.head.seq),
                "it is missing, or differs from the signed head",
            ));
        }
        for (header, _) in &journal.entries {
            if header.seq > journal.head.seq && header.kind != EntryKind::Locked {
                return Err(EvidenceError::broken(
                    format!("journal entry {}", header.seq),
                    "it follows the signed head and was not made while locked",
                ));
            }
        }
        let mut runs = LockedRuns::default();
        for (header, hash) in &journal.entries {
            runs.push(header, *hash);
        }
        journal.unauthenticated = runs.unauthenticated(None);
        for signed in &self.anchors {
            check_anchor(signed, &journal)?;
        }
        journal.open_intents = open_intents(&journal.entries);
        Ok(journal)
    }

    /// The content of `journal.cbor`.
    ///
    /// # Errors
    /// [`CborError`]
    pub fn to_file(&self) -> Result<Vec<u8>, CborError> {
        tagged::to_vec(TAG, self)
    }

    /// Reads `journal.cbor`.
    ///
    /// # Errors
    /// [`EvidenceError::Form`], [`EvidenceError::Tag`]
    pub fn from_file(bytes: &[u8]) -> Result<Self, EvidenceError> {
        tagged::from_slice("journal", TAG, bytes)
    }

    /// TRUE when a file is marked as an exported journal.
    #[must_use]
    pub fn is_file(bytes: &[u8]) -> bool {
        cbor::tag_of(bytes) == Some(TAG)
    }
}

/// The head is signed by the station key of the newest authority record: a
/// journal that was cut back cannot keep a newer chain of records.
fn check_head(signed: &SignedHead, chain: &AuthorityChain) -> Result<Head, EvidenceError> {
    let record = chain.latest();
    if signed.head.authority != chain.latest_hash() {
        return Err(EvidenceError::broken(
            "journal head",
            "it does not name the newest authority record",
        ));
    }
    let head = signed
        .verify(&record.station_key)
        .map_err(|_| EvidenceError::Signature {
            place: "journal head, by the station key".into(),
        })?;
    if head.station != record.station || head.incarnation != record.incarnation {
        return Err(EvidenceError::broken(
            "journal head",
            "it is another station's",
        ));
    }
    Ok(head)
}

/// The card is judged by the record that its anchor names: it may have been
/// replaced since.
fn check_anchor(signed: &SignedAnchor, journal: &CheckedJournal) -> Result<(), EvidenceError> {
    let said = &signed.anchor;
    let place = format!("anchor of card {}", said.card);
    let broken = |reason: &str| EvidenceError::broken(place.clone(), reason);
    let record = journal
        .chain
        .by_hash(&said.head.authority)
        .ok_or_else(|| broken("its authority record is not in the chain"))?;
    let card = record
        .card(said.card)
        .ok_or_else(|| broken("the card is not enrolled"))?;
    signed
        .verify(&card.auth_key_9a)
        .map_err(|_| EvidenceError::Signature {
            place: place.clone(),
        })?;
    if said.head.station != record.station || said.head.incarnation != record.incarnation {
        return Err(broken("it is of another station"));
    }
    if said.head.seq > journal.head.seq {
        return Err(broken("the card has seen a newer journal"));
    }
    if journal.hash_at(said.head.seq) != Some(said.head.entry) {
        return Err(broken("the card has seen another journal"));
    }
    Ok(())
}

fn open_intents(entries: &[(EntryHeader, Hash)]) -> Vec<u64> {
    let mut open = std::collections::BTreeMap::new();
    for (header, _) in entries {
        match header.kind {
            EntryKind::Intent => {
                open.insert(header.act, header.seq);
            }
            EntryKind::Outcome | EntryKind::Failed => {
                open.remove(&header.act);
            }
            _ => {}
        }
    }
    let mut numbers: Vec<u64> = open.into_values().collect();
    numbers.sort_unstable();
    numbers
}
