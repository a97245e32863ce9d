//! `conclave demo --out DIR`: the whole main job, unattended.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;

/// Plays the whole main job on a fresh TEST station with training cards.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// A new or empty folder for the station and everything it leaves.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// What was said last, so that a line stands once.
#[derive(Default)]
struct Said {
    last: String,
    count: usize,
}

impl Demo {
    pub(crate) fn run(&self) -> ExitCode {
        let said = Arc::new(Mutex::new(Said::default()));
        let live = std::io::stdout().is_terminal();
        let progress = Arc::clone(&said);
        let result = conclave_station::demo::run(
            &self.out,
            Arc::new(move |words| tell(&progress, words, live)),
        );
        if live {
            println!();
        }
        match result {
            Ok(path) => {
                println!(
                    "Done. What was made, printed and exported stands in {}",
                    path.display()
                );
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("The demonstration stopped at {error}");
                ExitCode::FAILURE
            }
        }
    }
}

/// On a terminal one line that changes; elsewhere a line for each stage.
fn tell(said: &Mutex<Said>, words: &str, live: bool) {
    let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
    said.count += 1;
    let changed = said.last != words;
    let mut out = std::io::stdout().lock();
    // Nobody reads any more: the work goes on all the same.
    let _ = if live {
        write!(out, "\r\x1b[K{:>5} steps  {words}", said.count).and_then(|()| out.flush())
    } else if changed {
        writeln!(out, "{words}")
    } else {
        Ok(())
    };
    if changed {
        words.clone_into(&mut said.last);
    }
}
