//! Importing from a partner's key store: what is in it, and one of its keys.

use conclave_crypto::keystore::{EntryKind, Item, STORE_MOST, SecretAlgorithm, Store, describe};
use conclave_crypto::secret::Secret;
use conclave_crypto::x509::rsa_pair;
use conclave_evidence::authority::Mode;
use conclave_evidence::{GroupId, Hash, Id};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{KeyRecord, KeySource, KeyState};
use conclave_keyroom::domain::known_value::known_value_words;
use conclave_keyroom::domain::template::KeyTemplate;
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::provider::StoredKey;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{days, facts, fingerprint_hex, new_label, one_label, short, usage};
use crate::ceremony::action::{NewKey, check_new, check_value, known_value, refuse_published};
use crate::ceremony::state::KeyMade;
use crate::ceremony::value_mark::take_value;
use crate::media::import_file;
use crate::target::store::{is_data_usage, whole_of};
use crate::target::{IMPORT_FOLDER, rules};

/// Reads a store from the import folder and lists what is in it. The two halves
/// of its passphrase come beside the action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadStore {
    /// The medium's record.
    pub medium: Id,
    /// The file's name.
    pub file: String,
}

/// An entry of a store that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundEntry {
    /// Its name.
    pub alias: String,
    /// `secret key, AES, 32 bytes`.
    pub what: String,
    /// What is unusual about the store.
    pub unusual: Vec<String>,
    /// SHA-256 of the file.
    pub store: Hash,
    /// A pair, and not a secret key.
    pub pair: bool,
}

const ASK: &str = "Compare the store and both halves of the passphrase with the partner.";

fn misfit(what: impl Into<String>) -> ActionError {
    ActionError::rule(what, ASK)
}

fn passphrase(secrets: Vec<Secret>) -> Result<Secret, ActionError> {
    match secrets.as_slice() {
        [first, second] => Ok(whole_of(first, second)),
        _ => Err(misfit("the passphrase was not typed in two halves")),
    }
}

fn opened(bytes: &[u8], word: &Secret) -> Result<Store, ActionError> {
    Store::read(bytes, word).map_err(|e| misfit(e.to_string()))
}

impl Action for ReadStore {
    const NAME: &'static str = "read-store";
    type Out = Vec<FoundEntry>;

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Session(GroupId::KeyManagers),
            Authority::Session(GroupId::Approvers),
        ])
    }

    fn words(&self) -> Vec<String> {
        vec![format!("read the key store {IMPORT_FOLDER}/{}", self.file)]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        secrets: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<Vec<FoundEntry>, ActionError> {
        let word = passphrase(secrets)?;
        let bytes = import_file(
            permit,
            ports,
            (self.medium, &self.file),
            STORE_MOST,
            "the file",
        )?;
        let store = opened(&bytes, &word)?;
        let unusual = describe(&bytes).map_or_else(Vec::new, |told| told.unusual);
        let digest = Hash(Sha256::digest(&bytes).into());
        Ok(store
            .entries
            .iter()
            .filter(|entry| entry.kind != EntryKind::Trusted && !entry.alias.is_empty())
            .map(|entry| FoundEntry {
                alias: entry.alias.clone(),
                what: match entry
                    .certificates
                    .first()
                    .and_then(|der| rsa_pair::facts(der))
                {
                    Some((subject, _)) => format!("{}, {subject}", entry.kind.words()),
                    None => entry.kind.words().into(),
                },
                unusual: unusual.clone(),
                store: digest,
                pair: entry.kind == EntryKind::Private,
            })
            .collect())
    }

    fn outcome(&self, out: &Vec<FoundEntry>) -> Vec<String> {
        vec![format!("{} keys are in it", out.len())]
    }
}

/// What a key of a store becomes here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Becomes {
    /// A symmetric key of a template.
    Key(Box<KeyTemplate>),
    /// A pair: usage, and cryptoperiod in days.
    Pair {
        /// TR-31 usage.
        usage: String,
        /// Cryptoperiod.
        days: u32,
    },
}

/// Takes one key of a partner's store. The two halves of its passphrase come
/// beside the action; the file is read again, and has to be the one that was
/// looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportStoreKey {
    /// The new key's id.
    pub key: Id,
    /// Its label.
    pub label: String,
    /// Whose it is.
    pub partner: String,
    /// The medium's record.
    pub medium: Id,
    /// The file's name.
    pub file: String,
    /// SHA-256 of the file.
    pub store: Hash,
    /// The entry.
    pub alias: String,
    /// What it becomes.
    pub becomes: Becomes,
    /// From the partner's letter: the check value (6 or 10 hex digits), or the
    /// first 16 digits of the fingerprint of a pair.
    pub check: String,
    /// Why a value comes in that a key of the station has, where it is said (R20).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_value: Option<String>,
}

/// Which template's algorithm a secret key is for.
fn fits(algorithm: SecretAlgorithm, form: KeyForm) -> bool {
    match algorithm {
        SecretAlgorithm::Aes => form.is_aes(),
        SecretAlgorithm::DesEde => form.is_tdes(),
        SecretAlgorithm::HmacSha256 => form == KeyForm::HmacSha256,
        SecretAlgorithm::HmacSha384 => form == KeyForm::HmacSha384,
        SecretAlgorithm::HmacSha512 => form == KeyForm::HmacSha512,
    }
}

/// The bytes of a secret key as the template has them. A double-length key
/// stands in Java's stores with its first part once more at the end.
fn cut(key: Secret, form: KeyForm) -> Result<Secret, ActionError> {
    let wrong = || misfit(format!("the key is not as long as {form}"));
    let len = form.bytes();
    if key.len() == len {
        return Ok(key);
    }
    let (first, third) = (key.part(0..8), key.part(16..24));
    match (form, first.zip(third)) {
        (KeyForm::Tdes2, Some((first, third))) if first.ct_eq(third.expose()) => {
            key.part(0..len).ok_or_else(wrong)
        }
        _ => Err(wrong()),
    }
}

/// The key as it is kept, if it may be.
fn fit_key(mode: Mode, label: &str, key: Secret, form: KeyForm) -> Result<Secret, ActionError> {
    let clear = cut(key, form)?;
    refuse_published(mode, label, &clear)?;
    Ok(clear)
}

impl ImportStoreKey {
    fn in_clear(&self) -> Result<(), ActionError> {
        rules::recipient(&self.partner)?;
        known_value(self.known_value.as_deref())?;
        let digits = self.check.len();
        let wanted = match &self.becomes {
            Becomes::Key(template) => {
                if !is_data_usage(&template.usage) {
                    return Err(misfit(format!(
                        "{}: payment keys and wrapping keys come under a wrapping key alone (R19)",
                        template.stamp()
                    )));
                }
                (6..=10).contains(&digits)
            }
            Becomes::Pair { .. } => digits == 16,
        };
        let hex = |b: u8| b.is_ascii_digit() || (b'A'..=b'F').contains(&b);
        if wanted && self.check.bytes().all(hex) {
            return Ok(());
        }
        Err(misfit(
            "the check value has 6 to 10 hex digits, that of a pair 16 of its fingerprint",
        ))
    }

    fn item(
        &self,
        permit: &Permit<'_>,
        secrets: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<(Item, &'static str), ActionError> {
        let word = passphrase(secrets)?;
        let bytes = import_file(
            permit,
            ports,
            (self.medium, &self.file),
            STORE_MOST,
            "the file",
        )?;
        if Sha256::digest(&bytes).as_slice() != self.store.0 {
            return Err(misfit("the file is not the one that was looked at"));
        }
        let store = opened(&bytes, &word)?;
        let entry = store
            .entry(&self.alias)
            .ok_or_else(|| misfit(format!("there is no single entry {:?}", self.alias)))?;
        let item = entry.open(&word).map_err(|e| misfit(e.to_string()))?;
        Ok((item, store.format))
    }

    fn source(&self, format: &str) -> KeySource {
        KeySource::Store {
            partner: self.partner.clone(),
            format: format.into(),
        }
    }

    fn take_key(
        &self,
        permit: &mut Permit<'_>,
        template: &KeyTemplate,
        (algorithm, key, format): (SecretAlgorithm, Secret, &str),
    ) -> Result<KeyMade, ActionError> {
        check_new(permit, &self.label, template)?;
        if !fits(algorithm, template.form) {
            return Err(misfit(format!(
                "the entry is a key for {}, the template says {}",
                algorithm.name(),
                template.form
            )));
        }
        let mode = permit.authority()?.mode;
        let clear = fit_key(mode, &self.label, key, template.form)?;
        let (provider, mark, random) = permit.provider();
        let identity = provider.identity();
        let made = provider.store_imported(&mark, self.key, template.form, clear, random)?;
        let kcv = check_value(&made.kcv);
        if !kcv.value.starts_with(&self.check) {
            return Err(misfit(
                "the key has another check value than the partner's letter",
            ));
        }
        let now = permit.now_ms();
        let new = NewKey {
            id: self.key,
            label: &self.label,
            template,
            ceremony: self.key,
            provider: &identity,
        };
        let record = KeyRecord {
            state: KeyState::Active,
            source: self.source(format),
            ..new.record(kcv.clone(), now)
        };
        take_value(permit, (&made.stored, &record), self.known_value.as_deref())?;
        self.put(permit, &made.stored, &record)?;
        Ok(KeyMade { id: self.key, kcv })
    }

    fn take_pair(
        &self,
        permit: &mut Permit<'_>,
        (usage_name, cryptoperiod): (&str, u32),
        (pkcs8, format): (Secret, &str),
    ) -> Result<KeyMade, ActionError> {
        new_label(permit, &self.label)?;
        let (mode, _) = usage(usage_name)?;
        let now = permit.now_ms();
        let expires_ms = now + days(cryptoperiod)?;
        let (provider, mark, random) = permit.provider();
        let identity = provider.identity();
        let (stored, public) = provider
            .import_rsa(&mark, self.key, pkcs8, random)
            .map_err(|_| misfit("the private key is no RSA key of 2048, 3072 or 4096 bits"))?;
        let rsa = facts(&public, 1, None);
        if self.known_value.is_none() {
            one_label(permit, &rsa)?;
        }
        if !fingerprint_hex(&rsa.fingerprint).starts_with(&self.check) {
            return Err(misfit(
                "the pair has another fingerprint than the partner's letter",
            ));
        }
        let kcv = short(&rsa.fingerprint);
        let record = KeyRecord {
            id: self.key,
            label: self.label.clone(),
            form: KeyForm::Rsa,
            usage: usage_name.into(),
            mode_of_use: mode.into(),
            exportability: "N".into(),
            template: format!("RSA-{}", public.bits()),
            kcv: kcv.clone(),
            state: KeyState::Active,
            provider: format!("{}: {}", identity.name, identity.class.words()),
            ceremony: self.key,
            created_ms: now,
            expires_ms,
            recipient_until_ms: None,
            wrapping: None,
            components: Vec::new(),
            source: self.source(format),
            rsa: Some(rsa),
            successor: None,
            exports: Vec::new(),
            begun_under: std::collections::BTreeSet::new(),
            others: Vec::new(),
            reissued: None,
            compromise: None,
        };
        self.put(permit, &stored, &record)?;
        Ok(KeyMade { id: self.key, kcv })
    }

    fn put(
        &self,
        permit: &mut Permit<'_>,
        stored: &StoredKey,
        record: &KeyRecord,
    ) -> Result<(), ActionError> {
        permit.put(Compartment::Keys, KeyRecord::VALUE_KIND, self.key, stored)?;
        permit.put(Compartment::Catalogue, KeyRecord::KIND, self.key, record)?;
        Ok(())
    }
}

impl Action for ImportStoreKey {
    const NAME: &'static str = "import-store-key";
    type Out = KeyMade;

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Quorum(GroupId::KeyManagers),
            Authority::Quorum(GroupId::Approvers),
        ])
    }

    fn words(&self) -> Vec<String> {
        let becomes = match &self.becomes {
            Becomes::Key(template) => format!("{} ({})", template.title, template.stamp()),
            Becomes::Pair { usage, days } => format!("an RSA pair, usage {usage}, {days} days"),
        };
        let mut words = vec![
            format!(
                "Import {} of {} from a key store: {becomes}",
                self.label, self.partner
            ),
            format!("entry {} of {IMPORT_FOLDER}/{}", self.alias, self.file),
            format!("file SHA-256 {}", self.store),
            format!("check value of the partner's letter {}", self.check),
        ];
        words.extend(self.known_value.as_deref().map(known_value_words));
        words
    }

    fn before(&self, _: &mut Beforehand<'_>) -> Result<(), ActionError> {
        self.in_clear()
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        secrets: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<KeyMade, ActionError> {
        let (item, format) = self.item(permit, secrets, ports)?;
        match (item, &self.becomes) {
            (Item::Secret { algorithm, key }, Becomes::Key(template)) => {
                self.take_key(permit, template, (algorithm, key, format))
            }
            (Item::Private { pkcs8, .. }, Becomes::Pair { usage, days }) => {
                self.take_pair(permit, (usage, *days), (pkcs8, format))
            }
            _ => Err(misfit("the entry is of another kind than was approved")),
        }
    }

    fn outcome(&self, out: &KeyMade) -> Vec<String> {
        vec![format!("check value {}", out.kcv.words())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_key_comes_in_on_a_test_station_alone() {
        // A test LMK of the manuals, as Java has a double-length key.
        let mut printed = *b"aaaaaaaappppppppaaaaaaaa";
        let printed = Secret::take(&mut printed);
        let taken = |mode| fit_key(mode, "LAKE.DATA.001", printed.duplicate(), KeyForm::Tdes2);
        assert_eq!(taken(Mode::Test).map(|key| key.len()).ok(), Some(16));
        let Err(ActionError::Rule { rule, .. }) = taken(Mode::Production) else {
            panic!("taken");
        };
        assert!(rule.contains("published test key"), "{rule}");
    }
}
