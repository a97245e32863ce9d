//! Making a partner's key of what its custodians typed, if it has the check
//! value that two people typed from the partner's letter.

use conclave_crypto::primitive::kcv::Method;
use conclave_crypto::primitive::kcv_fit::Claim;
use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{Component, ComponentState, KeyRecord, KeySource};
use conclave_keyroom::domain::known_value::known_value_words;
use conclave_keyroom::domain::template::KeyTemplate;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::provider::kind_of;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::super::state::{KeyMade, Player};
use super::super::value_mark::take_value;
use super::accept::EnteredComponent;
use super::new_key::NewKey;

/// Makes a key of the components that a ceremony accepted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CombineKey {
    /// Under this ceremony's mandate.
    pub ceremony: Id,
    /// The new key's id.
    pub key: Id,
    /// Its label, unique on the station.
    pub label: String,
    /// What kind of key.
    pub template: KeyTemplate,
    /// Whose key it is.
    pub partner: String,
    /// How many components it has.
    pub components: u8,
    /// The partner's check value: upper-case hex.
    pub value: String,
    /// How the partner made it: `ENC-ZERO`, `CMAC` or `SHA2VP1`.
    pub method: String,
    /// Who typed it, each with an own card.
    pub by: Vec<Player>,
    /// Why a value comes in that a key of the station has, where it is said (R20).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_value: Option<String>,
}

/// The method of this name for keys of this form.
#[must_use]
pub fn method(form: KeyForm, name: &str) -> Option<Method> {
    Method::named(kind_of(form), name)
}

impl CombineKey {
    fn claim(&self) -> Result<Claim, ActionError> {
        method(self.template.form, &self.method)
            .and_then(|method| Claim::new(&self.value, method))
            .ok_or_else(|| {
                ActionError::rule(
                    "what was typed is no check value",
                    "Type it from the partner's letter.",
                )
            })
    }

    fn entered(&self, permit: &Permit<'_>) -> Result<Vec<EnteredComponent>, ActionError> {
        (1..=self.components)
            .map(|index| {
                let id = EnteredComponent::id_of(self.ceremony, index);
                permit.get(Compartment::Catalogue, id).map_err(|_| {
                    ActionError::rule(
                        format!("component {index} was not typed yet"),
                        "Follow the script's order.",
                    )
                })
            })
            .collect()
    }
}

pub(super) fn component(entered: &EnteredComponent) -> Component {
    Component {
        index: entered.index,
        of: entered.of,
        kcv: entered.kcv.clone(),
        custodian: entered.custodian.id,
        custodian_name: entered.custodian.name.clone(),
        group: entered.custodian.group,
        state: ComponentState::Entered,
        envelope: None,
        witness: None,
        printed_ms: None,
        sealed_ms: None,
        gone_ms: None,
        commitment: Some(entered.commitment),
        opened: None,
        proven_ms: None,
        doubted_ms: None,
        quarantine: None,
        backup: entered.backup.clone(),
        former: Vec::new(),
    }
}

impl Action for CombineKey {
    const NAME: &'static str = "combine-key";
    type Out = KeyMade;

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Mandate(self.ceremony),
            Authority::Session(GroupId::KeyManagers),
            Authority::Session(GroupId::Approvers),
        ])
    }

    fn words(&self) -> Vec<String> {
        let by: Vec<&str> = self.by.iter().map(|p| p.name.as_str()).collect();
        let mut words = vec![
            format!(
                "Make {} of {} components of {}: {} ({})",
                self.label,
                self.components,
                self.partner,
                self.template.title,
                self.template.stamp()
            ),
            format!(
                "the partner's check value was typed as {} ({}) by {}",
                self.value,
                self.method,
                by.join(" and ")
            ),
        ];
        words.extend(self.known_value.as_deref().map(known_value_words));
        words
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<KeyMade, ActionError> {
        super::two_people(&self.by, "a partner's check value is typed")?;
        super::known_value(self.known_value.as_deref())?;
        super::generate::check_new(permit, &self.label, &self.template)?;
        let claim = self.claim()?;
        let entered = self.entered(permit)?;
        let form = self.template.form;
        let (provider, mark, random) = permit.provider();
        let identity = provider.identity();
        let made = provider.combine(
            &mark,
            (self.ceremony, self.components),
            (self.key, form),
            &claim,
            random,
        )?;
        super::not_published(permit, &self.label, &made.stored)?;
        let kcv = super::check_value(&made.kcv);
        let now = permit.now_ms();
        let new = NewKey {
            id: self.key,
            label: &self.label,
            template: &self.template,
            ceremony: self.ceremony,
            provider: &identity,
        };
        let record = KeyRecord {
            components: entered.iter().map(component).collect(),
            source: KeySource::Partner(self.partner.clone()),
            ..new.record(kcv.clone(), now)
        };
        take_value(permit, (&made.stored, &record), self.known_value.as_deref())?;
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
