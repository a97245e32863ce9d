//! The program at a real pseudo-terminal, driven by key strokes alone: logon,
//! lists, help, blanking, both ceremonies, the initialising of a new station,
//! and the terminal that is given back. Whatever was sent to the terminal is
//! looked through for secrets afterwards.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // a test may stop at the first surprise

#[path = "terminal/acts.rs"]
mod acts;
#[path = "terminal/ahead.rs"]
mod ahead;
#[path = "terminal/bad_days.rs"]
mod bad_days;
#[path = "terminal/ceremonies.rs"]
mod ceremonies;
#[path = "terminal/crew.rs"]
mod crew;
#[path = "terminal/driver.rs"]
mod driver;
#[path = "terminal/mailers.rs"]
mod mailers;
#[path = "terminal/rooms.rs"]
mod rooms;
#[path = "terminal/scan.rs"]
mod scan;
#[path = "terminal/screen.rs"]
mod screen;

use std::time::Duration;

use acts::{initialise, smallest_staff};
use crew::{Crew, PIN};
use driver::{CTRL_C, CTRL_U, Capture, ENTER, ESC, SMALL, Terminal, now};
use rooms::{given_back, logon_key_managers, no_pin, open, practice, quit};
use scan::Needle;
use screen::Asked;
use tempfile::TempDir;

/// A PIN that nobody has.
const WRONG: &str = "914627";

#[test]
fn the_search_finds_what_a_person_could_have_read() {
    let value = [0x60, 0x3D, 0xEB, 0x10, 0x15, 0xCA, 0x71, 0xBE];
    let mut needles = Needle::value("a value", &value);
    needles.push(Needle::digits("a PIN", PIN));
    let frame = "\x1b[?25l";
    // Cell by cell, each in a frame of its own, from the right to the left.
    let drawn = |text: &str| -> String {
        let cells = text
            .chars()
            .enumerate()
            .collect::<Vec<_>>()
            .into_iter()
            .rev();
        cells
            .map(|(at, c)| format!("\x1b[5;{}H\x1b[1m{c}\x1b[0m{frame}", at + 10))
            .collect()
    };
    for (bytes, found) in [
        (format!("PIN {PIN}{frame}"), Some("a PIN among the bytes")),
        (drawn(PIN), Some("a PIN in a frame")),
        (drawn("8 0 2 8 0 3"), Some("a PIN in a frame")),
        (
            drawn("603D EB10 15CA 71BE"),
            Some("a value, bytes from 0 in a frame"),
        ),
        (
            format!("603deb10 15\x1b[7mca71be{frame}"),
            Some("a value, bytes from 0 among the bytes"),
        ),
        (format!("603DEB1015CA71B{frame}80280{frame}"), None),
        (drawn("80280"), None),
    ] {
        let mut bytes = bytes.into_bytes();
        assert_eq!(scan::find(&needles, &Capture::of(&bytes)).as_deref(), found);
        if found.is_none() {
            bytes.extend(value);
            let raw = scan::find(&needles, &Capture::of(&bytes));
            assert_eq!(
                raw.as_deref(),
                Some("a value, bytes from 0 among the bytes")
            );
        }
    }
}

#[test]
fn key_managers_log_on_look_around_and_log_out() {
    let folder = practice();
    let mut crew = open(&folder, &[]);
    let start = crew.terminal.screen();
    assert!(start.says("KEYROOM-DEMO · TEST · nobody is logged on"));
    assert!(start.says("not an HSM"));

    crew.terminal.then(ENTER, "Put into a reader:");
    crew.insert("D. Novak");
    // The quorum as cards: who is at it, who is still to come.
    let quorum = crew.terminal.says("Key managers 2 of 3 must come, 0 here");
    assert!(
        quorum.says("tries left 3") && quorum.says("enter PIN"),
        "{}",
        quorum.shown()
    );
    assert!(quorum.has("▸ D. Novak") && quorum.has("· E. Fischer") && quorum.has("· F. Rossi"));
    // Too short: nothing goes to the card.
    crew.terminal.then("9146\r", "no try is used");
    crew.terminal.keys(CTRL_U);
    // Wrong: the card counts.
    crew.dots(WRONG);
    let wrong = crew.answer(ENTER);
    assert!(
        wrong.says("tries left 2") && wrong.says("Wrong PIN. 2 tries left."),
        "{}",
        wrong.shown()
    );
    assert!(wrong.says("Nothing was done with this card."));
    crew.dots(PIN);
    let one = crew.answer(ENTER);
    assert!(one.says("2 of 3 must come, 1 here"), "{}", one.shown());
    assert!(one.has("✓ D. Novak") && one.says("D. Novak was first"));
    assert!(one.says("left to complete the quorum"));
    let Asked::Card(wanted) = one.asked() else {
        panic!("{}", one.shown());
    };
    assert_eq!(wanted, ["E. Fischer", "F. Rossi"]);
    let tasks = crew.come("F. Rossi");
    assert!(
        tasks.says("Key managers: D. Novak, F. Rossi"),
        "{}",
        tasks.shown()
    );
    // What the keys want is added when they are read.
    let tasks = crew
        .terminal
        .wait("what is to be done", |screen| screen.says("Tasks 3"));
    assert!(
        tasks.says("Auditors: 2 live cards, 2 needed") && tasks.says("no backup for component"),
        "{}",
        tasks.shown()
    );

    // The lists, and help on each screen.
    for (key, title) in [
        ("k", "Keys 2"),
        ("c", "Ceremonies 2"),
        ("p", "People and cards 18"),
        ("d", "Devices and media"),
        ("j", "Journal"),
    ] {
        let list = crew.terminal.then(key, title);
        assert_eq!(list.asked(), Asked::List, "{}", list.shown());
        let help = crew.terminal.then("?", "Help:");
        // A screen with many keys of its own has the general ones a page further.
        if !help.says("Enter opens, or confirms what was typed") {
            assert!(help.says("PgDn"), "{}", help.shown());
        }
        crew.terminal.then(ESC, title);
    }
    // The newest entry of the journal is this logon.
    let journal = crew.terminal.screen();
    assert!(journal.has("logon"), "{}", journal.shown());
    // A filter narrows while it is typed.
    crew.terminal.then("p", "People and cards 18");
    crew.terminal.keys("/fischer");
    let one = crew.terminal.wait("one person", |screen| {
        screen.has("E. Fischer") && !screen.has("D. Novak  ")
    });
    assert!(one.has("/ fischer"));
    crew.terminal.then(ESC, "People and cards 18");

    crew.terminal.keys("L");
    crew.terminal.says("The session ends for every group.");
    crew.terminal.then("y", "This station is closed.");
    assert!(crew.terminal.screen().says("nobody is logged on"));
    let ended = quit(crew);
    given_back(&ended);
    no_pin(&ended, &[PIN, WRONG]);
    assert!(
        scan::styles(&ended.capture)
            .into_iter()
            .any(scan::is_colour)
    );
}

/// The session is over when this person's card is pulled.
fn pulled(readers: usize, name: &str) {
    let folder = practice();
    let config = format!("[training]\nreaders = {readers}\ncards = 18\n");
    std::fs::write(folder.path().join("station.toml"), config).unwrap();
    let mut crew = open(&folder, &[]);
    crew.readers = readers;
    logon_key_managers(&mut crew);
    crew.terminal.then("p", "People and cards 18");
    let key = crew.desk(name);
    let pulled = now();
    crew.terminal.keys(&key);
    let blank = crew.terminal.wait("a blank screen", |screen| {
        screen.has("blanked: a card was removed")
    });
    let took = pulled.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
    let left = blank.rows.iter().filter(|row| !row.is_empty());
    assert_eq!(left.count(), 2, "{}", blank.shown());
    // The key that wakes it does nothing else, and the session is over.
    crew.terminal.then("q", "This station is closed.");
    assert!(!crew.terminal.screen().has("Quit?"));
    let ended = quit(crew);
    given_back(&ended);
    no_pin(&ended, &[PIN]);
}

#[test]
fn any_quorum_card_pulled_blanks_the_screen_within_a_second() {
    pulled(6, "D. Novak");
    pulled(6, "E. Fischer");
}

#[test]
fn with_one_reader_the_last_card_is_the_session_card() {
    pulled(1, "E. Fischer");
}

#[test]
fn every_way_out_gives_the_terminal_back() {
    let folder = practice();
    for session in [false, true] {
        for way in ["q", CTRL_C] {
            let mut crew = open(&folder, &[]);
            if session {
                logon_key_managers(&mut crew);
            }
            // Esc stays; suspending is no way to a shell.
            crew.terminal.then(way, "Quit?");
            crew.terminal.keys(ESC);
            crew.terminal
                .wait("no question", |screen| !screen.has("Quit?"));
            crew.terminal.keys("\x1a");
            crew.terminal.then(way, "Quit?");
            crew.terminal.keys("y");
            let ended = crew.terminal.end();
            given_back(&ended);
            no_pin(&ended, &[PIN]);
        }
    }
    // In the middle of a question.
    let mut crew = open(&folder, &[]);
    crew.terminal.then(ENTER, "Put into a reader:");
    crew.insert("D. Novak");
    crew.terminal.says("tries left 3");
    crew.dots(&PIN[..4]);
    crew.terminal
        .then(CTRL_C, "The program ends in the middle of");
    crew.terminal.keys("y");
    let ended = crew.terminal.end();
    given_back(&ended);
}

#[test]
fn an_empty_station_is_initialised_by_the_smallest_staff_and_then_logs_on() {
    let folder = TempDir::new().unwrap();
    let mut terminal = Terminal::start(&[], folder.path(), &[]);
    let start = terminal.says("This station is new.");
    // It offers one thing: neither Enter nor any other key opens anything.
    assert!(
        start.says("no mode yet · nobody is logged on"),
        "{}",
        start.shown()
    );
    terminal.keys("\rgutkj");
    terminal.then("?", "Help: start");
    terminal.then(ESC, "This station is new.");
    let mut crew = Crew::with_new_cards(terminal, 6);
    let done = initialise(&mut crew, "KEYROOM-PTY");
    assert!(done.says("The station is initialised."), "{}", done.shown());
    crew.terminal.then(ENTER, "This station is closed.");
    assert!(
        crew.terminal
            .screen()
            .says("KEYROOM-PTY · TEST · nobody is logged on")
    );

    // The new cards and PINs open it.
    crew.pull_all();
    crew.prefer = vec!["Dan".into(), "Eva".into()];
    crew.terminal.then(ENTER, "Put into a reader:");
    let tasks = crew.play(&|name| acts::own_pin(name), |screen| {
        screen.asked() == Asked::List
    });
    assert!(tasks.says("Key managers: Dan, Eva"), "{}", tasks.shown());
    let ended = quit(crew);
    given_back(&ended);
    let pins: Vec<String> = smallest_staff().map(acts::own_pin).collect();
    let pins: Vec<&str> = pins.iter().map(String::as_str).collect();
    no_pin(&ended, &pins);
}

#[test]
fn without_colour_nothing_is_lost_and_a_resized_window_keeps_the_question() {
    let folder = practice();
    let mut crew = open(&folder, &[("NO_COLOR", "1")]);
    crew.terminal.then(ENTER, "Put into a reader:");
    crew.insert("D. Novak");
    crew.terminal.says("tries left 3");
    let small = crew.dots(&PIN[..3]);
    assert_eq!(small.rows.len(), 24);
    crew.terminal.resize((120, 40));
    let large = crew.terminal.wait("a larger screen", |screen| {
        screen.rows.len() == 40 && screen.rows[39].starts_with(" Enter confirm")
    });
    assert!(
        large.says("● ● ● · · ·") && large.says("tries left 3"),
        "{}",
        large.shown()
    );
    assert!(
        large.rows[2].contains(&"─".repeat(120)),
        "{}",
        large.shown()
    );
    crew.terminal.resize(SMALL);
    let again = crew.terminal.wait("the small screen", |screen| {
        screen.rows.len() == 24 && screen.rows[23].starts_with(" Enter confirm")
    });
    assert!(again.says("● ● ● · · ·"), "{}", again.shown());
    assert_eq!(again.still(), small.still());
    // What was typed before is part of the PIN.
    crew.terminal.keys(&PIN[3..]);
    crew.terminal.says("● ● ● ● ● ●");
    crew.answer(ENTER);
    crew.come("E. Fischer");
    // Too small a window says so, and nothing else.
    crew.terminal.resize((79, 24));
    crew.terminal
        .says("Conclave needs 80 columns and 24 rows. This window has 79 and 24.");
    crew.terminal.resize(SMALL);
    crew.terminal.says("Key managers: D. Novak, E. Fischer");
    // The row under the cursor is reversed, and marked in letters, too.
    let people = crew.terminal.then("p", "People and cards 18");
    let chosen = people
        .rows
        .iter()
        .position(|row| row.starts_with(" ▸ "))
        .unwrap();
    let at = u16::try_from(chosen).unwrap();
    assert!(
        crew.terminal
            .look(|screen| screen.cell(at, 3).unwrap().inverse())
    );
    let ended = quit(crew);
    given_back(&ended);
    no_pin(&ended, &[PIN]);
    let colours: Vec<u32> = scan::styles(&ended.capture)
        .into_iter()
        .filter(|parameter| scan::is_colour(*parameter))
        .collect();
    assert_eq!(colours, [], "SGR parameters of colours");
}
