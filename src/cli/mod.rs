//! The command line: one file for each subcommand, which gives the exit code.

mod demo;
mod doctor;
mod inspect;
mod layout;
mod run;
mod selftest;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The key-ceremony workstation.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::Run,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),
    Doctor(doctor::Doctor),
    Inspect(inspect::Inspect),
    Layout(layout::LayoutCommand),
    Practice(run::Practice),
    Selftest(selftest::Selftest),
    Verify(verify::Verify),
}

/// Reads the arguments and does what they say.
pub(crate) fn run() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.command {
        None => arguments.run.run(),
        Some(Command::Demo(demo)) => demo.run(),
        Some(Command::Doctor(doctor)) => doctor.run(),
        Some(Command::Inspect(inspect)) => inspect.run(),
        Some(Command::Layout(layout)) => layout.run(),
        Some(Command::Practice(practice)) => practice.run(),
        Some(Command::Selftest(selftest)) => selftest.run(),
        Some(Command::Verify(arguments)) => verify::run(&arguments),
    }
}
