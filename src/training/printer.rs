//! A printer that shows its paper.
//!
//! It stands behind a pseudo-terminal, so that it is a true character device:
//! the station opens, checks and writes it as it does a real one. What arrives
//! is kept in locked memory and read as ESC/P into the lines of a sheet.
//! TEST stations only: its paper can be seen by whoever sees the screen.
//!
//! A printer prints at once, on one sheet without end; or, with
//! [`TrainingPrinter::start_with_forms`], as an impact printer does: line after line
//! on numbered forms, with a memory, a jam, and hands that clear it (`carriage`,
//! `line`, `forms`).

mod carriage;
mod forms;
mod line;
mod paper;
mod tray;

pub use carriage::{Hand, Look, Trouble};
pub use forms::State;

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::Permission;
use conclave_keyroom::ports::printer::{FoundPrinter, PrinterError, Printers};
use conclave_trades::print::device;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use forms::{Ledger, Sheet};
use line::Line;
use tray::Tray;

/// Why there is no training printer, or no copy of its sheet.
#[derive(Debug, thiserror::Error)]
pub enum TrainingPrinterError {
    /// The system gave no pseudo-terminal.
    #[error("no pseudo-terminal for a training printer: {0}")]
    Terminal(#[from] rustix::io::Errno),
    /// Its name is no text.
    #[error("the pseudo-terminal's name is not text")]
    Name,
    /// The thread that reads the paper did not start, or a sheet was not saved.
    #[error("training printer: {0}")]
    System(#[from] std::io::Error),
    /// There is no folder to save sheets in.
    #[error("this training printer has no folder for its paper")]
    NoFolder,
    /// A name that is more than a file name.
    #[error("{0:?} is no name for a sheet")]
    SheetName(String),
}

/// A training printer. Clones are the same printer.
#[derive(Clone)]
pub struct TrainingPrinter {
    shared: Arc<Shared>,
}

struct Shared {
    device: String,
    serial: String,
    number: (u32, u32),
    paper_folder: Option<PathBuf>,
    tray: Arc<(Mutex<Tray>, Condvar)>,
    /// Where it prints on numbered forms, and the tray stays empty.
    forms: Option<Line>,
    bags: Mutex<VecDeque<Bag>>,
    /// Kept open, so that the printer stays on when the station closes it.
    _slave: OwnedFd,
}

/// What is in a bag beside a printer.
enum Bag {
    Sheet(Tray),
    Forms(Vec<Sheet>),
}

/// Most bags that lie beside a printer.
pub const MOST_BAGS: usize = 24;

/// How long a sheet may take from the terminal to the tray.
const ARRIVAL: Duration = Duration::from_secs(5);

impl TrainingPrinter {
    /// Switches a printer on. `serial` is what it says it is, for example
    /// `TRAINING-KOMP-1`.
    ///
    /// # Errors
    /// [`TrainingPrinterError`]
    pub fn start(serial: &str) -> Result<Self, TrainingPrinterError> {
        Self::start_with_folder(serial, None)
    }

    /// As [`TrainingPrinter::start`], with a folder for [`TrainingPrinter::save_as`].
    ///
    /// # Errors
    /// [`TrainingPrinterError`]
    pub fn start_with_folder(
        serial: &str,
        paper_folder: Option<PathBuf>,
    ) -> Result<Self, TrainingPrinterError> {
        Self::switch_on(serial, paper_folder, None)
    }

    /// As [`TrainingPrinter::start`], and it prints on numbered forms, each in
    /// `form_ms` milliseconds. The file `ledger` has the forms' numbers while the
    /// program is not running.
    ///
    /// # Errors
    /// [`TrainingPrinterError`]
    pub fn start_with_forms(
        serial: &str,
        form_ms: u16,
        ledger: PathBuf,
    ) -> Result<Self, TrainingPrinterError> {
        Self::switch_on(serial, None, Some((form_ms, Ledger::at(ledger))))
    }

    fn switch_on(
        serial: &str,
        paper_folder: Option<PathBuf>,
        forms: Option<(u16, Ledger)>,
    ) -> Result<Self, TrainingPrinterError> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let device = ptsname(&master, Vec::new())?
            .into_string()
            .map_err(|_| TrainingPrinterError::Name)?;
        let slave = rustix::fs::open(
            device.as_str(),
            rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC,
            rustix::fs::Mode::empty(),
        )?;
        // Raw: a terminal would turn LF into CR LF and take bytes for commands.
        let mut settings = tcgetattr(&slave)?;
        settings.make_raw();
        tcsetattr(&slave, OptionalActions::Now, &settings)?;
        let number = rustix::fs::fstat(&slave)?.st_rdev;

        let tray = Arc::new((Mutex::new(Tray::default()), Condvar::new()));
        let forms = match forms {
            Some((form_ms, ledger)) => Some(Line::start(master, form_ms, ledger)?),
            None => {
                let filled = Arc::clone(&tray);
                std::thread::Builder::new()
                    .name("training printer".to_owned())
                    .spawn(move || take_in(File::from(master), &filled))?;
                None
            }
        };
        Ok(Self {
            shared: Arc::new(Shared {
                device,
                serial: serial.to_owned(),
                number: (rustix::fs::major(number), rustix::fs::minor(number)),
                paper_folder,
                tray,
                forms,
                bags: Mutex::default(),
                _slave: slave,
            }),
        })
    }

    /// The device node, for example `/dev/pts/7`.
    #[must_use]
    pub fn device(&self) -> &str {
        &self.shared.device
    }

    /// What it says it is.
    #[must_use]
    pub fn serial(&self) -> &str {
        &self.shared.serial
    }

    /// The sheet in the printer as lines of text, if anything was printed on
    /// it: ESC/P as its letters, PDF as a note of its size.
    #[must_use]
    pub fn sheet(&self) -> Option<Zeroizing<String>> {
        if let Some(line) = &self.shared.forms {
            let carriage = line.carriage();
            let sheets = carriage.sheets();
            return (!sheets.is_empty()).then(|| forms::read(sheets));
        }
        let tray = self.tray();
        (!tray.is_empty()).then(|| paper::read(&tray.bytes()))
    }

    /// What is seen of a printer of numbered forms; nothing where this is none.
    #[must_use]
    pub fn look(&self) -> Option<Look> {
        self.shared
            .forms
            .as_ref()
            .map(|line| line.carriage().look())
    }

    /// What hands can do to a printer of numbered forms as it stands now.
    #[must_use]
    pub fn can(&self) -> Vec<Hand> {
        let forms = self.shared.forms.as_ref();
        forms.map_or_else(Vec::new, |line| line.carriage().can())
    }

    /// Hands do something to a printer of numbered forms. What cannot be done as it
    /// stands now is not done.
    pub fn hand(&self, hand: Hand) {
        if let Some(line) = &self.shared.forms {
            line.carriage().hand(hand);
            line.changed();
        }
    }

    /// Whether it is switched on.
    fn is_on(&self) -> bool {
        let trouble = self.look().and_then(|look| look.trouble);
        trouble != Some(Trouble::Off)
    }

    /// How often it was switched off: each time its memory was lost.
    fn switched_off(&self) -> u64 {
        let line = self.shared.forms.as_ref();
        line.map_or(0, |line| line.carriage().came().1)
    }

    /// The bytes of the sheet as they came; of a printer of numbered forms none.
    #[must_use]
    pub fn bytes(&self) -> Secret {
        self.tray().bytes()
    }

    /// Takes the sheet out: its text, and nothing of it is left in the printer.
    #[must_use]
    pub fn take_sheet(&self) -> Option<Zeroizing<String>> {
        let sheet = self.sheet();
        self.tray().clear();
        sheet
    }

    /// Takes the sheet out and puts it into a bag beside the printer, where it
    /// can be read again until the program ends: in locked memory, as it was in
    /// the printer. The oldest of more than [`MOST_BAGS`] bags is destroyed.
    ///
    /// Of numbered forms, those that are through.
    pub fn put_away(&self) {
        let bag = match &self.shared.forms {
            Some(line) => Bag::Forms(line.carriage().take_out()),
            None => Bag::Sheet(std::mem::take(&mut *self.tray())),
        };
        let empty = match &bag {
            Bag::Sheet(tray) => tray.is_empty(),
            Bag::Forms(sheets) => sheets.is_empty(),
        };
        if empty {
            return;
        }
        let mut bags = self.bags_of();
        if bags.len() == MOST_BAGS {
            drop(bags.pop_front());
        }
        bags.push_back(bag);
    }

    /// How many bags lie beside the printer.
    #[must_use]
    pub fn bags(&self) -> usize {
        self.bags_of().len()
    }

    /// What is in a bag, the oldest being 0, as [`TrainingPrinter::sheet`].
    #[must_use]
    pub fn in_bag(&self, at: usize) -> Option<Zeroizing<String>> {
        self.bags_of().get(at).map(|bag| match bag {
            Bag::Sheet(tray) => paper::read(&tray.bytes()),
            Bag::Forms(sheets) => forms::read(sheets),
        })
    }

    fn bags_of(&self) -> MutexGuard<'_, VecDeque<Bag>> {
        self.shared
            .bags
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the sheet in the printer has at least `count` bytes; FALSE
    /// after some seconds without.
    #[must_use]
    pub fn wait_for(&self, count: usize) -> bool {
        let (_, arrived) = &*self.shared.tray;
        let waited = arrived.wait_timeout_while(self.tray(), ARRIVAL, |tray| tray.len() < count);
        let (tray, _) = waited.unwrap_or_else(PoisonError::into_inner);
        tray.len() >= count
    }

    /// Saves the sheet's bytes as the new file `name` in the paper folder, for
    /// a demonstration. Never over another file.
    ///
    /// # Errors
    /// [`TrainingPrinterError`]
    pub fn save_as(&self, name: &str) -> Result<PathBuf, TrainingPrinterError> {
        let folder = self
            .shared
            .paper_folder
            .as_ref()
            .ok_or(TrainingPrinterError::NoFolder)?;
        let plain = name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if name.is_empty() || name.starts_with('.') || !plain {
            return Err(TrainingPrinterError::SheetName(name.to_owned()));
        }
        let path = folder.join(name);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)?;
        file.write_all(self.bytes().expose())?;
        file.sync_all()?;
        Ok(path)
    }

    fn tray(&self) -> MutexGuard<'_, Tray> {
        self.shared
            .tray
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts what arrives into the tray until the last hand has let go of the node.
fn take_in(mut master: File, tray: &(Mutex<Tray>, Condvar)) {
    let mut buffer = Secret::zeroed(4096);
    loop {
        match master.read(buffer.expose_mut()) {
            Ok(0) => return,
            Ok(count) => {
                let (lock, arrived) = tray;
                let mut tray = lock.lock().unwrap_or_else(PoisonError::into_inner);
                tray.add(buffer.expose().get(..count).unwrap_or_default());
                // The sheet is taken out of the tray, not out of here.
                buffer.expose_mut().fill(0);
                arrived.notify_all();
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// The training printers of a station.
#[derive(Clone, Default)]
pub struct TrainingPrinters(pub Vec<TrainingPrinter>);

impl Printers for TrainingPrinters {
    fn found(&mut self) -> Result<Vec<FoundPrinter>, PrinterError> {
        let on = self.0.iter().filter(|printer| printer.is_on());
        let found = on.map(|printer| FoundPrinter {
            device: printer.device().to_owned(),
            serial: printer.serial().to_owned(),
            training: true,
            attached: printer.switched_off(),
        });
        Ok(found.collect())
    }

    fn print(
        &mut self,
        permit: &dyn Permission,
        device: &str,
        serial: &str,
        bytes: &[u8],
    ) -> Result<(), PrinterError> {
        let printers = self.0.clone();
        let owner = |major, minor| {
            printers
                .iter()
                .find(|printer| printer.shared.number == (major, minor))
        };
        let opened = device::open(device, serial, &|major, minor| {
            owner(major, minor).map(|printer| printer.serial().to_owned())
        })?;
        let printer = printers.iter().find(|printer| printer.device() == device);
        if printer.is_some_and(|printer| !printer.is_on()) {
            return Err(PrinterError::Missing);
        }
        if let Some(line) = printer.and_then(|printer| printer.shared.forms.as_ref()) {
            return line.print(opened, permit, bytes);
        }
        let before = printer.map_or(0, |printer| printer.tray().len());
        opened.write(permit, bytes)?;
        match printer {
            Some(printer) if !printer.wait_for(before + bytes.len()) => Err(PrinterError::Broken(
                "not everything arrived on paper".to_owned(),
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As any program writes to a printer.
    fn send(printer: &TrainingPrinter, bytes: &[u8]) {
        let before = printer.tray().len();
        let mut node = OpenOptions::new()
            .write(true)
            .open(printer.device())
            .unwrap();
        node.write_all(bytes).unwrap();
        assert!(printer.wait_for(before + bytes.len()));
    }

    #[test]
    fn bytes_arrive_as_they_were_sent_and_taking_the_sheet_leaves_none() {
        let printer = TrainingPrinter::start("T-1").unwrap();
        assert!(printer.sheet().is_none());
        let all: Vec<u8> = (0..=255u8).cycle().take(30_000).collect();
        send(&printer, &all);
        assert!(printer.bytes().expose() == all);
        assert!(printer.take_sheet().is_some());
        assert!(printer.sheet().is_none() && printer.bytes().is_empty());
        send(&printer, b"\x1b@again\r");
        assert_eq!(printer.sheet().unwrap().as_str(), "again");
    }

    #[test]
    fn two_printers_are_two_devices_and_the_checked_open_knows_them() {
        let one = TrainingPrinter::start("T-1").unwrap();
        let two = TrainingPrinter::start("T-2").unwrap();
        let mut both = TrainingPrinters(vec![one.clone(), two.clone()]);
        let found = both.found().unwrap();
        assert!(found.iter().all(|printer| printer.training));
        let who = |major, minor| {
            [&one, &two]
                .into_iter()
                .find(|p| p.shared.number == (major, minor))
                .map(|p| p.serial().to_owned())
        };
        assert!(device::open(one.device(), "T-1", &who).is_ok());
        let swapped = device::open(two.device(), "T-1", &who).err();
        assert_eq!(
            swapped,
            Some(PrinterError::Impostor {
                found: "T-2".to_owned(),
                enrolled: "T-1".to_owned()
            })
        );
    }

    #[test]
    fn a_printer_switched_off_is_missing() {
        let printer = TrainingPrinter::start("T-1").unwrap();
        let device = printer.device().to_owned();
        drop(printer);
        // The thread lets go of its end shortly after; another test's printer
        // may then get the same number, but not the same serial.
        let error = (0..200)
            .find_map(|_| {
                std::thread::sleep(Duration::from_millis(10));
                device::open(&device, "T-1", &|_, _| None).err()
            })
            .unwrap();
        assert!(matches!(
            error,
            PrinterError::Missing | PrinterError::Impostor { .. }
        ));
    }

    #[test]
    fn on_numbered_forms_it_prints_line_after_line_and_hands_stop_it() {
        let folder = std::env::temp_dir().join(format!("conclave-forms-{}", std::process::id()));
        let ledger = folder.join("forms");
        let printer = TrainingPrinter::start_with_forms("T-1", 48, ledger.clone()).unwrap();
        let mut node = OpenOptions::new()
            .write(true)
            .open(printer.device())
            .unwrap();
        let until = |is: &dyn Fn(&Look) -> bool| {
            let found = (0..500).any(|_| {
                std::thread::sleep(Duration::from_millis(10));
                printer.look().is_some_and(|look| is(&look))
            });
            assert!(found, "{:?}", printer.look());
        };
        let mut bytes = b"\x1b@1 2 3 4\r\n  1 of 24\r\n\x0c".repeat(2);
        bytes.extend(b"\r\n".repeat(200));
        node.write_all(&bytes).unwrap();
        until(&|look| look.forms.len() == 3);
        printer.hand(Hand::Jam);
        let look = printer.look().unwrap();
        assert_eq!((look.trouble, look.lies), (Some(Trouble::Jam), 3));
        assert_eq!(look.forms[1], (2, State::Whole, "1 of 24".to_owned()));
        let sheet = printer.sheet().unwrap();
        assert!(sheet.contains("form 2: whole and closed") && sheet.contains("1 2 3 4"));
        printer.hand(Hand::ClearJam);
        until(&|look| look.trouble.is_none() && look.lies == 4);

        // Switched off it is not there; its tray is.
        printer.hand(Hand::SwitchOff);
        let mut all = TrainingPrinters(vec![printer.clone()]);
        assert!(all.found().unwrap().is_empty());
        printer.hand(Hand::SwitchOn);
        assert_eq!(all.found().unwrap().len(), 1);
        printer.put_away();
        assert!(printer.sheet().is_none() && printer.bags() == 1);
        assert!(printer.in_bag(0).unwrap().contains("1 2 3 4"));
        drop((all, node));
        let lies = printer.look().unwrap().lies;
        drop(printer);
        // Another start finds the number that lies there.
        let again = TrainingPrinter::start_with_forms("T-1", 48, ledger).unwrap();
        assert_eq!(again.look().unwrap().lies, lies);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn sheets_are_saved_once_and_under_plain_names() {
        let folder = std::env::temp_dir().join(format!("conclave-paper-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let printer = TrainingPrinter::start_with_folder("T-1", Some(folder.clone())).unwrap();
        send(&printer, b"sheet");
        assert!(printer.save_as("one.escp").is_ok());
        assert!(printer.save_as("one.escp").is_err());
        for bad in ["", "../x", ".hidden", "a/b", "a b"] {
            assert!(matches!(
                printer.save_as(bad),
                Err(TrainingPrinterError::SheetName(_))
            ));
        }
        assert_eq!(std::fs::read(folder.join("one.escp")).unwrap(), b"sheet");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
