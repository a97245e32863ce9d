//! What keys and events do.

use std::sync::Arc;

use conclave::tui::{App, Input, Key};
use conclave_keyroom::ports::dialogue::{Answer, Ask, Prompt};
use conclave_station::front::{Administration, Event, KeyTable, Phase, Request, Status};

use crate::questions::confirm;
use crate::samples::{Hands, custody, lists, logon, pin_ask, prompt, status};
use crate::{MONO, press, seen, tell, write};

pub(crate) fn inside() -> App {
    let mut app = App::new(MONO, None);
    let mut open = status(Phase::Open);
    open.idle = None;
    tell(
        &mut app,
        vec![
            Event::Status(open),
            Event::Lists(Box::new(lists())),
            custody(),
        ],
    );
    app
}

pub(crate) fn asked(prompt: Prompt) -> App {
    let mut app = inside();
    tell(&mut app, vec![Event::Prompt(Box::new(prompt))]);
    app
}

pub(crate) fn ask(ask: Ask) -> App {
    asked(prompt("a.question", "A question", ask))
}

/// The one answer among these requests.
pub(crate) fn answer(mut requests: Vec<Request>) -> Answer {
    assert_eq!(requests.len(), 1);
    match requests.pop() {
        Some(Request::Answer(answer)) => answer,
        _ => panic!("no answer"),
    }
}

pub(crate) fn secret(requests: Vec<Request>) -> Vec<u8> {
    match answer(requests) {
        Answer::Secret(secret) => secret.expose().to_vec(),
        _ => panic!("no secret"),
    }
}

pub(crate) fn word(requests: Vec<Request>) -> String {
    match answer(requests) {
        Answer::Word(word) => word,
        _ => panic!("no word"),
    }
}

pub(crate) fn fields(requests: Vec<Request>) -> Vec<String> {
    match answer(requests) {
        Answer::Fields(fields) => fields,
        _ => panic!("no fields"),
    }
}

#[test]
fn the_filter_narrows_while_typing() {
    let mut app = inside();
    press(&mut app, &[Key::Char('k'), Key::Char('/')]);
    // Letters that are keys elsewhere are letters here.
    assert!(write(&mut app, "lake q").is_empty());
    assert!(seen(&app).contains("Nothing passes the filter"));
    press(&mut app, &[Key::Backspace, Key::Backspace]);
    let shown = seen(&app);
    assert!(
        shown.contains("3 of 7") && !shown.contains("PARTNER-3"),
        "{shown}"
    );
    // Two words, in any order, upper or lower.
    write(&mut app, " ZPK");
    assert!(seen(&app).contains("2 of 7"));
    press(&mut app, &[Key::Esc]);
    assert!(seen(&app).contains("PARTNER-3"));
}

#[test]
fn a_fresh_list_keeps_the_row_under_the_cursor() {
    let mut app = inside();
    press(&mut app, &[Key::Char('k'), Key::Down, Key::Down, Key::Down]);
    assert!(seen(&app).contains("▸ BANKX.ZMK.003"));
    let mut fewer = lists();
    fewer.keys = KeyTable::from_rows(fewer.keys.iter().skip(1));
    tell(&mut app, vec![Event::Lists(Box::new(fewer))]);
    assert!(seen(&app).contains("▸ BANKX.ZMK.003"));
    tell(&mut app, vec![Event::Lists(Box::default())]);
    press(&mut app, &[Key::Down, Key::Enter, Key::End, Key::PageDown]);
    assert!(seen(&app).contains("No key yet"));
}

#[test]
fn screens_are_reached_by_their_letter_and_left_by_esc() {
    let mut app = inside();
    for (key, title) in [
        ('k', "Keys 7"),
        ('c', "Ceremonies 3"),
        ('p', "People and cards 4"),
        ('d', "Devices and media 4"),
        ('j', "Journal 3"),
        ('t', "Tasks 6"),
    ] {
        press(&mut app, &[Key::Char(key)]);
        assert!(seen(&app).contains(title), "{title}");
    }
    press(&mut app, &[Key::Char('k'), Key::Enter]);
    assert!(seen(&app).contains("envelope AA 1234567"));
    press(&mut app, &[Key::Esc]);
    assert!(seen(&app).contains("Keys 7"));
    press(&mut app, &[Key::Esc, Key::Esc, Key::Esc]);
    assert!(seen(&app).contains("Tasks 6"));
}

#[test]
fn what_is_asked_of_the_station() {
    let mut app = inside();
    let resume = press(&mut app, &[Key::Down, Key::Down, Key::Enter]);
    assert!(matches!(&resume[..], [Request::Resume(id)] if id.starts_with("0f3a")));
    let begin = press(&mut app, &[Key::Char('c'), Key::Char('n'), Key::Enter]);
    assert!(matches!(&begin[..], [Request::Ceremony(file)] if file == "generate-zmk.toml"));
    // A refused script is not begun.
    let refused = press(&mut app, &[Key::Char('n'), Key::End, Key::Enter]);
    assert!(refused.is_empty() && seen(&app).contains("may not be run"));
    press(&mut app, &[Key::Enter, Key::Char('j')]);
    assert!(matches!(
        &press(&mut app, &[Key::Char('x')])[..],
        [Request::ExportJournal]
    ));
    assert!(matches!(
        &press(&mut app, &[Key::Char('p'), Key::Char('m')])[..],
        [Request::Administer(Administration::ChangeMembers)]
    ));
    assert!(matches!(
        &press(&mut app, &[Key::Char('g')])[..],
        [Request::Logon(None)]
    ));
    assert!(press(&mut app, &[Key::Char('L'), Key::Esc]).is_empty());
    assert!(matches!(
        &press(&mut app, &[Key::Char('L'), Key::Char('y')])[..],
        [Request::Logout]
    ));
    assert!(press(&mut app, &[Key::Ctrl('c'), Key::Enter, Key::Esc]).is_empty());
    assert!(matches!(
        &press(&mut app, &[Key::Char('q'), Key::Char('y')])[..],
        [Request::Quit]
    ));
    assert!(press(&mut app, &[Key::Ctrl('z')]).is_empty());
}

#[test]
fn an_empty_station_offers_to_be_initialised_or_restored_and_nothing_else() {
    let mut app = App::new(MONO, None);
    tell(&mut app, vec![Event::Status(status(Phase::Empty))]);
    assert!(
        press(
            &mut app,
            &[Key::Enter, Key::Char('g'), Key::Char('u'), Key::Char('k')]
        )
        .is_empty()
    );
    assert!(matches!(
        &press(&mut app, &[Key::Char('i')])[..],
        [Request::Initialise]
    ));
    let mut app = App::new(MONO, None);
    tell(&mut app, vec![Event::Status(status(Phase::Empty))]);
    assert!(matches!(
        &press(&mut app, &[Key::Char('r')])[..],
        [Request::Administer(Administration::RestoreBackup)]
    ));
    // What failed logons locked is unlocked; what went back in time is not.
    for (recovery, wanted, other) in [(false, 'u', 'r'), (true, 'r', 'u')] {
        let mut app = App::new(MONO, None);
        let locked = Status {
            recovery,
            ..status(Phase::Locked)
        };
        tell(&mut app, vec![Event::Status(locked)]);
        assert!(press(&mut app, &[Key::Char(other), Key::Enter]).is_empty());
        let asked = press(&mut app, &[Key::Char(wanted)]);
        assert!(matches!(&asked[..], [Request::Administer(act)]
            if (*act == Administration::RecoverStation) == recovery));
    }
    let mut app = App::new(MONO, None);
    tell(&mut app, vec![Event::Status(status(Phase::Closed))]);
    assert!(press(&mut app, &[Key::Char('i')]).is_empty());
    assert!(matches!(
        &press(&mut app, &[Key::Enter])[..],
        [Request::Logon(None)]
    ));
}

#[test]
fn tab_at_a_card_asks_for_the_other_group() {
    let card = |other_group| Ask::Card {
        wanted: Vec::new(),
        other_group,
    };
    assert!(matches!(
        answer(press(&mut ask(card(true)), &[Key::Tab])),
        Answer::OtherGroup
    ));
    assert!(press(&mut ask(card(false)), &[Key::Tab, Key::Enter]).is_empty());
}

#[test]
fn a_blank_screen_shows_nothing_and_drops_what_was_typed() {
    let mut app = asked(logon(pin_ask()));
    write(&mut app, "135");
    tell(&mut app, vec![Event::Blank(true)]);
    let shown = seen(&app);
    for word in ["MEMBER", "KEYROOM", "TEST", "●", "Key managers"] {
        assert!(!shown.contains(word), "{shown}");
    }
    // The waking key is not typed into the PIN.
    let woken = press(&mut app, &[Key::Char('1')]);
    assert!(matches!(&woken[..], [Request::Wake]));
    tell(&mut app, vec![Event::Blank(false)]);
    assert!(!seen(&app).contains('●'));
    write(&mut app, "246802");
    assert_eq!(secret(press(&mut app, &[Key::Enter])), b"246802");
}

#[test]
fn a_blank_screen_confirms_nothing() {
    let mut app = confirm();
    press(&mut app, &[Key::Esc]);
    tell(&mut app, vec![Event::Blank(true)]);
    for key in [Key::Char('p'), Key::Char('y'), Key::Enter] {
        assert!(matches!(&press(&mut app, &[key])[..], [Request::Wake]));
    }
    tell(&mut app, vec![Event::Blank(false)]);
    assert!(!seen(&app).contains("Stop here?"));
}

#[test]
fn idle_and_clock_go_on_between_two_words_of_the_station() {
    let mut app = App::new(MONO, None);
    tell(&mut app, vec![Event::Status(status(Phase::Open))]);
    assert!(seen(&app).contains("24 Nov 2026 09:14 UTC  idle 9:58"));
    app.update(Input::Tick(60_000));
    assert!(seen(&app).contains("24 Nov 2026 09:15 UTC  idle 8:58"));
    app.update(Input::Tick(280_000));
    assert!(seen(&app).contains("blank in 0:18"));
    // Whoever presses a key is there, also in an act that brings no news.
    press(&mut app, &[Key::Down]);
    assert!(!seen(&app).contains("blank in"));
    app.update(Input::Tick(281_000));
    assert!(seen(&app).contains("idle 9:59"), "{}", seen(&app));
}

#[test]
fn keys_wake_the_station_but_not_with_each_one() {
    let mut app = App::new(MONO, None);
    tell(&mut app, vec![Event::Status(status(Phase::Open))]);
    let woken = |app: &mut App| press(app, &[Key::Down]).len();
    assert_eq!((woken(&mut app), woken(&mut app)), (1, 0));
    app.update(Input::Tick(1500));
    assert_eq!(woken(&mut app), 1);
}

#[test]
fn after_logout_no_list_is_left() {
    let mut app = inside();
    press(&mut app, &[Key::Char('k')]);
    let mut open = status(Phase::Open);
    tell(&mut app, vec![Event::Status(status(Phase::Closed))]);
    assert!(seen(&app).contains("This station is closed"));
    open.session.clear();
    tell(&mut app, vec![Event::Status(open)]);
    press(&mut app, &[Key::Char('k')]);
    assert!(!seen(&app).contains("BANK-LAKE"));
}

#[test]
fn long_work_is_stopped_after_a_question() {
    let mut app = inside();
    tell(
        &mut app,
        vec![Event::Progress {
            words: "Writing".to_owned(),
            done: 1,
            of: 9,
        }],
    );
    assert!(press(&mut app, &[Key::Enter, Key::Char('q')]).is_empty());
    assert!(matches!(
        answer(press(&mut app, &[Key::Esc, Key::Char('y')])),
        Answer::Abort
    ));
    assert!(seen(&app).contains("Asked to stop"));
}

#[test]
fn with_one_reader_a_card_takes_the_place_of_another() {
    let hands = Arc::new(Hands::new(&["R"], &["card 1", "card 2"]));
    let mut app = App::new(MONO, Some(hands.clone()));
    let inside = || hands.readers.lock().unwrap()[0].1.clone();
    press(&mut app, &[Key::F(2), Key::Enter]);
    assert_eq!(inside().as_deref(), Some("card 1"));
    press(&mut app, &[Key::F(2), Key::Char('2')]);
    assert_eq!(inside().as_deref(), Some("card 2"));
    // A card keeps its key wherever it lies.
    press(&mut app, &[Key::F(2), Key::Char('2')]);
    assert_eq!(inside(), None);
    assert_eq!(hands.cards.lock().unwrap().len(), 2);
}

#[test]
fn the_desk_says_when_every_reader_is_full_and_gives_the_sheet_away() {
    let hands = Arc::new(Hands::new(&["R1", "R2"], &["a", "b", "c"]));
    *hands.sheet.lock().unwrap() = vec!["XXXX".to_owned()];
    let mut app = App::new(MONO, Some(hands.clone()));
    press(
        &mut app,
        &[
            Key::F(2),
            Key::Enter,
            Key::F(2),
            Key::Enter,
            Key::F(2),
            Key::Enter,
        ],
    );
    assert!(seen(&app).contains("Every reader has a card in it"));
    press(&mut app, &[Key::End, Key::Enter]);
    assert!(seen(&app).contains("XXXX"));
    press(&mut app, &[Key::Enter]);
    assert!(hands.sheet.lock().unwrap().is_empty());
}

#[test]
fn a_sheet_that_was_put_away_can_be_read_again_and_loses_no_column() {
    let hands = Arc::new(Hands::new(&["R1"], &[]));
    let wide = format!("{}|80", "x".repeat(77));
    let mut lines: Vec<String> = (0..40).map(|at| format!("line {at}")).collect();
    lines.push(wide.clone());
    *hands.sheet.lock().unwrap() = lines;
    let mut app = App::new(MONO, Some(hands.clone()));
    press(&mut app, &[Key::F(2), Key::Enter]);
    let top = seen(&app);
    assert!(top.contains("custodian's sheet") && top.contains("for its custodian's eyes"));
    assert!(top.contains("▼ PgDn") && !top.contains("line 30"), "{top}");
    // The keys do what the sign and the footer say.
    assert!(top.contains("PgUp PgDn more"), "{top}");
    press(&mut app, &[Key::PageDown, Key::PageDown, Key::PageDown]);
    let end = seen(&app);
    assert!(end.contains(&wide), "all 80 columns: {end}");
    press(&mut app, &[Key::PageUp]);
    assert_ne!(seen(&app), end);

    press(&mut app, &[Key::Enter]);
    assert!(hands.sheet.lock().unwrap().is_empty());
    let desk = seen(&app);
    assert!(desk.contains("custodian's sheet, bag 1") && desk.contains("put away"));
    press(&mut app, &[Key::End, Key::Enter]);
    assert!(seen(&app).contains("line 5") && seen(&app).contains("bag 1"));
    // It is in its bag already: Enter takes nothing away.
    press(&mut app, &[Key::Enter, Key::F(2), Key::F(2)]);
    assert_eq!(hands.bags.lock().unwrap().len(), 1);
}

#[test]
fn at_80_columns_no_date_is_cut_and_no_group_is_left_out() {
    let mut app = App::new(MONO, None);
    let mut open = status(Phase::Open);
    let members = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    open.session = vec![
        (
            "Administrators".to_owned(),
            members(&["A. Lindqvist", "B. Okafor"]),
        ),
        (
            "Key managers".to_owned(),
            members(&["D. Novak", "E. Fischer"]),
        ),
        ("Approvers".to_owned(), members(&["C. Tanaka", "F. Rossi"])),
    ];
    let mut rows = lists();
    rows.tasks[0].due = "26 Dec 2026".to_owned();
    rows.people[0].roles = members(&["Administrators", "Approvers"]);
    rows.groups[0].name = "PIN supervisors".to_owned();
    rows.journal[0].action = "read-partner-certificate".to_owned();
    rows.journal[0].at = "26 Nov 2026 12:34:56".to_owned();
    tell(
        &mut app,
        vec![Event::Status(open), Event::Lists(Box::new(rows)), custody()],
    );
    let tasks = seen(&app);
    for name in ["B. Okafor", "E. Fischer", "C. Tanaka, F. Rossi"] {
        assert!(tasks.contains(name), "{tasks}");
    }
    assert!(
        tasks.contains(" 26 Dec  ") && !tasks.contains("2…"),
        "{tasks}"
    );
    press(&mut app, &[Key::Char('p')]);
    let people = seen(&app);
    assert!(people.contains("Administrato., Approvers"), "{people}");
    assert!(people.contains("PIN supervisors "), "{people}");
    press(&mut app, &[Key::Char('j')]);
    let journal = seen(&app);
    assert!(
        journal.contains("26 Nov 2026 12:34  ") && journal.contains("read-partner-certificate"),
        "{journal}"
    );
}

#[test]
fn where_the_footer_has_not_all_keys_it_says_more_and_help_has_them() {
    for (screen, place, keys) in [
        ('k', "keys", &["f", "x", "o", "a", "u", "i"][..]),
        (
            'd',
            "devices",
            &["x", "r", "v", "u", "l", "a", "i", "f"][..],
        ),
        ('p', "people", &["r"][..]),
    ] {
        let mut app = inside();
        press(&mut app, &[Key::Char(screen)]);
        assert!(seen(&app).contains("? more"), "{place}");
        press(&mut app, &[Key::Char('?')]);
        let mut pages = seen(&app);
        for _ in 0..8 {
            press(&mut app, &[Key::PageDown]);
            pages.push_str(&seen(&app));
        }
        for key in keys {
            let row = format!("\n   {key}          ");
            assert!(pages.contains(&row), "{place}: {key}\n{pages}");
        }
    }
}

#[test]
fn a_production_station_has_no_desk() {
    let mut app = inside();
    press(&mut app, &[Key::F(2)]);
    assert!(!seen(&app).contains("desk"));
}
