//! Scripts and minutes on the report printer: what comes out where, what is
//! refused, and that no ceremony waits for paper.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "reports/papers.rs"]
mod papers;
#[path = "support/people.rs"]
mod people;
#[path = "support/report_printer.rs"]
mod report_printer;
#[path = "support/stage.rs"]
mod stage;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use conclave_crypto::primitive::derive::sha256;
use conclave_evidence::authority::Mode;
use conclave_evidence::journal::EntryKind;
use conclave_evidence::{GroupId, Hash};
use conclave_keyroom::door::{ActionError, DoorError, Refusal};
use conclave_keyroom::ports::dialogue::Answer;
use conclave_station::approve::Undone;
use conclave_station::service::ActEnd;
use conclave_trades::ceremony::action::PrintComponent;
use conclave_trades::print::{Block, PrintReport, Report, report_pdf};
use people::{Scene, Trouble};
use report_printer::ReportPrinter;
use stage::{STAFF, folder, sheets};
use tempfile::TempDir;

const LABEL: &str = "BANK-LAKE.ZMK.001";
/// What ends every ESC/P report.
const EJECT: &[u8] = b"\r\x0c\x1b@";

/// A furnished station with a report printer, both groups of a ceremony logged
/// on.
fn scene(folder: &TempDir, language: &str) -> Scene {
    let mut scene = Scene::open(folder.path(), STAFF);
    scene.logon(GroupId::Administrators);
    scene.enrol_printer(1, "REP-1", "reports", language);
    scene.station.logout("logged out").unwrap();
    scene.logon_both();
    scene
}

/// What one ceremony told of its papers: on the script's page, and at the end.
fn play(scene: &mut Scene) -> (String, Vec<String>) {
    let told = Arc::new(Mutex::new(String::new()));
    let seen = Arc::clone(&told);
    scene.people.at = Box::new(move |prompt, _| {
        if prompt.code == "ceremony.script" {
            seen.lock().unwrap().clone_from(&prompt.lines[0].text);
        }
        None
    });
    let end = scene.zmk(LABEL, "zmk-aes128", "2");
    let Ok(ActEnd::Done { good, lines, title }) = end else {
        panic!("{:?}", scene.people.refusals);
    };
    assert!(good, "{title}: {lines:?}");
    assert_eq!(scene.key_state(LABEL).as_deref(), Some("active"));
    assert_eq!(sheets(scene), 2, "the components are printed all the same");
    let told = told.lock().unwrap().clone();
    (told, lines)
}

/// The one PDF of a ceremony in a folder of the station.
fn pdf(folder: &TempDir, kind: &str) -> (PathBuf, Vec<u8>) {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder.path().join(kind))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "pdf"))
        // Those of the founding are not what is looked for.
        .filter(|path| !path.to_string_lossy().contains("custodian-form-"))
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    let path = found.remove(0);
    let bytes = std::fs::read(&path).unwrap();
    (path.strip_prefix(folder.path()).unwrap().to_owned(), bytes)
}

/// A digest's first half, as reports print it.
fn groups(bytes: &[u8]) -> String {
    let digest = sha256(&[bytes]);
    let groups: Vec<String> = digest[..16]
        .chunks(2)
        .map(|pair| format!("{:02x}{:02x}", pair[0], pair[1]))
        .collect();
    groups.join(" ")
}

fn contains(bytes: &[u8], words: &str) -> bool {
    bytes.windows(words.len()).any(|w| w == words.as_bytes())
}

/// The kinds of the journal's entries for this action, in order.
fn journal(scene: &Scene, action: &str) -> Vec<EntryKind> {
    let entries = scene.station.door().vault().entries(0).unwrap();
    entries
        .iter()
        .map(|entry| entry.open_header().unwrap())
        .filter(|header| header.action == action)
        .map(|header| header.kind)
        .collect()
}

#[test]
fn script_and_minutes_come_out_on_the_report_printer_and_nowhere_else() {
    let folder = folder();
    let mut scene = scene(&folder, "ESC/P");
    let (script, end) = play(&mut scene);
    let (script_path, script_pdf) = pdf(&folder, "reports");
    let (minutes_path, minutes_pdf) = pdf(&folder, "minutes");
    let said = |path: &Path| format!("Filed as {}, printed on REP-1.", path.display());
    assert_eq!(script, said(&script_path));
    assert!(end.contains(&said(&minutes_path)), "{end:?}");

    let paper = scene.room.printers.0[1].bytes();
    let paper = paper.expose();
    assert!(paper.ends_with(EJECT));
    let cuts: Vec<usize> = (0..paper.len())
        .filter(|at| paper[*at..].starts_with(EJECT))
        .collect();
    assert_eq!(cuts.len(), 2, "two reports");
    let (first, second) = paper.split_at(cuts[0] + EJECT.len());
    for (report, title, pdf) in [
        (first, "Script: ", &script_pdf),
        (second, "Minutes: ", &minutes_pdf),
    ] {
        let digest = groups(pdf);
        for words in [title, LABEL, "KEYROOM-TEST", "TEST", "page 1 of", &digest] {
            assert!(contains(report, words), "{words} in {title}");
        }
    }
    assert!(!contains(first, "Minutes: ") && !contains(second, "Script: "));
    // One purpose a device (R10): no part of a key here, no report there.
    assert!(!contains(paper, "COMPONENT VALUE"));
    let components = scene.room.printers.0[0].bytes();
    assert!(!contains(components.expose(), "Minutes: "));
    assert!(!contains(components.expose(), "Script: "));

    let twice = [EntryKind::Intent, EntryKind::Outcome].repeat(2);
    assert_eq!(journal(&scene, "print-report"), twice);
}

#[test]
fn a_printer_that_takes_pdf_gets_the_filed_bytes() {
    let folder = folder();
    let mut scene = scene(&folder, "PDF");
    let (script, _) = play(&mut scene);
    assert!(script.ends_with("printed on REP-1."), "{script}");
    let filed = [pdf(&folder, "reports").1, pdf(&folder, "minutes").1].concat();
    assert!(scene.room.printers.0[1].bytes().expose() == filed);
}

#[test]
fn a_printer_behind_ipp_on_the_loopback_gets_reports_and_pages_of_xs() {
    let folder = folder();
    let mut scene = Scene::open(folder.path(), STAFF);
    let printer = ReportPrinter::start("Reports", None);
    scene.loopback.lock().unwrap().push(printer.address());
    scene.logon(GroupId::Administrators);
    let wrong = [
        ("KOMP-2", "key components", "PDF"),
        ("REP-1", "reports", "ESC/P"),
    ];
    for (name, purpose, language) in wrong {
        let fields = [name, &printer.address(), purpose, language];
        scene.people.form("enrol.printer", &fields);
        let refused = scene.station.ask_printer(&mut scene.people);
        let refused = refused.err().map(|refusal| refusal.happened);
        assert!(
            refused
                .as_ref()
                .is_some_and(|why| why.contains("and nothing else")),
            "{refused:?}"
        );
    }
    let fields = ["REP-1", &printer.address(), "reports", "PDF"];
    scene.people.form("enrol.printer", &fields);
    people::done(scene.station.ask_printer(&mut scene.people));
    let sample = ["component.toml", "REP-1", "one page of X's"];
    scene.people.form("layout.sample", &sample);
    people::done(scene.station.print_sample(&mut scene.people));
    scene.station.logout("logged out").unwrap();
    scene.logon_both();

    let (script, end) = play(&mut scene);
    assert!(script.ends_with("printed on REP-1."), "{script}");
    assert!(end.iter().any(|line| line.contains("printed on REP-1.")));
    let jobs = printer.jobs(3);
    assert!(jobs[0].starts_with(b"%PDF"), "the page of X's");
    assert!(jobs[1] == pdf(&folder, "reports").1);
    assert!(jobs[2] == pdf(&folder, "minutes").1);

    // Another printer at the same address gets nothing.
    let port = printer.port();
    drop(printer);
    let other = ReportPrinter::start("Other", Some(port));
    let report = report();
    let action = PrintReport {
        printer: "REP-1".into(),
        filed: digest(&report),
        report,
    };
    let refused = scene.station.act(&action, "a report", &mut scene.people);
    let Err(Undone::Door(DoorError::Failed(ActionError::Device { what, .. }))) = refused else {
        panic!("it was printed: {:?}", scene.people.refusals);
    };
    assert!(what.contains("another printer is connected"), "{what}");
    assert!(other.jobs(0).is_empty());
    drop(other);
    let gone = scene.station.act(&action, "a report", &mut scene.people);
    assert!(matches!(
        gone,
        Err(Undone::Door(DoorError::Failed(ActionError::Device { what, .. })))
            if what.contains("is not there")
    ));
}

#[test]
fn no_ceremony_waits_for_paper_and_the_screen_says_why() {
    for (trouble, happened, advice, kinds) in [
        (
            Trouble::Gone,
            "the printer is not there",
            "Plug the report printer in",
            &[EntryKind::Intent, EntryKind::Failed][..],
        ),
        (
            Trouble::Other,
            "another printer is connected: serial OTHER-2, enrolled TRAINING-REP-1",
            "Connect the printer that is enrolled",
            &[EntryKind::Intent, EntryKind::Failed],
        ),
        (
            Trouble::NotReady,
            "the printer is not ready: off line",
            "Look for paper",
            &[EntryKind::Intent, EntryKind::Failed],
        ),
        (
            // Half a page may be out: nobody knows, and no outcome says so.
            Trouble::Broken,
            "it is not known how much got out",
            "Throw away what came out",
            &[EntryKind::Intent],
        ),
    ] {
        let folder = folder();
        let mut scene = scene(&folder, "ESC/P");
        *scene.report_printer.lock().unwrap() = Some(trouble.clone());
        let (script, end) = play(&mut scene);
        let minutes = pdf(&folder, "minutes").0;
        let line = end
            .iter()
            .find(|line| line.contains(&*minutes.to_string_lossy()));
        for told in [&script, line.unwrap()] {
            for words in ["Filed as ", "not printed on REP-1", happened, advice] {
                assert!(told.contains(words), "{trouble:?}: {words}: {told}");
            }
        }
        assert!(scene.room.printers.0[1].sheet().is_none(), "{trouble:?}");
        assert_eq!(journal(&scene, "print-report"), kinds.repeat(2));
        // Mended, it prints: nothing of the trouble stays.
        *scene.report_printer.lock().unwrap() = None;
        let report = report();
        let action = PrintReport {
            printer: "REP-1".into(),
            filed: digest(&report),
            report,
        };
        act(&mut scene, &action).unwrap();
        assert!(scene.room.printers.0[1].sheet().is_some());
    }
}

#[test]
fn without_a_report_printer_the_people_are_told_to_print_the_file() {
    let folder = folder();
    let mut scene = stage::scene(&folder);
    let (script, end) = play(&mut scene);
    let words = "print the file, or have administrators enrol a report printer.";
    assert!(script.starts_with("Filed as reports/TEST-script-C") && script.ends_with(words));
    assert_eq!(end.iter().filter(|line| line.ends_with(words)).count(), 1);
    assert!(journal(&scene, "print-report").is_empty());
    assert!(scene.room.printers.0[1].sheet().is_none());
}

#[test]
fn with_two_report_printers_nobody_guesses() {
    let folder = TempDir::new().unwrap();
    let mut scene = Scene::open(folder.path(), STAFF);
    scene.found();
    scene.logon(GroupId::Administrators);
    scene.enrol_printer(0, "REP-2", "reports", "ESC/P");
    scene.enrol_printer(1, "REP-1", "reports", "ESC/P");
    scene.station.logout("logged out").unwrap();
    scene.logon_both();
    let told = Arc::new(Mutex::new(String::new()));
    let seen = Arc::clone(&told);
    scene.people.at = Box::new(move |prompt, _| {
        (prompt.code == "ceremony.script").then(|| {
            seen.lock().unwrap().clone_from(&prompt.lines[0].text);
            Answer::Abort
        })
    });
    assert!(scene.zmk(LABEL, "zmk-aes128", "2").is_ok());
    let told = told.lock().unwrap().clone();
    for words in ["not printed", "REP-1", "REP-2", "Print the file."] {
        assert!(told.contains(words), "{words}: {told}");
    }
    for printer in &scene.room.printers.0 {
        assert!(printer.sheet().is_none());
    }
}

#[test]
fn nothing_is_signed_that_does_not_stand_in_a_file() {
    let folder = folder();
    let mut scene = stage::scene(&folder);
    let place = folder.path().join("minutes");
    // Something else stands where the minutes go, until the people are told.
    std::fs::write(&place, b"in the way").unwrap();
    let in_the_way = place.clone();
    let signed_without = Arc::new(Mutex::new(false));
    let signed = Arc::clone(&signed_without);
    let mut refused_once = false;
    scene.people.at = Box::new(move |prompt, _| {
        if prompt.act == "Close the ceremony" {
            *signed.lock().unwrap() |= in_the_way.is_file();
            // The first time they do not sign, either.
            if !std::mem::replace(&mut refused_once, true) {
                return Some(Answer::Abort);
            }
        }
        let told = prompt.refused.as_ref().map(|refusal| &refusal.happened);
        if told.is_some_and(|told| told.contains("minutes could not be filed")) {
            let _ = std::fs::remove_file(&in_the_way);
        }
        None
    });
    let end = scene.zmk(LABEL, "zmk-aes128", "2");
    let Ok(ActEnd::Done { good, lines, title }) = end else {
        panic!("{:?}", scene.people.refusals);
    };
    assert!(good, "{title}: {lines:?} {:?}", scene.people.refusals);
    assert_eq!(scene.key_state(LABEL).as_deref(), Some("active"));
    assert!(
        !*signed_without.lock().unwrap(),
        "asked to sign what is in no file"
    );
    let told = scene.people.refusals.join("\n");
    assert!(told.contains("minutes could not be filed"), "{told}");
    let signings = scene.people.codes.iter().filter(|c| *c == "close.file");
    assert_eq!(signings.count(), 1, "asked once, and filed then");
    // Of the minutes that nobody signed nothing is left.
    let (path, _) = pdf(&folder, "minutes");
    let name = format!("Filed as {}", path.display());
    assert!(
        lines.iter().any(|line| line.starts_with(&name)),
        "{lines:?}"
    );
}

fn report() -> Report {
    Report {
        mode: Mode::Test,
        station: "KEYROOM-TEST".into(),
        title: "Minutes: none".into(),
        made: "24NOV2026 09:14:05Z".into(),
        blocks: vec![Block::Text("Nothing happened.".into())],
    }
}

fn digest(report: &Report) -> Hash {
    Hash(sha256(&[&report_pdf(report).unwrap()]))
}

fn act<A: conclave_keyroom::door::Action>(
    scene: &mut Scene,
    action: &A,
) -> Result<A::Out, DoorError> {
    match scene.station.act(action, "print", &mut scene.people) {
        Ok(out) => Ok(out),
        Err(Undone::Door(error)) => Err(error),
        Err(other) => panic!("{other:?}"),
    }
}

/// The rule that forbade it.
#[track_caller]
fn rule<T>(end: Result<T, DoorError>) -> String {
    match end {
        Err(DoorError::Failed(ActionError::Rule { rule, advice })) if !advice.is_empty() => rule,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was let through"),
    }
}

#[test]
fn no_report_on_the_component_printer_and_no_component_on_the_report_printer() {
    let folder = folder();
    let mut scene = scene(&folder, "ESC/P");
    let report = report();
    let mut action = PrintReport {
        printer: "KOMP-1".into(),
        filed: digest(&report),
        report,
    };
    assert_eq!(
        rule(act(&mut scene, &action)),
        "KOMP-1 is enrolled for key components, not for reports"
    );
    action.printer = "REP-9".into();
    assert_eq!(
        rule(act(&mut scene, &action)),
        "no printer REP-9 is enrolled"
    );
    assert!(scene.room.printers.0[0].sheet().is_none());

    // A ceremony that stands before its first component, with everything that
    // printing it needs but the printer.
    scene.people.at =
        Box::new(|prompt, _| (prompt.code == "print.ready").then_some(Answer::Shutdown));
    assert!(matches!(
        scene.zmk(LABEL, "zmk-aes128", "2"),
        Ok(ActEnd::Stopped)
    ));
    scene.people.at = Box::new(|_, _| None);
    let _ = scene.room.printers.0[1].take_sheet();
    let key = scene.station.keys().pop().unwrap();
    let component = key.components[0].clone();
    let (_, _, group) = STAFF
        .iter()
        .find(|(name, ..)| *name == component.custodian_name)
        .unwrap();
    let group = GroupId::ALL
        .into_iter()
        .find(|g| g.title() == *group)
        .unwrap();
    let layout = Path::new(env!("CARGO_MANIFEST_DIR")).join("keymailer-layouts/component.toml");
    let mut print = PrintComponent {
        ceremony: key.ceremony,
        key: key.id,
        label: key.label.clone(),
        index: component.index,
        of: component.of,
        quorum: None,
        custodian: component.custodian,
        custodian_name: component.custodian_name.clone(),
        group,
        printers: vec!["REP-1".into()],
        layout: std::fs::read_to_string(layout).unwrap(),
        blind: false,
        reference: "C1234abcd".into(),
        date: "24NOV2026".into(),
        panel: None,
    };
    assert_eq!(
        rule(act(&mut scene, &print)),
        "REP-1 is enrolled for reports, not for key components"
    );
    print.printers = vec!["KOMP-1".into(), "REP-1".into()];
    assert!(rule(act(&mut scene, &print)).contains("not for key components"));
    assert!(scene.room.printers.0.iter().all(|p| p.sheet().is_none()));
    // It was the printer alone that was wrong.
    print.printers = vec!["KOMP-1".into()];
    act(&mut scene, &print).unwrap();
    assert_eq!(sheets(&scene), 1);
}

#[test]
fn what_was_not_filed_here_is_not_printed() {
    let folder = folder();
    let mut scene = scene(&folder, "ESC/P");
    let filed = report();
    let sha256 = digest(&filed);
    let print = |report: Report, filed: Hash| PrintReport {
        printer: "REP-1".into(),
        filed,
        report,
    };
    let altered = Report {
        blocks: vec![Block::Text("Something happened.".into())],
        ..filed.clone()
    };
    let refused = rule(act(&mut scene, &print(altered, sha256)));
    assert_eq!(refused, "this is not the report that was filed");
    for foreign in [
        Report {
            mode: Mode::Production,
            ..filed.clone()
        },
        Report {
            station: "KEYROOM-9".into(),
            ..filed.clone()
        },
    ] {
        let sha256 = digest(&foreign);
        let refused = rule(act(&mut scene, &print(foreign, sha256)));
        assert!(refused.contains("not of this station"), "{refused}");
    }
    // Nobody logged on, and one group alone.
    scene.station.logout("logged out").unwrap();
    let action = print(filed, sha256);
    let refused = |end: Result<(), DoorError>| match end {
        Err(DoorError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        refused(act(&mut scene, &action)),
        Refusal::NotLoggedOn(GroupId::KeyManagers)
    );
    scene.logon(GroupId::KeyManagers);
    assert_eq!(
        refused(act(&mut scene, &action)),
        Refusal::NotLoggedOn(GroupId::Approvers)
    );
    assert!(scene.room.printers.0[1].sheet().is_none());
    scene.logon(GroupId::Approvers);
    act(&mut scene, &action).unwrap();
    assert!(scene.room.printers.0[1].sheet().is_some());
}
