//! Reading a partner's key block from an enrolled medium.

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use serde::{Deserialize, Serialize};

use crate::media::{IMPORT_FOLDER, import_file};
/// The largest file that is looked at, in bytes: a block and a line end.
const MOST: usize = 10_001;

/// Reads one file of the medium's import folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadBlock {
    /// Under this ceremony's mandate.
    pub ceremony: Id,
    /// The medium's record.
    pub medium: Id,
    /// The file's name.
    pub file: String,
}

impl Action for ReadBlock {
    const NAME: &'static str = "read-block";
    type Out = String;

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Mandate(self.ceremony),
            Authority::Session(GroupId::KeyManagers),
            Authority::Session(GroupId::Approvers),
        ])
    }

    fn words(&self) -> Vec<String> {
        vec![format!("read the key block {IMPORT_FOLDER}/{}", self.file)]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<String, ActionError> {
        let place = (self.medium, self.file.as_str());
        let bytes = import_file(permit, ports, place, MOST, "the block")?;
        // A CCA token comes as it is, 64 bytes, and is no text by its first one.
        if bytes.len() == 64 && bytes.first() == Some(&0x02) {
            return Ok(bytes.iter().map(|byte| format!("{byte:02X}")).collect());
        }
        // A line end is what an editor adds; anything else is not a block.
        let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if text.is_empty() || !text.iter().all(|b| (0x20..0x7F).contains(b)) {
            return Err(ActionError::rule(
                "the file is no key block: it is not one line of plain characters",
                "Ask the partner for the block alone, in ASCII.",
            ));
        }
        Ok(text.iter().map(|b| char::from(*b)).collect())
    }
}
