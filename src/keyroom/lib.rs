//! The key room: nouns, ports, cards, provider, vault, door.

pub mod domain;
pub mod door;
pub mod piv;
pub mod ports;
pub mod provider;
pub mod vault;
