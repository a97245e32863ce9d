//! Keys as a payShield writes them: without a key block under a zone master key
//! and under the published test LMK, and in Thales key blocks.

use super::checks::whole_check;
use super::inputs::{refused, unhex};
use super::value::hex;
use super::{Answer, Inputs, NoAnswer, Output, Value};
use crate::keyblock::{
    Algorithm as KeyAlgorithm, Attributes, Kbpk, LmkId, ThalesBlock, ThalesVersion, Version,
    derive, thales_wrap_with_padding,
};
use crate::primitive::des_keys;
use crate::primitive::kcv::Method;
use crate::primitive::key_scheme::{Scheme, unwrap, wrap};
use crate::primitive::lmk::{KeyType, Pair, VARIANTS};
use crate::primitive::modes::{Algorithm, Cipher};
use crate::secret::Secret;

pub(super) fn answer(op: &str, inputs: &Inputs<'_>) -> Answer {
    match op {
        "key_scheme" => wrapped(&inputs.bytes("wrapping")?, "scheme", inputs),
        "zmk_export" => wrapped(&inputs.bytes("zmk")?, "zmk_scheme", inputs),
        "zmk_import" => taken(inputs),
        "lmk_encrypt" => wrapped(&test_lmk(inputs.text("key_type")?)?, "scheme", inputs),
        "lmk_decrypt" => decrypted(inputs),
        "test_lmk_table" => table(inputs),
        "keyblock_s_tdes" => block(ThalesVersion::Tdes, inputs),
        "keyblock_s_aes" => block(ThalesVersion::Aes, inputs),
        "keyblock_s_tdes_wrap" => written(ThalesVersion::Tdes, inputs),
        "keyblock_s_aes_wrap" => written(ThalesVersion::Aes, inputs),
        _ => Err(NoAnswer::Unknown),
    }
}

/// `209`: variant 2 of the pair `09`.
fn test_lmk(key_type: &str) -> Result<Secret, NoAnswer> {
    let kind = KeyType::new(key_type)
        .ok_or_else(|| NoAnswer::Refused(format!("no key type {key_type:?}")))?;
    Ok(kind.apply(&kind.pair().published()))
}

fn scheme(name: &str, inputs: &Inputs<'_>) -> Result<Option<Scheme>, NoAnswer> {
    match inputs.text(name)? {
        // Single DES: arithmetic only, the product has no such scheme.
        "Z" if !inputs.must_fail() => Ok(None),
        text => {
            let mut chars = text.chars();
            let letter = chars.next().filter(|_| chars.next().is_none());
            letter
                .and_then(Scheme::from_letter)
                .map(Some)
                .ok_or_else(|| NoAnswer::Refused(format!("no scheme {text:?}")))
        }
    }
}

/// One block of single DES, which has no scheme's check of its length.
fn single(bytes: &[u8]) -> Result<(), NoAnswer> {
    match bytes.len() {
        8 => Ok(()),
        other => Err(refused(format!("scheme Z is for 8 bytes, not {other}"))),
    }
}

fn encrypted(scheme: Option<Scheme>, wrapping: &Secret, key: &Secret) -> Result<Vec<u8>, NoAnswer> {
    match scheme {
        Some(scheme) => wrap(scheme, wrapping, key).map_err(refused),
        None => {
            let mut block = key.expose().to_vec();
            single(&block)?;
            let cipher = Cipher::new(Algorithm::Tdes, wrapping.expose()).map_err(refused)?;
            cipher.ecb_encrypt(&mut block).map_err(refused)?;
            Ok(block)
        }
    }
}

fn opened(scheme: Option<Scheme>, wrapping: &Secret, from: &Secret) -> Result<Secret, NoAnswer> {
    match scheme {
        Some(scheme) => unwrap(scheme, wrapping, from.expose()).map_err(refused),
        None => {
            let mut block = from.duplicate();
            single(block.expose())?;
            let cipher = Cipher::new(Algorithm::Tdes, wrapping.expose()).map_err(refused)?;
            cipher.ecb_decrypt(block.expose_mut()).map_err(refused)?;
            Ok(block)
        }
    }
}

/// What the product asks of a key besides its arithmetic, where a refusal is
/// wanted: odd parity, no weak or equal parts.
fn fit(key: &Secret, inputs: &Inputs<'_>) -> Result<(), NoAnswer> {
    if inputs.must_fail() {
        des_keys::check_with_parity(key.expose()).map_err(refused)?;
    }
    Ok(())
}

/// A check value that the vector brings along must be the key's.
fn claimed(kcv: &[u8], inputs: &Inputs<'_>) -> Result<(), NoAnswer> {
    match inputs.optional("kcv").and_then(Value::as_text) {
        Some(text) if !hex(kcv).starts_with(text) => Err(refused("another check value")),
        _ => Ok(()),
    }
}

fn wrapped(wrapping: &Secret, name: &str, inputs: &Inputs<'_>) -> Answer {
    let key = inputs.bytes("clear_key")?;
    let cryptogram = encrypted(scheme(name, inputs)?, wrapping, &key)?;
    fit(&key, inputs)?;
    let kcv = whole_check(Method::TdesZero, &key).map_err(refused)?;
    claimed(&kcv, inputs)?;
    Ok(vec![
        ("cryptogram", Output::hex(&cryptogram)),
        ("kcv", Output::Leftmost(kcv)),
    ])
}

fn decrypted(inputs: &Inputs<'_>) -> Answer {
    let lmk = test_lmk(inputs.text("key_type")?)?;
    let cryptogram = inputs.bytes("cryptogram")?;
    let key = opened(scheme("scheme", inputs)?, &lmk, &cryptogram)?;
    fit(&key, inputs)?;
    let kcv = whole_check(Method::TdesZero, &key).map_err(refused)?;
    claimed(&kcv, inputs)?;
    Ok(vec![
        ("clear_key", Output::hex(key.expose())),
        ("kcv", Output::Leftmost(kcv)),
    ])
}

/// A cryptogram and its scheme: named apart, or by the letter in front of its digits,
/// as a payShield writes it.
fn lettered(inputs: &Inputs<'_>) -> Result<(Option<Scheme>, Secret), NoAnswer> {
    let text = inputs.text("cryptogram")?;
    let letter = text.chars().next().and_then(Scheme::from_letter);
    let digits = match letter {
        Some(_) => text.get(1..).unwrap_or_default(),
        None => text,
    };
    let cryptogram = unhex("cryptogram", digits)?;
    if letter.is_some() && inputs.optional("zmk_scheme").is_none() {
        return Ok((letter, cryptogram));
    }
    let named = scheme("zmk_scheme", inputs)?;
    match letter {
        Some(_) if letter != named => Err(refused("the cryptogram's letter is another scheme's")),
        _ => Ok((named, cryptogram)),
    }
}

fn taken(inputs: &Inputs<'_>) -> Answer {
    let zmk = inputs.bytes("zmk")?;
    let (scheme_of, cryptogram) = lettered(inputs)?;
    let key = opened(scheme_of, &zmk, &cryptogram)?;
    fit(&key, inputs)?;
    let kcv = whole_check(Method::TdesZero, &key).map_err(refused)?;
    claimed(&kcv, inputs)?;
    let mut outputs = vec![
        ("clear_key", Output::hex(key.expose())),
        ("kcv", Output::Leftmost(kcv)),
    ];
    if inputs.optional("lmk_scheme").is_some() {
        let lmk = test_lmk(inputs.text("key_type")?)?;
        let under_scheme = scheme("lmk_scheme", inputs)?;
        let under = hex(&encrypted(under_scheme, &lmk, &key)?);
        // With its letter where the vector has one.
        let expected = inputs.expected("under_lmk").and_then(Value::as_text);
        let letter = under_scheme.map(|scheme| scheme.to_string());
        let letter = letter.filter(|letter| expected.is_some_and(|e| e.starts_with(letter)));
        let under = format!("{}{under}", letter.unwrap_or_default());
        outputs.push(("under_lmk", Output::text(under)));
    }
    Ok(outputs)
}

fn texts(bytes: &[u8]) -> Output {
    let each = bytes.iter().map(|byte| Value::Text(hex(&[*byte])));
    Output::Exact(Value::List(each.collect()))
}

/// The tables, of which a vector may hold some rows.
fn table(inputs: &Inputs<'_>) -> Answer {
    let some = |name: &str, ours: &dyn Fn(&str) -> Option<String>| {
        let rows = inputs.expected(name).map(Value::fields);
        let rows = rows.unwrap_or_default();
        let wrong = rows
            .iter()
            .find(|(key, value)| ours(key).as_deref() != value.as_text());
        Output::Judged(match (rows.is_empty(), wrong) {
            (true, _) => Err("no rows are expected".into()),
            (false, Some((key, _))) => Err(format!("row {key:?} is {:?}", ours(key))),
            (false, None) => Ok(()),
        })
    };
    let pair = |name: &str| Pair::from_name(name).map(|pair| hex(pair.published().expose()));
    let of_code = |code: &str| {
        let kind = KeyType::new(&format!("0{code}"))?;
        Some(kind.pair().to_string())
    };
    let variant = |digit: &str| {
        let at = digit.parse::<usize>().ok().filter(|at| *at > 0)?;
        VARIANTS.get(at).map(|byte| hex(&[*byte]))
    };
    Ok(vec![
        ("pairs", some("pairs", &pair)),
        ("variant_bytes", some("variant_bytes", &variant)),
        ("key_type_pairs", some("key_type_pairs", &of_code)),
        ("scheme_U_bytes", texts(Scheme::U.variants())),
        ("scheme_T_bytes", texts(Scheme::T.variants())),
        (
            "variant_applied_to",
            Output::text(
                "first byte of the left LMK half; scheme byte to first byte of the right LMK half",
            ),
        ),
    ])
}

fn protection(version: ThalesVersion, inputs: &Inputs<'_>) -> Result<Kbpk, NoAnswer> {
    Kbpk::new(version.cipher(), inputs.bytes("lmk")?).map_err(refused)
}

/// A block of the operation's version: what it says, its key, and the two keys
/// that protect it.
fn block(version: ThalesVersion, inputs: &Inputs<'_>) -> Answer {
    let text = inputs.text("key_block")?;
    let lmk = protection(version, inputs)?;
    let block = ThalesBlock::parse(text.as_bytes()).map_err(refused)?;
    let found = block.unwrap(&lmk).map_err(refused)?;
    if inputs.must_fail() {
        found.rule.map_err(refused)?;
    }
    let derives = match version {
        ThalesVersion::Tdes => Version::A,
        ThalesVersion::Aes => Version::D,
    };
    let keys = derive(derives, lmk.secret()).map_err(refused)?;
    let header = &found.header;
    let of = &header.attributes;
    let said = text.strip_prefix('S').unwrap_or(text);
    let mut outputs = vec![
        ("key", Output::hex(found.key.expose())),
        ("padding", Output::hex(found.padding.expose())),
        ("kbek", Output::hex(keys.kbek.expose())),
        ("kbak", Output::hex(keys.kbak.expose())),
        ("kbmk", Output::hex(keys.kbak.expose())),
        ("header", Output::text(said.get(..16).unwrap_or_default())),
        ("version", Output::text(header.version.digit())),
        ("usage", Output::text(of.usage.to_string())),
        ("algorithm", Output::text(of.algorithm.letter())),
        ("mode", Output::text(of.mode.letter())),
        ("key_version", Output::text(of.key_version.to_string())),
        ("exportability", Output::text(of.exportability.letter())),
        ("lmk_id", Output::text(header.lmk.to_string())),
        (
            "key_length",
            Output::Exact(Value::Number(found.key.len().to_string())),
        ),
    ];
    let method = match of.algorithm {
        KeyAlgorithm::Des | KeyAlgorithm::Tdes => Method::TdesZero,
        KeyAlgorithm::Aes => Method::AesCmac,
        _ => return Ok(outputs),
    };
    let kcv = whole_check(method, &found.key).map_err(refused)?;
    outputs.push(("kcv", Output::Leftmost(kcv)));
    Ok(outputs)
}

/// The same the other way: header, key and padding to a block.
fn written(version: ThalesVersion, inputs: &Inputs<'_>) -> Answer {
    let key = inputs.bytes("key")?;
    let padding = inputs.bytes("padding")?;
    let header = inputs.text("header")?;
    let header = header.strip_prefix('S').unwrap_or(header);
    let digit = header.chars().next().and_then(ThalesVersion::from_char);
    if digit != Some(version) || header.len() != 16 || header.get(12..14) != Some("00") {
        return Err(refused("the header is not one that is written"));
    }
    let attributes = Attributes::parse(header.get(5..12).unwrap_or_default()).map_err(refused)?;
    let lmk = header.get(14..).and_then(LmkId::new);
    let lmk = lmk.ok_or_else(|| refused("no such LMK identifier"))?;
    let under = protection(version, inputs)?;
    let text =
        thales_wrap_with_padding(&under, &attributes, lmk, &key, &padding).map_err(refused)?;
    Ok(vec![("key_block", Output::text(text))])
}
