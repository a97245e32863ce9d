//! A file of cards is taken from a medium as it came: encrypted and signed.

use conclave_crypto::secret::Secret;
use conclave_evidence::{Bytes, Id};
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use serde::{Deserialize, Serialize};

use super::both_here;
use crate::media::import_file;
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
        let place = (self.medium, self.file.as_str());
        let file = import_file(permit, ports, place, MOST_BYTES, "the file of cards")?;
        Ok(Bytes(file))
    }

    fn outcome(&self, out: &Bytes) -> Vec<String> {
        vec![format!("a file of {} bytes", out.0.len())]
    }
}
