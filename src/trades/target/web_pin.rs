//! Keys of a channel in which holders see or change their PINs: internet
//! banking, an app, a kiosk. Each channel has a wrapping key of its own and its
//! keys come in generations: a new one from a day on, the former one taken for a
//! while after it. TR-31 key blocks, with a list of the generation that any
//! program reads.

use std::fmt::Write as _;

use conclave_crypto::secret::{RandomSource, Secret};
use conclave_evidence::manifest::Encoding;
use conclave_keyroom::domain::key::{KeyRecord, WrappingMethod};
use conclave_keyroom::domain::target_system::Settings;
use serde_json::json;

use super::tr31::{Tr31, attributes, block};
use super::{Companion, Conformance, Payload, Sheet, Target, TargetError, sheet_text as text};

/// A channel for PINs.
pub struct WebPin;

/// The list of the generation.
const ROTATION: &str = "rotation.json";
/// How long a former generation may be taken after the new one began, in days.
pub const OVERLAP_MOST: i64 = 92;

/// The usages that a channel has, and the part that each plays: PIN blocks go
/// through it, data around them are encrypted, messages authenticated.
const ROLES: [(&str, &str); 5] = [
    ("P0", "pin"),
    ("D0", "data"),
    ("M1", "mac"),
    ("M3", "mac"),
    ("M6", "mac"),
];

fn rule(rule: impl Into<String>, advice: &str) -> TargetError {
    TargetError::Rule {
        rule: rule.into(),
        advice: advice.into(),
    }
}

/// Days since 1970-01-01 of `YYYY-MM-DD`; nothing where there is no such day.
fn day(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let shape = bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, b)| match at {
            4 | 7 => *b == b'-',
            _ => b.is_ascii_digit(),
        });
    if !shape {
        return None;
    }
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=last).contains(&day) || year < 1970 {
        return None;
    }
    // Years begin in March, so that a leap day is the last of one.
    let (year, month) = match month {
        1 | 2 => (year - 1, month + 9),
        _ => (year, month - 3),
    };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// What a record says of a channel.
struct Channel<'s> {
    name: &'s str,
    prefix: &'s str,
    generation: u32,
    from: &'s str,
    /// Until when the generation before is taken; none before the first.
    former_until: Option<&'s str>,
    /// SHA-256 of the certificate that the channel's pages encrypt to.
    certificate: Option<&'s str>,
}

impl<'s> Channel<'s> {
    fn of(settings: &'s Settings) -> Result<Self, TargetError> {
        let value = |name: &str| settings.value(name).unwrap_or_default();
        let generation: u32 = value("generation").parse().unwrap_or(0);
        let wrong = |what: &str| rule(what, "have the record of the channel corrected");
        if generation == 0 {
            return Err(wrong("the generation counts from 1"));
        }
        // Else WEB.RETAIL would be WEB.RETAIL2's as well.
        if !value("key-prefix").ends_with('.') {
            return Err(wrong("what labels begin with ends with a dot"));
        }
        let from = day(value("from")).ok_or_else(|| wrong("the first day is no date"))?;
        let former_until = settings.value("former-until");
        let overlap = former_until.map(|text| day(text).map(|until| until - from));
        match (generation, overlap) {
            (1, None) => {}
            (1, Some(_)) => return Err(wrong("before generation 1 there is none to be taken")),
            (_, Some(Some(0..=OVERLAP_MOST))) => {}
            _ => {
                return Err(wrong(&format!(
                    "the generation before is taken until a day 0 to {OVERLAP_MOST} days after \
                     the new one begins"
                )));
            }
        }
        let certificate = settings.value("certificate");
        if certificate.is_some_and(|digits| digits.len() != 64) {
            return Err(wrong("a SHA-256 has 64 hexadecimal digits"));
        }
        Ok(Self {
            name: value("channel"),
            prefix: value("key-prefix"),
            generation,
            from: value("from"),
            former_until,
            certificate,
        })
    }

    /// `RETAIL.PIN.0003`: how the channel names a key.
    fn id(&self, key: &KeyRecord) -> String {
        let role = role(key).unwrap_or("key").to_ascii_uppercase();
        format!("{}.{role}.{:04}", self.name, self.generation)
    }
}

/// What the records of two channels share, if they share anything: a name, or
/// labels that would belong to both.
pub(super) fn shared(one: &Settings, other: &Settings) -> Option<String> {
    if [one, other].iter().any(|s| s.profile.name != WebPin.name()) {
        return None;
    }
    let value = |of: &Settings, name: &str| of.value(name).unwrap_or_default().to_owned();
    let channels = [one, other].map(|s| value(s, "channel"));
    let [a, b] = [one, other].map(|s| value(s, "key-prefix"));
    match (channels, a.starts_with(&b) || b.starts_with(&a)) {
        ([a, b], _) if a == b => Some(format!("the channel {a}")),
        (_, true) => Some(format!("labels that begin with {a} and {b}")),
        _ => None,
    }
}

/// Whether a channel's record may become this one: a generation that was handed
/// over does not come back, and none is left out. What else a record says of its
/// generation may be corrected.
///
/// # Errors
/// Why not, in words.
pub(super) fn follows(known: &Settings, new: &Settings) -> Result<(), String> {
    if new.profile.name != WebPin.name() {
        return Ok(());
    }
    let generation = |of: &Settings| -> u32 {
        let text = of.value("generation").unwrap_or_default();
        text.parse().unwrap_or(0)
    };
    let (before, after) = (generation(known), generation(new));
    if known.value("channel") != new.value("channel") {
        return Err("a channel keeps its name: another one has a record of its own".into());
    }
    if after != before && Some(after) != before.checked_add(1) {
        return Err(format!(
            "generation {before} is on record: it stays, or the next is {}",
            before.saturating_add(1)
        ));
    }
    Ok(())
}

/// The days of a record are days: two people sign them long before keys are handed
/// over.
///
/// # Errors
/// Why not, in words.
pub(super) fn days(settings: &Settings) -> Result<(), String> {
    if settings.profile.name != WebPin.name() {
        return Ok(());
    }
    for name in ["from", "former-until"] {
        match settings.value(name) {
            Some(text) if day(text).is_none() => {
                return Err(format!(
                    "{text} is no day: YYYY-MM-DD, for example 2026-11-30"
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

fn role(key: &KeyRecord) -> Option<&'static str> {
    let found = ROLES.iter().find(|(usage, _)| *usage == key.usage);
    found.map(|(_, role)| *role)
}

/// The number at the end of a label.
fn number_of(label: &str) -> Option<u32> {
    let digits = label.rsplit('.').next()?;
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

impl Target for WebPin {
    fn name(&self) -> &'static str {
        "web-pin"
    }

    fn title(&self) -> &'static str {
        "Web PIN channel, TR-31 under the channel's own key"
    }

    fn conformance(&self) -> Conformance {
        Conformance::ToBeCompleted
    }

    fn methods(&self) -> &'static [WrappingMethod] {
        &[WrappingMethod::Tr31B, WrappingMethod::Tr31D]
    }

    fn check(
        &self,
        key: &KeyRecord,
        under: &KeyRecord,
        settings: &Settings,
    ) -> Result<(), TargetError> {
        let channel = Channel::of(settings)?;
        if role(key).is_none() {
            return Err(rule(
                format!("{} has usage {}: a channel has none", key.label, key.usage),
                "hand over PIN encryption, data or message authentication keys (P0, D0, M1, M3, \
                 M6)",
            ));
        }
        for (record, what) in [(key, "key"), (under, "wrapping key")] {
            if !record.label.starts_with(channel.prefix) {
                return Err(rule(
                    format!(
                        "{} is no {what} of the channel {}: its keys begin with {}",
                        record.label, channel.name, channel.prefix
                    ),
                    "a channel has keys of its own, and a wrapping key of its own",
                ));
            }
        }
        if number_of(&key.label) != Some(channel.generation) {
            return Err(rule(
                format!(
                    "{} is not of generation {}: the number at the end of its label says so",
                    key.label, channel.generation
                ),
                "choose the new keys, or have the record of the channel changed",
            ));
        }
        Tr31.check(key, under, settings)
    }

    fn export(
        &self,
        key: &KeyRecord,
        clear: &Secret,
        under: &KeyRecord,
        wrapping: &Secret,
        settings: &Settings,
        random: &mut dyn RandomSource,
    ) -> Result<Vec<Payload>, TargetError> {
        let attributes = attributes(key)?;
        let (text, version) = block(key, &attributes, clear, under, wrapping, settings, random)?;
        Ok(vec![Payload {
            name: file_name(key),
            bytes: text.into_bytes(),
            format: format!("TR-31 version {version}"),
            encoding: Encoding::AsciiText,
            lrecl: None,
            conformance: Conformance::Proven,
        }])
    }

    fn companions(&self, sheet: &Sheet<'_>) -> Result<Vec<Companion>, TargetError> {
        Ok(vec![Companion {
            file: Payload {
                name: ROTATION.into(),
                bytes: rotation(sheet)?.into_bytes(),
                format: "generation of the channel's keys, JSON".into(),
                encoding: Encoding::AsciiText,
                lrecl: None,
                conformance: Conformance::ToBeCompleted,
            },
            with_keys: false,
        }])
    }

    fn run_sheet(&self, sheet: &Sheet<'_>) -> String {
        let mut out = text::head(self, sheet);
        out.push_str(&text::wrapping_key(sheet, "wrapping-key"));
        // Writing to a String does not fail; what is no channel was refused.
        let _ = write_steps(sheet, &mut out);
        out.push_str(&text::foot(7));
        out
    }
}

fn file_name(key: &KeyRecord) -> String {
    format!("{}.tr31", key.label)
}

/// The list: what is new, from when, and until when the former is taken.
fn rotation(sheet: &Sheet<'_>) -> Result<String, TargetError> {
    let channel = Channel::of(sheet.settings)?;
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
    let keys: Vec<serde_json::Value> = sheet
        .rows
        .iter()
        .map(|row| {
            let key = row.key;
            json!({
                "id": channel.id(key),
                "label": key.label,
                "file": file_name(key),
                "usage": key.usage,
                "mode": key.mode_of_use,
                "algorithm": key.form.name(),
                "check_value": key.kcv.value,
                "check_value_method": key.kcv.method,
            })
        })
        .collect();
    let former = channel
        .former_until
        .map(|until| json!({ "generation": channel.generation - 1, "taken_until": until }));
    let list = json!({
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
        "certificate_sha256": channel.certificate,
        "keys": keys,
    });
    let text = serde_json::to_string_pretty(&list);
    text.map(|text| text + "\n")
        .map_err(|e| TargetError::Wrap(e.to_string()))
}

fn write_steps(sheet: &Sheet<'_>, out: &mut String) -> std::fmt::Result {
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
        writeln!(out, "\n   {}  ->  {}", file_name(key), channel.id(key))?;
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
            "\n   The pages of the channel encrypt to the certificate with SHA-256\n   {}",
            certificate.get(..32).unwrap_or_default()
        )?;
        writeln!(out, "   {}", certificate.get(32..).unwrap_or_default())?;
    }
    out.push_str(&own);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_as_the_calendar_does() {
        for (text, expected) in [
            ("1970-01-01", 0),
            ("1970-03-01", 59),
            ("2000-02-29", 11_016),
            ("2026-11-26", 20_783),
            ("2100-03-01", 47_541),
        ] {
            assert_eq!(day(text), Some(expected), "{text}");
        }
        for bad in [
            "",
            "2026-1-1",
            "2026-02-29",
            "2100-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-04-31",
            "26-11-2026",
            "2026/11/26",
            "1969-12-31",
            "+026-01-01",
        ] {
            assert_eq!(day(bad), None, "{bad}");
        }
        assert_eq!(number_of("WEB.RETAIL.PIN.003"), Some(3));
        assert_eq!(number_of("WEB.RETAIL.PIN"), None);
        assert_eq!(number_of("3"), Some(3));
    }
}
