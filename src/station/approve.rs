//! Fresh signatures for one act: each signer's own card, own PIN, slot 9C
//! (R28).

use std::collections::BTreeSet;
use std::sync::Arc;

use conclave_crypto::secret::Secret;
use conclave_evidence::approval::SignedApproval;
use conclave_evidence::authority::{AuthorityRecord, CardEntry, CardState};
use conclave_evidence::{GroupId, Id, Signature};
use conclave_keyroom::door::{Action, Authority, DoorError, Proposal, Warrant};
use conclave_keyroom::piv::PivError;
use conclave_keyroom::ports::Ports;
use conclave_keyroom::ports::dialogue::{Mark, MemberState, People, Prompt, PromptLine, Refusal};
use conclave_trades::ceremony::State;

use crate::anchor;
use crate::cards::{Held, Interrupted};
use crate::logon_entry::quorum_view;
use crate::present::{Absent, Wanted, present};
use crate::station::Station;

/// How an act ended that did not take place.
#[derive(Debug)]
pub enum Undone {
    /// The question for signatures ended.
    Interrupted(Interrupted),
    /// The door refused it, or it failed.
    Door(DoorError),
    /// A card failed; the words say how.
    Card(String),
}

impl From<Interrupted> for Undone {
    fn from(why: Interrupted) -> Self {
        Self::Interrupted(why)
    }
}

impl From<DoorError> for Undone {
    fn from(error: DoorError) -> Self {
        Self::Door(error)
    }
}

/// Who signs for a ceremony whose unit is done; nobody where an act is no ceremony's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Casting {
    /// Who plays in it, and for which group.
    cast: Vec<(Id, GroupId)>,
    /// Who holds or once held a part of its key: the door lets none of them decide.
    holders: BTreeSet<Id>,
    /// Who asked for its key.
    requester: Option<Id>,
}

impl Casting {
    /// Of a ceremony.
    pub(crate) fn of(state: &State) -> Self {
        let players = state.cast.iter().flat_map(|part| &part.people);
        let cast: Vec<(Id, GroupId)> = players.map(|p| (p.id, p.group)).collect();
        Self {
            holders: state.had_parts().into_iter().collect(),
            cast,
            requester: state.parameters.requester,
        }
    }

    /// The rules of its cast hold for whoever signs in its place too: who has a part of
    /// the key does not decide (R13), who asked for it does not approve it.
    fn bars(&self, person: Id, group: GroupId) -> bool {
        self.holders.contains(&person)
            || (group == GroupId::Approvers && self.requester == Some(person))
    }
}

/// One signature that is still wanted.
#[derive(Clone, Copy)]
enum Seat {
    Member(GroupId),
    Person(Id, GroupId),
}

struct Signers<'a> {
    record: &'a AuthorityRecord,
    needs: &'a Authority,
    seats: &'a [Seat],
    done: &'a [(Id, Id)],
    sitting: &'a BTreeSet<Id>,
    casting: &'a Casting,
    /// Who of the PIN room holds the run that the act is about.
    holders: Option<&'a [Id]>,
}

impl Signers<'_> {
    /// Cards that could sign for a group now.
    fn able(&self, group: GroupId) -> Vec<&CardEntry> {
        let able = |entry: &&CardEntry| {
            entry.state == CardState::Active
                && self.record.is_member(group, entry.card)
                && !self.needs.keeps_out(entry.person)
                && !self.casting.bars(entry.person, group)
                && self.holds(entry.person, group)
                && !self.done.iter().any(|(_, person)| *person == entry.person)
        };
        self.record.cards.iter().filter(able).collect()
    }

    /// Of the PIN room whoever holds the run, where the act is about one.
    fn holds(&self, person: Id, group: GroupId) -> bool {
        let others = |holders: &[Id]| group.is_pin_room() && !holders.contains(&person);
        !self.holders.is_some_and(others)
    }

    fn plays(&self, entry: &CardEntry, group: GroupId) -> bool {
        self.casting.cast.contains(&(entry.person, group))
    }

    /// Groups that still sign, and for which nobody of the ceremony's cast can.
    fn without_cast(&self) -> Vec<GroupId> {
        let mut groups: Vec<GroupId> = Vec::new();
        for seat in self.seats {
            let Seat::Member(group) = seat else { continue };
            let left = self.able(*group);
            let none = !left.iter().any(|entry| self.plays(entry, *group));
            if none && !self.casting.cast.is_empty() && !groups.contains(group) {
                groups.push(*group);
            }
        }
        groups
    }

    /// Whether this card may sign for a group now: of a ceremony's cast while one
    /// of them can, then anybody of the group who is not wanted for another seat.
    fn may_sign_for(&self, group: GroupId, card: Id) -> bool {
        let wanted_elsewhere = |entry: &CardEntry| {
            self.seats.iter().any(|seat| match seat {
                Seat::Member(other) => *other != group && self.plays(entry, *other),
                Seat::Person(person, _) => *person == entry.person,
            })
        };
        let mut all = self.able(group);
        if all.iter().any(|entry| self.plays(entry, group)) {
            all.retain(|entry| self.plays(entry, group));
        } else if all.iter().any(|entry| !wanted_elsewhere(entry)) {
            all.retain(|entry| !wanted_elsewhere(entry));
        }
        all.iter().any(|entry| entry.card == card)
    }

    fn seat_for(&self, entry: &CardEntry) -> Option<usize> {
        self.seats.iter().position(|seat| match seat {
            Seat::Member(group) => self.may_sign_for(*group, entry.card),
            // Words are a member's of recovery alone, whoever the person is.
            Seat::Person(person, group) => {
                *person == entry.person
                    && (entry.words.is_none() || self.record.is_member(*group, entry.card))
            }
        })
    }

    /// An open seat is one of this card's group, and its person may not take it.
    fn barred(&self, entry: &CardEntry) -> bool {
        self.of_a_group(entry)
            && self.seats.iter().all(|seat| match seat {
                Seat::Member(group) => {
                    !self.record.is_member(*group, entry.card)
                        || self.casting.bars(entry.person, *group)
                }
                Seat::Person(..) => true,
            })
    }

    /// An open seat is one of this card's group, and others hold the run.
    fn took_nothing_over(&self, entry: &CardEntry) -> bool {
        self.seats.iter().any(|seat| match seat {
            Seat::Member(group) => {
                self.record.is_member(*group, entry.card) && !self.holds(entry.person, *group)
            }
            Seat::Person(..) => false,
        })
    }

    /// An open seat is one of a group that this card belongs to.
    fn of_a_group(&self, entry: &CardEntry) -> bool {
        self.seats.iter().any(|seat| match seat {
            Seat::Member(group) => self.record.is_member(*group, entry.card),
            Seat::Person(..) => false,
        })
    }

    /// Whose signature is waited for, in words: all of them, or fewer.
    fn waited_for(&self) -> String {
        let names = self.names();
        match names.len() > self.seats.len() {
            true => crate::words::either(&names),
            false => crate::words::list(&names),
        }
    }

    /// This card takes a seat: the first that fits.
    fn fits(&self, entry: &CardEntry) -> bool {
        self.seat_for(entry).is_some()
    }
}

impl Wanted for Signers<'_> {
    fn wants(&self, entry: &CardEntry) -> Result<(), Refusal> {
        let name = &entry.person_name;
        let happened = if self.done.iter().any(|(_, person)| *person == entry.person) {
            format!("{name} has signed this act already; nobody counts twice.")
        } else if self.fits(entry) {
            return Ok(());
        } else if self.needs.keeps_out(entry.person) {
            format!("{name} has, or had, in their hands what this act is about.")
        } else if self.took_nothing_over(entry) {
            format!("{name} neither opened this batch, nor took it over last.")
        } else if self.barred(entry) {
            format!(
                "{name} has or had a part of this key, or asked for it, and does not decide on \
                 it (R13)."
            )
        } else if self.of_a_group(entry) {
            format!("{name} is not of this ceremony's cast, which signs it.")
        } else {
            format!("{name} is not among those who sign this act.")
        };
        Err(Refusal {
            happened,
            safe: "Nothing was signed, and no PIN was asked for.".into(),
            advice: format!("Wanted now: {}.", self.waited_for()),
        })
    }

    fn takes_words(&self) -> bool {
        true
    }

    fn passes_over(&self, entry: &CardEntry) -> bool {
        // In a room with many readers the session's cards stay in. A card that
        // has signed is held until the act is over: one that is judged was put
        // in again, and is told so.
        let again = self.done.iter().any(|(_, person)| *person == entry.person);
        self.sitting.contains(&entry.card)
            && !self.fits(entry)
            && !(again && self.of_a_group(entry))
    }

    fn names(&self) -> Vec<String> {
        self.record
            .cards
            .iter()
            .filter(|c| c.state == CardState::Active)
            .filter(|c| !self.done.iter().any(|(_, person)| *person == c.person))
            .filter(|c| self.fits(c))
            .map(|c| c.person_name.clone())
            .collect()
    }
}

fn seats(record: &AuthorityRecord, needs: &Authority) -> Vec<Seat> {
    let mut seats = Vec::new();
    for part in needs.parts() {
        if let Authority::Person(person, group) = part {
            seats.push(Seat::Person(*person, *group));
        }
    }
    for part in needs.parts() {
        if let Authority::Quorum(group) = part {
            let m = record.group(*group).map_or(0, |g| g.m);
            // A person of this group who signs is one of its quorum.
            let named = |seat: &&Seat| matches!(seat, Seat::Person(_, of) if of == group);
            let named = u8::try_from(seats.iter().filter(named).count()).unwrap_or(u8::MAX);
            let m = m.saturating_sub(named);
            seats.extend((0..m).map(|_| Seat::Member(*group)));
        }
    }
    seats
}

impl Station {
    /// Proposes an act where it needs signatures, collects them, and brings it
    /// to the door. Afterwards the cards that are still in carry the newest
    /// head.
    ///
    /// # Errors
    /// [`Undone`]; the journal says why.
    pub fn act<A: Action>(
        &mut self,
        action: &A,
        title: &str,
        people: &mut dyn People,
    ) -> Result<A::Out, Undone> {
        self.act_on(action, Vec::new(), title, people)
    }

    /// The same with secrets that people typed: they go through the door
    /// beside the action, and are wiped whatever becomes of it.
    ///
    /// # Errors
    /// [`Undone`]; the journal says why.
    pub(crate) fn act_on<A: Action>(
        &mut self,
        action: &A,
        secrets: Vec<Secret>,
        title: &str,
        people: &mut dyn People,
    ) -> Result<A::Out, Undone> {
        let needs = action.authority();
        if !needs.needs_signatures() {
            return Ok(self.perform_on(action, &Warrant::default(), secrets)?);
        }
        let proposal = self.door.propose(action)?;
        // Nobody signs in vain for what the records are against.
        if let Err(error) = self.door.foresee(action) {
            let error = DoorError::Failed(error);
            self.door.withdraw(&proposal, &error.to_string())?;
            return Err(Undone::Door(error));
        }
        self.pause_watch(true);
        let collected = self.collect(&proposal, &needs, title, people);
        if let Ok((_, held)) = &collected {
            for card in held {
                self.session.comes(card.guid);
            }
            // Whoever signed last stays in while it is done.
            if let Some(last) = held.last() {
                self.last_proven(last);
            }
        }
        self.pause_watch(false);
        match collected {
            Ok((approvals, mut held)) => {
                self.signers = self.names_of(&approvals);
                let warrant = Warrant {
                    proposal: Some(proposal),
                    approvals,
                };
                let done = self.perform_on(action, &warrant, secrets);
                self.write_anchors(&mut held);
                done.map_err(Undone::Door)
            }
            Err(undone) => {
                // One entry that says that it came to nothing.
                self.door
                    .withdraw(&proposal, &undone_words(&undone))
                    .map_err(Undone::Door)?;
                Err(undone)
            }
        }
    }

    /// Groups and names, in the order in which they signed.
    pub(crate) fn names_of(&self, approvals: &[SignedApproval]) -> Vec<(GroupId, String)> {
        let Ok(record) = self.door.vault().authority() else {
            return Vec::new();
        };
        let named = approvals.iter().map(|signed| {
            let card = record.card(signed.approval.card);
            let name = card.map(|c| c.person_name.clone()).unwrap_or_default();
            (signed.approval.group, name)
        });
        named.collect()
    }

    pub(crate) fn perform<A: Action>(
        &mut self,
        action: &A,
        warrant: &Warrant,
    ) -> Result<A::Out, DoorError> {
        self.perform_on(action, warrant, Vec::new())
    }

    fn perform_on<A: Action>(
        &mut self,
        action: &A,
        warrant: &Warrant,
        secrets: Vec<Secret>,
    ) -> Result<A::Out, DoorError> {
        let mut ports = Ports {
            printers: &mut *self.printers,
            media: &mut *self.media,
            programs: &mut *self.programs,
        };
        self.door.perform(action, warrant, secrets, &mut ports)
    }

    /// An act that needs no signatures.
    pub(crate) fn perform_plain<A: Action>(&mut self, action: &A) -> Result<A::Out, DoorError> {
        self.perform(action, &Warrant::default())
    }

    pub(crate) fn write_anchors(&mut self, held: &mut [Held]) {
        for card in held {
            match anchor::write(&mut self.door, &mut card.card, card.guid) {
                // Swapped out: it gets its anchor when it is next in.
                Ok(()) | Err(anchor::AnchorError::Card(PivError::Card(_))) => {}
                Err(error) => {
                    let _ = self
                        .door
                        .note("anchor", format!("card {}: {error}", card.guid.short()));
                }
            }
        }
    }

    pub(crate) fn collect(
        &mut self,
        proposal: &Proposal,
        needs: &Authority,
        title: &str,
        people: &mut dyn People,
    ) -> Result<(Vec<SignedApproval>, Vec<Held>), Undone> {
        let record = self
            .door
            .vault()
            .authority()
            .map_err(DoorError::from)?
            .clone();
        let authority = self
            .door
            .vault()
            .authority_hash()
            .map_err(DoorError::from)?;
        let sitting = self.session.sitting();
        let casting = self.casting.clone();
        let holders = self.door.holders(needs).map_err(DoorError::from)?;
        let mut outside: Vec<String> = Vec::new();
        let mut open = seats(&record, needs);
        let mut done: Vec<(Id, Id)> = Vec::new();
        let mut approvals = Vec::new();
        let mut cards: Vec<Held> = Vec::new();
        while !open.is_empty() {
            let wanted = Signers {
                record: &record,
                needs,
                seats: &open,
                done: &done,
                sitting: &sitting,
                casting: &casting,
                holders: holders.as_deref(),
            };
            let mut prompt = sign_prompt(&record, proposal, title, &wanted);
            if let Some(stake) = &self.stake {
                prompt.safe.clone_from(stake);
            }
            let purpose = format!("sign: {title}");
            let clock = Arc::clone(&self.clock);
            let expires = proposal.expires_ms;
            let mut tick = |_: &mut Prompt| {
                if clock.wall_ms() > expires {
                    Err(Interrupted::TimedOut)
                } else {
                    Ok(false)
                }
            };
            let came = present(
                &mut self.door,
                &self.readers,
                people,
                &mut prompt,
                &wanted,
                &purpose,
                false,
                &mut tick,
            )
            .map_err(|absent| match absent {
                Absent::Interrupted { why, .. } => Undone::Interrupted(why),
                Absent::Failed { why, .. } => Undone::Card(why),
            })?;
            let mut held = came.held;
            let name = came.entry.person_name.as_str();
            self.wrong_pins(name, held.wrong_pins);
            let Some(seat) = wanted.seat_for(&came.entry) else {
                continue;
            };
            let group = match open.remove(seat) {
                Seat::Member(group) | Seat::Person(_, group) => group,
            };
            let cast = &casting.cast;
            if !cast.is_empty() && !cast.contains(&(came.entry.person, group)) {
                outside.push(format!(
                    "{name} signed for {}, outside the cast",
                    group.title()
                ));
            }
            let approval = proposal.approval(&record, authority, &came.entry, group);
            let digest = approval.digest().map_err(|e| Undone::Card(e.to_string()))?;
            let signature = held
                .card
                .sign_with_fresh_pin(&came.pin, &digest.0)
                .map_err(|error| match error {
                    PivError::Card(_) => Undone::Interrupted(Interrupted::CardGone),
                    other => Undone::Card(other.to_string()),
                })?;
            done.push((came.entry.card, came.entry.person));
            approvals.push(SignedApproval {
                approval,
                signature: Signature(signature),
            });
            cards.push(held);
        }
        self.outside = outside;
        Ok((approvals, cards))
    }
}

fn undone_words(undone: &Undone) -> String {
    match undone {
        Undone::Interrupted(Interrupted::CardGone) => {
            "a card was pulled before it had signed".into()
        }
        Undone::Interrupted(Interrupted::TimedOut) => "the proposal expired".into(),
        Undone::Interrupted(Interrupted::Shutdown) => "the program was ended".into(),
        Undone::Interrupted(_) => "given up by the people present".into(),
        Undone::Door(error) => error.to_string(),
        Undone::Card(why) => why.clone(),
    }
}

fn sign_prompt(
    record: &AuthorityRecord,
    proposal: &Proposal,
    title: &str,
    wanted: &Signers<'_>,
) -> Prompt {
    let names = wanted.names();
    let group = wanted.seats.iter().find_map(|seat| match seat {
        Seat::Member(group) => Some(*group),
        Seat::Person(..) => None,
    });
    let mut quorum = group.and_then(|group| quorum_view(record, group, wanted.done, None, None));
    for member in quorum.iter_mut().flat_map(|view| &mut view.members) {
        let has_part = wanted.casting.cast.is_empty() || names.contains(&member.name);
        if member.state == MemberState::Missing && !has_part {
            member.state = MemberState::NotInCast;
        }
    }
    let mut lines: Vec<PromptLine> = proposal
        .words
        .iter()
        .map(|text| PromptLine {
            mark: Mark::Note,
            text: text.clone(),
        })
        .collect();
    for group in wanted.without_cast() {
        let title = group.title();
        lines.push(PromptLine::note(match wanted.able(group).is_empty() {
            false => format!(
                "Nobody of the cast is left for {title}: somebody else of the group signs, and \
                 the minutes say so."
            ),
            true => format!(
                "Nobody who may sign is left for {title}: who has or had a part of this key, or \
                 asked for it, does not decide on it (R13). It cannot be signed."
            ),
        }));
    }
    let signed: Vec<String> = wanted
        .done
        .iter()
        .filter_map(|(card, _)| record.card(*card).map(|c| c.person_name.clone()))
        .collect();
    if !signed.is_empty() {
        lines.push(PromptLine {
            mark: Mark::Note,
            text: format!("Signed so far: {}.", crate::words::list(&signed)),
        });
    }
    Prompt {
        code: "sign.card".into(),
        act: crate::words::heading(title),
        title: "This is what you sign:".into(),
        lines,
        quorum,
        waiting_for: wanted.waited_for(),
        safe: "yes, nothing happens before the last signature".into(),
        why: "A card signs the exact act that stands here, with its PIN typed anew. The \
              signatures stay in the journal, where a stranger can check them years from now."
            .into(),
        ..Prompt::default()
    }
}
