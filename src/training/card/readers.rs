//! Software readers, cards to put in them, and hands that pull the cards.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use conclave_crypto::secret::RandomSource;
use conclave_keyroom::ports::card::{
    CardChannel, CardError, CardReaders, ReaderId, ReaderState, Response,
};

use super::applet::Applet;
use super::state::{CardFileError, CardLabel};

/// A training card in somebody's hand. Clones are the same card.
#[derive(Clone)]
pub struct TrainingCard {
    label: CardLabel,
    applet: Arc<Mutex<Applet>>,
}

impl TrainingCard {
    /// A new card as delivered, in a new file.
    ///
    /// # Errors
    /// [`CardFileError::Io`] also when there is a file already.
    pub fn create(
        path: &Path,
        label: CardLabel,
        random: Box<dyn RandomSource>,
    ) -> Result<Self, CardFileError> {
        Applet::create(path, label, random).map(Self::with)
    }

    /// A card that was made before.
    ///
    /// # Errors
    /// [`CardFileError::Form`] when the file is no training card.
    pub fn open(path: &Path, random: Box<dyn RandomSource>) -> Result<Self, CardFileError> {
        Applet::open(path, random).map(Self::with)
    }

    fn with(applet: Applet) -> Self {
        Self {
            label: applet.label().clone(),
            applet: Arc::new(Mutex::new(applet)),
        }
    }

    /// What is printed on it.
    #[must_use]
    pub fn label(&self) -> &CardLabel {
        &self.label
    }

    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.applet, &other.applet)
    }

    fn applet(&self) -> MutexGuard<'_, Applet> {
        self.applet.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A card does not go in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InsertError {
    /// There is no reader of this number.
    #[error("there is no reader {0}")]
    NoReader(usize),
    /// Another card is in it.
    #[error("there is a card in reader {0}")]
    Occupied(usize),
    /// The card is in a reader already.
    #[error("the card is in reader {0}")]
    Elsewhere(usize),
}

/// When a card is pulled in the middle of its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pull {
    /// The card never sees the command with this number, counted from 0.
    Before(u32),
    /// The card runs the command with this number, but its answer is lost.
    During(u32),
}

/// A row of software readers. Clones are hands on the same row.
#[derive(Clone)]
pub struct TrainingReaders {
    row: Arc<Row>,
}

struct Row {
    places: Mutex<Vec<Place>>,
    changed: Condvar,
}

#[derive(Default)]
struct Place {
    card: Option<TrainingCard>,
    changes: u64,
    /// The change count under which somebody holds the card. Once it differs
    /// from `changes`, that holder's card is gone and no longer in the way.
    taken: Option<u64>,
    pull: Option<Pull>,
}

impl TrainingReaders {
    /// A row of `readers` empty readers.
    #[must_use]
    pub fn new(readers: usize) -> Self {
        let places = (0..readers).map(|_| Place::default()).collect();
        Self {
            row: Arc::new(Row {
                places: Mutex::new(places),
                changed: Condvar::new(),
            }),
        }
    }

    /// How many readers there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.row.places().len()
    }

    /// The name under which reader `reader` appears in
    /// [`CardReaders::states`].
    #[must_use]
    pub fn id(reader: usize) -> ReaderId {
        ReaderId(format!("Training reader {:02}", reader + 1))
    }

    /// Puts a card into a reader.
    ///
    /// # Errors
    /// [`InsertError`]; nothing has changed then.
    pub fn insert(&self, card: &TrainingCard, reader: usize) -> Result<(), InsertError> {
        let mut places = self.row.places();
        let at = places
            .iter()
            .position(|place| place.card.as_ref().is_some_and(|it| it.is(card)));
        if let Some(elsewhere) = at {
            return Err(InsertError::Elsewhere(elsewhere));
        }
        let place = places
            .get_mut(reader)
            .ok_or(InsertError::NoReader(reader))?;
        if place.card.is_some() {
            return Err(InsertError::Occupied(reader));
        }
        card.applet().reset();
        place.card = Some(card.clone());
        place.changes += 1;
        drop(places);
        self.row.changed.notify_all();
        Ok(())
    }

    /// Pulls the card out of a reader, whatever it is doing.
    pub fn pull(&self, reader: usize) -> Option<TrainingCard> {
        let pulled = self.row.places().get_mut(reader).and_then(Place::pull);
        self.row.changed.notify_all();
        pulled
    }

    /// Arranges that the card now in this reader, or the next one, is pulled
    /// at a certain command; commands count from this call. `None` calls it
    /// off.
    pub fn pull_at(&self, reader: usize, when: Option<Pull>) {
        if let Some(place) = self.row.places().get_mut(reader) {
            place.pull = when;
        }
    }

    /// The label of the card in a reader.
    #[must_use]
    pub fn card_in(&self, reader: usize) -> Option<CardLabel> {
        let places = self.row.places();
        Some(places.get(reader)?.card.as_ref()?.label.clone())
    }
}

impl Place {
    fn pull(&mut self) -> Option<TrainingCard> {
        let card = self.card.take()?;
        self.changes += 1;
        self.pull = None;
        card.applet().reset();
        Some(card)
    }
}

impl Row {
    fn places(&self) -> MutexGuard<'_, Vec<Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn states(places: &[Place]) -> Vec<ReaderState> {
    places
        .iter()
        .enumerate()
        .map(|(at, place)| ReaderState {
            id: TrainingReaders::id(at),
            card_present: place.card.is_some(),
            changes: place.changes,
            training: true,
        })
        .collect()
}

impl CardReaders for TrainingReaders {
    fn states(&self) -> Result<Vec<ReaderState>, CardError> {
        Ok(states(&self.row.places()))
    }

    fn wait_change(
        &self,
        known: &[ReaderState],
        timeout: Duration,
    ) -> Result<Vec<ReaderState>, CardError> {
        let places = self.row.places();
        let (places, _) = self
            .row
            .changed
            .wait_timeout_while(places, timeout, |places| states(places) == known)
            .unwrap_or_else(PoisonError::into_inner);
        Ok(states(&places))
    }

    fn connect(&self, reader: &ReaderId) -> Result<Box<dyn CardChannel>, CardError> {
        let mut places = self.row.places();
        let at = (0..places.len())
            .find(|at| TrainingReaders::id(*at) == *reader)
            .ok_or(CardError::NoReader)?;
        let place = &mut places[at];
        let card = place.card.clone().ok_or(CardError::Removed)?;
        if place.taken == Some(place.changes) {
            return Err(CardError::Sharing);
        }
        place.taken = Some(place.changes);
        card.applet().reset();
        Ok(Box::new(Channel {
            row: Arc::clone(&self.row),
            at,
            since: place.changes,
        }))
    }
}

/// A card held by one user of a reader.
struct Channel {
    row: Arc<Row>,
    at: usize,
    /// The reader's change count when the card was taken.
    since: u64,
}

impl CardChannel for Channel {
    fn transmit(&mut self, command: &[u8]) -> Result<Response, CardError> {
        let mut places = self.row.places();
        let place = places.get_mut(self.at).ok_or(CardError::NoReader)?;
        if place.changes != self.since {
            return Err(CardError::Removed);
        }
        let card = place.card.clone().ok_or(CardError::Removed)?;
        let pull = place.pull;
        if pull == Some(Pull::Before(0)) {
            place.pull();
            drop(places);
            self.row.changed.notify_all();
            return Err(CardError::Removed);
        }
        place.pull = pull.map(|it| match it {
            Pull::Before(left) => Pull::Before(left - 1),
            Pull::During(left) => Pull::During(left.saturating_sub(1)),
        });
        // The row stays free while the card works: other readers go on, and
        // a hand may pull this very card.
        drop(places);
        let answer = Response::new(card.applet().transmit(command))?;
        let mut places = self.row.places();
        let place = places.get_mut(self.at).ok_or(CardError::NoReader)?;
        if pull == Some(Pull::During(0)) && place.changes == self.since {
            place.pull();
        }
        let gone = place.changes != self.since;
        drop(places);
        if gone {
            self.row.changed.notify_all();
            return Err(CardError::Removed);
        }
        Ok(answer)
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        let mut places = self.row.places();
        let Some(place) = places.get_mut(self.at) else {
            return;
        };
        if place.taken == Some(self.since) {
            place.taken = None;
        }
        if let (Some(card), true) = (&place.card, place.changes == self.since) {
            card.applet().reset();
        }
    }
}
