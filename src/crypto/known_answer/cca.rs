//! Key tokens of IBM CCA: control vectors, external DES tokens, RSA public
//! tokens, key parts of master keys.
//!
//! Where a refusal is wanted, the product's own rules are asked: parity and
//! weak keys, a transport key as strong as the key, no single DES, no key in a
//! token whose control vector forbids the original wrapping.

use super::inputs::refused;
use super::{Answer, Inputs, NoAnswer, Output, Value};
use crate::cca::{
    ControlVector, CvError, DesToken, KeyType, MasterKey, RsaToken, checksum, mdc2, mdc4,
    token_validation_value, wrap,
};
use crate::primitive::derive::sha256;
use crate::primitive::des_keys;
use crate::secret::Secret;

pub(super) fn answer(op: &str, inputs: &Inputs<'_>) -> Answer {
    match op {
        "default_control_vector" => default_vector(inputs),
        "control_vector"
        | "control_vector_check"
        | "control_vector_validate"
        | "control_vector_parity" => checked_vector(inputs),
        "cv_wrap" | "cca_cv_wrap" => wrapped(inputs),
        "cv_unwrap" | "cca_cv_unwrap" => unwrapped(inputs),
        "external_des_token" | "cca_external_des_token" => match inputs.optional("token") {
            Some(_) => opened(inputs),
            None => made(inputs),
        },
        "external_des_token_parse"
        | "external_des_token_unwrap"
        | "external_des_token_open"
        | "external_des_token_import" => opened(inputs),
        "token_validation_value" | "cca_tvv" | "tvv" => {
            let token = inputs.bytes("token")?;
            if !matches!(token.len(), 60 | 64) {
                return Err(refused("a token has 64 bytes, 60 without its value"));
            }
            let sum = token_validation_value(token.expose());
            Ok(vec![("tvv", Output::hex(&sum))])
        }
        "rsa_public_token"
        | "pka_public_token"
        | "cca_rsa_public_token"
        | "rsa_public_key_token" => rsa(inputs),
        "cca_kek_kvp" | "kek_verification_pattern" => {
            let kek = inputs.bytes("kek")?;
            let hash = sha256(&[&[0x01], kek.expose()]);
            Ok(vec![("kvp", Output::Leftmost(hash.to_vec()))])
        }
        "mdc2" | "mdc4" | "mdc_2" | "mdc_4" => {
            let data = inputs.bytes("data")?;
            let made = if op.ends_with('2') { mdc2 } else { mdc4 };
            let hash = made(data.expose()).map_err(refused)?;
            Ok(vec![
                ("mdc", Output::hex(&hash[..])),
                ("hash", Output::hex(&hash[..])),
            ])
        }
        "master_key_part" | "icsf_key_part" | "key_part_checksum" | "icsf_checksum" => part(inputs),
        _ => Err(NoAnswer::Unknown),
    }
}

fn number(name: &str, inputs: &Inputs<'_>) -> Result<usize, NoAnswer> {
    let no_number = || NoAnswer::Incomplete(format!("input `{name}` is no number"));
    match inputs.value(name)? {
        Value::Number(text) | Value::Text(text) => text.parse().map_err(|_| no_number()),
        _ => Err(no_number()),
    }
}

/// Eight bytes of an input; absent and empty are zero.
fn half(name: &str, inputs: &Inputs<'_>) -> Result<[u8; 8], NoAnswer> {
    if inputs.optional(name).is_none() {
        return Ok([0; 8]);
    }
    let bytes = inputs.bytes(name)?;
    if bytes.is_empty() {
        return Ok([0; 8]);
    }
    bytes
        .expose()
        .try_into()
        .map_err(|_| refused("half of a control vector has 8 bytes"))
}

/// The control vector that a vector names: by both halves, whole, or by its
/// key type.
fn vector(len: usize, inputs: &Inputs<'_>) -> Result<ControlVector, NoAnswer> {
    if inputs.optional("cv_left").is_some() {
        return Ok(ControlVector {
            left: half("cv_left", inputs)?,
            right: half("cv_right", inputs)?,
        });
    }
    for name in ["control_vector", "cv"] {
        if inputs.optional(name).is_some() {
            return ControlVector::parse(inputs.text(name)?).map_err(refused);
        }
    }
    if inputs.optional("zero_cv") == Some(&Value::Bool(true)) {
        return Ok(ControlVector::ZERO);
    }
    default_of(inputs.text("key_type")?, len)
}

/// The default control vector of a type, by IBM's name; the zero vector of an
/// old DATA key has none, and goes by the names that people gave it.
fn default_of(name: &str, len: usize) -> Result<ControlVector, NoAnswer> {
    if matches!(name, "ZERO-CV" | "DATA (zero CV)" | "DATA (CV cero)") {
        return match len {
            8 | 16 | 24 => Ok(ControlVector::ZERO),
            other => Err(refused(CvError::KeyLength(other))),
        };
    }
    KeyType::named(name)
        .and_then(|kind| kind.default_vector(len))
        .map_err(refused)
}

fn default_vector(inputs: &Inputs<'_>) -> Answer {
    let len = number("length", inputs)?;
    let vector = default_of(inputs.text("key_type")?, len)?;
    Ok(halves(&vector))
}

fn halves(vector: &ControlVector) -> Vec<(&'static str, Output)> {
    vec![
        ("cv_left", Output::hex(&vector.left)),
        ("cv_right", Output::hex(&vector.right)),
    ]
}

fn checked_vector(inputs: &Inputs<'_>) -> Answer {
    let said = match inputs.optional("length") {
        Some(_) => number("length", inputs)?,
        None => 0,
    };
    let vector = vector(said, inputs)?;
    let len = match said {
        0 => vector.key_len().unwrap_or(16),
        said => said,
    };
    let checked = vector.check_strictly(len);
    if let (Err(why), true) = (&checked, inputs.must_fail()) {
        return Err(refused(why));
    }
    let even = !matches!(checked, Err(CvError::Parity(_)));
    let mut out = halves(&vector);
    for (name, holds) in [("valid", checked.is_ok()), ("parity_ok", even)] {
        out.push((name, Output::Exact(Value::Bool(holds))));
    }
    out.extend(told(&vector));
    Ok(out)
}

/// What a control vector says.
fn told(vector: &ControlVector) -> Vec<(&'static str, Output)> {
    let mut out = Vec::new();
    if let Some(kind) = vector.key_type() {
        let name = if vector.is_zero() { "DATA" } else { kind.name };
        out.push(("key_type", Output::text(name)));
    }
    for (name, holds) in [
        ("export_allowed", vector.may_be_exported()),
        ("xport_ok", vector.may_be_exported()),
        ("key_part", vector.is_key_part()),
        ("enh_only", vector.wants_enhanced()),
    ] {
        out.push((name, Output::Exact(Value::Bool(holds))));
    }
    out
}

/// The rules of the product, where a refusal is wanted.
fn product_rules(kek: &Secret, key: &Secret, vector: &ControlVector) -> Result<(), NoAnswer> {
    des_keys::check_with_parity(key.expose()).map_err(refused)?;
    des_keys::check_with_parity(kek.expose()).map_err(refused)?;
    vector.check_strictly(key.len()).map_err(refused)?;
    if key.len() == 8 {
        return Err(refused("single DES leaves in no token"));
    }
    if kek.len() < key.len() {
        return Err(refused("the transport key is weaker than the key"));
    }
    if vector.wants_enhanced() {
        return Err(refused("the control vector forbids the original wrapping"));
    }
    Ok(())
}

fn only_ecb(inputs: &Inputs<'_>) -> Result<(), NoAnswer> {
    match inputs.optional("mode").or(inputs.optional("wrapping")) {
        None => Ok(()),
        Some(Value::Text(text)) if text.to_ascii_uppercase().ends_with("ECB") => Ok(()),
        Some(_) => Err(refused("the original wrapping alone is done: ECB")),
    }
}

fn wrapped(inputs: &Inputs<'_>) -> Answer {
    only_ecb(inputs)?;
    let (kek, key) = (inputs.bytes("kek")?, inputs.bytes("key")?);
    let vector = vector(key.len(), inputs)?;
    let cryptogram = wrap(&kek, &key, &vector).map_err(refused)?;
    if inputs.must_fail() {
        product_rules(&kek, &key, &vector)?;
    }
    let mut out = halves(&vector);
    out.push(("cryptogram", Output::hex(&cryptogram)));
    Ok(out)
}

fn unwrapped(inputs: &Inputs<'_>) -> Answer {
    only_ecb(inputs)?;
    let (kek, cryptogram) = (inputs.bytes("kek")?, inputs.bytes("cryptogram")?);
    let vector = vector(cryptogram.len(), inputs)?;
    let key = DesToken::around(cryptogram.expose(), vector)
        .and_then(|token| token.open(&kek))
        .map_err(refused)?;
    if inputs.must_fail() {
        product_rules(&kek, &key, &vector)?;
    }
    Ok(vec![("key", Output::hex(key.expose()))])
}

fn made(inputs: &Inputs<'_>) -> Answer {
    only_ecb(inputs)?;
    let (kek, key) = (inputs.bytes("kek")?, inputs.bytes("key")?);
    let vector = vector(key.len(), inputs)?;
    let token = match inputs.optional("token_version") {
        None => DesToken::make(&kek, &key, vector),
        Some(_) => {
            let version = inputs.bytes("token_version")?;
            match version.expose() {
                [version] => DesToken::of_version(&kek, &key, vector, *version),
                _ => return Err(refused("a version is one byte")),
            }
        }
    }
    .map_err(refused)?;
    if inputs.must_fail() {
        product_rules(&kek, &key, &vector)?;
    }
    // Our own reader takes what we make, and finds the same key in it.
    let read = DesToken::parse(&token.to_bytes()).map_err(refused)?;
    let back = read.open(&kek).map_err(refused)?;
    if read != token || !back.ct_eq(key.expose()) {
        return Err(refused("the token does not read back"));
    }
    Ok(facts(&token))
}

fn facts(token: &DesToken) -> Vec<(&'static str, Output)> {
    let bytes = token.to_bytes();
    let mut out = halves(token.vector());
    out.extend([
        ("token", Output::hex(&bytes)),
        ("tvv", Output::hex(&token_validation_value(&bytes))),
        ("cryptogram", Output::hex(token.cryptogram())),
        ("token_version", Output::hex(&[token.version()])),
        ("version", Output::hex(&[token.version()])),
        ("wrapping", Output::text(token.wrapping().to_string())),
        (
            "length",
            Output::Exact(Value::Number(token.key_len().to_string())),
        ),
        (
            "key_length",
            Output::Exact(Value::Number(token.key_len().to_string())),
        ),
    ]);
    out.extend(told(token.vector()));
    out
}

fn opened(inputs: &Inputs<'_>) -> Answer {
    let bytes = inputs.bytes("token")?;
    let token = DesToken::parse(bytes.expose()).map_err(refused)?;
    let mut out = facts(&token);
    if let Some(kind) = inputs.optional("key_type").and_then(Value::as_text) {
        let found = token.vector().key_type().map(|kind| kind.name);
        if found != Some(kind) && !(kind == "DATA" && token.vector().is_zero()) {
            return Err(refused("the token is one of another key type"));
        }
    }
    if inputs.optional("kek").is_some() {
        let kek = inputs.bytes("kek")?;
        let key = token.open(&kek).map_err(refused)?;
        if inputs.must_fail() {
            product_rules(&kek, &key, token.vector())?;
        }
        out.push(("key", Output::hex(key.expose())));
        out.push(("clear_key", Output::hex(key.expose())));
    } else if inputs.must_fail() {
        token
            .vector()
            .check_strictly(token.key_len())
            .map_err(refused)?;
    }
    Ok(out)
}

fn rsa(inputs: &Inputs<'_>) -> Answer {
    let token = match inputs.optional("token") {
        Some(_) => RsaToken::parse(inputs.bytes("token")?.expose()).map_err(refused)?,
        None => {
            let modulus = inputs.bytes("modulus")?;
            let exponent = inputs.bytes("exponent")?;
            RsaToken::make(exponent.expose(), modulus.expose()).map_err(refused)?
        }
    };
    Ok(vec![
        ("token", Output::hex(&token.to_bytes())),
        ("modulus", Output::hex(token.modulus())),
        ("exponent", Output::hex(token.exponent())),
        (
            "bits",
            Output::Exact(Value::Number(token.bits().to_string())),
        ),
    ])
}

fn part(inputs: &Inputs<'_>) -> Answer {
    let value = inputs.bytes("key").or_else(|_| inputs.bytes("part"))?;
    let mut out = vec![("checksum", Output::hex(&[checksum(&value)]))];
    let Some(name) = inputs
        .optional("master_key")
        .or(inputs.optional("key_type"))
    else {
        return Ok(out);
    };
    let name = name.as_text().unwrap_or_default();
    let kind = MasterKey::ALL
        .into_iter()
        .find(|kind| kind.name() == name && kind.len() == value.len())
        .ok_or_else(|| refused("no master key of this name and length"))?;
    if let Some(vp) = kind.verification_pattern(&value).map_err(refused)? {
        out.push(("verification_pattern", Output::hex(vp.expose())));
        out.push(("vp", Output::hex(vp.expose())));
    }
    if let Some(hp) = kind.hash_pattern(&value).map_err(refused)? {
        out.push(("hash_pattern", Output::hex(hp.expose())));
        out.push(("hp", Output::hex(hp.expose())));
    }
    Ok(out)
}
