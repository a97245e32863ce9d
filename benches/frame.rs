//! A frame of the key list with 10,000 rows, and what it costs to lay out all
//! rows instead of those that are seen.

#![allow(clippy::unwrap_used, clippy::panic)] // a test may stop at the first surprise
#![allow(clippy::expect_used)] // a bench may stop at the first surprise

use std::hint::black_box;
use std::time::Duration;

use conclave::tui::{App, Input, Key, Theme, view};
use conclave_station::front::{Event, KeyRow, Lists, Phase, Status};
use criterion::Criterion;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Constraint;
use ratatui::widgets::{Row, Table};

const ROWS: usize = 10_000;
const FRAMES: usize = 1_000;
const SIZE: (u16, u16) = (120, 40);

fn lists() -> Lists {
    let keys = (0..ROWS)
        .map(|at| KeyRow {
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
            detail: vec!["installed: ICSF PROD1".to_owned()],
        })
        .collect();
    Lists {
        keys,
        ..Lists::default()
    }
}

fn app(lists: Lists) -> App {
    let mut app = App::new(Theme { colour: true }, None);
    app.update(Input::Event(Event::Status(Status {
        phase: Phase::Open,
        ..Status::default()
    })));
    app.update(Input::Event(Event::Lists(Box::new(lists))));
    app.update(Input::Key(Key::Char('k')));
    app
}

fn naive(lists: &Lists) -> Table<'_> {
    let rows = lists.keys.iter().map(|k| {
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

/// The 50th and 99th of a hundred, and the slowest.
fn tell(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    println!(
        "{what}: p50 {:?}, p99 {:?}, slowest {:?} over {} frames",
        at(50),
        at(99),
        at(100),
        times.len()
    );
}

#[allow(clippy::disallowed_methods, reason = "a bench reads the clock")]
fn timed(mut work: impl FnMut()) -> Vec<Duration> {
    (0..FRAMES)
        .map(|_| {
            let start = std::time::Instant::now();
            work();
            start.elapsed()
        })
        .collect()
}

fn main() {
    let lists = lists();
    let mut app = app(lists.clone());
    let mut terminal = Terminal::new(TestBackend::new(SIZE.0, SIZE.1)).expect("a buffer");

    let mut row = 0usize;
    let ours = timed(|| {
        row += 1;
        app.update(Input::Key(if row.is_multiple_of(400) {
            Key::Home
        } else {
            Key::PageDown
        }));
        terminal
            .draw(|frame| view::draw(&app, frame))
            .expect("a buffer");
    });
    tell(
        "frame of the key list, 10,000 rows (wanted: p99 under 16 ms)",
        ours,
    );
    let rival = timed(|| {
        terminal
            .draw(|frame| frame.render_widget(naive(&lists), frame.area()))
            .expect("a buffer");
    });
    tell("rival: a ratatui Table of all rows", rival);
    let mut typing = "lake".chars().cycle();
    app.update(Input::Key(Key::Char('/')));
    let filter = timed(|| {
        app.update(Input::Key(Key::Ctrl('u')));
        app.update(Input::Key(Key::Char(typing.next().unwrap_or('b'))));
        terminal
            .draw(|frame| view::draw(&app, frame))
            .expect("a buffer");
    });
    tell("one letter typed into the filter, with its frame", filter);

    let mut criterion = Criterion::default().configure_from_args();
    criterion.bench_function("frame/keys-10000", |b| {
        b.iter(|| {
            terminal
                .draw(|frame| view::draw(black_box(&app), frame))
                .expect("a buffer");
        });
    });
    criterion.bench_function("frame/rival-table-of-all-rows", |b| {
        b.iter(|| {
            terminal
                .draw(|frame| frame.render_widget(naive(black_box(&lists)), frame.area()))
                .expect("a buffer");
        });
    });
    criterion.final_summary();
}
