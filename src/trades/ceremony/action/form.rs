//! Nobody acts as a custodian without a form that both signed and that holds
//! (R16, R18).
//!
//! Sealing does not ask: what is printed has to go into its package, and a
//! form must not lapse a key by the clock. Whoever is cast has a form that
//! outlasts the ceremony.

use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::custodian_form::{CEREMONY_MS, CustodianForm, FORM_REMEDY, Standing};
use conclave_keyroom::door::{ActionError, Permit};
use conclave_keyroom::vault::{Compartment, VaultError};

fn standing(
    permit: &Permit<'_>,
    person: Id,
    group: GroupId,
    at_ms: u64,
) -> Result<Standing, ActionError> {
    let id = CustodianForm::id_of(person);
    let form: Option<CustodianForm> = match permit.get(Compartment::Directory, id) {
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
pub(super) fn holds(
    permit: &Permit<'_>,
    (person, name): (Id, &str),
    group: GroupId,
) -> Result<(), ActionError> {
    refuse(name, standing(permit, person, group, permit.now_ms())?)
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
