//! Paper: layouts, forms, reports and printers, judged by golden bytes and by
//! poppler and qpdf.
//!
//! `CONCLAVE_GOLDEN=write cargo test --test paper` writes the golden files
//! anew; look at the pages before you commit them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "paper/command.rs"]
mod command;
#[path = "paper/devices.rs"]
mod devices;
#[path = "paper/forms.rs"]
mod forms;
#[path = "paper/layouts.rs"]
mod layouts;
#[path = "paper/mailers.rs"]
mod mailers;
#[path = "paper/primes.rs"]
mod primes;
#[path = "paper/reports.rs"]
mod reports;
#[path = "paper/shares.rs"]
mod shares;
#[path = "paper/thales.rs"]
mod thales;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use conclave_trades::print::Layout;

/// A file of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The layout that the product ships.
fn component_layout() -> Layout {
    let file = repository("keymailer-layouts/component.toml");
    Layout::parse(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// Compares with `tests/golden/name`, or writes it when asked to.
fn golden(name: &str, bytes: &[u8]) {
    let path = repository("tests/golden").join(name);
    if std::env::var_os("CONCLAVE_GOLDEN").is_some_and(|v| v == "write") {
        std::fs::create_dir_all(repository("tests/golden")).unwrap();
        std::fs::write(&path, bytes).unwrap();
    }
    let expected = std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; see tests/paper.rs", path.display()));
    let at = expected.iter().zip(bytes).position(|(a, b)| a != b);
    assert!(
        expected == bytes,
        "{name} differs from its golden file: {} bytes, expected {}, first difference at {at:?}",
        bytes.len(),
        expected.len()
    );
}

/// Runs an oracle on a file of these bytes.
fn oracle(program: &str, arguments: &[&str], bytes: &[u8]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.pdf");
    std::fs::write(&file, bytes).unwrap();
    let mut command = Command::new(program);
    for argument in arguments {
        match *argument {
            "FILE" => command.arg(&file),
            other => command.arg(other),
        };
    }
    command
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}; run ./scripts/test, which installs it"))
}

/// What poppler reads on the page.
fn page_text(pdf: &[u8]) -> String {
    let read = oracle("pdftotext", &["-layout", "FILE", "-"], pdf);
    assert!(read.status.success(), "{read:?}");
    String::from_utf8(read.stdout).unwrap()
}

/// qpdf finds nothing wrong with the file.
fn qpdf_check(pdf: &[u8]) {
    let checked = oracle("qpdf", &["--check", "FILE"], pdf);
    assert!(
        checked.status.success(),
        "{}{}",
        String::from_utf8_lossy(&checked.stdout),
        String::from_utf8_lossy(&checked.stderr)
    );
}
