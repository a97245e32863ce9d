//! Printing one half of a store's passphrase, once, for the one who holds it.

use conclave_crypto::secret::Secret;
use conclave_evidence::GroupId;
use conclave_evidence::authority::Mode;
use conclave_keyroom::domain::device::{PrinterLanguage, PrinterPurpose, PrinterRecord};
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::printer::PrinterError;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::export::StorePassphrase;
use crate::ceremony::action::form;
use crate::ceremony::state::Player;
use crate::print::approval::may_begin;
use crate::print::enrolment::{fit, on_record};
use crate::print::passphrase_form::{self, HalfForm, render};
use crate::print::print_report::node;

/// Prints a half that waits in the provider. Whether or not it came out whole,
/// it is there no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrintHalf {
    /// The bundle.
    pub bundle: u64,
    /// 1 or 2.
    pub half: u8,
    /// Who takes it: as the export was approved.
    pub holder: Player,
    /// The component printer's name.
    pub printer: String,
    /// The date on the sheet.
    pub date: String,
    /// The layout's exact text.
    pub layout: String,
}

const AGAIN: &str = "export the keys again under a new passphrase, and destroy the other half";

fn device(error: &PrinterError) -> ActionError {
    ActionError::Device {
        what: error.to_string(),
        advice: "Check the printer: it must be the enrolled one, on and with paper.".into(),
    }
}

impl PrintHalf {
    fn place(&self) -> Result<usize, ActionError> {
        match self.half {
            1 => Ok(0),
            2 => Ok(1),
            _ => Err(ActionError::rule(
                "a passphrase has two halves",
                "choose one",
            )),
        }
    }

    fn fits(&self, record: &StorePassphrase) -> Result<(), ActionError> {
        let at = self.place()?;
        if record.holders.get(at) != Some(&self.holder) {
            return Err(ActionError::rule(
                format!("half {} is not for {}", self.half, self.holder.name),
                "the one who was approved takes it",
            ));
        }
        if record.printed_ms.get(at).copied().flatten().is_some() {
            return Err(ActionError::rule(
                format!("half {} was printed: it is printed once", self.half),
                AGAIN,
            ));
        }
        Ok(())
    }

    fn printer(&self, permit: &Permit<'_>, mode: Mode) -> Result<PrinterRecord, ActionError> {
        let enrolled = on_record(permit)?;
        let record = fit(mode, &enrolled, &self.printer, PrinterPurpose::Components)
            .map_err(|e| {
                ActionError::rule(
                    e.to_string(),
                    "A half leaves through the enrolled component printer only (R10).",
                )
            })?
            .clone();
        if record.language == PrinterLanguage::Pdf && !record.training {
            return Err(ActionError::rule(
                "a half as PDF is for training stations only",
                "Use the enrolled line printer.",
            ));
        }
        Ok(record)
    }
}

impl Action for PrintHalf {
    const NAME: &'static str = "print-half";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Session(GroupId::KeyManagers),
            Authority::Session(GroupId::Approvers),
        ])
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!(
                "Print half {} of the passphrase of bundle {:04}",
                self.half, self.bundle
            ),
            format!("for {}, who alone takes the sheet", self.holder.name),
            format!("on {}", self.printer),
        ]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let id = StorePassphrase::id_of(self.bundle);
        self.fits(&beforehand.get(Compartment::Export, id)?)
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let id = StorePassphrase::id_of(self.bundle);
        let mut record: StorePassphrase = permit.get(Compartment::Export, id)?;
        self.fits(&record)?;
        let holder = &self.holder;
        form::holds(permit, (holder.id, &holder.name), holder.group)?;
        let provenance = permit.provider_identity().class.provenance();
        let authority = permit.authority()?;
        let sheet = HalfForm {
            mode: authority.mode,
            station: authority.station_name.clone(),
            holder: self.holder.name.clone(),
            half: self.half,
            bundle: record.folder.clone(),
            recipient: record.recipient.clone(),
            date: self.date.clone(),
            provenance: match authority.mode {
                Mode::Production => provenance.map(str::to_owned),
                Mode::Test => None,
            },
        };
        let layout = may_begin(permit, &self.layout)?;
        passphrase_form::fits(&layout)
            .map_err(|why| ActionError::rule(why, "Have the layout corrected."))?;
        let printer = self.printer(permit, sheet.mode)?;
        let found = ports.printers.found().map_err(|e| device(&e))?;
        let node = node(&printer, &found).map_err(|e| device(&e))?;
        let (provider, mark, _) = permit.provider();
        let half = provider.take_component(&mark, id, self.half).map_err(|_| {
            ActionError::rule(
                "the half is no longer there: the station was locked or restarted",
                AGAIN,
            )
        })?;
        let printed = render(&layout, &sheet, &half, printer.language)
            .map_err(|e| ActionError::rule(e.to_string(), "Correct the name."))
            .and_then(|page| {
                ports
                    .printers
                    .print(&mark, &node.device, &printer.serial, page.expose())
                    .map_err(|error| match error.may_have_printed() {
                        true => ActionError::Unknown {
                            what: error.to_string(),
                        },
                        false => device(&error),
                    })
            });
        if let Err(error) = printed {
            if !matches!(error, ActionError::Unknown { .. }) {
                provider.put_back_component(&mark, id, self.half, half);
            }
            return Err(error);
        }
        drop(half);
        let now = permit.now_ms();
        if let Some(place) = record.printed_ms.get_mut(self.place()?) {
            *place = Some(now);
        }
        permit.put(Compartment::Export, StorePassphrase::KIND, id, &record)?;
        Ok(())
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec!["sent to the printer".into()]
    }
}
