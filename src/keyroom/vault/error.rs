//! What can go wrong in the vault.

use conclave_evidence::{GroupId, Id};

use super::compartment::Compartment;
use crate::ports::store::StoreError;

/// A failure of the vault. None of them carries a secret.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A newer program has written it.
    #[error(
        "this repository was written by a newer program: it is of format {format}, and this \
         program knows up to {knows}"
    )]
    NewerFormat {
        /// Its format.
        format: u32,
        /// The newest that is known here.
        knows: u32,
    },
    /// There is no station in this repository yet.
    #[error("this repository holds no station yet")]
    Empty,
    /// There is one already.
    #[error("this repository holds a station already")]
    NotEmpty,
    /// The public authority record does not verify.
    #[error("the authority record does not verify: {0}")]
    Authority(String),
    /// The journal's chain, head or anchor does not verify.
    #[error("the journal does not verify: {0}")]
    Journal(String),
    /// A record, wrap or share does not authenticate.
    #[error("{what} fails its authentication: altered, swapped, or of another version")]
    Forged {
        /// What, by type and id; never by content.
        what: String,
    },
    /// Records do not add up to the compartment's signed root.
    #[error("compartment {0}: the records do not agree with its signed root")]
    Root(Compartment),
    /// The compartment is not open in this session.
    #[error("compartment {0} is not open in this session")]
    Closed(Compartment),
    /// The session may read the compartment, but not write it.
    #[error("this session may not write compartment {0}")]
    ReadOnly(Compartment),
    /// The compartment's many records are still being added up; until then it
    /// is only read.
    #[error("the records of {0} are still being checked; nothing is changed before that is done")]
    AddingUp(Compartment),
    /// The repository is damaged, and only looked at.
    #[error("this is a rescue: the repository is damaged, and nothing is written to it")]
    Rescue,
    /// A group that opens nothing without another came alone.
    #[error("{0} open nothing alone: PIN operators and PIN supervisors come together")]
    OnlyTogether(GroupId),
    /// Fewer shares than the group needs.
    #[error("{group}: {have} of {need} shares")]
    TooFew {
        /// Which group.
        group: GroupId,
        /// How many came.
        have: usize,
        /// How many are needed.
        need: usize,
    },
    /// A group would be left without a member to spare.
    #[error(
        "{group}: {have} members, and {need} are needed so that one more lost card does no harm"
    )]
    NoneToSpare {
        /// Which group.
        group: GroupId,
        /// How many it would have.
        have: usize,
        /// How many it needs.
        need: usize,
    },
    /// Somebody would leave a group, and its compartments keep their keys.
    #[error("{0}: somebody leaves the group, and the keys of what it opens were not made anew")]
    KeepsKeys(GroupId),
    /// A share is not the one that was given out.
    #[error("{group}: the share of member {x} is not the one that was given out")]
    BadShare {
        /// Which group.
        group: GroupId,
        /// The member's share number.
        x: u8,
    },
    /// The group is unknown, or holds no secret.
    #[error("{0} holds no secret on this station")]
    NoSecret(GroupId),
    /// No such record.
    #[error("no {0} of this id")]
    Missing(&'static str),
    /// A stored value is not of its form.
    #[error("a stored {0} is not of its form")]
    Malformed(&'static str),
    /// Records were to change without a journal entry.
    #[error("records change only together with a journal entry")]
    Unjournalled,
    /// The card is suspended or revoked.
    #[error("card {} is suspended or revoked", .0.short())]
    Barred(Id),
    /// The station is locked until administrators unlock it.
    #[error("the station is locked: {0}")]
    StationLocked(String),
    /// The people or groups of a founding break a rule.
    #[error(transparent)]
    Staff(#[from] crate::domain::staff::StaffError),
    /// A cryptographic function refused its input.
    #[error("cryptography failed: {0}")]
    Crypto(&'static str),
    /// The random source is faulty (R1).
    #[error("the random source failed its health test")]
    Random,
}

impl From<conclave_evidence::cbor::CborError> for VaultError {
    fn from(_: conclave_evidence::cbor::CborError) -> Self {
        Self::Malformed("value")
    }
}
