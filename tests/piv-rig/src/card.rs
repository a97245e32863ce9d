//! One card in one reader: from insertion until it is pulled.

use std::net::TcpStream;
use std::path::{Path, PathBuf};

use iso7816::Status;
use iso7816::command::CommandView;
use vpicc::{Connection, VSmartCard};

use crate::applet::{self, Piv};

/// The storage that makes a card the same card when it comes back.
pub struct CardFiles {
    pub internal: PathBuf,
    pub external: PathBuf,
}

impl CardFiles {
    pub fn new(folder: &Path, card: usize) -> Self {
        Self {
            internal: folder.join(format!("card-{card:04}.internal")),
            external: folder.join(format!("card-{card:04}.external")),
        }
    }
}

/// Serves the reader until the connection ends.
pub fn live(files: &CardFiles, stream: TcpStream) {
    let Ok(ours) = stream.try_clone() else { return };
    let mut connection = Connection::from(stream);
    // A PIN verified before a reset must not be verified after it, so that
    // applet and services are built anew each time the power goes.
    let mut going = true;
    while going {
        going = applet::with_piv(files, |piv| {
            let mut card = Card::new(piv);
            while !card.power_lost {
                // Otherwise each APDU waits 40 ms for a delayed ACK.
                let _ = rustix::net::sockopt::set_tcp_quickack(&ours, true);
                if connection.poll(&mut card).is_err() {
                    return false;
                }
            }
            true
        });
    }
}

/// The transport between reader and applet: chaining, GET RESPONSE, and the
/// AID in full.
struct Card<'a, 'b> {
    piv: &'a mut Piv<'b>,
    chain: Option<([u8; 3], Vec<u8>)>,
    pending: Vec<u8>,
    used: bool,
    power_lost: bool,
}

const AID: [u8; 11] = [0xA0, 0, 0, 3, 8, 0, 0, 0x10, 0, 1, 0];
const AID_LEAST: usize = 9;

impl<'a, 'b> Card<'a, 'b> {
    fn new(piv: &'a mut Piv<'b>) -> Self {
        Self {
            piv,
            chain: None,
            pending: Vec::new(),
            used: false,
            power_lost: false,
        }
    }

    fn next(&mut self) -> Vec<u8> {
        let now = self.pending.len().min(256);
        let mut response: Vec<u8> = self.pending.drain(..now).collect();
        let status: u16 = match self.pending.len() {
            0 => 0x9000,
            left => 0x6100 | u16::try_from(left).ok().filter(|it| *it < 256).unwrap_or(0),
        };
        response.extend_from_slice(&status.to_be_bytes());
        response
    }

    fn run(&mut self, [instruction, p1, p2]: [u8; 3], mut data: Vec<u8>) -> Result<(), Status> {
        if instruction == 0xA4 && data.len() >= AID_LEAST && AID.starts_with(&data) {
            data = AID.to_vec();
        }
        let mut command = vec![0, instruction, p1, p2];
        if !data.is_empty() {
            command.push(0);
            command.extend_from_slice(&(data.len() as u16).to_be_bytes());
            command.extend_from_slice(&data);
            command.extend_from_slice(&[0, 0]);
        }
        let view = CommandView::try_from(&command[..]).map_err(|_| Status::WrongLength)?;
        let mut reply = heapless::Vec::<u8, 4096>::new();
        self.piv.respond(view, &mut reply)?;
        self.pending = reply.to_vec();
        Ok(())
    }

    fn command(&mut self, apdu: &[u8]) -> Result<Vec<u8>, Status> {
        let (header, body) = apdu.split_first_chunk::<4>().ok_or(Status::WrongLength)?;
        let [class, rest @ ..] = *header;
        let data = match body {
            [] | [_] => &[][..],
            [length, data @ ..] => data
                .get(..usize::from(*length))
                .ok_or(Status::WrongLength)?,
        };
        if rest[0] == 0xC0 {
            return Ok(self.next());
        }
        let mut collected = match self.chain.take() {
            Some((open, collected)) if open == rest => collected,
            _ => Vec::new(),
        };
        collected.extend_from_slice(data);
        if class & 0x10 != 0 {
            self.chain = Some((rest, collected));
            return Ok(vec![0x90, 0x00]);
        }
        self.pending.clear();
        self.run(rest, collected)?;
        Ok(self.next())
    }

    fn lose_power(&mut self) {
        // Fresh already: building it again would only cost time.
        self.power_lost = self.used;
    }
}

impl VSmartCard for Card<'_, '_> {
    fn power_on(&mut self) {
        self.lose_power();
    }

    fn power_off(&mut self) {
        self.lose_power();
    }

    fn reset(&mut self) {
        self.lose_power();
    }

    fn execute(&mut self, apdu: &[u8]) -> Vec<u8> {
        self.used = true;
        self.command(apdu).unwrap_or_else(|status| {
            let status: [u8; 2] = status.into();
            status.to_vec()
        })
    }
}
