//! PINs after the first day: a holder changes their own, and administrators
//! let a blocked one be set anew with the PUK that the vault keeps.

use conclave_crypto::secret::Secret;
use conclave_evidence::authority::{CardEntry, CardState};
use conclave_evidence::{GroupId, Id};
use conclave_keyroom::door::{Action, ActionError, Authority, Permit, Warrant};
use conclave_keyroom::piv::PinRule;
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::dialogue::{Answer, Ask, Choice, People, Prompt, PromptLine, Refusal};
use serde::{Deserialize, Serialize};

use crate::act_minutes::Subject;
use crate::anchor::management_from_secret;
use crate::approve::Undone;
use crate::cards::{Held, Interrupted, Judgement, ask, await_card};
use crate::present::{Absent, Wanted, present};
use crate::puk::Puks;
use crate::service::{ActEnd, stopped};
use crate::station::Station;

/// Takes a card's PUK out of the vault, to set a new PIN with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UnblockPin {
    /// The card.
    pub card: Id,
    /// Whose it is, for the words.
    pub person: String,
}

impl Action for UnblockPin {
    const NAME: &'static str = "unblock-pin";
    type Out = Puks;

    fn authority(&self) -> Authority {
        Authority::Quorum(GroupId::Administrators)
    }

    fn words(&self) -> Vec<String> {
        vec![format!(
            "Let {} set a new PIN on card {}",
            self.person,
            self.card.short()
        )]
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<Puks, ActionError> {
        let entry = permit.authority()?.card(self.card);
        if entry.is_none_or(|card| card.state != CardState::Active) {
            return Err(ActionError::rule(
                "a suspended or revoked card gets no new PIN",
                "Reinstate it first, or enrol another.",
            ));
        }
        Puks::of(permit, self.card)
    }
}

/// One card, whoever else's sit there: three wrong PINs block the card that takes
/// them.
struct Only<'a>(&'a CardEntry);

impl Wanted for Only<'_> {
    fn wants(&self, _: &CardEntry) -> Result<(), Refusal> {
        Ok(())
    }

    fn passes_over(&self, entry: &CardEntry) -> bool {
        entry.card != self.0.card
    }

    fn passed_over(&self, entry: &CardEntry) -> Option<String> {
        Some(entry.person_name.clone())
    }

    fn names(&self) -> Vec<String> {
        vec![self.0.person_name.clone()]
    }
}

const WHY_CHANGE: &str =
    "Only the holder knows the PIN. Whoever has seen it typed is a reason to change it.";

fn prompt(code: &str, title: &str, why: &str) -> Prompt {
    Prompt {
        code: code.into(),
        act: title.into(),
        title: title.into(),
        safe: "yes, the card is as it was until the new PIN is typed twice".into(),
        why: why.into(),
        ..Prompt::default()
    }
}

/// A PIN that keeps the rules, typed twice by its holder.
fn new_pin(
    people: &mut dyn People,
    question: &mut Prompt,
    name: &str,
) -> Result<Secret, Interrupted> {
    question.refused = None;
    question.waiting_for = name.into();
    question.lines = vec![
        PromptLine::note(format!(
            "{name} chooses a PIN, 6 to 8 digits. The others look away."
        )),
        PromptLine::note("Factory PINs, one digit repeated, and rows like 123456 are refused."),
    ];
    question.ask = Ask::NewPin {
        person: name.into(),
    };
    loop {
        let Answer::Secret(pin) = ask(people, question, &mut |_| Ok(false))? else {
            continue;
        };
        match PinRule::check(&pin) {
            Ok(()) => return Ok(pin),
            Err(rule) => {
                question.refused = Some(Refusal {
                    happened: format!("This PIN is refused: {rule}."),
                    safe: "The card is as it was.".into(),
                    advice: "Choose another.".into(),
                });
            }
        }
    }
}

fn changed(name: &str, filed: Option<String>) -> ActEnd {
    let mut lines = vec!["It has its full number of tries again.".to_owned()];
    lines.extend(filed);
    ActEnd::Done {
        good: true,
        title: format!("{name}'s card has a new PIN"),
        lines,
    }
}

impl Station {
    /// A holder changes the PIN of their own card: the old one, then the new
    /// one twice.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn change_pin(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        let mut question = prompt("pin.change.who", "Change a PIN", WHY_CHANGE);
        question.lines = vec![PromptLine::note("Whose card gets a new PIN?")];
        question.waiting_for = "a holder".into();
        let own = match self.choose_card(question, people) {
            Ok(entry) => entry,
            Err(why) => return stopped(why),
        };
        self.pause_watch(true);
        let end = self.own_pin(&own, people);
        self.pause_watch(false);
        end.or_else(|undone| self.undone(undone))
    }

    fn own_pin(&mut self, own: &CardEntry, people: &mut dyn People) -> Result<ActEnd, Undone> {
        let mut question = prompt("pin.change", "Change a PIN", WHY_CHANGE);
        question.lines = vec![PromptLine::note(format!(
            "{} puts their own card in.",
            own.person_name
        ))];
        question.waiting_for.clone_from(&own.person_name);
        let came = present(
            &mut self.door,
            &self.readers,
            people,
            &mut question,
            &Only(own),
            "change the PIN",
            false,
            &mut |_| Ok(false),
        )
        .map_err(|absent| match absent {
            Absent::Interrupted { why, .. } => Undone::Interrupted(why),
            Absent::Failed { why, .. } => Undone::Card(why),
        })?;
        let (mut held, name) = (came.held, came.entry.person_name);
        let new = new_pin(people, &mut question, &name).map_err(Undone::Interrupted)?;
        held.card
            .piv()
            .and_then(|card| card.change_pin(&came.pin, &new))
            .map_err(|error| Undone::Card(error.to_string()))?;
        self.last_proven(&held);
        self.door
            .note(
                "pin-changed",
                format!("{name} changed the PIN of card {}", held.guid.short()),
            )
            .map_err(Undone::Door)?;
        Ok(changed(&name, None))
    }

    /// A blocked card gets a new PIN from its holder, once the administrators'
    /// quorum has signed.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn unblock_pin(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.administrators_here()?;
        let mut question = prompt("pin.unblock", UNBLOCK, WHY_UNBLOCK);
        question.lines = vec![PromptLine::note("Whose card is blocked?")];
        question.waiting_for = "administrators".into();
        let blocked = match self.choose_card(question, people) {
            Ok(entry) => entry,
            Err(why) => return stopped(why),
        };
        self.pause_watch(true);
        let end = self.unblock(&blocked, people);
        self.pause_watch(false);
        end.or_else(|undone| self.undone(undone))
    }

    fn choose_card(
        &self,
        mut question: Prompt,
        people: &mut dyn People,
    ) -> Result<CardEntry, Interrupted> {
        let cards: Vec<CardEntry> = self.door.vault().authority().map_or_else(
            |_| Vec::new(),
            |record| {
                // Recovery words are no card, and have no PIN.
                let cards = |c: &&CardEntry| c.state == CardState::Active && c.words.is_none();
                record.cards.iter().filter(cards).cloned().collect()
            },
        );
        question.ask = Ask::Choose {
            options: cards
                .iter()
                .map(|card| Choice {
                    label: card.person_name.clone(),
                    detail: format!("card {}", card.card.short()),
                })
                .collect(),
        };
        loop {
            if let Answer::Chosen(at) = ask(people, &mut question, &mut |_| Ok(false))?
                && let Some(entry) = cards.get(at)
            {
                return Ok(entry.clone());
            }
        }
    }

    fn unblock(&mut self, blocked: &CardEntry, people: &mut dyn People) -> Result<ActEnd, Undone> {
        let name = &blocked.person_name;
        let action = UnblockPin {
            card: blocked.card,
            person: name.clone(),
        };
        let title = format!("a new PIN for {name}");
        let since = self.next_seq();
        let proposal = self.door.propose(&action).map_err(Undone::Door)?;
        let ready = self
            .collect(&proposal, &action.authority(), &title, people)
            .and_then(|(approvals, held)| {
                for card in &held {
                    self.session.comes(card.guid);
                }
                if let Some(last) = held.last() {
                    self.last_proven(last);
                }
                let (card, new) = self.blocked_card(blocked, people)?;
                Ok((approvals, held, card, new))
            });
        let (approvals, mut signers, mut held, new) = match ready {
            Ok(ready) => ready,
            Err(undone) => {
                self.door
                    .withdraw(&proposal, "given up before the new PIN was typed")
                    .map_err(Undone::Door)?;
                return Err(undone);
            }
        };
        self.signers = self.names_of(&approvals);
        let warrant = Warrant {
            proposal: Some(proposal),
            approvals,
        };
        let puks = self.perform(&action, &warrant).map_err(Undone::Door)?;
        // Its PUK is used from here on, whatever happens next.
        let done = held.card.piv().and_then(|card| puks.unblock(card, &new));
        let used_next = match done {
            Ok(used_next) => used_next,
            Err(error) => {
                self.door
                    .note("unblock-pin", format!("{name}'s card: {error}"))
                    .map_err(Undone::Door)?;
                return Err(Undone::Card(error.to_string()));
            }
        };
        let taken = held.card.piv().and_then(|card| card.verify_pin(&new));
        if let Err(why) = &taken {
            self.door
                .note("unblock-pin", format!("{name}'s card, its new PIN: {why}"))
                .map_err(Undone::Door)?;
        }
        let renewed = self.renew_puk(&mut held, blocked, puks, used_next);
        if let Err(why) = &renewed {
            self.door
                .note("unblock-pin", format!("{name}'s card, another PUK: {why}"))
                .map_err(Undone::Door)?;
        }
        // Those that are still in, and the card itself, carry the newest head.
        self.write_anchors(&mut signers);
        self.write_anchors(std::slice::from_mut(&mut held));
        self.last_proven(&held);
        let subject = Subject::house(UNBLOCK, "pin-unblock");
        let mut told = action.words();
        told.push(match &taken {
            Ok(()) => format!("{name} typed the new PIN; the card takes it"),
            Err(_) => format!("{name} typed the new PIN; whether the card takes it is not known"),
        });
        let filed = self.file_signed(subject, told, since, people);
        let mut end = changed(name, Some(filed));
        if let (Err(why), ActEnd::Done { lines, good, .. }) = (&taken, &mut end) {
            *good = false;
            lines.push(format!(
                "Whether it takes the new PIN is not known: {why}. Its holder logs on with it; if \
                 that fails, set its PIN anew once more (people, b)."
            ));
        }
        if let (Err(why), ActEnd::Done { lines, .. }) = (renewed, &mut end) {
            lines.push(format!(
                "Whether it has another PUK is not known: {why}. Set its PIN anew once more (people, b)."
            ));
        }
        Ok(end)
    }

    /// The very card, and the PIN that its holder chose.
    fn blocked_card(
        &mut self,
        blocked: &CardEntry,
        people: &mut dyn People,
    ) -> Result<(Held, Secret), Undone> {
        let name = &blocked.person_name;
        let mut question = prompt("pin.card", UNBLOCK, WHY_UNBLOCK);
        question.lines = vec![PromptLine::note(format!(
            "{name} puts the blocked card in."
        ))];
        question.waiting_for.clone_from(name);
        question.ask = Ask::Card {
            wanted: vec![name.clone()],
            other_group: false,
        };
        let mut held = await_card(
            self.readers.as_ref(),
            people,
            &mut question,
            &mut |_| Ok(false),
            // Others sit in their readers rightly.
            &mut |_, _, guid| match guid == Some(blocked.card) {
                true => Ok(Judgement::Take),
                false => Ok(Judgement::Ignore),
            },
        )
        .map_err(Undone::Interrupted)?;
        self.proves_itself(&mut held, blocked)?;
        let new = new_pin(people, &mut question, name).map_err(Undone::Interrupted)?;
        Ok((held, new))
    }

    /// The card has the management key that the vault keeps of this one: its number
    /// is read without a PIN and copied by anybody, and what only looks like it would
    /// be told the PUK.
    fn proves_itself(&mut self, held: &mut Held, entry: &CardEntry) -> Result<(), Undone> {
        let kept = self
            .door
            .management_key(entry.card)
            .map_err(|e| Undone::Door(e.into()))?;
        let key = management_from_secret(&kept).map_err(|e| Undone::Card(e.to_string()))?;
        let card = held.card.piv().map_err(|e| Undone::Card(e.to_string()))?;
        card.authenticate_management(&key, self.door.random())
            .map_err(|error| {
                Undone::Card(format!(
                    "this card has the number of {}'s and does not prove to be it: {error}",
                    entry.person_name
                ))
            })
    }
}

const UNBLOCK: &str = "A new PIN for a blocked card";
const WHY_UNBLOCK: &str = "Three wrong PINs block a card. The PUK that lifts this was made at random when the card was \
     enrolled and is in the vault; nobody sees it. Once it was used, the card gets another one. The \
     holder types the new PIN.";
