//! A mandate: what two quorums allowed a ceremony to do.

use std::collections::BTreeMap;

use conclave_evidence::{Hash, Id};
use serde::{Deserialize, Serialize};

/// The approved limits of one ceremony, or of one batch of PIN mailers. Its
/// units run under it without fresh signatures of the quorums.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mandate {
    /// The ceremony, or the batch.
    pub ceremony: Id,
    /// The incarnation of the station in which it was signed: what was allowed
    /// before a restore is not allowed after it.
    pub incarnation: Id,
    /// Digest of the script's exact bytes; a batch's template.
    pub script: Hash,
    /// Digest of the parameters that were chosen.
    pub parameters: Hash,
    /// How often each action may still run.
    pub left: BTreeMap<String, u32>,
    /// Wall clock; at most 24 hours after opening.
    pub expires_ms: u64,
    /// The ceremony is over.
    pub closed: bool,
    /// Who has, or once had, a part of the key: none of them is one of a quorum in it
    /// (R13). A mandate of before this was written names nobody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub barred: Vec<Id>,
    /// SHA-256 of the minutes that were signed when it was closed.
    pub minutes: Option<Hash>,
}

impl Mandate {
    /// The record's kind, in the catalogue and in `pins`.
    pub const KIND: &'static str = "mandate";

    /// The id of a ceremony's mandate in the catalogue: the ceremony's own
    /// record has the ceremony's id.
    #[must_use]
    pub fn id_of(ceremony: Id) -> Id {
        let mut id = ceremony.0;
        id.iter_mut().for_each(|byte| *byte ^= 0x55);
        Id(id)
    }

    /// TRUE when `action` may run once more now.
    #[must_use]
    pub fn covers(&self, action: &str, now_ms: u64) -> bool {
        !self.closed
            && now_ms <= self.expires_ms
            && self.left.get(action).is_some_and(|left| *left > 0)
    }

    /// Uses one unit up.
    pub fn consume(&mut self, action: &str) {
        if let Some(left) = self.left.get_mut(action) {
            *left = left.saturating_sub(1);
        }
    }
}
