//! What the station keeps of a component that has left: a commitment under a
//! key of the vault, to know the component again by, and never the component.
//!
//! ```text
//! HMAC-SHA-256(K, CBOR["conclave/component-commitment/1", key, index, component])
//! ```
//!
//! K is random, one for each key, a record of the keys compartment: without
//! both quorums nobody can try components against it.

use conclave_crypto::primitive::derive::hmac;
use conclave_crypto::secret::Secret;
use conclave_evidence::{Hash, Id, cbor};
use conclave_keyroom::door::{ActionError, Permit};
use conclave_keyroom::vault::{Compartment, VaultError};

/// The kind of K in the keys compartment.
pub const KIND: &str = "commitment-key";

/// The id of a key's K: its value has the key's own id.
#[must_use]
pub fn id_of(key: Id) -> Id {
    let mut id = key.0;
    id.iter_mut().for_each(|byte| *byte ^= 0x33);
    Id(id)
}

/// The commitment to a component.
///
/// # Errors
/// None of these values fails to encode.
pub fn commit(under: &Secret, key: Id, index: u8, component: &Secret) -> Result<Hash, ActionError> {
    let context = cbor::to_vec(&("conclave/component-commitment/1", key, index))
        .map_err(|_| VaultError::Malformed("commitment"))?;
    tag(under, &context, component)
}

/// HMAC-SHA-256 over the array that `context` encodes, a short one, with the secret
/// as one more item at its end.
///
/// # Errors
/// No secret here is too long for it.
pub(super) fn tag(under: &Secret, context: &[u8], secret: &Secret) -> Result<Hash, ActionError> {
    // The secret itself never passes the encoder's own memory.
    let (head, rest) = context
        .split_first()
        .ok_or(VaultError::Malformed("commitment"))?;
    let len = u16::try_from(secret.len()).map_err(|_| VaultError::Malformed("commitment"))?;
    // The head of a byte string (RFC 8949 3.1), as short as it can be.
    let bytes = match (len, len.to_be_bytes()) {
        (0..24, [_, low]) => vec![0x40 | low],
        (24..256, [_, low]) => vec![0x58, low],
        (_, [high, low]) => vec![0x59, high, low],
    };
    let tag = hmac(
        under.expose(),
        &[&[head + 1], rest, &bytes, secret.expose()],
    );
    let hash = tag
        .expose()
        .try_into()
        .map_err(|_| VaultError::Malformed("commitment"))?;
    Ok(Hash(hash))
}

/// A key's K, made with this act where there is none yet.
///
/// # Errors
/// [`ActionError`]
pub(super) fn key_for(permit: &mut Permit<'_>, key: Id) -> Result<Secret, ActionError> {
    secret_at(permit, KIND, id_of(key))
}

/// 32 random bytes of the keys compartment, made with this act where there are none
/// yet. An act asks once for each.
///
/// # Errors
/// [`ActionError`]
pub(super) fn secret_at(
    permit: &mut Permit<'_>,
    kind: &'static str,
    id: Id,
) -> Result<Secret, ActionError> {
    match permit.get_secret(Compartment::Keys, id) {
        Ok(under) => Ok(under),
        Err(VaultError::Missing(_)) => {
            let (_, _, random) = permit.provider();
            let under = random.secret_bytes(32).map_err(|_| VaultError::Random)?;
            permit.put_secret(Compartment::Keys, kind, id, under.duplicate());
            Ok(under)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commitment_is_what_the_page_says() {
        let under = Secret::from_fn(32, |b| b.fill(7));
        for len in [16, 24, 32, 64, 128, 192, 256] {
            let component = Secret::from_fn(len, |b| b.fill(0xA5));
            let made = commit(&under, Id([1; 16]), 2, &component).unwrap();
            let page = cbor::to_vec(&(
                "conclave/component-commitment/1",
                Id([1; 16]),
                2u8,
                conclave_evidence::Bytes(vec![0xA5; len]),
            ))
            .unwrap();
            let tag = hmac(under.expose(), &[&page]);
            assert!(tag.ct_eq(&made.0), "{len}");
        }
    }
}
