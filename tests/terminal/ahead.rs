//! Two forms taken at once, at the terminal: nobody notices, until a number is read
//! on the paper; then the records follow it.

use super::bad_days::{away, in_the_middle, lies, number_behind, to_the_printer};
use super::crew::{Crew, PIN};
use super::driver::TAB;
use super::mailers::{all_printed, chooses, confirms, fills, left_behind, signed, to_the_purge};
use super::rooms::{given_back, no_pin, practice, quit};
use super::screen::Screen;

/// Fills fields from the first one on, wherever the cursor stands.
#[track_caller]
fn fills_again(crew: &mut Crew, fields: &[(&str, &str)]) -> Screen {
    let lead = format!(" ▸ {}", fields[0].0);
    for _ in 0..fields.len() {
        let screen = crew.terminal.screen();
        if screen.has(&lead) {
            break;
        }
        crew.terminal.keys(TAB);
        crew.terminal.wait("another field", |now| *now != screen);
    }
    fills(crew, fields)
}

#[test]
fn two_forms_taken_at_once_are_found_by_the_numbers_on_the_paper() {
    let folder = practice();
    let mut crew = in_the_middle(&folder, "1");
    // In the middle of a run somebody presses form feed.
    to_the_printer(&mut crew);
    crew.terminal.keys("4");
    let blank = |screen: &Screen| {
        let mut rows = screen.rows.iter();
        rows.find(|row| row.contains("║   form ") && row.contains(" blank"))
            .cloned()
    };
    let seen = crew
        .terminal
        .wait("a form without a mailer", |screen| blank(screen).is_some());
    let row = Screen {
        rows: blank(&seen).into_iter().collect(),
    };
    let fed = number_behind(&row, "║   form ");
    assert!((2..24).contains(&fed), "{}", seen.shown());
    away(&mut crew);
    // Neither the run nor the records know of it.
    let printed = all_printed(&mut crew);
    assert!(
        printed.says("24 of 24") && printed.says("unknown 0"),
        "{}",
        printed.shown()
    );
    to_the_printer(&mut crew);
    assert_eq!(lies(&mut crew), 26, "25 forms are through");
    let paper = crew.terminal.screen();
    let last = paper.row("form 25 ").unwrap_or_default();
    assert!(last.contains("mailer 24 of 24"), "{}", paper.shown());
    away(&mut crew);

    // They read the last form that is on record: it shows the mailer before.
    let text = |number: u64| number.to_string();
    chooses(&mut crew, "Confirm mailers");
    let whole = [
        ("First form", "1"),
        ("First mailer", "1"),
        ("Last form", "24"),
        ("Last mailer", "23"),
    ];
    let told = fills(&mut crew, &whole);
    assert!(
        told.says("the paper is ahead of the records by 1"),
        "{}",
        told.shown()
    );
    // The answer is not told: what is there is read.
    assert!(!told.says("mailer 24"), "{}", told.shown());
    // What lies before the form without a mailer is right.
    let before = text(fed - 1);
    let right = [
        ("First form", "1"),
        ("First mailer", "1"),
        ("Last form", &before),
        ("Last mailer", &before),
    ];
    fills_again(&mut crew, &right);
    signed(&mut crew);

    // A number that nobody read moves nothing, and nobody signs in vain.
    chooses(&mut crew, "More");
    chooses(&mut crew, "The paper is ahead");
    let (without, first) = (text(fed), text(fed + 1));
    let ends = |on_last: &'static str| {
        [
            ("Without", without.as_str()),
            ("First form", first.as_str()),
            ("First mailer", without.as_str()),
            ("Last form", "25"),
            ("Last mailer", on_last),
            ("How", "two forms were taken at once"),
        ]
    };
    let wrong = fills(&mut crew, &ends("23"));
    assert!(wrong.says("Form 25 shows mailer 23"), "{}", wrong.shown());
    fills_again(&mut crew, &ends("24"));
    let moved = signed(&mut crew);
    let words = format!(
        "{} mailers are where the paper has them: confirm them.",
        25 - fed
    );
    assert!(moved.says(&words), "{}", moved.shown());

    // They are confirmed where they lie; one form is lost, and no mailer.
    confirms(&mut crew, [fed + 1, fed, 25, 24]);
    to_the_purge(&mut crew, "B-0001", 26, 24);
    let ended = quit(crew);
    given_back(&ended);
    no_pin(&ended, &[PIN]);
    left_behind(folder.path(), "B-0001");
}
