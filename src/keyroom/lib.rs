//! The key room: nouns, ports, cards, provider, vault, door.

pub mod domain;
pub mod piv;
pub mod ports;
