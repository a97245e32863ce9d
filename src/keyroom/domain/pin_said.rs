//! What two people said of a batch's forms, in their own words: it stays when the
//! cards are gone, and stands on the sheet that is signed in the end.

use serde::{Deserialize, Serialize};

use super::form_stock::Aside;
use super::pin_ahead::Ahead;
use super::pin_batch::{PinBatch, Signing};
use super::pin_card::Loss;
use super::ranges::Ranges;

/// What forms were said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Became {
    /// Mailers that nobody knew of are there, whole and closed.
    Whole,
    /// They are no mailers.
    Lost(Loss),
    /// They got no mailer.
    Aside(Aside),
    /// They had been missing, turned up, and were destroyed.
    Found,
    /// They had been missing while blank, lay in the safe unused, and may come out
    /// again.
    Unused,
}

/// Forms, and what was said of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormsSaid {
    /// The first form.
    pub first: u64,
    /// The last form.
    pub last: u64,
    /// TRUE where it was unknown until then whether a mailer was on them.
    pub unknown: bool,
    /// What they are.
    pub became: Became,
    /// Why, in one sentence without a card's number.
    pub reason: String,
    /// Who said so, and when.
    pub signed: Signing,
}

/// The paper was ahead of the records, and they followed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Followed {
    /// From where to where.
    pub ahead: Ahead,
    /// How it came about, in one sentence.
    pub reason: String,
    /// Who said so, and when.
    pub signed: Signing,
}

/// The batch went on at another printer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrinterChange {
    /// The printer that it had.
    pub from: String,
    /// The printer that it got.
    pub to: String,
    /// Why, in one sentence.
    pub reason: String,
    /// Mailers of the batch that were on their way to paper before; nothing in records
    /// of before they were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// Who said so, and when.
    pub signed: Signing,
}

impl FormsSaid {
    fn is_of(&self, form: u64) -> bool {
        (self.first..=self.last).contains(&form)
    }
}

impl PinBatch {
    /// What was said last when the mailer on this form was given up; nothing where
    /// nobody did, or where it was before reasons were kept.
    #[must_use]
    pub fn given_up(&self, form: u64) -> Option<&FormsSaid> {
        let lost = |one: &&FormsSaid| one.is_of(form) && matches!(one.became, Became::Lost(_));
        self.said.iter().rev().find(lost)
    }

    /// Forms that were said to be missing, and that nobody found since.
    #[must_use]
    pub fn missing_still(&self) -> Ranges {
        let mut missing = Ranges::default();
        for one in &self.said {
            // A form is missing once, and found once.
            let _ = match one.became {
                Became::Lost(Loss::Missing) | Became::Aside(Aside::Missing) => {
                    missing.insert(one.first, one.last)
                }
                Became::Found | Became::Unused => missing.remove(one.first, one.last),
                Became::Whole | Became::Lost(_) | Became::Aside(_) => Ok(()),
            };
        }
        missing
    }

    /// Of the missing forms those that were blank when they were said to be missing:
    /// no mailer was ever on them.
    #[must_use]
    pub fn missing_blank(&self) -> Ranges {
        let mut missing = Ranges::default();
        for one in &self.said {
            match one.became {
                Became::Aside(Aside::Missing) => {
                    let _ = missing.insert(one.first, one.last);
                }
                // Forms that had mailers may stand in the same sentence.
                Became::Found | Became::Unused => {
                    let cut = |(a, b): &(u64, u64)| ((*a).max(one.first), (*b).min(one.last));
                    let there: Vec<(u64, u64)> = missing.ranges().iter().map(cut).collect();
                    for (a, b) in there.into_iter().filter(|(a, b)| a <= b) {
                        let _ = missing.remove(a, b);
                    }
                }
                Became::Whole | Became::Lost(_) | Became::Aside(_) => {}
            }
        }
        missing
    }

    /// How many forms that were missing turned up, and became this.
    #[must_use]
    pub fn turned_up(&self, became: Became) -> u64 {
        let found = self.said.iter().filter(|one| one.became == became);
        found
            .map(|one| one.last.saturating_sub(one.first).saturating_add(1))
            .fold(0, u64::saturating_add)
    }
}
