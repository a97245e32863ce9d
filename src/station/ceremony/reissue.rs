//! A key that is there gets new components, or shares: printed and sealed as the
//! components of a new key are.

use conclave_evidence::Id;
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::domain::template::KeyTemplate;
use conclave_keyroom::ports::dialogue::{Ask, People, Prompt, PromptLine, Refusal};
use conclave_keyroom::vault::{KeyTraits, KeysOf};
use conclave_trades::ceremony::action::{SplitKey, VoidSet};
use conclave_trades::ceremony::engine::Engine;
use conclave_trades::ceremony::script::{Purpose, Script};
use conclave_trades::ceremony::state::{Parameters, Reply, Split, State};
use conclave_trades::print::Layout;
use conclave_trades::print::check::LINE_BYTES;

use super::exercise::template;
use super::fields::{gave_up, keys_told, refused, text, told};
use super::play::reply_for;
use super::unit::layout_of;
use crate::cards::filled;
use crate::station::Station;

/// A key that may be split: in use or suspended, and of a kind that travels in
/// components, or has done so. RSA pairs are split where they were made for it, into
/// components and not into shares.
fn may_be_split(key: &KeyRecord, shares: bool) -> bool {
    key.state.keeps_sheets()
        && match key.rsa {
            Some(_) => key.leaves_in_components() && !shares,
            None => key.encrypts_keys() || !key.components.is_empty(),
        }
}

/// Who ever held which part of a key.
pub(super) fn ever_held(key: &KeyRecord) -> Vec<(Id, u8)> {
    let mut held: Vec<(Id, u8)> = key
        .parts_ever()
        .flat_map(|c| c.ever().map(|id| (id, c.index)))
        .collect();
    held.sort();
    held.dedup();
    held
}

impl Station {
    pub(super) fn ask_reissue(
        &mut self,
        script: &Script,
        refusal: Option<Refusal>,
        people: &mut dyn People,
    ) -> Result<Option<Parameters>, Refusal> {
        let shares = script.purpose == Purpose::Shares;
        // Found out now, not with the first part in the printer.
        self.may_be_printed(shares, (KeyForm::Tdes2, KeyForm::Tdes2.bytes()))?;
        let traits = KeyTraits::WRAPPING | KeyTraits::PARTS | KeyTraits::RSA;
        let mut keys = self.keys_of(KeysOf::Traits(traits));
        keys.retain(|key| may_be_split(key, shares));
        if keys.is_empty() {
            return Err(refused(
                "No key in use can be split into parts.",
                "Zone master keys are, and RSA pairs that were made for it; make or enter one first.",
            ));
        }
        let mut fields = vec![told("Key", keys_told(&keys))];
        if shares {
            fields.push(text("Shares", "3", "2 to 9", 1));
            fields.push(text("Needed", "2", "any so many of them make the key", 1));
        } else {
            fields.push(text("Components", "3", "2 to 9", 1));
        }
        let mut prompt = Prompt {
            code: "ceremony.parameters".into(),
            act: script.title.clone(),
            title: if shares {
                "Which key is shared".into()
            } else {
                "Which key gets new components".into()
            },
            lines: vec![PromptLine::note(script.summary.clone())],
            ask: Ask::Form {
                fields,
                submit: "go on to the people".into(),
                done: None,
            },
            waiting_for: "key managers".into(),
            safe: "yes, nothing is begun".into(),
            why: "These decisions are signed by both quorums, together with the script. Whoever \
                  ever held a part of the key may hold the same part again, and never another."
                .into(),
            refused: refusal,
            ..Prompt::default()
        };
        loop {
            let values = match filled(people, &mut prompt) {
                Ok(values) => values,
                Err(why) => return gave_up(why),
            };
            let value = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
            let key = keys.iter().find(|k| k.label == value(0));
            let count = value(1).trim().parse::<u8>();
            let quorum = match shares {
                true => value(2).trim().parse::<u8>().map(Some),
                false => Ok(None),
            };
            let (Some(key), Ok(components), Ok(quorum)) = (key, count, quorum) else {
                prompt.refused = Some(refused(
                    "Key and number of parts?",
                    "Choose a key, and 2 to 9 parts (R2).",
                ));
                continue;
            };
            if let Err(why) = self.may_be_printed(shares, (key.form, key.part_bytes())) {
                prompt.refused = Some(why);
                continue;
            }
            let template = match self.printed_as(key, shares) {
                Ok(template) => template,
                Err(why) => {
                    prompt.refused = Some(why);
                    continue;
                }
            };
            return Ok(Some(Parameters {
                label: key.label.clone(),
                template,
                components,
                delivery: None,
                requester: None,
                paper: None,
                import: None,
                exercise: None,
                split: Some(Split {
                    key: key.id,
                    quorum,
                }),
                destroy: None,
                shares: None,
                held: ever_held(key),
                blind: false,
                known_value: None,
            }));
        }
    }

    /// The form on which a part of so many bytes stands may be used, and has the lines.
    fn may_be_printed(
        &mut self,
        shares: bool,
        (form, bytes): (KeyForm, usize),
    ) -> Result<(), Refusal> {
        let layout = self.approved_layout(layout_of(shares.then_some(2), form));
        let has_room = layout.and_then(|text| {
            let layout = Layout::parse(&text).map_err(|why| why.to_string())?;
            let (room, lines) = (layout.value_lines(), bytes.div_ceil(LINE_BYTES));
            match room >= lines {
                true => Ok(()),
                false => Err(format!("it has {room} lines, and the value has {lines}")),
            }
        });
        has_room.map_err(|why| {
            self.file_refused(
                format!("The form may not be used: {why}."),
                "Have the layout corrected and reviewed.",
            )
        })
    }

    /// How the new parts are printed. Components of a master key come with the page
    /// for its panel, as the first ones did: its template says which.
    fn printed_as(&self, key: &KeyRecord, shares: bool) -> Result<KeyTemplate, Refusal> {
        let mut of_record = template(key);
        if shares || !key.is_panel_key() {
            return Ok(of_record);
        }
        let mut known = self.data.templates().into_iter();
        let made_by = known.find_map(|(_, known)| {
            known
                .ok()
                .filter(|known| known.stamp() == key.template && known.form == key.form)
        });
        of_record.panel = made_by.and_then(|known| known.panel);
        if of_record.panel.is_none() {
            return Err(refused(
                format!("The template {} is not on this station.", key.template),
                "It says which panel the master key is entered on: put its file back.",
            ));
        }
        Ok(of_record)
    }

    pub(super) fn do_split(
        &mut self,
        engine: &Engine,
        state: &State,
        title: &str,
        people: &mut dyn People,
    ) -> Reply {
        let Some(split) = &state.parameters.split else {
            return Reply::Failed("This ceremony splits nothing.".into());
        };
        let action = SplitKey {
            ceremony: state.ceremony,
            key: split.key,
            label: state.parameters.label.clone(),
            quorum: split.quorum,
            parts: Self::custodians(engine, state),
        };
        self.act_for_key(&action, title, people)
    }

    /// A re-issue that ends early: the new set is void, and nothing else.
    pub(super) fn end_set(
        &mut self,
        state: &State,
        key: Id,
        title: String,
        reason: &str,
        people: &mut dyn People,
    ) -> Reply {
        let action = VoidSet {
            ceremony: state.ceremony,
            title,
            key,
            reason: reason.to_owned(),
        };
        match self.act_words(&action, "end the ceremony", people) {
            Ok(words) => Reply::Did(self.did(words, self.newest_seq())),
            Err(undone) => reply_for(&undone),
        }
    }
}
