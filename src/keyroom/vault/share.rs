//! A group's secret as shares on cards.
//!
//! 32 random bytes an epoch, Shamir m of n, each share sealed by HPKE to one
//! member's 9D key. Only the Diffie-Hellman runs on the card.

use conclave_crypto::primitive::ec::{EcError, KeyPair};
use conclave_crypto::primitive::{derive, hpke, shamir};
use conclave_crypto::secret::{RandomSource, Secret};
use conclave_evidence::authority::{AuthorityRecord, Commitment, GroupEntry, MemberEntry};
use conclave_evidence::{GroupId, Hash, Id, Point, cbor};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::error::VaultError;

/// A share sealed to one card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedShare {
    /// The member's share number.
    pub x: u8,
    /// HPKE's encapsulated key.
    pub enc: Point,
    /// Ciphertext and tag.
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
}

/// Length of a group secret in bytes.
pub const SECRET_LEN: usize = 32;

fn info(
    station: Id,
    group: GroupId,
    epoch: u32,
    x: u8,
    key: &Point,
) -> Result<Vec<u8>, VaultError> {
    let spki = Hash(Sha256::digest(key.0).into());
    cbor::to_vec(&("conclave/share/1", station, group, epoch, x, spki))
        .map_err(|_| VaultError::Malformed("share"))
}

/// What a freshly split group has: its public entry, and a sealed share for
/// each member, in the order of the members.
pub struct Split {
    /// For the authority record.
    pub entry: GroupEntry,
    /// For the store.
    pub shares: Vec<SealedShare>,
}

/// A member to be: card, person, and the card's 9D key.
pub struct Member {
    /// The card.
    pub card: Id,
    /// The person.
    pub person: Id,
    /// Its key-agreement key.
    pub key: Point,
}

/// Splits a group's secret, m of the members, and seals each share.
///
/// # Errors
/// [`VaultError::Random`], [`VaultError::Crypto`]
pub fn split(
    station: Id,
    group: GroupId,
    m: u8,
    epoch: u32,
    members: &[Member],
    secret: &Secret,
    random: &mut dyn RandomSource,
) -> Result<Split, VaultError> {
    let n = u8::try_from(members.len()).map_err(|_| VaultError::Crypto("group size"))?;
    let shares = shamir::split(secret, m, n, random).map_err(|_| VaultError::Crypto("split"))?;
    let mut entries = Vec::new();
    let mut sealed = Vec::new();
    for (member, share) in members.iter().zip(&shares) {
        let commitment = share.commit(random).map_err(|_| VaultError::Random)?;
        entries.push(MemberEntry {
            card: member.card,
            person: member.person,
            x: share.x,
            commitment: Some(Commitment {
                salt: Hash(commitment.salt),
                hash: Hash(commitment.digest),
            }),
        });
        let context = info(station, group, epoch, share.x, &member.key)?;
        let (enc, body) = hpke::seal_to(&member.key.0, &context, b"", share.bytes.expose(), random)
            .map_err(|_| VaultError::Crypto("sealing a share"))?;
        sealed.push(SealedShare {
            x: share.x,
            enc: Point(enc),
            body,
        });
    }
    Ok(Split {
        entry: GroupEntry {
            group,
            m,
            epoch,
            holds_secret: true,
            members: entries,
            secret_check: Some(Hash(check(station, group, epoch, secret)?)),
            wrap_key: Some(Point(*group_key(station, group, epoch, secret)?.public())),
        },
        shares: sealed,
    })
}

fn check(station: Id, group: GroupId, epoch: u32, secret: &Secret) -> Result<[u8; 32], VaultError> {
    let message = cbor::to_vec(&("conclave/group-check/1", station, group, epoch))
        .map_err(|_| VaultError::Malformed("group check"))?;
    derive::hmac(secret.expose(), &[&message])
        .expose()
        .try_into()
        .map_err(|_| VaultError::Crypto("group check"))
}

/// The key pair that compartments' keys are wrapped to, from a group's secret:
/// the first candidate that is a private key of P-256, which but once in 2^32
/// is the first one.
///
/// # Errors
/// [`VaultError::Crypto`]
pub fn group_key(
    station: Id,
    group: GroupId,
    epoch: u32,
    secret: &Secret,
) -> Result<KeyPair, VaultError> {
    let failed = || VaultError::Crypto("the group's key");
    for candidate in 0u8..=u8::MAX {
        let info = cbor::to_vec(&("conclave/group-key/1", station, group, epoch, candidate))
            .map_err(|_| VaultError::Malformed("group key"))?;
        let scalar = derive::hkdf(secret.expose(), &[], &[&info], 32).map_err(|_| failed())?;
        match KeyPair::from_secret(scalar) {
            Err(EcError::NotAKey) => {}
            pair => return pair.map_err(|_| failed()),
        }
    }
    Err(failed())
}

/// Opens one member's share. `dh` is the card's key agreement with the given
/// point, 32 bytes.
///
/// # Errors
/// [`VaultError::BadShare`] when the share does not open or is not the one
/// that was given out; what `dh` answered.
pub fn open<E: From<VaultError>>(
    record: &AuthorityRecord,
    group: &GroupEntry,
    member: &MemberEntry,
    key: &Point,
    sealed: &SealedShare,
    dh: impl FnOnce(&[u8; 65]) -> Result<Secret, E>,
) -> Result<shamir::Share, E> {
    let bad = || VaultError::BadShare {
        group: group.group,
        x: member.x,
    };
    if sealed.x != member.x {
        return Err(bad().into());
    }
    let context = info(record.station, group.group, group.epoch, member.x, key)?;
    let bytes = hpke::open_with(&sealed.enc.0, &key.0, dh, &context, b"", &sealed.body).map_err(
        |error| match error {
            hpke::OpenError::DiffieHellman(e) => e,
            _ => bad().into(),
        },
    )?;
    let share = shamir::Share { x: member.x, bytes };
    let made = commitment(member).ok_or_else(bad)?;
    if !share.matches(&made) {
        return Err(bad().into());
    }
    Ok(share)
}

fn commitment(member: &MemberEntry) -> Option<shamir::Commitment> {
    let made = member.commitment.as_ref()?;
    Some(shamir::Commitment {
        x: member.x,
        salt: made.salt.0,
        digest: made.hash.0,
    })
}

/// Combines the shares of a quorum.
///
/// # Errors
/// [`VaultError::TooFew`], [`VaultError::NoSecret`] when the result is not the
/// group's secret.
pub fn combine(
    station: Id,
    group: &GroupEntry,
    shares: &[shamir::Share],
) -> Result<Secret, VaultError> {
    let need = usize::from(group.m);
    if shares.len() < need {
        return Err(VaultError::TooFew {
            group: group.group,
            have: shares.len(),
            need,
        });
    }
    // Exactly m: more would hide a bad one among good ones.
    let chosen: Vec<&shamir::Share> = shares.iter().take(need).collect();
    let commitments: Vec<_> = group.members.iter().filter_map(commitment).collect();
    let secret = shamir::combine(&chosen, group.m, &commitments).map_err(|error| match error {
        shamir::ShamirError::Bad(x)
        | shamir::ShamirError::Duplicate(x)
        | shamir::ShamirError::Place(x) => VaultError::BadShare {
            group: group.group,
            x,
        },
        _ => VaultError::Crypto("combine"),
    })?;
    let expected = group
        .secret_check
        .as_ref()
        .ok_or(VaultError::NoSecret(group.group))?;
    let made = check(station, group.group, group.epoch, &secret)?;
    if secret.len() != SECRET_LEN || !bool::from(made.ct_eq(&expected.0)) {
        return Err(VaultError::NoSecret(group.group));
    }
    Ok(secret)
}
