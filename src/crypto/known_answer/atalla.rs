//! Keys as an Atalla takes them: key blocks, and variants from before them.

use super::checks::whole_check;
use super::inputs::refused;
use super::{Answer, Inputs, NoAnswer, Output};
use crate::keyblock::{Akb, AkbHeader, akb_wrap};
use crate::primitive::atalla_variant::{Variant, unwrap, wrap};
use crate::primitive::des_keys;
use crate::primitive::kcv::Method;
use crate::secret::Secret;

pub(super) fn answer(op: &str, inputs: &Inputs<'_>) -> Answer {
    match op {
        "akb_unwrap" => unwrapped(inputs),
        "akb_wrap" => wrapped(inputs),
        "atalla_variant" => under_variant(inputs),
        "atalla_variant_unwrap" => from_variant(inputs),
        _ => Err(NoAnswer::Unknown),
    }
}

/// What the product asks besides the arithmetic, where a refusal is wanted.
fn fit(key: &Secret, inputs: &Inputs<'_>) -> Result<(), NoAnswer> {
    if inputs.must_fail() {
        des_keys::check_with_parity(key.expose()).map_err(refused)?;
    }
    Ok(())
}

fn kcv(key: &Secret) -> Result<(&'static str, Output), NoAnswer> {
    let whole = whole_check(Method::TdesZero, key).map_err(refused)?;
    Ok(("kcv", Output::Leftmost(whole)))
}

fn unwrapped(inputs: &Inputs<'_>) -> Answer {
    let kek = inputs.bytes("kek")?;
    let block = Akb::parse(inputs.text("key_block")?.as_bytes()).map_err(refused)?;
    let found = block.unwrap(&kek).map_err(refused)?;
    if inputs.must_fail() {
        found.header.fault().map_err(refused)?;
        fit(&found.key, inputs)?;
    }
    Ok(vec![
        ("key", Output::hex(found.key.expose())),
        ("header", Output::text(found.header.to_string())),
        kcv(&found.key)?,
    ])
}

fn wrapped(inputs: &Inputs<'_>) -> Answer {
    let (kek, key) = (inputs.bytes("kek")?, inputs.bytes("key")?);
    let header = AkbHeader::parse(inputs.text("header")?.as_bytes()).map_err(refused)?;
    header.fault().map_err(refused)?;
    let block = akb_wrap(&kek, header, &key).map_err(refused)?;
    fit(&key, inputs)?;
    Ok(vec![("key_block", Output::text(block.text())), kcv(&key)?])
}

fn variant(inputs: &Inputs<'_>) -> Result<Variant, NoAnswer> {
    let number = inputs.text("variant")?.parse().ok();
    let known = number.and_then(Variant::new);
    known.ok_or_else(|| refused("no such variant"))
}

fn under_variant(inputs: &Inputs<'_>) -> Answer {
    let (kek, key) = (inputs.bytes("kek")?, inputs.bytes("clear_key")?);
    let cryptogram = wrap(variant(inputs)?, &kek, &key).map_err(refused)?;
    fit(&key, inputs)?;
    Ok(vec![("cryptogram", Output::hex(&cryptogram)), kcv(&key)?])
}

fn from_variant(inputs: &Inputs<'_>) -> Answer {
    let (kek, cryptogram) = (inputs.bytes("kek")?, inputs.bytes("cryptogram")?);
    let key = unwrap(variant(inputs)?, &kek, cryptogram.expose()).map_err(refused)?;
    fit(&key, inputs)?;
    Ok(vec![("clear_key", Output::hex(key.expose())), kcv(&key)?])
}
