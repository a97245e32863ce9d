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

/// Files of PINs, card values, MACs and transaction keys: every operation of
/// them is known. Two MACs by algorithm 2 are not those of the standard, see
/// `known_answer/mac.rs`.
#[test]
fn the_files_of_pins_and_cards_pass() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let files = [
        "pin.json",
        "cvv_mac.json",
        "dukpt.json",
        "emv.json",
        "emv_further.json",
    ]
    .map(|name| folder.join(name));
    let files: Vec<&Path> = files.iter().map(|path| path.as_path()).collect();
    let (code, out, err) = selftest(&files);
    assert_eq!(code, Some(0), "{out}{err}");
    for line in [
        "visa_pvv: 7 passed, 0 failed, 0 unsupported\n",
        "pinblock_iso4: 4 passed, 0 failed, 0 unsupported\n",
        "cvv: 10 passed, 0 failed, 0 unsupported\n",
        "aes_transaction: 14 passed, 0 failed, 0 unsupported\n",
        "icc_master_key: 9 passed, 0 failed, 0 unsupported\n",
        "oda_chain: 1 passed, 0 failed, 0 unsupported\n",
        // Passed, and worth less than the others.
        "UNCHECKED P-CVV-MAC-030: its file says that nobody else has reproduced it\n",
    ] {
        assert!(out.contains(line), "{out}");
    }
    assert_eq!(out.matches("UNCHECKED").count(), 3, "{out}");
}

/// Operations that the published files do not have, and refusals.
#[test]
fn further_operations_of_pins_and_cards() {
    let pvk = "0123456789ABCDEFFEDCBA9876543210";
    let vectors = format!(
        r#"[
        {{"id": "1", "op": "pinblock_plus_thales04", "inputs": {{"pin": "92389", "pan": "2283400000123456"}}, "expected": {{"pin_block": "05921A1CBFFFFFED"}}}},
        {{"id": "2", "op": "pinblock_docutel_thales02", "inputs": {{"pin": "92389", "padding": "987654321"}}, "expected": {{"pin_block": "5923890987654321"}}}},
        {{"id": "3", "op": "pinblock_thales03", "inputs": {{"pin": "92389"}}, "expected": {{"pin_block": "92389FFFFFFFFFFF"}}}},
        {{"id": "4", "op": "pinblock_iso1", "inputs": {{"pin": "1234567890"}}, "expected": {{"pin_block": "1A12345678900000"}}}},
        {{"id": "5", "op": "pinblock_iso3", "inputs": {{"pin": "1234", "pan": "5555555551234567"}}, "expected": {{"pin_block": "341261AAAAEDCBA9"}}}},
        {{"id": "6", "op": "pinblock_iso0_decode", "inputs": {{"pin_block": "041261AAAAEDCBA9", "pan": "5555555551234567"}}, "expected": {{"pin": "1234"}}}},
        {{"id": "7", "op": "pinblock_iso0_decode_reject", "inputs": {{"pin_block": "141261AAAAEDCBA9", "pan": "5555555551234567"}}, "expected": {{"error": "control field"}}}},
        {{"id": "8", "op": "pinblock_iso0_reject", "inputs": {{"pin": "123", "pan": "5555555551234567"}}, "expected": {{"error": "three digits"}}}},
        {{"id": "9", "op": "pinblock_iso3_decode_reject", "inputs": {{"pin_block": "341261AAAAEDCBA1", "pan": "5555555551234567"}}, "expected": {{"error": "fill"}}}},
        {{"id": "10", "op": "pinblock_iso4_decipher_reject", "inputs": {{"key": "C1D0F8FB4958670DBA40AB1F3752EF0D", "enciphered_pin_block": "CC17F65586BFD0953010226C4FC5B3CB", "pan": "432198765432109870"}}, "expected": {{"error": "changed"}}}},
        {{"id": "11", "op": "pinblock_translate", "inputs": {{"source_format": "diebold", "source_key": "13F10E5D868A529E", "enciphered_pin_block": "F7808F2CBEC63168", "destination_format": "iso0", "destination_key": "C7152C20BC2C830EA7EC9E8334ABE3FE", "pan": "0005500000253210"}}, "expected": {{"enciphered_pin_block": "91DDDA0A7C12CFAA", "pin": "1234"}}}},
        {{"id": "12", "op": "ibm3624_verify", "inputs": {{"pvk": "{pvk}", "dectab": "1234567890123456", "offset": "1111", "pin": "5635", "validation_data": "1122334455667788"}}, "expected": {{"valid": true}}}},
        {{"id": "13", "op": "ibm3624_pin_reject", "inputs": {{"pvk": "{pvk}", "dectab": "123456789012345", "offset": "1111", "validation_data": "1122334455667788"}}, "expected": {{"error": "table"}}}},
        {{"id": "14", "op": "ibm3624_offset_reject", "inputs": {{"pvk": "{pvk}", "dectab": "1111111111111111", "pin": "5635", "validation_data": "1122334455667788"}}, "expected": {{"error": "table"}}}},
        {{"id": "15", "op": "visa_pvv_reject", "inputs": {{"pvk": "{pvk}", "pvki": "A", "pin": "4524", "pan": "1122334455667788"}}, "expected": {{"error": "index"}}}},
        {{"id": "16", "op": "cvv_reject", "inputs": {{"cvk": "{pvk}", "pan": "4123456789012345", "expiry": "870", "service_code": "101"}}, "expected": {{"error": "expiry"}}}},
        {{"id": "17", "op": "mac_iso9797_alg3_reject", "inputs": {{"key": "0123456789ABCDEF", "data": "00", "padding": 1}}, "expected": {{"error": "key"}}}},
        {{"id": "18", "op": "mac_iso9797_alg1_reject", "inputs": {{"key": "0123456789ABCDEF", "data": "00", "padding": 4}}, "expected": {{"error": "padding"}}}},
        {{"id": "19", "op": "mac_iso9797_alg2", "inputs": {{"key": "{pvk}", "data": "48656C6C6F2C20776F726C6421", "padding": 1}}, "expected": {{"mac": "6095F103D29D763B"}}}},
        {{"id": "20", "op": "mac_iso9797_alg4", "inputs": {{"key": "{pvk}", "data": "48656C6C6F2C20776F726C6421", "padding": 2}}, "expected": {{"mac": "B6E74442CF5607FA"}}}},
        {{"id": "21", "op": "mac_iso9797_alg5", "inputs": {{"key": "2B7E151628AED2A6ABF7158809CF4F3C", "data": ""}}, "expected": {{"mac": "BB1D6929E95937287FA37D129B756746"}}}},
        {{"id": "22", "op": "tdes_keys", "inputs": {{"bdk": "{pvk}", "ksn": "FFFF9876543210E00001"}}, "expected": {{"pin_key": "042666B49184CF5C68DE9628D0397B36"}}}},
        {{"id": "23", "op": "tdes_transaction_reject", "inputs": {{"bdk": "{pvk}", "ksn": "FFFF9876543210E00000"}}, "expected": {{"error": "counter"}}}}
        ]"#
    );
    let (code, out, err) = on_text(&vectors);
    assert_eq!(code, Some(0), "{out}{err}");
}
