//! The published files pass, and a wrong vector does not.

use serde_json::json;

use super::*;
use crate::primitive::vectors::file;

fn value(json: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match json {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => Value::Number(n.to_string()),
        Json::String(s) => Value::Text(s.clone()),
        Json::Array(list) => Value::List(list.iter().map(value).collect()),
        Json::Object(map) => Value::Map(map.iter().map(|(k, v)| (k.clone(), value(v))).collect()),
    }
}

fn run(json: &serde_json::Value) -> Verdict {
    let vector = Vector {
        id: json["id"].as_str().unwrap_or("x").to_owned(),
        op: json["op"].as_str().unwrap().to_owned(),
        inputs: value(&json["inputs"]),
        expected: value(&json["expected"]),
    };
    check(&vector, &[&Primitives])
}

fn failed(json: serde_json::Value, naming: &str) {
    match run(&json) {
        Verdict::Failed(why) if why.contains(naming) => {}
        other => panic!("{json}: {other:?}"),
    }
}

/// Files of which every operation is known here.
const FILES: [&str; 10] = [
    "kcv.json",
    "tr31.json",
    "cca.json",
    "thales.json",
    "atalla.json",
    "pin.json",
    "cvv_mac.json",
    "dukpt.json",
    "emv.json",
    "emv_further.json",
];

#[test]
fn the_published_files_pass() {
    for name in FILES {
        for vector in file(name).as_array().unwrap() {
            assert_eq!(run(vector), Verdict::Passed, "{vector}");
        }
    }
}

/// Each expected field of each vector, changed, is noticed; so is one more.
#[test]
fn every_expected_field_counts() {
    for name in FILES {
        for vector in file(name).as_array().unwrap() {
            if vector["op"].as_str().unwrap().ends_with("_reject") {
                continue;
            }
            for field in vector["expected"].as_object().unwrap().keys() {
                let mut changed = vector.clone();
                let place = &mut changed["expected"][field];
                *place = match place.as_str() {
                    Some(text) => {
                        let last = if text.ends_with('0') { "1" } else { "0" };
                        json!(format!("{}{last}", &text[..text.len() - 1]))
                    }
                    None => json!({"ZZ": "more"}),
                };
                failed(changed, field);
            }
            let mut more = vector.clone();
            more["expected"]["unheard_of"] = json!("00");
            failed(more, "unheard_of");
        }
    }
}

#[test]
fn nothing_passes_by_being_absent() {
    let key = "0123456789ABCDEFFEDCBA9876543210";
    failed(
        json!({"op": "kcv_des_zero", "inputs": {"key": key}, "expected": {}}),
        "nothing",
    );
    failed(
        json!({"op": "kcv_des_zero", "inputs": {"key": key}, "expected": {"kcv": ""}}),
        "kcv",
    );
    failed(
        json!({"op": "kcv_des_zero", "inputs": {}, "expected": {"kcv": "08D7B4"}}),
        "bad vector",
    );
    failed(
        json!({"op": "kcv_des_zero_reject", "inputs": {}, "expected": {"error": "x"}}),
        "bad vector",
    );
    failed(
        json!({"op": "kcv_des_zero_reject", "inputs": {"key": key}, "expected": {"error": "x"}}),
        "accepted",
    );
    failed(
        json!({"op": "kcv_des_zero", "inputs": {"key": "0123"}, "expected": {"kcv": "08"}}),
        "refused",
    );
    failed(
        json!({"op": "kcv_des_zero_reject", "inputs": {"key": "01"}, "expected": {"error": "x", "kcv": "00"}}),
        "kcv",
    );
    let unknown = json!({"op": "divination", "inputs": {}, "expected": {"x": "y"}});
    assert_eq!(run(&unknown), Verdict::Unsupported);
    let unknown = json!({"op": "divination_reject", "inputs": {}, "expected": {"error": "y"}});
    assert_eq!(run(&unknown), Verdict::Unsupported);
}

/// An input that the operation does not know is named: it may be what the vector is
/// about. A refusal does not hide it.
#[test]
fn an_input_that_is_not_known_is_a_failure() {
    for name in FILES {
        for vector in file(name).as_array().unwrap() {
            let mut more = vector.clone();
            more["inputs"]["unheard_of"] = json!("00");
            failed(more, "`unheard_of` is not known");
        }
    }
    let key = "0123456789ABCDEFFEDCBA9876543210";
    let other = json!({"op": "kcv_des_zero", "inputs": {"key": key, "method": "CMAC"},
        "expected": {"kcv": "08D7B4"}});
    failed(other, "`method`");
}

/// P-THALES-016 as a payShield writes it, the letter in front.
#[test]
fn a_scheme_may_stand_in_front_of_a_cryptogram() {
    let known = file("thales.json");
    let known = known.as_array().unwrap();
    let mut vector = known
        .iter()
        .find(|v| v["id"] == "P-THALES-016")
        .unwrap()
        .clone();
    let letter = |text: &serde_json::Value| json!(format!("U{}", text.as_str().unwrap()));
    vector["inputs"]["cryptogram"] = letter(&vector["inputs"]["cryptogram"]);
    assert_eq!(run(&vector), Verdict::Passed);
    vector["expected"]["under_lmk"] = letter(&vector["expected"]["under_lmk"]);
    assert_eq!(run(&vector), Verdict::Passed);
    let inputs = vector["inputs"].as_object_mut().unwrap();
    inputs.remove("zmk_scheme");
    assert_eq!(run(&vector), Verdict::Passed);
    vector["inputs"]["zmk_scheme"] = json!("X");
    failed(vector, "another scheme's");
}

#[test]
fn refusals_pass_where_they_are_wanted() {
    for (op, inputs) in [
        ("kcv_aes_cmac_reject", json!({"key": "0123"})),
        ("kcv_des_zero_reject", json!({"key": "not hexadecimal"})),
        ("des_odd_parity_reject", json!({"key": "0023456789ABCDEF"})),
        (
            "xor_components_reject",
            json!({"components": ["0123456789ABCDEFFEDCBA9876543210"]}),
        ),
        (
            "xor_components_reject",
            json!({"components": ["0123456789ABCDEFFEDCBA9876543210", "0123456789ABCDEF"]}),
        ),
        (
            "xor_components_aes_reject",
            json!({"components": ["0123456789ABCDEFFEDCBA9876543210", "00000000000000000000000000000000"]}),
        ),
        (
            "lmk_encrypt_reject",
            json!({"key_type": "00F", "scheme": "U", "clear_key": "13345779133457791334577913345779"}),
        ),
        (
            "tr31_derive_variant_reject",
            json!({"kbpk": "0123456789ABCDEF"}),
        ),
        (
            "tr31_wrap_reject",
            json!({"kbpk": "89E88CF7931444F334BD7547FC3F380C", "key": "F039121BEC83D26B169BDCD5B22AAF8F", "header": "B0000P0AE00E0000"}),
        ),
    ] {
        let vector = json!({"op": op, "inputs": inputs, "expected": {"error": "described"}});
        assert_eq!(run(&vector), Verdict::Passed, "{vector}");
    }
}

/// The block of X9.143 as a wrapping vector: by its fields, by its header, with
/// and without the padding; and by reading for a version that is not written.
#[test]
fn wrapping_vectors() {
    let key = "3F419E1CB7079442AA37474C2EFBF8B8";
    let kbpk = "88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6";
    let block = "D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34";
    let header = json!({"op": "tr31_wrap",
        "inputs": {"kbpk": kbpk, "key": key, "header": "D0000P0AE00E0000"},
        "expected": {"key_block": block}});
    assert_eq!(run(&header), Verdict::Passed);
    let fields = json!({"op": "tr31_wrap",
        "inputs": {"kbpk": kbpk, "key": key, "version": "D", "usage": "P0", "algorithm": "A",
            "mode": "E", "key_version": "00", "exportability": "E", "optional_blocks": {}},
        "expected": {"key_block": block, "length": 112}});
    assert_eq!(run(&fields), Verdict::Passed);
    let mut other = fields.clone();
    other["inputs"]["usage"] = json!("D0");
    failed(other, "key_block");
    let mut padded = header.clone();
    padded["inputs"]["padding"] = json!("00000000000000000000000000000000");
    failed(padded, "refused");
    let mut padded = header;
    padded["inputs"]["padding"] = json!("0000000000000000000000000000");
    failed(padded, "key_block");
    let old = json!({"op": "tr31_wrap",
        "inputs": {"kbpk": "89E88CF7931444F334BD7547FC3F380C", "key": "F039121BEC83D26B169BDCD5B22AAF8F", "header": "A0072P0TE00E0000"},
        "expected": {"key_block": "A0072P0TE00E0000F5161ED902807AF26F1D62263644BD24192FDB3193C730301CEE8701"}});
    assert_eq!(run(&old), Verdict::Passed);
}

/// Algorithms 2 and 4 over whole blocks: a value of the standard passes at any
/// length, the reading with one more block at four bytes alone, and where the
/// padding leaves no choice there is one reading.
#[test]
fn the_second_reading_of_foreign_macs_is_narrow() {
    let of = |op: &str, padding: u8, mac: &str| {
        json!({
            "op": op,
            "inputs": {
                "key": "0123456789ABCDEFFEDCBA9876543210",
                "data": "4E6F77206973207468652074696D6520666F7220616C6C20",
                "padding": padding,
            },
            "expected": { "mac": mac },
        })
    };
    // The standard's reading, then the longer one; calculated apart, in
    // another language.
    for (op, padding, standard, longer) in [
        (
            "mac_iso9797_alg2",
            1,
            "541567CBBAE5D014",
            "F24F8014E6A99374",
        ),
        (
            "mac_iso9797_alg2",
            3,
            "B30319181980115E",
            "647B51C329DDF6D8",
        ),
        (
            "mac_iso9797_alg4",
            1,
            "AD3502B7AC4A48A0",
            "9E6FAE8161C76E83",
        ),
        (
            "mac_iso9797_alg4",
            3,
            "952AF838989B5C00",
            "2809FA4260C78ABB",
        ),
    ] {
        for digits in [2, 8, 16] {
            let vector = of(op, padding, &standard[..digits]);
            assert_eq!(run(&vector), Verdict::Passed, "{vector}");
        }
        assert_eq!(run(&of(op, padding, &longer[..8])), Verdict::Passed);
        for digits in [2, 6, 10, 16] {
            failed(of(op, padding, &longer[..digits]), "mac");
        }
    }
    for (op, mac) in [
        ("mac_iso9797_alg2", "A888D311"),
        ("mac_iso9797_alg4", "61C333E3"),
    ] {
        assert_eq!(run(&of(op, 2, mac)), Verdict::Passed);
        failed(of(op, 2, &mac.replace('3', "4")), "mac");
    }
}
