//! The training room: readers, cards on the table, a printer, a stick; and
//! what hands do with them.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use conclave_crypto::secret::RandomSource;
use conclave_training::card::{CardFileError, CardLabel, TrainingCard, TrainingReaders};
use conclave_training::printer::{
    Hand, Look, TrainingPrinter, TrainingPrinterError, TrainingPrinters, Trouble,
};
use conclave_training::stick::FolderStick;

use crate::config::TrainingConfig;
use crate::front::{Desk, Paper, Pile, PinPrinter, PrinterHand, SeenForm};
use crate::host::random::SystemRandom;

/// Serial of the training printer for components.
pub const PRINTER: &str = "TRAINING-KOMP-1";
/// Serial of the training printer for reports.
pub const REPORT_PRINTER: &str = "TRAINING-REP-1";
/// Serial of the training printer for PIN mailers.
pub const PIN_PRINTER: &str = "TRAINING-PIN-1";
/// Where the forms of that printer are remembered, below the station's folder.
pub const FORMS: &str = "printer/forms";
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
            match config.form_ms {
                0 => TrainingPrinter::start(PIN_PRINTER)?,
                ms => TrainingPrinter::start_with_forms(PIN_PRINTER, ms, folder.join(FORMS))?,
            },
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

    fn pin_printer(&self) -> Option<PinPrinter> {
        let printer = self.mailer_printer()?;
        let look = printer.look()?;
        Some(PinPrinter {
            state: state_of(&look),
            stands: look.trouble.is_some(),
            forms: look
                .forms
                .into_iter()
                .map(|(number, state, mailer)| SeenForm {
                    number,
                    state: state.words().to_owned(),
                    mailer,
                })
                .collect(),
            can: printer.can().into_iter().map(to_front).collect(),
        })
    }

    fn do_to_printer(&self, hand: PrinterHand) {
        if let Some(printer) = self.mailer_printer() {
            printer.hand(to_printer(hand));
        }
    }
}

impl TrainingRoom {
    fn mailer_printer(&self) -> Option<&TrainingPrinter> {
        let mut printers = self.printers.0.iter();
        printers.find(|printer| printer.serial() == PIN_PRINTER)
    }
}

/// What the printer does, in words.
fn state_of(look: &Look) -> String {
    let form = look.lies;
    match look.trouble {
        Some(Trouble::Jam) => format!("stands: the paper is jammed in form {form}"),
        Some(Trouble::NoPaper) => "stands: the reel is used up".to_owned(),
        Some(Trouble::Off) => "is switched off".to_owned(),
        None if look.waits => format!("waits inside form {form} for the rest of a mailer"),
        None if look.busy => format!("prints form {form}"),
        None => format!("is ready; form {form} lies under its head"),
    }
}

fn to_front(hand: Hand) -> PrinterHand {
    match hand {
        Hand::Jam => PrinterHand::Jam,
        Hand::RunOut => PrinterHand::RunOut,
        Hand::SwitchOff => PrinterHand::SwitchOff,
        Hand::Feed => PrinterHand::Feed,
        Hand::ClearJam => PrinterHand::ClearJam,
        Hand::SwitchOn => PrinterHand::SwitchOn,
        Hand::Load(first) => PrinterHand::Load(first),
    }
}

fn to_printer(hand: PrinterHand) -> Hand {
    match hand {
        PrinterHand::Jam => Hand::Jam,
        PrinterHand::RunOut => Hand::RunOut,
        PrinterHand::SwitchOff => Hand::SwitchOff,
        PrinterHand::Feed => Hand::Feed,
        PrinterHand::ClearJam => Hand::ClearJam,
        PrinterHand::SwitchOn => Hand::SwitchOn,
        PrinterHand::Load(first) => Hand::Load(first),
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
