//! A file of cards is taken from a medium as it came: encrypted and signed.

use conclave_crypto::secret::Secret;
use conclave_evidence::{Bytes, Id};
use conclave_keyroom::domain::device::MediumRecord;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::media::MediaError;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::both_here;
use crate::media::{self, check_name};
use crate::pin::MOST_BYTES;
use crate::target::IMPORT_FOLDER;

/// Reads a file of cards from the folder [`IMPORT_FOLDER`] of a medium. What it
/// gives is the file as it came; who may open it, and whether it is taken, is
/// another act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadCardFile {
    /// The medium's record.
    pub medium: Id,
    /// The file's name.
    pub file: String,
}

fn failed(error: &MediaError) -> ActionError {
    ActionError::Device {
        what: format!("the file of cards was not read: {error}"),
        advice: format!("Look at the medium: the file lies in its folder {IMPORT_FOLDER}."),
    }
}

impl Action for ReadCardFile {
    const NAME: &'static str = "read-card-file";
    type Out = Bytes;

    fn authority(&self) -> Authority {
        Authority::All(both_here())
    }

    fn words(&self) -> Vec<String> {
        vec![format!(
            "read the file of cards {IMPORT_FOLDER}/{}",
            self.file
        )]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<Bytes, ActionError> {
        check_name(&self.file).map_err(|e| failed(&e))?;
        let medium: MediumRecord = permit.get(Compartment::Directory, self.medium)?;
        let found = media::single(ports.media, &medium.serial).map_err(|e| failed(&e))?;
        let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
        let file = ports
            .media
            .read_back(&*permit, &found.serial, IMPORT_FOLDER, &self.file, most)
            .map_err(|e| failed(&e))?;
        Ok(Bytes(file))
    }

    fn outcome(&self, out: &Bytes) -> Vec<String> {
        vec![format!("a file of {} bytes", out.0.len())]
    }
}
