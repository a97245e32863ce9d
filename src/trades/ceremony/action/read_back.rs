//! The whole key's check value, read back by two.

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use serde::{Deserialize, Serialize};

/// Records that the check value was typed back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadBack {
    /// Under this ceremony's mandate.
    pub ceremony: Id,
    /// The key.
    pub key: Id,
    /// Its label, for the words.
    pub label: String,
    /// What all typed.
    pub value: String,
    /// Who typed it, each with an own card: names.
    pub by: Vec<String>,
}

impl Action for ReadBack {
    const NAME: &'static str = "read-back";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Mandate(self.ceremony),
            Authority::Session(GroupId::KeyManagers),
        ])
    }

    fn words(&self) -> Vec<String> {
        vec![format!(
            "The check value of {} was read back as {} by {}",
            self.label,
            self.value,
            self.by.join(" and ")
        )]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let record = super::key_record(permit, self.key)?;
        if self.by.len() < 2 {
            return Err(ActionError::rule(
                "a check value is read back by two people",
                "A second person has to type it.",
            ));
        }
        if record.kcv.value != self.value {
            return Err(ActionError::rule(
                "what was read back is not the key's check value",
                "Read the value aloud once more and type it again.",
            ));
        }
        Ok(())
    }
}
