//! Blank forms that were missing lie in the safe after all: nobody had them, so they
//! are stock again.

use conclave_crypto::secret::Secret;
use conclave_evidence::Id;
use conclave_keyroom::domain::form_stock::FormStock;
use conclave_keyroom::domain::pin_batch::PinBatch;
use conclave_keyroom::domain::pin_said::{Became, FormsSaid};
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::forms::{forms_words, unfit};
use super::safe::kind_words;
use super::{BatchName, both_sign, put, reason, said, signing};

/// From where forms had been missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MissingFrom {
    /// From a batch that had taken them out, while they were blank.
    Batch(BatchName),
    /// From the safe, of this kind of form: see [`FormStock::form`].
    Safe(String),
}

/// Says that missing forms lay in the safe, unused. Those that lay elsewhere, or were
/// printed on, are destroyed: a form that was in other hands may carry a forged PIN.
/// Counts of a batch stay as they were said; it may be said as long as the batch is on
/// record.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestockFoundForms {
    /// From where they were missing.
    pub from: MissingFrom,
    /// The first form.
    pub first: u64,
    /// The last form.
    pub last: u64,
    /// Where in the safe they lay, in one sentence.
    pub reason: String,
}

impl RestockFoundForms {
    fn not_missing(&self) -> ActionError {
        let (first, last) = (self.first, self.last);
        match self.from {
            MissingFrom::Batch(_) => ActionError::rule(
                format!(
                    "not all of forms {first} to {last} were said to be missing from this batch \
                     while they were blank"
                ),
                "Read the numbers on the forms again. One with a mailer goes to nobody any more: \
                 it is destroyed, A missing form turned up.",
            ),
            MissingFrom::Safe(_) => ActionError::rule(
                format!("not all of forms {first} to {last} were said to be missing from the safe"),
                "Read the numbers on the forms again. Forms that were out for a batch are said \
                 there: A missing form turned up.",
            ),
        }
    }

    /// The delivery that they are of, and have come back to.
    fn restocked(
        &self,
        batch: Option<&PinBatch>,
        all: Vec<(Id, FormStock)>,
    ) -> Result<FormStock, ActionError> {
        reason(&self.reason)?;
        let mut all = all.into_iter().map(|(_, stock)| stock);
        let within = |stock: &FormStock| {
            let (from, to) = stock.delivered;
            from <= self.first && self.first <= self.last && self.last <= to
        };
        match (&self.from, batch) {
            (MissingFrom::Safe(form), _) => {
                let mut stock = all
                    .find(|stock| stock.form == *form && within(stock))
                    .ok_or_else(|| self.not_missing())?;
                let found = stock.found(self.first, self.last);
                found.map_err(|_| self.not_missing())?;
                Ok(stock)
            }
            (MissingFrom::Batch(_), Some(batch)) => {
                let mut missing = batch.missing_blank();
                let was = missing.remove(self.first, self.last);
                was.map_err(|_| self.not_missing())?;
                let mut stock = all
                    .find(|stock| stock.is_of(&batch.form) && within(stock))
                    .ok_or_else(|| self.not_missing())?;
                let back = stock.safe.insert(self.first, self.last);
                back.map_err(|e| unfit(e.into()))?;
                Ok(stock)
            }
            (MissingFrom::Batch(_), None) => Err(self.not_missing()),
        }
    }
}

impl Action for RestockFoundForms {
    const NAME: &'static str = "restock-found-forms";
    type Out = ();

    fn authority(&self) -> Authority {
        both_sign()
    }

    fn words(&self) -> Vec<String> {
        let from = match &self.from {
            MissingFrom::Batch(batch) => batch.words(),
            MissingFrom::Safe(form) => format!("the safe, of the kind {}", kind_words(form)),
        };
        vec![
            format!(
                "{}, missing from {from}, found unused",
                forms_words(self.first, self.last)
            ),
            "they lay in the safe, unused and whole, and both of us have seen each".into(),
            "they are blank forms of the safe again".into(),
            format!("where: {}", said(&self.reason)),
        ]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let batch = match &self.from {
            MissingFrom::Batch(name) => {
                Some(name.same(beforehand.get(Compartment::Pins, name.id))?)
            }
            MissingFrom::Safe(_) => None,
        };
        let all = beforehand.list(Compartment::Pins, FormStock::KIND)?;
        self.restocked(batch.as_ref(), all).map(drop)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let batch = match &self.from {
            MissingFrom::Batch(name) => Some(name.on_record(permit)?),
            MissingFrom::Safe(_) => None,
        };
        let all = permit.list(Compartment::Pins, FormStock::KIND)?;
        let stock = self.restocked(batch.as_ref(), all)?;
        permit.put(Compartment::Pins, FormStock::KIND, stock.id, &stock)?;
        let Some(mut batch) = batch else {
            return Ok(());
        };
        batch.said.push(FormsSaid {
            first: self.first,
            last: self.last,
            unknown: false,
            became: Became::Unused,
            reason: self.reason.trim().to_owned(),
            signed: signing(permit),
        });
        put(permit, &batch)
    }
}
