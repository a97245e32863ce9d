//! The reconciliation: every card and every form, in numbers that both sign.

use std::collections::BTreeSet;

use conclave_crypto::secret::Secret;
use conclave_evidence::{Hash, Id};
use conclave_keyroom::domain::pin_batch::{PinBatch, Reconciled, Stage};
use conclave_keyroom::domain::pin_said::Became;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use serde::{Deserialize, Serialize};

use super::sheet::sheet;
use super::{BatchName, both_sign, cards, digest, put, signing};
use crate::print::{Report, report_pdf};

/// Signs a batch's reconciliation sheet.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReconcileBatch {
    /// The batch.
    pub batch: BatchName,
    /// SHA-256 of the sheet as it is filed, a PDF: see [`sheet`].
    pub sheet: Hash,
    /// Its numbers, as the signers read them.
    pub numbers: Vec<String>,
    /// Whom the sheet names as its signers, by their records in the directory.
    pub signers: Vec<Id>,
}

/// The numbers of a batch, one a line.
pub(super) fn numbers(batch: &PinBatch) -> Vec<(String, String)> {
    let balance = batch.balance();
    let fact = |name: &str, value: u64| (name.to_owned(), value.to_string());
    vec![
        fact("cards of the file", balance.input),
        fact("mailers confirmed", balance.confirmed),
        fact("cards to be reissued", balance.cancelled),
        fact("cards still open", balance.open),
        fact("PINs replaced", batch.replaced.into()),
        fact("blank forms taken out", balance.issued),
        fact("forms spoiled", balance.spoiled),
        fact("forms missing, an incident", balance.missing),
        fact(
            "of them found and destroyed",
            batch.turned_up(Became::Found),
        ),
        fact("of them found unused", batch.turned_up(Became::Unused)),
        fact("forms with test prints", balance.test),
        fact("forms back in the safe", balance.returned),
        fact("forms unaccounted for", balance.unaccounted()),
    ]
}

/// SHA-256 of the sheet as it is filed: whoever has the file compares it.
///
/// # Errors
/// [`ActionError`]; never for a sheet of [`sheet`].
fn digest_of(report: &Report) -> Result<Hash, ActionError> {
    let pdf = report_pdf(report).map_err(|e| super::refused(e.to_string()))?;
    Ok(digest(pdf))
}

impl ReconcileBatch {
    /// For the sheet that its signers have read, and that names them.
    ///
    /// # Errors
    /// [`ActionError`]; never for a sheet of [`sheet`].
    pub fn of(batch: &PinBatch, sheet: &Report, signers: &[Id]) -> Result<Self, ActionError> {
        let words = |(name, value): (String, String)| format!("{name}: {value}");
        Ok(Self {
            batch: BatchName::of(batch),
            sheet: digest_of(sheet)?,
            numbers: numbers(batch).into_iter().map(words).collect(),
            signers: signers.to_vec(),
        })
    }
}

impl Action for ReconcileBatch {
    const NAME: &'static str = "reconcile-batch";
    type Out = ();

    fn authority(&self) -> Authority {
        both_sign()
    }

    fn words(&self) -> Vec<String> {
        let mut words = vec![format!("The reconciliation of {}", self.batch.words())];
        words.extend(self.numbers.iter().cloned());
        words.push(format!("SHA-256 of the sheet's file {}", self.sheet));
        words
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let mut batch = self.batch.get(permit)?;
        if batch.stage() != Stage::Exported {
            return Err(ActionError::rule(
                format!("this batch is {}", batch.stage().words()),
                "The sheet is signed once, after the output has left.",
            ));
        }
        let signed = signing(permit);
        let sorted = |people: &[Id]| people.iter().copied().collect::<BTreeSet<Id>>();
        if sorted(&signed.people) != sorted(&self.signers) {
            return Err(ActionError::rule(
                "the sheet names others than those who signed",
                "Those sign who are logged on: the sheet has their names.",
            ));
        }
        let cards = cards(permit, &batch)?;
        let provenance = permit.provider_identity().class.provenance();
        let sheet = sheet(permit.authority()?, &batch, &cards, &self.signers);
        let own = Self::of(&batch, &sheet.with_provenance(provenance), &self.signers)?;
        if own.sheet != self.sheet || own.numbers != self.numbers {
            return Err(super::refused("these are not the numbers of this batch"));
        }
        batch.reconciled = Some(Reconciled {
            sheet: self.sheet,
            signed,
        });
        put(permit, &batch)
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec!["the sheet is signed by both".into()]
    }
}
