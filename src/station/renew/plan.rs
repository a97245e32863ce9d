//! What a change of members comes to: groups, cards, people.

use std::collections::{BTreeMap, BTreeSet};

use conclave_evidence::authority::{AuthorityRecord, CardEntry, CardState};
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::people::Person;
use conclave_keyroom::ports::dialogue::Refusal;
use conclave_keyroom::vault::genesis::NewCard;
use conclave_keyroom::vault::{Compartment, NewGroup, Renewal};

use super::action::PERSON;
use super::{refused, titles};
use crate::approve::Undone;
use crate::cards::Interrupted;
use crate::new_words::NewWords;
use crate::station::Station;

/// A change that people decided on.
pub(super) struct Plan {
    /// `Replace Dan's card`.
    pub title: String,
    /// What it changes beside the groups, for whoever signs.
    pub words: Vec<String>,
    /// The groups that are renewed.
    pub groups: BTreeMap<GroupId, NewGroup>,
    /// Cards that may never act again.
    pub revoked: Vec<Id>,
    /// A person who comes, or comes to more groups; by id.
    pub person: Option<Person>,
    /// A card that was just made ready.
    pub card: Option<NewCard>,
    /// People who come beside that one, each with a card that was just made
    /// ready.
    pub more: Vec<(Person, NewCard)>,
    /// The PIN room's two groups come with this.
    pub pin_room: bool,
    /// Words that were just made and typed back.
    pub new_words: Option<NewWords>,
    /// Data keys are made anew.
    pub rotate: bool,
    /// What has to be decided afterwards.
    pub afterwards: Vec<String>,
}

impl Plan {
    pub(super) fn new(title: String) -> Self {
        Self {
            title,
            words: Vec::new(),
            groups: BTreeMap::new(),
            revoked: Vec::new(),
            person: None,
            card: None,
            more: Vec::new(),
            pin_room: false,
            new_words: None,
            rotate: true,
            afterwards: Vec::new(),
        }
    }

    /// Whoever leaves a group that opens something takes an old share along.
    pub(super) fn rotate_if_somebody_leaves(&mut self, record: &AuthorityRecord) {
        self.rotate |= self.groups.iter().any(|(group, new)| {
            let entry = record.group(*group).filter(|g| g.holds_secret);
            let stays = |card| new.members.iter().any(|(c, _)| *c == card);
            entry.is_some_and(|g| g.members.iter().any(|m| !stays(m.card)))
        });
    }

    /// The cards that come with it, with their holders' names.
    pub(super) fn new_cards(&self) -> impl Iterator<Item = (&NewCard, String)> {
        let name = self.person.as_ref().map(|p| p.name.clone());
        let one = self.card.iter();
        one.map(move |card| (card, name.clone().unwrap_or_default()))
            .chain(self.more.iter().map(|(p, card)| (card, p.name.clone())))
    }

    /// The people that come with it, or come to more groups.
    pub(super) fn people(&self) -> impl Iterator<Item = &Person> {
        self.person.iter().chain(self.more.iter().map(|(p, _)| p))
    }

    pub(super) fn renewal(&self) -> Renewal {
        Renewal {
            groups: self.groups.clone(),
            cards: self
                .new_cards()
                .map(|(card, name)| CardEntry {
                    card: card.card,
                    person: card.person,
                    person_name: name,
                    auth_key_9a: card.auth_key_9a,
                    sign_key_9c: card.sign_key_9c,
                    agree_key_9d: card.agree_key_9d,
                    state: CardState::Active,
                    words: None,
                })
                .chain(self.new_words.iter().map(|new| new.entry.clone()))
                .collect(),
            revoked: self.revoked.clone(),
            rotate: self.rotate,
        }
    }
}

pub(super) fn undone(refusal: Refusal) -> Undone {
    Undone::Interrupted(Interrupted::Refused(refusal))
}

/// The groups of this record that a person's active or suspended cards belong
/// to.
pub(super) fn groups_with(record: &AuthorityRecord, cards: &[Id]) -> Vec<GroupId> {
    record
        .groups
        .iter()
        .filter(|g| g.members.iter().any(|m| cards.contains(&m.card)))
        .map(|g| g.group)
        .collect()
}

/// Members of a group whose cards may act, without these cards: card, person
/// and name.
pub(super) fn able(
    record: &AuthorityRecord,
    group: GroupId,
    without: &[Id],
) -> Vec<(Id, Id, String)> {
    let members = record.group(group).map_or(&[][..], |g| &g.members);
    members
        .iter()
        .filter(|m| !without.contains(&m.card))
        .filter_map(|m| record.card(m.card))
        .filter(|c| c.state == CardState::Active)
        .map(|c| (c.card, c.person, c.person_name.clone()))
        .collect()
}

/// A group that opens something keeps one member to spare.
pub(super) fn check_size(group: GroupId, m: u8, members: usize) -> Result<(), Refusal> {
    let need = usize::from(m) + usize::from(!group.is_custodian());
    if members >= need {
        return Ok(());
    }
    Err(refused(
        format!(
            "{} would have {members} members, and {need} are needed{}.",
            group.title(),
            if group.is_custodian() {
                ""
            } else {
                " so that one more lost card does no harm"
            }
        ),
        "Add a person to this group first; or let fewer of its members have to come.",
    ))
}

impl Station {
    pub(super) fn record(&self) -> Result<AuthorityRecord, Undone> {
        let record = self.door.vault().authority();
        record
            .cloned()
            .map_err(|e| undone(self.refusal(&e.to_string())))
    }

    /// Everybody in the directory.
    pub(super) fn directory(&self) -> Result<BTreeMap<Id, Person>, Undone> {
        self.door
            .vault()
            .list::<Person>(Compartment::Directory, PERSON)
            .map(|all| all.into_iter().collect())
            .map_err(|e| undone(self.refusal(&e.to_string())))
    }

    /// Whether those are logged on who have to be for a renewal of these
    /// groups: their own quorums, or recovery in their place (TRUE).
    pub(super) fn open_for(
        &self,
        groups: impl IntoIterator<Item = GroupId>,
        rotate: bool,
    ) -> Result<bool, Refusal> {
        let mut need: BTreeSet<GroupId> =
            groups.into_iter().filter(|g| !g.is_custodian()).collect();
        // What the two open together is wrapped for both together.
        let pair = [GroupId::KeyManagers, GroupId::Approvers];
        if pair.iter().any(|group| need.contains(group)) {
            need.extend(pair);
        }
        if need.iter().any(|group| group.is_pin_room()) {
            need.extend(GroupId::PIN_ROOM);
        }
        need.insert(GroupId::Administrators);
        let open = self.door.vault().open_groups();
        let missing: Vec<GroupId> = need.into_iter().filter(|g| !open.contains(g)).collect();
        if missing.is_empty() {
            return Ok(false);
        }
        let recovery = open.contains(&GroupId::Recovery);
        if rotate && recovery && !missing.contains(&GroupId::Administrators) {
            return Ok(true);
        }
        Err(refused(
            format!("Not logged on: {}.", titles(missing)),
            "Their old quorum opens what is encrypted anew: they log on first; press g. Where they \
             cannot come together any more, Recovery logs on instead.",
        ))
    }

    /// The people whose groups this plan changes, as they are afterwards.
    pub(super) fn changed_people(
        &self,
        plan: &Plan,
        next: &AuthorityRecord,
    ) -> Result<Vec<Person>, Undone> {
        let mut people = self.directory()?;
        for person in plan.people() {
            people.entry(person.id).or_insert_with(|| {
                let mut new = person.clone();
                // So that it counts as changed whatever its groups are.
                new.roles.clear();
                new
            });
        }
        let mut changed = Vec::new();
        for mut person in people.into_values() {
            let roles: BTreeSet<GroupId> = next.groups_of(person.id).into_iter().collect();
            if roles != person.roles {
                person.roles = roles;
                changed.push(person);
            }
        }
        Ok(changed)
    }
}
