//! Runs of LOCKED entries, and which of them nobody vouches for.
//!
//! While nobody is logged on there is no key to sign with: what is then written
//! can be written or cut off by whoever has the disk. What a program run wrote
//! it still knows when a quorum logs on in that same run: it goes on from the
//! hash that it holds in memory, so nothing can be slipped in between. An entry
//! of the same run under a signed head therefore vouches for the LOCKED entries
//! before it; the run's id is random and not known to anybody before. A run that
//! ended before anybody logged on has nobody who vouches for it. It stays
//! UNAUTHENTICATED until administrators have read and adopted it.

use crate::ids::{Hash, Id};
use crate::journal::{EntryHeader, EntryKind};

/// The action that adopts LOCKED entries; its OUTCOME adopts all before it.
pub const ADOPT: &str = "adopt-entries";

/// LOCKED entries of one program run, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedRun {
    /// The number of the first.
    pub first: u64,
    /// The number of the last.
    pub last: u64,
    /// The hash of the last.
    pub entry: Hash,
    /// The program run that they name.
    pub boot: Id,
}

impl LockedRun {
    /// How many entries.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.last.saturating_sub(self.first).saturating_add(1)
    }

    /// `entry 9`, or `entries 9 to 11`.
    #[must_use]
    pub fn words(&self) -> String {
        if self.first == self.last {
            format!("entry {}", self.first)
        } else {
            format!("entries {} to {}", self.first, self.last)
        }
    }
}

/// Follows a journal, entry by entry, from the first one on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockedRuns {
    /// The run at the journal's end: whoever wrote it may still be there.
    current: Option<LockedRun>,
    /// Runs that ended with nobody to vouch for them.
    orphaned: Vec<LockedRun>,
}

impl LockedRuns {
    /// The next entry, and its hash. What is not LOCKED stands under a signed
    /// head, or the journal does not hold.
    pub fn push(&mut self, header: &EntryHeader, hash: Hash) {
        let (seq, boot) = (header.seq, header.boot);
        let same = |run: &LockedRun| run.boot == boot;
        if header.kind == EntryKind::Locked {
            match self.current.as_mut().filter(|run| same(run)) {
                Some(run) => (run.last, run.entry) = (seq, hash),
                None => {
                    let run = LockedRun {
                        first: seq,
                        last: seq,
                        entry: hash,
                        boot,
                    };
                    self.orphaned.extend(self.current.replace(run));
                }
            }
            return;
        }
        self.orphaned
            .extend(self.current.take().filter(|run| !same(run)));
        if header.kind == EntryKind::Outcome && header.action == ADOPT {
            self.orphaned.clear();
        }
    }

    /// The runs that nobody vouches for. `running`: the program run that is
    /// still there, whose own entries it knows.
    #[must_use]
    pub fn unauthenticated(&self, running: Option<Id>) -> Vec<LockedRun> {
        let mut runs = self.orphaned.clone();
        runs.extend(self.current.clone().filter(|r| Some(r.boot) != running));
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(entries: &[(EntryKind, u8, &str)]) -> LockedRuns {
        let mut runs = LockedRuns::default();
        for (seq, (kind, boot, action)) in (0u64..).zip(entries) {
            let header = EntryHeader {
                seq,
                previous: Hash([0; 32]),
                wall_ms: 0,
                mono_ms: 0,
                boot: Id([*boot; 16]),
                kind: *kind,
                act: Id([0; 16]),
                action: (*action).into(),
                commitment: None,
                roots: None,
            };
            runs.push(&header, Hash([seq as u8; 32]));
        }
        runs
    }

    fn words(runs: &LockedRuns, running: Option<u8>) -> Vec<String> {
        let runs = runs.unauthenticated(running.map(|boot| Id([boot; 16])));
        runs.iter().map(LockedRun::words).collect()
    }

    use EntryKind::{Failed, Locked, Outcome, Session};

    #[test]
    fn a_logon_of_the_same_run_vouches() {
        let runs = follow(&[
            (Session, 1, "logout"),
            (Locked, 1, "logon"),
            (Locked, 1, "logon"),
            (Session, 1, "logon"),
        ]);
        assert!(words(&runs, None).is_empty());
        let runs = follow(&[(Session, 1, "logout"), (Locked, 1, "logon")]);
        assert_eq!(words(&runs, None), ["entry 1"]);
        assert!(words(&runs, Some(1)).is_empty(), "its own run knows it");
        assert_eq!(words(&runs, Some(2)), ["entry 1"]);
    }

    #[test]
    fn a_run_that_ended_is_nobodys_until_it_is_adopted() {
        let mut entries = vec![
            (Session, 1, "logout"),
            (Locked, 1, "logon"),
            (Locked, 1, "logon"),
            (Locked, 2, "logon"),
            (Locked, 3, "logon"),
            (Session, 3, "logon"),
        ];
        let orphaned = ["entries 1 to 2", "entry 3"];
        assert_eq!(words(&follow(&entries), Some(3)), orphaned);
        // Only the act itself adopts, and only what is before it.
        for (kind, action) in [(Failed, ADOPT), (Outcome, "unlock-station")] {
            entries.push((kind, 3, action));
            assert_eq!(words(&follow(&entries), Some(3)), orphaned);
        }
        entries.push((Outcome, 3, ADOPT));
        assert!(words(&follow(&entries), Some(3)).is_empty());
        entries.extend([(Locked, 3, "logon"), (Session, 4, "logon")]);
        assert_eq!(words(&follow(&entries), Some(4)), ["entry 9"]);
    }

    #[test]
    fn entries_slipped_in_before_a_run_are_not_taken_for_its_own() {
        // A forger who copies the id of an earlier run.
        let runs = follow(&[
            (Session, 1, "logon"),
            (Session, 1, "logout"),
            (Locked, 1, "forged"),
            (Session, 2, "logon"),
        ]);
        assert_eq!(words(&runs, Some(2)), ["entry 2"]);
    }
}
