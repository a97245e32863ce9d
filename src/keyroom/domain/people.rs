//! People and the roles they hold.

use std::collections::BTreeSet;

use conclave_evidence::{GroupId, Id};
use serde::{Deserialize, Serialize};

/// A person of the key room, as the directory keeps them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Random, for ever.
    pub id: Id,
    /// The name that screens and minutes use; unique on the station.
    pub name: String,
    /// The manager this person reports to (R17), by name: managers need not
    /// be people of the key room. Empty where nobody is above.
    pub reports_to: String,
    /// The groups this person belongs to.
    pub roles: BTreeSet<GroupId>,
}

/// A pair of roles that one person may not hold, and the rule that says so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{first} and {second}: {rule}")]
pub struct RoleConflict {
    /// The one role.
    pub first: GroupId,
    /// The other.
    pub second: GroupId,
    /// The rule, in words and with its source.
    pub rule: &'static str,
}

const AUDITOR_ALONE: &str =
    "an auditor reads, verifies and signs minutes, and may never be anything else";
const ADMINISTRATOR_APART: &str =
    "an administrator may never also be key manager, custodian or auditor";
const ONE_PART: &str =
    "a custodian belongs to one component group: nobody may ever hold two parts of a key (R4)";
const RECOVERY_APART: &str = "recovery opens every compartment, so its holders may not also administer, manage, approve or \
     print PINs";
const PIN_PAIR: &str =
    "a PIN operator works under the eyes of a supervisor, who is always somebody else";
const PIN_APART: &str = "whoever prints PINs may hold no part of a key that makes them, and decide about none: neither \
     key manager, approver nor custodian";

const PIN_SETTING_UP: &str = "administrators record issuers, approve templates and enrol printers of PIN mailers, so whoever \
     prints PINs is somebody else";

/// The rule that forbids one person to hold both roles, if there is one.
///
/// Two roles that no rule forbids may be held by one person; that person still
/// never acts twice in one act.
#[must_use]
pub fn conflict(first: GroupId, second: GroupId) -> Option<RoleConflict> {
    use GroupId::{Administrators, Auditors, KeyManagers, Recovery};
    let pair = |a: GroupId, b: GroupId| (first == a && second == b) || (first == b && second == a);
    let custodian = |g: GroupId| g.is_custodian();
    let rule = if first == second {
        return None;
    } else if first == Auditors || second == Auditors {
        AUDITOR_ALONE
    } else if pair(Administrators, KeyManagers)
        || (first == Administrators && custodian(second))
        || (second == Administrators && custodian(first))
    {
        ADMINISTRATOR_APART
    } else if custodian(first) && custodian(second) {
        ONE_PART
    } else if first.is_pin_room() && second.is_pin_room() {
        PIN_PAIR
    } else if first == Recovery && bars_recovery(second)
        || second == Recovery && bars_recovery(first)
    {
        RECOVERY_APART
    } else if first.is_pin_room() && second == Administrators
        || second.is_pin_room() && first == Administrators
    {
        PIN_SETTING_UP
    } else if first.is_pin_room() && handles_keys(second)
        || second.is_pin_room() && handles_keys(first)
    {
        PIN_APART
    } else {
        return None;
    };
    Some(RoleConflict {
        first,
        second,
        rule,
    })
}

fn bars_recovery(group: GroupId) -> bool {
    use GroupId::{Administrators, Approvers, KeyManagers};
    matches!(group, Administrators | KeyManagers | Approvers) || group.is_pin_room()
}

fn handles_keys(group: GroupId) -> bool {
    matches!(group, GroupId::KeyManagers | GroupId::Approvers) || group.is_custodian()
}

/// Checks a person's whole set of roles.
///
/// # Errors
/// The first forbidden pair, with its rule.
pub fn check_roles(roles: &BTreeSet<GroupId>) -> Result<(), RoleConflict> {
    let list: Vec<GroupId> = roles.iter().copied().collect();
    for (at, first) in list.iter().enumerate() {
        for second in list.iter().skip(at + 1) {
            if let Some(found) = conflict(*first, *second) {
                return Err(found);
            }
        }
    }
    Ok(())
}

/// Why a name is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing was typed.
    #[error("the name is empty")]
    Empty,
    /// Longer than [`NAME_MAX`] characters.
    #[error("the name is longer than {NAME_MAX} characters")]
    TooLong,
    /// A character that a printer or a terminal could take for a command.
    #[error("the character {0:?} is not allowed in a name")]
    Character(char),
}

/// The longest name, in characters: it has to fit every form and screen.
pub const NAME_MAX: usize = 24;

/// Checks the name of a person or a station: letters, digits, space and
/// `-.'`, 1 to [`NAME_MAX`] characters, no space at either end.
///
/// # Errors
/// [`NameError`] with the offending character.
pub fn check_name(name: &str) -> Result<(), NameError> {
    if name.trim().is_empty() {
        return Err(NameError::Empty);
    }
    if name.chars().count() > NAME_MAX {
        return Err(NameError::TooLong);
    }
    if name.trim() != name {
        return Err(NameError::Character(' '));
    }
    match name
        .chars()
        .find(|c| !(c.is_alphanumeric() || matches!(c, ' ' | '-' | '.' | '\'')))
    {
        Some(c) => Err(NameError::Character(c)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_forbidden_pairs_is_symmetric() {
        for a in GroupId::ALL {
            for b in GroupId::ALL {
                assert_eq!(
                    conflict(a, b).is_some(),
                    conflict(b, a).is_some(),
                    "{a} {b}"
                );
            }
        }
    }

    #[test]
    fn an_administrator_may_approve_but_not_manage_keys() {
        assert_eq!(conflict(GroupId::Administrators, GroupId::Approvers), None);
        let found = conflict(GroupId::KeyManagers, GroupId::Administrators);
        assert_eq!(found.map(|c| c.rule), Some(ADMINISTRATOR_APART));
    }

    #[test]
    fn nobody_is_custodian_of_two_groups_or_auditor_and_more() {
        let two = BTreeSet::from([GroupId::CustodiansA, GroupId::CustodiansB]);
        assert_eq!(check_roles(&two).map_err(|c| c.rule), Err(ONE_PART));
        let auditor = BTreeSet::from([GroupId::Auditors, GroupId::Recovery]);
        assert_eq!(
            check_roles(&auditor).map_err(|c| c.rule),
            Err(AUDITOR_ALONE)
        );
    }

    #[test]
    fn who_prints_pins_touches_no_key_and_watches_nobody() {
        use GroupId::{Administrators, PinOperators, PinSupervisors, Recovery};
        let rule = |a, b| conflict(a, b).map(|found| found.rule);
        assert_eq!(rule(PinOperators, PinSupervisors), Some(PIN_PAIR));
        for pin in GroupId::PIN_ROOM {
            for other in [
                GroupId::KeyManagers,
                GroupId::Approvers,
                GroupId::CustodiansA,
                GroupId::CustodiansC,
            ] {
                assert_eq!(rule(pin, other), Some(PIN_APART), "{pin} {other}");
            }
            assert_eq!(rule(GroupId::Auditors, pin), Some(AUDITOR_ALONE));
            assert_eq!(rule(pin, Recovery), Some(RECOVERY_APART));
            assert_eq!(rule(pin, Administrators), Some(PIN_SETTING_UP));
        }
    }

    #[test]
    fn names_that_could_steer_a_printer_are_refused() {
        assert_eq!(check_name("Ann-Marie O'Neil"), Ok(()));
        assert_eq!(check_name("A\u{1b}@"), Err(NameError::Character('\u{1b}')));
        assert_eq!(check_name(""), Err(NameError::Empty));
        assert_eq!(check_name(" x"), Err(NameError::Character(' ')));
    }
}
