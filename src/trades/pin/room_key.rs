//! The PIN room opens a key that was released to it, for one call.

use conclave_crypto::primitive::ec::KeyPair;
use conclave_crypto::primitive::hpke;
use conclave_crypto::primitive::kcv::{Kcv, Method};
use conclave_crypto::secret::Secret;
use conclave_evidence::authority::AuthorityRecord;
use conclave_evidence::{Id, sign};
use conclave_keyroom::domain::key::{CheckValue, KeyRecord, KeyState};
use conclave_keyroom::domain::pin_key::{PinKey, PinUse, SealedPinKey};
use conclave_keyroom::door::{ActionError, Beforehand, Permit};
use conclave_keyroom::vault::genesis::PIN_ROOM_KEY;
use conclave_keyroom::vault::{Compartment, VaultError};

/// What was released under this key's id, if the PIN room may use it now, and
/// for this: before anything is opened.
///
/// # Errors
/// [`ActionError::Rule`] for a key that was never released, is expired,
/// withdrawn, for another use, out of use, or whose release is not signed.
pub fn released(
    beforehand: &Beforehand<'_>,
    key: Id,
    pin_use: PinUse,
) -> Result<PinKey, ActionError> {
    let found = beforehand.get(Compartment::Catalogue, PinKey::id_of(key));
    let record = beforehand.get(Compartment::Catalogue, key);
    let now_ms = beforehand.now_ms();
    let (released, sealed) = usable(found, record, beforehand.authority()?, pin_use, now_ms)?;
    Ok(PinKey {
        sealed: Some(sealed),
        ..released
    })
}

/// Opens a key that was released to the PIN room. Whoever takes it uses it for
/// one call and lets it go: it is wiped then.
///
/// # Errors
/// As [`released`]; [`VaultError::Closed`] unless operators and supervisors are
/// logged on; [`VaultError::Forged`] for a value that is not what was released.
pub fn open(permit: &Permit<'_>, key: Id, pin_use: PinUse) -> Result<Secret, ActionError> {
    let found = permit.get(Compartment::Catalogue, PinKey::id_of(key));
    let record = permit.get(Compartment::Catalogue, key);
    let now_ms = permit.now_ms();
    let (entry, sealed) = usable(found, record, permit.authority()?, pin_use, now_ms)?;
    let released = entry.released;
    let forged = || VaultError::Forged {
        what: format!("the released value of {}", released.label),
    };
    let private = permit.get_secret(Compartment::Pins, PIN_ROOM_KEY)?;
    let pair = KeyPair::from_secret(private).map_err(|_| forged())?;
    if *pair.public() != released.recipient.0 {
        return Err(ActionError::rule(
            format!("{} was released to another PIN room's key", released.label),
            "key managers and approvers release it again",
        ));
    }
    let info = released
        .context()
        .map_err(|_| VaultError::Malformed("released key"))?;
    let clear =
        hpke::open(&sealed.enc.0, &pair, &info, b"", &sealed.body.0).map_err(|_| forged())?;
    if clear.expose().len() != released.form.bytes() || !gives(&clear, &released.kcv) {
        return Err(forged().into());
    }
    Ok(clear)
}

/// The rules for a released key, in one place.
fn usable(
    found: Result<PinKey, VaultError>,
    record: Result<KeyRecord, VaultError>,
    authority: &AuthorityRecord,
    pin_use: PinUse,
    now_ms: u64,
) -> Result<(PinKey, SealedPinKey), ActionError> {
    let entry = match found {
        Err(VaultError::Missing(_)) => {
            return Err(ActionError::rule(
                "this key was never released to the PIN room",
                "key managers and approvers release it: key list, o",
            ));
        }
        found => found?,
    };
    let record = record?;
    let released = &entry.released;
    let label = &released.label;
    let here = authority.incarnation;
    let sealed = entry.sealed.clone();
    let Some(sealed) = sealed.filter(|_| entry.is_usable(now_ms, here)) else {
        return Err(ActionError::rule(
            format!("{label} is {} for the PIN room", entry.state(now_ms, here)),
            "key managers and approvers release it again",
        ));
    };
    // What its usage says, not only what the release says.
    let by_usage = PinUse::of(&record.usage, &record.mode_of_use, &record.exportability);
    if released.pin_use != pin_use || by_usage != Some(pin_use) {
        return Err(ActionError::rule(
            format!(
                "{label} {}: it is for nothing else (R20)",
                released.pin_use.words()
            ),
            format!("choose a key that {}", pin_use.words()),
        ));
    }
    let same = released.station == authority.station
        && released.key == record.id
        && released.form == record.form
        && released.usage == record.usage
        && released.mode_of_use == record.mode_of_use
        && released.kcv == record.kcv
        && *label == record.label;
    if !same || record.state != KeyState::Active || record.expires_ms <= now_ms {
        return Err(ActionError::rule(
            format!("{label} is not the active key that was released"),
            "key managers and approvers look at the key, and release it again",
        ));
    }
    let digest = SealedPinKey::digest(released, &sealed.enc, &sealed.body)
        .map_err(|_| VaultError::Malformed("released key"))?;
    sign::verify_p256(&authority.export_key, &digest, &sealed.signature).map_err(|_| {
        ActionError::rule(
            format!("the release of {label} is not signed by both quorums' key"),
            "do not use it; call the auditors",
        )
    })?;
    Ok((entry, sealed))
}

/// Whether the key makes the check value that was released.
fn gives(clear: &Secret, kcv: &CheckValue) -> bool {
    Method::ALL
        .into_iter()
        .filter(|method| method.to_string() == kcv.method)
        .filter_map(|method| Kcv::compute(method, clear.expose()).ok())
        .any(|made| made.hex() == kcv.value)
}
