//! Keys without a key block, as payShield writes them: under a zone master key,
//! and under the published test LMK, of which most vectors are.

use super::checks::whole_check;
use super::inputs::refused;
use super::{Answer, Inputs, NoAnswer, Output};
use crate::primitive::kcv::Method;
use crate::primitive::key_scheme::{Scheme, unwrap, wrap};
use crate::primitive::modes::{Algorithm, Cipher};
use crate::secret::Secret;

/// Pairs of the published test LMK, by the code of a key type, as the first
/// digit's variant leaves them.
const TEST_LMK: [(&str, u64, u64); 8] = [
    ("00", 0x4040_4040_4040_4040, 0x5151_5151_5151_5151),
    ("01", 0x6161_6161_6161_6161, 0x7070_7070_7070_7070),
    ("02", 0xE0E0_0101_0101_0101, 0xF1F1_0101_0101_0101),
    ("03", 0x1C58_7F1C_1392_4FEF, 0x0101_0101_0101_0101),
    ("08", 0x1616_1616_1616_1616, 0x1919_1919_1919_1919),
    ("09", 0x1A1A_1A1A_1A1A_1A1A, 0x1C1C_1C1C_1C1C_1C1C),
    ("0A", 0x2323_2323_2323_2323, 0x2525_2525_2525_2525),
    ("0B", 0x2626_2626_2626_2626, 0x2929_2929_2929_2929),
];
/// Added to the first byte of the pair.
const VARIANTS: [u8; 10] = [0, 0xA6, 0x5A, 0x6A, 0xDE, 0x2B, 0x50, 0x74, 0x9C, 0xFA];

pub(super) fn answer(op: &str, inputs: &Inputs<'_>) -> Answer {
    match op {
        "key_scheme" => wrapped(&inputs.bytes("wrapping")?, "scheme", inputs),
        "zmk_export" => wrapped(&inputs.bytes("zmk")?, "zmk_scheme", inputs),
        "zmk_import" => taken(inputs),
        "lmk_encrypt" => wrapped(&test_lmk(inputs.text("key_type")?)?, "scheme", inputs),
        _ => Err(NoAnswer::Unknown),
    }
}

/// `209`: variant 2 of the pair `09`.
fn test_lmk(key_type: &str) -> Result<Secret, NoAnswer> {
    let unknown = || NoAnswer::Incomplete(format!("no test LMK for {key_type:?}"));
    let (variant, pair) = key_type.split_at_checked(1).ok_or_else(unknown)?;
    let variant = variant
        .parse::<usize>()
        .ok()
        .and_then(|at| VARIANTS.get(at))
        .ok_or_else(unknown)?;
    let (_, left, right) = TEST_LMK
        .iter()
        .find(|(code, ..)| *code == pair)
        .ok_or_else(unknown)?;
    let left = left ^ (u64::from(*variant) << 56);
    let mut both = [left.to_be_bytes(), right.to_be_bytes()].concat();
    Ok(Secret::take(&mut both))
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

fn encrypted(scheme: Option<Scheme>, wrapping: &Secret, key: &Secret) -> Result<Vec<u8>, NoAnswer> {
    match scheme {
        Some(scheme) => wrap(scheme, wrapping, key).map_err(refused),
        None => {
            let mut block = key.expose().to_vec();
            let cipher = Cipher::new(Algorithm::Tdes, wrapping.expose()).map_err(refused)?;
            cipher.ecb_encrypt(&mut block).map_err(refused)?;
            Ok(block)
        }
    }
}

fn wrapped(wrapping: &Secret, name: &str, inputs: &Inputs<'_>) -> Answer {
    let key = inputs.bytes("clear_key")?;
    let cryptogram = encrypted(scheme(name, inputs)?, wrapping, &key)?;
    let kcv = whole_check(Method::TdesZero, &key).map_err(refused)?;
    Ok(vec![
        ("cryptogram", Output::hex(&cryptogram)),
        ("kcv", Output::Leftmost(kcv)),
    ])
}

fn taken(inputs: &Inputs<'_>) -> Answer {
    let zmk = inputs.bytes("zmk")?;
    let scheme_zmk = scheme("zmk_scheme", inputs)?
        .ok_or_else(|| NoAnswer::Incomplete("a single-length key is not unwrapped".into()))?;
    let cryptogram = inputs.bytes("cryptogram")?;
    let key = unwrap(scheme_zmk, &zmk, cryptogram.expose()).map_err(refused)?;
    let kcv = whole_check(Method::TdesZero, &key).map_err(refused)?;
    let mut outputs = vec![
        ("clear_key", Output::hex(key.expose())),
        ("kcv", Output::Leftmost(kcv)),
    ];
    if inputs.optional("lmk_scheme").is_some() {
        let lmk = test_lmk(inputs.text("key_type")?)?;
        let under = encrypted(scheme("lmk_scheme", inputs)?, &lmk, &key)?;
        outputs.push(("under_lmk", Output::hex(&under)));
    }
    Ok(outputs)
}
