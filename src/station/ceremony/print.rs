//! Scripts and minutes on the report printer. A printer that does not print
//! holds no ceremony up: the file is there, and the screen says so.

use conclave_keyroom::domain::device::PrinterPurpose;
use conclave_keyroom::door::{ActionError, DoorError};
use conclave_keyroom::ports::dialogue::People;
use conclave_trades::print::PrintReport;

use super::paper::Filed;
use crate::station::Station;

impl Station {
    /// Prints a filed report where one printer is enrolled for reports; in
    /// words, where the report is now.
    pub(crate) fn print_filed(&mut self, filed: &Filed, people: &mut dyn People) -> String {
        let path = &filed.path;
        let Some(report) = &filed.report else {
            return format!("Signed before the interruption, in {path}: print the file.");
        };
        self.print_on_report_printer(path, people, |station, printer| {
            station.perform_plain(&PrintReport {
                printer,
                filed: filed.sha256,
                report: report.clone(),
            })
        })
    }

    /// The same for any filed report, printed by this act.
    pub(crate) fn print_on_report_printer(
        &mut self,
        path: &str,
        people: &mut dyn People,
        print: impl FnOnce(&mut Self, String) -> Result<(), DoorError>,
    ) -> String {
        let printers: Vec<String> = self
            .enrolled_printers()
            .into_iter()
            .filter(|printer| printer.purpose == PrinterPurpose::Reports)
            .map(|printer| printer.name)
            .collect();
        let printer = match printers.as_slice() {
            [printer] => printer.clone(),
            [] => {
                return format!(
                    "Filed as {path}: print the file, or have administrators enrol a report \
                     printer."
                );
            }
            several => {
                return format!(
                    "Filed as {path}, not printed: {} are enrolled for reports, and one is \
                     wanted. Print the file.",
                    crate::words::list(several)
                );
            }
        };
        people.progress(&format!("Printing on {printer}"), 0, 1);
        match print(self, printer.clone()) {
            Ok(()) => {
                people.progress(&format!("Printing on {printer}"), 1, 1);
                format!("Filed as {path}, printed on {printer}.")
            }
            Err(why) => format!("Filed as {path}, not printed on {printer}: {}", told(&why)),
        }
    }
}

/// What happened, and what to do about it.
fn told(why: &DoorError) -> String {
    let advice = match why {
        DoorError::Failed(
            ActionError::Device { advice, .. } | ActionError::Rule { advice, .. },
        ) => advice.as_str(),
        DoorError::Failed(ActionError::Unknown { .. }) => {
            "Throw away what came out, and print the file."
        }
        _ => "Print the file.",
    };
    format!("{why}. {advice}")
}
