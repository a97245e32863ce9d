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

    /// Opens it once, so that a batch does not miss its key later.
    pub(super) fn check(&self, permit: &Permit<'_>, pin_use: PinUse) -> Result<(), ActionError> {
        let key: PinKey = permit.get(Compartment::Catalogue, PinKey::id_of(self.id))?;
        if Self::of(&key) != *self {
            return Err(refused(format!("{} is another key on record", self.label)));
        }
        open_key(permit, self.id, pin_use).map(drop)
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
    method: Method,
    (pin, zone): (Id, Option<Id>),
) -> Result<Opened, ActionError> {
    let pin = open_key(permit, pin, pin_use(method))?;
    let zone = zone.map(|zone| open_key(permit, zone, PinUse::ZonePin));
    Ok(Opened {
        pin,
        zone: zone.transpose()?,
    })
}
