//! A batch after a restore. What was printed since the backup stands in no
//! record: the cards that seem to wait may have their mailers. So none of them
//! gets one from this batch any more, and none that is lost is replaced.

use conclave_evidence::Id;

use super::pin_batch::{Exported, PinBatch};
use super::pin_run::RunError;
use super::ranges::Ranges;

/// Outputs that may have left in the lost range: their numbers are not used
/// again.
const OUTPUT_GAP: u32 = 1000;

impl PinBatch {
    /// TRUE when the batch was opened, or settled last, in another incarnation
    /// of the station: nothing of it moves.
    #[must_use]
    pub fn is_restored(&self, incarnation: Id) -> bool {
        self.incarnation != incarnation
    }

    /// Settles the batch for this incarnation: cards that wait are cancelled,
    /// mailers that were printed and not confirmed are unknown, and from now on
    /// no PIN is replaced. Blank forms stay with the batch until they are
    /// counted. Of a batch whose output has left, nothing of that changes; but
    /// outputs that were written again in the lost range have numbers, and
    /// neither sort of batch uses one of those again. How many were cancelled,
    /// and how many mailers are unknown now.
    ///
    /// # Errors
    /// [`RunError::Forms`]; never for a batch of these rules.
    pub fn settle_restored(&mut self, incarnation: Id) -> Result<(u64, u64), RunError> {
        self.incarnation = incarnation;
        if self.purged_ms.is_some() {
            return Ok((0, 0));
        }
        let passed_over = OUTPUT_GAP.min(u32::MAX - self.outputs);
        self.outputs += passed_over;
        self.passed_over_outputs += passed_over;
        if self.exported.is_some() || !self.lost_outputs.is_empty() {
            return Ok((0, 0));
        }
        let cards = &mut self.cards;
        for mailer in self.window.drain(..) {
            cards
                .unknown
                .insert(mailer.card.into(), mailer.card.into())?;
        }
        move_all(&mut cards.sent, &mut cards.unknown)?;
        let cancelled = cards.waiting.count();
        move_all(&mut cards.waiting, &mut cards.cancelled)?;
        self.limits.replacements = self.replaced;
        self.lost_a_range = true;
        Ok((cancelled, self.cards.unknown.count()))
    }

    /// An output of this batch left in the range that a restore lost: it holds,
    /// and no other is written. What is still unknown of the mailers stays so:
    /// they are where the output says. Blank forms are counted before, for
    /// nothing moves after it.
    ///
    /// # Errors
    /// [`RunError::NoOutput`] for a batch that no restore passed numbers over
    /// in, [`RunError::Over`] where an output is on record,
    /// [`RunError::Interrupted`], [`RunError::Blank`].
    pub fn output_left(&mut self, output: Exported) -> Result<(), RunError> {
        if self.exported.is_some() || self.purged_ms.is_some() {
            return Err(RunError::Over);
        }
        if self.passed_over_outputs == 0 {
            return Err(RunError::NoOutput);
        }
        if !self.window.is_empty() {
            return Err(RunError::Interrupted(self.window.len()));
        }
        match self.forms.blank.count() {
            0 => {}
            blank => return Err(RunError::Blank(blank)),
        }
        self.exported = Some(output);
        self.reconciled = None;
        Ok(())
    }
}

fn move_all(from: &mut Ranges, to: &mut Ranges) -> Result<(), RunError> {
    for (first, last) in std::mem::take(from).ranges() {
        to.insert(*first, *last)?;
    }
    Ok(())
}
