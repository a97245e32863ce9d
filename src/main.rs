//! Conclave, the key-ceremony workstation.

fn main() {}
