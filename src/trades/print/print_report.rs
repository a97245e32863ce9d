//! Printing a report that stands in a file already, on a printer that is there
//! for reports and for nothing else (R10).

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Hash};
use conclave_keyroom::domain::device::{PrinterLanguage, PrinterPurpose, PrinterRecord};
use conclave_keyroom::domain::open_page::OpenPage;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::printer::{FoundPrinter, PrinterError};
use serde::{Deserialize, Serialize};

use super::approval::digest;
use super::enrolment::{fit, on_record};
use super::error::PrintError;
use super::report::{Report, report_pdf};
use super::report_escp::report_escp;

/// Prints one report once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PrintReport {
    /// The printer's name.
    pub printer: String,
    /// SHA-256 of the PDF that was filed: what is printed is that report.
    pub filed: Hash,
    /// What stands on it. Nothing in it is secret.
    pub report: Report,
}

/// What a person does about a printer that did not print; no other printer may
/// take its place, but the file is there.
fn advice(error: &PrinterError) -> &'static str {
    match error {
        PrinterError::Missing => "Plug the report printer in and switch it on, or print the file.",
        PrinterError::NotADevice(_) => {
            "Something that is no printer stands in its place: have administrators look, and \
             print the file."
        }
        PrinterError::Impostor { .. } => {
            "Connect the printer that is enrolled, one without a serial number in its own socket, \
             or print the file. A printer that is known by another socket now is retired and \
             enrolled anew."
        }
        PrinterError::Twins(_) => {
            "Unplug the one that is not enrolled: a serial number is given once. Have \
             administrators look at it."
        }
        PrinterError::NotReady(_) => {
            "Look for paper, cover and the on-line key of the report printer, or print the file."
        }
        PrinterError::Broken(_) | PrinterError::CutShort(_) => {
            "Throw away what came out, and print the file."
        }
        PrinterError::Stopped => "Print the file.",
    }
}

/// Why a printer of another language gets no report.
pub(crate) const NO_REPORTS: &str =
    "reports are drawn as ESC/P or PDF, and this printer takes neither";

pub(crate) fn device(error: &PrinterError) -> ActionError {
    if error.may_have_printed() {
        return ActionError::Unknown {
            what: error.to_string(),
        };
    }
    ActionError::Device {
        what: error.to_string(),
        advice: advice(error).into(),
    }
}

/// Where the enrolled printer is today: its serial counts, its node may be
/// another one. A stranger at its old node is named; of two with its serial one is
/// another device, and nobody can tell which.
pub(crate) fn node<'f>(
    record: &PrinterRecord,
    found: &'f [FoundPrinter],
) -> Result<&'f FoundPrinter, PrinterError> {
    let mut alike = found.iter().filter(|f| f.serial == record.serial);
    match (alike.next(), alike.next()) {
        (Some(_), Some(_)) => return Err(PrinterError::Twins(record.serial.clone())),
        (Some(there), None) => return Ok(there),
        (None, _) => {}
    }
    match found.iter().find(|f| f.device == record.device) {
        Some(other) => Err(PrinterError::Impostor {
            found: other.serial.clone(),
            enrolled: record.serial.clone(),
        }),
        None => Err(PrinterError::Missing),
    }
}

/// Prints a report of this station, whose filed PDF has this SHA-256, on a
/// printer of that name that is enrolled for reports.
pub(crate) fn print(
    permit: &Permit<'_>,
    ports: &mut Ports<'_>,
    printer: &str,
    filed: &Hash,
    report: &Report,
) -> Result<(), ActionError> {
    let authority = permit.authority()?;
    let mode = authority.mode;
    if report.mode != mode || report.station != authority.station_name {
        return Err(ActionError::rule(
            format!(
                "the report is of {} {}, not of this station",
                report.station, report.mode
            ),
            "Print it where it was made.",
        ));
    }
    let enrolled = on_record(permit)?;
    let record = fit(mode, &enrolled, printer, PrinterPurpose::Reports).map_err(|e| {
        ActionError::rule(
            e.to_string(),
            "Reports leave through a printer enrolled for reports only (R10).",
        )
    })?;
    const ADVICE: &str = "Print the file; the report is not changed.";
    let pdf = report_pdf(report).map_err(|e| ActionError::rule(e.to_string(), ADVICE))?;
    if digest(&pdf) != *filed {
        return Err(ActionError::rule(
            "this is not the report that was filed",
            ADVICE,
        ));
    }
    let bytes = page_for(record, report, ADVICE)?;
    send(permit, ports, record, &report.title, bytes)
}

/// A report in its printer's language. A page that is no PDF names the digest of
/// the one that is filed.
pub(crate) fn page_for(
    record: &PrinterRecord,
    report: &Report,
    advice: &str,
) -> Result<Vec<u8>, ActionError> {
    let unprintable = |e: PrintError| ActionError::rule(e.to_string(), advice);
    let pdf = report_pdf(report).map_err(unprintable)?;
    match record.language {
        PrinterLanguage::Pdf => Ok(pdf),
        PrinterLanguage::Line | PrinterLanguage::Pcl5 => Err(ActionError::rule(NO_REPORTS, advice)),
        PrinterLanguage::EscP | PrinterLanguage::EscP9 | PrinterLanguage::EscP24 => {
            report_escp(report, &digest(&pdf)).map_err(unprintable)
        }
    }
}

/// Sends a page that anybody may read to this printer: to the program behind which it
/// stands, which takes PDF and whose record says so, or to its node.
pub(crate) fn send(
    permit: &Permit<'_>,
    ports: &mut Ports<'_>,
    record: &PrinterRecord,
    title: &str,
    page: Vec<u8>,
) -> Result<(), ActionError> {
    if record.is_loopback() {
        let page = OpenPage::without_secrets(title, page);
        return ports
            .printers
            .submit(permit, &record.device, &record.serial, &page)
            .map_err(|e| device(&e));
    }
    let found = ports.printers.found().map_err(|e| device(&e))?;
    let there = node(record, &found).map_err(|e| device(&e))?;
    ports
        .printers
        .print(permit, &there.device, &record.serial, &page)
        .map_err(|e| device(&e))
}

impl Action for PrintReport {
    const NAME: &'static str = "print-report";
    type Out = ();

    /// A ceremony's papers, from before its mandate is signed until after it
    /// has ended: both groups that play it are logged on all the while.
    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Session(GroupId::KeyManagers),
            Authority::Session(GroupId::Approvers),
        ])
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!("Print the report {:?}", self.report.title),
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
        print(permit, ports, &self.printer, &self.filed, &self.report)
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec!["sent to the printer".into()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_evidence::Id;

    #[test]
    fn the_serial_is_the_printer_and_a_stranger_at_its_node_is_named() {
        let record = PrinterRecord {
            id: Id([1; 16]),
            name: "REP-1".into(),
            device: "/dev/usb/lp1".into(),
            serial: "R1".into(),
            purpose: PrinterPurpose::Reports,
            language: PrinterLanguage::EscP,
            training: false,
        };
        let at = |device: &str, serial: &str| FoundPrinter {
            device: device.into(),
            serial: serial.into(),
            training: false,
            attached: 0,
        };
        let moved = [at("/dev/usb/lp1", "X"), at("/dev/usb/lp2", "R1")];
        assert_eq!(
            node(&record, &moved).map(|f| f.device.as_str()),
            Ok("/dev/usb/lp2")
        );
        let twins = [at("/dev/usb/lp1", "R1"), at("/dev/usb/lp2", "R1")];
        assert_eq!(node(&record, &twins), Err(PrinterError::Twins("R1".into())));
        let stranger = [at("/dev/usb/lp1", "X")];
        assert_eq!(
            node(&record, &stranger),
            Err(PrinterError::Impostor {
                found: "X".into(),
                enrolled: "R1".into()
            })
        );
        assert_eq!(
            node(&record, &[at("/dev/usb/lp0", "X")]),
            Err(PrinterError::Missing)
        );
    }

    #[test]
    fn only_a_printer_that_may_have_printed_leaves_the_outcome_open() {
        for error in [
            PrinterError::Missing,
            PrinterError::NotADevice("x".into()),
            PrinterError::Impostor {
                found: "a".into(),
                enrolled: "b".into(),
            },
            PrinterError::NotReady("off line".into()),
            PrinterError::Stopped,
        ] {
            assert!(
                matches!(device(&error), ActionError::Device { advice, .. } if !advice.is_empty())
            );
        }
        let broken = device(&PrinterError::Broken("off".into()));
        assert!(matches!(broken, ActionError::Unknown { .. }));
    }
}
