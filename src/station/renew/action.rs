//! The act that renews groups: new shares, new keys, old ones gone, all at
//! once.

use std::collections::BTreeMap;

use conclave_crypto::secret::Secret;
use conclave_evidence::authority::{AuthorityRecord, SignedAuthority};
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::people::{Person, check_roles};
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::{Compartment, Receipt};
use serde::{Deserialize, Serialize};

/// Kind of a person's record in the directory.
pub(super) const PERSON: &str = "person";
/// Kind of the record that keeps what the cards signed at a renewal.
const RECEIPTS: &str = "share-receipts";

/// Writes a renewal that was prepared in memory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RenewGroups {
    /// What it is for, in the words that were signed.
    pub words: Vec<String>,
    /// The groups that get new secrets.
    pub groups: Vec<GroupId>,
    /// The recovery group stands in for those groups' own quorums.
    pub by_recovery: bool,
    /// The authority record that says so, with the signatures of an
    /// administrators' quorum of the record before.
    pub signed: SignedAuthority,
    /// What the members' cards signed when they had opened their new shares.
    pub receipts: Vec<Receipt>,
    /// People who are new, or whose groups change.
    pub people: Vec<Person>,
    /// Cards that are new here: their PUK and management key come beside this
    /// action, in this order.
    pub new_cards: Vec<Id>,
}

/// The role rules hold, and the directory says of everybody what the record
/// says.
pub(super) fn check_people(
    record: &AuthorityRecord,
    people: &BTreeMap<Id, Person>,
) -> Result<(), ActionError> {
    for member in record.groups.iter().flat_map(|g| &g.members) {
        if !people.contains_key(&member.person) {
            return Err(ActionError::rule(
                "a member is not in the directory",
                "Begin again.",
            ));
        }
    }
    for person in people.values() {
        let member: Vec<GroupId> = record.groups_of(person.id);
        if member.len() != person.roles.len() || member.iter().any(|g| !person.roles.contains(g)) {
            return Err(ActionError::rule(
                format!("{}'s groups are not those of the record", person.name),
                "Begin again.",
            ));
        }
        check_roles(&person.roles).map_err(|conflict| {
            ActionError::rule(
                format!(
                    "{}: {} and {} do not go together: {}",
                    person.name,
                    conflict.first.title(),
                    conflict.second.title(),
                    conflict.rule
                ),
                "Give one of the two to somebody else.",
            )
        })?;
    }
    pair(record)
}

/// Key managers and approvers act together as distinct people.
fn pair(record: &AuthorityRecord) -> Result<(), ActionError> {
    let both = [GroupId::KeyManagers, GroupId::Approvers];
    let entries: Vec<_> = both.iter().filter_map(|g| record.group(*g)).collect();
    let need: usize = entries.iter().map(|g| usize::from(g.m)).sum();
    let mut people: Vec<Id> = entries
        .iter()
        .flat_map(|g| g.members.iter().map(|m| m.person))
        .collect();
    people.sort();
    people.dedup();
    if people.len() >= need {
        return Ok(());
    }
    Err(ActionError::rule(
        format!(
            "Key managers and Approvers together need {need} distinct people, only {} would be left",
            people.len()
        ),
        "Add a person to one of the two groups first.",
    ))
}

/// Writes who belongs to the groups from now on, what their new cards need, and
/// what the cards signed.
pub(super) fn write_members(
    permit: &mut Permit<'_>,
    secrets: Vec<Secret>,
    new_cards: &[Id],
    people: &[Person],
    receipts: &Vec<Receipt>,
) -> Result<(), ActionError> {
    let mut secrets = secrets.into_iter();
    for card in new_cards {
        let (Some(puk), Some(management)) = (secrets.next(), secrets.next()) else {
            return Err(ActionError::rule(
                "a new card comes without its secrets",
                "Begin again.",
            ));
        };
        permit.put_secret(Compartment::Administration, "puk", *card, puk);
        permit.put_secret(Compartment::Cardkeys, "management-key", *card, management);
    }
    for person in people {
        permit.put(Compartment::Directory, PERSON, person.id, person)?;
    }
    let id = permit.new_id()?;
    permit.put(Compartment::Directory, RECEIPTS, id, receipts)?;
    Ok(())
}

impl Action for RenewGroups {
    const NAME: &'static str = "renew-groups";
    type Out = ();

    fn authority(&self) -> Authority {
        // The signatures that count are those on the record itself: the vault
        // verifies them against the administrators of the record before it.
        let mut needs = vec![Authority::Session(GroupId::Administrators)];
        if self.by_recovery {
            needs.push(Authority::Session(GroupId::Recovery));
        } else {
            let holders = self.groups.iter().filter(|g| !g.is_custodian());
            needs.extend(holders.map(|group| Authority::Session(*group)));
        }
        Authority::All(needs)
    }

    fn words(&self) -> Vec<String> {
        self.words.clone()
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let old = beforehand.authority()?.clone();
        let record = beforehand
            .check_renewal(&self.signed, &self.receipts)
            .map_err(|error| {
                ActionError::rule(
                    format!("the signed record is not this act's: {error}"),
                    "Begin again.",
                )
            })?;
        let renewed = |group: GroupId| {
            let epoch = |r: &AuthorityRecord| r.group(group).map(|g| g.epoch);
            epoch(&old) != epoch(&record)
        };
        let changed = GroupId::ALL.into_iter().filter(|group| renewed(*group));
        if !changed.eq(self.groups.iter().copied()) {
            return Err(ActionError::rule(
                "the record renews other groups than this act names",
                "Begin again.",
            ));
        }
        let listed: Vec<(Id, Person)> = beforehand.list(Compartment::Directory, PERSON)?;
        let mut people: BTreeMap<Id, Person> = listed.into_iter().collect();
        people.extend(self.people.iter().map(|p| (p.id, p.clone())));
        check_people(&record, &people)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        secrets: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        write_members(
            permit,
            secrets,
            &self.new_cards,
            &self.people,
            &self.receipts,
        )?;
        permit.renew(self.signed.clone(), self.receipts.clone())
    }
}
