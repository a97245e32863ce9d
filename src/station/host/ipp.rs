//! A report printer on this computer's loopback: one request over HTTP/1.1 (RFC
//! 9112), its answer read within limits of length and time. An address that is
//! not the loopback cannot be written down here ([`Loopback`]).

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use conclave_keyroom::domain::Permission;
use conclave_keyroom::domain::open_page::OpenPage;
use conclave_keyroom::ports::printer::{FoundPrinter, PrinterError};
use conclave_trades::print::ipp::{self, ANSWER_MOST, About, Answer, IppError, Loopback};

/// How long a printer may take from the request to the end of its answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a port may take for a connection.
const CONNECT: Duration = Duration::from_secs(2);
/// The longest head of an answer, in bytes.
const HEAD_MOST: usize = 16 * 1024;
/// The most answers of 100 before the one that counts, and that one.
const EARLY_MOST: usize = 4;
/// The ports at which `ipp-usb` offers printers, in the order of plugging in.
const PORTS: std::ops::Range<u16> = 60_000..60_004;

/// Where the system's `ipp-usb` offers printers.
#[must_use]
pub fn usual() -> Vec<String> {
    PORTS
        .map(|port| format!("ipp://127.0.0.1:{port}/ipp/print"))
        .collect()
}

fn not_ready(error: impl ToString) -> PrinterError {
    PrinterError::NotReady(error.to_string())
}

fn broken(error: impl ToString) -> PrinterError {
    PrinterError::Broken(error.to_string())
}

fn connect(to: &Loopback) -> Result<TcpStream, PrinterError> {
    let stream =
        TcpStream::connect_timeout(&to.socket(), CONNECT).map_err(|_| PrinterError::Missing)?;
    stream
        .set_write_timeout(Some(PATIENCE))
        .map_err(not_ready)?;
    Ok(stream)
}

/// The request with its head, and where the answer's body is.
#[allow(clippy::disallowed_methods)] // this is the host: the printer's patience is in real time
fn exchange(stream: &mut TcpStream, to: &Loopback, body: &[u8]) -> std::io::Result<Vec<u8>> {
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/ipp\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        to.path(),
        to.socket(),
        body.len()
    );
    // One limit for the whole: a byte now and then must not hold the station.
    let until = Instant::now() + PATIENCE;
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    stream.flush()?;
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    loop {
        if let Some(body) = http_body(&answer, false)? {
            return Ok(body);
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(std::io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut part)? {
            0 => break,
            len => answer.extend_from_slice(part.get(..len).unwrap_or_default()),
        }
    }
    http_body(&answer, true)?.ok_or_else(|| strange("the answer ends too early"))
}

fn strange(what: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, what)
}

/// The body of an answer 200, once all of it is there; `closed` when nothing
/// more comes. Answers of 100 are stepped over.
///
/// # Errors
/// What is no such answer, or a longer one than is read.
pub fn http_body(mut answer: &[u8], closed: bool) -> std::io::Result<Option<Vec<u8>>> {
    for _ in 0..EARLY_MOST {
        match one_body(answer, closed)? {
            Found::Early(rest) => answer = answer.get(rest..).unwrap_or_default(),
            Found::Whole(body) => return Ok(Some(body)),
            Found::NotYet => return Ok(None),
        }
    }
    Err(strange("the printer does not come to its answer"))
}

/// What an answer is.
enum Found {
    /// 100: another one begins there.
    Early(usize),
    Whole(Vec<u8>),
    NotYet,
}

fn one_body(answer: &[u8], closed: bool) -> std::io::Result<Found> {
    let too_long = || strange("the answer is too long");
    let Some(at) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return match answer.len() > HEAD_MOST {
            true => Err(too_long()),
            false => Ok(Found::NotYet),
        };
    };
    let (head, rest) = answer.split_at(at);
    let body = rest.get(4..).unwrap_or_default();
    if head.len() > HEAD_MOST || body.len() > 2 * ANSWER_MOST {
        return Err(too_long());
    }
    let head = std::str::from_utf8(head).map_err(|_| strange("the answer is no HTTP"))?;
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    let mut words = status.split(' ');
    if !words.next().is_some_and(|v| v.starts_with("HTTP/1.")) {
        return Err(strange("the answer is no HTTP"));
    }
    match words.next() {
        Some("100") => return Ok(Found::Early(at + 4)),
        Some("200") => {}
        other => {
            let code: String = other.unwrap_or_default().chars().take(3).collect();
            return Err(strange(&format!("the printer answers HTTP {code}")));
        }
    }
    let (mut length, mut chunked) = (None, false);
    for line in lines {
        let (name, value) = line.split_once(':').unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => {
                let digits = value.trim();
                let number = (digits.len() < 8 && digits.bytes().all(|b| b.is_ascii_digit()))
                    .then(|| digits.parse::<usize>().ok())
                    .flatten()
                    .filter(|len| *len <= ANSWER_MOST);
                length = Some(number.ok_or_else(too_long)?);
            }
            "transfer-encoding" => chunked = value.trim().eq_ignore_ascii_case("chunked"),
            _ => {}
        }
    }
    let whole = if chunked {
        unchunked(body)?
    } else {
        match length {
            Some(len) => body.get(..len).map(<[u8]>::to_vec),
            None if closed && body.len() <= ANSWER_MOST => Some(body.to_vec()),
            None => None,
        }
    };
    Ok(whole.map_or(Found::NotYet, Found::Whole))
}

/// The pieces of a chunked body, once the last one is there (RFC 9112 7.1).
fn unchunked(mut rest: &[u8]) -> std::io::Result<Option<Vec<u8>>> {
    let mut out = Vec::new();
    loop {
        let Some(end) = rest.windows(2).position(|two| two == b"\r\n") else {
            return match rest.len() > 64 {
                true => Err(strange("a piece of the answer has no length")),
                false => Ok(None),
            };
        };
        let line = rest.get(..end).unwrap_or_default();
        let text = std::str::from_utf8(line).unwrap_or_default();
        let digits = text.split(';').next().unwrap_or_default().trim();
        // At most six digits, before they become a number that could overflow.
        let plain =
            (1..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let len = plain
            .then(|| usize::from_str_radix(digits, 16).ok())
            .flatten()
            .filter(|len| out.len() + len <= ANSWER_MOST)
            .ok_or_else(|| strange("a piece of the answer has no length"))?;
        let start = end + 2;
        if len == 0 {
            return Ok(Some(out));
        }
        let Some(piece) = rest.get(start..start + len) else {
            return Ok(None);
        };
        out.extend_from_slice(piece);
        let Some(after) = rest.get(start + len..) else {
            return Ok(None);
        };
        match after.strip_prefix(b"\r\n") {
            Some(next) => rest = next,
            None if after.len() < 2 => return Ok(None),
            None => return Err(strange("a piece of the answer does not end")),
        }
    }
}

fn asked(to: &Loopback) -> Result<About, PrinterError> {
    let mut stream = connect(to)?;
    let body = exchange(&mut stream, to, &ipp::ask(to)).map_err(not_ready)?;
    Answer::parse(&body)
        .and_then(|answer| answer.printer())
        .map_err(not_ready)
}

/// The printers that answer at these addresses.
#[must_use]
pub fn found(addresses: &[String]) -> Vec<FoundPrinter> {
    let each = addresses.iter().filter_map(|text| {
        let to = Loopback::parse(text).ok()?;
        let about = asked(&to).ok()?;
        Some(FoundPrinter {
            device: to.uri(),
            serial: about.uuid,
            training: false,
            attached: 0,
        })
    });
    each.collect()
}

/// Prints a page on the printer of this address, if it is the one of this uuid.
///
/// # Errors
/// [`PrinterError`]
pub fn submit(
    permit: &dyn Permission,
    address: &str,
    uuid: &str,
    page: &OpenPage,
) -> Result<(), PrinterError> {
    let to = Loopback::parse(address).map_err(|_| PrinterError::NotADevice(address.to_owned()))?;
    let about = asked(&to)?;
    if about.uuid != uuid {
        return Err(PrinterError::Impostor {
            found: about.uuid,
            enrolled: uuid.to_owned(),
        });
    }
    if !about.ready {
        let why = about.reasons.join(", ");
        return Err(not_ready(format!("it is stopped: {why}")));
    }
    if !about.takes_pdf {
        return Err(not_ready("it does not take PDF"));
    }
    if !permit.may_continue() {
        return Err(PrinterError::Stopped);
    }
    let mut stream = connect(&to)?;
    let job = ipp::print_job(&to, page.title(), page.pdf());
    let body = exchange(&mut stream, &to, &job).map_err(broken)?;
    match Answer::parse(&body) {
        Ok(answer) if answer.job().is_some() => Ok(()),
        // It said no: nothing was printed.
        Err(IppError::Status(status)) => Err(not_ready(IppError::Status(status))),
        _ => Err(broken("the printer does not say what became of the job")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_read_whole_in_each_way_that_http_has() {
        let read = |text: &str, closed| http_body(text.as_bytes(), closed);
        let whole = |text: &str| read(text, false).unwrap();
        let ok = "HTTP/1.1 200 OK\r\n";
        assert_eq!(whole(&format!("{ok}Content-Length: 3\r\n\r\nab")), None);
        assert_eq!(
            whole(&format!("{ok}content-length: 3\r\n\r\nabc")),
            Some(b"abc".to_vec())
        );
        let early = format!("HTTP/1.1 100 Continue\r\n\r\n{ok}Content-Length: 1\r\n\r\na");
        assert_eq!(whole(&early), Some(b"a".to_vec()));
        let pieces =
            format!("{ok}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n");
        assert_eq!(whole(&pieces), Some(b"abc".to_vec()));
        // A length that overflows is refused, not added up.
        let wide = format!("{ok}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\nFFFFFFFFFFFFFFFF\r\n");
        assert!(read(&wide, false).is_err());
        for len in 0..pieces.len() - 4 {
            assert_eq!(read(&pieces[..len], false).unwrap(), None, "{len}");
        }
        assert_eq!(
            read(&format!("{ok}\r\nabc"), true).unwrap(),
            Some(b"abc".to_vec())
        );
        for bad in [
            "HTTP/1.1 404 Not Found\r\n\r\n".to_owned(),
            "SSH-2.0-x\r\n\r\n".to_owned(),
            format!("{ok}Content-Length: 99999999999\r\n\r\n"),
            format!("{ok}Content-Length: -1\r\n\r\n"),
            format!("{ok}Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
            format!("{ok}Transfer-Encoding: chunked\r\n\r\nFFFFFF\r\n"),
            "x".repeat(HEAD_MOST + 1),
        ] {
            assert!(read(&bad, false).is_err(), "{bad:.60}");
        }
    }
}
