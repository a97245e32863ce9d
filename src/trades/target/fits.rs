//! What a key may become elsewhere. The tables of a profile are data that a
//! customer corrects; that a PIN key becomes a data key there is no correction,
//! whoever signed it. What fits is of the key's own usage, and of its mode of use
//! or a narrower one.

use conclave_crypto::cca::ControlVector;
use conclave_keyroom::domain::key::KeyRecord;

use super::TargetError;

/// The refusal, with what the profile would make of the key.
fn misfit(key: &KeyRecord, profile: &str, what: &str) -> TargetError {
    TargetError::Rule {
        rule: format!(
            "profile {profile} makes {what} of {}, which has usage {} and mode {}: a key keeps \
             its purpose (R20)",
            key.label, key.usage, key.mode_of_use
        ),
        advice: "correct the profile's table, record the system with it again, and let it be \
                 approved"
            .into(),
    }
}

fn told(fits: bool, key: &KeyRecord, profile: &str, what: &str) -> Result<(), TargetError> {
    if fits {
        return Ok(());
    }
    Err(misfit(key, profile, what))
}

/// The main type of KEYGENKY: keys that other keys are derived of.
const KEYGENKY: u8 = 0x53;

/// The CCA key type, by its control vector: the name in a profile proves nothing.
///
/// # Errors
/// [`TargetError::Rule`]
pub(super) fn cca(
    key: &KeyRecord,
    profile: &str,
    name: &str,
    vector: &ControlVector,
) -> Result<(), TargetError> {
    let derives = vector.of_part(0).get(1) == Some(&KEYGENKY);
    let kind = match vector.key_type() {
        Some(kind) => kind.name,
        None if derives => "KEYGENKY",
        None => "unknown",
    };
    let modes = match (key.usage.as_str(), kind) {
        ("B0" | "B1", "KEYGENKY") => "XN",
        ("C0" | "M0" | "M1" | "M3", "MAC") | ("M0" | "M1" | "M3", "DATAM") => "CGN",
        ("C0" | "M0" | "M1" | "M3", "MACVER") | ("M0" | "M1" | "M3", "DATAMV") => "CVN",
        ("D0", "CIPHER" | "DATA" | "DATAC" | "ZERO-CV") => "BN",
        ("D0", "DECIPHER") | ("K0", "IMPORTER") | ("P0", "IPINENC") => "BDN",
        ("D0", "ENCIPHER") | ("K0", "EXPORTER") | ("P0", "OPINENC") => "BEN",
        ("E0" | "E1" | "E2" | "E3" | "E4" | "E5" | "E6", "DKYGENKY") => "XN",
        ("V0" | "V1" | "V2", "PINGEN") => "CGN",
        ("V0" | "V1" | "V2", "PINVER") => "CVN",
        _ => "",
    };
    let fits = key.mode_of_use.len() == 1 && modes.contains(&key.mode_of_use);
    told(fits, key, profile, &format!("a CCA key {name} ({kind})"))
}

/// The key type under the variant LMK of a payShield; the types of its key type
/// table that are public.
///
/// # Errors
/// [`TargetError::Rule`]
pub(super) fn lmk(key: &KeyRecord, profile: &str, kind: &str) -> Result<(), TargetError> {
    let kinds: &[&str] = match key.usage.as_str() {
        "B0" => &["009", "609", "809", "909"],
        "B1" => &["302"],
        "C0" => &["402"],
        "D0" => &["00A", "00B", "30B"],
        "E0" => &["109"],
        "E1" => &["309"],
        "E2" => &["209"],
        "E3" => &["409"],
        "E4" => &["509"],
        "E6" => &["709"],
        "K0" => &["000", "002", "80D"],
        "M0" | "M1" | "M3" => &["003", "008"],
        "P0" => &["001", "002", "70D"],
        "V0" | "V1" | "V2" => &["002"],
        _ => &[],
    };
    let what = format!("a key of type {kind}");
    told(kinds.contains(&kind), key, profile, &what)
}

/// The usage in a Thales key block, with the usage of X9.143 that it stands for.
///
/// # Errors
/// [`TargetError::Rule`]
pub(super) fn block(
    key: &KeyRecord,
    profile: &str,
    usage: &str,
    x9_143: Option<&str>,
) -> Result<(), TargetError> {
    let fits = x9_143.unwrap_or(usage) == key.usage;
    told(fits, key, profile, &format!("a key of usage {usage}"))
}

/// An Atalla variant. Those from 5 are of no published purpose: nothing that one
/// of 0 to 4 is for may be of them, and nothing else of 0 to 4.
///
/// # Errors
/// [`TargetError::Rule`]
pub(super) fn variant(key: &KeyRecord, profile: &str, variant: u8) -> Result<(), TargetError> {
    let fits = match key.usage.as_str() {
        "K0" => variant == 0,
        "P0" => variant == 1,
        "D0" => variant == 2,
        "M0" | "M1" | "M3" => variant == 3,
        "C0" => variant >= 3,
        "V0" | "V1" | "V2" => variant == 4,
        _ => variant > 4,
    };
    told(fits, key, profile, &format!("a key of variant {variant}"))
}

/// What a key may do on a PKCS#11 token: names without `CKA_`.
///
/// # Errors
/// [`TargetError::Rule`]
pub(super) fn operations(
    key: &KeyRecord,
    profile: &str,
    names: &[&str],
) -> Result<(), TargetError> {
    let wrong = names.iter().find(|name| !may(key, name));
    match wrong {
        Some(name) => Err(misfit(key, profile, &format!("a key with CKA_{name}"))),
        None => told(!names.is_empty(), key, profile, "a key for nothing"),
    }
}

/// TRUE where a key of this usage and mode may do this on a token. Check values of
/// cards and PINs are calculated by encrypting or by signing, as the token has it.
pub(super) fn may(key: &KeyRecord, name: &str) -> bool {
    let of_usage: &[&str] = match key.usage.as_str() {
        "K0" | "K1" => &["WRAP", "UNWRAP"],
        "D0" | "P0" => &["ENCRYPT", "DECRYPT"],
        "C0" | "V0" | "V1" | "V2" | "V3" | "V4" => &["ENCRYPT", "SIGN", "VERIFY"],
        usage if usage.starts_with('M') => &["SIGN", "VERIFY"],
        usage if usage.starts_with(['B', 'E']) => &["DERIVE"],
        _ => &[],
    };
    let of_mode = match key.mode_of_use.as_str() {
        "D" => !matches!(name, "ENCRYPT" | "WRAP"),
        "E" => !matches!(name, "DECRYPT" | "UNWRAP"),
        "G" => name != "VERIFY",
        "V" => name != "SIGN",
        _ => true,
    };
    of_usage.contains(&name) && of_mode
}
