//! A key list that is longer than a slice of work, read while it is looked at.

use conclave::tui::{App, Input, Key};
use conclave_evidence::Id;
use conclave_station::front::{Event, KeyRow, KeyTable, KeyTableBuilder, Lists, Phase, Request};

use crate::samples::status;
use crate::{MONO, press, seen, tell, write};

/// Several slices of keys.
const MANY: u32 = 300_000;

fn row(at: u32) -> KeyRow {
    KeyRow {
        id: Some(Id(u128::from(at + 1).to_be_bytes())),
        label: format!("BANK-{}.ZPK.{at:06}", at % 7),
        algorithm: "TDES-2".into(),
        usage: "P0 PIN encryption".into(),
        kcv: format!("{:06X}", at * 7),
        kcv_method: "ENC-ZERO".into(),
        state: if at.is_multiple_of(1000) {
            "void"
        } else {
            "active"
        }
        .into(),
        under: "BANK.ZMK.001".into(),
        ..KeyRow::default()
    }
}

fn at_the_keys(keys: KeyTable) -> App {
    let mut app = App::new(MONO, None);
    let lists = Lists {
        keys,
        ..Lists::default()
    };
    tell(
        &mut app,
        vec![
            Event::Status(status(Phase::Open)),
            Event::Lists(Box::new(lists)),
        ],
    );
    press(&mut app, &[Key::Char('k')]);
    app
}

/// Ticks until all is counted; how many it took.
fn settle(app: &mut App) -> usize {
    let mut ticks = 0;
    while app.is_busy() {
        app.update(Input::Tick(0));
        ticks += 1;
        assert!(ticks < 1000);
    }
    ticks
}

fn asked(app: &mut App) -> Option<(String, Id)> {
    match app.lacks() {
        Some(Request::KeyDetail { label, id }) => Some((label, id)),
        Some(_) => panic!("asks for something else"),
        None => None,
    }
}

fn told((label, id): &(String, Id), line: &str) -> Event {
    Event::KeyDetail {
        label: label.clone(),
        id: Some(*id),
        detail: vec![line.into()],
    }
}

#[test]
fn the_first_page_is_there_at_once_and_the_count_follows() {
    let mut app = at_the_keys(KeyTable::from_rows((0..MANY).map(row)));
    assert!(seen(&app).contains("Keys 300,000 "));
    press(&mut app, &[Key::Char('/')]);
    write(&mut app, "void");
    let first = seen(&app);
    assert!(app.is_busy());
    assert!(first.contains("so far, of 300,000"), "{first}");
    assert!(first.matches(" void").count() > 10, "{first}");
    assert!(settle(&mut app) > 1);
    let all = seen(&app);
    assert!(all.contains("Keys 300 of 300,000"), "{all}");
    assert!(all.contains("/ void"), "{all}");
}

#[test]
fn letters_typed_before_the_count_is_done_and_taken_back_find_the_same() {
    let mut app = at_the_keys(KeyTable::from_rows((0..MANY).map(row)));
    press(&mut app, &[Key::Char('/')]);
    write(&mut app, "bank-3");
    app.update(Input::Tick(0));
    write(&mut app, ".zpk.12");
    settle(&mut app);
    let wanted = (0..MANY)
        .filter(|at| at % 7 == 3 && (120_000..130_000).contains(at))
        .count();
    let says = |n: usize| format!("Keys {},{:03} of 300,000", n / 1000, n % 1000);
    assert!(seen(&app).contains(&says(wanted)), "{}", seen(&app));
    press(&mut app, &[Key::Backspace]);
    settle(&mut app);
    let wanted = (0..MANY)
        .filter(|at| at % 7 == 3 && (100_000..200_000).contains(at))
        .count();
    assert!(seen(&app).contains(&says(wanted)), "{}", seen(&app));
    press(&mut app, &[Key::Esc]);
    assert!(!app.is_busy() && seen(&app).contains("Keys 300,000 "));
}

#[test]
fn the_list_fills_while_it_is_read_and_the_cursor_stays_on_its_key() {
    let mut builder = KeyTableBuilder::default();
    (0..MANY)
        .filter(|at| at % 3 == 0)
        .for_each(|at| builder.push(&row(at)));
    let mut app = at_the_keys(builder.so_far(200_000));
    let shown = seen(&app);
    assert!(shown.contains("Keys 100,000 of 300,000 read"), "{shown}");
    press(&mut app, &[Key::Char('/')]);
    write(&mut app, "zpk.2999");
    settle(&mut app);
    press(&mut app, &[Key::Down, Key::Down, Key::Down]);
    let under = |app: &App| {
        let shown = seen(app);
        let line = shown.lines().find(|line| line.contains('▸')).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    let before = under(&app);
    assert!(before.contains(".ZPK.2999"), "{before}");
    (0..MANY)
        .filter(|at| at % 3 > 0)
        .for_each(|at| builder.push(&row(at)));
    tell(&mut app, vec![Event::Keys(builder.finish())]);
    settle(&mut app);
    assert_eq!(under(&app), before);
    assert!(seen(&app).contains("Keys 100 of 300,000"), "{}", seen(&app));
}

#[test]
fn custody_is_asked_for_the_row_under_the_cursor_once() {
    let mut app = at_the_keys(KeyTable::from_rows((0..20).map(row)));
    let first = asked(&mut app).unwrap();
    assert_eq!(first.0, "BANK-0.ZPK.000000");
    assert!(seen(&app).contains("reading…"));
    // Running through the list asks for nothing more before the answer.
    press(&mut app, &[Key::Down, Key::Down]);
    assert_eq!(asked(&mut app), None);
    tell(&mut app, vec![told(&first, "envelope AA 1")]);
    assert!(!seen(&app).contains("envelope AA 1"));
    let third = asked(&mut app).unwrap();
    assert_eq!(third.0, "BANK-0.ZPK.000014");
    tell(&mut app, vec![told(&third, "envelope AA 3")]);
    press(&mut app, &[Key::Enter]);
    let page = seen(&app);
    assert!(page.contains("envelope AA 3") && !page.contains("reading…"));
    assert_eq!(asked(&mut app), None);
    // After an act the record may be another one; the page does not flicker.
    tell(&mut app, vec![Event::PromptDone]);
    assert!(seen(&app).contains("envelope AA 3"));
    assert_eq!(asked(&mut app), Some(third));
    // A closed station keeps nothing of it.
    tell(&mut app, vec![Event::Status(status(Phase::Closed))]);
    assert_eq!(asked(&mut app), None);
}

/// A void key shares its label with the one that took its place: each row opens its own.
#[test]
fn a_void_key_and_its_successor_have_a_page_each() {
    let twin = |at: u32, state: &str, kcv: &str| KeyRow {
        label: "BANK.ZMK.001".into(),
        state: state.into(),
        kcv: kcv.into(),
        under: String::new(),
        ..row(at)
    };
    for (first, second) in [(7, 8), (8, 7)] {
        let mut rows: Vec<KeyRow> = (20..40).map(row).collect();
        rows.push(twin(first, "void", "AAAAAA"));
        rows.push(twin(second, "active", "BBBBBB"));
        let mut app = at_the_keys(KeyTable::from_rows(rows));
        press(&mut app, &[Key::End]);
        let mut pages = Vec::new();
        for _ in 0..2 {
            press(&mut app, &[Key::Enter]);
            let which = asked(&mut app).unwrap();
            assert!(seen(&app).contains("reading…"));
            tell(
                &mut app,
                vec![told(&which, &format!("made as {}", which.1))],
            );
            pages.push(seen(&app));
            press(&mut app, &[Key::Esc, Key::Up]);
        }
        pages.sort_by_key(|page| page.contains("void"));
        let [active, void] = pages.try_into().unwrap();
        let made = |at: u32| format!("made as {}", row(at).id.unwrap());
        assert!(
            active.contains("KCV BBBBBB") && active.contains(&made(second)),
            "{active}"
        );
        assert!(
            void.contains("KCV AAAAAA") && void.contains(&made(first)),
            "{void}"
        );
        // The keys under the label lie under the one that stands.
        assert!(active.contains("▪ BANK.ZMK.001") && !void.contains("▪ BANK.ZMK.001"));
    }
}

#[test]
fn a_key_with_thousands_below_it_names_some_and_counts_the_rest() {
    let mut rows: Vec<KeyRow> = (0..5000).map(row).collect();
    rows.push(KeyRow {
        label: "BANK.ZMK.001".into(),
        ..KeyRow::default()
    });
    let mut app = at_the_keys(KeyTable::from_rows(rows));
    press(&mut app, &[Key::End, Key::Enter]);
    let mut page = seen(&app);
    assert!(page.contains("▪ BANK.ZMK.001"), "{page}");
    for _ in 0..60 {
        press(&mut app, &[Key::PageDown]);
        page = seen(&app);
        if page.contains("more") {
            break;
        }
    }
    assert!(page.contains("└─ and 4,800 more"), "{page}");
}
