//! The keys of a batch, as its signers see them and as it opens them: for one
//! call, by the PIN room alone.

use conclave_crypto::secret::Secret;
use conclave_evidence::Id;
use conclave_keyroom::domain::pin_key::{PinKey, PinUse};
use conclave_keyroom::door::{ActionError, Permit};
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::refused;
use crate::pin::{Method, open_key};

/// A key that was released to the PIN room, as signers see it. The release must
/// be the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinKeyName {
    /// The key's id.
    pub id: Id,
    /// Its label.
    pub label: String,
    /// Its check value and how it is made.
    pub kcv: String,
}

impl PinKeyName {
    /// Of a release.
    #[must_use]
    pub fn of(key: &PinKey) -> Self {
        Self {
            id: key.released.key,
            label: key.released.label.clone(),
            kcv: key.released.kcv.words(),
        }
    }

    /// The key on record is the one that was signed for, and its algorithm is
    /// that of what it has to do. It is opened when a PIN is tried.
    pub(super) fn check(&self, permit: &Permit<'_>, aes: bool) -> Result<(), ActionError> {
        let key: PinKey = permit.get(Compartment::Catalogue, PinKey::id_of(self.id))?;
        if Self::of(&key) != *self {
            return Err(refused(format!("{} is another key on record", self.label)));
        }
        let form = key.released.form;
        match (form.is_aes(), form.is_tdes()) == (aes, !aes) {
            true => Ok(()),
            false => Err(ActionError::rule(
                format!(
                    "{} is {form}, and this template needs {} there",
                    self.label,
                    if aes { "an AES key" } else { "a TDES key" }
                ),
                "PIN blocks of format 4 take AES, everything else TDES: choose another key.",
            )),
        }
    }
}

/// What the key of a method's PINs is for.
#[must_use]
pub fn pin_use(method: Method) -> PinUse {
    match method {
        Method::RandomPvv => PinUse::Pvv,
        Method::Ibm3624Natural | Method::Ibm3624Offset => PinUse::Ibm3624,
        Method::Host => PinUse::PinPrint,
    }
}

/// The keys of a batch, for one call.
pub(super) struct Opened {
    pub pin: Secret,
    pub zone: Option<Secret>,
}

pub(super) fn open(
    permit: &Permit<'_>,
    issuer: &str,
    method: Method,
    (pin, zone): (Id, Option<Id>),
) -> Result<Opened, ActionError> {
    let pin = open_for(permit, issuer, pin, pin_use(method))?;
    let zone = zone.map(|zone| open_for(permit, issuer, zone, PinUse::ZonePin));
    Ok(Opened {
        pin,
        zone: zone.transpose()?,
    })
}

/// Opens a key that was released for this issuer's batches.
pub(super) fn open_for(
    permit: &Permit<'_>,
    issuer: &str,
    key: Id,
    pin_use: PinUse,
) -> Result<Secret, ActionError> {
    let opened = open_key(permit, key, pin_use)?;
    let entry: PinKey = permit.get(Compartment::Catalogue, PinKey::id_of(key))?;
    let released = entry.released;
    match released.issuer == issuer {
        true => Ok(opened),
        false => Err(ActionError::rule(
            format!(
                "{} was released for batches of {}, not of {issuer}",
                released.label, released.issuer
            ),
            "Choose a key of this issuer, or have key managers and approvers release one.",
        )),
    }
}
