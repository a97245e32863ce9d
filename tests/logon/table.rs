//! The table in front of the readers: which card sits where, and a hand that
//! pulls one at a certain command.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use conclave_keyroom::ports::card::Response;
use conclave_keyroom::ports::card::{CardChannel, CardError, CardReaders, ReaderId, ReaderState};

use crate::bench::Bench;

/// When a card is pulled in the middle of its work; commands are counted from
/// 0 over all channels, from the moment the plan is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The card never sees this command.
    Before(usize),
    /// The card has run this command, but its answer does not arrive.
    After(usize),
}

#[derive(Default)]
struct Plan {
    cut: Option<Cut>,
    commands: usize,
    /// The reader whose card the plan has pulled.
    pulled: Option<usize>,
}

/// The table. Clones are hands at the same one.
#[derive(Clone)]
pub struct Table {
    pub bench: Arc<dyn Bench>,
    seats: Arc<Mutex<Vec<Option<usize>>>>,
    plan: Arc<Mutex<Plan>>,
}

impl Table {
    pub fn new(bench: Arc<dyn Bench>) -> Self {
        let seats = vec![None; bench.reader_count()];
        Self {
            bench,
            seats: Arc::new(Mutex::new(seats)),
            plan: Arc::new(Mutex::new(Plan::default())),
        }
    }

    /// The readers, with the hand between them and the station.
    pub fn readers(&self) -> Arc<dyn CardReaders> {
        Arc::new(Tapped {
            inner: self.bench.readers(),
            table: self.clone(),
        })
    }

    /// How many readers there are.
    pub fn width(&self) -> usize {
        self.bench.reader_count()
    }

    /// In which reader a card is.
    pub fn seat_of(&self, card: usize) -> Option<usize> {
        let seats = self.seats.lock().unwrap();
        seats.iter().position(|seat| *seat == Some(card))
    }

    /// Puts a card in: with one reader in place of the one that is in, with
    /// several into an empty one. Where none is empty, the card of the lowest
    /// reader that is not among `stay` goes out.
    pub fn put(&self, card: usize, stay: &[usize]) -> usize {
        if let Some(reader) = self.seat_of(card) {
            self.take(reader);
        }
        let empty = self.seats.lock().unwrap().iter().position(Option::is_none);
        let reader = empty.unwrap_or_else(|| {
            let seats = self.seats.lock().unwrap().clone();
            seats
                .iter()
                .position(|seat| seat.is_some_and(|card| !stay.contains(&card)))
                .unwrap_or(0)
        });
        self.take(reader);
        self.bench.seat(card, reader);
        self.seats.lock().unwrap()[reader] = Some(card);
        reader
    }

    /// Pulls what is in a reader and waits until that is noticed.
    pub fn take(&self, reader: usize) {
        if self.pull(reader) {
            self.bench.wait(reader, false);
        }
    }

    /// Pulls what is in a reader, and waits for nobody.
    pub fn pull(&self, reader: usize) -> bool {
        let card = self.seats.lock().unwrap()[reader].take();
        if card.is_some() {
            self.bench.pull(reader);
        }
        card.is_some()
    }

    /// Takes every card away.
    pub fn clear(&self) {
        let pulled: Vec<usize> = (0..self.width()).filter(|at| self.pull(*at)).collect();
        for reader in pulled {
            self.bench.wait(reader, false);
        }
    }

    /// Arranges that the card that is working is pulled at a command.
    pub fn cut(&self, cut: Option<Cut>) {
        *self.plan.lock().unwrap() = Plan {
            cut,
            ..Plan::default()
        };
    }

    /// Whether the plan has pulled a card.
    pub fn was_cut(&self) -> bool {
        self.plan.lock().unwrap().pulled.is_some()
    }

    fn number_of(&self, id: &ReaderId) -> usize {
        (0..self.width())
            .find(|at| self.bench.reader(*at) == *id)
            .expect("a reader of this table")
    }
}

struct Tapped {
    inner: Arc<dyn CardReaders>,
    table: Table,
}

impl CardReaders for Tapped {
    fn states(&self) -> Result<Vec<ReaderState>, CardError> {
        self.inner.states()
    }

    fn wait_change(
        &self,
        known: &[ReaderState],
        timeout: Duration,
    ) -> Result<Vec<ReaderState>, CardError> {
        self.inner.wait_change(known, timeout)
    }

    fn connect(&self, reader: &ReaderId) -> Result<Box<dyn CardChannel>, CardError> {
        Ok(Box::new(Channel {
            inner: self.inner.connect(reader)?,
            reader: reader.clone(),
            table: self.table.clone(),
        }))
    }
}

struct Channel {
    inner: Box<dyn CardChannel>,
    reader: ReaderId,
    table: Table,
}

impl Channel {
    fn pull(&self) {
        let reader = self.table.number_of(&self.reader);
        self.table.plan.lock().unwrap().pulled = Some(reader);
        self.table.take(reader);
    }
}

impl CardChannel for Channel {
    fn transmit(&mut self, command: &[u8]) -> Result<Response, CardError> {
        let (number, cut) = {
            let mut plan = self.table.plan.lock().unwrap();
            let number = plan.commands;
            plan.commands += 1;
            let cut = plan.cut.filter(|_| plan.pulled.is_none());
            (number, cut)
        };
        match cut {
            Some(Cut::Before(at)) if at == number => self.pull(),
            Some(Cut::After(at)) if at == number => {
                self.inner.transmit(command)?;
                self.pull();
            }
            _ => {}
        }
        self.inner.transmit(command)
    }
}
