//! PIN blocks, by names such as `pinblock_iso0`, `pinblock_iso3_decode`,
//! `pinblock_plus_thales04`, `pinblock_iso4_decipher`.

use super::inputs::refused;
use super::pin::{des_key, pan, pin, shown};
use super::{Answer, Inputs, NoAnswer, Output, Value};
use crate::card::pan::Pan;
use crate::pin::Pin;
use crate::pin::block::{Fill, Format, With, decipher, encipher};
use crate::pin::iso4;
use crate::pin::translate::{Enciphered, translate};
use crate::secret::{RandomError, RandomSource, Secret};

pub(super) fn answer(op: &str, inputs: &Inputs<'_>) -> Answer {
    let Some(rest) = op.strip_prefix("pinblock_") else {
        return Err(NoAnswer::Unknown);
    };
    let words: Vec<&str> = rest.split('_').collect();
    match words.as_slice() {
        ["encipher"] => under(inputs),
        ["decipher"] => from_under(inputs),
        ["translate"] => moved(inputs),
        [words @ .., "pan", "field"] => with(words, "pan_field", inputs),
        [words @ .., "pin", "field"] => with(words, "pin_field", inputs),
        [
            words @ ..,
            verb @ ("encode" | "decode" | "encipher" | "decipher"),
        ] => with(words, verb, inputs),
        words => with(words, "", inputs),
    }
}

/// A format by its name, payShield's number, or both where they agree.
fn named(words: &[&str]) -> Option<Enciphered> {
    let one = |word: &str| {
        let number = word.strip_prefix("thales").unwrap_or(word);
        let by_number = Format::ALL
            .into_iter()
            .find(|format| format.thales() == number);
        Some(match word {
            "iso0" | "ansi" => Enciphered::Tdes(Format::Iso0),
            "iso1" => Enciphered::Tdes(Format::Iso1),
            "iso2" => Enciphered::Tdes(Format::Iso2),
            "iso3" => Enciphered::Tdes(Format::Iso3),
            "docutel" => Enciphered::Tdes(Format::Docutel),
            "diebold" => Enciphered::Tdes(Format::Diebold),
            "plus" => Enciphered::Tdes(Format::Plus),
            "iso4" | "thales48" | "48" => Enciphered::Iso4,
            _ => Enciphered::Tdes(by_number?),
        })
    };
    let (first, rest) = words.split_first()?;
    let format = one(first)?;
    rest.iter()
        .all(|word| one(word) == Some(format))
        .then_some(format)
}

fn with(words: &[&str], verb: &str, inputs: &Inputs<'_>) -> Answer {
    match (named(words).ok_or(NoAnswer::Unknown)?, verb) {
        (Enciphered::Iso4, "pan_field") => {
            let field = iso4::pan_field(&pan(inputs)?);
            Ok(vec![("pan_field", Output::hex(&field[..]))])
        }
        (Enciphered::Iso4, "decode") if inputs.optional("pin_field").is_some() => {
            let field = inputs.bytes("pin_field")?;
            let pin = iso4::pin_of_field(&field).map_err(refused)?;
            Ok(vec![("pin", shown(&pin))])
        }
        (Enciphered::Iso4, "pin_field") => {
            let random = inputs.bytes("random")?;
            let field = iso4::pin_field(&pin("pin", inputs)?, &random).map_err(refused)?;
            Ok(vec![("pin_field", Output::hex(field.expose()))])
        }
        (Enciphered::Iso4, "decode" | "decipher") => iso4_out(inputs),
        (Enciphered::Iso4, _) if inputs.optional("pin").is_none() => iso4_out(inputs),
        (Enciphered::Iso4, _) => iso4_in(inputs),
        (_, "pan_field" | "pin_field") => Err(NoAnswer::Unknown),
        (Enciphered::Tdes(format), "decode" | "decipher") => out_of(format, inputs),
        (Enciphered::Tdes(format), _) if inputs.optional("pin").is_none() => out_of(format, inputs),
        (Enciphered::Tdes(format), _) => into(format, inputs),
    }
}

/// The card number; or an account field of twelve digits, as payShield's
/// commands have it, which lacks the check digit.
fn card(format: Format, inputs: &Inputs<'_>) -> Result<Option<Pan>, NoAnswer> {
    let account = ["account", "account_number", "account_field"]
        .into_iter()
        .find(|name| inputs.optional(name).is_some());
    match (format.takes_pan(), account) {
        (false, _) if inputs.optional("pan").is_none() => Ok(None),
        (_, Some(name)) if inputs.optional("pan").is_none() => {
            let text = inputs.text(name)?;
            let check = if format == Format::Plus { "" } else { "0" };
            Pan::parse(&format!("{text}{check}"))
                .map(Some)
                .map_err(refused)
        }
        _ => pan(inputs).map(Some),
    }
}

/// The fill of a vector as half bytes: given as hex digits, or for Docutel's
/// format the first nine digits of an account field.
fn fill(
    format: Format,
    pan: Option<&Pan>,
    inputs: &Inputs<'_>,
) -> Result<Option<Vec<u8>>, NoAnswer> {
    let name = ["fill", "random", "padding", "random_fill", "account"]
        .into_iter()
        .find(|name| inputs.optional(name).is_some());
    let text = match (name, format) {
        (Some(name), _) => inputs.text(name)?,
        (None, Format::Docutel) => pan
            .and_then(|pan| pan.before_check_digit(12))
            .ok_or_else(|| NoAnswer::Incomplete("no input `padding`".into()))?,
        (None, _) => return Ok(None),
    };
    let halves: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).map(|half| half as u8))
        .collect();
    let mut halves = halves.ok_or_else(|| refused("the fill is not hexadecimal"))?;
    if format == Format::Docutel {
        halves.truncate(9);
    }
    Ok(Some(halves))
}

fn into(format: Format, inputs: &Inputs<'_>) -> Answer {
    let pin = pin("pin", inputs)?;
    let pan = card(format, inputs)?;
    let given = fill(format, pan.as_ref(), inputs)?;
    let drawn = given.is_none() && format.has_random_fill();
    let mut counting = Counting(0);
    let fill = match (&given, drawn) {
        (_, true) => Fill::Drawn(&mut counting),
        (Some(given), _) => Fill::Given(given),
        (None, _) => Fill::Given(&[]),
    };
    let pan = pan.as_ref();
    let block = format.encode(&pin, With { pan, fill }).map_err(refused)?;
    let clear = match drawn {
        false => Output::hex(block.expose()),
        true => Output::Judged(same_pin(format, &pin, pan, inputs)),
    };
    let mut outputs = vec![("pin_block", clear.clone()), ("clear_pin_block", clear)];
    if inputs.optional("key").is_some() {
        let key = des_key("key", inputs)?;
        let enciphered = encipher(&key, &block).map_err(refused)?;
        outputs.push(("enciphered_pin_block", Output::hex(&enciphered)));
    }
    Ok(outputs)
}

/// With a random fill, the expected block is good if the PIN is in it.
fn same_pin(
    format: Format,
    pin: &Pin,
    pan: Option<&Pan>,
    inputs: &Inputs<'_>,
) -> Result<(), String> {
    let text = ["pin_block", "clear_pin_block"]
        .into_iter()
        .find_map(|name| inputs.expected(name).and_then(Value::as_text));
    let block = super::inputs::unhex("pin_block", text.unwrap_or_default())
        .map_err(|_| "not hexadecimal".to_owned())?;
    let found = format.decode(&block, pan).map_err(|e| e.to_string())?;
    match found.ct_eq(pin) {
        true => Ok(()),
        false => Err("another PIN is in it".into()),
    }
}

fn out_of(format: Format, inputs: &Inputs<'_>) -> Answer {
    let clear = ["pin_block", "clear_pin_block"]
        .into_iter()
        .find(|name| inputs.optional(name).is_some());
    let block = match (clear, inputs.optional("key")) {
        (Some(name), None) => inputs.bytes(name)?,
        _ => {
            let name = clear.unwrap_or("enciphered_pin_block");
            let enciphered = inputs.bytes(name)?;
            decipher(&des_key("key", inputs)?, enciphered.expose()).map_err(refused)?
        }
    };
    let pan = card(format, inputs)?;
    let pin = format.decode(&block, pan.as_ref()).map_err(refused)?;
    Ok(vec![
        ("clear_pin_block", Output::hex(block.expose())),
        ("pin", shown(&pin)),
    ])
}

fn under(inputs: &Inputs<'_>) -> Answer {
    let name = match inputs.optional("clear_pin_block") {
        Some(_) => "clear_pin_block",
        None => "pin_block",
    };
    let block = encipher(&des_key("key", inputs)?, &inputs.bytes(name)?).map_err(refused)?;
    Ok(vec![("enciphered_pin_block", Output::hex(&block))])
}

fn from_under(inputs: &Inputs<'_>) -> Answer {
    let enciphered = inputs.bytes("enciphered_pin_block")?;
    let key = des_key("key", inputs)?;
    let block = decipher(&key, enciphered.expose()).map_err(refused)?;
    Ok(vec![
        ("clear_pin_block", Output::hex(block.expose())),
        ("pin_block", Output::hex(block.expose())),
    ])
}

fn iso4_in(inputs: &Inputs<'_>) -> Answer {
    let (pin, pan) = (pin("pin", inputs)?, pan(inputs)?);
    let given = inputs.optional("random").is_some();
    let random = match given {
        true => inputs.bytes("random")?,
        false => Secret::zeroed(8),
    };
    let field = iso4::pin_field(&pin, &random).map_err(refused)?;
    let mut outputs = vec![("pan_field", Output::hex(&iso4::pan_field(&pan)[..]))];
    if given {
        outputs.push(("pin_field", Output::hex(field.expose())));
    }
    if inputs.optional("key").is_some() {
        let key = inputs.bytes("key")?;
        let block = iso4::encipher(&key, &pin, &pan, &random).map_err(refused)?;
        let block = match given {
            true => Output::hex(&block),
            false => Output::Judged(same_pin_iso4(&key, &pin, &pan, inputs)),
        };
        outputs.push(("enciphered_pin_block", block));
    }
    Ok(outputs)
}

fn same_pin_iso4(key: &Secret, pin: &Pin, pan: &Pan, inputs: &Inputs<'_>) -> Result<(), String> {
    let text = inputs
        .expected("enciphered_pin_block")
        .and_then(Value::as_text);
    let block = super::inputs::unhex("enciphered_pin_block", text.unwrap_or_default())
        .map_err(|_| "not hexadecimal".to_owned())?;
    let found = iso4::decipher(key, block.expose(), pan).map_err(|e| e.to_string())?;
    match found.ct_eq(pin) {
        true => Ok(()),
        false => Err("another PIN is in it".into()),
    }
}

fn iso4_out(inputs: &Inputs<'_>) -> Answer {
    let name = match inputs.optional("enciphered_pin_block") {
        Some(_) => "enciphered_pin_block",
        None => "pin_block",
    };
    let (key, block, pan) = (inputs.bytes("key")?, inputs.bytes(name)?, pan(inputs)?);
    let field = iso4::decipher_field(&key, block.expose(), &pan).map_err(refused)?;
    let pin = iso4::pin_of_field(&field).map_err(refused)?;
    Ok(vec![
        ("pin", shown(&pin)),
        ("pin_field", Output::hex(field.expose())),
        ("pan_field", Output::hex(&iso4::pan_field(&pan)[..])),
    ])
}

/// From one key and format to another; what comes out is judged by the PIN in
/// it, which both blocks must hold, or byte for byte where nothing is random.
fn moved(inputs: &Inputs<'_>) -> Answer {
    let format = |names: [&str; 2]| {
        let text = match inputs.optional(names[0]) {
            Some(_) => inputs.text(names[0])?,
            None => inputs.text(names[1])?,
        };
        let words: Vec<&str> = text.split('_').filter(|word| *word != "pinblock").collect();
        named(&words).ok_or_else(|| refused("no such format"))
    };
    let key = |names: [&str; 2]| match inputs.optional(names[0]) {
        Some(_) => inputs.bytes(names[0]),
        None => inputs.bytes(names[1]),
    };
    let from = format(["source_format", "format_in"])?;
    let to = format(["destination_format", "format_out"])?;
    let from_key = key(["source_key", "key_in"])?;
    let to_key = key(["destination_key", "key_out"])?;
    let pan = match inputs.optional("pan") {
        Some(_) => Some(pan(inputs)?),
        None => None,
    };
    let name = match inputs.optional("enciphered_pin_block") {
        Some(_) => "enciphered_pin_block",
        None => "pin_block",
    };
    let block = inputs.bytes(name)?;
    let (one, other) = ((from, &from_key), (to, &to_key));
    let moved = translate(one, block.expose(), other, pan.as_ref(), &mut Counting(0));
    let moved = moved.map_err(refused)?;
    let random = to == Enciphered::Iso4
        || matches!(to, Enciphered::Tdes(format) if format.has_random_fill());
    let pin = from
        .open(&from_key, block.expose(), pan.as_ref())
        .map_err(refused)?;
    let output = match random {
        false => Output::hex(&moved),
        true => {
            let text = inputs
                .expected("enciphered_pin_block")
                .and_then(Value::as_text);
            let expected = super::inputs::unhex("enciphered_pin_block", text.unwrap_or_default())?;
            let found = to.open(&to_key, expected.expose(), pan.as_ref());
            let same = found.is_ok_and(|found| found.ct_eq(&pin));
            Output::Judged(
                same.then_some(())
                    .ok_or_else(|| "another PIN is in it".into()),
            )
        }
    };
    Ok(vec![("enciphered_pin_block", output), ("pin", shown(&pin))])
}

/// Fill for blocks that nobody keeps: known-answer runs draw no randomness.
struct Counting(u8);

impl RandomSource for Counting {
    fn public(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        for byte in buf {
            self.0 = self.0.wrapping_mul(5).wrapping_add(0x6B);
            *byte = self.0;
        }
        Ok(())
    }

    fn secret(&mut self, buf: &mut [u8]) -> Result<(), RandomError> {
        self.public(buf)
    }
}
