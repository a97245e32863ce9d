//! Sheets known again by the value on them: where each was printed or typed before,
//! and in whose hands it was then, under whatever label (R4).

use std::collections::BTreeSet;

use conclave_crypto::secret::Secret;
use conclave_evidence::Id;
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::door::{ActionError, Permit};
use conclave_keyroom::vault::{Compartment, KeysOf, VaultError};
use serde::{Deserialize, Serialize};

use super::action::EnteredComponent;
use super::value_mark::{self, Of};

/// The kind of a part's mark.
const KIND: &str = "part-mark";

/// Once that a value was printed, or typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sighting {
    /// The ceremony in which it was typed; of a printed part what its commitment is
    /// made with: the key, or the ceremony of its set.
    pub subject: Id,
    /// The key that it was a part of then, where there was one.
    pub key: Option<Id>,
    /// Which part, from 1.
    pub index: u8,
}

/// All of them, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Sheet {
    seen: Vec<Sighting>,
}

/// The mark of a part's value under the station's [secret](value_mark::secret).
pub(super) fn mark(under: &Secret, form: KeyForm, value: &Secret) -> Result<Id, ActionError> {
    value_mark::id_of(under, Of::Part, form, value)
}

/// What is known of the sheet with this mark.
pub(super) fn sheet(permit: &Permit<'_>, mark: Id) -> Result<Sheet, ActionError> {
    value_mark::on_record(permit, mark)
}

impl Sheet {
    /// Puts on record that it was seen once more.
    pub(super) fn saw(
        mut self,
        permit: &mut Permit<'_>,
        mark: Id,
        now: Sighting,
    ) -> Result<(), ActionError> {
        if self.seen.contains(&now) {
            return Ok(());
        }
        self.seen.push(now);
        Ok(permit.put(Compartment::Keys, KIND, mark, &self)?)
    }

    /// The key of this station that it is, or was, a part of; not one that is void.
    pub(super) fn key(&self, permit: &Permit<'_>) -> Result<Option<KeyRecord>, ActionError> {
        for seen in &self.seen {
            if let Some(key) = seen.of_key(permit)? {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    /// Whoever ever had it in their hands.
    pub(super) fn people(&self, permit: &Permit<'_>) -> Result<BTreeSet<Id>, ActionError> {
        let mut people = BTreeSet::new();
        for seen in &self.seen {
            people.extend(seen.people(permit)?);
        }
        Ok(people)
    }
}

impl Sighting {
    fn entered(&self, permit: &Permit<'_>) -> Result<Option<EnteredComponent>, ActionError> {
        let id = EnteredComponent::id_of(self.subject, self.index);
        match permit.get(Compartment::Catalogue, id) {
            Ok(entered) => Ok(Some(entered)),
            Err(VaultError::Missing(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn of_key(&self, permit: &Permit<'_>) -> Result<Option<KeyRecord>, ActionError> {
        if let Some(key) = self.key {
            return value_mark::live(permit, key);
        }
        // The key that came of an entry: by its label, and the ceremony that made it.
        let Some(entered) = self.entered(permit)? else {
            return Ok(None);
        };
        for (id, key) in permit.keys_of(KeysOf::Label(&entered.label))? {
            if key.ceremony == self.subject {
                return value_mark::live(permit, id);
            }
        }
        Ok(None)
    }

    fn people(&self, permit: &Permit<'_>) -> Result<BTreeSet<Id>, ActionError> {
        let mut people = BTreeSet::new();
        // The backup of an entry that came to nothing never had the sheet.
        people.extend(self.entered(permit)?.map(|e| e.custodian.id));
        let key = match self.key {
            // A sheet of a void key was in somebody's hands all the same.
            Some(key) => match permit.get::<KeyRecord>(Compartment::Catalogue, key) {
                Ok(record) => Some(record),
                Err(VaultError::Missing(_)) => None,
                Err(error) => return Err(error.into()),
            },
            None => self.of_key(permit)?,
        };
        if let Some(key) = key {
            let same = key.parts_ever().filter(|c| c.index == self.index);
            people.extend(same.flat_map(|c| c.ever().collect::<Vec<_>>()));
        }
        Ok(people)
    }
}
