//! Decodes a vault from its bytes, with `docs/vault-format.md` in hand and
//! nothing of the vault's own code: only CBOR, HKDF with AES-256-GCM, HPKE and
//! Shamir. It is the judge of the format, and the hand of an intruder who
//! holds a key.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "each test takes what it needs, and may stop at the first surprise"
)]

use conclave_crypto::primitive::ec::KeyPair;
use conclave_crypto::primitive::{derive, hpke, seal, shamir};
use conclave_crypto::secret::{RandomSource, Secret};
use conclave_evidence::authority::{AuthorityRecord, SignedAuthority};
use conclave_evidence::journal::RootEntry;
use conclave_evidence::{Bytes, GroupId, Hash, Id, Point, cbor};
use serde::{Deserialize, Serialize};

use crate::room::{Content, Room};

/// What a sealed value is bound to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Binding {
    pub purpose: String,
    pub station: Id,
    pub compartment: String,
    pub epoch: u32,
    pub kind: String,
    pub id: Id,
    pub version: u64,
}

/// A sealed value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sealed {
    pub binding: Binding,
    pub salt: Bytes,
    pub body: Bytes,
}

/// A wrapped key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wrapped {
    pub binding: Binding,
    pub enc: Vec<Point>,
    pub body: Bytes,
}

impl Wrapped {
    /// Opens it with the groups' secrets, in the order of its openers.
    pub fn open(&self, secrets: &[&Secret]) -> Option<Secret> {
        let info = cbor::to_vec(&self.binding).unwrap();
        let names: Vec<&str> = self.binding.kind.split('+').collect();
        if names.len() != secrets.len() || self.enc.len() != secrets.len() {
            return None;
        }
        let mut body = self.body.to_vec();
        for ((name, enc), secret) in names.iter().zip(&self.enc).zip(secrets).rev() {
            let (group, epoch) = name.split_once('@').unwrap();
            let group = GroupId::ALL
                .into_iter()
                .find(|g| g.name() == group)
                .unwrap();
            let pair = group_key(self.binding.station, group, epoch.parse().unwrap(), secret);
            let plain = hpke::open(&enc.0, &pair, &info, b"", &body).ok()?;
            body = plain.expose().to_vec();
        }
        Some(Secret::take(&mut body))
    }
}

/// The key pair that wraps are sealed to, from a group's secret.
pub fn group_key(station: Id, group: GroupId, epoch: u32, secret: &Secret) -> KeyPair {
    (0u8..)
        .find_map(|candidate| {
            let said = ("conclave/group-key/1", station, group, epoch, candidate);
            let info = cbor::to_vec(&said).unwrap();
            let scalar = derive::hkdf(secret.expose(), &[], &[&info], 32).unwrap();
            KeyPair::from_secret(scalar).ok()
        })
        .unwrap()
}

/// A share for one card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SealedShare {
    pub x: u8,
    pub enc: Point,
    pub body: Bytes,
}

/// A compartment's state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub root: RootEntry,
    pub sum: Sealed,
}

impl Sealed {
    /// Opens it: AES-256-GCM under HKDF(parent, salt, binding), padding off.
    pub fn open(&self, parent: &Secret) -> Option<Secret> {
        let context = cbor::to_vec(&self.binding).unwrap();
        let salt: [u8; 32] = self.salt[..].try_into().ok()?;
        let padded = seal::open(parent, &salt, &context, &context, &self.body).ok()?;
        let end = padded.expose().iter().rposition(|&byte| byte != 0)?;
        assert_eq!(padded.expose()[end], 0x80, "padding");
        padded.part(0..end)
    }

    /// Seals `plain` as the vault does.
    pub fn seal(
        parent: &Secret,
        binding: Binding,
        plain: &[u8],
        random: &mut dyn RandomSource,
    ) -> Self {
        let mut salt = [0u8; 32];
        random.public(&mut salt).unwrap();
        let context = cbor::to_vec(&binding).unwrap();
        let mut padded = plain.to_vec();
        padded.push(0x80);
        padded.resize(padded.len().div_ceil(64) * 64, 0);
        let body = seal::seal(parent, &salt, &context, &context, &padded).unwrap();
        Self {
            binding,
            salt: salt.to_vec().into(),
            body: body.into(),
        }
    }
}

/// The newest authority record.
pub fn authority(content: &Content) -> AuthorityRecord {
    let (_, bytes) = content
        .range(b"a/".to_vec()..b"a0".to_vec())
        .next_back()
        .unwrap();
    let signed: SignedAuthority = cbor::from_slice(bytes).unwrap();
    signed.open().unwrap()
}

/// A group's secret from the cards of these people.
pub fn group_secret(content: &Content, room: &Room, group: GroupId, names: &[&str]) -> Secret {
    let record = authority(content);
    let entry = record.group(group).unwrap();
    let mut shares = Vec::new();
    let mut commitments = Vec::new();
    for name in names {
        let card = &room.holder(name).card;
        let member = entry.members.iter().find(|m| m.card == card.card).unwrap();
        let place = format!("s/{}/{}/{}", group.name(), entry.epoch, member.x);
        let sealed: SealedShare = cbor::from_slice(&content[place.as_bytes()]).unwrap();
        let key = Hash(derive::sha256(&[card.agree_9d.public()]));
        let info = cbor::to_vec(&(
            "conclave/share/1",
            record.station,
            group,
            entry.epoch,
            member.x,
            key,
        ))
        .unwrap();
        let bytes = hpke::open(&sealed.enc.0, &card.agree_9d, &info, b"", &sealed.body)
            .ok()
            .unwrap();
        shares.push(shamir::Share { x: member.x, bytes });
        let made = member.commitment.as_ref().unwrap();
        commitments.push(shamir::Commitment {
            x: member.x,
            salt: made.salt.0,
            digest: made.hash.0,
        });
    }
    let shares: Vec<&shamir::Share> = shares.iter().collect();
    shamir::combine(&shares, entry.m, &commitments).unwrap()
}

/// A compartment's data or writer key.
pub fn wrapped_key(
    content: &Content,
    purpose: &str,
    compartment: &str,
    openers: &str,
    secret: &Secret,
) -> Option<Secret> {
    let place = format!("w/{purpose}/{compartment}/{openers}");
    let wrapped: Wrapped = cbor::from_slice(&content[place.as_bytes()]).unwrap();
    wrapped.open(&[secret])
}

/// All wraps in the store.
pub fn wraps(content: &Content) -> Vec<Wrapped> {
    content
        .iter()
        .filter(|(key, _)| key.starts_with(b"w/"))
        .map(|(_, value)| cbor::from_slice(value).unwrap())
        .collect()
}

/// Where a record stands.
pub fn record_place(compartment: &str, id: Id) -> Vec<u8> {
    [format!("r/{compartment}/").as_bytes(), &id.0].concat()
}
