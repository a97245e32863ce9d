//! A vector's inputs, asked for by name.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::NoAnswer;
use super::value::Value;
use crate::secret::Secret;

/// What an operation is given.
#[derive(Debug)]
pub struct Inputs<'v> {
    inputs: &'v Value,
    expected: &'v Value,
    must_fail: bool,
    /// The names that were asked for.
    asked: RefCell<BTreeSet<String>>,
}

/// Inputs that published vectors bring along and their operation has no need of: data
/// that another of the inputs holds, or names of what is given.
const BESIDE: [(&str, &str); 6] = [
    ("arpc_flow_method2", "un"),
    ("arqc_flow", "un"),
    ("ibm3624_offset", "pan"),
    ("ibm3624_pin", "pan"),
    ("issuer_pk_certificate", "ca_pk_index"),
    ("issuer_pk_certificate", "rid"),
];

/// What operations call their inputs that may be refused before the others are read:
/// a refusal proves nothing of an input that is none of these.
const OF_REFUSALS: [&str; 139] = [
    "5F2A",
    "82",
    "95",
    "9A",
    "9C",
    "9F02",
    "9F03",
    "9F10",
    "9F1A",
    "9F36",
    "9F37",
    "arc",
    "arpc_inputs",
    "arpc_key",
    "arqc",
    "atc",
    "bdk",
    "branch_factor",
    "ca_exponent",
    "ca_modulus",
    "ca_pk_index",
    "ca_private_exponent",
    "certificate",
    "clear_key",
    "clear_pin_block",
    "command_header_for_mac",
    "components",
    "counter",
    "counters",
    "cryptogram",
    "csu",
    "current_pin",
    "cv_left",
    "cv_right",
    "cvk",
    "cvn",
    "cvr",
    "cvv",
    "data",
    "data_auth_code",
    "dectab",
    "diversification",
    "enciphered_pin_block",
    "expiry",
    "exponent",
    "header",
    "height",
    "icc_dynamic_data",
    "icc_expiry",
    "icc_exponent",
    "icc_mk",
    "icc_mk_ac",
    "icc_modulus",
    "icc_private_exponent",
    "icc_serial",
    "imk",
    "initial_key",
    "initial_key_id",
    "ipek",
    "iss_mk_ac",
    "iss_mk_smc",
    "iss_mk_smi",
    "issuer_expiry",
    "issuer_exponent",
    "issuer_id",
    "issuer_modulus",
    "issuer_private_exponent",
    "issuer_serial",
    "iv",
    "ivcvc3",
    "kbpk",
    "kcv",
    "kek",
    "key",
    "key_block",
    "key_type",
    "ksn",
    "length",
    "lmk",
    "lmk_scheme",
    "mac_data",
    "master_key",
    "mode",
    "modulus",
    "new_pin",
    "offset",
    "option",
    "optional_blocks",
    "padding",
    "pan",
    "pan_pad",
    "pan_verify_length",
    "pan_verify_offset",
    "part",
    "pin",
    "pin_block",
    "pin_field",
    "proprietary_auth_data",
    "psn",
    "pvk",
    "pvki",
    "pvv",
    "random",
    "remainder",
    "rid",
    "scheme",
    "sdad",
    "service_code",
    "session_key",
    "session_method",
    "sha1",
    "ssad",
    "static_data",
    "tag_5f2a",
    "tag_82",
    "tag_95",
    "tag_9a",
    "tag_9c",
    "tag_9f02",
    "tag_9f03",
    "tag_9f10",
    "tag_9f1a",
    "tag_9f36",
    "tag_9f37",
    "terminal_dynamic_data",
    "token",
    "token_version",
    "track_data",
    "transaction_data",
    "type",
    "un",
    "unpredictable_number",
    "validation_data",
    "variant",
    "version",
    "wrapping",
    "zero_cv",
    "zmk",
    "zmk_scheme",
];

impl<'v> Inputs<'v> {
    /// Inputs of one vector.
    #[must_use]
    pub fn new(inputs: &'v Value, expected: &'v Value, must_fail: bool) -> Self {
        Self {
            inputs,
            expected,
            must_fail,
            asked: RefCell::default(),
        }
    }

    /// An input that nobody asked for: whatever it says, nothing was made of it.
    /// `refused`: the operation `op` ended before it had read all of them.
    #[must_use]
    pub fn unknown(&self, op: &str, refused: bool) -> Option<&'v str> {
        let asked = self.asked.borrow();
        let fields = self.inputs.fields().iter().map(|(name, _)| name.as_str());
        fields
            .filter(|name| !asked.contains(*name) && !BESIDE.contains(&(op, *name)))
            .find(|name| !refused || !OF_REFUSALS.contains(name))
    }

    /// Whether a refusal is wanted: then what the product does is asked, with
    /// all of its rules, and not the arithmetic alone.
    #[must_use]
    pub fn must_fail(&self) -> bool {
        self.must_fail
    }

    /// What must come out. For results with random bytes in them, and for
    /// questions of which form is wanted; comparing is done elsewhere.
    #[must_use]
    pub fn expected(&self, name: &str) -> Option<&'v Value> {
        self.expected.get(name)
    }

    /// An input that may be absent, or null.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<&'v Value> {
        self.asked.borrow_mut().insert(name.to_owned());
        self.inputs.get(name).filter(|v| **v != Value::Null)
    }

    /// An input that must be there.
    pub fn value(&self, name: &str) -> Result<&'v Value, NoAnswer> {
        self.optional(name)
            .ok_or_else(|| NoAnswer::Incomplete(format!("no input `{name}`")))
    }

    /// A text.
    pub fn text(&self, name: &str) -> Result<&'v str, NoAnswer> {
        let value = self.value(name)?;
        value
            .as_text()
            .ok_or_else(|| NoAnswer::Incomplete(format!("input `{name}` is no text")))
    }

    /// Bytes of a hexadecimal text. Other text is refused, as an operator's
    /// entry would be.
    pub fn bytes(&self, name: &str) -> Result<Secret, NoAnswer> {
        unhex(name, self.text(name)?)
    }

    /// A list of hexadecimal texts.
    pub fn list(&self, name: &str) -> Result<Vec<Secret>, NoAnswer> {
        let no_list = || NoAnswer::Incomplete(format!("input `{name}` is no list of texts"));
        let Value::List(list) = self.value(name)? else {
            return Err(no_list());
        };
        list.iter()
            .map(|item| unhex(name, item.as_text().ok_or_else(no_list)?))
            .collect()
    }
}

pub(super) fn unhex(name: &str, text: &str) -> Result<Secret, NoAnswer> {
    let refused = || NoAnswer::Refused(format!("`{name}` is not hexadecimal"));
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).map(|digit| digit as u8))
        .collect();
    let digits = digits
        .filter(|digits| digits.len().is_multiple_of(2))
        .ok_or_else(refused)?;
    let mut bytes: Vec<u8> = digits.chunks_exact(2).map(|p| p[0] << 4 | p[1]).collect();
    Ok(Secret::take(&mut bytes))
}

/// Any error of an operation is a refusal.
pub(super) fn refused<E: std::fmt::Display>(error: E) -> NoAnswer {
    NoAnswer::Refused(error.to_string())
}
