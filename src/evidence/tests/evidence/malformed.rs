//! Named malformed manifests: `tests/malformed/manifests/*.hex`. The first
//! line of each says what kind of refusal it must meet, and why.

use std::path::Path;

use conclave_evidence::read_authority_file;
use conclave_evidence::{EvidenceError, JournalExport, SignedManifest, SignedTranscript};
use proptest::prelude::*;

fn read(bytes: &[u8]) -> Result<(), EvidenceError> {
    SignedManifest::from_file(bytes)?.open()?.check_files()
}

#[test]
fn every_named_manifest_meets_its_refusal() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/malformed/manifests");
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("text");
        let (first, digits) = text.split_once('\n').expect("two lines");
        let kind = first
            .trim_start_matches("# ")
            .split(':')
            .next()
            .expect("a kind");
        let digits: String = digits.split_whitespace().collect();
        let bytes: Vec<u8> = (0..digits.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex"))
            .collect();
        let verdict = read(&bytes);
        let as_expected = match kind {
            "fine" => verdict.is_ok(),
            "form" => matches!(verdict, Err(EvidenceError::Form { .. })),
            "tag" => matches!(verdict, Err(EvidenceError::Tag { .. })),
            "broken" => matches!(verdict, Err(EvidenceError::Broken { .. })),
            other => panic!("{}: what is {other}?", path.display()),
        };
        assert!(as_expected, "{}: {verdict:?}", path.display());
        count += 1;
    }
    assert!(count >= 100, "only {count} files were found");
}

proptest! {
    /// Anything at all is read without a panic.
    #[test]
    fn anything_is_read(bytes in prop::collection::vec(any::<u8>(), 0..300), tagged in 0..5usize) {
        let tags = ["", "conclave/signed-manifest/1", "conclave/signed-transcript/1",
            "conclave/journal-export/1", "conclave/authority-chain/1"];
        let mut all = Vec::new();
        if let Some(tag) = tags.get(tagged).filter(|tag| !tag.is_empty()) {
            all.extend([0x82, 0x78, u8::try_from(tag.len()).expect("short")]);
            all.extend(tag.as_bytes());
        }
        all.extend(bytes);
        prop_assert!(read(&all).is_err());
        prop_assert!(SignedTranscript::from_file(&all).is_err());
        prop_assert!(JournalExport::from_file(&all).is_err());
        prop_assert!(read_authority_file(&all).is_err() || tagged == 4);
    }
}
