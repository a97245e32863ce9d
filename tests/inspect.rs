//! `conclave inspect` as a person runs it: a sample file of each format, what is
//! said of it and the exit code, as files; nothing clear is shown.
//!
//! The keys in the samples were made for them with OpenSSL and protect nothing.
//! `CONCLAVE_WRITE_EXPECTED=1` writes the expected answers anew.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn inspect(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_conclave"))
        .arg("inspect")
        .args(arguments)
        .current_dir(root().join("tests/inspect/samples"))
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    (code, text(output.stdout), text(output.stderr))
}

fn samples() -> Vec<PathBuf> {
    let folder = root().join("tests/inspect/samples");
    let mut all: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    all.sort();
    all
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

#[test]
fn every_sample_is_described_as_expected() {
    let write = std::env::var_os("CONCLAVE_WRITE_EXPECTED").is_some();
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for path in samples() {
        let (code, out, err) = inspect(&[name(&path)]);
        assert_eq!(err, "", "{}", path.display());
        let found = format!("exit {code}\n{out}");
        let expected = root().join(format!("tests/inspect/expected/{}.txt", name(&path)));
        seen.insert(expected.clone());
        if write {
            fs::write(&expected, &found).unwrap();
        } else if fs::read_to_string(&expected).ok().as_deref() != Some(found.as_str()) {
            wrong.push(format!("{}:\n{found}", path.display()));
        }
        assert!(found.is_ascii() && !found.contains('\u{1b}'));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for entry in fs::read_dir(root().join("tests/inspect/expected")).unwrap() {
        let path = entry.unwrap().path();
        assert!(seen.contains(&path), "{}: no such sample", path.display());
    }
    assert!(seen.len() >= 15);
}

/// Whatever is said of a file with a clear key is loud, and is not the key.
#[test]
fn a_clear_key_is_told_and_not_shown() {
    for path in samples() {
        let clear = name(&path).contains("-clear");
        let (code, out, _) = inspect(&[name(&path)]);
        let (_, json, _) = inspect(&["--json", name(&path)]);
        assert_eq!(code == 3, clear, "{}", path.display());
        assert_eq!(out.contains("IN THIS FILE IN CLEAR"), clear);
        assert_eq!(json.contains("\"clear_secret\": true"), clear);
        if !clear {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let said = format!("{out}{json}");
        match std::str::from_utf8(&bytes) {
            Ok(text) => {
                for line in text.lines().filter(|line| !line.starts_with("-----")) {
                    assert!(!said.contains(line.get(..12).unwrap_or(line)), "{line}");
                }
            }
            Err(_) => {
                // Behind the head and the modulus, which are public.
                for part in bytes[300..].chunks_exact(8) {
                    let digits: String = part.iter().map(|b| format!("{b:02X}")).collect();
                    assert!(!said.to_uppercase().replace(' ', "").contains(&digits));
                }
            }
        }
    }
}

/// Blocks, tokens and stores of hosts: what they are is told; the rooms that know
/// them have tests of their own.
#[test]
fn files_of_hosts_are_recognised() {
    for (file, what) in [
        ("akb.txt", "Atalla"),
        ("cca-exporter.bin", "CCA"),
        ("store.p12", "PKCS#12"),
        ("thales-block-aes.txt", "Thales"),
        ("thales-block-tdes.txt", "Thales"),
        ("thales-variant.txt", "without key block"),
    ] {
        let path = root().join("tests/inspect/hosts").join(file);
        let (code, out, err) = inspect(&[path.to_str().unwrap()]);
        assert_eq!((code, err.as_str()), (0, ""), "{file}: {out}");
        assert!(out.lines().next().unwrap().contains(what), "{file}: {out}");
    }
}

/// The house's own files, from the seeds of their parsers.
#[test]
fn files_of_this_house_are_recognised() {
    for (kind, what) in [
        ("manifest", "manifest of an export bundle"),
        ("authority", "authority chain"),
        ("journal", "journal of a station"),
        ("backup", "manifest of a backup"),
        ("transcript", "transcript of a ceremony"),
        ("update", "software update"),
    ] {
        let folder = root().join("tests/fuzz/corpus").join(kind);
        let found = fs::read_dir(folder).unwrap().any(|entry| {
            let path = entry.unwrap().path();
            let (code, out, _) = inspect(&[path.to_str().unwrap()]);
            code == 0 && out.contains(what) && out.contains("(certain)")
        });
        assert!(found, "no seed of {kind} is {what}");
    }
}

/// A pipe is not waited for, and a device is not read without end.
#[test]
fn what_is_no_plain_file_is_refused() {
    let folder = tempfile::TempDir::new().unwrap();
    let pipe = folder.path().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    for path in [pipe.to_str().unwrap(), "/dev/zero"] {
        let (code, out, err) = inspect(&[path]);
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains("no plain file"), "{err}");
    }
}

#[test]
fn several_files_have_one_exit_code_the_worst() {
    let (code, out, err) = inspect(&["certificate.der", "no-such-file", "unknown-text.txt"]);
    assert_eq!(code, 2);
    assert!(err.contains("no-such-file"), "{err}");
    assert!(out.contains("certificate, X.509") && out.contains("not recognised"));
    let (code, out, _) = inspect(&["--json", "certificate.der", "unknown-text.txt"]);
    assert_eq!(code, 1);
    let list: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(list[0]["recognised"], true);
    assert_eq!(list[0]["found"][0]["may_be"][0]["confidence"], "certain");
    assert_eq!(list[1]["recognised"], false);
    assert!(list[1]["looks_like"].is_string());
}
