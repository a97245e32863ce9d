//! Ids of records that stand beside another one and follow from it.

use conclave_evidence::Id;
use sha2::{Digest, Sha256};

/// The first 16 bytes of the SHA-256 over the record's kind and what it is of: no
/// two kinds meet at one id, and none meets a random one.
pub(super) fn derived_id(kind: &str, of: &[&[u8]]) -> Id {
    let mut hash = Sha256::new();
    hash.update(kind);
    for part in of {
        hash.update(part);
    }
    first_half(&hash.finalize().into())
}

/// The first 16 bytes of a digest.
pub(super) fn first_half(digest: &[u8; 32]) -> Id {
    let mut id = [0u8; 16];
    for (to, from) in id.iter_mut().zip(digest) {
        *to = *from;
    }
    Id(id)
}
