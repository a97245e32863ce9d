//! Transcripts, and the minutes beside them.

use std::path::{Path, PathBuf};

use super::read::{most, read_capped};
use super::{Work, name};
use crate::authority::AuthorityChain;
use crate::error::EvidenceError;
use crate::manifest::AUTHORITY_FILE;
use crate::transcript::{SignedTranscript, Transcript};
use crate::{cbor, tagged};

/// What is missing where a transcript comes alone.
const WITHOUT_CHAIN: &str = "give the journal export or a bundle of this station with it";

/// Where the minutes of a transcript may lie: under its name, or their own.
fn minutes_beside(path: &Path) -> [PathBuf; 3] {
    [
        path.with_extension("pdf"),
        path.with_file_name("minutes.pdf"),
        path.with_file_name("minutes.txt"),
    ]
}

impl Work {
    /// Transcripts come last: their chain may lie in another path.
    pub(super) fn transcripts(&mut self) {
        for (path, signed) in std::mem::take(&mut self.transcripts) {
            let place = name(&path);
            let beside = path.with_file_name(AUTHORITY_FILE);
            let chain = if beside.exists() {
                self.used.push(beside.clone());
                let records = read_capped(&beside, most(cbor::LARGEST))
                    .and_then(|bytes| tagged::read_authority_file(&bytes));
                let records = self
                    .report
                    .check(&name(&beside), "is an authority chain", records);
                records.and_then(|records| self.chain(&name(&beside), &records))
            } else {
                match self.chain_for(&signed) {
                    None => {
                        self.report.unchecked(&place, WITHOUT_CHAIN);
                        // One line is enough for it and its minutes.
                        self.used.extend(minutes_beside(&path));
                        None
                    }
                    Some(chain) => {
                        self.report.good(&place, "its authority chain is given");
                        Some(chain)
                    }
                }
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
        self.minutes_named.push(wanted);
        let mut given = false;
        for file in minutes_beside(path) {
            if !file.exists() {
                continue;
            }
            let label = name(&file);
            self.used.push(file.clone());
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
            self.report
                .note(place, "its minutes are not given, so they are not checked");
        }
    }

    fn transcript(&mut self, path: &Path, signed: &SignedTranscript, chain: &AuthorityChain) {
        let place = name(path);
        let what = match signed.cards.len() {
            0 => "signed by the station, script and order agree".into(),
            cards => format!("signed by the station and {cards} cards, script and order agree"),
        };
        let Some(transcript) = self.report.check(&place, what, signed.verify(chain)) else {
            self.used.extend(minutes_beside(path));
            return;
        };
        if signed.cards.is_empty() {
            self.report.note(&place, who(&transcript));
        }
        let lines = transcript.lines.iter();
        self.transcribed
            .extend(lines.map(|line| (transcript.station, line.seq)));
        self.minutes(path, &place, &transcript);
        self.transcript_in_journal(&place, &transcript);
    }
}

/// Who stands behind a transcript that no card signed: the cards sign the act in
/// the journal, and the station this file.
fn who(transcript: &Transcript) -> String {
    if let Some(line) = transcript.closed() {
        return format!(
            "those who closed it signed that with their cards, in the act of journal entry {}; \
             the minutes name them",
            line.seq
        );
    }
    let mut names: Vec<&str> = Vec::new();
    for actor in transcript.lines.iter().flat_map(|line| &line.actors) {
        if !names.contains(&actor.as_str()) {
            names.push(actor);
        }
    }
    match names.as_slice() {
        [] => "it was not closed: no signature of people stands behind its end".into(),
        names => format!("of an act that {} signed", names.join(", ")),
    }
}
