//! Where clear key bytes live.
//!
//! A provider gives the vault opaque stored keys and keeps the clear bytes to
//! itself. Every operation takes a permit, so that each stands behind an
//! action with its intent on disk.

mod software;

use conclave_crypto::primitive::des_keys::DesKeyError;
use conclave_crypto::primitive::kcv::Kcv;
use conclave_crypto::primitive::kcv_fit::{Claim, Fit};
use conclave_crypto::primitive::key_kind::KeyKind;
use conclave_crypto::primitive::rsa;
use conclave_crypto::secret::{RandomSource, Secret};
use conclave_evidence::Id;
use serde::{Deserialize, Serialize};

pub use software::SoftwareProvider;

use crate::domain::Permission;
use crate::domain::form::KeyForm;

/// Who a provider is, and of what class: stamped on every key record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Its name.
    pub name: String,
    /// What it is, and what it is not.
    pub class: Class,
}

/// The class of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Software in locked memory of a general computer: no HSM, no SCD.
    Software,
}

impl Class {
    /// What screens and records say.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Software => "software in locked memory; not an HSM",
        }
    }

    /// What every form and page of a PRODUCTION station says of the keys that
    /// it makes; `None` where there is nothing to say.
    #[must_use]
    pub fn provenance(self) -> Option<&'static str> {
        (!self.is_secure_device()).then_some("made outside a secure cryptographic device")
    }

    /// TRUE where keys are made inside a secure cryptographic device.
    #[must_use]
    pub fn is_secure_device(self) -> bool {
        match self {
            Self::Software => false,
        }
    }
}

/// What a key of this form is a key of, for check values and components. Those of an RSA
/// pair are of one of its primes; the pair itself has a fingerprint.
#[must_use]
pub fn kind_of(form: KeyForm) -> KeyKind {
    if form.is_tdes() {
        KeyKind::Tdes
    } else if form.is_hmac() {
        KeyKind::Hmac
    } else if form == KeyForm::Rsa {
        KeyKind::RsaPrime
    } else {
        KeyKind::Aes
    }
}

/// A key as the vault may hold it: bytes that only this provider can open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredKey {
    /// The key's id, to which the bytes are bound.
    pub key: Id,
    /// Its form.
    pub form: KeyForm,
    /// Opaque.
    #[serde(with = "serde_bytes")]
    pub blob: Vec<u8>,
}

/// A failure of the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The keys compartment is not open.
    #[error("the provider is locked")]
    Locked,
    /// The random source is faulty, or gave no usable key in many tries (R1).
    #[error("the random source gave no usable key")]
    Random,
    /// The stored key does not authenticate.
    #[error("the stored key does not authenticate")]
    Forged,
    /// 2 to 9 components (R2).
    #[error("a key has 2 to 9 components")]
    Count,
    /// The component was printed, or the run ended: components are never kept.
    #[error("the component is no longer there; it can be neither printed again nor shown")]
    Gone,
    /// The permit's act was asked to stop.
    #[error("stopped at a safe boundary")]
    Stopped,
    /// Cryptography refused its input.
    #[error("cryptography refused its input")]
    Crypto,
    /// A typed component is of another length than the key.
    #[error("component {0} is not as long as the key (R2)")]
    Length(u8),
    /// A typed component of zeros leaves the key to the others.
    #[error("component {0} is all zero (R5)")]
    Zero(u8),
    /// Two typed components are one and the same.
    #[error("component {0} is the same as component {1}: one sheet was typed twice")]
    Same(u8, u8),
    /// The typed components make no fit key.
    #[error("the components make no fit key: {0} (R5)")]
    Unfit(Unfit),
    /// The typed components make another key than the partner's.
    #[error("the parts make a key of another check value; {}", explained(.fit))]
    OtherKey {
        /// What would explain it.
        fit: Option<Fit>,
    },
}

fn explained(fit: &Option<Fit>) -> String {
    match fit {
        Some(fit) => format!("the value that was typed: {fit}"),
        None => "none of the usual mistakes explains the value that was typed".into(),
    }
}

/// Why typed components make no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// They cancel out.
    #[error("it is all zero")]
    Zero,
    /// A rule of DES keys.
    #[error(transparent)]
    Des(DesKeyError),
}

/// A key that was just made.
pub struct Generated {
    /// For the vault.
    pub stored: StoredKey,
    /// Its check value.
    pub kcv: Kcv,
}

/// A provider of keys.
pub trait Provider: Send {
    /// Who it is.
    fn identity(&self) -> Identity;

    /// Takes the secret under which stored keys are kept, from the open keys
    /// compartment.
    fn unlock(&mut self, parent: Secret);

    /// Wipes it, and every component that waits for its printer.
    fn lock(&mut self);

    /// Makes a key that never leaves except under another.
    ///
    /// # Errors
    /// [`ProviderError`]
    fn generate(
        &mut self,
        permit: &dyn Permission,
        key: Id,
        form: KeyForm,
        random: &mut dyn RandomSource,
    ) -> Result<Generated, ProviderError>;

    /// Makes a key as the XOR of `count` full-length components, which wait in
    /// the provider for their printer, each to be taken once.
    ///
    /// # Errors
    /// [`ProviderError::Count`] and others.
    fn generate_in_components(
        &mut self,
        permit: &dyn Permission,
        key: Id,
        form: KeyForm,
        count: u8,
        random: &mut dyn RandomSource,
    ) -> Result<(Generated, Vec<Kcv>), ProviderError>;

    /// Splits a key that is stored into `count` new parts, which wait under
    /// `set` for their printer like those of a new key: full-length components,
    /// or shares of which any `quorum` make the key (R3). The key stays as it
    /// is. Of an RSA pair one prime is split, in components only.
    ///
    /// # Errors
    /// [`ProviderError::Count`], [`ProviderError::Forged`] and others.
    fn split(
        &mut self,
        permit: &dyn Permission,
        key: &StoredKey,
        set: Id,
        parts: (u8, Option<u8>),
        random: &mut dyn RandomSource,
    ) -> Result<Vec<Kcv>, ProviderError>;

    /// Takes a waiting component out of the provider: a second time it is
    /// [`ProviderError::Gone`], unless it was put back in between. `index` counts from 1.
    ///
    /// # Errors
    /// [`ProviderError::Gone`]
    fn take_component(
        &mut self,
        permit: &dyn Permission,
        key: Id,
        index: u8,
    ) -> Result<Secret, ProviderError>;

    /// Lets a component wait again that was taken and of which, beyond doubt,
    /// no byte has left the station.
    fn put_back_component(&mut self, permit: &dyn Permission, key: Id, index: u8, value: Secret);

    /// TRUE while a component waits for its printer.
    fn has_component(&self, key: Id, index: u8) -> bool;

    /// Wipes all components that wait under this id: of a key that is printed,
    /// or of a ceremony in which one is typed.
    fn forget_components(&mut self, key: Id);

    /// Wipes one of them.
    fn forget_component(&mut self, id: Id, index: u8);

    /// Takes a component that was typed in, for the key that a ceremony makes
    /// of them. It waits here alone: it is never stored.
    ///
    /// # Errors
    /// [`ProviderError::Length`], [`ProviderError::Zero`],
    /// [`ProviderError::Same`]: then it is wiped.
    fn accept_component(
        &mut self,
        permit: &dyn Permission,
        ceremony: Id,
        index: u8,
        form: KeyForm,
        value: Secret,
    ) -> Result<Kcv, ProviderError>;

    /// Makes a key of all components that a ceremony accepted (`entered`: which
    /// and how many), if it has the partner's check value; then they are wiped. If it has not, they
    /// wait on, and the likeliest mistake is named without any value.
    ///
    /// # Errors
    /// [`ProviderError::Gone`], [`ProviderError::Unfit`],
    /// [`ProviderError::OtherKey`] and others.
    fn combine(
        &mut self,
        permit: &dyn Permission,
        entered: (Id, u8),
        key: (Id, KeyForm),
        claim: &Claim,
        random: &mut dyn RandomSource,
    ) -> Result<Generated, ProviderError>;

    /// Makes a key of the shares that a ceremony accepted, by their places, if
    /// it has the check value that was typed; then they are wiped. If it has
    /// not, they wait on, and the likeliest mistake is named without any value.
    ///
    /// # Errors
    /// [`ProviderError::Gone`], [`ProviderError::Unfit`],
    /// [`ProviderError::OtherKey`] and others.
    fn combine_shares(
        &mut self,
        permit: &dyn Permission,
        entered: (Id, &[u8]),
        key: (Id, KeyForm),
        claim: &Claim,
        random: &mut dyn RandomSource,
    ) -> Result<Generated, ProviderError>;

    /// Whether the shares that a ceremony accepted make the stored key; then
    /// they are wiped. Nothing of the key is shown or kept.
    ///
    /// # Errors
    /// [`ProviderError::Gone`], [`ProviderError::Forged`] and others.
    fn shares_make(
        &mut self,
        permit: &dyn Permission,
        entered: (Id, &[u8]),
        key: &StoredKey,
    ) -> Result<bool, ProviderError>;

    /// Stores a key that came in encrypted under another.
    ///
    /// # Errors
    /// [`ProviderError::Unfit`] and others.
    fn store_imported(
        &mut self,
        permit: &dyn Permission,
        key: Id,
        form: KeyForm,
        clear: Secret,
        random: &mut dyn RandomSource,
    ) -> Result<Generated, ProviderError>;

    /// Makes an RSA key of so many bits.
    ///
    /// # Errors
    /// [`ProviderError`]
    fn generate_rsa(
        &mut self,
        permit: &dyn Permission,
        key: Id,
        bits: usize,
        random: &mut dyn RandomSource,
    ) -> Result<(StoredKey, rsa::Public), ProviderError>;

    /// Stores a pair that came in a partner's key store.
    ///
    /// # Errors
    /// [`ProviderError::Crypto`] and others.
    fn import_rsa(
        &mut self,
        permit: &dyn Permission,
        key: Id,
        pkcs8: Secret,
        random: &mut dyn RandomSource,
    ) -> Result<(StoredKey, rsa::Public), ProviderError>;

    /// Signs with a stored RSA key: PKCS#1 v1.5 with SHA-256.
    ///
    /// # Errors
    /// [`ProviderError::Forged`] and others.
    fn sign_rsa(
        &mut self,
        permit: &dyn Permission,
        key: &StoredKey,
        message: &[u8],
        random: &mut dyn RandomSource,
    ) -> Result<Vec<u8>, ProviderError>;

    /// Opens stored keys for one operation that the provider does not do
    /// natively. The clear bytes live as long as the call.
    ///
    /// # Errors
    /// [`ProviderError::Forged`] and others.
    fn open(
        &mut self,
        permit: &dyn Permission,
        keys: &[&StoredKey],
        operation: &mut dyn FnMut(&[&Secret]),
    ) -> Result<(), ProviderError>;

    /// Keeps a stored key under another secret: the compartment's key is being
    /// renewed.
    ///
    /// # Errors
    /// [`ProviderError::Forged`] and others.
    fn reseal(
        &mut self,
        permit: &dyn Permission,
        key: &StoredKey,
        parent: &Secret,
        random: &mut dyn RandomSource,
    ) -> Result<StoredKey, ProviderError>;
}
