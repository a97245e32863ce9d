//! A delivery of numbered blank forms comes into the safe.

use conclave_crypto::secret::Secret;
use conclave_evidence::Id;
use conclave_keyroom::domain::form_stock::{FormStock, check_reel};
use conclave_keyroom::domain::ranges::Ranges;
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::both_sign;
use super::forms::forms_words;

/// Longest name of a delivery.
pub const LOT_MOST: usize = 40;

/// Longest name of a kind of form.
pub const FORM_MOST: usize = 120;

/// Records a delivery of blank forms.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiveStock {
    /// The delivery's record: a fresh random id.
    pub id: Id,
    /// Its name, as on the delivery note.
    pub lot: String,
    /// The first form.
    pub first: u64,
    /// The last form.
    pub last: u64,
    /// The kind of form: see [`FormStock::form`].
    pub form: String,
}

fn refused(why: String) -> ActionError {
    ActionError::rule(why, "Compare with the delivery note.")
}

impl ReceiveStock {
    fn check(&self, all: &[(Id, FormStock)]) -> Result<(), ActionError> {
        check_reel(self.first, self.last).map_err(|e| refused(e.to_string()))?;
        let plain = self.lot.chars().all(|c| !c.is_control());
        if !plain || !(1..=LOT_MOST).contains(&self.lot.trim().chars().count()) {
            return Err(refused(format!(
                "a delivery's name has 1 to {LOT_MOST} characters"
            )));
        }
        let kind = self.form.chars();
        if kind.clone().any(char::is_control) || !(1..=FORM_MOST).contains(&kind.count()) {
            return Err(refused(format!(
                "a kind of form has 1 to {FORM_MOST} characters"
            )));
        }
        let before = all.iter().find(|(id, stock)| {
            let (first, last) = stock.delivered;
            let meets = first <= self.last && self.first <= last;
            *id == self.id || stock.lot == self.lot || (meets && stock.is_of(&self.form))
        });
        match before {
            None => Ok(()),
            Some((_, stock)) => Err(refused(format!(
                "some of these forms, or this name, came with delivery {}",
                stock.lot
            ))),
        }
    }
}

impl Action for ReceiveStock {
    const NAME: &'static str = "receive-stock";
    type Out = ();

    fn authority(&self) -> Authority {
        both_sign()
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!(
                "{} came into the safe, delivery {}",
                forms_words(self.first, self.last),
                self.lot
            ),
            format!("kind of form: {}", self.form),
        ]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        self.check(&beforehand.list(Compartment::Pins, FormStock::KIND)?)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let all: Vec<(Id, FormStock)> = permit.list(Compartment::Pins, FormStock::KIND)?;
        self.check(&all)?;
        if permit
            .vault()
            .check_record(Compartment::Pins, self.id)
            .is_ok()
        {
            return Err(refused("this delivery's record is taken".into()));
        }
        let stock = FormStock {
            id: self.id,
            lot: self.lot.clone(),
            form: self.form.clone(),
            delivered: (self.first, self.last),
            safe: Ranges::of(self.first, self.last),
            destroyed: Ranges::default(),
            missing: Ranges::default(),
            received_ms: permit.now_ms(),
            counted_ms: None,
        };
        Ok(permit.put(Compartment::Pins, FormStock::KIND, stock.id, &stock)?)
    }
}
