//! Minutes of an act that is no ceremony by a script: what was done, who signed, and
//! which entries of the journal say so, on a page and as a signed transcript. Filed
//! after the act, which stands whether or not the file does, and before a session that
//! the act ends: the station's own key signs the transcript.

use conclave_evidence::authority::AuthorityRecord;
use conclave_evidence::transcript::{SignedTranscript, Transcript, TranscriptLine};
use conclave_evidence::{GroupId, Hash, Id};
use conclave_keyroom::door::Action;
use conclave_keyroom::ports::dialogue::People;
use conclave_keyroom::vault::VaultError;
use conclave_trades::ceremony::minutes::Minutes;
use sha2::{Digest, Sha256};

use crate::approve::Undone;
use crate::cards::Held;
use crate::ceremony::paper::Filed;
use crate::station::Station;

/// Below the minutes of an act whose proposal the cards signed.
const IN_JOURNAL: &str = "Done. The cards' signatures over it stand in the journal.";
/// Below those of an export whose medium gave back other bytes.
pub(crate) const NOT_AS_WRITTEN: &str = "Signed and written, and it does NOT count: its medium gave \
                                         back other bytes. The cards' signatures stand in the \
                                         journal.";
/// Below those of a change of people, cards or groups.
pub(crate) const IN_RECORD: &str = "Done. The administrators' signatures stand in the authority \
                                    record, which every journal export and bundle carries.";

/// What the page is about.
pub(crate) struct Subject<'a> {
    /// `Make an RSA key`.
    pub title: &'a str,
    /// What it was done to, and what the page calls that: `Key` and the key's label.
    pub of: Option<(&'static str, &'a str)>,
    /// What the files' names begin with: a key's label, `members`, `backup`.
    pub file: &'a str,
    /// What the transcript goes by: a key's id. Nothing: the act's own in the journal.
    pub id: Option<Id>,
}

impl<'a> Subject<'a> {
    /// An act on one key.
    pub(crate) fn key(title: &'a str, label: &'a str, id: Id) -> Self {
        Self {
            title,
            of: Some(("Key", label)),
            file: label,
            id: Some(id),
        }
    }

    /// An act on people, cards, or the station as a whole.
    pub(crate) fn house(title: &'a str, file: &'a str) -> Self {
        Self {
            title,
            of: None,
            file,
            id: None,
        }
    }

    fn named(&self, between: &str) -> String {
        match self.of {
            Some((_, name)) => format!("{}{between}{name}", self.title),
            None => self.title.to_owned(),
        }
    }
}

/// What was done, for its minutes.
pub(crate) struct Done<'a> {
    /// What the page is about.
    pub subject: Subject<'a>,
    /// What the signers read, and what came of it.
    pub words: Vec<String>,
    /// Who signed it.
    pub signers: Vec<(GroupId, String)>,
    /// Who else had a part, and which: `received a new share`.
    pub others: Vec<(String, String)>,
    /// Its first journal entry.
    pub since: u64,
    /// Where the signatures over it are.
    pub result: &'static str,
}

impl<'a> Done<'a> {
    /// Of an act whose proposal those have signed, from this entry on; without a word yet.
    pub(crate) fn signed(
        subject: Subject<'a>,
        signers: Vec<(GroupId, String)>,
        since: u64,
    ) -> Self {
        Self {
            subject,
            words: Vec::new(),
            signers,
            others: Vec::new(),
            since,
            result: IN_JOURNAL,
        }
    }
}

impl Station {
    /// An act with minutes: what it gave, and where they are, in words.
    pub(crate) fn act_with_minutes<A: Action>(
        &mut self,
        action: &A,
        subject: Subject<'_>,
        people: &mut dyn People,
    ) -> Result<(A::Out, String), Undone> {
        let since = self.next_seq();
        let out = self.act(action, subject.title, people)?;
        let mut words = action.words();
        words.extend(action.outcome(&out));
        let told = self.file_signed(subject, words, since, people);
        Ok((out, told))
    }

    /// Minutes of an act that those have signed who signed last, from this entry on;
    /// where they are, in words.
    pub(crate) fn file_signed(
        &mut self,
        subject: Subject<'_>,
        words: Vec<String>,
        since: u64,
        people: &mut dyn People,
    ) -> String {
        let done = Done {
            words,
            ..Done::signed(subject, self.signers.clone(), since)
        };
        self.file_done(&done, people)
    }

    /// Minutes of what was done; where they are, in words.
    pub(crate) fn file_done(&mut self, done: &Done<'_>, people: &mut dyn People) -> String {
        match self.file_act(done) {
            Ok(filed) if self.may_print() => self.print_filed(&filed, people),
            Ok(filed) => format!("Filed as {}: print the file.", filed.path),
            Err(why) => format!("The minutes could not be filed: {why}. The journal has it all."),
        }
    }

    /// Those are logged on who have reports printed; the administrators alone print the
    /// file.
    fn may_print(&self) -> bool {
        let open = self.door.vault().open_groups();
        let both = [GroupId::KeyManagers, GroupId::Approvers];
        both.iter().all(|group| open.contains(group))
    }

    /// The number that the journal's next entry will have.
    pub(crate) fn next_seq(&self) -> u64 {
        self.newest_seq().map_or(0, |newest| newest + 1)
    }

    fn file_act(&self, done: &Done<'_>) -> Result<Filed, String> {
        let here = self.paper_station();
        let Done { subject, since, .. } = done;
        let newest = self.newest_seq().unwrap_or(*since);
        let mut facts = vec![("Act".to_owned(), subject.title.to_owned())];
        facts.extend(
            subject
                .of
                .map(|(what, name)| (what.into(), name.to_owned())),
        );
        facts.push(("Journal".into(), format!("entries {since} to {newest}")));
        let mut present: Vec<(String, String)> = done
            .signers
            .iter()
            .map(|(group, name)| (group.title().to_owned(), name.clone()))
            .collect();
        present.extend(done.others.iter().cloned());
        let page = Minutes {
            title: format!("Minutes: {}", subject.named(": ")),
            station: here.name,
            mode: here.mode,
            facts,
            people: present,
            lines: (1..)
                .zip(&done.words)
                .map(|(number, line)| format!("{number:>2}  {line}"))
                .collect(),
            result: done.result.into(),
            signatures: done
                .signers
                .iter()
                .map(|(group, name)| (signs_as(*group).to_owned(), name.clone()))
                .collect(),
        };
        let page = self.with_head(page, "the last of this act");
        let name = format!("{}-act-{newest}", subject.file);
        let filed = self.file_report("minutes", &name, &page)?;
        let signed = self
            .act_transcript(done, &page, filed.sha256, *since..=newest)
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
        done: &Done<'_>,
        page: &Minutes,
        minutes: Hash,
        entries: std::ops::RangeInclusive<u64>,
    ) -> Result<SignedTranscript, VaultError> {
        let vault = self.door.vault();
        let record = vault.authority()?;
        let text = page.transcript().join("\n");
        let names: Vec<String> = done.signers.iter().map(|(_, name)| name.clone()).collect();
        let mut lines = Vec::new();
        let mut act = None;
        for seq in entries {
            let (header, entry) = vault.header_at(seq)?;
            act = Some(header.act);
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
            ceremony: done.subject.id.or(act).unwrap_or(record.station),
            title: done.subject.named(" "),
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

/// The administrators whose cards signed a record, by name.
pub(crate) fn administrators(record: &AuthorityRecord, held: &[Held]) -> Vec<(GroupId, String)> {
    let cards = held.iter().filter_map(|held| record.card(held.guid));
    cards
        .map(|card| (GroupId::Administrators, card.person_name.clone()))
        .collect()
}

/// What stands below a line for a signature.
fn signs_as(group: GroupId) -> &'static str {
    match group {
        GroupId::Administrators => "administrator",
        GroupId::KeyManagers => "key manager",
        GroupId::Approvers => "approver",
        GroupId::Recovery => "recovery holder",
        _ => group.title(),
    }
}
