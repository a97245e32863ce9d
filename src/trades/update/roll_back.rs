//! Going back to the program before an update, while the repository's format
//! lets it.

use conclave_crypto::secret::Secret;
use conclave_evidence::GroupId;
use conclave_evidence::update::SignedUpdate;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::programs::ProgramsError;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::UpdateRecord;

/// Lets the former program stand again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollBack {
    /// The version that stands.
    pub from: String,
    /// The one before it.
    pub to: String,
}

impl Action for RollBack {
    const NAME: &'static str = "roll-back";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::Quorum(GroupId::Administrators)
    }

    fn words(&self) -> Vec<String> {
        vec![format!(
            "Go back from version {} to version {}",
            self.from, self.to
        )]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        let failed = |error: ProgramsError| ActionError::Device {
            what: error.to_string(),
            advice: "What stood before stands; nothing was switched.".into(),
        };
        let standing = ports.programs.standing().map_err(failed)?;
        if standing.current.as_deref() != Some(&self.from)
            || standing.former.as_deref() != Some(&self.to)
        {
            return Err(ActionError::rule(
                "other versions stand than those that were signed",
                "Begin again.",
            ));
        }
        // A program that came without a manifest is taken to know the first format alone.
        let knows = match ports.programs.manifest(&self.to).map_err(failed)? {
            None => 1,
            Some(bytes) => {
                SignedUpdate::from_file(&bytes)
                    .and_then(|signed| signed.verify())
                    .map_err(|error| ActionError::rule(error.to_string(), "Call the maker."))?
                    .format
            }
        };
        let format = permit.vault().format()?;
        if format > knows {
            return Err(ActionError::rule(
                format!(
                    "the repository is of format {format}, and version {} knows up to {knows}",
                    self.to
                ),
                "Restore the backup that was made before the update, with the former program.",
            ));
        }
        ports.programs.self_test(permit, &self.to).map_err(failed)?;
        ports.programs.switch(permit, &self.to).map_err(failed)?;
        let record = UpdateRecord {
            version: self.to.clone(),
            former: Some(self.from.clone()),
            digest: None,
            at_ms: permit.now_ms(),
        };
        permit.put(
            Compartment::Directory,
            UpdateRecord::KIND,
            UpdateRecord::ID,
            &record,
        )?;
        Ok(())
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec!["it stands from the next start on".into()]
    }
}
