//! What stands in the stores of a hand-over, and the proof that it does: each
//! store is read back with its passphrase, and each key compared.

use conclave_crypto::keystore::{self, Entry, Item, Kind, SecretAlgorithm, Store, StoreError};
use conclave_crypto::primitive::rsa::{self, Public};
use conclave_crypto::secret::{RandomSource, Secret};
use conclave_crypto::x509::rsa_pair::{self, PairRequest};
use conclave_evidence::authority::Mode;
use conclave_evidence::{Bytes, Hash};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::door::{ActionError, Permit};
use conclave_keyroom::provider::StoredKey;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::super::export::KeyName;
use super::super::{TargetError, has_check_value, rules};
use crate::ceremony::action::refuse_published;
use crate::print::day_words;

/// The most keys of one hand-over.
pub const HANDED_KEYS_MOST: usize = 64;

/// A key that is put into a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredItem {
    /// The key.
    pub key: KeyName,
    /// Of a pair: its certificates as a CA answered them, the pair's own first.
    /// None: the pair signs one itself.
    pub chain: Vec<Bytes>,
}

impl StoredItem {
    /// Whose certificates go with it, for signers: of the pair's own and of the
    /// one at the top, since who issued decides whom the other side trusts.
    pub(super) fn certificate_words(&self) -> Vec<String> {
        let own = self.chain.first().map(|der| ("its certificate", der));
        let top = self.chain.get(1..).and_then(<[Bytes]>::last);
        let top = top.map(|der| ("the top one", der));
        let mut words = Vec::new();
        for (which, der) in own.into_iter().chain(top) {
            let issuer = rsa_pair::issuer(&der.0);
            let until = rsa_pair::facts(&der.0).map(|(_, until)| day_words(until * 1000));
            let unread = || "cannot be read".to_owned();
            words.push(format!(
                "{which}: issued by {}, until {}",
                issuer.unwrap_or_else(unread),
                until.unwrap_or_else(unread)
            ));
            words.push(format!("SHA-256 {}", Hash(Sha256::digest(&der.0).into())));
        }
        words
    }
}

/// A key, opened for as long as its stores take.
pub(super) struct Opened {
    pub record: KeyRecord,
    pub alias: String,
    pub item: Item,
}

impl Opened {
    /// Certificates of a pair.
    pub(super) fn chain(&self) -> &[Vec<u8>] {
        match &self.item {
            Item::Private { chain, .. } => chain,
            _ => &[],
        }
    }

    fn entry(&self) -> Entry {
        let item = match &self.item {
            Item::Private { pkcs8, chain } => Item::Private {
                pkcs8: pkcs8.duplicate(),
                chain: chain.clone(),
            },
            Item::Secret { algorithm, key } => Item::Secret {
                algorithm: *algorithm,
                key: key.duplicate(),
            },
            Item::Trusted { certificate } => Item::Trusted {
                certificate: certificate.clone(),
            },
        };
        Entry {
            alias: self.alias.clone(),
            item,
        }
    }

    /// What was read back is this key.
    fn is(&self, found: &Item) -> bool {
        match (found, &self.record.rsa) {
            (Item::Private { pkcs8, chain }, Some(facts)) => {
                chain == self.chain()
                    && rsa::public_of(pkcs8)
                        .is_ok_and(|public| public.fingerprint() == facts.fingerprint.0)
            }
            (Item::Secret { algorithm, key }, None) => {
                let form = self.record.form;
                let own = key.part(0..form.bytes().min(key.len()));
                *algorithm == algorithm_of(&self.record)
                    && own.is_some_and(|own| has_check_value(form, &own, &self.record.kcv))
            }
            _ => false,
        }
    }
}

/// What Java calls such a key.
fn algorithm_of(key: &KeyRecord) -> SecretAlgorithm {
    match key.form {
        KeyForm::Tdes2 | KeyForm::Tdes3 => SecretAlgorithm::DesEde,
        KeyForm::HmacSha256 => SecretAlgorithm::HmacSha256,
        KeyForm::HmacSha384 => SecretAlgorithm::HmacSha384,
        KeyForm::HmacSha512 => SecretAlgorithm::HmacSha512,
        KeyForm::Aes128 | KeyForm::Aes192 | KeyForm::Aes256 | KeyForm::Rsa => SecretAlgorithm::Aes,
    }
}

fn unwritten(error: &StoreError) -> ActionError {
    ActionError::rule(error.to_string(), "nothing left the room")
}

/// Opens a key, and gives a pair its certificate.
pub(super) fn open(
    permit: &mut Permit<'_>,
    wanted: &StoredItem,
    alias: impl FnOnce(&KeyRecord) -> String,
) -> Result<Opened, ActionError> {
    let record: KeyRecord = permit.get(Compartment::Catalogue, wanted.key.id)?;
    let stored: StoredKey = permit.get(Compartment::Keys, wanted.key.id)?;
    if stored.key != record.id || stored.form != record.form {
        return Err(ActionError::rule(
            format!("the stored value of {} is another key's", record.label),
            "do not use this key before it is known why",
        ));
    }
    let chain = if record.form == KeyForm::Rsa {
        chain_of(permit, wanted, &record, &stored)?
    } else {
        Vec::new()
    };
    let mut clear = None;
    let (provider, mark, _) = permit.provider();
    provider.open(&mark, &[&stored], &mut |secrets| {
        if let [one] = secrets {
            clear = Some(one.duplicate());
        }
    })?;
    let wrong = || rules::refused(TargetError::CheckValue(record.label.clone()));
    let clear = clear.ok_or_else(wrong)?;
    let item = if record.form == KeyForm::Rsa {
        Item::Private {
            pkcs8: clear,
            chain,
        }
    } else {
        secret_item(permit.authority()?.mode, &record, clear)?
    };
    let alias = alias(&record);
    Ok(Opened {
        record,
        alias,
        item,
    })
}

/// A secret key that leaves: the one on record, and none that is published.
fn secret_item(mode: Mode, record: &KeyRecord, key: Secret) -> Result<Item, ActionError> {
    if !has_check_value(record.form, &key, &record.kcv) {
        let wrong = TargetError::CheckValue(record.label.clone());
        return Err(rules::refused(wrong));
    }
    refuse_published(mode, &record.label, &key)?;
    Ok(Item::Secret {
        algorithm: algorithm_of(record),
        key,
    })
}

/// The certificates that were read from a CA, still of this pair; or one that
/// the pair signs itself, as long as its cryptoperiod.
fn chain_of(
    permit: &mut Permit<'_>,
    wanted: &StoredItem,
    record: &KeyRecord,
    stored: &StoredKey,
) -> Result<Vec<Vec<u8>>, ActionError> {
    let broken =
        |what: String| ActionError::rule(what, "do not use this key before it is known why");
    let facts = record
        .rsa
        .as_ref()
        .ok_or_else(|| broken(format!("{} has no public half", record.label)))?;
    let public = Public::read(&facts.spki.0).map_err(|e| broken(e.to_string()))?;
    if !wanted.chain.is_empty() {
        return check_chain(wanted, &public, permit.now_ms());
    }
    let now = permit.now_ms() / 1000;
    let (provider, mark, random) = permit.provider();
    let mut serial = [0; 16];
    random
        .public(&mut serial)
        .map_err(|_| broken("the random source gave nothing".into()))?;
    let [first, ..] = &mut serial;
    *first = 0x40 | (*first & 0x3F);
    let request = PairRequest {
        subject: &record.label,
        serial: &serial,
        not_before: now,
        not_after: record.expires_ms / 1000,
    };
    let made = rsa_pair::self_signed(&public, &request, |message| {
        provider.sign_rsa(&mark, stored, message, random)
    });
    Ok(vec![made.map_err(|e| broken(e.to_string()))?])
}

/// The chain that was approved is the pair's.
pub(super) fn check_chain(
    wanted: &StoredItem,
    public: &Public,
    now_ms: u64,
) -> Result<Vec<Vec<u8>>, ActionError> {
    let misfit = |what: String| {
        ActionError::rule(
            format!("{}: {what}", wanted.key.label),
            "read the CA's answer again",
        )
    };
    let mut text = String::new();
    for der in &wanted.chain {
        let pem = rsa_pair::pem("CERTIFICATE", &der.0);
        text.push_str(&pem.ok_or_else(|| misfit("a certificate does not read".into()))?);
    }
    let chain = rsa_pair::read_chain(text.as_bytes(), public).map_err(|e| misfit(e.to_string()))?;
    rsa_pair::in_validity(&chain, now_ms / 1000).map_err(|e| misfit(e.to_string()))?;
    Ok(chain)
}

/// One store with these keys, read back.
pub(super) fn store(
    kind: Kind,
    keys: &[&Opened],
    passphrase: &Secret,
    now_ms: u64,
    random: &mut dyn RandomSource,
) -> Result<Vec<u8>, ActionError> {
    let entries: Vec<Entry> = keys.iter().map(|key| key.entry()).collect();
    let bytes =
        keystore::write(kind, &entries, passphrase, now_ms, random).map_err(|e| unwritten(&e))?;
    drop(entries);
    let back = Store::read(&bytes, passphrase).map_err(|e| unwritten(&e))?;
    for key in keys {
        let found = back
            .entry(&key.alias)
            .and_then(|entry| entry.open(passphrase).ok());
        if !found.is_some_and(|item| key.is(&item)) {
            let differs = TargetError::SelfCheck(key.record.label.clone());
            return Err(rules::refused(differs));
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use conclave_keyroom::domain::key::CheckValue;

    use super::super::samples;
    use super::*;

    #[test]
    fn a_published_key_leaves_from_a_test_station_alone() {
        let mut printed = *b"aaaaaaaapppppppp";
        let printed = Secret::take(&mut printed);
        let kcv = CheckValue {
            value: "6AE9AF".into(),
            method: "ENC-ZERO".into(),
        };
        let record = samples::key("LAKE.DATA.001", kcv);
        assert!(secret_item(Mode::Test, &record, printed.duplicate()).is_ok());
        let Err(ActionError::Rule { rule, .. }) = secret_item(Mode::Production, &record, printed)
        else {
            panic!("it leaves");
        };
        assert!(rule.contains("published test key"), "{rule}");
    }
}
