//! How often something may fail under one key: the station tells nobody, by
//! many tries, how near a forged block came.

use conclave_evidence::Id;
use serde::{Deserialize, Serialize};

/// Tries that may fail under one key within [`WINDOW_MS`].
pub const FAILURES_MOST: usize = 5;
/// One hour.
pub const WINDOW_MS: u64 = 3_600_000;

/// When tries under a key failed.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FailedTries {
    /// Wall clock, oldest first.
    pub failed_ms: Vec<u64>,
}

impl FailedTries {
    /// The record's id, of the key's.
    #[must_use]
    pub fn id_of(under: Id) -> Id {
        let mut id = under.0;
        id.iter_mut().for_each(|byte| *byte ^= 0x99);
        Id(id)
    }

    /// TRUE while another try may be made. Forgets those of before the window.
    pub fn may_try(&mut self, now_ms: u64) -> bool {
        // A clock that was set back makes no try older.
        self.failed_ms
            .retain(|at| now_ms.saturating_sub(*at) < WINDOW_MS);
        self.failed_ms.len() < FAILURES_MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_has_five_failures() {
        let mut tries = FailedTries::default();
        for at in 0..5 {
            assert!(tries.may_try(at));
            tries.failed_ms.push(at);
        }
        assert!(!tries.may_try(WINDOW_MS - 1));
        assert!(tries.may_try(WINDOW_MS), "the first is an hour old");
        assert_eq!(tries.failed_ms, [1, 2, 3, 4]);
    }
}
