//! The export of a ceremony's key, and the second reading of its medium.

use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::door::{ActionError, DoorError};
use conclave_keyroom::ports::dialogue::People;
use conclave_keyroom::vault::Compartment;
use conclave_trades::ceremony::state::{Reply, State};
use conclave_trades::target::{ExportKeys, KeyName, ReadBundle, next_bundle, target_of};

use super::play::reply_for;
use crate::approve::Undone;
use crate::station::Station;

impl Station {
    pub(super) fn do_export(&mut self, state: &State, people: &mut dyn People) -> Reply {
        let Some(action) = state.medium.as_ref().map(|_| self.export_action(state)) else {
            return Reply::NotReady {
                happened: "No medium was in its place.".into(),
                advice: "Plug it in, then press the key again.".into(),
            };
        };
        let done = action
            .map_err(Undone::Card)
            .and_then(|action| self.act_words(&action, "export the key", people));
        self.written_or_read(state, false, done)
    }

    /// The bundle that this ceremony's key left in last.
    pub(super) fn bundle_of(&self, state: &State) -> Option<u64> {
        let id = state.key.as_ref()?.id;
        let vault = self.door.vault();
        let key: KeyRecord = vault.get(Compartment::Catalogue, id).ok()?;
        key.exports.last().map(|export| export.bundle)
    }

    fn export_action(&self, state: &State) -> Result<ExportKeys, String> {
        let vault = self.door.vault();
        let none = || "there is nothing to export".to_owned();
        let delivery = state.parameters.delivery.as_ref().ok_or_else(none)?;
        let made = state.key.as_ref().ok_or_else(none)?;
        let key: KeyRecord = vault
            .get(Compartment::Catalogue, made.id)
            .map_err(|e| e.to_string())?;
        let under: KeyRecord = vault
            .get(Compartment::Catalogue, delivery.under.id)
            .map_err(|e| e.to_string())?;
        let here = state.medium.as_ref().ok_or_else(none)?;
        let medium = self.medium_on_record(here.id).ok_or_else(none)?;
        Ok(ExportKeys {
            bundle: next_bundle(vault).map_err(|e| e.to_string())?,
            keys: vec![KeyName::of(&key)],
            under: KeyName::of(&under),
            recipient: delivery.recipient.clone(),
            target: target_of(&under).map_err(|e| e.to_string())?.name().into(),
            system: None,
            medium: medium.id,
            medium_name: medium.name,
            serial: medium.serial,
            ceremony: Some(state.ceremony),
            exception: delivery.exception.clone(),
        })
    }

    /// The medium was pulled and put back: every file is read again.
    pub(super) fn do_read_medium(&mut self, state: &State, people: &mut dyn People) -> Reply {
        let bundle = self.bundle_of(state);
        let bundle = bundle.ok_or_else(|| Undone::Card("the bundle is not known".into()));
        let done = bundle.and_then(|bundle| {
            let action = ReadBundle {
                ceremony: Some(state.ceremony),
                bundle,
            };
            self.act_words(&action, "read the medium again", people)
        });
        self.written_or_read(state, true, done)
    }

    /// What became of it. A medium that went, or was exchanged, while cards signed is
    /// asked for again.
    fn written_or_read(
        &mut self,
        state: &State,
        again: bool,
        done: Result<Vec<String>, Undone>,
    ) -> Reply {
        match done {
            Ok(words) => Reply::Did(self.did(words, self.newest_seq())),
            Err(Undone::Door(DoorError::Failed(ActionError::NoMedium { cause, .. }))) => {
                self.medium_to_come(state, again).not_ready(self, &cause)
            }
            Err(undone) => reply_for(&undone),
        }
    }
}
