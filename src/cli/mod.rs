//! The command line: one file for each subcommand, which gives the exit code.

mod demo;
mod doctor;
mod inspect;
mod layout;
mod run;
mod selftest;
mod verify;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

/// For `--version`: whoever makes an update reads the format from it.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\nrepository format 2");

/// The key-ceremony workstation.
#[derive(Debug, Parser)]
#[command(version, long_version = VERSION, about)]
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
    let of = &arguments.run;
    let Some(command) = &arguments.command else {
        return of.run();
    };
    let takes = matches!(command, Command::Doctor(_) | Command::Practice(_));
    if of.is_named() && !takes {
        // What is not heeded is refused: nobody shall think that it was.
        let why = "--station is for the station itself, for doctor and for practice";
        Arguments::command()
            .error(ErrorKind::ArgumentConflict, why)
            .exit();
    }
    match command {
        Command::Demo(demo) => demo.run(),
        Command::Doctor(doctor::Doctor {}) => doctor::run(&of.folder(run::FOLDER)),
        Command::Inspect(inspect) => inspect.run(),
        Command::Layout(layout) => layout.run(),
        Command::Practice(practice) => practice.run(&of.folder(run::PRACTICE)),
        Command::Selftest(selftest) => selftest.run(),
        Command::Verify(arguments) => verify::run(arguments),
    }
}
