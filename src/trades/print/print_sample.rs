//! A page of X's on an enrolled printer: to inspect a layout before it is
//! approved, to bring forms into line before a batch, to flush a printer after
//! one. It has no secret, and goes the way that secrets go.

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::layout_approval::LayoutSample;
use conclave_keyroom::domain::pin_batch::PinBatch;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::approval::digest;
use super::enrolment::{fit, on_record};
use super::layout::{Eject, Layout};
use super::mailer;
use super::print_report::send;

/// Prints a form of X's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PrintSample {
    /// Who is logged on for it: administrators, key managers or PIN operators.
    pub group: GroupId,
    /// The printer's name.
    pub printer: String,
    /// The layout's exact text; it need not be approved.
    pub layout: String,
    /// Twice over what the printer's memory has, as after a batch.
    pub flush: bool,
}

impl PrintSample {
    /// Operators print it for the batches of this layout that have, or had, this
    /// printer: it stands in their records, and on the sheets that are signed in the end.
    fn note_in_batches(&self, permit: &mut Permit<'_>) -> Result<(), ActionError> {
        let (own, now) = (digest(&self.layout), permit.now_ms());
        let incarnation = permit.authority()?.incarnation;
        let all: Vec<(Id, PinBatch)> = permit.list(Compartment::Pins, PinBatch::KIND)?;
        for (id, mut batch) in all {
            let its = batch.layout_digest == own && !batch.is_restored(incarnation);
            if its && batch.test_printed(&self.printer, self.flush, now) {
                permit.put(Compartment::Pins, PinBatch::KIND, id, &batch)?;
            }
        }
        Ok(())
    }
}

impl Action for PrintSample {
    const NAME: &'static str = "print-sample";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::Session(self.group)
    }

    fn words(&self) -> Vec<String> {
        let name = Layout::parse(&self.layout).map(|layout| layout.name().to_owned());
        let what = if self.flush { "Flush with" } else { "Print" };
        vec![
            format!(
                "{what} a page of X's of the layout {}",
                name.unwrap_or_else(|_| "that breaks a rule".into())
            ),
            format!("SHA-256 of its file {}", digest(&self.layout)),
            format!("on {}", self.printer),
        ]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        if !matches!(
            self.group,
            GroupId::Administrators | GroupId::KeyManagers | GroupId::PinOperators
        ) {
            return Err(ActionError::rule(
                "administrators, key managers or PIN operators print pages of X's",
                "Log on with one of these groups.",
            ));
        }
        let refused = |why: String| ActionError::rule(why, "Have the layout corrected.");
        let layout = Layout::parse(&self.layout).map_err(|e| refused(e.to_string()))?;
        let mode = permit.authority()?.mode;
        let enrolled = on_record(permit)?;
        let printer = enrolled.iter().find(|printer| printer.name == self.printer);
        let printer = printer.ok_or_else(|| {
            ActionError::rule(
                format!("no printer {} is enrolled", self.printer),
                "Enrol it first.",
            )
        })?;
        let purpose = printer.purpose;
        if !layout.kind().takes_samples(purpose) {
            return Err(ActionError::rule(
                format!(
                    "{} is enrolled for {}, and {} is a layout for a {}",
                    self.printer,
                    purpose.words(),
                    layout.name(),
                    layout.kind().words()
                ),
                "A printer of secrets prints nothing but its own forms, X's too (R10): use one \
                 for such forms, or one for reports.",
            ));
        }
        let record = fit(mode, &enrolled, &self.printer, purpose)
            .map_err(|e| ActionError::rule(e.to_string(), "Use another printer."))?;
        let language = record.language;
        let bytes = if self.flush {
            mailer::flush(&layout, mode, language)
        } else {
            mailer::sample(&layout, mode, language).map(|mut page| {
                if layout.eject() == Eject::OnConfirmation {
                    page.extend_from_slice(mailer::eject(language));
                }
                page
            })
        };
        let bytes = bytes.map_err(|e| refused(e.to_string()))?;
        let title = format!("page of X's of {}", layout.name());
        send(permit, ports, record, &title, bytes)?;
        // Those who approve layouts look at a page of their own; a flush is looked at
        // by nobody.
        if !self.flush && self.group == GroupId::Administrators {
            let sample = LayoutSample {
                digest: digest(&self.layout),
                printer: record.id,
                printed_ms: permit.now_ms(),
            };
            permit.put(
                Compartment::Directory,
                LayoutSample::KIND,
                sample.id(),
                &sample,
            )?;
        }
        if self.group == GroupId::PinOperators {
            self.note_in_batches(permit)?;
        }
        Ok(())
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec!["sent to the printer".into()]
    }
}
