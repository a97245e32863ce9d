//! Reading a bundle once more, past every cache, after people were asked to pull
//! its medium and put it back. That it was away is their word: nothing here sees it.

use conclave_crypto::secret::Secret;
use conclave_evidence::authority::AuthorityChain;
use conclave_evidence::manifest::SignedManifest;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::device::MediumRecord;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::media::MediaError;
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::register::BundleRecord;
use crate::media;

/// No manifest is larger, in bytes.
const MANIFEST_MOST: u64 = 4 * 1024 * 1024;

/// Reads every file of a bundle back and compares it with the signed
/// manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadBundle {
    /// Under this ceremony's mandate.
    pub ceremony: Id,
    /// The bundle's number.
    pub bundle: u64,
}

fn failed(error: &MediaError) -> ActionError {
    ActionError::Device {
        what: error.to_string(),
        advice: "Condemn this medium and export again to another one: the new bundle has a new \
                 number."
            .into(),
    }
}

fn differs(name: &str) -> ActionError {
    failed(&MediaError::ReadBack(name.to_owned()))
}

impl Action for ReadBundle {
    const NAME: &'static str = "read-bundle";
    type Out = usize;

    fn authority(&self) -> Authority {
        Authority::All(vec![
            Authority::Mandate(self.ceremony),
            Authority::Session(GroupId::KeyManagers),
            Authority::Session(GroupId::Approvers),
        ])
    }

    fn words(&self) -> Vec<String> {
        vec![format!(
            "read bundle {:04} again, every file past every cache",
            self.bundle
        )]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        ports: &mut Ports<'_>,
    ) -> Result<usize, ActionError> {
        let record: BundleRecord =
            permit.get(Compartment::Export, BundleRecord::id_of(self.bundle))?;
        let medium = permit
            .list::<MediumRecord>(Compartment::Directory, MediumRecord::KIND)?
            .into_iter()
            .map(|(_, medium)| medium)
            .find(|medium| medium.name == record.medium)
            .ok_or_else(|| failed(&MediaError::Wrong))?;
        let serial = medium.serial;
        media::single_to_read(ports.media, &serial).map_err(|e| failed(&e))?;
        let production = permit.authority()?.mode == conclave_evidence::authority::Mode::Production;
        let folder = media::bundle_folder(self.bundle, production);
        let bytes = ports
            .media
            .read_back(&*permit, &serial, &folder, "manifest.cbor", MANIFEST_MOST)
            .map_err(|e| failed(&e))?;
        let chain = AuthorityChain::verify(permit.vault().authority_chain()?)
            .map_err(|_| differs("manifest.cbor"))?;
        let signed = SignedManifest::from_file(&bytes).map_err(|_| differs("manifest.cbor"))?;
        if record.manifest != Some(signed.digest()) {
            return Err(differs("manifest.cbor"));
        }
        let manifest = signed
            .verify(&chain)
            .map_err(|_| differs("manifest.cbor"))?;
        for file in &manifest.files {
            let back = ports
                .media
                .read_back(&*permit, &serial, &folder, &file.name, file.size)
                .map_err(|e| failed(&e))?;
            if <[u8; 32]>::from(Sha256::digest(&back)) != file.sha256.0 {
                return Err(differs(&file.name));
            }
        }
        Ok(manifest.files.len())
    }

    fn outcome(&self, files: &usize) -> Vec<String> {
        vec![format!("{files} files and the manifest are as written")]
    }
}
