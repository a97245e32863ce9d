//! Taking one typed component of a partner: the custodian's fresh signature,
//! and it waits inside the provider, nowhere else.

use conclave_crypto::secret::Secret;
use std::collections::BTreeSet;

use conclave_evidence::{GroupId, Hash, Id};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{CheckValue, Component, Holder, KeyRecord};
use conclave_keyroom::domain::known_value::known_value_words;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::{Compartment, KeysOf};
use serde::{Deserialize, Serialize};

use super::super::sheet_mark::{self, Sheet, Sighting};
use super::super::state::{KnownSet, Player};
use super::super::{commitment, value_mark};

/// Takes one component that its custodian typed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AcceptComponent {
    /// Under this ceremony's mandate.
    pub ceremony: Id,
    /// The label of the key it is for.
    pub label: String,
    /// The key's form.
    pub form: KeyForm,
    /// Which component, from 1.
    pub index: u8,
    /// How many there are.
    pub of: u8,
    /// Who typed it.
    pub custodian: Player,
    /// Who opens its sheet in their place (R16).
    pub backup: Option<Holder>,
    /// Its check value, by the station's method.
    pub kcv: CheckValue,
    /// How it was proven to be typed right, in words.
    pub proven: String,
    /// It is a share: the set that it has to be of, where the station knows it.
    pub share: Option<Option<KnownSet>>,
    /// Why a value comes in that a key of the station has, where it is said (R20).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_value: Option<String>,
}

/// Who typed which component: it stays, whatever becomes of the entry, since
/// they have seen it (R4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnteredComponent {
    /// In which ceremony.
    pub ceremony: Id,
    /// The label of the key it is for.
    pub label: String,
    /// Which component, from 1.
    pub index: u8,
    /// How many there are.
    pub of: u8,
    /// Who typed it.
    pub custodian: Player,
    /// Who opens its sheet in their place.
    #[serde(default)]
    pub backup: Option<Holder>,
    /// Its check value.
    pub kcv: CheckValue,
    /// See [`commitment`].
    pub commitment: Hash,
    /// The mark of its value, by which the sheet is known under any label.
    #[serde(default)]
    pub mark: Option<Id>,
    /// When, wall clock.
    pub at_ms: u64,
}

impl EnteredComponent {
    /// The record's kind in the catalogue.
    pub const KIND: &'static str = "entered-component";

    /// TRUE for who typed it, and for their backup.
    #[must_use]
    pub fn is_for(&self, person: Id) -> bool {
        self.custodian.id == person || self.backup.as_ref().is_some_and(|b| b.person == person)
    }

    /// The record's id.
    #[must_use]
    pub fn id_of(ceremony: Id, index: u8) -> Id {
        let mut id = ceremony.0;
        id.iter_mut().for_each(|byte| *byte ^= 0xC0 | index);
        Id(id)
    }
}

impl AcceptComponent {
    /// The share that the station printed, as its record has it: its custodian
    /// types it, and nobody else.
    fn share_of(&self, permit: &Permit<'_>, known: &KnownSet) -> Result<Component, ActionError> {
        let record: KeyRecord = permit.get(Compartment::Catalogue, known.key)?;
        let mut parts = record.in_custody(Some(known.set)).iter();
        let part = parts
            .find(|p| p.index == self.index && p.custodian == self.custodian.id)
            .ok_or_else(|| {
                ActionError::rule(
                    format!(
                        "share {} of {} is not in the hands of {}",
                        self.index, self.label, self.custodian.name
                    ),
                    "Only the custodian on record types it (R4).",
                )
            })?;
        match part.quarantine {
            None => Ok(part.clone()),
            Some(_) => Err(ActionError::rule(
                format!("the package of share {} is in quarantine (R11)", self.index),
                "Leave it unopened, and take another share.",
            )),
        }
    }

    /// Whether it is the share that was printed.
    fn is_of(
        &self,
        permit: &Permit<'_>,
        known: &KnownSet,
        value: &Secret,
    ) -> Result<(), ActionError> {
        let kept = self.share_of(permit, known)?.commitment;
        let under = permit.get_secret(Compartment::Keys, commitment::id_of(known.set))?;
        let made = commitment::commit(&under, known.set, self.index, value)?;
        let same = |kept: Hash| Secret::take(&mut made.0.to_vec()).ct_eq(&kept.0);
        if kept.is_some_and(same) {
            return Ok(());
        }
        Err(ActionError::rule(
            format!("share {} is not the one that was printed", self.index),
            "Type it again from the sheet; if it is bad, take another share.",
        ))
    }

    /// The set whose share it has to be.
    fn known(&self) -> Option<&KnownSet> {
        self.share.as_ref().and_then(Option::as_ref)
    }

    /// Who has it now, and may open it.
    fn hands(custodian: Id, backup: Option<&Holder>) -> impl Iterator<Item = Id> {
        std::iter::once(custodian).chain(backup.map(|b| b.person))
    }

    /// The sheet itself, whatever it was typed or printed for before: it is a part of no
    /// other key, and nobody who ever had it has another one of this entry.
    fn check_sheet(
        &self,
        permit: &Permit<'_>,
        (mark, sheet): (Id, &Sheet),
    ) -> Result<(), ActionError> {
        // Of a share that it printed the station knows whose it is.
        if self.known().is_some() {
            return Ok(());
        }
        if let (Some(key), None) = (sheet.key(permit)?, &self.known_value) {
            return Err(ActionError::rule(
                format!(
                    "this sheet is a part of {}: a sheet is a part of one key alone (R4, R20)",
                    key.label
                ),
                "Bring the sheets of the right key. If that key has to come in once more, begin \
                 again and say why under «Known value».",
            ));
        }
        let mut hands = sheet.people(permit)?;
        hands.extend(Self::hands(self.custodian.id, self.backup.as_ref()));
        let entered: Vec<(Id, EnteredComponent)> =
            permit.list(Compartment::Catalogue, EnteredComponent::KIND)?;
        // One sheet typed at two places is the provider's to name.
        let others = entered.iter().map(|(_, e)| e);
        let others = others.filter(|e| e.ceremony == self.ceremony && e.index != self.index);
        for other in others.filter(|e| e.mark != Some(mark)) {
            let mut theirs: BTreeSet<Id> = match other.mark {
                Some(mark) => sheet_mark::sheet(permit, mark)?.people(permit)?,
                None => BTreeSet::new(),
            };
            theirs.extend(Self::hands(other.custodian.id, other.backup.as_ref()));
            if let Some(both) = hands.intersection(&theirs).next() {
                let cards = &permit.authority()?.cards;
                let name = cards.iter().find(|card| card.person == *both);
                let name = name.map_or("a person who is gone", |card| card.person_name.as_str());
                return Err(ActionError::rule(
                    format!(
                        "{name} has had this sheet and that of part {} in their hands (R4)",
                        other.index
                    ),
                    "The sheets are spent: one person could have read too many. Ask the partner \
                     for a fresh key.",
                ));
            }
        }
        Ok(())
    }

    fn check(&self, permit: &Permit<'_>) -> Result<(), ActionError> {
        super::known_value(self.known_value.as_deref())?;
        if let Some(Some(known)) = &self.share {
            self.share_of(permit, known)?;
        }
        if !(2..=9).contains(&self.of) || !(1..=self.of).contains(&self.index) {
            return Err(ActionError::rule(
                format!(
                    "component {} of {}: a key has 2 to 9 (R2)",
                    self.index, self.of
                ),
                "Stop, and call the approvers.",
            ));
        }
        let (person, group) = (self.custodian.id, self.custodian.group);
        let member = permit.authority()?.groups_of(person).contains(&group);
        if !member || !group.is_custodian() {
            return Err(ActionError::rule(
                format!("{} is no member of {group}", self.custodian.name),
                "Only custodians type components.",
            ));
        }
        super::form::holds(permit, (person, &self.custodian.name), group)?;
        if let Some(backup) = &self.backup {
            super::backup::check(permit, backup, group)?;
            super::backup::apart(&[(person, Some(backup))])?;
        }
        let backup = self.backup.as_ref().map(|b| (b.person, b.name.as_str()));
        let these = [Some((person, self.custodian.name.as_str())), backup];
        let these = || these.iter().flatten().copied();
        let other_part = |name: &str| {
            ActionError::rule(
                format!("{name} has held another part of this key (R4)"),
                "Another custodian has to take it.",
            )
        };
        let entered: Vec<(Id, EnteredComponent)> =
            permit.list(Compartment::Catalogue, EnteredComponent::KIND)?;
        let of_this = entered
            .iter()
            .map(|(_, e)| e)
            .filter(|e| e.label == self.label);
        for before in of_this {
            let other = before.index != self.index;
            let here = before.ceremony == self.ceremony;
            // The backup of an entry that came to nothing never had a sheet.
            let has = |id: Id| before.custodian.id == id || (here && before.is_for(id));
            if let Some((_, name)) = these().find(|(id, _)| other && has(*id)) {
                return Err(other_part(name));
            }
            if before.ceremony == self.ceremony && before.index == self.index {
                return Err(ActionError::rule(
                    format!("component {} was typed before", self.index),
                    "Each is typed once in a ceremony.",
                ));
            }
        }
        let keys = permit.keys_of(KeysOf::Label(&self.label))?;
        // With the last one they could form the key.
        let here = entered.iter().filter(|(_, e)| e.ceremony == self.ceremony);
        let mut all: Vec<Id> = here.map(|(_, e)| e.custodian.id).collect();
        all.push(person);
        if all.len() >= usize::from(self.of) {
            super::managers::apart(permit, &all, None)?;
        }
        for (_, key) in &keys {
            let held = |(id, _): &(Id, &str)| key.held_other_part(*id, self.index);
            if let Some((_, name)) = these().find(held) {
                return Err(other_part(name));
            }
        }
        Ok(())
    }
}

impl Action for AcceptComponent {
    const NAME: &'static str = "accept-component";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Mandate(self.ceremony),
            Authority::Session(GroupId::KeyManagers),
            Authority::Session(GroupId::Approvers),
            Authority::Person(self.custodian.id, self.custodian.group),
        ])
    }

    fn words(&self) -> Vec<String> {
        let mut words = vec![
            format!(
                "Take {} {} of {} of {}, typed by {}, {}",
                super::part_name(self.share.is_some()),
                self.index,
                self.of,
                self.label,
                self.custodian.name,
                super::backup::words(self.backup.as_ref())
            ),
            format!("its check value {}; {}", self.kcv.words(), self.proven),
        ];
        words.extend(self.known_value.as_deref().map(known_value_words));
        words
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        secrets: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        self.check(permit)?;
        let mut secrets = secrets.into_iter();
        let (Some(value), None) = (secrets.next(), secrets.next()) else {
            return Err(ActionError::rule(
                "one typed component is taken at a time",
                "Type it again.",
            ));
        };
        if let Some(Some(known)) = &self.share {
            self.is_of(permit, known, &value)?;
        }
        let marks = value_mark::secret(permit)?;
        let mark = sheet_mark::mark(&marks, self.form, &value)?;
        let sheet = sheet_mark::sheet(permit, mark)?;
        self.check_sheet(permit, (mark, &sheet))?;
        let under = commitment::key_for(permit, self.ceremony)?;
        let commitment = commitment::commit(&under, self.ceremony, self.index, &value)?;
        let (provider, act, _) = permit.provider();
        let kcv = provider.accept_component(&act, self.ceremony, self.index, self.form, value)?;
        if super::check_value(&kcv) != self.kcv {
            provider.forget_component(self.ceremony, self.index);
            return Err(ActionError::rule(
                "the custodian signed another check value than the component's",
                "Type the component again.",
            ));
        }
        let seen = Sighting {
            subject: self.ceremony,
            key: self.known().map(|known| known.key),
            index: self.index,
        };
        sheet.saw(permit, mark, seen)?;
        let record = EnteredComponent {
            ceremony: self.ceremony,
            label: self.label.clone(),
            index: self.index,
            of: self.of,
            custodian: self.custodian.clone(),
            backup: self.backup.clone(),
            kcv: self.kcv.clone(),
            commitment,
            mark: Some(mark),
            at_ms: permit.now_ms(),
        };
        let id = EnteredComponent::id_of(self.ceremony, self.index);
        permit.put(Compartment::Catalogue, EnteredComponent::KIND, id, &record)?;
        if let Some(Some(known)) = &self.share {
            // Its package is open until it is sealed again.
            let mut key = super::key_record(permit, known.key)?;
            let mut parts = key.in_custody_mut(Some(known.set)).iter_mut();
            if let Some(part) = parts.find(|p| p.index == self.index) {
                part.opened = Some(self.ceremony);
                part.proven_ms = Some(permit.now_ms());
                part.doubted_ms = None;
            }
            super::put_key(permit, &key)?;
        }
        Ok(())
    }
}
