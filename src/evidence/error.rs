//! Why evidence is refused.

use crate::approval::ApprovalError;
use crate::authority::AuthorityError;
use crate::cbor::CborError;
use crate::journal::BrokenChain;

/// The first thing that does not fit, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// It is no deterministic CBOR of the expected shape.
    #[error("{place}: {source}")]
    Form {
        /// What was being read.
        place: String,
        /// The reason.
        source: CborError,
    },
    /// It is well formed, but something else.
    #[error("{place}: this is marked {found:?}, not {expected:?}")]
    Tag {
        /// What was being read.
        place: String,
        /// The tag that was wanted.
        expected: &'static str,
        /// The tag that was there.
        found: String,
    },
    /// The chain of authority records does not hold.
    #[error("{0}")]
    Authority(#[from] AuthorityError),
    /// The journal's chain does not hold.
    #[error("journal: {0}")]
    Journal(#[from] BrokenChain),
    /// A signature does not verify.
    #[error("{place}: the signature is wrong")]
    Signature {
        /// What was signed, and by whom.
        place: String,
    },
    /// An approval does not count.
    #[error("{place}: {source}")]
    Approval {
        /// Which, and by whom.
        place: String,
        /// The reason.
        source: ApprovalError,
    },
    /// A backup of a repository that a newer program has written.
    #[error(
        "backup: it is of repository format {format}, and this program knows none above {knows}"
    )]
    NewerFormat {
        /// What it says.
        format: u32,
        /// The highest that this program knows.
        knows: u32,
    },
    /// Too few people of a group approved.
    #[error("{place}: {have} of {need} approvals")]
    Quorum {
        /// Of which group.
        place: String,
        /// Distinct people with distinct cards.
        have: usize,
        /// Needed.
        need: usize,
    },
    /// A file differs from what was signed, or is missing, or is too much.
    #[error("{place}: {reason}")]
    File {
        /// Its name.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A rule or a link is broken.
    #[error("{place}: {reason}")]
    Broken {
        /// Where.
        place: String,
        /// Why, in words.
        reason: String,
    },
}

impl EvidenceError {
    pub(crate) fn broken(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Broken {
            place: place.into(),
            reason: reason.into(),
        }
    }

    pub(crate) fn file(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::File {
            place: place.into(),
            reason: reason.into(),
        }
    }

    pub(crate) fn form(place: impl Into<String>) -> impl FnOnce(CborError) -> Self {
        let place = place.into();
        move |source| Self::Form { place, source }
    }
}
