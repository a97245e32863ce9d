//! `station.toml` as people may leave it: each malformed file is refused by the
//! program with where, why and what to do, and the folder stays as it was.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Exit code and standard error of the program on this folder.
fn open(folder: &Path) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_conclave"))
        .arg("--station")
        .arg(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.stdout.is_empty(), "nothing is drawn");
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

fn refused(folder: &Path, name: &str) -> String {
    let before = fs::read_dir(folder).unwrap().count();
    let (code, told) = open(folder);
    assert_eq!(code, Some(1), "{name}: {told}");
    assert!(told.contains("station.toml"), "{name}: {told}");
    assert!(
        told.contains("Correct station.toml and start again."),
        "{name}: {told}"
    );
    let after = fs::read_dir(folder).unwrap().count();
    assert_eq!(after, before, "{name}: the folder is as it was");
    told
}

#[test]
fn malformed_files_are_refused_with_place_and_advice() {
    let mut count = 0;
    for entry in fs::read_dir("tests/malformed/stations").unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let folder = TempDir::new().unwrap();
        fs::copy(&path, folder.path().join("station.toml")).unwrap();
        refused(folder.path(), &name);
        count += 1;
    }
    assert!(count >= 12, "{count} files");
}

#[test]
fn a_bomb_or_a_folder_is_not_read() {
    let folder = TempDir::new().unwrap();
    let bomb = fs::File::create(folder.path().join("station.toml")).unwrap();
    bomb.set_len(10_000_000_000).unwrap();
    assert!(refused(folder.path(), "bomb").contains("larger than 65536 bytes"));

    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("station.toml")).unwrap();
    refused(folder.path(), "folder");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let (code, told) = open(&file.join("station"));
    assert_eq!(code, Some(1));
    assert!(told.contains("Choose another folder"), "{told}");
}
