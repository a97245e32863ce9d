//! Minutes of an act that is no ceremony: what was done, who signed, and which
//! entries of the journal say so, on a page and as a signed transcript. Filed
//! after the act, which stands whether or not the file does.

use conclave_evidence::transcript::{SignedTranscript, Transcript, TranscriptLine};
use conclave_evidence::{GroupId, Hash, Id};
use conclave_keyroom::door::Action;
use conclave_keyroom::ports::dialogue::People;
use conclave_keyroom::vault::VaultError;
use conclave_trades::ceremony::minutes::Minutes;
use sha2::{Digest, Sha256};

use crate::approve::Undone;
use crate::station::Station;

/// What the page is about.
pub(crate) struct Subject<'a> {
    /// `Make an RSA key`.
    pub title: &'a str,
    /// The key's label, in the files' names too.
    pub label: &'a str,
    /// What the transcript goes by: the key's id.
    pub id: Id,
}

impl Station {
    /// An act with minutes: what it gave, and where they are, in words.
    pub(crate) fn act_with_minutes<A: Action>(
        &mut self,
        action: &A,
        subject: &Subject<'_>,
        people: &mut dyn People,
    ) -> Result<(A::Out, String), Undone> {
        let before = self.newest_seq().unwrap_or(0);
        let out = self.act(action, subject.title, people)?;
        let words = action.words();
        let outcome = action.outcome(&out);
        let told = match self.file_act(subject, &words, &outcome, before + 1) {
            Ok(filed) => self.print_filed(&filed, people),
            Err(why) => format!("The minutes could not be filed: {why}. The journal has it all."),
        };
        Ok((out, told))
    }

    fn file_act(
        &self,
        subject: &Subject<'_>,
        words: &[String],
        outcome: &[String],
        since: u64,
    ) -> Result<crate::ceremony::paper::Filed, String> {
        let here = self.paper_station();
        let newest = self.newest_seq().unwrap_or(since);
        let numbered = words.iter().chain(outcome);
        let page = Minutes {
            title: format!("Minutes: {}: {}", subject.title, subject.label),
            station: here.name,
            mode: here.mode,
            facts: vec![
                ("Act".into(), subject.title.to_owned()),
                ("Key".into(), subject.label.to_owned()),
                ("Journal".into(), format!("entries {since} to {newest}")),
            ],
            people: self
                .signers
                .iter()
                .map(|(group, name)| (group.title().to_owned(), name.clone()))
                .collect(),
            lines: (1..)
                .zip(numbered)
                .map(|(number, line)| format!("{number:>2}  {line}"))
                .collect(),
            result: "Done. The cards' signatures over it stand in the journal.".into(),
            signatures: self
                .signers
                .iter()
                .map(|(group, name)| (signs_as(*group).to_owned(), name.clone()))
                .collect(),
        };
        let name = format!("{}-act-{newest}", subject.label);
        let filed = self.file_report("minutes", &name, &page)?;
        let signed = self
            .act_transcript(subject, &page, filed.sha256, since..=newest)
            .map_err(|e| e.to_string())?;
        let bytes = signed.to_file().map_err(|e| e.to_string())?;
        // Under its minutes' name, by which whoever verifies finds them.
        let stem = std::path::Path::new(&filed.path)
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy();
        let (_, stem) = stem.split_once('-').unwrap_or(("", &stem));
        self.file("minutes", &format!("{stem}.cbor"), &bytes)?;
        Ok(filed)
    }

    fn act_transcript(
        &self,
        subject: &Subject<'_>,
        page: &Minutes,
        minutes: Hash,
        entries: std::ops::RangeInclusive<u64>,
    ) -> Result<SignedTranscript, VaultError> {
        let vault = self.door.vault();
        let record = vault.authority()?;
        let text = page.transcript().join("\n");
        let names: Vec<String> = self.signers.iter().map(|(_, name)| name.clone()).collect();
        let mut lines = Vec::new();
        for seq in entries {
            let (header, entry) = vault.header_at(seq)?;
            lines.push(TranscriptLine {
                seq,
                entry,
                wall_ms: header.wall_ms,
                step: header.action,
                actors: names.clone(),
                words: String::new(),
                result: header.kind.name().into(),
            });
        }
        let transcript = Transcript {
            station: record.station,
            station_name: record.station_name.clone(),
            mode: record.mode,
            incarnation: record.incarnation,
            ceremony: subject.id,
            title: format!("{} {}", subject.title, subject.label),
            // There is no script: what the people read and signed stands in its
            // place.
            script_digest: Hash(Sha256::digest(text.as_bytes()).into()),
            script: text,
            lines,
            minutes_sha256: Some(minutes),
            authority: vault.authority_hash()?,
        };
        SignedTranscript::sign(&transcript, |digest| self.door.sign_transcript(digest))
    }
}

/// What stands below a line for a signature.
fn signs_as(group: GroupId) -> &'static str {
    match group {
        GroupId::KeyManagers => "key manager",
        GroupId::Approvers => "approver",
        _ => group.title(),
    }
}
