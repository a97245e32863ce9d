//! Recording a system that keys go to: what the customer fills in of its
//! profile. Administrators sign it; a later record of the same system takes
//! the place of the one before.

use conclave_crypto::secret::Secret;
use conclave_crypto::x509::cms::Recipient;
use conclave_evidence::{GroupId, Hash, Id};
use conclave_keyroom::domain::certificate::EnrolledCertificate;
use conclave_keyroom::domain::target_system::{FormerCertificate, Settings, TargetSystem};
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::partner_certificate::{certificate_words, enrolled, for_this, unfit};
use super::store::store_target;
use super::web_pin::{days, follows, shared};
use super::{rules, shipped, target};
use crate::ceremony::action::two_people;
use crate::ceremony::state::Player;

/// Records a system, or changes its record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordSystem {
    /// Random for a new one; the record's for a change.
    pub id: Id,
    /// Its name in this house.
    pub name: String,
    /// Profile and what was filled in.
    pub settings: Settings,
    /// Who typed the fingerprints of certificates that are new in it, each with an own
    /// card.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<Player>,
}

/// The digest of profile and values: what an export's approvers sign as well.
#[must_use]
pub fn settings_digest(settings: &Settings) -> Hash {
    conclave_evidence::cbor::digest("conclave/settings/1", settings).unwrap_or(Hash([0; 32]))
}

/// What a target says against the values of a record of its profile.
///
/// # Errors
/// [`ActionError::Rule`]
pub fn check_settings(settings: &Settings) -> Result<(), ActionError> {
    let kind = settings.profile.name.as_str();
    let checked = match (target(kind), store_target(kind)) {
        (Some(target), _) => target.check_settings(settings),
        (None, Some(target)) => target.check_settings(settings),
        (None, None) => return Ok(()),
    };
    checked.map_err(rules::refused)
}

/// The certificate of a system, as it goes on record: something can be encrypted to
/// it, and its fingerprint is the one that was typed from its owner's letter.
///
/// # Errors
/// [`ActionError::Rule`]
pub fn system_certificate(file: &[u8], typed: &Hash) -> Result<EnrolledCertificate, ActionError> {
    let read = Recipient::read(file).map_err(unfit)?;
    for_this(read.may_receive(), "encryption")?;
    let letter = "the letter of its owner";
    enrolled(read.facts(), read.certificate(), typed, letter)
}

/// Profile, values and digest of a record, as everyone who signs reads them: those
/// who record the system, and those who approve what leaves for it.
#[must_use]
pub(crate) fn says(settings: &Settings) -> Vec<String> {
    let mut words = Vec::new();
    for field in &settings.profile.fields {
        if let Some(value) = settings.values.get(&field.name) {
            words.push(format!("{}: {value}", field.title));
        }
        if let Some(one) = settings.certificates.get(&field.name) {
            let read = Recipient::read(&one.der.0).ok();
            let facts = read.as_ref().map(Recipient::facts);
            words.extend(certificate_words(&field.title, facts, &one.fingerprint));
        }
    }
    words.extend(shipped::differences(&settings.profile));
    words.push(format!("settings SHA-256 {}", settings_digest(settings)));
    words
}

impl RecordSystem {
    /// What stands in the way, among the systems on record and in the record itself.
    fn check(&self, known: &[(Id, TargetSystem)], now_ms: u64) -> Result<(), ActionError> {
        rules::recipient(&self.name)?;
        self.settings
            .check()
            .map_err(|why| ActionError::rule(why, "fill it in again"))?;
        let kind = self.settings.profile.name.as_str();
        if target(kind).is_none() && store_target(kind).is_none() {
            return Err(ActionError::rule(
                format!("there is no target {:?}", self.settings.profile.name),
                "choose a profile of the list",
            ));
        }
        check_settings(&self.settings)?;
        days(&self.settings, now_ms).map_err(|why| ActionError::rule(why, "fill it in again"))?;
        let mut before = None;
        for (_, known) in known {
            if known.id == self.id {
                if known.target() != self.settings.profile.name || known.name != self.name {
                    return Err(ActionError::rule(
                        format!("{} is on record as another system", known.name),
                        "record a new system under another name",
                    ));
                }
                follows(&known.settings, &self.settings).map_err(|why| {
                    ActionError::rule(
                        why,
                        "look at the record of the channel, and fill it in again",
                    )
                })?;
                before = Some(known);
                continue;
            }
            if let Some(what) = shared(&self.settings, &known.settings) {
                return Err(ActionError::rule(
                    format!("{} and {} would share {what}", self.name, known.name),
                    "a channel has a name and labels of its own: fill it in again",
                ));
            }
            if known.name.eq_ignore_ascii_case(&self.name) {
                return Err(ActionError::rule(
                    format!("there is a system called {} already", known.name),
                    "change its record, or choose another name",
                ));
            }
        }
        self.certificates(before)
    }

    /// A certificate that is new in the record was recognised by two, and is what the
    /// record says of it. One that was replaced does not come back.
    fn certificates(&self, before: Option<&TargetSystem>) -> Result<(), ActionError> {
        for (name, certificate) in &self.settings.certificates {
            if before.is_some_and(|b| b.settings.certificates.get(name) == Some(certificate)) {
                continue;
            }
            two_people(&self.by, "a certificate's fingerprint is read")?;
            let typed = &certificate.fingerprint;
            if system_certificate(&certificate.der.0, typed)? != *certificate {
                return Err(ActionError::rule(
                    "the record says otherwise of the certificate than its file",
                    "read the file again",
                ));
            }
            let mut former = before.into_iter().flat_map(|b| &b.former);
            if former.any(|f| f.certificate.fingerprint == *typed) {
                return Err(ActionError::rule(
                    format!(
                        "{} was replaced before: it does not come back",
                        certificate.subject
                    ),
                    "ask its owner for the new certificate",
                ));
            }
        }
        Ok(())
    }

    /// What the record had before, with what is replaced now.
    fn former(&self, before: Option<&TargetSystem>, now_ms: u64) -> Vec<FormerCertificate> {
        let Some(before) = before else {
            return Vec::new();
        };
        let mut former = before.former.clone();
        for (field, certificate) in &before.settings.certificates {
            if self.settings.certificates.get(field) != Some(certificate) {
                former.push(FormerCertificate {
                    field: field.clone(),
                    certificate: certificate.clone(),
                    until_ms: now_ms,
                });
            }
        }
        former
    }
}

impl Action for RecordSystem {
    const NAME: &'static str = "record-system";
    type Out = TargetSystem;

    fn authority(&self) -> Authority {
        Authority::Quorum(GroupId::Administrators)
    }

    fn words(&self) -> Vec<String> {
        let mut words = vec![format!(
            "record {} as a system of profile {}",
            self.name,
            self.settings.profile.stamp()
        )];
        for field in &self.settings.profile.fields {
            let left = !self.settings.values.contains_key(&field.name);
            if let Some(value) = self.settings.value(&field.name).filter(|_| left) {
                words.push(format!("{}: {value}, as the profile says", field.title));
            }
        }
        words.extend(says(&self.settings));
        if !self.by.is_empty() {
            let by: Vec<&str> = self.by.iter().map(|p| p.name.as_str()).collect();
            words.push(format!(
                "fingerprint typed from the letter of its owner by {}",
                by.join(" and ")
            ));
        }
        words.extend(
            self.settings
                .missing()
                .iter()
                .map(|title| format!("{title}: NOT FILLED IN")),
        );
        words
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let known = beforehand.list(Compartment::Directory, TargetSystem::KIND)?;
        self.check(&known, beforehand.now_ms())
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _secrets: Vec<Secret>,
        _ports: &mut Ports<'_>,
    ) -> Result<TargetSystem, ActionError> {
        let known: Vec<(Id, TargetSystem)> =
            permit.list(Compartment::Directory, TargetSystem::KIND)?;
        let before = known.iter().find(|(id, _)| *id == self.id);
        let now = permit.now_ms();
        let record = TargetSystem {
            id: self.id,
            name: self.name.clone(),
            settings: self.settings.clone(),
            recorded_ms: now,
            former: self.former(before.map(|(_, record)| record), now),
        };
        permit.put(Compartment::Directory, TargetSystem::KIND, self.id, &record)?;
        Ok(record)
    }

    fn outcome(&self, out: &TargetSystem) -> Vec<String> {
        vec![format!("{} is on record", out.name)]
    }
}
