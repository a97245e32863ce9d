//! Adopting what was written while the station was locked, by a run of the
//! program that ended before anybody logged on: nobody vouches for it, so
//! administrators read it and sign.

use conclave_crypto::secret::Secret;
use conclave_evidence::locked::LockedRun;
use conclave_evidence::{GroupId, Hash};
use conclave_keyroom::door::{Action, ActionError, Authority, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::dialogue::{Ask, People, Prompt, PromptLine, Refusal};
use serde::{Deserialize, Serialize};

use crate::cards::ask;
use crate::front::TaskRow;
use crate::service::{ActEnd, stopped};
use crate::station::Station;
use crate::words;

/// So many entries stand on the screen; the journal has them all.
const SHOWN: usize = 10;

/// Adopts LOCKED entries that nobody vouches for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdoptEntries {
    /// First, last, and the hash of the last, of each run.
    pub runs: Vec<(u64, u64, Hash)>,
}

impl AdoptEntries {
    fn of(runs: &[LockedRun]) -> Self {
        Self {
            runs: runs.iter().map(|r| (r.first, r.last, r.entry)).collect(),
        }
    }
}

impl Action for AdoptEntries {
    const NAME: &'static str = "adopt-entries";
    type Out = ();

    fn authority(&self) -> Authority {
        Authority::Quorum(GroupId::Administrators)
    }

    fn words(&self) -> Vec<String> {
        self.runs
            .iter()
            .map(|(first, last, entry)| {
                let hash: String = entry.to_string().chars().take(16).collect();
                format!("Adopt journal entries {first} to {last}, the last one {hash}")
            })
            .collect()
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        if self.runs.is_empty() || *self != Self::of(&permit.vault().unauthenticated()) {
            return Err(ActionError::rule(
                "these are not the entries that nobody vouches for",
                "Read the journal again.",
            ));
        }
        Ok(())
    }
}

fn total(runs: &[LockedRun]) -> u64 {
    runs.iter().map(LockedRun::count).sum()
}

fn named(runs: &[LockedRun]) -> String {
    let names: Vec<String> = runs.iter().map(LockedRun::words).collect();
    words::list(&names)
}

impl Station {
    /// Adopts what nobody vouches for: the administrators read it and sign.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn adopt_entries(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.administrators_here()?;
        let runs = self.door.vault().unauthenticated();
        let Some(first) = runs.first().map(|run| run.first) else {
            return Err(Refusal {
                happened: "The station vouches for every entry of the journal.".into(),
                safe: "Nothing was changed.".into(),
                advice: "There is nothing to adopt.".into(),
            });
        };
        let entries = self
            .door
            .vault()
            .read_journal(first)
            .map_err(|e| self.refusal(&e.to_string()))?;
        let mut lines: Vec<PromptLine> = entries
            .into_iter()
            .filter(|entry| covers(&runs, entry.header.seq))
            .map(|entry| {
                let said = entry.body.map(|b| b.words.join("; ")).unwrap_or_default();
                PromptLine::note(format!(
                    "{}  {} {}  {}: {said}",
                    entry.header.seq,
                    words::date(entry.header.wall_ms),
                    words::clock(entry.header.wall_ms),
                    entry.header.action,
                ))
            })
            .collect();
        let more = lines.len().saturating_sub(SHOWN);
        if more > 0 {
            lines.truncate(SHOWN);
            lines.push(PromptLine::note(format!(
                "and {more} more: read them on the journal screen before you sign."
            )));
        }
        let mut prompt = Prompt {
            code: "adopt.read".into(),
            act: "Adopt journal entries".into(),
            title: format!("{} to read: {}", total(&runs), named(&runs)),
            lines,
            ask: Ask::Confirm {
                key: 'a',
                label: "read, go on to the signatures".into(),
            },
            waiting_for: "administrators".into(),
            safe: "yes, nothing is changed before the administrators have signed".into(),
            why: "Nobody was logged on when these were written, and the program ended before \
                  anybody was. Whoever had the disk could have written them, or taken others \
                  away. Adopting says that you have read them and accounted for them."
                .into(),
            ..Prompt::default()
        };
        if let Err(why) = ask(people, &mut prompt, &mut |_| Ok(false)) {
            return stopped(why);
        }
        let action = AdoptEntries::of(&runs);
        match self.act(&action, "Adopt journal entries", people) {
            Ok(()) => Ok(ActEnd::Done {
                good: true,
                title: "The entries are adopted".into(),
                lines: vec![format!("Adopted: {}.", named(&runs))],
            }),
            Err(undone) => self.undone(undone),
        }
    }

    /// The task, where there is something to adopt.
    pub(crate) fn adoption_task(&self) -> Option<TaskRow> {
        let runs = self.door.vault().unauthenticated();
        let count = total(&runs);
        (count > 0).then(|| TaskRow {
            due: "today".into(),
            days: 0,
            what: format!("read and adopt {count} unauthenticated journal entries"),
            who: GroupId::Administrators.title().into(),
            detail: vec![
                format!(
                    "Written while locked, by a run that ended: {}.",
                    named(&runs)
                ),
                "Administrators press a on the journal screen.".into(),
            ],
            resume: None,
        })
    }
}

/// TRUE when one of these runs has the entry of this number.
pub(crate) fn covers(runs: &[LockedRun], seq: u64) -> bool {
    runs.iter().any(|run| (run.first..=run.last).contains(&seq))
}
