//! IPP 1.1 (RFC 8010, RFC 8011), the little that a report needs: what a printer
//! is, and one job. Bytes in, bytes out; who carries them stands elsewhere.
//!
//! Printers are spoken to on this computer's loopback only, as `ipp-usb` offers
//! a USB printer there: an address is `127.0.0.1` or `[::1]`, in figures.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use thiserror::Error;

/// The longest answer that is read, in bytes.
pub const ANSWER_MOST: usize = 256 * 1024;
/// The most attributes of an answer.
const ATTRIBUTES_MOST: usize = 2000;
/// The longest path of a printer, in characters.
const PATH_MOST: usize = 64;

/// Get-Printer-Attributes and Print-Job (RFC 8011 4.2.5, 4.2.1).
const GET_PRINTER_ATTRIBUTES: u16 = 0x000B;
const PRINT_JOB: u16 = 0x0002;

/// Tags of groups (RFC 8010 3.5.1).
const OPERATION: u8 = 0x01;
const JOB: u8 = 0x02;
const END: u8 = 0x03;
const PRINTER: u8 = 0x04;
/// Tags of values (RFC 8010 3.5.2).
const BOOLEAN: u8 = 0x22;
const ENUM: u8 = 0x23;
const NAME: u8 = 0x42;
const KEYWORD: u8 = 0x44;
const URI: u8 = 0x45;
const CHARSET: u8 = 0x47;
const LANGUAGE: u8 = 0x48;
const MEDIA_TYPE: u8 = 0x49;

/// What reports are.
pub const PDF: &str = "application/pdf";

/// Why an address or an answer is none.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IppError {
    /// Not an address of this computer's loopback, in figures.
    #[error(
        "a report printer is at ipp://127.0.0.1:PORT/PATH or ipp://[::1]:PORT/PATH: nothing goes \
         over a network"
    )]
    Address,
    /// Not an answer of IPP, or a longer one than is read.
    #[error("the printer's answer is no IPP")]
    Answer,
    /// The printer's status code (RFC 8011 B.1).
    #[error("the printer refuses: status {0:#06X}")]
    Status(u16),
    /// It says nothing of itself that it could be known by.
    #[error("the printer does not say who it is")]
    Nobody,
}

/// Where a printer is: this computer's loopback, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loopback {
    socket: SocketAddr,
    path: String,
}

impl Loopback {
    /// `ipp://127.0.0.1:60000/ipp/print`. A name is no address: it could be
    /// looked up.
    ///
    /// # Errors
    /// [`IppError::Address`]
    pub fn parse(text: &str) -> Result<Self, IppError> {
        let rest = text.strip_prefix("ipp://").ok_or(IppError::Address)?;
        let at = rest.find('/').ok_or(IppError::Address)?;
        let (host, path) = rest.split_at(at);
        let socket: SocketAddr = host.parse().map_err(|_| IppError::Address)?;
        let own = match socket.ip() {
            IpAddr::V4(ip) => ip == Ipv4Addr::LOCALHOST,
            IpAddr::V6(ip) => ip == Ipv6Addr::LOCALHOST,
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "/_-.".contains(c);
        let fits = path.len() <= PATH_MOST && path.chars().all(plain) && !path.contains("..");
        let found = Self {
            socket,
            path: path.to_owned(),
        };
        // One printer, one writing: what is on record is compared.
        if own && socket.port() != 0 && fits && found.uri() == text {
            Ok(found)
        } else {
            Err(IppError::Address)
        }
    }

    /// Where to connect.
    #[must_use]
    pub fn socket(&self) -> SocketAddr {
        self.socket
    }

    /// The path, beginning with a slash.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// As it is on record.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("ipp://{}{}", self.socket, self.path)
    }
}

fn attribute(out: &mut Vec<u8>, tag: u8, name: &str, value: &str) {
    out.push(tag);
    for text in [name, value] {
        // Names are this file's; values are an address, a title, a type.
        let bytes = text
            .as_bytes()
            .get(..text.len().min(1000))
            .unwrap_or_default();
        out.extend_from_slice(&u16::try_from(bytes.len()).unwrap_or(0).to_be_bytes());
        out.extend_from_slice(bytes);
    }
}

fn request(operation: u16, to: &Loopback) -> Vec<u8> {
    let mut out = vec![1, 1];
    out.extend_from_slice(&operation.to_be_bytes());
    out.extend_from_slice(&1u32.to_be_bytes());
    out.push(OPERATION);
    attribute(&mut out, CHARSET, "attributes-charset", "utf-8");
    attribute(&mut out, LANGUAGE, "attributes-natural-language", "en");
    attribute(&mut out, URI, "printer-uri", &to.uri());
    attribute(&mut out, NAME, "requesting-user-name", "station");
    out
}

/// Asks a printer who and how it is.
#[must_use]
pub fn ask(to: &Loopback) -> Vec<u8> {
    let mut out = request(GET_PRINTER_ATTRIBUTES, to);
    out.push(END);
    out
}

/// One job: a PDF.
#[must_use]
pub fn print_job(to: &Loopback, title: &str, pdf: &[u8]) -> Vec<u8> {
    let mut out = request(PRINT_JOB, to);
    attribute(&mut out, NAME, "job-name", title);
    attribute(&mut out, MEDIA_TYPE, "document-format", PDF);
    out.push(END);
    out.extend_from_slice(pdf);
    out
}

/// An attribute of an answer; a value has its tag.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Attribute<'a> {
    group: u8,
    name: &'a [u8],
    values: Vec<(u8, &'a [u8])>,
}

/// An answer whose status says yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<'a> {
    attributes: Vec<Attribute<'a>>,
}

fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Result<&'a [u8], IppError> {
    let (taken, rest) = bytes.split_at_checked(len).ok_or(IppError::Answer)?;
    *bytes = rest;
    Ok(taken)
}

fn number(bytes: &mut &[u8]) -> Result<u16, IppError> {
    match take(bytes, 2)? {
        [high, low] => Ok(u16::from_be_bytes([*high, *low])),
        _ => Err(IppError::Answer),
    }
}

impl<'a> Answer<'a> {
    /// Reads an answer to request 1.
    ///
    /// # Errors
    /// [`IppError`]
    pub fn parse(mut bytes: &'a [u8]) -> Result<Self, IppError> {
        if bytes.len() > ANSWER_MOST {
            return Err(IppError::Answer);
        }
        let version = take(&mut bytes, 2)?;
        let status = number(&mut bytes)?;
        if !matches!(version, [1 | 2, _]) || take(&mut bytes, 4)? != [0, 0, 0, 1] {
            return Err(IppError::Answer);
        }
        // 0000 to 00FF: it was done (RFC 8011 B.1.2).
        if status > 0x00FF {
            return Err(IppError::Status(status));
        }
        let mut attributes: Vec<Attribute<'a>> = Vec::new();
        let (mut group, mut count) = (0, 0);
        loop {
            let tag = match take(&mut bytes, 1)? {
                [END] => break,
                [tag] => *tag,
                _ => return Err(IppError::Answer),
            };
            if tag < 0x10 {
                group = tag;
                continue;
            }
            let len = usize::from(number(&mut bytes)?);
            let name = take(&mut bytes, len)?;
            let len = usize::from(number(&mut bytes)?);
            let value = take(&mut bytes, len)?;
            count += 1;
            if group == 0 || count > ATTRIBUTES_MOST {
                return Err(IppError::Answer);
            }
            match (name.is_empty(), attributes.last_mut()) {
                // Without a name: one more value of the attribute before.
                (true, Some(last)) => last.values.push((tag, value)),
                (true, None) => return Err(IppError::Answer),
                (false, _) => attributes.push(Attribute {
                    group,
                    name,
                    values: vec![(tag, value)],
                }),
            }
        }
        Ok(Self { attributes })
    }

    fn values(&self, group: u8, name: &str, tag: u8) -> impl Iterator<Item = &'a [u8]> {
        let found = self
            .attributes
            .iter()
            .find(|a| a.group == group && a.name == name.as_bytes());
        let values = found.map(|a| a.values.clone()).unwrap_or_default();
        values
            .into_iter()
            .filter(move |(of, _)| *of == tag)
            .map(|(_, value)| value)
    }

    /// The number that the printer gave the job.
    #[must_use]
    pub fn job(&self) -> Option<u32> {
        let value = self.values(JOB, "job-id", 0x21).next()?;
        value.try_into().ok().map(u32::from_be_bytes)
    }

    /// What the printer says of itself.
    ///
    /// # Errors
    /// [`IppError::Nobody`] where it has no `printer-uuid`.
    pub fn printer(&self) -> Result<About, IppError> {
        let text = |value: &[u8]| plain(value);
        let uuid = self
            .values(PRINTER, "printer-uuid", URI)
            .next()
            .and_then(text)
            .filter(|uuid| uuid.starts_with("urn:uuid:"))
            .ok_or(IppError::Nobody)?;
        let state = self.values(PRINTER, "printer-state", ENUM).next();
        let accepting = self
            .values(PRINTER, "printer-is-accepting-jobs", BOOLEAN)
            .next();
        let reasons = self
            .values(PRINTER, "printer-state-reasons", KEYWORD)
            .filter_map(text)
            .filter(|reason| reason != "none")
            .collect();
        // 5: stopped (RFC 8011 5.4.11).
        let stopped = state.is_some_and(|state| state == [0, 0, 0, 5]);
        Ok(About {
            uuid,
            ready: !stopped && accepting != Some(&[0]),
            reasons,
            takes_pdf: self
                .values(PRINTER, "document-format-supported", MEDIA_TYPE)
                .any(|format| format == PDF.as_bytes()),
        })
    }
}

/// Text of a printer as it may stand in a record and on a screen.
fn plain(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?;
    let fits = (1..=126).contains(&text.len()) && text.chars().all(|c| matches!(c, ' '..='~'));
    fits.then(|| text.to_owned())
}

/// What a printer says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// `urn:uuid:…`: by this it is known.
    pub uuid: String,
    /// FALSE when it is stopped, or takes no jobs.
    pub ready: bool,
    /// Why it is as it is: `media-empty`.
    pub reasons: Vec<String>,
    /// It prints PDF directly.
    pub takes_pdf: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_the_loopback_in_figures_is_an_address() {
        for good in [
            "ipp://127.0.0.1:60000/ipp/print",
            "ipp://[::1]:631/ipp/print",
        ] {
            assert_eq!(Loopback::parse(good).unwrap().uri(), good);
        }
        for bad in [
            "",
            "ipp://localhost:60000/ipp/print",
            "ipp://127.0.0.2:60000/ipp/print",
            "ipp://127.0.0.1/ipp/print",
            "ipp://127.0.0.1:0/ipp/print",
            "ipp://127.0.0.1:060000/ipp/print",
            "ipp://127.1:60000/ipp/print",
            "ipp://10.0.0.1:60000/ipp/print",
            "ipp://[::ffff:127.0.0.1]:60000/ipp/print",
            "ipp://[0:0:0:0:0:0:0:1]:60000/ipp/print",
            "ipp://127.0.0.1:60000",
            "ipp://127.0.0.1:60000/ipp/print?x",
            "ipp://127.0.0.1:60000/../x",
            "ipp://127.0.0.1:60000@10.0.0.1/ipp",
            "ipps://127.0.0.1:60000/ipp/print",
            "http://127.0.0.1:60000/ipp/print",
            "/dev/usb/lp0",
        ] {
            assert_eq!(Loopback::parse(bad), Err(IppError::Address), "{bad}");
        }
    }

    /// RFC 8010 A.2: the example's answer to Print-Job, successful.
    #[test]
    fn an_answer_is_read_to_its_end_and_no_further() {
        let mut bytes = vec![1, 1, 0, 0, 0, 0, 0, 1, OPERATION];
        attribute(&mut bytes, CHARSET, "attributes-charset", "utf-8");
        attribute(&mut bytes, LANGUAGE, "attributes-natural-language", "en-us");
        bytes.push(JOB);
        bytes.extend_from_slice(b"\x21\x00\x06job-id\x00\x04\x00\x00\x00\x93");
        bytes.push(PRINTER);
        attribute(&mut bytes, URI, "printer-uuid", "urn:uuid:1-2");
        attribute(
            &mut bytes,
            MEDIA_TYPE,
            "document-format-supported",
            "image/pwg-raster",
        );
        attribute(&mut bytes, MEDIA_TYPE, "", PDF);
        bytes.push(END);
        let answer = Answer::parse(&bytes).unwrap();
        assert_eq!(answer.job(), Some(147));
        let about = answer.printer().unwrap();
        assert!(about.ready && about.takes_pdf && about.uuid == "urn:uuid:1-2");
        for len in 0..bytes.len() {
            assert_eq!(Answer::parse(&bytes[..len]), Err(IppError::Answer), "{len}");
        }
        bytes[2] = 0x04;
        assert_eq!(Answer::parse(&bytes), Err(IppError::Status(0x0400)));
        bytes[7] = 2;
        assert_eq!(Answer::parse(&bytes), Err(IppError::Answer));
    }
}
