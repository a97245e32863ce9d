//! The cable and the motor of a printer of numbered forms: one thread takes what
//! comes over the pseudo-terminal, as far as the printer's memory has room; one
//! moves the head. What hands do is seen by both at once.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use conclave_crypto::secret::Secret;
use conclave_keyroom::domain::Permission;
use conclave_keyroom::ports::printer::PrinterError;
use conclave_trades::print::device::Opened;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::{Errno, fcntl_dupfd_cloexec};

use super::TrainingPrinterError;
use super::carriage::{Carriage, FORM_LINES, MEMORY, Trouble};
use super::forms::Ledger;

/// How long the printer may take no data before the station gives it up, in
/// seconds: a real one gets [`conclave_trades::print::device::STALL_SECONDS`], and
/// people who practise need not wait that long.
const STALL_SECONDS: u16 = 5;

/// The cable is empty when nothing came for so long, in nanoseconds.
const QUIET: i64 = 50_000_000;

/// A printer of numbered forms at work.
pub struct Line {
    works: Arc<(Mutex<Carriage>, Condvar)>,
    master: OwnedFd,
}

fn lock(works: &(Mutex<Carriage>, Condvar)) -> MutexGuard<'_, Carriage> {
    works.0.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Line {
    /// Starts both threads. A form takes `form_ms` milliseconds.
    ///
    /// # Errors
    /// [`TrainingPrinterError`]
    pub fn start(
        master: OwnedFd,
        form_ms: u16,
        ledger: Ledger,
    ) -> Result<Self, TrainingPrinterError> {
        fcntl_setfl(&master, OFlags::RDWR | OFlags::NONBLOCK)?;
        let cable = fcntl_dupfd_cloexec(&master, 0)?;
        let works = Arc::new((Mutex::new(Carriage::new(ledger)), Condvar::new()));
        let line = Duration::from_micros(u64::from(form_ms) * 1000 / u64::from(FORM_LINES));
        let of_cable = Arc::clone(&works);
        std::thread::Builder::new()
            .name("training cable".to_owned())
            .spawn(move || take_in(&cable, &of_cable))?;
        let of_motor = Arc::clone(&works);
        std::thread::Builder::new()
            .name("training printer".to_owned())
            .spawn(move || turn(&of_motor, line))?;
        Ok(Self { works, master })
    }

    /// The printer, as it stands now; both threads wait while somebody holds it.
    pub fn carriage(&self) -> MutexGuard<'_, Carriage> {
        lock(&self.works)
    }

    /// Something was done to it: the threads look again.
    pub fn changed(&self) {
        self.works.1.notify_all();
    }

    /// Prints a sheet: it has left when the printer's memory has all of it.
    ///
    /// # Errors
    /// As a real printer's. `NotReady`: it took none of it. `CutShort`: it took
    /// some, and what it did not take never comes.
    pub fn print(
        &self,
        opened: Opened,
        permit: &dyn Permission,
        bytes: &[u8],
    ) -> Result<(), PrinterError> {
        let (before, resets) = self.carriage().came();
        let written = opened.stall_after(STALL_SECONDS).write(permit, bytes);
        let failed = match written {
            Ok(()) => self.taken(before + bytes.len() as u64, resets).err(),
            Err(PrinterError::Stopped) => return Err(PrinterError::Stopped),
            Err(error) => Some(error.to_string()),
        };
        let Some(why) = failed else { return Ok(()) };
        let carriage = self.carriage();
        // The system throws away what a closed device did not take.
        self.empty();
        match carriage.came().0 == before {
            true => Err(PrinterError::NotReady(why)),
            false => Err(PrinterError::CutShort(why)),
        }
    }

    /// Waits until the printer has taken so many bytes; why it did not.
    fn taken(&self, wanted: u64, resets: u64) -> Result<(), String> {
        let limit = Duration::from_secs(STALL_SECONDS.into());
        loop {
            let carriage = self.carriage();
            let at = carriage.came();
            if at.0 >= wanted {
                return Ok(());
            }
            if at.1 != resets || carriage.look().trouble == Some(Trouble::Off) {
                return Err("it was switched off".to_owned());
            }
            let stands = |carriage: &mut Carriage| carriage.came() == at;
            let waited = self.works.1.wait_timeout_while(carriage, limit, stands);
            let (carriage, waited) = waited.unwrap_or_else(PoisonError::into_inner);
            drop(carriage);
            if waited.timed_out() {
                return Err(format!("no data taken for {STALL_SECONDS} s"));
            }
        }
    }

    /// Throws away what is on the cable. The carriage is held meanwhile, so the
    /// other thread takes nothing of it.
    fn empty(&self) {
        let mut waste = Secret::zeroed(MEMORY);
        let limit = Timespec {
            tv_sec: 0,
            tv_nsec: QUIET,
        };
        loop {
            let mut fds = [PollFd::new(&self.master, PollFlags::IN)];
            match poll(&mut fds, Some(&limit)) {
                Ok(0) => return,
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => return,
            }
            match rustix::io::read(&self.master, waste.expose_mut()) {
                Ok(0) => return,
                Ok(_) | Err(Errno::AGAIN | Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.carriage().close();
        self.changed();
    }
}

/// Takes what comes, as far as there is room, until the last hand has let go of the
/// node.
fn take_in(master: &OwnedFd, works: &(Mutex<Carriage>, Condvar)) {
    let mut buffer = Secret::zeroed(MEMORY);
    loop {
        let mut fds = [PollFd::new(master, PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(_) => return,
        }
        let waits = |carriage: &mut Carriage| carriage.room() == 0 && !carriage.is_over();
        let carriage = works.1.wait_while(lock(works), waits);
        let mut carriage = carriage.unwrap_or_else(PoisonError::into_inner);
        if carriage.is_over() {
            return;
        }
        let room = carriage.room();
        let place = buffer.expose_mut().get_mut(..room).unwrap_or_default();
        match rustix::io::read(master, place) {
            Ok(0) => return,
            Ok(count) => carriage.take(buffer.expose().get(..count).unwrap_or_default()),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => return,
        }
        // It is in the printer, and nowhere else.
        buffer.expose_mut().fill(0);
        works.1.notify_all();
    }
}

/// Moves the head, a line at a time.
fn turn(works: &(Mutex<Carriage>, Condvar), line: Duration) {
    loop {
        let mut lines = 0;
        let waits = |carriage: &mut Carriage| {
            lines = carriage.step().unwrap_or(0);
            lines == 0 && !carriage.is_over()
        };
        let carriage = works.1.wait_while(lock(works), waits);
        let over = carriage.unwrap_or_else(PoisonError::into_inner).is_over();
        if over {
            return;
        }
        works.1.notify_all();
        std::thread::sleep(line * u32::from(lines));
    }
}
