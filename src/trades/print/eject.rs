//! Feeding the printed sheet out, once its custodian stands at the printer: a
//! sheet that is fed at once may fall to the floor.

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::device::{PrinterLanguage, PrinterPurpose};
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use serde::{Deserialize, Serialize};

use super::enrolment::{fit, on_record};
use super::mailer::eject;

/// Ejects the sheet in the component printer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EjectSheet {
    /// Under this ceremony's mandate.
    pub ceremony: Id,
    /// The printers that hold the sheet.
    pub printers: Vec<String>,
    /// Who takes it.
    pub custodian: String,
}

impl Action for EjectSheet {
    const NAME: &'static str = "eject-sheet";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Mandate(self.ceremony),
            Authority::Session(GroupId::KeyManagers),
        ])
    }

    fn words(&self) -> Vec<String> {
        vec![format!("{} has taken the sheet", self.custodian)]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let mode = permit.authority()?.mode;
        let enrolled = on_record(permit)?;
        let device = |what: String| ActionError::Device {
            what,
            advice: "Feed the sheet out by hand.".into(),
        };
        let found = ports.printers.found().map_err(|e| device(e.to_string()))?;
        for name in &self.printers {
            let record = fit(mode, &enrolled, name, PrinterPurpose::Components)
                .map_err(|e| ActionError::rule(e.to_string(), "Use the component printer."))?;
            if record.language == PrinterLanguage::Pdf {
                continue;
            }
            let node = found
                .iter()
                .find(|f| f.serial == record.serial)
                .ok_or_else(|| device("the printer is not there".into()))?;
            ports
                .printers
                .print(
                    &*permit,
                    &node.device,
                    &record.serial,
                    eject(record.language),
                )
                .map_err(|e| device(e.to_string()))?;
        }
        Ok(())
    }
}
