//! Files and folders as they are handed over.

use std::fs;
use std::path::{Path, PathBuf};

use conclave_evidence::journal::EntryKind;
use conclave_evidence::manifest::FileEntry;
use conclave_evidence::verify::verify_from;
use conclave_evidence::{
    EvidenceError, Hash, Manifest, Mark, authority_file, verify_path, verify_paths,
};

use crate::station::{PAYLOAD_NAME, QUORUMS, Station};

/// A stick with two bundles, an exported journal, and a ceremony's transcript.
struct Handed {
    folder: tempfile::TempDir,
    station: Station,
    first: Manifest,
}

impl Handed {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut station = Station::new();
        let first = station.manifest(&QUORUMS);
        let second = station.manifest(&QUORUMS);
        station.write_bundle(&folder.path().join("media/bundle-1"), &first);
        station.write_bundle(&folder.path().join("media/bundle-2"), &second);
        let made = Self {
            folder,
            station,
            first,
        };
        fs::create_dir(made.at("ceremony")).expect("a folder");
        let signed = made.station.transcript();
        made.write(
            "ceremony/transcript.cbor",
            &signed.to_file().expect("encodes"),
        );
        made.write("ceremony/minutes.txt", b"minutes");
        made.write(
            "ceremony/authority.cbor",
            &authority_file(&made.station.authority).expect("encodes"),
        );
        made.write_journal();
        made
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &[u8]) {
        fs::write(self.at(name), content).expect("a file");
    }

    fn write_journal(&self) {
        let file = self.station.export().to_file().expect("encodes");
        self.write("journal.cbor", &file);
    }

    fn failure(&self) -> String {
        failure(self.folder.path())
    }
}

fn failure(path: &Path) -> String {
    let report = verify_path(path);
    assert!(!report.ok(), "{report}");
    report.failure().expect("a failure")
}

#[test]
fn everything_verifies() {
    let handed = Handed::new();
    let report = verify_path(handed.folder.path());
    assert!(report.ok(), "{report}");
    let text = report.to_string();
    for words in [
        "ZMK-0001.bin: size and SHA-256 agree",
        "the journal knows it",
        "no number and no approval used twice",
        "the minutes are the transcript's",
        "its lines are the journal's",
        "compare with the paper of the genesis",
        "approved by Person 4 (Key managers)",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    for name in [
        "media/bundle-1",
        "media/bundle-1/manifest.cbor",
        "media",
        "journal.cbor",
        "ceremony/transcript.cbor",
    ] {
        let report = verify_path(&handed.at(name));
        assert!(report.ok(), "{name}\n{report}");
    }
}

#[test]
fn genesis_is_compared() {
    let handed = Handed::new();
    let genesis = handed.station.record_hash();
    let paths = [handed.folder.path().to_path_buf()];
    assert!(verify_from(&paths, Some(&genesis)).ok());
    let report = verify_from(&paths, Some(&Hash([0; 32])));
    assert!(report.failure().is_some_and(|it| it.contains("genesis")));
}

/// What nobody compared is no check that held: it stands apart, is not counted, and
/// the last line says so.
#[test]
fn what_only_people_can_compare_is_to_do() {
    let handed = Handed::new();
    let paths = [handed.folder.path().to_path_buf()];
    let report = verify_from(&paths, None);
    let to_do: Vec<_> = report
        .lines
        .iter()
        .filter(|l| l.mark == Mark::ToDo)
        .collect();
    assert_eq!(to_do.len(), 1, "{report}");
    let line = to_do[0].to_string();
    assert!(
        line.starts_with("to do  ") && line.contains("paper of the genesis"),
        "{line}"
    );
    let held = report.lines.iter().filter(|l| l.mark == Mark::Held).count();
    assert!(held < report.lines.len());
    let sum = report.sum();
    assert!(
        sum.starts_with(&format!("{held} checks, all of them held.")),
        "{sum}"
    );
    assert!(
        sum.contains("genesis was NOT compared") && sum.contains("1 thing to do"),
        "{sum}"
    );

    let report = verify_from(&paths, Some(&handed.station.record_hash()));
    assert!(
        report.lines.iter().all(|l| l.mark != Mark::ToDo),
        "{report}"
    );
    assert!(
        report
            .sum()
            .ends_with("The genesis is the one that was given.")
    );

    // A digest that nothing was compared with is not passed over either.
    let alone = tempfile::tempdir().expect("a temporary folder");
    fs::write(alone.path().join("output.p7m"), b"sealed").expect("a file");
    let report = verify_from(&[alone.path().to_path_buf()], Some(&Hash([7; 32])));
    assert!(
        report.to_string().contains("compared with nothing"),
        "{report}"
    );
    assert!(!report.ok());
}

/// The output of a PIN batch has no manifest: alone it is not checked, among others
/// its digest is to be compared.
#[test]
fn the_output_of_a_pin_batch_is_its_issuers() {
    let handed = Handed::new();
    let place = handed.at("media/PIN-B-0001-01-TEST");
    fs::create_dir(&place).expect("a folder");
    fs::write(place.join("output.p7m"), b"sealed").expect("a file");
    let said = failure(&place);
    assert!(
        said.contains("not checked: the output of a PIN batch"),
        "{said}"
    );
    let digest = Hash(<sha2::Sha256 as sha2::Digest>::digest(b"sealed").into());
    assert!(said.contains(&digest.to_string()), "{said}");
    let report = verify_path(handed.folder.path());
    assert!(report.ok(), "{report}");
    let mark = |l: &&conclave_evidence::Check| l.what.contains("PIN batch") && l.mark == Mark::ToDo;
    assert_eq!(report.lines.iter().filter(mark).count(), 1, "{report}");
}

#[test]
fn a_stations_own_folder_is_named_as_such() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(folder.path().join("repository")).expect("a folder");
    assert!(failure(folder.path()).contains("a station's own folder"));
}

/// Exit code, standard output, standard error of the small program.
fn program(arguments: &[&std::ffi::OsStr]) -> (Option<i32>, String, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_conclave-verify"))
        .args(arguments)
        .output()
        .expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn the_small_program_says_the_same() {
    let handed = Handed::new();
    let folder = handed.folder.path().as_os_str();
    let genesis = handed.station.record_hash();
    let words = conclave_evidence::words::digest_lines(&genesis).join(" ");
    let report = verify_from(&[folder.into()], Some(&genesis));
    let (code, out, err) = program(&["--genesis".as_ref(), words.as_ref(), folder]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert_eq!(out, format!("{report}{}\n", report.sum()));
    // Without the digest it says at the end that nobody compared it.
    let (code, out, _) = program(&[folder]);
    let last = out.lines().last().unwrap_or_default();
    assert!(
        code == Some(0) && last.contains("genesis was NOT compared"),
        "{out}"
    );
    // A transcript alone is not wrong, and not verified.
    let alone = tempfile::tempdir().expect("a temporary folder");
    let path = alone.path().join("transcript.cbor");
    fs::copy(handed.at("ceremony/transcript.cbor"), &path).expect("copied");
    let (code, out, err) = program(&[path.as_os_str()]);
    assert_eq!(code, Some(1), "{out}");
    assert!(!out.contains("WRONG") && out.contains("to do  "), "{out}");
    assert!(
        err.contains("not checked: give the journal export"),
        "{err}"
    );

    let zeros = "00".repeat(32);
    let (code, out, err) = program(&["--genesis".as_ref(), zeros.as_ref(), folder]);
    assert_eq!(code, Some(1), "{out}");
    assert!(
        err.contains("NOT VERIFIED") && err.contains("genesis"),
        "{err}"
    );

    let flags: [&[&str]; 5] = [
        &[],
        &["--genesis"],
        &["--genesis", "acme"],
        &["--genesis", "00 11", "x"],
        &["--force", "x"],
    ];
    for flags in flags {
        let arguments: Vec<&std::ffi::OsStr> = flags.iter().map(|a| a.as_ref()).collect();
        let (code, out, err) = program(&arguments);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{flags:?}");
        assert!(err.contains("Usage"), "{flags:?}: {err}");
    }
    let (code, out, _) = program(&["--help".as_ref()]);
    assert!(code == Some(0) && out.contains("Usage"));
}

#[test]
fn nothing_to_verify_is_a_failure() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert!(failure(folder.path()).contains("there is no bundle"));
    assert!(failure(&folder.path().join("absent")).contains("missing"));
    assert!(!verify_paths(&[]).ok());
    fs::write(folder.path().join("note.txt"), "hello").expect("a file");
    assert!(failure(&folder.path().join("note.txt")).contains("nothing of ours"));
    fs::write(folder.path().join("journal.cbor"), "hello").expect("a file");
    assert!(failure(folder.path()).contains("nothing of ours"));
}

#[test]
fn files_of_a_bundle() {
    let handed = Handed::new();
    let payload = format!("media/bundle-1/{PAYLOAD_NAME}");
    let whole = fs::read(handed.at(&payload)).expect("a file");
    handed.write(&payload, &whole[1..]);
    assert!(handed.failure().contains("shorter"));
    handed.write(&payload, &[&whole[..], &[0]].concat());
    assert!(handed.failure().contains("longer"));
    handed.write(&payload, &whole);
    handed.write("media/bundle-1/autorun.inf", b"");
    assert!(
        handed
            .failure()
            .contains("autorun.inf: it is not in the manifest")
    );
    fs::remove_file(handed.at("media/bundle-1/autorun.inf")).expect("removed");
    assert!(verify_path(handed.folder.path()).ok());
    for name in [
        "manifest.cbor",
        "manifest.txt",
        "authority.cbor",
        PAYLOAD_NAME,
    ] {
        let path = handed.at(&format!("media/bundle-1/{name}"));
        let content = fs::read(&path).expect("a file");
        fs::remove_file(&path).expect("removed");
        assert!(
            handed.failure().contains(&format!("{name}: it is missing")),
            "{name}"
        );
        fs::create_dir(&path).expect("a folder");
        assert!(handed.failure().contains("not a plain file"), "{name}");
        fs::remove_dir(&path).expect("removed");
        // Not even a link to the very same content.
        fs::write(handed.at("elsewhere"), &content).expect("a file");
        std::os::unix::fs::symlink(handed.at("elsewhere"), &path).expect("a link");
        assert!(handed.failure().contains("not a plain file"), "{name}");
        fs::remove_file(&path).expect("removed");
        fs::write(&path, &content).expect("a file");
    }
    assert!(verify_path(handed.folder.path()).ok());
    fs::create_dir(handed.at("media/bundle-1/System")).expect("a folder");
    assert!(
        handed
            .failure()
            .contains("System: it is not in the manifest")
    );
}

#[test]
fn the_text_says_what_was_signed() {
    let handed = Handed::new();
    let text = fs::read_to_string(handed.at("media/bundle-1/manifest.txt")).expect("text");
    for words in [
        "TEST",
        "Partner bank",
        "KCV 08D7B4 (legacy)",
        "TR-31 B",
        "2026-03-01 09:30:00",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert!(text.lines().all(|line| line.len() <= 120), "{text}");
    handed.write(
        "media/bundle-1/manifest.txt",
        text.replace("Partner bank", "Another bank").as_bytes(),
    );
    assert!(handed.failure().contains("manifest.txt"));
}

#[test]
fn numbers_and_approvals_are_used_once() {
    let mut handed = Handed::new();
    // The same bundle twice is a copy.
    handed
        .station
        .write_bundle(&handed.at("media/copy"), &handed.first);
    assert!(verify_path(handed.folder.path()).ok());
    let mut replayed = handed.first.clone();
    replayed.sequence = 99;
    handed
        .station
        .write_bundle(&handed.at("media/copy"), &replayed);
    assert!(
        handed.failure().contains("approvals were used"),
        "{}",
        handed.failure()
    );
    fs::remove_dir_all(handed.at("media/copy")).expect("removed");
    let mut third = handed.station.manifest(&QUORUMS);
    handed.write_journal();
    third.sequence = 1;
    handed
        .station
        .write_bundle(&handed.at("media/bundle-3"), &third);
    assert!(
        handed.failure().contains("number 1"),
        "{}",
        handed.failure()
    );
}

#[test]
fn a_bundle_that_the_journal_does_not_know() {
    let mut handed = Handed::new();
    let unknown = handed.station.manifest(&QUORUMS);
    handed
        .station
        .write_bundle(&handed.at("media/bundle-3"), &unknown);
    assert!(
        handed
            .failure()
            .contains("PROPOSED entry is not in the journal")
    );
    // An approved act that names another entry of the journal.
    let mut moved = unknown;
    handed.write_journal();
    moved.proposed = handed.first.proposed;
    moved.approvals = QUORUMS
        .iter()
        .map(|(group, card)| crate::station::approve(&moved, *group, *card))
        .collect();
    fs::remove_dir_all(handed.at("media")).expect("removed");
    handed
        .station
        .write_bundle(&handed.at("media/bundle-3"), &moved);
    assert!(
        handed.failure().contains("something else"),
        "{}",
        handed.failure()
    );
}

#[test]
fn a_bundle_of_another_chain() {
    let handed = Handed::new();
    let mut other = Station::new();
    other.bundles = 50;
    other.next_record(&[1, 2], |record| record.station_name = "Other".into());
    let manifest = other.manifest(&QUORUMS);
    other.write_bundle(&handed.at("media/bundle-3"), &manifest);
    assert!(
        handed.failure().contains("chain of its bundle"),
        "{}",
        handed.failure()
    );
}

#[test]
fn an_older_chain_than_the_bundles_own_is_refused() {
    let mut station = Station::new();
    let manifest = station.manifest(&QUORUMS);
    station.next_record(&[3], |record| {
        record.cards[3].state = conclave_evidence::authority::CardState::Revoked;
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    station.write_bundle(folder.path(), &manifest);
    assert!(failure(folder.path()).contains("not the newest"));
}

#[test]
fn transcripts_are_the_journals() {
    let handed = Handed::new();
    handed.write("ceremony/minutes.txt", b"other minutes");
    assert!(handed.failure().contains("not the minutes"));
    handed.write("ceremony/minutes.txt", b"minutes");
    let mut transcript = handed.station.transcript().open().expect("opens");
    transcript.lines[0].entry = Hash([7; 32]);
    let signed = crate::station::sign_transcript(&transcript, &[4]);
    handed.write(
        "ceremony/transcript.cbor",
        &signed.to_file().expect("encodes"),
    );
    assert!(
        handed.failure().contains("journal entry 0"),
        "{}",
        handed.failure()
    );
    // Alone, without a chain, it proves nothing.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("transcript.cbor");
    fs::copy(handed.at("ceremony/transcript.cbor"), &path).expect("copied");
    let report = verify_path(&path);
    assert!(report.first.is_none(), "{report}");
    let said = failure(&path);
    assert!(
        said.contains("not checked: give the journal export or a bundle"),
        "{said}"
    );
    // What is wrong comes first.
    let both = verify_paths(&[path, handed.at("")]);
    assert!(
        both.failure()
            .is_some_and(|why| why.contains("journal entry 0")),
        "{both}"
    );
}

/// No card signs the file itself: the report says who closed the ceremony, and where,
/// and the journal has to say it too.
#[test]
fn a_transcript_says_who_stands_behind_it() {
    let mut handed = Handed::new();
    let said = |handed: &Handed| verify_path(handed.folder.path()).to_string();
    assert!(said(&handed).contains("signed by the station and 2 cards"));

    handed
        .station
        .append(EntryKind::Proposed, 0xCE, "close-ceremony", None);
    handed
        .station
        .append(EntryKind::Intent, 0xCE, "close-ceremony", None);
    handed
        .station
        .append(EntryKind::Outcome, 0xCE, "close-ceremony", None);
    handed.write_journal();
    let mut transcript = handed.station.transcript().open().expect("opens");
    let write = |handed: &Handed, transcript: &conclave_evidence::Transcript| {
        let signed = crate::station::sign_transcript(transcript, &[]);
        let file = signed.to_file().expect("encodes");
        handed.write("ceremony/transcript.cbor", &file);
    };
    // Nobody closed it.
    for line in &mut transcript.lines {
        line.actors.clear();
    }
    write(&handed, &transcript);
    let words = said(&handed);
    assert!(words.contains("it was not closed"), "{words}");
    assert!(!words.contains("0 cards"), "{words}");
    // An act has the names of those who signed it.
    transcript.lines[1].actors = vec!["Person 4".into(), "Person 7".into()];
    write(&handed, &transcript);
    assert!(said(&handed).contains("of an act that Person 4, Person 7 signed"));
    // The close, at its place in the journal.
    let last = handed.station.entries.len() - 1;
    let mut close = transcript.lines[1].clone();
    close.seq = u64::try_from(last).expect("few");
    close.entry = conclave_evidence::journal::entry_hash(&handed.station.entries[last]);
    (close.step, close.result) = ("close-ceremony".into(), "OUTCOME".into());
    transcript.lines.push(close);
    write(&handed, &transcript);
    let words = said(&handed);
    assert!(verify_path(handed.folder.path()).ok(), "{words}");
    assert!(
        words.contains(&format!("journal entry {last}; the minutes name them")),
        "{words}"
    );
    // A line that calls another entry the close.
    transcript.lines.pop();
    transcript.lines[1].step = "close-ceremony".into();
    transcript.lines[1].result = "OUTCOME".into();
    write(&handed, &transcript);
    let why = handed.failure();
    assert!(
        why.contains("does not say there that it was closed"),
        "{why}"
    );
}

#[test]
fn names_do_not_reach_out_of_the_folder() {
    let handed = Handed::new();
    let mut manifest = handed.first.clone();
    let (size, sha256) = FileEntry::measure(b"secret");
    handed.write("media/secret", b"secret");
    manifest.files[0].name = "../secret".into();
    (manifest.files[0].size, manifest.files[0].sha256) = (size, sha256);
    handed
        .station
        .write_bundle(&handed.at("media/bundle-1"), &manifest);
    let report = verify_path(&handed.at("media/bundle-1"));
    assert!(
        matches!(report.first, Some(EvidenceError::Broken { .. })),
        "{report}"
    );
    assert!(!report.to_string().contains("secret: size"), "{report}");
}
