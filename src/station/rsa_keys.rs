//! RSA pairs and partners' public keys: made, replaced, exported, taken.

use conclave_evidence::words::in_words;
use conclave_evidence::{Bytes, Hash, Id};
use conclave_keyroom::domain::device::MediumRecord;
use conclave_keyroom::domain::key::{KeyRecord, KeySource};
use conclave_keyroom::door::Action;
use conclave_keyroom::ports::dialogue::{
    Answer, Ask, Field, People, Prompt, PromptLine, Refusal, Show,
};
use conclave_keyroom::vault::Compartment;
use conclave_trades::keys::{
    ExportPublic, GenerateRsa, ImportPublic, RSA_USAGES, ReadPublic, fingerprint_hex,
};
use conclave_trades::target::{IMPORT_FOLDER, KeyName, next_bundle};

use crate::act_minutes::{Done, NOT_AS_WRITTEN, Subject};
use crate::cards::{Interrupted, ask};
use crate::ceremony::begin::{choose, one, refused, sole, text};
use crate::hand_over::read_aloud;
use crate::service::{ActEnd, stopped};
use crate::station::Station;
use crate::void_bundle::counts_no_more;

/// Lengths, the usual one first.
const SIZES: [&str; 3] = ["3072", "2048", "4096"];

/// What becomes of a private half.
const STAYS: &str = "never leaves";
pub(crate) const LEAVES: &str = "may leave in a key store";
const ON_PAPER: &str = "may leave in printed components";

fn usages() -> Vec<String> {
    RSA_USAGES
        .iter()
        .map(|(usage, _, _, words)| format!("{usage} {words}"))
        .collect()
}

/// `S0 signatures`: the usage alone.
fn usage(chosen: &str) -> String {
    chosen.chars().take(2).collect()
}

/// A fingerprint in groups of four, four lines of four.
pub(crate) fn groups(fingerprint: &Hash) -> Vec<String> {
    let hex = fingerprint_hex(fingerprint);
    let characters: Vec<char> = hex.chars().collect();
    characters
        .chunks(16)
        .map(|line| {
            let groups: Vec<String> = line.chunks(4).map(|g| g.iter().collect()).collect();
            groups.join(" ")
        })
        .collect()
}

fn form(code: &str, title: &str, fields: Vec<Field>) -> Prompt {
    Prompt {
        code: code.into(),
        act: "RSA key".into(),
        title: title.into(),
        ask: Ask::Form {
            fields,
            submit: "go on".into(),
            done: None,
        },
        waiting_for: "key managers".into(),
        safe: "yes, nothing is changed".into(),
        why: "Both quorums sign what stands here.".into(),
        ..Prompt::default()
    }
}

impl Station {
    fn fields(
        &self,
        prompt: &mut Prompt,
        people: &mut dyn People,
    ) -> Result<Vec<String>, Interrupted> {
        loop {
            if let Answer::Fields(values) = ask(people, prompt, &mut |_| Ok(false))? {
                return Ok(values);
            }
        }
    }

    pub(crate) fn key_record(&self, id: Id) -> Result<KeyRecord, Refusal> {
        self.door
            .vault()
            .get_kind(Compartment::Catalogue, KeyRecord::KIND, id)
            .map_err(|e| self.refusal(&e.to_string()))
    }

    /// Makes an RSA pair; in the place of another, where one is named.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn make_rsa(
        &mut self,
        replaces: Option<Id>,
        people: &mut dyn People,
    ) -> Result<ActEnd, Refusal> {
        self.ceremony_quorums()?;
        let old = replaces.map(|id| self.key_record(id)).transpose()?;
        let mut fields = vec![
            text("Label", "", "for example OUR.RSA.001", 40),
            one("Bits", SIZES.map(str::to_owned).to_vec(), None),
            text("Days", "365", "cryptoperiod, at most 730", 3),
        ];
        if old.is_none() {
            fields.push(choose("Usage", usages()));
        }
        fields.push(one(
            "Private half",
            [STAYS, LEAVES, ON_PAPER].map(str::to_owned).to_vec(),
            None,
        ));
        let title = match &old {
            Some(old) => format!("A new pair in the place of {}", old.label),
            None => "A new RSA pair".to_owned(),
        };
        let mut prompt = form("rsa.new", &title, fields);
        let values = match self.fields(&mut prompt, people) {
            Ok(values) => values,
            Err(why) => return stopped(why),
        };
        let value = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
        let key = self
            .door
            .new_id()
            .map_err(|e| self.refusal(&e.to_string()))?;
        let action = GenerateRsa {
            key,
            label: value(0).trim().to_owned(),
            bits: value(1).parse().unwrap_or(0),
            usage: old
                .as_ref()
                .map_or_else(|| usage(value(3)), |o| o.usage.clone()),
            days: value(2).trim().parse().unwrap_or(0),
            exportable: values.last().is_some_and(|last| last == LEAVES),
            in_components: values.last().is_some_and(|last| last == ON_PAPER),
            predecessor: old.as_ref().map(KeyName::of),
        };
        let subject = Subject::key("Make an RSA key", &action.label, key);
        match self.act_with_minutes(&action, subject, people) {
            Ok((fingerprint, filed)) => {
                let mut lines = vec!["Fingerprint, SHA-256:".to_owned()];
                lines.extend(groups(&fingerprint));
                lines.push(match (action.exportable, action.in_components) {
                    (true, _) => "The private half may leave in a key store: h. u exports the public half.",
                    (false, true) => "The private half may leave in components: c, n, Re-issue. u exports the public half.",
                    (false, false) => "The private half has no way out. u exports the public half.",
                }.into());
                lines.extend(old.map(|old| format!("{} is deactivated.", old.label)));
                lines.push(filed);
                Ok(ActEnd::Done {
                    good: true,
                    title: format!("{} is made", action.label),
                    lines,
                })
            }
            Err(undone) => self.undone(undone),
        }
    }

    /// The public half of a pair leaves on an enrolled medium, its fingerprint
    /// read back by two.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn export_public(&mut self, id: Id, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.ceremony_quorums()?;
        let key = self.key_record(id)?;
        let Some(facts) = key.rsa.clone().filter(|_| key.source == KeySource::Here) else {
            return Err(refused(
                format!("{} is no RSA pair of this station.", key.label),
                "e makes a letter of a symmetric key; a ceremony exports one.",
            ));
        };
        let media = self.media_or_none()?;
        let plates = media.iter().map(|m| m.name.clone()).collect();
        let mut prompt = form(
            "rsa.export",
            &format!("The public half of {}", key.label),
            vec![
                text("Recipient", "", "for whom, for example BANK-LAKE", 40),
                sole("Medium", plates),
            ],
        );
        let values = match self.fields(&mut prompt, people) {
            Ok(values) => values,
            Err(why) => return stopped(why),
        };
        let value = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
        let Some(medium) = media.iter().find(|m| m.name == value(1)).cloned() else {
            return Err(refused("To which medium?", "Choose one."));
        };
        if let Err(why) = self.show_fingerprint(&key.label, &facts.fingerprint, people) {
            return stopped(why);
        }
        let known = Some(facts.fingerprint);
        let (fingerprint, by) =
            self.typed_fingerprint(&key.label, "the paper just written", known, people)?;
        let action = ExportPublic {
            bundle: next_bundle(self.door.vault()).map_err(|e| self.refusal(&e.to_string()))?,
            key: KeyName::of(&key),
            fingerprint,
            by,
            recipient: value(0).trim().to_owned(),
            medium: medium.id,
            medium_name: medium.name.clone(),
            serial: medium.serial,
        };
        let subject = Subject::key("Export a public key", &key.label, key.id);
        let since = self.next_seq();
        match self.act(&action, subject.title, people) {
            Ok(out) => {
                let mut done = Done::signed(subject, self.signers.clone(), since);
                let again = self.read_after_replug(action.bundle, &medium.name, people);
                // What is filed, and perhaps printed, knows what came of that.
                done.words = action.words();
                done.words.extend(action.outcome(&out));
                done.words.extend(again.lines.iter().cloned());
                if again.void {
                    done.result = NOT_AS_WRITTEN;
                }
                let filed = self.file_done(&done, people);
                if again.void {
                    let mut lines = again.lines;
                    lines.push(filed);
                    return Ok(counts_no_more(action.bundle, lines));
                }
                let mut lines = vec![
                    format!("{} on {}", out.folder, medium.name),
                    "PEM, DER, and the pair's own signature over the DER.".to_owned(),
                ];
                lines.extend(again.lines);
                lines.extend(read_aloud(&out.digest, &out.text));
                lines.push(filed);
                Ok(ActEnd::Done {
                    good: again.good,
                    title: format!("The public half of {} has left", key.label),
                    lines,
                })
            }
            Err(undone) => self.undone(undone),
        }
    }

    pub(crate) fn media_or_none(&self) -> Result<Vec<MediumRecord>, Refusal> {
        let media = self.enrolled_media();
        if media.is_empty() {
            return Err(refused(
                "No medium is enrolled.",
                "Administrators enrol one on the devices screen.",
            ));
        }
        Ok(media)
    }

    fn show_fingerprint(
        &mut self,
        label: &str,
        fingerprint: &Hash,
        people: &mut dyn People,
    ) -> Result<(), Interrupted> {
        let mut lines = vec![PromptLine::note(
            "Both write it down; then each types it back from their own paper.",
        )];
        lines.extend(groups(fingerprint).into_iter().map(PromptLine::note));
        let mut prompt = Prompt {
            code: "rsa.fingerprint".into(),
            act: label.to_owned(),
            title: format!("The fingerprint of {label}, SHA-256"),
            lines,
            show: Some(Show::Words {
                of: "fingerprint".into(),
                words: in_words(&fingerprint.0)
                    .into_iter()
                    .map(str::to_owned)
                    .collect(),
            }),
            ask: Ask::Read,
            waiting_for: "everybody here".into(),
            safe: "yes, nothing is signed yet".into(),
            why: "The partner hears these words or groups by another way than the file comes."
                .into(),
            ..Prompt::default()
        };
        ask(people, &mut prompt, &mut |_| Ok(false)).map(|_| ())
    }

    /// Takes a partner's public key from an enrolled medium, if it has the
    /// fingerprint that two type from the partner's letter.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn import_public(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.ceremony_quorums()?;
        let media = self.media_or_none()?;
        match self.asks_for_a_store(people) {
            Ok(true) => return self.import_store(&media, people),
            Ok(false) => {}
            Err(why) => return stopped(why),
        }
        let plates = media.iter().map(|m| m.name.clone()).collect();
        let mut prompt = form(
            "rsa.import",
            "A partner's public key",
            vec![
                text("Label", "", "for example BANK-LAKE.RSA.001", 40),
                text("Partner", "", "whose key it is, as on the letter", 40),
                choose("Usage", usages()),
                text("Days", "365", "cryptoperiod, at most 730", 3),
                sole("Medium", plates),
                text("File", "", "in its folder IMPORT, for example lake.pem", 60),
            ],
        );
        let values = match self.fields(&mut prompt, people) {
            Ok(values) => values,
            Err(why) => return stopped(why),
        };
        let value = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
        let Some(medium) = media.iter().find(|m| m.name == value(4)) else {
            return Err(refused(
                "On which medium?",
                &format!("The file lies in the folder {IMPORT_FOLDER} of an enrolled one."),
            ));
        };
        let read = ReadPublic {
            medium: medium.id,
            file: value(5).trim().to_owned(),
        };
        let spki: Bytes = match self.act(&read, "Read a public key", people) {
            Ok(spki) => spki,
            Err(undone) => return self.undone(undone),
        };
        let label = value(0).trim().to_owned();
        let (fingerprint, by) =
            self.typed_fingerprint(&label, "the partner's letter", None, people)?;
        let key = self
            .door
            .new_id()
            .map_err(|e| self.refusal(&e.to_string()))?;
        let action = ImportPublic {
            key,
            label: label.clone(),
            partner: value(1).trim().to_owned(),
            usage: usage(value(2)),
            days: value(3).trim().parse().unwrap_or(0),
            spki,
            fingerprint,
            by,
        };
        let subject = Subject::key("Import a public key", &label, key);
        match self.act_with_minutes(&action, subject, people) {
            Ok(((), filed)) => {
                let mut lines = vec!["It has the fingerprint that two typed:".to_owned()];
                lines.extend(groups(&fingerprint));
                lines.push(filed);
                Ok(ActEnd::Done {
                    good: true,
                    title: format!("{label} is here"),
                    lines,
                })
            }
            Err(undone) => self.undone(undone),
        }
    }
}
