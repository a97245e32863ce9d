//! `conclave layout`: what it says of files, and its exit codes.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::repository;

fn conclave(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_conclave"))
        .arg("layout")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn check_tells_every_fault_with_its_line() {
    let root = repository("");
    let mut files: Vec<String> = fs::read_dir(root.join("keymailer-layouts"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| path.display().to_string())
        .collect();
    files.insert(0, "check".into());
    let all: Vec<&str> = files.iter().map(String::as_str).collect();
    let good = conclave(&all, &root);
    assert_eq!(good.status.code(), Some(0), "{good:?}");
    let lines = said(&good.stdout);
    // A line each, and one more of the layout that leaves its paper to be named.
    assert_eq!(lines.lines().count(), files.len());
    assert!(
        lines.contains("name the stock that was inspected before it is approved"),
        "{lines}"
    );
    assert!(
        lines.contains("PIN mailer version 1, blind mailer: keeps every rule"),
        "{lines}"
    );

    let file = "tests/malformed/layouts/mailer-pin-on-the-outside.toml";
    let bad = conclave(&["check", file], &root);
    assert_eq!(bad.status.code(), Some(1), "{bad:?}");
    let told = said(&bad.stderr);
    let text = fs::read_to_string(root.join(file)).unwrap();
    let line = told.split(':').nth(1).unwrap().parse::<usize>().unwrap();
    assert_eq!(text.lines().nth(line - 1), Some("[[field]]"), "{told}");
    assert!(
        told.contains("field \"pin\" may not stand on the outside (form line 4)"),
        "{told}"
    );
    // The pin that is outside is one that the inside lacks: both are said.
    assert!(
        told.contains("field \"pin\" is missing on the inside"),
        "{told}"
    );

    let none = conclave(&["check", "there-is-none.toml"], &root);
    assert_eq!(none.status.code(), Some(2), "{none:?}");
}

#[test]
fn preview_shows_places_and_outside_and_writes_nothing_over() {
    let root = repository("");
    let folder = tempfile::tempdir().unwrap();
    let file = root.join("keymailer-layouts/pin-mailer-continuous.toml");
    let file = file.to_str().unwrap();
    let shown = conclave(&["preview", file], folder.path());
    assert_eq!(shown.status.code(), Some(0), "{shown:?}");
    let text = said(&shown.stdout);
    assert!(text.contains("  5o|   X   X   X   X   X   X"), "{text}");
    assert!(text.contains("  6o|"), "{text}");
    assert!(text.lines().all(|line| line.len() <= 86), "{text}");
    let pdf = ["preview", file, "--as", "pdf", "--out", "page.pdf"];
    assert_eq!(conclave(&pdf, folder.path()).status.code(), Some(0));
    let bytes = fs::read(folder.path().join("page.pdf")).unwrap();
    assert!(bytes.starts_with(b"%PDF-"));
    assert_eq!(conclave(&pdf, folder.path()).status.code(), Some(2));
}

#[test]
fn a_preview_follows_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailer.toml");
    let shipped = repository("keymailer-layouts/pin-mailer-continuous.toml");
    let text = fs::read_to_string(shipped).unwrap();
    // A file that is written in one piece is never read half.
    let save = |text: &str| {
        fs::write(folder.path().join("new"), text).unwrap();
        fs::rename(folder.path().join("new"), &file).unwrap();
    };
    save(&text);
    let mut child = Command::new(env!("CARGO_BIN_EXE_conclave"))
        .args(["layout", "preview", "--follow", file.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut shown = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut until = |wanted: &str| {
        let found = shown.any(|line| line.unwrap().contains(wanted));
        assert!(found, "{wanted}");
    };
    until("X   X   X   X   X   X");
    let number = "text = \"No.\"";
    assert!(text.contains(number));
    save(&text.replacen(number, "text = \"NOW1\"", 1));
    until("NOW1");
    // What is wrong is said, and the next good file is drawn.
    save("name = 1\n");
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(told.next().unwrap().unwrap().contains("mailer.toml"));
    save(&text.replacen(number, "text = \"NOW2\"", 1));
    until("NOW2");
    child.kill().unwrap();
    child.wait().unwrap();
    let none = conclave(
        &["preview", "--follow", "there-is-none.toml"],
        folder.path(),
    );
    assert_eq!(none.status.code(), Some(2), "{none:?}");
}

/// A block of a page that holds this, without the list's indentation.
fn block(page: &str, holds: &str) -> String {
    let mut fences = page.split("   ```");
    let found = fences.find(|block| block.contains(holds)).unwrap();
    let (_, block) = found.split_once('\n').unwrap();
    block
        .lines()
        .map(|line| format!("{}\n", line.trim()))
        .collect()
}

/// What the operators' page says of its own example is so, word for word.
#[test]
fn the_pages_own_import_becomes_a_layout_that_keeps_every_rule() {
    let page = fs::read_to_string(repository("docs/operators/mailers.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pa.txt"), block(&page, "^P>L>F")).unwrap();
    let command = block(&page, "conclave layout import");
    let command = command.trim().strip_prefix("conclave layout ").unwrap();
    let arguments: Vec<&str> = command.split(' ').collect();
    let imported = conclave(&arguments, folder.path());
    let told = said(&imported.stderr);
    let missing = [
        "mailer.toml: field \"banner\" is missing on the inside",
        "The layout has to be completed by hand; then check it again.",
    ];
    assert_eq!(told.lines().collect::<Vec<_>>(), missing, "{told}");
    let path = folder.path().join("mailer.toml");
    let text = fs::read_to_string(&path).unwrap();
    // Name and tracking number end where the outside does.
    assert_eq!(
        text.matches("column = 42\nwidth = 38\n").count(),
        3,
        "{text}"
    );
    fs::write(&path, text + "\n" + &block(&page, "[[field]]")).unwrap();
    let good = conclave(&["check", "mailer.toml"], folder.path());
    assert_eq!(good.status.code(), Some(0), "{good:?}");
}

#[test]
fn import_writes_a_layout_and_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let format = ">L>004^0>L>004^1>L>L>L>L>004YOUR PIN>020^P>L>F\n";
    fs::write(folder.path().join("pa.txt"), format).unwrap();
    let incomplete = conclave(&["import", "pa.txt"], folder.path());
    assert_eq!(incomplete.status.code(), Some(1), "{incomplete:?}");
    let told = said(&incomplete.stderr);
    assert!(
        told.contains("which part of the form is the outside"),
        "{told}"
    );
    let arguments = [
        "import",
        "pa.txt",
        "--field",
        "0=name",
        "--field",
        "1=tracking",
        "--outside",
        "1,1,80,3",
        "--lines",
        "12",
        "--out",
        "mailer.toml",
    ];
    let imported = conclave(&arguments, folder.path());
    assert_eq!(imported.status.code(), Some(1), "{imported:?}");
    assert!(said(&imported.stderr).contains("field \"banner\" is missing on the inside"));
    let path = folder.path().join("mailer.toml");
    let mut text = fs::read_to_string(&path).unwrap();
    text.push_str("\n[[field]]\nname = \"banner\"\nline = 10\ncolumn = 1\nwidth = 20\n");
    fs::write(&path, &text).unwrap();
    // By the rules it is a layout; no batch could be printed by it.
    let blind = conclave(&["check", "mailer.toml"], folder.path());
    assert_eq!(blind.status.code(), Some(1), "{blind:?}");
    assert!(said(&blind.stderr).contains("no sequence on its outside"));
    text.push_str("\n[[field]]\nname = \"sequence\"\nline = 1\ncolumn = 4\nwidth = 20\n");
    fs::write(&path, text).unwrap();
    let good = conclave(&["check", "mailer.toml"], folder.path());
    assert_eq!(good.status.code(), Some(0), "{good:?}");
    fs::write(folder.path().join("bad.txt"), ">L>003^R>F").unwrap();
    let bad = conclave(&["import", "bad.txt"], folder.path());
    assert_eq!(bad.status.code(), Some(1));
    assert!(
        said(&bad.stderr).contains("at character 7, \"^R\""),
        "{bad:?}"
    );
}
