//! What a record says of a channel, and what one record of it allows the next.

use conclave_crypto::x509::cms::Recipient;
use conclave_evidence::calendar::day_of;
use conclave_evidence::show::{hex, utc};
use conclave_keyroom::domain::certificate::EnrolledCertificate;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::domain::target_system::Settings;

use super::super::sheet_text::rule;
use super::super::{Target, TargetError};
use super::WebPin;

/// How long a former generation may be taken after the new one began, in days.
pub const OVERLAP_MOST: i64 = 92;

/// The field of the profile with the channel's certificate.
const CERTIFICATE: &str = "certificate";

const DAY_MS: u64 = 86_400_000;

/// The usages that a channel has, and the part that each plays: PIN blocks go
/// through it, data around them are encrypted, messages authenticated.
const ROLES: [(&str, &str); 5] = [
    ("P0", "pin"),
    ("D0", "data"),
    ("M1", "mac"),
    ("M3", "mac"),
    ("M6", "mac"),
];

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
    let number = |from: usize, to: usize| text.get(from..to)?.parse().ok();
    let days = day_of(number(0, 4)?, number(5, 7)?, number(8, 10)?)?;
    i64::try_from(days).ok()
}

/// What a record says of a channel.
pub(super) struct Channel<'s> {
    pub name: &'s str,
    pub prefix: &'s str,
    pub generation: u32,
    pub from: &'s str,
    /// Until when the generation before is taken; none before the first.
    pub former_until: Option<&'s str>,
    /// What the channel's pages encrypt to, and its wrapping key goes to.
    pub certificate: Option<&'s EnrolledCertificate>,
}

impl<'s> Channel<'s> {
    pub fn of(settings: &'s Settings) -> Result<Self, TargetError> {
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
        if settings.value(CERTIFICATE).is_some() {
            return Err(wrong(
                "the channel's certificate is on record by its digest alone, without its file",
            ));
        }
        first_day(settings).map_err(|why| wrong(&why))?;
        Ok(Self {
            name: value("channel"),
            prefix: value("key-prefix"),
            generation,
            from: value("from"),
            former_until,
            certificate: settings.certificates.get(CERTIFICATE),
        })
    }

    /// `RETAIL.PIN.0003`: how the channel names a key.
    pub fn id(&self, key: &KeyRecord) -> String {
        let role = role(key).unwrap_or("key").to_ascii_uppercase();
        format!("{}.{role}.{:04}", self.name, self.generation)
    }
}

/// What the records of two channels share, if they share anything: a name, or
/// labels that would belong to both.
pub(in super::super) fn shared(one: &Settings, other: &Settings) -> Option<String> {
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

/// The certificate of a record, in words; of an older record, the digest that was
/// typed.
fn certificate_of(settings: &Settings) -> Option<String> {
    let enrolled = settings.certificates.get(CERTIFICATE);
    let digest = enrolled.map(|one| hex(&one.fingerprint.0));
    digest.or_else(|| settings.value(CERTIFICATE).map(str::to_owned))
}

/// Whether a channel's record may become this one: a generation that was handed
/// over does not come back, and none is left out; its certificate is its own. What
/// else a record says of its generation may be corrected.
///
/// # Errors
/// Why not, in words.
pub(in super::super) fn follows(known: &Settings, new: &Settings) -> Result<(), String> {
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
    let had = certificate_of(known).filter(|_| after == before);
    if had.is_some() && had != certificate_of(new) {
        return Err(format!(
            "generation {before} has its certificate: another one comes with generation {}",
            before.saturating_add(1)
        ));
    }
    Ok(())
}

/// The first day lies within what the certificate says of its time, the whole of it.
///
/// # Errors
/// Why not, in words.
fn first_day(settings: &Settings) -> Result<(), String> {
    let from = settings.value("from").and_then(day);
    let from = from.and_then(|from| u64::try_from(from).ok());
    let (Some(from), Some(certificate)) = (from, settings.certificates.get(CERTIFICATE)) else {
        return Ok(());
    };
    let begins = from.saturating_mul(DAY_MS);
    if certificate.holds(begins) && certificate.holds(begins.saturating_add(DAY_MS - 1)) {
        return Ok(());
    }
    Err(format!(
        "the certificate holds from {} to {}: the first day has to lie within",
        utc(certificate.from_ms),
        utc(certificate.until_ms)
    ))
}

/// The days of a record are days, and its certificate holds on the first and is not
/// over: two people sign them long before keys are handed over.
///
/// # Errors
/// Why not, in words.
pub(in super::super) fn days(settings: &Settings, now_ms: u64) -> Result<(), String> {
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
    let certificate = settings.certificates.get(CERTIFICATE);
    if let Some(over) = certificate.filter(|one| now_ms > one.until_ms) {
        return Err(format!(
            "the certificate has expired, on {}",
            utc(over.until_ms)
        ));
    }
    first_day(settings)
}

pub(super) fn role(key: &KeyRecord) -> Option<&'static str> {
    let found = ROLES.iter().find(|(usage, _)| *usage == key.usage);
    found.map(|(_, role)| *role)
}

/// The number at the end of a label.
pub(super) fn number_of(label: &str) -> Option<u32> {
    let digits = label.rsplit('.').next()?;
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

/// What stands in the certificate on record.
///
/// # Errors
/// [`TargetError::Rule`]
pub(super) fn read(certificate: &EnrolledCertificate) -> Result<Recipient, TargetError> {
    Recipient::read(&certificate.der.0).map_err(|_| {
        rule(
            "the certificate on record does not read",
            "have the record of the channel changed",
        )
    })
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
