//! Reading a bundle once more, past every cache, after people were asked to pull
//! its medium and put it back. That it was away is their word: nothing here sees it.

use conclave_crypto::secret::Secret;
use conclave_evidence::authority::{AuthorityChain, Mode};
use conclave_evidence::manifest::SignedManifest;
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::domain::device::MediumRecord;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::media::{Media, MediaError};
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::register::{BundleRecord, BundleState};
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

fn failed(cause: MediaError) -> ActionError {
    if matches!(
        cause,
        MediaError::Missing | MediaError::Several | MediaError::Wrong | MediaError::Plate
    ) {
        return ActionError::NoMedium {
            undone: "nothing was read again",
            cause,
            advice: "Plug the medium in that was written, and no other.".into(),
        };
    }
    ActionError::Device {
        what: cause.to_string(),
        advice: "Export again: the new bundle has a new number, and goes to another medium where \
                 this one gave back other bytes."
            .into(),
    }
}

/// Every file of the bundle on this medium, compared with the manifest that was signed.
/// How many files there are.
fn compare(
    permit: &Permit<'_>,
    media: &mut dyn Media,
    record: &BundleRecord,
    serial: &str,
) -> Result<Result<usize, MediaError>, ActionError> {
    const MANIFEST: &str = "manifest.cbor";
    let production = permit.authority()?.mode == Mode::Production;
    let chain = AuthorityChain::verify(permit.vault().authority_chain()?)
        .map_err(|why| ActionError::rule(why.to_string(), "Stop, and call the administrators."))?;
    let folder = media::bundle_folder(record.number, production);
    let differs = |name: &str| MediaError::ReadBack(name.to_owned());
    let mut compared = || {
        media::single_to_read(media, serial)?;
        let bytes = media.read_back(permit, serial, &folder, MANIFEST, MANIFEST_MOST)?;
        let signed = SignedManifest::from_file(&bytes).map_err(|_| differs(MANIFEST))?;
        if record.manifest != Some(signed.digest()) {
            return Err(differs(MANIFEST));
        }
        let manifest = signed.verify(&chain).map_err(|_| differs(MANIFEST))?;
        for file in &manifest.files {
            let back = media.read_back(permit, serial, &folder, &file.name, file.size)?;
            if <[u8; 32]>::from(Sha256::digest(&back)) != file.sha256.0 {
                return Err(differs(&file.name));
            }
        }
        Ok(manifest.files.len())
    };
    Ok(compared())
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
            .ok_or_else(|| failed(MediaError::Wrong))?;
        media::in_use(&medium, |place, id| permit.get(place, id))?;
        let cause = match compare(permit, ports.media, &record, &medium.serial)? {
            Ok(files) => return Ok(files),
            Err(cause) => cause,
        };
        // As where an export reads back: at once, whatever becomes of the act. Nobody is
        // asked for a receipt of what is not on the medium, and the next export goes to
        // another one.
        if matches!(cause, MediaError::ReadBack(_)) {
            let void = BundleRecord {
                state: BundleState::Void,
                ..record
            };
            permit.put(Compartment::Export, BundleRecord::KIND, void.id, &void)?;
            let words = format!("bundle {:04} does not count: {cause}", void.number);
            permit.commit_before_effect(vec![words])?;
            media::condemn_after(permit, ports.media, medium.id, &cause);
        }
        Err(failed(cause))
    }

    fn outcome(&self, files: &usize) -> Vec<String> {
        vec![format!("{files} files and the manifest are as written")]
    }
}
