//! What was not handed over is named from the journal that was: tampering by leaving out.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use conclave_evidence::journal::EntryKind;
use conclave_evidence::{Mark, verify_path};

use crate::station::{QUORUMS, Station, sign_transcript};

/// Three bundles, two ceremonies with their transcripts, and the journal of all.
struct Handed {
    folder: tempfile::TempDir,
}

impl Handed {
    fn new() -> Self {
        let handed = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        let mut station = Station::new();
        for number in 1..=3u8 {
            let manifest = station.manifest(&QUORUMS);
            station.write_bundle(&handed.at(&format!("CONCLAVE-000{number}-TEST")), &manifest);
            if number == 1 {
                handed.write_journal("old.cbor", &station);
            }
        }
        fs::rename(handed.at("old.cbor"), handed.at("old")).expect("renamed");
        for number in 1..=2u8 {
            station.append(EntryKind::Outcome, 60 + number, "open-ceremony", None);
            let opened = u64::try_from(station.entries.len()).expect("few") - 1;
            let mut transcript = station.transcript().open().expect("opens");
            let line = transcript.lines.last_mut().expect("a line");
            line.seq = opened;
            line.entry = station.newest();
            let signed = sign_transcript(&transcript, &[4, 7]);
            let name = format!("ceremony-{number}.cbor");
            handed.write(&name, &signed.to_file().expect("encodes"));
        }
        handed.write_journal("journal.cbor", &station);
        handed
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &[u8]) {
        fs::write(self.at(name), content).expect("a file");
    }

    fn write_journal(&self, name: &str, station: &Station) {
        self.write(name, &station.export().to_file().expect("encodes"));
    }

    fn remove_bundle(&self, number: u8) {
        fs::remove_dir_all(self.at(&format!("CONCLAVE-000{number}-TEST"))).expect("removed");
    }

    /// The lines with this mark and these words, where all that was given holds; the
    /// small program says the same.
    fn lines(&self, mark: Mark, words: &str) -> Vec<String> {
        let report = verify_path(self.folder.path());
        assert!(report.ok(), "{report}");
        let said = Command::new(env!("CARGO_BIN_EXE_conclave-verify"))
            .arg(self.folder.path())
            .output()
            .expect("the program runs");
        assert_eq!(said.status.code(), Some(0));
        let said = String::from_utf8(said.stdout).expect("text");
        assert_eq!(said, format!("{report}{}\n", report.sum()));
        let lines = report.lines.iter();
        let lines = lines.filter(|l| l.mark == mark && l.what.contains(words));
        lines.map(|l| l.what.clone()).collect()
    }
}

#[test]
fn all_that_the_journal_tells_of_is_given() {
    let handed = Handed::new();
    let given = handed.lines(Mark::Held, "that the journal tells of is given");
    assert_eq!(
        given,
        [
            "each bundle that the journal tells of is given, 3",
            "each transcript of ceremony that the journal tells of is given, 2"
        ]
    );
    assert!(handed.lines(Mark::ToDo, "not given").is_empty());
    let end = handed.lines(Mark::Note, "it ends with entry");
    assert_eq!(end.len(), 1);
    assert!(end[0].contains("2026-03-01 09:30:00 UTC"), "{end:?}");
    // The entry's hash, to be compared by eye or by ear: both say the same.
    let (_, told) = end[0].split_once("SHA-256 is ").expect("a hash");
    let (fours, words) = told.split_once(", in words: ").expect("words");
    let by_eye = conclave_evidence::words::read_digest(fours);
    assert_eq!(by_eye, conclave_evidence::words::read_digest(words));
    assert!(by_eye.is_ok(), "{told}");
}

#[test]
fn the_newest_bundle_is_missed() {
    let handed = Handed::new();
    handed.remove_bundle(3);
    let missed = handed.lines(Mark::ToDo, "not given");
    assert_eq!(
        missed,
        ["bundle 3 of 3 is not given: journal entry 10, 2026-03-01 09:30:00 UTC"]
    );
    handed.remove_bundle(1);
    assert_eq!(handed.lines(Mark::ToDo, "not given").len(), 2);
    handed.remove_bundle(2);
    assert_eq!(
        handed.lines(Mark::ToDo, "no bundle is given"),
        ["the journal tells of 3, and no bundle is given: entries 4 to 10"]
    );
}

#[test]
fn the_newest_ceremony_is_missed() {
    let handed = Handed::new();
    fs::remove_file(handed.at("ceremony-2.cbor")).expect("removed");
    let missed = handed.lines(Mark::ToDo, "transcript of ceremony 2 of 2 is not given");
    assert_eq!(missed.len(), 1);
    assert!(missed[0].contains("journal entry 12"), "{missed:?}");
}

/// Renamed and without its marks a bundle is somebody else's folder: its files are
/// named, and the journal misses it.
#[test]
fn a_renamed_bundle_without_marks_is_named_and_missed() {
    let handed = Handed::new();
    fs::rename(handed.at("CONCLAVE-0003-TEST"), handed.at("holiday")).expect("renamed");
    for file in ["manifest.cbor", "manifest.txt", "authority.cbor"] {
        fs::remove_file(handed.at("holiday").join(file)).expect("removed");
    }
    let passed = handed.lines(Mark::Note, "passed over");
    assert!(
        passed.iter().any(|line| line.ends_with("ZMK-0001.bin")),
        "{passed:?}"
    );
    assert_eq!(handed.lines(Mark::ToDo, "bundle 3 of 3").len(), 1);
    // With a folder of the search's own depth, many files are counted.
    for number in 1..=9 {
        handed.write(&format!("holiday/{number}.jpg"), b"x");
    }
    assert_eq!(handed.lines(Mark::Note, "4.jpg and 6 more").len(), 1);
}

/// An older export would hide what came later; a bundle that came later shows it.
#[test]
fn a_journal_older_than_a_bundle() {
    let handed = Handed::new();
    fs::rename(handed.at("old"), handed.at("journal.cbor")).expect("renamed");
    for number in 1..=2 {
        fs::remove_file(handed.at(&format!("ceremony-{number}.cbor"))).expect("removed");
    }
    let report = verify_path(handed.folder.path());
    let why = report.failure().expect("a reason");
    assert!(
        why.contains("its PROPOSED entry is not in the journal"),
        "{why}"
    );
    // Without the later ones nothing gives it away but where it ends.
    handed.remove_bundle(2);
    handed.remove_bundle(3);
    assert!(handed.lines(Mark::ToDo, "not given").is_empty());
    assert_eq!(handed.lines(Mark::Note, "it ends with entry 4,").len(), 1);
}

#[test]
fn without_a_journal_nobody_can_tell() {
    let handed = Handed::new();
    fs::remove_file(handed.at("journal.cbor")).expect("removed");
    assert_eq!(
        handed
            .lines(Mark::Note, "no journal of their station is given")
            .len(),
        1
    );
}
