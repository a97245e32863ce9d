//! `conclave verify PATH...`: checks bundles, backups, updates, exported journals
//! and transcripts, without a station and without cards.

use std::path::PathBuf;
use std::process::ExitCode;

use conclave_evidence::verify::verify_from;
use conclave_evidence::{Hash, words};

/// Check bundles, backups, updates, exported journals and transcripts.
///
/// Lines with "to do" are for you: what only a person can compare, and what was
/// not checked. The exit code is 0 when all checks held, and 1 when one did not or
/// when something that was given was not checked.
#[derive(Debug, clap::Args)]
pub struct Verify {
    /// The folder of a bundle, a backup or an update, journal.cbor, transcript.cbor,
    /// or a folder that holds any of them; all that is given must agree.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// The digest of the station's genesis record, from its paper: 64 hex
    /// digits or 32 words.
    #[arg(long, value_name = "DIGEST", value_parser = words::read_digest)]
    genesis: Option<Hash>,
}

/// Prints a line a check; the exit code is 0 when all held, else 1 with the
/// first reason on standard error. See [`conclave_evidence::Report::ok`].
#[must_use]
pub fn run(arguments: &Verify) -> ExitCode {
    verify_from(&arguments.paths, arguments.genesis.as_ref()).tell()
}
