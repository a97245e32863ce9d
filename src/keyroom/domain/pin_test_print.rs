//! Pages of X's that operators printed for a batch, before it and after it.

use serde::{Deserialize, Serialize};

use super::pin_batch::PinBatch;

/// A page of X's by a batch's layout on its printer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestPrint {
    /// The printer's name.
    pub printer: String,
    /// TRUE where it was printed over what the printer's memory had.
    pub flush: bool,
    /// Mailers that were on their way to paper before it.
    pub after: u64,
    /// When its last byte was sent, wall clock.
    pub at_ms: u64,
}

impl PinBatch {
    /// Mailers that ever were on their way to paper.
    fn on_paper(&self) -> u64 {
        let each = self.printed.iter().map(|stretch| u64::from(stretch.count));
        each.fold(0, u64::saturating_add)
    }

    /// Notes a page of X's on the batch's printer, until its numbers are signed.
    /// FALSE where the batch is over by then.
    pub fn test_printed(&mut self, flush: bool, at_ms: u64) -> bool {
        if self.reconciled.is_some() || self.purged_ms.is_some() {
            return false;
        }
        self.test_prints.push(TestPrint {
            printer: self.printer.clone(),
            flush,
            after: self.on_paper(),
            at_ms,
        });
        true
    }

    /// When the batch's printer was flushed after its last mailer, wall clock.
    #[must_use]
    pub fn flushed_ms(&self) -> Option<u64> {
        let after = self.on_paper();
        let flush =
            |one: &&TestPrint| one.flush && one.printer == self.printer && one.after == after;
        self.test_prints
            .iter()
            .rev()
            .find(flush)
            .map(|one| one.at_ms)
    }
}
