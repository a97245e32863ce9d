//! Printed forms are no mailers: their PINs are void.

use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::pin_batch::{PinBatch, State};
use conclave_keyroom::domain::pin_card::Loss;
use conclave_keyroom::domain::pin_said::{self, FormsSaid};
use conclave_keyroom::domain::pin_seen::{Reading, Spoiled};
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use serde::{Deserialize, Serialize};

use super::{BatchName, both_sign, card, holders_sign, put, put_card, reason, rule, said, signing};

/// Gives printed mailers up, until the output leaves. Their cards wait for
/// another PIN, or are reissued where it cannot change or the tries are used up.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpoilMailer {
    /// The batch.
    pub batch: BatchName,
    /// The first form.
    pub first: u64,
    /// The last form.
    pub last: u64,
    /// What became of them.
    pub loss: Loss,
    /// What both read on them.
    pub reading: Reading,
    /// Why, in one sentence.
    pub reason: String,
}

/// What became of mailers of which people said something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Became {
    /// They go out.
    pub confirmed: u32,
    /// Their cards get another PIN on another form.
    pub again: u32,
    /// Their cards are to be reissued.
    pub reissued: u32,
}

impl Became {
    /// One sentence for each that there is.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let each = [
            (
                self.confirmed,
                "mailer is confirmed",
                "mailers are confirmed",
            ),
            (
                self.again,
                "card gets another PIN on another form",
                "cards get another PIN on another form",
            ),
            (
                self.reissued,
                "card is to be reissued",
                "cards are to be reissued",
            ),
        ];
        each.into_iter()
            .filter(|(count, ..)| *count > 0)
            .map(|(count, one, some)| match count {
                1 => format!("1 {one}"),
                _ => format!("{count} {some}"),
            })
            .collect()
    }
}

/// What signers read of lost forms besides their numbers.
pub(super) fn lost(loss: Loss, reading: &Reading, last: u64) -> Vec<String> {
    vec![
        format!("the forms: {}", loss.words()),
        reading.words(last),
        "each card gets another PIN, or is reissued where its PIN cannot change or the tries are \
         used up"
            .into(),
    ]
}

/// Mailers that nobody doubts may be given up, until the output leaves.
const FROM: [State; 2] = [State::Sent, State::Confirmed];

impl SpoilMailer {
    /// The cards whose mailers are on the forms, if they are in these states.
    pub(super) fn cards_in(
        &self,
        batch: &mut PinBatch,
        from: &[State],
    ) -> Result<Vec<u32>, ActionError> {
        reason(&self.reason)?;
        let spoiled = Spoiled {
            first: self.first,
            last: self.last,
            loss: self.loss,
            reading: self.reading,
        };
        batch.lost_on(&spoiled, from).map_err(rule)
    }

    pub(super) fn spoil(
        &self,
        permit: &mut Permit<'_>,
        from: &[State],
    ) -> Result<Became, ActionError> {
        let mut batch = self.batch.get(permit)?;
        let now = permit.now_ms();
        let mut became = Became::default();
        for number in self.cards_in(&mut batch, from)? {
            let mut card = card(permit, &batch, number)?;
            match batch.spoil(&mut card, self.loss, now).map_err(rule)? {
                State::Queued => became.again += 1,
                _ => became.reissued += 1,
            }
            put_card(permit, &card)?;
        }
        batch.said.push(FormsSaid {
            first: self.first,
            last: self.last,
            unknown: from.contains(&State::Unknown),
            became: pin_said::Became::Lost(self.loss),
            reason: self.reason.trim().to_owned(),
            signed: signing(permit),
        });
        put(permit, &batch)?;
        Ok(became)
    }
}

impl Action for SpoilMailer {
    const NAME: &'static str = "spoil-mailer";
    type Out = Became;

    fn authority(&self) -> Authority {
        match self.loss {
            // Whoever takes the run over says what is missing before they count.
            Loss::Missing => both_sign(),
            _ => holders_sign(&self.batch),
        }
    }

    fn words(&self) -> Vec<String> {
        let mut words = vec![format!(
            "The mailers on forms {} to {} of {} are void",
            self.first,
            self.last,
            self.batch.words()
        )];
        words.extend(lost(self.loss, &self.reading, self.last));
        words.push(format!("reason: {}", said(&self.reason)));
        words
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let mut batch = self.batch.beforehand(beforehand)?;
        self.cards_in(&mut batch, &FROM).map(drop)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<Became, ActionError> {
        self.spoil(permit, &FROM)
    }

    fn outcome(&self, became: &Became) -> Vec<String> {
        became.words()
    }
}
