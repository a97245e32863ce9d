//! The backup of a component: of its custodian's group, with a form that holds,
//! and never of another part of the key (R4, R16).

use std::collections::BTreeSet;

use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::key::Holder;
use conclave_keyroom::door::{ActionError, Permit};

/// `backup Pat`, `no backup`.
pub(super) fn words(backup: Option<&Holder>) -> String {
    backup.map_or_else(|| "no backup".into(), |b| format!("backup {}", b.name))
}

/// The backup is a member of this group who may act.
pub(super) fn check(
    permit: &Permit<'_>,
    backup: &Holder,
    group: GroupId,
) -> Result<(), ActionError> {
    let groups = permit.authority()?.groups_of(backup.person);
    if !groups.contains(&group) {
        return Err(ActionError::rule(
            format!("{} is no member of {group} (R16)", backup.name),
            "The backup is another member of the custodian's group.",
        ));
    }
    super::form::holds(permit, (backup.person, &backup.name), group)
}

/// Nobody holds, or is the backup of, two components of one key.
pub(super) fn apart(parts: &[(Id, Option<&Holder>)]) -> Result<(), ActionError> {
    let mut seen: BTreeSet<Id> = parts.iter().map(|(custodian, _)| *custodian).collect();
    for backup in parts.iter().filter_map(|(_, backup)| *backup) {
        if !seen.insert(backup.person) {
            return Err(ActionError::rule(
                format!("{} would open two components of one key (R4)", backup.name),
                "Each component has its own backup, who holds none of the others.",
            ));
        }
    }
    Ok(())
}
