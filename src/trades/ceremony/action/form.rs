//! Nobody acts as a custodian without a form that both signed and that holds
//! (R16, R18).
//!
//! Sealing does not ask: what is printed has to go into its package, and a
//! form must not lapse a key by the clock. Whoever is cast has a form that
//! outlasts the ceremony.

use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::custodian_form::{CEREMONY_MS, CustodianForm, FORM_REMEDY, Standing};
use conclave_keyroom::door::{ActionError, Beforehand, Permit};
use conclave_keyroom::vault::{Compartment, VaultError};
use serde::de::DeserializeOwned;

/// The records that a rule of custody is read from: before an act and in it.
pub(crate) trait Records {
    /// A record's present content.
    fn record<T: DeserializeOwned>(&self, of: Compartment, id: Id) -> Result<T, VaultError>;
    /// Wall clock, milliseconds since 1970.
    fn time_ms(&self) -> u64;
}

impl Records for Permit<'_> {
    fn record<T: DeserializeOwned>(&self, of: Compartment, id: Id) -> Result<T, VaultError> {
        self.get(of, id)
    }

    fn time_ms(&self) -> u64 {
        self.now_ms()
    }
}

impl Records for Beforehand<'_> {
    fn record<T: DeserializeOwned>(&self, of: Compartment, id: Id) -> Result<T, VaultError> {
        self.get(of, id)
    }

    fn time_ms(&self) -> u64 {
        self.now_ms()
    }
}

fn standing(
    records: &impl Records,
    person: Id,
    group: GroupId,
    at_ms: u64,
) -> Result<Standing, ActionError> {
    let id = CustodianForm::id_of(person);
    let form: Option<CustodianForm> = match records.record(Compartment::Directory, id) {
        Ok(form) => Some(form),
        Err(VaultError::Missing(_)) => None,
        Err(error) => return Err(error.into()),
    };
    Ok(CustodianForm::standing(form.as_ref(), group, at_ms))
}

fn refuse(name: &str, standing: Standing) -> Result<(), ActionError> {
    if standing.holds() {
        return Ok(());
    }
    Err(ActionError::rule(
        format!("{name}: {} (R18)", standing.words()),
        FORM_REMEDY,
    ))
}

/// The form of this custodian holds now.
pub(crate) fn holds(
    records: &impl Records,
    (person, name): (Id, &str),
    group: GroupId,
) -> Result<(), ActionError> {
    refuse(name, standing(records, person, group, records.time_ms())?)
}

/// The form of this custodian outlasts a ceremony that begins now.
pub(super) fn outlasts(
    permit: &Permit<'_>,
    (person, name): (Id, &str),
    group: GroupId,
) -> Result<(), ActionError> {
    let end = permit.now_ms().saturating_add(CEREMONY_MS);
    refuse(name, standing(permit, person, group, end)?)
}
