//! How many files whose faults tell of PINs (blocks that do not open, a length, a PIN
//! that was on a mailer) are read under one key, by whatever act: by many of them
//! somebody could ask what PIN is in a block, or on a mailer.

use conclave_keyroom::domain::tries::{FAILURES_MOST, FailedTries};
use conclave_keyroom::door::{ActionError, Permit};
use conclave_keyroom::vault::{Compartment, VaultError};

use super::PinKeyName;

/// The record's kind in `pins`.
const KIND: &str = "pin-block-tries";

fn on_record(permit: &Permit<'_>, key: &PinKeyName) -> Result<FailedTries, VaultError> {
    match permit.get(Compartment::Pins, FailedTries::id_of(key.id)) {
        Err(VaultError::Missing(_)) => Ok(FailedTries::default()),
        found => found,
    }
}

/// Another file may be read under this key.
///
/// # Errors
/// [`ActionError::Rule`]: too many had such blocks.
pub(super) fn are_left(permit: &Permit<'_>, key: &PinKeyName) -> Result<(), ActionError> {
    match on_record(permit, key)?.may_try(permit.moment()) {
        true => Ok(()),
        false => Err(ActionError::rule(
            format!(
                "{FAILURES_MOST} files had PIN blocks that do not open under {} within an hour, PINs \
                 of a wrong length, or PINs that were on a mailer: no more are read",
                key.label
            ),
            "Find out with the issuer under which key its PIN blocks are, and whether its PINs are \
             new. The hour counts while the station runs: neither a clock nor a restart shortens it.",
        )),
    }
}

/// A file had PIN blocks under this key that tell something. It is on record with
/// the answer, in one commit: who does not get the one has not had the other.
pub(super) fn failed(permit: &mut Permit<'_>, key: &PinKeyName) -> Result<(), ActionError> {
    let mut tries = on_record(permit, key)?;
    let now = permit.moment();
    tries.may_try(now);
    tries.failed.push(now);
    let id = FailedTries::id_of(key.id);
    Ok(permit.put(Compartment::Pins, KIND, id, &tries)?)
}
