//! Plays a script: state in, reply in, step out. No clock, no randomness, no
//! effect.
//!
//! The driver saves the state after every reply, shows what [`Engine::next`]
//! gives, and carries units through the door. After a restart it asks the
//! journal about the unit at hand and calls [`Engine::resume`].

use conclave_evidence::{Bytes, Id};
use conclave_keyroom::domain::one_manager::OneManager;
use conclave_keyroom::ports::dialogue::Prompt;

use super::custody::{self, CustodyError};
use super::moves::{Move, Press, moves, people};
use super::parameters::check_parameters;
use super::prompts;
use super::script::{End, OnDeviation, Script, ScriptStep, Verb};
use super::script_error::ScriptError;
use super::state::{
    CastPart, Did, Ending, Envelope, Exception, Found, Parameters, Player, Reply, SET_ASIDE, State,
    StepResult, Unit,
};
use super::told::done_words;
use super::turns::{failed, finish, restart, type_in, void_window};

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Show this and give the answer back.
    Ask(Box<Prompt>),
    /// Have this person's card answer a challenge, with its PIN; then
    /// [`Reply::Identified`].
    Identify {
        /// Who.
        person: Player,
        /// What for, beside the PIN: `type the envelope serial`.
        purpose: String,
        /// The screen meanwhile; asks for the card.
        prompt: Box<Prompt>,
    },
    /// Show this; when the key is pressed, look whether the medium is in its place:
    /// then [`Reply::Medium`] or [`Reply::NotReady`].
    Medium {
        /// It is the one that was written, to be read again; else one that is to be
        /// written.
        again: bool,
        /// The question.
        prompt: Box<Prompt>,
    },
    /// Do this through the door; then [`Reply::Did`], [`Reply::Failed`],
    /// [`Reply::NotReady`] or [`Reply::Interrupted`].
    Perform(Unit),
    /// Every step is done; what was done, in words.
    Done(Vec<String>),
    /// The key is void: why.
    Void(String),
    /// The ceremony ended, and no key was made: why.
    Aborted(String),
}

/// Why a ceremony cannot start, or a stored one cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CeremonyError {
    /// The script.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// The stored script is not the one that was approved.
    #[error("the ceremony's script does not match its digest")]
    Digest,
    /// Label, template, number of components or delivery.
    #[error("{0}")]
    Parameters(String),
    /// A part is not played, or not by the right people.
    #[error("{part}: {detail}")]
    Cast {
        /// The part.
        part: String,
        /// What is wrong.
        detail: String,
    },
    /// A rule of custody.
    #[error(transparent)]
    Custody(#[from] CustodyError),
}

/// The engine for one script.
#[derive(Clone, Debug)]
pub struct Engine {
    script: Script,
    bytes: Vec<u8>,
}

impl Engine {
    /// Reads and validates a script.
    ///
    /// # Errors
    /// [`ScriptError`]
    pub fn new(bytes: &[u8]) -> Result<Self, ScriptError> {
        Ok(Self {
            script: Script::parse(bytes)?,
            bytes: bytes.to_vec(),
        })
    }

    /// The engine of a stored ceremony.
    ///
    /// # Errors
    /// [`CeremonyError::Digest`] or [`CeremonyError::Script`]
    pub fn of(state: &State) -> Result<Self, CeremonyError> {
        let engine = Self::new(&state.script)?;
        if engine.script.digest != state.digest {
            return Err(CeremonyError::Digest);
        }
        Ok(Self {
            script: engine.script.played(state.parameters.blind),
            bytes: engine.bytes,
        })
    }

    /// The script.
    #[must_use]
    pub fn script(&self) -> &Script {
        &self.script
    }

    /// A new ceremony, if parameters and cast keep the rules.
    ///
    /// # Errors
    /// [`CeremonyError`]
    pub fn start(
        &self,
        ceremony: Id,
        parameters: Parameters,
        cast: Vec<CastPart>,
    ) -> Result<State, CeremonyError> {
        self.start_accepting(ceremony, parameters, cast, &[])
    }

    /// The same, where these managers are accepted as the one to whom all
    /// custodians report (R17): that is an exception of the ceremony.
    ///
    /// # Errors
    /// [`CeremonyError`]
    pub fn start_accepting(
        &self,
        ceremony: Id,
        parameters: Parameters,
        cast: Vec<CastPart>,
        accepted: &[OneManager],
    ) -> Result<State, CeremonyError> {
        check_parameters(&self.script, &parameters)?;
        custody::check_cast(&self.script, &parameters, &cast, accepted)?;
        let exceptions = custody::accepted_manager(&parameters, &cast, accepted);
        Ok(State {
            ceremony,
            script: Bytes(self.bytes.clone()),
            digest: self.script.digest,
            parameters,
            cast,
            backups: Vec::new(),
            at: 0,
            inside: 0,
            entries: Vec::new(),
            tries: 0,
            words: Vec::new(),
            journal: Vec::new(),
            deviation: None,
            refused: None,
            window: None,
            key: None,
            medium: None,
            envelopes: Vec::new(),
            entered: Vec::new(),
            results: Vec::new(),
            exceptions: exceptions.into_iter().collect(),
            failures: Vec::new(),
            ending: None,
            over: false,
        })
    }

    fn here(&self, state: &State) -> Option<(&ScriptStep, Option<u8>, Vec<Move>)> {
        let plan = self.script.plan(state.parameters.components.min(9));
        let (step, component) = plan.get(usize::from(state.at)).copied()?;
        let moves = moves(&self.script, state, step, component);
        Some((step, component, moves))
    }

    /// The unit that the driver is to do, if it is one.
    #[must_use]
    pub fn unit(&self, state: &State) -> Option<Unit> {
        match self.next(state) {
            Step::Perform(unit) => Some(unit),
            _ => None,
        }
    }

    /// What comes next. Asking again changes nothing.
    #[must_use]
    pub fn next(&self, state: &State) -> Step {
        match (&state.ending, state.over) {
            (Some(Ending::Done), _) => return Step::Done(done_words(state)),
            (Some(Ending::Void(why)), true) => return Step::Void(why.clone()),
            (Some(Ending::Aborted(why)), true) => return Step::Aborted(why.clone()),
            (Some(Ending::Void(why)), false) => {
                return Step::Perform(Unit::Void {
                    reason: why.clone(),
                });
            }
            (Some(Ending::Aborted(why)), false) => {
                return Step::Perform(Unit::Abort {
                    reason: why.clone(),
                });
            }
            (None, _) => {}
        }
        let Some((step, component, moves)) = self.here(state) else {
            return Step::Perform(Unit::Abort {
                reason: "the stored ceremony stands at no step of its script".into(),
            });
        };
        let scene = |person: &Player| prompts::scene(&self.script, state, step, component, person);
        if let Some(words) = &state.deviation {
            let Some(person) = self.deviation_witness(state, step, component) else {
                return Step::Perform(Unit::Abort {
                    reason: words.clone(),
                });
            };
            let prompt = prompts::deviation(scene(&person), state, &person, words, step);
            return Step::Identify {
                purpose: "witness a deviation".into(),
                prompt: Box::new(prompt),
                person,
            };
        }
        match moves.get(usize::from(state.inside)) {
            Some(Move::Act(unit)) => Step::Perform(unit.clone()),
            Some(Move::Press(person, press)) => {
                let prompt = prompts::press(scene(person), state, step, person, press);
                let prompt = Box::new(prompt);
                match press {
                    Press::Export | Press::Replugged => Step::Medium {
                        again: matches!(press, Press::Replugged),
                        prompt,
                    },
                    _ => Step::Ask(prompt),
                }
            }
            Some(Move::Type(person, field, number)) => Step::Ask(Box::new(prompts::typed(
                scene(person),
                state,
                person,
                *field,
                *number,
            ))),
            Some(Move::Identify(person)) => {
                let upcoming = moves.get(usize::from(state.inside) + 1);
                let (purpose, prompt) = prompts::identify(scene(person), step, person, upcoming);
                Step::Identify {
                    person: person.clone(),
                    purpose,
                    prompt: Box::new(prompt),
                }
            }
            None => Step::Perform(Unit::Abort {
                reason: "the stored ceremony stands at no move of its step".into(),
            }),
        }
    }

    /// Takes a reply. One that does not fit what was asked changes nothing, or
    /// is refused in words.
    #[must_use]
    pub fn answer(&self, mut state: State, reply: Reply) -> State {
        if state.over {
            return state;
        }
        if state.ending.is_some() {
            if matches!(reply, Reply::Did(_)) {
                state.over = true;
            }
            return state;
        }
        let Some((step, component, moves)) = self.here(&state) else {
            return finish(
                state,
                End::Abort,
                "the stored ceremony stands at no step".into(),
            );
        };
        let Some(current) = moves.get(usize::from(state.inside)) else {
            return finish(
                state,
                End::Abort,
                "the stored ceremony stands at no move".into(),
            );
        };
        state.refused = None;
        let bookkeeping = matches!(current, Move::Act(Unit::Begin { .. } | Unit::End { .. }));
        match reply {
            Reply::CardGone | Reply::Shutdown => {
                let printing = matches!(current, Move::Act(Unit::Print { .. }));
                if state.window.is_some() || printing {
                    return void_window(state);
                }
                return restart(state, &moves);
            }
            Reply::Abort if bookkeeping => return state,
            Reply::Abort => return finish(state, End::Abort, "ended by the people".into()),
            Reply::Deviated(words) => {
                if matches!(current, Move::Act(_)) || state.deviation.is_some() {
                    return state;
                }
                let words: String = words
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(200)
                    .collect();
                if words.trim().is_empty() {
                    state.refused = Some(prompts::refused(
                        "A deviation needs its reason in words.",
                        "Write what went differently.",
                    ));
                } else {
                    state.deviation = Some(words);
                }
                return state;
            }
            _ => {}
        }
        if state.deviation.is_some() {
            return self.witnessed(state, step, component, &moves, reply);
        }
        match (current, reply) {
            (Move::Act(unit), Reply::Did(did)) => self.did(state, step, component, unit, did),
            (Move::Act(Unit::Begin { .. } | Unit::End { .. }), _) => state,
            (Move::Act(Unit::Print { .. }), Reply::Interrupted(_)) => void_window(state),
            (Move::Act(unit), Reply::Interrupted(words)) => {
                if state.window.is_some() {
                    return void_window(state);
                }
                if matches!(
                    unit,
                    Unit::Generate | Unit::Split | Unit::Combine { .. } | Unit::Import { .. }
                ) {
                    let words = format!("{} interrupted: {words}", step.verb.name());
                    if state.parameters.existing().is_some() && state.parameters.split.is_none() {
                        return finish(state, End::Abort, words);
                    }
                    // Nobody knows whether there is a key: none of it is used.
                    state.ending = Some(Ending::Void(words));
                    return state;
                }
                failed(state, step, &moves, &words)
            }
            (
                Move::Act(unit @ (Unit::Export | Unit::ReadMedium)),
                Reply::NotReady { happened, advice },
            ) => {
                // The journal has an act that came to nothing; so have the minutes.
                let words = happened.trim_end_matches('.');
                let undone = match unit {
                    Unit::Export => "nothing left, and the bundle's number is used up",
                    _ => "not read again",
                };
                state.words.push(format!("{undone}: {words}"));
                let refused = prompts::gone_meanwhile(unit, happened, advice);
                let mut state = restart(state, &moves);
                state.refused = Some(refused);
                state
            }
            (Move::Act(_), Reply::Failed(words)) => failed(state, step, &moves, &words),
            (Move::Act(_), Reply::Exhausted(words)) => {
                state.fail(&words);
                let words = format!("{} failed: {words}", step.id);
                finish(state, step.on_failure.then, words)
            }
            (Move::Identify(person), Reply::Identified(id)) => {
                if id == person.id {
                    state.words.push(format!("{}: card proven", person.name));
                    state.inside += 1;
                } else {
                    state.fail("Another person's card answered.");
                    state.refused = Some(prompts::refused(
                        "Another person's card answered.",
                        &format!("{} puts in their own card.", person.name),
                    ));
                }
                state
            }
            (Move::Identify(_), Reply::Failed(words)) => {
                state.fail(&words);
                state.refused = Some(prompts::refused(&words, "Try the card again."));
                state
            }
            (
                Move::Press(person, press @ (Press::Export | Press::Replugged)),
                Reply::Medium(medium),
            ) => {
                let (name, said) = (&person.name, prompts::pressed(press));
                state.words.push(format!("{name}: {said}: {}", medium.name));
                state.medium = Some(medium);
                state.inside += 1;
                state
            }
            (Move::Press(..), Reply::NotReady { happened, advice }) => {
                state.refused = Some(prompts::not_ready(happened, advice));
                state
            }
            // Whether the medium is there, nobody's word says.
            (Move::Press(_, Press::Export | Press::Replugged), Reply::Confirmed) => state,
            (Move::Press(person, press), Reply::Confirmed) => {
                state
                    .words
                    .push(format!("{}: {}", person.name, prompts::pressed(press)));
                state.inside += 1;
                state
            }
            (Move::Type(person, field, number), Reply::Word(word)) => {
                let at = (step, component);
                type_in(state, at, &moves, person, *field, *number, &word)
            }
            (Move::Type(..), Reply::Confirmed) => {
                state.refused = Some(prompts::refused(
                    "Nothing was typed; Enter alone does not confirm it.",
                    "Type it from the paper.",
                ));
                state
            }
            _ => state,
        }
    }

    /// What went wrong on the way to an answer, and was done again before it: a
    /// PIN, a sheet typed wrong. It costs no try and changes nothing else.
    #[must_use]
    pub fn stumbled(&self, mut state: State, words: &[String]) -> State {
        if !state.over {
            words.iter().for_each(|words| state.fail(words));
        }
        state
    }

    /// Goes on with a stored ceremony. Nothing is reprinted: what stood
    /// between print and seal is void, the rest goes on at the last boundary.
    #[must_use]
    pub fn resume(&self, mut state: State, found: Found) -> State {
        if state.over || state.ending.is_some() {
            return match found {
                Found::Did(did) => self.answer(state, Reply::Did(did)),
                _ => state,
            };
        }
        let Some((_, _, moves)) = self.here(&state) else {
            return finish(
                state,
                End::Abort,
                "the stored ceremony stands at no step".into(),
            );
        };
        let unit = match moves.get(usize::from(state.inside)) {
            Some(Move::Act(unit)) => Some(unit.clone()),
            _ => None,
        };
        if state.window.is_some() {
            // Sealing that is on record ended the window.
            return match (unit, found) {
                (Some(Unit::Seal { .. }), Found::Did(did)) => self.answer(state, Reply::Did(did)),
                _ => void_window(state),
            };
        }
        match (unit, found) {
            (Some(Unit::Print { .. }), Found::Did(_) | Found::Unknown) => void_window(state),
            (Some(_), Found::Did(did)) => self.answer(state, Reply::Did(did)),
            (Some(_), Found::Failed(words)) => self.answer(state, Reply::Failed(words)),
            (Some(Unit::Export | Unit::ReadMedium), Found::NoMedium) => {
                let (happened, advice) = (
                    "The medium was not there.".into(),
                    "Plug it in, then press the key again.".into(),
                );
                self.answer(state, Reply::NotReady { happened, advice })
            }
            (Some(Unit::Begin { .. } | Unit::End { .. }), _) => state,
            (Some(_), Found::Unknown) => {
                self.answer(state, Reply::Interrupted("the station stopped".into()))
            }
            _ => {
                state.deviation = None;
                restart(state, &moves)
            }
        }
    }

    /// The components that were still to be printed died with the session: no
    /// key can come of this ceremony any more.
    #[must_use]
    pub fn components_died(&self, state: State) -> State {
        if state.over || state.ending.is_some() {
            return state;
        }
        let why = if state.entered.is_empty() {
            format!(
                "the components that waited for the printer died with the session: {} is void",
                state.parameters.voided()
            )
        } else {
            "the components that were typed died with the session: none of them is kept".into()
        };
        finish(state, End::Void, why)
    }

    fn deviation_witness(
        &self,
        state: &State,
        step: &ScriptStep,
        component: Option<u8>,
    ) -> Option<Player> {
        let here = people(&self.script, state, step, component);
        here.get(1).cloned().or_else(|| {
            let actor = here.first().map(|p| p.id);
            let all = state.cast.iter().flat_map(|part| &part.people);
            all.clone()
                .find(|p| Some(p.id) != actor && !p.group.is_custodian())
                .cloned()
        })
    }

    fn witnessed(
        &self,
        mut state: State,
        step: &ScriptStep,
        component: Option<u8>,
        moves: &[Move],
        reply: Reply,
    ) -> State {
        let Some(person) = self.deviation_witness(&state, step, component) else {
            return finish(state, End::Abort, "a deviation without a witness".into());
        };
        match reply {
            Reply::Identified(id) if id == person.id => {
                let words = state.deviation.take().unwrap_or_default();
                state
                    .words
                    .push(format!("deviation, witnessed by {}: {words}", person.name));
                state.exceptions.push(Exception {
                    step: step.id.clone(),
                    component,
                    words: words.clone(),
                    witness: person.name,
                });
                match step.on_deviation {
                    OnDeviation::End(end) => {
                        finish(state, end, format!("deviation at {}: {words}", step.id))
                    }
                    OnDeviation::Record => {
                        if matches!(step.verb, Verb::Confirm { .. }) {
                            let last = moves.len().saturating_sub(1);
                            state.inside = u16::try_from(last).unwrap_or(u16::MAX);
                        }
                        state
                    }
                }
            }
            Reply::Identified(_) => {
                state.fail("Another person's card answered.");
                state.refused = Some(prompts::refused(
                    "Another person's card answered.",
                    &format!("{} puts in their own card.", person.name),
                ));
                state
            }
            Reply::Failed(words) => {
                state.fail(&words);
                state.refused = Some(prompts::refused(&words, "Try the card again."));
                state
            }
            _ => state,
        }
    }

    fn did(
        &self,
        mut state: State,
        step: &ScriptStep,
        component: Option<u8>,
        unit: &Unit,
        did: Did,
    ) -> State {
        state.journal.extend(did.journal);
        match unit {
            Unit::Enter { index, .. } => state.entered.push(*index),
            Unit::Generate | Unit::Split | Unit::Combine { .. } | Unit::Import { .. } => {
                let Some(key) = did.key else {
                    state.ending = Some(Ending::Void(
                        "the key was made, and its check value is not known".into(),
                    ));
                    return state;
                };
                state.key = Some(key);
            }
            Unit::Print { index, .. } => state.window = Some(*index),
            Unit::SetAside { serial, by, .. } => state.exceptions.push(Exception {
                step: step.id.clone(),
                component,
                words: format!("package {serial} in place of the recorded one: {SET_ASIDE}"),
                witness: by.get(1).map_or_else(String::new, |p| p.name.clone()),
            }),
            Unit::Seal { index, serial, .. } => {
                state.window = None;
                state.envelopes.push(Envelope {
                    component: *index,
                    serial: serial.clone(),
                });
            }
            Unit::End { .. } => {
                state.results.push(StepResult {
                    step: step.id.clone(),
                    title: step.title.clone(),
                    component,
                    words: std::mem::take(&mut state.words),
                    journal: std::mem::take(&mut state.journal),
                    ended_ms: did.at_ms,
                });
                state.entries.clear();
                state.tries = 0;
                state.inside = 0;
                state.at = state.at.saturating_add(1);
                let steps = self.script.plan(state.parameters.components.min(9)).len();
                if usize::from(state.at) >= steps {
                    state.ending = Some(Ending::Done);
                    state.over = true;
                }
                return state;
            }
            _ => {}
        }
        state.words.extend(did.words);
        state.inside = state.inside.saturating_add(1);
        state
    }
}
