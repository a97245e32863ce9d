//! Each mailer exactly once.
//!
//! A printer cannot say that ink reached paper. So each card goes through
//! states of which the one before the first byte, *intent*, is on disk before
//! it, and what is found in it after a restart is *unknown*: people look at the
//! numbered forms and say what became of them. Nothing is printed twice by
//! itself, and a replacement has another PIN, or the card is cancelled.
//!
//! Pure: the run is a value, every change is a function of it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// How far a card's mailer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Waits.
    Queued,
    /// About to be printed: written before the first byte.
    Intent,
    /// All bytes have left the station.
    Sent,
    /// Two people saw the form, sealed and whole.
    Confirmed,
    /// Nobody knows whether it was printed.
    Unknown,
    /// Not issued: the card is reissued, and the output says so.
    Cancelled,
}

/// Why a form is not a mailer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// Torn, jammed, badly printed, open: destroyed under witness.
    Damaged,
    /// Not there: an incident.
    Missing,
    /// Found blank.
    Blank,
}

/// A form that was lost to a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lost {
    /// The card, from 0.
    pub card: usize,
    /// Which try it was, from 1.
    pub attempt: u16,
    /// The form's number.
    pub form: u64,
    /// What became of it.
    pub loss: Loss,
}

/// One card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// How far it is.
    pub state: State,
    /// How often a PIN was made for it.
    pub attempt: u16,
    /// The form that it is on, or was last.
    pub form: Option<u64>,
}

/// The highest number of a form: eighteen digits.
pub const LAST_FORM: u64 = 999_999_999_999_999_999;

/// Numbered blank forms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stock {
    /// Reels that were taken out: first and last number, both included.
    pub issued: Vec<(u64, u64)>,
    /// Forms with test prints.
    pub test: BTreeSet<u64>,
    /// Forms that went back into the safe.
    pub returned: BTreeSet<u64>,
}

/// A batch on its way through the printer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The cards, in the order of the file.
    pub items: Vec<Item>,
    /// Forms that were lost.
    pub lost: Vec<Lost>,
    /// Blank forms.
    pub stock: Stock,
    /// Whether a card may get another PIN.
    pub replaceable: bool,
    /// Most tries for one card.
    pub most_attempts: u16,
}

/// Why a change does not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// No such card.
    #[error("the batch has no card {0}")]
    NoCard(usize),
    /// The card is elsewhere.
    #[error("card {card} is {}, so this does not follow", .state.words())]
    State {
        /// The card, from 1.
        card: usize,
        /// Where it is.
        state: State,
    },
    /// The form was not taken out, or is used.
    #[error("form {0} is not one of the blank forms of this run")]
    Form(u64),
    /// Reels that overlap, or run backwards.
    #[error("forms {0} to {1} are no reel, or are here already")]
    Reel(u64, u64),
    /// Nothing waits.
    #[error("no mailer waits")]
    NothingWaits,
    /// Something is unknown or not yet confirmed.
    #[error("{0} mailers are neither confirmed nor cancelled")]
    Open(usize),
    /// The forms do not add up.
    #[error("{0} blank forms are unaccounted for")]
    Stock(u64),
}

impl State {
    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Queued => "waiting",
            Self::Intent => "about to be printed",
            Self::Sent => "printed, not yet confirmed",
            Self::Confirmed => "confirmed",
            Self::Unknown => "unknown",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Numbers for the reconciliation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// Forms destroyed, missing or found blank.
    pub spoiled: u64,
    /// Forms with test prints.
    pub test: u64,
    /// Forms that went back.
    pub returned: u64,
}

impl Balance {
    /// Forms that nothing accounts for.
    #[must_use]
    pub fn missing_forms(&self) -> u64 {
        self.issued
            .saturating_sub(self.confirmed + self.spoiled + self.test + self.returned)
    }
}

impl Run {
    /// A run over so many cards. `replaceable` is the method's.
    #[must_use]
    pub fn new(cards: usize, replaceable: bool, most_attempts: u16) -> Self {
        let item = Item {
            state: State::Queued,
            attempt: 0,
            form: None,
        };
        Self {
            items: vec![item; cards],
            lost: Vec::new(),
            stock: Stock::default(),
            replaceable,
            most_attempts,
        }
    }

    fn item(&mut self, card: usize, may: &[State]) -> Result<&mut Item, RunError> {
        let item = self.items.get_mut(card).ok_or(RunError::NoCard(card + 1))?;
        let state = item.state;
        match may.contains(&state) {
            true => Ok(item),
            false => Err(RunError::State {
                card: card + 1,
                state,
            }),
        }
    }

    /// Blank forms come out of the safe: at most a million with one reel, of
    /// numbers up to [`LAST_FORM`].
    ///
    /// # Errors
    /// [`RunError::Reel`]
    pub fn take_forms(&mut self, first: u64, last: u64) -> Result<(), RunError> {
        let overlaps = |(a, b): &(u64, u64)| *a <= last && first <= *b;
        let long = last.checked_sub(first).is_none_or(|more| more >= 1_000_000);
        if long || last > LAST_FORM || self.stock.issued.iter().any(overlaps) {
            return Err(RunError::Reel(first, last));
        }
        self.stock.issued.push((first, last));
        Ok(())
    }

    fn used(&self) -> BTreeSet<u64> {
        let items = self.items.iter().filter_map(|item| item.form);
        let lost = self.lost.iter().map(|lost| lost.form);
        let stock = self.stock.test.iter().chain(&self.stock.returned).copied();
        items.chain(lost).chain(stock).collect()
    }

    /// The blank forms that are left, in order.
    #[must_use]
    pub fn blank(&self) -> Vec<u64> {
        let used = self.used();
        let all = self.stock.issued.iter().flat_map(|(a, b)| *a..=*b);
        all.filter(|form| !used.contains(form)).collect()
    }

    /// A form got a test print, or went back. It must be blank.
    ///
    /// # Errors
    /// [`RunError::Form`]
    pub fn set_aside(&mut self, form: u64, returned: bool) -> Result<(), RunError> {
        if !self.blank().contains(&form) {
            return Err(RunError::Form(form));
        }
        match returned {
            true => self.stock.returned.insert(form),
            false => self.stock.test.insert(form),
        };
        Ok(())
    }

    /// All blank forms that are left go back into the safe. How many.
    pub fn return_rest(&mut self) -> usize {
        let rest = self.blank();
        self.stock.returned.extend(&rest);
        rest.len()
    }

    /// Chooses the next cards that wait, at most `window`, and the next blank
    /// forms, and sets them to *intent*. This goes to disk before any byte goes
    /// to the printer; one call is one window.
    ///
    /// # Errors
    /// [`RunError::NothingWaits`]; [`RunError::Form`] where no form is left.
    pub fn intend(&mut self, window: usize) -> Result<Vec<usize>, RunError> {
        let waits = |item: &Item| item.state == State::Queued;
        let cards: Vec<usize> = (0..self.items.len())
            .filter(|card| waits(&self.items[*card]))
            .take(window)
            .collect();
        if cards.is_empty() {
            return Err(RunError::NothingWaits);
        }
        let forms: Vec<u64> = self.blank().into_iter().take(cards.len()).collect();
        if forms.len() < cards.len() {
            let last = self
                .stock
                .issued
                .last()
                .map_or(0, |(_, last)| last.saturating_add(1));
            return Err(RunError::Form(last));
        }
        for (card, form) in cards.iter().zip(forms) {
            let item = &mut self.items[*card];
            item.state = State::Intent;
            item.attempt += 1;
            item.form = Some(form);
        }
        Ok(cards)
    }

    /// All bytes of a card's mailer have left.
    ///
    /// # Errors
    /// [`RunError::State`]
    pub fn sent(&mut self, card: usize) -> Result<(), RunError> {
        self.item(card, &[State::Intent])?.state = State::Sent;
        Ok(())
    }

    /// Found after a restart, or when the printer failed: what was about to be
    /// printed is unknown. How many are.
    pub fn interrupted(&mut self) -> usize {
        let mut count = 0;
        for item in &mut self.items {
            if item.state == State::Intent {
                item.state = State::Unknown;
                count += 1;
            }
        }
        count
    }

    /// Two people hold the form: whole, closed, of this number.
    ///
    /// # Errors
    /// [`RunError::State`]; [`RunError::Form`] where it is another form.
    pub fn confirm(&mut self, card: usize, form: u64) -> Result<(), RunError> {
        let item = self.item(card, &[State::Sent, State::Unknown])?;
        if item.form != Some(form) {
            return Err(RunError::Form(form));
        }
        item.state = State::Confirmed;
        Ok(())
    }

    /// The form is no mailer. The card waits for another PIN, or is cancelled
    /// where its PIN cannot change or was tried often enough. A form that two
    /// people saw blank was never printed on; its PIN is replaced like any.
    ///
    /// # Errors
    /// [`RunError::State`]
    pub fn spoil(&mut self, card: usize, loss: Loss) -> Result<State, RunError> {
        let (replaceable, most) = (self.replaceable, self.most_attempts);
        let item = self.item(card, &[State::Sent, State::Unknown])?;
        let form = item.form.take().ok_or(RunError::NoCard(card + 1))?;
        let attempt = item.attempt;
        item.state = match replaceable && attempt < most {
            true => State::Queued,
            false => State::Cancelled,
        };
        let state = item.state;
        self.lost.push(Lost {
            card,
            attempt,
            form,
            loss,
        });
        Ok(state)
    }

    /// A card that waits is not issued after all.
    ///
    /// # Errors
    /// [`RunError::State`]
    pub fn cancel(&mut self, card: usize) -> Result<(), RunError> {
        self.item(card, &[State::Queued])?.state = State::Cancelled;
        Ok(())
    }

    /// The numbers.
    #[must_use]
    pub fn balance(&self) -> Balance {
        let count = |state| self.items.iter().filter(|item| item.state == state).count() as u64;
        let (confirmed, cancelled) = (count(State::Confirmed), count(State::Cancelled));
        let input = self.items.len() as u64;
        let issued = self.stock.issued.iter().map(|(a, b)| b - a + 1).sum();
        Balance {
            input,
            confirmed,
            cancelled,
            open: input - confirmed - cancelled,
            unknown: count(State::Unknown),
            issued,
            spoiled: self.lost.len() as u64,
            test: self.stock.test.len() as u64,
            returned: self.stock.returned.len() as u64,
        }
    }

    /// Whether the output may leave: every card is confirmed or cancelled, and
    /// every form is accounted for.
    ///
    /// # Errors
    /// [`RunError::Open`], [`RunError::Stock`]
    pub fn may_export(&self) -> Result<Balance, RunError> {
        let balance = self.balance();
        if balance.open > 0 {
            return Err(RunError::Open(balance.open as usize));
        }
        match balance.missing_forms() {
            0 => Ok(balance),
            missing => Err(RunError::Stock(missing)),
        }
    }
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
