//! The tokens of a key: made, read back and opened again.

use std::collections::BTreeSet;

use conclave_crypto::cca::{DesToken, TOKEN_LEN};
use conclave_crypto::secret::Secret;
use conclave_evidence::manifest::Encoding;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::domain::target_system::Settings;

use super::super::{
    Conformance, Payload, Sheet, TargetError, are_what_they_are_called, has_check_value, no_hmac,
    strong_enough,
};
use super::rule;
use super::types::{Part, parts};
use crate::media::check_name;

/// A token that the set loads.
pub(super) struct Loaded<'a> {
    pub key: &'a KeyRecord,
    pub part: Part,
    pub token: [u8; TOKEN_LEN],
}

fn file_name(key: &KeyRecord, part: &Part) -> String {
    format!("{}.{}.cca", key.label, part.kind)
}

/// The rules that are asked before a key is opened.
pub(super) fn check(
    key: &KeyRecord,
    under: &KeyRecord,
    settings: &Settings,
) -> Result<(), TargetError> {
    no_hmac(key, "an external CCA token")?;
    strong_enough(key, under, "export it under a stronger key")?;
    for part in parts(key, settings)? {
        check_name(&file_name(key, &part)).map_err(|_| {
            rule(
                format!("the label {} makes no plain file name", key.label),
                "give the key a label that is no device name and begins with a letter or digit",
            )
        })?;
    }
    Ok(())
}

/// One token file for each record that the key becomes.
pub(super) fn export(
    key: &KeyRecord,
    clear: &Secret,
    under: &KeyRecord,
    wrapping: &Secret,
    settings: &Settings,
) -> Result<Vec<Payload>, TargetError> {
    are_what_they_are_called(&[(key, clear), (under, wrapping)])?;
    let differs = || TargetError::SelfCheck(key.label.clone());
    parts(key, settings)?
        .into_iter()
        .map(|part| {
            let bytes = DesToken::make(wrapping, clear, part.vector)
                .map_err(|e| TargetError::Wrap(format!("{}: {e}", key.label)))?
                .to_bytes();
            let read = DesToken::parse(&bytes).map_err(|_| differs())?;
            let back = read.open(wrapping).map_err(|_| differs())?;
            let same = *read.vector() == part.vector
                && back.ct_eq(clear.expose())
                && has_check_value(key.form, &back, &key.kcv);
            if !same {
                return Err(differs());
            }
            Ok(Payload {
                name: file_name(key, &part),
                bytes: bytes.to_vec(),
                format: format!("CCA external DES token, {}", part.kind),
                encoding: Encoding::Binary,
                lrecl: Some(64),
                conformance: Conformance::Documented,
            })
        })
        .collect()
}

/// What the set loads, in its order; no label twice.
pub(super) fn of_sheet<'a>(sheet: &Sheet<'a>) -> Result<Vec<Loaded<'a>>, TargetError> {
    let mut loaded = Vec::new();
    let mut labels = BTreeSet::new();
    for row in &sheet.rows {
        let parts = parts(row.key, sheet.settings)?;
        if parts.len() != row.payloads.len() {
            return Err(TargetError::SelfCheck(row.key.label.clone()));
        }
        for (part, payload) in parts.into_iter().zip(row.payloads) {
            if !labels.insert(part.label.clone()) {
                return Err(rule(
                    format!("two keys of the bundle have the label {} there", part.label),
                    "export them in two bundles with other prefixes, or let a hyphen stand for \
                     another character",
                ));
            }
            let token = payload.bytes.as_slice().try_into();
            loaded.push(Loaded {
                key: row.key,
                part,
                token: token.map_err(|_| TargetError::SelfCheck(row.key.label.clone()))?,
            });
        }
    }
    Ok(loaded)
}

/// Upper-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
