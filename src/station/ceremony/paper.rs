//! What a ceremony leaves on paper: the script before, the minutes after, and
//! the signed transcript. All made from the ceremony's record and the journal.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use conclave_evidence::authority::Mode;
use conclave_evidence::journal::EntryHeader;
use conclave_evidence::transcript::{SignedTranscript, Transcript, TranscriptLine};
use conclave_evidence::{Hash, Id};
use conclave_keyroom::door::Mandate;
use conclave_keyroom::ports::dialogue::{Ask, People, Prompt, Refusal};
use conclave_keyroom::vault::{Compartment, VaultError};
use conclave_trades::ceremony::engine::Engine;
use conclave_trades::ceremony::minutes::{self, JournalLine, Minutes};
use conclave_trades::ceremony::script::Script;
use conclave_trades::ceremony::state::State;
use conclave_trades::print::{Block, Report, Signature, report_pdf, time_words};
use sha2::{Digest, Sha256};

use crate::approve::Undone;
use crate::cards::ask;
use crate::station::Station;

/// A report that stands in a file of the station's folder.
pub(crate) struct Filed {
    /// What stands on it; nothing where the file is older than this run, and
    /// says what no new page says in the same way.
    pub(crate) report: Option<Report>,
    /// Where it is, from the station's folder.
    pub(crate) path: String,
    /// Of the file.
    pub(crate) sha256: Hash,
}

/// Numbered lines and what is indented below them become a table; a line that
/// stands by itself is a heading.
fn steps(lines: &[String]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut rows: Vec<Vec<String>> = Vec::new();
    let flush = |rows: &mut Vec<Vec<String>>, blocks: &mut Vec<Block>| {
        if !rows.is_empty() {
            let of = match blocks.last() {
                Some(Block::Heading(words)) if words == minutes::JOURNAL => "Entry",
                _ => "Step",
            };
            blocks.push(Block::Table {
                columns: vec![(of.into(), 1), ("What".into(), 12)],
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

/// A SHA-256 in a text as people read it aloud: in groups of four.
fn in_fours(text: &str) -> String {
    let is_digest = |word: &str| word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let words = text.split(' ').map(|word| match is_digest(word) {
        true => {
            let groups = word.as_bytes().chunks(4).map(String::from_utf8_lossy);
            groups.collect::<Vec<_>>().join(" ")
        }
        false => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

impl Station {
    /// The station as papers name it.
    pub(crate) fn paper_station(&self) -> minutes::Station {
        let record = self.door.vault().authority().ok();
        minutes::Station {
            name: record.map(|r| r.station_name.clone()).unwrap_or_default(),
            mode: record.map_or(Mode::Test, |r| r.mode),
        }
    }

    /// Files a page as a PDF in the station's folder.
    pub(crate) fn file_report(
        &self,
        kind: &str,
        name: &str,
        page: &Minutes,
    ) -> Result<Filed, String> {
        self.file_pdf(kind, name, self.report(page))
    }

    /// Files a report as a PDF in the station's folder.
    pub(crate) fn file_pdf(&self, kind: &str, name: &str, report: Report) -> Result<Filed, String> {
        let pdf = report_pdf(&report).map_err(|e| e.to_string())?;
        Ok(Filed {
            path: self.file(kind, &format!("{name}.pdf"), &pdf)?,
            sha256: Hash(Sha256::digest(&pdf).into()),
            report: Some(report),
        })
    }

    /// The report that a page becomes.
    fn report(&self, page: &Minutes) -> Report {
        let fact = |(name, value): &(String, String)| (name.clone(), in_fours(value));
        let mut blocks = vec![Block::Facts(page.facts.iter().map(fact).collect())];
        if !page.people.is_empty() {
            blocks.push(Block::Heading("People".into()));
            blocks.push(Block::Facts(page.people.clone()));
        }
        let lines: Vec<String> = page.lines.iter().map(|line| in_fours(line)).collect();
        blocks.extend(steps(&lines));
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
        let here = minutes::Station {
            name: page.station.clone(),
            mode: page.mode,
        };
        self.report_of(here, page.title.clone(), blocks)
    }

    /// A report of this station, which says where its keys are made.
    pub(crate) fn report_of(
        &self,
        here: minutes::Station,
        title: String,
        blocks: Vec<Block>,
    ) -> Report {
        Report {
            mode: here.mode,
            station: here.name,
            title,
            made: time_words(self.clock.wall_ms()),
            blocks,
        }
        .with_provenance(self.provenance())
    }

    /// What pages of a PRODUCTION station say of where keys are made.
    pub(crate) fn provenance(&self) -> Option<&'static str> {
        self.door.provider_identity().class.provenance()
    }

    /// Writes a file that carries no secret below the station's folder; it is
    /// never written over.
    pub(crate) fn file(&self, kind: &str, name: &str, bytes: &[u8]) -> Result<String, String> {
        let folder = self.folder.join(kind);
        // TEST or PRODUCTION stands in every file name.
        let name = &match self.door.vault().authority() {
            Ok(record) => format!("{}-{name}", record.mode),
            Err(_) => name.to_owned(),
        };
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
            // The folder too: its entry for the file has to outlive a power cut.
            file.write_all(bytes)
                .and_then(|()| file.sync_all())
                .and_then(|()| File::open(&folder)?.sync_all())
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

    /// A page with the newest entry of the journal; see [`Minutes::with_head`].
    pub(crate) fn with_head(&self, page: Minutes, which: &str) -> Minutes {
        match self.door.vault().newest() {
            Ok((seq, hash)) => page.with_head(seq, &hash, which),
            Err(_) => page,
        }
    }

    pub(super) fn minutes_page(&self, script: &Script, state: &State, which: &str) -> Minutes {
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
        let page = minutes::minutes(script, &self.paper_station(), state, &lines);
        self.with_head(page, which)
    }

    /// The name of a ceremony's minutes and transcript.
    fn minutes_name(&self, state: &State) -> String {
        format!("{}-{}", state.parameters.label, state.short())
    }

    /// Files the minutes that are to be signed. While that fails, people are
    /// asked to mend it: no key is lost to a full disk.
    pub(super) fn file_before_signing(
        &self,
        state: &State,
        page: &Minutes,
        people: &mut dyn People,
    ) -> Result<Filed, Undone> {
        let mut prompt = Prompt {
            code: "close.file".into(),
            act: state.parameters.label.clone(),
            title: "The minutes are filed before they are signed".into(),
            ask: Ask::Confirm {
                key: 'f',
                label: "file them".into(),
            },
            waiting_for: "everybody here".into(),
            safe: "yes, the key waits for its close".into(),
            why:
                "What is signed is the digest of the file: without it, the signatures would stand \
                  for nothing that can be read."
                    .into(),
            ..Prompt::default()
        };
        loop {
            match self.file_minutes_page(state, page) {
                Ok(filed) => return Ok(filed),
                Err(why) => {
                    prompt.refused = Some(Refusal {
                        happened: format!("The minutes could not be filed: {why}."),
                        safe: "Nothing is signed, and the key waits.".into(),
                        advice: "Make room in the station's folder, then press f.".into(),
                    });
                }
            }
            ask(people, &mut prompt, &mut |_| Ok(false)).map_err(Undone::Interrupted)?;
        }
    }

    /// Files a ceremony's minutes.
    fn file_minutes_page(&self, state: &State, page: &Minutes) -> Result<Filed, String> {
        self.file_report("minutes", &self.minutes_name(state), page)
    }

    /// Takes back what was filed just now and does not count.
    pub(super) fn unfile(&self, filed: &Filed) {
        // Where this fails the file is one too many; the journal has the digest
        // of the one that was signed.
        let _ = std::fs::remove_file(self.folder.join(&filed.path));
    }

    /// At the end: the transcript, signed by the station, and for a ceremony
    /// that was not closed also its minutes. What was filed, and the
    /// transcript's path.
    pub(super) fn file_minutes(&mut self, state: &State) -> Result<(Filed, String), String> {
        let engine = Engine::of(state).map_err(|e| e.to_string())?;
        let kept = self
            .minutes
            .take()
            .filter(|(ceremony, _)| *ceremony == state.ceremony);
        let filed = match kept
            .map(|(_, filed)| filed)
            .or_else(|| self.signed_minutes(state))
        {
            Some(filed) => filed,
            None => {
                let page =
                    self.minutes_page(engine.script(), state, "the last before this was filed");
                self.file_minutes_page(state, &page)?
            }
        };
        let signed = self
            .transcript(&engine, state, filed.sha256)
            .map_err(|e| e.to_string())?;
        let bytes = signed.to_file().map_err(|e| e.to_string())?;
        // Under its minutes' name, by which whoever verifies finds them: after
        // an interruption there may be others of this ceremony.
        let stem = Path::new(&filed.path).file_stem().unwrap_or_default();
        let stem = stem.to_string_lossy();
        let (_, stem) = stem.split_once('-').unwrap_or(("", &stem));
        let name = format!("{stem}.cbor");
        let transcript = self.file("minutes", &name, &bytes)?;
        Ok((filed, transcript))
    }

    /// The minutes that were signed when a ceremony was closed, by their digest:
    /// after an interruption the transcript names these and no others.
    fn signed_minutes(&self, state: &State) -> Option<Filed> {
        let id = Mandate::id_of(state.ceremony);
        let mandate: Mandate = self.door.vault().get(Compartment::Catalogue, id).ok()?;
        let signed = mandate.minutes?;
        let stem = self.minutes_name(state);
        let files = std::fs::read_dir(self.folder.join("minutes")).ok()?;
        files.flatten().find_map(|file| {
            let name = file.file_name().to_string_lossy().into_owned();
            let ours = name.contains(&stem) && name.ends_with(".pdf");
            let pdf = std::fs::read(file.path()).ok().filter(|_| ours)?;
            let sha256 = Hash(Sha256::digest(&pdf).into());
            (sha256 == signed).then(|| Filed {
                report: None,
                path: format!("minutes/{name}"),
                sha256,
            })
        })
    }

    /// Files what the ceremony that ended last has not filed: the program ended
    /// between its end and its transcript.
    pub(crate) fn file_late(&mut self) {
        let newest = |state: &State| state.results.iter().flat_map(|r| r.journal.clone()).max();
        let ended = self.ceremonies().into_iter().filter(|state| state.over);
        let Some(last) = ended.max_by_key(newest) else {
            return;
        };
        // Whoever logs out has seen what was filed: only a run that was cut off
        // leaves something to do, not one whose papers were put away since.
        let since = newest(&last).unwrap_or_default();
        let entries = self.door.vault().entries(since).unwrap_or_default();
        let mut headers = entries.iter().filter_map(|entry| entry.open_header().ok());
        if headers.any(|header| header.action == "logout") {
            return;
        }
        let stem = self.minutes_name(&last);
        let names = std::fs::read_dir(self.folder.join("minutes"));
        let filed = names.into_iter().flatten().flatten().any(|file| {
            let name = file.file_name().to_string_lossy().into_owned();
            // One without content was cut off while it was written.
            let written = file.metadata().is_ok_and(|data| data.len() > 0);
            name.contains(&stem) && name.ends_with(".cbor") && written
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
            .filter(|(id, _)| *id == ceremony)
            .map(|(_, filed)| filed.path.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_read_in_fours_and_entries_are_called_so() {
        let digest = "7CBEBB944830A13EEC501DA79142EB3C7492595E898DA63CFD891B1FA6C1EB0A";
        let said = in_fours(&format!("Script SHA-256 {digest}"));
        assert!(
            said.starts_with("Script SHA-256 7CBE BB94 4830 A13E EC50 "),
            "{said}"
        );
        assert_eq!(said.replace(' ', ""), format!("ScriptSHA-256{digest}"));
        assert_eq!(in_fours("journal 14, 15"), "journal 14, 15");
        let lines = [
            "Steps",
            "  1  first",
            minutes::JOURNAL,
            "    14  09:14 OUTCOME print",
        ];
        let columns: Vec<String> = steps(&lines.map(str::to_owned))
            .into_iter()
            .filter_map(|block| match block {
                Block::Table { columns, .. } => columns.first().map(|(title, _)| title.clone()),
                _ => None,
            })
            .collect();
        assert_eq!(columns, ["Step", "Entry"]);
    }
}
