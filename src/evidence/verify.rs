//! Verification in full depth, of files and folders as they are handed over.
//!
//! A path may be a bundle's, a backup's or an update's folder, an exported journal, a transcript, or a
//! folder that holds any of them. What is given together must also agree.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::authority::{AuthorityChain, SignedAuthority};
use crate::backup::{BACKUP_FILE, SignedBackup};
use crate::error::EvidenceError;
use crate::export::{CheckedJournal, JournalExport};
use crate::ids::Hash;
use crate::manifest::{AUTHORITY_FILE, MANIFEST_FILE, SignedManifest, TEXT_FILE};
use crate::show::clean;
use crate::transcript::{SignedTranscript, Transcript};
use crate::update::{SignedUpdate, UPDATE_FILE};
use crate::words::digest_lines;
use crate::{cbor, tagged};

mod backup;
mod bundle;
mod cross;
mod read;
mod update;

use bundle::Bundle;
use read::{Kind, kind, list, most, read_capped};

/// Folders nested deeper than this are not searched.
const DEEPEST: usize = 6;

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Whether it held.
    pub ok: bool,
    /// The file or folder.
    pub place: String,
    /// What held, or what does not and why.
    pub what: String,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.ok { "ok   " } else { "WRONG" };
        write!(f, "{mark}  {}: {}", self.place, self.what)
    }
}

/// All checks, in the order they were made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// A line a check.
    pub lines: Vec<Check>,
    /// The first failure, typed.
    pub first: Option<EvidenceError>,
}

impl Report {
    /// Prints a line a check; on standard error the first reason, if one did
    /// not hold. Gives the program's exit code.
    #[must_use]
    pub fn tell(&self) -> ExitCode {
        print!("{self}");
        if self.ok() {
            println!("{} checks, all of them held.", self.lines.len());
            return ExitCode::SUCCESS;
        }
        eprintln!("NOT VERIFIED: {}", self.failure().unwrap_or_default());
        ExitCode::FAILURE
    }

    /// TRUE when there was something to check and all of it held.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.first.is_none() && !self.lines.is_empty() && self.lines.iter().all(|line| line.ok)
    }

    /// The first failure in words.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        let line = self.lines.iter().find(|line| !line.ok)?;
        Some(format!("{}: {}", line.place, line.what))
    }

    fn good(&mut self, place: &str, what: impl fmt::Display) {
        self.lines.push(Check {
            ok: true,
            place: place.into(),
            what: clean(&what.to_string()),
        });
    }

    fn bad(&mut self, place: &str, error: EvidenceError) {
        let text = clean(&error.to_string());
        // The place is said once.
        let what = text
            .strip_prefix(&format!("{place}: "))
            .unwrap_or(&text)
            .to_string();
        self.lines.push(Check {
            ok: false,
            place: place.into(),
            what,
        });
        self.first.get_or_insert(error);
    }

    /// Notes how a check went, and gives what it found.
    fn check<T>(
        &mut self,
        place: &str,
        what: impl fmt::Display,
        result: Result<T, EvidenceError>,
    ) -> Option<T> {
        match result {
            Ok(value) => {
                self.good(place, what);
                Some(value)
            }
            Err(error) => {
                self.bad(place, error);
                None
            }
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

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
    work.agree();
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
}

fn name(path: &Path) -> String {
    clean(&path.display().to_string())
}

impl Work {
    fn path(&mut self, path: &Path) {
        let before = self.found;
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
        if self.found == before {
            let error = EvidenceError::file(
                name(path),
                "there is no bundle, backup, update, exported journal or transcript in it",
            );
            self.report.bad(&name(path), error);
        }
    }

    /// Verifies a file by its mark. `searching`: what has no mark of ours is
    /// passed over.
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
            if named || !searching {
                self.found += 1;
                let mark = cbor::tag_of(&start).unwrap_or("nothing of ours");
                let error = EvidenceError::file(place.clone(), format!("it is marked as {mark}"));
                self.report.bad(&place, error);
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

    fn folder(&mut self, path: &Path, depth: usize) {
        let place = name(path);
        let names = match list(path) {
            Ok(names) => names,
            Err(error) => return self.report.bad(&place, error),
        };
        if names.iter().any(|n| n == MANIFEST_FILE || n == TEXT_FILE) {
            return self.bundle(path);
        }
        if names.iter().any(|n| n == BACKUP_FILE) {
            return self.backup(path);
        }
        if names.iter().any(|n| n == UPDATE_FILE) {
            return self.update(path);
        }
        for entry in names {
            let inner = path.join(&entry);
            match kind(&inner, false) {
                Ok(Kind::File) if inner.extension().is_some_and(|e| e == "cbor") => {
                    self.file(&inner, true);
                }
                Ok(Kind::Folder) if depth < DEEPEST => self.folder(&inner, depth + 1),
                Ok(Kind::Folder) => {
                    let error = EvidenceError::file(name(&inner), "it is nested too deeply");
                    self.report.bad(&name(&inner), error);
                }
                Ok(_) => {}
                Err(error) => self.report.bad(&name(&inner), error),
            }
        }
    }

    /// Verifies a chain and shows its genesis, once.
    fn chain(&mut self, place: &str, records: &[SignedAuthority]) -> Option<AuthorityChain> {
        let what = format!(
            "the authority chain holds, {} records, each signed by its administrators",
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
                self.report.good(place, what);
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
                "note: {}, made while locked, UNAUTHENTICATED: no quorum has adopted them",
                run.words()
            );
            self.report.good(place, what);
        }
        if !checked.open_intents.is_empty() {
            let what = format!("note: INTENT without OUTCOME: {:?}", checked.open_intents);
            self.report.good(place, what);
        }
        self.journals.push(Journal {
            place: place.into(),
            checked,
        });
    }

    /// Transcripts come last: their chain may lie in another path.
    fn transcripts(&mut self) {
        for (path, signed) in std::mem::take(&mut self.transcripts) {
            let place = name(&path);
            let beside = path.with_file_name(AUTHORITY_FILE);
            let chain = if beside.exists() {
                let records = read_capped(&beside, most(cbor::LARGEST))
                    .and_then(|bytes| tagged::read_authority_file(&bytes));
                let records = self
                    .report
                    .check(&name(&beside), "is an authority chain", records);
                records.and_then(|records| self.chain(&name(&beside), &records))
            } else {
                let chain = self.chain_for(&signed).ok_or_else(|| {
                    EvidenceError::broken("transcript", "no authority chain is given with it")
                });
                self.report
                    .check(&place, "its authority chain is given", chain)
            };
            if let Some(chain) = chain {
                self.transcript(&path, &signed, &chain);
            }
        }
    }

    fn chain_for(&self, signed: &SignedTranscript) -> Option<AuthorityChain> {
        let wanted = signed.open().ok()?.authority;
        self.journals
            .iter()
            .map(|journal| &journal.checked.chain)
            .chain(self.bundles.iter().map(|bundle| &bundle.chain))
            .find(|chain| chain.by_hash(&wanted).is_some())
            .cloned()
    }

    /// The minutes lie beside the transcript, under its name or their own.
    fn minutes(&mut self, path: &Path, place: &str, transcript: &Transcript) {
        let Some(wanted) = transcript.minutes_sha256 else {
            return;
        };
        let mut given = false;
        for file in [
            path.with_extension("pdf"),
            path.with_file_name("minutes.pdf"),
            path.with_file_name("minutes.txt"),
        ] {
            if !file.exists() {
                continue;
            }
            let label = name(&file);
            let same = read_capped(&file, most(cbor::LARGEST)).and_then(|bytes| {
                if tagged::sha256(&bytes) == wanted {
                    Ok(())
                } else {
                    let reason = "these are not the minutes that the transcript names";
                    Err(EvidenceError::file(&label, reason))
                }
            });
            given = true;
            self.report
                .check(&label, "the minutes are the transcript's", same);
        }
        if !given {
            self.report.good(
                place,
                "note: its minutes are not given, so they are not checked",
            );
        }
    }

    fn transcript(&mut self, path: &Path, signed: &SignedTranscript, chain: &AuthorityChain) {
        let place = name(path);
        let what = format!(
            "signed by the station and {} cards, script and order agree",
            signed.cards.len()
        );
        let Some(transcript) = self.report.check(&place, what, signed.verify(chain)) else {
            return;
        };
        self.minutes(path, &place, &transcript);
        self.transcript_in_journal(&place, &transcript);
    }
}
