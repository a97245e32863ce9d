//! Which cards had a mailer, for longer than their numbers are kept: a keyed
//! digest of each, so that the same card in another batch is known again, whatever
//! issuer the batch names. The key is a secret of the vault; without it a mark says
//! nothing of a card.
//!
//! A PIN that a host made is known again too. Its mark is under a key that follows
//! from the marks' key and the PIN-print key together: a PIN has ten thousand
//! values, and whoever could try them all has to hold the key that opens its block
//! anyway.

use conclave_evidence::{Bytes, Id};
use serde::{Deserialize, Serialize};

use super::pin_batch::{PinBatch, State};
use super::pin_card::PinCard;

/// Bytes of a mark. Two cards of ten million have the same one once in two
/// hundred thousand stations.
pub const MARK_LEN: usize = 8;

/// Bytes of the key of marks.
pub const MARKS_KEY_LEN: usize = 32;

/// How long marks are kept, milliseconds: 400 days, which is a year with the time
/// that its audit takes. Longer is not better: whoever has the pair's cards can try
/// card numbers against them. Batch ids and files' digests are kept for ever.
pub const KEPT_MS: u64 = 400 * 24 * 3600 * 1000;

/// The marks of one batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinMarks {
    /// The batch's record.
    pub batch: Id,
    /// When it was opened, wall clock.
    pub opened_ms: u64,
    /// One of [`MARK_LEN`] bytes for each card, in the order of the file; after
    /// the purge those of cards that had a mailer, in the order of their bytes.
    pub marks: Bytes,
    /// The host's count of each card's PIN (`pin-version`), in the same order;
    /// nothing where the host makes no PINs.
    #[serde(default)]
    pub versions: Vec<u64>,
    /// The same of the validation data, where the PIN follows from them; else
    /// nothing.
    #[serde(default)]
    pub validation: Bytes,
    /// The same of card number and PIN, where the host made the PIN; else nothing.
    #[serde(default)]
    pub pins: Bytes,
}

/// A mark.
pub type Mark = [u8; MARK_LEN];

impl PinMarks {
    /// The record's kind in `pins`.
    pub const KIND: &'static str = "pin-marks";

    /// The kind of the key's record in `pins`.
    pub const KEY_KIND: &'static str = "pin-marks-key";

    /// The key's record.
    pub const KEY: Id = Id(*b"pin-marks-key-01");

    /// The record of a batch's marks.
    #[must_use]
    pub fn id_of(batch: Id) -> Id {
        PinCard::id_of(batch, u32::MAX - 2)
    }

    /// The marks of cards that had a mailer, may have had one, or wait for one, each
    /// with its `pin-version`, 0 for none. `batch` is the record as it is now.
    pub fn of_mailers<'a>(&'a self, batch: &'a PinBatch) -> impl Iterator<Item = (Mark, u64)> {
        let versions = self.versions.iter().copied().chain(std::iter::repeat(0));
        let each = all(&self.marks).zip(versions).zip(1u32..);
        each.filter_map(|(mark, card)| had(batch, card).then_some(mark))
    }

    /// The marks of validation data from which the PIN of such a card follows.
    pub fn of_natural_pins<'a>(&'a self, batch: &'a PinBatch) -> impl Iterator<Item = Mark> {
        had_mailers(&self.validation, batch)
    }

    /// The marks of PINs of a host that are, or may be, on a mailer.
    pub fn of_host_pins<'a>(&'a self, batch: &'a PinBatch) -> impl Iterator<Item = Mark> {
        had_mailers(&self.pins, batch)
    }

    /// What is left of them when the batch's cards are deleted: not which card
    /// of the file it was, and nothing of cards that had no mailer.
    pub fn purge(&mut self, batch: &PinBatch) {
        let mut left: Vec<(Mark, u64)> = self.of_mailers(batch).collect();
        let mut natural: Vec<Mark> = self.of_natural_pins(batch).collect();
        let mut pins: Vec<Mark> = self.of_host_pins(batch).collect();
        left.sort_unstable();
        natural.sort_unstable();
        pins.sort_unstable();
        let (marks, versions): (Vec<Mark>, Vec<u64>) = left.into_iter().unzip();
        self.marks = Bytes(marks.concat());
        if !self.versions.is_empty() {
            self.versions = versions;
        }
        self.validation = Bytes(natural.concat());
        self.pins = Bytes(pins.concat());
    }
}

fn all(marks: &Bytes) -> impl Iterator<Item = Mark> + '_ {
    let each = marks.0.chunks_exact(MARK_LEN);
    each.filter_map(|mark| mark.try_into().ok())
}

/// After the purge those are left that had one.
fn had(batch: &PinBatch, card: u32) -> bool {
    batch.purged_ms.is_some() || batch.had_mailer(card)
}

fn had_mailers<'a>(marks: &'a Bytes, batch: &'a PinBatch) -> impl Iterator<Item = Mark> + 'a {
    let each = all(marks).zip(1u32..);
    each.filter_map(|(mark, card)| had(batch, card).then_some(mark))
}

impl PinBatch {
    /// TRUE when the card is, or ever was, on a form, or is about to be; or may
    /// have been, in the range that a restore lost.
    #[must_use]
    pub fn had_mailer(&self, card: u32) -> bool {
        match self.state_of(card) {
            None => false,
            Some(State::Cancelled) => self.form_of(card).is_some() || self.lost_a_range,
            Some(_) => true,
        }
    }
}
