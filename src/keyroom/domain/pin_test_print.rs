//! Pages of X's that operators printed for a batch, before it and after it.

use serde::{Deserialize, Serialize};

use super::pin_batch::{PinBatch, Signing};
use super::pin_said::PrinterChange;

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

    /// Notes a page of X's on this printer, until the batch's numbers are signed: one
    /// that it has, or a flush of one that it had. FALSE for another one, and where the
    /// batch is over by then.
    pub fn test_printed(&mut self, printer: &str, flush: bool, at_ms: u64) -> bool {
        let had = || self.printers.iter().any(|change| change.from == printer);
        let its = self.printer == printer || flush && had();
        if !its || self.reconciled.is_some() || self.purged_ms.is_some() {
            return false;
        }
        self.test_prints.push(TestPrint {
            printer: printer.to_owned(),
            flush,
            after: self.on_paper(),
            at_ms,
        });
        true
    }

    /// The batch goes on at another printer.
    pub fn printer_changed(&mut self, to: &str, reason: String, signed: Signing) {
        let from = std::mem::replace(&mut self.printer, to.to_owned());
        self.printers.push(PrinterChange {
            from,
            to: to.to_owned(),
            reason,
            after: Some(self.on_paper()),
            signed,
        });
    }

    /// Each printer that mailers of this batch were on their way to, in order, and when
    /// it was flushed after its last one, wall clock. The one that it has stands last,
    /// whether it printed or not.
    #[must_use]
    pub fn flushed(&self) -> Vec<(&str, Option<u64>)> {
        let mut used: Vec<(&str, Option<u64>)> = Vec::new();
        let mut before = 0;
        for change in &self.printers {
            let (from, to_now) = (change.from.as_str(), change.after);
            // Of a change of before these were counted nobody knows better.
            if to_now.is_none_or(|after| after > before) && from != self.printer {
                let last = |one: &TestPrint| match to_now {
                    Some(after) => one.after >= after,
                    None => one.at_ms >= change.signed.at_ms,
                };
                used.retain(|(name, _)| *name != from);
                used.push((from, self.flush_of(from, &last)));
            }
            before = to_now.unwrap_or(before);
        }
        let all = self.on_paper();
        let last = |one: &TestPrint| one.after == all;
        used.push((&self.printer, self.flush_of(&self.printer, &last)));
        used
    }

    fn flush_of(&self, printer: &str, last: &dyn Fn(&TestPrint) -> bool) -> Option<u64> {
        let flush = |one: &&TestPrint| one.flush && one.printer == printer && last(one);
        let mut all = self.test_prints.iter().rev();
        all.find(flush).map(|one| one.at_ms)
    }
}
