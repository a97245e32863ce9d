//! The approval of one act by one person's card.

use serde::{Deserialize, Serialize};

use crate::authority::{AuthorityRecord, GroupId};
use crate::cbor::{self, CborError};
use crate::ids::{Bytes, Hash, Id, Point, Signature};
use crate::sign::verify_p256;

/// What a card signs (slot 9C, fresh PIN) to approve one act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The station.
    pub station: Id,
    /// Its incarnation.
    pub incarnation: Id,
    /// Hash of the act's PROPOSED entry.
    pub proposed: Hash,
    /// Digest over the action's name, parameters and nonce.
    pub action: Hash,
    /// The action's name.
    pub action_name: String,
    /// Who approves.
    pub person: Id,
    /// As a member of which group.
    pub group: GroupId,
    /// With which card.
    pub card: Id,
    /// That card's 9C key.
    pub key: Point,
    /// Digest of the authority record in force.
    pub authority: Hash,
    /// The proposal's nonce.
    pub nonce: Id,
    /// Wall clock, milliseconds since 1970.
    pub expires_ms: u64,
}

impl Approval {
    /// What the card signs.
    ///
    /// # Errors
    /// [`CborError`]
    pub fn digest(&self) -> Result<Hash, CborError> {
        cbor::digest("conclave/approval/1", self)
    }
}

/// An approval with its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedApproval {
    /// The approval.
    pub approval: Approval,
    /// By the card's 9C key.
    pub signature: Signature,
}

/// What an approval must say to count for one act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The station.
    pub station: Id,
    /// Its incarnation.
    pub incarnation: Id,
    /// Hash of the PROPOSED entry.
    pub proposed: Hash,
    /// The action's digest.
    pub action: Hash,
    /// The action's name.
    pub action_name: String,
    /// Digest of the authority record.
    pub authority: Hash,
    /// The proposal's nonce.
    pub nonce: Id,
    /// The time at which it must not have expired.
    pub now_ms: u64,
}

/// Why an approval does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalError {
    /// Made for another station or incarnation.
    #[error("it was made for another station")]
    Station,
    /// Made for another act, or for other parameters.
    #[error("it was made for another act")]
    Act,
    /// Made under another authority record.
    #[error("it was made under another authority record")]
    Authority,
    /// Too old.
    #[error("it has expired")]
    Expired,
    /// The card is not enrolled, not this person's, or not in this group.
    #[error("its card, person and group do not belong together")]
    Card,
    /// The signature is wrong.
    #[error("its signature is wrong")]
    Signature,
}

impl SignedApproval {
    /// Verifies it against the authority record and the act. Whether the card
    /// was active then, and whether the quorum is complete, is for the caller.
    ///
    /// # Errors
    /// [`ApprovalError`]
    pub fn verify(
        &self,
        record: &AuthorityRecord,
        expected: &Expected,
    ) -> Result<&Approval, ApprovalError> {
        let approval = &self.approval;
        if approval.station != expected.station || approval.incarnation != expected.incarnation {
            return Err(ApprovalError::Station);
        }
        if approval.proposed != expected.proposed
            || approval.action != expected.action
            || approval.action_name != expected.action_name
            || approval.nonce != expected.nonce
        {
            return Err(ApprovalError::Act);
        }
        if approval.authority != expected.authority {
            return Err(ApprovalError::Authority);
        }
        if expected.now_ms > approval.expires_ms {
            return Err(ApprovalError::Expired);
        }
        let card = record.card(approval.card).ok_or(ApprovalError::Card)?;
        if card.person != approval.person
            || card.sign_key_9c != approval.key
            || !record.is_member(approval.group, approval.card)
        {
            return Err(ApprovalError::Card);
        }
        let digest = approval.digest().map_err(|_| ApprovalError::Signature)?;
        verify_p256(&card.sign_key_9c, &digest, &self.signature)
            .map_err(|_| ApprovalError::Signature)?;
        Ok(approval)
    }
}

/// The digest of an action: over its name, its parameters (deterministic
/// CBOR), and a random nonce, so that it can be shown without telling what it
/// is of.
///
/// # Errors
/// [`CborError`]
pub fn action_digest(name: &str, params: &[u8], nonce: Id) -> Result<Hash, CborError> {
    cbor::digest("conclave/action/1", &(name, Bytes(params.to_vec()), nonce))
}
