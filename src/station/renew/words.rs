//! A recovery member with words in place of a card, in a renewal of the group.

use std::collections::BTreeSet;

use conclave_evidence::authority::{AuthorityRecord, CardEntry, CardState};
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::device::PrinterPurpose;
use conclave_keyroom::domain::people::{Person, check_name, check_roles};
use conclave_keyroom::door::Warrant;
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::dialogue::{
    Answer, Ask, Choice, Field, FieldKind, People, PromptLine, Refusal,
};

use super::plan::{Plan, groups_with, undone};
use super::{Change, never, prompt, refused};
use crate::approve::Undone;
use crate::cards::ask;
use crate::new_words::Sheet;
use crate::station::Station;

const GROUP: GroupId = GroupId::Recovery;

impl Station {
    /// Who is to hold words, and in place of which card.
    pub(super) fn ask_words(&mut self, people: &mut dyn People) -> Result<Plan, Undone> {
        let record = self.record()?;
        let title = Change::Words.title();
        let mut person = self.ask_holder(&record, title, people)?;
        self.open_for([GROUP], true).map_err(undone)?;
        let member = |c: &&CardEntry| {
            c.person == person.id
                && c.state != CardState::Revoked
                && record.is_member(GROUP, c.card)
        };
        let old = record.cards.iter().find(member).cloned();
        let mut plan = Plan::new(format!("Recovery words for {}", person.name));
        plan.rotate = false;
        let without: Vec<Id> = old.iter().map(|c| c.card).collect();
        plan.groups = self.ask_members(&plan.title, &record, &[GROUP], &without, 1, people)?;
        if person.id == Id([0; 16]) {
            person.id = self
                .door
                .new_id()
                .map_err(|e| undone(self.refusal(&e.to_string())))?;
        }
        if let Some(old) = &old {
            // A card that has no other group would be a member of nothing.
            let alone = groups_with(&record, &[old.card]) == [GROUP];
            let what = match old.words.is_some() {
                true => "sheet of words",
                false => "card",
            };
            plan.words.push(match alone {
                true => format!(
                    "{}'s {what} {} is revoked for ever",
                    person.name,
                    old.card.short()
                ),
                false => format!(
                    "{}'s card {} is no member of Recovery any more",
                    person.name,
                    old.card.short()
                ),
            });
            if alone {
                plan.revoked = vec![old.card];
            }
        }
        let of = plan.groups.get(&GROUP).map_or(0, |g| g.members.len()) + 1;
        let of = u8::try_from(of).unwrap_or(u8::MAX);
        let printer = self.words_printer(&plan.title, people)?;
        let sheet = Sheet {
            person: &person,
            part: of,
            of,
            station: record.station,
            printer: &printer,
            question: prompt("", &plan.title, ""),
        };
        let new = self.new_words(&sheet, people, &mut |station, action, words| {
            let mut ports = Ports {
                printers: &mut *station.printers,
                media: &mut *station.media,
                programs: &mut *station.programs,
            };
            station
                .door
                .perform(action, &Warrant::default(), vec![words], &mut ports)
                .map_err(Undone::Door)
        })?;
        if let Some(group) = plan.groups.get_mut(&GROUP) {
            group.members.push((new.entry.card, person.id));
        }
        plan.words.push(format!(
            "{}: recovery words {} are new",
            person.name,
            new.entry.card.short()
        ));
        plan.rotate_if_somebody_leaves(&record);
        plan.person = Some(person);
        plan.new_words = Some(new);
        Ok(plan)
    }

    /// Somebody by name: a member, or somebody who comes to the group.
    fn ask_holder(
        &self,
        record: &AuthorityRecord,
        title: &str,
        people: &mut dyn People,
    ) -> Result<Person, Undone> {
        let directory = self.directory()?;
        let mut question = prompt("renew.words.person", title, "Who is to hold words?");
        question.lines = vec![
            PromptLine::note(
                "Words stand for a card in the recovery group only. A member of it gets them in \
                 place of the card; anybody else comes to the group.",
            ),
            PromptLine::note("They need no reader and no card at a restore, and can be copied."),
        ];
        let mut typed: [String; 2] = Default::default();
        loop {
            let field = |label: &str, value: &String, hint: &str| Field {
                label: label.into(),
                // Whoever is on record has a manager there.
                kind: match hint.is_empty() {
                    true => FieldKind::Text(24),
                    false => FieldKind::Optional(24),
                },
                value: value.clone(),
                hint: hint.into(),
            };
            question.ask = Ask::Form {
                fields: vec![
                    field("Name", &typed[0], ""),
                    field(
                        "Reports to",
                        &typed[1],
                        "the manager's name; for somebody new",
                    ),
                ],
                submit: "go on".into(),
                done: None,
            };
            let answer = ask(people, &mut question, &mut never).map_err(Undone::Interrupted)?;
            let Answer::Fields(values) = answer else {
                continue;
            };
            let [name, reports_to] = values.as_slice() else {
                continue;
            };
            let known = directory.values().find(|p| p.name == *name);
            let person = match known {
                Some(person) => Ok(person.clone()),
                None => stranger(name, reports_to),
            };
            match person.and_then(|person| may_hold(record, person)) {
                Ok(person) => return Ok(person),
                Err(refusal) => question.refused = Some(refusal),
            }
            typed = [name.clone(), reports_to.clone()];
        }
    }

    /// The printer for key components: words are as secret as those.
    fn words_printer(&mut self, act: &str, people: &mut dyn People) -> Result<String, Undone> {
        let mut printers: Vec<String> = self
            .enrolled_printers()
            .into_iter()
            .filter(|printer| printer.purpose == PrinterPurpose::Components)
            .map(|printer| printer.name)
            .collect();
        if printers.is_empty() {
            return Err(undone(refused(
                "No printer is enrolled for key components, and words are as secret as those.",
                "Enrol one under «Devices», and begin again.",
            )));
        }
        let mut question = prompt("renew.words.printer", act, "Which printer?");
        question.ask = Ask::Choose {
            options: printers
                .iter()
                .map(|name| Choice {
                    label: name.clone(),
                    detail: String::new(),
                })
                .collect(),
        };
        loop {
            if printers.len() == 1 {
                return Ok(printers.swap_remove(0));
            }
            let answer = ask(people, &mut question, &mut never).map_err(Undone::Interrupted)?;
            if let Answer::Chosen(at) = answer
                && at < printers.len()
            {
                return Ok(printers.swap_remove(at));
            }
        }
    }
}

fn stranger(name: &str, reports_to: &str) -> Result<Person, Refusal> {
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
    Ok(Person {
        id: Id([0; 16]),
        name: name.into(),
        reports_to: reports_to.into(),
        roles: BTreeSet::new(),
    })
}

fn may_hold(record: &AuthorityRecord, person: Person) -> Result<Person, Refusal> {
    // A lost sheet is suspended at once; new words take its place.
    let suspended = |c: &CardEntry| {
        c.person == person.id && c.state == CardState::Suspended && !record.is_member(GROUP, c.card)
    };
    if record.cards.iter().any(suspended) {
        return Err(refused(
            format!("{}'s card is suspended.", person.name),
            "Reinstate it or replace it first.",
        ));
    }
    let mut roles = person.roles.clone();
    roles.insert(GROUP);
    match check_roles(&roles) {
        Ok(()) => Ok(person),
        Err(conflict) => Err(refused(
            format!(
                "{} and {} do not go together: {}.",
                conflict.first.title(),
                conflict.second.title(),
                conflict.rule
            ),
            "Give the words to somebody else.",
        )),
    }
}
