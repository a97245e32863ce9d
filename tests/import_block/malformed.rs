//! Named files for what has no test of its own: cryptograms without a key block,
//! public keys, receipts. What is wrong with each, as its name says.

use std::path::Path;

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
