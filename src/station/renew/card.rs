//! New cards after the founding: made ready before the renewal, finished after
//! it.

use conclave_evidence::Id;
use conclave_evidence::authority::{CardEntry, CardState};
use conclave_keyroom::domain::people::Person;
use conclave_keyroom::ports::dialogue::{Answer, Ask, Choice, People, PromptLine};
use conclave_keyroom::vault::genesis::NewCard;

use super::plan::undone;
use super::{never, prompt, refused};
use crate::approve::Undone;
use crate::cards::{Interrupted, Judgement, PinFailure, ask, await_card, verify_pin};
use crate::enrol::{self, Authority};
use crate::initialise::{Blank, InitialiseEnd};
use crate::service::ActEnd;
use crate::station::Station;

impl Station {
    /// A card as delivered gets keys, certificates and its holder's PIN; nothing
    /// of it binds anybody yet. `before` are those of the same sitting.
    pub(super) fn blank_card(
        &mut self,
        person: &Person,
        act: &str,
        before: &[Id],
        people: &mut dyn People,
    ) -> Result<NewCard, Undone> {
        let record = self.record()?;
        let key = self
            .door
            .ca_key()
            .map_err(|e| undone(self.refusal(&e.to_string())))?;
        let ca = Authority {
            name: record.station_name.clone(),
            key,
            now_s: self.clock.wall_ms() / 1000,
        };
        let blank = Blank {
            act,
            person,
            ca: &ca,
            before,
            mode: record.mode,
            step: (1, 1),
        };
        self.new_card(people, &blank).map_err(|end| match end {
            InitialiseEnd::Refused(refusal) => undone(refusal),
            InitialiseEnd::Shutdown => Undone::Interrupted(Interrupted::Shutdown),
            InitialiseEnd::Done(_) | InitialiseEnd::Aborted => {
                Undone::Interrupted(Interrupted::Aborted)
            }
        })
    }

    /// Active cards without an anchor: a cut or a pulled card kept them from
    /// being finished.
    pub(crate) fn unfinished(&self) -> Vec<CardEntry> {
        let vault = self.door.vault();
        let Ok(record) = vault.authority() else {
            return Vec::new();
        };
        record
            .cards
            .iter()
            .filter(|c| c.state == CardState::Active && c.words.is_none())
            .filter(|c| !vault.has_anchor(c.card).unwrap_or(true))
            .cloned()
            .collect()
    }

    pub(super) fn finish_a_card(&mut self, people: &mut dyn People) -> Result<ActEnd, Undone> {
        let open = self.unfinished();
        if open.is_empty() {
            return Err(undone(refused(
                "Every card is finished.",
                "The people screen shows every card with its state.",
            )));
        }
        let mut question = prompt("renew.finish.which", "Finish a new card", "Whose card?");
        question.ask = Ask::Choose {
            options: open
                .iter()
                .map(|card| Choice {
                    label: card.person_name.clone(),
                    detail: format!("card {}", card.card.short()),
                })
                .collect(),
        };
        let entry = loop {
            let answer = ask(people, &mut question, &mut never).map_err(Undone::Interrupted)?;
            if let Answer::Chosen(at) = answer
                && let Some(entry) = open.get(at)
            {
                break entry.clone();
            }
        };
        self.pause_watch(true);
        let done = self.finish_card(&entry, people);
        self.pause_watch(false);
        done?;
        Ok(ActEnd::Done {
            good: true,
            title: format!("{}'s card is finished", entry.person_name),
            lines: vec!["It has its own PUK and management key, and carries an anchor.".into()],
        })
    }

    /// A new card after the renewal: it opens its shares once more, and gets
    /// its PUK, its management key, and its first anchor. Can be run again.
    pub(super) fn finish_card(
        &mut self,
        entry: &CardEntry,
        people: &mut dyn People,
    ) -> Result<(), Undone> {
        let name = &entry.person_name;
        let act = format!("Finish {name}'s card");
        let mut refusal = None;
        let mut failed: Option<crate::cards::Place> = None;
        loop {
            let mut question = prompt("renew.finish", &act, "Finish the new card");
            question.lines = vec![PromptLine::note(format!(
                "{name} puts the new card in: it gets its own PUK and management key."
            ))];
            question.waiting_for.clone_from(name);
            question.safe =
                "yes: the card can be finished at any time; until then it has a factory PUK".into();
            question.refused = refusal.take();
            question.ask = Ask::Card {
                wanted: vec![name.clone()],
                other_group: false,
            };
            let wanted: Id = entry.card;
            let mut held = await_card(
                self.readers.as_ref(),
                people,
                &mut question,
                &mut never,
                &mut |_, place, guid| {
                    let take = guid == Some(wanted) && failed.as_ref() != Some(place);
                    Ok(if take {
                        Judgement::Take
                    } else {
                        Judgement::Ignore
                    })
                },
            )
            .map_err(Undone::Interrupted)?;
            let purpose = "finish the card";
            let why = match verify_pin(people, &mut question, &mut held, name, purpose, &mut never)
            {
                Ok(pin) => {
                    let done = held
                        .card
                        .piv()
                        .map_err(enrol::EnrolError::from)
                        .and_then(|card| enrol::after_commit(&mut self.door, card, entry, &pin));
                    match done {
                        Ok(()) => {
                            self.last_proven(&held);
                            let words =
                                format!("card {} of {name} is finished", entry.card.short());
                            return self.door.note("enrol-card", words).map_err(Undone::Door);
                        }
                        Err(error) => error.to_string(),
                    }
                }
                Err(PinFailure::Interrupted { why, .. }) => {
                    return Err(Undone::Interrupted(why));
                }
                Err(PinFailure::Blocked) => "its PIN is blocked".into(),
                Err(PinFailure::Card { error, .. }) => error.to_string(),
            };
            failed = Some(held.place.clone());
            refusal = Some(refused(
                format!("{name}'s card is not finished: {why}."),
                "Put it in again; or press Esc, and finish it later.",
            ));
        }
    }
}
