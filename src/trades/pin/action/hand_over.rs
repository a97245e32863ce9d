//! Another operator or supervisor goes on with a batch: both sign, and the
//! mandate begins anew.

use conclave_crypto::secret::Secret;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use serde::{Deserialize, Serialize};

use super::open::mandate;
use super::{BatchName, both_sign, put, rule, signing};

/// Takes a batch over as it stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandOverBatch {
    /// The batch.
    pub batch: BatchName,
    /// Mailers that are confirmed, as the new people counted them.
    pub confirmed: u64,
    /// Mailers that are printed and not confirmed, as they counted them; without
    /// those that are unknown.
    pub printed: u64,
    /// Blank forms that are left, as they counted them.
    pub blank: u64,
}

impl Action for HandOverBatch {
    const NAME: &'static str = "hand-over-batch";
    type Out = ();

    fn authority(&self) -> Authority {
        both_sign()
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!("Take over {}", self.batch.words()),
            format!(
                "{} mailers are confirmed, {} are printed and not confirmed, {} blank forms are \
                 left: counted by both of us",
                self.confirmed, self.printed, self.blank
            ),
        ]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let mut batch = self.batch.get(permit)?;
        batch.moves().map_err(rule)?;
        let (cards, blank) = (&batch.cards, batch.forms.blank.count());
        let on_record = (cards.confirmed.count(), cards.sent.count(), blank);
        if on_record != (self.confirmed, self.printed, self.blank) {
            // What the records have is not told: it would be typed next.
            return Err(ActionError::rule(
                "the records have other counts than these",
                "Count again before you take it over; what is missing is said first.",
            ));
        }
        batch.hand_overs.push(signing(permit));
        mandate(permit, &batch)?;
        put(permit, &batch)
    }
}
