//! `conclave verify PATH...`: checks bundles, exported journals and
//! transcripts, without a station and without cards.

use std::path::PathBuf;
use std::process::ExitCode;

use conclave_evidence::verify::verify_from;
use conclave_evidence::{Hash, words};

/// Check bundles, exported journals and transcripts.
#[derive(Debug, clap::Args)]
pub struct Verify {
    /// A bundle's folder, journal.cbor, transcript.cbor, or a folder that
    /// holds any of them; all that is given must agree.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// The digest of the station's genesis record, from its paper: 64 hex
    /// digits or 32 words.
    #[arg(long, value_name = "DIGEST", value_parser = digest)]
    genesis: Option<Hash>,
}

/// Prints a line a check; the exit code is 0 when all held, else 1 with the
/// first reason on standard error.
#[must_use]
pub fn run(arguments: &Verify) -> ExitCode {
    let report = verify_from(&arguments.paths, arguments.genesis.as_ref());
    print!("{report}");
    if report.ok() {
        println!("{} checks, all of them held.", report.lines.len());
        return ExitCode::SUCCESS;
    }
    let reason = report.failure().unwrap_or_default();
    eprintln!("NOT VERIFIED: {reason}");
    ExitCode::FAILURE
}

/// A digest as hex digits or as words.
fn digest(text: &str) -> Result<Hash, String> {
    let dense: String = text.split_whitespace().collect();
    let bytes = if dense.len() == 64 && dense.bytes().all(|b| b.is_ascii_hexdigit()) {
        (0..64)
            .step_by(2)
            .filter_map(|at| u8::from_str_radix(dense.get(at..at + 2)?, 16).ok())
            .collect()
    } else {
        words::from_words(text).map_err(|error| error.to_string())?
    };
    let bytes = <[u8; 32]>::try_from(bytes.as_slice());
    bytes
        .map(Hash)
        .map_err(|_| "a digest has 64 hex digits or 32 words".into())
}
