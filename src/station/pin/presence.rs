//! Both cards of the pair stay in while mailers are printed, and each answers
//! for its own holder: one person cannot answer for both.

use std::collections::BTreeSet;

use conclave_crypto::primitive::ec;
use conclave_evidence::authority::CardEntry;
use conclave_evidence::{GroupId, Hash, Id, cbor};
use conclave_keyroom::door::DoorError;
use conclave_keyroom::piv::{PivError, SigningSlot};
use conclave_keyroom::ports::dialogue::{People, Prompt, Refusal};

use crate::approve::Undone;
use crate::cards::{Held, Interrupted};
use crate::present::{Absent, Wanted, present};
use crate::session::Member;
use crate::station::Station;

/// Those of the pair whose cards have not answered yet.
struct OfPair<'a> {
    open: &'a [Member],
    sitting: &'a BTreeSet<Id>,
}

impl Wanted for OfPair<'_> {
    fn wants(&self, entry: &CardEntry) -> Result<(), Refusal> {
        if self.open.iter().any(|member| member.card == entry.card) {
            return Ok(());
        }
        Err(Refusal {
            happened: format!("{} is not wanted now.", entry.person_name),
            safe: "Nothing is being printed, and no PIN was asked for.".into(),
            advice: format!("Wanted now: {}.", crate::words::list(&self.names())),
        })
    }

    fn passes_over(&self, entry: &CardEntry) -> bool {
        self.sitting.contains(&entry.card) && self.wants(entry).is_err()
    }

    fn names(&self) -> Vec<String> {
        self.open.iter().map(|member| member.name.clone()).collect()
    }
}

impl Station {
    /// Operator and supervisor as they logged on.
    fn pair(&self) -> Vec<Member> {
        let groups = GroupId::PIN_ROOM.iter();
        groups
            .filter_map(|group| self.session.groups.get(group))
            .flatten()
            .cloned()
            .collect()
    }

    /// Asks each card of the pair for its PIN and a signature, both in at once,
    /// and watches both from here on. The journal has who answered.
    pub(super) fn pair_is_here(
        &mut self,
        batch: &str,
        asked: &Prompt,
        people: &mut dyn People,
    ) -> Result<(), Undone> {
        let pair = self.pair();
        let readers = self.readers.states().map_or(0, |states| states.len());
        if readers < pair.len() {
            return Err(Undone::Interrupted(Interrupted::Refused(Refusal {
                happened: format!(
                    "A run needs {} cards in at once, and the readers here are {readers}.",
                    pair.len()
                ),
                safe: "Nothing was printed.".into(),
                advice: "Plug in one more card reader, put both cards in, and print again.".into(),
            })));
        }
        let mut prompt = asked.clone();
        loop {
            let held = self.each_answers(&pair, &prompt, people)?;
            if self.card_lost() {
                return Err(Undone::Interrupted(Interrupted::CardGone));
            }
            let places = held.into_iter().map(|held| held.place).collect();
            self.both_stay(places);
            if self.cards_out() == 0 {
                break;
            }
            prompt.refused = Some(Refusal {
                happened: "A card was pulled before both had answered.".into(),
                safe: "Nothing is being printed.".into(),
                advice: "Leave both cards in.".into(),
            });
        }
        let who: Vec<String> = pair
            .iter()
            .map(|one| format!("{} (person {}, card {})", one.name, one.person, one.card))
            .collect();
        let words = format!("at the printer of batch {batch}: {}", who.join(" and "));
        self.door.note("presence", words).map_err(Undone::Door)
    }

    fn each_answers(
        &mut self,
        pair: &[Member],
        asked: &Prompt,
        people: &mut dyn People,
    ) -> Result<Vec<Held>, Undone> {
        let sitting = self.session.sitting();
        let mut open = pair.to_vec();
        let mut all: Vec<Held> = Vec::new();
        while !open.is_empty() {
            let wanted = OfPair {
                open: &open,
                sitting: &sitting,
            };
            let mut prompt = asked.clone();
            prompt.waiting_for = crate::words::list(&wanted.names());
            let came = present(
                &mut self.door,
                &self.readers,
                people,
                &mut prompt,
                &wanted,
                "say that you are at the printer",
                false,
                &mut |_| Ok(false),
            )
            .map_err(|absent| match absent {
                Absent::Interrupted { why, .. } => Undone::Interrupted(why),
                Absent::Failed { why, .. } => Undone::Card(why),
            })?;
            let mut held = came.held;
            self.signs_that_it_is_here(&mut held, &came.entry)?;
            open.retain(|member| member.card != came.entry.card);
            self.session.comes(came.entry.card);
            all.push(held);
        }
        Ok(all)
    }

    /// The card's own key signs something new: a number and a PIN are no proof
    /// that this is the card that was enrolled.
    fn signs_that_it_is_here(&mut self, held: &mut Held, entry: &CardEntry) -> Result<(), Undone> {
        let wrong = |why: &str| Undone::Card(format!("{}'s card {why}", entry.person_name));
        let nonce = self.door.challenge().map_err(DoorError::from)?;
        let vault = self.door.vault();
        let station = vault.authority().map_err(DoorError::from)?.station;
        let digest = cbor::digest("conclave/presence/1", &(station, entry.card, Hash(nonce)))
            .map_err(|_| wrong("was asked for something that cannot be written"))?;
        let signature = held
            .card
            .sign(SigningSlot::Authentication, &digest.0)
            .map_err(|error| match error {
                PivError::Card(_) => Undone::Interrupted(Interrupted::CardGone),
                other => wrong(&format!("did not answer: {other}")),
            })?;
        ec::verify(&entry.auth_key_9a.0, &digest.0, &signature)
            .map_err(|_| wrong("signs with another key than the one enrolled"))
    }

    /// Before a run: both cards come, whatever was swapped until now.
    pub(super) fn pair_begins(
        &mut self,
        batch: &str,
        asked: &Prompt,
        people: &mut dyn People,
    ) -> Result<(), Undone> {
        self.pause_watch(true);
        let here = self.pair_is_here(batch, asked, people);
        self.pause_watch(false);
        here
    }

    /// Whoever looks here may not trust the watch to have woken up.
    pub(super) fn pair_stays(&mut self) -> Result<(), Undone> {
        if self.cards_out() > 0 {
            self.session_lost();
        }
        if self.card_lost() {
            return Err(Undone::Interrupted(Interrupted::CardGone));
        }
        Ok(())
    }
}
