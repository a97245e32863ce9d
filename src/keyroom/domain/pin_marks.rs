//! Which cards had a mailer, for longer than their numbers are kept: a keyed
//! digest of each, so that the same card in another batch is known again. The
//! key is a secret of the vault; without it a mark says nothing of a card.

use conclave_evidence::{Bytes, Id};
use serde::{Deserialize, Serialize};

use super::pin_batch::{PinBatch, State};
use super::pin_card::PinCard;

/// Bytes of a mark. Two cards of ten million have the same one once in two
/// hundred thousand stations.
pub const MARK_LEN: usize = 8;

/// Bytes of the key of marks.
pub const MARKS_KEY_LEN: usize = 32;

/// How long marks are kept, milliseconds: 400 days.
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
    /// The same of the validation data, where the PIN follows from them; else
    /// nothing.
    #[serde(default)]
    pub validation: Bytes,
}

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

    /// The marks of cards that had a mailer, may have had one, or wait for one.
    /// `batch` is the record as it is now.
    pub fn of_mailers<'a>(&'a self, batch: &'a PinBatch) -> impl Iterator<Item = [u8; MARK_LEN]> {
        had_mailers(&self.marks, batch)
    }

    /// The marks of validation data from which the PIN of such a card follows.
    pub fn of_natural_pins<'a>(
        &'a self,
        batch: &'a PinBatch,
    ) -> impl Iterator<Item = [u8; MARK_LEN]> {
        had_mailers(&self.validation, batch)
    }

    /// What is left of them when the batch's cards are deleted: not which card
    /// of the file it was, and nothing of cards that had no mailer.
    pub fn purge(&mut self, batch: &PinBatch) {
        let mut left: Vec<[u8; MARK_LEN]> = self.of_mailers(batch).collect();
        let mut natural: Vec<[u8; MARK_LEN]> = self.of_natural_pins(batch).collect();
        left.sort_unstable();
        natural.sort_unstable();
        self.marks = Bytes(left.concat());
        self.validation = Bytes(natural.concat());
    }
}

fn had_mailers<'a>(
    marks: &'a Bytes,
    batch: &'a PinBatch,
) -> impl Iterator<Item = [u8; MARK_LEN]> + 'a {
    let purged = batch.purged_ms.is_some();
    let marks = marks.0.chunks_exact(MARK_LEN).zip(1u32..);
    marks.filter_map(move |(mark, card)| {
        let had = purged || batch.had_mailer(card);
        had.then(|| mark.try_into().ok())?
    })
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
