//! Recording a system that keys go to: what the customer fills in of its
//! profile. Administrators sign it; a later record of the same system takes
//! the place of the one before.

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Hash, Id};
use conclave_keyroom::domain::target_system::{Settings, TargetSystem};
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::store::store_target;
use super::web_pin::{days, follows, shared};
use super::{rules, shipped, target};

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
}

/// The digest of profile and values: what an export's approvers sign as well.
#[must_use]
pub fn settings_digest(settings: &Settings) -> Hash {
    conclave_evidence::cbor::digest("conclave/settings/1", settings).unwrap_or(Hash([0; 32]))
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
    }
    words.extend(shipped::differences(&settings.profile));
    words.push(format!("settings SHA-256 {}", settings_digest(settings)));
    words
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
        words.extend(
            self.settings
                .missing()
                .iter()
                .map(|title| format!("{title}: NOT FILLED IN")),
        );
        words
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _secrets: Vec<Secret>,
        _ports: &mut Ports<'_>,
    ) -> Result<TargetSystem, ActionError> {
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
        days(&self.settings).map_err(|why| ActionError::rule(why, "fill it in again"))?;
        for (_, known) in permit.list::<TargetSystem>(Compartment::Directory, TargetSystem::KIND)? {
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
        let record = TargetSystem {
            id: self.id,
            name: self.name.clone(),
            settings: self.settings.clone(),
            recorded_ms: permit.now_ms(),
        };
        permit.put(Compartment::Directory, TargetSystem::KIND, self.id, &record)?;
        Ok(record)
    }

    fn outcome(&self, out: &TargetSystem) -> Vec<String> {
        vec![format!("{} is on record", out.name)]
    }
}
