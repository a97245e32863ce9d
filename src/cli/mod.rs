//! The command line: one file for each subcommand, which gives the exit code.

mod demo;
mod selftest;
mod verify;

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
    Demo(demo::Demo),
    Selftest(selftest::Selftest),
    Verify(verify::Verify),
}

/// Reads the arguments and does what they say.
pub(crate) fn run() -> ExitCode {
    match Arguments::parse().command {
        Command::Demo(demo) => demo.run(),
        Command::Selftest(selftest) => selftest.run(),
        Command::Verify(arguments) => verify::run(&arguments),
    }
}
