//! The same card again: what was here before, of the records and the marks.

use std::collections::{BTreeMap, BTreeSet};

use conclave_crypto::primitive::derive::hmac;
use conclave_crypto::secret::Secret;
use conclave_evidence::{Bytes, Id};
use conclave_keyroom::domain::pin_batch::PinBatch;
use conclave_keyroom::domain::pin_marks::{KEPT_MS, MARK_LEN, MARKS_KEY_LEN, PinMarks};
use conclave_keyroom::door::{ActionError, Permit};
use conclave_keyroom::vault::{Compartment, VaultError};

use super::against::validation_of;
use super::{Batch, Before, Card, Template};

/// The mark of a card of an issuer, and of the PIN that its host made where it
/// counts them: another PIN has another mark.
fn mark(key: &Secret, issuer: &str, card: &Card) -> [u8; MARK_LEN] {
    let version = match card.pin_version {
        0 => String::new(),
        version => format!("/{version}"),
    };
    let parts = [
        "conclave/pin-mark/1/",
        issuer,
        "/",
        card.pan.digits(),
        "/",
        card.sequence.as_str(),
        version.as_str(),
    ];
    short(key, &parts)
}

/// The mark of the validation data from which a natural PIN follows.
fn natural_mark(key: &Secret, issuer: &str, validation: &str) -> [u8; MARK_LEN] {
    short(key, &["conclave/pin-natural/1/", issuer, "/", validation])
}

fn short(key: &Secret, parts: &[&str]) -> [u8; MARK_LEN] {
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    let whole = hmac(key.expose(), &parts);
    let mut mark = [0; MARK_LEN];
    mark.iter_mut()
        .zip(whole.expose())
        .for_each(|(to, from)| *to = *from);
    mark
}

/// What was here before.
pub(super) struct Earlier {
    batches: Vec<PinBatch>,
    key: Option<Secret>,
    marks: BTreeSet<[u8; MARK_LEN]>,
    natural: BTreeSet<[u8; MARK_LEN]>,
}

impl Earlier {
    /// Of the records.
    ///
    /// # Errors
    /// [`VaultError`]
    pub(super) fn of(permit: &Permit<'_>) -> Result<Self, VaultError> {
        let batches = permit.list::<PinBatch>(Compartment::Pins, PinBatch::KIND)?;
        let batches: Vec<PinBatch> = batches.into_iter().map(|(_, batch)| batch).collect();
        let by_id: BTreeMap<Id, &PinBatch> = batches.iter().map(|one| (one.id, one)).collect();
        let (mut marks, mut natural) = (BTreeSet::new(), BTreeSet::new());
        for (_, of) in permit.list::<PinMarks>(Compartment::Pins, PinMarks::KIND)? {
            if let Some(batch) = by_id.get(&of.batch) {
                marks.extend(of.of_mailers(batch));
                natural.extend(of.of_natural_pins(batch));
            }
        }
        Ok(Self {
            key: known_key(permit)?,
            batches,
            marks,
            natural,
        })
    }
}

impl Before for Earlier {
    fn has_batch(&self, issuer: &str, id: &str) -> bool {
        let same = |batch: &PinBatch| batch.issuer == issuer && batch.name == id;
        self.batches.iter().any(same)
    }

    fn has_file(&self, digest: &[u8; 32]) -> bool {
        self.batches.iter().any(|batch| batch.input.0 == *digest)
    }

    fn has_card(&self, issuer: &str, card: &Card) -> bool {
        let mark = self.key.as_ref().map(|key| mark(key, issuer, card));
        mark.is_some_and(|mark| self.marks.contains(&mark))
    }

    fn has_natural_pin(&self, issuer: &str, validation: &str) -> bool {
        let key = self.key.as_ref();
        let mark = key.map(|key| natural_mark(key, issuer, validation));
        mark.is_some_and(|mark| self.natural.contains(&mark))
    }
}

fn known_key(permit: &Permit<'_>) -> Result<Option<Secret>, VaultError> {
    match permit.get_secret(Compartment::Pins, PinMarks::KEY) {
        Ok(key) => Ok(Some(key)),
        Err(VaultError::Missing(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Marks the cards of a batch that is being opened, and drops marks that are
/// older than they are kept.
///
/// # Errors
/// [`ActionError`]
pub(super) fn note(
    permit: &mut Permit<'_>,
    id: Id,
    template: &Template,
    batch: &Batch,
) -> Result<(), ActionError> {
    let now = permit.now_ms();
    for (id, old) in permit.list::<PinMarks>(Compartment::Pins, PinMarks::KIND)? {
        if old.opened_ms.saturating_add(KEPT_MS) < now {
            permit.delete(Compartment::Pins, id);
        }
    }
    let key = match known_key(permit)? {
        Some(key) => key,
        None => {
            let mut key = [0; MARKS_KEY_LEN];
            let (_, _, random) = permit.provider();
            random.secret(&mut key).map_err(|_| VaultError::Random)?;
            let key = Secret::take(&mut key);
            let kept = key.duplicate();
            permit.put_secret(Compartment::Pins, PinMarks::KEY_KIND, PinMarks::KEY, kept);
            key
        }
    };
    let each = batch.cards.iter();
    let marks: Vec<[u8; MARK_LEN]> = each.map(|card| mark(&key, &batch.issuer, card)).collect();
    let natural = batch.cards.iter().filter_map(|card| {
        let validation = validation_of(template, card)?;
        Some(natural_mark(&key, &batch.issuer, &validation))
    });
    let natural: Vec<[u8; MARK_LEN]> = natural.collect();
    let record = PinMarks {
        batch: id,
        opened_ms: now,
        marks: Bytes(marks.concat()),
        validation: Bytes(natural.concat()),
    };
    let id = PinMarks::id_of(id);
    Ok(permit.put(Compartment::Pins, PinMarks::KIND, id, &record)?)
}

/// What stays of a batch's marks when it is purged.
///
/// # Errors
/// [`ActionError`]
pub(super) fn purge(permit: &mut Permit<'_>, batch: &PinBatch) -> Result<(), ActionError> {
    let id = PinMarks::id_of(batch.id);
    // A batch of before there were marks has none.
    if permit.vault().check_record(Compartment::Pins, id).is_err() {
        return Ok(());
    }
    let mut marks: PinMarks = permit.get(Compartment::Pins, id)?;
    marks.purge(batch);
    Ok(permit.put(Compartment::Pins, PinMarks::KIND, id, &marks)?)
}
