//! The journal's chain, its signed heads, and the anchors on cards.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::cbor::{self, CborError};
use crate::ids::{Bytes, Hash, Id, Point, Signature};
use crate::sign::{WrongSignature, verify_p256};

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    /// An act that waits for signatures.
    Proposed,
    /// An act that was let through, before it runs.
    Intent,
    /// What came of it.
    Outcome,
    /// It was refused or failed; nothing changed.
    Failed,
    /// Logon and logout.
    Session,
    /// Something that happened and changed no record.
    Note,
    /// Anything that happened while nobody was logged on.
    Locked,
}

impl EntryKind {
    /// Its name on screens.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Proposed => "PROPOSED",
            Self::Intent => "INTENT",
            Self::Outcome => "OUTCOME",
            Self::Failed => "FAILED",
            Self::Session => "SESSION",
            Self::Note => "NOTE",
            Self::Locked => "LOCKED",
        }
    }
}

/// A compartment's root, signed by its writer key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootEntry {
    /// Its name.
    pub compartment: String,
    /// Its epoch.
    pub epoch: u32,
    /// How many records it has.
    pub count: u64,
    /// HMAC over compartment, epoch, count, and the secret sum.
    pub mac: Hash,
    /// By the writer key.
    pub signature: Signature,
}

/// The clear part of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryHeader {
    /// Its number, from 0 without a gap.
    pub seq: u64,
    /// Hash of the entry before; zeros for the first.
    pub previous: Hash,
    /// Wall clock, milliseconds since 1970.
    pub wall_ms: u64,
    /// Monotonic clock of the run, milliseconds.
    pub mono_ms: u64,
    /// Random id of the run.
    pub boot: Id,
    /// What it is.
    pub kind: EntryKind,
    /// The act's random id: the same in PROPOSED, INTENT and OUTCOME.
    pub act: Id,
    /// The action's name.
    pub action: String,
    /// PROPOSED: digest over name, parameters and a nonce. FAILED for want of the medium:
    /// digest over the act.
    pub commitment: Option<Hash>,
    /// Record-changing entries: the roots of all compartments.
    pub roots: Option<Vec<RootEntry>>,
}

/// An entry: clear header, and a body sealed by HPKE to the journal's key with
/// the header as associated data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The header, deterministic CBOR.
    pub header: Bytes,
    /// HPKE's encapsulated key.
    pub enc: Point,
    /// The sealed body.
    pub sealed: Bytes,
}

impl Entry {
    /// The header.
    ///
    /// # Errors
    /// [`CborError`]
    pub fn open_header(&self) -> Result<EntryHeader, CborError> {
        cbor::exact(&self.header)
    }
}

/// The hash of an entry in the chain: over header and ciphertext.
#[must_use]
pub fn entry_hash(entry: &Entry) -> Hash {
    // `cbor::digest("conclave/entry/1", entry)`, written out: a journal has
    // millions of entries, and building the value costs more than hashing it.
    let mut hash = Sha256::new();
    hash.update(b"\x82\x70conclave/entry/1\xA3");
    for (name, bytes) in [
        (b"\x63enc".as_slice(), entry.enc.0.as_slice()),
        (b"\x66header", &entry.header),
        (b"\x66sealed", &entry.sealed),
    ] {
        hash.update(name);
        hash.update(cbor::bytes_head(bytes.len()));
        hash.update(bytes);
    }
    Hash(hash.finalize().into())
}

/// The newest entry, at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The station.
    pub station: Id,
    /// Its incarnation.
    pub incarnation: Id,
    /// The entry's number.
    pub seq: u64,
    /// Its hash.
    pub entry: Hash,
    /// Digest of the authority record then in force.
    pub authority: Hash,
    /// Wall clock, milliseconds since 1970.
    pub wall_ms: u64,
}

/// A head, signed by the station key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedHead {
    /// The head.
    pub head: Head,
    /// By the station key.
    pub signature: Signature,
}

impl SignedHead {
    /// Signs a head.
    ///
    /// # Errors
    /// What `signer` answers.
    pub fn sign<E: From<CborError>>(
        head: &Head,
        signer: impl FnOnce(&Hash) -> Result<Signature, E>,
    ) -> Result<Self, E> {
        let signature = signer(&cbor::digest("conclave/head/1", head)?)?;
        Ok(Self {
            head: head.clone(),
            signature,
        })
    }

    /// Verifies it.
    ///
    /// # Errors
    /// [`WrongSignature`]
    pub fn verify(&self, station_key: &Point) -> Result<Head, WrongSignature> {
        let digest = cbor::digest("conclave/head/1", &self.head).map_err(|_| WrongSignature)?;
        verify_p256(station_key, &digest, &self.signature)?;
        Ok(self.head.clone())
    }
}

/// The newest head that a card has seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// The head.
    pub head: Head,
    /// The card.
    pub card: Id,
}

impl Anchor {
    /// What the card signs (slot 9A).
    ///
    /// # Errors
    /// [`CborError`]
    pub fn digest(&self) -> Result<Hash, CborError> {
        cbor::digest("conclave/anchor/1", self)
    }
}

/// An anchor, signed by the card that keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedAnchor {
    /// The anchor.
    pub anchor: Anchor,
    /// By the card's 9A key.
    pub signature: Signature,
}

impl SignedAnchor {
    /// Verifies it against the card's pinned key.
    ///
    /// # Errors
    /// [`WrongSignature`]
    pub fn verify(&self, key: &Point) -> Result<Anchor, WrongSignature> {
        let digest = self.anchor.digest().map_err(|_| WrongSignature)?;
        verify_p256(key, &digest, &self.signature)?;
        Ok(self.anchor.clone())
    }
}

/// Where and why a chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {seq} {why}")]
pub struct BrokenChain {
    /// The entry's number.
    pub seq: u64,
    /// Why.
    pub why: &'static str,
}

/// Verifies the chain over entries from the first one on; returns the hash of
/// each.
///
/// # Errors
/// [`BrokenChain`] at the first entry that does not hold.
pub fn verify_chain(entries: &[Entry]) -> Result<Vec<(EntryHeader, Hash)>, BrokenChain> {
    let mut verified: Vec<(EntryHeader, Hash)> = Vec::with_capacity(entries.len());
    let mut previous = Hash([0; 32]);
    for (seq, entry) in (0u64..).zip(entries) {
        let broken = |why| BrokenChain { seq, why };
        let header = entry
            .open_header()
            .map_err(|_| broken("has a header that is not of its form"))?;
        if header.seq != seq {
            return Err(broken("is missing or out of order"));
        }
        if header.previous != previous {
            return Err(broken("does not continue the entry before it"));
        }
        previous = entry_hash(entry);
        verified.push((header, previous));
    }
    Ok(verified)
}
