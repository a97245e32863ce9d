//! More replacements than the pair may decide on: each has another PIN, and
//! somebody who prints none looks at why there are so many.

use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::pin_batch::{Limits, PinBatch, Signing};
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use serde::{Deserialize, Serialize};

use super::{BatchName, both_and_administrators, put, reason, refused, rule, said, signing};
use crate::pin::MOST_TRIES;
use crate::print::letters::to_ascii;

/// Raises the limits of a batch, while it runs: the pair signs, and
/// administrators beside it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RaiseLimits {
    /// The batch.
    pub batch: BatchName,
    /// The limits as they are, and how many PINs were replaced: what signers
    /// judge by.
    pub from: Limits,
    /// PINs that were replaced so far.
    pub replaced: u32,
    /// What they become, in all.
    pub to: Limits,
    /// Why, in one sentence.
    pub reason: String,
}

impl RaiseLimits {
    /// For a batch as it is.
    #[must_use]
    pub fn of(batch: &PinBatch, to: Limits, reason: &str) -> Self {
        Self {
            batch: BatchName::of(batch),
            from: batch.limits,
            replaced: batch.replaced,
            to,
            reason: reason.trim().to_owned(),
        }
    }

    fn on(&self, mut batch: PinBatch, signed: Signing) -> Result<PinBatch, ActionError> {
        reason(&self.reason)?;
        if let Err(odd) = to_ascii(&self.reason) {
            return Err(ActionError::rule(
                format!("the reason has a character that reports cannot print: {odd:?}"),
                "Say it in plain letters: it stands on the reconciliation sheet.",
            ));
        }
        if !(1..=MOST_TRIES).contains(&self.to.tries) {
            return Err(refused(format!("a card has 1 to {MOST_TRIES} PINs")));
        }
        if batch.limits != self.from || batch.replaced != self.replaced {
            return Err(refused("the batch went on since these numbers were read"));
        }
        let reason = self.reason.trim().to_owned();
        batch.raise_limits(self.to, reason, signed).map_err(rule)?;
        Ok(batch)
    }
}

impl Action for RaiseLimits {
    const NAME: &'static str = "raise-limits";
    type Out = ();

    fn authority(&self) -> Authority {
        both_and_administrators()
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!("More PINs may be replaced in {}", self.batch.words()),
            format!(
                "in the whole batch {} instead of {}; {} were replaced so far",
                self.to.replacements, self.from.replacements, self.replaced
            ),
            format!(
                "for one card {} PINs instead of {}",
                self.to.tries, self.from.tries
            ),
            format!("reason: {}", said(&self.reason)),
        ]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let nobody = Signing {
            at_ms: 0,
            people: Vec::new(),
        };
        self.on(self.batch.beforehand(beforehand)?, nobody)
            .map(drop)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let signed = signing(permit);
        let batch = self.on(self.batch.get(permit)?, signed)?;
        put(permit, &batch)
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec!["cards that were given up for reissue stay so".into()]
    }
}
