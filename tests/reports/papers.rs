//! Envelopes, label strips and the exchange letter: what comes out is what custody
//! has, as poppler reads it, and nothing of it leaves through the component printer.

use std::process::Command;

use conclave_keyroom::domain::key::{Component, KeyRecord};
use conclave_trades::keys::{PackageForm, PrintExchangeLetter, PrintPackageForm, packages};
use conclave_trades::target::KeyName;

use super::*;

const ENVELOPES: usize = 0;
const STRIPS: usize = 1;
const LETTER: usize = 2;

/// A station whose report printer takes PDF, with one key in two sealed components.
fn sealed(folder: &TempDir) -> Scene {
    let mut scene = scene(folder, "PDF");
    let (_, end) = play(&mut scene);
    assert!(
        end.iter().any(|line| line.contains("exchange letter")),
        "{end:?}"
    );
    scene.people.at = Box::new(|_, _| None);
    let _ = scene.room.printers.0[1].take_sheet();
    let _ = scene.room.printers.0[0].take_sheet();
    scene
}

fn key(scene: &Scene) -> KeyRecord {
    let keys = scene.station.keys();
    keys.into_iter().find(|k| k.label == LABEL).unwrap()
}

fn print(
    scene: &mut Scene,
    paper: usize,
) -> Result<ActEnd, conclave_keyroom::ports::dialogue::Refusal> {
    scene.people.at =
        Box::new(move |prompt, _| (prompt.code == "papers.what").then_some(Answer::Chosen(paper)));
    let id = key(scene).id;
    scene.station.print_key_papers(id, &mut scene.people)
}

/// The pages that came out, as poppler reads them.
fn pages(scene: &Scene) -> Vec<String> {
    let bytes = scene.room.printers.0[1].bytes();
    let bytes = bytes.expose();
    let starts: Vec<usize> = (0..bytes.len())
        .filter(|at| bytes[*at..].starts_with(b"%PDF-"))
        .collect();
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| {
            let folder = TempDir::new().unwrap();
            let file = folder.path().join("page.pdf");
            std::fs::write(&file, &bytes[*start..end]).unwrap();
            let read = Command::new("pdftotext")
                .args(["-layout".as_ref(), file.as_os_str(), "-".as_ref()])
                .output()
                .unwrap();
            assert!(read.status.success(), "{read:?}");
            String::from_utf8(read.stdout).unwrap()
        })
        .collect()
}

/// Words of a page, a space between.
fn words(page: &str) -> String {
    page.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn nothing_on_the_component_printer(scene: &Scene) {
    assert!(scene.room.printers.0[0].sheet().is_none());
}

fn bag(part: &Component) -> &str {
    part.envelope.as_deref().unwrap()
}

#[test]
fn an_envelope_and_a_strip_for_each_bag_from_what_custody_has() {
    let folder = folder();
    let mut scene = sealed(&folder);
    // Key managers alone: there is no secret on them.
    scene.station.logout("logged out").unwrap();
    scene.logon(GroupId::KeyManagers);
    people::done(print(&mut scene, ENVELOPES));
    let loads = |scene: &Scene| {
        let codes = scene.people.codes.iter();
        codes.filter(|code| *code == "papers.load").count()
    };
    assert_eq!(loads(&scene), 2, "each envelope is put in");
    let record = key(&scene);
    let envelopes = pages(&scene);
    assert_eq!(envelopes.len(), 2);
    for (part, page) in record.components.iter().zip(&envelopes) {
        let page = words(page);
        let number = format!("COMPONENT {} of 2", part.index);
        for said in [LABEL, &number, bag(part), &part.custodian_name, "TEST"] {
            assert!(page.contains(said), "{said}: {page}");
        }
        assert!(page.contains(part.group.title()), "{page}");
        // The outside has no check value, of the part or of the key.
        assert!(!page.contains(&part.kcv.value), "{page}");
        assert!(!page.contains(&record.kcv.value), "{page}");
    }
    let _ = scene.room.printers.0[1].take_sheet();

    people::done(print(&mut scene, STRIPS));
    assert_eq!(loads(&scene), 3, "a roll is put in once");
    let strips = pages(&scene);
    assert_eq!(strips.len(), 2);
    for (part, page) in record.components.iter().zip(&strips) {
        let page = words(page);
        let kcv = part.kcv.words();
        for said in [LABEL, bag(part), &kcv, &part.custodian_name] {
            assert!(page.contains(said), "{said}: {page}");
        }
        assert!(!page.contains(&record.kcv.value), "{page}");
    }
    let _ = scene.room.printers.0[1].take_sheet();

    // One alone.
    let second = &record.components[1];
    let one = format!(
        "component 2 of 2, {}, {}",
        bag(second),
        second.custodian_name
    );
    scene.people.form("papers.packages", &[&one, "REP-1"]);
    people::done(print(&mut scene, STRIPS));
    let strips = pages(&scene);
    assert!(strips.len() == 1 && strips[0].contains(bag(second)));

    nothing_on_the_component_printer(&scene);
    let each = [EntryKind::Intent, EntryKind::Outcome].repeat(5);
    assert_eq!(journal(&scene, "print-package-form"), each);
}

#[test]
fn the_letter_to_the_partner_says_which_bag_comes_by_whom_and_how() {
    let folder = folder();
    let mut scene = sealed(&folder);
    let to = [
        "BANK-LAKE",
        "1 Lake Road",
        "",
        "3011 Bern",
        "",
        "",
        "L-17",
        "by registered post",
        "REP-1",
    ];
    // The second component by the way of the letter: refused, and put right.
    scene.people.form("papers.letter", &to);
    scene.people.form("papers.letter", &to);
    let ways = ["in person", "By registered post"];
    scene.people.form("papers.ways", &ways);
    scene
        .people
        .form("papers.ways", &["in person", "by courier"]);
    people::done(print(&mut scene, LETTER));
    assert!(
        scene.people.refusals.iter().any(|r| r.contains("(R14)")),
        "{:?}",
        scene.people.refusals
    );
    let record = key(&scene);
    let letters = pages(&scene);
    assert_eq!(letters.len(), 1);
    let letter = words(&letters[0]);
    let kcv = record.kcv.words();
    for said in [
        LABEL,
        &kcv,
        "BANK-LAKE",
        "1 Lake Road",
        "3011 Bern",
        "L-17",
        "by registered post",
        "AES-128, 16 bytes",
        "wraps by tr31-d",
        "KEYROOM-TEST",
    ] {
        assert!(letter.contains(said), "{said}: {letter}");
    }
    for (part, way) in record.components.iter().zip(["in person", "by courier"]) {
        let line = format!(
            "COMPONENT {} of 2 KCV {} BAG {} {}, {way}",
            part.index,
            part.kcv.words(),
            bag(part),
            part.custodian_name
        );
        assert!(letter.contains(&line), "{line}: {letter}");
    }
    nothing_on_the_component_printer(&scene);
    receipts_one_after_the_other(&mut scene, &record);

    // Both groups sign it by hand, so both are there.
    scene.station.logout("logged out").unwrap();
    scene.logon(GroupId::KeyManagers);
    let refused = print(&mut scene, LETTER).err().unwrap();
    assert_eq!(refused.happened, "Not logged on: Approvers.");
}

/// What the tasks say of components on their way.
fn on_their_way(scene: &Scene) -> Vec<(String, String)> {
    let tasks = scene.station.lists().tasks.into_iter();
    let of = tasks.filter(|task| task.what.contains("component"));
    let of = of.filter(|task| task.detail.iter().any(|line| line.contains("letter L-17")));
    of.map(|task| (task.what, task.detail.last().cloned().unwrap_or_default()))
        .collect()
}

/// Each component is a task, the second after the first; its receipt ends it, one of
/// another package does not (R14).
fn receipts_one_after_the_other(scene: &mut Scene, record: &KeyRecord) {
    let files = "r files the receipt.";
    let waits = "It leaves when the receipt of the one before is filed (R14).";
    let receipt = |n: u8| format!("receipt of component {n}, {LABEL}");
    let said = |scene: &Scene, wanted: &[(String, &str)]| {
        let found = on_their_way(scene);
        assert_eq!(found.len(), wanted.len(), "{found:?}");
        for (one, (what, last)) in found.iter().zip(wanted) {
            assert_eq!((&one.0, one.1.as_str()), (what, *last));
        }
    };
    said(scene, &[(receipt(1), files), (receipt(2), waits)]);
    let file = |scene: &mut Scene, of: u8, bag: &str| {
        for code in ["receipt", "receipt.component"] {
            scene.people.forms.remove(code);
        }
        scene.people.at = Box::new(|_, _| None);
        scene.people.form("receipt", &["of a component", "", ""]);
        let of = format!("{LABEL}, component {of} of 2");
        scene
            .people
            .form("receipt.component", &[&of, bag, "B. Lake"]);
        scene.station.file_receipt(&mut scene.people)
    };
    // Another bag arrived: the task stays, and the second component with it.
    match file(scene, 1, "CE9999999") {
        Ok(ActEnd::Done {
            good: false, title, ..
        }) => {
            assert_eq!(title, "Component 1: NOT as it left");
        }
        _ => panic!("a package that is another one was taken"),
    }
    let not = format!("{LABEL}: component 1 was NOT received as sent");
    said(scene, &[(not, files), (receipt(2), waits)]);
    assert_eq!(
        people::done(file(scene, 1, bag(&record.components[0]))),
        "Component 1 is received"
    );
    said(scene, &[(receipt(2), files)]);
    people::done(file(scene, 2, bag(&record.components[1])));
    said(scene, &[]);
    let each = [EntryKind::Proposed, EntryKind::Intent, EntryKind::Outcome].repeat(3);
    assert_eq!(journal(scene, "file-component-receipt"), each);
}

#[test]
fn papers_are_of_what_lies_sealed_in_custody_and_of_nothing_else() {
    let folder = folder();
    let mut scene = sealed(&folder);
    let record = key(&scene);
    let package = packages(&record);
    assert_eq!(package.len(), 2);
    let layout = |file: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("keymailer-layouts");
        std::fs::read_to_string(path.join(file)).unwrap()
    };
    let envelope = PrintPackageForm {
        key: KeyName::of(&record),
        ceremony: package[0].ceremony,
        index: 1,
        bag: package[0].bag.into(),
        form: PackageForm::Envelope,
        printer: "REP-1".into(),
        layout: layout("component-envelope.toml"),
    };
    let with = |change: &dyn Fn(&mut PrintPackageForm)| {
        let mut other = envelope.clone();
        change(&mut other);
        other
    };
    for (wrong, why) in [
        (
            with(&|a| a.printer = "KOMP-1".into()),
            "enrolled for key components, not for reports",
        ),
        (
            with(&|a| a.layout = layout("component.toml")),
            "another form: component form, not envelope",
        ),
        (
            with(&|a| a.layout = layout("label-strip.toml")),
            "another form: label, not envelope",
        ),
        (
            with(&|a| a.layout.push('\n')),
            "is not approved on this station",
        ),
        (
            with(&|a| a.bag = "CE9999999".into()),
            "has no sealed package CE9999999",
        ),
        (with(&|a| a.index = 2), "has no sealed package"),
        (
            with(&|a| a.key.kcv.push('0')),
            "is not the key that was approved",
        ),
    ] {
        let refused = rule(act(&mut scene, &wrong));
        assert!(refused.contains(why), "{why}: {refused}");
    }
    let letter = PrintExchangeLetter {
        key: KeyName::of(&record),
        to: "BANK-LAKE".into(),
        address: vec!["1 Lake Road".into()],
        reference: "L-17".into(),
        courier: "by registered post".into(),
        ways: vec!["in person".into(), "by courier".into()],
        printer: "REP-1".into(),
        layout: layout("exchange-letter.toml"),
    };
    let with = |change: &dyn Fn(&mut PrintExchangeLetter)| {
        let mut other = letter.clone();
        change(&mut other);
        other
    };
    for (wrong, why) in [
        (
            with(&|a| a.ways.truncate(1)),
            "2 components, each with its own way",
        ),
        (with(&|a| a.ways[1] = "In Person".into()), "the same way"),
        (
            with(&|a| a.to = "BANK\u{1b}LAKE".into()),
            "a recipient has 1 to",
        ),
        (with(&|a| a.address = vec!["x".into(); 6]), "up to 5 lines"),
        (with(&|a| a.reference.clear()), "the reference has 1 to"),
        (
            with(&|a| a.printer = "KOMP-1".into()),
            "enrolled for key components, not for reports",
        ),
    ] {
        let refused = rule(act(&mut scene, &wrong));
        assert!(refused.contains(why), "{why}: {refused}");
    }
    assert!(scene.room.printers.0.iter().all(|p| p.sheet().is_none()));

    // A key that nobody holds parts of.
    people::done(scene.working("BANK-LAKE.ZPK.001", "zpk-aes128", LABEL));
    let _ = scene.room.printers.0[1].take_sheet();
    let keys = scene.station.keys();
    let working = keys
        .iter()
        .find(|k| k.label == "BANK-LAKE.ZPK.001")
        .unwrap();
    let refused = scene
        .station
        .print_key_papers(working.id, &mut scene.people)
        .err()
        .unwrap();
    assert!(refused.happened.contains("no sealed component"));

    // The printer breaks in the middle: nobody knows what came out.
    *scene.report_printer.lock().unwrap() = Some(Trouble::Broken);
    assert!(print(&mut scene, ENVELOPES).is_err());
    let kinds = journal(&scene, "print-package-form");
    assert_eq!(kinds.last(), Some(&EntryKind::Intent), "UNKNOWN");
}
