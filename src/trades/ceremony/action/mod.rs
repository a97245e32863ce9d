//! The ceremony's actions: each one commit, or one irreversible emission.

mod accept;
mod backup;
mod close;
mod combine;
mod combine_shares;
mod destroy;
pub(crate) mod form;
mod generate;
pub(crate) mod managers;
mod new_key;
mod open;
mod print;
mod prove;
mod published;
mod read_back;
mod seal;
mod split;
mod step;
mod void_set;

pub use accept::{AcceptComponent, EnteredComponent};
pub use close::CloseCeremony;
pub(crate) use close::end_mandate;
pub use combine::{CombineKey, method};
pub use combine_shares::CombineShares;
pub use destroy::DestroySheet;
pub use generate::{GenerateKey, Part, check_new};
pub use new_key::NewKey;
pub use open::OpenCeremony;
pub use print::PrintComponent;
pub use prove::{Proof, ProveComponent, tells_of_a_sheet};
pub(crate) use published::{not_published, refuse_published};
pub use read_back::ReadBack;
pub use seal::SealComponent;
pub use split::SplitKey;
pub use step::RecordStep;
pub use void_set::VoidSet;

use conclave_crypto::primitive::kcv::Kcv;
use conclave_evidence::Id;
use conclave_keyroom::domain::key::{CheckValue, KeyRecord};
use conclave_keyroom::domain::known_value::check_known_value;
use conclave_keyroom::door::{ActionError, Permit};
use conclave_keyroom::vault::{Compartment, VaultError};

use super::state::Player;

/// A check value with its method, as records keep it.
#[must_use]
pub fn check_value(kcv: &Kcv) -> CheckValue {
    CheckValue {
        value: kcv.hex(),
        method: kcv.method().to_string(),
    }
}

/// What nobody can prove inside the station was typed or read by two people;
/// `what` is the first half of the rule: `a plate is read`.
///
/// # Errors
/// [`ActionError::Rule`]
pub fn two_people(by: &[Player], what: &str) -> Result<(), ActionError> {
    let two = by.iter().enumerate().any(|(at, one)| {
        let mut others = by.iter().skip(at + 1);
        others.any(|other| other.id != one.id)
    });
    if two {
        return Ok(());
    }
    Err(ActionError::rule(
        format!("{what} by two people"),
        "A second person has to do it too.",
    ))
}

/// Why a value comes in that a key of the station has, where it was said.
///
/// # Errors
/// [`ActionError::Rule`]: it says nothing that can be printed.
pub(crate) fn known_value(reason: Option<&str>) -> Result<(), ActionError> {
    check_known_value(reason).map_err(|rule| ActionError::rule(rule, "Say in one sentence why."))
}

/// What a part is called.
fn part_name(share: bool) -> &'static str {
    if share { "share" } else { "component" }
}

/// The key's record, as it was before this action.
fn key_record(permit: &Permit<'_>, key: Id) -> Result<KeyRecord, ActionError> {
    match permit.get(Compartment::Catalogue, key) {
        Ok(record) => Ok(record),
        Err(VaultError::Missing(_)) => Err(ActionError::rule(
            "the ceremony has made no key yet",
            "Make the key first.",
        )),
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn put_key(permit: &mut Permit<'_>, record: &KeyRecord) -> Result<(), ActionError> {
    Ok(permit.put(Compartment::Catalogue, KeyRecord::KIND, record.id, record)?)
}
