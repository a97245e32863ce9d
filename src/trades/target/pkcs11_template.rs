//! What stands beside a key for a PKCS#11 token: its type there, the attributes that
//! keep its use, and all of them in one table.

use std::fmt::Write as _;

use conclave_crypto::primitive::derive::{hmac, hmac_sha384, hmac_sha512};
use conclave_crypto::primitive::kcv::{Kcv, Method};
use conclave_crypto::primitive::modes::Algorithm;
use conclave_crypto::secret::Secret;
use conclave_evidence::manifest::Encoding;
use conclave_evidence::show::utc;
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::domain::target_system::Settings;

use super::sheet_text::rule;
use super::{Companion, Conformance, Payload, Sheet, TargetError, cipher, fits};

/// The wrapped key, by its file's name, and its attribute template.
pub(super) fn key_files(
    key: &KeyRecord,
    (name, wrapped): (String, Vec<u8>),
    format: String,
    template: String,
) -> Vec<Payload> {
    vec![
        Payload {
            name,
            bytes: wrapped,
            format,
            encoding: Encoding::Binary,
            lrecl: None,
            conformance: Conformance::Proven,
        },
        text_file(
            template_name(key),
            template,
            "PKCS#11 attribute template, JSON",
        ),
    ]
}

/// What goes with all keys: a script, or their table.
pub(super) fn with_all(name: &str, text: String, format: &str) -> Companion {
    Companion {
        file: text_file(name.into(), text, format),
        with_keys: false,
    }
}

fn text_file(name: String, text: String, format: &str) -> Payload {
    Payload {
        name,
        bytes: text.into_bytes(),
        format: format.into(),
        encoding: Encoding::AsciiText,
        lrecl: None,
        conformance: Conformance::Proven,
    }
}

/// The file with a key's template.
pub(super) fn template_name(key: &KeyRecord) -> String {
    format!("{}.json", key.label)
}

/// CKA_KEY_TYPE by name.
pub(super) fn key_type(form: KeyForm) -> Option<&'static str> {
    match form {
        KeyForm::Tdes2 => Some("CKK_DES2"),
        KeyForm::Tdes3 => Some("CKK_DES3"),
        KeyForm::Aes128 | KeyForm::Aes192 | KeyForm::Aes256 => Some("CKK_AES"),
        // The mechanism, not the type, has the hash: CKM_SHA256_HMAC signs with it, and
        // every version of the standard knows it (PKCS#11 3.0 clause 2.21).
        KeyForm::HmacSha256 => Some("CKK_GENERIC_SECRET"),
        KeyForm::HmacSha384 | KeyForm::HmacSha512 | KeyForm::Rsa => None,
    }
}

/// CKA_ID: the record's id, 16 bytes in lower-case hexadecimal, as tools take it.
pub(super) fn object_id(key: &KeyRecord) -> String {
    key.id.to_string().to_ascii_lowercase()
}

/// What the key may do on the token, from the profile's table.
pub(super) fn operations<'s>(
    key: &KeyRecord,
    settings: &'s Settings,
) -> Result<Vec<&'s str>, TargetError> {
    let entry = settings.profile.entry("operations", &key.mode_of_use);
    let entry = entry.ok_or_else(|| {
        rule(
            format!(
                "the profile {} has no operations for mode of use {}",
                settings.profile.stamp(),
                key.mode_of_use
            ),
            "complete its table `operations`",
        )
    })?;
    let names: Vec<&str> = entry
        .split_ascii_whitespace()
        .map(|one| match (key.is_wrapping_key(), one) {
            (true, "ENCRYPT") => "WRAP",
            (true, "DECRYPT") => "UNWRAP",
            (_, other) => other,
        })
        // Mode N limits nothing: its usage does.
        .filter(|one| key.mode_of_use != "N" || fits::may(key, one))
        .collect();
    fits::operations(key, &settings.profile.stamp(), &names)?;
    Ok(names)
}

/// The date of a wall clock, `YYYYMMDD` as CK_DATE has it.
fn date(wall_ms: u64) -> String {
    utc(wall_ms)
        .chars()
        .filter(char::is_ascii_digit)
        .take(8)
        .collect()
}

/// The attributes, in the order of the standard; values as JSON.
pub(super) fn attributes(
    key: &KeyRecord,
    settings: &Settings,
) -> Result<Vec<(String, String)>, TargetError> {
    let may = operations(key, settings)?;
    let extractable = settings.value("extractable") == Some("yes");
    let text = |value: &str| format!("\"{value}\"");
    let mut list: Vec<(String, String)> = [
        ("CKA_CLASS", text("CKO_SECRET_KEY")),
        ("CKA_KEY_TYPE", text(key_type(key.form).unwrap_or_default())),
        ("CKA_LABEL", text(&key.label)),
        ("CKA_ID", text(&object_id(key))),
        ("CKA_TOKEN", "true".into()),
        ("CKA_PRIVATE", "true".into()),
        ("CKA_SENSITIVE", "true".into()),
        ("CKA_EXTRACTABLE", extractable.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    for one in [
        "ENCRYPT", "DECRYPT", "WRAP", "UNWRAP", "SIGN", "VERIFY", "DERIVE",
    ] {
        list.push((format!("CKA_{one}"), may.contains(&one).to_string()));
    }
    list.push(("CKA_START_DATE".into(), text(&date(key.created_ms))));
    list.push(("CKA_END_DATE".into(), text(&date(key.expires_ms))));
    Ok(list)
}

/// All keys with their attributes, a line each.
pub(super) fn table(
    sheet: &Sheet<'_>,
    file_name: fn(&KeyRecord) -> String,
) -> Result<String, TargetError> {
    let mut out = String::new();
    for row in &sheet.rows {
        let list = attributes(row.key, sheet.settings)?;
        if out.is_empty() {
            let names: Vec<&str> = list.iter().map(|(name, _)| name.as_str()).collect();
            out = format!("FILE,{},CHECK VALUE\n", names.join(","));
        }
        let values: Vec<&str> = list.iter().map(|(_, v)| v.trim_matches('"')).collect();
        // Writing to a String does not fail.
        let _ = writeln!(
            out,
            "{},{},{}",
            file_name(row.key),
            values.join(","),
            row.key.kcv.words()
        );
    }
    Ok(out)
}

/// What a token signs to show that it has an HMAC key: nothing encrypts with one.
pub(super) const CHECK_TEXT: &str = "CONCLAVE CHECK VALUE";
const CHECKED: &[&[u8]] = &[CHECK_TEXT.as_bytes()];

/// What the other side compares, as a line of a JSON object: CKA_CHECK_VALUE, or what
/// an HMAC key makes of a text: the whole of it, for a key that only verifies.
///
/// # Errors
/// [`TargetError::Wrap`]
pub(super) fn check_line(key: &KeyRecord, clear: &Secret) -> Result<String, TargetError> {
    let (mechanism, tag) = match key.form {
        KeyForm::HmacSha256 => ("CKM_SHA256_HMAC", hmac(clear.expose(), CHECKED)),
        KeyForm::HmacSha384 => ("CKM_SHA384_HMAC", hmac_sha384(clear.expose(), CHECKED)),
        KeyForm::HmacSha512 => ("CKM_SHA512_HMAC", hmac_sha512(clear.expose(), CHECKED)),
        _ => {
            let check = token_check(key, clear)?;
            return Ok(format!("\"CKA_CHECK_VALUE\": \"{check}\""));
        }
    };
    let digits: String = tag
        .expose()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    Ok(format!(
        "\"check_by_signing\": {{\"mechanism\": \"{mechanism}\", \"text\": \"{CHECK_TEXT}\", \
         \"mac\": \"{digits}\"}}"
    ))
}

/// The first six digits of CKA_CHECK_VALUE, which is by encrypted zeros for AES too
/// (PKCS#11 clause 4.8.2).
///
/// # Errors
/// [`TargetError::Wrap`]
pub(super) fn token_check(key: &KeyRecord, clear: &Secret) -> Result<String, TargetError> {
    let method = match cipher(key.form) {
        Algorithm::Tdes => Method::TdesZero,
        Algorithm::Aes => Method::AesZero,
    };
    let zeros = Kcv::compute(method, clear.expose())
        .map_err(|e| TargetError::Wrap(format!("{}: {e}", key.label)))?;
    Ok(zeros.hex().chars().take(6).collect())
}

/// The attributes as lines of a JSON object.
pub(super) fn attribute_lines(key: &KeyRecord, settings: &Settings) -> Result<String, TargetError> {
    let list: Vec<String> = attributes(key, settings)?
        .iter()
        .map(|(name, value)| format!("    \"{name}\": {value}"))
        .collect();
    Ok(list.join(",\n"))
}
