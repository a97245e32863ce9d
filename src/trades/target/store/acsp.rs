//! A network HSM service in the manner of ACSP: TLS stores for client and
//! server, which key each application uses, and a neutral list of it all. The
//! service's own properties are the customer's to complete.

use conclave_crypto::keystore::Kind;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::domain::target_system::Settings;
use serde::Serialize;

use super::{HandOver, Place, StoreTarget, rule, steps, text, value};
use crate::target::icsf::label_fault;
use crate::target::{Conformance, Payload, TargetError};

/// Such a service.
pub struct Acsp;

#[derive(Serialize)]
struct Listed<'a> {
    format: &'static str,
    endpoint: &'a str,
    port: &'a str,
    transport: &'a str,
    interface: &'a str,
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

/// What a field with a key label is called in the profile; its number stands behind it,
/// and behind the field with the application that uses the key.
const LABEL: &str = "label-";

/// The map of key labels to applications, each pair out of its two fields.
///
/// # Errors
/// [`TargetError::Rule`]: half a pair, a label twice, or one that the service's interface
/// does not allow.
fn applications(settings: &Settings) -> Result<Vec<Application<'_>>, TargetError> {
    if settings.value("applications").is_some() {
        return Err(rule(
            "the record of the system has the map of labels as one text",
            "change its record: each key label and its application have fields of their own now",
        ));
    }
    let mut map: Vec<Application<'_>> = Vec::new();
    for field in &settings.profile.fields {
        let Some(number) = field.name.strip_prefix(LABEL) else {
            continue;
        };
        let name = format!("application-{number}");
        let other = settings.profile.fields.iter().find(|f| f.name == name);
        let title = other.map_or(name.as_str(), |other| other.title.as_str());
        let (label, application) = match (settings.value(&field.name), settings.value(&name)) {
            (None, None) => continue,
            (Some(label), Some(application)) => (label, application),
            (Some(label), None) => {
                return Err(rule(
                    format!("{title} is empty, and {} is {label}", field.title),
                    "say which application uses the key, or empty both fields",
                ));
            }
            (None, Some(application)) => {
                return Err(rule(
                    format!("{} is empty, and {title} is {application}", field.title),
                    "say which key the application uses, or empty both fields",
                ));
            }
        };
        if map.iter().any(|one| one.label == label) {
            return Err(rule(
                format!("{}: {label} stands there twice", field.title),
                "a key label has one application: fill in another label, or empty both fields",
            ));
        }
        let cca = settings.value("interface") == Some("CCA");
        if let Some((why, _)) = label_fault(label).filter(|_| cca) {
            return Err(rule(
                format!("{}: {why}", field.title),
                "type the label as the key data set has it",
            ));
        }
        map.push(Application { application, label });
    }
    Ok(map)
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

    fn check_settings(&self, settings: &Settings) -> Result<(), TargetError> {
        applications(settings).map(|_| ())
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
            interface: value(settings, "interface")?,
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
        let mut all = Vec::new();
        for (at, key) in over.keys.iter().enumerate() {
            let file = key.stores.first().map_or("", |(_, file)| file);
            all.extend(steps(self, over, role(at), &[("file", file)]));
        }
        all.extend(steps(self, over, "steps", &[]));
        all
    }
}
