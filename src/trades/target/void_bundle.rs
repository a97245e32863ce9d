//! A bundle that was written and is worth nothing counts no more: no receipt of it is
//! wanted, and none of its keys was delivered with it. That a cryptogram may be outside
//! stays on record (R12).

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::{Compartment, VaultError};
use serde::{Deserialize, Serialize};

use super::register::{BundleRecord, BundleState};
use super::store::StorePassphrase;
use crate::print::check_reason;

/// Makes a bundle void with whatever else the act commits, and forgets the halves of its
/// passphrase that wait for a printer. `in_hand` is the record of a key that the act
/// writes itself. What was done, in words.
///
/// # Errors
/// [`VaultError`]
pub(crate) fn void(
    permit: &mut Permit<'_>,
    bundle: BundleRecord,
    mut in_hand: Option<&mut KeyRecord>,
    why: &str,
) -> Result<String, VaultError> {
    let now = permit.now_ms();
    for id in &bundle.keys {
        if let Some(key) = in_hand.as_mut().filter(|key| key.id == *id) {
            key.void_bundle(bundle.number, now);
            continue;
        }
        let mut key: KeyRecord = match permit.get(Compartment::Catalogue, *id) {
            Ok(key) => key,
            Err(VaultError::Missing(_)) => continue,
            Err(error) => return Err(error),
        };
        key.void_bundle(bundle.number, now);
        permit.put(Compartment::Catalogue, KeyRecord::KIND, key.id, &key)?;
    }
    let (provider, ..) = permit.provider();
    provider.forget_components(StorePassphrase::id_of(bundle.number));
    let void = BundleRecord {
        state: BundleState::Void,
        ..bundle
    };
    permit.put(Compartment::Export, BundleRecord::KIND, void.id, &void)?;
    Ok(format!("bundle {:04} does not count: {why}", void.number))
}

/// Every bundle in which this key left and that counts: void, with the key's record,
/// which the act writes. The words of each.
///
/// # Errors
/// [`VaultError`]
pub(crate) fn void_all(
    permit: &mut Permit<'_>,
    key: &mut KeyRecord,
) -> Result<Vec<String>, VaultError> {
    let left: Vec<u64> = key.delivered().map(|left| left.bundle).collect();
    let mut told = Vec::new();
    for number in left.into_iter().filter(|number| *number != 0) {
        // What has no record counts for nothing, and must not keep a key alive.
        let id = BundleRecord::id_of(number);
        let bundle: BundleRecord = match permit.get(Compartment::Export, id) {
            Ok(bundle) => bundle,
            Err(VaultError::Missing(_)) => continue,
            Err(error) => return Err(error),
        };
        if bundle.state != BundleState::Written {
            continue;
        }
        let medium = bundle.medium.clone();
        let words = void(permit, bundle, Some(&mut *key), "its key is void")?;
        told.push(format!("{words}; destroy what it left on {medium}"));
    }
    Ok(told)
}

/// Makes a bundle void that people know is worthless: its medium was lost or destroyed
/// before it arrived, a half of its passphrase is not to be had, or the other side could
/// not use it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoidBundle {
    /// Its number.
    pub bundle: u64,
    /// For whom it was, as its record says.
    pub recipient: String,
    /// The name of its medium, as its record says.
    pub medium: String,
    /// The labels of its keys, as its record says.
    pub labels: Vec<String>,
    /// Why, in one sentence.
    pub reason: String,
}

impl VoidBundle {
    /// Of a record.
    #[must_use]
    pub fn of(record: &BundleRecord, reason: &str) -> Self {
        Self {
            bundle: record.number,
            recipient: record.recipient.clone(),
            medium: record.medium.clone(),
            labels: record.labels.clone(),
            reason: reason.trim().to_owned(),
        }
    }

    fn fits(&self, record: &BundleRecord) -> Result<(), ActionError> {
        check_reason(&self.reason)
            .map_err(|why| ActionError::rule(why, "Write what became of it, in one sentence."))?;
        let number = self.bundle;
        if *self != Self::of(record, &self.reason) {
            return Err(ActionError::rule(
                format!("the record of bundle {number:04} is not the one that was approved"),
                "Begin again.",
            ));
        }
        match record.state {
            BundleState::Written if record.may_be_void() => Ok(()),
            BundleState::Written => Err(ActionError::rule(
                format!("every key of bundle {number:04} was received as it is"),
                "It arrived. A key that must not be used there is replaced, or its loss declared.",
            )),
            BundleState::Begun | BundleState::Void => Err(ActionError::rule(
                format!("bundle {number:04} counts for nothing already"),
                "Nothing is to be done.",
            )),
        }
    }
}

impl Action for VoidBundle {
    const NAME: &'static str = "void-bundle";
    // It takes away; a full disk must not keep a worthless bundle good.
    const NEEDS_ROOM: bool = false;
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Quorum(GroupId::KeyManagers),
            Authority::Quorum(GroupId::Approvers),
        ])
    }

    fn words(&self) -> Vec<String> {
        let mut words = vec![
            format!("void bundle {:04} for {}", self.bundle, self.recipient),
            format!("on medium {}: what it left there is destroyed", self.medium),
        ];
        words.extend(self.labels.iter().map(|label| format!("with key {label}")));
        words.push(format!("reason: {}", self.reason));
        words.push("no receipt of it is wanted, and no key was delivered with it".into());
        words
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let id: Id = BundleRecord::id_of(self.bundle);
        self.fits(&beforehand.get(Compartment::Export, id)?)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let id = BundleRecord::id_of(self.bundle);
        let record: BundleRecord = permit.get(Compartment::Export, id)?;
        self.fits(&record)?;
        void(permit, record, None, &self.reason)?;
        Ok(())
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec![format!("bundle {:04} counts no more", self.bundle)]
    }
}
