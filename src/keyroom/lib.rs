//! The key room: nouns, ports, cards, provider, vault, door.

pub mod piv;
pub mod ports;
