//! Where things stand in the store: one prefix a kind of value.

use conclave_evidence::{GroupId, Id};

use super::compartment::{Compartment, Openers};

/// Prefix of the signed authority records, by sequence number.
pub const AUTHORITY: &[u8] = b"a/";
/// Prefix of the journal's entries, by sequence number.
pub const JOURNAL: &[u8] = b"j/";
/// The newest head, signed by the station key.
pub const HEAD: &[u8] = b"h";
/// Prefix of the newest anchor that each card signed.
pub const ANCHOR: &[u8] = b"n/";
/// How far the genesis ceremony came.
pub const GENESIS: &[u8] = b"g";
/// The count of failed logons, and why the station is locked.
pub const GUARD: &[u8] = b"k";
/// The repository's format, from the second on.
pub const FORMAT: &[u8] = b"v";

/// Stands there while the repository is filled from a backup.
pub const FILLING: &[u8] = b"b";
/// Prefixes of everything that is sealed, in the order of the keys.
pub const SEALED: [&[u8]; 4] = [b"c/", b"r/", b"s/", b"w/"];
/// Prefixes of everything that is public and signed, in the order of the keys.
pub const PUBLIC: [&[u8]; 4] = [AUTHORITY, HEAD, JOURNAL, ANCHOR];

fn numbered(prefix: &[u8], number: u64) -> Vec<u8> {
    [prefix, &number.to_be_bytes()].concat()
}

/// An authority record.
#[must_use]
pub fn authority(seq: u64) -> Vec<u8> {
    numbered(AUTHORITY, seq)
}

/// A journal entry.
#[must_use]
pub fn entry(seq: u64) -> Vec<u8> {
    numbered(JOURNAL, seq)
}

/// The last anchor a card signed.
#[must_use]
pub fn anchor(card: Id) -> Vec<u8> {
    [ANCHOR, &card.0].concat()
}

/// A proposal's nonce that was used up.
#[must_use]
pub fn nonce(nonce: Id) -> Vec<u8> {
    [b"u/".as_slice(), &nonce.0].concat()
}

/// A member's sealed share.
#[must_use]
pub fn share(group: GroupId, epoch: u32, x: u8) -> Vec<u8> {
    format!("s/{group}/{epoch}/{x}").into_bytes()
}

/// A compartment's data key (`data`) or writer key (`writer`), wrapped.
#[must_use]
pub fn wrap(purpose: &str, compartment: Compartment, openers: Openers) -> Vec<u8> {
    let names: Vec<String> = openers.iter().map(ToString::to_string).collect();
    format!("w/{purpose}/{compartment}/{}", names.join("+")).into_bytes()
}

/// A compartment's public state: epoch, root, sealed sum.
#[must_use]
pub fn compartment(compartment: Compartment) -> Vec<u8> {
    format!("c/{compartment}").into_bytes()
}

/// All records of a compartment.
#[must_use]
pub fn records(compartment: Compartment) -> Vec<u8> {
    format!("r/{compartment}/").into_bytes()
}

/// One record.
#[must_use]
pub fn record(compartment: Compartment, id: Id) -> Vec<u8> {
    [records(compartment).as_slice(), &id.0].concat()
}
