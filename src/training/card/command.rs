//! From bytes to one command and back: ISO 7816-4 sections 5.1 and 5.3.

use zeroize::Zeroizing;

/// Most data a chained command may carry: an object of 3 kB and its header.
const LONGEST: usize = 3 * 1024 + 64;
/// Most data in one response.
const RESPONSE: usize = 256;

/// SW1-SW2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Status(pub u16);

impl Status {
    pub const OK: Self = Self(0x9000);
    pub const WRONG_LENGTH: Self = Self(0x6700);
    pub const LAST_OF_CHAIN_EXPECTED: Self = Self(0x6883);
    pub const SECURITY_STATUS: Self = Self(0x6982);
    pub const BLOCKED: Self = Self(0x6983);
    pub const CONDITIONS: Self = Self(0x6985);
    pub const BAD_DATA: Self = Self(0x6A80);
    pub const NOT_FOUND: Self = Self(0x6A82);
    pub const NO_SPACE: Self = Self(0x6A84);
    pub const BAD_P1_P2: Self = Self(0x6A86);
    pub const REFERENCE_NOT_FOUND: Self = Self(0x6A88);
    pub const BAD_INSTRUCTION: Self = Self(0x6D00);
    pub const BAD_CLASS: Self = Self(0x6E00);
    pub const MEMORY_FAILURE: Self = Self(0x6581);

    /// `63Cx`.
    pub fn tries(left: u8) -> Self {
        Self(0x63C0 | u16::from(left.min(15)))
    }
}

/// What a command does to the card: data to answer, or a refusal.
pub(super) type Outcome = Result<Zeroizing<Vec<u8>>, Status>;

/// One complete command, its chain put together.
pub(super) struct Command {
    pub instruction: u8,
    pub p1: u8,
    pub p2: u8,
    pub data: Zeroizing<Vec<u8>>,
}

/// The transport half of the card: what is left of a chain coming in or of
/// an answer going out. Gone at reset.
#[derive(Default)]
pub(super) struct Link {
    chain: Option<Command>,
    pending: Zeroizing<Vec<u8>>,
}

/// What one APDU means to the link.
pub(super) enum Received {
    /// Answer this at once.
    Answer(Vec<u8>),
    /// Run this, and give its outcome to [`Link::answer`].
    Run(Command),
}

impl Link {
    /// Takes one APDU.
    pub fn receive(&mut self, apdu: &[u8]) -> Received {
        match self.parse(apdu) {
            Ok(received) => received,
            Err(status) => {
                self.chain = None;
                Received::Answer(status.0.to_be_bytes().to_vec())
            }
        }
    }

    fn parse(&mut self, apdu: &[u8]) -> Result<Received, Status> {
        let (header, body) = apdu.split_first_chunk::<4>().ok_or(Status::WRONG_LENGTH)?;
        let [class, instruction, p1, p2] = *header;
        // Cases 1 to 4 of the short form. Le is not looked at: a missing one
        // counts as 256, and every answer that waits is announced by 61xx.
        let data = match body {
            [] | [_] => &[][..],
            [lc, rest @ ..] => {
                let lc = usize::from(*lc);
                let (data, le) = rest.split_at_checked(lc).ok_or(Status::WRONG_LENGTH)?;
                if lc == 0 || le.len() > 1 {
                    return Err(Status::WRONG_LENGTH);
                }
                data
            }
        };
        if instruction == 0xC0 {
            return self.more(p1, p2);
        }
        self.pending = Zeroizing::default();
        let last = match class {
            0x00 => true,
            0x10 => false,
            _ => return Err(Status::BAD_CLASS),
        };
        let mut command = match self.chain.take() {
            Some(open) if (open.instruction, open.p1, open.p2) == (instruction, p1, p2) => open,
            Some(_) => return Err(Status::LAST_OF_CHAIN_EXPECTED),
            None => Command {
                instruction,
                p1,
                p2,
                data: Zeroizing::new(Vec::with_capacity(LONGEST)),
            },
        };
        if command.data.len() + data.len() > LONGEST {
            return Err(Status::WRONG_LENGTH);
        }
        command.data.extend_from_slice(data);
        if last {
            Ok(Received::Run(command))
        } else {
            self.chain = Some(command);
            Ok(Received::Answer(Status::OK.0.to_be_bytes().to_vec()))
        }
    }

    fn more(&mut self, p1: u8, p2: u8) -> Result<Received, Status> {
        if (p1, p2) != (0, 0) {
            return Err(Status::BAD_P1_P2);
        }
        if self.pending.is_empty() {
            return Err(Status::CONDITIONS);
        }
        Ok(Received::Answer(self.next()))
    }

    /// The response APDU for an outcome; what does not fit waits for
    /// GET RESPONSE.
    pub fn answer(&mut self, outcome: Outcome) -> Vec<u8> {
        match outcome {
            Ok(data) => {
                self.pending = data;
                self.next()
            }
            Err(status) => status.0.to_be_bytes().to_vec(),
        }
    }

    fn next(&mut self) -> Vec<u8> {
        let now = self.pending.len().min(RESPONSE);
        let mut response = Vec::with_capacity(now + 2);
        response.extend_from_slice(&self.pending[..now]);
        let left = Zeroizing::new(self.pending[now..].to_vec());
        self.pending = left;
        // 61 00 says: 256 or more.
        let status = match self.pending.len() {
            0 => Status::OK,
            left @ 1..=0xFF => Status(0x6100 | left as u16),
            _ => Status(0x6100),
        };
        response.extend_from_slice(&status.0.to_be_bytes());
        response
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]
    use super::*;

    fn refused(link: &mut Link, apdu: &[u8]) -> u16 {
        match link.receive(apdu) {
            Received::Answer(answer) => u16::from_be_bytes([answer[0], answer[1]]),
            Received::Run(_) => panic!("a command"),
        }
    }

    #[test]
    fn malformed_commands_are_refused() {
        let link = &mut Link::default();
        assert_eq!(refused(link, &[]), 0x6700, "nothing");
        assert_eq!(refused(link, &[0, 0xA4, 4]), 0x6700, "half a header");
        assert_eq!(refused(link, &[0, 0xDB, 0, 0, 5, 1]), 0x6700, "short data");
        assert_eq!(
            refused(link, &[0, 0xDB, 0, 0, 1, 1, 0, 0]),
            0x6700,
            "two Le"
        );
        assert_eq!(refused(link, &[0x80, 0xDB, 0, 0]), 0x6E00, "class");
        assert_eq!(refused(link, &[0, 0xC0, 0, 0, 0]), 0x6985, "nothing waits");
        assert_eq!(refused(link, &[0x10, 0xDB, 0, 0, 1, 1]), 0x9000);
        assert_eq!(refused(link, &[0x00, 0xCB, 0, 0]), 0x6883, "broken chain");
        assert_eq!(refused(link, &[0, 0xC0, 1, 0, 0]), 0x6A86);
    }

    #[test]
    fn a_chain_has_an_end() {
        let link = &mut Link::default();
        let mut part = vec![0x10, 0xDB, 0x3F, 0xFF, 255];
        part.extend_from_slice(&[0; 255]);
        let refused_at = (0..100).find(|_| refused(link, &part) != 0x9000);
        assert_eq!(refused_at, Some(LONGEST / 255));
    }
}
