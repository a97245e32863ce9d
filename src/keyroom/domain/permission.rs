//! The mark of a permit, for rooms that stand above the door.
//!
//! An effect (printing, writing media, opening a key) takes
//! `&dyn Permission`. The trait is sealed and the door alone implements it, so
//! holding one proves that an action was checked and its intent is on disk.

use conclave_evidence::Id;

pub(crate) mod sealed {
    /// Only this crate can name it.
    pub trait Sealed {}
}

/// Proof that the door let an action through.
pub trait Permission: sealed::Sealed {
    /// The act's random id, as the journal shows it.
    fn act(&self) -> Id;
    /// The action's name, for example `print-component`.
    fn action(&self) -> &'static str;
    /// TRUE while nothing asks the act to stop: checked before every effect,
    /// so that a lost quorum ends an act at its next safe boundary.
    fn may_continue(&self) -> bool;
}
