//! Frames of the key list: with 10,000 rows, beside what it costs to lay out
//! all rows instead of those that are seen; and with 1,000,000 rows, a filter
//! typed letter by letter, beside a plain look at every row.

#![allow(clippy::unwrap_used, clippy::panic)] // a test may stop at the first surprise
#![allow(clippy::expect_used)] // a bench may stop at the first surprise

mod million;
mod typed;

use std::hint::black_box;
use std::time::Duration;

use conclave::tui::{Input, Key};
use conclave_station::front::{Event, KeyRow, KeyTable, Lists, Phase, Status};
use criterion::Criterion;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Constraint;
use ratatui::widgets::{Row, Table};
use typed::{SIZE, Screen, once, tell};

const ROWS: usize = 10_000;
const FRAMES: usize = 1_000;

/// The key list of an open station.
fn showing(keys: KeyTable) -> Screen {
    let mut screen = Screen::new();
    screen.app.update(Input::Event(Event::Status(Status {
        phase: Phase::Open,
        ..Status::default()
    })));
    screen.app.update(Input::Event(Event::Lists(Box::new(Lists {
        keys,
        ..Lists::default()
    }))));
    screen.app.update(Input::Key(Key::Char('k')));
    screen
}

fn key(at: usize) -> KeyRow {
    KeyRow {
        id: None,
        label: format!("BANK-{}.ZPK.OUT.{at:05}", at % 97),
        algorithm: "TDES-2".to_owned(),
        usage: "P0 PIN encryption".to_owned(),
        kcv: format!("{:06X}", at * 7919 % 0x0100_0000),
        kcv_method: "ENC-ZERO".to_owned(),
        state: "active".to_owned(),
        template: "zpk-out v4".to_owned(),
        under: format!("BANK-{}.ZMK.001", at % 97),
        expires: "24 Nov 2027".to_owned(),
        days_left: Some(365),
        detail: Vec::new(),
    }
}

fn naive(rows: &[KeyRow]) -> Table<'_> {
    let rows = rows.iter().map(|k| {
        Row::new([
            k.label.as_str(),
            &k.algorithm,
            &k.usage,
            &k.kcv,
            &k.state,
            &k.expires,
        ])
    });
    Table::new(rows, [Constraint::Fill(1); 6])
}

fn timed(mut work: impl FnMut()) -> Vec<Duration> {
    (0..FRAMES).map(|_| once(&mut work)).collect()
}

fn main() {
    million::run();

    let rows: Vec<KeyRow> = (0..ROWS).map(key).collect();
    let mut screen = showing(KeyTable::from_rows(rows.iter().cloned()));
    let mut row = 0usize;
    let ours = timed(|| {
        row += 1;
        screen.take(Input::Key(if row.is_multiple_of(400) {
            Key::Home
        } else {
            Key::PageDown
        }));
    });
    tell(
        "frame of the key list, 10,000 rows (wanted: p99 under 16 ms)",
        ours,
    );
    let mut terminal = Terminal::new(TestBackend::new(SIZE.0, SIZE.1)).expect("a buffer");
    let rival = timed(|| {
        terminal
            .draw(|frame| frame.render_widget(naive(&rows), frame.area()))
            .expect("a buffer");
    });
    tell("rival: a ratatui Table of all rows", rival);

    let mut criterion = Criterion::default().configure_from_args();
    criterion.bench_function("frame/keys-10000", |b| b.iter(|| screen.draw()));
    criterion.bench_function("frame/rival-table-of-all-rows", |b| {
        b.iter(|| {
            terminal
                .draw(|frame| frame.render_widget(naive(black_box(&rows)), frame.area()))
                .expect("a buffer");
        });
    });
    criterion.final_summary();
}
