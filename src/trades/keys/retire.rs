//! The end of a key's life: out of use, then destroyed. The record stays: it
//! says what there was, where it went, and who ended it.

use std::collections::BTreeSet;

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::key::{KeyRecord, KeyState};
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::provider::StoredKey;
use conclave_keyroom::vault::{Compartment, VaultError};
use serde::{Deserialize, Serialize};

use super::release::withdraw;
use crate::ceremony::commitment;
use crate::ceremony::value_mark::keep_mark;
use crate::target::{KeyName, rules};

/// The longest reason, in characters.
pub const REASON_MAX: usize = 120;

pub(super) fn both_quorums() -> Authority {
    Authority::All(vec![
        Authority::Quorum(GroupId::KeyManagers),
        Authority::Quorum(GroupId::Approvers),
    ])
}

pub(super) fn reason(reason: &str) -> Result<(), ActionError> {
    let long = reason.chars().count();
    if (3..=REASON_MAX).contains(&long) && !reason.chars().any(char::is_control) {
        return Ok(());
    }
    Err(ActionError::rule(
        format!("a reason has 3 to {REASON_MAX} printable characters"),
        "Say in one sentence why.",
    ))
}

/// The key that was approved, if it may go on to this state.
pub(super) fn may_become(
    name: &KeyName,
    record: &KeyRecord,
    next: KeyState,
) -> Result<(), ActionError> {
    rules::same(name, record)?;
    // What is being made belongs to its ceremony, which ends it.
    if record.state == KeyState::PreActivation || !record.state.may_become(next) {
        return Err(ActionError::rule(
            format!(
                "{} is {}: it does not become {}",
                record.label,
                record.state.words(),
                next.words()
            ),
            "choose another key; one that is being made is ended by its ceremony",
        ));
    }
    Ok(())
}

/// Changes what the catalogue keeps of a key.
pub(super) fn change(
    permit: &mut Permit<'_>,
    key: Id,
    how: impl FnOnce(&mut KeyRecord),
) -> Result<(), ActionError> {
    let mut record: KeyRecord = permit.get(Compartment::Catalogue, key)?;
    how(&mut record);
    Ok(permit.put(Compartment::Catalogue, KeyRecord::KIND, record.id, &record)?)
}

/// A key goes out of use, another one took its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeactivateKey {
    /// The key.
    pub key: KeyName,
    /// The one in its place.
    pub successor: KeyName,
}

impl Action for DeactivateKey {
    const NAME: &'static str = "deactivate-key";
    type Out = ();

    fn authority(&self) -> Authority {
        both_quorums()
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!("Take {}, {}, out of use", self.key.label, self.key.kcv),
            format!(
                "{}, {}, is in its place",
                self.successor.label, self.successor.kcv
            ),
        ]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let old: KeyRecord = beforehand.get(Compartment::Catalogue, self.key.id)?;
        may_become(&self.key, &old, KeyState::Deactivated)?;
        let new: KeyRecord = beforehand.get(Compartment::Catalogue, self.successor.id)?;
        rules::same(&self.successor, &new)?;
        let takes_over = new.state == KeyState::Active
            && new.id != old.id
            && new.usage == old.usage
            && new.created_ms >= old.created_ms;
        if !takes_over {
            return Err(ActionError::rule(
                format!(
                    "{} does not take the place of {}: it is not active, older, or for something \
                     else",
                    new.label, old.label
                ),
                "make the new key first",
            ));
        }
        Ok(())
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        withdraw(permit, self.key.id, "the key is out of use")?;
        change(permit, self.key.id, |record| {
            record.state = KeyState::Deactivated;
            record.successor = Some(self.successor.id);
        })
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec![format!("{} is deactivated", self.key.label)]
    }
}

/// A key's value is erased, for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DestroyKey {
    /// The key.
    pub key: KeyName,
    /// Why.
    pub reason: String,
}

impl Action for DestroyKey {
    const NAME: &'static str = "destroy-key";
    // It takes away; a full disk must not keep a key in use.
    const NEEDS_ROOM: bool = false;
    type Out = usize;

    fn authority(&self) -> Authority {
        both_quorums()
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!("Destroy {}, {}", self.key.label, self.key.kcv),
            format!("reason: {}", self.reason),
            "its value is erased here; backups and sheets have it until they are destroyed".into(),
        ]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        reason(&self.reason)?;
        let record: KeyRecord = beforehand.get(Compartment::Catalogue, self.key.id)?;
        may_become(&self.key, &record, KeyState::Destroyed)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<usize, ActionError> {
        let mut record: KeyRecord = permit.get(Compartment::Catalogue, self.key.id)?;
        match permit.get::<StoredKey>(Compartment::Keys, record.id) {
            Ok(stored) => {
                keep_mark(permit, &stored)?;
                permit.delete(Compartment::Keys, record.id);
            }
            // A partner's public key, or one that is void.
            Err(VaultError::Missing(_)) => {}
            Err(error) => return Err(error.into()),
        }
        // What its sheets could be tried against.
        let sets = record.others.iter().map(|set| set.ceremony);
        let subjects: BTreeSet<Id> = [record.id, record.ceremony, record.commitment_subject()]
            .into_iter()
            .chain(sets)
            .collect();
        for subject in subjects {
            let id = commitment::id_of(subject);
            if permit.get_secret(Compartment::Keys, id).is_ok() {
                permit.delete(Compartment::Keys, id);
            }
        }
        withdraw(permit, record.id, "the key is destroyed")?;
        record.state = KeyState::Destroyed;
        record.give_sheets_up(permit.now_ms());
        permit.put(Compartment::Catalogue, KeyRecord::KIND, record.id, &record)?;
        Ok(record.others.iter().map(|set| set.left().len()).sum())
    }

    fn outcome(&self, sheets: &usize) -> Vec<String> {
        let mut words = vec![format!("{} is destroyed", self.key.label)];
        if *sheets > 0 {
            words.push(format!(
                "{sheets} sheets with its components are to be destroyed under witness"
            ));
        }
        words
    }
}
