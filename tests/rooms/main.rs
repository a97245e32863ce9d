//! The large order is held by the crates; this holds the order inside them, and
//! the few names that belong to one place. `docs/architecture.md` tells why.

#![allow(clippy::unwrap_used, clippy::panic)] // a test may stop at the first surprise
#![allow(clippy::expect_used)] // an unreadable tree ends the test

mod references;
mod rules;
mod rules_can_fail;
mod tokens;

use std::fs;
use std::path::{Path, PathBuf};

use rules::{CRATES, HIDDEN, Source, manifest_violations, names, violations};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder under src") {
        let path = entry.expect("an entry of a folder under src").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    rust_files(&repository().join("src"), &mut files);
    files.sort();
    files
        .into_iter()
        .map(|file| Source {
            path: file
                .strip_prefix(repository())
                .expect("below the repository")
                .display()
                .to_string(),
            text: fs::read_to_string(&file).expect("source text"),
        })
        .collect()
}

#[test]
fn every_room_uses_only_what_stands_above_it() {
    let sources = sources();
    for krate in &CRATES[..6] {
        let lib = format!("src/{krate}/lib.rs");
        assert!(sources.iter().any(|s| s.path == lib), "{lib} was not read");
    }
    let found = violations(&sources);
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn store_engine_and_readers_have_their_one_file() {
    let sources = sources();
    for krate in HIDDEN {
        let namers: Vec<&str> = sources
            .iter()
            .filter(|s| names(s, krate))
            .map(|s| s.path.as_str())
            .collect();
        assert_eq!(namers.len(), 1, "`{krate}` is named in {namers:?}");
    }
}

#[test]
fn manifests_keep_the_order_of_the_crates() {
    let mut found = Vec::new();
    for krate in CRATES {
        let path = match krate {
            "root" => repository().join("Cargo.toml"),
            _ => repository().join("src").join(krate).join("Cargo.toml"),
        };
        let manifest = fs::read_to_string(&path).expect("a manifest");
        assert!(
            manifest.contains("[dependencies]"),
            "{} was not understood",
            path.display()
        );
        found.extend(manifest_violations(krate, &manifest));
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}
