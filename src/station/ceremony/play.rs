//! The loop: next step, answer, saved at every boundary.

use std::collections::BTreeSet;
use std::time::Duration;

use conclave_crypto::primitive::ec;
use conclave_evidence::authority::CardEntry;
use conclave_evidence::{Hash, Id, cbor};
use conclave_keyroom::piv::{PivError, SigningSlot};
use conclave_keyroom::ports::dialogue::{Answer, People, Prompt, Refusal};
use conclave_trades::ceremony::action::RecordStep;
use conclave_trades::ceremony::engine::{Engine, Step};
use conclave_trades::ceremony::failed_and_excepted;
use conclave_trades::ceremony::state::{Ending, Player, Reply, State, Unit};

use crate::approve::Undone;
use crate::cards::Interrupted;
use crate::present::{Absent, Wanted, present};
use crate::service::ActEnd;
use crate::station::Station;

/// What is printed when the sheets are in their bags.
const PAPERS: &str = "Envelopes, label strips, exchange letter: list of keys (k), this key, b.";

/// What is recorded when a key was typed in.
const TYPED_SHEETS: &str = "Now record where each typed sheet is: list of keys (k), this key, w.";

struct Only<'a>(&'a Player);

impl Wanted for Only<'_> {
    fn wants(&self, entry: &CardEntry) -> Result<(), Refusal> {
        if entry.person == self.0.id {
            return Ok(());
        }
        Err(Refusal {
            happened: format!(
                "This is {}'s card; {} is wanted.",
                entry.person_name, self.0.name
            ),
            safe: "Nothing was changed, and no PIN was asked for.".into(),
            advice: format!("{} puts in their own card.", self.0.name),
        })
    }

    fn names(&self) -> Vec<String> {
        vec![self.0.name.clone()]
    }
}

/// The session's own cards sit in their readers rightly.
struct OnlyAmong<'a> {
    only: Only<'a>,
    sitting: BTreeSet<Id>,
}

impl Wanted for OnlyAmong<'_> {
    fn wants(&self, entry: &CardEntry) -> Result<(), Refusal> {
        self.only.wants(entry)
    }

    fn passes_over(&self, entry: &CardEntry) -> bool {
        self.sitting.contains(&entry.card) && entry.person != self.only.0.id
    }

    fn names(&self) -> Vec<String> {
        self.only.names()
    }
}

impl Station {
    /// Saves where a ceremony stands: the journal before and after each step.
    pub(super) fn save(&mut self, state: &State, words: Vec<String>) -> Result<u64, Refusal> {
        let action = RecordStep {
            state: state.clone(),
            words,
        };
        self.perform_plain(&action)
            .map_err(|e| self.door_refusal(&e))?;
        Ok(self.door.vault().newest().map_or(0, |(seq, _)| seq))
    }

    pub(super) fn play(
        &mut self,
        engine: &Engine,
        mut state: State,
        people: &mut dyn People,
    ) -> Result<ActEnd, Refusal> {
        // Those of whatever was done before are no part of this.
        self.stumbles.clear();
        loop {
            if self.card_lost() {
                state = engine.answer(state, Reply::CardGone);
                self.save(&state, vec!["a card that had to stay was pulled".into()])?;
                if state.ending.is_none() {
                    return Err(Refusal {
                        happened: "A card that had to stay was pulled.".into(),
                        safe: "The ceremony stands at its last safe boundary.".into(),
                        advice: "Log on again and resume it from the task list.".into(),
                    });
                }
            }
            let reply = match engine.next(&state) {
                Step::Ask(mut prompt) => match self.ask_reply(people, &mut prompt) {
                    Some(reply) => reply,
                    None => continue,
                },
                Step::Medium { again, mut prompt } => {
                    match self.ask_medium_here(&state, again, &mut prompt, people) {
                        Some(reply) => reply,
                        None => continue,
                    }
                }
                Step::Identify {
                    person,
                    purpose,
                    mut prompt,
                } => self.identify(people, &person, &purpose, &mut prompt),
                Step::Perform(unit) => {
                    let leaving;
                    (state, leaving) = self.perform_unit(engine, state, &unit, people)?;
                    // Once is enough: the next question would only be left again.
                    if leaving && state.ending.is_none() {
                        return Ok(ActEnd::Stopped);
                    }
                    continue;
                }
                Step::Done(words) => return self.played_out(&state, words, people),
                Step::Void(_) | Step::Aborted(_) => {
                    let words = failed_and_excepted(&state);
                    return self.played_out(&state, words, people);
                }
            };
            let leaving = matches!(reply, Reply::Shutdown);
            state = engine.stumbled(state, &std::mem::take(&mut self.stumbles));
            state = engine.answer(state, reply);
            if leaving {
                self.save(&state, vec!["paused".into()])?;
                if state.ending.is_none() {
                    return Ok(ActEnd::Stopped);
                }
            }
        }
    }

    fn played_out(
        &mut self,
        state: &State,
        words: Vec<String>,
        people: &mut dyn People,
    ) -> Result<ActEnd, Refusal> {
        let mut end = super::ended(state);
        if let ActEnd::Done { good, lines, .. } = &mut end {
            lines.extend(words);
            match self.file_minutes(state) {
                Ok((minutes, transcript)) => {
                    lines.push(self.print_filed(&minutes, people));
                    lines.push(format!("Filed as {transcript}, the signed transcript."));
                }
                Err(why) => lines.push(format!("The minutes could not be filed: {why}.")),
            }
            if *good && !state.envelopes.is_empty() {
                lines.push(PAPERS.into());
            }
            if *good && state.parameters.types_in() {
                lines.push(TYPED_SHEETS.into());
            }
        }
        Ok(end)
    }

    pub(super) fn ask_reply(
        &mut self,
        people: &mut dyn People,
        prompt: &mut Prompt,
    ) -> Option<Reply> {
        people.show(prompt);
        loop {
            if self.card_lost() {
                return Some(Reply::CardGone);
            }
            match people.answer(Duration::from_millis(40)) {
                None => {}
                Some(Answer::OtherGroup) => return None,
                Some(answer) => return Reply::from_answer(answer),
            }
        }
    }

    /// One person's own card answers a challenge after its PIN.
    pub(crate) fn identify(
        &mut self,
        people: &mut dyn People,
        person: &Player,
        purpose: &str,
        prompt: &mut Prompt,
    ) -> Reply {
        self.pause_watch(true);
        let wanted = OnlyAmong {
            only: Only(person),
            sitting: self.session.sitting(),
        };
        let came = present(
            &mut self.door,
            &self.readers,
            people,
            prompt,
            &wanted,
            purpose,
            false,
            &mut |_| Ok(false),
        );
        let reply = match came {
            Ok(mut came) => {
                self.wrong_pins(&person.name, came.held.wrong_pins);
                self.last_proven(&came.held);
                let answered = came
                    .held
                    .card
                    .piv()
                    .map_err(|error| error.to_string())
                    .and_then(|card| self.answer_challenge(card, &came.entry));
                match answered {
                    Ok(()) => Reply::Identified(came.entry.person),
                    Err(why) => Reply::Failed(why),
                }
            }
            Err(Absent::Interrupted { why, failed }) => {
                self.wrong_pins(&person.name, u8::from(failed.is_some()));
                match why {
                    Interrupted::Aborted => Reply::Abort,
                    Interrupted::Shutdown => Reply::Shutdown,
                    Interrupted::CardGone => Reply::Failed("The card was pulled.".into()),
                    Interrupted::Refused(refusal) => Reply::Failed(refusal.happened),
                    Interrupted::OtherGroup | Interrupted::ByWords | Interrupted::TimedOut => {
                        Reply::Failed("It took too long.".into())
                    }
                }
            }
            Err(Absent::Failed { why, .. }) => Reply::Failed(format!("{why}.")),
        };
        self.pause_watch(false);
        reply
    }

    /// Wrong PINs of a person, for whoever keeps minutes. The card has counted
    /// its own tries.
    pub(crate) fn wrong_pins(&mut self, name: &str, times: u8) {
        for _ in 0..times {
            self.stumbles.push(format!("{name} typed a wrong PIN."));
        }
    }

    /// A sheet or a check value was typed wrong: the journal and the minutes know
    /// of it, and tell no digit.
    pub(super) fn mistyped(&mut self, happened: String) {
        // What cannot be journalled shows at the next act.
        let _ = self.door.note("component-typed", happened.clone());
        self.stumbles.push(happened);
    }

    fn answer_challenge(
        &mut self,
        card: &mut conclave_keyroom::piv::PivCard,
        entry: &CardEntry,
    ) -> Result<(), String> {
        let nonce = self.door.challenge().map_err(|e| e.to_string())?;
        let station = self
            .door
            .vault()
            .authority()
            .map_err(|e| e.to_string())?
            .station;
        let digest = cbor::digest("conclave/sign-in/1", &(station, entry.card, Hash(nonce)))
            .map_err(|e| e.to_string())?;
        let signature = card
            .sign(SigningSlot::Authentication, &digest.0)
            .map_err(|e: PivError| e.to_string())?;
        ec::verify(&entry.auth_key_9a.0, &digest.0, &signature)
            .map_err(|_| "The card signs with another key than the one enrolled.".to_owned())
    }

    /// Does a unit. The second value: people left while it was done.
    fn perform_unit(
        &mut self,
        engine: &Engine,
        mut state: State,
        unit: &Unit,
        people: &mut dyn People,
    ) -> Result<(State, bool), Refusal> {
        if let Unit::Begin { words, .. } | Unit::End { words, .. } = unit {
            let seq = self.save(&state, words.clone())?;
            let did = self.did(vec![], Some(seq));
            let state = engine.answer(state, Reply::Did(did));
            if state.over {
                // Nobody is asked to go on with it any more.
                self.save(&state, vec!["the ceremony is over".into()])?;
            }
            return Ok((state, false));
        }
        self.save(&state, vec![format!("next: {}", unit.name())])?;
        let reply = self.do_unit(engine, &state, unit, people);
        state = engine.stumbled(state, &std::mem::take(&mut self.stumbles));
        let ending = matches!(unit, Unit::Void { .. } | Unit::Abort { .. });
        if let (true, Reply::Failed(why) | Reply::Interrupted(why)) = (ending, &reply) {
            // Asked again it would fail again: the people log on and resume.
            return Err(Refusal {
                happened: format!("The ceremony could not be ended: {why}"),
                safe: "Nothing of it can be used.".into(),
                advice: "Both groups log on, and resume it from the task list.".into(),
            });
        }
        let leaving = matches!(reply, Reply::Shutdown);
        state = engine.answer(state, reply);
        let made = state.over && state.parameters.existing().is_none();
        if let (true, Some(key), Some(Ending::Void(why))) = (made, &state.key, &mut state.ending) {
            // Screen and minutes say of each medium what became of it.
            for words in self.voided_with(key.id) {
                why.push_str("; ");
                why.push_str(&words);
            }
        }
        self.save(&state, vec![format!("after: {}", unit.name())])?;
        if state.over && matches!(state.ending, Some(Ending::Void(_))) {
            let what = match state.parameters.split {
                Some(_) => "The new set is void",
                None => "The key is void",
            };
            people.progress(what, 1, 1);
        }
        Ok((state, leaving))
    }
}

/// What an act that did not take place means for the engine.
pub(super) fn reply_for(undone: &Undone) -> Reply {
    use conclave_keyroom::door::{ActionError, DoorError};
    match undone {
        Undone::Interrupted(Interrupted::Shutdown) => Reply::Shutdown,
        Undone::Interrupted(Interrupted::Aborted) => {
            Reply::Failed("The signatures were not given.".into())
        }
        Undone::Interrupted(Interrupted::TimedOut) => {
            Reply::Failed("The signatures took too long.".into())
        }
        Undone::Interrupted(Interrupted::Refused(refusal)) => {
            Reply::Failed(refusal.happened.clone())
        }
        Undone::Interrupted(_) => Reply::Failed("A card was pulled before it had signed.".into()),
        Undone::Door(DoorError::Failed(error @ ActionError::Unknown { .. })) => {
            Reply::Interrupted(error.to_string())
        }
        Undone::Door(error) => Reply::Failed(format!("{error}.")),
        Undone::Card(why) => Reply::Failed(format!("{why}.")),
    }
}
