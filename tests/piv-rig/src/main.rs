//! Real PIV applets in the readers of a private pcscd.
//!
//! ```text
//! piv-rig --readers R --run FOLDER
//! ```
//! starts a pcscd with R virtual readers, whose socket is
//! `FOLDER/pcscd.comm` (clients set `PCSCLITE_CSOCK_NAME`), and takes commands
//! from standard input, one a line, each answered by `ok` or `error ...`:
//! `insert CARD READER`, `pull READER`, with cards and readers counted from 0.
//! A card comes into being, as delivered, when it is first inserted; its files
//! are in the folder too. The first line of output is `ready`. End of input
//! ends everything and removes the folder.
//!
//! The process moves into namespaces of its own: mounts, because pcscd's
//! socket is at a fixed path; network, because the virtual readers listen on
//! fixed ports; processes, so that pcscd never outlives the rig. Rigs can
//! therefore run side by side, and without being root.

mod applet;
mod card;
mod readers;

use std::io::{BufRead, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

/// What the command line says.
struct Options {
    readers: usize,
    run: PathBuf,
}

fn options() -> Option<Options> {
    let mut options = Options {
        readers: 1,
        run: PathBuf::new(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next()?;
        match name.as_str() {
            "--readers" => options.readers = value.parse().ok()?,
            "--run" => options.run = std::path::absolute(value).ok()?,
            _ => return None,
        }
    }
    options.run.is_dir().then_some(options)
}

const INSIDE: &str = "PIV_RIG_INSIDE";

fn main() {
    let Some(options) = options() else {
        eprintln!("usage: piv-rig --readers R --run FOLDER, which exists");
        std::process::exit(2);
    };
    let done = if std::env::var_os(INSIDE).is_some() {
        inside(&options)
    } else {
        Err(move_inside(&options))
    };
    if let Err(error) = done {
        eprintln!("piv-rig: {error}");
        std::process::exit(1);
    }
}

/// Starts over in namespaces of our own; returns only on failure.
fn move_inside(options: &Options) -> std::io::Error {
    let script = r#"
        mount -t tmpfs tmpfs /run && mkdir /run/pcscd &&
        mount --bind "$PIV_RIG_RUN" /run/pcscd && exec "$0" "$@""#;
    // SAFETY: geteuid has no preconditions.
    let root = unsafe { libc::geteuid() } == 0;
    let mut command = Command::new("unshare");
    if !root {
        command.args(["--user", "--map-root-user"]);
    }
    let own = match std::env::current_exe() {
        Ok(own) => own,
        Err(error) => return error,
    };
    command
        .args(["--mount", "--net", "--pid", "--fork", "--kill-child"])
        .args(["--propagation", "private", "sh", "-c", script])
        .arg(own)
        .args(std::env::args_os().skip(1))
        .env(INSIDE, "1")
        .env("PIV_RIG_RUN", &options.run)
        .exec()
}

fn inside(options: &Options) -> std::io::Result<()> {
    let mut readers = readers::Readers::start(options.readers, &options.run)?;
    let mut out = std::io::stdout();
    writeln!(out, "ready")?;
    out.flush()?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |at: usize| words.get(at).and_then(|it| it.parse::<usize>().ok());
        let done = match (words.first().copied(), number(1), number(2)) {
            (Some("insert"), Some(card), Some(reader)) => {
                readers.insert(card::CardFiles::new(&options.run, card), reader)
            }
            (Some("pull"), Some(reader), None) => readers.pull(reader),
            _ => Err(std::io::Error::other("not a command")),
        };
        match done {
            Ok(()) => writeln!(out, "ok")?,
            Err(error) => writeln!(out, "error {error}")?,
        }
        out.flush()?;
    }
    drop(readers);
    std::fs::remove_dir_all(&options.run)
}
