//! What left on a medium is read a second time, after people pulled it and put it back:
//! what the medium held in its own memory is gone by then.

use serde::{Deserialize, Serialize};

/// Whether that took place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecondReading {
    /// Not yet.
    Wanted,
    /// Every byte was as it was written.
    Done {
        /// When, wall clock in milliseconds since 1970.
        at_ms: u64,
    },
}
