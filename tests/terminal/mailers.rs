//! A batch of PIN mailers by key strokes, from the issuer's file on the practice
//! room's stick to the purge, with a torn form on the way.

use super::acts::{everybody, fill};
use super::crew::{Crew, PIN};
use super::driver::{ENTER, TAB};
use super::rooms::{given_back, no_pin, open, practice, quit};
use super::screen::{Asked, Screen};

/// What is next with a batch stands there, to be chosen.
fn menu(screen: &Screen) -> bool {
    screen
        .rows
        .last()
        .is_some_and(|row| row.starts_with(" Enter choose"))
}

/// The row of a choice.
fn choice<'a>(screen: &'a Screen, label: &str) -> Option<&'a str> {
    let inside = format!("  {label}  ");
    let last = format!("  {label}");
    let mut rows = screen.rows.iter().map(String::as_str);
    rows.find(|row| row.contains(&inside) || row.ends_with(&last))
}

/// Chooses by the digit that stands before it.
#[track_caller]
fn chooses(crew: &mut Crew, label: &str) {
    let there = |screen: &Screen| menu(screen) && choice(screen, label).is_some();
    let screen = crew.terminal.wait(label, there);
    let row = choice(&screen, label).unwrap();
    let digit = row
        .trim_start_matches([' ', '▸'])
        .split(' ')
        .next()
        .unwrap();
    crew.terminal.keys(digit);
    let chosen = |screen: &Screen| screen.has(&format!("▸ {digit}  {label}"));
    crew.terminal.wait("the choice", chosen);
    crew.answer(ENTER);
}

#[track_caller]
fn fills(crew: &mut Crew, fields: &[(&str, &str)]) -> Screen {
    for (at, (label, value)) in fields.iter().enumerate() {
        if at > 0 {
            crew.terminal.keys(TAB);
        }
        fill(crew, label, value);
    }
    crew.answer(ENTER)
}

/// Both sign; what stands there then.
#[track_caller]
fn signed(crew: &mut Crew) -> Screen {
    crew.play(&everybody, menu)
}

#[test]
fn a_batch_of_mailers_from_the_issuers_file_to_the_purge() {
    let folder = practice();
    let mut crew = open(&folder, &[]);
    crew.terminal.then(ENTER, "Put into a reader:");
    crew.come("Q. Moreno");
    crew.come("S. Kowalski");
    crew.stay.extend(["Q. Moreno".into(), "S. Kowalski".into()]);
    crew.terminal.wait("the pair", |screen| {
        screen.asked() == Asked::List && screen.has("m mailers")
    });
    crew.terminal.then("m", "Batches of PIN mailers 0");
    crew.terminal.then("n", "From which file, and how?");
    let read = crew.answer(ENTER);
    assert!(
        read.says("Batch B-0001 of BANKX: 24 cards"),
        "{}",
        read.shown()
    );
    crew.answer(ENTER);
    let done = signed(&mut crew);
    assert_eq!(done.asked(), Asked::Done("Batch B-0001 is open".into()));
    crew.answer(ENTER);
    crew.terminal
        .wait("the list", |screen| screen.asked() == Asked::List);

    crew.terminal.then("s", "A delivery that comes in");
    fills(
        &mut crew,
        &[
            ("Delivery", "D-1"),
            ("First form", "1"),
            ("Last form", "100"),
        ],
    );
    let done = signed(&mut crew);
    assert_eq!(
        done.asked(),
        Asked::Done("The forms are in the safe".into())
    );
    crew.answer(ENTER);
    crew.terminal
        .wait("the list", |screen| screen.asked() == Asked::List);
    crew.answer(ENTER);
    chooses(&mut crew, "Take out blank forms");
    fills(&mut crew, &[("First form", "1"), ("Last form", "40")]);
    signed(&mut crew);

    // The number in the printer has to be the next one on record.
    chooses(&mut crew, "Print");
    let form = |screen: &Screen| screen.has("Which form lies in the printer?");
    crew.play(&everybody, form);
    let wrong = fills(&mut crew, &[("Form", "5")]);
    assert!(
        wrong.says("Form 5 lies there, and on record 1 is next."),
        "{}",
        wrong.shown()
    );
    fill(&mut crew, "Form", "1");
    crew.terminal.keys(ENTER);
    let printed = crew
        .terminal
        .wait("all are printed", |screen| screen.asked() == Asked::Read);
    assert!(printed.says("24 of 24") && printed.says("next 25, 16 blank here"));
    crew.answer(ENTER);

    // A torn one: its card gets another PIN on another form.
    chooses(&mut crew, "A mailer is spoiled");
    fill(&mut crew, "First form", "5");
    crew.terminal.keys(TAB);
    fill(&mut crew, "Last form", "5");
    crew.terminal.keys(TAB);
    crew.terminal.keys(TAB);
    fill(&mut crew, "How", "torn in the tractor");
    // Nothing is said of them by a hurried Enter.
    let hurried = crew.answer(ENTER);
    assert!(
        hurried.says("They are: nothing is chosen yet."),
        "{}",
        hurried.shown()
    );
    fill(
        &mut crew,
        "They are",
        "damaged: destroyed now, both look on",
    );
    crew.answer(ENTER);
    fills(&mut crew, &[("Form 5", "5")]);
    let void = signed(&mut crew);
    assert!(
        void.says("Form 5: 1 card gets another PIN on another form."),
        "{}",
        void.shown()
    );
    chooses(&mut crew, "Print");
    crew.play(&everybody, form);
    fill(&mut crew, "Form", "25");
    crew.terminal.keys(ENTER);
    crew.terminal
        .wait("all are printed", |screen| screen.asked() == Asked::Read);
    crew.answer(ENTER);
    for [first, its, last, on_last] in [["1", "1", "4", "4"], ["6", "6", "25", "5"]] {
        chooses(&mut crew, "Confirm mailers");
        fills(
            &mut crew,
            &[
                ("First form", first),
                ("First mailer", its),
                ("Last form", last),
                ("Last mailer", on_last),
            ],
        );
        signed(&mut crew);
    }

    // The end: forms, output, numbers, purge.
    chooses(&mut crew, "Forms back to the safe");
    fills(&mut crew, &[("How many", "15"), ("Numbers", "26-40")]);
    let back = signed(&mut crew);
    assert!(
        back.says("15 blank forms are back in the safe."),
        "{}",
        back.shown()
    );
    chooses(&mut crew, "Write the output");
    crew.answer(ENTER);
    signed(&mut crew);
    chooses(&mut crew, "Reconcile");
    let numbers = crew.terminal.says("The numbers that both sign");
    // A deviation belongs to a script's step, and there is none here.
    assert!(!numbers.has("D deviation"), "{}", numbers.shown());
    signed(&mut crew);
    chooses(&mut crew, "Purge");
    fills(&mut crew, &[("Receipt", "R-17")]);
    let gone = signed(&mut crew);
    assert!(
        gone.says("24 records are deleted; the counts stay."),
        "{}",
        gone.shown()
    );
    chooses(&mut crew, "Back to the batches");
    crew.terminal
        .wait("the list", |screen| screen.says("purged 24 of 24"));

    let ended = quit(crew);
    given_back(&ended);
    no_pin(&ended, &[PIN]);
    let output = folder.path().join("stick/PIN-B-0001-01-TEST/output.p7m");
    let sheet = folder
        .path()
        .join("reports/TEST-reconciliation-BANKX-B-0001.pdf");
    assert!(output.exists() && sheet.exists());
}
