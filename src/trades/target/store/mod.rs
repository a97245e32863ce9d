//! Key stores under a passphrase, for systems that take no wrapped key: the
//! private key of a pair with its certificates, and data keys as Java keeps
//! them. Payment keys never leave so (R19).
//!
//! The passphrase is random, is printed in two halves for two custodians, and
//! is kept nowhere. No script that is made here carries it: it is asked for
//! where it is used.
//!
//! - `passphrase`: drawn, and put together of what two people type
//! - `contents`: what stands in the stores, and the proof that it does
//! - `export`: the action; `half`: the printing of one half
//! - `rules`: what may leave so
//! - `certificate`: a CA's answer, read from a medium
//! - `plain`, `kdb`, `racf`, `datapower`, `sklm`, `acsp`: who takes them, a file
//!   each

mod acsp;
mod bundle;
mod certificate;
mod contents;
mod datapower;
mod export;
mod half;
mod kdb;
mod passphrase;
mod plain;
mod racf;
mod rules;
mod sheet;
mod sklm;

use conclave_crypto::keystore::Kind;
use conclave_evidence::manifest::Encoding;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::domain::target_system::Settings;

use super::sheet_text::{filled, profile_text};
use super::{Conformance, Payload, TargetError};

pub use certificate::ReadCertificate;
pub use contents::{HANDED_KEYS_MOST, StoredItem};
pub use export::{ExportKeyStore, ExportedStore, StorePassphrase};
pub use half::PrintHalf;
pub use passphrase::whole_of;
pub(crate) use rules::is_data_usage;
pub use rules::strength;

/// Which key of which bundle.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The bundle's number.
    pub bundle: u64,
    /// The key's place in it, from 1 to [`HANDED_KEYS_MOST`].
    pub at: usize,
}

/// A key of a hand-over, and where it stands.
pub struct HandedKey<'a> {
    /// The key.
    pub key: &'a KeyRecord,
    /// Its name in the stores.
    pub alias: String,
    /// Each store that it is in: kind and file.
    pub stores: Vec<(Kind, String)>,
    /// Of a pair: the files with its certificate and those above it, PEM.
    pub certificates: Vec<String>,
    /// Of a pair: when its certificate ends, in seconds since 1970.
    pub until: Option<u64>,
}

/// What is handed over, as scripts and run sheets tell it.
pub struct HandOver<'a> {
    /// The bundle's folder.
    pub folder: &'a str,
    /// `TEST` or `PRODUCTION`.
    pub mode: &'a str,
    /// For whom.
    pub recipient: &'a str,
    /// Profile and what the customer filled in; empty where the target needs
    /// no record of the system.
    pub settings: &'a Settings,
    /// Who has the halves of the passphrase.
    pub holders: [&'a str; 2],
    /// The keys.
    pub keys: Vec<HandedKey<'a>>,
    /// Certificates and stores as they lie in the bundle: name and content.
    pub files: Vec<(String, Vec<u8>)>,
}

/// A system that takes key stores.
pub trait StoreTarget: Sync {
    /// Its name in actions and profiles: `racf`.
    fn name(&self) -> &'static str;

    /// For people.
    fn title(&self) -> &'static str;

    /// How sure it is that the target takes this.
    fn conformance(&self) -> Conformance;

    /// The stores that it takes, the usual ones first.
    fn kinds(&self) -> &'static [Kind];

    /// The stores that are made where nobody says otherwise.
    fn usual(&self, _settings: &Settings) -> Vec<Kind> {
        self.kinds().iter().take(1).copied().collect()
    }

    /// TRUE where each key wants a store of its own.
    fn store_each(&self, _settings: &Settings) -> bool {
        false
    }

    /// TRUE where it takes data keys as well as pairs.
    fn takes_secret_keys(&self) -> bool {
        false
    }

    /// TRUE where it cannot be written for without a record of the system.
    fn needs_system(&self) -> bool {
        true
    }

    /// The name of a key there.
    fn alias(&self, key: &KeyRecord, _settings: &Settings, _place: Place) -> String {
        key.label.clone()
    }

    /// The target's own rules, asked before any key is opened.
    ///
    /// # Errors
    /// [`TargetError::Rule`]
    fn check(&self, _keys: &[&KeyRecord], _settings: &Settings) -> Result<(), TargetError> {
        Ok(())
    }

    /// The target's own rules on what stands in the record of a system, asked where it
    /// is filled in and before anybody signs it. What is not filled in yet is nothing
    /// wrong.
    ///
    /// # Errors
    /// [`TargetError::Rule`]
    fn check_settings(&self, _settings: &Settings) -> Result<(), TargetError> {
        Ok(())
    }

    /// Scripts and lists for the whole set. None of them carries a passphrase.
    ///
    /// # Errors
    /// [`TargetError`]
    fn companions(&self, _over: &HandOver<'_>) -> Result<Vec<Payload>, TargetError> {
        Ok(Vec::new())
    }

    /// The steps at the target, a line each, for the run sheet; they are texts of its
    /// profile, where it has one.
    fn steps(&self, over: &HandOver<'_>) -> Vec<String>;
}

/// Every one of them.
pub const STORE_TARGETS: [&dyn StoreTarget; 6] = [
    &plain::Plain,
    &kdb::Kdb,
    &racf::Racf,
    &datapower::DataPower,
    &sklm::Sklm,
    &acsp::Acsp,
];

/// The one of this name.
#[must_use]
pub fn store_target(name: &str) -> Option<&'static dyn StoreTarget> {
    STORE_TARGETS
        .into_iter()
        .find(|target| target.name() == name)
}

/// A text file for the target.
fn text(name: &str, format: &str, lines: &[String], lrecl: Option<u32>) -> Payload {
    let mut body = lines.join("\n");
    body.push('\n');
    Payload {
        name: name.into(),
        bytes: body.into_bytes(),
        format: format.into(),
        encoding: Encoding::AsciiText,
        lrecl,
        conformance: Conformance::Documented,
    }
}

/// Steps of the target's profile, by the name of their text, with their places filled in.
fn steps(
    target: &dyn StoreTarget,
    over: &HandOver<'_>,
    text: &str,
    values: &[(&str, &str)],
) -> Vec<String> {
    profile_text(target.name(), over.settings, text)
        .iter()
        .map(|line| filled(line, values))
        .collect()
}

fn rule(rule: impl Into<String>, advice: &str) -> TargetError {
    TargetError::Rule {
        rule: rule.into(),
        advice: advice.into(),
    }
}

/// A field that the profile requires.
fn value<'a>(settings: &'a Settings, name: &str) -> Result<&'a str, TargetError> {
    settings.value(name).ok_or_else(|| {
        rule(
            format!("the record of the system lacks {name}"),
            "complete its record; the administrators of that system know it",
        )
    })
}

#[cfg(test)]
mod samples {
    use conclave_evidence::Id;
    use conclave_keyroom::domain::form::KeyForm;
    use conclave_keyroom::domain::key::{CheckValue, KeyRecord, KeySource, KeyState};

    /// A data key of two parts, by its label.
    pub(super) fn key(label: &str, kcv: CheckValue) -> KeyRecord {
        KeyRecord {
            id: Id([1; 16]),
            label: label.into(),
            form: KeyForm::Tdes2,
            usage: "D0".into(),
            mode_of_use: "B".into(),
            exportability: "E".into(),
            template: "data-tdes2 v1".into(),
            kcv,
            state: KeyState::Active,
            provider: "software".into(),
            ceremony: Id([2; 16]),
            created_ms: 0,
            expires_ms: u64::MAX,
            recipient_until_ms: None,
            wrapping: None,
            components: Vec::new(),
            source: KeySource::Here,
            rsa: None,
            successor: None,
            exports: Vec::new(),
            begun_under: std::collections::BTreeSet::new(),
            others: Vec::new(),
            reissued: None,
            compromise: None,
        }
    }
}
