//! An output that did not reach its issuer: another may be written, which says
//! the same of the same mailers.

use conclave_crypto::secret::Secret;
use conclave_evidence::Hash;
use conclave_keyroom::domain::pin_batch::PinBatch;
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use serde::{Deserialize, Serialize};

use crate::print::letters::to_ascii;

use super::{BatchName, both_sign, put, reason, refused, rule, said, signing};

/// Says that the output which left did not arrive.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoseOutput {
    /// The batch.
    pub batch: BatchName,
    /// Its name on the medium.
    pub name: String,
    /// SHA-256 of the file.
    pub file: Hash,
    /// What became of it, and how the issuer said so: one sentence.
    pub reason: String,
}

impl LoseOutput {
    /// For the output of a batch that left last.
    ///
    /// # Errors
    /// [`ActionError::Rule`] where none has left.
    pub fn of(batch: &PinBatch, reason: &str) -> Result<Self, ActionError> {
        let output = batch.exported.as_ref();
        let output = output.ok_or_else(|| refused("no output of this batch has left"))?;
        Ok(Self {
            batch: BatchName::of(batch),
            name: output.name.clone(),
            file: output.file,
            reason: reason.trim().to_owned(),
        })
    }

    fn check(&self, batch: &PinBatch) -> Result<(), ActionError> {
        reason(&self.reason)?;
        // It stands on the sheet that both sign afterwards.
        if let Err(odd) = to_ascii(&self.reason) {
            return Err(ActionError::rule(
                format!("the reason has a character that reports cannot print: {odd:?}"),
                "Say it in plain letters: it stands on the reconciliation sheet.",
            ));
        }
        let left = batch.exported.as_ref();
        match left.is_some_and(|output| output.file == self.file && output.name == self.name) {
            true => Ok(()),
            false => Err(refused("this is not the output that left last")),
        }
    }
}

impl Action for LoseOutput {
    const NAME: &'static str = "lose-output";
    type Out = ();

    fn authority(&self) -> Authority {
        both_sign()
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!(
                "Output {} of {} did not arrive",
                self.name,
                self.batch.words()
            ),
            format!("SHA-256 {}", self.file),
            format!("what became of it: {}", said(&self.reason)),
            "another may be written, with the next number; nothing else of the batch changes"
                .into(),
        ]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        self.check(&self.batch.beforehand(beforehand)?)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let mut batch = self.batch.get(permit)?;
        self.check(&batch)?;
        let signed = signing(permit);
        let reason = self.reason.trim().to_owned();
        batch.lose_output(reason, signed).map_err(rule)?;
        put(permit, &batch)
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec!["the sheet of numbers is signed again with the next output".into()]
    }
}
