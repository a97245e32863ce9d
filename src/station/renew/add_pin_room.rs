//! The act that brings a PIN room to a station that was founded without one:
//! its two groups, its compartment, and the key to which others release keys.

use std::collections::BTreeMap;

use conclave_crypto::primitive::ec::KeyPair;
use conclave_crypto::secret::Secret;
use conclave_evidence::authority::{AuthorityRecord, SignedAuthority};
use conclave_evidence::{GroupId, Id, Point};
use conclave_keyroom::domain::people::Person;
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::genesis::{
    OPENING_KIND, PIN_ROOM_KEY, PIN_ROOM_PUBLIC, PIN_ROOM_PUBLIC_KIND,
};
use conclave_keyroom::vault::{Compartment, Receipt, VaultError};
use serde::{Deserialize, Serialize};

use super::action::{PERSON, check_people, write_members};

/// Writes a PIN room that was prepared in memory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AddPinRoom {
    /// What it is for, in the words that were signed.
    pub words: Vec<String>,
    /// The authority record that says so, with the signatures of an
    /// administrators' quorum of the record before.
    pub signed: SignedAuthority,
    /// What the members' cards signed when they had opened their shares.
    pub receipts: Vec<Receipt>,
    /// People who are new, or whose groups change.
    pub people: Vec<Person>,
    /// Cards that are new here: their PUK and management key come beside this
    /// action, in this order.
    pub new_cards: Vec<Id>,
}

/// The record differs from the one before in the two groups and what comes with
/// them, and in nothing else.
fn only_adds(before: &AuthorityRecord, after: &AuthorityRecord) -> bool {
    let stays = |group: &&conclave_evidence::authority::GroupEntry| !group.group.is_pin_room();
    let pins = Compartment::Pins.name();
    let comes = |record: &AuthorityRecord| {
        let both = GroupId::PIN_ROOM.map(|group| record.group(group).is_some());
        (both, record.writer(pins).is_some())
    };
    let cards = after.cards.get(..before.cards.len());
    comes(before) == ([false; 2], false)
        && comes(after) == ([true; 2], true)
        && after.groups.iter().filter(stays).eq(before.groups.iter())
        && after
            .writers
            .iter()
            .filter(|w| w.compartment != pins)
            .eq(before.writers.iter())
        && cards == Some(before.cards.as_slice())
}

impl Action for AddPinRoom {
    const NAME: &'static str = "add-pin-room";
    type Out = ();

    fn authority(&self) -> Authority {
        // The signatures that count are those on the record itself, as of a
        // renewal. The two groups cannot be here: they come with this.
        Authority::All(vec![Authority::Session(GroupId::Administrators)])
    }

    fn words(&self) -> Vec<String> {
        self.words.clone()
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let again = |what: String| ActionError::rule(what, "Begin again.");
        let old = beforehand.authority()?.clone();
        if GroupId::PIN_ROOM
            .iter()
            .any(|group| old.group(*group).is_some())
        {
            return Err(ActionError::rule(
                "this station has a PIN room already",
                "Add people to its groups instead.",
            ));
        }
        let record = beforehand
            .check_renewal(&self.signed, &self.receipts)
            .map_err(|error| again(format!("the signed record is not this act's: {error}")))?;
        if !only_adds(&old, &record) {
            return Err(again("the record changes more than the PIN room".into()));
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
        let (_, _, random) = permit.provider();
        let pair = KeyPair::generate(random).map_err(|_| VaultError::Random)?;
        permit.put(
            Compartment::Directory,
            PIN_ROOM_PUBLIC_KIND,
            PIN_ROOM_PUBLIC,
            &Point(*pair.public()),
        )?;
        permit.put_secret(
            Compartment::Pins,
            OPENING_KIND,
            PIN_ROOM_KEY,
            pair.secret().duplicate(),
        );
        permit.renew(self.signed.clone(), self.receipts.clone())
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec!["the station has a PIN room".into()]
    }
}
