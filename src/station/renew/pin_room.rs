//! What is asked before a PIN room comes to a station that has none.

use std::collections::{BTreeMap, BTreeSet};

use conclave_evidence::authority::{AuthorityRecord, CardEntry, CardState};
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::people::{Person, check_name, check_roles};
use conclave_keyroom::ports::dialogue::{
    Answer, Ask, Field, FieldKind, People, PromptLine, Refusal,
};
use conclave_keyroom::vault::NewGroup;

use super::plan::{Plan, undone};
use super::{Change, never, prompt, refused};
use crate::approve::Undone;
use crate::cards::ask;
use crate::station::Station;

/// One of each comes to a logon; the other is to spare.
const EACH: usize = 2;
const MUST_COME: u8 = 1;

/// Whom the form named.
struct Named {
    person: Person,
    group: GroupId,
}

impl Station {
    pub(super) fn ask_pin_room(&mut self, people: &mut dyn People) -> Result<Plan, Undone> {
        let record = self.record()?;
        let title = Change::PinRoom.title();
        if GroupId::PIN_ROOM.iter().any(|g| record.group(*g).is_some()) {
            return Err(undone(refused(
                "This station has a PIN room.",
                "Choose «Add a person to groups» for more people in it.",
            )));
        }
        let named = self.ask_pin_people(&record, title, people)?;
        let mut plan = Plan::new(title.into());
        plan.rotate = false;
        plan.pin_room = true;
        let mut members: BTreeMap<GroupId, Vec<(Id, Id)>> = BTreeMap::new();
        for Named { mut person, group } in named {
            let active = |c: &&CardEntry| {
                c.person == person.id && c.state == CardState::Active && c.words.is_none()
            };
            let card = match record.cards.iter().find(active) {
                Some(entry) => entry.card,
                None => {
                    person.id = self
                        .door
                        .new_id()
                        .map_err(|e| undone(self.refusal(&e.to_string())))?;
                    let before: Vec<Id> = plan.more.iter().map(|(_, card)| card.card).collect();
                    let card = self.blank_card(&person, title, &before, people)?;
                    let id = card.card;
                    plan.words
                        .push(format!("{}: card {} is new", person.name, id.short()));
                    plan.more.push((person.clone(), card));
                    id
                }
            };
            members.entry(group).or_default().push((card, person.id));
        }
        for (group, members) in members {
            let m = MUST_COME;
            plan.groups.insert(group, NewGroup { m, members });
        }
        plan.words
            .push("PIN operators and PIN supervisors open the PIN room together".into());
        plan.afterwards
            .push("Key managers and approvers release keys to the PIN room: key list, o.".into());
        Ok(plan)
    }

    fn ask_pin_people(
        &self,
        record: &AuthorityRecord,
        title: &str,
        people: &mut dyn People,
    ) -> Result<Vec<Named>, Undone> {
        let directory = self.directory()?;
        let mut question = prompt("renew.pin-room", title, "Who prints PINs, who watches?");
        question.lines = vec![
            PromptLine::note(
                "One operator and one supervisor come together; two of each, so that a lost card \
                 does no harm.",
            ),
            PromptLine::note(
                "None of them manages or approves keys, holds a part of one, audits, or recovers. \
                 Whoever is not known here gets a new card.",
            ),
        ];
        let names = ["Operator 1", "Operator 2", "Supervisor 1", "Supervisor 2"];
        let managers = ["Operators report to", "Supervisors report to"];
        let mut typed: Vec<String> = vec![String::new(); names.len() + managers.len()];
        loop {
            let labels = names.iter().chain(&managers);
            question.ask = Ask::Form {
                fields: labels
                    .zip(&typed)
                    .map(|(label, value)| Field {
                        label: (*label).into(),
                        // Whoever is on record has a manager there.
                        kind: match managers.contains(label) {
                            true => FieldKind::Optional(24),
                            false => FieldKind::Text(24),
                        },
                        value: value.clone(),
                        hint: String::new(),
                    })
                    .collect(),
                submit: "go on".into(),
                done: None,
            };
            let answer = ask(people, &mut question, &mut never).map_err(Undone::Interrupted)?;
            let Answer::Fields(values) = answer else {
                continue;
            };
            match read(&values, record, &directory) {
                Ok(named) => return Ok(named),
                Err(refusal) => {
                    question.refused = Some(refusal);
                    for (kept, value) in typed.iter_mut().zip(values) {
                        *kept = value;
                    }
                }
            }
        }
    }
}

fn read(
    values: &[String],
    record: &AuthorityRecord,
    directory: &BTreeMap<Id, Person>,
) -> Result<Vec<Named>, Refusal> {
    let (Some(names), Some([operators, supervisors])) =
        (values.get(..2 * EACH), values.get(2 * EACH..))
    else {
        return Err(refused("The form is not complete.", "Fill all fields."));
    };
    let mut named: Vec<Named> = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let half = usize::from(at >= EACH);
        let group = GroupId::PIN_ROOM[half];
        let reports_to = [operators, supervisors][half];
        let words = |what: &str, error: &dyn std::fmt::Display| {
            refused(format!("{what} does not work: {error}."), "Type another.")
        };
        check_name(name).map_err(|e| words("A name", &e))?;
        if named.iter().any(|one| one.person.name == *name) {
            return Err(refused(
                format!("{name} stands twice."),
                "Four different people are wanted.",
            ));
        }
        if !reports_to.is_empty() {
            check_name(reports_to).map_err(|e| words("The manager's name", &e))?;
        }
        let known = directory.values().find(|p| p.name == *name);
        let mut person = known.cloned().unwrap_or_else(|| Person {
            id: Id([0; 16]),
            name: name.clone(),
            reports_to: reports_to.clone(),
            roles: BTreeSet::new(),
        });
        person.roles.insert(group);
        check_roles(&person.roles).map_err(|conflict| {
            refused(
                format!(
                    "{name}: {} and {} do not go together: {}.",
                    conflict.first.title(),
                    conflict.second.title(),
                    conflict.rule
                ),
                "Choose somebody else.",
            )
        })?;
        let active = |c: &CardEntry| c.person == person.id && c.state == CardState::Active;
        if known.is_some() && !record.cards.iter().any(active) {
            return Err(refused(
                format!("{name} has no active card."),
                "Reinstate or replace it first, or choose somebody else.",
            ));
        }
        named.push(Named { person, group });
    }
    Ok(named)
}
