//! What a ceremony leaves on paper: the script before, the minutes after, and
//! the signed transcript. All made from the ceremony's record and the journal.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use conclave_evidence::authority::Mode;
use conclave_evidence::journal::EntryHeader;
use conclave_evidence::transcript::{SignedTranscript, Transcript, TranscriptLine};
use conclave_evidence::{Hash, Id};
use conclave_keyroom::vault::VaultError;
use conclave_trades::ceremony::engine::Engine;
use conclave_trades::ceremony::minutes::{self, JournalLine, Minutes};
use conclave_trades::ceremony::script::Script;
use conclave_trades::ceremony::state::State;
use conclave_trades::print::{Block, Report, Signature, report_pdf, time_words};
use sha2::{Digest, Sha256};

use crate::station::Station;

/// Numbered lines and what is indented below them become a table; a line that
/// stands by itself is a heading.
fn steps(lines: &[String]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut rows: Vec<Vec<String>> = Vec::new();
    let flush = |rows: &mut Vec<Vec<String>>, blocks: &mut Vec<Block>| {
        if !rows.is_empty() {
            blocks.push(Block::Table {
                columns: vec![("Step".into(), 1), ("What".into(), 12)],
                rows: std::mem::take(rows),
            });
        }
    };
    for line in lines {
        let words = line.trim();
        let number = words.split(' ').next().unwrap_or_default();
        // A number at the left edge, right-aligned in six columns at most.
        let numbered = !number.is_empty()
            && number.chars().all(|c| c.is_ascii_digit())
            && line.find(number).is_some_and(|at| at <= 6);
        if numbered {
            let rest = words.get(number.len()..).unwrap_or_default().trim();
            rows.push(vec![number.to_owned(), rest.to_owned()]);
        } else if line.starts_with("    ") {
            // What belongs to one step stands together.
            match rows.last_mut().and_then(|row| row.last_mut()) {
                Some(details) if details.starts_with("- ") => {
                    details.push_str("; ");
                    details.push_str(words);
                }
                _ => rows.push(vec![String::new(), format!("- {words}")]),
            }
        } else if !words.is_empty() {
            flush(&mut rows, &mut blocks);
            blocks.push(Block::Heading(words.to_owned()));
        }
    }
    flush(&mut rows, &mut blocks);
    blocks
}

impl Station {
    /// The station as papers name it.
    pub(super) fn paper_station(&self) -> minutes::Station {
        let record = self.door.vault().authority().ok();
        minutes::Station {
            name: record.map(|r| r.station_name.clone()).unwrap_or_default(),
            mode: record.map_or(Mode::Test, |r| r.mode),
        }
    }

    pub(super) fn report_bytes(&self, page: &Minutes) -> Result<Vec<u8>, String> {
        let mut blocks = vec![Block::Facts(page.facts.clone())];
        if !page.people.is_empty() {
            blocks.push(Block::Heading("People".into()));
            blocks.push(Block::Facts(page.people.clone()));
        }
        blocks.extend(steps(&page.lines));
        if !page.result.is_empty() {
            blocks.push(Block::Heading("Result".into()));
            blocks.push(Block::Text(page.result.clone()));
        }
        blocks.push(Block::Signatures(
            page.signatures
                .iter()
                .map(|(role, name)| Signature {
                    name: name.clone(),
                    role: role.clone(),
                })
                .collect(),
        ));
        report_pdf(&Report {
            mode: page.mode,
            station: page.station.clone(),
            title: page.title.clone(),
            made: time_words(self.clock.wall_ms()),
            blocks,
        })
        .map_err(|e| e.to_string())
    }

    /// Files a report as a PDF in the station's folder; its path and digest.
    pub(super) fn file_report(&self, page: &Minutes, name: &str) -> Result<(String, Hash), String> {
        let bytes = self.report_bytes(page)?;
        let path = self.file("reports", &format!("{name}.pdf"), &bytes)?;
        Ok((path, Hash(Sha256::digest(&bytes).into())))
    }

    /// Writes a file that carries no secret below the station's folder; it is
    /// never written over.
    pub(crate) fn file(&self, kind: &str, name: &str, bytes: &[u8]) -> Result<String, String> {
        let folder = self.folder.join(kind);
        std::fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
        for number in 0..1000 {
            let numbered = match (number, name.rsplit_once('.')) {
                (0, _) => name.to_owned(),
                (n, Some((stem, ending))) => format!("{stem}-{n}.{ending}"),
                (n, None) => format!("{name}-{n}"),
            };
            let path = folder.join(&numbered);
            let mut file = match OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)
            {
                Ok(file) => file,
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error.to_string()),
            };
            file.write_all(bytes)
                .and_then(|()| file.sync_all())
                .map_err(|e| e.to_string())?;
            return Ok(format!("{kind}/{numbered}"));
        }
        Err("too many files of this name".into())
    }

    /// The journal entries that a ceremony's record names, with their hashes.
    fn journal_of(&self, state: &State) -> Result<Vec<(EntryHeader, Hash, String)>, VaultError> {
        let mut entries = Vec::new();
        for result in &state.results {
            let told = result.words.join("; ");
            for (at, seq) in result.journal.iter().enumerate() {
                let (header, hash) = self.door.vault().header_at(*seq)?;
                let last = at + 1 == result.journal.len();
                let words = if last { told.clone() } else { String::new() };
                entries.push((header, hash, words));
            }
        }
        Ok(entries)
    }

    pub(super) fn minutes_page(&self, script: &Script, state: &State) -> Minutes {
        let lines: Vec<JournalLine> = self
            .journal_of(state)
            .unwrap_or_default()
            .into_iter()
            .map(|(header, ..)| JournalLine {
                seq: header.seq,
                wall_ms: header.wall_ms,
                kind: header.kind,
                action: header.action,
                // They stand at the step already.
                words: Vec::new(),
            })
            .collect();
        minutes::minutes(script, &self.paper_station(), state, &lines)
    }

    /// Files the minutes that the signers have signed the digest of.
    pub(super) fn keep_minutes(&mut self, state: &State, pdf: &[u8]) -> Result<(), String> {
        let name = format!("{}-{}.pdf", state.parameters.label, self.short(state));
        let path = self.file("minutes", &name, pdf)?;
        self.minutes = Some((state.ceremony, path, Hash(Sha256::digest(pdf).into())));
        Ok(())
    }

    /// At the end: the transcript, signed by the station, and for a ceremony
    /// that was not closed also its minutes.
    pub(super) fn file_minutes(&mut self, state: &State) -> Result<Vec<String>, String> {
        let engine = Engine::of(state).map_err(|e| e.to_string())?;
        let kept = self
            .minutes
            .take()
            .filter(|(ceremony, ..)| *ceremony == state.ceremony);
        let (path, digest) = match kept {
            Some((_, path, digest)) => (path, digest),
            None => {
                let page = self.minutes_page(engine.script(), state);
                let pdf = self.report_bytes(&page)?;
                let name = format!("{}-{}.pdf", state.parameters.label, self.short(state));
                let path = self.file("minutes", &name, &pdf)?;
                (path, Hash(Sha256::digest(&pdf).into()))
            }
        };
        let signed = self
            .transcript(&engine, state, digest)
            .map_err(|e| e.to_string())?;
        let bytes = signed.to_file().map_err(|e| e.to_string())?;
        // Under its minutes' name, by which whoever verifies finds them: after
        // an interruption there may be others of this ceremony.
        let stem = Path::new(&path).with_extension("cbor");
        let name = stem.file_name().unwrap_or_default().to_string_lossy();
        let transcript = self.file("minutes", &name, &bytes)?;
        Ok(vec![path, transcript])
    }

    /// Files what the ceremony that ended last has not filed: the program ended
    /// between its end and its transcript.
    pub(crate) fn file_late(&mut self) {
        let newest = |state: &State| state.results.iter().flat_map(|r| r.journal.clone()).max();
        let ended = self.ceremonies().into_iter().filter(|state| state.over);
        let Some(last) = ended.max_by_key(newest) else {
            return;
        };
        let stem = format!("{}-{}", last.parameters.label, self.short(&last));
        let names = std::fs::read_dir(self.folder.join("minutes"));
        let filed = names.into_iter().flatten().flatten().any(|file| {
            let name = file.file_name().to_string_lossy().into_owned();
            // One without content was cut off while it was written.
            let written = file.metadata().is_ok_and(|data| data.len() > 0);
            name.starts_with(&stem) && name.ends_with(".cbor") && written
        });
        if !filed {
            // A full disk must not keep anybody out; the next logon tries again.
            let _ = self.file_minutes(&last);
        }
    }

    fn transcript(
        &self,
        engine: &Engine,
        state: &State,
        minutes: Hash,
    ) -> Result<SignedTranscript, VaultError> {
        let vault = self.door.vault();
        let record = vault.authority()?;
        let mut lines: Vec<TranscriptLine> = self
            .journal_of(state)?
            .into_iter()
            .map(|(header, hash, words)| TranscriptLine {
                seq: header.seq,
                entry: hash,
                wall_ms: header.wall_ms,
                step: header.action,
                actors: Vec::new(),
                words,
                result: header.kind.name().into(),
            })
            .collect();
        lines.sort_by_key(|line| line.seq);
        lines.dedup_by_key(|line| line.seq);
        let transcript = Transcript {
            station: record.station,
            station_name: record.station_name.clone(),
            mode: record.mode,
            incarnation: record.incarnation,
            ceremony: state.ceremony,
            title: format!("{} {}", engine.script().title, state.parameters.label),
            script_digest: state.digest,
            script: String::from_utf8_lossy(&state.script).into_owned(),
            lines,
            minutes_sha256: Some(minutes),
            authority: vault.authority_hash()?,
        };
        SignedTranscript::sign(&transcript, |digest| self.door.sign_transcript(digest))
    }

    /// The ceremony whose minutes were filed last, for those who play it
    /// unattended.
    #[must_use]
    pub fn ceremony_minutes(&self, ceremony: Id) -> Option<&str> {
        self.minutes
            .as_ref()
            .filter(|(id, ..)| *id == ceremony)
            .map(|(_, path, _)| path.as_str())
    }
}
