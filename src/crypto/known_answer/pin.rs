//! PINs: IBM 3624, PVV, and the PINs in PIN blocks.

use super::inputs::refused;
use super::{Answer, Inputs, NoAnswer, Output, Value};
use crate::card::pan::Pan;
use crate::pin::Pin;
use crate::pin::ibm3624::{
    DecimalisationTable, Offset, ValidationData, natural_pin, offset, pin_of,
};
use crate::pin::pvv::{KeyIndex, pvv};
use crate::primitive::des_keys;
use crate::secret::Secret;

pub(super) fn answer(op: &str, inputs: &Inputs<'_>) -> Answer {
    match op {
        "ibm3624_pin" | "ibm3624_natural" | "ibm3624_natural_pin" => ibm3624_pin(inputs),
        "ibm3624_offset" => ibm3624_offset(inputs),
        "ibm3624_verify" | "ibm3624_pin_verify" => ibm3624_verify(inputs),
        "visa_pvv" | "pvv" => visa_pvv(inputs),
        "visa_pvv_verify" | "pvv_verify" => pvv_verify(inputs),
        _ => Err(NoAnswer::Unknown),
    }
}

/// The PIN of a vector as it may be compared.
pub(super) fn shown(pin: &Pin) -> Output {
    Output::text(String::from_utf8_lossy(pin.text().expose()))
}

pub(super) fn pin(name: &str, inputs: &Inputs<'_>) -> Result<Pin, NoAnswer> {
    Pin::from_text(inputs.text(name)?.as_bytes()).map_err(refused)
}

pub(super) fn pan(inputs: &Inputs<'_>) -> Result<Pan, NoAnswer> {
    Pan::parse(inputs.text("pan")?).map_err(refused)
}

/// A DES key; published ones have equal parts and even parity. Where a refusal
/// is wanted, the rules for keys of ours hold.
pub(super) fn des_key(name: &str, inputs: &Inputs<'_>) -> Result<Secret, NoAnswer> {
    let key = inputs.bytes(name)?;
    if inputs.must_fail() {
        des_keys::check(key.expose()).map_err(refused)?;
    }
    Ok(key)
}

/// A number, as JSON's or as text.
pub(super) fn number(name: &str, inputs: &Inputs<'_>) -> Result<usize, NoAnswer> {
    let text = match inputs.value(name)? {
        Value::Number(text) | Value::Text(text) => text,
        _ => return Err(NoAnswer::Incomplete(format!("input `{name}` is no number"))),
    };
    text.parse()
        .map_err(|_| NoAnswer::Refused(format!("`{name}` is no number that fits")))
}

pub(super) fn valid(good: bool) -> Vec<(&'static str, Output)> {
    ["valid", "verified", "ok", "result"]
        .into_iter()
        .map(|name| (name, Output::Exact(Value::Bool(good))))
        .collect()
}

struct Ibm3624 {
    key: Secret,
    table: DecimalisationTable,
    data: ValidationData,
}

impl Ibm3624 {
    fn read(inputs: &Inputs<'_>) -> Result<Self, NoAnswer> {
        let table = DecimalisationTable::parse(inputs.text("dectab")?).map_err(refused)?;
        if inputs.must_fail() {
            table.check_for_issuing().map_err(refused)?;
        }
        let data = match inputs.optional("validation_data") {
            Some(_) => ValidationData::parse(inputs.text("validation_data")?),
            None => {
                let pad = inputs.text("pan_pad")?.chars().next().unwrap_or_default();
                let from = number("pan_verify_offset", inputs)?;
                let count = number("pan_verify_length", inputs)?;
                ValidationData::of(inputs.text("pan")?, from, count, pad)
            }
        };
        Ok(Self {
            key: des_key("pvk", inputs)?,
            table,
            data: data.map_err(refused)?,
        })
    }

    fn natural(&self, len: usize) -> Result<Pin, NoAnswer> {
        natural_pin(&self.key, &self.table, &self.data, len).map_err(refused)
    }
}

/// Without an offset, the natural PIN is the PIN.
fn ibm3624_pin(inputs: &Inputs<'_>) -> Answer {
    let way = Ibm3624::read(inputs)?;
    let length = ["length", "pin_length"]
        .into_iter()
        .find(|name| inputs.optional(name).is_some());
    let offset = match (inputs.optional("offset"), length) {
        (Some(_), _) => Offset::parse(inputs.text("offset")?).map_err(refused)?,
        (None, Some(name)) => Offset::none(number(name, inputs)?),
        (None, None) => Offset::none(4),
    };
    let natural = way.natural(offset.digits().len())?;
    let pin = pin_of(&natural, &offset).map_err(refused)?;
    Ok(vec![("natural_pin", shown(&natural)), ("pin", shown(&pin))])
}

fn ibm3624_offset(inputs: &Inputs<'_>) -> Answer {
    let way = Ibm3624::read(inputs)?;
    let pin = pin("pin", inputs)?;
    let natural = way.natural(pin.len())?;
    let found = offset(&natural, &pin).map_err(refused)?;
    Ok(vec![
        ("natural_pin", shown(&natural)),
        ("offset", Output::text(found.digits())),
    ])
}

fn ibm3624_verify(inputs: &Inputs<'_>) -> Answer {
    let way = Ibm3624::read(inputs)?;
    let offset = Offset::parse(inputs.text("offset")?).map_err(refused)?;
    let natural = way.natural(offset.digits().len())?;
    let good = pin("pin", inputs)?.ct_eq(&pin_of(&natural, &offset).map_err(refused)?);
    match good || !inputs.must_fail() {
        true => Ok(valid(good)),
        false => Err(refused("another PIN")),
    }
}

fn value_of(inputs: &Inputs<'_>) -> Result<String, NoAnswer> {
    let index = match inputs.value("pvki")? {
        Value::Number(text) | Value::Text(text) => KeyIndex::parse(text).map_err(refused)?,
        _ => return Err(NoAnswer::Incomplete("input `pvki` is no digit".into())),
    };
    if inputs.must_fail() {
        index.check_for_issuing().map_err(refused)?;
    }
    let key = des_key("pvk", inputs)?;
    pvv(&key, index, &pan(inputs)?, &pin("pin", inputs)?).map_err(refused)
}

fn visa_pvv(inputs: &Inputs<'_>) -> Answer {
    Ok(vec![("pvv", Output::text(value_of(inputs)?))])
}

fn pvv_verify(inputs: &Inputs<'_>) -> Answer {
    let good = value_of(inputs)? == inputs.text("pvv")?;
    match good || !inputs.must_fail() {
        true => Ok(valid(good)),
        false => Err(refused("another value")),
    }
}
