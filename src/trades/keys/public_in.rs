//! A partner's public key, from a file on an enrolled medium. What makes it the
//! partner's is the fingerprint that two typed from a letter.

use conclave_crypto::primitive::rsa::{FILE_MOST, Public};
use conclave_crypto::secret::Secret;
use conclave_evidence::{Bytes, GroupId, Hash, Id};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{KeyRecord, KeySource, KeyState, WrappingMethod};
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::{days, facts, fingerprint_hex, new_label, one_label, short, usage};
use crate::ceremony::action::two_people;
use crate::ceremony::state::Player;
use crate::media::import_file;
use crate::target::{IMPORT_FOLDER, rules};

/// Reads a file with a public key from the import folder of a medium.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadPublic {
    /// The medium's record.
    pub medium: Id,
    /// The file's name.
    pub file: String,
}

fn unfit(error: conclave_crypto::primitive::rsa::RsaError) -> ActionError {
    ActionError::rule(
        error.to_string(),
        "Ask the partner for another file, or another key.",
    )
}

impl Action for ReadPublic {
    const NAME: &'static str = "read-public";
    type Out = Bytes;

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Session(GroupId::KeyManagers),
            Authority::Session(GroupId::Approvers),
        ])
    }

    fn words(&self) -> Vec<String> {
        vec![format!("read the public key {IMPORT_FOLDER}/{}", self.file)]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<Bytes, ActionError> {
        let place = (self.medium, self.file.as_str());
        let file = import_file(permit, ports, place, FILE_MOST, "the key")?;
        let public = Public::read(&file).map_err(unfit)?;
        Ok(Bytes(public.spki().to_vec()))
    }

    fn outcome(&self, out: &Bytes) -> Vec<String> {
        vec![format!("a public key of {} bytes", out.0.len())]
    }
}

/// Takes a partner's public key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportPublic {
    /// The new key's id.
    pub key: Id,
    /// Its label, unique on the station.
    pub label: String,
    /// Whose key it is.
    pub partner: String,
    /// TR-31 usage: one of [`super::RSA_USAGES`].
    pub usage: String,
    /// Cryptoperiod.
    pub days: u32,
    /// SubjectPublicKeyInfo, DER.
    pub spki: Bytes,
    /// Its SHA-256, as two typed it from the partner's letter.
    pub fingerprint: Hash,
    /// Who typed it, each with an own card.
    pub by: Vec<Player>,
}

impl Action for ImportPublic {
    const NAME: &'static str = "import-public";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Quorum(GroupId::KeyManagers),
            Authority::Quorum(GroupId::Approvers),
        ])
    }

    fn words(&self) -> Vec<String> {
        let by: Vec<&str> = self.by.iter().map(|p| p.name.as_str()).collect();
        vec![
            format!(
                "Import the public RSA key {} of {}: usage {}, {} days",
                self.label, self.partner, self.usage, self.days
            ),
            format!("fingerprint SHA-256 {}", fingerprint_hex(&self.fingerprint)),
            format!("typed from the partner's letter by {}", by.join(" and ")),
        ]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        new_label(permit, &self.label)?;
        rules::recipient(&self.partner)?;
        two_people(&self.by, "a partner's fingerprint is read")?;
        let (_, mode) = usage(&self.usage)?;
        let public = Public::read(&self.spki.0).map_err(unfit)?;
        if public.fingerprint() != self.fingerprint.0 {
            return Err(ActionError::rule(
                "the file has another fingerprint than the partner's letter",
                "Ask the partner, by another way than the one the file came.",
            ));
        }
        let rsa = facts(&public, 1, None);
        one_label(permit, &rsa)?;
        let now = permit.now_ms();
        let record = KeyRecord {
            id: self.key,
            label: self.label.clone(),
            form: KeyForm::Rsa,
            usage: self.usage.clone(),
            mode_of_use: mode.into(),
            exportability: "N".into(),
            template: format!("RSA-{}", public.bits()),
            kcv: short(&rsa.fingerprint),
            state: KeyState::Active,
            provider: "public key; nothing of it is secret".into(),
            ceremony: self.key,
            created_ms: now,
            expires_ms: now + days(self.days)?,
            recipient_until_ms: None,
            // Keys go to a partner's key of this usage in one way alone.
            wrapping: (self.usage == "K3").then_some(WrappingMethod::RsaAes),
            components: Vec::new(),
            source: KeySource::Partner(self.partner.clone()),
            rsa: Some(rsa),
            successor: None,
            exports: Vec::new(),
            begun_under: std::collections::BTreeSet::new(),
            others: Vec::new(),
            reissued: None,
            compromise: None,
        };
        Ok(permit.put(Compartment::Catalogue, KeyRecord::KIND, self.key, &record)?)
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec!["the file has the fingerprint that was typed".into()]
    }
}
