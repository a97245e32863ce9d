//! Records of open compartments: one, decoded, or all of a kind. Each
//! authenticates before anything of it is given out.

use conclave_crypto::secret::Secret;
use conclave_evidence::{Id, cbor};
use serde::de::DeserializeOwned;

use super::seal::{Binding, Sealed};
use super::{Compartment, RECORD, Records, Vault, VaultError, batch_key, place};
use crate::ports::store::Store;

/// The records of one kind, as far as a compartment was gone through.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// In the order of the store; more come behind these.
    pub ids: &'a [Id],
    /// A number that changes with the records of this kind; nothing while the
    /// compartment is being checked, when none of them can change.
    pub change: Option<u64>,
    /// So many records, of any kind, are not gone through yet.
    pub to_come: usize,
}

impl Vault {
    /// Checks that a record authenticates, without giving it out.
    ///
    /// # Errors
    /// [`VaultError::Closed`], [`VaultError::Missing`], [`VaultError::Forged`]
    pub fn check_record(&self, compartment: Compartment, id: Id) -> Result<(), VaultError> {
        self.get_secret(compartment, id).map(drop)
    }

    /// A record's body.
    ///
    /// # Errors
    /// [`VaultError::Closed`], [`VaultError::Missing`], [`VaultError::Forged`]
    pub(crate) fn get_secret(
        &self,
        compartment: Compartment,
        id: Id,
    ) -> Result<Secret, VaultError> {
        let bytes = self
            .store
            .get(&place::record(compartment, id))?
            .ok_or(VaultError::Missing("record"))?;
        let sealed = Sealed::from_bytes(&bytes)?;
        self.open_record(compartment, id, &sealed)
    }

    pub(super) fn open_record(
        &self,
        compartment: Compartment,
        id: Id,
        sealed: &Sealed,
    ) -> Result<Secret, VaultError> {
        let open = match self.open.get(&compartment) {
            Some(open) => open,
            None => return Err(VaultError::Closed(compartment)),
        };
        let expected = Binding {
            purpose: RECORD.into(),
            station: self.authority()?.station,
            compartment,
            epoch: open.epoch,
            kind: sealed.binding.kind.clone(),
            id,
            version: sealed.binding.version,
        };
        if !batch_key::is_under(compartment, &sealed.binding.kind) {
            return sealed.open(&open.data, &expected);
        }
        let of = (expected.station, open.epoch);
        let stored = self
            .store
            .get(&place::record(compartment, batch_key::batch_key_id(id)))?;
        sealed.open(&batch_key::parent(&open.data, of, id, stored)?, &expected)
    }

    /// A record, decoded.
    ///
    /// # Errors
    /// As [`Self::get_secret`], and [`VaultError::Malformed`].
    pub fn get<T: DeserializeOwned>(
        &self,
        compartment: Compartment,
        id: Id,
    ) -> Result<T, VaultError> {
        let body = self.get_secret(compartment, id)?;
        cbor::from_slice(body.expose()).map_err(|_| VaultError::Malformed("record"))
    }

    /// A record, decoded, if it is of this kind.
    ///
    /// # Errors
    /// As [`Self::get`]; [`VaultError::Missing`] for a record of another kind.
    pub fn get_kind<T: DeserializeOwned>(
        &self,
        compartment: Compartment,
        kind: &str,
        id: Id,
    ) -> Result<T, VaultError> {
        let bytes = self
            .store
            .get(&place::record(compartment, id))?
            .ok_or(VaultError::Missing("record"))?;
        if Sealed::from_bytes(&bytes)?.binding.kind != kind {
            return Err(VaultError::Missing("record of this kind"));
        }
        self.get(compartment, id)
    }

    /// The ids of all records of one kind, and a number that changes whenever
    /// one of them does.
    ///
    /// # Errors
    /// [`VaultError::Closed`], [`VaultError::AddingUp`]
    pub fn of_kind(
        &self,
        compartment: Compartment,
        kind: &str,
    ) -> Result<(&[Id], u64), VaultError> {
        match &self.opened(compartment)?.records {
            Records::Known(kinds) => Ok(kinds.of(kind)),
            Records::Adding(_) => Err(VaultError::AddingUp(compartment)),
        }
    }

    /// The ids of the records of one kind that were seen so far, in their order,
    /// while the compartment is still being checked; all once it is.
    ///
    /// # Errors
    /// [`VaultError::Closed`]
    pub fn seen_of_kind(
        &self,
        compartment: Compartment,
        kind: &str,
    ) -> Result<Seen<'_>, VaultError> {
        Ok(match &self.opened(compartment)?.records {
            Records::Known(kinds) => {
                let (ids, change) = kinds.of(kind);
                Seen {
                    ids,
                    change: Some(change),
                    to_come: 0,
                }
            }
            Records::Adding(behind) => {
                let seen = behind.so_far();
                let of = usize::try_from(behind.progress().1).unwrap_or(usize::MAX);
                Seen {
                    ids: seen.of(kind).0,
                    change: None,
                    to_come: of.saturating_sub(seen.count()),
                }
            }
        })
    }

    /// Which records of a kind changed, came or went since its number was
    /// `before`; nothing where that is too long ago to say.
    ///
    /// # Errors
    /// As [`Self::of_kind`].
    pub fn changed_since(
        &self,
        compartment: Compartment,
        kind: &str,
        before: u64,
    ) -> Result<Option<Vec<Id>>, VaultError> {
        match &self.opened(compartment)?.records {
            Records::Known(kinds) => Ok(kinds.since(kind, before)),
            Records::Adding(_) => Err(VaultError::AddingUp(compartment)),
        }
    }

    /// All records of one kind.
    ///
    /// # Errors
    /// As [`Self::get`]; [`VaultError::AddingUp`].
    pub fn list<T: DeserializeOwned>(
        &self,
        compartment: Compartment,
        kind: &str,
    ) -> Result<Vec<(Id, T)>, VaultError> {
        let (ids, _) = self.of_kind(compartment, kind)?;
        ids.iter()
            .map(|id| Ok((*id, self.get(compartment, *id)?)))
            .collect()
    }
}
