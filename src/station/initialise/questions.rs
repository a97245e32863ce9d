//! What is decided before any card is touched: name, mode, groups, people.

use std::collections::{BTreeMap, BTreeSet};

use conclave_evidence::authority::Mode;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::people::{Person, check_name, check_roles};
use conclave_keyroom::domain::staff::{
    Plan, Quorum, StaffError, check_plan, check_staff, permitted_double_roles, smallest_staff,
};
use conclave_keyroom::ports::dialogue::{
    Answer, Ask, Field, FieldKind, People, PromptLine, Refusal, Table,
};

use super::{InitialiseEnd, never, prompt, refused};
use crate::cards::ask;
use crate::station::Station;
use crate::words;

impl Station {
    pub(super) fn ask_name(
        &self,
        people: &mut dyn People,
    ) -> Result<(String, Mode), InitialiseEnd> {
        let modes: Vec<String> = if self.training {
            vec!["TEST".into()]
        } else {
            vec!["TEST".into(), "PRODUCTION".into()]
        };
        let mut question = prompt("init.name", "The station's name and mode");
        question.lines = vec![
            PromptLine::note(
                "The mode is for ever, and stands on every screen, record, file and page.",
            ),
            PromptLine::note(if self.training {
                "This is a training station: it can only be TEST."
            } else {
                "Published test keys and training devices work on a TEST station only."
            }),
        ];
        question.ask = Ask::Form {
            fields: vec![
                Field {
                    label: "Name".into(),
                    kind: FieldKind::Text(24),
                    value: String::new(),
                    hint: "letters, digits, space, - . ' ; for example KEYROOM-1".into(),
                },
                Field {
                    label: "Mode".into(),
                    kind: FieldKind::One(modes),
                    value: "TEST".into(),
                    hint: "cannot be changed later".into(),
                },
            ],
            submit: "go on".into(),
            done: None,
        };
        loop {
            let Answer::Fields(values) = ask(people, &mut question, &mut never)? else {
                continue;
            };
            let (Some(name), Some(mode)) = (values.first(), values.get(1)) else {
                continue;
            };
            match check_name(name) {
                Ok(()) => {
                    let mode = if mode == "PRODUCTION" && !self.training {
                        Mode::Production
                    } else {
                        Mode::Test
                    };
                    return Ok((name.clone(), mode));
                }
                Err(error) => {
                    question.refused = Some(refused(
                        format!("The name does not work: {error}."),
                        "Type another.",
                    ));
                }
            }
        }
    }

    pub(super) fn ask_staff(
        &self,
        people: &mut dyn People,
        plan: &Plan,
        name: &str,
        mode: Mode,
    ) -> Result<Vec<Person>, InitialiseEnd> {
        let mut shown = prompt("init.staff", "How many people this needs");
        shown.lines = staff_words(plan);
        shown.ask = Ask::Read;
        ask(people, &mut shown, &mut never)?;

        let mut refusal = None;
        loop {
            let staff = self.ask_people(people, plan, refusal.take())?;
            if let Err(error) = check_staff(plan, &staff) {
                refusal = Some(refused(
                    format!("The people do not fit the groups: {error}."),
                    "Record them again.",
                ));
                continue;
            }
            let mut last = prompt("init.confirm", "Is everything right?");
            last.lines = vec![
                PromptLine::note(format!("{name}, {mode}, for ever.")),
                PromptLine::note(format!(
                    "{} people, each with a card as delivered and an own PIN.",
                    staff.len()
                )),
                PromptLine::note(
                    "From here on the sitting is not interrupted until all cards are done.",
                ),
            ];
            last.table = Some(people_table(&staff));
            last.ask = Ask::Exactly { text: name.into() };
            loop {
                match ask(people, &mut last, &mut never)? {
                    Answer::Word(word) if word == name => return Ok(staff),
                    _ => {
                        last.refused = Some(refused(
                            "That is not the station's name.",
                            "Type the name exactly, or Esc to give up.",
                        ));
                    }
                }
            }
        }
    }

    fn ask_people(
        &self,
        people: &mut dyn People,
        plan: &Plan,
        refusal: Option<Refusal>,
    ) -> Result<Vec<Person>, InitialiseEnd> {
        let mut staff: Vec<Person> = Vec::new();
        let mut question = prompt("init.person", "The people, one after the other");
        question.refused = refusal;
        // What was refused stays in the form, to be put right.
        let mut typed: [String; 3] = Default::default();
        loop {
            question.table = Some(people_table(&staff));
            question.lines = open_places(plan, &staff);
            question.ask = Ask::Form {
                fields: vec![
                    Field {
                        label: "Name".into(),
                        kind: FieldKind::Text(24),
                        value: typed[0].clone(),
                        hint: String::new(),
                    },
                    Field {
                        label: "Reports to".into(),
                        kind: FieldKind::Optional(24),
                        value: typed[1].clone(),
                        hint: "the manager's name".into(),
                    },
                    Field {
                        label: "Groups".into(),
                        kind: FieldKind::Many(plan.keys().map(|g| g.title().into()).collect()),
                        value: typed[2].clone(),
                        hint: String::new(),
                    },
                ],
                submit: "record".into(),
                done: (!staff.is_empty()).then(|| "everybody is recorded".into()),
            };
            let Answer::Fields(values) = ask(people, &mut question, &mut never)? else {
                continue;
            };
            if values.is_empty() {
                if staff.is_empty() {
                    continue;
                }
                return Ok(staff);
            }
            match self.read_person(&values, plan, &staff) {
                Ok(person) => {
                    question.refused = None;
                    typed = Default::default();
                    staff.push(person);
                }
                Err(refusal) => {
                    question.refused = Some(refusal);
                    for (kept, value) in typed.iter_mut().zip(values) {
                        *kept = value;
                    }
                }
            }
        }
    }

    fn read_person(
        &self,
        values: &[String],
        plan: &Plan,
        staff: &[Person],
    ) -> Result<Person, Refusal> {
        let [name, reports_to, groups] = values else {
            return Err(refused("The form is not complete.", "Fill all fields."));
        };
        check_name(name)
            .map_err(|e| refused(format!("The name does not work: {e}."), "Type another."))?;
        if !reports_to.is_empty() {
            check_name(reports_to).map_err(|e| {
                refused(
                    format!("The manager's name does not work: {e}."),
                    "Type another.",
                )
            })?;
        }
        if staff.iter().any(|p| p.name == *name) {
            return Err(refused(
                format!("{name} is recorded already."),
                "Two people of one name need a difference, for example an initial.",
            ));
        }
        let roles: BTreeSet<GroupId> = groups
            .split(", ")
            .filter_map(|title| plan.keys().find(|g| g.title() == title).copied())
            .collect();
        if roles.is_empty() {
            return Err(refused(
                format!("{name} would belong to no group."),
                "Choose at least one group.",
            ));
        }
        check_roles(&roles).map_err(|conflict| {
            refused(
                format!(
                    "{} and {} do not go together: {}.",
                    conflict.first.title(),
                    conflict.second.title(),
                    conflict.rule
                ),
                "Give one of the two to somebody else.",
            )
        })?;
        for group in &roles {
            let have = staff.iter().filter(|p| p.roles.contains(group)).count();
            let n = plan.get(group).map_or(0, |q| usize::from(q.n));
            if have >= n {
                return Err(refused(
                    format!("The group {} has its {n} members already.", group.title()),
                    "Choose another group.",
                ));
            }
        }
        Ok(Person {
            id: self.person_id(name, staff.len()),
            name: name.clone(),
            reports_to: reports_to.clone(),
            roles,
        })
    }

    /// People get their random ids at the founding; until then the order does.
    fn person_id(&self, _name: &str, at: usize) -> Id {
        let mut id = [0u8; 16];
        id[8..].copy_from_slice(&(at as u64 + 1).to_be_bytes());
        id[..8].copy_from_slice(&self.clock.wall_ms().to_be_bytes());
        Id(id)
    }
}

/// What each group gets when nobody decides otherwise.
fn usual(group: GroupId) -> &'static str {
    match group {
        GroupId::Auditors => "2 of 2",
        group if group.is_custodian() => "1 of 1",
        group if group.is_pin_room() => "",
        _ => "2 of 3",
    }
}

pub(super) fn ask_plan(people: &mut dyn People) -> Result<Plan, InitialiseEnd> {
    let mut question = prompt("init.groups", "The groups: how many of how many");
    question.lines = vec![
        PromptLine::note(
            "m of n: m members must come together. Up to 16 members; m at least 2 where a group \
         opens something alone.",
        ),
        PromptLine::note(
            "PIN operators and PIN supervisors are for a station that prints PINs: 1 of 2 in each, \
         or both empty. They can be added later.",
        ),
    ];
    question.ask = Ask::Form {
        fields: GroupId::ALL
            .iter()
            .map(|group| Field {
                label: group.title().into(),
                // A station of systems alone has no custodians.
                kind: match group.is_pin_room() || group.is_custodian() {
                    true => FieldKind::Optional(8),
                    false => FieldKind::Text(8),
                },
                value: usual(*group).into(),
                hint: if group.is_pin_room() {
                    "for example 1 of 2; empty where no PINs are printed".into()
                } else {
                    "for example 2 of 3".into()
                },
            })
            .collect(),
        submit: "go on".into(),
        done: None,
    };
    loop {
        let Answer::Fields(values) = ask(people, &mut question, &mut never)? else {
            continue;
        };
        match read_plan(&values) {
            Ok(plan) => return Ok(plan),
            Err(why) => {
                question.refused = Some(refused(why, "Change the numbers."));
                if let Ask::Form { fields, .. } = &mut question.ask {
                    for (field, value) in fields.iter_mut().zip(values) {
                        field.value = value;
                    }
                }
            }
        }
    }
}

fn read_plan(values: &[String]) -> Result<Plan, String> {
    let mut plan: BTreeMap<GroupId, Quorum> = BTreeMap::new();
    for (group, value) in GroupId::ALL.into_iter().zip(values) {
        let value = value.trim();
        if value.is_empty() && (group.is_custodian() || group.is_pin_room()) {
            continue;
        }
        let (m, n) = value
            .split_once(" of ")
            .and_then(|(m, n)| Some((m.trim().parse().ok()?, n.trim().parse().ok()?)))
            .ok_or_else(|| format!("{}: {value:?} is not of the form «2 of 3».", group.title()))?;
        plan.insert(group, Quorum { m, n });
    }
    check_plan(&plan).map_err(|error: StaffError| format!("{error}."))?;
    Ok(plan)
}

fn staff_words(plan: &Plan) -> Vec<PromptLine> {
    let smallest = smallest_staff(plan);
    let most: usize = plan.values().map(|q| usize::from(q.n)).sum();
    let mut lines = vec![PromptLine::note(format!(
        "The smallest legal staff is {} people; with nobody in two groups it is {most}.",
        smallest.people
    ))];
    for (team, size) in &smallest.teams {
        let places = |g: &GroupId| format!("{} {}", g.title(), plan.get(g).map_or(0, |q| q.n));
        let titles: Vec<String> = team.iter().map(places).collect();
        let people = if *size == 1 { "person" } else { "people" };
        lines.push(PromptLine::note(format!(
            "  {size} {people} for: {}",
            words::list(&titles)
        )));
    }
    lines.push(PromptLine::note("One person may belong to both groups of:"));
    for (first, second) in permitted_double_roles(plan) {
        lines.push(PromptLine::note(format!(
            "  {} and {}",
            first.title(),
            second.title()
        )));
    }
    lines.push(PromptLine::note("Nobody ever acts twice in one act."));
    lines
}

fn people_table(staff: &[Person]) -> Table {
    Table {
        head: vec!["Name".into(), "Reports to".into(), "Groups".into()],
        rows: staff
            .iter()
            .map(|p| {
                let roles: Vec<&str> = p.roles.iter().map(|g| g.title()).collect();
                vec![p.name.clone(), p.reports_to.clone(), roles.join(", ")]
            })
            .collect(),
    }
}

fn open_places(plan: &Plan, staff: &[Person]) -> Vec<PromptLine> {
    let mut open: Vec<String> = Vec::new();
    for (group, quorum) in plan {
        let have = staff.iter().filter(|p| p.roles.contains(group)).count();
        let left = usize::from(quorum.n).saturating_sub(have);
        if left > 0 {
            open.push(format!("{} {left}", group.title()));
        }
    }
    if open.is_empty() {
        vec![PromptLine::note("All places are filled.")]
    } else {
        vec![PromptLine::note(format!(
            "Open places: {}.",
            open.join(", ")
        ))]
    }
}
