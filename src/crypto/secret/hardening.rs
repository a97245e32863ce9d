//! What the process does at its start so that nobody reads its memory.

use std::fmt;

use rustix::io::Errno;
use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{
    DumpableBehavior, PTracer, Resource, Rlimit, getrlimit, set_dumpable_behavior, set_ptracer,
    setrlimit,
};
use rustix::thread::{CapabilitySet, capabilities};

use super::{Locking, Secret, locking};

/// One protection of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// `RLIMIT_CORE` 0: a crash writes no core file.
    NoCoreFile,
    /// `PR_SET_DUMPABLE` 0: no dump, and no attaching by processes without
    /// privilege, nor reading of `/proc/self/mem`.
    NotDumpable,
    /// `PR_SET_PTRACER` none: no process was ever allowed to trace this one
    /// (Yama, where the kernel has it).
    NoTracer,
    /// `mlockall`: ordinary memory stays out of swap as well.
    AllMemoryLocked,
    /// Locked pages for [`Secret`].
    SecretsLocked,
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCoreFile => "no core file after a crash",
            Self::NotDumpable => "memory closed to other processes",
            Self::NoTracer => "no debugger allowed",
            Self::AllMemoryLocked => "all memory kept out of swap",
            Self::SecretsLocked => "memory of secrets kept out of swap",
        })
    }
}

/// What came of a measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// In force.
    Done,
    /// This kernel does not have it; another measure covers the same.
    NotOffered,
    /// The process may lock only this many bytes, too few; the limit is
    /// `RLIMIT_MEMLOCK`.
    LimitTooLow(u64),
    /// The kernel refused.
    Refused(Errno),
}

/// The report of [`harden_process`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hardening {
    /// Every measure with what came of it.
    pub measures: Vec<(Measure, Outcome)>,
}

impl Hardening {
    /// Whether all measures that this kernel has are in force.
    pub fn is_complete(&self) -> bool {
        self.shortfalls().next().is_none()
    }

    /// The measures that are not in force though they could be.
    pub fn shortfalls(&self) -> impl Iterator<Item = (Measure, Outcome)> + '_ {
        self.measures
            .iter()
            .copied()
            .filter(|(_, outcome)| !matches!(outcome, Outcome::Done | Outcome::NotOffered))
    }

    /// What is missing, a line each, in words for the screen.
    pub fn words(&self) -> Vec<String> {
        self.shortfalls()
            .map(|(measure, outcome)| match outcome {
                Outcome::LimitTooLow(bytes) => format!(
                    "Not in force: {measure}. The limit on locked memory is {} KiB; raise it (LimitMEMLOCK=infinity).",
                    bytes / 1024
                ),
                Outcome::Refused(errno) => {
                    format!("Not in force: {measure}. The system refused: {errno}.")
                }
                Outcome::Done | Outcome::NotOffered => String::new(),
            })
            .collect()
    }
}

/// Closes the process: call first thing in `main`, before any thread. What
/// cannot be done is reported and not fatal; the station decides what it will
/// do without.
pub fn harden_process() -> Hardening {
    Hardening {
        measures: vec![
            (Measure::NoCoreFile, no_core_file()),
            (
                Measure::NotDumpable,
                outcome(set_dumpable_behavior(DumpableBehavior::NotDumpable)),
            ),
            (Measure::NoTracer, no_tracer()),
            (Measure::AllMemoryLocked, lock_all()),
            (Measure::SecretsLocked, secrets_locked()),
        ],
    }
}

fn outcome(result: Result<(), Errno>) -> Outcome {
    match result {
        Ok(()) => Outcome::Done,
        Err(errno) => Outcome::Refused(errno),
    }
}

fn no_core_file() -> Outcome {
    // The hard limit too, so that no code in this process raises it again.
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    outcome(setrlimit(Resource::Core, none))
}

fn no_tracer() -> Outcome {
    match set_ptracer(PTracer::None) {
        Err(Errno::INVAL) => Outcome::NotOffered, // a kernel without Yama
        other => outcome(other),
    }
}

/// The limit on locked memory in bytes after the soft limit was raised to the
/// hard one; `None` is no limit.
fn locked_memory_limit() -> Option<u64> {
    let mut limit = getrlimit(Resource::Memlock);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        // A refusal leaves the soft limit, which is what the next line reads.
        let _ = setrlimit(Resource::Memlock, limit);
    }
    let privileged =
        capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::IPC_LOCK));
    if privileged {
        return None;
    }
    getrlimit(Resource::Memlock).current
}

fn lock_all() -> Outcome {
    // Under a limit, locking *future* memory turns "the limit is reached" into
    // "out of memory" in the middle of a ceremony. So all or nothing.
    if let Some(bytes) = locked_memory_limit() {
        return Outcome::LimitTooLow(bytes);
    }
    let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE;
    // ONFAULT locks pages as they are touched instead of filling in every
    // stack's reserve; kernels before 4.4 do not know it.
    match mlockall(flags | MlockAllFlags::ONFAULT) {
        Err(Errno::INVAL) => outcome(mlockall(flags)),
        other => outcome(other),
    }
}

fn secrets_locked() -> Outcome {
    // One secret of each slot size maps a first chunk of each.
    let _probe = [64, 256, 4096].map(Secret::zeroed);
    match locking() {
        Locking { unlocked: 0, .. } => Outcome::Done,
        _ => match locked_memory_limit() {
            Some(bytes) => Outcome::LimitTooLow(bytes),
            None => Outcome::Refused(Errno::NOMEM),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hardened_process_says_so_to_the_kernel() {
        let report = harden_process();
        assert_eq!(report.measures.len(), 5);
        for (measure, outcome) in &report.measures {
            if matches!(measure, Measure::NoCoreFile | Measure::NotDumpable) {
                assert_eq!(*outcome, Outcome::Done, "{measure}");
            }
        }
        assert_eq!(report.words().len(), report.shortfalls().count());
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
        assert_eq!(
            rustix::process::dumpable_behavior(),
            Ok(DumpableBehavior::NotDumpable)
        );
    }

    #[test]
    fn a_shortfall_is_told_in_words_and_a_kernel_without_yama_is_none() {
        let report = Hardening {
            measures: vec![
                (Measure::NoTracer, Outcome::NotOffered),
                (Measure::SecretsLocked, Outcome::LimitTooLow(65536)),
            ],
        };
        assert!(!report.is_complete());
        let words = report.words();
        assert_eq!(words.len(), 1);
        assert!(words[0].contains("64 KiB"), "{words:?}");
    }
}
