//! The end of a sheet that is not wanted any more: its package's serial, typed
//! by all who destroyed it and saw it, who all sign (R15).

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::part_set::Destroyed;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use serde::{Deserialize, Serialize};

use super::super::state::Player;

/// Records that a sheet of a former or void set was destroyed: in the package that was
/// recorded, or, where that is in quarantine, in the one that was found (R12, R15).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DestroySheet {
    /// Under this ceremony's mandate.
    pub ceremony: Id,
    /// The key.
    pub key: Id,
    /// Its label, for the words.
    pub label: String,
    /// The ceremony of the sheet's set.
    pub set: Id,
    /// Which part of it, from 1.
    pub index: u8,
    /// The package's serial, as all typed it.
    pub serial: String,
    /// Who destroyed it and who saw it.
    pub by: Vec<Player>,
}

impl Action for DestroySheet {
    const NAME: &'static str = "destroy-sheet";
    /// What was recorded of a package that is another.
    type Out = Option<String>;

    fn authority(&self) -> Authority {
        let mut parts = vec![
            Authority::Mandate(self.ceremony),
            Authority::Session(GroupId::KeyManagers),
        ];
        parts.extend(self.by.iter().map(|p| Authority::Person(p.id, p.group)));
        Authority::All(parts)
    }

    fn words(&self) -> Vec<String> {
        let by: Vec<&str> = self.by.iter().map(|p| p.name.as_str()).collect();
        vec![
            format!(
                "The old sheet of part {} of {} is destroyed, in package {}",
                self.index, self.label, self.serial
            ),
            format!("destroyed and seen by {}", by.join(" and ")),
        ]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<Option<String>, ActionError> {
        let first = self.by.first().map(|p| p.id);
        if self.by.iter().all(|p| Some(p.id) == first) {
            return Err(ActionError::rule(
                "a sheet is destroyed before the eyes of a second person (R15)",
                "Somebody else has to watch and type the serial.",
            ));
        }
        let mut record = super::key_record(permit, self.key)?;
        if let Some(holder) = self.by.iter().find(|p| record.ever_held(p.id)) {
            return Err(ActionError::rule(
                format!(
                    "{} holds, or once held, a part of this key (R15)",
                    holder.name
                ),
                "Somebody who never held one destroys it, and somebody who never held one sees it.",
            ));
        }
        let now = permit.now_ms();
        let left = record
            .set(self.set)
            .and_then(|set| set.left().into_iter().find(|p| p.index == self.index))
            .ok_or_else(|| {
                ActionError::rule(
                    format!(
                        "part {} of that set is not waiting for its destruction",
                        self.index
                    ),
                    "Only sheets of a former or void set are destroyed, each once.",
                )
            })?;
        let another = left.package().filter(|serial| *serial != self.serial);
        let recorded = match (another, &left.quarantine) {
            (Some(_), None) => {
                return Err(ActionError::rule(
                    format!(
                        "the package of part {} has another serial than was recorded (R11)",
                        self.index
                    ),
                    "Put it into quarantine first: k, the key, w.",
                ));
            }
            (_, None) => None,
            (_, Some(found)) => Some(format!(
                "recorded was package {}; in quarantine: {}",
                left.envelope.as_deref().unwrap_or("of no serial"),
                found.found
            )),
        };
        if let Some(set) = record.set_mut(self.set) {
            set.destroyed.push(Destroyed {
                index: self.index,
                serial: self.serial.clone(),
                by: self.by.iter().map(|p| p.name.clone()).collect(),
                ceremony: self.ceremony,
                at_ms: now,
            });
        }
        super::put_key(permit, &record)?;
        Ok(recorded)
    }

    fn outcome(&self, recorded: &Option<String>) -> Vec<String> {
        recorded.iter().cloned().collect()
    }
}
