//! The session: which groups are logged on, by whom, and which cards have to
//! stay in their readers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use conclave_evidence::{GroupId, Id};
use conclave_keyroom::door::{DoorError, Stop};
use conclave_keyroom::ports::dialogue::Refusal;

use crate::cards::{Held, Place, Watch};
use crate::station::Station;

/// A member who logged on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The person.
    pub person: Id,
    /// The card.
    pub card: Id,
    /// The name.
    pub name: String,
}

/// Who is logged on.
#[derive(Default)]
pub struct Session {
    /// Groups with the members who opened them.
    pub groups: BTreeMap<GroupId, Vec<Member>>,
    places: Vec<Place>,
    /// Cards that came forward in this session and may still be in a reader.
    came: BTreeSet<Id>,
    watch: Option<Watch>,
    /// Acts under way that ask for cards to be swapped; they lie inside one
    /// another.
    swapping: u32,
    /// How many records of large compartments are checked, and of how many.
    pub(crate) checking: Option<(u64, u64)>,
}

/// What became of the check of large compartments since the last look.
pub enum Checked {
    /// Nothing new: it goes on, or was done before.
    Before,
    /// It is done, and everything agrees.
    Now,
    /// Something is not what was signed; the session is over.
    Wrong(Refusal),
}

impl Session {
    /// Cards that sit in their readers rightly, whoever is wanted next: those
    /// of the session, and those that were asked for before.
    #[must_use]
    pub(crate) fn sitting(&self) -> BTreeSet<Id> {
        let members = self.groups.values().flatten().map(|m| m.card);
        members.chain(self.came.iter().copied()).collect()
    }

    /// This card was asked for, and came.
    pub(crate) fn comes(&mut self, card: Id) {
        self.came.insert(card);
    }
}

/// What to do where something in the repository does not authenticate.
pub(crate) const AFTER_DAMAGE: &str = "Call the administrators and the auditors. On the first screen, x looks into the damaged \
     repository, read-only.";

/// Readers beyond the quorum's cards that a room needs before all of these
/// cards have to stay in: one for a custodian, one for a witness.
const SPARE_READERS: usize = 2;

impl Station {
    /// Whether every quorum card stays in, or only the last proven one.
    fn all_cards_stay(&self, cards: usize) -> bool {
        let readers = self.readers.states().map_or(0, |states| states.len());
        readers >= cards + SPARE_READERS
    }

    pub(crate) fn session_begins(
        &mut self,
        group: GroupId,
        members: Vec<Member>,
        places: Vec<Place>,
    ) {
        self.session.groups.insert(group, members);
        let mut all: Vec<Place> = std::mem::take(&mut self.session.places);
        all.retain(|old| !places.iter().any(|new| new.reader == old.reader));
        all.extend(places.iter().cloned());
        let cards: usize = self.session.groups.values().map(Vec::len).sum();
        if let (false, Some(last)) = (self.all_cards_stay(cards), places.last()) {
            all = vec![last.clone()];
        }
        self.session.places = all;
        self.watch_again();
    }

    /// With one reader, the last card that proved itself is the session card.
    pub(crate) fn last_proven(&mut self, held: &Held) {
        // Where nobody is logged on, no card has to stay.
        if !self.is_open() {
            return;
        }
        self.session.comes(held.guid);
        if held.card.is_words() {
            return;
        }
        let cards: usize = self.session.groups.values().map(Vec::len).sum();
        if self.all_cards_stay(cards) {
            return;
        }
        self.session.places = vec![held.place.clone()];
        self.watch_again();
    }

    fn watch_again(&mut self) {
        self.session.watch = None;
        let blank = Arc::clone(&self.blank);
        self.session.watch = Some(Watch::begin(
            Arc::clone(&self.readers),
            self.session.places.clone(),
            Arc::clone(self.door.stop()),
            Box::new(move || blank(true)),
            self.swaps_are_ours(),
        ));
    }

    /// These cards stay in from here on, also where no reader is to spare: with
    /// one for each, nobody else has to come forward.
    pub(crate) fn both_stay(&mut self, places: Vec<Place>) {
        let cards: usize = self.session.groups.values().map(Vec::len).sum();
        let mut all = match self.all_cards_stay(cards) {
            true => std::mem::take(&mut self.session.places),
            false => Vec::new(),
        };
        all.retain(|old| !places.iter().any(|new| new.reader == old.reader));
        all.extend(places);
        self.session.places = all;
        self.watch_again();
    }

    /// How many cards that have to stay are out, or were out since.
    pub(crate) fn cards_out(&self) -> usize {
        // A reader that fails is a card that is gone.
        let states = self.readers.states().unwrap_or_default();
        let is_in = |place: &&Place| {
            states.iter().any(|state| {
                state.id == place.reader && state.card_present && state.changes == place.changes
            })
        };
        let places = &self.session.places;
        places.len() - places.iter().filter(is_in).count()
    }

    /// Somebody saw before the watch that a card is out.
    pub(crate) fn session_lost(&self) {
        if let Some(watch) = &self.session.watch {
            watch.lose();
        }
        self.door.stop().raise(Stop::QuorumLost);
        (self.blank)(true);
    }

    fn swaps_are_ours(&self) -> bool {
        let cards: usize = self.session.groups.values().map(Vec::len).sum();
        self.session.swapping > 0 && !self.all_cards_stay(cards)
    }

    /// While the station itself asks for cards to be swapped, a pulled session
    /// card is no removal, if there is no reader to spare. Each TRUE has its
    /// FALSE; a card that proves itself in between changes nothing.
    pub(crate) fn pause_watch(&mut self, paused: bool) {
        let count = &mut self.session.swapping;
        *count = if paused {
            count.saturating_add(1)
        } else {
            count.saturating_sub(1)
        };
        let ours = self.swaps_are_ours();
        if let Some(watch) = &self.session.watch {
            watch.pause(ours);
        }
    }

    /// TRUE when a card that had to stay was pulled.
    #[must_use]
    pub fn card_lost(&self) -> bool {
        self.session.watch.as_ref().is_some_and(Watch::lost)
    }

    /// TRUE while a group is logged on.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.session.groups.is_empty()
    }

    /// Ends the session and wipes every key.
    ///
    /// # Errors
    /// [`DoorError`] when it could not be journalled; the keys are wiped all
    /// the same.
    pub fn logout(&mut self, why: &str) -> Result<(), DoorError> {
        self.session.watch = None;
        self.session.swapping = 0;
        self.session.places.clear();
        self.session.came.clear();
        self.session.groups.clear();
        let ended = self.door.logout(why);
        self.door.stop().lower();
        ended
    }

    /// Looks whether the records of large compartments are checked. When they
    /// differ from what was signed, the session ends: nothing was changed in it.
    pub fn checked(&mut self) -> Checked {
        match self.door.adding_up() {
            Ok(Some(progress)) => {
                self.session.checking = Some(progress);
                Checked::Before
            }
            Ok(None) if self.session.checking.take().is_some() => {
                self.file_late();
                Checked::Now
            }
            Ok(None) => Checked::Before,
            Err(error) => {
                let _ = self.logout(&error.to_string());
                self.session.checking = None;
                self.damage_found(&error.to_string());
                let mut refusal = self.refusal(&error.to_string());
                refusal.safe = "The session has ended; nothing was changed in it.".into();
                refusal.advice = AFTER_DAMAGE.into();
                Checked::Wrong(refusal)
            }
        }
    }

    /// A refusal for what went wrong inside.
    pub(crate) fn refusal(&self, happened: &str) -> Refusal {
        let mut happened = happened.to_owned();
        if let Some(first) = happened.get(..1) {
            let upper = first.to_uppercase();
            happened.replace_range(..1, &upper);
        }
        if !happened.ends_with('.') {
            happened.push('.');
        }
        Refusal {
            happened,
            safe: "Nothing was changed.".into(),
            advice: "If it happens again, log out and call the administrators; the journal has \
                     the details."
                .into(),
        }
    }
}
