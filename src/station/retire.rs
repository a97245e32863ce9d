//! A key out of use, and a key destroyed: which takes its place, or why; both
//! quorums sign.

use conclave_evidence::Id;
use conclave_keyroom::domain::key::{KeyRecord, KeySource, KeyState};
use conclave_keyroom::domain::label::LABEL_MAX;
use conclave_keyroom::ports::dialogue::{Answer, Ask, Field, People, Prompt, PromptLine, Refusal};
use conclave_keyroom::vault::KeysOf;
use conclave_trades::keys::{DeactivateKey, DestroyKey};
use conclave_trades::target::KeyName;

use crate::act_minutes::Subject;
use crate::cards::ask;
use crate::ceremony::begin::{choose, refused, text};
use crate::service::{ActEnd, stopped};
use crate::station::Station;

/// Of more keys than these the new one's label is typed: nobody looks through a
/// choice of hundreds.
const CHOICES: usize = 40;

fn takes_over(other: &KeyRecord, key: &KeyRecord) -> bool {
    other.state == KeyState::Active
        && other.id != key.id
        && other.usage == key.usage
        && other.created_ms >= key.created_ms
}

impl Station {
    /// Replaces a key: an RSA pair by a new one, another key by one that a
    /// ceremony has made already.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn replace_key(&mut self, id: Id, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.ceremony_quorums()?;
        let key = self.key_record(id)?;
        if key.rsa.is_some() && key.source == KeySource::Here {
            return self.make_rsa(Some(id), people);
        }
        let choice = self.choice_in_place_of(&key)?;
        let mut prompt = Prompt {
            code: "key.replace".into(),
            act: key.label.clone(),
            title: format!("{} goes out of use", key.label),
            ask: Ask::Form {
                fields: vec![choice],
                submit: "go on to the signatures".into(),
                done: None,
            },
            waiting_for: "key managers".into(),
            safe: "yes, nothing is changed".into(),
            why: "A key that was replaced makes nothing new; it is destroyed when nothing is left \
                  that it made."
                .into(),
            ..Prompt::default()
        };
        let chosen = match ask(people, &mut prompt, &mut |_| Ok(false)) {
            Ok(Answer::Fields(values)) => values.first().cloned().unwrap_or_default(),
            Ok(_) => String::new(),
            Err(why) => return stopped(why),
        };
        let Some(successor) = self
            .key_labelled(chosen.trim())
            .filter(|other| takes_over(other, &key))
        else {
            return Err(refused(
                format!(
                    "{:?} is no other active key for what {} is for, and not older.",
                    chosen.trim(),
                    key.label
                ),
                "Look for its label in the key list, and begin again.",
            ));
        };
        let action = DeactivateKey {
            key: KeyName::of(&key),
            successor: KeyName::of(&successor),
        };
        let subject = Subject::key("Take a key out of use", &key.label, key.id);
        match self.act_with_minutes(&action, subject, people) {
            Ok(((), filed)) => Ok(ActEnd::Done {
                good: true,
                title: format!("{} is deactivated", key.label),
                lines: vec![format!("{} is in its place.", successor.label), filed],
            }),
            Err(undone) => self.undone(undone),
        }
    }

    /// The field that asks for the key in this one's place: a choice among a
    /// few, or the label of one of many.
    fn choice_in_place_of(&self, key: &KeyRecord) -> Result<Field, Refusal> {
        let serving = KeysOf::Serving(&key.usage);
        let few = self
            .door
            .vault()
            .few_keys_of(serving, CHOICES)
            .map_err(|error| self.refusal(&error.to_string()))?;
        let Some(few) = few else {
            let hint = "the label of the new key";
            return Ok(text("In its place", "", hint, LABEL_MAX));
        };
        let others = few.into_iter().map(|(_, other)| other);
        let mut labels: Vec<String> = others
            .filter(|other| takes_over(other, key))
            .map(|other| other.label)
            .collect();
        labels.sort();
        if labels.is_empty() {
            return Err(refused(
                format!(
                    "No other active key is for what {} is for, and not older.",
                    key.label
                ),
                "Make or enter the new key first, with its ceremony.",
            ));
        }
        Ok(choose("In its place", labels))
    }

    /// Destroys a key: its value is erased, its record stays.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn destroy_key(&mut self, id: Id, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.ceremony_quorums()?;
        let key = self.key_record(id)?;
        let mut prompt = Prompt {
            code: "key.destroy".into(),
            act: key.label.clone(),
            title: format!("Destroy {}", key.label),
            lines: vec![PromptLine::note(format!(
                "{}, usage {}, {}, KCV {}",
                key.form,
                key.usage,
                key.state.words(),
                key.kcv.words()
            ))],
            ask: Ask::Form {
                fields: vec![text("Reason", "", "why, in one sentence", 100)],
                submit: "go on".into(),
                done: None,
            },
            waiting_for: "key managers".into(),
            safe: "yes, nothing is changed".into(),
            why: "A destroyed key does not come back. Backups and sheets have it until they are \
                  destroyed too."
                .into(),
            ..Prompt::default()
        };
        let reason = match ask(people, &mut prompt, &mut |_| Ok(false)) {
            Ok(Answer::Fields(values)) => values.first().cloned().unwrap_or_default(),
            Ok(_) => String::new(),
            Err(why) => return stopped(why),
        };
        prompt.code = "key.destroy.label".into();
        prompt.ask = Ask::Exactly {
            text: key.label.clone(),
        };
        match ask(people, &mut prompt, &mut |_| Ok(false)) {
            Ok(Answer::Word(word)) if word == key.label => {}
            Ok(_) => return Ok(ActEnd::Stopped),
            Err(why) => return stopped(why),
        }
        let action = DestroyKey {
            key: KeyName::of(&key),
            reason: reason.trim().to_owned(),
        };
        let subject = Subject::key("Destroy a key", &key.label, key.id);
        match self.act_with_minutes(&action, subject, people) {
            Ok((sheets, filed)) => {
                let mut lines = vec!["Its value is erased; its record stays.".to_owned()];
                if sheets > 0 {
                    lines.push(format!("Destroy its {sheets} sheets under witness."));
                }
                lines.push("Make a new backup, and destroy those that still have it.".into());
                lines.push(filed);
                Ok(ActEnd::Done {
                    good: true,
                    title: format!("{} is destroyed", key.label),
                    lines,
                })
            }
            Err(undone) => self.undone(undone),
        }
    }
}
