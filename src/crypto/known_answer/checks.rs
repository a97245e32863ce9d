//! Check values, parity, CMAC.

use super::inputs::refused;
use super::{Answer, Inputs, NoAnswer, Output, Value};
use crate::primitive::derive::sha256;
use crate::primitive::des_keys::{self, DesKeyError};
use crate::primitive::kcv::{Kcv, Method};
use crate::primitive::modes::{Algorithm, Cipher, ModeError, cmac};
use crate::secret::Secret;
use zeroize::Zeroize;

pub(super) fn answer(op: &str, inputs: &Inputs<'_>) -> Answer {
    match op {
        "kcv_des_zero" | "kcv_tdes_zero" => check_value(Method::TdesZero, inputs),
        "kcv_aes_zero" => check_value(Method::AesZero, inputs),
        "kcv_tdes_cmac" | "kcv_des_cmac" => check_value(Method::TdesCmac, inputs),
        "kcv_aes_cmac" => check_value(Method::AesCmac, inputs),
        "kcv_aes_cmac_empty" => cmac_of_nothing(Algorithm::Aes, inputs),
        "kcv_tdes_cmac_empty" => cmac_of_nothing(Algorithm::Tdes, inputs),
        "des_odd_parity" => odd_parity(inputs),
        "des_parity_check" | "des_check_parity" | "des_parity" | "des_odd_parity_check" => {
            parity_check(inputs)
        }
        "des_weak_key" | "des_weak_keys" | "des_key_check" => key_check(inputs),
        _ => Err(NoAnswer::Unknown),
    }
}

/// The whole block from which the check value is cut.
pub(super) fn whole_check(method: Method, key: &Secret) -> Result<Vec<u8>, ModeError> {
    let zeros = |algorithm: Algorithm| {
        let mut block = vec![0; algorithm.block_len()];
        Cipher::new(algorithm, key.expose())?.ecb_encrypt(&mut block)?;
        Ok(block)
    };
    let mac = |algorithm: Algorithm| {
        let block = vec![0; algorithm.block_len()];
        Ok(cmac(algorithm, key.expose(), &block)?.expose().to_vec())
    };
    match method {
        Method::TdesZero => zeros(Algorithm::Tdes),
        Method::AesZero => zeros(Algorithm::Aes),
        Method::TdesCmac => mac(Algorithm::Tdes),
        Method::AesCmac => mac(Algorithm::Aes),
        Method::HmacSha2Vp1 => {
            let mut input = vec![3, 0, 2];
            input.extend(((key.len() * 8) as u16).to_be_bytes());
            input.extend(key.expose());
            let digest = sha256(&[&input]);
            input.zeroize();
            Ok(digest[..16].to_vec())
        }
        Method::Sha256 => Ok(sha256(&[key.expose()]).to_vec()),
    }
}

/// Published values are longer than what R7 lets a screen show, so the block is
/// computed here; that [`Kcv`] agrees with its beginning is checked each time.
fn check_value(method: Method, inputs: &Inputs<'_>) -> Answer {
    let key = inputs.bytes("key")?;
    let whole = whole_check(method, &key).map_err(refused)?;
    let shown = Kcv::compute(method, key.expose()).map_err(refused)?;
    if !whole.starts_with(shown.bytes()) {
        return Err(refused("two ways to one check value differ"));
    }
    Ok(vec![("kcv", Output::Leftmost(whole))])
}

/// CMAC over the empty message, which payShield shows for its AES LMK.
fn cmac_of_nothing(algorithm: Algorithm, inputs: &Inputs<'_>) -> Answer {
    let key = inputs.bytes("key")?;
    let tag = cmac(algorithm, key.expose(), &[]).map_err(refused)?;
    Ok(vec![("kcv", Output::Leftmost(tag.expose().to_vec()))])
}

fn odd_parity(inputs: &Inputs<'_>) -> Answer {
    let mut key = inputs.bytes("key")?;
    if inputs.must_fail() {
        des_keys::check_with_parity(key.expose()).map_err(refused)?;
    }
    let odd = des_keys::first_even_byte(key.expose()).is_none();
    des_keys::set_odd_parity(key.expose_mut());
    let mut outputs = parity_outputs(odd);
    outputs.push(("adjusted", Output::hex(key.expose())));
    Ok(outputs)
}

fn parity_outputs(odd: bool) -> Vec<(&'static str, Output)> {
    ["odd", "odd_parity", "valid", "ok", "parity_ok"]
        .into_iter()
        .map(|name| (name, Output::Exact(Value::Bool(odd))))
        .collect()
}

fn parity_check(inputs: &Inputs<'_>) -> Answer {
    let mut key = inputs.bytes("key")?;
    let even = des_keys::first_even_byte(key.expose());
    if let Some(at) = even.filter(|_| inputs.must_fail()) {
        return Err(refused(DesKeyError::Parity(at)));
    }
    let mut outputs = parity_outputs(even.is_none());
    des_keys::set_odd_parity(key.expose_mut());
    outputs.push(("adjusted", Output::hex(key.expose())));
    Ok(outputs)
}

fn key_check(inputs: &Inputs<'_>) -> Answer {
    let key = inputs.bytes("key")?;
    let checked = des_keys::check(key.expose());
    match checked {
        Err(error @ DesKeyError::Length(_)) => return Err(refused(error)),
        Err(error) if inputs.must_fail() => return Err(refused(error)),
        _ => {}
    }
    let weak = matches!(checked, Err(DesKeyError::Weak { .. }));
    Ok(vec![
        ("weak", Output::Exact(Value::Bool(weak))),
        ("valid", Output::Exact(Value::Bool(checked.is_ok()))),
    ])
}
