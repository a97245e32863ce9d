//! Forms were fed without a mailer: the records follow the paper.

use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::pin_ahead::Ahead;
use conclave_keyroom::domain::pin_batch::{Mailer, PinBatch};
use conclave_keyroom::domain::pin_said::Followed;
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use serde::{Deserialize, Serialize};

use super::{BatchName, card, holders_sign, put, put_card, reason, rule, said, signing};

/// Says that the paper is ahead of the records, and from where to where.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FollowPaper {
    /// The batch.
    pub batch: BatchName,
    /// What both read on it.
    pub ahead: Ahead,
    /// How it came about, in one sentence.
    pub reason: String,
}

impl FollowPaper {
    fn on(&self, mut batch: PinBatch) -> Result<(PinBatch, Vec<Mailer>), ActionError> {
        reason(&self.reason)?;
        let moved = batch.move_ahead(&self.ahead).map_err(rule)?;
        Ok((batch, moved))
    }
}

impl Action for FollowPaper {
    const NAME: &'static str = "follow-paper";
    type Out = usize;

    fn authority(&self) -> Authority {
        holders_sign(&self.batch)
    }

    fn words(&self) -> Vec<String> {
        let Ahead {
            blank,
            first,
            last,
            shown,
        } = self.ahead;
        vec![
            format!(
                "The paper of {} is ahead of the records by {}",
                self.batch.words(),
                self.ahead.by()
            ),
            format!(
                "forms {blank} to {} were fed without a mailer, and are destroyed before both",
                first.saturating_sub(1)
            ),
            format!("form {first} shows mailer {}", shown.first),
            format!(
                "form {last} shows mailer {}; behind it nothing is printed",
                shown.last
            ),
            format!("how: {}", said(&self.reason)),
        ]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        self.on(self.batch.beforehand(beforehand)?).map(drop)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<usize, ActionError> {
        let (mut batch, moved) = self.on(self.batch.get(permit)?)?;
        batch.followed.push(Followed {
            ahead: self.ahead,
            reason: self.reason.trim().to_owned(),
            signed: signing(permit),
        });
        for mailer in &moved {
            let mut card = card(permit, &batch, mailer.card)?;
            card.form = Some(mailer.form);
            put_card(permit, &card)?;
        }
        put(permit, &batch)?;
        Ok(moved.len())
    }

    fn outcome(&self, moved: &usize) -> Vec<String> {
        vec![format!("{moved} mailers are where the paper has them")]
    }
}
