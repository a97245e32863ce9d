//! `conclave doctor`: every check, a line each, without logging on.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use conclave_station::compose::{self, OpenError};
use conclave_station::doctor::{Finding, Verdict};

/// Say whether the station and the machine below it are fit for PRODUCTION.
///
/// Looks and changes nothing. A line for each check: green, amber or red, and
/// below what is not green why it matters and what to do. The exit code is 1
/// where anything is red, 2 if the station's folder could not be opened.
#[derive(Debug, Args)]
pub(crate) struct Doctor {}

/// Prints what was found of the station in this folder and of the machine.
pub(super) fn run(folder: &Path) -> ExitCode {
    let findings = match findings(folder) {
        Ok(findings) => findings,
        Err(error) => {
            eprintln!("The station does not open: {error}");
            eprintln!("{}", error.advice());
            return ExitCode::from(2);
        }
    };
    // A reader that went away (`| head`) does not change the judgement.
    let _ = print(&findings, &mut io::stdout().lock());
    match findings.iter().any(|f| f.verdict == Verdict::Red) {
        true => ExitCode::from(1),
        false => ExitCode::SUCCESS,
    }
}

/// A folder that is no station stays as it is: looking makes none. Where there is none
/// the machine alone is looked at.
fn findings(folder: &Path) -> Result<Vec<Finding>, OpenError> {
    if !folder.join("repository").exists() {
        println!("No station in {}: the machine alone.", folder.display());
        return Ok(compose::examine_machine());
    }
    let mut opened = compose::open(folder, Arc::new(|_| {}))?;
    if let Some(damage) = opened.station.damage() {
        return Err(OpenError::Damaged(damage.words().to_owned()));
    }
    Ok(opened.station.examine())
}

fn print(findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
    for line in findings.iter().flat_map(Finding::lines) {
        writeln!(out, "{line}")?;
    }
    let count = |verdict| findings.iter().filter(|f| f.verdict == verdict).count();
    writeln!(
        out,
        "{} red, {} amber, {} green",
        count(Verdict::Red),
        count(Verdict::Amber),
        count(Verdict::Green)
    )?;
    out.flush()
}
