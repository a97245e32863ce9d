//! Verification in full depth, of files and folders as they are handed over.
//!
//! A path may be a bundle's, a backup's or an update's folder, an exported journal, a transcript, or a
//! folder that holds any of them. What is given together must also agree.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::authority::{AuthorityChain, SignedAuthority};
use crate::backup::{BACKUP_FILE, SignedBackup};
use crate::error::EvidenceError;
use crate::export::{CheckedJournal, JournalExport};
use crate::ids::{Hash, Id};
use crate::manifest::{MANIFEST_FILE, SignedManifest};
use crate::show::clean;
use crate::transcript::SignedTranscript;
use crate::update::{SignedUpdate, UPDATE_FILE};
use crate::words::digest_lines;
use crate::{cbor, tagged};

mod absent;
mod backup;
mod bundle;
mod cross;
mod read;
mod report;
mod search;
mod transcript;
mod update;

pub use absent::BUNDLE_ACTIONS;
pub use report::{Check, Mark, Report};

use bundle::Bundle;
use read::{Kind, kind, list, most, read_capped};
use report::Genesis;

/// What a station keeps its sealed values in, below its own folder.
const REPOSITORY: &str = "repository";

/// What the output of a PIN batch is: one file, encrypted to its issuer.
const PIN_OUTPUT: &str = "output.p7m";

/// Verifies what one path holds.
#[must_use]
pub fn verify_path(path: &Path) -> Report {
    verify_paths(&[path.to_path_buf()])
}

/// Verifies what all paths hold, and that they agree with one another.
#[must_use]
pub fn verify_paths(paths: &[PathBuf]) -> Report {
    verify_from(paths, None)
}

/// As [`verify_paths`]; each chain must also begin with the genesis record of
/// this digest, known from paper. Without it, evidence can only agree with
/// itself: a forger can found a station too.
#[must_use]
pub fn verify_from(paths: &[PathBuf], genesis: Option<&Hash>) -> Report {
    let mut work = Work {
        genesis: genesis.copied(),
        ..Work::default()
    };
    for path in paths {
        work.path(path);
    }
    work.transcripts();
    work.left_over();
    work.agree();
    work.absent();
    work.passed_over();
    if genesis.is_some() && work.shown.is_empty() {
        let what = "it was compared with nothing: no chain of authority records was given";
        work.report.unchecked("the genesis", what);
    }
    work.report
}

/// A journal that held.
struct Journal {
    place: String,
    checked: CheckedJournal,
}

#[derive(Default)]
struct Work {
    report: Report,
    genesis: Option<Hash>,
    /// Genesis digests that were shown already.
    shown: Vec<Hash>,
    bundles: Vec<Bundle>,
    journals: Vec<Journal>,
    transcripts: Vec<(PathBuf, SignedTranscript)>,
    found: usize,
    /// Minutes and authority chains that were met in folders: a transcript beside them
    /// says what they are.
    minutes_met: Vec<PathBuf>,
    authorities_met: Vec<PathBuf>,
    /// Those of them that were compared with a transcript.
    used: Vec<PathBuf>,
    /// The digests of minutes that transcripts which held name.
    minutes_named: Vec<Hash>,
    /// Outputs of PIN batches, which only their issuers can check.
    outputs: usize,
    /// Entries that transcripts which held name, and of which station.
    transcribed: BTreeSet<(Id, u64)>,
    /// What a search passed over: folder, how many files, and the first names.
    passed: BTreeMap<PathBuf, (usize, Vec<String>)>,
}

fn name(path: &Path) -> String {
    clean(&path.display().to_string())
}

impl Work {
    fn path(&mut self, path: &Path) {
        let (before, outputs) = (self.found, self.outputs);
        match kind(path, true) {
            Ok(Kind::File) => self.file(path, false),
            Ok(Kind::Folder) => self.folder(path, 0),
            Ok(Kind::Other) => {
                let error = EvidenceError::file(name(path), "it is neither a file nor a folder");
                self.report.bad(&name(path), error);
                return;
            }
            Err(error) => {
                self.report.bad(&name(path), error);
                return;
            }
        }
        if self.found == before && self.outputs > outputs {
            self.found += 1;
            let what = "nothing but outputs of PIN batches is in it, which their issuers check";
            self.report.unchecked(&name(path), what);
        } else if self.found == before {
            self.nothing_in(path);
        }
    }

    /// Says why there is nothing to check in a path that was named.
    fn nothing_in(&mut self, path: &Path) {
        let place = name(path);
        let names = list(path).unwrap_or_default();
        let why = if names.iter().any(|n| n == REPOSITORY) {
            "this is a station's own folder, which its people log on to; what it gives to others \
             is checked: exported journal, minutes, bundles, backups"
        } else {
            "there is no bundle, backup, update, exported journal or transcript in it"
        };
        let error = EvidenceError::file(&place, why);
        self.report.bad(&place, error);
    }

    /// Verifies a file by its mark. `searching`: it was met in a folder, and what has
    /// no mark of ours there may be somebody else's, so it is not called wrong.
    fn file(&mut self, path: &Path, searching: bool) {
        let place = name(path);
        let start = match read::start(path) {
            Ok(start) => start,
            Err(error) => {
                self.found += 1;
                return self.report.bad(&place, error);
            }
        };
        if SignedManifest::is_file(&start) {
            let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
            return self.bundle(folder.unwrap_or(Path::new(".")));
        }
        if SignedBackup::is_file(&start) {
            let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
            return self.backup(folder.unwrap_or(Path::new(".")));
        }
        if SignedUpdate::is_file(&start) {
            let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
            return self.update(folder.unwrap_or(Path::new(".")));
        }
        let journal = JournalExport::is_file(&start);
        let transcript = SignedTranscript::is_file(&start);
        if !journal && !transcript {
            // Its name says what it should be.
            let named = path.file_name().is_some_and(|n| {
                n == "journal.cbor"
                    || n == "transcript.cbor"
                    || n == MANIFEST_FILE
                    || n == BACKUP_FILE
                    || n == UPDATE_FILE
            });
            self.found += 1;
            let mark = cbor::tag_of(&start).unwrap_or("nothing of ours");
            let why = format!("it is marked as {mark}");
            if named || !searching {
                let error = EvidenceError::file(place.clone(), why);
                self.report.bad(&place, error);
            } else {
                self.report.unchecked(&place, why);
            }
            return;
        }
        self.found += 1;
        let bytes = read_capped(path, most(cbor::LARGEST));
        let Some(bytes) = self.report.check(&place, "can be read", bytes) else {
            return;
        };
        if journal {
            self.journal(&place, &bytes);
        } else {
            let signed = SignedTranscript::from_file(&bytes);
            if let Some(signed) = self.report.check(&place, "is a signed transcript", signed) {
                self.transcripts.push((path.to_path_buf(), signed));
            }
        }
    }

    /// The output of a PIN batch: whose it is, only its issuer can see.
    fn pin_output(&mut self, path: &Path, depth: usize) {
        let place = name(path);
        let inner = path.join(PIN_OUTPUT);
        let bytes =
            bundle::plain(&inner).and_then(|inner| read_capped(&inner, most(cbor::LARGEST)));
        let digest = match bytes {
            Ok(bytes) => tagged::sha256(&bytes),
            Err(error) => {
                self.found += 1;
                return self.report.bad(&place, error);
            }
        };
        let what = format!(
            "the output of a PIN batch, which brings no manifest: its issuer checks it, who alone \
             can open it. Compare its SHA-256 with the journal's words of the output: {digest}"
        );
        if depth == 0 {
            self.found += 1;
            self.report.unchecked(&place, what);
        } else {
            self.outputs += 1;
            self.report.still_to_do(&place, what);
        }
    }

    /// Verifies a chain and shows its genesis, once.
    fn chain(&mut self, place: &str, records: &[SignedAuthority]) -> Option<AuthorityChain> {
        let what = format!(
            "the authority chain holds: each of its records ({}) is signed by its administrators",
            records.len()
        );
        let result = AuthorityChain::verify(records).map_err(EvidenceError::from);
        let chain = self.report.check(place, what, result)?;
        self.genesis(place, &chain);
        Some(chain)
    }

    /// Compares a chain's genesis with the one that was given, or shows it.
    fn genesis(&mut self, place: &str, chain: &AuthorityChain) {
        let Some((genesis, _)) = chain.records().first().cloned() else {
            return;
        };
        self.report.genesis = match self.genesis {
            Some(_) => Genesis::Compared,
            None => Genesis::NotCompared,
        };
        match self.genesis {
            Some(paper) if paper == genesis => {
                self.report
                    .good(place, "its genesis is the one that was given");
            }
            Some(_) => {
                let error = EvidenceError::broken(
                    "authority record 0",
                    "it is not the genesis that was given",
                );
                self.report.bad(place, error);
            }
            None if !self.shown.contains(&genesis) => {
                let what = format!(
                    "compare with the paper of the genesis: {genesis}, {}",
                    digest_lines(&genesis).join(" ")
                );
                self.report.still_to_do(place, what);
            }
            None => {}
        }
        self.shown.push(genesis);
    }

    fn journal(&mut self, place: &str, bytes: &[u8]) {
        let export = JournalExport::from_file(bytes);
        let Some(export) = self.report.check(place, "is an exported journal", export) else {
            return;
        };
        if self.chain(place, &export.authority).is_none() {
            return;
        }
        let what = format!(
            "{} entries without a gap, the head is signed, {} anchors agree",
            export.entries.len(),
            export.anchors.len()
        );
        let Some(checked) = self.report.check(place, what, export.verify()) else {
            return;
        };
        for run in &checked.unauthenticated {
            let what = format!(
                "{}, made while locked, UNAUTHENTICATED: no quorum has adopted them",
                run.words()
            );
            self.report.note(place, what);
        }
        if !checked.open_intents.is_empty() {
            let what = format!("INTENT without OUTCOME: {:?}", checked.open_intents);
            self.report.note(place, what);
        }
        self.journals.push(Journal {
            place: place.into(),
            checked,
        });
    }
}
