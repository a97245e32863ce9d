//! The safe of blank forms: both count it, and forms that are torn or not there
//! leave the records.

use conclave_crypto::secret::Secret;
use conclave_evidence::Id;
use conclave_keyroom::domain::form_stock::{Aside, FormStock};
use conclave_keyroom::domain::ranges::Ranges;
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::forms::{counted, forms_words, unfit};
use super::{both_sign, reason, said};

/// A kind of form, for people.
pub(super) fn kind_words(form: &str) -> &str {
    match form {
        "" => "that no delivery names",
        named => named,
    }
}

/// Says what lies in the safe, as both counted it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountSafe {
    /// The kind of form that was counted: see [`FormStock::form`]; empty for those of
    /// before kinds were told apart.
    pub form: String,
    /// How many both counted.
    pub count: u64,
    /// The numbers that both read on them, as they typed them:
    /// [`Ranges::typed`]; nothing for an empty safe.
    pub counted: String,
}

impl Action for CountSafe {
    const NAME: &'static str = "count-safe";
    type Out = ();

    fn authority(&self) -> Authority {
        both_sign()
    }

    fn words(&self) -> Vec<String> {
        vec![match self.count {
            0 => format!(
                "No blank form of the kind {} lies in the safe: both of us looked",
                kind_words(&self.form)
            ),
            count => format!(
                "{count} blank forms of the kind {} lie in the safe, counted by both: {}",
                kind_words(&self.form),
                self.counted
            ),
        }]
    }

    // What was counted is compared with the records once it is signed: whoever
    // sees the difference before types what is expected.
    fn before(&self, _: &mut Beforehand<'_>) -> Result<(), ActionError> {
        counted(self.count, &self.counted).map(drop)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let counted = counted(self.count, &self.counted)?;
        let mut all: Vec<(Id, FormStock)> = permit.list(Compartment::Pins, FormStock::KIND)?;
        all.retain(|(_, stock)| stock.form == self.form);
        let mut on_record = Ranges::default();
        for (first, last) in all.iter().flat_map(|(_, stock)| stock.safe.ranges()) {
            let inserted = on_record.insert(*first, *last);
            inserted.map_err(|e| unfit(e.into()))?;
        }
        if on_record != counted {
            return Err(ActionError::rule(
                "the blank forms on record are others than these",
                "Count again. One that is torn or not there is said first: Forms leave the safe.",
            ));
        }
        let now = permit.now_ms();
        for (id, mut stock) in all {
            stock.counted_ms = Some(now);
            permit.put(Compartment::Pins, FormStock::KIND, id, &stock)?;
        }
        Ok(())
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec!["the count and the records are the same".into()]
    }
}

/// Takes forms in the safe off the records: destroyed before both, or not there.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WriteFormsOff {
    /// The kind of form: see [`FormStock::form`]; empty for those of before kinds were
    /// told apart.
    pub form: String,
    /// The first form.
    pub first: u64,
    /// The last form.
    pub last: u64,
    /// Destroyed, or missing: nothing else becomes of forms in the safe.
    pub aside: Aside,
    /// Why, in one sentence.
    pub reason: String,
}

impl WriteFormsOff {
    /// The delivery without these forms.
    fn on(&self, all: Vec<(Id, FormStock)>) -> Result<FormStock, ActionError> {
        reason(&self.reason)?;
        let mut stock = all
            .into_iter()
            .map(|(_, stock)| stock)
            .find(|stock| stock.form == self.form && stock.safe.contains(self.first))
            .ok_or_else(|| {
                ActionError::rule(
                    format!("form {} is not in the safe", self.first),
                    "Forms that are out for a batch are said there: Blank forms not used.",
                )
            })?;
        let gone = stock.write_off(self.first, self.last, self.aside);
        gone.map_err(unfit)?;
        Ok(stock)
    }
}

impl Action for WriteFormsOff {
    const NAME: &'static str = "write-forms-off";
    type Out = ();

    fn authority(&self) -> Authority {
        both_sign()
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!(
                "{} of the safe {}",
                forms_words(self.first, self.last),
                self.aside.became(self.first == self.last)
            ),
            format!("kind of form: {}", kind_words(&self.form)),
            format!("reason: {}", said(&self.reason)),
        ]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let all = beforehand.list(Compartment::Pins, FormStock::KIND)?;
        self.on(all).map(drop)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let all = permit.list(Compartment::Pins, FormStock::KIND)?;
        let stock = self.on(all)?;
        Ok(permit.put(Compartment::Pins, FormStock::KIND, stock.id, &stock)?)
    }
}
