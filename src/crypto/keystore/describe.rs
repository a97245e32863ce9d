//! What a key store is, as far as it can be told without its passphrase.

use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::pbe::Scheme;
use super::pkcs12::{self, Bag, Content, Holds};
use super::{Closed, STORE_MOST, Sealed, StoreError, java, tlv};

/// What was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// `PKCS#12 key store`.
    pub format: String,
    /// Names and what stands there, in the order of the file.
    pub facts: Vec<(String, String)>,
    /// What somebody should look at.
    pub unusual: Vec<String>,
}

/// Less than this is called few.
const FEW_ITERATIONS: u32 = 10_000;

impl Described {
    fn new(format: &str) -> Self {
        Self {
            format: format.into(),
            facts: Vec::new(),
            unusual: Vec::new(),
        }
    }

    fn fact(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.facts.push((name.into(), value.into()));
    }

    fn scheme(&mut self, name: impl Into<String>, scheme: &Scheme) {
        let name = name.into();
        if scheme.is_old() {
            self.unusual.push(format!(
                "{name}: {} is there for old readers only",
                scheme.words()
            ));
        } else if scheme.count() < FEW_ITERATIONS {
            self.unusual.push(format!(
                "{name}: {} iterations are few; the passphrase has to be a random one",
                scheme.count()
            ));
        }
        self.fact(name, scheme.words());
    }

    fn broken(mut self, error: &StoreError) -> Self {
        self.unusual.push(error.to_string());
        self
    }
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
    let out = Described::new("PKCS#12 key store");
    Some(match pkcs12::parse(bytes) {
        Ok(pfx) => pkcs12_store(out, &pfx),
        Err(error) => out.broken(&error),
    })
}

fn subject(der: &[u8]) -> String {
    Certificate::from_der(der).map_or_else(
        |_| "a certificate that does not read".into(),
        |certificate| {
            let tbs = certificate.tbs_certificate();
            let name = tbs.subject().to_string();
            let until = tbs.validity().not_after.to_string();
            format!("certificate of {name}, until {until}")
        },
    )
}

fn java_store(bytes: &[u8]) -> Described {
    let jceks = bytes.starts_with(&java::JCEKS_MAGIC);
    let mut out = Described::new(if jceks {
        "JCEKS key store of Java"
    } else {
        "JKS key store of Java"
    });
    let entries = match java::entries(bytes) {
        Ok((_, entries, _)) => entries,
        Err(error) => return out.broken(&error),
    };
    out.fact("entries", entries.len().to_string());
    out.fact("integrity", "SHA-1 over passphrase and content");
    for entry in &entries {
        java_entry(&mut out, entry);
    }
    out
}

fn java_entry(out: &mut Described, entry: &Sealed) {
    let made = entry
        .created_ms
        .map_or_else(String::new, |ms| format!(", made at {ms} ms of 1970"));
    let name = format!("entry {:?}", entry.alias);
    if entry.alias != entry.alias.to_lowercase() {
        out.unusual.push(format!(
            "{name}: Java looks names up in lower case and does not find this one"
        ));
    }
    out.fact(&name, format!("{}{made}", entry.kind.words()));
    match &entry.closed {
        Closed::Pkcs8(scheme, _) => out.scheme(format!("{name}, protection"), scheme),
        Closed::Object(object) => out.scheme(format!("{name}, protection"), object.scheme()),
        Closed::Jks(_) => {
            out.fact(format!("{name}, protection"), "SHA-1 key stream of JKS");
            out.unusual
                .push(format!("{name}: the protection of JKS is weak"));
        }
        Closed::Nothing | Closed::Clear(_) => {}
    }
    for der in &entry.certificates {
        out.fact(&name, subject(der));
    }
}

fn pkcs12_store(mut out: Described, pfx: &pkcs12::Pfx<'_>) -> Described {
    let integrity = &pfx.integrity;
    out.fact(
        "integrity",
        format!(
            "HMAC-{}, {} iterations",
            integrity.hash.words(),
            integrity.iterations
        ),
    );
    if integrity.iterations < FEW_ITERATIONS {
        out.unusual.push(format!(
            "the MAC has {} iterations, which are few; the passphrase has to be a random one",
            integrity.iterations
        ));
    }
    for content in &pfx.contents {
        match content {
            Content::Encrypted(scheme, bytes) => {
                out.scheme("encrypted contents", scheme);
                out.fact("encrypted contents", format!("{} bytes", bytes.len()));
            }
            Content::Plain(contents) => match pkcs12::bags(contents) {
                Ok(bags) => bags.iter().for_each(|bag| pkcs12_bag(&mut out, bag)),
                Err(error) => return out.broken(&error),
            },
        }
    }
    out
}

fn pkcs12_bag(out: &mut Described, bag: &Bag) {
    let name = format!("entry {:?}", bag.name);
    match &bag.holds {
        Holds::Certificate(der) => out.fact(name, subject(der)),
        Holds::Clear(_) => {
            out.fact(&name, "private key in the clear");
            out.unusual
                .push(format!("{name}: the key lies in the clear"));
        }
        Holds::Shrouded(scheme, _) => {
            out.fact(&name, "private key");
            out.scheme(format!("{name}, protection"), scheme);
        }
        Holds::Secret(scheme, _) => {
            out.fact(&name, "secret key");
            out.scheme(format!("{name}, protection"), scheme);
        }
    }
}
