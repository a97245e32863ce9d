//! The keys of a batch, as its signers see them and as it opens them: for one
//! call, by the PIN room alone.

use conclave_crypto::secret::Secret;
use conclave_evidence::Id;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::domain::pin_key::{PinKey, PinUse};
use conclave_keyroom::door::{ActionError, Beforehand, Permit};
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::open::MANDATE_MS;
use super::refused;
use crate::pin::{Method, Template, open_key, released_key};
use crate::print::time_words;

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

    /// The release on record, if it is the one that was signed for, and its key
    /// lasts as long as the batch may be printed.
    pub(super) fn on_record(&self, permit: &Permit<'_>) -> Result<PinKey, ActionError> {
        let key: PinKey = permit.get(Compartment::Catalogue, PinKey::id_of(self.id))?;
        if Self::of(&key) != *self {
            return Err(refused(format!("{} is another key on record", self.label)));
        }
        let record: KeyRecord = permit.get(Compartment::Catalogue, self.id)?;
        outlasts(&self.label, record.expires_ms, permit.now_ms())?;
        Ok(key)
    }

    /// The PIN room may use this key now, for this and for this issuer, and it is
    /// the one that was signed for: asked before anything is used up.
    ///
    /// # Errors
    /// [`ActionError::Rule`]
    pub fn usable(
        &self,
        beforehand: &Beforehand<'_>,
        issuer: &str,
        pin_use: PinUse,
    ) -> Result<(), ActionError> {
        let key = released_key(beforehand, self.id, pin_use)?;
        if Self::of(&key) != *self {
            return Err(refused(format!("{} is another key on record", self.label)));
        }
        of_issuer(&key, issuer)
    }
}

/// The keys that a batch is opened with.
#[derive(Clone, Copy)]
pub struct BatchKeys<'a> {
    /// The key that makes or opens the PINs.
    pub pin: &'a PinKey,
    /// The zone PIN key, where PIN blocks go back.
    pub zone: Option<&'a PinKey>,
    /// The card verification key, where card values go back.
    pub cvv: Option<&'a PinKey>,
}

impl BatchKeys<'_> {
    /// Whether these keys are what a template needs, released for this issuer's
    /// batches, and for as long as the batch may be printed. What they are worth
    /// is seen when a PIN is tried.
    ///
    /// # Errors
    /// [`ActionError::Rule`]
    pub fn fit(&self, template: &Template, issuer: &str, now_ms: u64) -> Result<(), ActionError> {
        let output = &template.output;
        pin_key_fits(self.pin, template, issuer, now_ms)?;
        for (key, asked, lacks, surplus) in [
            (
                self.zone,
                output.block.is_some(),
                "this template sends PIN blocks back, and no zone PIN key is named",
                "this template sends no PIN block back: it needs no zone PIN key",
            ),
            (
                self.cvv,
                output.card_values.is_some(),
                "this template sends card values back, and no key for them is named",
                "this template sends no card values back: it needs no key for them",
            ),
        ] {
            if key.is_some() != asked {
                return Err(ActionError::rule(
                    if asked { lacks } else { surplus },
                    "Choose the keys of the batch again.",
                ));
            }
        }
        if let Some(zone) = self.zone {
            serves(zone, PinUse::ZonePin, is_aes(&output.block))?;
        }
        if let Some(cvv) = self.cvv {
            serves(cvv, PinUse::Cvv, false)?;
        }
        for key in [self.zone, self.cvv].into_iter().flatten() {
            of_issuer(key, issuer)?;
            outlasts(&key.released.label, key.released.until_ms, now_ms)?;
        }
        Ok(())
    }
}

fn is_aes(block: &Option<String>) -> bool {
    block.as_deref() == Some("iso-4")
}

/// Whether this key makes or opens PINs by a template, for this issuer's batches
/// and for as long as one may be printed.
pub(super) fn pin_key_fits(
    key: &PinKey,
    template: &Template,
    issuer: &str,
    now_ms: u64,
) -> Result<(), ActionError> {
    let pin = &template.pin;
    serves(key, pin_use(pin.method), is_aes(&pin.block))?;
    of_issuer(key, issuer)?;
    outlasts(&key.released.label, key.released.until_ms, now_ms)
}

/// A key does one thing, with one algorithm.
fn serves(key: &PinKey, pin_use: PinUse, aes: bool) -> Result<(), ActionError> {
    let released = &key.released;
    if released.pin_use != pin_use {
        return Err(ActionError::rule(
            format!(
                "{} {}: it is for nothing else (R20)",
                released.label,
                released.pin_use.words()
            ),
            format!("Choose a key that {}.", pin_use.words()),
        ));
    }
    let form = released.form;
    match (form.is_aes(), form.is_tdes()) == (aes, !aes) {
        true => Ok(()),
        false => Err(ActionError::rule(
            format!(
                "{} is {form}, and this template needs {} there",
                released.label,
                if aes { "an AES key" } else { "a TDES key" }
            ),
            "PIN blocks of format 4 take AES, everything else TDES: choose another key.",
        )),
    }
}

/// A batch is not begun with a key that ends before the mandate to print it
/// does.
fn outlasts(label: &str, until_ms: u64, now_ms: u64) -> Result<(), ActionError> {
    match until_ms > now_ms.saturating_add(MANDATE_MS) {
        true => Ok(()),
        false => Err(ActionError::rule(
            format!(
                "{label}, or its release to the PIN room, ends {}: before this batch may be \
                 printed to its end",
                time_words(until_ms)
            ),
            "Choose another key, or have key managers and approvers release it for longer.",
        )),
    }
}

fn of_issuer(key: &PinKey, issuer: &str) -> Result<(), ActionError> {
    let released = &key.released;
    match released.issuer == issuer {
        true => Ok(()),
        false => Err(ActionError::rule(
            format!(
                "{} was released for batches of {}, not of {issuer}",
                released.label, released.issuer
            ),
            "Choose a key of this issuer, or have key managers and approvers release one.",
        )),
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
    of_issuer(&entry, issuer)?;
    Ok(opened)
}
