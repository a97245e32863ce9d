//! What is typed into the filter of a list of a million keys, and the plain way
//! to answer it.

use std::hint::black_box;
use std::time::Duration;

use conclave::tui::{App, Input, Key, Theme, view};
use conclave_station::front::KeyTable;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

/// Columns and rows.
pub const SIZE: (u16, u16) = (120, 40);

/// What is typed: words that many rows have, that few have, that none has, a
/// check value, two words, and a word of a column that repeats.
const TYPED: [&str; 8] = [
    "bank-12.zpk",
    "zmk",
    "0777",
    "a1b2c3",
    "aes active",
    "void bank-9",
    "24 nov 2027",
    "nothing of the kind",
];

/// Every key of typing these words and taking them back letter by letter, each
/// with what stands in the filter after it.
pub fn strokes() -> Vec<(Key, String)> {
    let mut strokes = Vec::new();
    for words in TYPED {
        for end in 1..=words.len() {
            let typed = words[..end].to_owned();
            let letter = typed.chars().last().unwrap_or(' ');
            strokes.push((Key::Char(letter), typed));
        }
        for end in (0..words.len()).rev() {
            strokes.push((Key::Backspace, words[..end].to_owned()));
        }
    }
    strokes
}

/// The terminal's model, and a buffer to draw it in.
pub struct Screen {
    pub app: App,
    pub terminal: Terminal<TestBackend>,
}

impl Screen {
    /// Of a terminal that knows nothing yet.
    pub fn new() -> Self {
        Self {
            app: App::new(Theme { colour: true }, None),
            terminal: Terminal::new(TestBackend::new(SIZE.0, SIZE.1)).expect("a buffer"),
        }
    }

    /// What happens while one key is pressed.
    pub fn take(&mut self, input: Input) {
        self.app.update(input);
        self.draw();
    }

    pub fn draw(&mut self) {
        let app = &self.app;
        self.terminal
            .draw(|frame| view::draw(black_box(app), frame))
            .expect("a buffer");
    }
}

/// Times of [`typing`].
pub struct Typing {
    /// Key and frame.
    pub key: Vec<Duration>,
    /// One further slice: what the next key may have to wait for.
    pub slice: Vec<Duration>,
    /// From the key to the frame with the whole count.
    pub counted: Vec<Duration>,
    /// How many passed.
    pub found: Vec<usize>,
}

/// How many keys the title says there are.
fn found(screen: &Screen) -> usize {
    let buffer = screen.terminal.backend().buffer();
    let (wide, high) = (buffer.area.width, buffer.area.height);
    let line = (0..high)
        .map(|y| {
            (0..wide)
                .map(|x| buffer[(x, y)].symbol())
                .collect::<String>()
        })
        .find(|line| line.starts_with(" Keys "))
        .expect("the title");
    let number = line.split_whitespace().nth(1).unwrap_or_default();
    number.replace(',', "").parse().expect("a count")
}

/// Types everything into the filter of the key list that is shown.
pub fn typing(screen: &mut Screen) -> Typing {
    let mut times = Typing {
        key: Vec::new(),
        slice: Vec::new(),
        counted: Vec::new(),
        found: Vec::new(),
    };
    screen.take(Input::Key(Key::Char('/')));
    for (key, _) in strokes() {
        let mut all = once(|| screen.take(Input::Key(key)));
        times.key.push(all);
        while screen.app.is_busy() {
            let slice = once(|| drop(screen.app.update(Input::Tick(0))));
            times.slice.push(slice);
            all += slice;
        }
        // The terminal draws the count now and then, and when it is whole.
        all += once(|| screen.draw());
        times.counted.push(all);
        times.found.push(found(screen));
    }
    times
}

/// The rival: a list of strings in lower case, looked through at each key. The
/// same words, the same bytes, the same answer; no frame.
pub fn plain(table: &KeyTable) -> (Vec<Duration>, Vec<usize>) {
    let rows: Vec<String> = table
        .iter()
        .map(|r| {
            [r.label, r.algorithm, r.usage, r.kcv, r.state, r.expires]
                .join(" ")
                .to_lowercase()
        })
        .collect();
    let mut times = Vec::new();
    let mut found = Vec::new();
    for (_, typed) in strokes() {
        let mut shown = Vec::new();
        times.push(once(|| {
            let words: Vec<&str> = typed.split_whitespace().collect();
            shown = (0..rows.len())
                .filter(|at| words.iter().all(|word| rows[*at].contains(word)))
                .collect();
        }));
        found.push(black_box(shown).len());
    }
    (times, found)
}

/// How long it takes.
#[allow(clippy::disallowed_methods, reason = "a bench reads the clock")]
pub fn once(work: impl FnOnce()) -> Duration {
    let start = std::time::Instant::now();
    work();
    start.elapsed()
}

/// The 50th and 99th of a hundred, and the slowest.
pub fn tell(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    println!(
        "{what}: p50 {:?}, p99 {:?}, slowest {:?} over {}",
        at(50),
        at(99),
        at(100),
        times.len()
    );
}

/// Memory of this program in MiB, as Linux says it: `VmRSS` now, `VmHWM` at its
/// most.
pub fn memory(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(what));
    let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    number.expect("Linux tells a process its memory") / 1024
}
