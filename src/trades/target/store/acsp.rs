//! A network HSM service in the manner of ACSP: TLS stores for client and
//! server, which key each application uses, and a neutral list of it all. The
//! service's own properties are the customer's to complete.

use conclave_crypto::keystore::Kind;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::domain::target_system::Settings;
use serde::Serialize;

use super::{HandOver, Place, StoreTarget, rule, text, value};
use crate::target::{Conformance, Payload, TargetError};

/// Such a service.
pub struct Acsp;

#[derive(Serialize)]
struct Listed<'a> {
    format: &'static str,
    endpoint: &'a str,
    port: &'a str,
    transport: &'a str,
    tls: Vec<Tls<'a>>,
    applications: Vec<Application<'a>>,
    bundle: &'a str,
    mode: &'a str,
}

#[derive(Serialize)]
struct Tls<'a> {
    role: &'static str,
    alias: &'a str,
    stores: Vec<&'a str>,
    certificates: Vec<&'a str>,
    fingerprint: &'a str,
}

#[derive(Serialize)]
struct Application<'a> {
    application: &'a str,
    label: &'a str,
}

/// `LABEL=APPLICATION` with commas between.
fn applications(settings: &Settings) -> Result<Vec<Application<'_>>, TargetError> {
    let text = settings.value("applications").unwrap_or_default();
    text.split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (label, application) = pair.split_once('=').ok_or_else(|| {
                rule(
                    format!("{pair:?} does not say which application uses which key label"),
                    "write LABEL=APPLICATION, with commas between",
                )
            })?;
            Ok(Application {
                application: application.trim(),
                label: label.trim(),
            })
        })
        .collect()
}

fn role(at: usize) -> &'static str {
    if at == 0 { "server" } else { "client" }
}

impl StoreTarget for Acsp {
    fn name(&self) -> &'static str {
        "acsp"
    }

    fn title(&self) -> &'static str {
        "Network HSM service (ACSP), TLS stores and key map"
    }

    fn conformance(&self) -> Conformance {
        Conformance::ToBeCompleted
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Pkcs12, Kind::Jks]
    }

    fn usual(&self, _: &Settings) -> Vec<Kind> {
        self.kinds().to_vec()
    }

    fn store_each(&self, _: &Settings) -> bool {
        true
    }

    fn alias(&self, key: &KeyRecord, _: &Settings, _: Place) -> String {
        key.label.to_ascii_lowercase()
    }

    fn check(&self, keys: &[&KeyRecord], settings: &Settings) -> Result<(), TargetError> {
        applications(settings)?;
        if keys.len() < 2 {
            return Err(rule(
                "a service has a pair for the server and one for each client",
                "choose the server's pair first, then those of the clients",
            ));
        }
        Ok(())
    }

    fn companions(&self, over: &HandOver<'_>) -> Result<Vec<Payload>, TargetError> {
        let settings = over.settings;
        let tls = over.keys.iter().enumerate().map(|(at, key)| Tls {
            role: role(at),
            alias: &key.alias,
            stores: key.stores.iter().map(|(_, file)| file.as_str()).collect(),
            certificates: key.certificates.iter().map(String::as_str).collect(),
            fingerprint: &key.key.kcv.value,
        });
        let listed = Listed {
            format: "conclave/service-map/1",
            endpoint: value(settings, "endpoint")?,
            port: value(settings, "port")?,
            transport: value(settings, "transport")?,
            tls: tls.collect(),
            applications: applications(settings)?,
            bundle: over.folder,
            mode: over.mode,
        };
        let json = serde_json::to_string_pretty(&listed)
            .map_err(|e| TargetError::Wrap(format!("the list cannot be written: {e}")))?;
        let lines: Vec<String> = json.lines().map(str::to_owned).collect();
        let mut file = text("service-map.json", "neutral list, JSON", &lines, None);
        file.conformance = Conformance::ToBeCompleted;
        Ok(vec![file])
    }

    fn steps(&self, over: &HandOver<'_>) -> Vec<String> {
        let mut steps = Vec::new();
        for (at, key) in over.keys.iter().enumerate() {
            let file = key.stores.first().map_or("", |(_, file)| file);
            steps.push(format!(
                "{file} is the TLS store of the {}{}.",
                role(at),
                if at == 0 { "" } else { ", one client each" }
            ));
        }
        steps.extend(
            [
                "Trust: each side takes the .crt files of the other into its trust store: keytool \
                 -importcert -alias NAME -file FILE.crt -keystore trust.jks.",
                "service-map.json says endpoint, transport, and which application uses which key \
                 label. The names of the service's own properties are not published: whoever runs \
                 it enters these values there.",
                "The keys behind the labels go to the service's own key store: as CCA tokens or \
                 KGUP for ICSF, or by the template for PKCS#11, each with its own hand-over.",
                "Try it with one application: the handshake shows the server's certificate; the \
                 check value of each label is the one of its own hand-over.",
            ]
            .map(str::to_owned),
        );
        steps
    }
}
