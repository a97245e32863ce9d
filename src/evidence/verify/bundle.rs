//! One bundle: a flat folder.

use std::collections::BTreeSet;
use std::path::Path;

use super::read::{Kind, compare, kind, list, read_capped};
use super::search::bundle_number;
use super::{Work, name};
use crate::authority::{AuthorityChain, AuthorityRecord};
use crate::error::EvidenceError;
use crate::ids::Hash;
use crate::manifest::{
    AUTHORITY_FILE, MANIFEST_FILE, Manifest, SignedManifest, TEXT_FILE, record_of,
};
use crate::manifest_text::manifest_text;
use crate::tagged::read_authority_file;
use crate::words::digest_lines;

/// Longest manifest and authority chain, bytes.
const PAPERS_MOST: u64 = 16 * 1024 * 1024;

/// A bundle whose manifest could be read against its chain.
pub(super) struct Bundle {
    pub(super) place: String,
    pub(super) chain: AuthorityChain,
    pub(super) manifest: Manifest,
    pub(super) digest: Hash,
}

impl Work {
    pub(super) fn bundle(&mut self, folder: &Path) {
        self.found += 1;
        let place = name(folder);
        let records = plain(&folder.join(AUTHORITY_FILE))
            .and_then(|path| read_capped(&path, PAPERS_MOST))
            .and_then(|bytes| read_authority_file(&bytes));
        let signed = plain(&folder.join(MANIFEST_FILE))
            .and_then(|path| read_capped(&path, PAPERS_MOST))
            .and_then(|bytes| SignedManifest::from_file(&bytes));
        let records = self.report.check(&place, "is a bundle", records);
        let chain = records.and_then(|records| self.chain(&place, &records));
        let signed = self.report.check(&place, "has a signed manifest", signed);
        let (Some(chain), Some(signed)) = (chain, signed) else {
            return;
        };
        let manifest = signed.open();
        let Some(manifest) = self
            .report
            .check(&place, "the manifest is of its form", manifest)
        else {
            return;
        };
        if let Some(number) = bundle_number(folder).filter(|n| *n != manifest.sequence) {
            let what = format!(
                "its folder is called bundle {number}, and its manifest is bundle {}'s",
                manifest.sequence
            );
            self.report.note(&place, what);
        }
        let digest = signed.digest();
        self.papers(&place, &chain, &signed, &manifest);
        self.files(folder, &manifest, &digest);
        let what = format!(
            "manifest digest {digest}, {}",
            digest_lines(&digest).join(" ")
        );
        self.report.note(&place, what);
        self.bundles.push(Bundle {
            place,
            chain,
            manifest,
            digest,
        });
    }

    fn papers(
        &mut self,
        place: &str,
        chain: &AuthorityChain,
        signed: &SignedManifest,
        manifest: &Manifest,
    ) {
        let report = &mut self.report;
        let newest = if manifest.authority == chain.latest_hash() {
            Ok(())
        } else {
            let reason = "its authority record is not the newest of the bundle's chain";
            Err(EvidenceError::broken("manifest", reason))
        };
        report.check(
            place,
            "made under the newest authority record that it brings",
            newest,
        );
        let Some(record) = report.check(
            place,
            "its authority record is in the chain",
            record_of(manifest, chain),
        ) else {
            return;
        };
        let signature = signed.check_signature(record);
        report.check(place, "the manifest is signed by the export key", signature);
        let what = format!(
            "of station {}, {}, incarnation {}, bundle {}",
            manifest.station_name, manifest.mode, manifest.incarnation, manifest.sequence
        );
        report.check(place, what, manifest.check_station(record));
        let what = format!(
            "{} approvals of this very act, quorums of key managers and approvers",
            manifest.approvals.len()
        );
        let approved = report.check(place, what, manifest.check_approvals(record));
        if approved.is_some() {
            report.note(place, approvers(manifest, record));
        }
        report.check(place, "all names are flat", manifest.check_files());
    }

    fn files(&mut self, folder: &Path, manifest: &Manifest, digest: &Hash) {
        let place = name(folder);
        let mut known: BTreeSet<&str> = [AUTHORITY_FILE, MANIFEST_FILE, TEXT_FILE].into();
        // Not one byte is read through a name that is not flat.
        if manifest.check_files().is_ok() {
            for file in &manifest.files {
                known.insert(&file.name);
                let same = plain(&folder.join(&file.name))
                    .and_then(|path| compare(&path, file.size, &file.sha256));
                let what = format!("{}: size and SHA-256 agree", file.name);
                self.report.check(&place, what, same);
            }
        }
        let text = manifest_text(manifest, digest);
        let same = plain(&folder.join(TEXT_FILE))
            .and_then(|path| read_capped(&path, PAPERS_MOST))
            .and_then(|bytes| {
                if bytes == text.as_bytes() {
                    Ok(())
                } else {
                    let reason = "it does not say what the signed manifest says";
                    Err(EvidenceError::file(TEXT_FILE, reason))
                }
            });
        self.report
            .check(&place, "manifest.txt says what was signed", same);
        let extra = list(folder).and_then(|names| {
            match names.iter().find(|n| !known.contains(n.as_str())) {
                None => Ok(()),
                Some(extra) => Err(EvidenceError::file(
                    extra.clone(),
                    "it is not in the manifest",
                )),
            }
        });
        self.report.check(&place, "nothing else is in it", extra);
    }
}

/// Who approved, by name and group.
fn approvers(manifest: &Manifest, record: &AuthorityRecord) -> String {
    let names = manifest.approvals.iter().map(|signed| {
        let approval = &signed.approval;
        let name = record.card(approval.card).map(|card| &card.person_name);
        let name = name.map_or_else(|| approval.person.to_string(), Clone::clone);
        format!("{name} ({})", approval.group.title())
    });
    let names: Vec<String> = names.collect();
    format!("approved by {}", names.join(", "))
}

/// A plain file: a bundle holds no links, folders or devices.
pub(super) fn plain(path: &Path) -> Result<std::path::PathBuf, EvidenceError> {
    match kind(path, false)? {
        Kind::File => Ok(path.to_path_buf()),
        _ => Err(EvidenceError::file(
            path.file_name().unwrap_or_default().to_string_lossy(),
            "it is not a plain file",
        )),
    }
}
