//! What is refused in place of a printer. Nothing may be created, ever.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use conclave_keyroom::ports::printer::{PrinterError, Printers};
use conclave_station::host::printer::HostPrinters;
use conclave_trades::print::device;
use conclave_training::printer::{TrainingPrinter, TrainingPrinters};

fn opened_as(path: &Path) -> Result<(), PrinterError> {
    let path = path.to_str().unwrap();
    device::open(path, "S-1", &|_, _| Some("S-1".to_owned())).map(|_| ())
}

fn listing(folder: &Path) -> Vec<(String, u64)> {
    let mut names: Vec<(String, u64)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let len = entry.path().symlink_metadata().unwrap().len();
            (entry.file_name().into_string().unwrap(), len)
        })
        .collect();
    names.sort();
    names
}

#[test]
fn a_missing_node_stays_missing() {
    let folder = tempfile::tempdir().unwrap();
    let node = folder.path().join("lp0");
    assert_eq!(opened_as(&node), Err(PrinterError::Missing));
    assert_eq!(opened_as(&node.join("deeper")), Err(PrinterError::Missing));
    assert!(listing(folder.path()).is_empty());
}

#[test]
fn files_folders_links_and_pipes_are_no_printers() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("file"), b"").unwrap();
    fs::create_dir(at("folder")).unwrap();
    symlink(at("file"), at("link-to-file")).unwrap();
    symlink(at("nowhere"), at("dangling")).unwrap();
    let made = Command::new("mkfifo").arg(at("pipe")).status().unwrap();
    assert!(made.success());
    // A link to a true printer is no printer either: it can be turned.
    let printer = TrainingPrinter::start("S-1").unwrap();
    symlink(printer.device(), at("link-to-printer")).unwrap();

    let before = listing(folder.path());
    for (name, _) in &before {
        let path = at(name);
        assert_eq!(
            opened_as(&path),
            Err(PrinterError::NotADevice(path.display().to_string())),
            "{name}"
        );
    }
    assert_eq!(before.len(), 6);
    assert_eq!(listing(folder.path()), before);
}

#[test]
fn a_pipe_that_somebody_reads_is_no_printer() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    // Read and write, so that opening does not wait for the other end.
    let _reader = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(&pipe)
        .unwrap();
    assert!(matches!(opened_as(&pipe), Err(PrinterError::NotADevice(_))));
}

#[test]
fn a_terminal_is_a_character_device_and_its_identity_decides() {
    let printer = TrainingPrinter::start("S-1").unwrap();
    assert_eq!(opened_as(Path::new(printer.device())), Ok(()));
    let wrong = device::open(printer.device(), "S-2", &|_, _| Some("S-1".to_owned()));
    assert_eq!(
        wrong.err(),
        Some(PrinterError::Impostor {
            found: "S-1".to_owned(),
            enrolled: "S-2".to_owned()
        })
    );
    // A character device that the host knows as no printer.
    let host = HostPrinters::new();
    let null = device::open("/dev/null", "S-1", &|major, minor| {
        host.identity(major, minor)
    });
    assert_eq!(
        null.err(),
        Some(PrinterError::Impostor {
            found: "unknown".to_owned(),
            enrolled: "S-1".to_owned()
        })
    );
}

#[test]
fn the_station_lists_what_is_attached() {
    assert!(HostPrinters::new().found().is_ok());
    let mut printers = TrainingPrinters(vec![
        TrainingPrinter::start("KOMP-1").unwrap(),
        TrainingPrinter::start("REP-1").unwrap(),
    ]);
    let found = printers.found().unwrap();
    let serials: Vec<&str> = found.iter().map(|p| p.serial.as_str()).collect();
    assert_eq!(serials, ["KOMP-1", "REP-1"]);
    assert!(found.iter().all(|p| p.training));
    assert_ne!(found[0].device, found[1].device);
}
