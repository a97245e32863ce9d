//! An RSA pair, made inside the vault. The private half has no way out, unless
//! both quorums said at its making that it may leave: in a key store, or in printed
//! components.

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Hash, Id};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{KeyRecord, KeySource, KeyState, RsaFacts};
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::{days, facts, fingerprint_hex, new_label, short, usage};
use crate::target::{KeyName, rules};

/// Makes a pair; in the place of another, which is deactivated by the same
/// commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenerateRsa {
    /// The new key's id.
    pub key: Id,
    /// Its label, unique on the station.
    pub label: String,
    /// 2048, 3072 or 4096.
    pub bits: u16,
    /// TR-31 usage: one of [`super::RSA_USAGES`].
    pub usage: String,
    /// Cryptoperiod.
    pub days: u32,
    /// The private half may leave in a key store under a passphrase. It cannot be
    /// said later.
    #[serde(default)]
    pub exportable: bool,
    /// The private half may leave in printed components, and then in no key store. It
    /// cannot be said later.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_components: bool,
    /// Whose place it takes.
    pub predecessor: Option<KeyName>,
}

impl Action for GenerateRsa {
    const NAME: &'static str = "generate-rsa";
    type Out = Hash;

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Quorum(GroupId::KeyManagers),
            Authority::Quorum(GroupId::Approvers),
        ])
    }

    fn words(&self) -> Vec<String> {
        let mut words = vec![format!(
            "Make the RSA key {}: {} bits, usage {}, {} days",
            self.label, self.bits, self.usage, self.days
        )];
        words.push(match (self.exportable, self.in_components) {
            (true, _) => "its private half MAY LEAVE in a key store".into(),
            (false, true) => "its private half MAY LEAVE in printed components".into(),
            (false, false) => "its private half never leaves".into(),
        });
        words.extend(self.predecessor.as_ref().map(|old| {
            format!(
                "in the place of {}, {}, which is deactivated",
                old.label, old.kcv
            )
        }));
        words
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        usage(&self.usage)?;
        days(self.days)?;
        if self.exportable && self.in_components {
            return Err(ActionError::rule(
                "a private half leaves in a key store or in printed components, not in both",
                "choose one of them",
            ));
        }
        let Some(old) = &self.predecessor else {
            return Ok(());
        };
        let record: KeyRecord = beforehand.get(Compartment::Catalogue, old.id)?;
        rules::same(old, &record)?;
        let own = record.rsa.is_some() && record.source == KeySource::Here;
        if !own || record.state != KeyState::Active || record.usage != self.usage {
            return Err(ActionError::rule(
                format!(
                    "{} is not an active RSA key of this station for {}",
                    record.label, self.usage
                ),
                "choose the key that is to be replaced",
            ));
        }
        Ok(())
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<Hash, ActionError> {
        new_label(permit, &self.label)?;
        let (mode, _) = usage(&self.usage)?;
        let now = permit.now_ms();
        let expires_ms = now + days(self.days)?;
        let mut generation = 1;
        if let Some(old) = &self.predecessor {
            let mut record: KeyRecord = permit.get(Compartment::Catalogue, old.id)?;
            generation = record.rsa.as_ref().map_or(1, |rsa| rsa.generation + 1);
            record.state = KeyState::Deactivated;
            record.successor = Some(self.key);
            permit.put(Compartment::Catalogue, KeyRecord::KIND, old.id, &record)?;
        }
        let (provider, mark, random) = permit.provider();
        let identity = provider.identity();
        let (stored, public) =
            provider.generate_rsa(&mark, self.key, usize::from(self.bits), random)?;
        let predecessor = self.predecessor.as_ref().map(|old| old.id);
        let rsa = RsaFacts {
            in_components: self.in_components,
            ..facts(&public, generation, predecessor)
        };
        let fingerprint = rsa.fingerprint;
        let record = KeyRecord {
            id: self.key,
            label: self.label.clone(),
            form: KeyForm::Rsa,
            usage: self.usage.clone(),
            mode_of_use: mode.into(),
            exportability: if self.exportable { "S" } else { "N" }.into(),
            template: format!("RSA-{}", self.bits),
            kcv: short(&fingerprint),
            state: KeyState::Active,
            provider: format!("{}: {}", identity.name, identity.class.words()),
            ceremony: self.key,
            created_ms: now,
            expires_ms,
            recipient_until_ms: None,
            wrapping: None,
            components: Vec::new(),
            source: KeySource::Here,
            rsa: Some(rsa),
            successor: None,
            exports: Vec::new(),
            begun_under: std::collections::BTreeSet::new(),
            others: Vec::new(),
            reissued: None,
            compromise: None,
        };
        permit.put(Compartment::Keys, KeyRecord::VALUE_KIND, self.key, &stored)?;
        permit.put(Compartment::Catalogue, KeyRecord::KIND, self.key, &record)?;
        Ok(fingerprint)
    }

    fn outcome(&self, out: &Hash) -> Vec<String> {
        vec![format!("fingerprint SHA-256 {}", fingerprint_hex(out))]
    }
}
