//! Components combined by XOR.

use super::checks::whole_check;
use super::inputs::refused;
use super::{Answer, Inputs, NoAnswer, Output};
use crate::primitive::components::{COUNT, combine};
use crate::primitive::des_keys;
use crate::primitive::kcv::Method;
use crate::primitive::key_kind::KeyKind;
use crate::primitive::modes::Algorithm;
use crate::secret::Secret;

pub(super) fn answer(op: &str, inputs: &Inputs<'_>) -> Answer {
    match op {
        "xor_components" | "xor_components_des" | "xor_components_tdes" => {
            sum(Algorithm::Tdes, inputs)
        }
        "xor_components_aes" => sum(Algorithm::Aes, inputs),
        _ => Err(NoAnswer::Unknown),
    }
}

/// The plain sum, parity as it comes: published examples have components of
/// zeros and sums of even parity, which a ceremony refuses or corrects. Where a
/// refusal is wanted, the ceremony's own [`combine`] is asked.
fn sum(algorithm: Algorithm, inputs: &Inputs<'_>) -> Answer {
    let components = inputs.list("components")?;
    let all: Vec<&Secret> = components.iter().collect();
    if inputs.must_fail() {
        combine(algorithm, &all).map_err(refused)?;
    }
    let [first, rest @ ..] = all.as_slice() else {
        return Err(refused("no components"));
    };
    if !COUNT.contains(&all.len()) || !KeyKind::from(algorithm).takes_len(first.len()) {
        return Err(refused("too few or many components, or of no key's length"));
    }
    let mut key = first.duplicate();
    for component in rest {
        key.xor_in_place(component)
            .ok_or_else(|| refused("components of different lengths"))?;
    }
    // Where the ceremony takes them, it makes the same key.
    if let Ok(combined) = combine(algorithm, &all) {
        let mut plain = key.duplicate();
        if algorithm == Algorithm::Tdes {
            des_keys::set_odd_parity(plain.expose_mut());
        }
        if !plain.ct_eq(combined.expose()) {
            return Err(refused("two ways to one key differ"));
        }
    }
    let (zero, cmac) = match algorithm {
        Algorithm::Tdes => (Method::TdesZero, Method::TdesCmac),
        Algorithm::Aes => (Method::AesZero, Method::AesCmac),
    };
    let usual = whole_check(Method::usual(algorithm), &key).map_err(refused)?;
    let mut adjusted = key.duplicate();
    des_keys::set_odd_parity(adjusted.expose_mut());
    Ok(vec![
        ("key", Output::hex(key.expose())),
        ("adjusted", Output::hex(adjusted.expose())),
        ("kcv", Output::Leftmost(usual)),
        (
            "kcv_zero",
            Output::Leftmost(whole_check(zero, &key).map_err(refused)?),
        ),
        (
            "kcv_cmac",
            Output::Leftmost(whole_check(cmac, &key).map_err(refused)?),
        ),
    ])
}
