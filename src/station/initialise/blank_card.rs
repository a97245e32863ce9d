//! One person's blank card, before the first commit: keys, certificates, PIN.

use std::collections::BTreeSet;

use conclave_evidence::Id;
use conclave_evidence::authority::Mode;
use conclave_keyroom::domain::people::Person;
use conclave_keyroom::ports::dialogue::{Answer, Ask, People, Prompt, PromptLine, Refusal};
use conclave_keyroom::vault::genesis::NewCard;

use super::{InitialiseEnd, never, prompt, refused};
use crate::cards::{Held, Judgement, ask, await_card};
use crate::enrol::{self, Authority, Holder};
use crate::station::Station;

const WHY: &str = "A card's private keys are made on it and cannot be read out, so a card is its keys. Its PIN is \
                   known to its holder alone; PUK and management key are made at random, and \
                   nobody sees them.";

enum Retry {
    Again(Refusal),
    End(InitialiseEnd),
}

/// Whose card is made ready, and for what.
pub(crate) struct Blank<'a> {
    /// The act, for the header.
    pub act: &'a str,
    /// The holder.
    pub person: &'a Person,
    /// Who issues its certificates.
    pub ca: &'a Authority,
    /// Cards that were made ready in this sitting already, by GUID.
    pub before: &'a [Id],
    /// The station's mode.
    pub mode: Mode,
    /// The how-manieth card of how many.
    pub step: (usize, usize),
}

impl Station {
    /// One person's blank card: keys, certificates, PIN.
    pub(crate) fn new_card(
        &mut self,
        people: &mut dyn People,
        blank: &Blank<'_>,
    ) -> Result<NewCard, InitialiseEnd> {
        let Blank {
            act,
            person,
            before,
            mode,
            step: (at, of),
            ..
        } = *blank;
        let known: Vec<(Id, String)> = match self.door.vault().authority() {
            Ok(record) => record
                .cards
                .iter()
                .map(|card| (card.card, card.person_name.clone()))
                .collect(),
            // Before the founding there are none.
            Err(_) => Vec::new(),
        };
        let sitting = self.session.sitting();
        let mut refusal = None;
        loop {
            let mut question = prompt("init.card", &format!("Card {at} of {of}: {}", person.name));
            question.act = act.into();
            question.why = WHY.into();
            question.step = Some((at as u16, of as u16));
            question.refused = refusal.take();
            question.cast = vec![("holder".into(), person.name.clone())];
            question.lines = vec![
                PromptLine::note(format!(
                    "{} puts a card as delivered into a reader.",
                    person.name
                )),
                PromptLine::note("Its keys are made on it, and never leave it."),
            ];
            question.waiting_for.clone_from(&person.name);
            question.ask = Ask::Card {
                wanted: vec![person.name.clone()],
                other_group: false,
            };
            let random = self.door.random();
            let states = self.readers.states().unwrap_or_default();
            let training: BTreeSet<_> = states
                .iter()
                .filter(|s| s.training)
                .map(|s| s.id.clone())
                .collect();
            let mut held = await_card(
                self.readers.as_ref(),
                people,
                &mut question,
                &mut never,
                &mut |card, place, guid| {
                    if mode == Mode::Production && training.contains(&place.reader) {
                        return Ok(Judgement::Refuse(refused(
                            "A training card is never enrolled on a PRODUCTION station.",
                            "Use a real card.",
                        )));
                    }
                    if guid.is_some_and(|guid| before.contains(&guid)) {
                        // In a room with many readers it sits there rightly.
                        return Ok(Judgement::Ignore);
                    }
                    let own = known.iter().find(|(card, _)| guid == Some(*card));
                    if let Some((card, name)) = own {
                        if sitting.contains(card) {
                            return Ok(Judgement::PassOver(format!(
                                "{name} (logged on; use another reader, or take this card out)"
                            )));
                        }
                        return Ok(Judgement::Refuse(refused(
                            format!("This is {name}'s card of this station."),
                            "Take it out, and put in a card as delivered.",
                        )));
                    }
                    let seen = card.inspect(random)?;
                    if !seen.factory_management {
                        return Ok(Judgement::Refuse(refused(
                            "This card is in use, here or at another station.",
                            "Take a card as delivered.",
                        )));
                    }
                    Ok(Judgement::Take)
                },
            )?;
            match self.make_card(people, blank, &mut held, &mut question) {
                Ok(card) => return Ok(card),
                Err(Retry::Again(why)) => refusal = Some(why),
                Err(Retry::End(end)) => return Err(end),
            }
        }
    }

    fn make_card(
        &mut self,
        people: &mut dyn People,
        blank: &Blank<'_>,
        held: &mut Held,
        question: &mut Prompt,
    ) -> Result<NewCard, Retry> {
        let (person, before) = (blank.person, blank.before);
        question.code = "init.pin".into();
        question.refused = None;
        question.lines = vec![
            PromptLine::note(format!(
                "{} chooses a PIN, 6 to 8 digits. The others look away.",
                person.name
            )),
            PromptLine::note("Factory PINs, one digit repeated, and rows like 123456 are refused."),
        ];
        question.ask = Ask::NewPin {
            person: person.name.clone(),
        };
        let pin = loop {
            let answer = ask(people, question, &mut never).map_err(|why| Retry::End(why.into()))?;
            let Answer::Secret(pin) = answer else {
                continue;
            };
            match conclave_keyroom::piv::PinRule::check(&pin) {
                Ok(()) => break pin,
                Err(rule) => {
                    question.refused = Some(refused(
                        format!("This PIN is refused: {rule}."),
                        "Choose another.",
                    ));
                }
            }
        };
        people.progress("Making the keys on the card", 0, 1);
        let holder = Holder {
            id: person.id,
            name: &person.name,
            pin: &pin,
        };
        let made = held
            .card
            .piv()
            .map_err(enrol::EnrolError::from)
            .and_then(|card| enrol::before_commit(card, &holder, blank.ca, self.door.random()));
        match made {
            Ok(card) if before.contains(&card.card) => Err(Retry::Again(refused(
                "This card was taken by somebody else a moment ago.",
                "Every person has an own card.",
            ))),
            Ok(card) => Ok(card),
            Err(error) => Err(Retry::Again(refused(
                format!("The card could not be made ready: {error}."),
                "Put it in again, or take another card as delivered.",
            ))),
        }
    }
}
