//! Why evidence is refused.

use crate::cbor::CborError;

/// The first thing that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// It is no deterministic CBOR of the expected type.
    #[error("the {what} is not of its form: {source}")]
    Form {
        /// What was being read.
        what: &'static str,
        /// The reason.
        source: CborError,
    },
    /// It is well formed, but something else.
    #[error("this is marked {found:?}, not {expected:?}")]
    Tag {
        /// The tag that was wanted.
        expected: &'static str,
        /// The tag that was there.
        found: String,
    },
    /// A signature does not verify.
    #[error("{place}: the signature is wrong")]
    Signature {
        /// What was signed, and by whom.
        place: String,
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

    /// The same reason, said of a place that holds this one.
    pub(crate) fn within(self, outer: &str) -> Self {
        match self {
            Self::Signature { place } => Self::Signature {
                place: format!("{outer}, {place}"),
            },
            Self::Broken { place, reason } => Self::Broken {
                place: format!("{outer}, {place}"),
                reason,
            },
            other => Self::broken(outer, other.to_string()),
        }
    }
}
