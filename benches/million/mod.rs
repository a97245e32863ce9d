//! 1,000,000 keys: a filter typed letter by letter and taken back, and what the
//! table costs in memory.

use std::hint::black_box;
use std::time::Duration;

use conclave::tui::{Input, Key};
use conclave_station::front::{KeyRow, KeyTable, KeyTableBuilder};

use crate::{Screen, once, tell};

const ROWS: usize = 1_000_000;

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

fn row(at: usize) -> KeyRow {
    // A fixed stir, so that neighbours differ and every run has the same rows.
    let mixed = (at as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
    let pick = |of: usize, shift: u32| usize::try_from(mixed >> shift).unwrap_or(0) % of;
    let (use_, usage) = [
        ("ZPK.OUT", "P0 PIN encryption"),
        ("ZPK.IN", "P0 PIN encryption"),
        ("CVK", "C0 card verification"),
        ("ZMK", "K0 zone master key"),
    ][pick(4, 3)];
    KeyRow {
        id: None,
        label: format!("BANK-{}.{use_}.{at:07}", pick(997, 5)),
        algorithm: ["TDES-2", "TDES-3", "AES-128", "AES-256"][pick(4, 9)].to_owned(),
        usage: usage.to_owned(),
        kcv: format!("{:06X}", mixed & 0x00FF_FFFF),
        kcv_method: "ENC-ZERO".to_owned(),
        state: ["active", "active", "active", "pre-activation", "void"][pick(5, 11)].to_owned(),
        template: ["zpk-out v4", "zmk-tdes2 v1"][pick(2, 13)].to_owned(),
        under: format!("BANK-{}.ZMK.001", pick(997, 5)),
        expires: format!("{:02} Nov {}", 1 + pick(28, 7), 2026 + pick(5, 15)),
        days_left: Some(i64::try_from(pick(1800, 17)).unwrap_or(0)),
        detail: Vec::new(),
    }
}

/// Resident memory of this program in MiB, as Linux says it.
fn resident(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(what));
    let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    number.expect("Linux tells a process its memory") / 1024
}

/// Every key of typing these words and taking them back letter by letter.
fn strokes() -> Vec<(Key, String)> {
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

struct Typing {
    /// Key and frame.
    key: Vec<Duration>,
    /// One further slice: what the next key may have to wait for.
    slice: Vec<Duration>,
    /// From the key to the frame with the whole count.
    counted: Vec<Duration>,
    /// How many passed.
    found: Vec<usize>,
}

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

fn typing(screen: &mut Screen) -> Typing {
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
fn plain(table: &KeyTable) -> (Vec<Duration>, Vec<usize>) {
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

pub fn run() {
    let before = resident("VmRSS");
    let mut builder = KeyTableBuilder::default();
    (0..ROWS).for_each(|at| builder.push(&row(at)));
    let mut table = KeyTable::default();
    let sorted = once(|| table = std::mem::take(&mut builder).finish());
    println!(
        "1,000,000 keys: {} bytes a key; put in order in {sorted:?}",
        table.size_in_bytes() / ROWS
    );
    let mut screen = Screen::new(table.clone());
    let ours = typing(&mut screen);
    println!(
        "memory with the screen: {} MiB, {} MiB at its most while the table was made \
         ({before} MiB before it; wanted: under 400 MB)",
        resident("VmRSS"),
        resident("VmHWM"),
    );
    tell(
        "1,000,000 keys, one key stroke of the filter with its frame (wanted: p99 under 16 ms)",
        ours.key,
    );
    tell(
        "  a further slice, which the next key may have to wait for",
        ours.slice,
    );
    tell("  from the key stroke to the whole count", ours.counted);
    drop(screen);
    let (times, found) = plain(&table);
    println!("memory of the rival beside it: {} MiB", resident("VmRSS"));
    tell("rival: every row's string, no frame", times);
    assert_eq!(ours.found, found, "both find the same");
}
