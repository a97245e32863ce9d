//! The kind of TR-31 blocks: the version is the wrapping key's one method; padding and
//! optional blocks are what a system on record wants. Without a record they are what
//! X9.143 asks for.

use base64ct::{Base64, Encoding as _};
use conclave_crypto::keyblock::{
    BlockId, LengthHiding, OptionalBlock, OptionalBlocks, Version, Writing,
};
use conclave_crypto::primitive::kcv::{Kcv, Method};
use conclave_crypto::secret::Secret;
use conclave_evidence::show::utc;
use conclave_keyroom::domain::certificate::EnrolledCertificate;
use conclave_keyroom::domain::key::{KeyRecord, WrappingMethod};
use conclave_keyroom::domain::target_system::Settings;
use conclave_keyroom::provider::kind_of;

use super::{Order, TargetError};

fn rule(rule: impl Into<String>, advice: &str) -> TargetError {
    TargetError::Rule {
        rule: rule.into(),
        advice: advice.into(),
    }
}

/// The version that a wrapping key's method makes: A and C use the key itself, with
/// variants, and B, D and E what is derived of it, so that no key serves two of them.
///
/// # Errors
/// [`TargetError::Rule`]: it makes no TR-31 blocks.
pub(super) fn version(under: &KeyRecord) -> Result<Version, TargetError> {
    match under.wrapping {
        Some(WrappingMethod::Tr31A) => Ok(Version::A),
        Some(WrappingMethod::Tr31B) => Ok(Version::B),
        Some(WrappingMethod::Tr31C) => Ok(Version::C),
        Some(WrappingMethod::Tr31D) => Ok(Version::D),
        Some(WrappingMethod::Tr31E) => Ok(Version::E),
        other => Err(rule(
            format!(
                "{} wraps by {}, which makes no TR-31 key blocks: a wrapping key has one method",
                under.label,
                other.map_or("no method", WrappingMethod::name)
            ),
            "choose the zone master key that was made for TR-31",
        )),
    }
}

/// The kind of block, for this wrapping key and this system.
///
/// # Errors
/// [`TargetError::Rule`]: the key makes no TR-31 blocks, or others than a record that is
/// older than profile version 4 asks for.
pub(super) fn writing(under: &KeyRecord, settings: &Settings) -> Result<Writing, TargetError> {
    let version = version(under)?;
    let asked = match settings.value("version") {
        None => version.letter().to_string(),
        Some("standard") if under.form.is_tdes() => "B".to_owned(),
        Some("standard") => "D".to_owned(),
        Some(letter) => letter.to_owned(),
    };
    if asked != version.letter().to_string() {
        return Err(rule(
            format!(
                "the system's record asks for version {asked} of TR-31, and {} wraps version {} \
                 alone: a wrapping key has one method",
                under.label,
                version.letter()
            ),
            "make a zone master key for that version, or record the system anew",
        ));
    }
    let hiding = match settings.value("padding") {
        Some("short") => LengthHiding::Short,
        _ => LengthHiding::Longest,
    };
    Ok(Writing { version, hiding })
}

/// The optional blocks that the record asks for.
pub(super) fn names(settings: &Settings) -> Result<Vec<&str>, TargetError> {
    let names: Vec<&str> = settings
        .value("blocks")
        .unwrap_or_default()
        .split_ascii_whitespace()
        .collect();
    for (at, name) in names.iter().enumerate() {
        let known = ["CT", "KC", "KP", "LB", "TC", "TS", "WP"].contains(name);
        if !known || names[..at].contains(name) {
            return Err(rule(
                format!("the system's record asks for an optional block {name:?}, or for it twice"),
                "name each of CT, KC, KP, LB, TC, TS and WP at most once",
            ));
        }
    }
    Ok(names)
}

/// The largest certificate that goes into a block, in bytes: in base64 it leaves room for
/// the key and the other blocks, of a block's 9999 characters.
const CERTIFICATE_MOST: usize = 6000;

/// What the record asks for and gives reads, whatever key it is for.
///
/// # Errors
/// [`TargetError::Rule`]
pub(super) fn readable(settings: &Settings) -> Result<(), TargetError> {
    names(settings)?;
    given(settings).map(|_| ())
}

/// The certificate of optional block CT: the one on record of the system.
///
/// # Errors
/// [`TargetError::Rule`]: none is on record, or one that no block holds.
fn certificate(settings: &Settings) -> Result<&EnrolledCertificate, TargetError> {
    let found = settings.certificates.get("certificate").ok_or_else(|| {
        rule(
            "the system's record asks for optional block CT, and has no certificate",
            "have the certificate recorded, from a file, or leave CT out of the record",
        )
    })?;
    if found.der.0.len() > CERTIFICATE_MOST {
        return Err(rule(
            format!(
                "the certificate of {} has {} bytes, and optional block CT takes \
                 {CERTIFICATE_MOST}",
                found.subject,
                found.der.0.len()
            ),
            "ask its owner for one without pictures or policies, or leave CT out of the record",
        ));
    }
    Ok(found)
}

/// The optional blocks whose text the record gives: they say what only the other side
/// knows of the key, such as its key set identifier there.
fn given(settings: &Settings) -> Result<Vec<OptionalBlock>, TargetError> {
    let mut blocks: Vec<OptionalBlock> = Vec::new();
    let text = settings.value("given-blocks").unwrap_or_default();
    for one in text.split_ascii_whitespace() {
        let wrong = |why: &str| {
            rule(
                format!("the system's record gives an optional block as {one:?}: {why}"),
                "write each of DA, IK, KS and KV at most once, as KS=FFFF9876543210E00000",
            )
        };
        let (name, data) = one.split_once('=').ok_or_else(|| wrong("it has no ="))?;
        let id = BlockId::new(name)
            .filter(|_| ["DA", "IK", "KS", "KV"].contains(&name))
            .ok_or_else(|| wrong("it is none that has a text of its own"))?;
        if blocks.iter().any(|block| block.id() == id) {
            return Err(wrong("it stands there twice"));
        }
        let block = OptionalBlock::written(id, data).map_err(|e| wrong(&e.to_string()))?;
        blocks.push(block);
    }
    Ok(blocks)
}

/// `20260225061320Z`.
fn time(ms: u64) -> String {
    let digits: String = utc(ms).chars().filter(char::is_ascii_digit).collect();
    format!("{digits}Z")
}

/// Usages of keys from which those of DUKPT are derived, and of the first of those.
const DUKPT: [&str; 2] = ["B0", "B1"];

/// The optional blocks go with the key.
///
/// # Errors
/// [`TargetError::Rule`]
pub(super) fn fit(key: &KeyRecord, settings: &Settings) -> Result<(), TargetError> {
    let names = names(settings)?;
    if names.contains(&"CT") {
        certificate(settings)?;
    }
    if names.contains(&"KC") && key.form.is_hmac() {
        return Err(rule(
            format!(
                "the system's record asks for optional block KC, and X9.143 has no check value for \
                 an {} key as {} is one",
                key.form, key.label
            ),
            "export HMAC keys to a system whose record does not ask for KC",
        ));
    }
    if names_a_key(settings)? && !DUKPT.contains(&key.usage.as_str()) {
        return Err(rule(
            format!(
                "the system's record gives a key set or initial key identifier (KS, IK), and {} \
                 has usage {}: only keys of DUKPT (B0, B1) have one",
                key.label, key.usage
            ),
            "export this key to a system whose record gives none",
        ));
    }
    Ok(())
}

/// TRUE where the record gives a text that is one key's: its key set or initial key
/// identifier.
fn names_a_key(settings: &Settings) -> Result<bool, TargetError> {
    let of_dukpt = |block: &OptionalBlock| ["IK", "KS"].contains(&block.id().to_string().as_str());
    Ok(given(settings)?.iter().any(of_dukpt))
}

/// A text that the record gives goes with one key of DUKPT, not with several.
///
/// # Errors
/// [`TargetError::Rule`]
pub(super) fn one_of_dukpt(keys: &[KeyRecord], settings: &Settings) -> Result<(), TargetError> {
    let of_dukpt: Vec<&str> = keys
        .iter()
        .filter(|key| DUKPT.contains(&key.usage.as_str()))
        .map(|key| key.label.as_str())
        .collect();
    if of_dukpt.len() > 1 && names_a_key(settings)? {
        return Err(rule(
            format!(
                "the system's record gives one key set or initial key identifier (KS, IK), and \
                 {} would all carry it",
                of_dukpt.join(", ")
            ),
            "hand each of them over alone, to a record with its own identifier",
        ));
    }
    Ok(())
}

/// The optional blocks of one key: those that the record asks for or gives, and before
/// them the hash of an HMAC key.
pub(super) fn blocks(
    (key, clear): (&KeyRecord, &Secret),
    (under, wrapping): (&KeyRecord, &Secret),
    order: Order<'_>,
) -> Result<OptionalBlocks, TargetError> {
    let settings = order.settings;
    let wrong = |e: &dyn std::fmt::Display| TargetError::Wrap(format!("{}: {e}", key.label));
    let kcv = |record: &KeyRecord, bytes: &Secret| {
        Kcv::compute(Method::usual(kind_of(record.form)), bytes.expose()).map_err(|e| wrong(&e))
    };
    let check = |block: Option<OptionalBlock>| block.ok_or_else(|| wrong(&"no check value"));
    let mut all = OptionalBlocks::default();
    if let Some((code, _)) = key.form.hash() {
        let hash = OptionalBlock::written(BlockId::HMAC_HASH, code).map_err(|e| wrong(&e))?;
        all.push(hash).map_err(|e| wrong(&e))?;
    }
    for name in names(settings)? {
        let id = BlockId::new(name).ok_or_else(|| wrong(&"no such block"))?;
        let text = |data: &str| OptionalBlock::written(id, data).map_err(|e| wrong(&e));
        let block = match name {
            // 00 says that it is X.509.
            "CT" => {
                let der = &certificate(settings)?.der.0;
                text(&format!("00{}", Base64::encode_string(der)))?
            }
            "KC" => check(OptionalBlock::key_check(&kcv(key, clear)?))?,
            "KP" => check(OptionalBlock::kbpk_check(&kcv(under, wrapping)?))?,
            "LB" => text(&key.label)?,
            "TC" => text(&time(key.created_ms))?,
            "TS" => text(&time(order.at_ms))?,
            // Here nothing was ever under a weaker key (R6).
            _ => text("000")?,
        };
        all.push(block).map_err(|e| wrong(&e))?;
    }
    for block in given(settings)? {
        all.push(block).map_err(|e| wrong(&e))?;
    }
    Ok(all)
}
