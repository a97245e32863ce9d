//! A card that is lost, and one that was found again: whether it may act
//! stands in the authority record. One administrator alone bars it at once,
//! also while nobody is logged on; bringing it back takes their quorum.

use conclave_crypto::secret::Secret;
use conclave_evidence::authority::{AuthorityRecord, CardEntry, CardState, SignedAuthority};
use conclave_evidence::{GroupId, Hash, Id};
use conclave_keyroom::door::{Action, ActionError, Authority, Beforehand, Permit};
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::dialogue::{Answer, Ask, Choice, People, Prompt, PromptLine, Refusal};
use serde::{Deserialize, Serialize};

use crate::act_minutes::{Done, IN_RECORD, Subject, administrators};
use crate::approve::Undone;
use crate::cards::{Interrupted, ask};
use crate::service::{ActEnd, stopped};
use crate::sign_record::RecordToSign;
use crate::station::Station;

/// Changes whether one card may act.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChangeCard {
    /// The card.
    pub card: Id,
    /// Whose it is, for the words.
    pub person: String,
    /// What it becomes.
    pub to: CardState,
    /// The authority record that says so, with administrators' signatures:
    /// one bars a card, their quorum brings it back.
    pub signed: SignedAuthority,
}

/// The record that differs from this one in one card's state.
fn next_record(
    record: &AuthorityRecord,
    hash: Hash,
    card: Id,
    to: CardState,
    made_at_ms: u64,
) -> AuthorityRecord {
    let mut next = record.clone();
    next.seq += 1;
    next.previous = Some(hash);
    next.made_at_ms = made_at_ms;
    if let Some(entry) = next.cards.iter_mut().find(|c| c.card == card) {
        entry.state = to;
    }
    next
}

/// The cards of a group that may act.
pub(crate) fn live(record: &AuthorityRecord, group: GroupId) -> usize {
    let active = |card| {
        record
            .card(card)
            .is_some_and(|c| c.state == CardState::Active)
    };
    record
        .group(group)
        .map_or(0, |g| g.members.iter().filter(|m| active(m.card)).count())
}

/// Whether the card may become that.
fn check(record: &AuthorityRecord, card: Id, to: CardState) -> Result<&CardEntry, ActionError> {
    let entry = record
        .card(card)
        .ok_or_else(|| ActionError::rule("there is no such card", "Choose another."))?;
    let name = &entry.person_name;
    match (entry.state, to) {
        (CardState::Active, CardState::Suspended | CardState::Revoked)
        | (CardState::Suspended, CardState::Revoked | CardState::Active) => {}
        (CardState::Revoked, _) => {
            return Err(ActionError::rule(
                format!("{name}'s card is revoked, for ever"),
                "Enrol another card.",
            ));
        }
        _ => {
            return Err(ActionError::rule(
                format!("{name}'s card is in that state already"),
                "Choose another.",
            ));
        }
    }
    if to == CardState::Active {
        return Ok(entry);
    }
    // A barred card of a group with none to spare would close it for ever.
    let short = record.groups.iter().find(|group| {
        let member = group.members.iter().any(|m| m.card == card);
        let left = live(record, group.group).saturating_sub(1);
        member && entry.state == CardState::Active && left < usize::from(group.m)
    });
    match short {
        Some(group) => Err(ActionError::rule(
            format!(
                "{} would be left {} and could never come together again",
                group.group.title(),
                match group.m {
                    1 => "without a live card".to_owned(),
                    m => format!("with fewer than {m} live cards"),
                }
            ),
            "Have a new card enrolled for this group first. Until then its PIN protects the lost card.",
        )),
        None => Ok(entry),
    }
}

impl Action for ChangeCard {
    const NAME: &'static str = "change-card";
    const NEEDS_ROOM: bool = false;
    type Out = ();

    fn authority(&self) -> Authority {
        // The signatures that count are those on the record itself: the vault
        // verifies them against the administrators of the record before it.
        match self.to {
            CardState::Active => Authority::Session(GroupId::Administrators),
            CardState::Suspended | CardState::Revoked => Authority::Locked,
        }
    }

    fn words(&self) -> Vec<String> {
        let card = self.card.short();
        vec![match self.to {
            CardState::Active => format!("Reinstate {}'s card {card}", self.person),
            CardState::Suspended => format!("Suspend {}'s card {card}", self.person),
            CardState::Revoked => format!("Revoke {}'s card {card}", self.person),
        }]
    }

    fn before(&self, beforehand: &mut Beforehand<'_>) -> Result<(), ActionError> {
        let record = beforehand.authority()?;
        check(record, self.card, self.to)?;
        let says = beforehand
            .check_authority(&self.signed)
            .map_err(|e| misfit(&e.to_string()))?;
        let hash = beforehand.authority_hash()?;
        if says != next_record(record, hash, self.card, self.to, says.made_at_ms) {
            return Err(misfit("it changes more, or something else"));
        }
        Ok(())
    }

    fn run(
        &self,
        permit: &mut Permit<'_>,
        _: Vec<Secret>,
        _: &mut Ports<'_>,
    ) -> Result<(), ActionError> {
        permit.put_authority(self.signed.clone());
        Ok(())
    }
}

fn misfit(why: &str) -> ActionError {
    ActionError::rule(
        format!("the signed record is not this act's: {why}"),
        "Begin again.",
    )
}

fn prompt(code: &str, title: &str) -> Prompt {
    Prompt {
        code: code.into(),
        act: title.into(),
        title: title.into(),
        safe: "yes, nothing is changed before the last signature".into(),
        why: WHY.into(),
        ..Prompt::default()
    }
}

const WHY: &str = "A lost card opens nothing without its PIN, and it has three tries. Suspended, it is refused \
     before its PIN is asked. One administrator is enough to bar a card, since that opens nothing; \
     to bring one back takes their quorum.";

pub(crate) fn groups_words(record: &AuthorityRecord, person: Id) -> String {
    let titles: Vec<&str> = record
        .groups_of(person)
        .into_iter()
        .map(GroupId::title)
        .collect();
    titles.join(", ")
}

impl Station {
    /// Suspends a lost card: one administrator signs, also while nobody is
    /// logged on.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn suspend_card(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.change_card(CardState::Active, CardState::Suspended, people)
    }

    /// Reinstates a suspended card: the administrators are logged on, and their
    /// quorum signs.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn reinstate_card(&mut self, people: &mut dyn People) -> Result<ActEnd, Refusal> {
        self.administrators_here()?;
        self.change_card(CardState::Suspended, CardState::Active, people)
    }

    fn change_card(
        &mut self,
        from: CardState,
        to: CardState,
        people: &mut dyn People,
    ) -> Result<ActEnd, Refusal> {
        let vault = self.door.vault();
        let record = vault
            .authority()
            .map_err(|e| self.refusal(&e.to_string()))?
            .clone();
        let hash = vault
            .authority_hash()
            .map_err(|e| self.refusal(&e.to_string()))?;
        let (code, title, file) = match to {
            CardState::Active => (
                "card.reinstate",
                "Reinstate a suspended card",
                "reinstatement",
            ),
            _ => ("card.suspend", "Suspend a lost card", "suspension"),
        };
        let lost = match choose(&record, (from, to), code, title, people) {
            Ok(Some(entry)) => entry,
            Ok(None) => {
                return Err(Refusal {
                    happened: "There is no card in question.".into(),
                    safe: "Nothing was changed.".into(),
                    advice: "The people screen shows every card with its state.".into(),
                });
            }
            Err(why) => return stopped(why),
        };
        if let Err(error) = check(&record, lost.card, to) {
            return self.undone(Undone::Door(error.into()));
        }
        let next = next_record(&record, hash, lost.card, to, self.clock.wall_ms());
        let need = match to {
            CardState::Active => record
                .group(GroupId::Administrators)
                .map_or(usize::MAX, |g| usize::from(g.m)),
            _ => 1,
        };
        let purpose = format!("{title}: {}", lost.person_name);
        let since = self.next_seq();
        self.pause_watch(true);
        let signed = self.sign_record(
            &RecordToSign {
                next: &next,
                record: &record,
                barred: &[lost.card],
                need,
                purpose: &purpose,
                words: std::slice::from_ref(&purpose),
                why: WHY,
            },
            people,
        );
        self.pause_watch(false);
        let (signed, mut held) = match signed {
            Ok(signed) => signed,
            Err(undone) => return self.undone(undone),
        };
        let action = ChangeCard {
            card: lost.card,
            person: lost.person_name.clone(),
            to,
            signed,
        };
        if let Err(error) = self.perform_plain(&action) {
            return self.undone(Undone::Door(error));
        }
        // While nobody is logged on there is no new head that a card could keep.
        if self.is_open() {
            self.write_anchors(&mut held);
        }
        let signers = administrators(&record, &held);
        drop(held);
        // Without a session the station's key is closed, and signs no transcript.
        let filed = self.is_open().then(|| {
            let minutes = Done {
                subject: Subject::house(&purpose, file),
                words: action.words(),
                signers,
                others: Vec::new(),
                since,
                result: IN_RECORD,
            };
            self.file_done(&minutes, people)
        });
        let sits = self.session.groups.values().flatten();
        if to != CardState::Active && sits.into_iter().any(|m| m.card == lost.card) {
            // Whoever holds it is no quorum's member any more.
            self.logout("a card of the session was suspended")
                .map_err(|e| self.refusal(&e.to_string()))?;
        }
        Ok(done(&record, &lost, to, filed))
    }
}

/// The card in question, and its holder's name typed; without the name where the
/// card may not become that, for the caller says so.
fn choose(
    record: &AuthorityRecord,
    (from, to): (CardState, CardState),
    code: &str,
    title: &str,
    people: &mut dyn People,
) -> Result<Option<CardEntry>, Interrupted> {
    let cards: Vec<&CardEntry> = record.cards.iter().filter(|c| c.state == from).collect();
    if cards.is_empty() {
        return Ok(None);
    }
    let mut question = prompt(code, title);
    question.lines = vec![PromptLine::note("Whose card?")];
    question.ask = Ask::Choose {
        options: cards
            .iter()
            .map(|card| Choice {
                label: card.person_name.clone(),
                detail: format!(
                    "card {}: {}",
                    card.card.short(),
                    groups_words(record, card.person)
                ),
            })
            .collect(),
    };
    question.waiting_for = "an administrator".into();
    let entry = loop {
        if let Answer::Chosen(at) = ask(people, &mut question, &mut |_| Ok(false))?
            && let Some(entry) = cards.get(at)
        {
            break (*entry).clone();
        }
    };
    if check(record, entry.card, to).is_err() {
        return Ok(Some(entry));
    }
    let name = entry.person_name.clone();
    let mut last = prompt(&format!("{code}.name"), title);
    last.lines = vec![PromptLine::note(format!(
        "{name}'s card {}, {}",
        entry.card.short(),
        groups_words(record, entry.person)
    ))];
    last.ask = Ask::Exactly { text: name.clone() };
    last.waiting_for = "an administrator".into();
    loop {
        match ask(people, &mut last, &mut |_| Ok(false))? {
            Answer::Word(word) if word == name => return Ok(Some(entry)),
            _ => {
                last.refused = Some(Refusal {
                    happened: "That is not the name.".into(),
                    safe: "Nothing was changed.".into(),
                    advice: "Type the name exactly, or Esc to give up.".into(),
                });
            }
        }
    }
}

fn done(
    record: &AuthorityRecord,
    lost: &CardEntry,
    to: CardState,
    filed: Option<String>,
) -> ActEnd {
    let name = &lost.person_name;
    let mut lines = Vec::new();
    let title = if to == CardState::Active {
        lines.push("It may be used again from now on.".to_owned());
        format!("{name}'s card is reinstated")
    } else {
        lines.push("It is refused from now on, before its PIN is asked.".to_owned());
        for group in record.groups_of(lost.person) {
            let (left, m) = (
                live(record, group).saturating_sub(1),
                record.group(group).map_or(0, |g| usize::from(g.m)),
            );
            let spare = if left == m { ": none to spare" } else { "" };
            lines.push(format!("{}: {left} live cards{spare}", group.title()));
        }
        lines.push(
            "The share that was sealed to it dies only when its groups' secrets are renewed: \
             whoever has the card, its PIN and a copy of this disk still has one share."
                .to_owned(),
        );
        format!("{name}'s card is suspended")
    };
    lines.extend(filed);
    ActEnd::Done {
        good: true,
        title,
        lines,
    }
}
