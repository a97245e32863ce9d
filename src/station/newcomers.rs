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
    /// What was there at the start.
    known: BTreeSet<String>,
    /// What came since, and is there.
    strangers: BTreeSet<String>,
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
            strangers: BTreeSet::new(),
            looked_ms,
        }
    }

    /// What came since it was looked last, in words; what goes and comes again,
    /// too. What the kernel does not tell is no news: the doctor says that it
    /// cannot be seen.
    pub fn came(&mut self) -> Vec<String> {
        let now = self.clock.mono_ms();
        if now.saturating_sub(self.looked_ms) < LOOK_MS {
            return Vec::new();
        }
        self.looked_ms = now;
        let Some(there) = attached(&*self.machine) else {
            return Vec::new();
        };
        // What was there at the start and went is known no more.
        self.known.retain(|one| there.contains(one));
        let strangers: BTreeSet<String> = there.difference(&self.known).cloned().collect();
        let came = strangers.difference(&self.strangers).cloned().collect();
        self.strangers = strangers;
        came
    }

    /// What came and is there still, as it was looked last.
    #[must_use]
    pub fn strangers(&self) -> Vec<String> {
        self.strangers.iter().cloned().collect()
    }
}

fn attached(machine: &dyn Machine) -> Option<BTreeSet<String>> {
    machine.attached().ok().map(BTreeSet::from_iter)
}
