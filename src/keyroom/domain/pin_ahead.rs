//! The paper ran ahead of the records: forms were fed without a mailer, and each
//! mailer behind them lies that much further on. People read where it begins and
//! where it ends; what lies between follows. Which holder gets which PIN is not
//! touched by it: address and PIN are on the same sheet.

use serde::{Deserialize, Serialize};

use super::form_stock::check_reel;
use super::pin_batch::{Mailer, PinBatch, State};
use super::pin_run::{RunError, note};
use super::pin_seen::Shown;

/// A mailer that lies on paper, and that nobody has confirmed.
const ON_PAPER: [State; 2] = [State::Sent, State::Unknown];

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
        if self.row(blank).0 != blank {
            return Err(RunError::Rows(self.across));
        }
        // On record they lie from the first blank one on.
        let end = last - by;
        let (mut cards, mut gaps) = (Vec::new(), Vec::new());
        for form in blank..=end {
            match self.holder_in(form, &ON_PAPER) {
                Ok((card, _)) => cards.push(card),
                Err(_) if self.is_beside(form) => gaps.push(form),
                Err(error) => return Err(error),
            }
        }
        // What stood unused beside the last mailer is a form like any now.
        let beside: Vec<u64> = (end + 1..=self.row(end).1)
            .filter(|form| self.is_beside(*form))
            .collect();
        let reels = self.forms.issued.ranges().iter();
        let mut reel = reels.filter(|(a, b)| (*a..=*b).contains(&blank));
        let (_, reel_end) = *reel.next().ok_or(RunError::Form(blank))?;
        // Reels whose numbers follow one another are one range of the records. A
        // reel is printed from its first form on, so that a mailer behind a form
        // which is blank on record lies on another reel than these.
        let blank_ranges = self.forms.blank.ranges().iter();
        let mut blank_behind = blank_ranges
            .map(|(from, _)| *from)
            .filter(|from| *from > end);
        let to = blank_behind
            .next()
            .map_or(reel_end, |from| reel_end.min(from - 1));
        if let Some(behind) = self.on_paper_between(end + 1, to) {
            return Err(RunError::Behind(behind));
        }
        let free = |form: &u64| self.forms.blank.contains(*form) || beside.contains(form);
        if let Some(form) = (end + 1..=last).find(|form| !free(form)) {
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
        for form in end + 1..=last {
            let from = match self.forms.blank.contains(form) {
                true => &mut self.forms.blank,
                false => &mut self.forms.spoiled,
            };
            from.remove(form, form)?;
        }
        for form in &gaps {
            self.forms.spoiled.remove(*form, *form)?;
        }
        self.forms.spoiled.insert(blank, first - 1)?;
        for form in &gaps {
            self.forms.spoiled.insert(form + by, form + by)?;
        }
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
        self.beside_is_spoiled(last)?;
        let places = (first..=last).filter(|form| !gaps.contains(&(form - by)));
        Ok(cards
            .into_iter()
            .zip(places)
            .map(|(card, form)| Mailer { card, form })
            .collect())
    }

    /// The form left the printer unused, beside a mailer of its row.
    fn is_beside(&self, form: u64) -> bool {
        let first = self.row(form).0;
        first < form && self.forms.spoiled.contains(form) && self.card_on(first).is_some()
    }

    /// The first form of these with a mailer that somebody will look at.
    fn on_paper_between(&self, first: u64, last: u64) -> Option<u64> {
        let forms = self.printed.iter().flat_map(|stretch| {
            let from = stretch.from.form.max(first);
            let end = stretch.from.form.saturating_add(stretch.count.into());
            from..end.min(last.saturating_add(1))
        });
        forms
            .filter(|form| self.holder_in(*form, &ON_PAPER).is_ok())
            .min()
    }
}
