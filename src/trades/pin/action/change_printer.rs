//! A batch goes on at another printer: the one it was opened for broke.

use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::device::{PrinterLanguage, PrinterPurpose};
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use serde::{Deserialize, Serialize};

use super::{BatchName, both_sign, put, reason, refused, rule, said};
use crate::print::enrolment::{fit, on_record, retired};

/// Names the printer of a batch anew.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeBatchPrinter {
    /// The batch.
    pub batch: BatchName,
    /// The printer that it had.
    pub from: String,
    /// The printer that it gets.
    pub to: String,
    /// Why, in one sentence.
    pub reason: String,
}

impl Action for ChangeBatchPrinter {
    const NAME: &'static str = "change-batch-printer";
    type Out = ();

    fn authority(&self) -> Authority {
        both_sign()
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!(
                "{} is printed by {} from now on, not by {}",
                self.batch.words(),
                self.to,
                self.from
            ),
            "a page of X's of its layout lay in the new printer as it has to".into(),
            format!("reason: {}", said(&self.reason)),
        ]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        reason(&self.reason)?;
        let mut batch = self.batch.get(permit)?;
        batch.moves().map_err(rule)?;
        if batch.printer != self.from || self.from == self.to {
            return Err(refused(format!(
                "this batch has the printer {}",
                batch.printer
            )));
        }
        let enrolled = on_record(permit)?;
        let mode = permit.authority()?.mode;
        let new = fit(mode, &enrolled, &self.to, PrinterPurpose::Pins).map_err(|e| {
            ActionError::rule(
                e.to_string(),
                "PIN mailers leave through their own enrolled printer only (R10).",
            )
        })?;
        if new.language == PrinterLanguage::Pdf && !new.training {
            return Err(refused("PIN mailers as PDF are for training stations only"));
        }
        // The cards were tried on the layout; what the bytes of another language
        // need of it was not.
        let gone = retired(permit)?.into_iter().map(|one| one.printer);
        let old = enrolled.iter().cloned().chain(gone);
        let old = old.into_iter().find(|one| one.name == self.from);
        if old.is_none_or(|old| old.language != new.language) {
            return Err(ActionError::rule(
                format!("{} speaks another language than {}", self.to, self.from),
                "Use a printer of the same language, or cancel what waits and have it sent anew.",
            ));
        }
        batch.printer.clone_from(&self.to);
        put(permit, &batch)
    }
}
