//! Recognisers that answer in a shape of their own, brought to the common one.

use conclave_crypto::describe::{Confidence, Described};
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
