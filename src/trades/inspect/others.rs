//! Recognisers that answer in a shape of their own, brought to the common one.

use conclave_crypto::describe::{Confidence, Described};
use conclave_crypto::primitive::key_scheme::Cryptogram;
use conclave_crypto::{cca, keystore};

/// Key tokens of IBM CCA.
#[must_use]
pub fn cca_token(bytes: &[u8]) -> Option<Described> {
    let found = cca::describe(bytes)?;
    let mut said = Described::new(
        format!("key token of IBM CCA: {}", found.title),
        Confidence::Certain,
    );
    for field in &found.fields {
        said.field(&field.name, &field.meaning, "");
        if !field.unusual {
            continue;
        }
        match field.meaning.contains("in clear") {
            true => said.clear_secret(
                "A KEY MAY STAND IN CLEAR in this token: if it does, replace the key",
            ),
            false => said.unusual(format!("{}: {}", field.name, field.meaning)),
        };
    }
    Some(said)
}

/// Key stores: PKCS#12, JKS, JCEKS.
#[must_use]
pub fn key_store(bytes: &[u8]) -> Option<Described> {
    let found = keystore::describe(bytes)?;
    let mut said = Described::new(&found.format, Confidence::Certain);
    for (name, value) in &found.facts {
        said.field(name, value, "");
    }
    for remark in &found.unusual {
        match remark.contains("in the clear") {
            true => said.clear_secret(remark),
            false => said.unusual(remark),
        };
    }
    Some(said)
}

/// Keys without a key block behind the letter of a scheme, as payShield writes them.
#[must_use]
pub fn bare_cryptogram(bytes: &[u8]) -> Option<Described> {
    let text = std::str::from_utf8(bytes).ok()?.trim();
    let read = Cryptogram::parse(text).ok()?;
    // Digits alone may be anything.
    let scheme = read.letter?;
    let mut said = Described::new("key without key block", Confidence::Likely);
    let meaning = match scheme.is_variant() {
        true => "Thales variant: each part under a variant of the wrapping key",
        false => "ANSI X9.17: each part under the wrapping key by itself, ECB",
    };
    said.field("scheme", scheme.to_string(), meaning);
    let digits = text.get(1..).unwrap_or_default();
    said.field("cryptogram", digits, "encrypted");
    let parts = match scheme.key_len() {
        16 => "TDES of two parts",
        _ => "TDES of three parts",
    };
    said.field("key", parts, "");
    said.unusual(
        "nothing binds the key to its use, and nothing but its check value shows a wrong one: \
         a legacy exception (PCI PIN 18-3)",
    );
    Some(said)
}
