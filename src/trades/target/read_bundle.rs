//! Reading a bundle once more, past every cache, after people were asked to pull
//! its medium and put it back. That it was away is their word: nothing here sees it.

use conclave_crypto::secret::Secret;
use conclave_evidence::authority::{AuthorityChain, Mode};
use conclave_evidence::manifest::{AUTHORITY_FILE, MANIFEST_FILE, SignedManifest, TEXT_FILE};
use conclave_evidence::{GroupId, Id, manifest_text, read_authority_file};
use conclave_keyroom::domain::device::MediumRecord;
use conclave_keyroom::domain::second_reading::SecondReading;
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::media::{Media, MediaError};
use conclave_keyroom::vault::Compartment;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::register::{BundleRecord, BundleState};
use super::void_bundle::void;
use crate::media;

/// No manifest is larger, in bytes.
const MANIFEST_MOST: u64 = 4 * 1024 * 1024;

/// Reads every file of a bundle back and compares it with the signed
/// manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadBundle {
    /// Under this ceremony's mandate; none where it left by a hand-over.
    pub ceremony: Option<Id>,
    /// The bundle's number.
    pub bundle: u64,
}

/// The medium is not there, alone and as it was: it is asked for again.
fn comes_again(cause: &MediaError) -> bool {
    matches!(
        cause,
        MediaError::Missing | MediaError::Several | MediaError::Wrong | MediaError::Plate
    )
}

impl ReadBundle {
    fn failed(&self, cause: MediaError) -> ActionError {
        if comes_again(&cause) {
            return ActionError::NoMedium {
                undone: "nothing was read again",
                cause,
                advice: "Plug the medium in that was written, and no other.".into(),
            };
        }
        let advice = match (self.ceremony, &cause) {
            // A ceremony goes back to its export; a hand-over asks for the medium again.
            (None, cause) if !matches!(cause, MediaError::ReadBack(_)) => {
                "Put the medium of this bundle in, alone, and have it read again."
            }
            _ => {
                "Export again: the new bundle has a new number, and goes to another medium where \
                 this one gave back other bytes."
            }
        };
        ActionError::Device {
            what: cause.to_string(),
            advice: advice.into(),
        }
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
    let production = permit.authority()?.mode == Mode::Production;
    let on_record = permit.vault().authority_chain()?;
    let chain = AuthorityChain::verify(on_record)
        .map_err(|why| ActionError::rule(why.to_string(), "Stop, and call the administrators."))?;
    let folder = media::bundle_folder(record.number, production);
    let differs = |name: &str| MediaError::ReadBack(name.to_owned());
    let mut compared = || {
        media::single_to_read(media, serial)?;
        let bytes = media.read_back(permit, serial, &folder, MANIFEST_FILE, MANIFEST_MOST)?;
        let signed = SignedManifest::from_file(&bytes).map_err(|_| differs(MANIFEST_FILE))?;
        if record.manifest != Some(signed.digest()) {
            return Err(differs(MANIFEST_FILE));
        }
        let manifest = signed.verify(&chain).map_err(|_| differs(MANIFEST_FILE))?;
        for file in &manifest.files {
            let back = media.read_back(permit, serial, &folder, &file.name, file.size)?;
            if <[u8; 32]>::from(Sha256::digest(&back)) != file.sha256.0 {
                return Err(differs(&file.name));
            }
        }
        // What the manifest does not name is made of it, and of the station's records.
        let text = media.read_back(permit, serial, &folder, TEXT_FILE, MANIFEST_MOST)?;
        if text != manifest_text(&manifest, &signed.digest()).into_bytes() {
            return Err(differs(TEXT_FILE));
        }
        let bytes = media.read_back(permit, serial, &folder, AUTHORITY_FILE, MANIFEST_MOST)?;
        let records = read_authority_file(&bytes).map_err(|_| differs(AUTHORITY_FILE))?;
        if records.is_empty() || !on_record.starts_with(&records) {
            return Err(differs(AUTHORITY_FILE));
        }
        Ok(manifest.files.len() + 2)
    };
    Ok(compared())
}

impl Action for ReadBundle {
    const NAME: &'static str = "read-bundle";
    type Out = usize;

    fn authority(&self) -> Authority {
        let mandate = self.ceremony.map(Authority::Mandate);
        let both = [GroupId::KeyManagers, GroupId::Approvers].map(Authority::Session);
        Authority::All(mandate.into_iter().chain(both).collect())
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
        // What never was whole, or counts no more, says nothing of its medium.
        if record.state != BundleState::Written {
            return Err(ActionError::rule(
                format!(
                    "bundle {:04} was not written, or counts no more",
                    self.bundle
                ),
                "Export again: the new bundle has a new number.",
            ));
        }
        let medium = permit
            .list::<MediumRecord>(Compartment::Directory, MediumRecord::KIND)?
            .into_iter()
            .map(|(_, medium)| medium)
            .find(|medium| medium.name == record.medium)
            .ok_or_else(|| self.failed(MediaError::Wrong))?;
        if let Err(why) = media::in_use(&medium, |place, id| permit.get(place, id)) {
            // The ceremony exports again, with the next number, on another medium.
            if self.ceremony.is_some() && matches!(why, ActionError::Rule { .. }) {
                let words = void(permit, record, None, &why.to_string())?;
                permit.commit_before_effect(vec![words])?;
            }
            return Err(why);
        }
        let cause = match compare(permit, ports.media, &record, &medium.serial)? {
            Ok(files) => {
                let at_ms = permit.now_ms();
                let read = BundleRecord {
                    again: Some(SecondReading::Done { at_ms }),
                    ..record
                };
                permit.put(Compartment::Export, BundleRecord::KIND, read.id, &read)?;
                return Ok(files);
            }
            Err(cause) => cause,
        };
        // As where an export reads back: at once, whatever becomes of the act. Nobody is
        // asked for a receipt of what is not on the medium, and the next export goes to
        // another one. A ceremony exports again after every other failure too.
        let differs = matches!(cause, MediaError::ReadBack(_));
        if differs || (self.ceremony.is_some() && !comes_again(&cause)) {
            let mut words = vec![void(permit, record, None, &cause.to_string())?];
            words.extend(media::condemn_with(permit, ports.media, medium.id, &cause));
            permit.commit_before_effect(words)?;
        }
        Err(self.failed(cause))
    }

    fn outcome(&self, files: &usize) -> Vec<String> {
        vec![format!("{files} files and the manifest are as written")]
    }
}
