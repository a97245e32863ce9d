//! Who may hold which component, and who may play which part (R2, R4, R13, R17).

use std::collections::BTreeSet;

use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::one_manager::{OneManager, manager_of};
use conclave_keyroom::domain::people::Person;

use super::engine::CeremonyError;
use super::script::Script;
use super::state::{CastPart, Exception, Parameters, Player};

/// The rule of custody that stands in the way. There is no exception here: an
/// exception is its own act, by other people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CustodyError {
    /// Fewer than 2 or more than 9 components.
    #[error("{0} components; a key has 2 to 9 (R2)")]
    Components(u8),
    /// More components than custodians: each person holds one (R4).
    #[error(
        "{components} components need {components} custodians, and {free} are free: one component a person (R4)"
    )]
    TooFew {
        /// How many components.
        components: u8,
        /// How many people may hold one.
        free: usize,
    },
    /// Somebody holds, or ever held, another part.
    #[error("{person} holds, or once held, another component of this key (R4)")]
    OtherPart {
        /// Who.
        person: String,
    },
    /// Somebody who decides or witnesses holds, or ever held, a part.
    #[error(
        "{person} cannot be {role}: they hold, or once held, part {part} of this key, and neither decide nor witness (R13)"
    )]
    HoldsOne {
        /// Who.
        person: String,
        /// Whom they would play.
        role: String,
        /// Which part they held, from 1.
        part: u8,
    },
    /// All who could form the key together report to one manager.
    #[error("the custodians who can form the key together all report to {manager} (R17)")]
    SameManager {
        /// Whom.
        manager: String,
    },
}

impl CustodyError {
    /// What to do.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Components(_) => "Choose 2 to 9 components.",
            Self::TooFew { .. } => {
                "Choose fewer components, or let administrators enrol custodians."
            }
            Self::HoldsOne { .. } => "Let somebody who never held a part of the key play this.",
            Self::OtherPart { .. } => "Let another custodian take this component.",
            Self::SameManager { .. } => {
                "Take a custodian of another manager. Where there is none, administrators accept one manager: people screen, m, «Custodians»."
            }
        }
    }
}

/// The custodians of components 1 to n, in order, from the groups in turn.
/// `barred` are requester, approvers, key managers and witnesses of this
/// ceremony; `held` says who ever held which part of this key.
///
/// # Errors
/// [`CustodyError`]
pub fn assign(
    people: &[Person],
    groups: &[GroupId],
    components: u8,
    barred: &BTreeSet<Id>,
    held: &[(Id, u8)],
) -> Result<Vec<Player>, CustodyError> {
    if !(2..=9).contains(&components) {
        return Err(CustodyError::Components(components));
    }
    let member = |person: &Person| groups.iter().find(|g| person.roles.contains(g)).copied();
    let mut free: Vec<(GroupId, &Person)> = people
        .iter()
        .filter(|p| !barred.contains(&p.id))
        .filter_map(|p| Some((member(p)?, p)))
        .collect();
    free.sort_by(|a, b| a.1.name.cmp(&b.1.name));
    let able = free.len();
    let too_few = CustodyError::TooFew {
        components,
        free: able,
    };
    let fits = |person: &Person, index: u8| {
        held.iter()
            .all(|(holder, part)| *holder != person.id || *part == index)
    };
    let mut chosen: Vec<Player> = Vec::new();
    for index in 1..=components {
        let turn = usize::from(index - 1);
        let at = (0..groups.len()).find_map(|skip| {
            let group = groups.get((turn + skip) % groups.len())?;
            free.iter().position(|(g, p)| g == group && fits(p, index))
        });
        let Some(at) = at else {
            return Err(too_few);
        };
        let (group, person) = free.remove(at);
        chosen.push(player(person, group));
    }
    if check_managers(&chosen, chosen.len()).is_err() {
        // One of another manager is enough: all of them are needed for the key.
        let manager = chosen.first().map(|p| p.reports_to.clone());
        let other = (1..=components).rev().find_map(|index| {
            let (group, person) = free
                .iter()
                .find(|(_, p)| Some(&p.reports_to) != manager.as_ref() && fits(p, index))?;
            Some((index, player(person, *group)))
        });
        if let Some((index, player)) = other
            && let Some(place) = chosen.get_mut(usize::from(index - 1))
        {
            *place = player;
        }
    }
    check(&chosen, held)?;
    Ok(chosen)
}

fn player(person: &Person, group: GroupId) -> Player {
    Player {
        id: person.id,
        name: person.name.clone(),
        group,
        reports_to: person.reports_to.clone(),
    }
}

/// Checks custodians, in the order of their components.
///
/// # Errors
/// [`CustodyError`]
pub fn check(custodians: &[Player], held: &[(Id, u8)]) -> Result<(), CustodyError> {
    let places: Vec<u8> = (1..=9).collect();
    check_places(custodians, &places, custodians.len(), held)
}

/// Checks custodians of these places, any `sufficient` of whom make the key.
///
/// # Errors
/// [`CustodyError`]
pub fn check_places(
    custodians: &[Player],
    places: &[u8],
    sufficient: usize,
    held: &[(Id, u8)],
) -> Result<(), CustodyError> {
    // An exercise may pass some of them over; it needs all for the key.
    let components = u8::try_from(custodians.len().max(sufficient)).unwrap_or(u8::MAX);
    if !(2..=9).contains(&components) {
        return Err(CustodyError::Components(components));
    }
    let mut seen = BTreeSet::new();
    for (index, player) in places.iter().zip(custodians) {
        let before = held
            .iter()
            .any(|(holder, part)| *holder == player.id && part != index);
        if before || !seen.insert(player.id) {
            return Err(CustodyError::OtherPart {
                person: player.name.clone(),
            });
        }
    }
    check_managers(custodians, sufficient)
}

/// Nobody manages as many of them as form a key: XOR needs all components,
/// shares as many as their quorum.
fn check_managers(custodians: &[Player], sufficient: usize) -> Result<(), CustodyError> {
    match manager_of(custodians.iter().map(|p| p.reports_to.as_str()), sufficient) {
        Some(manager) => Err(CustodyError::SameManager { manager }),
        None => Ok(()),
    }
}

/// Nobody who decides or witnesses ever held a part of the key: found out
/// before a package is opened, and not at its sealing.
fn no_holder(role: &str, people: &[Player], held: &[(Id, u8)]) -> Result<(), CustodyError> {
    for player in people {
        if let Some((_, part)) = held.iter().find(|(id, _)| *id == player.id) {
            return Err(CustodyError::HoldsOne {
                person: player.name.clone(),
                role: role.to_owned(),
                part: *part,
            });
        }
    }
    Ok(())
}

/// Checks a cast against its script: every part played, by members of its
/// group, and nobody twice.
pub(super) fn check_cast(
    script: &Script,
    parameters: &Parameters,
    cast: &[CastPart],
    accepted: &[OneManager],
) -> Result<(), CeremonyError> {
    let refuse = |part: &str, detail: String| {
        Err(CeremonyError::Cast {
            part: part.to_owned(),
            detail,
        })
    };
    let mut seen = BTreeSet::new();
    for played in cast {
        let Some(part) = script.part(&played.part) else {
            return refuse(&played.part, "the script has no such part".into());
        };
        let custodian = part.source.is_custodian();
        let need = if custodian {
            parameters.components
        } else {
            part.count
        };
        if played.people.len() != usize::from(need) {
            return refuse(
                &part.part,
                format!("{} people, and {need} are needed", played.people.len()),
            );
        }
        for player in &played.people {
            if !part.source.groups().contains(&player.group) {
                return refuse(
                    &part.part,
                    format!("{} comes from {}", player.name, player.group.title()),
                );
            }
            if !seen.insert(player.id) {
                return refuse(
                    &part.part,
                    format!("{} plays two parts; nobody acts twice", player.name),
                );
            }
            let asked = parameters.requester == Some(player.id);
            if asked && (custodian || player.group == GroupId::Approvers) {
                return refuse(
                    &part.part,
                    format!(
                        "{} requested this key, and neither approves it nor holds a part",
                        player.name
                    ),
                );
            }
        }
        if let (true, Some(_)) = (custodian, parameters.holders())
            && !(0..)
                .zip(&played.people)
                .all(|(at, p)| parameters.may_open(at, p.id))
        {
            return refuse(
                &part.part,
                "each sheet is opened by its custodian or their backup, and nobody else (R4)"
                    .into(),
            );
        }
        if custodian {
            let places: Vec<u8> = (1..=parameters.components)
                .map(|turn| parameters.place(turn))
                .collect();
            let people = &played.people;
            match check_places(people, &places, parameters.sufficient(), &parameters.held) {
                Err(CustodyError::SameManager { manager })
                    if accepted.iter().any(|a| a.covers(&manager, a.accepted_ms)) => {}
                checked => checked?,
            }
        } else {
            no_holder(&part.part, &played.people, &parameters.held)?;
        }
    }
    if cast.len() != script.cast.len() {
        let there: BTreeSet<&str> = cast.iter().map(|p| p.part.as_str()).collect();
        if let Some(part) = script
            .cast
            .iter()
            .find(|p| !there.contains(p.part.as_str()))
        {
            return refuse(&part.part, "nobody plays it".into());
        }
        return refuse("cast", "a part is listed twice".into());
    }
    Ok(())
}

/// The exception that a cast needs, for its minutes.
pub(super) fn accepted_manager(
    parameters: &Parameters,
    cast: &[CastPart],
    accepted: &[OneManager],
) -> Option<Exception> {
    let people = cast.iter().flat_map(|part| &part.people);
    let custodians = people.filter(|p| p.group.is_custodian());
    let reports_to = custodians.map(|p| p.reports_to.as_str());
    let manager = manager_of(reports_to, parameters.sufficient())?;
    let one = accepted
        .iter()
        .find(|a| a.covers(&manager, a.accepted_ms))?;
    Some(Exception {
        step: "cast".into(),
        component: None,
        words: format!("the custodians report to {manager} (R17): {}", one.reason),
        witness: "accepted by the administrators".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUPS: [GroupId; 3] = [
        GroupId::CustodiansA,
        GroupId::CustodiansB,
        GroupId::CustodiansC,
    ];

    fn staff(list: &[(u8, GroupId, &str)]) -> Vec<Person> {
        list.iter()
            .map(|(n, group, manager)| Person {
                id: Id([*n; 16]),
                name: format!("MEMBER-{n}"),
                reports_to: (*manager).to_owned(),
                roles: BTreeSet::from([*group]),
            })
            .collect()
    }

    fn names(chosen: &[Player]) -> Vec<&str> {
        chosen.iter().map(|p| p.name.as_str()).collect()
    }

    #[test]
    fn components_go_round_the_groups_one_a_person() {
        let [a, b, c] = GROUPS;
        let people = staff(&[(1, a, "X"), (2, a, "X"), (3, b, "Y"), (4, c, "Y")]);
        let none = BTreeSet::new();
        let four = assign(&people, &GROUPS, 4, &none, &[]).unwrap();
        assert_eq!(
            names(&four),
            ["MEMBER-1", "MEMBER-3", "MEMBER-4", "MEMBER-2"]
        );
        assert_eq!(
            assign(&people, &GROUPS, 5, &none, &[]),
            Err(CustodyError::TooFew {
                components: 5,
                free: 4
            })
        );
        for components in [0, 1, 10] {
            let refused = assign(&people, &GROUPS, components, &none, &[]);
            assert_eq!(refused, Err(CustodyError::Components(components)));
        }
    }

    #[test]
    fn barred_people_and_former_holders_are_passed_over() {
        let [a, b, _] = GROUPS;
        let people = staff(&[(1, a, "X"), (2, a, "X"), (3, b, "Y")]);
        let barred = BTreeSet::from([Id([1; 16])]);
        let two = assign(&people, &GROUPS, 2, &barred, &[]).unwrap();
        assert_eq!(names(&two), ["MEMBER-2", "MEMBER-3"]);
        // MEMBER-3 once held component 1, so never component 2.
        let held = [(Id([3; 16]), 1)];
        let three = assign(&people[1..], &GROUPS, 2, &BTreeSet::new(), &held);
        assert!(matches!(three, Err(CustodyError::TooFew { .. })));
        let wrong = check(&two, &held);
        assert!(matches!(wrong, Err(CustodyError::OtherPart { .. })));
    }

    #[test]
    fn nobody_manages_as_many_as_make_the_key() {
        let [a, b, c] = GROUPS;
        let people = staff(&[(1, a, "X"), (2, b, "X"), (3, c, "Y")]);
        let three = assign(&people, &GROUPS, 3, &BTreeSet::new(), &[]).unwrap();
        assert!(check_places(&three, &[1, 2, 3], 3, &[]).is_ok());
        let refused = check_places(&three, &[1, 2, 3], 2, &[]);
        assert_eq!(
            refused,
            Err(CustodyError::SameManager {
                manager: "X".into()
            })
        );
        // By the number of the share, not by the turn.
        let held = [(Id([1; 16]), 3)];
        assert!(check_places(&three, &[3, 1, 2], 3, &held).is_ok());
        assert!(check_places(&three, &[1, 2, 3], 3, &held).is_err());
    }

    #[test]
    fn a_former_holder_neither_decides_nor_witnesses() {
        let people = staff(&[(1, GroupId::Approvers, "X"), (2, GroupId::Approvers, "X")]);
        let approvers: Vec<Player> = people
            .iter()
            .map(|p| player(p, GroupId::Approvers))
            .collect();
        assert_eq!(no_holder("approver", &approvers, &[]), Ok(()));
        let held = [(Id([9; 16]), 1), (Id([2; 16]), 3)];
        let refused = no_holder("approver", &approvers, &held).unwrap_err();
        let words = refused.to_string();
        assert!(words.contains("MEMBER-2 cannot be approver"), "{words}");
        assert!(words.contains("part 3 of this key"), "{words}");
    }

    #[test]
    fn custodians_of_one_manager_are_blocked_or_another_is_taken() {
        let [a, b, _] = GROUPS;
        let people = staff(&[(1, a, "X"), (2, b, "X")]);
        let refused = assign(&people, &GROUPS, 2, &BTreeSet::new(), &[]);
        assert_eq!(
            refused,
            Err(CustodyError::SameManager {
                manager: "X".into()
            })
        );
        let people = staff(&[(1, a, "X"), (2, b, "X"), (3, b, "Y")]);
        let taken = assign(&people, &GROUPS, 2, &BTreeSet::new(), &[]).unwrap();
        assert_eq!(names(&taken), ["MEMBER-1", "MEMBER-3"]);
    }
}
