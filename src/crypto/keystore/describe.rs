//! What a key store is, as far as it can be told without its passphrase.

use std::time::Duration;

use x509_cert::Certificate;
use x509_cert::der::{DateTime, Decode};

use super::pbe::Scheme;
use super::pkcs12::{self, Bag, Content, Holds};
use super::{Closed, STORE_MOST, Sealed, java, tlv};
use crate::describe::{Confidence, Described};

/// Less than this is called few.
const FEW_ITERATIONS: u32 = 10_000;

/// How something is protected, and what is to be said of it.
fn protection(out: &mut Described, name: &str, scheme: &Scheme) {
    let words = scheme.words();
    if scheme.is_old() {
        out.unusual(format!("{name}: {words} is there for old readers only"));
    } else if scheme.count() < FEW_ITERATIONS {
        out.unusual(format!(
            "{name}: {} iterations are few; the passphrase has to be a random one",
            scheme.count()
        ));
    }
    out.field(name, words, "protection");
}

/// Says what a key store is; `None` where the bytes are none.
#[must_use]
pub fn describe(bytes: &[u8]) -> Option<Described> {
    if bytes.len() > STORE_MOST {
        return None;
    }
    if bytes.starts_with(&java::JKS_MAGIC) || bytes.starts_with(&java::JCEKS_MAGIC) {
        return Some(java_store(bytes));
    }
    // SEQUENCE { INTEGER 3, SEQUENCE { data } }: only PKCS#12 begins so.
    let mut reader = tlv::Reader::new(bytes);
    let mut pfx = reader.open(tlv::SEQUENCE).ok()?;
    let version = pfx.number().ok()?;
    let mut info = pfx.open(tlv::SEQUENCE).ok()?;
    if version != 3 || info.take(tlv::OID).ok()? != pkcs12::DATA {
        return None;
    }
    let mut out = Described::new("PKCS#12 key store", Confidence::Certain);
    match pkcs12::parse(bytes) {
        Ok(pfx) => pkcs12_store(&mut out, &pfx),
        Err(error) => {
            out.damaged(error.to_string());
        }
    }
    Some(out)
}

fn subject(der: &[u8]) -> String {
    Certificate::from_der(der).map_or_else(
        |_| "a certificate that does not read".into(),
        |certificate| {
            let tbs = certificate.tbs_certificate();
            let name = tbs.subject().to_string();
            let until = tbs.validity().not_after.to_string();
            format!("{name}, until {until}")
        },
    )
}

fn java_store(bytes: &[u8]) -> Described {
    let jceks = bytes.starts_with(&java::JCEKS_MAGIC);
    let what = if jceks {
        "JCEKS key store of Java"
    } else {
        "JKS key store of Java"
    };
    let mut out = Described::new(what, Confidence::Certain);
    let entries = match java::entries(bytes) {
        Ok((_, entries, _)) => entries,
        Err(error) => {
            out.damaged(error.to_string());
            return out;
        }
    };
    out.field("entries", entries.len().to_string(), "");
    out.field("integrity", "SHA-1", "over passphrase and content");
    for entry in &entries {
        java_entry(&mut out, entry);
    }
    out
}

/// When an entry was made, of milliseconds since 1970.
fn made_at(ms: u64) -> String {
    match DateTime::from_unix_duration(Duration::from_millis(ms)) {
        Ok(time) => format!("made at {time}"),
        Err(_) => "made at a time that no calendar has".into(),
    }
}

fn java_entry(out: &mut Described, entry: &Sealed) {
    let made = entry.created_ms.map_or_else(String::new, made_at);
    let name = format!("entry {}", entry.alias);
    if entry.alias != entry.alias.to_lowercase() {
        out.unusual(format!(
            "{name}: Java looks names up in lower case and does not find this one"
        ));
    }
    out.field(&name, entry.kind.words(), made);
    match &entry.closed {
        Closed::Pkcs8(scheme, _) => protection(out, &name, scheme),
        Closed::Object(object) => protection(out, &name, object.scheme()),
        Closed::Jks(_) => {
            out.field(&name, "SHA-1 key stream of JKS", "protection");
            out.unusual(format!("{name}: the protection of JKS is weak"));
        }
        Closed::Nothing | Closed::Clear(_) => {}
    }
    for der in &entry.certificates {
        out.field(&name, subject(der), "certificate");
    }
}

fn pkcs12_store(out: &mut Described, pfx: &pkcs12::Pfx<'_>) {
    let integrity = &pfx.integrity;
    let count = integrity.iterations;
    let mac = format!("HMAC-{}, {count} iterations", integrity.hash.words());
    out.field("integrity", mac, "MAC under the passphrase");
    if count < FEW_ITERATIONS {
        out.unusual(format!(
            "the MAC has {count} iterations, which are few; the passphrase has to be a random one"
        ));
    }
    for content in &pfx.contents {
        match content {
            Content::Encrypted(scheme, bytes) => {
                let size = format!("{} bytes", bytes.len());
                out.field("encrypted contents", size, "certificates, as a rule");
                protection(out, "encrypted contents", scheme);
            }
            Content::Plain(contents) => match pkcs12::bags(contents) {
                Ok(bags) => bags.iter().for_each(|bag| pkcs12_bag(out, bag)),
                Err(error) => {
                    out.damaged(error.to_string());
                }
            },
        }
    }
}

fn pkcs12_bag(out: &mut Described, bag: &Bag) {
    let name = format!("entry {}", bag.name);
    match &bag.holds {
        Holds::Certificate(der) => {
            out.field(name, subject(der), "certificate");
        }
        Holds::Clear(_) => {
            out.field(&name, "private key", "in the clear");
            out.clear_secret(format!("{name}: the private key lies in the clear"));
        }
        Holds::Shrouded(scheme, _) => {
            out.field(&name, "private key", "");
            protection(out, &name, scheme);
        }
        Holds::Secret(scheme, _) => {
            out.field(&name, "secret key", "");
            protection(out, &name, scheme);
        }
    }
}
