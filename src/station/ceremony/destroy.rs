//! Destroying the sheets of a set that another one replaced, or that became
//! void: unopened, one at a time, by two people. A package that is another than
//! recorded is set aside, and the others are destroyed.

use conclave_keyroom::domain::key::{Component, KeyRecord};
use conclave_keyroom::domain::part_set::{PartSet, SetState};
use conclave_keyroom::ports::dialogue::{Answer, Ask, People, Prompt, PromptLine, Refusal};
use conclave_keyroom::vault::{Compartment, KeyTraits, KeysOf};
use conclave_trades::ceremony::action::DestroySheet;
use conclave_trades::ceremony::script::Script;
use conclave_trades::ceremony::state::{Destroy, Parameters, Player, Reply, State};
use conclave_trades::keys::QuarantinePackage;
use conclave_trades::target::KeyName;

use super::exercise::template;
use super::fields::{choose, gave_up, refused};
use super::play::reply_for;
use super::reissue::ever_held;
use crate::cards::ask;
use crate::station::Station;

/// Sheets that one ceremony destroys.
struct Sheets<'k> {
    /// As they are chosen.
    called: String,
    key: &'k KeyRecord,
    set: &'k PartSet,
    parts: Vec<&'k Component>,
}

/// What waits for its destruction: the sheets of each set together, and those in
/// quarantine each for itself, so that nobody destroys one by the way.
fn waiting(keys: &[KeyRecord]) -> Vec<Sheets<'_>> {
    let mut all: Vec<Sheets<'_>> = Vec::new();
    for key in keys {
        for set in &key.others {
            let state = match set.state {
                SetState::Void => "void",
                _ => "former",
            };
            let since = crate::words::date(set.since_ms);
            let (aside, parts): (Vec<_>, Vec<_>) =
                set.left().into_iter().partition(|p| p.quarantine.is_some());
            let mut found = Vec::new();
            if !parts.is_empty() {
                found.push((set.words(), parts));
            }
            let alone = |part: &'_ Component| format!("part {}, in quarantine", part.index);
            found.extend(aside.into_iter().map(|part| (alone(part), vec![part])));
            for (what, parts) in found {
                let mut called = format!("{}, {state} since {since}, {what}", key.label);
                if all.iter().any(|other| other.called == called) {
                    let ceremony: String = set.ceremony.to_string().chars().take(8).collect();
                    called = format!("{called}, C{ceremony}");
                }
                all.push(Sheets {
                    called,
                    key,
                    set,
                    parts,
                });
            }
        }
    }
    all
}

impl Station {
    pub(super) fn ask_destroy(
        &mut self,
        script: &Script,
        refusal: Option<Refusal>,
        people: &mut dyn People,
    ) -> Result<Option<Parameters>, Refusal> {
        let keys = self.keys_of(KeysOf::Traits(KeyTraits::PARTS));
        let sets = waiting(&keys);
        if sets.is_empty() {
            return Err(refused(
                "No sheet waits for its destruction.",
                "Sheets become former when a key gets new ones.",
            ));
        }
        let mut lines = vec![PromptLine::note(script.summary.clone())];
        let aside = |s: &Sheets<'_>| s.parts.iter().any(|part| part.quarantine.is_some());
        if sets.iter().any(aside) {
            lines.push(PromptLine::note(
                "! A package in quarantine is destroyed as it was found, and its serial is \
                 recorded. Choose it when it is known what happened: nobody looks at it again.",
            ));
        }
        let mut prompt = Prompt {
            code: "ceremony.parameters".into(),
            act: script.title.clone(),
            title: "Which sheets are to be destroyed".into(),
            lines,
            ask: Ask::Form {
                fields: vec![choose(
                    "Sheets",
                    sets.iter().map(|sheets| sheets.called.clone()).collect(),
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
            let Some(sheets) = sets.iter().find(|sheets| sheets.called == chosen) else {
                prompt.refused = Some(refused("No set is chosen.", "Choose one."));
                continue;
            };
            let (key, set, left) = (sheets.key, sheets.set, &sheets.parts);
            let recorded = |part: &&Component| {
                let certain = part.quarantine.is_none();
                part.package().filter(|_| certain).map(str::to_owned)
            };
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
                    serials: left.iter().map(recorded).collect(),
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
        let Some((destroy, index)) = sheet_of(state, sheet) else {
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

    /// The package that two read is another than recorded: it is in quarantine.
    pub(super) fn do_set_aside(
        &mut self,
        state: &State,
        sheet: u8,
        serial: &str,
        people: &mut dyn People,
    ) -> Reply {
        let Some((destroy, index)) = sheet_of(state, sheet) else {
            return Reply::Failed("There is no such sheet.".into());
        };
        let record: KeyRecord = match self.door.vault().get(Compartment::Catalogue, destroy.key) {
            Ok(record) => record,
            Err(error) => return Reply::Failed(error.to_string()),
        };
        let action = QuarantinePackage {
            key: KeyName::of(&record),
            set: Some(destroy.set),
            index,
            found: format!("{serial} on it, read by two before its destruction"),
        };
        match self.act_words(&action, "set the package aside", people) {
            Ok(words) => Reply::Did(self.did(words, self.newest_seq())),
            Err(undone) => reply_for(&undone),
        }
    }
}

/// Which part a turn is about.
fn sheet_of(state: &State, sheet: u8) -> Option<(&Destroy, u8)> {
    let destroy = state.parameters.destroy.as_ref()?;
    let at = usize::from(sheet).checked_sub(1)?;
    Some((destroy, *destroy.parts.get(at)?))
}
