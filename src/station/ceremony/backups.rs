//! Who is the backup of each component: another member of the custodian's
//! group, without a part in this ceremony and without a part of this key (R16).
//! Where there is one who can be it, that is who it is; where there are more,
//! the people choose; where there is nobody, the task list says so.

use conclave_evidence::Id;
use conclave_keyroom::domain::key::KeyRecord;
use conclave_keyroom::ports::dialogue::{Answer, Ask, Field, People, Prompt, PromptLine};
use conclave_keyroom::vault::Compartment;
use conclave_trades::ceremony::script::Script;
use conclave_trades::ceremony::state::{Player, State};

use super::fields::{one, refused};
use crate::cards::{Interrupted, ask};
use crate::station::Station;

/// What stands in a field where nobody is named.
const NOBODY: &str = "nobody";

/// A component without a backup, and who could be it.
struct Open {
    /// Its place among the custodians, from 0.
    at: usize,
    /// Which component, from 1.
    part: u8,
    custodian: String,
    may: Vec<Player>,
}

/// The people named for the open components, each for one; why not, in words.
fn named(open: &[Open], values: &[String]) -> Result<Vec<Option<Player>>, String> {
    let mut chosen: Vec<Option<Player>> = Vec::new();
    for (place, value) in open.iter().zip(values) {
        let player = place.may.iter().find(|p| p.name == *value).cloned();
        let twice = player
            .as_ref()
            .is_some_and(|p| chosen.iter().flatten().any(|c| c.id == p.id));
        if twice {
            return Err(format!(
                "{value} would be the backup of two components (R4)."
            ));
        }
        chosen.push(player);
    }
    // Nobody is named only where nobody is free.
    for (place, player) in open.iter().zip(&chosen) {
        let free = |p: &&Player| !chosen.iter().flatten().any(|c| c.id == p.id);
        if player.is_none()
            && let Some(free) = place.may.iter().find(free)
        {
            return Err(format!(
                "Component {} has no backup, and {} is free (R16).",
                place.part, free.name
            ));
        }
    }
    Ok(chosen)
}

impl Station {
    /// The backups of a ceremony's components, in their order; nothing where no
    /// component is handed out.
    pub(super) fn ask_backups(
        &self,
        script: &Script,
        state: &State,
        people: &mut dyn People,
    ) -> Result<Vec<Option<Player>>, Interrupted> {
        // Whose shares are typed keeps them as they are.
        if state.parameters.shares.is_some() {
            return Ok(Vec::new());
        }
        let custodians = self.cast_custodians(script, state);
        let open = self.without_backup(state, &custodians);
        let mut backups: Vec<Option<Player>> = vec![None; custodians.len()];
        let mut first: Vec<Player> = Vec::new();
        let mut fields: Vec<Field> = Vec::new();
        for place in &open {
            let taken = |p: &&Player| first.iter().all(|f| f.id != p.id);
            let next = place.may.iter().find(taken).cloned();
            let mut names: Vec<String> = place.may.iter().map(|p| p.name.clone()).collect();
            names.push(NOBODY.into());
            let value = next.as_ref().map_or(NOBODY, |p| p.name.as_str()).to_owned();
            let label = format!("{}, for {}", place.part, place.custodian);
            fields.push(one(&label, names, Some(value)));
            first.extend(next);
        }
        let preset: Vec<String> = fields.iter().map(|field| field.value.clone()).collect();
        let mut chosen = named(&open, &preset).ok();
        let choice = open.iter().any(|place| place.may.len() > 1);
        let mut prompt = Prompt {
            code: "ceremony.backups".into(),
            act: format!("{} {}", script.title, state.parameters.label),
            title: "Who is the backup of each component".into(),
            lines: vec![PromptLine::note(
                "Of the same group, without a part in this ceremony, and of one component only.",
            )],
            ask: Ask::Form {
                fields,
                submit: "go on to the script".into(),
                done: None,
            },
            waiting_for: "key managers".into(),
            safe: "yes, nothing is begun".into(),
            why: "When a custodian cannot come, the backup opens their package, and never \
                  another of this key."
                .into(),
            ..Prompt::default()
        };
        let mut settled = !choice;
        while !settled {
            let Answer::Fields(values) = ask(people, &mut prompt, &mut |_| Ok(false))? else {
                continue;
            };
            match named(&open, &values) {
                Ok(players) => {
                    chosen = Some(players);
                    settled = true;
                }
                Err(why) => prompt.refused = Some(refused(why, "Choose somebody else.")),
            }
        }
        for (place, player) in open.iter().zip(chosen.into_iter().flatten()) {
            if let Some(backup) = backups.get_mut(place.at) {
                *backup = player;
            }
        }
        Ok(backups)
    }

    fn cast_custodians<'s>(&self, script: &Script, state: &'s State) -> Vec<&'s Player> {
        let part = script.cast.iter().find(|part| part.source.is_custodian());
        let played = part.and_then(|part| state.cast.iter().find(|c| c.part == part.part));
        played
            .map(|c| c.people.iter().collect())
            .unwrap_or_default()
    }

    /// The components that have no backup, or whose backup is gone or takes
    /// over.
    fn without_backup(&self, state: &State, custodians: &[&Player]) -> Vec<Open> {
        let exercise = state.parameters.exercise.as_ref();
        let record: Option<KeyRecord> =
            exercise.and_then(|e| self.door.vault().get(Compartment::Catalogue, e.key).ok());
        let cast: Vec<Id> = state
            .cast
            .iter()
            .flat_map(|part| part.people.iter().map(|p| p.id))
            .collect();
        let mut open = Vec::new();
        for (turn, custodian) in (1u8..).zip(custodians) {
            let part = state.parameters.place(turn);
            let members = self.players(custodian.group);
            // Whoever is suspended is a member still, and comes back.
            let groups_of = |id: Id| self.door.vault().authority().map(|r| r.groups_of(id));
            let there = |id: Id| groups_of(id).is_ok_and(|all| all.contains(&custodian.group));
            let component = record.as_ref().and_then(|record| {
                let mut parts = record.in_custody(exercise.and_then(|e| e.set)).iter();
                parts.find(|c| c.index == part)
            });
            if let Some(component) = component {
                let takes_over = component.custodian != custodian.id && !there(component.custodian);
                let comes_once = component.custodian != custodian.id && !takes_over;
                let backup = component.backup.as_ref();
                if comes_once || (!takes_over && backup.is_some_and(|b| there(b.person))) {
                    continue;
                }
            }
            let other_part = |id: Id| {
                let held = state.parameters.held.iter();
                held.clone()
                    .any(|(person, index)| *person == id && *index != part)
            };
            let may: Vec<Player> = members
                .iter()
                .filter(|p| !cast.contains(&p.id) && !other_part(p.id))
                .filter(|p| component.is_none_or(|c| c.custodian != p.id))
                .filter(|p| self.may_be_custodian(p).is_ok())
                .cloned()
                .collect();
            open.push(Open {
                at: usize::from(turn - 1),
                part,
                custodian: custodian.name.clone(),
                may,
            });
        }
        open
    }
}
