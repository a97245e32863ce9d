//! How often something may fail under one key: the station tells nobody, by
//! many tries, how near a forged block came.
//!
//! The hour is one in which the station runs: no clock that somebody sets, and no
//! restart, gives a try back early.

use conclave_evidence::Id;
use serde::{Deserialize, Serialize};

/// Tries that may fail under one key within [`WINDOW_MS`].
pub const FAILURES_MOST: usize = 5;
/// One hour.
pub const WINDOW_MS: u64 = 3_600_000;

/// A moment by a clock that nobody sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// The run of the program.
    pub boot: Id,
    /// How long it had lasted, milliseconds.
    pub mono_ms: u64,
}

/// When tries under a key failed.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FailedTries {
    /// Oldest first.
    #[serde(default)]
    pub failed: Vec<Moment>,
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
    pub fn may_try(&mut self, now: Moment) -> bool {
        // Of an earlier run nobody knows how long ago it was: then this one has
        // to have lasted so long.
        let since = |then: &Moment| match then.boot == now.boot {
            true => now.mono_ms.saturating_sub(then.mono_ms),
            false => now.mono_ms,
        };
        self.failed.retain(|then| since(then) < WINDOW_MS);
        self.failed.len() < FAILURES_MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(boot: u8, mono_ms: u64) -> Moment {
        let boot = Id([boot; 16]);
        Moment { boot, mono_ms }
    }

    #[test]
    fn an_hour_has_five_failures() {
        let mut tries = FailedTries::default();
        for mono in 0..5 {
            assert!(tries.may_try(at(1, mono)));
            tries.failed.push(at(1, mono));
        }
        assert!(!tries.may_try(at(1, WINDOW_MS - 1)));
        assert!(tries.may_try(at(1, WINDOW_MS)), "the first is an hour old");
        assert_eq!(tries.failed.len(), 4);
    }

    #[test]
    fn after_a_restart_the_hour_begins_anew() {
        let failed = vec![at(1, 7 * WINDOW_MS); FAILURES_MOST];
        let mut tries = FailedTries { failed };
        assert!(!tries.may_try(at(2, WINDOW_MS - 1)));
        assert!(tries.may_try(at(2, WINDOW_MS)));
    }
}
