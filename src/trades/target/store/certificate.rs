//! A CA's answer to a pair's request, from the import folder of a medium.

use conclave_crypto::primitive::rsa::Public;
use conclave_crypto::secret::Secret;
use conclave_crypto::x509::rsa_pair::{CHAIN_FILE_MOST, in_validity, read_chain};
use conclave_evidence::{Bytes, GroupId, Id};
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::super::export::KeyName;
use super::super::{IMPORT_FOLDER, rules};
use crate::media::import_file;

/// Reads the certificates of a pair: its own and those above it. That the
/// issuer is the right one is said by those who sign the export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadCertificate {
    /// The pair.
    pub key: KeyName,
    /// The medium's record.
    pub medium: Id,
    /// The file's name.
    pub file: String,
}

impl Action for ReadCertificate {
    const NAME: &'static str = "read-certificate";
    type Out = Vec<Bytes>;

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Session(GroupId::KeyManagers),
            Authority::Session(GroupId::Approvers),
        ])
    }

    fn words(&self) -> Vec<String> {
        vec![format!(
            "read the certificates of {} from {IMPORT_FOLDER}/{}",
            self.key.label, self.file
        )]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<Vec<Bytes>, ActionError> {
        let key: KeyRecord = permit.get(Compartment::Catalogue, self.key.id)?;
        rules::same(&self.key, &key)?;
        let public = key.rsa.as_ref().map(|facts| Public::read(&facts.spki.0));
        let Some(Ok(public)) = public else {
            return Err(ActionError::rule(
                format!("{} is no RSA key", key.label),
                "choose a pair",
            ));
        };
        let place = (self.medium, self.file.as_str());
        let bytes = import_file(permit, ports, place, CHAIN_FILE_MOST, "the file")?;
        let chain = read_chain(&bytes, &public).map_err(|e| {
            ActionError::rule(e.to_string(), "Ask the CA for the whole chain in PEM.")
        })?;
        in_validity(&chain, permit.now_ms() / 1000).map_err(|e| {
            ActionError::rule(
                e.to_string(),
                "Look at the station's clock, or ask the CA for certificates that hold now.",
            )
        })?;
        Ok(chain.into_iter().map(Bytes).collect())
    }

    fn outcome(&self, out: &Vec<Bytes>) -> Vec<String> {
        vec![format!("{} certificates of {}", out.len(), self.key.label)]
    }
}
