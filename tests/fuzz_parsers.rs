//! Every parser that takes bytes from outside is in the fuzzer's list; each of
//! its seeds, and every input that once failed, is tried again here; and bombs
//! meet a limit of memory and of processor time.
//!
//! `scripts/fuzz` looks for new inputs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise
#![allow(dead_code, reason = "the list is the fuzzer's too")]

#[path = "fuzz_parsers/bombs.rs"]
mod bombs;
#[path = "fuzz_parsers/listed.rs"]
mod listed;
#[path = "fuzz/parsers.rs"]
mod parsers;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use parsers::{PARSERS, Parser};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files in a folder, as libFuzzer takes them.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        panic!("{}: no such folder", folder.display());
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn seeds(parser: &Parser) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let own = root().join("tests/fuzz/corpus").join(parser.name);
    if own.exists() || parser.seeds.is_empty() {
        files(&own, &mut found);
    }
    for folder in parser.seeds {
        files(&root().join(folder), &mut found);
    }
    found
}

#[test]
fn every_seed_is_tried_and_every_parser_has_some() {
    for parser in PARSERS {
        let seeds = seeds(parser);
        assert!(!seeds.is_empty(), "{} has no seed", parser.name);
        for seed in seeds {
            let input = fs::read(&seed).unwrap();
            eprintln!("{}: {}", parser.name, seed.display());
            (parser.run)(&input);
        }
    }
}

/// A seed that is refused at its first byte leads a fuzzer nowhere.
#[test]
fn seeds_get_past_the_door() {
    let read = |name: &str| fs::read(root().join("tests/fuzz/corpus").join(name)).unwrap();
    use conclave_evidence::{JournalExport, SignedManifest, SignedTranscript};
    let manifest = SignedManifest::from_file(&read("manifest/exported")).unwrap();
    manifest.open().unwrap().check_files().unwrap();
    SignedTranscript::from_file(&read("transcript/working-key"))
        .unwrap()
        .open()
        .unwrap();
    JournalExport::from_file(&read("journal/two-entries")).unwrap();
    let chain = conclave_evidence::read_authority_file(&read("authority/founding")).unwrap();
    conclave_evidence::authority::AuthorityChain::verify(&chain).unwrap();
    let anchor: conclave_evidence::journal::SignedAnchor =
        conclave_evidence::cbor::from_slice(&read("anchor/logon")).unwrap();
    anchor.anchor.digest().unwrap();
    conclave_crypto::x509::subject_key(&read("certificate/station-ca")).unwrap();
    let words = String::from_utf8(read("words/digest")).unwrap();
    conclave_evidence::words::from_words(&words).unwrap();
    for kind in ["ext4", "exfat", "fat32", "fat16"] {
        let head = read(&format!("superblock/{kind}"));
        assert!(
            conclave_station::host::superblock::id(&head).is_some(),
            "{kind}"
        );
    }
    let mut blocks = Vec::new();
    files(&root().join("tests/fuzz/corpus/tr31"), &mut blocks);
    let parsed = blocks.iter().filter(|path| {
        conclave_crypto::keyblock::KeyBlock::parse(&fs::read(path).unwrap()).is_ok()
    });
    assert!(parsed.count() >= 10, "too few key blocks can be read");
}

#[test]
fn names_are_those_of_the_corpus() {
    let names: BTreeSet<&str> = PARSERS.iter().map(|parser| parser.name).collect();
    assert_eq!(names.len(), PARSERS.len(), "a name twice");
    for entry in fs::read_dir(root().join("tests/fuzz/corpus")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(names.contains(name.as_str()), "corpus/{name} is nobody's");
    }
}
