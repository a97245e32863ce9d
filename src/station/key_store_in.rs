//! A key out of a partner's key store: the passphrase is typed in two halves,
//! by two people with their own cards.

use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::device::MediumRecord;
use conclave_keyroom::domain::template::KeyTemplate;
use conclave_keyroom::ports::dialogue::{Answer, Ask, People, Prompt, PromptLine, Refusal};
use conclave_trades::ceremony::state::Reply;
use conclave_trades::keys::{Becomes, FoundEntry, ImportStoreKey, RSA_USAGES, ReadStore};

use crate::cards::filled;
use crate::ceremony::begin::{choose, gave_up, one, refused, text};
use crate::exceptions::{known_value_field, reason_of};
use crate::service::{ActEnd, stopped};
use crate::station::Station;

/// The most characters of one half; a passphrase has 128 at most.
const HALF_MOST: usize = 64;

impl Station {
    /// Takes a key out of a key store on an enrolled medium.
    pub(crate) fn import_store(
        &mut self,
        media: &[MediumRecord],
        people: &mut dyn People,
    ) -> Result<ActEnd, Refusal> {
        let mut prompt = Prompt {
            code: "store.import".into(),
            act: "Import".into(),
            title: "A key of a partner's key store".into(),
            ask: Ask::Form {
                fields: vec![
                    text("Partner", "", "whose store it is, as on the letter", 40),
                    one(
                        "Medium",
                        media.iter().map(|m| m.name.clone()).collect(),
                        None,
                    ),
                    text("File", "", "in its folder IMPORT, for example lake.p12", 60),
                ],
                submit: "go on".into(),
                done: None,
            },
            waiting_for: "key managers".into(),
            safe: "yes, nothing is changed".into(),
            why: "Two people type the passphrase, a half each.".into(),
            ..Prompt::default()
        };
        let values = match filled(people, &mut prompt) {
            Ok(values) => values,
            Err(why) => return stopped(why),
        };
        let value = |at: usize| values.get(at).map(|v| v.trim()).unwrap_or_default();
        let medium = media.iter().find(|m| m.name == value(1));
        let medium = medium.ok_or_else(|| refused("On which medium?", "Choose one."))?;
        let read = ReadStore {
            medium: medium.id,
            file: value(2).to_owned(),
        };
        let [first, second] = self.typed_halves(value(2), people)?;
        let halves = || vec![first.duplicate(), second.duplicate()];
        let found = match self.act_on(&read, halves(), "Read a key store", people) {
            Ok(found) => found,
            Err(undone) => return self.undone(undone),
        };
        let Some((entry, mut action)) = self.ask_entry(&found, people)? else {
            return Ok(ActEnd::Stopped);
        };
        action.partner = value(0).to_owned();
        action.medium = read.medium;
        action.file = read.file;
        action.store = entry.store;
        match self.act_on(&action, halves(), "Import a key of a key store", people) {
            Ok(made) => {
                let mut lines = vec![
                    format!("{} ({})", entry.alias, entry.what),
                    format!("check value {}", made.kcv.words()),
                ];
                lines.extend(entry.unusual.iter().take(4).cloned());
                Ok(ActEnd::Done {
                    good: true,
                    title: format!("{} is here", action.label),
                    lines,
                })
            }
            Err(undone) => self.undone(undone),
        }
    }

    /// Each of two types a half, alone and masked. An empty one is a half of a
    /// passphrase that the partner did not divide.
    fn typed_halves(
        &mut self,
        file: &str,
        people: &mut dyn People,
    ) -> Result<[Secret; 2], Refusal> {
        let two = self.two_of_session()?;
        let mut typed = Vec::new();
        for (at, who) in (1..).zip(&two) {
            let mut prompt = Prompt {
                code: format!("store.half{at}.card"),
                act: "Import".into(),
                title: format!("The passphrase of {file}, half {at} of 2"),
                lines: vec![PromptLine::note(format!(
                    "{} types half {at} from their own paper; the other looks away.",
                    who.name
                ))],
                waiting_for: who.name.clone(),
                safe: "yes, nothing is changed".into(),
                why: "None of them opens the store alone.".into(),
                ..Prompt::default()
            };
            match self.identify(people, who, "type half of a passphrase", &mut prompt) {
                Reply::Identified(id) if id == who.id => {}
                Reply::Failed(why) => return Err(refused(why, "Begin again.")),
                _ => return Err(refused("It was given up.", "Begin again.")),
            }
            prompt.code = format!("store.half{at}");
            prompt.ask = Ask::Passphrase { most: HALF_MOST };
            match self.ask_watched(&mut prompt, people) {
                Ok(Answer::Secret(half)) => typed.push(half),
                _ => return Err(refused("It was given up.", "Begin again.")),
            }
        }
        typed
            .try_into()
            .map_err(|_| refused("Two halves are wanted.", "Begin again."))
    }

    /// Which entry, and what it becomes here. Where it comes from is filled in
    /// by the caller.
    fn ask_entry(
        &mut self,
        found: &[FoundEntry],
        people: &mut dyn People,
    ) -> Result<Option<(FoundEntry, ImportStoreKey)>, Refusal> {
        let Some(first) = found.first() else {
            return Err(refused(
                "There is no key with a name in this store.",
                "Ask the partner for another one.",
            ));
        };
        let mut kinds: Vec<String> = RSA_USAGES
            .iter()
            .map(|(usage, _, _, words)| format!("{usage} {words}"))
            .collect();
        let templates: Vec<KeyTemplate> = self
            .data
            .templates()
            .into_iter()
            .filter_map(|(_, template)| template.ok())
            .filter(|t| t.usage.starts_with('M') || t.usage.starts_with('D'))
            .collect();
        kinds.extend(templates.iter().map(|t| t.name.clone()));
        let words = |entry: &FoundEntry| format!("{}: {}", entry.alias, entry.what);
        let mut prompt = Prompt {
            code: "store.entry".into(),
            act: "Import".into(),
            title: "Which key, and as what?".into(),
            lines: first
                .unusual
                .iter()
                .take(3)
                .map(|line| PromptLine::note(line.clone()))
                .collect(),
            ask: Ask::Form {
                fields: vec![
                    choose("Entry", found.iter().map(words).collect()),
                    text("Label", "", "for example BANK-LAKE.DATA.001", 40),
                    choose("As", kinds),
                    text("Days", "365", "cryptoperiod of a pair, at most 730", 3),
                    text(
                        "Check",
                        "",
                        "check value, or 16 digits of a pair's fingerprint",
                        16,
                    ),
                    known_value_field(),
                ],
                submit: "go on to the signatures".into(),
                done: None,
            },
            waiting_for: "key managers".into(),
            safe: "yes, nothing is changed".into(),
            why: "The check value comes by another way than the store. Both quorums sign.".into(),
            ..Prompt::default()
        };
        loop {
            let values = match filled(people, &mut prompt) {
                Ok(values) => values,
                Err(why) => return gave_up(why),
            };
            let value = |at: usize| values.get(at).map(|v| v.trim()).unwrap_or_default();
            let Some(entry) = found.iter().find(|entry| words(entry) == value(0)) else {
                prompt.refused = Some(refused("Which entry?", "Choose one."));
                continue;
            };
            let template = templates.iter().find(|t| t.name == value(2));
            if template.is_none() != entry.pair {
                prompt.refused = Some(refused(
                    format!("{} is a {}.", entry.alias, entry.what),
                    "A pair becomes a usage with two characters, a secret key one of the templates.",
                ));
                continue;
            }
            let key = self
                .door
                .new_id()
                .map_err(|e| self.refusal(&e.to_string()))?;
            let action = ImportStoreKey {
                key,
                label: value(1).to_owned(),
                partner: String::new(),
                medium: key,
                file: String::new(),
                store: entry.store,
                alias: entry.alias.clone(),
                becomes: match template {
                    Some(template) => Becomes::Key(Box::new(template.clone())),
                    None => Becomes::Pair {
                        usage: value(2).chars().take(2).collect(),
                        days: value(3).parse().unwrap_or(0),
                    },
                },
                check: value(4).replace(' ', "").to_uppercase(),
                known_value: reason_of(value(5)),
            };
            return Ok(Some((entry.clone(), action)));
        }
    }
}
