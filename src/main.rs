//! Conclave, the key-ceremony workstation.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
