//! Keys for the PIN room: released by both quorums, sealed to the room's
//! public key, for a while; and taken away again.

use conclave_crypto::primitive::hpke;
use conclave_crypto::secret::Secret;
use conclave_evidence::{Bytes, GroupId, Hash, Id, Point, words};
use conclave_keyroom::domain::Permission;
use conclave_keyroom::domain::key::{KeyRecord, KeyState};
use conclave_keyroom::domain::pin_key::{PinKey, PinUse, ReleasedKey, SealedPinKey};
use conclave_keyroom::domain::pin_partner::check_issuer;
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::provider::StoredKey;
use conclave_keyroom::vault::genesis::PIN_ROOM_PUBLIC;
use conclave_keyroom::vault::{Compartment, VaultError};
use serde::{Deserialize, Serialize};

use super::retire::{both_quorums, reason};
use crate::ceremony::action::not_published;
use crate::target::{KeyName, rules};

/// The longest time for which a key is released, in days.
pub const RELEASE_DAYS_MOST: u32 = 366;
const DAY_MS: u64 = 86_400_000;

/// SHA-256 over the PIN room's public point: what is compared, in hex.
#[must_use]
pub fn room_fingerprint(room: &Point) -> Hash {
    Hash(conclave_crypto::primitive::derive::sha256(&[&room.0]))
}

/// The PIN room's public key, from the directory.
fn room(get: impl FnOnce() -> Result<Point, VaultError>) -> Result<Point, ActionError> {
    match get() {
        Err(VaultError::Missing(_)) => Err(ActionError::rule(
            "this station has no PIN room",
            "administrators add PIN operators and PIN supervisors first",
        )),
        found => Ok(found?),
    }
}

/// What the PIN room would do with this key.
fn pin_use(record: &KeyRecord) -> Result<PinUse, ActionError> {
    PinUse::of(&record.usage, &record.mode_of_use, &record.exportability).ok_or_else(|| {
        ActionError::rule(
            format!(
                "{} has usage {}, mode {} and exportability {}: the PIN room does nothing with it \
                 (R20)",
                record.label, record.usage, record.mode_of_use, record.exportability
            ),
            "release a PIN verification key, a card verification key, a zone PIN key, or a \
             PIN-print key",
        )
    })
}

/// A key is sealed to the PIN room, for so many days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleasePinKey {
    /// The key.
    pub key: KeyName,
    /// What the PIN room may do with it: what its usage says.
    pub pin_use: PinUse,
    /// The issuer whose batches it is for, as files of cards name it.
    pub issuer: String,
    /// The PIN room's public key.
    pub room: Point,
    /// For how long, 1 to [`RELEASE_DAYS_MOST`] days, and no longer than the
    /// key's own cryptoperiod.
    pub days: u32,
}

impl ReleasePinKey {
    fn check(&self, record: &KeyRecord, room: &Point, now_ms: u64) -> Result<u64, ActionError> {
        rules::same(&self.key, record)?;
        if record.state != KeyState::Active || record.expires_ms <= now_ms {
            return Err(ActionError::rule(
                format!(
                    "{} is not an active key within its cryptoperiod",
                    record.label
                ),
                "release an active key",
            ));
        }
        if pin_use(record)? != self.pin_use {
            return Err(ActionError::rule(
                format!("{} is for another use than was approved", record.label),
                "propose the release again",
            ));
        }
        check_issuer(&self.issuer).map_err(|why| {
            ActionError::rule(why, "write the issuer's name as its record has it")
        })?;
        if *room != self.room {
            return Err(ActionError::rule(
                "the PIN room has another public key than was approved",
                "find out why before any key is released",
            ));
        }
        if !(1..=RELEASE_DAYS_MOST).contains(&self.days) {
            return Err(ActionError::rule(
                format!(
                    "a key is released for 1 to {RELEASE_DAYS_MOST} days, not {}",
                    self.days
                ),
                "choose fewer days",
            ));
        }
        let until = now_ms.saturating_add(u64::from(self.days) * DAY_MS);
        Ok(until.min(record.expires_ms))
    }
}

impl Action for ReleasePinKey {
    const NAME: &'static str = "release-pin-key";
    type Out = u64;

    fn authority(&self) -> Authority {
        both_quorums()
    }

    fn words(&self) -> Vec<String> {
        let fingerprint = room_fingerprint(&self.room);
        let spoken = words::in_words(&fingerprint.0);
        vec![
            format!(
                "Release {}, {}, to the PIN room",
                self.key.label, self.key.kcv
            ),
            format!(
                "there it {}, in batches of {} alone",
                self.pin_use.words(),
                self.issuer
            ),
            format!("for {} days", self.days),
            format!(
                "sealed to the PIN room's key, whose fingerprint begins {}",
                spoken.iter().take(8).copied().collect::<Vec<_>>().join(" ")
            ),
        ]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let record: KeyRecord = beforehand.get(Compartment::Catalogue, self.key.id)?;
        let room = room(|| beforehand.get(Compartment::Directory, PIN_ROOM_PUBLIC))?;
        self.check(&record, &room, beforehand.now_ms()).map(|_| ())
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<u64, ActionError> {
        let record: KeyRecord = permit.get(Compartment::Catalogue, self.key.id)?;
        let room: Point = permit.get(Compartment::Directory, PIN_ROOM_PUBLIC)?;
        let now_ms = permit.now_ms();
        let until_ms = self.check(&record, &room, now_ms)?;
        let stored: StoredKey = permit.get(Compartment::Keys, record.id)?;
        not_published(permit, &record.label, &stored)?;
        let released = ReleasedKey {
            station: permit.authority()?.station,
            incarnation: permit.authority()?.incarnation,
            key: record.id,
            label: record.label.clone(),
            form: record.form,
            usage: record.usage.clone(),
            mode_of_use: record.mode_of_use.clone(),
            pin_use: self.pin_use,
            issuer: self.issuer.clone(),
            kcv: record.kcv.clone(),
            recipient: room,
            act: permit.act(),
            until_ms,
        };
        let info = released.context().map_err(malformed)?;
        let mut sealed = None;
        let (provider, mark, random) = permit.provider();
        provider.open(&mark, &[&stored], &mut |clear| {
            if let [clear] = clear {
                sealed = hpke::seal_to(&room.0, &info, b"", clear.expose(), random).ok();
            }
        })?;
        let (enc, body) = sealed.ok_or(VaultError::Crypto("sealing a key"))?;
        let (enc, body) = (Point(enc), Bytes(body));
        let digest = SealedPinKey::digest(&released, &enc, &body).map_err(malformed)?;
        let signature = permit.sign_bundle(&digest)?;
        let entry = PinKey {
            released,
            sealed: Some(SealedPinKey {
                enc,
                body,
                signature,
            }),
            released_ms: now_ms,
            released_by: signers(permit)?,
            withdrawn: None,
        };
        permit.put(
            Compartment::Catalogue,
            PinKey::KIND,
            PinKey::id_of(record.id),
            &entry,
        )?;
        Ok(until_ms)
    }

    fn outcome(&self, _: &u64) -> Vec<String> {
        vec![format!("{} is with the PIN room", self.key.label)]
    }
}

fn malformed(_: conclave_evidence::cbor::CborError) -> ActionError {
    VaultError::Malformed("released key").into()
}

/// The names of those who signed.
fn signers(permit: &Permit<'_>) -> Result<Vec<String>, ActionError> {
    let record = permit.authority()?;
    let cards = permit.approvals().iter().map(|a| a.approval.card);
    Ok(cards
        .filter_map(|card| record.card(card).map(|c| c.person_name.clone()))
        .collect())
}

/// A key is with the PIN room no more: its sealed value is erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithdrawPinKey {
    /// The key.
    pub key: KeyName,
    /// Why.
    pub reason: String,
}

impl Action for WithdrawPinKey {
    const NAME: &'static str = "withdraw-pin-key";
    // It takes away; a full disk must not keep a key in use.
    const NEEDS_ROOM: bool = false;
    type Out = ();

    fn authority(&self) -> Authority {
        // One quorum takes it away at once; giving takes both.
        Authority::Quorum(GroupId::KeyManagers)
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!(
                "Take {}, {}, from the PIN room",
                self.key.label, self.key.kcv
            ),
            format!("reason: {}", self.reason),
        ]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        reason(&self.reason)?;
        let record: KeyRecord = beforehand.get(Compartment::Catalogue, self.key.id)?;
        rules::same(&self.key, &record)?;
        match beforehand.get::<PinKey>(Compartment::Catalogue, PinKey::id_of(record.id)) {
            Ok(released) if released.sealed.is_some() => Ok(()),
            Ok(_) | Err(VaultError::Missing(_)) => Err(ActionError::rule(
                format!("{} is not with the PIN room", record.label),
                "choose a key that was released",
            )),
            Err(error) => Err(error.into()),
        }
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        withdraw(permit, self.key.id, &self.reason)
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec![format!("{} is with the PIN room no more", self.key.label)]
    }
}

/// Erases what the PIN room has of a key, if it has something.
pub(super) fn withdraw(permit: &mut Permit<'_>, key: Id, why: &str) -> Result<(), ActionError> {
    let id = PinKey::id_of(key);
    match permit.get::<PinKey>(Compartment::Catalogue, id) {
        Ok(mut released) if released.sealed.is_some() => {
            released.withdraw(permit.now_ms(), why);
            Ok(permit.put(Compartment::Catalogue, PinKey::KIND, id, &released)?)
        }
        Ok(_) | Err(VaultError::Missing(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
