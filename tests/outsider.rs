//! The whole main job, and a stranger who arrives at the same keys with
//! pdftotext, XOR and psec.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

fn conclave(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_conclave"))
        .args(arguments)
        .output()
        .expect("the program starts")
}

/// One demonstration for all tests of this file.
fn demonstration() -> &'static Path {
    static DEMO: OnceLock<tempfile::TempDir> = OnceLock::new();
    DEMO.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("demo");
        let run = conclave(&["demo", "--out", out.to_str().unwrap()]);
        assert!(run.status.success(), "{run:?}");
        folder
    })
    .path()
}

fn out() -> PathBuf {
    demonstration().join("demo")
}

fn outsider(folder: &Path) -> Output {
    let oracles = std::env::var("CONCLAVE_ORACLES")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/.oracles").into());
    Command::new(Path::new(&oracles).join("bin/python3"))
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/outsider/outsider.py"
        ))
        .arg(folder)
        .output()
        .expect("the oracles: run ./scripts/test, which installs them")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn an_outsider_arrives_at_the_same_keys() {
    let run = outsider(&out());
    assert!(
        run.status.success(),
        "{}{}",
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr)
    );
}

/// The outsider can fail: two sheets exchanged, or another check value.
#[test]
fn the_outsider_notices_what_is_not_so() {
    let folder = tempfile::tempdir().unwrap();
    let demo = folder.path().join("demo");
    copy(&out(), &demo);
    let json = demo.join("demo.json");
    let text = std::fs::read_to_string(&json).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let kcv = value["components"][0]["kcv"].as_str().unwrap();
    let other: String = kcv
        .chars()
        .map(|c| if c == '0' { '1' } else { '0' })
        .collect();
    std::fs::write(&json, text.replace(kcv, &other)).unwrap();
    assert!(!outsider(&demo).status.success());

    std::fs::write(&json, &text).unwrap();
    let sheet = |n: usize| demo.join(value["components"][n]["pdf"].as_str().unwrap());
    std::fs::copy(sheet(1), sheet(0)).unwrap();
    assert!(!outsider(&demo).status.success());
}

#[test]
fn everything_that_left_verifies_and_one_bit_less_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let demo = folder.path().join("demo");
    copy(&out(), &demo);
    let verify = || {
        let journal = demo.join("journal/journal.cbor");
        conclave(&[
            "verify",
            journal.to_str().unwrap(),
            demo.join("media").to_str().unwrap(),
            demo.join("minutes").to_str().unwrap(),
        ])
    };
    let fine = verify();
    assert!(fine.status.success(), "{fine:?}");
    assert!(String::from_utf8_lossy(&fine.stdout).lines().count() > 60);
    let mut files = vec![demo.join("journal/journal.cbor")];
    let first = demo.join("media/CONCLAVE-0001-TEST");
    for entry in std::fs::read_dir(first).unwrap() {
        files.push(entry.unwrap().path());
    }
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        let mut bad = bytes.clone();
        let at = bytes.len() / 2;
        bad[at] ^= 0x01;
        std::fs::write(&path, &bad).unwrap();
        let run = verify();
        assert_eq!(run.status.code(), Some(1), "{}", path.display());
        assert!(
            String::from_utf8_lossy(&run.stderr).contains("NOT VERIFIED"),
            "{run:?}"
        );
        std::fs::write(&path, &bytes).unwrap();
    }
}

#[test]
fn pages_are_clean_and_minutes_hold_no_component() {
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out().join("demo.json")).unwrap()).unwrap();
    let mut pages: Vec<String> = Vec::new();
    for page in report["minutes"].as_array().unwrap() {
        pages.push(page.as_str().unwrap().to_owned());
    }
    assert_eq!(pages.len(), 6, "one for each ceremony");
    for part in report["components"].as_array().unwrap() {
        pages.push(part["pdf"].as_str().unwrap().to_owned());
    }
    for page in &pages {
        let qpdf = Command::new("qpdf")
            .arg("--check")
            .arg(out().join(page))
            .output()
            .expect("qpdf: run ./scripts/test, which installs it");
        assert!(qpdf.status.success(), "{page}: {qpdf:?}");
    }
    for part in report["components"].as_array().unwrap() {
        let escp = std::fs::read(out().join(part["escp"].as_str().unwrap())).unwrap();
        let group = |text: &[u8]| text.len() == 4 && text.iter().all(u8::is_ascii_hexdigit);
        let words = escp.split(|b| *b == b' ').filter(|word| group(word));
        assert!(words.count() >= 12, "the sheet shows its groups");
    }
    for page in report["minutes"].as_array().unwrap() {
        let text = Command::new("pdftotext")
            .arg("-layout")
            .arg(out().join(page.as_str().unwrap()))
            .arg("-")
            .output()
            .expect("pdftotext: run ./scripts/test, which installs it");
        let text = String::from_utf8_lossy(&text.stdout).into_owned();
        assert!(text.contains("SHA-256 of the script"), "{page}");
        assert!(!text.contains("check G") && !text.contains("COMPONENT VALUE"));
    }
}

#[test]
fn a_folder_in_use_is_left_alone() {
    let before = std::fs::read_dir(out()).unwrap().count();
    let run = conclave(&["demo", "--out", out().to_str().unwrap()]);
    assert_eq!(run.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&run.stderr).contains("not empty"));
    assert_eq!(std::fs::read_dir(out()).unwrap().count(), before);
}
