//! What two people say of printed forms, with the mailers' numbers that they
//! read on them.
//!
//! Which card is on which form is arithmetic, from the form on that lay in the
//! printer. A form that is fed without a mailer moves the paper against the
//! records. So whoever says something of printed forms reads what stands outside
//! on the first and the last of them: `17` of *17 of 200*. Paper gets ahead of
//! the records and never back: where both ends are right, all between them is.

use serde::{Deserialize, Serialize};

use super::form_stock::{Aside, check_reel};
use super::pin_batch::{Limits, PinBatch, Raised, Signing, State};
use super::pin_card::{Loss, Lost, PinCard};
use super::pin_run::RunError;

/// What was read on the first and the last form of a range; twice the same for
/// one form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// The mailer's number on the first form.
    pub first: u32,
    /// The mailer's number on the last form.
    pub last: u32,
}

impl Shown {
    /// `what is printed on it: mailer 17`
    #[must_use]
    pub fn words(&self) -> String {
        match self.first == self.last {
            true => format!("what is printed on it: mailer {}", self.first),
            false => format!(
                "what is printed on the first: mailer {}; on the last: mailer {}",
                self.first, self.last
            ),
        }
    }
}

/// What was read on forms that are no mailers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Reading {
    /// On the first and the last.
    Shown(Shown),
    /// They are too damaged for it, or not there, or show others than they
    /// should.
    Nothing,
    /// They are blank: what the form behind the last of them shows, nothing
    /// where that is blank too. A form that was fed without a mailer has its
    /// mailer there.
    Next(Option<u32>),
}

impl Reading {
    /// For signers.
    #[must_use]
    pub fn words(&self, last: u64) -> String {
        let next = last.saturating_add(1);
        match self {
            Self::Shown(shown) => shown.words(),
            Self::Nothing => "no mailer's number was compared".into(),
            Self::Next(Some(mailer)) => {
                format!("form {next} behind it shows mailer {mailer}")
            }
            Self::Next(None) => format!("form {next} behind it is blank, or not there"),
        }
    }
}

/// Forms that are no mailers, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spoiled {
    /// The first form.
    pub first: u64,
    /// The last form.
    pub last: u64,
    /// What became of them.
    pub loss: Loss,
    /// What was read on them.
    pub reading: Reading,
}

impl PinBatch {
    /// The card whose mailer is on this form now, if it is in this state.
    ///
    /// # Errors
    /// [`RunError::Form`]
    pub fn holder(&self, form: u64, state: State) -> Result<u32, RunError> {
        self.holder_in(form, &[state]).map(|(card, _)| card)
    }

    pub(super) fn holder_in(&self, form: u64, may: &[State]) -> Result<(u32, State), RunError> {
        let card = self.card_on(form).ok_or(RunError::Form(form))?;
        // A card that was lost once is on a later form now.
        match self.state_of(card) {
            Some(state) if may.contains(&state) && self.form_of(card) == Some(form) => {
                Ok((card, state))
            }
            _ => Err(RunError::Form(form)),
        }
    }

    /// The newest form that the card was about to be on.
    pub(super) fn form_of(&self, card: u32) -> Option<u64> {
        self.printed.iter().rev().find_map(|stretch| {
            let after = card.checked_sub(stretch.from.card)?;
            let on = after < stretch.count;
            on.then(|| stretch.from.form.checked_add(after.into()))?
        })
    }

    /// A form shows what the records have on it.
    fn compare(&self, form: u64, shows: u32) -> Result<(), RunError> {
        if self.card_on(form) == Some(shows) {
            return Ok(());
        }
        let on = self.form_of(shows);
        match on.and_then(|on| form.checked_sub(on)).filter(|by| *by > 0) {
            Some(by) => Err(RunError::Ahead { form, shows, by }),
            None => Err(RunError::Shows { form, shows }),
        }
    }

    fn compare_ends(&self, first: u64, last: u64, shown: Shown) -> Result<(), RunError> {
        self.compare(first, shown.first)?;
        self.compare(last, shown.last)
    }

    /// Two people hold the printed forms from `first` to `last`: whole, closed, of
    /// these numbers, and with these mailers on the first and the last. How many
    /// that were. `from` is [`State::Sent`], or [`State::Unknown`] where nobody
    /// knew of them.
    ///
    /// # Errors
    /// [`RunError::Form`] where one of them has no mailer that waits for it,
    /// [`RunError::Ahead`] and [`RunError::Shows`] where the paper is not what
    /// the records have, [`RunError::CutShort`] where not all bytes of one left;
    /// then nothing changes.
    pub fn confirm(
        &mut self,
        (first, last): (u64, u64),
        shown: Shown,
        from: State,
    ) -> Result<u32, RunError> {
        self.moves()?;
        check_reel(first, last)?;
        let mut cards = Vec::new();
        for form in first..=last {
            let card = self.holder(form, from)?;
            if self.cards.cut_short.contains(card.into()) {
                return Err(RunError::CutShort(form));
            }
            cards.push(card);
        }
        self.compare_ends(first, last, shown)?;
        for card in &cards {
            self.leave(*card)?;
            let number = u64::from(*card);
            self.cards.confirmed.insert(number, number)?;
        }
        Ok(cards.len() as u32)
    }

    /// The cards whose mailers are on forms that are none; each of them goes
    /// through [`Self::spoil`] after that. Behind a form that was fed without a
    /// mailer, forms that are blank on record have mailers too: these are
    /// spoiled here. Nothing changes where it fails.
    ///
    /// # Errors
    /// [`RunError::Form`], [`RunError::Ahead`], [`RunError::Shows`],
    /// [`RunError::NotBlank`], [`RunError::Reading`] and those of
    /// [`Self::moves`].
    pub fn lost_on(&mut self, spoiled: &Spoiled, from: &[State]) -> Result<Vec<u32>, RunError> {
        self.moves()?;
        let Spoiled {
            first,
            last,
            loss,
            reading,
        } = *spoiled;
        check_reel(first, last)?;
        if loss == Loss::Behind {
            return match reading {
                Reading::Nothing => self.all_behind(first, last),
                _ => Err(RunError::Reading),
            };
        }
        let mut cards = Vec::new();
        for form in first..=last {
            let (card, state) = self.holder_in(form, from)?;
            // Two people saw that it is a mailer.
            if loss == Loss::Blank && state == State::Confirmed {
                return Err(RunError::Form(form));
            }
            cards.push(card);
        }
        match (loss, reading) {
            (Loss::Damaged, Reading::Shown(shown)) => self.compare_ends(first, last, shown)?,
            (Loss::Damaged | Loss::Missing, Reading::Nothing) => {}
            (Loss::Blank, Reading::Next(shows)) => self.compare_next(last + 1, shows)?,
            _ => return Err(RunError::Reading),
        }
        Ok(cards)
    }

    /// What lies behind forms that are blank.
    fn compare_next(&self, form: u64, shows: Option<u32>) -> Result<(), RunError> {
        match shows {
            Some(shows) => self.compare(form, shows),
            None => match self.holder_in(form, &[State::Sent, State::Confirmed]) {
                Ok(_) => Err(RunError::NotBlank(form)),
                Err(_) => Ok(()),
            },
        }
    }

    /// All forms of a range, of whatever became of them until now.
    fn all_behind(&mut self, first: u64, last: u64) -> Result<Vec<u32>, RunError> {
        let may = [State::Sent, State::Unknown, State::Confirmed];
        let (mut cards, mut blank) = (Vec::new(), Vec::new());
        for form in first..=last {
            if !self.forms.issued.contains(form) {
                return Err(RunError::Form(form));
            }
            if let Ok((card, _)) = self.holder_in(form, &may) {
                cards.push(card);
            } else if self.forms.blank.contains(form) {
                blank.push(form);
            }
        }
        // There is no paper ahead of a mailer that the records do not have.
        if cards.is_empty() {
            return Err(RunError::Form(first));
        }
        for form in blank {
            self.forms.set_aside(form, form, Aside::Spoiled)?;
        }
        Ok(cards)
    }

    /// The form is no mailer. The card waits for another PIN, or is cancelled
    /// where its PIN cannot change, or was tried often enough, or the batch has
    /// no replacement left. A form that two people saw blank was never printed
    /// on; its PIN is replaced like any. A mailer that was confirmed may be found
    /// open or gone until the output leaves.
    ///
    /// # Errors
    /// [`RunError::State`]; [`RunError::NoCard`]
    pub fn spoil(&mut self, card: &mut PinCard, loss: Loss, now: u64) -> Result<State, RunError> {
        self.moves()?;
        let may = [State::Sent, State::Unknown, State::Confirmed];
        self.in_state(card.number, &may)?;
        let form = card.form.ok_or(RunError::NoCard(card.number.into()))?;
        self.leave(card.number)?;
        card.form = None;
        card.tracking = None;
        let values = card.values.take();
        card.lost.push(Lost {
            attempt: card.attempt,
            form,
            loss,
            check: values.and_then(|values| values.check().cloned()),
            at_ms: now,
        });
        match loss {
            Loss::Missing => self.forms.gone += 1,
            Loss::Damaged | Loss::Blank | Loss::Behind => self.forms.lost += 1,
        }
        let number = u64::from(card.number);
        let again = card.attempt < self.limits.tries && self.replaced < self.limits.replacements;
        if self.replaces && again {
            self.replaced += 1;
            self.cards.waiting.insert(number, number)?;
            return Ok(State::Queued);
        }
        self.cards.cancelled.insert(number, number)?;
        Ok(State::Cancelled)
    }

    /// More may be replaced than was signed for when the batch was opened: of
    /// one card, of the batch, or of both.
    ///
    /// # Errors
    /// [`RunError::Limits`] where that is no more, or more than there are cards,
    /// or where nothing of this batch is replaced: its method fixes the PIN, or a
    /// restore lost a range of it. Those of [`Self::moves`].
    pub fn raise_limits(
        &mut self,
        to: Limits,
        reason: String,
        signed: Signing,
    ) -> Result<(), RunError> {
        self.moves()?;
        let from = self.limits;
        let lower = to.tries < from.tries || to.replacements < from.replacements;
        let fixed = !self.replaces || self.lost_a_range;
        if lower || to == from || fixed || to.replacements > self.count {
            return Err(RunError::Limits);
        }
        self.limits = to;
        self.raised.push(Raised {
            from,
            to,
            reason,
            signed,
        });
        Ok(())
    }
}
