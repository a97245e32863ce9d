//! Card verification values, of cards and of transactions.

use super::inputs::refused;
use super::pin::{des_key, pan, valid};
use super::{Answer, Inputs, NoAnswer, Output, Value};
use crate::card::cvv::{cvc3, cvv, dcvv, iv_cvc3};
use crate::card::icc_key::{Diversification, icc_key};
use crate::secret::Secret;

pub(super) fn answer(op: &str, inputs: &Inputs<'_>) -> Answer {
    match op {
        "cvv" | "cvc" | "cvv1" | "cvc1" => printed(None, inputs),
        "cvv2" | "cvc2" => printed(Some("000"), inputs),
        "icvv" | "icvc" | "chip_cvc" => printed(Some("999"), inputs),
        "cvv_verify" => verified(inputs),
        "dcvv_visa" | "dcvv" => of_transaction(inputs),
        "cvc3" | "cvc3_ivcvc3" => number(inputs),
        "icc_master_key" => derived(inputs),
        _ => Err(NoAnswer::Unknown),
    }
}

/// `usual`: the service code of values for which a vector may leave it out.
fn value(usual: Option<&str>, inputs: &Inputs<'_>) -> Result<String, NoAnswer> {
    let service = match (inputs.optional("service_code"), usual) {
        (None, Some(usual)) => usual,
        _ => inputs.text("service_code")?,
    };
    let key = des_key("cvk", inputs)?;
    let found = cvv(&key, &pan(inputs)?, inputs.text("expiry")?, service).map_err(refused)?;
    Ok(found.digits())
}

fn printed(usual: Option<&str>, inputs: &Inputs<'_>) -> Answer {
    let found = value(usual, inputs)?;
    let names = ["cvv", "cvc", "cvv2", "cvc2", "icvv", "icvc"];
    Ok(names
        .into_iter()
        .map(|name| (name, Output::text(found.clone())))
        .collect())
}

fn verified(inputs: &Inputs<'_>) -> Answer {
    let good = value(None, inputs)? == inputs.text("cvv")?;
    match good || !inputs.must_fail() {
        true => Ok(valid(good)),
        false => Err(refused("another value")),
    }
}

pub(super) fn card_key(inputs: &Inputs<'_>) -> Result<Secret, NoAnswer> {
    let how = match inputs.optional("option").and_then(Value::as_text) {
        None | Some("A") => Diversification::A,
        Some("B") => Diversification::B,
        Some(other) => return Err(refused(format!("no option {other:?}"))),
    };
    let sequence = match inputs.optional("psn") {
        Some(_) => inputs.text("psn")?,
        None => "00",
    };
    let master = des_key("imk", inputs)?;
    icc_key(how, &master, &pan(inputs)?, sequence).map_err(refused)
}

fn derived(inputs: &Inputs<'_>) -> Answer {
    let key = card_key(inputs)?;
    let method = crate::primitive::kcv::Method::TdesZero;
    let kcv = super::checks::whole_check(method, &key).map_err(refused)?;
    Ok(vec![
        ("icc_mk", Output::hex(key.expose())),
        ("kcv", Output::Leftmost(kcv)),
    ])
}

fn of_transaction(inputs: &Inputs<'_>) -> Answer {
    let counter = inputs.bytes("atc")?;
    let (expiry, service) = (inputs.text("expiry")?, inputs.text("service_code")?);
    let key = card_key(inputs)?;
    let found = dcvv(&key, &pan(inputs)?, counter.expose(), expiry, service).map_err(refused)?;
    Ok(vec![("dcvv", Output::text(found.digits()))])
}

/// The number has five digits, of which a track takes the last few: three at
/// least, or the whole number without zeros in front.
fn number(inputs: &Inputs<'_>) -> Answer {
    let key = card_key(inputs)?;
    let start = match inputs.optional("ivcvc3") {
        Some(_) => inputs.bytes("ivcvc3")?,
        None => {
            let track = inputs.bytes("track_data")?;
            let mut start = iv_cvc3(&key, track.expose()).map_err(refused)?;
            Secret::take(&mut start)
        }
    };
    let (un, atc) = (inputs.bytes("un")?, inputs.bytes("atc")?);
    let found = cvc3(&key, start.expose(), un.expose(), atc.expose()).map_err(refused)?;
    let five = format!("{found:05}");
    let expected = inputs
        .expected("cvc3")
        .and_then(Value::as_text)
        .unwrap_or_default();
    let cut = expected.len() >= 3 && five.ends_with(expected);
    let judged = match cut || expected == found.to_string() {
        true => Ok(()),
        false => Err(format!("{five}, expected {expected:?}")),
    };
    Ok(vec![
        ("cvc3", Output::Judged(judged)),
        ("ivcvc3", Output::hex(start.expose())),
    ])
}
