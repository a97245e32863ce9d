//! Rows of forms: what stands beside one another on the paper leaves the printer
//! together, and a row that lies in it is known by the number of its first form.

use super::form_stock::{Aside, check_reel};
use super::pin_batch::PinBatch;
use super::pin_run::RunError;

impl PinBatch {
    /// Forms of a row.
    fn row_len(&self) -> u64 {
        self.across.max(1).into()
    }

    /// The first and the last form of the row that this one is in. Rows are
    /// counted from the first form of a reel; a reel has whole rows.
    pub(super) fn row(&self, form: u64) -> (u64, u64) {
        let reels = self.forms.issued.ranges().iter();
        let mut reels = reels.filter(|(first, last)| (*first..=*last).contains(&form));
        let start = reels.next().map_or(form, |(first, _)| *first);
        let first = form - form.saturating_sub(start) % self.row_len();
        (first, first.saturating_add(self.row_len() - 1))
    }

    /// The blank form that is printed next.
    #[must_use]
    pub fn next_form(&self) -> Option<u64> {
        self.forms.blank.first(1).first().copied()
    }

    /// The form that lies in the printer once this one has left it.
    #[must_use]
    pub fn form_after(&self, form: u64) -> u64 {
        self.row(form).1.saturating_add(1)
    }

    /// The blank forms that follow one another in the printer, in which `lies`
    /// lies: up to the first gap in their numbers, in whole rows.
    ///
    /// # Errors
    /// [`RunError::NoForms`], [`RunError::OtherForm`], [`RunError::Half`]
    pub(super) fn forms_from(
        &self,
        lies: u64,
    ) -> Result<impl Iterator<Item = u64> + use<>, RunError> {
        let (next, last) = *self.forms.blank.ranges().first().ok_or(RunError::NoForms)?;
        if lies != next {
            return Err(RunError::OtherForm { lies, next });
        }
        let (first, end) = self.row(next);
        if first != next || last < end {
            return Err(RunError::Half(next));
        }
        let rows = (last - next + 1) / self.row_len();
        let count = rows.saturating_mul(self.row_len());
        Ok(next..next.saturating_add(count))
    }

    /// The last mailer of a window is on this form: what stands beside it
    /// unused has left the printer with it.
    ///
    /// # Errors
    /// [`RunError::Forms`]; never for a form of the batch.
    pub(super) fn beside_is_spoiled(&mut self, form: u64) -> Result<(), RunError> {
        for beside in form.saturating_add(1)..=self.row(form).1 {
            if self.forms.blank.contains(beside) {
                self.forms.set_aside(beside, beside, Aside::Spoiled)?;
            }
        }
        Ok(())
    }

    /// A reel comes out of the safe: whole rows.
    ///
    /// # Errors
    /// [`RunError::Rows`], [`RunError::Forms`], and those of [`Self::moves`].
    pub fn take_forms(&mut self, first: u64, last: u64) -> Result<(), RunError> {
        self.moves()?;
        check_reel(first, last)?;
        // A row that came out before comes out again as it was.
        let whole = (last - first + 1).is_multiple_of(self.row_len());
        match whole && self.row(first).0 == first {
            true => Ok(self.forms.take(first, last)?),
            false => Err(RunError::Rows(self.across)),
        }
    }
}
