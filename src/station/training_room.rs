//! The training room: readers, cards on the table, a printer, a stick; and
//! what hands do with them.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use conclave_crypto::secret::RandomSource;
use conclave_training::card::{CardFileError, CardLabel, TrainingCard, TrainingReaders};
use conclave_training::printer::{TrainingPrinter, TrainingPrinterError, TrainingPrinters};
use conclave_training::stick::FolderStick;

use crate::config::TrainingConfig;
use crate::front::{Desk, Paper, Pile};
use crate::host::random::SystemRandom;

/// Serial of the training printer for components.
pub const PRINTER: &str = "TRAINING-KOMP-1";
/// Serial of the training printer for reports.
pub const REPORT_PRINTER: &str = "TRAINING-REP-1";
/// Serial of the training printer for PIN mailers.
pub const PIN_PRINTER: &str = "TRAINING-PIN-1";
/// Serial of the training stick.
pub const STICK: &str = "TRAINING-STICK-1";

/// Why there is no training room.
#[derive(Debug, thiserror::Error)]
pub enum TrainingRoomError {
    /// A folder.
    #[error("the training room: {0}")]
    Io(#[from] std::io::Error),
    /// A card.
    #[error(transparent)]
    Card(#[from] CardFileError),
    /// The printer.
    #[error(transparent)]
    Printer(#[from] TrainingPrinterError),
}

/// What stands in the room.
#[derive(Clone)]
pub struct TrainingRoom {
    /// The readers.
    pub readers: TrainingReaders,
    /// All cards, by number.
    pub cards: Arc<Mutex<Vec<TrainingCard>>>,
    /// The printers.
    pub printers: TrainingPrinters,
    /// The stick.
    pub stick: FolderStick,
}

/// Training cards draw from the kernel as the station does.
fn card_random() -> Box<dyn RandomSource> {
    Box::new(SystemRandom)
}

impl TrainingRoom {
    /// The room of the station in `folder`; what is missing is made.
    ///
    /// # Errors
    /// [`TrainingRoomError`]
    pub fn open(folder: &Path, config: &TrainingConfig) -> Result<Self, TrainingRoomError> {
        let labels: Vec<CardLabel> = (1..=u16::from(config.cards))
            .map(|number| CardLabel {
                number,
                name: String::new(),
            })
            .collect();
        let printers = TrainingPrinters(vec![
            TrainingPrinter::start(PRINTER)?,
            TrainingPrinter::start(REPORT_PRINTER)?,
            TrainingPrinter::start(PIN_PRINTER)?,
        ]);
        let stick = folder.join("stick");
        Self::furnished(
            folder,
            usize::from(config.readers),
            &labels,
            printers,
            &stick,
        )
    }

    /// A room with these cards, printers, and this folder as its stick.
    ///
    /// # Errors
    /// [`TrainingRoomError`]
    pub fn furnished(
        folder: &Path,
        readers: usize,
        labels: &[CardLabel],
        printers: TrainingPrinters,
        stick: &Path,
    ) -> Result<Self, TrainingRoomError> {
        let table = folder.join("cards");
        std::fs::create_dir_all(&table)?;
        std::fs::create_dir_all(stick)?;
        let mut cards = Vec::new();
        for label in labels {
            let path = table.join(format!("card-{:02}", label.number));
            cards.push(if path.exists() {
                TrainingCard::open(&path, card_random())?
            } else {
                TrainingCard::create(&path, label.clone(), card_random())?
            });
        }
        Ok(Self {
            readers: TrainingReaders::new(readers),
            cards: Arc::new(Mutex::new(cards)),
            printers,
            stick: FolderStick::new(stick, STICK),
        })
    }

    fn reader_at(&self, name: &str) -> Option<usize> {
        (0..self.readers.count()).find(|at| TrainingReaders::id(*at).0 == name)
    }
}

impl Desk for TrainingRoom {
    fn readers(&self) -> Vec<(String, Option<String>)> {
        (0..self.readers.count())
            .map(|at| {
                (
                    TrainingReaders::id(at).0,
                    self.readers.card_in(at).map(|label| label.to_string()),
                )
            })
            .collect()
    }

    fn cards(&self) -> Vec<String> {
        let inside: Vec<CardLabel> = (0..self.readers.count())
            .filter_map(|at| self.readers.card_in(at))
            .collect();
        self.cards
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(TrainingCard::label)
            .filter(|label| !inside.contains(label))
            .map(ToString::to_string)
            .collect()
    }

    fn insert(&self, card: &str, reader: &str) {
        let cards = self.cards.lock().unwrap_or_else(PoisonError::into_inner);
        let card = cards.iter().find(|c| c.label().to_string() == card);
        if let (Some(card), Some(at)) = (card, self.reader_at(reader)) {
            // A hand that finds the reader taken simply does not get it in.
            let _ = self.readers.insert(card, at);
        }
    }

    fn pull(&self, reader: &str) {
        if let Some(at) = self.reader_at(reader) {
            let _ = self.readers.pull(at);
        }
    }

    fn piles(&self) -> Vec<Pile> {
        let printers = || self.printers.0.iter();
        let bagged = printers().flat_map(|printer| {
            (1..=printer.bags()).map(|bag| Pile {
                paper: paper_of(printer),
                bag: Some(bag),
            })
        });
        let printed = printers()
            .filter(|printer| printer.sheet().is_some())
            .map(|printer| Pile {
                paper: paper_of(printer),
                bag: None,
            });
        bagged.chain(printed).collect()
    }

    fn sheet(&self, pile: &Pile) -> Vec<String> {
        let printer = self.printers.0.iter().find(|p| paper_of(p) == pile.paper);
        printer
            .and_then(|printer| match pile.bag {
                Some(bag) => printer.in_bag(bag.saturating_sub(1)),
                None => printer.sheet(),
            })
            .map(|text| text.lines().map(str::to_owned).collect())
            .unwrap_or_default()
    }

    fn put_away(&self, pile: &Pile) {
        // The one that was looked at: another printer's lies on.
        let printer = self.printers.0.iter().find(|p| paper_of(p) == pile.paper);
        if let (Some(printer), None) = (printer, pile.bag) {
            printer.put_away();
        }
    }
}

/// What comes out of a printer of this room.
fn paper_of(printer: &TrainingPrinter) -> Paper {
    match printer.serial() {
        PIN_PRINTER => Paper::Mailers,
        REPORT_PRINTER => Paper::Reports,
        _ => Paper::Custodians,
    }
}
