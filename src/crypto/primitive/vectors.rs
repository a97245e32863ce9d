//! Known answers from files, for tests.

use serde_json::Value;

/// Bytes of a hexadecimal text.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "{text}");
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// Bytes of a hexadecimal field.
pub(crate) fn field(value: &Value, name: &str) -> Vec<u8> {
    unhex(value[name].as_str().unwrap())
}

/// A vector file of the repository, `tests/vectors/NAME`.
pub(crate) fn file(name: &str) -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/");
    let text = std::fs::read_to_string(format!("{path}{name}")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The vectors of one operation; there must be some.
pub(crate) fn of(name: &str, op: &str) -> Vec<Value> {
    let all = file(name);
    let chosen: Vec<_> = all
        .as_array()
        .unwrap()
        .iter()
        .filter(|vector| vector["op"] == op)
        .cloned()
        .collect();
    assert!(!chosen.is_empty(), "{op}");
    chosen
}
