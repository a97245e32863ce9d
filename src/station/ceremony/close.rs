//! Closing a ceremony: its minutes are filed, then signed.

use conclave_keyroom::door::DoorError;
use conclave_keyroom::ports::dialogue::{Answer, Ask, People, Prompt, PromptLine, Refusal};
use conclave_trades::ceremony::action::CloseCeremony;
use conclave_trades::ceremony::engine::{Engine, Step};
use conclave_trades::ceremony::state::{Player, Reply, State, Unit};

use crate::approve::Undone;
use crate::cards::{Interrupted, ask};
use crate::station::Station;

/// Which entry of the journal the minutes name: those of the close itself come after the
/// page that they sign.
const BEFORE_CLOSE: &str = "the last before the close is signed";

impl Station {
    /// Signatures that are not given cost no try: the key is whole, sealed and
    /// read back, and must not be lost because somebody left the room.
    pub(super) fn until_signed(
        &mut self,
        state: &State,
        people: &mut dyn People,
        mut close: impl FnMut(&mut Self, &mut dyn People) -> Result<Vec<String>, Undone>,
    ) -> Result<Vec<String>, Undone> {
        loop {
            let why = match close(self, people) {
                Err(Undone::Interrupted(Interrupted::Aborted)) => "were not given".to_owned(),
                Err(Undone::Interrupted(Interrupted::TimedOut)) => "took too long".to_owned(),
                Err(Undone::Card(why)) => format!("were not all given: {why}"),
                other => return other,
            };
            let mut prompt = Prompt {
                code: "close.again".into(),
                act: state.parameters.label.clone(),
                title: "The minutes are not signed".into(),
                refused: Some(Refusal {
                    happened: format!("The signatures {why}."),
                    safe: "Nothing is lost: the key waits for its close.".into(),
                    advice: "Press s when all who sign are here, or quit the program to resume \
                             the ceremony at another time."
                        .into(),
                }),
                ask: Ask::Confirm {
                    key: 's',
                    label: "sign again".into(),
                },
                waiting_for: "everybody here".into(),
                safe: "yes, the key waits for its close".into(),
                why: "A key becomes active when its minutes are signed.".into(),
                ..Prompt::default()
            };
            match ask(people, &mut prompt, &mut |_| Ok(false)) {
                Err(Interrupted::Aborted) => give_up(state, people)?,
                Err(why) => return Err(Undone::Interrupted(why)),
                Ok(_) => {}
            }
        }
    }

    pub(super) fn do_close(
        &mut self,
        engine: &Engine,
        state: &State,
        key: conclave_evidence::Id,
        signers: &[Player],
        title: &str,
        people: &mut dyn People,
    ) -> Result<Vec<String>, Undone> {
        // What is signed says what is the case once it is signed.
        let closed = self.as_closed(engine, state, signers);
        let page = self.minutes_page(engine.script(), &closed, BEFORE_CLOSE);
        // Nothing is signed that does not stand in a file: what fails after the
        // signatures could not be mended any more.
        let filed = self.file_before_signing(state, &page, people)?;
        let action = CloseCeremony {
            ceremony: state.ceremony,
            title: title.to_owned(),
            key,
            minutes: filed.sha256,
            signers: signers.to_vec(),
        };
        match self.act_words(&action, "close the ceremony", people) {
            Ok(words) => {
                self.minutes = Some((state.ceremony, filed));
                Ok(words)
            }
            Err(undone) => {
                // They say who signed them, and nobody did.
                if !matches!(undone, Undone::Door(DoorError::Vault(_))) {
                    self.unfile(&filed);
                }
                Err(undone)
            }
        }
    }

    /// The ceremony as its closing leaves it.
    fn as_closed(&self, engine: &Engine, state: &State, signers: &[Player]) -> State {
        let names: Vec<String> = signers.iter().map(|s| s.name.clone()).collect();
        let signed = format!("signed by {}", crate::words::list(&names));
        let mut closed = engine.answer(state.clone(), Reply::Did(self.did(vec![signed], None)));
        while matches!(engine.next(&closed), Step::Perform(Unit::End { .. })) {
            closed = engine.answer(closed, Reply::Did(self.did(Vec::new(), None)));
        }
        closed
    }
}

/// Whether the close is given up: that costs a try, and the last one the key,
/// so it is asked, and never done by a key stroke too many. Comes back where
/// people go on.
fn give_up(state: &State, people: &mut dyn People) -> Result<(), Undone> {
    let label = &state.parameters.label;
    let mut prompt = Prompt {
        code: "close.give-up".into(),
        act: label.clone(),
        title: format!("Give up signing the minutes of {label}?"),
        lines: vec![PromptLine::note(
            "This counts as a failed try of the close. After the last one the ceremony ends, and \
             what it made is void.",
        )],
        ask: Ask::Exactly {
            text: label.clone(),
        },
        waiting_for: "everybody here".into(),
        safe: "yes: Esc leads back, and nothing is lost".into(),
        why: "A key becomes active when its minutes are signed.".into(),
        ..Prompt::default()
    };
    loop {
        match ask(people, &mut prompt, &mut |_| Ok(false)) {
            Ok(Answer::Word(word)) if word == *label => {
                return Err(Undone::Interrupted(Interrupted::Aborted));
            }
            Ok(_) => {
                prompt.refused = Some(Refusal {
                    happened: "That is not the label.".into(),
                    safe: "Nothing is lost: the key waits for its close.".into(),
                    advice: "Type the label to give up, or press Esc to go back.".into(),
                });
            }
            Err(Interrupted::Aborted) => return Ok(()),
            Err(why) => return Err(Undone::Interrupted(why)),
        }
    }
}
