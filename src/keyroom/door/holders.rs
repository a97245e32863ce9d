//! Whose run a batch of PIN mailers is. Confirming, spoiling and printing belong to
//! the pair that opened the batch or took it over last: a change of operators is a
//! hand-over in the journal, not a matter of who sits there.

use conclave_evidence::{GroupId, Id};

use super::{Authority, Door, Refusal, Warrant};
use crate::domain::pin_batch::PinBatch;
use crate::vault::{Compartment, VaultError};

impl Door {
    /// The people of the PIN room who may stand behind an act with this authority;
    /// nothing where it asks for no run's holders, or the run is over.
    ///
    /// # Errors
    /// [`VaultError`]; a batch that is not on record is nobody's, and its act says so.
    pub fn holders(&self, needs: &Authority) -> Result<Option<Vec<Id>>, VaultError> {
        let run = needs.parts().into_iter().find_map(|part| match part {
            Authority::Holders(run) => Some(*run),
            _ => None,
        });
        let Some(run) = run else {
            return Ok(None);
        };
        let found = self
            .vault
            .get_kind::<PinBatch>(Compartment::Pins, PinBatch::KIND, run);
        match found {
            Ok(batch) => Ok(batch.run_holders().map(|signed| signed.people.clone())),
            Err(VaultError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whoever of the PIN room signed, or, where nobody signs, is logged on, holds the
    /// run.
    pub(super) fn by_its_holders(
        &self,
        needs: &Authority,
        warrant: &Warrant,
    ) -> Result<(), super::DoorError> {
        let Some(holders) = self.holders(needs)? else {
            return Ok(());
        };
        let here: Vec<Id> = match needs.needs_signatures() {
            true => {
                let signed = warrant.approvals.iter().map(|signed| &signed.approval);
                let of_room = signed.filter(|approval| approval.group.is_pin_room());
                of_room.map(|approval| approval.person).collect()
            }
            false => GroupId::PIN_ROOM
                .iter()
                .flat_map(|group| self.vault.people_of(*group).to_vec())
                .collect(),
        };
        match !here.is_empty() && here.iter().all(|person| holders.contains(person)) {
            true => Ok(()),
            false => Err(Refusal::NotHolder.into()),
        }
    }
}
