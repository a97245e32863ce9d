//! `conclave selftest` as a person runs it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

use std::path::Path;
use std::process::{Command, Output};

const KCV: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/kcv.json");
const THALES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/thales.json");
const TR31: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/tr31.json");

fn selftest(files: &[&Path]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_conclave"));
    command.arg("selftest");
    if !files.is_empty() {
        command.arg("--vectors").args(files);
    }
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

fn on_text(text: &str) -> (Option<i32>, String, String) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    selftest(&[file.path()])
}

#[test]
fn the_published_files_pass() {
    let (code, out, err) = selftest(&[Path::new(KCV), Path::new(TR31), Path::new(THALES)]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert_eq!(out.lines().count(), 17, "{out}");
    for (operation, count) in [
        ("key_scheme", 9),
        ("lmk_encrypt", 11),
        ("zmk_export", 3),
        ("zmk_import", 1),
    ] {
        let line = format!("{operation}: {count} passed, 0 failed, 0 unsupported\n");
        assert!(out.contains(&line), "{out}");
    }
    assert!(
        out.contains("\ntr31_unwrap: 24 passed, 0 failed, 0 unsupported\n"),
        "{out}"
    );
    assert!(
        out.contains("xor_components_aes: 1 passed, 0 failed, 0 unsupported\n"),
        "{out}"
    );
    assert_eq!(err, "");
}

#[test]
fn the_built_in_answers_pass() {
    assert_eq!(
        selftest(&[]),
        (Some(0), "power-on: passed\n".into(), String::new())
    );
}

/// One published vector, changed as `change` says.
fn changed(change: impl Fn(&str) -> String) -> (Option<i32>, String, String) {
    let text = std::fs::read_to_string(KCV).unwrap();
    assert_ne!(text, change(&text));
    on_text(&change(&text))
}

#[test]
fn a_wrong_expected_value_fails() {
    let (code, out, _) = changed(|text| text.replacen("08D7B4", "08D7B5", 1));
    assert_eq!(code, Some(1), "{out}");
    assert!(
        out.contains("kcv_des_zero: 8 passed, 1 failed, 0 unsupported\n"),
        "{out}"
    );
    assert!(out.contains("FAILED P-KCV-001: kcv: "), "{out}");
}

#[test]
fn an_unknown_operation_fails() {
    let (code, out, _) = changed(|text| text.replacen("kcv_des_zero", "kcv_divined", 1));
    assert_eq!(code, Some(1), "{out}");
    assert!(
        out.contains("kcv_divined: 0 passed, 0 failed, 1 unsupported\n"),
        "{out}"
    );
    assert!(out.contains("UNSUPPORTED P-KCV-001: "), "{out}");
}

#[test]
fn a_field_that_is_not_computed_fails() {
    let (code, out, _) =
        changed(|text| text.replacen("\"kcv\": \"08D7B4\"", "\"kcv\": \"08D7B4\", \"x\": 1", 1));
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("FAILED P-KCV-001: x: "), "{out}");
}

#[test]
fn what_is_no_vector_file_ends_with_two() {
    for text in [
        "",
        "[",
        "[]",
        "{}",
        "[1]",
        r#"[{"id": "a", "op": "kcv_des_zero", "inputs": {}}]"#,
        r#"[{"id": "a", "op": 7, "inputs": {}, "expected": {}}]"#,
        r#"[{"id": "a", "op": "kcv_des_zero", "inputs": [], "expected": {}}]"#,
        "\u{feff}[]",
    ] {
        let (code, out, err) = on_text(text);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{text}");
        assert!(!err.is_empty());
    }
    let (code, out, err) = selftest(&[Path::new("no-such-file.json"), Path::new(KCV)]);
    assert_eq!(code, Some(2));
    assert!(err.starts_with("no-such-file.json: "), "{err}");
    // The readable one is judged nevertheless.
    assert!(out.contains("kcv_des_zero: 9 passed"), "{out}");
}
