//! A custody exercise: each sheet typed by its custodian, one at a time, and
//! compared with what the station kept of it.

use conclave_crypto::primitive::kcv::{Kcv, Method};
use conclave_crypto::secret::Secret;
use conclave_evidence::Id;
use conclave_keyroom::domain::form::KeyForm;
use conclave_keyroom::domain::key::{Component, ComponentState, KeyRecord};
use conclave_keyroom::domain::part_set::SetState;
use conclave_keyroom::domain::template::KeyTemplate;
use conclave_keyroom::door::Action;
use conclave_keyroom::ports::dialogue::{Answer, Ask, People, Prompt, PromptLine, Refusal};
use conclave_keyroom::provider::kind_of;
use conclave_keyroom::vault::{Compartment, KeyTraits, KeysOf};
use conclave_trades::ceremony::action::{ProveComponent, check_value};
use conclave_trades::ceremony::safe;
use conclave_trades::ceremony::script::Script;
use conclave_trades::ceremony::state::{Exercise, Parameters, Player, Reply, State};

use super::enter::left;
use super::fields::{choose, gave_up, refused};
use super::play::reply_for;
use super::reissue::ever_held;
use super::typing::{Untyped, Wanted};
use crate::cards::ask;
use crate::station::Station;

/// A sheet is typed once, and again at most three times.
const TYPINGS: usize = 4;

/// The sets of a key that are on paper in somebody's custody, each by what it
/// is called: its components, and shares that were printed here. Not those whose
/// packages are all in quarantine.
fn in_custody(key: &KeyRecord) -> Vec<(String, Option<Id>)> {
    let mut sets = Vec::new();
    if !key.state.keeps_sheets() {
        return sets;
    }
    let whole = |parts: &[Component]| whole(parts) && parts.iter().any(may_be_opened);
    if whole(&key.components) {
        sets.push((key.label.clone(), None));
    }
    for set in key.others.iter().filter(|s| s.state == SetState::Kept) {
        if whole(&set.parts) {
            let called = format!("{}, {}", key.label, set.words());
            sets.push((called, Some(set.ceremony)));
        }
    }
    sets
}

/// TRUE where every sheet of a set lies in a package of a recorded serial: then
/// an exercise can prove them.
pub(crate) fn whole(parts: &[Component]) -> bool {
    let kept = |c: &Component| c.state == ComponentState::Sealed;
    !parts.is_empty()
        && parts.iter().all(kept)
        && parts.iter().all(|c| usize::from(c.of) == parts.len())
}

/// FALSE for a package in quarantine: it stays as it was found (R11).
pub(crate) fn may_be_opened(part: &Component) -> bool {
    part.quarantine.is_none()
}

/// What the engine wants to know of a key: the record, as a template.
pub(super) fn template(key: &KeyRecord) -> KeyTemplate {
    let (name, version) = match key.template.split_once(" v") {
        Some(stamp) => stamp,
        None if key.form == KeyForm::Rsa => ("rsa-pair", "1"),
        None => ("key", "1"),
    };
    KeyTemplate {
        name: name.into(),
        version: version.parse().unwrap_or(1),
        title: key.template.clone(),
        form: key.form,
        usage: key.usage.clone(),
        mode_of_use: key.mode_of_use.clone(),
        exportability: key.exportability.clone(),
        cryptoperiod_days: 1,
        recipient_days: None,
        in_components: key.encrypts_keys(),
        wrapping: key.wrapping,
        panel: None,
    }
}

/// The exercise of a set: every sheet but those in quarantine, in their order.
fn exercise_of(key: &KeyRecord, set: Option<Id>) -> Exercise {
    let mut parts: Vec<&Component> = key.in_custody(set).iter().collect();
    parts.sort_by_key(|part| part.index);
    let (opened, passed): (Vec<&Component>, Vec<&Component>) =
        parts.into_iter().partition(|part| may_be_opened(part));
    let backup = |part: &&Component| part.backup.as_ref().map(|b| b.person);
    Exercise {
        key: key.id,
        holders: opened.iter().map(|part| part.custodian).collect(),
        serials: opened.iter().map(|part| part.envelope.clone()).collect(),
        backups: opened.iter().map(backup).collect(),
        set,
        passed_over: passed.iter().map(|part| part.index).collect(),
    }
}

impl Station {
    pub(super) fn ask_exercise(
        &mut self,
        script: &Script,
        refusal: Option<Refusal>,
        people: &mut dyn People,
    ) -> Result<Option<Parameters>, Refusal> {
        let keys = self.keys_of(KeysOf::Traits(KeyTraits::PARTS));
        let sets: Vec<(String, Option<Id>, &KeyRecord)> = keys
            .iter()
            .flat_map(|key| {
                let sets = in_custody(key).into_iter();
                sets.map(move |(called, set)| (called, set, key))
            })
            .collect();
        if sets.is_empty() {
            return Err(refused(
                "No key in use has components in custody that may be opened.",
                "An exercise is held on a key whose sheets all lie in recorded packages, and \
                 opens none in quarantine. Of typed sheets it is recorded first where they are: \
                 k, the key, w.",
            ));
        }
        let mut lines = vec![PromptLine::note(script.summary.clone())];
        lines.extend(sets.iter().filter_map(|(called, set, key)| {
            let words = exercise_of(key, *set).passed_over_words()?;
            Some(PromptLine::note(format!("! {called}: {words}.")))
        }));
        let mut prompt = Prompt {
            code: "ceremony.parameters".into(),
            act: script.title.clone(),
            title: "Whose sheets are to be proven".into(),
            lines,
            ask: Ask::Form {
                fields: vec![choose(
                    "Key",
                    sets.iter().map(|(called, ..)| called.clone()).collect(),
                )],
                submit: "go on to the people".into(),
                done: None,
            },
            waiting_for: "key managers".into(),
            safe: "yes, nothing is begun".into(),
            why: "These decisions are signed by both quorums, together with the script.".into(),
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
            let Some((_, set, key)) = sets.iter().find(|(called, ..)| called == chosen) else {
                prompt.refused = Some(refused("No key is chosen.", "Choose one."));
                continue;
            };
            let exercise = exercise_of(key, *set);
            return Ok(Some(Parameters {
                label: key.label.clone(),
                template: template(key),
                components: u8::try_from(exercise.holders.len()).unwrap_or(u8::MAX),
                delivery: None,
                requester: None,
                paper: None,
                import: None,
                exercise: Some(exercise),
                split: None,
                destroy: None,
                shares: None,
                blind: false,
                known_value: None,
                held: ever_held(key),
            }));
        }
    }

    pub(super) fn do_exercise(
        &mut self,
        state: &State,
        (turn, custodian, serial): (u8, &Player, &str),
        people: &mut dyn People,
    ) -> Reply {
        let index = state.parameters.place(turn);
        let Some(exercise) = &state.parameters.exercise else {
            return Reply::Failed("This ceremony proves nothing.".into());
        };
        let record: KeyRecord = match self.door.vault().get(Compartment::Catalogue, exercise.key) {
            Ok(record) => record,
            Err(error) => return Reply::Failed(error.to_string()),
        };
        let parts = record.in_custody(exercise.set);
        let typed = match self.type_sheet(state, (&record, parts), turn, custodian, people) {
            Ok(typed) => typed,
            Err(reply) => return reply,
        };
        let action = ProveComponent {
            ceremony: state.ceremony,
            key: record.id,
            label: record.label.clone(),
            set: exercise.set,
            index,
            custodian: custodian.clone(),
            backup: state.backup(turn),
            serial: serial.to_owned(),
            unreadable: typed.is_none(),
        };
        let title = format!("sheet {index} of {}", state.parameters.parts());
        match self.act_on(&action, typed.into_iter().collect(), &title, people) {
            Ok(proof) => {
                let mut words = action.words();
                words.extend(action.outcome(&proof));
                Reply::Did(self.did(words, self.newest_seq()))
            }
            Err(undone) => reply_for(&undone),
        }
    }

    /// The sheet as typed; nothing where it could not be read.
    fn type_sheet(
        &mut self,
        state: &State,
        (record, parts): (&KeyRecord, &[Component]),
        turn: u8,
        custodian: &Player,
        people: &mut dyn People,
    ) -> Result<Option<Secret>, Reply> {
        let index = state.parameters.place(turn);
        let Some(component) = parts.iter().find(|c| c.index == index) else {
            return Err(Reply::Failed("There is no such component.".into()));
        };
        let what = format!("{} {index}", state.parameters.part());
        let mut prompt = Prompt {
            code: "exercise.line".into(),
            act: format!("Custody exercise {}", record.label),
            title: state.parameters.title(turn),
            cast: vec![("custodian".into(), custodian.name.clone())],
            pauses: Some(record.label.clone()),
            waiting_for: custodian.name.clone(),
            safe: safe(state),
            why: "The sheet is compared with a commitment, and forgotten at once. No other \
                  component is ever beside it: the key is not put together."
                .into(),
            ..Prompt::default()
        };
        let of = match &record.rsa {
            Some(_) => format!("{}, a part of one prime", record.template),
            None => record.form.to_string(),
        };
        let usual = Method::usual(kind_of(record.form));
        let mut earlier: Option<Secret> = None;
        for typing in 1..=TYPINGS {
            prompt.lines = vec![PromptLine::note(match typing {
                1 => format!("{} types it from the sheet, {of}.", custodian.name),
                _ => "Once more: what differs from the last typing is named at once.".into(),
            })];
            let wanted = Wanted {
                what: what.clone(),
                bytes: record.part_bytes(),
                // The station's own form has them.
                check_letters: component.state == ComponentState::Sealed
                    && component.printed_ms.is_some(),
                earlier: earlier.as_ref(),
            };
            let value = match self.type_value(&wanted, &mut prompt, people) {
                Ok(value) => value,
                Err(Untyped::Wrong(_)) => return Ok(None),
                Err(Untyped::Interrupted(why)) => return Err(left(why)),
            };
            let same = Kcv::compute(usual, value.expose())
                .is_ok_and(|kcv| check_value(&kcv) == component.kcv);
            if same || typing == TYPINGS {
                return Ok(Some(value));
            }
            let happened = format!("{what}: what was typed is not the component.");
            self.mistyped(happened.clone());
            prompt.refused = Some(Refusal {
                happened,
                safe: "The sheet is not proven yet.".into(),
                advice: "Compare every group with the sheet, and type it again.".into(),
            });
            earlier = Some(value);
        }
        Ok(None)
    }
}
