//! Filing a receipt: read from a medium, compared, signed for by the key
//! managers.

use conclave_crypto::secret::Secret;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};

use super::IMPORT_FOLDER;
use super::receipt::{RECEIPT_MAX, Receipt};
use super::register::{BundleRecord, BundleState, Received};
use crate::media::import_file;

/// Reads a receipt from the import folder of a medium.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadReceipt {
    /// The medium's record.
    pub medium: Id,
    /// The file's name.
    pub file: String,
}

impl Action for ReadReceipt {
    const NAME: &'static str = "read-receipt";
    type Out = Receipt;

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Session(GroupId::KeyManagers),
            Authority::Session(GroupId::Approvers),
        ])
    }

    fn words(&self) -> Vec<String> {
        vec![format!("read the receipt {IMPORT_FOLDER}/{}", self.file)]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<Receipt, ActionError> {
        let place = (self.medium, self.file.as_str());
        let file = import_file(permit, ports, place, RECEIPT_MAX, "the receipt")?;
        Receipt::parse(&file).map_err(|error| {
            ActionError::rule(
                format!("the file is no receipt: {error}"),
                "ask for the form that came with the bundle, filled in",
            )
        })
    }
}

/// Files a receipt. It closes the bundle's task where every key was seen as it
/// is; otherwise the task stays, and says what differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileReceipt {
    /// As it came back.
    pub receipt: Receipt,
}

impl Action for FileReceipt {
    const NAME: &'static str = "file-receipt";
    type Out = Received;

    fn authority(&self) -> Authority {
        // The register of bundles opens to both groups together.
        Authority::All(vec![
            Authority::Quorum(GroupId::KeyManagers),
            Authority::Session(GroupId::Approvers),
        ])
    }

    fn words(&self) -> Vec<String> {
        let receipt = &self.receipt;
        let mut words = vec![
            format!(
                "file the receipt of bundle {:04}, received by {}",
                receipt.bundle, receipt.received_by
            ),
            format!("of the manifest {}", receipt.manifest),
        ];
        words.extend(
            receipt
                .keys
                .iter()
                .map(|(label, value)| format!("{label}: they see {value}")),
        );
        words
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<Received, ActionError> {
        let id = BundleRecord::id_of(self.receipt.bundle);
        let mut bundle: BundleRecord = permit.get(Compartment::Export, id)?;
        let manifest = bundle
            .manifest
            .filter(|_| bundle.state == BundleState::Written);
        let Some(manifest) = manifest else {
            return Err(ActionError::rule(
                match bundle.state {
                    BundleState::Void => format!("bundle {:04} counts no more", bundle.number),
                    _ => format!("bundle {:04} was never finished", bundle.number),
                },
                "there can be no receipt of it: ask what they have loaded",
            ));
        };
        if !self.receipt.is_of(&manifest) {
            return Err(ActionError::rule(
                format!(
                    "the receipt is of another manifest than that of bundle {:04}",
                    bundle.number
                ),
                "ask which bundle they have loaded; load nothing of it before that is known",
            ));
        }
        let mut keys = Vec::with_capacity(bundle.keys.len());
        for key in &bundle.keys {
            let record: KeyRecord = permit.get(Compartment::Catalogue, *key)?;
            // A pair's check value is the beginning of its fingerprint: where they
            // send the whole of it, the whole is compared.
            let value = match &record.rsa {
                Some(rsa) => rsa.fingerprint.to_string().to_uppercase(),
                None => record.kcv.value,
            };
            keys.push((record.label, value));
        }
        let received = Received {
            by: self.receipt.received_by.clone(),
            at_ms: permit.now_ms(),
            differs: self.receipt.differences(&keys),
        };
        bundle.received = Some(received.clone());
        permit.put(Compartment::Export, BundleRecord::KIND, id, &bundle)?;
        Ok(received)
    }

    fn outcome(&self, out: &Received) -> Vec<String> {
        if out.differs.is_empty() {
            return vec!["every key was seen as it is".into()];
        }
        let mut words = vec!["NOT as it should be:".to_owned()];
        words.extend(out.differs.iter().cloned());
        words
    }
}
