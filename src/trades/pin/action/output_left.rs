//! An output that left in the range which a restore lost: it holds. People have
//! its digest on a receipt or in minutes, and nobody here has the file.

use conclave_crypto::secret::Secret;
use conclave_evidence::Hash;
use conclave_evidence::authority::Mode;
use conclave_keyroom::domain::pin_batch::{Exported, PinBatch, Signing};
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use serde::{Deserialize, Serialize};

use super::export::{OUTPUT_FILE, folder};
use super::{BatchName, both_and_administrators, put, reason, refused, rule, said, signing};
use crate::print::letters::to_ascii;

/// Longest name of a medium, in characters.
const MEDIUM_MOST: usize = 40;

/// Says that an output of a restored batch had left: no other is written, and
/// the batch ends by its sheet and its purge.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputLeft {
    /// The batch.
    pub batch: BatchName,
    /// Its number, as in its folder's name.
    pub output: u32,
    /// SHA-256 of the file, as two people typed it from the paper.
    pub file: Hash,
    /// The medium's name, as on the paper.
    pub medium: String,
    /// How it is known: which receipt or minutes, and who of the issuer said that
    /// it came. One sentence.
    pub known_by: String,
}

fn plain(what: &str, words: &str) -> Result<(), ActionError> {
    match to_ascii(words) {
        Ok(_) => Ok(()),
        Err(odd) => Err(ActionError::rule(
            format!("{what} has a character that reports cannot print: {odd:?}"),
            "Say it in plain letters: it stands on the reconciliation sheet.",
        )),
    }
}

impl OutputLeft {
    fn on(
        &self,
        mut batch: PinBatch,
        mode: Mode,
        signed: Signing,
    ) -> Result<PinBatch, ActionError> {
        reason(&self.known_by)?;
        plain("how it is known", &self.known_by)?;
        plain("the medium's name", &self.medium)?;
        // As short as a plate's, and as long as what a paper may call it.
        if !(1..=MEDIUM_MOST).contains(&self.medium.trim().chars().count()) {
            return Err(refused(format!(
                "a medium's name has 1 to {MEDIUM_MOST} characters"
            )));
        }
        if self.file == Hash([0; 32]) {
            return Err(refused("this is the digest of no file"));
        }
        // Numbers that were used up, or may have been in the lost range.
        if !(1..=batch.outputs).contains(&self.output) {
            return Err(refused(format!(
                "no output of this batch can have the number {}",
                self.output
            )));
        }
        let name = format!("{}/{OUTPUT_FILE}", folder(&self.batch, self.output, mode));
        let mut lost = batch.lost_outputs.iter();
        if lost.any(|lost| lost.output.name == name || lost.output.file == self.file) {
            return Err(refused(
                "this output is on record as one that did not arrive",
            ));
        }
        let output = Exported {
            file: self.file,
            name,
            medium: self.medium.trim().to_owned(),
            card_values: None,
            known_by: Some(self.known_by.trim().to_owned()),
            again: None,
            signed,
        };
        batch.output_left(output).map_err(rule)?;
        Ok(batch)
    }
}

impl Action for OutputLeft {
    const NAME: &'static str = "output-left";
    type Out = ();

    fn authority(&self) -> Authority {
        both_and_administrators()
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!(
                "Output {} of {} left before the station was restored",
                self.output,
                self.batch.words()
            ),
            format!("SHA-256 of its file {}", self.file),
            format!("on the medium {}", said(&self.medium)),
            format!("known by: {}", said(&self.known_by)),
            "its issuer has it and goes by it: none is written from these records, which are \
             older, and nothing of the batch changes any more"
                .into(),
        ]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let nobody = Signing {
            at_ms: 0,
            people: Vec::new(),
        };
        let mode = beforehand.authority()?.mode;
        self.on(self.batch.beforehand(beforehand)?, mode, nobody)
            .map(drop)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let signed = signing(permit);
        let mode = permit.authority()?.mode;
        let batch = self.on(self.batch.get(permit)?, mode, signed)?;
        put(permit, &batch)
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec!["the batch counts as exported: its sheet is signed next".into()]
    }
}
