//! Whole acts by key strokes: forms filled, a station initialised.

use super::crew::{Crew, PIN};
use super::driver::{CTRL_U, DOWN, ENTER, RIGHT, TAB};
use super::screen::{Asked, Screen};

/// In a practice room everybody has the same PIN.
pub fn everybody(_: &str) -> String {
    PIN.to_owned()
}

/// Chooses a script on its list, and fills its first form.
#[track_caller]
pub fn begin(crew: &mut Crew, script: &str, fields: &[(&str, &str)]) {
    crew.terminal.then("c", "Ceremonies");
    let mut screen = crew.terminal.then("n", "Begin a ceremony");
    let title = format!("▸ {script} ");
    while !screen.has(&title) {
        let before = screen.clone();
        crew.terminal.keys(DOWN);
        screen = crew
            .terminal
            .wait("the next script", |screen| *screen != before);
    }
    crew.terminal.keys(ENTER);
    crew.terminal
        .wait("the form", |screen| screen.asked() == Asked::Form);
    for (label, value) in fields {
        fill(crew, label, value);
        crew.terminal.keys(TAB);
    }
    crew.answer(ENTER);
}

/// Fills the field at hand: types a text, or goes on to one of several.
#[track_caller]
pub fn fill(crew: &mut Crew, label: &str, value: &str) {
    let here = |screen: &Screen| screen.has(&format!(" ▸ {label}"));
    let screen = crew.terminal.wait(label, here);
    let lead = format!(" ▸ {label}");
    if !screen.row(&lead).is_some_and(|row| row.contains('‹')) {
        // The label itself may have the value in it: what counts stands behind it,
        // and an empty field first, so that no older frame is taken for this one.
        let behind = |screen: &Screen, text: &str| {
            let row = screen.row(&lead).and_then(|row| row.split_once(&lead));
            row.is_some_and(|(_, field)| field.trim_start().starts_with(text))
        };
        crew.terminal.keys(CTRL_U);
        crew.terminal
            .wait("an empty field", |screen| behind(screen, "_"));
        crew.terminal.keys(value);
        crew.terminal.wait(value, |screen| behind(screen, value));
        return;
    }
    let wanted = format!("‹ {value} ›");
    for _ in 0..40 {
        let screen = crew.terminal.screen();
        if screen.row(&lead).is_some_and(|row| row.contains(&wanted)) {
            return;
        }
        crew.terminal.keys(RIGHT);
        crew.terminal
            .wait("another choice", |now| now.row(&lead) != screen.row(&lead));
    }
    panic!("{value} is no choice of {label}");
}

/// The quorums of the smallest station; custodians are not needed.
const GROUPS: [(&str, &str); 8] = [
    ("Administrators", "2 of 2"),
    ("Key managers", "2 of 2"),
    ("Approvers", "2 of 2"),
    ("Custodians A", ""),
    ("Custodians B", ""),
    ("Custodians C", ""),
    ("Auditors", "2 of 2"),
    ("Recovery", "2 of 2"),
];

/// Its people: the only double role is administrator and approver.
const STAFF: [(&str, &[&str]); 8] = [
    ("Ada", &["Administrators", "Approvers"]),
    ("Ben", &["Administrators", "Approvers"]),
    ("Dan", &["Key managers"]),
    ("Eva", &["Key managers"]),
    ("Jim", &["Auditors"]),
    ("Kim", &["Auditors"]),
    ("Lea", &["Recovery"]),
    ("Max", &["Recovery"]),
];

/// The people's names.
pub fn smallest_staff() -> impl Iterator<Item = &'static str> {
    STAFF.iter().map(|(name, _)| *name)
}

/// Everybody's own PIN.
pub fn own_pin(name: &str) -> String {
    let at = smallest_staff()
        .position(|n| n == name)
        .expect("one of them");
    format!("{}", 730_915 + 8_317 * at)
}

/// The initialise ceremony, from the start screen to its last page.
#[track_caller]
pub fn initialise(crew: &mut Crew, station: &str) -> Screen {
    crew.terminal.keys("i");
    crew.terminal.says("The station's name and mode");
    fill(crew, "Name", station);
    assert!(crew.terminal.screen().says("it can only be TEST"));
    crew.answer(ENTER);
    crew.terminal.says("The groups: how many of how many");
    for (group, quorum) in GROUPS {
        fill(crew, group, quorum);
        crew.terminal.keys(TAB);
    }
    crew.answer(ENTER);
    let staff = crew.terminal.says("The smallest legal staff is 8 people");
    assert!(
        staff.says("Administrators and Approvers"),
        "{}",
        staff.shown()
    );
    crew.answer(ENTER);
    for (name, groups) in STAFF {
        crew.terminal.wait("an empty form", |screen| {
            screen.row("▸ Name").is_some_and(|row| row.contains("____"))
        });
        fill(crew, "Name", name);
        crew.terminal.keys(TAB);
        fill(crew, "Reports to", "Zoe");
        crew.terminal.keys(TAB);
        for (group, quorum) in GROUPS {
            if quorum.is_empty() {
                continue;
            }
            if groups.contains(&group) {
                crew.terminal.keys(" ");
                crew.terminal
                    .wait(group, |screen| screen.has(&format!("[x] {group}")));
            }
            crew.terminal.keys(RIGHT);
        }
        crew.answer(ENTER);
    }
    let all = crew.terminal.says("All places are filled.");
    assert!(all.says("Enter with nothing typed: everybody is recorded."));
    crew.terminal
        .then(ENTER, "Does that mean: everybody is recorded?");
    crew.answer("y");
    let asked = crew.terminal.wait("the station's name", |screen| {
        screen.asked() == Asked::Exactly(station.to_owned())
    });
    assert!(
        asked.says("8 people, each with a card as delivered"),
        "{}",
        asked.shown()
    );
    // Enter alone, or another name, confirms nothing.
    crew.terminal.then("KEYROOM\r", "This is not the text.");
    crew.terminal.keys(CTRL_U);
    crew.terminal.keys(station);
    crew.terminal.says("the same; Enter confirms");
    crew.answer(ENTER);
    let recovery = crew.terminal.says("Recovery: cards, or words on paper?");
    assert!(recovery.says("keep cards, too"), "{}", recovery.shown());
    crew.answer(ENTER);
    crew.play(&own_pin, |screen| {
        matches!(screen.asked(), Asked::Done(_) | Asked::Refused(_))
    })
}
