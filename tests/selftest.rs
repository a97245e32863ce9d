//! `conclave selftest` as a person runs it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

use std::path::Path;
use std::process::{Command, Output};

const KCV: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/kcv.json");
const THALES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/thales.json");
const CCA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/cca.json");
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
    let (code, out, err) = selftest(&[
        Path::new(KCV),
        Path::new(TR31),
        Path::new(THALES),
        Path::new(CCA),
    ]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert_eq!(out.lines().count(), 24, "{out}");
    for (operation, count) in [
        ("key_scheme", 9),
        ("lmk_encrypt", 11),
        ("zmk_export", 3),
        ("zmk_import", 1),
        ("test_lmk_table", 1),
        ("keyblock_s_tdes", 6),
        ("keyblock_s_aes", 6),
        ("cv_wrap", 1),
        ("default_control_vector", 18),
        ("external_des_token", 8),
        ("external_des_token_reject", 1),
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

/// Key blocks and variants of Atalla, and refusals of both makers' blocks.
#[test]
fn atalla_and_refused_blocks() {
    let atalla = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/atalla.json");
    let (code, out, err) = selftest(&[Path::new(atalla)]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains("akb_unwrap_reject: 3 passed"), "{out}");

    let lmk = "0123456789ABCDEF8080808080808080FEDCBA9876543210";
    let aes = "9B71333A13F9FAE72F9D0E2DAB4AD6784718012F9244033F3F26A2DE0C8AA11A";
    let whole = "S00072B0TN00E000256A37F894FD49E61DD3FA27FDE8919D07F7AA966F8BF39AB31D00034";
    let mut refused: Vec<(&str, &str, String)> = [
        ("S00072B0TN00E0002", "S00072B0TN00N0002"),
        ("31D00034", "31D00035"),
        ("56A37F89", "56A37F88"),
        ("S00072", "S00080"),
        ("S00072", "S10072"),
        ("B0TN", "B0AN"),
        ("31D00034", "31D000"),
        ("56A3", "56a3"),
    ]
    .map(|(from, to)| ("keyblock_s_tdes_reject", lmk, whole.replacen(from, to, 1)))
    .into();
    refused.push(("keyblock_s_tdes_reject", aes, whole.into()));
    refused.push(("keyblock_s_tdes_reject", &lmk[..16], whole.into()));
    refused.push(("keyblock_s_tdes_reject", &lmk[..32], whole.into()));
    refused.push(("keyblock_s_aes_reject", aes, whole.into()));
    refused.push(("keyblock_s_aes_reject", &aes[..62], whole.into()));
    for (op, lmk, block) in refused {
        let vector = format!(
            r#"[{{"id": "x", "op": "{op}", "inputs": {{"lmk": "{lmk}", "key_block": "{block}"}}, "expected": {{"error": "described"}}}}]"#
        );
        let (code, out, err) = on_text(&vector);
        assert_eq!(code, Some(0), "{block}: {out}{err}");
    }
    for (op, inputs) in [
        (
            "lmk_encrypt_reject",
            r#""key_type": "00F", "scheme": "U", "clear_key": "13345779133457791334577913345779""#,
        ),
        (
            "lmk_encrypt_reject",
            r#""key_type": "001", "scheme": "T", "clear_key": "2F9E6B1C0D8A4F5B2F9E6B1C0D8A4F5B""#,
        ),
        (
            "lmk_encrypt_reject",
            r#""key_type": "001", "scheme": "U", "clear_key": "00345779133457791334577913345779""#,
        ),
        (
            "zmk_import_reject",
            r#""zmk": "851A0D9D0B2A1602622AD0B0E9E6B070", "zmk_scheme": "U", "cryptogram": "55FF9012A3854818""#,
        ),
        (
            "zmk_export_reject",
            r#""zmk": "851A0D9D0B2A1602", "zmk_scheme": "U", "clear_key": "D3DCC7EA9BCB755D254620B376B3D007""#,
        ),
    ] {
        let vector = format!(
            r#"[{{"id": "x", "op": "{op}", "inputs": {{{inputs}}}, "expected": {{"error": "described"}}}}]"#
        );
        let (code, out, err) = on_text(&vector);
        assert_eq!(code, Some(0), "{inputs}: {out}{err}");
    }
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
