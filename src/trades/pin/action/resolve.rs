//! Unknown mailers: people looked at the numbered forms, and say what they are.

use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::pin_batch::{PinBatch, State};
use conclave_keyroom::domain::pin_card::Loss;
use conclave_keyroom::domain::pin_said::{self, FormsSaid};
use conclave_keyroom::domain::pin_seen::{Reading, Shown};
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use serde::{Deserialize, Serialize};

use super::spoil::{Became, SpoilMailer, lost};
use super::{BatchName, holders_sign, put, reason, rule, said, signing};

/// What was found of unknown mailers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// They are there, whole and closed, with these mailers on the first and
    /// the last form: they go out.
    Whole(Shown),
    /// They are no mailers.
    Lost(Loss, Reading),
}

/// Says what unknown mailers are.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolveUnknown {
    /// The batch.
    pub batch: BatchName,
    /// The first form.
    pub first: u64,
    /// The last form.
    pub last: u64,
    /// What was found.
    pub found: Found,
    /// Where and how, in one sentence.
    pub reason: String,
}

impl ResolveUnknown {
    fn lost(&self, loss: Loss, reading: Reading) -> SpoilMailer {
        SpoilMailer {
            batch: self.batch.clone(),
            first: self.first,
            last: self.last,
            loss,
            reading,
            reason: self.reason.clone(),
        }
    }

    fn whole(&self, batch: &mut PinBatch, shown: Shown) -> Result<u32, ActionError> {
        reason(&self.reason)?;
        let forms = (self.first, self.last);
        batch.confirm(forms, shown, State::Unknown).map_err(rule)
    }
}

impl Action for ResolveUnknown {
    const NAME: &'static str = "resolve-unknown";
    type Out = Became;

    fn authority(&self) -> Authority {
        holders_sign(&self.batch)
    }

    fn words(&self) -> Vec<String> {
        let mut words = vec![format!(
            "The unknown mailers on forms {} to {} of {}",
            self.first,
            self.last,
            self.batch.words()
        )];
        match &self.found {
            Found::Whole(shown) => words.extend([
                "each is there, whole and closed, and both of us have seen it".into(),
                shown.words(),
            ]),
            Found::Lost(loss, reading) => words.extend(lost(*loss, reading, self.last)),
        }
        words.push(format!("found: {}", said(&self.reason)));
        words
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let mut batch = self.batch.beforehand(beforehand)?;
        match self.found {
            Found::Whole(shown) => self.whole(&mut batch, shown).map(drop),
            Found::Lost(loss, reading) => {
                let lost = self.lost(loss, reading);
                lost.cards_in(&mut batch, &[State::Unknown]).map(drop)
            }
        }
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<Became, ActionError> {
        match self.found {
            Found::Whole(shown) => {
                let mut batch = self.batch.get(permit)?;
                let confirmed = self.whole(&mut batch, shown)?;
                batch.said.push(FormsSaid {
                    first: self.first,
                    last: self.last,
                    unknown: true,
                    became: pin_said::Became::Whole,
                    reason: self.reason.trim().to_owned(),
                    signed: signing(permit),
                });
                put(permit, &batch)?;
                Ok(Became {
                    confirmed,
                    ..Became::default()
                })
            }
            Found::Lost(loss, reading) => self.lost(loss, reading).spoil(permit, &[State::Unknown]),
        }
    }

    fn outcome(&self, became: &Became) -> Vec<String> {
        became.words()
    }
}
