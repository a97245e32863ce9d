//! The cards of a batch of PIN mailers lie under the data key of `pins` and a
//! key of their batch, together. The batch's key is a record that leaves the
//! disk when it is deleted ([`super::erasable`]): with it go the cards,
//! wherever the store's file keeps their bytes.

use conclave_crypto::primitive::derive::hkdf;
use conclave_crypto::secret::Secret;
use conclave_evidence::Id;

use super::RECORD;
use super::compartment::Compartment;
use super::erasable::MARK;
use super::error::VaultError;
use super::seal::{Binding, Sealed};
use crate::domain::pin_card::PinCard;

/// The kind of a batch's key in `pins`: 32 random bytes.
pub const BATCH_KEY: &str = "pin-batch-key";

/// Bytes of a batch's key.
pub const BATCH_KEY_LEN: usize = 32;

/// The record of the key of a batch, from the batch's id or a card's.
#[must_use]
pub fn batch_key_id(batch: Id) -> Id {
    let mut id = batch.0;
    id[12..].copy_from_slice(&MARK);
    Id(id)
}

/// TRUE for records that lie under a batch's key.
pub(super) fn is_under(compartment: Compartment, kind: &str) -> bool {
    compartment == Compartment::Pins && kind == PinCard::KIND
}

/// What seals the cards of a batch.
pub(super) fn together(data: &Secret, batch: &Secret) -> Result<Secret, VaultError> {
    let info = b"conclave/pin-cards/1".as_slice();
    hkdf(data.expose(), batch.expose(), &[info], 32)
        .map_err(|_| VaultError::Crypto("a batch's key"))
}

/// What seals the card `id`, its batch's key being `stored`.
pub(super) fn parent(
    data: &Secret,
    (station, epoch): (Id, u32),
    id: Id,
    stored: Option<Vec<u8>>,
) -> Result<Secret, VaultError> {
    let sealed = Sealed::from_bytes(&stored.ok_or(VaultError::Missing("key of the batch"))?)?;
    let expected = Binding {
        purpose: RECORD.into(),
        station,
        compartment: Compartment::Pins,
        epoch,
        kind: BATCH_KEY.into(),
        id: batch_key_id(id),
        version: sealed.binding.version,
    };
    together(data, &sealed.open(data, &expected)?)
}
