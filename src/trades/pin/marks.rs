//! The same card again: what was here before, of the records and the marks.

use std::collections::{BTreeMap, BTreeSet};

use conclave_crypto::pin::Pin;
use conclave_crypto::primitive::derive::hmac;
use conclave_crypto::secret::Secret;
use conclave_evidence::{Bytes, Id};
use conclave_keyroom::domain::pin_batch::PinBatch;
use conclave_keyroom::domain::pin_marks::{KEPT_MS, MARKS_KEY_LEN, Mark, PinMarks};
use conclave_keyroom::door::{ActionError, Permit};
use conclave_keyroom::vault::{Compartment, VaultError};

use super::against::validation_of;
use super::{Batch, Before, Card, Method, Template};

/// The key of marks, open for one call.
pub(super) struct MarksKey {
    key: Secret,
    /// TRUE until the first batch is opened: the key is kept from then on.
    fresh: bool,
}

impl MarksKey {
    /// The one on record; or another one, while no mark is.
    ///
    /// # Errors
    /// [`VaultError`]
    pub(super) fn open(permit: &mut Permit<'_>) -> Result<Self, VaultError> {
        match permit.get_secret(Compartment::Pins, PinMarks::KEY) {
            Ok(key) => Ok(Self { key, fresh: false }),
            Err(VaultError::Missing(_)) => {
                let mut key = [0; MARKS_KEY_LEN];
                let (_, _, random) = permit.provider();
                random.secret(&mut key).map_err(|_| VaultError::Random)?;
                Ok(Self {
                    key: Secret::take(&mut key),
                    fresh: true,
                })
            }
            Err(error) => Err(error),
        }
    }

    /// The mark of a card: not of its issuer, since the same card comes in a batch
    /// of whatever name.
    fn card(&self, card: &Card) -> Mark {
        let parts = [
            "conclave/pin-mark/2/",
            card.pan.digits(),
            "/",
            card.sequence.as_str(),
        ];
        short(&self.key, &parts.map(str::as_bytes))
    }

    /// The mark of the validation data from which a natural PIN follows.
    fn natural(&self, issuer: &str, validation: &str) -> Mark {
        let parts = ["conclave/pin-natural/1/", issuer, "/", validation];
        short(&self.key, &parts.map(str::as_bytes))
    }

    /// Marks PINs of blocks under this PIN-print key.
    pub(super) fn of_pins(&self, print_key: &Secret) -> PinMarking {
        let parts = [&b"conclave/pin-value-key/1/"[..], print_key.expose()];
        PinMarking(hmac(self.key.expose(), &parts))
    }
}

fn short(key: &Secret, parts: &[&[u8]]) -> Mark {
    let whole = hmac(key.expose(), parts);
    let mut mark = Mark::default();
    mark.iter_mut()
        .zip(whole.expose())
        .for_each(|(to, from)| *to = *from);
    mark
}

/// Marks PINs of a host. Its key follows from the marks' key and from the key that
/// opens the blocks: a PIN has so few values that a mark under one of them alone
/// would be a PIN for whoever has that one.
pub struct PinMarking(Secret);

impl PinMarking {
    /// The mark of a PIN on a mailer of this card number, whatever its sequence
    /// number is.
    #[must_use]
    pub fn of(&self, card: &Card, pin: &Pin) -> Mark {
        let text = pin.text();
        let parts = [
            &b"conclave/pin-value/1/"[..],
            card.pan.digits().as_bytes(),
            b"/",
            text.expose(),
        ];
        short(&self.0, &parts)
    }
}

/// What was here before.
pub(super) struct Earlier<'a> {
    batches: Vec<PinBatch>,
    key: &'a MarksKey,
    /// The highest `pin-version` of each card.
    cards: BTreeMap<Mark, u64>,
    natural: BTreeSet<Mark>,
    pins: BTreeSet<Mark>,
}

impl<'a> Earlier<'a> {
    /// Of the records.
    ///
    /// # Errors
    /// [`VaultError`]
    pub(super) fn of(permit: &Permit<'_>, key: &'a MarksKey) -> Result<Self, VaultError> {
        let batches = permit.list::<PinBatch>(Compartment::Pins, PinBatch::KIND)?;
        let batches: Vec<PinBatch> = batches.into_iter().map(|(_, batch)| batch).collect();
        let by_id: BTreeMap<Id, &PinBatch> = batches.iter().map(|one| (one.id, one)).collect();
        let mut cards = BTreeMap::<Mark, u64>::new();
        let (mut natural, mut pins) = (BTreeSet::new(), BTreeSet::new());
        for (_, of) in permit.list::<PinMarks>(Compartment::Pins, PinMarks::KIND)? {
            let Some(batch) = by_id.get(&of.batch) else {
                continue;
            };
            for (mark, version) in of.of_mailers(batch) {
                let highest = cards.entry(mark).or_default();
                *highest = version.max(*highest);
            }
            natural.extend(of.of_natural_pins(batch));
            pins.extend(of.of_host_pins(batch));
        }
        Ok(Self {
            batches,
            key,
            cards,
            natural,
            pins,
        })
    }
}

impl Before for Earlier<'_> {
    fn has_batch(&self, issuer: &str, id: &str) -> bool {
        let same = |batch: &PinBatch| batch.issuer == issuer && batch.name == id;
        self.batches.iter().any(same)
    }

    fn has_file(&self, digest: &[u8; 32]) -> bool {
        self.batches.iter().any(|batch| batch.input.0 == *digest)
    }

    fn had_card(&self, card: &Card) -> Option<u64> {
        self.cards.get(&self.key.card(card)).copied()
    }

    fn has_pin(&self, mark: &Mark) -> bool {
        self.pins.contains(mark)
    }

    fn has_natural_pin(&self, issuer: &str, validation: &str) -> bool {
        self.natural.contains(&self.key.natural(issuer, validation))
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
    key: &MarksKey,
) -> Result<(), ActionError> {
    let now = permit.now_ms();
    for (id, old) in permit.list::<PinMarks>(Compartment::Pins, PinMarks::KIND)? {
        if old.opened_ms.saturating_add(KEPT_MS) < now {
            permit.delete(Compartment::Pins, id);
        }
    }
    if key.fresh {
        let kept = key.key.duplicate();
        permit.put_secret(Compartment::Pins, PinMarks::KEY_KIND, PinMarks::KEY, kept);
    }
    let marks: Vec<Mark> = batch.cards.iter().map(|card| key.card(card)).collect();
    let natural = batch.cards.iter().filter_map(|card| {
        let validation = validation_of(template, card)?;
        Some(key.natural(&batch.issuer, &validation))
    });
    let natural: Vec<Mark> = natural.collect();
    let pins: Vec<Mark> = batch
        .cards
        .iter()
        .filter_map(|card| card.pin_mark)
        .collect();
    let host = template.pin.method == Method::Host;
    let versions = batch.cards.iter().filter(|_| host);
    let record = PinMarks {
        batch: id,
        opened_ms: now,
        marks: Bytes(marks.concat()),
        versions: versions.map(|card| card.pin_version).collect(),
        validation: Bytes(natural.concat()),
        pins: Bytes(pins.concat()),
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
