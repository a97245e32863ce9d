//! What is asked before a renewal: whose card, which groups, who is here.

use std::collections::{BTreeMap, BTreeSet};

use conclave_evidence::authority::{AuthorityRecord, CardEntry, CardState};
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::people::{Person, check_name, check_roles};
use conclave_keyroom::ports::dialogue::{
    Answer, Ask, Choice, Field, FieldKind, People, PromptLine, Refusal,
};
use conclave_keyroom::vault::{KeyTraits, KeysOf, NewGroup};

use super::plan::{Plan, able, check_size, groups_with, undone};
use super::{Change, never, prompt, refused, titles};
use crate::approve::Undone;
use crate::cards::ask;
use crate::lost_card::groups_words;
use crate::station::Station;
use crate::words;

fn interrupted(why: crate::cards::Interrupted) -> Undone {
    Undone::Interrupted(why)
}

impl Station {
    pub(super) fn ask_change(
        &mut self,
        change: Change,
        people: &mut dyn People,
    ) -> Result<Plan, Undone> {
        match change {
            Change::ReplaceCard => self.ask_replacement(people),
            Change::Leaver => self.ask_leaver(people),
            Change::AddMember => self.ask_member(people),
            Change::Words => self.ask_words(people),
            Change::PinRoom => self.ask_pin_room(people),
            Change::Quorum => self.ask_quorum(people),
            Change::Secret => self.ask_secret(people),
            Change::Certificates
            | Change::Custodians
            | Change::Groups
            | Change::CustodianForm
            | Change::OneManager
            | Change::FinishCard => {
                Err(undone(self.refusal("this change has questions of its own")))
            }
        }
    }

    fn ask_replacement(&mut self, people: &mut dyn People) -> Result<Plan, Undone> {
        let record = self.record()?;
        let title = Change::ReplaceCard.title();
        let old = choose_card(&record, title, people)?;
        if old.words.is_some() {
            return Err(undone(refused(
                format!("{} holds recovery words, and no card.", old.person_name),
                "Choose «Recovery words for a person»: new words take the place of the old.",
            )));
        }
        let name = old.person_name.clone();
        let groups = groups_with(&record, &[old.card]);
        self.open_for(groups.iter().copied(), true)
            .map_err(undone)?;
        let mut plan = Plan::new(format!("Replace {name}'s card"));
        plan.revoked = vec![old.card];
        let person = self.directory()?.remove(&old.person);
        let person = person.ok_or_else(|| undone(self.refusal("a person is missing")))?;
        // The new card comes into every group in place of the old one.
        let mut members =
            self.ask_members(&plan.title, &record, &groups, &[old.card], 1, people)?;
        let card = self.blank_card(&person, &plan.title, &[], people)?;
        for group in members.values_mut() {
            group.members.push((card.card, person.id));
        }
        plan.groups = members;
        plan.words.push(format!(
            "{name}: card {} is revoked for ever, card {} is new",
            old.card.short(),
            card.card.short()
        ));
        plan.person = Some(person);
        plan.card = Some(card);
        Ok(plan)
    }

    fn ask_leaver(&mut self, people: &mut dyn People) -> Result<Plan, Undone> {
        let record = self.record()?;
        let chosen = choose_card(&record, Change::Leaver.title(), people)?;
        let name = chosen.person_name.clone();
        let cards: Vec<Id> = record
            .cards
            .iter()
            .filter(|c| c.person == chosen.person && c.state != CardState::Revoked)
            .map(|c| c.card)
            .collect();
        let groups = groups_with(&record, &cards);
        self.open_for(groups.iter().copied(), true)
            .map_err(undone)?;
        let mut plan = Plan::new(format!("{name} leaves"));
        plan.groups = self.ask_members(&plan.title, &record, &groups, &cards, 0, people)?;
        plan.words
            .push(format!("{name}'s cards are revoked for ever"));
        plan.revoked = cards;
        for key in self.keys_of(KeysOf::Traits(KeyTraits::PARTS)) {
            for part in key.parts_ever().filter(|c| c.custodian_name == name) {
                let then = match &part.backup {
                    Some(backup) => format!("{} takes over in a custody exercise", backup.name),
                    None => "decide whether to give it new parts, or to replace the key".into(),
                };
                plan.afterwards.push(format!(
                    "{name} held part {} of {} of {}: {then}.",
                    part.index, part.of, key.label
                ));
            }
        }
        Ok(plan)
    }

    fn ask_member(&mut self, people: &mut dyn People) -> Result<Plan, Undone> {
        let record = self.record()?;
        let title = Change::AddMember.title();
        let (mut person, added) = self.ask_person(&record, title, people)?;
        self.open_for(added.iter().copied(), false)
            .map_err(undone)?;
        let mut plan = Plan::new(format!("Add {}", person.name));
        plan.rotate = false;
        let mut members = self.ask_members(&plan.title, &record, &added, &[], 1, people)?;
        let active = |c: &&CardEntry| {
            c.person == person.id && c.state == CardState::Active && c.words.is_none()
        };
        let card = match record.cards.iter().find(active) {
            Some(entry) => entry.card,
            None => {
                if person.id == Id([0; 16]) {
                    person.id = self
                        .door
                        .new_id()
                        .map_err(|e| undone(self.refusal(&e.to_string())))?;
                }
                let card = self.blank_card(&person, &plan.title, &[], people)?;
                let id = card.card;
                plan.words
                    .push(format!("{}: card {} is new", person.name, id.short()));
                plan.card = Some(card);
                id
            }
        };
        for group in members.values_mut() {
            group.members.push((card, person.id));
        }
        plan.groups = members;
        plan.rotate_if_somebody_leaves(&record);
        plan.words
            .push(format!("{} comes to: {}", person.name, titles(added)));
        plan.person = Some(person);
        Ok(plan)
    }

    /// Who comes, and to which groups. A new person has no id yet.
    fn ask_person(
        &self,
        record: &AuthorityRecord,
        title: &str,
        people: &mut dyn People,
    ) -> Result<(Person, Vec<GroupId>), Undone> {
        let directory = self.directory()?;
        let mut question = prompt("renew.person", title, "Who comes to which groups?");
        question.lines = vec![PromptLine::note(
            "A name that is known here gets more groups; another is a new person with a new card.",
        )];
        let groups: Vec<GroupId> = record.groups.iter().map(|g| g.group).collect();
        let mut typed: [String; 3] = Default::default();
        loop {
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
                        hint: "the manager's name; for somebody new".into(),
                    },
                    Field {
                        label: "Groups".into(),
                        kind: FieldKind::Many(groups.iter().map(|g| g.title().into()).collect()),
                        value: typed[2].clone(),
                        hint: "the groups that this person joins".into(),
                    },
                ],
                submit: "go on".into(),
                done: None,
            };
            let answer = ask(people, &mut question, &mut never).map_err(interrupted)?;
            let Answer::Fields(values) = answer else {
                continue;
            };
            match read_person(&values, record, &directory) {
                Ok(read) => return Ok(read),
                Err(refusal) => {
                    question.refused = Some(refusal);
                    for (kept, value) in typed.iter_mut().zip(values) {
                        *kept = value;
                    }
                }
            }
        }
    }

    fn ask_quorum(&mut self, people: &mut dyn People) -> Result<Plan, Undone> {
        let record = self.record()?;
        let title = Change::Quorum.title();
        let group = choose_group(&record, title, |_| true, people)?;
        self.open_for([group], true).map_err(undone)?;
        let entry = record.group(group);
        let (m, n) = entry.map_or((0, 0), |g| (g.m, g.members.len()));
        let mut question = prompt("renew.m", title, group.title());
        question.lines = vec![PromptLine::note(format!(
            "{m} of {n} have to come together now. How many from now on?"
        ))];
        question.ask = Ask::Text {
            label: "How many".into(),
            hint: "a number; at least 2 where a group opens something alone".into(),
            max: 2,
            masked: false,
        };
        let m = loop {
            let answer = ask(people, &mut question, &mut never).map_err(interrupted)?;
            let Answer::Word(word) = answer else { continue };
            let least = if group.opens_alone() { 2 } else { 1 };
            match word.trim().parse::<u8>() {
                Ok(new) if new >= least && new != m => break new,
                Ok(new) if new == m => {
                    question.refused = Some(refused(
                        format!("It is {m} already."),
                        "Type another number.",
                    ));
                }
                _ => {
                    question.refused = Some(refused(
                        format!("At least {least} have to come."),
                        "Type another number.",
                    ));
                }
            }
        };
        let mut plan = Plan::new(format!("{}: {m} must come", group.title()));
        let mut changed = record.clone();
        if let Some(entry) = changed.groups.iter_mut().find(|g| g.group == group) {
            entry.m = m;
        }
        plan.groups = self.ask_members(&plan.title, &changed, &[group], &[], 0, people)?;
        plan.words.push(format!(
            "{}: {m} of its members have to come, so far {}",
            group.title(),
            entry.map_or(0, |g| g.m)
        ));
        Ok(plan)
    }

    fn ask_secret(&mut self, people: &mut dyn People) -> Result<Plan, Undone> {
        let record = self.record()?;
        let title = Change::Secret.title();
        let group = choose_group(&record, title, |g| !g.is_custodian(), people)?;
        self.open_for([group], true).map_err(undone)?;
        let mut plan = Plan::new(format!("Renew the secret of {}", group.title()));
        plan.groups = self.ask_members(&plan.title, &record, &[group], &[], 0, people)?;
        plan.words
            .push(format!("The secret of {} is made anew", group.title()));
        Ok(plan)
    }

    /// Who is here to receive a share, group by group: `more` will come beside
    /// those who are chosen.
    pub(super) fn ask_members(
        &self,
        act: &str,
        record: &AuthorityRecord,
        groups: &[GroupId],
        without: &[Id],
        more: usize,
        people: &mut dyn People,
    ) -> Result<BTreeMap<GroupId, NewGroup>, Undone> {
        let mut chosen = BTreeMap::new();
        for &group in groups {
            let m = record.group(group).map_or(0, |g| g.m);
            let able = able(record, group, without);
            // Too few however many of them are here.
            check_size(group, m, able.len() + more).map_err(undone)?;
            let all: Vec<(Id, Id)> = able.iter().map(|(c, p, _)| (*c, *p)).collect();
            let mut members = all;
            // Custodians receive no share, so nobody has to be here.
            if !group.is_custodian() && !able.is_empty() {
                let names: Vec<String> = able.iter().map(|(_, _, name)| name.clone()).collect();
                let mut question = prompt("renew.members", act, "Who is here?");
                question.lines = vec![
                    PromptLine::note(format!(
                        "{}: each member who is here receives a new share with card and PIN.",
                        group.title()
                    )),
                    PromptLine::note(
                        "Whoever is not here is no member of this group afterwards, and has to be \
                         added again.",
                    ),
                ];
                let barred: Vec<String> = record
                    .group(group)
                    .map_or(&[][..], |g| &g.members)
                    .iter()
                    .filter(|m| !without.contains(&m.card))
                    .filter_map(|m| record.card(m.card))
                    .filter(|c| c.state != CardState::Active)
                    .map(|c| c.person_name.clone())
                    .collect();
                if !barred.is_empty() {
                    question.lines.push(PromptLine::note(format!(
                        "No share for a card that is suspended: {}.",
                        words::list(&barred)
                    )));
                }
                question.waiting_for = group.title().into();
                question.ask = Ask::Form {
                    fields: vec![Field {
                        label: "Members".into(),
                        kind: FieldKind::Many(names.clone()),
                        value: names.join(", "),
                        hint: String::new(),
                    }],
                    submit: "go on".into(),
                    done: None,
                };
                members = loop {
                    let answer = ask(people, &mut question, &mut never).map_err(interrupted)?;
                    let Answer::Fields(values) = answer else {
                        continue;
                    };
                    let here: BTreeSet<&str> = values
                        .first()
                        .map(|v| v.split(", ").collect())
                        .unwrap_or_default();
                    let taken: Vec<(Id, Id)> = able
                        .iter()
                        .filter(|(_, _, name)| here.contains(name.as_str()))
                        .map(|(c, p, _)| (*c, *p))
                        .collect();
                    match check_size(group, m, taken.len() + more) {
                        Ok(()) => break taken,
                        Err(refusal) => question.refused = Some(refusal),
                    }
                };
            }
            chosen.insert(group, NewGroup { m, members });
        }
        Ok(chosen)
    }
}

fn read_person(
    values: &[String],
    record: &AuthorityRecord,
    directory: &BTreeMap<Id, Person>,
) -> Result<(Person, Vec<GroupId>), Refusal> {
    let [name, reports_to, groups] = values else {
        return Err(refused("The form is not complete.", "Fill all fields."));
    };
    check_name(name)
        .map_err(|e| refused(format!("The name does not work: {e}."), "Type another."))?;
    let known = directory.values().find(|p| p.name == *name);
    if known.is_none() && !reports_to.is_empty() {
        check_name(reports_to).map_err(|e| {
            refused(
                format!("The manager's name does not work: {e}."),
                "Type another.",
            )
        })?;
    }
    let person = known.cloned().unwrap_or_else(|| Person {
        id: Id([0; 16]),
        name: name.clone(),
        reports_to: reports_to.clone(),
        roles: BTreeSet::new(),
    });
    let chosen: BTreeSet<GroupId> = groups
        .split(", ")
        .filter_map(|title| record.groups.iter().find(|g| g.group.title() == title))
        .map(|g| g.group)
        .collect();
    let added: Vec<GroupId> = chosen.difference(&person.roles).copied().collect();
    if added.is_empty() {
        return Err(refused(
            format!("{name} would come to no group."),
            "Choose at least one group that this person is not in.",
        ));
    }
    let suspended = record
        .cards
        .iter()
        .any(|c| c.person == person.id && c.state == CardState::Suspended);
    if suspended {
        return Err(refused(
            format!("{name}'s card is suspended."),
            "Reinstate it or replace it first.",
        ));
    }
    let together: BTreeSet<GroupId> = person.roles.union(&chosen).copied().collect();
    check_roles(&together).map_err(|conflict| {
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
    Ok((person, added))
}

/// Whose card, and the holder's name typed.
fn choose_card(
    record: &AuthorityRecord,
    title: &str,
    people: &mut dyn People,
) -> Result<CardEntry, Undone> {
    let cards: Vec<&CardEntry> = record
        .cards
        .iter()
        .filter(|c| c.state != CardState::Revoked)
        .collect();
    let mut question = prompt("renew.who", title, "Whose card?");
    question.ask = Ask::Choose {
        options: cards
            .iter()
            .map(|card| Choice {
                label: card.person_name.clone(),
                detail: format!(
                    "card {}{}: {}",
                    card.card.short(),
                    match card.state {
                        CardState::Suspended => ", suspended",
                        _ => "",
                    },
                    groups_words(record, card.person)
                ),
            })
            .collect(),
    };
    let entry = loop {
        let answer = ask(people, &mut question, &mut never).map_err(interrupted)?;
        if let Answer::Chosen(at) = answer
            && let Some(entry) = cards.get(at)
        {
            break (*entry).clone();
        }
    };
    let name = entry.person_name.clone();
    let mut last = prompt("renew.who.name", title, &format!("{title}: {name}"));
    last.lines = vec![
        PromptLine::note(format!(
            "{name}'s card {}, {}",
            entry.card.short(),
            groups_words(record, entry.person)
        )),
        PromptLine::note("It is revoked for ever."),
        PromptLine::note(
            "Its old share dies only with the renewal that follows: then what these groups open \
             is encrypted under new keys.",
        ),
    ];
    last.ask = Ask::Exactly { text: name.clone() };
    loop {
        match ask(people, &mut last, &mut never).map_err(interrupted)? {
            Answer::Word(word) if word == name => return Ok(entry),
            _ => {
                last.refused = Some(refused(
                    "That is not the name.",
                    "Type the name exactly, or Esc to give up.",
                ));
            }
        }
    }
}

fn choose_group(
    record: &AuthorityRecord,
    title: &str,
    wanted: impl Fn(GroupId) -> bool,
    people: &mut dyn People,
) -> Result<GroupId, Undone> {
    let groups: Vec<_> = record.groups.iter().filter(|g| wanted(g.group)).collect();
    let mut question = prompt("renew.group", title, "Which group?");
    question.ask = Ask::Choose {
        options: groups
            .iter()
            .map(|g| Choice {
                label: g.group.title().into(),
                detail: format!("{} of {}", g.m, g.members.len()),
            })
            .collect(),
    };
    loop {
        let answer = ask(people, &mut question, &mut never).map_err(interrupted)?;
        if let Answer::Chosen(at) = answer
            && let Some(entry) = groups.get(at)
        {
            return Ok(entry.group);
        }
    }
}
