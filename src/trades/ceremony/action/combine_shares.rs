//! A key from its shares, inside the vault only: a new one of this station, or
//! the proof that they make one that is there.

use conclave_crypto::primitive::kcv_fit::Claim;
use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::key::{KeyRecord, KeySource};
use conclave_keyroom::domain::known_value::known_value_words;
use conclave_keyroom::domain::part_set::{PartSet, SetState};
use conclave_keyroom::domain::template::KeyTemplate;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::provider::StoredKey;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::super::state::{KeyMade, KnownSet, Player};
use super::super::value_mark::take_value;
use super::accept::EnteredComponent;
use super::combine::{component, method};
use super::new_key::NewKey;

/// Puts the shares together that a ceremony accepted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CombineShares {
    /// Under this ceremony's mandate.
    pub ceremony: Id,
    /// The new key's id; of a key that is there, its own.
    pub key: Id,
    /// Its label.
    pub label: String,
    /// What kind of key.
    pub template: KeyTemplate,
    /// What they are shares of, in words.
    pub of: String,
    /// The set of a key that is there, which they prove; nothing for a key that
    /// is made of them.
    pub known: Option<KnownSet>,
    /// Their numbers.
    pub places: Vec<u8>,
    /// The key's check value, as all typed it: upper-case hex.
    pub value: String,
    /// How it was made: `ENC-ZERO` or `CMAC`.
    pub method: String,
    /// Who typed it, each with an own card.
    pub by: Vec<Player>,
    /// Why a value comes in that a key of the station has, where it is said (R20).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_value: Option<String>,
}

impl CombineShares {
    fn claim(&self) -> Result<Claim, ActionError> {
        method(self.template.form, &self.method)
            .and_then(|method| Claim::new(&self.value, method))
            .ok_or_else(|| {
                ActionError::rule(
                    "what was typed is no check value",
                    "Type it from the record of the key.",
                )
            })
    }

    /// The key is there: do they make it?
    fn prove(&self, permit: &mut Permit<'_>, known: &KnownSet) -> Result<KeyMade, ActionError> {
        let record = super::key_record(permit, known.key)?;
        let set = record.set(known.set).filter(|s| s.state == SetState::Kept);
        if set.and_then(|s| s.quorum).map(usize::from) != Some(self.places.len()) {
            return Err(ActionError::rule(
                format!(
                    "{} is not proven by {} shares",
                    self.label,
                    self.places.len()
                ),
                "Type as many as make the key.",
            ));
        }
        // What was typed is compared before anything is put together.
        if record.kcv.value != self.value || record.kcv.method != self.method {
            return Err(ActionError::rule(
                "what was typed is not the key's check value",
                "Type it from the record of the key.",
            ));
        }
        let stored: StoredKey = permit.get(Compartment::Keys, known.key)?;
        let (provider, mark, _) = permit.provider();
        if !provider.shares_make(&mark, (self.ceremony, &self.places), &stored)? {
            return Err(ActionError::rule(
                format!("the shares do not make {}", self.label),
                "Each is the one that was printed: call the approvers.",
            ));
        }
        Ok(KeyMade {
            id: record.id,
            kcv: record.kcv,
        })
    }

    fn entered(&self, permit: &Permit<'_>) -> Result<Vec<EnteredComponent>, ActionError> {
        let place = |index: &u8| {
            let id = EnteredComponent::id_of(self.ceremony, *index);
            permit.get(Compartment::Catalogue, id).map_err(|_| {
                ActionError::rule(
                    format!("share {index} was not typed yet"),
                    "Follow the script's order.",
                )
            })
        };
        self.places.iter().map(place).collect()
    }
}

impl Action for CombineShares {
    const NAME: &'static str = "combine-shares";
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
        let places: Vec<String> = self.places.iter().map(u8::to_string).collect();
        let places = places.join(", ");
        let mut words = vec![
            match self.known {
                Some(_) => format!("Prove {} by its shares {places}", self.label),
                None => format!(
                    "Make {} of the shares {places} of {}: {} ({})",
                    self.label,
                    self.of,
                    self.template.title,
                    self.template.stamp()
                ),
            },
            format!(
                "its check value was typed as {} ({}) by {}",
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
        let claim = self.claim()?;
        let entered = self.entered(permit)?;
        if let Some(known) = &self.known {
            return self.prove(permit, known);
        }
        super::known_value(self.known_value.as_deref())?;
        super::generate::check_new(permit, &self.label, &self.template)?;
        let form = self.template.form;
        let (provider, mark, random) = permit.provider();
        let identity = provider.identity();
        let made = provider.combine_shares(
            &mark,
            (self.ceremony, &self.places),
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
            source: KeySource::Shares(self.of.clone()),
            // Who typed which share is remembered as long as the key is.
            others: vec![PartSet {
                ceremony: self.ceremony,
                quorum: u8::try_from(self.places.len()).ok(),
                state: SetState::Kept,
                parts: entered.iter().map(component).collect(),
                since_ms: now,
                destroyed: Vec::new(),
            }],
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
        match self.known {
            Some(_) => vec![format!("the shares make the key, {}", out.kcv.words())],
            None => vec![format!("check value {}", out.kcv.words())],
        }
    }
}
