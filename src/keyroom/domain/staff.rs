//! How many people a plan of groups needs, and who may do two jobs.

use std::collections::BTreeMap;

use conclave_evidence::GroupId;

use super::people::{Person, RoleConflict, check_roles, conflict};

/// The most members a group may have.
pub const GROUP_MAX: u8 = 16;

/// How many of a group must come together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quorum {
    /// How many must come.
    pub m: u8,
    /// How many belong to the group.
    pub n: u8,
}

/// Groups and their quorums, before anybody is named.
pub type Plan = BTreeMap<GroupId, Quorum>;

/// Why a plan or a list of people is not legal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StaffError {
    /// m of n makes no sense.
    #[error("{group}: {m} of {n} is not possible; 1 to {GROUP_MAX} members, and m at most n")]
    Impossible {
        /// Which group.
        group: GroupId,
        /// How many must come.
        m: u8,
        /// How many there are.
        n: u8,
    },
    /// A group that opens something alone with m = 1.
    #[error("{group}: one person alone would open what this group protects; m must be at least 2")]
    Alone {
        /// Which group.
        group: GroupId,
    },
    /// A group that every station needs is missing.
    #[error("{group}: every station needs this group")]
    Missing {
        /// Which group.
        group: GroupId,
    },
    /// One of the two groups of the PIN room without the other.
    #[error("{group}: PIN operators and PIN supervisors come together, or neither")]
    Half {
        /// The one that is there.
        group: GroupId,
    },
    /// A person holds roles that exclude one another.
    #[error("{person}: {conflict}")]
    Conflict {
        /// Who.
        person: String,
        /// Which roles and which rule.
        conflict: RoleConflict,
    },
    /// Fewer or more people named for a group than planned.
    #[error("{group}: {named} named, {n} planned")]
    Count {
        /// Which group.
        group: GroupId,
        /// How many people hold the role.
        named: usize,
        /// How many the plan has.
        n: u8,
    },
    /// Two people have one name.
    #[error("{name} is named twice")]
    Twice {
        /// The name.
        name: String,
    },
    /// Somebody has no role.
    #[error("{name} has no role")]
    Idle {
        /// The name.
        name: String,
    },
    /// The pair of groups that opens keys cannot be staffed by distinct people.
    #[error(
        "{first} and {second} together need {need} distinct people, only {have} hold the roles"
    )]
    Pair {
        /// The one group of the pair.
        first: GroupId,
        /// The other.
        second: GroupId,
        /// m of the one plus m of the other.
        need: usize,
        /// Distinct people that hold either role.
        have: usize,
    },
}

/// The groups without which no station can work.
pub const REQUIRED: [GroupId; 5] = [
    GroupId::Administrators,
    GroupId::KeyManagers,
    GroupId::Approvers,
    GroupId::Auditors,
    GroupId::Recovery,
];

/// Checks the quorums alone.
///
/// # Errors
/// The first group that is missing or impossible.
pub fn check_plan(plan: &Plan) -> Result<(), StaffError> {
    for group in REQUIRED {
        if !plan.contains_key(&group) {
            return Err(StaffError::Missing { group });
        }
    }
    let pin_room = GroupId::PIN_ROOM.map(|group| plan.contains_key(&group));
    if pin_room == [true, false] || pin_room == [false, true] {
        let group = GroupId::PIN_ROOM[usize::from(pin_room[1])];
        return Err(StaffError::Half { group });
    }
    for (&group, &Quorum { m, n }) in plan {
        if m == 0 || m > n || n > GROUP_MAX {
            return Err(StaffError::Impossible { group, m, n });
        }
        if m < 2 && group.opens_alone() {
            return Err(StaffError::Alone { group });
        }
    }
    Ok(())
}

/// The smallest legal staff for a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smallest {
    /// How many people.
    pub people: usize,
    /// Sets of groups that share people, and how many people each set has:
    /// one way to reach that number.
    pub teams: Vec<(Vec<GroupId>, u8)>,
}

/// Works out the fewest people that can staff a plan without breaking a role
/// rule: groups that may share people are put together so that the sum of the
/// largest is smallest. Ten groups at most, so every partition is tried.
#[must_use]
pub fn smallest_staff(plan: &Plan) -> Smallest {
    let groups: Vec<GroupId> = plan.keys().copied().collect();
    let mut best = Smallest {
        people: usize::MAX,
        teams: Vec::new(),
    };
    place(&groups, plan, &mut Vec::new(), &mut best);
    best
}

fn place(rest: &[GroupId], plan: &Plan, teams: &mut Vec<Vec<GroupId>>, best: &mut Smallest) {
    let size = |team: &Vec<GroupId>| team.iter().map(|g| plan[g].n).max().unwrap_or(0);
    let Some((&group, rest)) = rest.split_first() else {
        let people = teams.iter().map(|t| usize::from(size(t))).sum();
        // Key managers and approvers act together as distinct people.
        let paired = teams.iter().all(|team| {
            let both = team.contains(&GroupId::KeyManagers) && team.contains(&GroupId::Approvers);
            !both || {
                let m = plan[&GroupId::KeyManagers].m + plan[&GroupId::Approvers].m;
                size(team) >= m
            }
        });
        if paired && people < best.people {
            best.people = people;
            best.teams = teams.iter().map(|t| (t.clone(), size(t))).collect();
        }
        return;
    };
    for at in 0..teams.len() {
        if teams[at]
            .iter()
            .all(|&other| conflict(group, other).is_none())
        {
            teams[at].push(group);
            place(rest, plan, teams, best);
            teams[at].pop();
        }
    }
    teams.push(vec![group]);
    place(rest, plan, teams, best);
    teams.pop();
}

/// The pairs of groups of this plan that one person may belong to.
#[must_use]
pub fn permitted_double_roles(plan: &Plan) -> Vec<(GroupId, GroupId)> {
    let groups: Vec<GroupId> = plan.keys().copied().collect();
    let mut pairs = Vec::new();
    for (at, &first) in groups.iter().enumerate() {
        for &second in groups.iter().skip(at + 1) {
            if conflict(first, second).is_none() {
                pairs.push((first, second));
            }
        }
    }
    pairs
}

/// Checks the people against the plan: roles, counts, names.
///
/// # Errors
/// The first thing that is wrong, naming the person or the group.
pub fn check_staff(plan: &Plan, people: &[Person]) -> Result<(), StaffError> {
    check_plan(plan)?;
    for (at, person) in people.iter().enumerate() {
        if people.iter().skip(at + 1).any(|p| p.name == person.name) {
            return Err(StaffError::Twice {
                name: person.name.clone(),
            });
        }
        if person.roles.is_empty() {
            return Err(StaffError::Idle {
                name: person.name.clone(),
            });
        }
        check_roles(&person.roles).map_err(|conflict| StaffError::Conflict {
            person: person.name.clone(),
            conflict,
        })?;
    }
    for (&group, quorum) in plan {
        let named = people.iter().filter(|p| p.roles.contains(&group)).count();
        if named != usize::from(quorum.n) {
            return Err(StaffError::Count {
                group,
                named,
                n: quorum.n,
            });
        }
    }
    let pair = (GroupId::KeyManagers, GroupId::Approvers);
    let need = usize::from(plan[&pair.0].m) + usize::from(plan[&pair.1].m);
    let have = people
        .iter()
        .filter(|p| p.roles.contains(&pair.0) || p.roles.contains(&pair.1))
        .count();
    if have < need {
        return Err(StaffError::Pair {
            first: pair.0,
            second: pair.1,
            need,
            have,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        let two_of_three = Quorum { m: 2, n: 3 };
        let one = Quorum { m: 1, n: 1 };
        Plan::from([
            (GroupId::Administrators, two_of_three),
            (GroupId::KeyManagers, two_of_three),
            (GroupId::Approvers, two_of_three),
            (GroupId::CustodiansA, one),
            (GroupId::CustodiansB, one),
            (GroupId::CustodiansC, one),
            (GroupId::Auditors, Quorum { m: 2, n: 2 }),
            (GroupId::Recovery, two_of_three),
        ])
    }

    #[test]
    fn the_smallest_staff_shares_only_what_the_rules_permit() {
        let smallest = smallest_staff(&plan());
        for (team, _) in &smallest.teams {
            for a in team {
                for b in team {
                    assert_eq!(conflict(*a, *b), None);
                }
            }
        }
        // administrators+approvers 3, key managers with one custodian 3,
        // recovery with another custodian 3, one custodian 1, auditors 2
        assert_eq!(smallest.people, 12);
    }

    #[test]
    fn the_pin_room_has_both_groups_or_neither_and_one_may_be_enough_of_each() {
        let mut plan = plan();
        let one = Quorum { m: 1, n: 2 };
        plan.insert(GroupId::PinSupervisors, one);
        let half = StaffError::Half {
            group: GroupId::PinSupervisors,
        };
        assert_eq!(check_plan(&plan), Err(half));
        plan.insert(GroupId::PinOperators, one);
        assert_eq!(check_plan(&plan), Ok(()));
        // Each two more people: nobody with another job may print PINs.
        assert_eq!(smallest_staff(&plan).people, 12 + 4);
    }

    #[test]
    fn a_group_that_opens_something_alone_needs_two() {
        let mut plan = plan();
        plan.insert(GroupId::Administrators, Quorum { m: 1, n: 3 });
        assert_eq!(
            check_plan(&plan),
            Err(StaffError::Alone {
                group: GroupId::Administrators
            })
        );
        plan.insert(GroupId::Administrators, Quorum { m: 4, n: 3 });
        assert!(matches!(
            check_plan(&plan),
            Err(StaffError::Impossible { .. })
        ));
    }
}
