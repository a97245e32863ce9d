//! A batch goes on at another printer: the one it was opened for broke.

use conclave_crypto::secret::Secret;
use conclave_evidence::authority::Mode;
use conclave_keyroom::domain::device::{
    PrinterLanguage, PrinterPurpose, PrinterRecord, RetiredPrinter,
};
use conclave_keyroom::domain::pin_batch::{BatchLayout, PinBatch};
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::pages::Pages;
use super::{BatchName, both_sign, layout, put, reason, refused, rule, said, signing};
use crate::print::Layout;
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

/// What is on record of printers.
struct Printers {
    mode: Mode,
    enrolled: Vec<PrinterRecord>,
    retired: Vec<RetiredPrinter>,
    pages: Pages,
}

impl ChangeBatchPrinter {
    fn check(
        &self,
        batch: &PinBatch,
        layout: &Layout,
        printers: &Printers,
    ) -> Result<(), ActionError> {
        reason(&self.reason)?;
        batch.moves().map_err(rule)?;
        if batch.printer != self.from || self.from == self.to {
            return Err(refused(format!(
                "this batch has the printer {}",
                batch.printer
            )));
        }
        let enrolled = &printers.enrolled;
        let new = fit(printers.mode, enrolled, &self.to, PrinterPurpose::Pins).map_err(|e| {
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
        let gone = printers.retired.iter().map(|one| &one.printer);
        let old = enrolled
            .iter()
            .chain(gone)
            .find(|one| one.name == self.from);
        if old.is_none_or(|old| old.language != new.language) {
            return Err(ActionError::rule(
                format!("{} speaks another language than {}", self.to, self.from),
                "Use a printer of the same language, or cancel what waits and have it sent anew.",
            ));
        }
        printers.pages.check(layout, &batch.layout_digest, new)
    }
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

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let batch = self.batch.beforehand(beforehand)?;
        let layout: BatchLayout =
            beforehand.get(Compartment::Pins, BatchLayout::id_of(batch.id))?;
        let layout = Layout::as_approved(&layout.text).map_err(|e| refused(e.to_string()))?;
        let enrolled = beforehand.list(Compartment::Directory, PrinterRecord::KIND)?;
        let retired = beforehand.list(Compartment::Directory, RetiredPrinter::KIND)?;
        let printers = Printers {
            mode: beforehand.authority()?.mode,
            enrolled: enrolled.into_iter().map(|(_, one)| one).collect(),
            retired: retired.into_iter().map(|(_, one)| one).collect(),
            pages: Pages::beforehand(beforehand)?,
        };
        self.check(&batch, &layout, &printers)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let mut batch = self.batch.get(permit)?;
        let layout = layout(permit, &batch)?;
        let printers = Printers {
            mode: permit.authority()?.mode,
            enrolled: on_record(permit)?,
            retired: retired(permit)?,
            pages: Pages::on_record(permit)?,
        };
        self.check(&batch, &layout, &printers)?;
        let reason = self.reason.trim().to_owned();
        batch.printer_changed(&self.to, reason, signing(permit));
        put(permit, &batch)
    }
}
