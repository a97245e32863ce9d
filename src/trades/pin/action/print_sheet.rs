//! The reconciliation sheet on the report printer: the pair that signs it prints
//! it, and nothing else.

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Hash, Id};
use conclave_keyroom::domain::pin_batch::Stage;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use serde::{Deserialize, Serialize};

use super::{BatchName, both_here, cards, sheet};
use crate::print::print_report;

/// Prints a batch's reconciliation sheet. What stands on it is made of the
/// records here and now, so that nothing else is printed in its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrintBatchSheet {
    /// The batch.
    pub batch: BatchName,
    /// The report printer's name.
    pub printer: String,
    /// SHA-256 of the PDF that was filed: what is printed is that sheet.
    pub filed: Hash,
}

impl Action for PrintBatchSheet {
    const NAME: &'static str = "print-batch-sheet";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::All(both_here())
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!("Print the reconciliation sheet of {}", self.batch.words()),
            format!("SHA-256 of its file {}", self.filed),
            format!("on {}", self.printer),
        ]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let batch = self.batch.get(permit)?;
        if !matches!(batch.stage(), Stage::Exported | Stage::Reconciled) {
            return Err(ActionError::rule(
                format!("this batch is {}", batch.stage().words()),
                "Its sheet is printed after the output has left, and before the cards are purged.",
            ));
        }
        let cards = cards(permit, &batch)?;
        let provenance = permit.provider_identity().class.provenance();
        // Whoever signed it; before that those who are here to.
        let signers: Vec<Id> = match &batch.reconciled {
            Some(reconciled) => reconciled.signed.people.clone(),
            None => GroupId::PIN_ROOM
                .map(|group| permit.vault().people_of(group).to_vec())
                .concat(),
        };
        let report = sheet(permit.authority()?, &batch, &cards, &signers);
        let report = report.with_provenance(provenance);
        print_report::print(permit, ports, &self.printer, &self.filed, &report)
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec!["sent to the printer".into()]
    }
}
