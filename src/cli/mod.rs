//! The command line: one file for each subcommand, which gives the exit code.

mod selftest;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The key-ceremony workstation.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Selftest(selftest::Selftest),
}

/// Reads the arguments and does what they say.
pub(crate) fn run() -> ExitCode {
    match Arguments::parse().command {
        Command::Selftest(selftest) => selftest.run(),
    }
}
