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
    #[arg(long, value_name = "DIGEST", value_parser = words::read_digest)]
    genesis: Option<Hash>,
}

/// Prints a line a check; the exit code is 0 when all held, else 1 with the
/// first reason on standard error.
#[must_use]
pub fn run(arguments: &Verify) -> ExitCode {
    verify_from(&arguments.paths, arguments.genesis.as_ref()).tell()
}
