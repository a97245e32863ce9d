//! What two people said of a batch's forms, in their own words: it stays when the
//! cards are gone, and stands on the sheet that is signed in the end.

use serde::{Deserialize, Serialize};

use super::form_stock::Aside;
use super::pin_batch::{PinBatch, Signing};
use super::pin_card::Loss;

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
}
