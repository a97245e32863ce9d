//! Keys beside the ceremonies: RSA pairs, partners' public keys, the papers that go
//! with sealed components, and the end of every key's life.
//!
//! - `rsa_key`: makes a pair inside the vault, or one in another's place
//! - `public_out`: the public half leaves on an enrolled medium
//! - `public_in`: a partner's public key comes from one
//! - `store_in`: a key out of a partner's key store
//! - `release`: a key is with the PIN room for a while
//! - `retire`: a key that was replaced, or is destroyed
//! - `sheet`: where a typed sheet is: in a new package, gone back, or destroyed
//! - `incident`: a package that is not as recorded; a key set aside, or compromised
//! - `kin`: what lies under a compromised key
//! - `packages`: sheets in sealed packages, as custody knows them
//! - `package_form`: the outside of an envelope, the strip for a bag
//! - `exchange_letter`: announces a zone master key to a partner
//! - `component_receipt`: what comes back of each component that was announced

mod component_receipt;
mod exchange_letter;
mod incident;
mod kin;
mod package_form;
mod packages;
mod public_in;
mod public_out;
mod release;
mod retire;
mod rsa_key;
mod sheet;
mod store_in;

use conclave_crypto::primitive::rsa::Public;
use conclave_evidence::{Bytes, Hash, Id};
use conclave_keyroom::domain::key::{CheckValue, KeyRecord, KeyState, RsaFacts};
use conclave_keyroom::domain::label::check_label;
use conclave_keyroom::door::{ActionError, Permit};
use conclave_keyroom::vault::{KeyTraits, KeysOf};

pub use component_receipt::FileComponentReceipt;
pub use exchange_letter::{
    ADDRESS_MOST, EXCHANGE_LAYOUT, LETTER_LINE_MOST, LETTER_SHORT_MOST, PrintExchangeLetter,
};
pub use incident::{
    DeclareCompromised, LiftQuarantine, QuarantinePackage, ResumeKey, SuspendKey, holders,
};
pub use kin::{Kin, Taint, Tainted};
pub use package_form::{PackageForm, PrintPackageForm};
pub use packages::{Package, packages};
pub use public_in::{ImportPublic, ReadPublic};
pub use public_out::{ExportPublic, ExportedPublic};
pub use release::{RELEASE_DAYS_MOST, ReleasePinKey, WithdrawPinKey, room_fingerprint};
pub use retire::{DeactivateKey, DestroyKey, REASON_MAX};
pub use rsa_key::GenerateRsa;

#[cfg(test)]
pub(crate) use packages::tests::sealed_key;
pub use sheet::{Disposition, RecordSheet, is_typed_sheet};
pub use store_in::{Becomes, FoundEntry, ImportStoreKey, ReadStore};

/// What an RSA key may be for: TR-31 usage, what a pair of this station does,
/// what a partner's public key does, in words.
pub const RSA_USAGES: [(&str, &str, &str, &str); 5] = [
    ("S0", "S", "V", "signatures"),
    ("S1", "S", "V", "certificates"),
    ("K2", "D", "E", "keys of TR-34"),
    ("K3", "D", "E", "keys wrapped to it"),
    ("D1", "D", "E", "data"),
];
/// The longest cryptoperiod without an exception, in days (R22).
pub const RSA_DAYS_MOST: u32 = 730;

fn usage(name: &str) -> Result<(&'static str, &'static str), ActionError> {
    RSA_USAGES
        .iter()
        .find(|(usage, ..)| *usage == name)
        .map(|(_, own, partner, _)| (*own, *partner))
        .ok_or_else(|| {
            ActionError::rule(
                format!("usage {name:?} is not one of an RSA key"),
                "choose one of the list",
            )
        })
}

fn days(days: u32) -> Result<u64, ActionError> {
    if (1..=RSA_DAYS_MOST).contains(&days) {
        return Ok(u64::from(days) * 86_400_000);
    }
    Err(ActionError::rule(
        format!("a cryptoperiod of {days} days; 1 to {RSA_DAYS_MOST} are allowed (R22)"),
        "choose fewer days",
    ))
}

/// A label that no key has, save void ones.
fn new_label(permit: &Permit<'_>, label: &str) -> Result<(), ActionError> {
    check_label(label).map_err(|e| ActionError::rule(e.to_string(), "Choose another label."))?;
    let keys = permit.keys_of(KeysOf::Label(label))?;
    if keys.iter().any(|(_, k)| k.state != KeyState::Void) {
        return Err(ActionError::rule(
            format!("there is a key {label} already"),
            "A label is used once; count its last part up.",
        ));
    }
    Ok(())
}

/// An RSA key that is here has its label already (R20).
fn one_label(permit: &Permit<'_>, rsa: &RsaFacts) -> Result<(), ActionError> {
    let keys = permit.keys_of(KeysOf::Traits(KeyTraits::RSA))?;
    let same = |k: &KeyRecord| k.rsa.as_ref().is_some_and(|r| r.spki == rsa.spki);
    match keys.iter().find(|(_, k)| same(k)) {
        None => Ok(()),
        Some((_, there)) => Err(ActionError::rule(
            format!("this key is here already, as {}", there.label),
            "One key has one label.",
        )),
    }
}

/// A fingerprint as it is typed and compared: upper-case hex.
#[must_use]
pub fn fingerprint_hex(fingerprint: &Hash) -> String {
    fingerprint.to_string().to_uppercase()
}

/// The beginning of the fingerprint stands where symmetric keys have their
/// check value.
fn short(fingerprint: &Hash) -> CheckValue {
    CheckValue {
        value: fingerprint_hex(fingerprint).chars().take(16).collect(),
        method: "SHA-256".into(),
    }
}

fn facts(public: &Public, generation: u32, predecessor: Option<Id>) -> RsaFacts {
    RsaFacts {
        bits: u16::try_from(public.bits()).unwrap_or(u16::MAX),
        exponent: public.exponent(),
        spki: Bytes(public.spki().to_vec()),
        fingerprint: Hash(public.fingerprint()),
        generation,
        predecessor,
        in_components: false,
    }
}

/// The public half on record.
fn public_of(record: &KeyRecord) -> Result<(&RsaFacts, Public), ActionError> {
    let facts = record.rsa.as_ref().ok_or_else(|| {
        ActionError::rule(
            format!("{} is no RSA key", record.label),
            "choose an RSA key",
        )
    })?;
    let broken = |_| {
        ActionError::rule(
            format!("the public half of {} does not read", record.label),
            "do not use this key before it is known why",
        )
    };
    let public = Public::read(&facts.spki.0).map_err(broken)?;
    Ok((facts, public))
}
