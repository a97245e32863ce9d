//! A private pcscd with virtual readers, and the cards in them.

use std::io::{Error, Result};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::card::{self, CardFiles};

const DRIVER: &str = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so";
/// First port. Any will do: the network is ours alone.
const PORT: u16 = 35_963;
/// Slots of one configuration entry: its port, and the one after.
const SLOTS: usize = 2;

pub struct Readers {
    pcscd: Child,
    places: Vec<Option<Inserted>>,
}

struct Inserted {
    stream: TcpStream,
    thread: JoinHandle<()>,
}

impl Readers {
    pub fn start(readers: usize, run: &Path) -> Result<Self> {
        raise_loopback()?;
        let folder = run.join("conf");
        std::fs::create_dir_all(&folder)?;
        let entries = readers.div_ceil(SLOTS);
        let mut config = String::new();
        for entry in 0..entries {
            // The driver keeps its state per library, so that each entry
            // needs a copy of its own.
            let driver = run.join(format!("libifdvpcd-{entry}.so"));
            std::fs::copy(DRIVER, &driver)?;
            let port = PORT + (entry * SLOTS) as u16;
            config += &format!(
                "FRIENDLYNAME \"Virtual PCD {entry}\"\nDEVICENAME /dev/null:0x{port:04X}\n\
                 LIBPATH {}\nCHANNELID 0x{port:04X}\n\n",
                driver.display()
            );
        }
        std::fs::write(folder.join("vpcd"), config)?;
        let log = std::fs::File::create(run.join("pcscd.log"))?;
        let pcscd = Command::new("pcscd")
            .args(["--foreground", "--info", "-c"])
            .arg(&folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut started = Self {
            pcscd,
            places: (0..readers).map(|_| None).collect(),
        };
        let socket = run.join("pcscd.comm");
        within(Duration::from_secs(10), || {
            if let Some(status) = started.pcscd.try_wait()? {
                return Err(Error::other(format!("pcscd ended: {status}")));
            }
            Ok((socket.exists() && listening(entries * SLOTS)?).then_some(()))
        })?;
        Ok(started)
    }

    pub fn insert(&mut self, files: CardFiles, reader: usize) -> Result<()> {
        let place = self
            .places
            .get_mut(reader)
            .ok_or_else(|| Error::other("no such reader"))?;
        // A card that ended by itself is no longer in the way.
        if place.as_ref().is_some_and(|it| !it.thread.is_finished()) {
            return Err(Error::other("there is a card in this reader"));
        }
        let port = PORT + reader as u16;
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        let of_thread = stream.try_clone()?;
        let thread = std::thread::spawn(move || card::live(&files, of_thread));
        *place = Some(Inserted { stream, thread });
        Ok(())
    }

    pub fn pull(&mut self, reader: usize) -> Result<()> {
        let inserted = self.places.get_mut(reader).and_then(Option::take);
        let inserted = inserted.ok_or_else(|| Error::other("no card in this reader"))?;
        // Fails when the card has ended by itself, which is as good.
        let _ = inserted.stream.shutdown(Shutdown::Both);
        inserted
            .thread
            .join()
            .map_err(|_| Error::other("the applet panicked"))
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        let _ = self.pcscd.kill();
        let _ = self.pcscd.wait();
    }
}

/// Whether the readers' ports are all open. Looked up, not tried: a
/// connection would be a card.
fn listening(ports: usize) -> Result<bool> {
    const LISTEN: &str = "0A";
    let table = std::fs::read_to_string("/proc/self/net/tcp")?
        + &std::fs::read_to_string("/proc/self/net/tcp6").unwrap_or_default();
    Ok((0..ports).all(|at| {
        let port = format!(":{:04X}", PORT + at as u16);
        table.lines().any(|line| {
            let mut fields = line.split_whitespace().skip(1);
            fields.next().is_some_and(|local| local.ends_with(&port))
                && fields.nth(1) == Some(LISTEN)
        })
    }))
}

fn within<T>(limit: Duration, mut attempt: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(done) = attempt()? {
            return Ok(done);
        }
        if start.elapsed() > limit {
            return Err(Error::other("pcscd did not open all readers in time"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A new network namespace has its loopback interface down.
fn raise_loopback() -> Result<()> {
    // SAFETY: `request` is a zeroed, valid ifreq with a terminated name; the
    // socket is checked and closed.
    unsafe {
        let socket = libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0);
        if socket < 0 {
            return Err(Error::last_os_error());
        }
        let mut request: libc::ifreq = std::mem::zeroed();
        request.ifr_name[0] = b'l' as libc::c_char;
        request.ifr_name[1] = b'o' as libc::c_char;
        request.ifr_ifru.ifru_flags = libc::IFF_UP as libc::c_short;
        let done = libc::ioctl(socket, libc::SIOCSIFFLAGS, &request);
        let error = Error::last_os_error();
        libc::close(socket);
        if done < 0 { Err(error) } else { Ok(()) }
    }
}
