//! What is typed at a payShield, or sent to it, and what it answers.

use std::fmt::Write as _;

use conclave_crypto::primitive::key_scheme::Scheme;
use conclave_keyroom::domain::key::{KeyRecord, WrappingMethod};

use super::payshield::{COMMANDS, OLDER, PayShield, attributes, into_key_blocks, key_type};
use super::sheet_text::{errors, filled, foot, head, push_wrapped, wrapping_key};
use super::{Payload, Sheet, TargetError};

/// Where the zone master key as it stands under the target's LMK is not on record.
const ZMK: &str = "<ZMK>";

/// The scheme under the target's LMK.
fn lmk_scheme(sheet: &Sheet<'_>, key: &KeyRecord) -> char {
    match into_key_blocks(sheet.settings) {
        true => 'S',
        false => Scheme::of(true, key.form.bytes()).map_or('U', Scheme::letter),
    }
}

/// A6, import a key: header, key type, ZMK, key, scheme under the LMK; into a
/// key-block LMK what the header says, behind `#`; the LMK behind `%`.
pub(super) fn command(
    sheet: &Sheet<'_>,
    key: &KeyRecord,
    payload: &Payload,
) -> Result<String, TargetError> {
    let settings = sheet.settings;
    let header = settings.value("header").unwrap_or_default();
    let zmk = settings.value("zmk-token").unwrap_or(ZMK);
    let lmk = settings.value("lmk-id").unwrap_or("00");
    let token = String::from_utf8_lossy(&payload.bytes);
    let scheme = lmk_scheme(sheet, key);
    let kind = match into_key_blocks(settings) {
        true => "FFF".to_owned(),
        false => key_type(settings, key)?.to_string(),
    };
    let mut line = format!("{header}A6{kind}{zmk}{token}{scheme}");
    let bare = sheet.under.wrapping != Some(WrappingMethod::ThalesBlock);
    if bare && into_key_blocks(settings) {
        let of = attributes(settings, key)?;
        // Writing to a String does not fail.
        let _ = write!(
            line,
            "#{}{}{}{}00",
            of.usage,
            of.mode.letter(),
            of.key_version,
            of.exportability.letter()
        );
    }
    let _ = write!(line, "%{lmk}");
    Ok(line)
}

/// The command of older firmware, where the key goes into a variant LMK and its
/// type has one.
pub(super) fn older(sheet: &Sheet<'_>, key: &KeyRecord, payload: &Payload) -> Option<String> {
    let settings = sheet.settings;
    if into_key_blocks(settings) {
        return None;
    }
    let kind = key_type(settings, key).ok()?.to_string();
    // Flags of a command stand behind its two letters: FK0, FK1.
    let code = settings.profile.entry("older-command", &kind)?;
    let header = settings.value("header").unwrap_or_default();
    let zmk = settings.value("zmk-token").unwrap_or(ZMK);
    let token = String::from_utf8_lossy(&payload.bytes);
    let scheme = lmk_scheme(sheet, key);
    Some(format!("{header}{code}{zmk}{token};0{scheme}1"))
}

pub(super) fn run_sheet(target: &PayShield, sheet: &Sheet<'_>) -> String {
    let settings = sheet.settings;
    let mut out = head(target, sheet);
    let blocks = into_key_blocks(settings);
    out.push_str(&wrapping_key(
        sheet,
        if blocks {
            "zmk-key-block"
        } else {
            "zmk-variant"
        },
    ));
    let _ = write!(
        out,
        "3. Import each key, by the host command of {COMMANDS} or at the console.\n   \
         <ZMK> stands for the wrapping key under your LMK.\n"
    );
    for line in settings.profile.lines("before") {
        push_wrapped(&mut out, "   ", line);
    }
    for row in &sheet.rows {
        for payload in row.payloads {
            one(&mut out, sheet, row.key, payload);
        }
    }
    out.push_str(&errors(settings, "Where the answer is not 00:"));
    out.push_str(&foot(4));
    out
}

/// One key: its file, its command, its dialogue, its answers.
fn one(out: &mut String, sheet: &Sheet<'_>, key: &KeyRecord, payload: &Payload) {
    let settings = sheet.settings;
    let scheme = lmk_scheme(sheet, key);
    let blocks = into_key_blocks(settings);
    let said = match (blocks, key_type(settings, key), attributes(settings, key)) {
        (true, _, Ok(of)) => format!("header {of}"),
        (false, Ok(kind), _) => format!("key type {kind}, {}", kind.meaning().unwrap_or("?")),
        _ => String::new(),
    };
    // Writing to a String does not fail.
    let _ = write!(
        out,
        "\n   {}\n   {}, {} characters\n   {}\n   {}  {}  usage {}\n",
        payload.name,
        payload.format,
        payload.bytes.len(),
        payload.conformance.words(),
        key.label,
        key.form,
        key.usage,
    );
    push_wrapped(out, "   ", &said);
    let _ = writeln!(out, "   KCV {}", key.kcv.words());
    let kind = key_type(settings, key).map_or("FFF".to_owned(), |kind| kind.to_string());
    let of = attributes(settings, key);
    let mode = of
        .as_ref()
        .map_or(String::new(), |of| of.mode.letter().to_string());
    let usage = of.as_ref().map_or(String::new(), |of| of.usage.to_string());
    let short: String = key.kcv.value.chars().take(6).collect();
    let scheme_text = scheme.to_string();
    let values = [
        ("type", kind.as_str()),
        ("scheme", scheme_text.as_str()),
        ("file", payload.name.as_str()),
        ("kcv", short.as_str()),
        ("usage", usage.as_str()),
        ("mode", mode.as_str()),
        ("exportability", key.exportability.as_str()),
    ];
    let name = if blocks {
        "console-key-block"
    } else {
        "console-variant"
    };
    for line in settings
        .profile
        .lines("host")
        .iter()
        .chain(settings.profile.lines(name))
    {
        push_wrapped(out, "   ", &filled(line, &values));
    }
    if older(sheet, key, payload).is_some() {
        push_wrapped(
            out,
            "   ",
            &format!("older firmware: the line of this key in {OLDER}"),
        );
    }
}
