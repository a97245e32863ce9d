//! A layout is taken back: a paper or a toner that can be read through after
//! all, a text that is wrong. Nothing is printed by it from then on, by batches
//! under way neither, until it is approved again.

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Hash};
use conclave_keyroom::domain::layout_approval::{LayoutApproval, LayoutSample};
use conclave_keyroom::domain::pin_key::Withdrawn;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::reason::check_reason;

/// Nothing is printed by a layout any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithdrawLayout {
    /// SHA-256 of its file.
    pub digest: Hash,
    /// Its name.
    pub name: String,
    /// Why, in one sentence.
    pub reason: String,
}

impl Action for WithdrawLayout {
    const NAME: &'static str = "withdraw-layout";
    // It takes away; a full disk must not keep a layout in use.
    const NEEDS_ROOM: bool = false;
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::Quorum(GroupId::Administrators)
    }

    fn words(&self) -> Vec<String> {
        vec![
            format!("Withdraw the layout {}", self.name),
            "nothing is printed by it until it is approved again".into(),
            format!("SHA-256 of its file {}", self.digest),
            format!("reason: {}", self.reason),
        ]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        check_reason(&self.reason)
            .map_err(|why| ActionError::rule(why, "Say in one sentence what is wrong with it."))?;
        let all = permit.list::<LayoutApproval>(Compartment::Directory, LayoutApproval::KIND)?;
        let found = all
            .into_iter()
            .find(|(_, one)| one.holds(&self.digest) && one.name == self.name);
        let Some((id, mut approval)) = found else {
            return Err(ActionError::rule(
                format!("no layout {} of this digest is approved here", self.name),
                "Choose an approved layout of the list.",
            ));
        };
        approval.withdrawn = Some(Withdrawn {
            at_ms: permit.now_ms(),
            reason: self.reason.clone(),
        });
        permit.put(Compartment::Directory, LayoutApproval::KIND, id, &approval)?;
        // Whoever approves it again looks at a new page.
        let samples = permit.list::<LayoutSample>(Compartment::Directory, LayoutSample::KIND)?;
        for (id, _) in samples.iter().filter(|(_, s)| s.digest == self.digest) {
            permit.delete(Compartment::Directory, *id);
        }
        Ok(())
    }

    fn outcome(&self, (): &()) -> Vec<String> {
        vec![format!("nothing is printed by {} any more", self.name)]
    }
}
