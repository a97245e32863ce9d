//! Any program that opens PKCS#12, JKS or JCEKS.

use conclave_crypto::keystore::Kind;

use super::{HandOver, StoreTarget};
use crate::target::Conformance;

/// A store alone.
pub struct Plain;

impl StoreTarget for Plain {
    fn name(&self) -> &'static str {
        "key-store"
    }

    fn title(&self) -> &'static str {
        "Key store: PKCS#12, JKS or JCEKS"
    }

    fn conformance(&self) -> Conformance {
        Conformance::Proven
    }

    fn kinds(&self) -> &'static [Kind] {
        &Kind::ALL
    }

    fn takes_secret_keys(&self) -> bool {
        true
    }

    fn needs_system(&self) -> bool {
        false
    }

    fn steps(&self, over: &HandOver<'_>) -> Vec<String> {
        let mut steps = vec!["Look at it first; both ask for the passphrase:".to_owned()];
        let mut files: Vec<_> = over.keys.iter().flat_map(|key| &key.stores).collect();
        files.sort_by_key(|(_, file)| file);
        files.dedup();
        for (kind, file) in files {
            steps.push(match kind {
                Kind::Pkcs12 => format!("openssl pkcs12 -info -noout -in {file}"),
                Kind::Pkcs12Legacy => format!("openssl pkcs12 -legacy -info -noout -in {file}"),
                Kind::Jks => format!("keytool -list -storetype JKS -keystore {file}"),
                Kind::Jceks => format!("keytool -list -storetype JCEKS -keystore {file}"),
            });
        }
        steps.push(
            "Java names the entries in lower case. The passphrase of each key is the one of its \
             store; change it there if your rules want another."
                .into(),
        );
        steps
    }
}
