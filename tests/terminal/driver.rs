//! The program in a pseudo-terminal: key strokes in, frames out. Every byte
//! that came is kept, with where each frame ends.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtyPair, PtySize, native_pty_system};

use super::screen::Screen;

/// How long a test waits for what it expects, before it fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Columns and rows of the smallest terminal that shows everything.
pub const SMALL: (u16, u16) = (80, 24);

/// What a frame of ratatui ends with, but for its last letter: the cursor is
/// hidden or shown.
const FRAME_END: &[u8] = b"\x1b[?25";

pub const ENTER: &str = "\r";
pub const ESC: &str = "\x1b";
pub const TAB: &str = "\t";
pub const CTRL_C: &str = "\x03";
pub const CTRL_U: &str = "\x15";
pub const DOWN: &str = "\x1b[B";
pub const RIGHT: &str = "\x1b[C";
pub const HOME: &str = "\x1b[H";
pub const END: &str = "\x1b[F";
pub const PAGE_DOWN: &str = "\x1b[6~";
pub const F2: &str = "\x1bOQ";

#[allow(
    clippy::disallowed_methods,
    reason = "a test waits, and times a blanking"
)]
pub fn now() -> Instant {
    Instant::now()
}

fn parser((columns, rows): (u16, u16)) -> vt100::Parser {
    let size = |n| NonZeroU16::new(n).expect("a terminal has a size");
    vt100::Parser::new(size(rows), size(columns), 0)
}

/// What a terminal showed, from the first byte to the last.
#[derive(Default)]
pub struct Capture {
    /// Every byte.
    pub bytes: Vec<u8>,
    /// Frames that differ from the one before: where each ends, and what
    /// stood there.
    pub frames: Vec<(usize, Screen)>,
}

impl Capture {
    /// What a terminal would have shown of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut inner = Inner::new();
        inner.take(bytes);
        inner.end();
        inner.capture
    }
}

/// The terminal's own side, as the reader's thread fills it.
struct Inner {
    capture: Capture,
    parser: vt100::Parser,
    /// Up to where the parser has seen.
    parsed: usize,
    ended: bool,
}

impl Inner {
    fn new() -> Self {
        Self {
            capture: Capture::default(),
            parser: parser(SMALL),
            parsed: 0,
            ended: false,
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.capture.bytes.extend_from_slice(bytes);
        loop {
            let rest = &self.capture.bytes[self.parsed..];
            let end = rest
                .windows(FRAME_END.len())
                .position(|w| w == FRAME_END)
                .map(|at| at + FRAME_END.len() + 1)
                .filter(|end| *end <= rest.len());
            let Some(end) = end else { return };
            self.process(end);
        }
    }

    fn process(&mut self, count: usize) {
        let end = self.parsed + count;
        self.parser.process(&self.capture.bytes[self.parsed..end]);
        self.parsed = end;
        let screen = Screen::of(self.parser.screen());
        let frames = &mut self.capture.frames;
        if frames.last().is_none_or(|(_, last)| *last != screen) {
            frames.push((end, screen));
        }
    }

    /// What came behind the last frame.
    fn end(&mut self) {
        let rest = self.capture.bytes.len() - self.parsed;
        if rest > 0 {
            self.process(rest);
        }
        self.ended = true;
    }
}

/// The program at a terminal.
pub struct Terminal {
    inner: Arc<(Mutex<Inner>, Condvar)>,
    reader: Option<JoinHandle<()>>,
    writer: Option<Box<dyn Write + Send>>,
    master: Box<dyn MasterPty + Send>,
    /// Kept, so that the terminal's settings can be looked at afterwards.
    slave: Option<Box<dyn portable_pty::SlavePty + Send>>,
    child: Box<dyn Child + Send + Sync>,
    settings: String,
    /// The first frame that was not looked at yet.
    from: usize,
}

/// How the program ended, and everything that it showed.
pub struct Ended {
    pub code: u32,
    pub capture: Capture,
    /// The parser's state at the end.
    pub cursor_hidden: bool,
    pub alternate: bool,
    /// The terminal's settings before and afterwards.
    pub settings: (String, String),
}

fn settings(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios().expect("a terminal's settings"))
}

impl Terminal {
    /// Starts the program with these arguments and a station's folder.
    pub fn start(arguments: &[&str], folder: &Path, variables: &[(&str, &str)]) -> Self {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_conclave"));
        command.args(arguments);
        command.arg("--station");
        command.arg(folder);
        command.env_remove("NO_COLOR");
        command.env("TERM", "xterm-256color");
        for (name, value) in variables {
            command.env(name, value);
        }
        let (cols, rows) = SMALL;
        let size = PtySize {
            rows,
            cols,
            ..PtySize::default()
        };
        let PtyPair { slave, master } = native_pty_system().openpty(size).expect("a terminal");
        let before = settings(&*master);
        let child = slave.spawn_command(command).expect("the program starts");
        let inner = Arc::new((Mutex::new(Inner::new()), Condvar::new()));
        let mut from = master.try_clone_reader().expect("the terminal's output");
        let shared = Arc::clone(&inner);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            loop {
                // A terminal whose program is gone ends with an error.
                let read = from.read(&mut buffer).unwrap_or(0);
                let mut inner = shared.0.lock().expect("no panic while reading");
                if read == 0 {
                    inner.end();
                } else {
                    inner.take(&buffer[..read]);
                }
                shared.1.notify_all();
                if read == 0 {
                    return;
                }
            }
        });
        Self {
            inner,
            reader: Some(reader),
            writer: Some(master.take_writer().expect("the terminal's input")),
            master,
            slave: Some(slave),
            child,
            settings: before,
            from: 0,
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.0.lock().expect("no panic while reading")
    }

    /// Presses keys. What was shown before them, but for the last frame, is
    /// not waited for any more.
    pub fn keys(&mut self, keys: &str) {
        let frames = self.inner().capture.frames.len();
        self.from = frames.saturating_sub(1);
        let writer = self.writer.as_mut().expect("the program runs");
        writer.write_all(keys.as_bytes()).expect("keys are taken");
        writer.flush().expect("keys are taken");
    }

    /// Waits for a frame that is as it should be, and gives it.
    #[track_caller]
    pub fn wait(&mut self, what: &str, is: impl Fn(&Screen) -> bool) -> Screen {
        let until = now() + PATIENCE;
        let shared = Arc::clone(&self.inner);
        let mut inner = shared.0.lock().expect("no panic while reading");
        loop {
            while let Some((_, screen)) = inner.capture.frames.get(self.from) {
                if is(screen) {
                    return screen.clone();
                }
                self.from += 1;
            }
            let left = until.saturating_duration_since(now());
            if left.is_zero() || inner.ended {
                let last = inner.capture.frames.last();
                let shown = last.map_or_else(String::new, |(_, screen)| screen.shown());
                let ended = inner.ended;
                drop(inner);
                panic!("waited for {what}; the program has ended: {ended}; it shows\n{shown}");
            }
            inner = shared.1.wait_timeout(inner, left).expect("no panic").0;
        }
    }

    /// Waits for words, wherever their lines break.
    #[track_caller]
    pub fn says(&mut self, words: &str) -> Screen {
        self.wait(words, |screen| screen.says(words))
    }

    /// Presses keys and waits for words.
    #[track_caller]
    pub fn then(&mut self, keys: &str, words: &str) -> Screen {
        self.keys(keys);
        self.says(words)
    }

    /// The newest frame.
    pub fn screen(&self) -> Screen {
        let inner = self.inner();
        let last = inner.capture.frames.last();
        last.map_or_else(Screen::default, |(_, screen)| screen.clone())
    }

    /// A look at the terminal's cells: what letters alone do not tell.
    pub fn look<T>(&self, at: impl FnOnce(&vt100::Screen) -> T) -> T {
        at(self.inner().parser.screen())
    }

    /// Makes the window larger or smaller.
    pub fn resize(&mut self, (cols, rows): (u16, u16)) {
        let mut inner = self.inner();
        let size = |n| NonZeroU16::new(n).expect("a terminal has a size");
        inner.parser.set_size(size(rows), size(cols));
        let from = inner.capture.frames.len();
        self.master
            .resize(PtySize {
                rows,
                cols,
                ..PtySize::default()
            })
            .expect("the window changes");
        drop(inner);
        self.from = from;
    }

    /// Waits for the program's end.
    #[track_caller]
    pub fn end(mut self) -> Ended {
        let until = now() + PATIENCE;
        let code = loop {
            if let Some(status) = self.child.try_wait().expect("the program's end") {
                break status.exit_code();
            }
            assert!(now() < until, "it goes on:\n{}", self.screen().shown());
            std::thread::sleep(Duration::from_millis(10));
        };
        let after = settings(&*self.master);
        self.slave = None;
        self.writer = None;
        let reader = self.reader.take().expect("it was started");
        reader.join().expect("the reader's end");
        let mut inner = self.inner();
        let screen = inner.parser.screen();
        let (cursor_hidden, alternate) = (screen.hide_cursor(), screen.alternate_screen());
        let capture = std::mem::take(&mut inner.capture);
        drop(inner);
        let before = std::mem::take(&mut self.settings);
        Ended {
            code,
            capture,
            cursor_hidden,
            alternate,
            settings: (before, after),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A test that failed leaves no program behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
