//! Time, as a port.

/// The station's clocks.
pub trait Clock: Send + Sync {
    /// Wall clock, milliseconds since 1970-01-01 00:00 UTC. May be wrong, may
    /// jump.
    fn wall_ms(&self) -> u64;
    /// Monotonic clock, milliseconds since this run of the program began, or later.
    /// Nobody sets it, and it never goes back within one run.
    fn mono_ms(&self) -> u64;
}
