//! The station: everything composed.
