//! `conclave-verify [--genesis DIGEST] PATH...`: what `conclave verify` does,
//! without the rest of the program.

use std::path::PathBuf;
use std::process::ExitCode;

use conclave_evidence::verify::verify_from;
use conclave_evidence::{Hash, words};

const USAGE: &str = "\
Checks bundles, backups, updates, exported journals and transcripts, without a station
or cards.

Usage: conclave-verify [--genesis DIGEST] PATH...

  PATH       the folder of a bundle, a backup or an update, journal.cbor, transcript.cbor,
             or a folder that holds any of them; all that is given must agree
  --genesis  the digest of the station's genesis record, from its paper:
             64 hex digits or 32 words

Lines with \"to do\" are for you: what only a person can compare, and what was not
checked. The exit code is 0 when all checks held, 1 when one did not or when
something that was given was not checked, 2 for other arguments.";

/// Paths and digest, or what is wrong with the arguments.
fn read(
    arguments: impl Iterator<Item = std::ffi::OsString>,
) -> Result<(Vec<PathBuf>, Option<Hash>), String> {
    let (mut paths, mut genesis) = (Vec::new(), None);
    let mut arguments = arguments.peekable();
    let mut options = true;
    while let Some(argument) = arguments.next() {
        match argument.to_str().filter(|_| options) {
            Some("--") => options = false,
            Some("--genesis") => {
                let digest = arguments.next().and_then(|d| d.into_string().ok());
                let digest = digest.ok_or("--genesis wants a digest")?;
                let digest = words::read_digest(&digest).map_err(|e| format!("--genesis: {e}"))?;
                genesis = Some(digest);
            }
            Some(other) if other.starts_with('-') => {
                return Err(format!("there is no option {other}"));
            }
            _ => paths.push(PathBuf::from(argument)),
        }
    }
    if paths.is_empty() {
        return Err("nothing to check is named".into());
    }
    Ok((paths, genesis))
}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    let first = arguments.peek().and_then(|a| a.to_str());
    if matches!(first, Some("--help" | "-h")) {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match read(arguments) {
        Ok((paths, genesis)) => verify_from(&paths, genesis.as_ref()).tell(),
        Err(why) => {
            eprintln!("{why}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}
