//! One bit anywhere, and the evidence is refused.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use conclave_evidence::{authority_file, verify_path};
use proptest::prelude::*;

use crate::station::{PAYLOAD_NAME, QUORUMS, Station};

/// A file's name and its content.
type Content = (&'static str, Vec<u8>);

struct Whole {
    /// A folder to verify, and the files in it.
    cases: Vec<(PathBuf, Vec<Content>)>,
    _folder: tempfile::TempDir,
}

/// Built once; each case damages its own copy in turn.
fn whole() -> &'static std::sync::Mutex<Whole> {
    static WHOLE: OnceLock<std::sync::Mutex<Whole>> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut station = Station::new();
        let manifest = station.manifest(&QUORUMS);
        let at = |name: &str| folder.path().join(name);
        station.write_bundle(&at("bundle"), &manifest);
        for (name, file, content) in [
            ("journal", "journal.cbor", station.export().to_file()),
            (
                "ceremony",
                "transcript.cbor",
                station.transcript().to_file(),
            ),
            (
                "ceremony",
                "authority.cbor",
                authority_file(&station.authority),
            ),
        ] {
            fs::create_dir_all(at(name)).expect("a folder");
            fs::write(at(name).join(file), content.expect("encodes")).expect("a file");
        }
        let mut cases = Vec::new();
        for (name, files) in [
            (
                "bundle",
                &[
                    "manifest.cbor",
                    "authority.cbor",
                    "manifest.txt",
                    PAYLOAD_NAME,
                ][..],
            ),
            ("journal", &["journal.cbor"]),
            ("ceremony", &["transcript.cbor", "authority.cbor"]),
        ] {
            let files = files
                .iter()
                .map(|file| (*file, fs::read(at(name).join(file)).expect("a file")))
                .collect();
            assert!(verify_path(&at(name)).ok());
            cases.push((at(name), files));
        }
        std::sync::Mutex::new(Whole {
            cases,
            _folder: folder,
        })
    })
}

/// Damages one file in every case's turn and gives what was accepted, if
/// anything.
fn accepted(damage: &dyn Fn(&[u8]) -> Vec<u8>) -> Option<String> {
    let whole = whole().lock().expect("no test panicked");
    for (folder, files) in &whole.cases {
        for (name, content) in files {
            let path = folder.join(name);
            let damaged = damage(content);
            fs::write(&path, &damaged).expect("a file");
            let report = verify_path(folder);
            fs::write(&path, content).expect("a file");
            if damaged != *content && (report.ok() || report.failure().is_none()) {
                return Some(format!("{name}\n{report}"));
            }
        }
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn one_bit(at in any::<usize>(), bit in 0..8u8) {
        let found = accepted(&|content| {
            let mut damaged = content.to_vec();
            let at = at % damaged.len();
            damaged[at] ^= 1 << bit;
            damaged
        });
        prop_assert_eq!(found, None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn cut_off(at in any::<usize>()) {
        let found = accepted(&|content| content[..at % content.len()].to_vec());
        prop_assert_eq!(found, None);
    }

    #[test]
    fn a_piece_lost_doubled_or_put_in(at in any::<usize>(), length in 1..40usize, how in 0..3u8) {
        let found = accepted(&|content| {
            let at = at % content.len();
            let end = (at + length).min(content.len());
            let (before, piece, after) = (&content[..at], &content[at..end], &content[end..]);
            match how {
                0 => [before, after].concat(),
                1 => [before, piece, piece, after].concat(),
                _ => [before, &[0x60; 5], piece, after].concat(),
            }
        });
        prop_assert_eq!(found, None);
    }
}

/// Every place of the smaller files, not only those that chance finds.
#[test]
fn every_byte_of_manifest_and_transcript_heads() {
    for at in (0..400).chain(2000..2100) {
        let found = accepted_in(&["manifest.cbor", "transcript.cbor"], at);
        assert_eq!(found, None, "byte {at}");
    }
}

fn accepted_in(names: &[&str], at: usize) -> Option<String> {
    let whole = whole().lock().expect("no test panicked");
    for (folder, files) in &whole.cases {
        for (name, content) in files.iter().filter(|(name, _)| names.contains(name)) {
            let Some(byte) = content.get(at) else {
                continue;
            };
            let path = folder.join(name);
            let mut damaged = content.clone();
            damaged[at] = byte.wrapping_add(1);
            fs::write(&path, &damaged).expect("a file");
            let report = verify_path(folder);
            fs::write(&path, content).expect("a file");
            if report.ok() {
                return Some(format!("{name}\n{report}"));
            }
        }
    }
    None
}
