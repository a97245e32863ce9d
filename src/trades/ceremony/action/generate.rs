//! Making the key: in components that wait for their printer, or whole inside
//! the vault.

use conclave_crypto::primitive::kcv::Kcv;
use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::key::{Component, ComponentState, Holder, KeyRecord, KeyState};
use conclave_keyroom::domain::label::check_label;
use conclave_keyroom::domain::template::KeyTemplate;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::{Compartment, KeysOf};
use serde::{Deserialize, Serialize};

use super::super::state::KeyMade;
use super::super::value_mark::take_value;
use super::new_key::NewKey;

/// Who is to hold one component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The custodian.
    pub custodian: Id,
    /// Their name.
    pub name: String,
    /// Their group.
    pub group: GroupId,
    /// Who opens it in their place, of the same group (R16).
    #[serde(default)]
    pub backup: Option<Holder>,
}

/// Makes a key by its template.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GenerateKey {
    /// Under this ceremony's mandate.
    pub ceremony: Id,
    /// The new key's id.
    pub key: Id,
    /// Its label, unique on the station.
    pub label: String,
    /// What kind of key.
    pub template: KeyTemplate,
    /// Who holds which component, in order; empty for a key that is made
    /// whole.
    pub parts: Vec<Part>,
}

/// Label and template of a key that is about to be there.
///
/// # Errors
/// [`ActionError::Rule`]
pub fn check_new(
    permit: &Permit<'_>,
    label: &str,
    template: &KeyTemplate,
) -> Result<(), ActionError> {
    check_label(label).map_err(|e| ActionError::rule(e.to_string(), "Choose another label."))?;
    template
        .check()
        .map_err(|why| ActionError::rule(why, "Have the template corrected and reviewed."))?;
    let keys = permit.keys_of(KeysOf::Label(label))?;
    // A void key's label may be used again: its ceremony starts afresh.
    if keys.iter().any(|(_, k)| k.state != KeyState::Void) {
        return Err(ActionError::rule(
            format!("there is a key {label} already"),
            "A label is used once, but for that of a void key; count its last part up.",
        ));
    }
    Ok(())
}

/// Who is to hold the parts of a set: custodians, each one of them, with forms
/// and backups, and not of one manager so many as make the key.
///
/// # Errors
/// [`ActionError::Rule`]
pub(super) fn check_parts(
    permit: &Permit<'_>,
    parts: &[Part],
    quorum: Option<u8>,
) -> Result<(), ActionError> {
    for (at, part) in parts.iter().enumerate() {
        let twice = parts.iter().skip(at + 1);
        if twice.clone().any(|other| other.custodian == part.custodian) {
            return Err(ActionError::rule(
                format!("{} would hold two components of one key (R4)", part.name),
                "Give each component to another custodian.",
            ));
        }
        let fits = permit
            .authority()?
            .groups_of(part.custodian)
            .contains(&part.group);
        if !fits || !part.group.is_custodian() {
            return Err(ActionError::rule(
                format!("{} is no member of {}", part.name, part.group),
                "Only custodians receive components.",
            ));
        }
        super::form::outlasts(permit, (part.custodian, &part.name), part.group)?;
        if let Some(backup) = &part.backup {
            super::backup::check(permit, backup, part.group)?;
        }
    }
    let pairs = parts.iter().map(|p| (p.custodian, p.backup.as_ref()));
    super::backup::apart(&pairs.collect::<Vec<_>>())?;
    let custodians: Vec<Id> = parts.iter().map(|p| p.custodian).collect();
    super::managers::apart(permit, &custodians, quorum)
}

/// Parts that wait for their printer.
pub(super) fn waiting(parts: &[Part], checks: &[Kcv]) -> Vec<Component> {
    let of = u8::try_from(parts.len()).unwrap_or(u8::MAX);
    (1u8..)
        .zip(parts.iter().zip(checks))
        .map(|(index, (part, kcv))| Component {
            index,
            of,
            kcv: super::check_value(kcv),
            custodian: part.custodian,
            custodian_name: part.name.clone(),
            group: part.group,
            state: ComponentState::Waiting,
            envelope: None,
            witness: None,
            printed_ms: None,
            sealed_ms: None,
            gone_ms: None,
            commitment: None,
            opened: None,
            proven_ms: None,
            doubted_ms: None,
            quarantine: None,
            backup: part.backup.clone(),
            former: Vec::new(),
        })
        .collect()
}

impl GenerateKey {
    fn check(&self, permit: &Permit<'_>) -> Result<(), ActionError> {
        check_new(permit, &self.label, &self.template)?;
        if self.template.comes_from_outside() {
            return Err(ActionError::rule(
                format!(
                    "{} is a host's key: it is not made here",
                    self.template.title
                ),
                "Enter it from its components, or import its key block.",
            ));
        }
        let in_parts = !self.parts.is_empty();
        if in_parts != self.template.in_components
            || (in_parts && !(2..=9).contains(&self.parts.len()))
        {
            return Err(ActionError::rule(
                "the template and the number of components do not go together (R2)",
                "2 to 9 components for a key that is made in components, otherwise none.",
            ));
        }
        check_parts(permit, &self.parts, None)
    }
}

impl Action for GenerateKey {
    const NAME: &'static str = "generate-key";
    type Out = KeyMade;

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Mandate(self.ceremony),
            Authority::Session(GroupId::KeyManagers),
            Authority::Session(GroupId::Approvers),
        ])
    }

    fn words(&self) -> Vec<String> {
        let mut words = vec![format!(
            "Make the key {}: {} ({})",
            self.label,
            self.template.title,
            self.template.stamp()
        )];
        for (at, part) in self.parts.iter().enumerate() {
            words.push(format!(
                "component {} of {}: {}, {}",
                at + 1,
                self.parts.len(),
                part.name,
                super::backup::words(part.backup.as_ref())
            ));
        }
        words
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<KeyMade, ActionError> {
        self.check(permit)?;
        let form = self.template.form;
        let now = permit.now_ms();
        let (provider, mark, random) = permit.provider();
        let identity = provider.identity();
        let (made, checks) = if self.parts.is_empty() {
            let made = provider.generate(&mark, self.key, form, random)?;
            (made, Vec::new())
        } else {
            let count = u8::try_from(self.parts.len()).unwrap_or(u8::MAX);
            provider.generate_in_components(&mark, self.key, form, count, random)?
        };
        let kcv = super::check_value(&made.kcv);
        let new = NewKey {
            id: self.key,
            label: &self.label,
            template: &self.template,
            ceremony: self.ceremony,
            provider: &identity,
        };
        let record = KeyRecord {
            components: waiting(&self.parts, &checks),
            ..new.record(kcv.clone(), now)
        };
        // A value that is there already would be the random source's failure.
        take_value(permit, (&made.stored, &record), None)?;
        permit.put(
            Compartment::Keys,
            KeyRecord::VALUE_KIND,
            self.key,
            &made.stored,
        )?;
        super::put_key(permit, &record)?;
        Ok(KeyMade { id: self.key, kcv })
    }

    fn outcome(&self, out: &KeyMade) -> Vec<String> {
        vec![format!("check value {}", out.kcv.words())]
    }
}
