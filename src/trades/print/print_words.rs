//! Printing a recovery member's words on their one sheet.

use conclave_crypto::primitive::passphrase::Passphrase;
use conclave_crypto::secret::Secret;
use conclave_evidence::authority::Mode;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::Permission;
use conclave_keyroom::domain::device::{PrinterLanguage, PrinterPurpose, PrinterRecord};
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::printer::{PrinterError, Printers};
use conclave_keyroom::provider::Class;
use serde::{Deserialize, Serialize};

use super::enrolment::{fit, on_record};
use super::print_report::node;
use super::words_form::{WordsForm, render};

/// Prints the words that come beside this action. They open nothing until a
/// renewal of the recovery group, which administrators sign, pins their keys.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PrintWords {
    /// The member's id, where a card has its number.
    pub member: Id,
    /// Who takes the sheet.
    pub holder: String,
    /// Which member of the group, from 1.
    pub part: u8,
    /// How many it has then.
    pub of: u8,
    /// The component printer's name.
    pub printer: String,
    /// The date on the sheet.
    pub date: String,
}

fn device(error: &PrinterError) -> ActionError {
    ActionError::Device {
        what: error.to_string(),
        advice: "Check the printer: it must be the enrolled one, on and with paper.".into(),
    }
}

impl PrintWords {
    /// Renders the sheet and sends it to this printer. The founding prints
    /// through here, too: it has no act that could be performed.
    ///
    /// # Errors
    /// [`ActionError`]; [`ActionError::Unknown`] where a part may be on paper.
    pub fn print(
        &self,
        permit: &dyn Permission,
        record: &PrinterRecord,
        (station, mode, class): (String, Mode, Class),
        words: Passphrase,
        printers: &mut dyn Printers,
    ) -> Result<(), ActionError> {
        if record.language == PrinterLanguage::Pdf && !record.training {
            return Err(ActionError::rule(
                "words as PDF are for training stations only",
                "Use the enrolled line printer.",
            ));
        }
        let form = WordsForm {
            mode,
            station,
            holder: self.holder.clone(),
            part: self.part,
            of: self.of,
            member: self.member.short(),
            date: self.date.clone(),
            provenance: match mode {
                Mode::Production => class.provenance().map(str::to_owned),
                Mode::Test => None,
            },
        };
        let found = printers.found().map_err(|e| device(&e))?;
        let node = node(record, &found).map_err(|e| device(&e))?;
        let sheet = render(&form, &words, record.language)
            .map_err(|e| ActionError::rule(e.to_string(), "Correct the name."))?;
        drop(words);
        match printers.print(permit, &node.device, &record.serial, sheet.expose()) {
            Err(error) if error.may_have_printed() => Err(ActionError::Unknown {
                what: error.to_string(),
            }),
            Err(error) => Err(device(&error)),
            Ok(()) => Ok(()),
        }
    }
}

impl Action for PrintWords {
    const NAME: &'static str = "print-words";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Session(GroupId::Administrators),
            Authority::Session(GroupId::Recovery),
        ])
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!("Print recovery words, part {} of {}", self.part, self.of),
            format!("for {}, who alone takes the sheet", self.holder),
            format!("on {}", self.printer),
        ]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        secrets: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let words = secrets.into_iter().next().map(Passphrase::typed);
        let Some(Ok(words)) = words else {
            return Err(ActionError::rule(
                "there are no words to print",
                "Begin again.",
            ));
        };
        let enrolled = on_record(permit)?;
        let class = permit.provider_identity().class;
        let authority = permit.authority()?;
        let mode = authority.mode;
        let record = fit(mode, &enrolled, &self.printer, PrinterPurpose::Components)
            .map_err(|e| {
                ActionError::rule(
                    e.to_string(),
                    "Words leave through the enrolled component printer only (R10).",
                )
            })?
            .clone();
        let station = (authority.station_name.clone(), mode, class);
        self.print(&*permit, &record, station, words, &mut *ports.printers)
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec!["sent to the printer".into()]
    }
}
