//! The loader for CCA on AIX, IBM i, Linux and Windows: one C file for all of
//! them, and the tokens as a text file that it reads.

use super::super::{Companion, Conformance, Payload, Sheet, TargetError};
use super::tokens::{Loaded, hex};
use conclave_evidence::manifest::Encoding;

/// The loader's source, as it ships.
const SOURCE: &str = include_str!("ccaload.c");

fn file(name: &str, bytes: Vec<u8>, format: &str, with_keys: bool) -> Companion {
    Companion {
        file: Payload {
            name: name.into(),
            bytes,
            format: format.into(),
            encoding: Encoding::AsciiText,
            lrecl: None,
            conformance: Conformance::Documented,
        },
        with_keys,
    }
}

/// A line for each record: label, key type, check value, token in hex.
pub(super) fn keys(sheet: &Sheet<'_>, loaded: &[Loaded<'_>]) -> Result<Companion, TargetError> {
    let importer = sheet.settings.value("importer-label").unwrap_or_default();
    let mut text = format!("IMPORTER {importer}\n");
    for one in loaded {
        if one.key.kcv.value.len() < 6 {
            return Err(TargetError::CheckValue(one.key.label.clone()));
        }
        text.push_str(&format!(
            "{} {} {} {}\n",
            one.part.label,
            one.part.kind,
            one.key.kcv.value,
            hex(&one.token)
        ));
    }
    Ok(file(
        "keys.txt",
        text.into_bytes(),
        "lines for ccaload.c",
        true,
    ))
}

/// The loader's source.
pub(super) fn source() -> Companion {
    file("ccaload.c", SOURCE.into(), "C source", false)
}
