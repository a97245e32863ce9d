//! A key in the PIN room: what key managers and approvers released to it, for
//! what, and until when.
//!
//! The value stays sealed to the PIN room's public key; how, stands in
//! `docs/vault-format.md`, section 17.

use conclave_evidence::cbor::{self, CborError};
use conclave_evidence::{Bytes, Hash, Id, Point, Signature};
use serde::{Deserialize, Serialize};

use super::form::KeyForm;
use super::key::CheckValue;

/// What the PIN room does with a key. It follows from the key's own usage and
/// mode of use (X9.143 tables 6 and 7), so that no key does two things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PinUse {
    /// Makes Visa PVVs: usage V2.
    Pvv,
    /// Makes natural PINs and offsets of IBM 3624: usage V1.
    Ibm3624,
    /// Makes card verification values: usage C0.
    Cvv,
    /// Encrypts the PIN blocks that go back to the issuer: usage P0, a mode
    /// that encrypts.
    ZonePin,
    /// Opens the PIN blocks that a host sends to be printed, and does nothing
    /// else: usage P0, mode D, exportability N.
    PinPrint,
}

impl PinUse {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Pvv,
        Self::Ibm3624,
        Self::Cvv,
        Self::ZonePin,
        Self::PinPrint,
    ];

    /// The use of a key of this usage, mode of use and exportability; none
    /// where the PIN room has nothing to do with it.
    #[must_use]
    pub fn of(usage: &str, mode_of_use: &str, exportability: &str) -> Option<Self> {
        match (usage, mode_of_use) {
            ("V2", "C" | "G") => Some(Self::Pvv),
            ("V1", "C" | "G") => Some(Self::Ibm3624),
            ("C0", "C" | "G") => Some(Self::Cvv),
            ("P0", "B" | "E") => Some(Self::ZonePin),
            ("P0", "D") => (exportability == "N").then_some(Self::PinPrint),
            _ => None,
        }
    }

    /// For screens and approvers.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Pvv => "makes PIN verification values (Visa PVV)",
            Self::Ibm3624 => "makes IBM 3624 PINs and offsets",
            Self::Cvv => "makes card verification values",
            Self::ZonePin => "encrypts PIN blocks for the issuer",
            Self::PinPrint => "opens PIN blocks of a host, to be printed",
        }
    }
}

/// What was released: everything that the seal and the signature bind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleasedKey {
    /// The station.
    pub station: Id,
    /// The incarnation of the station in which it was released: what a restore
    /// brings back may have been withdrawn since.
    pub incarnation: Id,
    /// The key's id.
    pub key: Id,
    /// Its label.
    pub label: String,
    /// Algorithm and length.
    pub form: KeyForm,
    /// TR-31 key usage, two characters.
    pub usage: String,
    /// TR-31 mode of use, one character.
    pub mode_of_use: String,
    /// What the PIN room may do with it.
    pub pin_use: PinUse,
    /// The issuer whose batches it is for, and nobody else's.
    pub issuer: String,
    /// Its check value.
    pub kcv: CheckValue,
    /// The PIN room's public key.
    pub recipient: Point,
    /// The act that released it.
    pub act: Id,
    /// Wall clock: from then on it is not used any more.
    pub until_ms: u64,
}

impl ReleasedKey {
    /// What HPKE takes as `info`.
    ///
    /// # Errors
    /// [`CborError`]
    pub fn context(&self) -> Result<Vec<u8>, CborError> {
        cbor::to_vec(&("conclave/pin-key/1", self))
    }
}

/// The sealed value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedPinKey {
    /// HPKE's encapsulated key.
    pub enc: Point,
    /// The ciphertext, 16 bytes longer than the key.
    pub body: Bytes,
    /// By the bundle signing key, which both quorums together open: whoever
    /// seals is nobody to HPKE, and this says that they were there.
    pub signature: Signature,
}

impl SealedPinKey {
    /// What the bundle signing key signs.
    ///
    /// # Errors
    /// [`CborError`]
    pub fn digest(released: &ReleasedKey, enc: &Point, body: &Bytes) -> Result<Hash, CborError> {
        cbor::digest("conclave/pin-key-release/1", &(released, enc, body))
    }
}

/// Why a key is with the PIN room no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawn {
    /// When, wall clock.
    pub at_ms: u64,
    /// In words.
    pub reason: String,
}

/// The record of kind `pin-key` in the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinKey {
    /// What was released.
    pub released: ReleasedKey,
    /// Its value; gone once it was withdrawn.
    pub sealed: Option<SealedPinKey>,
    /// When it was released, wall clock.
    pub released_ms: u64,
    /// Who signed, by name.
    pub released_by: Vec<String>,
    /// Set when it was withdrawn, or destroyed.
    pub withdrawn: Option<Withdrawn>,
}

impl PinKey {
    /// The record's kind in the catalogue.
    pub const KIND: &'static str = "pin-key";

    /// The record's id: the key's, every byte XORed with 96 (hex).
    #[must_use]
    pub fn id_of(key: Id) -> Id {
        Id(key.0.map(|byte| byte ^ 0x96))
    }

    /// TRUE while the PIN room of this incarnation of the station may use it.
    #[must_use]
    pub fn is_usable(&self, now_ms: u64, incarnation: Id) -> bool {
        self.sealed.is_some()
            && self.withdrawn.is_none()
            && now_ms < self.released.until_ms
            && self.released.incarnation == incarnation
    }

    /// For lists: `until 2026-12-31` is the caller's; this is the rest.
    #[must_use]
    pub fn state(&self, now_ms: u64, incarnation: Id) -> &'static str {
        if self.withdrawn.is_some() || self.sealed.is_none() {
            "withdrawn"
        } else if self.released.incarnation != incarnation {
            "from before the restore, void"
        } else if now_ms >= self.released.until_ms {
            "expired"
        } else {
            "released"
        }
    }

    /// Takes the value away.
    pub fn withdraw(&mut self, at_ms: u64, reason: &str) {
        self.sealed = None;
        self.withdrawn = Some(Withdrawn {
            at_ms,
            reason: reason.into(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_use_in_the_pin_room_or_none() {
        for (usage, mode, export, found) in [
            ("V2", "C", "E", Some(PinUse::Pvv)),
            ("V2", "V", "E", None),
            ("V1", "G", "N", Some(PinUse::Ibm3624)),
            ("C0", "C", "S", Some(PinUse::Cvv)),
            ("P0", "B", "E", Some(PinUse::ZonePin)),
            ("P0", "E", "E", Some(PinUse::ZonePin)),
            ("P0", "D", "N", Some(PinUse::PinPrint)),
            ("P0", "D", "E", None),
            ("V0", "C", "E", None),
            ("K0", "B", "N", None),
            ("D0", "B", "E", None),
            ("M3", "C", "E", None),
        ] {
            assert_eq!(PinUse::of(usage, mode, export), found, "{usage} {mode}");
        }
    }
}
