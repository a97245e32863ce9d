//! Tape and disk: ISKLM, SKLM and GKLM. Pairs as PKCS#12 (3592, DS8000), data
//! keys for LTO as a JCEKS store of the older key manager, commands, request
//! bodies and the list of devices.

use conclave_crypto::keystore::Kind;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::domain::target_system::Settings;

use super::{HandOver, Place, StoreTarget, rule, steps, text, value};
use crate::target::{Conformance, Payload, TargetError};

/// IBM Security Key Lifecycle Manager and what came before and after it.
pub struct Sklm;

/// The script with certificates alone.
const CERTIFICATES: &str = "import-certificates.py";

/// What stands in a request body in place of the passphrase.
const SYMBOL: &str = "@STORE-PASSPHRASE@";

impl Sklm {
    /// `aaa000000000000000701`: three letters and eighteen hex digits, sixteen
    /// of the bundle's number and two of the place in it: no alias comes twice.
    fn lto_alias(settings: &Settings, place: Place) -> String {
        let prefix = settings.value("lto-prefix").unwrap_or("lto");
        format!("{prefix}{:016x}{:02x}", place.bundle, place.at)
    }

    /// How a script is run.
    fn head(script: &str) -> Vec<String> {
        vec![
            format!("# Run it with: wsadmin.sh -username USER -lang jython -f {script}"),
            "# (wsadmin asks for that user's password).".into(),
        ]
    }

    /// Certificates alone, for a key manager that writes what this one reads.
    fn certificates(over: &HandOver<'_>) -> Result<Vec<String>, TargetError> {
        let device = value(over.settings, "device-type")?;
        let folder = value(over.settings, "folder")?;
        let mut lines = Self::head(CERTIFICATES);
        lines
            .push("# On a partner's key manager, not where the pairs are: an alias that is".into());
        lines.push("# there already would take the certificate for a CA's answer.".into());
        for key in &over.keys {
            // Those above it are in the chain of the store.
            let Some(file) = key.certificates.first() else {
                continue;
            };
            lines.push(format!(
                "print AdminTask.tklmCertImport('[-fileName {folder}/{file} -alias {} -format \
                 base64 -keyStoreName defaultKeyStore -usage {device}]')",
                key.alias
            ));
        }
        Ok(lines)
    }

    fn commands(over: &HandOver<'_>, pairs: bool) -> Result<Vec<String>, TargetError> {
        let settings = over.settings;
        let device = value(settings, "device-type")?;
        let serial = value(settings, "device-serial")?;
        let mut lines = Self::head("load-keys.py");
        if pairs {
            lines.extend(
                [
                    "# The passphrase of the bundle is asked for, is not shown, and stands in no file.",
                    "import java.lang.System as System",
                    "def ask(words):",
                    "    return ''.join([str(c) for c in System.console().readPassword(words, [])])",
                    "word = ask('Half 1: ') + ask('Half 2: ')",
                ]
                .map(str::to_owned),
            );
            let folder = value(settings, "folder")?;
            for key in &over.keys {
                let Some((_, file)) = key.stores.first() else {
                    continue;
                };
                lines.push(format!(
                    "print AdminTask.tklmKeyImport('[-alias {0} -fileName {folder}/{file} \
                     -keyStoreName defaultKeyStore -usage {device} -type privatekey -password ' + \
                     word + ']')",
                    key.alias
                ));
            }
            lines.push("word = None".into());
            let aliases: Vec<&str> = over.keys.iter().map(|k| k.alias.as_str()).collect();
            let one = aliases.first().copied().unwrap_or_default();
            let two = aliases.get(1).copied().unwrap_or(one);
            lines.push(format!(
                "print AdminTask.tklmDeviceAdd('[-type {device} -serialNumber {serial} -attributes \
                 \"{{aliasOne {one}}} {{aliasTwo {two}}}\"]')"
            ));
        } else {
            let group = value(settings, "key-group")?;
            lines.push(format!(
                "print AdminTask.tklmGroupCreate('[-name {group} -type keygroup -usage {device}]')"
            ));
            for key in &over.keys {
                lines.push(format!(
                    "print AdminTask.tklmGroupEntryAdd('[-name {group} -type keygroup -entry \
                     \"{{type key}} {{alias {}}}\"]')",
                    key.alias
                ));
            }
            lines.push(format!(
                "print AdminTask.tklmDeviceAdd('[-type {device} -serialNumber {serial} -attributes \
                 \"{{symAlias {group}}}\"]')"
            ));
        }
        Ok(lines)
    }

    fn body(over: &HandOver<'_>) -> Result<Vec<String>, TargetError> {
        let folder = value(over.settings, "folder")?;
        let device = value(over.settings, "device-type")?;
        let mut lines = vec!["[".to_owned()];
        for (at, key) in over.keys.iter().enumerate() {
            let file = key.stores.first().map_or("", |(_, file)| file);
            let comma = if at + 1 < over.keys.len() { "," } else { "" };
            lines.push(format!(
                " {{\"type\": \"privatekey\", \"alias\": \"{}\", \"fileName\": \"{folder}/{file}\", \
                 \"usage\": \"{device}\", \"password\": \"{SYMBOL}\"}}{comma}",
                key.alias
            ));
        }
        lines.push("]".into());
        Ok(lines)
    }

    fn devices(over: &HandOver<'_>) -> Result<Vec<String>, TargetError> {
        let settings = over.settings;
        let (device, serial) = (
            value(settings, "device-type")?,
            value(settings, "device-serial")?,
        );
        let wwn = settings.value("device-wwn").unwrap_or_default();
        let mut lines = vec!["serial,wwn,type,alias".to_owned()];
        for key in &over.keys {
            lines.push(format!("{serial},{wwn},{device},{}", key.alias));
        }
        Ok(lines)
    }
}

impl StoreTarget for Sklm {
    fn name(&self) -> &'static str {
        "sklm"
    }

    fn title(&self) -> &'static str {
        "Tape and disk: ISKLM, SKLM, GKLM"
    }

    fn conformance(&self) -> Conformance {
        Conformance::Documented
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Pkcs12, Kind::Pkcs12Legacy, Kind::Jceks]
    }

    fn usual(&self, settings: &Settings) -> Vec<Kind> {
        vec![match settings.value("device-type") {
            Some("LTO") => Kind::Jceks,
            _ => Kind::Pkcs12,
        }]
    }

    fn store_each(&self, settings: &Settings) -> bool {
        settings.value("device-type") != Some("LTO")
    }

    fn takes_secret_keys(&self) -> bool {
        true
    }

    fn alias(&self, key: &KeyRecord, settings: &Settings, place: Place) -> String {
        if key.rsa.is_some() {
            key.label.to_ascii_lowercase()
        } else {
            Self::lto_alias(settings, place)
        }
    }

    fn check(&self, keys: &[&KeyRecord], settings: &Settings) -> Result<(), TargetError> {
        let pairs = keys.iter().filter(|key| key.rsa.is_some()).count();
        if pairs != 0 && pairs != keys.len() {
            return Err(rule(
                "pairs and data keys are for different drives",
                "hand them over apart",
            ));
        }
        let lto = value(settings, "device-type")? == "LTO";
        if lto
            && settings
                .value("lto-prefix")
                .is_some_and(|prefix| prefix.len() != 3)
        {
            return Err(rule(
                "an alias of LTO keys has three letters before its digits",
                "correct the prefix in the record of the system",
            ));
        }
        if lto == (pairs > 0) {
            return Err(rule(
                "LTO drives use data keys of AES; 3592, DS5000 and DS8000 use pairs",
                "choose other keys, or another record of the system",
            ));
        }
        for key in keys {
            let long = key.rsa.as_ref().is_some_and(|rsa| rsa.bits > 2048);
            if long && settings.value("long-keys") != Some("yes") {
                return Err(rule(
                    format!(
                        "{}: older key managers take certificates of 2048 bits at most",
                        key.label
                    ),
                    "use a pair of 2048 bits, or say in the record that longer ones are taken",
                ));
            }
            if lto && !key.form.is_aes() {
                return Err(rule(
                    format!("{}: LTO drives use AES", key.label),
                    "choose AES-256 keys",
                ));
            }
        }
        Ok(())
    }

    fn companions(&self, over: &HandOver<'_>) -> Result<Vec<Payload>, TargetError> {
        let pairs = over.keys.iter().any(|key| key.key.rsa.is_some());
        let commands = Self::commands(over, pairs)?;
        let mut files = vec![
            text("load-keys.py", "wsadmin script (Jython)", &commands, None),
            text(
                "devices.csv",
                "list of devices",
                &Self::devices(over)?,
                None,
            ),
        ];
        if pairs {
            files.push(text(
                CERTIFICATES,
                "wsadmin script (Jython), certificates alone",
                &Self::certificates(over)?,
                None,
            ));
            files.push(text(
                "rest-keys-import.json",
                "bodies for /SKLM/rest/v1/keys/import",
                &Self::body(over)?,
                None,
            ));
        }
        Ok(files)
    }

    fn steps(&self, over: &HandOver<'_>) -> Vec<String> {
        let folder = over.settings.value("folder").unwrap_or("its folder");
        let values = [
            ("folder", folder),
            ("symbol", SYMBOL),
            ("certificates", CERTIFICATES),
        ];
        let pairs = over.keys.iter().any(|key| key.key.rsa.is_some());
        let texts: &[&str] = match pairs {
            true => &["before", "pairs", "errors", "after"],
            false => &["before", "data-keys", "after"],
        };
        texts
            .iter()
            .flat_map(|text| steps(self, over, text, &values))
            .collect()
    }
}
