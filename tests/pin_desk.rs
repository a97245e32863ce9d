//! The PIN room at its screen: a batch from the issuer's file to the purge, by
//! the questions that operator and supervisor are asked. openssl is the issuer.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "support/people.rs"]
mod people;
#[path = "support/pin_house.rs"]
mod pin_house;
#[path = "support/pin_scene.rs"]
mod pin_scene;
#[path = "support/room.rs"]
mod room;
#[path = "support/stage.rs"]
mod stage;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use conclave_crypto::secret::Secret;
use conclave_evidence::journal::EntryKind;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::form_stock::Aside;
use conclave_keyroom::domain::pin_batch::PinBatch;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::dialogue::{Answer, Ask, Prompt, Show};
use conclave_keyroom::vault::Compartment;
use conclave_station::front::PinAct;
use conclave_station::service::ActEnd;
use conclave_trades::pin::action::{BatchName, SetFormsAside};
use people::{Scene, Trouble, done};
use pin_house::{csv, openssl};
use pin_scene::{Ahead, PVK, chooses, opened, room, room_by, rows, send, works};
use serde::{Deserialize, Serialize};
use stage::PIN_STAFF;

/// A print that ends without an outcome, and has put nothing on disk.
#[derive(Serialize, Deserialize)]
struct CutPrint {}

impl Action for CutPrint {
    const NAME: &'static str = "print-mailers";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::Session(GroupId::PinOperators)
    }

    fn words(&self) -> Vec<String> {
        Vec::new()
    }

    fn run(
        &self,
        _: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        Err(ActionError::Unknown {
            what: "the power went".into(),
        })
    }
}

/// PINs that lie on paper: lines of six digits with a space between each.
fn pins_on_paper(scene: &Scene) -> Vec<String> {
    let digits = |line: &str| -> Option<String> {
        let marks: Vec<char> = line.trim().chars().collect();
        let fits = marks.iter().enumerate().all(|(at, c)| match at % 2 {
            0 => c.is_ascii_digit(),
            _ => *c == ' ',
        });
        (marks.len() == 11 && fits).then(|| marks.into_iter().step_by(2).collect())
    };
    let mut pins = Vec::new();
    for printer in &scene.room.printers.0 {
        let bytes = printer.bytes();
        let text = String::from_utf8_lossy(bytes.expose()).into_owned();
        pins.extend(text.split(['\r', '\n', '\u{c}']).filter_map(digits));
    }
    pins
}

/// TRUE when a PIN stands in a text, by itself or digit by digit. Not where it
/// is a piece of a longer number or of a digest.
fn tells(text: &str, pin: &str) -> bool {
    let spaced: Vec<String> = pin.chars().map(String::from).collect();
    [pin.to_owned(), spaced.join(" ")].iter().any(|form| {
        text.match_indices(form.as_str()).any(|(at, _)| {
            let before = text.get(..at).and_then(|t| t.chars().next_back());
            let after = text.get(at + form.len()..).and_then(|t| t.chars().next());
            let within = |c: Option<char>| c.is_some_and(|c| c.is_ascii_hexdigit());
            !within(before) && !within(after)
        })
    })
}

/// What is to be done, as the first screen has it.
fn tasks(scene: &Scene) -> String {
    let tasks = scene.station.lists().tasks.into_iter();
    tasks.map(|task| task.what + "\n").collect()
}

fn large(prompts: &[Prompt]) -> Vec<String> {
    let words = prompts.iter().map(|prompt| match &prompt.show {
        Some(Show::Run(run)) => {
            // Where it stands, the number of the form that lies there is asked next.
            let told = run.forms.starts_with("next ");
            assert_eq!(told, run.large == "PRINTING", "{run:?}");
            run.large.clone()
        }
        _ => panic!("{prompt:?}"),
    });
    words.collect()
}

#[test]
fn a_batch_goes_from_the_issuers_file_to_the_purge_by_its_screens() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let at = outside.path();
    let clock = Ahead::default();
    let ahead = Arc::clone(&clock.ms);
    let mut scene = room_by(folder.path(), at, clock);

    // Nobody alone, and nobody else.
    scene.station.logout("logged out").unwrap();
    scene.logon(GroupId::Administrators);
    assert!(scene.station.lists().batches.is_none());
    let refused = scene
        .station
        .pin_room(PinAct::Open, &mut scene.people)
        .err();
    assert!(
        refused
            .unwrap()
            .happened
            .contains("PIN operators and supervisors")
    );
    scene.station.logout("logged out").unwrap();
    scene.logon(GroupId::PinOperators);

    // A file with a fault is refused whole, and shown by line and column.
    send(&scene, at, &csv("B-0001", 9).replace(";9;", ";8;"));
    let faults = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&faults);
    scene.people.at = Box::new(move |prompt, times| {
        if prompt.code == "pins.faults" {
            let lines = prompt.lines.iter().map(|line| line.text.clone());
            seen.lock().unwrap().extend(lines);
        }
        (prompt.code == "pins.open" && times > 1).then_some(Answer::Abort)
    });
    let end = scene.station.pin_room(PinAct::Open, &mut scene.people);
    assert!(matches!(end, Ok(ActEnd::Stopped)), "{end:?}");
    let told = faults.lock().unwrap().join("\n");
    assert!(told.contains("count says 8, the file has 9"), "{told}");
    assert!(rows(&scene).is_empty());

    // Another file of the same batch is taken.
    send(&scene, at, &csv("B-0001", 9));
    scene.people.forget_questions();
    scene.people.at = Box::new(|_, _| None);
    scene.people.form("pins.limits", &["3", "5"]);
    let title = done(scene.station.pin_room(PinAct::Open, &mut scene.people));
    assert_eq!(title, "Batch B-0001 is open");
    let batch = rows(&scene).remove(0);
    assert_eq!(
        (batch.done.as_str(), batch.state.as_str()),
        ("0 of 9", "printing")
    );
    let id = batch.id.unwrap();

    scene.people.form("pins.receive", &["2026-091", "1", "40"]);
    done(scene.station.pin_room(PinAct::Stock, &mut scene.people));

    // The station stopped after a print was begun and before its window was on
    // disk: no batch has a window, and the act is settled all the same.
    let cut = scene.station.act(&CutPrint {}, "print", &mut scene.people);
    assert!(cut.is_err());
    works(&mut scene, id, &["The last window was cut"]);
    let open = scene.station.door().vault().open_intents().unwrap();
    assert!(open.iter().all(|act| act.action != CutPrint::NAME));

    // Too few forms: the run says so, and waits. One is a test print.
    scene.people.form("pins.take", &["1", "5"]);
    scene.people.form("pins.form", &["2"]);
    scene
        .people
        .form("pins.aside", &["1", "1", "test prints", "page of X's"]);
    let runs = works(
        &mut scene,
        id,
        &["Take out blank forms", "Blank forms not used", "Print"],
    );
    assert!(
        scene.people.refusals.is_empty(),
        "{:?}",
        scene.people.refusals
    );
    let words = large(&runs);
    assert_eq!(
        words.first().map(String::as_str),
        Some("PRINTING"),
        "{words:?}"
    );
    assert_eq!(
        words.last().map(String::as_str),
        Some("LOAD FORMS"),
        "{words:?}"
    );

    // The printer breaks in a sheet: it is unknown, the people look, and go on.
    scene.people.form("pins.take", &["6", "20"]);
    scene.people.form("pins.form", &["6"]);
    *scene.report_printer.lock().unwrap() = Some(Trouble::NotReady);
    // At first it was only off line. Ten minutes later both answer anew, and the
    // form that lies there is read again, before anything is printed.
    scene.people.form("pins.form", &["6"]);
    scene.people.refusals.clear();
    let runs = chooses(&mut scene, &["Take out blank forms", "Print"]);
    let mut asked = std::mem::replace(&mut scene.people.at, Box::new(|_, _| None));
    let trouble = Arc::clone(&scene.report_printer);
    scene.people.at = Box::new(move |prompt, times| {
        let answer = asked(prompt, times);
        if prompt.code == "pins.stopped" && times == 1 {
            *trouble.lock().unwrap() = Some(Trouble::Broken);
            ahead.fetch_add(601_000, Ordering::SeqCst);
            return Some(Answer::Chosen(1));
        }
        answer
    });
    let before = scene.people.codes.len();
    let end = scene.station.pin_room(PinAct::Work(id), &mut scene.people);
    assert!(matches!(end, Ok(ActEnd::Stopped)), "{end:?}");
    let runs = runs.lock().unwrap().clone();
    assert_eq!(
        large(&runs).last().map(String::as_str),
        Some("LOOK AT PRINTER")
    );
    let codes = &scene.people.codes[before..];
    let at_code = |code: &str| codes.iter().position(|c| c == code).unwrap();
    let last = |code: &str| codes.iter().rposition(|c| c == code).unwrap();
    assert!(
        at_code("pins.stopped") < at_code("pins.presence"),
        "{codes:?}"
    );
    assert!(last("pins.presence") < last("pins.form"), "{codes:?}");
    assert!(last("pins.form") < last("pins.run"), "{codes:?}");
    assert!(tasks(&scene).contains("batch B-0001 of BANKX: 1 mailer is unknown"));
    *scene.report_printer.lock().unwrap() = None;
    scene.people.form(
        "pins.unknown",
        &[
            "6",
            "6",
            "damaged: destroyed now, both look on",
            "half a form came out",
        ],
    );
    scene.people.form("pins.shows", &["5"]);
    scene.people.form("pins.form", &["7"]);
    let runs = works(&mut scene, id, &["An unknown mailer", "Print"]);
    let words = large(&runs);
    assert_eq!(
        words.last().map(String::as_str),
        Some("ALL PRINTED"),
        "{words:?}"
    );

    // One is torn: its card gets another PIN on another form.
    scene.people.form(
        "pins.spoil",
        &[
            "3",
            "3",
            "damaged: destroyed now, both look on",
            "torn at the edge",
        ],
    );
    scene.people.form("pins.shows", &["2"]);
    // A form that was fed past is not printed on as if it were the next one.
    scene.people.form("pins.form", &["13"]);
    scene.people.form("pins.form", &["12"]);
    works(&mut scene, id, &["A mailer is spoiled", "Print"]);
    let told = scene.people.refusals.join("\n");
    assert!(
        told.contains("Form 13 is not the next one of the records"),
        "{told}"
    );
    scene.people.refusals.clear();
    // A mailer's number that nobody read is asked for again; another than the
    // records have is no confirmation.
    scene.people.form("pins.confirm", &["7", "", "12", "2"]);
    scene.people.form("pins.confirm", &["7", "5", "12", "9"]);
    for reel in [
        ["7", "5", "12", "2"],
        ["2", "1", "2", "1"],
        ["4", "3", "5", "4"],
    ] {
        scene.people.form("pins.confirm", &reel);
    }
    let three = ["Confirm mailers", "Confirm mailers", "Confirm mailers"];
    works(&mut scene, id, &three);
    let told = scene.people.refusals.join("\n");
    assert!(told.contains("The mailer's number is missing"), "{told}");
    assert!(told.contains("Form 12 shows mailer 9"), "{told}");
    assert_eq!(scene.people.refusals.len(), 2, "{told}");
    scene.people.refusals.clear();
    assert_eq!(rows(&scene)[0].done, "9 of 9");
    assert_eq!(rows(&scene)[0].state, "forms to count");

    // They count what goes back, and read its numbers; the question says neither.
    scene.people.form("pins.return", &["7", "13 to 19"]);
    works(&mut scene, id, &["Forms back to the safe"]);
    let told = scene.people.refusals.join("\n");
    assert!(told.contains("others than these"), "{told}");
    scene.people.refusals.clear();
    scene.people.form("pins.return", &["8", "13-20"]);
    works(&mut scene, id, &["Forms back to the safe"]);
    // Nobody pulls the medium: a task says so, until somebody does.
    chooses(&mut scene, &["Write the output"]);
    let mut usual = std::mem::replace(&mut scene.people.at, Box::new(|_, _| None));
    scene.people.at = Box::new(move |prompt, times| match prompt.code.as_str() {
        "hand-over.replug" => Some(Answer::Abort),
        _ => usual(prompt, times),
    });
    let end = scene.station.pin_room(PinAct::Work(id), &mut scene.people);
    assert!(matches!(end, Ok(ActEnd::Stopped)), "{end:?}");
    assert_eq!(rows(&scene)[0].state, "output written");
    let unread = "its output was not read again";
    assert!(tasks(&scene).contains(unread), "{}", tasks(&scene));
    works(&mut scene, id, &["Read the output again"]);
    assert!(
        scene.people.refusals.is_empty(),
        "{:?}",
        scene.people.refusals
    );
    assert!(!tasks(&scene).contains(unread), "{}", tasks(&scene));

    // Both count the safe: once they are wrong, and nobody tells them how.
    scene.people.refusals.clear();
    scene.people.form("pins.count", &["27", "14 to 40"]);
    scene.people.form("pins.count", &["28", "13 to 40"]);
    chooses(&mut scene, &["Count the safe"]);
    let title = done(scene.station.pin_room(PinAct::Stock, &mut scene.people));
    assert_eq!(title, "The safe is counted");
    let told = scene.people.refusals.join("\n");
    assert!(told.contains("others than these"), "{told}");
    scene.people.form(
        "pins.off",
        &["40", "40", "not there: an incident", "the box was open"],
    );
    chooses(&mut scene, &["Forms leave the safe"]);
    done(scene.station.pin_room(PinAct::Stock, &mut scene.people));

    // The stick is lost on its way: the next output has the same lines.
    works(&mut scene, id, &["Reconcile"]);
    let first = find(&scene.room.stick.folder(), "output.p7m").expect("the output");
    fs::remove_file(first).unwrap();
    scene
        .people
        .form("pins.lost", &["lost in the post, says R. Meyer"]);
    works(
        &mut scene,
        id,
        &["The output did not arrive", "Write the output"],
    );
    assert!(
        scene.people.refusals.is_empty(),
        "{:?}",
        scene.people.refusals
    );
    works(&mut scene, id, &["Reconcile"]);
    let sheet = fs::read_dir(folder.path().join("reports"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .find(|name| name.contains("reconciliation-BANKX-B-0001"));
    assert!(sheet.is_some());
    assert!(!tasks(&scene).contains("unknown") && tasks(&scene).contains("purge batch B-0001"));
    scene.people.form("pins.purge", &["R-17"]);
    works(&mut scene, id, &["Purge"]);
    assert!(!tasks(&scene).contains("B-0001"), "{}", tasks(&scene));
    assert_eq!(rows(&scene)[0].state, "purged");

    // No screen had one of the PINs that lie on paper, and no list has.
    let pins = pins_on_paper(&scene);
    assert!(pins.len() >= 9, "{}", pins.len());
    assert!(tells("PIN: 1 2 3 4 5 6.", "123456") && tells("(123456)", "123456"));
    let lists = format!("{:?}", scene.station.lists());
    let screens = scene.people.shown.iter().chain([&lists]);
    assert!(scene.people.shown.len() > 100);
    for screen in screens {
        assert!(!pins.iter().any(|pin| tells(screen, pin)), "a PIN is shown");
    }

    // The issuer opens the output: nine cards, each issued.
    let output = find(&scene.room.stick.folder(), "output.p7m").expect("the output");
    fs::copy(output, at.join("out.p7m")).unwrap();
    openssl(
        at,
        "cms -decrypt -binary -inform DER -in out.p7m -out out.signed -recip host.pem -inkey host.key",
    );
    let text = openssl(
        at,
        "cms -verify -binary -inform DER -in out.signed -certfile output.pem -noverify -nointern",
    );
    let text = String::from_utf8(text).unwrap();
    assert_eq!(text.matches(";issued;").count(), 9, "{text}");
}

/// How often signatures were asked for this act.
fn proposed(scene: &Scene, action: &str) -> usize {
    let entries = scene.station.door().vault().read_journal(0).unwrap();
    let headers = entries.iter().map(|entry| &entry.header);
    headers
        .filter(|header| header.action == action && header.kind == EntryKind::Proposed)
        .count()
}

/// A form refuses what the records say against it while it stands there, and
/// keeps what was typed: nobody is asked to sign in vain.
#[test]
fn what_a_form_can_see_is_refused_before_anybody_signs() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let mut scene = room(folder.path(), outside.path());
    // The only key that is released makes PVVs; the template wants no other.
    scene.people.form(
        "pins.open",
        &[
            "cards.p7m",
            "STICK-1",
            "BANKX",
            "csv-pvv",
            "pin-mailer-continuous.toml",
            "MAIL-1",
            PVK,
            PVK,
            "none",
        ],
    );
    send(&scene, outside.path(), &csv("B-0001", 6));
    scene.people.codes.clear();
    let end = scene.station.pin_room(PinAct::Open, &mut scene.people);
    assert!(matches!(end, Ok(ActEnd::Stopped)), "{end:?}");
    let told = scene.people.refusals.join("\n");
    assert!(told.contains("it needs no zone PIN key"), "{told}");
    assert!(scene.people.codes.iter().all(|code| code == "pins.open"));

    let id = opened(&mut scene, outside.path(), 6, "20");
    scene.people.codes.clear();
    for wrong in [["2026-092", "15", "40"], ["2026-091", "31", "40"]] {
        scene.people.form("pins.receive", &wrong);
    }
    scene.people.refusals.clear();
    chooses(&mut scene, &["A delivery comes in"]);
    let end = scene.station.pin_room(PinAct::Stock, &mut scene.people);
    assert!(matches!(end, Ok(ActEnd::Stopped)), "{end:?}");
    let told = scene.people.refusals.join("\n");
    assert_eq!(
        told.matches("came with delivery 2026-091").count(),
        2,
        "{told}"
    );
    assert_eq!(proposed(&scene, "receive-stock"), 1, "the first one");

    // The page of X's that is proposed is the batch's, on the batch's printer.
    scene.people.at = Box::new(|prompt, _| {
        let Ask::Form { fields, .. } = &prompt.ask else {
            return None;
        };
        let proposed: Vec<&str> = fields.iter().map(|f| f.value.as_str()).collect();
        assert_eq!(proposed[..2], ["pin-mailer-continuous.toml", "MAIL-1"]);
        Some(Answer::Abort)
    });
    let end = scene.station.print_sample(&mut scene.people);
    assert!(matches!(end, Ok(ActEnd::Stopped)), "{end:?}");

    for (choice, code, act, wrong, right, why) in [
        (
            "Blank forms not used",
            "pins.aside",
            "set-forms-aside",
            [
                ["1", "1", "test prints", ""],
                ["1", "30", "test prints", "page of X's"],
            ],
            ["1", "1", "test prints", "page of X's"],
            ["a reason has 3 to 200", "30"],
        ),
        (
            "Cancel cards",
            "pins.cancel",
            "cancel-cards",
            [["9", "9", "stolen", ""], ["3", "3", "", ""]],
            ["3", "3", "stolen", ""],
            ["no card 9", "a reason has 3 to 200"],
        ),
    ] {
        scene.people.codes.clear();
        for row in wrong.iter().chain([&right]) {
            let row: Vec<&str> = match code {
                "pins.cancel" => row[..3].to_vec(),
                _ => row.to_vec(),
            };
            scene.people.form(code, &row);
        }
        works(&mut scene, id, &[choice]);
        let told = scene.people.refusals.join("\n").to_lowercase();
        assert!(why.iter().all(|why| told.contains(why)), "{choice}: {told}");
        assert_eq!(proposed(&scene, act), 1, "{choice}");
    }
    let aside = SetFormsAside {
        batch: BatchName {
            id,
            name: "B-0001".into(),
            issuer: "BANKX".into(),
        },
        first: 1,
        last: 1,
        aside: Aside::Test,
        reason: "page of X's".into(),
    };
    assert_eq!(
        aside.words()[0],
        "Blank form 1 of batch B-0001 of BANKX was used for a test print"
    );

    // Printed forms: another's number, or no word of what happened.
    scene.people.form("pins.form", &["2"]);
    works(&mut scene, id, &["Print"]);
    for _ in 0..3 {
        scene.people.form("pins.shows", &["1"]);
    }
    for (choice, code, act, wrong, right) in [
        (
            "A mailer is spoiled",
            "pins.spoil",
            "spoil-mailer",
            vec![
                vec!["19", "19", "damaged: destroyed now, both look on", "torn"],
                vec!["2", "2", "damaged: destroyed now, both look on", ""],
            ],
            vec!["2", "2", "damaged: destroyed now, both look on", "torn"],
        ),
        (
            "Confirm mailers",
            "pins.confirm",
            "confirm-mailers",
            vec![vec!["2", "1", "3", "2"], vec!["3", "2", "9", "2"]],
            vec!["3", "2", "3", "2"],
        ),
    ] {
        scene.people.codes.clear();
        for row in wrong.iter().chain([&right]) {
            scene.people.form(code, row);
        }
        works(&mut scene, id, &[choice]);
        let told: BTreeSet<&String> = scene.people.refusals.iter().collect();
        assert_eq!(told.len(), 2, "{choice}: {told:?}");
        assert_eq!(proposed(&scene, act), 1, "{choice}");
    }
}

/// A pause holds from the next sheet on, not from the next window: what had not left
/// waits again, and nothing is unknown.
#[test]
fn a_pause_holds_within_a_window() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let mut scene = room(folder.path(), outside.path());
    let id = opened(&mut scene, outside.path(), 6, "20");
    scene.people.form("pins.form", &["1"]);
    *scene.report_printer.lock().unwrap() = Some(Trouble::Pause);
    works(&mut scene, id, &["Print"]);
    assert!(
        scene.people.refusals.is_empty(),
        "{:?}",
        scene.people.refusals
    );
    assert_eq!(pins_on_paper(&scene).len(), 1, "a window is four");
    // The flag is down: the run goes on from there, and the rest comes once.
    *scene.report_printer.lock().unwrap() = None;
    scene.people.form("pins.form", &["2"]);
    works(&mut scene, id, &["Print"]);
    assert!(
        scene.people.refusals.is_empty(),
        "{:?}",
        scene.people.refusals
    );
    assert_eq!(pins_on_paper(&scene).len(), 6);
    scene.people.form("pins.confirm", &["1", "1", "6", "6"]);
    works(&mut scene, id, &["Confirm mailers"]);
    assert_eq!(rows(&scene)[0].done, "6 of 6");
}

/// Whoever ends the run, or the program, while the printer stops is asked nothing more,
/// and is told of what is unknown.
#[test]
fn a_run_that_is_ended_while_the_printer_stops_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let mut scene = room(folder.path(), outside.path());
    let id = opened(&mut scene, outside.path(), 6, "20");
    for leave in [false, true] {
        scene.people.leave = leave;
        let form = if leave { "2" } else { "1" };
        scene.people.form("pins.form", &[form]);
        *scene.report_printer.lock().unwrap() = Some(Trouble::BrokenInPause);
        scene.people.codes.clear();
        scene.people.shown.clear();
        works(&mut scene, id, &["Print"]);
        let codes = &scene.people.codes;
        assert!(
            !codes.iter().any(|code| code == "pins.stopped"),
            "{codes:?}"
        );
        let last = codes.last().map(String::as_str);
        match leave {
            true => assert_eq!(last, Some("pins.run")),
            false => {
                assert_eq!(last, Some("pins.next"));
                let told = "One mailer is unknown. Stopped at the printer";
                assert!(scene.people.shown.iter().any(|p| p.contains(told)));
            }
        }
        *scene.report_printer.lock().unwrap() = None;
    }
    assert!(tasks(&scene).contains("2 mailers are unknown"));
}

/// What the printer had in its memory is gone when it was switched off between two
/// windows, and no write fails by it: the run stops, and the form is read again.
#[test]
fn a_printer_that_was_unplugged_between_two_windows_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let mut scene = room(folder.path(), outside.path());
    let id = opened(&mut scene, outside.path(), 6, "20");
    scene.people.form("pins.form", &["1"]);
    scene.people.form("pins.form", &["5"]);
    scene.people.refusals.clear();
    let runs = chooses(&mut scene, &["Print"]);
    let mut asked = std::mem::replace(&mut scene.people.at, Box::new(|_, _| None));
    let trouble = Arc::clone(&scene.report_printer);
    let told = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&told);
    scene.people.at = Box::new(move |prompt, times| {
        let answer = asked(prompt, times);
        match prompt.code.as_str() {
            // While the first window of four is printed.
            "pins.run" if times == 1 => *trouble.lock().unwrap() = Some(Trouble::Replugged),
            "pins.stopped" => {
                seen.lock().unwrap().push(format!("{prompt:?}"));
                return Some(Answer::Chosen(1));
            }
            _ => {}
        }
        answer
    });
    let before = scene.people.codes.len();
    let end = scene.station.pin_room(PinAct::Work(id), &mut scene.people);
    assert!(matches!(end, Ok(ActEnd::Stopped)), "{end:?}");
    let told = told.lock().unwrap();
    let words = "MAIL-1 was switched off or unplugged since the last mailer.";
    assert!(told.len() == 1 && told[0].contains(words), "{told:?}");
    let runs = runs.lock().unwrap().clone();
    let large = large(&runs);
    assert!(
        large.iter().any(|one| one == "LOOK AT PRINTER"),
        "{large:?}"
    );
    assert_eq!(large.last().map(String::as_str), Some("ALL PRINTED"));
    let codes = &scene.people.codes[before..];
    let stopped = codes.iter().position(|c| c == "pins.stopped").unwrap();
    let forms = |codes: &[String]| codes.iter().filter(|c| *c == "pins.form").count();
    let (first, then) = codes.split_at(stopped);
    assert_eq!((forms(first), forms(then)), (1, 1), "{codes:?}");
    assert_eq!(pins_on_paper(&scene).len(), 6);
}

/// The words of the journal's notes that both are at the printer.
fn presences(scene: &Scene) -> Vec<String> {
    let entries = scene.station.door().vault().read_journal(0).unwrap();
    entries
        .into_iter()
        .filter(|entry| entry.header.action == "presence")
        .map(|entry| entry.body.unwrap().words.join(" "))
        .collect()
}

/// Prints until the card in this reader is pulled; how many cards were done
/// before and after.
fn prints_until_pulled(scene: &mut Scene, id: Id, reader: usize) -> (u64, u64) {
    let runs = chooses(scene, &["Print"]);
    let mut asked = std::mem::replace(&mut scene.people.at, Box::new(|_, _| None));
    let hand = scene.people.hand();
    scene.people.at = Box::new(move |prompt, times| {
        if prompt.code == "pins.run" && times == 3 {
            hand.pull(reader);
        }
        asked(prompt, times)
    });
    let end = scene.station.pin_room(PinAct::Work(id), &mut scene.people);
    assert!(scene.station.card_lost(), "{end:?}");
    let done = |prompt: &Prompt| match &prompt.show {
        Some(Show::Run(run)) => run.done,
        _ => panic!("{prompt:?}"),
    };
    let runs = runs.lock().unwrap();
    let (Some(first), Some(last)) = (runs.first(), runs.last()) else {
        panic!("no run: {end:?} {:?}", scene.people.refusals);
    };
    let left = (done(first), done(last));
    drop(runs);
    scene.station.logout("a card was pulled").unwrap();
    scene.logon(GroupId::PinOperators);
    left
}

#[test]
fn both_cards_stay_in_a_run_and_each_answers_for_its_holder() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let mut scene = room(folder.path(), outside.path());
    // One pair is here, whoever else could log on; Pavel's card is in the way.
    let other = scene.people.card("Pavel");
    for name in ["Pavel", "Rosa"] {
        scene.people.leaves(name);
    }
    let id = opened(&mut scene, outside.path(), 330, "400");

    // One card gets no PIN. Whoever takes the batch over counts rightly.
    scene
        .people
        .form("pins.cancel", &["330", "330", "it was closed"]);
    scene.people.form("pins.hand-over", &["0", "0", "399"]);
    scene.people.form("pins.hand-over", &["0", "0", "400"]);
    let over = "Take the batch over";
    works(&mut scene, id, &["Cancel cards", over, over]);
    let refusals = &scene.people.refusals;
    assert!(
        refusals.len() == 1 && refusals[0].starts_with("pins.next"),
        "{refusals:?}"
    );
    assert_eq!(rows(&scene)[0].done, "1 of 330");

    // Nobody else's card stands for the supervisor's.
    let _ = chooses(&mut scene, &["Print"]);
    let mut asked = std::mem::replace(&mut scene.people.at, Box::new(|_, _| None));
    let hand = scene.people.hand();
    scene.people.at = Box::new(move |prompt, times| {
        if prompt.code != "pins.cards" || !matches!(prompt.ask, Ask::Card { .. }) {
            return asked(prompt, times);
        }
        if prompt.refused.is_some() {
            hand.pull(1);
            return Some(Answer::Abort);
        }
        hand.insert(&other, 1).unwrap();
        Some(Answer::Confirmed)
    });
    scene.people.refusals.clear();
    let end = scene.station.pin_room(PinAct::Work(id), &mut scene.people);
    assert!(matches!(end, Ok(ActEnd::Stopped)), "{end:?}");
    assert!(
        scene.people.refusals[0].contains("Pavel is not wanted now"),
        "{:?}",
        scene.people.refusals
    );
    assert!(presences(&scene).is_empty());

    // Either card is pulled: the run ends before the next window. One card has
    // no mailer, so what is done is the number of the next form.
    scene.people.form("pins.form", &["1"]);
    let first = prints_until_pulled(&mut scene, id, 1);
    scene.people.form("pins.form", &[&first.1.to_string()]);
    let second = prints_until_pulled(&mut scene, id, 0);
    assert!(first.0 == 1 && first.1 > 1, "{first:?}");
    assert!(
        second.0 == first.1 && second.1 > second.0,
        "nothing was printed after a card was pulled: {first:?} {second:?}"
    );
    scene.people.form("pins.form", &[&second.1.to_string()]);

    // After 250 mailers both answer again, and read the form that lies there;
    // the journal has who it was.
    let third = (second.1 + 250).to_string();
    scene.people.form("pins.form", &[&third]);
    let runs = works(&mut scene, id, &["Print"]);
    assert_eq!(
        large(&runs).last().map(String::as_str),
        Some("ALL PRINTED"),
        "{:?}",
        scene.people.refusals
    );
    let pins = runs.iter().filter(|prompt| prompt.code == "pins.presence");
    let asked: Vec<String> = pins.map(|prompt| prompt.waiting_for.clone()).collect();
    for name in ["Olga", "Quinn"] {
        assert!(asked.contains(&name.to_owned()), "{asked:?}");
    }
    // An auditor reads it.
    scene.station.logout("logged out").unwrap();
    scene.logon(GroupId::Auditors);
    let notes = presences(&scene);
    assert_eq!(notes.len(), 4, "{notes:?}");
    for note in &notes {
        assert!(
            note.contains("Olga (person ") && note.contains("Quinn (person "),
            "{note}"
        );
    }

    // One reader is none for two cards.
    drop(scene);
    let mut scene = Scene::open(folder.path(), PIN_STAFF);
    scene.logon(GroupId::PinOperators);
    scene.people.form(
        "pins.spoil",
        &["1", "1", "damaged: destroyed now, both look on", "torn"],
    );
    scene.people.form("pins.shows", &["1"]);
    works(&mut scene, id, &["A mailer is spoiled", "Print"]);
    assert!(
        scene
            .people
            .refusals
            .iter()
            .any(|r| r.contains("A run needs 2 cards in at once")),
        "{:?}",
        scene.people.refusals
    );
}

/// What both signed for lasts a day. Whoever prints on is told what to do.
#[test]
fn a_run_of_more_than_a_day_is_taken_over_in_between() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let clock = Ahead::default();
    let ahead = Arc::clone(&clock.ms);
    let mut scene = room_by(folder.path(), outside.path(), clock);
    let id = opened(&mut scene, outside.path(), 2, "20");
    ahead.store(25 * 3_600_000, Ordering::SeqCst);
    scene.people.form("pins.form", &["1"]);
    works(&mut scene, id, &["Print"]);
    let told = scene.people.refusals.join("\n");
    assert!(told.contains("more than 24 hours ago"), "{told}");
    assert_eq!(rows(&scene)[0].done, "0 of 2");
    scene.people.form("pins.hand-over", &["0", "0", "20"]);
    scene.people.form("pins.form", &["1"]);
    let runs = works(&mut scene, id, &["Take the batch over", "Print"]);
    assert_eq!(
        large(&runs).last().map(String::as_str),
        Some("ALL PRINTED"),
        "{:?}",
        scene.people.refusals
    );
    // Whoever neither opened it nor took it over is offered that alone, and no question
    // tells a number of what they are to count. What is missing is said before.
    scene.station.logout("logged out").unwrap();
    scene.people.leaves("Olga");
    for reader in 0..2 {
        scene.people.hand().pull(reader);
    }
    scene.logon(GroupId::PinOperators);
    let todo = tasks(&scene);
    assert!(todo.contains("another pair left it"), "{todo}");
    let offered = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&offered);
    chooses(&mut scene, &["A mailer is spoiled", "Blank forms not used"]);
    let mut asked = std::mem::replace(&mut scene.people.at, Box::new(|_, _| None));
    scene.people.at = Box::new(move |prompt, times| {
        let said = match &prompt.ask {
            Ask::Choose { options } => options.iter().map(|one| one.label.clone()).collect(),
            Ask::Form { fields, .. } => {
                let values = fields.iter().map(|field| field.value.clone());
                let notes = prompt.lines.iter().map(|line| line.text.clone());
                values.chain(notes).collect()
            }
            _ => Vec::new(),
        };
        seen.lock().unwrap().push((prompt.code.clone(), said));
        if prompt.code == "pins.spoil" {
            return Some(Answer::Abort);
        }
        asked(prompt, times)
    });
    scene.people.form(
        "pins.aside",
        &["20", "20", "not there: an incident", "not in the box"],
    );
    let end = scene.station.pin_room(PinAct::Work(id), &mut scene.people);
    assert!(matches!(end, Ok(ActEnd::Stopped)), "{end:?}");
    let mut codes = BTreeSet::new();
    for (code, said) in offered.lock().unwrap().drain(..) {
        match code.as_str() {
            "pins.next" => assert_eq!(said, ["Take the batch over", "More", "Back to the batches"]),
            "pins.more" => assert_eq!(
                said,
                [
                    "A mailer is spoiled",
                    "Blank forms not used",
                    "Back to the batch"
                ]
            ),
            "pins.spoil" | "pins.aside" => {
                let told = said.concat();
                assert!(!told.bytes().any(|c| c.is_ascii_digit()), "{code}: {told}");
            }
            _ => {}
        }
        codes.insert(code);
    }
    for code in ["pins.next", "pins.more", "pins.spoil", "pins.aside"] {
        assert!(codes.contains(code), "{codes:?}");
    }
    scene.people.form("pins.hand-over", &["0", "2", "17"]);
    scene.people.form("pins.confirm", &["1", "1", "2", "2"]);
    works(&mut scene, id, &["Take the batch over", "Confirm mailers"]);
    assert!(
        scene.people.refusals.is_empty(),
        "{:?}",
        scene.people.refusals
    );
    assert_eq!(rows(&scene)[0].done, "2 of 2");
}

/// Administrators beside the operators do not make a batch's flush theirs: it stands in
/// its record, by which the sheet says that the printer was flushed.
#[test]
fn a_flush_is_the_operators_whoever_else_is_logged_on() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let mut scene = room(folder.path(), outside.path());
    let id = opened(&mut scene, outside.path(), 2, "20");
    scene.logon(GroupId::Administrators);
    let layout = "pin-mailer-continuous.toml";
    for what in ["one page of X's", "flush: twice over the printer's memory"] {
        scene
            .people
            .form("layout.sample", &[layout, "MAIL-1", what]);
        done(scene.station.print_sample(&mut scene.people));
    }
    let vault = scene.station.door().vault();
    let batch: PinBatch = vault.get(Compartment::Pins, id).unwrap();
    let pages: Vec<bool> = batch.test_prints.iter().map(|one| one.flush).collect();
    assert_eq!(pages, [false, true]);
    assert!(batch.flushed()[0].1.is_some());
}

fn find(folder: &Path, name: &str) -> Option<std::path::PathBuf> {
    for entry in fs::read_dir(folder).ok()? {
        let path = entry.ok()?.path();
        if path.is_dir() {
            if let Some(found) = find(&path, name) {
                return Some(found);
            }
        } else if path.file_name().is_some_and(|n| n == name) {
            return Some(path);
        }
    }
    None
}
