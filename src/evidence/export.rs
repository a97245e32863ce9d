//! The journal, exported for those who keep it elsewhere.

use serde::{Deserialize, Serialize};

use crate::authority::{AuthorityChain, SignedAuthority};
use crate::journal::{Entry, EntryKind, Linked, SignedAnchor, SignedHead, verify_chain};
use crate::{EvidenceError, Hash};

/// A whole journal with what is needed to check it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalExport {
    /// From the founding record on.
    pub authority: Vec<SignedAuthority>,
    /// From entry 0 on.
    pub entries: Vec<Entry>,
    /// The last head.
    pub head: SignedHead,
    /// The newest heads that cards have signed.
    pub anchors: Vec<SignedAnchor>,
}

/// What a verified journal shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedJournal {
    /// The authority chain.
    pub chain: AuthorityChain,
    /// The entries.
    pub entries: Vec<Linked>,
    /// How many follow the last head: made while locked, so not authenticated.
    pub unauthenticated: usize,
}

impl JournalExport {
    /// Checks the authority chain, the entries, the head and the anchors.
    ///
    /// # Errors
    /// [`EvidenceError`] with the first thing that does not fit.
    pub fn verify(&self) -> Result<CheckedJournal, EvidenceError> {
        let chain = AuthorityChain::verify(&self.authority)?;
        let record = chain.latest();
        let entries = verify_chain(&self.entries, Hash([0; 32]))?;
        if entries.first().is_none_or(|e| e.header.seq != 0) {
            return Err(EvidenceError::broken("journal", "it does not begin with entry 0"));
        }
        let head = self.head.verify(&record.station_key)?;
        if head.station != record.station
            || head.incarnation != record.incarnation
            || chain.by_hash(head.authority).is_none()
        {
            return Err(EvidenceError::broken("head", "it is another station's"));
        }
        let named = |seq: u64, hash: Hash| {
            entries
                .iter()
                .any(|e| e.header.seq == seq && e.hash == hash)
        };
        if !named(head.seq, head.entry) {
            return Err(EvidenceError::broken(
                format!("journal entry {}", head.seq),
                "it is missing, or differs from the signed head",
            ));
        }
        let mut unauthenticated = 0;
        for entry in entries.iter().filter(|e| e.header.seq > head.seq) {
            if entry.header.kind != EntryKind::Locked {
                return Err(EvidenceError::broken(
                    format!("journal entry {}", entry.header.seq),
                    "it stands after the last signed head",
                ));
            }
            unauthenticated += 1;
        }
        for signed in &self.anchors {
            let said = signed.peek()?;
            let card = record
                .card(said.card)
                .ok_or_else(|| EvidenceError::broken("anchor", "its card is unknown"))?;
            let place = format!("anchor of {}", card.person_name);
            let anchor = signed
                .verify(&card.auth_key_9a)
                .map_err(|e| e.within(&place))?;
            if anchor.head.station != record.station
                || anchor.head.seq > head.seq
                || !named(anchor.head.seq, anchor.head.entry)
            {
                return Err(EvidenceError::broken(
                    place,
                    "this card has seen another journal, or a newer one",
                ));
            }
        }
        Ok(CheckedJournal {
            chain,
            entries,
            unauthenticated,
        })
    }
}
