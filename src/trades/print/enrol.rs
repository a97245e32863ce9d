//! Enrolling a printer for its one purpose: administrators sign.

use conclave_crypto::secret::Secret;
use conclave_evidence::GroupId;
use conclave_keyroom::domain::device::{PrinterRecord, RetiredPrinter};
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::printer::PrinterError;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::enrolment::{may_enrol, may_return, on_record, retired};

/// Enrols the printer that stands at a device node now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EnrolPrinter {
    /// What it is and what for.
    pub printer: PrinterRecord,
}

impl Action for EnrolPrinter {
    const NAME: &'static str = "enrol-printer";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::Quorum(GroupId::Administrators)
    }

    fn words(&self) -> Vec<String> {
        let p = &self.printer;
        vec![
            format!("Enrol the printer {} for {}", p.name, p.purpose.words()),
            format!("device {}, serial {}", p.device, p.serial),
            format!("it is sent {}", p.language.words()),
            "for this purpose only, for ever (R10)".into(),
        ]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let enrolled = on_record(permit)?;
        may_enrol(permit.authority()?.mode, &enrolled, &self.printer).map_err(|e| {
            ActionError::rule(e.to_string(), "Use another device for this purpose.")
        })?;
        may_return(&retired(permit)?, &self.printer).map_err(|e| {
            ActionError::rule(
                e.to_string(),
                "A retired printer comes back for what it was for; a new one has a name of its own.",
            )
        })?;
        let taken = |id| {
            let vault = permit.vault();
            vault.check_record(Compartment::Directory, id).is_ok()
        };
        if taken(self.printer.id) || taken(RetiredPrinter::id_of(self.printer.id)) {
            return Err(ActionError::rule(
                "this record is taken",
                "Propose it again: a printer has a record of its own.",
            ));
        }
        let device = |what: String| ActionError::Device {
            what,
            advice: "Plug the printer in, switch it on, and try again.".into(),
        };
        let found = if self.printer.is_loopback() {
            ports.printers.found_for_reports()
        } else {
            ports.printers.found()
        };
        let found = found.map_err(|e| device(e.to_string()))?;
        let alike = found.iter().filter(|f| f.serial == self.printer.serial);
        if alike.count() > 1 {
            return Err(device(
                PrinterError::Twins(self.printer.serial.clone()).to_string(),
            ));
        }
        let there = found.iter().any(|f| {
            f.device == self.printer.device
                && f.serial == self.printer.serial
                && f.training == self.printer.training
        });
        if !there {
            return Err(device("this printer is not there now".into()));
        }
        permit.put(
            Compartment::Directory,
            PrinterRecord::KIND,
            self.printer.id,
            &self.printer,
        )?;
        Ok(())
    }
}
