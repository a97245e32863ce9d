//! Drives ceremonies: the engine says what comes next, the people answer, the
//! door acts.

mod backups;
pub(crate) mod begin;
mod close;
mod destroy;
mod eject;
mod enter;
pub(crate) mod exercise;
mod export;
pub(crate) mod fields;
mod found;
mod import;
mod import_parameters;
mod medium;
pub(crate) mod paper;
mod partner;
pub(crate) mod play;
mod print;
mod reissue;
pub(crate) mod rows;
mod shares;
pub(crate) mod typing;
mod unit;

use conclave_evidence::{GroupId, Id};
use conclave_keyroom::ports::dialogue::{People, Refusal};
use conclave_keyroom::vault::Compartment;
use conclave_trades::ceremony::engine::Engine;
use conclave_trades::ceremony::state::{Ending, State};

use crate::service::ActEnd;
use crate::station::Station;

impl Station {
    /// Both groups that a ceremony needs are logged on.
    pub(crate) fn ceremony_quorums(&self) -> Result<(), Refusal> {
        let open = self.door.vault().open_groups();
        let missing: Vec<String> = [GroupId::KeyManagers, GroupId::Approvers]
            .into_iter()
            .filter(|group| !open.contains(group))
            .map(|group| group.title().to_owned())
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Refusal {
            happened: format!("Not logged on: {}.", crate::words::list(&missing)),
            safe: "Nothing was begun.".into(),
            advice: "Both key managers and approvers log on first; the second group joins the \
                     session by its own logon."
                .into(),
        })
    }

    /// Begins a ceremony from a script.
    ///
    /// # Errors
    /// Why it cannot begin, or ended badly, in words.
    pub fn begin_ceremony(
        &mut self,
        file: &str,
        people: &mut dyn People,
    ) -> Result<ActEnd, Refusal> {
        self.ceremony_quorums()?;
        // Something may have been plugged in since the logon. What has begun
        // goes on: between a print and its seal there is no way back.
        if let Some(why) = self.unfit() {
            return Err(Refusal {
                happened: format!("This PRODUCTION station is not fit: {why}."),
                safe: "Nothing was begun.".into(),
                advice: "Put it right (F3 shows what to do), or let the administrators accept it."
                    .into(),
            });
        }
        let (script, bytes) = match self.data.script(file) {
            Ok(script) => script,
            Err(why) => {
                return Err(self.file_refused(
                    format!("The script {file} is refused: {why}."),
                    "Have the script corrected and reviewed, then choose it again.",
                ));
            }
        };
        let engine = Engine::new(&bytes).map_err(|e| self.refusal(&e.to_string()))?;
        let Some(state) = self.ask_beginning(&script, &engine, people)? else {
            return Ok(ActEnd::Stopped);
        };
        self.save(&state, vec![format!("{} begins", state.parameters.label)])?;
        // With the words for the forms that are printed.
        let engine = Engine::of(&state).map_err(|e| self.refusal(&e.to_string()))?;
        self.play(&engine, state, people)
    }

    /// A file of the station's folder that breaks a rule: journalled once,
    /// when somebody wanted to use it.
    fn file_refused(&mut self, happened: String, advice: &str) -> Refusal {
        // The refusal stands on the screen; a journal that cannot be written
        // shows at the next act.
        let _ = self.door.note("file-refused", happened.clone());
        Refusal {
            happened,
            safe: "Nothing was begun.".into(),
            advice: advice.into(),
        }
    }

    /// Goes on with an open ceremony, by its id in hex.
    ///
    /// # Errors
    /// Why it cannot go on, or ended badly, in words.
    pub fn resume_ceremony(
        &mut self,
        id: &str,
        people: &mut dyn People,
    ) -> Result<ActEnd, Refusal> {
        self.ceremony_quorums()?;
        let state: State = Id::from_hex(id)
            .and_then(|id| self.door.vault().get(Compartment::Catalogue, id).ok())
            .ok_or_else(|| self.refusal("there is no such ceremony"))?;
        let engine = Engine::of(&state).map_err(|e| self.refusal(&e.to_string()))?;
        if state.over {
            return Ok(ended(&state));
        }
        let found = self.found_in_journal(&engine, &state)?;
        let mut state = engine.resume(state, found);
        if self.components_died(&state) {
            state = engine.components_died(state);
        }
        self.save(
            &state,
            vec![format!("{} is resumed", state.parameters.label)],
        )?;
        self.play(&engine, state, people)
    }
}

/// What the screen says at the end.
fn ended(state: &State) -> ActEnd {
    let label = &state.parameters.label;
    let (title, lines) = match &state.ending {
        Some(Ending::Done) => (format!("{label}: done"), Vec::new()),
        Some(Ending::Void(why)) if state.parameters.split.is_some() => (
            format!("{label}: the new set is void"),
            vec![
                why.clone(),
                "The key and the sheets in custody are as they were. Destroy every sheet of the \
                 new set: a task says which."
                    .into(),
            ],
        ),
        Some(Ending::Aborted(why)) if state.parameters.split.is_some() => (
            format!("{label}: ended without a new set"),
            vec![
                why.clone(),
                "The key and its sheets are as they were.".into(),
            ],
        ),
        Some(Ending::Aborted(why))
            if state.parameters.shares.is_some() && state.parameters.existing().is_some() =>
        {
            (
                format!("{label}: not proven"),
                vec![
                    why.clone(),
                    "The key is as it was; nothing of what was typed is kept.".into(),
                ],
            )
        }
        Some(Ending::Aborted(why)) if state.parameters.destroy.is_some() => (
            format!("{label}: the destruction ended early"),
            vec![
                why.clone(),
                "What is recorded as destroyed is; the rest stays a task.".into(),
            ],
        ),
        Some(Ending::Void(why)) => (
            format!("{label}: the key is void"),
            vec![
                why.clone(),
                "Destroy every printed sheet under witness. Begin the ceremony again for a new \
                 key."
                    .into(),
            ],
        ),
        Some(Ending::Aborted(why)) if state.parameters.exercise.is_some() => (
            format!("{label}: the exercise ended early"),
            vec![
                why.clone(),
                "The key is as it was. A sheet that was opened has to be sealed again: hold the \
                 exercise again."
                    .into(),
            ],
        ),
        Some(Ending::Aborted(why)) => (
            format!("{label}: ended without a key"),
            vec![why.clone(), "Nothing has left the station.".into()],
        ),
        None => (format!("{label}: interrupted"), Vec::new()),
    };
    let good = matches!(state.ending, Some(Ending::Done));
    ActEnd::Done { good, title, lines }
}
