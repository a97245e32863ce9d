//! IBM's CMS key database (`.kdb`), which is documented nowhere: a PKCS#12 for
//! each pair, and the script with which IBM's own program takes them in.

use conclave_crypto::keystore::Kind;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::domain::target_system::Settings;

use super::{HandOver, Place, StoreTarget, rule, steps, text, value};
use crate::target::{Conformance, Payload, TargetError};

/// IBM MQ, IBM HTTP Server, Db2 and whatever else keeps keys with GSKit.
pub struct Kdb;

/// The script's name.
const SCRIPT: &str = "load-kdb.sh";

/// The label in the database: the profile's, for the one key; or the key's own
/// in lower case, since GSKit compares so.
fn label(key: &KeyRecord, settings: &Settings) -> String {
    match settings.value("queue-manager") {
        Some(manager) => format!("ibmwebspheremq{}", manager.to_ascii_lowercase()),
        None => key.label.to_ascii_lowercase(),
    }
}

impl StoreTarget for Kdb {
    fn name(&self) -> &'static str {
        "kdb"
    }

    fn title(&self) -> &'static str {
        "CMS key database of IBM GSKit, by PKCS#12"
    }

    fn conformance(&self) -> Conformance {
        Conformance::Documented
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Pkcs12, Kind::Pkcs12Legacy]
    }

    fn store_each(&self, _: &Settings) -> bool {
        true
    }

    fn alias(&self, key: &KeyRecord, settings: &Settings, _: Place) -> String {
        label(key, settings)
    }

    fn check(&self, keys: &[&KeyRecord], settings: &Settings) -> Result<(), TargetError> {
        if settings.value("queue-manager").is_some() && keys.len() > 1 {
            return Err(rule(
                "a queue manager has one key: its label is made of the manager's name",
                "hand over one key at a time, or leave the queue manager out of the record",
            ));
        }
        Ok(())
    }

    fn companions(&self, over: &HandOver<'_>) -> Result<Vec<Payload>, TargetError> {
        let settings = over.settings;
        let program = value(settings, "program")?;
        let database = value(settings, "database")?;
        let mut lines: Vec<String> = [
            "#!/bin/sh",
            "# Takes the keys of this bundle into a CMS key database.",
            "# Asks for the passphrase of the bundle and for the database's own;",
            "# neither is shown or kept. While the program runs, both stand among its",
            "# arguments: nobody else is logged on to this system meanwhile.",
            "set -eu",
            "umask 077",
            "ask() {",
            "    printf '%s: ' \"$1\" >&2",
            "    stty -echo; read -r answer; stty echo; printf '\\n' >&2",
            "}",
            "trap 'stty echo' EXIT",
            "ask 'Half 1'; STORE=$answer",
            "ask 'Half 2'; STORE=$STORE$answer",
            "ask 'Password of the key database'; KDB=$answer",
        ]
        .map(str::to_owned)
        .to_vec();
        lines.push(format!("if [ ! -f {database} ]; then"));
        lines.push(format!(
            "    {program} -keydb -create -db {database} -pw \"$KDB\" -type cms -stash"
        ));
        lines.push("fi".into());
        let mut above: Vec<&str> = over
            .keys
            .iter()
            .flat_map(|key| key.certificates.iter().skip(1).map(String::as_str))
            .collect();
        above.sort_unstable();
        above.dedup();
        for file in above {
            let name = file.trim_end_matches(".crt").to_ascii_lowercase();
            lines.push(format!(
                "{program} -cert -add -db {database} -pw \"$KDB\" -label {name} -file {file} \
                 -format ascii"
            ));
        }
        for key in &over.keys {
            // The form for old readers, where it is the only one.
            let Some((_, file)) = key.stores.first() else {
                continue;
            };
            lines.push(format!(
                "{program} -cert -import -file {file} -pw \"$STORE\" -type pkcs12 -target \
                 {database} -target_pw \"$KDB\" -target_type cms -label {0} -new_label {0}",
                key.alias
            ));
            lines.push(format!(
                "{program} -cert -details -db {database} -pw \"$KDB\" -label {}",
                key.alias
            ));
        }
        Ok(vec![text(SCRIPT, "shell script for GSKit", &lines, None)])
    }

    fn steps(&self, over: &HandOver<'_>) -> Vec<String> {
        let database = over.settings.value("database").unwrap_or("the database");
        let manager = over.settings.value("queue-manager");
        let values = [
            ("database", database),
            ("script", SCRIPT),
            ("manager", manager.unwrap_or_default()),
        ];
        let mut texts = vec!["steps", "errors"];
        texts.extend(manager.map(|_| "queue-manager"));
        texts.push("after");
        texts
            .into_iter()
            .flat_map(|text| steps(self, over, text, &values))
            .collect()
    }
}
