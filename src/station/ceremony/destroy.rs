//! Destroying the sheets of a set that another one replaced, or that became
//! void: unopened, one at a time, by two people.

use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::domain::part_set::{PartSet, SetState};
use conclave_keyroom::ports::dialogue::{Answer, Ask, People, Prompt, PromptLine, Refusal};
use conclave_keyroom::vault::{KeyTraits, KeysOf};
use conclave_trades::ceremony::action::DestroySheet;
use conclave_trades::ceremony::script::Script;
use conclave_trades::ceremony::state::{Destroy, Parameters, Player, Reply, State};

use super::exercise::template;
use super::fields::{choose, gave_up, refused};
use super::play::reply_for;
use super::reissue::ever_held;
use crate::cards::ask;
use crate::station::Station;

/// A set as it is chosen: `BANK-LAKE.ZMK.001, former, 3 components of 2026-11-25`.
fn name(key: &KeyRecord, set: &PartSet) -> String {
    let state = match set.state {
        SetState::Void => "void",
        _ => "former",
    };
    format!(
        "{}, {state} since {}, {}",
        key.label,
        crate::words::date(set.since_ms),
        set.words()
    )
}

impl Station {
    pub(super) fn ask_destroy(
        &mut self,
        script: &Script,
        refusal: Option<Refusal>,
        people: &mut dyn People,
    ) -> Result<Option<Parameters>, Refusal> {
        let keys = self.keys_of(KeysOf::Traits(KeyTraits::PARTS));
        let mut sets: Vec<(String, &KeyRecord, &PartSet)> = Vec::new();
        for key in &keys {
            for set in key.others.iter().filter(|s| !s.left().is_empty()) {
                let mut called = name(key, set);
                if sets.iter().any(|(other, ..)| *other == called) {
                    let ceremony: String = set.ceremony.to_string().chars().take(8).collect();
                    called = format!("{called}, C{ceremony}");
                }
                sets.push((called, key, set));
            }
        }
        if sets.is_empty() {
            return Err(refused(
                "No sheet waits for its destruction.",
                "Sheets become former when a key gets new ones.",
            ));
        }
        let mut prompt = Prompt {
            code: "ceremony.parameters".into(),
            act: script.title.clone(),
            title: "Which sheets are to be destroyed".into(),
            lines: vec![PromptLine::note(script.summary.clone())],
            ask: Ask::Form {
                fields: vec![choose(
                    "Sheets",
                    sets.iter().map(|(called, ..)| called.clone()).collect(),
                )],
                submit: "go on to the people".into(),
                done: None,
            },
            waiting_for: "key managers".into(),
            safe: "yes, nothing is begun".into(),
            why: "Nobody who ever held a part of the key destroys or witnesses here (R15).".into(),
            refused: refusal,
            ..Prompt::default()
        };
        loop {
            let values = match ask(people, &mut prompt, &mut |_| Ok(false)) {
                Ok(Answer::Fields(values)) => values,
                Ok(_) => continue,
                Err(why) => return gave_up(why),
            };
            let chosen = values.first().map(String::as_str).unwrap_or_default();
            let Some((_, key, set)) = sets.iter().find(|(called, ..)| called == chosen) else {
                prompt.refused = Some(refused("No set is chosen.", "Choose one."));
                continue;
            };
            let left = set.left();
            return Ok(Some(Parameters {
                label: key.label.clone(),
                template: template(key),
                components: u8::try_from(left.len()).unwrap_or(u8::MAX),
                delivery: None,
                requester: None,
                paper: None,
                import: None,
                exercise: None,
                split: None,
                destroy: Some(Destroy {
                    key: key.id,
                    set: set.ceremony,
                    parts: left.iter().map(|p| p.index).collect(),
                    serials: left.iter().map(|p| p.envelope.clone()).collect(),
                }),
                shares: None,
                held: ever_held(key),
                blind: false,
                known_value: None,
            }));
        }
    }

    pub(super) fn do_destroy(
        &mut self,
        state: &State,
        sheet: u8,
        serial: &str,
        by: &[Player],
        people: &mut dyn People,
    ) -> Reply {
        let destroy = state.parameters.destroy.as_ref();
        let at = usize::from(sheet.saturating_sub(1));
        let Some((destroy, index)) = destroy.and_then(|d| Some((d, *d.parts.get(at)?))) else {
            return Reply::Failed("There is no such sheet.".into());
        };
        let action = DestroySheet {
            ceremony: state.ceremony,
            key: destroy.key,
            label: state.parameters.label.clone(),
            set: destroy.set,
            index,
            serial: serial.to_owned(),
            by: by.to_vec(),
        };
        match self.act_words(&action, "record the destroyed sheet", people) {
            Ok(words) => Reply::Did(self.did(words, self.newest_seq())),
            Err(undone) => reply_for(&undone),
        }
    }
}
