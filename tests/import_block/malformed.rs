//! Named files for what has no test of its own: cryptograms without a key block,
//! public keys, receipts. What is wrong with each, as its name says. And the files of
//! every form of import through the station: each is told, leaves one failed act in the
//! journal, or none where it is refused as it is typed, and no key.

use std::path::Path;

use super::{LABEL, enter_zmk, failed, import_as, told, unhex};
use crate::stage::{folder, scene};

use conclave_crypto::primitive::key_scheme::Cryptogram;
use conclave_crypto::primitive::rsa::Public;
use conclave_trades::target::{RECEIPT_MAX, Receipt};

fn files(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/malformed")
        .join(folder);
    let mut all: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            (path.display().to_string(), bytes)
        })
        .collect();
    all.sort();
    all
}

/// The first line says what has to be heard.
fn expected(bytes: &[u8]) -> (String, &[u8]) {
    let at = bytes.iter().position(|b| *b == b'\n').unwrap();
    let (head, rest) = bytes.split_at(at);
    let head = String::from_utf8_lossy(head);
    (head.trim_start_matches("# ").to_owned(), &rest[1..])
}

#[test]
fn cryptograms_are_refused_by_what_is_wrong_with_them() {
    let all = files("cryptograms");
    assert!(all.len() >= 19);
    for (path, bytes) in all {
        let (expected, rest) = expected(&bytes);
        let text = std::str::from_utf8(rest).unwrap().trim_end_matches('\n');
        let why = Cryptogram::parse(text).unwrap_err().to_string();
        assert!(why.contains(&expected), "{path}: {why}");
    }
}

#[test]
fn receipts_are_refused_by_line_and_reason() {
    let all = files("receipts");
    assert!(all.len() >= 22);
    for (path, bytes) in all {
        // The first line is a comment of the form, too.
        let (expected, _) = expected(&bytes);
        let why = Receipt::parse(&bytes).unwrap_err().to_string();
        assert!(why.contains(&expected), "{path}: {why}");
    }
    let huge = vec![b'#'; RECEIPT_MAX + 1];
    assert!(Receipt::parse(&huge).is_err());
}

#[test]
fn files_that_hold_no_public_key_of_use_are_refused() {
    let all = files("rsa-public");
    assert!(all.len() >= 17);
    for (path, bytes) in all {
        assert!(Public::read(&bytes).is_err(), "{path}");
    }
}

const ZMK_VALUE: &str = "851A0D9D0B2A1602622AD0B0E9E6B070";
const WHY: &str = "the partner's HSM takes no key blocks until March";

/// Each file of a folder, typed by two as a key under a wrapping key of this template.
fn through_the_station(of: &str, zmk: &str, profile: &str, exception: &str) {
    let place = folder();
    let mut scene = scene(&place);
    enter_zmk(&mut scene, zmk, &unhex(ZMK_VALUE));
    let labels = |scene: &super::people::Scene| -> Vec<String> {
        let keys = scene.station.keys();
        keys.into_iter()
            .map(|key| format!("{} {}", key.label, key.state.words()))
            .collect()
    };
    let before = labels(&scene);
    let all = files(of);
    assert!(all.len() >= 12, "{of}: {}", all.len());
    for (path, bytes) in all {
        let text = match bytes.starts_with(b"# ") {
            true => expected(&bytes).1.to_vec(),
            false => bytes,
        };
        let text = String::from_utf8_lossy(&text)
            .trim_end_matches('\n')
            .to_owned();
        let entries = failed(&scene);
        let typed = ["zpk-tdes2", profile, "070753", text.as_str()];
        let title = import_as(&mut scene, typed, exception);
        assert!(title.contains("without a key"), "{path}: {title}");
        assert!(!told(&scene).is_empty(), "{path}: nothing was said");
        // What is refused where it is typed is no act, and uses up no try.
        let typing = told(&scene).contains("were never the same");
        let wanted = entries + usize::from(!typing);
        assert_eq!(failed(&scene), wanted, "{path}: {}", told(&scene));
        assert_eq!(scene.key_state(LABEL), None, "{path}");
        assert_eq!(labels(&scene), before, "{path}");
    }
}

#[test]
fn malformed_cryptograms_leave_an_entry_and_no_key() {
    through_the_station("cryptograms", "zmk-tdes2-variant", "thales-variant", WHY);
}

#[test]
fn malformed_tokens_leave_an_entry_and_no_key() {
    through_the_station("cca", "zmk-tdes2-cca", "cca", WHY);
}

#[test]
fn malformed_blocks_of_atalla_leave_an_entry_and_no_key() {
    through_the_station("akb", "zmk-tdes2-akb", "atalla-akb", "");
}

#[test]
fn malformed_blocks_of_thales_leave_an_entry_and_no_key() {
    through_the_station("thales", "zmk-tdes2-thales-s", "payshield-s", "");
}
