//! The way to a printer's device node, for real and training printers alike.
//!
//! A node is opened **without create**: where there is no printer, an open
//! with create would leave the secret in a file of that name. After opening,
//! the open thing itself is asked what it is (not its name, which somebody
//! could exchange in between): it must be a character device, and the identity
//! behind its device number must be the enrolled one. Opening needs no permit,
//! because nothing leaves; writing does.

use std::os::fd::{AsFd, OwnedFd};

use conclave_keyroom::domain::Permission;
use conclave_keyroom::ports::printer::PrinterError;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::termios;

/// Who stands behind a device number (major, minor): the serial that the host
/// sees, or `None` when nobody knows.
pub type Identify<'a> = &'a dyn Fn(u32, u32) -> Option<String>;

/// Most bytes in one write: a stop shows soon.
const CHUNK: usize = 4096;

/// How long a printer may take no data before it is given up, in seconds.
/// Impact printers buffer little: a bold line takes them a second or two.
pub const STALL_SECONDS: u16 = 30;

/// A device node that was opened and found to be the enrolled printer.
pub struct Opened {
    node: OwnedFd,
    stall_seconds: u16,
}

fn not_ready(error: Errno) -> PrinterError {
    PrinterError::NotReady(error.to_string())
}

/// The kind of thing that a name stands for, itself and not what a link points to.
fn kind_of(device: &str) -> Option<FileType> {
    rustix::fs::lstat(device)
        .ok()
        .map(|stat| FileType::from_raw_mode(stat.st_mode))
}

/// Opens `device` without creating it and checks that it is a character device
/// whose identity is `serial`.
///
/// # Errors
/// `Missing`: nothing there. `NotADevice`: file, folder, link, pipe, block
/// device. `Impostor`: another device, or one that nobody can identify.
/// `NotReady`: the system refuses to open it, for example because another
/// program has it open. Nothing is created and nothing is sent in any case.
pub fn open(device: &str, serial: &str, identify: Identify) -> Result<Opened, PrinterError> {
    let not_a_device = || PrinterError::NotADevice(device.to_owned());
    // Asked before opening, because opening a pipe or a file already does
    // something to it; asked again below, because names can be exchanged.
    match kind_of(device) {
        None => return Err(PrinterError::Missing),
        Some(FileType::CharacterDevice) => {}
        Some(_) => return Err(not_a_device()),
    }
    let flags =
        OFlags::WRONLY | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let node = match rustix::fs::open(device, flags, Mode::empty()) {
        Ok(node) => node,
        Err(Errno::NOENT | Errno::NXIO | Errno::NODEV) => return Err(PrinterError::Missing),
        Err(Errno::LOOP | Errno::ISDIR | Errno::NOTDIR) => return Err(not_a_device()),
        Err(error) => return Err(not_ready(error)),
    };
    let stat = rustix::fs::fstat(&node).map_err(not_ready)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::CharacterDevice {
        return Err(not_a_device());
    }
    let number = stat.st_rdev;
    let found = identify(rustix::fs::major(number), rustix::fs::minor(number));
    if found.as_deref() != Some(serial) {
        return Err(PrinterError::Impostor {
            found: found.unwrap_or_else(|| "unknown".to_owned()),
            enrolled: serial.to_owned(),
        });
    }
    Ok(Opened {
        node,
        stall_seconds: STALL_SECONDS,
    })
}

impl Opened {
    /// Another limit for a printer that takes no data.
    #[must_use]
    pub fn stall_after(mut self, seconds: u16) -> Self {
        self.stall_seconds = seconds;
        self
    }

    /// Writes all bytes and waits until the device has taken them.
    ///
    /// # Errors
    /// `Stopped`: the permit was told to stop before the first byte.
    /// `NotReady`: the device took no byte at all. `Broken`: bytes may have
    /// left; `CutShort`: and the last ones did not. Once the first is out, only
    /// the device itself ends the sheet, because half a sheet is worse than a
    /// whole one.
    pub fn write(self, permit: &dyn Permission, bytes: &[u8]) -> Result<(), PrinterError> {
        if !permit.may_continue() {
            return Err(PrinterError::Stopped);
        }
        write_all(&self.node, bytes, self.stall_seconds)
    }
}

/// Waits until the device takes data. FALSE when it did not in time.
fn takes_data(node: &OwnedFd, seconds: u16) -> Result<bool, Errno> {
    let limit = Timespec {
        tv_sec: i64::from(seconds),
        tv_nsec: 0,
    };
    let mut fds = [PollFd::new(node, PollFlags::OUT)];
    loop {
        match poll(&mut fds, Some(&limit)) {
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
            Ok(0) => return Ok(false),
            Ok(_) => break,
        }
    }
    let gone = PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL;
    if fds.iter().any(|fd| fd.revents().intersects(gone)) {
        return Err(Errno::IO);
    }
    Ok(true)
}

fn write_all(node: &OwnedFd, bytes: &[u8], stall_seconds: u16) -> Result<(), PrinterError> {
    let broken = |error: Errno| PrinterError::Broken(error.to_string());
    let no_data = || format!("no data taken for {stall_seconds} s");
    // A terminal is ours alone while we print; other devices refuse a second
    // open by themselves.
    let terminal = termios::isatty(node.as_fd());
    if terminal {
        termios::ioctl_tiocexcl(node).map_err(not_ready)?;
    }
    let done = (|| {
        let mut left = bytes;
        let mut tried = false;
        while !left.is_empty() {
            match takes_data(node, stall_seconds) {
                Ok(true) => {}
                Ok(false) if tried => return Err(PrinterError::CutShort(no_data())),
                Ok(false) => return Err(PrinterError::NotReady(no_data())),
                Err(error) if tried => return Err(PrinterError::CutShort(error.to_string())),
                Err(error) => return Err(not_ready(error)),
            }
            let (chunk, behind) = left.split_at(left.len().min(CHUNK));
            match rustix::io::write(node, chunk) {
                Ok(written) => {
                    tried = true;
                    left = left.get(written..).unwrap_or_default();
                }
                Err(Errno::AGAIN | Errno::INTR) => {}
                // Even the first write may fail after a part of it left. What
                // stands behind it was never offered.
                Err(error) if !behind.is_empty() => {
                    return Err(PrinterError::CutShort(error.to_string()));
                }
                Err(error) => return Err(broken(error)),
            }
        }
        // The USB printer driver throws away what it has not sent when the
        // node is closed; it is ready again once all is out.
        match takes_data(node, stall_seconds) {
            Ok(true) => {}
            Ok(false) => return Err(PrinterError::Broken(no_data())),
            Err(error) => return Err(broken(error)),
        }
        if terminal {
            termios::tcdrain(node).map_err(broken)?;
        }
        Ok(())
    })();
    if terminal {
        // The next sheet opens it again; a failure here shows there.
        let _ = termios::ioctl_tiocnxcl(node);
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    fn terminal() -> (OwnedFd, String) {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        (master, name.into_string().unwrap())
    }

    fn raw(node: &OwnedFd) {
        let mut settings = termios::tcgetattr(node).unwrap();
        settings.make_raw();
        termios::tcsetattr(node, termios::OptionalActions::Now, &settings).unwrap();
    }

    #[test]
    fn all_bytes_arrive_unaltered_through_short_writes() {
        let (master, name) = terminal();
        let opened = open(&name, "S1", &|_, _| Some("S1".to_owned())).unwrap();
        raw(&opened.node);
        let sheet: Vec<u8> = (0..20_000u32).map(|n| (n % 251) as u8).collect();
        let expected = sheet.clone();
        let writer = std::thread::spawn(move || write_all(&opened.node, &sheet, 20));
        let mut got = Vec::new();
        while got.len() < expected.len() {
            let mut part = [0; 777];
            let n = rustix::io::read(&master, &mut part).unwrap();
            got.extend_from_slice(&part[..n]);
        }
        assert_eq!(writer.join().unwrap(), Ok(()));
        assert!(got == expected);
    }

    #[test]
    fn a_printer_that_takes_nothing_more_is_broken_and_one_that_is_gone_too() {
        let (master, name) = terminal();
        let opened = open(&name, "S1", &|_, _| Some("S1".to_owned())).unwrap();
        raw(&opened.node);
        // Nobody reads: the terminal takes some thousand bytes and no more.
        // The kernel moves them on in its own time, so full is what stays full.
        let stalled = write_all(&opened.node, &[b'x'; 200_000], 1).unwrap_err();
        assert!(stalled.may_have_printed(), "{stalled}");
        assert!(matches!(stalled, PrinterError::CutShort(_)), "{stalled}");
        // Full from the start: nothing left.
        let full = write_all(&opened.node, b"y", 0).unwrap_err();
        assert!(matches!(full, PrinterError::NotReady(_)), "{full}");
        assert!(!full.may_have_printed());
        drop(master);
        assert!(write_all(&opened.node, b"z", 0).is_err());
    }

    #[test]
    fn another_or_an_unknown_device_is_an_impostor() {
        let (_master, name) = terminal();
        for found in [Some("S2".to_owned()), None] {
            let error = open(&name, "S1", &|_, _| found.clone()).err();
            assert!(
                matches!(&error, Some(PrinterError::Impostor { enrolled, .. }) if enrolled == "S1"),
                "{error:?}"
            );
        }
    }
}
