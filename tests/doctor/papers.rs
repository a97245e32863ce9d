//! What a PRODUCTION station puts on paper while its keys are made in software: each
//! page says so.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::channel;

use conclave_evidence::GroupId;
use conclave_keyroom::domain::Permission;
use conclave_keyroom::ports::printer::{FoundPrinter, PrinterError, Printers};
use conclave_station::front::Request;
use conclave_station::service::{Front, serve};
use conclave_training::printer::TrainingPrinters;
use tempfile::TempDir;

use crate::people::done;
use crate::production::Bank;

const WORDS: &str = "made outside a secure cryptographic device";

/// The training printers as if they were real.
pub struct Real(pub TrainingPrinters);

impl Printers for Real {
    fn found(&mut self) -> Result<Vec<FoundPrinter>, PrinterError> {
        let mut found = self.0.found()?;
        found
            .iter_mut()
            .for_each(|printer| printer.training = false);
        Ok(found)
    }

    fn print(
        &mut self,
        permit: &dyn Permission,
        device: &str,
        serial: &str,
        bytes: &[u8],
    ) -> Result<(), PrinterError> {
        self.0.print(permit, device, serial, bytes)
    }
}

fn text(pdf: &Path) -> String {
    let read = Command::new("pdftotext").arg(pdf).arg("-").output();
    let read = read.expect("pdftotext: run ./scripts/test, which installs it");
    assert!(read.status.success(), "{}", pdf.display());
    let words = String::from_utf8(read.stdout).unwrap();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Every PDF below a folder, with its words.
fn pages(folder: &Path) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(pages(&path));
        } else if path.extension().is_some_and(|e| e == "pdf") {
            let name = path.file_name().unwrap().to_str().unwrap();
            all.push((name.to_owned(), text(&path)));
        }
    }
    all
}

#[test]
fn every_form_and_page_of_a_production_station_says_where_its_keys_are_made() {
    let folder = TempDir::new().unwrap();
    let mut bank = Bank::founded(&folder);
    bank.accept_provider("30 days");
    bank.logon(GroupId::Administrators).unwrap();
    let printer = bank.room.printers.0[0].clone();
    let found = format!("{} serial {}", printer.device(), printer.serial());
    bank.people.form(
        "enrol.printer",
        &["KOMP-1", &found, "key components", "ESC/P"],
    );
    done(bank.station.ask_printer(&mut bank.people));
    bank.out();
    bank.logon(GroupId::KeyManagers).unwrap();
    bank.logon(GroupId::Approvers).unwrap();
    bank.people
        .form("ceremony.parameters", &["A.ZMK.1", "zmk-tdes2", "2"]);
    done(
        bank.station
            .begin_ceremony("generate-zmk.toml", &mut bank.people),
    );
    bank.out();
    let printed = printer.bytes();
    let printed = String::from_utf8_lossy(printed.expose()).into_owned();
    let forms = printed.matches(" VALUE: four groups").count();
    assert_eq!(forms, 2);
    assert_eq!(printed.matches(WORDS).count(), forms, "on each form");

    // An auditor takes the journal and its reports away.
    bank.logon(GroupId::Auditors).unwrap();
    let (requests, asked) = channel();
    let (tells, _events) = channel();
    requests.send(Request::ExportJournal).unwrap();
    requests.send(Request::Quit).unwrap();
    let clock = Arc::new(bank.clocks.clone());
    let mut front = Front::new(asked, tells, clock, Arc::new(AtomicBool::new(false)));
    serve(&mut bank.station, &mut front);
    let filed = pages(folder.path());
    for name in ["component-log-", "controls-", "A.ZMK.1"] {
        assert!(filed.iter().any(|(file, _)| file.contains(name)), "{name}");
    }
    for (name, words) in &filed {
        assert!(name.starts_with("PRODUCTION-"), "{name}");
        assert!(words.contains(WORDS), "{name}");
    }
}
