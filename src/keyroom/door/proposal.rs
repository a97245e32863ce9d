//! An action that waits for signatures.

use conclave_evidence::approval::Approval;
use conclave_evidence::authority::{AuthorityRecord, CardEntry};
use conclave_evidence::{GroupId, Hash, Id};

/// An action that was written to the journal as PROPOSED. Cards sign over its
/// hash; it is used once, before it expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The act's random id.
    pub act: Id,
    /// The action's name.
    pub name: String,
    /// Hash of the PROPOSED entry.
    pub hash: Hash,
    /// The entry's number in the journal.
    pub seq: u64,
    /// Digest over name, parameters and nonce.
    pub action: Hash,
    /// The parameters, encoded.
    pub params: Vec<u8>,
    /// Blinds the commitment, and makes each proposal another.
    pub nonce: Id,
    /// What every approver is shown.
    pub words: Vec<String>,
    /// When it was made, wall clock.
    pub made_ms: u64,
    /// When it expires, wall clock.
    pub expires_ms: u64,
}

/// How long a proposal may wait for its signatures.
pub const PROPOSAL_MS: u64 = 15 * 60 * 1000;

impl Proposal {
    /// What a member's card signs (slot 9C) to approve this act.
    #[must_use]
    pub fn approval(
        &self,
        record: &AuthorityRecord,
        authority: Hash,
        card: &CardEntry,
        group: GroupId,
    ) -> Approval {
        Approval {
            station: record.station,
            incarnation: record.incarnation,
            proposed: self.hash,
            action: self.action,
            action_name: self.name.clone(),
            person: card.person,
            group,
            card: card.card,
            key: card.sign_key_9c,
            authority,
            nonce: self.nonce,
            expires_ms: self.expires_ms,
        }
    }
}
