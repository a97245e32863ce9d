//! Tagged arrays `[tag, value]`, as they are signed and as files.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::authority::SignedAuthority;
use crate::cbor::{self, CborError};
use crate::error::EvidenceError;
use crate::ids::Hash;

const AUTHORITY_TAG: &str = "conclave/authority-chain/1";

/// Encodes `[tag, value]`.
pub(crate) fn to_vec<T: Serialize>(tag: &str, value: &T) -> Result<Vec<u8>, CborError> {
    cbor::to_vec(&(tag, value))
}

/// Decodes `[tag, value]`, in the one encoding it has.
pub(crate) fn from_slice<T: Serialize + DeserializeOwned>(
    place: &str,
    tag: &'static str,
    bytes: &[u8],
) -> Result<T, EvidenceError> {
    if let Some(found) = cbor::tag_of(bytes).filter(|found| *found != tag) {
        return Err(EvidenceError::Tag {
            place: place.into(),
            expected: tag,
            found: found.into(),
        });
    }
    let (found, value): (String, T) = cbor::exact(bytes).map_err(EvidenceError::form(place))?;
    if found != tag {
        return Err(EvidenceError::Tag {
            place: place.into(),
            expected: tag,
            found,
        });
    }
    Ok(value)
}

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> Hash {
    Hash(Sha256::digest(bytes).into())
}

/// The content of `authority.cbor`: the chain from genesis on.
///
/// # Errors
/// [`CborError`]
pub fn authority_file(chain: &[SignedAuthority]) -> Result<Vec<u8>, CborError> {
    cbor::to_vec(&(AUTHORITY_TAG, chain))
}

/// TRUE when a file is marked as an authority chain.
pub(crate) fn is_authority_file(bytes: &[u8]) -> bool {
    cbor::tag_of(bytes) == Some(AUTHORITY_TAG)
}

/// Reads `authority.cbor`. The chain is not verified yet.
///
/// # Errors
/// [`EvidenceError::Form`], [`EvidenceError::Tag`]
pub fn read_authority_file(bytes: &[u8]) -> Result<Vec<SignedAuthority>, EvidenceError> {
    from_slice("authority.cbor", AUTHORITY_TAG, bytes)
}
