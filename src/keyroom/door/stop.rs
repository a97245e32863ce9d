//! The flag that a lost card or a shutdown raises.

use std::sync::atomic::{AtomicU8, Ordering};

/// Why work has to stop at its next safe boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Somebody asked.
    Asked,
    /// A quorum card was pulled.
    QuorumLost,
    /// The program ends.
    Shutdown,
}

/// Raised by the thread that sees it first; checked before every effect.
#[derive(Default)]
pub struct StopFlag(AtomicU8);

impl StopFlag {
    /// Raises the flag. The first reason stands.
    pub fn raise(&self, why: Stop) {
        let code = match why {
            Stop::Asked => 1,
            Stop::QuorumLost => 2,
            Stop::Shutdown => 3,
        };
        let _ = self
            .0
            .compare_exchange(0, code, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// Lowers it, when a new session begins.
    pub fn lower(&self) {
        self.0.store(0, Ordering::SeqCst);
    }

    /// Lowers it where it was raised because somebody asked: that was answered.
    pub fn answered(&self) {
        let _ = self
            .0
            .compare_exchange(1, 0, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// TRUE while it is raised.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.why().is_some()
    }

    /// Why it is raised.
    #[must_use]
    pub fn why(&self) -> Option<Stop> {
        match self.0.load(Ordering::SeqCst) {
            1 => Some(Stop::Asked),
            2 => Some(Stop::QuorumLost),
            3 => Some(Stop::Shutdown),
            _ => None,
        }
    }
}
