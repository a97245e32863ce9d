//! A certificate on record: a partner's, whose signatures are taken or to whose key
//! something is encrypted.

use conclave_evidence::{Bytes, Hash};
use serde::{Deserialize, Serialize};

/// A certificate as two people recorded it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolledCertificate {
    /// DER.
    pub der: Bytes,
    /// SHA-256 of it, as two people typed it from its owner's letter.
    pub fingerprint: Hash,
    /// Whose it is.
    pub subject: String,
    /// `RSA-3072`, `P-256`.
    pub key: String,
    /// First millisecond of validity, wall clock.
    pub from_ms: u64,
    /// Last millisecond of validity, wall clock.
    pub until_ms: u64,
}

impl EnrolledCertificate {
    /// TRUE within its validity.
    #[must_use]
    pub fn holds(&self, now_ms: u64) -> bool {
        (self.from_ms..=self.until_ms).contains(&now_ms)
    }
}
