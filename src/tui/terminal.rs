//! The loop at a real terminal.
//!
//! One thread: it waits for keys at most 20 ms (not at all while a filter is
//! still being counted), then takes what the station
//! said, then draws if something changed. So a blank screen is on its way at
//! most that long after the station asked for it, and no key is ever queued
//! where a PIN could be found later: bytes go from the file descriptor into a
//! `Secret`, one by one through the decoder, and are wiped.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError};

use conclave_crypto::secret::Secret;
use conclave_keyroom::ports::clock::Clock;
use conclave_station::front::{Desk, Event, Request};
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode, size,
};
use crossterm::{cursor, event, execute};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::app::{App, Input};
use super::key::Decoder;
use super::theme::Theme;
use super::view;

/// How the terminal behaves.
pub struct Options {
    /// Whether colours are used; the caller looks at `NO_COLOR`.
    pub colour: bool,
    /// The clock that idle times and rates are counted by.
    pub clock: Arc<dyn Clock>,
}

/// The longest wait for a key, in nanoseconds.
const WAIT: i64 = 20_000_000;
/// How often the clock on the screen is looked at, in milliseconds.
const TICK: u64 = 250;
/// While a filter is being counted, the number on the screen is this old at
/// most, in milliseconds: a frame for each slice would take as long as the
/// counting.
const COUNTED: u64 = 50;
/// An Esc that nothing followed for this long was the Esc key, in milliseconds.
/// A serial line at 9600 bits a second needs 3 ms for a sequence.
const ESC_ALONE: u64 = 60;

/// Puts the terminal back, whatever happens.
struct Screen;

impl Screen {
    fn enter() -> io::Result<Self> {
        enable_raw_mode()?;
        LEFT.store(false, Ordering::SeqCst);
        let screen = Self;
        execute!(
            io::stdout(),
            EnterAlternateScreen,
            event::DisableBracketedPaste,
            Clear(ClearType::All),
            cursor::Hide
        )?;
        Ok(screen)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// The terminal is as it was: nothing may be drawn any more.
static LEFT: AtomicBool = AtomicBool::new(true);

/// Clears the screen and puts the terminal back, once: a panic of another
/// thread does it too, and its words must stay readable. The alternate screen
/// has no scrollback, and is emptied first for terminals that have none.
/// Errors are of no use here: there is nobody to tell.
fn restore() {
    if LEFT.swap(true, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ = execute!(
        out,
        Clear(ClearType::All),
        cursor::MoveTo(0, 0),
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = out.flush();
    let _ = disable_raw_mode();
}

/// Runs the terminal until the station says that the program ends, or is gone.
///
/// # Errors
/// Whatever the terminal refuses: no terminal at all, a closed one.
pub fn run(
    requests: &Sender<Request>,
    events: &Receiver<Event>,
    desk: Option<Arc<dyn Desk>>,
    options: &Options,
) -> io::Result<()> {
    // A panic must not leave a raw terminal with half a screen on it, and its
    // text must not be written into the alternate screen.
    let before: Arc<Hook> = Arc::from(panic::take_hook());
    let theirs = Arc::clone(&before);
    panic::set_hook(Box::new(move |info| {
        restore();
        theirs(info);
    }));
    let result = attend(requests, events, desk, options);
    panic::set_hook(Box::new(move |info| before(info)));
    result
}

type Hook = dyn Fn(&panic::PanicHookInfo<'_>) + Send + Sync;

fn attend(
    requests: &Sender<Request>,
    events: &Receiver<Event>,
    desk: Option<Arc<dyn Desk>>,
    options: &Options,
) -> io::Result<()> {
    let _screen = Screen::enter()?;
    let mut terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
    let theme = Theme {
        colour: options.colour,
    };
    let mut app = App::new(theme, desk);
    // Nothing is shown before the station has said what is the case: a page of
    // defaults would call it a new one.
    match events.recv() {
        Ok(event) => {
            app.update(Input::Tick(options.clock.mono_ms()));
            app.update(Input::Event(event));
        }
        Err(_) => return Ok(()),
    }
    let mut keys = Keys::default();
    let mut last_tick = None;
    let mut drawn: Option<u64> = None;
    let mut last_size = size().ok();
    let mut dirty = true;
    loop {
        let now = options.clock.mono_ms();
        let counting = app.is_busy();
        if counting || last_tick.is_none_or(|at| now.saturating_sub(at) >= TICK) {
            last_tick = Some(now);
            app.update(Input::Tick(now));
            let long = drawn.is_none_or(|at| now.saturating_sub(at) >= COUNTED);
            dirty |= !counting || !app.is_busy() || long;
        }
        loop {
            match events.try_recv() {
                Ok(event) => {
                    app.update(Input::Event(event));
                    dirty = true;
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Ok(()),
            }
        }
        if app.ended() || LEFT.load(Ordering::SeqCst) {
            return Ok(());
        }
        let here = size().ok();
        if dirty || here != last_size {
            last_size = here;
            dirty = false;
            drawn = Some(now);
            terminal.draw(|frame| view::draw(&app, frame))?;
        }
        let mut gone = false;
        if let Some(request) = app.lacks() {
            gone |= requests.send(request).is_err();
        }
        let patience = if app.is_busy() { 0 } else { WAIT };
        keys.wait(now, patience, |key| {
            if let super::Key::Ctrl('l') = key {
                last_size = None; // drawn whole below
            }
            // Where nothing can be read, no key does anything.
            if here.is_some_and(|(wide, high)| view::too_small(wide, high)) {
                return;
            }
            for request in app.update(Input::Key(key)) {
                gone |= requests.send(request).is_err();
            }
            dirty = true;
        })?;
        if last_size.is_none() {
            terminal.clear()?;
        }
        if gone {
            return Ok(());
        }
    }
}

/// The keyboard: bytes from standard input, through locked memory.
struct Keys {
    decoder: Decoder,
    bytes: Secret,
    last_byte: Option<u64>,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            decoder: Decoder::default(),
            bytes: Secret::zeroed(64),
            last_byte: None,
        }
    }
}

impl Keys {
    /// Waits a little for keys and hands on what came.
    fn wait(
        &mut self,
        now: u64,
        patience: i64,
        mut take: impl FnMut(super::Key),
    ) -> io::Result<()> {
        let input = io::stdin();
        let fd = input.as_fd();
        let mut fds = [PollFd::new(&fd, PollFlags::IN)];
        let timeout = Timespec {
            tv_sec: 0,
            tv_nsec: patience,
        };
        match poll(&mut fds, Some(&timeout)) {
            Ok(0) => {
                if self
                    .last_byte
                    .is_some_and(|at| now.saturating_sub(at) >= ESC_ALONE)
                {
                    self.last_byte = None;
                    if let Some(key) = self.decoder.pause() {
                        take(key);
                    }
                }
                return Ok(());
            }
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let read = match rustix::io::read(fd, self.bytes.expose_mut()) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => read,
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        self.last_byte = Some(now);
        for at in 0..read {
            let byte = self.bytes.expose().get(at).copied();
            if let Some(key) = byte.and_then(|byte| self.decoder.feed(byte)) {
                take(key);
            }
        }
        self.bytes.expose_mut().fill(0);
        Ok(())
    }
}
