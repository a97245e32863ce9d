//! Custodians who can form the key together do not all report to one manager
//! (R17), by what the directory says when components are handed out.

use conclave_evidence::Id;
use conclave_keyroom::domain::one_manager::{OneManager, manager_of};
use conclave_keyroom::domain::people::Person;
use conclave_keyroom::door::ActionError;
use conclave_keyroom::vault::{Compartment, VaultError};

use super::super::custody::CustodyError;
use super::form::Records;

/// So many of them make the key; nothing where it takes all.
pub(crate) fn apart(
    records: &impl Records,
    custodians: &[Id],
    need: Option<u8>,
) -> Result<(), ActionError> {
    let mut reports_to = Vec::new();
    for person in custodians {
        let person: Person = records.record(Compartment::Directory, *person)?;
        reports_to.push(person.reports_to);
    }
    let need = need.map_or(custodians.len(), usize::from);
    let Some(manager) = manager_of(reports_to.iter().map(String::as_str), need) else {
        return Ok(());
    };
    let id = OneManager::id_of(&manager);
    match records.record::<OneManager>(Compartment::Directory, id) {
        Ok(accepted) if accepted.covers(&manager, records.time_ms()) => Ok(()),
        Ok(_) | Err(VaultError::Missing(_)) => {
            let rule = CustodyError::SameManager { manager };
            Err(ActionError::rule(rule.to_string(), rule.advice()))
        }
        Err(error) => Err(error.into()),
    }
}
