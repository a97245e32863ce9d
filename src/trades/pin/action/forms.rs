//! Blank forms move between the safe and a batch, or are not used.

use conclave_crypto::secret::Secret;
use conclave_evidence::Id;
use conclave_keyroom::domain::form_stock::{Aside, FormStock, FormsError};
use conclave_keyroom::domain::pin_batch::PinBatch;
use conclave_keyroom::domain::pin_said::{Became, FormsSaid};
use conclave_keyroom::domain::ranges::Ranges;
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::{BatchName, both_sign, put, reason, rule, said, signing};

/// `Blank form 1`, `Blank forms 1 to 9`.
pub(super) fn forms_words(first: u64, last: u64) -> String {
    match first == last {
        true => format!("Blank form {first}"),
        false => format!("Blank forms {first} to {last}"),
    }
}

pub(super) fn unfit(error: FormsError) -> ActionError {
    ActionError::rule(error.to_string(), "Read the numbers on the forms again.")
}

/// The forms that both counted, whose numbers they typed; nothing for none.
///
/// # Errors
/// [`ActionError::Rule`] for what is no numbers, and for numbers of another count.
pub(super) fn counted(count: u64, typed: &str) -> Result<Ranges, ActionError> {
    let forms = match typed.trim() {
        "" => Some(Ranges::default()),
        typed => Ranges::typed(typed),
    };
    let forms = forms.ok_or_else(|| {
        ActionError::rule(
            "these are no numbers of forms",
            "Type them as 102 to 109, 115.",
        )
    })?;
    match forms.count() == count {
        true => Ok(forms),
        false => Err(ActionError::rule(
            format!(
                "{count} were counted, and the numbers are those of {} forms",
                forms.count()
            ),
            "Count again, and read the first and the last number of each pile.",
        )),
    }
}

/// Takes a reel of blank forms out of the safe for a batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssueForms {
    /// The batch.
    pub batch: BatchName,
    /// The first form.
    pub first: u64,
    /// The last form.
    pub last: u64,
}

impl IssueForms {
    /// The batch with the reel, and the delivery without it.
    fn on(
        &self,
        mut batch: PinBatch,
        all: Vec<(Id, FormStock)>,
    ) -> Result<(PinBatch, FormStock), ActionError> {
        batch.take_forms(self.first, self.last).map_err(rule)?;
        let there = all.into_iter().map(|(_, stock)| stock);
        let there = there.filter(|stock| stock.safe.contains(self.first));
        let (its, others): (Vec<_>, Vec<_>) = there.partition(|stock| stock.is_of(&batch.form));
        let mut stock = its
            .into_iter()
            .next()
            .ok_or_else(|| self.not_there(&batch, &others))?;
        let moved = stock.safe.remove(self.first, self.last);
        moved.map_err(|e| unfit(e.into()))?;
        Ok((batch, stock))
    }
}

impl IssueForms {
    /// Why no such form comes out of the safe.
    fn not_there(&self, batch: &PinBatch, others: &[FormStock]) -> ActionError {
        match others.first() {
            None => ActionError::rule(
                format!("form {} is not in the safe", self.first),
                "Read the number on the reel again, or receive the delivery first.",
            ),
            Some(other) => ActionError::rule(
                format!(
                    "form {} is of the kind {}, and this batch is printed on {}",
                    self.first, other.form, batch.form
                ),
                "Take a reel of the batch's kind: its layout was looked at on no other paper.",
            ),
        }
    }
}

impl Action for IssueForms {
    const NAME: &'static str = "issue-forms";
    type Out = ();

    fn authority(&self) -> Authority {
        both_sign()
    }

    fn words(&self) -> Vec<String> {
        vec![format!(
            "{} out of the safe, for {}",
            forms_words(self.first, self.last),
            self.batch.words()
        )]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let batch = self.batch.beforehand(beforehand)?;
        let all = beforehand.list(Compartment::Pins, FormStock::KIND)?;
        self.on(batch, all).map(drop)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let batch = self.batch.get(permit)?;
        let all = permit.list(Compartment::Pins, FormStock::KIND)?;
        let (batch, stock) = self.on(batch, all)?;
        permit.put(Compartment::Pins, FormStock::KIND, stock.id, &stock)?;
        put(permit, &batch)
    }
}

/// Says of blank forms why they get no mailer: a test print, or torn.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetFormsAside {
    /// The batch.
    pub batch: BatchName,
    /// The first form.
    pub first: u64,
    /// The last form.
    pub last: u64,
    /// What became of them: anything but a return to the safe.
    pub aside: Aside,
    /// Why, in one sentence.
    pub reason: String,
}

impl SetFormsAside {
    fn on(&self, mut batch: PinBatch) -> Result<PinBatch, ActionError> {
        reason(&self.reason)?;
        batch.moves().map_err(rule)?;
        if self.aside == Aside::Returned {
            return Err(super::refused(
                "forms go back to the safe all together, counted",
            ));
        }
        let aside = batch.forms.set_aside(self.first, self.last, self.aside);
        aside.map_err(unfit)?;
        Ok(batch)
    }
}

impl Action for SetFormsAside {
    const NAME: &'static str = "set-forms-aside";
    type Out = ();

    fn authority(&self) -> Authority {
        both_sign()
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!(
                "{} of {} {}",
                forms_words(self.first, self.last),
                self.batch.words(),
                self.aside.became(self.first == self.last)
            ),
            format!("reason: {}", said(&self.reason)),
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
    ) -> Result<(), ActionError> {
        let mut batch = self.on(self.batch.get(permit)?)?;
        batch.said.push(FormsSaid {
            first: self.first,
            last: self.last,
            unknown: false,
            became: Became::Aside(self.aside),
            reason: self.reason.trim().to_owned(),
            signed: signing(permit),
        });
        put(permit, &batch)
    }
}

/// All blank forms that a batch has left go back into the safe.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReturnForms {
    /// The batch.
    pub batch: BatchName,
    /// How many both counted.
    pub count: u64,
    /// The numbers that both read on them, as they typed them:
    /// [`Ranges::typed`].
    pub counted: String,
}

impl Action for ReturnForms {
    const NAME: &'static str = "return-stock";
    type Out = u64;

    fn authority(&self) -> Authority {
        both_sign()
    }

    fn words(&self) -> Vec<String> {
        vec![format!(
            "{} blank forms of {} are back in the safe, counted by both: {}",
            self.count,
            self.batch.words(),
            self.counted
        )]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<u64, ActionError> {
        let mut batch = self.batch.get(permit)?;
        let counted = counted(self.count, &self.counted)?;
        let rest = batch.return_rest().map_err(rule)?;
        if rest.is_empty() || rest != counted {
            // What the records have is not told: it would be typed next.
            return Err(ActionError::rule(
                "the blank forms on record are others than these",
                "Count again. One that is spoiled, has a test print or is not there is said \
                 first: Blank forms not used.",
            ));
        }
        let all: Vec<(Id, FormStock)> = permit.list(Compartment::Pins, FormStock::KIND)?;
        for (_, mut stock) in all {
            if !stock.is_of(&batch.form) {
                continue;
            }
            let back = within(&rest, stock.delivered);
            if back.is_empty() {
                continue;
            }
            for (first, last) in back {
                let inserted = stock.safe.insert(first, last);
                inserted.map_err(|e| unfit(e.into()))?;
            }
            permit.put(Compartment::Pins, FormStock::KIND, stock.id, &stock)?;
        }
        put(permit, &batch)?;
        Ok(rest.count())
    }

    fn outcome(&self, count: &u64) -> Vec<String> {
        vec![format!("{count} forms went back")]
    }
}

/// Those ranges, cut to a delivery's numbers.
fn within(forms: &Ranges, (first, last): (u64, u64)) -> Vec<(u64, u64)> {
    let cut = |(a, b): &(u64, u64)| ((*a).max(first), (*b).min(last));
    let cut = forms.ranges().iter().map(cut);
    cut.filter(|(a, b)| a <= b).collect()
}
