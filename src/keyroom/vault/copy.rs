//! A second vault beside the one at work: a backup as it would be if it were
//! restored, in memory, to be opened, added up and wiped.

use std::collections::BTreeMap;
use std::sync::Arc;

use conclave_crypto::primitive::shamir::Share;
use conclave_crypto::secret::{RandomError, RandomSource, Secret};
use conclave_evidence::authority::{AuthorityRecord, CardEntry};
use conclave_evidence::{GroupId, cbor};

use super::compartment::Compartment;
use super::error::VaultError;
use super::layer::InMemory;
use super::seal::Sealed;
use super::share::{self, SealedShare};
use super::{Surroundings, Vault, place};
use crate::ports::store::{Store, Write};

/// A vault that only reads draws nothing.
struct NoRandom;

impl RandomSource for NoRandom {
    fn public(&mut self, _: &mut [u8]) -> Result<(), RandomError> {
        Err(RandomError::Unavailable("a copy only reads".into()))
    }

    fn secret(&mut self, _: &mut [u8]) -> Result<(), RandomError> {
        Err(RandomError::Unavailable("a copy only reads".into()))
    }
}

/// The values of a backup on their way into a copy.
#[derive(Default)]
pub struct CopyContent(InMemory);

impl CopyContent {
    /// Takes a value.
    ///
    /// # Errors
    /// [`VaultError::Store`]
    pub fn add(&mut self, key: &[u8], value: &[u8]) -> Result<(), VaultError> {
        let write = Write::Put(key.to_vec(), value.to_vec());
        Ok(self.0.commit(&[write])?)
    }
}

impl Vault {
    /// A copy in memory, checked as far as it can be before anybody opens it.
    ///
    /// # Errors
    /// [`VaultError`], naming what does not verify.
    pub fn copy(&self, content: CopyContent) -> Result<Vault, VaultError> {
        let world = Surroundings {
            clock: Arc::clone(&self.world.clock),
            random: Box::new(NoRandom),
            boot: self.world.boot,
        };
        Vault::open(Box::new(content.0), world)
    }

    /// Opens every record of every compartment that is open, and says how many
    /// there are. What they hold is wiped at once.
    ///
    /// # Errors
    /// [`VaultError::Forged`], naming the record.
    pub fn check_all(&self) -> Result<BTreeMap<Compartment, u64>, VaultError> {
        let mut counts = BTreeMap::new();
        for compartment in self.open_compartments_list() {
            let mut count = 0u64;
            let mut failed = None;
            self.store
                .scan(&place::records(compartment), &mut |_, value| {
                    let step = Sealed::from_bytes(value).and_then(|sealed| {
                        self.open_record(compartment, sealed.binding.id, &sealed)
                            .map(drop)
                    });
                    count += 1;
                    failed = step.err();
                    failed.is_none()
                })?;
            if let Some(error) = failed {
                return Err(error);
            }
            counts.insert(compartment, count);
        }
        Ok(counts)
    }
}

/// The place of a member's sealed share.
///
/// # Errors
/// [`VaultError::NoSecret`] for a card that is no member.
pub fn share_place(
    record: &AuthorityRecord,
    group: GroupId,
    card: &CardEntry,
) -> Result<Vec<u8>, VaultError> {
    let no = || VaultError::NoSecret(group);
    let entry = record.group(group).ok_or_else(no)?;
    let member = entry.members.iter().find(|m| m.card == card.card);
    Ok(place::share(group, entry.epoch, member.ok_or_else(no)?.x))
}

/// Opens a share that lies in a backup, as [`Vault::open_share`] does one of
/// this repository.
///
/// # Errors
/// [`VaultError::BadShare`]; what `dh` answered.
pub fn open_share_of<E: From<VaultError>>(
    record: &AuthorityRecord,
    group: GroupId,
    card: &CardEntry,
    bytes: &[u8],
    dh: impl FnOnce(&[u8; 65]) -> Result<Secret, E>,
) -> Result<Share, E> {
    let no = || VaultError::NoSecret(group);
    let entry = record.group(group).ok_or_else(no)?;
    let member = entry.members.iter().find(|m| m.card == card.card);
    let member = member.ok_or_else(no)?;
    let pinned = record.card(card.card).ok_or_else(no)?;
    let sealed: SealedShare =
        cbor::from_slice(bytes).map_err(|_| VaultError::Malformed("share"))?;
    share::open(record, entry, member, &pinned.agree_key_9d, &sealed, dh)
}
