//! Reading and writing an Atalla key block.

use std::fmt::Write as _;

use thiserror::Error;

use super::header::AkbHeader;
use crate::keyblock::cbc_mac::cbc_mac;
use crate::keyblock::derive::derive;
use crate::keyblock::header::Version;
use crate::primitive::modes::{Algorithm, Cipher, ModeError};
use crate::secret::Secret;

/// Bytes of the key with its filler.
const FIELD: usize = 24;
/// Bytes of the MAC.
const MAC: usize = 8;
/// What fills up a key of one part, and one of two.
const FILLERS: [(usize, u8); 2] = [(8, b'S'), (16, b'D')];

/// Why a block is not read, or not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AkbError {
    /// Not three parts between commas.
    #[error("an Atalla key block has three parts between commas, not {0}")]
    Parts(usize),
    /// A header that is not eight letters and digits.
    #[error("the header is not eight letters and digits")]
    Header,
    /// A format other than 1, TDES.
    #[error("format `{0}` is not read: 1, keys under TDES, is")]
    Format(char),
    /// The key's part is not 48 digits.
    #[error("the key is not 48 digits of upper-case hexadecimal")]
    Key,
    /// The MAC is not 16 digits.
    #[error("the MAC is not 16 digits of upper-case hexadecimal")]
    Mac,
    /// A wrapping key of one part, or of no TDES key's length.
    #[error("a wrapping key has 16 or 24 bytes, not {0}")]
    Wrapping(usize),
    /// A key of another length than TDES has.
    #[error("a key has 8, 16 or 24 bytes, not {0}")]
    Length(usize),
    /// A wrapping key weaker than the key (R6).
    #[error("a key of three parts is not wrapped under one of two (R6)")]
    Weaker,
    /// Another wrapping key, or a changed block. Which one is not told.
    #[error("the key block does not authenticate")]
    DoesNotAuthenticate,
}

/// A block whose clear parts are in order; nothing is proven yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Akb {
    header: AkbHeader,
    body: [u8; FIELD],
    mac: [u8; MAC],
}

/// A key that came out of its block.
pub struct AkbUnwrapped {
    /// What the block says of it, authenticated.
    pub header: AkbHeader,
    /// The key.
    pub key: Secret,
    /// FALSE where the wrapping key is weaker than the key (R6).
    pub strong_enough: bool,
}

impl Akb {
    /// Parses the text of one block, without line end.
    pub fn parse(text: &[u8]) -> Result<Self, AkbError> {
        let parts = text.split(|b| *b == b',').count();
        let mut split = text.split(|b| *b == b',');
        let (Some(header), Some(body), Some(mac), 3) =
            (split.next(), split.next(), split.next(), parts)
        else {
            return Err(AkbError::Parts(parts));
        };
        let header = AkbHeader::parse(header)?;
        let mut read = Self {
            header,
            body: [0; FIELD],
            mac: [0; MAC],
        };
        unhex(body, &mut read.body).ok_or(AkbError::Key)?;
        unhex(mac, &mut read.mac).ok_or(AkbError::Mac)?;
        Ok(read)
    }

    /// What the header says; believe it after [`Akb::unwrap`] only.
    #[must_use]
    pub fn header(&self) -> &AkbHeader {
        &self.header
    }

    /// As it is sent.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{},", self.header);
        push_hex(&mut text, &self.body);
        text.push(',');
        push_hex(&mut text, &self.mac);
        text
    }

    /// Authenticates the block and gives its key. Nothing is decrypted before the
    /// MAC was compared.
    pub fn unwrap(&self, wrapping: &Secret) -> Result<AkbUnwrapped, AkbError> {
        wrapping_length(wrapping)?;
        let none = |_: ModeError| AkbError::DoesNotAuthenticate;
        let keys = derive(Version::A, wrapping).map_err(none)?;
        let tag = mac(&keys.kbak, &self.header, &self.body).map_err(none)?;
        if !tag.ct_eq(&self.mac) {
            return Err(AkbError::DoesNotAuthenticate);
        }
        let mut plain = Secret::from_fn(FIELD, |bytes| bytes.copy_from_slice(&self.body));
        Cipher::new(Algorithm::Tdes, keys.kbek.expose())
            .and_then(|c| c.cbc_decrypt(&self.header.bytes(), plain.expose_mut()))
            .map_err(none)?;
        let len = key_len(&plain);
        let key = plain.part(0..len).ok_or(AkbError::DoesNotAuthenticate)?;
        Ok(AkbUnwrapped {
            header: self.header,
            strong_enough: wrapping.len() >= key.len(),
            key,
        })
    }
}

/// Wraps a TDES key of one, two or three parts under a wrapping key of two or
/// three: an MFK or a KEK.
pub fn akb_wrap(wrapping: &Secret, header: AkbHeader, key: &Secret) -> Result<Akb, AkbError> {
    wrapping_length(wrapping)?;
    if !matches!(key.len(), 8 | 16 | FIELD) {
        return Err(AkbError::Length(key.len()));
    }
    if wrapping.len() < key.len() {
        return Err(AkbError::Weaker);
    }
    let filler = FILLERS.iter().find(|(len, _)| *len == key.len());
    let filler = filler.map_or(0, |(_, byte)| *byte);
    let mut plain = Secret::from_fn(FIELD, |bytes| {
        bytes.fill(filler);
        for (to, from) in bytes.iter_mut().zip(key.expose()) {
            *to = *from;
        }
    });
    let failed = |_: ModeError| AkbError::Wrapping(wrapping.len());
    let keys = derive(Version::A, wrapping).map_err(failed)?;
    Cipher::new(Algorithm::Tdes, keys.kbek.expose())
        .and_then(|c| c.cbc_encrypt(&header.bytes(), plain.expose_mut()))
        .map_err(failed)?;
    let mut body = [0; FIELD];
    body.copy_from_slice(plain.expose());
    let tag = mac(&keys.kbak, &header, &body).map_err(failed)?;
    let mut block = Akb {
        header,
        body,
        mac: [0; MAC],
    };
    block.mac.copy_from_slice(tag.expose());
    Ok(block)
}

fn wrapping_length(wrapping: &Secret) -> Result<(), AkbError> {
    match wrapping.len() {
        16 | 24 => Ok(()),
        other => Err(AkbError::Wrapping(other)),
    }
}

/// Over header and ciphertext.
fn mac(key: &Secret, header: &AkbHeader, body: &[u8]) -> Result<Secret, ModeError> {
    cbc_mac(key, &[&header.bytes()[..], body].concat())
}

/// Where the filler begins. Both fillers have even parity, which no part of a key
/// that was made has.
fn key_len(plain: &Secret) -> usize {
    let filled = |(len, byte): &&(usize, u8)| {
        let rest = plain.expose().get(*len..).unwrap_or_default();
        rest.iter().all(|b| b == byte)
    };
    FILLERS.iter().find(filled).map_or(FIELD, |(len, _)| *len)
}

/// Upper-case hexadecimal of exactly as many bytes as `to` has.
fn unhex(text: &[u8], to: &mut [u8]) -> Option<()> {
    let whole = to.len();
    let read = base16ct::upper::decode(text, to).ok()?;
    (read.len() == whole).then_some(())
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02X}");
    }
}
