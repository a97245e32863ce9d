//! A compartment's keys, wrapped for the groups that may open it.
//!
//! HPKE to the groups' public keys, one layer a group, so that a pair's keys
//! open only to both. A wrap can be made anew without its groups being here,
//! which a re-share needs (`renewal.rs`). That anybody can make one does not
//! matter: a data key that is not the one under which the signed root was
//! made opens nothing, and a writer key is compared with the pinned one.

use std::collections::BTreeMap;

use conclave_crypto::primitive::hpke;
use conclave_crypto::secret::{RandomSource, Secret};
use conclave_evidence::authority::AuthorityRecord;
use conclave_evidence::{GroupId, Id, Point, cbor};
use serde::{Deserialize, Serialize};

use super::compartment::{Compartment, Openers};
use super::error::VaultError;
use super::seal::Binding;
use super::{place, share};
use crate::ports::store::Write;

/// A wrapped key as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrapped {
    /// The clear header.
    pub binding: Binding,
    /// HPKE's encapsulated keys, one a layer, in the order of the openers: the
    /// first is the innermost.
    pub enc: Vec<Point>,
    /// The outermost ciphertext.
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
}

/// The keys of one compartment.
pub struct Keys<'a> {
    /// Its epoch.
    pub epoch: u32,
    /// Its data key.
    pub data: &'a Secret,
    /// Its writer key.
    pub writer: &'a Secret,
}

fn binding(
    record: &AuthorityRecord,
    purpose: &str,
    compartment: Compartment,
    epoch: u32,
    openers: Openers,
) -> Result<Binding, VaultError> {
    let mut names = Vec::new();
    for &group in openers {
        let entry = record.group(group).ok_or(VaultError::NoSecret(group))?;
        names.push(format!("{group}@{}", entry.epoch));
    }
    Ok(Binding {
        purpose: format!("conclave/wrap-{purpose}/1"),
        station: record.station,
        compartment,
        epoch,
        kind: names.join("+"),
        id: Id([0; 16]),
        version: 0,
    })
}

/// Wraps a key for one set of groups of this record.
///
/// # Errors
/// [`VaultError::NoSecret`], [`VaultError::Crypto`]
pub fn seal(
    record: &AuthorityRecord,
    purpose: &str,
    compartment: Compartment,
    epoch: u32,
    openers: Openers,
    key: &Secret,
    random: &mut dyn RandomSource,
) -> Result<Write, VaultError> {
    let binding = binding(record, purpose, compartment, epoch, openers)?;
    let info = cbor::to_vec(&binding).map_err(|_| VaultError::Malformed("binding"))?;
    let mut enc = Vec::new();
    let mut body = key.duplicate();
    for &group in openers {
        let public = record
            .group(group)
            .and_then(|entry| entry.wrap_key)
            .ok_or(VaultError::NoSecret(group))?;
        let (point, mut sealed) = hpke::seal_to(&public.0, &info, b"", body.expose(), random)
            .map_err(|_| VaultError::Crypto("wrapping a key"))?;
        enc.push(Point(point));
        body = Secret::take(&mut sealed);
    }
    let wrapped = Wrapped {
        binding,
        enc,
        body: body.expose().to_vec(),
    };
    let bytes = cbor::to_vec(&wrapped).map_err(|_| VaultError::Malformed("wrapped key"))?;
    Ok(Write::Put(
        place::wrap(purpose, compartment, openers),
        bytes,
    ))
}

/// Wraps both keys of a compartment for every set of groups that may have
/// them.
///
/// # Errors
/// As [`seal`].
pub fn all(
    record: &AuthorityRecord,
    compartment: Compartment,
    keys: &Keys<'_>,
    random: &mut dyn RandomSource,
) -> Result<Vec<Write>, VaultError> {
    let mut writes = Vec::new();
    let readers: Vec<Openers> = compartment.readers_of(record).collect();
    let writers: Vec<Openers> = compartment.writers_of(record).collect();
    for (purpose, sets, key) in [
        ("data", readers, keys.data),
        ("writer", writers, keys.writer),
    ] {
        for openers in sets {
            writes.push(seal(
                record,
                purpose,
                compartment,
                keys.epoch,
                openers,
                key,
                random,
            )?);
        }
    }
    Ok(writes)
}

/// Opens a wrapped key with the secrets of all its openers.
///
/// # Errors
/// [`VaultError::Forged`] for any difference.
pub fn open(
    record: &AuthorityRecord,
    purpose: &str,
    compartment: Compartment,
    epoch: u32,
    openers: Openers,
    secrets: &BTreeMap<GroupId, Secret>,
    bytes: &[u8],
) -> Result<Secret, VaultError> {
    let expected = binding(record, purpose, compartment, epoch, openers)?;
    let forged = || VaultError::Forged {
        what: format!("{compartment} {purpose} key for {}", expected.kind),
    };
    let wrapped: Wrapped =
        cbor::from_slice(bytes).map_err(|_| VaultError::Malformed("wrapped key"))?;
    if wrapped.binding != expected || wrapped.enc.len() != openers.len() {
        return Err(forged());
    }
    let info = cbor::to_vec(&expected).map_err(|_| VaultError::Malformed("binding"))?;
    let mut body = Secret::from_fn(wrapped.body.len(), |out| out.copy_from_slice(&wrapped.body));
    for (&group, enc) in openers.iter().zip(&wrapped.enc).rev() {
        let secret = secrets.get(&group).ok_or(VaultError::NoSecret(group))?;
        let entry = record.group(group).ok_or(VaultError::NoSecret(group))?;
        let pair = share::group_key(record.station, group, entry.epoch, secret)?;
        body = hpke::open(&enc.0, &pair, &info, b"", body.expose()).map_err(|_| forged())?;
    }
    Ok(body)
}
