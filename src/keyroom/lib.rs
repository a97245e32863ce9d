//! The key room: nouns, ports, cards, provider, vault, door.
