//! What goes with the keys of a channel: its certificate, and what a program and
//! people read.

use std::fmt::Write as _;

use conclave_crypto::keyblock::rsa_aes;
use conclave_evidence::manifest::Encoding;
use conclave_evidence::show::utc;
use conclave_keyroom::domain::certificate::EnrolledCertificate;
use conclave_keyroom::domain::key::KeyRecord;
use serde_json::{Value, json};

use super::super::sheet_text::{self as text, hex, rule};
use super::super::{Companion, Conformance, Payload, Sheet, TargetError};
use super::channel::{Channel, read};
use super::file_name;

/// The list of a generation.
const ROTATION: &str = "rotation.json";
/// The same of a wrapping key that goes to the certificate.
const WRAPPING_KEY: &str = "wrapping-key.json";
/// The certificate itself.
const CERTIFICATE: &str = "channel-certificate.der";
/// A line of the run sheet is no longer than this, in characters, behind its margin.
const LINE: usize = 74;

/// A name as it may stand in a file in ASCII.
fn ascii(name: &str) -> String {
    let plain = |c: char| if c.is_ascii() { c } else { '?' };
    name.chars().map(plain).collect()
}

fn certificate(record: &EnrolledCertificate) -> Result<Value, TargetError> {
    let read = read(record)?;
    Ok(json!({
        "file": CERTIFICATE,
        "sha256": hex(&record.fingerprint.0),
        "serial": read.facts().serial,
        "subject": ascii(&record.subject),
        "not_after": utc(record.until_ms),
        "key": record.key,
    }))
}

/// Certificate and list: what belongs to the bundle as a whole.
pub(super) fn companions(sheet: &Sheet<'_>) -> Result<Vec<Companion>, TargetError> {
    let channel = Channel::of(sheet.settings)?;
    let (name, list, format) = match sheet.under.is_wrapped_to() {
        true => (
            WRAPPING_KEY,
            wrapping_key(sheet, &channel)?,
            "wrapping key of the channel, JSON",
        ),
        false => (
            ROTATION,
            rotation(sheet, &channel)?,
            "generation of the channel's keys, JSON",
        ),
    };
    let list = serde_json::to_string_pretty(&list);
    let list = list.map_err(|e| TargetError::Wrap(e.to_string()))? + "\n";
    let of = channel.certificate.map(|record| Payload {
        name: CERTIFICATE.into(),
        bytes: record.der.0.clone(),
        format: "X.509 certificate, DER".into(),
        encoding: Encoding::Binary,
        lrecl: None,
        conformance: Conformance::Proven,
    });
    let list = Payload {
        name: name.into(),
        bytes: list.into_bytes(),
        format: format.into(),
        encoding: Encoding::AsciiText,
        lrecl: None,
        conformance: Conformance::ToBeCompleted,
    };
    let files = [list].into_iter().chain(of);
    Ok(files
        .map(|file| Companion {
            file,
            with_keys: false,
        })
        .collect())
}

/// What both lists say of a key.
fn entry(key: &KeyRecord, under_rsa: bool) -> Value {
    json!({
        "label": key.label,
        "file": file_name(key, under_rsa),
        "usage": key.usage,
        "mode": key.mode_of_use,
        "algorithm": key.form.name(),
        "check_value": key.kcv.value,
        "check_value_method": key.kcv.method,
    })
}

fn wrapping_key(sheet: &Sheet<'_>, channel: &Channel<'_>) -> Result<Value, TargetError> {
    let keys: Vec<Value> = sheet.rows.iter().map(|row| entry(row.key, true)).collect();
    let rsa = sheet.under.rsa.as_ref();
    Ok(json!({
        "channel": channel.name,
        "certificate": channel.certificate.map(certificate).transpose()?,
        "mechanism": "CKM_RSA_AES_KEY_WRAP",
        "aes_bits": rsa_aes::AES_LEN * 8,
        "oaep_hash": "SHA-256",
        "oaep_mgf": "MGF1 SHA-256",
        "bytes_under_rsa": rsa.map(|facts| facts.bits / 8),
        "keys": keys,
    }))
}

/// The list: what is new, from when, and until when the former is taken.
fn rotation(sheet: &Sheet<'_>, channel: &Channel<'_>) -> Result<Value, TargetError> {
    let mut ids: Vec<String> = sheet.rows.iter().map(|row| channel.id(row.key)).collect();
    ids.sort();
    if let Some(pair) = ids.windows(2).find(|pair| pair.first() == pair.last()) {
        return Err(rule(
            format!(
                "two keys would be {}",
                pair.first().map(String::as_str).unwrap_or_default()
            ),
            "a generation's bundle has one key for each use",
        ));
    }
    let keys = sheet.rows.iter().map(|row| {
        let mut told = entry(row.key, false);
        told["id"] = channel.id(row.key).into();
        told
    });
    let keys: Vec<Value> = keys.collect();
    let former = channel
        .former_until
        .map(|until| json!({ "generation": channel.generation - 1, "taken_until": until }));
    Ok(json!({
        "channel": channel.name,
        "generation": channel.generation,
        "from": channel.from,
        "former": former,
        "wrapping_key": {
            "label": sheet.under.label,
            "algorithm": sheet.under.form.name(),
            "check_value": sheet.under.kcv.value,
            "check_value_method": sheet.under.kcv.method,
        },
        "certificate": channel.certificate.map(certificate).transpose()?,
        "keys": keys,
    }))
}

/// The steps of a generation.
pub(super) fn write_generation(sheet: &Sheet<'_>, out: &mut String) -> std::fmt::Result {
    let Ok(channel) = Channel::of(sheet.settings) else {
        return Ok(());
    };
    let Channel {
        generation, from, ..
    } = channel;
    writeln!(
        out,
        "\n3. Channel {}, generation {generation}. Import each file as one key block,\n   \
         under the name beside it. A file is the block alone, in ASCII.",
        channel.name
    )?;
    for row in &sheet.rows {
        let key = row.key;
        writeln!(
            out,
            "\n   {}  ->  {}",
            file_name(key, false),
            channel.id(key)
        )?;
        writeln!(
            out,
            "   {}  usage {}  mode {}",
            key.form, key.usage, key.mode_of_use
        )?;
        writeln!(out, "   KCV {}", key.kcv.words())?;
    }
    writeln!(
        out,
        "\n4. From {from} on, encrypt with generation {generation}. {ROTATION} says the same\n   \
         to a program."
    )?;
    match channel.former_until {
        Some(until) => writeln!(
            out,
            "5. Until {until}, take generation {} too: PIN blocks that were on\n   \
             their way. Encrypt nothing new with it.\n\
             6. After {until}, delete generation {}, and say so in the receipt.",
            generation - 1,
            generation - 1
        )?,
        None => writeln!(
            out,
            "5. There is no generation before it.\n\
             6. Make a date for the next one: the record of the channel is changed,\n   \
             and the next bundle carries it."
        )?,
    }
    let mut own = String::new();
    for line in sheet.settings.profile.lines("channel") {
        text::push_wrapped(&mut own, "   ", line);
    }
    if let Some(certificate) = channel.certificate {
        writeln!(
            out,
            "\n   The pages of the channel encrypt to this certificate:"
        )?;
        write_certificate(certificate, out)?;
    }
    out.push_str(&own);
    Ok(())
}

/// The steps of a wrapping key.
pub(super) fn write_wrapping_key(sheet: &Sheet<'_>, out: &mut String) -> std::fmt::Result {
    let Ok(channel) = Channel::of(sheet.settings) else {
        return Ok(());
    };
    writeln!(
        out,
        "2. This opens under the private key of the channel's certificate alone:\n   {}  {}",
        sheet.under.label,
        channel.certificate.map_or("", |record| record.key.as_str())
    )?;
    if let Some(certificate) = channel.certificate {
        write_certificate(certificate, out)?;
    }
    for line in sheet.settings.profile.lines("to-certificate") {
        text::push_wrapped(out, "   ", line);
    }
    writeln!(
        out,
        "\n3. Channel {}. Unwrap each file inside the channel's HSM, as its key that\n   \
         unwraps key blocks. It is never there in clear.",
        channel.name
    )?;
    for row in &sheet.rows {
        let key = row.key;
        writeln!(out, "\n   {}", file_name(key, true))?;
        writeln!(
            out,
            "   {}  {}  usage {}  mode {}",
            key.label, key.form, key.usage, key.mode_of_use
        )?;
        writeln!(out, "   KCV {}", key.kcv.words())?;
    }
    writeln!(
        out,
        "\n4. {WRAPPING_KEY} says the same to a program. The keys of each generation\n   \
         come in key blocks under this key."
    )
}

fn write_certificate(record: &EnrolledCertificate, out: &mut String) -> std::fmt::Result {
    writeln!(out, "   {CERTIFICATE}")?;
    let read = read(record);
    let serial = read
        .as_ref()
        .map_or("", |read| read.facts().serial.as_str());
    writeln!(out, "   serial number {serial}")?;
    let subject: Vec<char> = ascii(&record.subject).chars().collect();
    for part in subject.chunks(LINE) {
        writeln!(out, "   {}", part.iter().collect::<String>())?;
    }
    writeln!(out, "   until {}", utc(record.until_ms))?;
    let digest = hex(&record.fingerprint.0);
    let (first, second) = digest.split_at_checked(32).unwrap_or((&digest, ""));
    writeln!(out, "   SHA-256 {first}\n           {second}")
}
