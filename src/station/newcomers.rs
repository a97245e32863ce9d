//! What types or carries a network and appears while the program runs.
//!
//! A stick can say that it is a keyboard, and type; or that it is a network.
//! Neither has a place in the room once people have begun: the session ends, and
//! people look at what was plugged in.

use std::collections::BTreeSet;
use std::sync::Arc;

use conclave_keyroom::ports::clock::Clock;
use conclave_keyroom::ports::machine::Machine;

/// How often it is looked, milliseconds.
const LOOK_MS: u64 = 500;

/// Watches what is attached to the machine.
pub struct Newcomers {
    machine: Box<dyn Machine>,
    clock: Arc<dyn Clock>,
    known: BTreeSet<String>,
    looked_ms: u64,
}

impl Newcomers {
    /// What is there now is known.
    #[must_use]
    pub fn after_now(machine: Box<dyn Machine>, clock: Arc<dyn Clock>) -> Self {
        let known = attached(&*machine).unwrap_or_default();
        let looked_ms = clock.mono_ms();
        Self {
            machine,
            clock,
            known,
            looked_ms,
        }
    }

    /// What came since it was looked last, in words. What goes is forgotten, and
    /// new when it comes again. What the kernel does not tell is no news: the
    /// doctor says that it cannot be seen.
    pub fn came(&mut self) -> Vec<String> {
        let now = self.clock.mono_ms();
        if now.saturating_sub(self.looked_ms) < LOOK_MS {
            return Vec::new();
        }
        self.looked_ms = now;
        let Some(there) = attached(&*self.machine) else {
            return Vec::new();
        };
        let came = there.difference(&self.known).cloned().collect();
        self.known = there;
        came
    }
}

fn attached(machine: &dyn Machine) -> Option<BTreeSet<String>> {
    machine.attached().ok().map(BTreeSet::from_iter)
}
