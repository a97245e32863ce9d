//! Each mailer exactly once.
//!
//! A printer cannot say that ink reached paper. So each card goes through
//! states of which the one before the first byte, *intent*, is on disk before
//! it, and what is found in it after a restart is *unknown*: people look at the
//! numbered forms and say what became of them. Nothing is printed twice by
//! itself, and a replacement has another PIN, or the card is cancelled.
//!
//! Pure: every change is a function of the batch, and of the card it is about.

use super::form_stock::{BatchForms, FormsError};
use super::pin_batch::{LostOutput, Mailer, PinBatch, Signing, State, Stretch};
use super::ranges::{RangeError, Ranges};

/// Most mailers of one window.
pub const MOST_WINDOW: usize = 64;

/// Why a change does not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// No such card.
    #[error("the batch has no card {0}")]
    NoCard(u64),
    /// The card is elsewhere.
    #[error("card {card} is {}, so this does not follow", .state.words())]
    State {
        /// The card, from 1.
        card: u64,
        /// Where it is.
        state: State,
    },
    /// The form has no mailer of this batch that waits for this.
    #[error(
        "form {0} has no mailer of this batch that could be meant; where forms were left out, those \
         before and behind them are said apart"
    )]
    Form(u64),
    /// A form shows another mailer than the records have on it, and one that
    /// they have on an earlier form. What they have there is not told: people
    /// read it, and do not copy it.
    #[error(
        "form {form} shows mailer {shows}: the paper is ahead of the records by {by}, so a form was \
         fed without a mailer"
    )]
    Ahead {
        /// The form.
        form: u64,
        /// The mailer's number on it.
        shows: u32,
        /// How many forms later than on record it lies.
        by: u64,
    },
    /// A form shows another mailer than the records have on it.
    #[error("form {form} shows mailer {shows}, and on record that is not there")]
    Shows {
        /// The form.
        form: u64,
        /// The mailer's number on it.
        shows: u32,
    },
    /// A form that people saw blank has a mailer on record.
    #[error("form {0} has a mailer on record: its number is read")]
    NotBlank(u64),
    /// What was read on the forms is missing, or is of no such forms.
    #[error("what was read on the forms does not go with what is said of them")]
    Reading,
    /// Blank forms.
    #[error(transparent)]
    Forms(#[from] FormsError),
    /// Nothing waits.
    #[error("no mailer waits")]
    NothingWaits,
    /// No blank form is left.
    #[error("the blank forms are used up: take out another reel")]
    NoForms,
    /// Another form lies in the printer than the next one of the records.
    #[error("form {lies} lies in the printer, and the next blank one on record is {next}")]
    OtherForm {
        /// What people read there.
        lies: u64,
        /// What comes next.
        next: u64,
    },
    /// A form of a row whose other form is not blank any more.
    #[error("form {0} stands beside one that is not blank: a row is printed whole")]
    Half(u64),
    /// Mailers on record lie behind the last one that was read.
    #[error("form {0} has a mailer on record, and it lies further on too")]
    Behind(u64),
    /// Part of a row.
    #[error("{0} forms stand beside one another on this paper: whole rows come out")]
    Rows(u8),
    /// A window was cut.
    #[error(
        "{0} mailers were about to be printed when the station stopped: say what became of them first"
    )]
    Interrupted(usize),
    /// Not all of the form's bytes left.
    #[error("not all of form {0} left the station: it is no mailer, whatever it looks like")]
    CutShort(u64),
    /// Something is unknown or not yet confirmed.
    #[error("{0} mailers are neither confirmed nor cancelled")]
    Open(u64),
    /// The forms do not add up.
    #[error("{0} blank forms are unaccounted for")]
    Stock(u64),
    /// The records contradict themselves.
    #[error("{0} forms more are accounted for than were taken out")]
    Surplus(u64),
    /// The output has left.
    #[error("the output has left: nothing in this batch changes any more")]
    Over,
    /// A restored batch has blank forms on record.
    #[error("{0} blank forms are with the batch on record")]
    Blank(u64),
    /// No higher limits, or a batch of which nothing is replaced.
    #[error("these are no higher limits of a batch whose mailers are replaced")]
    Limits,
    /// There is no output that could have been lost.
    #[error("no output of this batch is on its way")]
    NoOutput,
}

impl From<RangeError> for RunError {
    fn from(error: RangeError) -> Self {
        Self::Forms(error.into())
    }
}

/// How a window ended: its first mailers left whole, the next may have, and of
/// the rest no byte has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Mailers that left whole.
    pub sent: usize,
    /// Mailers of which bytes may have left.
    pub unknown: usize,
    /// TRUE when it is known that not all bytes of those left.
    pub cut_short: bool,
}

/// Numbers for the reconciliation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Cards of the file.
    pub input: u64,
    /// Confirmed mailers.
    pub confirmed: u64,
    /// Cancelled cards.
    pub cancelled: u64,
    /// Cards in no last state.
    pub open: u64,
    /// Of these, unknown.
    pub unknown: u64,
    /// Blank forms that were taken out.
    pub issued: u64,
    /// Forms destroyed, or found blank.
    pub spoiled: u64,
    /// Forms that are not there: an incident.
    pub missing: u64,
    /// Forms with test prints.
    pub test: u64,
    /// Forms that went back.
    pub returned: u64,
}

impl Balance {
    /// Forms of which people said what became of them.
    fn accounted(&self) -> u64 {
        let each = [self.spoiled, self.missing, self.test, self.returned];
        each.into_iter().fold(self.confirmed, u64::saturating_add)
    }

    /// Forms that nothing accounts for.
    #[must_use]
    pub fn unaccounted(&self) -> u64 {
        self.issued.saturating_sub(self.accounted())
    }
}

impl PinBatch {
    /// Where a card is.
    #[must_use]
    pub fn state_of(&self, card: u32) -> Option<State> {
        if self.window.iter().any(|mailer| mailer.card == card) {
            return Some(State::Intent);
        }
        let sets = [
            (&self.cards.waiting, State::Queued),
            (&self.cards.sent, State::Sent),
            (&self.cards.confirmed, State::Confirmed),
            (&self.cards.unknown, State::Unknown),
            (&self.cards.cancelled, State::Cancelled),
        ];
        let found = sets.iter().find(|(set, _)| set.contains(card.into()));
        found.map(|(_, state)| *state)
    }

    /// The card whose mailer is, or was, on this form.
    #[must_use]
    pub fn card_on(&self, form: u64) -> Option<u32> {
        let on = |stretch: &&Stretch| {
            let after = form.checked_sub(stretch.from.form);
            after.is_some_and(|after| after < u64::from(stretch.count))
        };
        let stretch = self.printed.iter().rev().find(on)?;
        let after = form.checked_sub(stretch.from.form)?;
        stretch.from.card.checked_add(u32::try_from(after).ok()?)
    }

    pub(super) fn in_state(&self, card: u32, may: &[State]) -> Result<(), RunError> {
        match self.state_of(card) {
            Some(state) if may.contains(&state) => Ok(()),
            Some(state) => Err(RunError::State {
                card: card.into(),
                state,
            }),
            None => Err(RunError::NoCard(card.into())),
        }
    }

    pub(super) fn leave(&mut self, card: u32) -> Result<(), RunError> {
        let card = u64::from(card);
        let cards = &mut self.cards;
        for set in [
            &mut cards.waiting,
            &mut cards.sent,
            &mut cards.confirmed,
            &mut cards.unknown,
        ] {
            if set.contains(card) {
                set.remove(card, card)?;
                if cards.cut_short.contains(card) {
                    cards.cut_short.remove(card, card)?;
                }
                return Ok(());
            }
        }
        Err(RunError::NoCard(card))
    }

    /// Nothing moves while a window is unsettled, or after an output has left:
    /// where it did not arrive, the next one says the same.
    ///
    /// # Errors
    /// [`RunError::Interrupted`], [`RunError::Over`]
    pub fn moves(&self) -> Result<(), RunError> {
        match self.lost_outputs.is_empty() {
            true => self.is_open(),
            false => Err(RunError::Over),
        }
    }

    /// No output is on its way.
    fn is_open(&self) -> Result<(), RunError> {
        if self.exported.is_some() || self.purged_ms.is_some() {
            return Err(RunError::Over);
        }
        match self.window.len() {
            0 => Ok(()),
            cut => Err(RunError::Interrupted(cut)),
        }
    }

    /// Chooses the next cards that wait, at most `most`, and the blank forms
    /// from `lies` on, which lies in the printer, as the window that is about to
    /// be printed: up to the first gap in their numbers, in whole rows. The
    /// record goes to disk before any byte goes to the printer.
    ///
    /// # Errors
    /// [`RunError::NothingWaits`], [`RunError::NoForms`],
    /// [`RunError::OtherForm`], [`RunError::Half`], and those of
    /// [`Self::moves`].
    pub fn intend(&mut self, most: usize, lies: u64) -> Result<&[Mailer], RunError> {
        self.moves()?;
        let cards = self.cards.waiting.first(most.clamp(1, MOST_WINDOW));
        if cards.is_empty() {
            return Err(RunError::NothingWaits);
        }
        let forms = self.forms_from(lies)?;
        let mut window = Vec::with_capacity(cards.len());
        for (number, form) in cards.into_iter().zip(forms) {
            self.cards.waiting.remove(number, number)?;
            self.forms.blank.remove(form, form)?;
            let card = u32::try_from(number).map_err(|_| RunError::NoCard(number))?;
            window.push(Mailer { card, form });
        }
        for mailer in &window {
            note(&mut self.printed, *mailer);
        }
        self.window = window;
        Ok(&self.window)
    }

    /// The window is over. The cards of which no byte has left wait again, and
    /// their forms are blank.
    ///
    /// # Errors
    /// [`RunError::NoCard`] for more mailers than the window has.
    pub fn printed(&mut self, left: Left) -> Result<(), RunError> {
        let Left {
            sent,
            unknown,
            cut_short,
        } = left;
        let window = std::mem::take(&mut self.window);
        if sent.saturating_add(unknown) > window.len() {
            return Err(RunError::NoCard(sent as u64));
        }
        let mut left = window.iter().take(sent + unknown);
        let last = left.next_back().map(|mailer| mailer.form);
        for (at, Mailer { card, form }) in window.into_iter().enumerate() {
            let number = u64::from(card);
            if at < sent {
                self.cards.sent.insert(number, number)?;
            } else if at < sent + unknown {
                self.cards.unknown.insert(number, number)?;
                if cut_short {
                    self.cards.cut_short.insert(number, number)?;
                }
            } else {
                self.cards.waiting.insert(number, number)?;
                self.forms.blank.insert(form, form)?;
                forget(&mut self.printed, form);
            }
        }
        match last {
            Some(form) => self.beside_is_spoiled(form),
            None => Ok(()),
        }
    }

    /// Found after a restart: what was about to be printed is unknown.
    ///
    /// # Errors
    /// As [`Self::printed`]; never for a window of [`Self::intend`].
    pub fn interrupted(&mut self) -> Result<usize, RunError> {
        let cut = self.window.len();
        self.printed(Left {
            unknown: cut,
            ..Left::default()
        })?;
        Ok(cut)
    }

    /// Cards that wait are not issued after all. How many that were.
    ///
    /// # Errors
    /// [`RunError::State`], [`RunError::NoCard`]; then nothing changes.
    pub fn cancel(&mut self, first: u32, last: u32) -> Result<u64, RunError> {
        self.moves()?;
        if last < first {
            return Err(RangeError::Backwards(first.into(), last.into()).into());
        }
        // The one that does not wait is named.
        let none = self.count.saturating_add(1).max(first);
        for card in first..=last.min(none) {
            self.in_state(card, &[State::Queued])?;
        }
        let (first, last) = (u64::from(first), u64::from(last));
        self.cards.waiting.remove(first, last)?;
        self.cards.cancelled.insert(first, last)?;
        Ok(last - first + 1)
    }

    /// All blank forms that are left, which go back into the safe.
    ///
    /// # Errors
    /// [`RunError::Forms`]
    pub fn return_rest(&mut self) -> Result<Ranges, RunError> {
        self.moves()?;
        let rest = self.forms.blank.clone();
        for (first, last) in rest.ranges() {
            let aside = super::form_stock::Aside::Returned;
            self.forms.set_aside(*first, *last, aside)?;
        }
        Ok(rest)
    }

    /// The numbers.
    #[must_use]
    pub fn balance(&self) -> Balance {
        let (confirmed, cancelled) = (self.cards.confirmed.count(), self.cards.cancelled.count());
        let input = u64::from(self.count);
        let BatchForms {
            issued,
            test,
            spoiled,
            missing,
            returned,
            lost,
            gone,
            ..
        } = &self.forms;
        Balance {
            input,
            confirmed,
            cancelled,
            open: input.saturating_sub(confirmed + cancelled),
            unknown: self.cards.unknown.count(),
            issued: issued.count(),
            spoiled: spoiled.count() + lost,
            missing: missing.count() + gone,
            test: test.count(),
            returned: returned.count(),
        }
    }

    /// Whether the output may leave: every card is confirmed or cancelled, and
    /// every form is accounted for.
    ///
    /// # Errors
    /// [`RunError::Open`], [`RunError::Stock`], [`RunError::Surplus`], and those
    /// of [`Self::moves`].
    pub fn may_export(&self) -> Result<Balance, RunError> {
        self.is_open()?;
        let balance = self.balance();
        if balance.open > 0 {
            return Err(RunError::Open(balance.open));
        }
        match balance.accounted().checked_sub(balance.issued) {
            None => Err(RunError::Stock(balance.unaccounted())),
            Some(0) => Ok(balance),
            Some(more) => Err(RunError::Surplus(more)),
        }
    }

    /// The output that left did not reach its issuer, and never will: another
    /// may be written, which says the same. The sheet of numbers is signed
    /// again, as it names the output.
    ///
    /// # Errors
    /// [`RunError::NoOutput`]; [`RunError::Over`] for a batch that is purged.
    pub fn lose_output(&mut self, reason: String, signed: Signing) -> Result<(), RunError> {
        if self.purged_ms.is_some() {
            return Err(RunError::Over);
        }
        let output = self.exported.take().ok_or(RunError::NoOutput)?;
        self.reconciled = None;
        self.lost_outputs.push(LostOutput {
            output,
            reason,
            signed,
        });
        Ok(())
    }
}

/// Remembers which form a card is on.
pub(super) fn note(printed: &mut Vec<Stretch>, mailer: Mailer) {
    if let Some(last) = printed.last_mut() {
        let follows = last.from.card.checked_add(last.count) == Some(mailer.card)
            && last.from.form.checked_add(last.count.into()) == Some(mailer.form);
        if follows {
            last.count += 1;
            return;
        }
    }
    printed.push(Stretch {
        from: mailer,
        count: 1,
    });
}

/// Nothing was printed on this form, which is one of the newest.
fn forget(printed: &mut Vec<Stretch>, form: u64) {
    for at in (0..printed.len()).rev() {
        let Some(stretch) = printed.get_mut(at) else {
            return;
        };
        let after = form.checked_sub(stretch.from.form);
        let Some(kept) = after.filter(|after| *after < u64::from(stretch.count)) else {
            continue;
        };
        // The forms of one window are forgotten from the first on, and what
        // follows in the stretch with them: each is asked for in its turn.
        stretch.count = u32::try_from(kept).unwrap_or(stretch.count);
        if stretch.count == 0 {
            printed.remove(at);
        }
        return;
    }
}

#[cfg(test)]
#[path = "pin_run_tests.rs"]
mod tests;
