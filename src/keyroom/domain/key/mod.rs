//! A key's metadata, life cycle and custody. The value is elsewhere.

mod component;
mod state;
mod wrapping;

use std::collections::BTreeSet;

use conclave_evidence::{Bytes, Hash, Id};
use serde::{Deserialize, Serialize};

use super::form::KeyForm;
use super::part_set::PartSet;

pub use component::{Component, ComponentState, Holder, Quarantine};
pub use state::KeyState;
pub use wrapping::WrappingMethod;

/// A key check value with the way it was made (R7): never one without the
/// other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckValue {
    /// Upper-case hex: 6 digits for TDES, 10 for AES, HMAC and components of RSA, 16 for
    /// an RSA key.
    pub value: String,
    /// `ENC-ZERO`, `CMAC`, `SHA2VP1` for HMAC, or `SHA-256` for RSA.
    pub method: String,
}

impl CheckValue {
    /// `08D7B4 (ENC-ZERO)`.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{} ({})", self.value, self.method)
    }
}

/// Where a key comes from.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeySource {
    /// Made on this station.
    #[default]
    Here,
    /// A partner's, entered from paper; their name.
    Partner(String),
    /// Put together from shares on paper; what they are of.
    Shares(String),
    /// A partner's, imported from a key store under a passphrase.
    Store {
        /// Their name.
        partner: String,
        /// `PKCS#12`.
        format: String,
    },
    /// A partner's, imported in a key block.
    Block {
        /// Their name.
        partner: String,
        /// The label of the key it came under.
        under: String,
        /// `TR-31 version D`.
        format: String,
    },
}

impl KeySource {
    /// For screens and papers.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Here => "made on this station".into(),
            Self::Partner(name) => format!("partner {name}"),
            Self::Shares(from) => format!("shares of {from}"),
            Self::Store { partner, format } => format!("partner {partner}, from a {format} store"),
            Self::Block {
                partner,
                under,
                format,
            } => format!("partner {partner}, {format} under {under}"),
        }
    }
}

/// A key that somebody who may not may know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compromise {
    /// When it was declared, wall clock.
    pub at_ms: u64,
    /// What is known.
    pub reason: String,
}

/// What the catalogue keeps of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// Random; also the id of its value in the keys compartment.
    pub id: Id,
    /// Unique on the station.
    pub label: String,
    /// Algorithm and length.
    pub form: KeyForm,
    /// TR-31 key usage, two characters: `K0`, `P0`, ….
    pub usage: String,
    /// TR-31 mode of use, one character.
    pub mode_of_use: String,
    /// TR-31 exportability, one character: `E`, `N` or `S`.
    pub exportability: String,
    /// Template and version: `zmk-tdes2 v1`.
    pub template: String,
    /// Its check value.
    pub kcv: CheckValue,
    /// Where it stands.
    pub state: KeyState,
    /// The provider that made it, name and class in words.
    pub provider: String,
    /// The ceremony that made it.
    pub ceremony: Id,
    /// When, wall clock.
    pub created_ms: u64,
    /// End of its cryptoperiod, wall clock (R22); where the recipient has a period of its
    /// own, of the originator's.
    pub expires_ms: u64,
    /// End of the recipient's usage period, wall clock (SP 800-57 part 1, 5.3.5; R21):
    /// until then it opens what came under it. None: it ends with the originator's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient_until_ms: Option<u64>,
    /// A key-encryption key's one method, fixed by its template.
    pub wrapping: Option<WrappingMethod>,
    /// Its components, where it was made in parts.
    pub components: Vec<Component>,
    /// Where it comes from.
    #[serde(default)]
    pub source: KeySource,
    /// Of an RSA key: its public half.
    #[serde(default)]
    pub rsa: Option<RsaFacts>,
    /// The key that took its place.
    #[serde(default)]
    pub successor: Option<Id>,
    /// Why it is compromised; it stays when the key is destroyed, for what was under
    /// the key is still to be replaced (R12).
    #[serde(default)]
    pub compromise: Option<Compromise>,
    /// Where it went: bundle sequence number, recipient, wrapping key's label.
    pub exports: Vec<Exported>,
    /// Labels of the keys under which a cryptogram of it was begun: set with each
    /// act's intent, so that one which left in an act that did not end counts too (R12).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub begun_under: BTreeSet<String>,
    /// Its other sets of parts: coming, kept, former, void.
    #[serde(default)]
    pub others: Vec<PartSet>,
    /// The ceremony that made its components anew, where one did.
    #[serde(default)]
    pub reissued: Option<Id>,
}

/// What is public of an RSA key. The check value is the beginning of its
/// fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RsaFacts {
    /// Length of the modulus.
    pub bits: u16,
    /// The public exponent.
    pub exponent: u64,
    /// SubjectPublicKeyInfo, DER.
    pub spki: Bytes,
    /// SHA-256 over it.
    pub fingerprint: Hash,
    /// From 1; a successor's is one higher.
    pub generation: u32,
    /// The key whose place it took.
    pub predecessor: Option<Id>,
    /// Its private half may leave in printed components: so it was made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_components: bool,
}

/// One time a key left the room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// The bundle's sequence number; 0 for a letter, which has none.
    pub bundle: u64,
    /// For whom.
    pub recipient: String,
    /// The wrapping key's label.
    pub under: String,
    /// `tr31-b`, `tr31-d`.
    pub format: String,
    /// When, wall clock.
    pub at_ms: u64,
    /// Where it left without a key block: the end of its exception, wall clock (R19).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception_until_ms: Option<u64>,
    /// Since when its bundle counts no more, wall clock; nothing while it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub void_ms: Option<u64>,
}

impl KeyRecord {
    /// The times it left in what counts, oldest first. One in a void bundle is none: a
    /// cryptogram may be outside, and nobody is to load it.
    pub fn delivered(&self) -> impl DoubleEndedIterator<Item = &Exported> {
        self.exports.iter().filter(|left| left.void_ms.is_none())
    }

    /// What left in this bundle counts no more, from `at_ms` on.
    pub fn void_bundle(&mut self, bundle: u64, at_ms: u64) {
        let of = |left: &&mut Exported| left.bundle == bundle && left.void_ms.is_none();
        for left in self.exports.iter_mut().filter(of) {
            left.void_ms = Some(at_ms);
        }
    }

    /// The record's kind in the catalogue.
    pub const KIND: &'static str = "key";
    /// The kind of its value in the keys compartment.
    pub const VALUE_KIND: &'static str = "key-value";

    /// TRUE while it makes nothing new and opens what came under it: after the
    /// originator's usage period, or after it was replaced, until the recipient's ends
    /// (SP 800-57 part 1, 7.4: a deactivated key processes only). A key with one period
    /// never does.
    #[must_use]
    pub fn is_process_only(&self, now_ms: u64) -> bool {
        let opens = self.recipient_until_ms.is_some_and(|end| now_ms <= end);
        opens
            && match self.state {
                KeyState::Active => now_ms > self.expires_ms,
                KeyState::Deactivated => true,
                _ => false,
            }
    }

    /// TRUE when it may encrypt other keys: TR-31 usages K0 and K1, and K3 of a
    /// partner's RSA key, with the one method that it has. A
    /// [master key](Self::is_panel_key) has none.
    #[must_use]
    pub fn is_wrapping_key(&self) -> bool {
        (self.encrypts_keys() || self.usage == "K3") && self.wrapping.is_some()
    }

    /// TRUE for a partner's public key that keys are wrapped to: there is no value of
    /// it to open.
    #[must_use]
    pub fn is_wrapped_to(&self) -> bool {
        self.wrapping == Some(WrappingMethod::RsaAes) && self.rsa.is_some()
    }

    /// TRUE for a master key of another machine, which was made here for its panel:
    /// it wraps and unwraps nothing here.
    #[must_use]
    pub fn is_panel_key(&self) -> bool {
        self.encrypts_keys() && self.wrapping.is_none()
    }

    /// TRUE while the package of one of its [sheets](Self::sheets) is in quarantine, an
    /// old one too: somebody may know a part of the key.
    #[must_use]
    pub fn has_quarantine(&self) -> bool {
        self.sheets().any(|(_, part)| part.quarantine.is_some())
    }

    /// TRUE for an RSA pair of this station that was made so that its private half may
    /// leave in printed components.
    #[must_use]
    pub fn leaves_in_components(&self) -> bool {
        let own = self.source == KeySource::Here;
        own && self.rsa.as_ref().is_some_and(|rsa| rsa.in_components)
    }

    /// Bytes of each of its components: as many as the key has, and of an RSA pair as
    /// many as one of its primes.
    #[must_use]
    pub fn part_bytes(&self) -> usize {
        match &self.rsa {
            Some(rsa) => usize::from(rsa.bits) / 16,
            None => self.form.bytes(),
        }
    }

    /// TRUE for TR-31 usages K0 and K1.
    #[must_use]
    pub fn encrypts_keys(&self) -> bool {
        matches!(self.usage.as_str(), "K0" | "K1")
    }
}
