//! The manifest of an export bundle.

use serde::{Deserialize, Serialize};

use crate::approval::{Expected, Quorum, SignedApproval, action_digest};
use crate::authority::{AuthorityChain, Mode};
use crate::sign::{Tagged, open_signed, signed};
use crate::{Bytes, EvidenceError, GroupId, Hash, Id};

/// One file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// A flat file name.
    pub name: String,
    /// Length in bytes.
    pub size: u64,
    /// SHA-256 of the content.
    pub sha256: Hash,
    /// The format, as the target names it.
    pub format: String,
    /// The key's label.
    pub key_label: Option<String>,
    /// Its algorithm.
    pub algorithm: Option<String>,
    /// Its length in bits, parity included.
    pub bits: Option<u32>,
    /// Its usage.
    pub usage: Option<String>,
    /// Its KCV, in hex.
    pub kcv: Option<String>,
    /// How the KCV was made.
    pub kcv_method: Option<String>,
    /// The label of the key it is wrapped under.
    pub under_label: Option<String>,
    /// That key's KCV, in hex.
    pub under_kcv: Option<String>,
    /// How that KCV was made.
    pub under_kcv_method: Option<String>,
}

/// What a bundle holds, for whom, and who allowed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The station.
    pub station: Id,
    /// Its name.
    pub station_name: String,
    /// Whether the keys are real.
    pub mode: Mode,
    /// The station's incarnation.
    pub incarnation: Id,
    /// Counts the bundles of a station.
    pub sequence: u64,
    /// Wall clock, milliseconds since 1970.
    pub made_at_ms: u64,
    /// For whom.
    pub recipient: String,
    /// On which medium.
    pub medium: String,
    /// The files.
    pub files: Vec<FileEntry>,
    /// The name of the action that was approved.
    pub action_name: String,
    /// Its encoded parameters.
    pub action: Bytes,
    /// The proposal's nonce.
    pub nonce: Id,
    /// Hash of the PROPOSED entry.
    pub proposed: Hash,
    /// Of key managers and approvers.
    pub approvals: Vec<SignedApproval>,
    /// Hash of the authority record in force.
    pub authority: Hash,
}

impl Tagged for Manifest {
    const TAG: &'static str = "conclave/manifest/1";
    const WHAT: &'static str = "manifest";
}

signed!(
    /// A manifest with the export key's signature.
    SignedManifest,
    Manifest,
    manifest
);

impl SignedManifest {
    /// Checks the signature, the station, the approvals and their quorums.
    /// The files themselves are for [`crate::verify`].
    ///
    /// # Errors
    /// [`EvidenceError`] with the first thing that does not fit.
    pub fn verify(&self, chain: &AuthorityChain) -> Result<Manifest, EvidenceError> {
        let said = self.peek()?;
        let record = chain.by_hash(said.authority).ok_or_else(|| {
            EvidenceError::broken("manifest", "its authority record is not in the chain")
        })?;
        let manifest: Manifest =
            open_signed(&self.manifest, &record.export_key, &self.signature)?;
        if manifest.station != record.station
            || manifest.incarnation != record.incarnation
            || manifest.mode != record.mode
            || manifest.station_name != record.station_name
        {
            return Err(EvidenceError::broken("manifest", "it is another station's"));
        }
        let action = action_digest(&manifest.action_name, &manifest.action, manifest.nonce)
            .map_err(|source| EvidenceError::Form {
                what: "action",
                source,
            })?;
        let expected = Expected {
            station: manifest.station,
            incarnation: manifest.incarnation,
            proposed: manifest.proposed,
            action,
            action_name: manifest.action_name.clone(),
            authority: manifest.authority,
            nonce: manifest.nonce,
            now_ms: manifest.made_at_ms,
        };
        let mut quorum = Quorum::default();
        for approval in &manifest.approvals {
            quorum.add(&approval.verify(record, &expected)?)?;
        }
        quorum.require(record, GroupId::KeyManagers)?;
        quorum.require(record, GroupId::Approvers)?;
        Ok(manifest)
    }
}
