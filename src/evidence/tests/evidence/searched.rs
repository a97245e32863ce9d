//! What lies in a folder and has lost its mark is told, beside whatever held.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use conclave_evidence::{Mark, verify_path};

use crate::station::{QUORUMS, Station};

/// A medium as an auditor takes it away: a bundle, a journal, a transcript with its
/// minutes, and what other systems leave there.
struct Medium {
    folder: tempfile::TempDir,
    station: Station,
}

const JOURNAL: &str = "journal/TEST-journal-000012.cbor";
const TRANSCRIPT: &str = "minutes/TEST-ZMK-0001-C00000001.cbor";
const MINUTES: &str = "minutes/TEST-ZMK-0001-C00000001.pdf";
const BUNDLE: &str = "CONCLAVE-0001-TEST";

impl Medium {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut station = Station::new();
        let manifest = station.manifest(&QUORUMS);
        station.write_bundle(&folder.path().join(BUNDLE), &manifest);
        let made = Self { folder, station };
        made.write(JOURNAL, &made.station.export().to_file().expect("encodes"));
        let transcript = made.station.transcript().to_file().expect("encodes");
        made.write(TRANSCRIPT, &transcript);
        made.write(MINUTES, b"minutes");
        made
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &[u8]) {
        let path = self.at(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, content).expect("a file");
    }

    /// What is said first where it does not verify.
    fn failure(&self) -> String {
        let report = verify_path(self.folder.path());
        assert!(!report.ok(), "{report}");
        report.failure().expect("a reason")
    }

    fn holds(&self) {
        let report = verify_path(self.folder.path());
        assert!(report.ok(), "{report}");
    }
}

fn exit_code(path: &Path) -> Option<i32> {
    Command::new(env!("CARGO_BIN_EXE_conclave-verify"))
        .arg(path)
        .output()
        .expect("the program runs")
        .status
        .code()
}

#[test]
fn each_of_the_first_forty_bytes_of_each_file() {
    let medium = Medium::new();
    medium.holds();
    for file in [
        JOURNAL,
        TRANSCRIPT,
        MINUTES,
        "CONCLAVE-0001-TEST/manifest.cbor",
        "CONCLAVE-0001-TEST/manifest.txt",
        "CONCLAVE-0001-TEST/authority.cbor",
    ] {
        let whole = fs::read(medium.at(file)).expect("a file");
        for at in 0..whole.len().min(40) {
            for bit in [0, 5] {
                let mut damaged = whole.clone();
                damaged[at] ^= 1 << bit;
                medium.write(file, &damaged);
                let report = verify_path(medium.folder.path());
                assert!(!report.ok(), "{file}, byte {at}, bit {bit}:\n{report}");
                assert!(report.failure().is_some());
            }
        }
        medium.write(file, b"");
        assert!(!verify_path(medium.folder.path()).ok(), "{file} emptied");
        assert_eq!(exit_code(medium.folder.path()), Some(1), "{file} emptied");
        medium.write(file, &whole);
    }
    medium.holds();
    assert_eq!(exit_code(medium.folder.path()), Some(0));
}

#[test]
fn a_folder_without_its_mark() {
    let medium = Medium::new();
    for file in ["manifest.cbor", "manifest.txt", "authority.cbor"] {
        fs::remove_file(medium.at(BUNDLE).join(file)).expect("removed");
        assert_eq!(exit_code(medium.folder.path()), Some(1), "{file} removed");
    }
    let said = medium.failure();
    assert!(said.contains("manifest.cbor is not in it"), "{said}");
    assert_eq!(exit_code(&medium.at(BUNDLE)), Some(1));
    fs::remove_dir_all(medium.at(BUNDLE)).expect("removed");
    medium.holds();
    for (file, words) in [
        (
            "BACKUP-000012-TEST/records-0001.bin",
            "backup.cbor is not in it",
        ),
        ("old/journal-0001.bin", "backup.cbor is not in it"),
        ("UPDATE-0.2.0/conclave", "update.cbor is not in it"),
        ("PIN-B-0001-01-TEST/notes.txt", "output.p7m is not in it"),
        ("PIN-B-0001-01-TEST/output.p7m", "and nothing else"),
        ("kept/authority.cbor", "not checked"),
        ("kept/journal.old.CBOR", "nothing of ours"),
    ] {
        medium.write(file, b"x");
        if file.starts_with("PIN") && file.ends_with("p7m") {
            medium.write("PIN-B-0001-01-TEST/notes.txt", b"x");
        }
        let said = medium.failure();
        assert!(
            said.contains("not checked") && said.contains(words),
            "{said}"
        );
        assert_eq!(exit_code(medium.folder.path()), Some(1), "{file}");
        fs::remove_dir_all(medium.at(file).parent().expect("a folder")).expect("removed");
    }
    // An authority chain that is whole, and stands beside nothing.
    let chain = conclave_evidence::authority_file(&medium.station.authority).expect("encodes");
    medium.write("kept/authority.cbor", &chain);
    assert!(medium.failure().contains("authority records alone"));
    fs::remove_dir_all(medium.at("kept")).expect("removed");
    // A link leads anywhere.
    std::os::unix::fs::symlink(medium.at(JOURNAL), medium.at("other.cbor")).expect("a link");
    assert!(medium.failure().contains("a link or a device"));
}

#[test]
fn minutes_without_their_transcript() {
    let medium = Medium::new();
    let transcript = fs::read(medium.at(TRANSCRIPT)).expect("a file");
    fs::remove_file(medium.at(TRANSCRIPT)).expect("removed");
    let said = medium.failure();
    assert!(
        said.contains("no transcript that names them is given"),
        "{said}"
    );
    assert_eq!(exit_code(medium.folder.path()), Some(1));
    // Wherever they lie, their title says what they are.
    fs::remove_dir_all(medium.at("minutes")).expect("removed");
    medium.write("paper/a.pdf", b"%PDF-1.3 (Minutes: Make a ZMK) Tj");
    assert!(medium.failure().contains("paper/a.pdf"));
    fs::remove_dir_all(medium.at("paper")).expect("removed");
    // A transcript elsewhere names them by digest.
    medium.write("minutes/mine.pdf", b"minutes");
    medium.write("transcripts/one.cbor", &transcript);
    medium.holds();
    medium.write("minutes/mine.pdf", b"other minutes");
    assert!(medium.failure().contains("mine.pdf"));
}

#[test]
fn what_belongs_to_others_is_passed_over() {
    let medium = Medium::new();
    for (file, content) in [
        ("System Volume Information/IndexerVolumeGuid", &b"x"[..]),
        (
            "._TEST-journal-000012.cbor",
            b"\x00\x05\x16\x07\x00\x02\x00\x00",
        ),
        ("notes.txt", b"to do"),
        ("paper/TEST-LETTER-ZMK.pdf", b"%PDF-1.3 (Letter) Tj"),
        ("CONCLAVE-docs/readme.txt", b"x"),
        ("IMPORT/cards.p7m", b"x"),
        ("demo.json", b"{}"),
    ] {
        medium.write(file, content);
    }
    medium.holds();
    assert_eq!(exit_code(medium.folder.path()), Some(0));
}

#[test]
fn a_folders_number_is_its_bundles() {
    let medium = Medium::new();
    let noted = || {
        let report = verify_path(medium.folder.path());
        assert!(report.ok(), "{report}");
        report
            .lines
            .iter()
            .any(|l| l.mark == Mark::Note && l.what.contains("is called bundle 7"))
    };
    assert!(!noted());
    fs::rename(medium.at(BUNDLE), medium.at("CONCLAVE-0007-TEST")).expect("renamed");
    assert!(noted());
}
