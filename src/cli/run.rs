//! `conclave`: the station at the terminal.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};

use clap::Args;
use conclave::tui::terminal;
use conclave_keyroom::ports::clock::Clock;
use conclave_station::compose::{self, OpenError, Opened};
use conclave_station::demo;
use conclave_station::front::{Desk, Event};
use conclave_station::host::machine::HostMachine;
use conclave_station::newcomers::Newcomers;
use conclave_station::service::{Front, serve};
use conclave_station::station::{Blank, Station};

/// Where the station lives when nobody says otherwise.
pub(super) const FOLDER: &str = "station";

/// Where the practice room is.
pub(super) const PRACTICE: &str = "practice";

/// Opens the station at this terminal.
#[derive(Debug, Default, Args)]
pub(crate) struct Run {
    /// The station's folder; a new one becomes a training station. `practice` without
    /// it takes the folder `practice`.
    #[arg(long, value_name = "DIR", global = true)]
    station: Option<PathBuf>,
}

/// Opens a training station that is furnished already: eighteen people, each
/// with a card and the PIN 802803, printers and a stick enrolled, two batches of
/// PIN mailers to be printed.
#[derive(Debug, Args)]
pub(crate) struct Practice {
    /// How many readers, 1 to 16.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u8).range(1..=16))]
    readers: u8,
}

impl Run {
    pub(crate) fn run(&self) -> ExitCode {
        open(&self.folder(FOLDER))
    }

    /// The folder that was named, or the one that is usual for the command.
    pub(super) fn folder(&self, usual: &str) -> PathBuf {
        self.station.clone().unwrap_or_else(|| usual.into())
    }

    /// The folder was named, for a command that has none.
    pub(super) fn is_named(&self) -> bool {
        self.station.is_some()
    }
}

impl Practice {
    pub(crate) fn run(&self, folder: &Path) -> ExitCode {
        if let Err(code) = needs_terminal() {
            return code;
        }
        let furnished = folder.join("repository").exists();
        if !furnished {
            println!("Furnishing the practice room: eighteen people, each with the PIN 802803.");
            if let Err(error) = demo::furnish(folder, usize::from(self.readers)) {
                eprintln!("The practice room could not be furnished: {error}");
                return ExitCode::FAILURE;
            }
        }
        open(folder)
    }
}

/// What the blanking needs from any thread.
fn blanker(events: Sender<Event>, blanked: Arc<AtomicBool>) -> Blank {
    Arc::new(move |blank| {
        blanked.store(blank, Ordering::SeqCst);
        // A terminal that is gone shows nothing anyhow.
        let _ = events.send(Event::Blank(blank));
    })
}

fn open(folder: &Path) -> ExitCode {
    let (send_request, requests) = channel();
    let (send_event, events) = channel();
    let blanked = Arc::new(AtomicBool::new(false));
    let blank = blanker(send_event.clone(), Arc::clone(&blanked));
    let Opened {
        station,
        clock,
        room,
    } = match compose::open(folder, blank) {
        Ok(opened) => opened,
        Err(error) => return refuse(&error),
    };
    if let Err(code) = needs_terminal() {
        return code;
    }
    let desk: Option<Arc<dyn Desk>> = room.map(|room| Arc::new(room) as Arc<dyn Desk>);
    let newcomers = Newcomers::after_now(Box::new(HostMachine::default()), Arc::clone(&clock));
    let front = Front::new(requests, send_event, Arc::clone(&clock), blanked).watching(newcomers);
    let worker = std::thread::Builder::new()
        .name("station".into())
        .spawn(move || work(station, front));
    let worker = match worker {
        Ok(worker) => worker,
        Err(error) => {
            eprintln!("The station's thread did not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let shown = draw(&send_request, &events, desk, clock);
    // The station ends when nobody can ask anything more.
    drop(send_request);
    let ended = worker.join().is_ok();
    match shown {
        Ok(()) if ended => ExitCode::SUCCESS,
        Ok(()) => {
            eprintln!("The station's thread failed; its keys are gone with it.");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("The terminal failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn work(mut station: Station, mut front: Front) {
    serve(&mut station, &mut front);
}

fn draw(
    requests: &Sender<conclave_station::front::Request>,
    events: &std::sync::mpsc::Receiver<Event>,
    desk: Option<Arc<dyn Desk>>,
    clock: Arc<dyn Clock>,
) -> std::io::Result<()> {
    let options = terminal::Options {
        colour: std::env::var_os("NO_COLOR").is_none(),
        clock,
    };
    terminal::run(requests, events, desk, &options)
}

/// The station is drawn and asks for PINs: both ends are a terminal.
fn needs_terminal() -> Result<(), ExitCode> {
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        return Ok(());
    }
    eprintln!("The station needs a terminal, for what it shows and for what is typed.");
    eprintln!("Start it from a console without redirection; `conclave demo` needs none.");
    Err(ExitCode::FAILURE)
}

fn refuse(error: &OpenError) -> ExitCode {
    eprintln!("The station does not open: {error}");
    eprintln!("{}", error.advice());
    ExitCode::FAILURE
}
