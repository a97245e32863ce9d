//! The system's clocks: with `random.rs` the only place that reads them.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use conclave_keyroom::ports::clock::Clock;

/// Wall clock and monotonic clock of this computer.
pub struct SystemClock {
    started: Instant,
}

impl Default for SystemClock {
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the composition's own clock"
    )]
    fn default() -> Self {
        Self {
            started: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the composition's own clock"
    )]
    fn wall_ms(&self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
    }

    fn mono_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
