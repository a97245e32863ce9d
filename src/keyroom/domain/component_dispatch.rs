//! A component that goes to a partner: announced in a letter, carried its own way, and
//! received, with the package as they found it (R14).

use conclave_evidence::Id;
use serde::{Deserialize, Serialize};

use super::derived_id::derived_id;

/// What the partner says of a package that arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedComponent {
    /// Who signed for it.
    pub by: String,
    /// The serial that they read on the package.
    pub package: String,
    /// When the receipt was filed, wall clock in milliseconds since 1970.
    pub at_ms: u64,
}

/// One component on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentDispatch {
    /// The key.
    pub key: Id,
    /// Its label.
    pub label: String,
    /// The ceremony that printed the sheet.
    pub ceremony: Id,
    /// Which component, from 1.
    pub index: u8,
    /// Of how many.
    pub of: u8,
    /// The serial of its package, as custody has it.
    pub package: String,
    /// The partner.
    pub to: String,
    /// How it goes; no other component of the letter goes this way, and not the letter.
    pub way: String,
    /// The reference of the letter that announced it.
    pub letter: String,
    /// When the letter was printed, wall clock in milliseconds since 1970.
    pub announced_ms: u64,
    /// What came back.
    pub received: Option<ReceivedComponent>,
}

impl ComponentDispatch {
    /// The record's kind in the catalogue.
    pub const KIND: &'static str = "component-dispatch";

    /// The id of its record: a sheet goes to one partner.
    #[must_use]
    pub fn id_of(key: Id, ceremony: Id, index: u8) -> Id {
        derived_id(Self::KIND, &[&key.0, &ceremony.0, &[index]])
    }

    /// TRUE when a receipt names another package than the one that left.
    #[must_use]
    pub fn differs(&self) -> bool {
        let other = |r: &ReceivedComponent| r.package != self.package;
        self.received.as_ref().is_some_and(other)
    }

    /// TRUE while a receipt is wanted: nothing came back, or of another package.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.received.is_none() || self.differs()
    }
}
