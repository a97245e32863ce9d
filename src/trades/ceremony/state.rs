//! A ceremony's record: everything the engine knows, and nothing secret.

use conclave_evidence::cbor::{self, CborError};
use conclave_evidence::{Bytes, GroupId, Hash, Id};
use conclave_keyroom::domain::key::{CheckValue, Holder};
use serde::{Deserialize, Serialize};

pub use super::decided::{
    Delivery, Destroy, Exercise, ImportFrom, KnownSet, Paper, Parameters, SharesIn, Split,
    WrappingKey,
};
pub use super::unit::{Did, Found, Reply, Signer, Unit};

/// A person who takes part, and in which capacity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Player {
    /// The person.
    pub id: Id,
    /// Their name.
    pub name: String,
    /// The group as whose member they act.
    pub group: GroupId,
    /// Their manager (R17); empty where nobody is above.
    pub reports_to: String,
}

/// A part and who plays it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CastPart {
    /// Its name in the script.
    pub part: String,
    /// Its people; of a custodian part, in the order of the components.
    pub people: Vec<Player>,
}

/// The key that the ceremony made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyMade {
    /// Its id.
    pub id: Id,
    /// Its check value.
    pub kcv: CheckValue,
}

/// An enrolled medium, as the driver found it in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediumHere {
    /// Its record.
    pub id: Id,
    /// Its name in the room.
    pub name: String,
}

/// An envelope in which a component was sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Which component.
    pub component: u8,
    /// The envelope's serial.
    pub serial: String,
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepResult {
    /// The step's id.
    pub step: String,
    /// Its title.
    pub title: String,
    /// Which component, in the repeat.
    pub component: Option<u8>,
    /// What was done, one line each.
    pub words: Vec<String>,
    /// Numbers of the journal entries that tell of it.
    pub journal: Vec<u64>,
    /// When it ended, wall clock; filled by the driver.
    pub ended_ms: Option<u64>,
}

/// Something went differently, and was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// At which step.
    pub step: String,
    /// Which component, in the repeat.
    pub component: Option<u8>,
    /// What happened, in the words of the people.
    pub words: String,
    /// Who witnessed it, with their card.
    pub witness: String,
}

/// Something that went wrong, and was done again or ended the ceremony: a value
/// typed wrong, a PIN, a unit that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedAttempt {
    /// At which step, from 1, repeats counted out: as screen and minutes count.
    pub step: u16,
    /// What failed, without a digit of what was typed.
    pub words: String,
}

/// How a ceremony ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// Every step is done.
    Done,
    /// The key is void, for this reason.
    Void(String),
    /// No key was made, for this reason.
    Aborted(String),
}

/// A refusal that the next prompt shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// What happened.
    pub happened: String,
    /// What is safe now.
    pub safe: String,
    /// What to do.
    pub advice: String,
}

/// The whole state of a ceremony, as the catalogue keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The ceremony's id.
    pub ceremony: Id,
    /// The script's exact bytes.
    pub script: Bytes,
    /// Their SHA-256.
    pub digest: Hash,
    /// What was requested.
    pub parameters: Parameters,
    /// Who takes part.
    pub cast: Vec<CastPart>,
    /// Who is the backup of each component from now on, in their order (R16).
    #[serde(default)]
    pub backups: Vec<Option<Player>>,
    /// The step at hand, from 0, repeats counted out.
    pub at: u16,
    /// The move inside the step, from 0.
    pub inside: u16,
    /// What was typed in this step so far. Serials and check values: no
    /// secrets.
    pub entries: Vec<String>,
    /// Failed tries of this step.
    pub tries: u8,
    /// What happened in this step so far, for its result.
    pub words: Vec<String>,
    /// Journal entries of this step so far.
    pub journal: Vec<u64>,
    /// A deviation that waits for its witness.
    pub deviation: Option<String>,
    /// What the next prompt has to explain.
    pub refused: Option<Refused>,
    /// The component between print and seal: an interruption voids the key.
    pub window: Option<u8>,
    /// The key, once it is made.
    pub key: Option<KeyMade>,
    /// The medium that was in its place when the export was begun: the one that the
    /// mandate names, or another in place of a condemned one.
    #[serde(default)]
    pub medium: Option<MediumHere>,
    /// Sealed envelopes.
    pub envelopes: Vec<Envelope>,
    /// Components that were typed in, and live in this session only.
    #[serde(default)]
    pub entered: Vec<u8>,
    /// What became of each step, in order.
    pub results: Vec<StepResult>,
    /// Recorded deviations.
    pub exceptions: Vec<Exception>,
    /// Attempts that failed, in order.
    #[serde(default)]
    pub failures: Vec<FailedAttempt>,
    /// How it ends; [`State::over`] says whether that is on record.
    pub ending: Option<Ending>,
    /// The ending is on record; nothing follows.
    pub over: bool,
}

/// How the exception ends of a package that is not destroyed.
pub(super) const SET_ASIDE: &str = "set aside unopened, in quarantine";

impl State {
    /// Who is to be the backup of this component, as records keep it.
    #[must_use]
    pub fn backup(&self, index: u8) -> Option<Holder> {
        let at = usize::from(index).checked_sub(1)?;
        let player = self.backups.get(at)?.as_ref()?;
        Some(Holder {
            person: player.id,
            name: player.name.clone(),
        })
    }

    /// `1 Pat, 2 none`; nothing where no component has a backup to be named.
    #[must_use]
    pub fn backup_words(&self) -> Option<String> {
        // An exercise names those that change; the others stay.
        let all = self.parameters.exercise.is_none();
        let turns = (1u8..).map(|turn| self.parameters.place(turn));
        let named = turns.zip(&self.backups);
        let words: Vec<String> = named
            .filter(|(_, backup)| all || backup.is_some())
            .map(|(index, backup)| {
                let name = backup
                    .as_ref()
                    .map_or("none", |player| player.name.as_str());
                format!("{index} {name}")
            })
            .collect();
        (!words.is_empty()).then(|| words.join(", "))
    }

    /// An attempt failed at the step at hand: in its result, and among those that
    /// failed.
    pub(super) fn fail(&mut self, words: &str) {
        self.words
            .push(format!("failed: {}", words.trim_end_matches('.')));
        self.failures.push(FailedAttempt {
            step: self.at.saturating_add(1),
            words: words.to_owned(),
        });
    }

    /// The attempts that failed, those of a step together: `step 18, twice: The
    /// entries are not the key's check value.`
    #[must_use]
    pub fn failed_words(&self) -> Vec<String> {
        let mut counted: Vec<(&FailedAttempt, usize)> = Vec::new();
        for failure in &self.failures {
            match counted.iter_mut().find(|(known, _)| *known == failure) {
                Some((_, times)) => *times += 1,
                None => counted.push((failure, 1)),
            }
        }
        let words = |(failure, times): (&FailedAttempt, usize)| {
            let times = match times {
                1 => "once".to_owned(),
                2 => "twice".to_owned(),
                n => format!("{n} times"),
            };
            format!("step {}, {times}: {}", failure.step, failure.words)
        };
        counted.into_iter().map(words).collect()
    }

    /// The record's kind in the catalogue.
    pub const KIND: &'static str = "ceremony";

    /// What the mandate covers beside the script: parameters and cast.
    ///
    /// # Errors
    /// [`CborError`]: a value that cannot be encoded; none of these is.
    pub fn parameters_digest(&self) -> Result<Hash, CborError> {
        cbor::digest(
            "conclave ceremony parameters 1",
            &(&self.parameters, &self.cast),
        )
    }

    /// Who has a part of the key in this ceremony, or ever had one, each once: none of
    /// them decides (R13).
    #[must_use]
    pub fn had_parts(&self) -> Vec<Id> {
        let players = self.cast.iter().flat_map(|part| &part.people);
        let custodians = players.filter(|player| player.group.is_custodian());
        let held = self.parameters.held.iter().map(|(id, _)| *id);
        let mut people: Vec<Id> = custodians.map(|player| player.id).chain(held).collect();
        people.sort();
        people.dedup();
        people
    }

    /// Its number on sheets and in names of files: `C` and the first eight hex digits of
    /// its id, so that nothing of it is taken for a group of a value.
    #[must_use]
    pub fn short(&self) -> String {
        let id: String = self.ceremony.to_string().chars().take(8).collect();
        format!("C{id}")
    }

    /// The envelope of a component, once it is sealed.
    #[must_use]
    pub fn sealed(&self, component: u8) -> Option<&Envelope> {
        self.envelopes.iter().find(|e| e.component == component)
    }
}
