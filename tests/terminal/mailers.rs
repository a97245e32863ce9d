//! A batch of PIN mailers by key strokes, from the issuer's file on the practice
//! room's stick to the purge, with a torn form on the way.

use std::path::Path;
use std::process::Command;

use super::acts::{everybody, fill};
use super::crew::{Crew, PIN};
use super::driver::{ENTER, ESC, TAB};
use super::rooms::{given_back, no_pin, open, practice, quit};
use super::screen::{Asked, Screen};

/// What is next with a batch stands there, to be chosen.
pub fn menu(screen: &Screen) -> bool {
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
pub fn chooses(crew: &mut Crew, label: &str) {
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
pub fn fills(crew: &mut Crew, fields: &[(&str, &str)]) -> Screen {
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
pub fn signed(crew: &mut Crew) -> Screen {
    crew.play(&everybody, menu)
}

/// How long a form takes on the training printer of a room that is not open.
pub fn forms_take(folder: &Path, ms: u16) {
    let path = folder.join("station.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let now = text.replace("form_ms = 700", &format!("form_ms = {ms}"));
    assert_ne!(now, text);
    std::fs::write(path, now).unwrap();
}

/// The pair logs on; its list of batches is empty.
#[track_caller]
pub fn the_pair(crew: &mut Crew) {
    crew.terminal.then(ENTER, "Put into a reader:");
    crew.come("Q. Moreno");
    crew.come("S. Kowalski");
    crew.stay.extend(["Q. Moreno".into(), "S. Kowalski".into()]);
    crew.terminal.wait("the pair", |screen| {
        screen.asked() == Asked::List && screen.has("m mailers")
    });
    crew.terminal.then("m", "Batches of PIN mailers 0");
}

/// What a batch is opened with.
pub struct Opening<'a> {
    pub file: &'a str,
    pub template: &'a str,
    pub key: &'a str,
    /// What stands there when the file was read.
    pub read: &'a str,
    pub name: &'a str,
    pub replacements: &'a str,
}

/// A file is named, with all that belongs to it, and read.
#[track_caller]
fn reads(crew: &mut Crew, opening: &Opening<'_>) {
    crew.terminal.then("n", "From which file, and how?");
    // Two templates and two keys: none stands there before somebody chose it.
    fill(crew, "File", opening.file);
    for _ in 0..3 {
        crew.terminal.keys(TAB);
    }
    fill(crew, "Template", opening.template);
    for _ in 0..3 {
        crew.terminal.keys(TAB);
    }
    fill(crew, "PIN key", opening.key);
    let read = crew.answer(ENTER);
    assert!(read.says(opening.read), "{}", read.shown());
}

/// Opens a batch, takes a delivery of 100 forms and 40 of them out.
#[track_caller]
pub fn opens(crew: &mut Crew, opening: &Opening<'_>) {
    reads(crew, opening);
    crew.terminal.keys(TAB);
    fill(crew, "Replacements", opening.replacements);
    crew.answer(ENTER);
    let done = signed(crew);
    let title = format!("Batch {} is open", opening.name);
    assert_eq!(done.asked(), Asked::Done(title));
    crew.answer(ENTER);
    crew.terminal
        .wait("the list", |screen| screen.asked() == Asked::List);

    crew.terminal.then("s", "A delivery that comes in");
    fills(
        crew,
        &[
            ("Delivery", "D-1"),
            ("First form", "1"),
            ("Last form", "100"),
        ],
    );
    let done = signed(crew);
    assert_eq!(
        done.asked(),
        Asked::Done("The forms are in the safe".into())
    );
    crew.answer(ENTER);
    crew.terminal
        .wait("the list", |screen| screen.asked() == Asked::List);
    crew.answer(ENTER);
    chooses(crew, "Take out blank forms");
    fills(crew, &[("First form", "1"), ("Last form", "40")]);
    signed(crew);
}

/// *Print*, up to the number of the form in the printer.
#[track_caller]
pub fn prints(crew: &mut Crew) {
    chooses(crew, "Print");
    crew.play(&everybody, |screen| {
        screen.has("Which form lies in the printer?")
    });
}

/// The run has come to its end.
#[track_caller]
pub fn all_printed(crew: &mut Crew) -> Screen {
    let printed = crew
        .terminal
        .wait("all are printed", |screen| screen.asked() == Asked::Read);
    crew.answer(ENTER);
    printed
}

/// Says of forms what they are; the next question stands there then.
#[track_caller]
pub fn says_of(crew: &mut Crew, first: u64, last: u64, what: &str) {
    fill(crew, "First form", &first.to_string());
    crew.terminal.keys(TAB);
    fill(crew, "Last form", &last.to_string());
    crew.terminal.keys(TAB);
    fill(crew, "They are", what);
    crew.terminal.keys(TAB);
    fill(crew, "How", "both looked at the paper");
    crew.answer(ENTER);
}

/// Confirms forms, with the mailers on both ends.
#[track_caller]
pub fn confirms(crew: &mut Crew, [first, its, last, on_last]: [u64; 4]) -> Screen {
    chooses(crew, "Confirm mailers");
    let texts = [first, its, last, on_last].map(|n| n.to_string());
    fills(
        crew,
        &[
            ("First form", &texts[0]),
            ("First mailer", &texts[1]),
            ("Last form", &texts[2]),
            ("Last mailer", &texts[3]),
        ],
    );
    signed(crew)
}

/// The end: the forms that are left, output, numbers, purge.
#[track_caller]
pub fn to_the_purge(crew: &mut Crew, name: &str, first_blank: u64, cards: u64) {
    let left = 41 - first_blank;
    chooses(crew, "Forms back to the safe");
    let numbers = format!("{first_blank}-40");
    fills(
        crew,
        &[("How many", &left.to_string()), ("Numbers", &numbers)],
    );
    let back = signed(crew);
    let words = format!("{left} blank forms are back in the safe.");
    assert!(back.says(&words), "{}", back.shown());
    chooses(crew, "Write the output");
    crew.answer(ENTER);
    signed(crew);
    chooses(crew, "Reconcile");
    let numbers = crew.terminal.says("The numbers that both sign");
    // A deviation belongs to a script's step, and there is none here.
    assert!(!numbers.has("D deviation"), "{}", numbers.shown());
    signed(crew);
    chooses(crew, "Purge");
    fills(crew, &[("Receipt", "R-17")]);
    let gone = signed(crew);
    let words = format!("{cards} records are deleted; the counts stay.");
    assert!(gone.says(&words), "{}", gone.shown());
    chooses(crew, "Back to the batches");
    crew.terminal.wait("the list", |screen| {
        screen.says(&format!("{name} BANKX purged"))
    });
}

/// What was written and filed of a batch.
#[track_caller]
pub fn left_behind(folder: &Path, name: &str) {
    let output = folder.join(format!("stick/PIN-{name}-01-TEST/output.p7m"));
    let sheet = folder.join(format!("reports/TEST-reconciliation-BANKX-{name}.pdf"));
    assert!(output.exists() && sheet.exists());
}

/// The commands of the page for those who practise that say this, word for word, in the
/// room's folder.
#[track_caller]
fn issuers_part(folder: &Path, says: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/operators/pin-practice.md")).unwrap();
    let (_, part) = page.split_once("## The issuer's part").unwrap();
    let block = part
        .split("```\n")
        .find(|block| block.contains(says))
        .unwrap();
    let done = Command::new("sh")
        .args(["-e", "-c", block])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(done.status.success(), "{block}: {done:?}");
}

/// Who practises sends a file of their own, with the issuer's test keys.
#[test]
fn a_file_of_ones_own_is_signed_encrypted_and_opened() {
    let folder = practice();
    issuers_part(folder.path(), "cms -encrypt");
    let mut crew = open(&folder, &[]);
    the_pair(&mut crew);
    reads(
        &mut crew,
        &Opening {
            file: "mine.p7m",
            template: "csv-pvv",
            key: "BANKX.PVK.001",
            read: "Batch B-0002 of BANKX: 24 cards",
            name: "B-0002",
            replacements: "1",
        },
    );
    crew.terminal.then(ESC, "Stop here?");
    crew.terminal.then("y", "Batches of PIN mailers 0");
    given_back(&quit(crew));
}

#[test]
fn a_batch_of_mailers_from_the_issuers_file_to_the_purge() {
    let folder = practice();
    forms_take(folder.path(), 0);
    let mut crew = open(&folder, &[]);
    the_pair(&mut crew);
    opens(
        &mut crew,
        &Opening {
            file: "cards.p7m",
            template: "csv-pvv",
            key: "BANKX.PVK.001",
            read: "Batch B-0001 of BANKX: 24 cards",
            name: "B-0001",
            replacements: "1",
        },
    );

    // The number in the printer has to be the next one on record.
    prints(&mut crew);
    let wrong = fills(&mut crew, &[("Form", "5")]);
    assert!(
        wrong.says("Form 5 is not the next one of the records."),
        "{}",
        wrong.shown()
    );
    fill(&mut crew, "Form", "1");
    crew.terminal.keys(ENTER);
    let printed = all_printed(&mut crew);
    assert!(printed.says("24 of 24") && printed.says("Forms    16 blank here"));

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
    prints(&mut crew);
    fill(&mut crew, "Form", "25");
    crew.terminal.keys(ENTER);
    all_printed(&mut crew);
    confirms(&mut crew, [1, 1, 4, 4]);
    confirms(&mut crew, [6, 6, 25, 5]);
    to_the_purge(&mut crew, "B-0001", 26, 24);

    let ended = quit(crew);
    given_back(&ended);
    no_pin(&ended, &[PIN]);
    left_behind(folder.path(), "B-0001");
    issuers_part(folder.path(), "-out result.csv");
    let result = std::fs::read_to_string(folder.path().join("result.csv")).unwrap();
    assert_eq!(result.matches(";issued;").count(), 24, "{result}");
}
