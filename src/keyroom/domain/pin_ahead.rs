//! The paper ran ahead of the records: forms were fed without a mailer, and each
//! mailer behind them lies that much further on. People read where it begins and
//! where it ends; what lies between follows. Which holder gets which PIN is not
//! touched by it: address and PIN are on the same sheet.

use serde::{Deserialize, Serialize};

use super::form_stock::check_reel;
use super::pin_batch::{Mailer, PinBatch, State};
use super::pin_run::{RunError, note};
use super::pin_seen::Shown;

/// What two people read on paper that is ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ahead {
    /// The first form that was fed without a mailer.
    pub blank: u64,
    /// The first form behind it with a mailer.
    pub first: u64,
    /// The last form with a mailer.
    pub last: u64,
    /// The mailers on these two.
    pub shown: Shown,
}

impl Ahead {
    /// How many forms were fed without a mailer.
    #[must_use]
    pub fn by(&self) -> u64 {
        self.first.saturating_sub(self.blank)
    }
}

impl PinBatch {
    /// Moves the records to where the paper is. The forms that were fed without
    /// a mailer are spoiled. Each mailer that lies elsewhere now, and its form.
    ///
    /// # Errors
    /// [`RunError::Reading`] for forms in another order, [`RunError::Rows`] for
    /// part of a row, [`RunError::Form`] where one of them has no mailer on
    /// record that waits to be looked at, [`RunError::Behind`] where mailers on
    /// record lie behind the last one, [`RunError::NotBlank`] where the paper
    /// would lie on forms that are not blank on record, [`RunError::Shows`] where
    /// the two ends show others than the records would have there. Then nothing
    /// changes.
    pub fn move_ahead(&mut self, ahead: &Ahead) -> Result<Vec<Mailer>, RunError> {
        self.moves()?;
        let Ahead {
            blank,
            first,
            last,
            shown,
        } = *ahead;
        check_reel(blank, last)?;
        if blank >= first || first > last {
            return Err(RunError::Reading);
        }
        let by = ahead.by();
        if !by.is_multiple_of(self.across.max(1).into()) {
            return Err(RunError::Rows(self.across));
        }
        // On record they lie from the first blank one on.
        let end = last - by;
        let mut cards = Vec::new();
        for form in blank..=end {
            let (card, _) = self.holder_in(form, &[State::Sent, State::Unknown])?;
            cards.push(card);
        }
        let reels = self.forms.issued.ranges().iter();
        let mut reel = reels.filter(|(a, b)| (*a..=*b).contains(&blank));
        let (_, reel_end) = *reel.next().ok_or(RunError::Form(blank))?;
        if let Some(behind) = (end + 1..=reel_end).find(|form| self.card_on(*form).is_some()) {
            return Err(RunError::Behind(behind));
        }
        if let Some(form) = (end + 1..=last).find(|form| !self.forms.blank.contains(*form)) {
            return Err(RunError::NotBlank(form));
        }
        for (form, shows, there) in [
            (first, shown.first, cards.first()),
            (last, shown.last, cards.last()),
        ] {
            if there != Some(&shows) {
                return Err(RunError::Shows { form, shows });
            }
        }
        self.forms.blank.remove(end + 1, last)?;
        self.forms.spoiled.insert(blank, first - 1)?;
        for stretch in std::mem::take(&mut self.printed) {
            for at in 0..stretch.count {
                let mut form = stretch.from.form + u64::from(at);
                if (blank..=end).contains(&form) {
                    form += by;
                }
                let card = stretch.from.card + at;
                note(&mut self.printed, Mailer { card, form });
            }
        }
        Ok(cards
            .into_iter()
            .zip(first..)
            .map(|(card, form)| Mailer { card, form })
            .collect())
    }
}
