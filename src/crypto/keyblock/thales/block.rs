//! Reading a Thales key block.

use super::error::ThalesReadError;
use super::header::{ThalesHeader, ThalesVersion};
use crate::keyblock::cbc_mac::cbc_mac;
use crate::keyblock::derive::{Derived, derive};
use crate::keyblock::error::RuleError;
use crate::keyblock::header::{Algorithm, HEADER_LEN, MAX_LEN};
use crate::keyblock::kbpk::Kbpk;
use crate::primitive::modes::{Cipher, ModeError, cmac};
use crate::secret::Secret;

/// Bytes of the key's length in bits, before the key.
pub(super) const LENGTH_LEN: usize = 2;

/// A block whose clear parts are in order; nothing is proven yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThalesBlock {
    header: ThalesHeader,
    /// The header as it was sent, which is what the MAC covers.
    head: Vec<u8>,
    body: Vec<u8>,
    mac: Vec<u8>,
}

/// A key that came out of its block.
pub struct ThalesUnwrapped {
    /// What the block says of it, authenticated.
    pub header: ThalesHeader,
    /// The key.
    pub key: Secret,
    /// What stood behind it.
    pub padding: Secret,
    /// Whether the protection key may protect it (R6): a block that breaks the
    /// rule is read, and whoever takes the key decides.
    pub rule: Result<(), RuleError>,
}

impl ThalesBlock {
    /// Parses the text of one block, with or without its scheme's letter `S`,
    /// without line end.
    pub fn parse(text: &[u8]) -> Result<Self, ThalesReadError> {
        let text = text.strip_prefix(b"S").unwrap_or(text);
        if text.len() > MAX_LEN {
            return Err(ThalesReadError::TooLong(text.len()));
        }
        if let Some(at) = text.iter().position(|b| !matches!(b, 0x20..=0x7E)) {
            return Err(ThalesReadError::NotAscii(at));
        }
        if text.len() < HEADER_LEN {
            return Err(ThalesReadError::TooShort(text.len()));
        }
        let text =
            std::str::from_utf8(text).map_err(|e| ThalesReadError::NotAscii(e.valid_up_to()))?;
        let (header, header_len) = ThalesHeader::parse(text)?;
        let (head, payload) = text
            .split_at_checked(header_len)
            .ok_or(ThalesReadError::TooShort(text.len()))?;
        let mut body = unhex(payload.as_bytes(), header_len)?;
        let version = header.version;
        let encrypted = body
            .len()
            .checked_sub(version.mac_len())
            .filter(|len| *len > LENGTH_LEN)
            .filter(|len| len.is_multiple_of(version.cipher().block_len()))
            .ok_or(ThalesReadError::PayloadLength(payload.len()))?;
        let mac = body.split_off(encrypted);
        Ok(Self {
            header,
            head: head.as_bytes().to_vec(),
            body,
            mac,
        })
    }

    /// What the header says; believe it after [`ThalesBlock::unwrap`] only.
    #[must_use]
    pub fn header(&self) -> &ThalesHeader {
        &self.header
    }

    /// Bytes of the encrypted part: length, key and padding.
    #[must_use]
    pub fn encrypted_len(&self) -> usize {
        self.body.len()
    }

    /// Authenticates the block and gives its key.
    pub fn unwrap(&self, protection: &Kbpk) -> Result<ThalesUnwrapped, ThalesReadError> {
        let version = self.header.version;
        let cipher = protection.cipher();
        if cipher != version.cipher() {
            return Err(ThalesReadError::WrongKey { version, cipher });
        }
        let algorithm = self.header.attributes.algorithm;
        if let Err(rule @ RuleError::AesUnderTdes) = protection.may_protect(algorithm, 0) {
            return Err(rule.into());
        }
        let plain = self
            .open(protection)
            .map_err(|_| ThalesReadError::DoesNotAuthenticate)?
            .ok_or(ThalesReadError::DoesNotAuthenticate)?;
        let (key, padding) =
            key_of(&plain, algorithm).ok_or(ThalesReadError::DoesNotAuthenticate)?;
        Ok(ThalesUnwrapped {
            header: self.header.clone(),
            rule: protection.may_protect(algorithm, key.len()),
            key,
            padding,
        })
    }

    /// The decrypted bytes, or `None` if the MAC is another. Nothing is decrypted
    /// before the MAC was compared.
    fn open(&self, protection: &Kbpk) -> Result<Option<Secret>, ModeError> {
        let version = self.header.version;
        let keys = derive(version.derives_as(), protection.secret())?;
        let tag = mac(version, &keys, &self.head, &self.body)?;
        if !tag.ct_eq(&self.mac) {
            return Ok(None);
        }
        let mut plain = Secret::from_fn(self.body.len(), |b| b.copy_from_slice(&self.body));
        Cipher::new(version.cipher(), keys.kbek.expose())?
            .cbc_decrypt(iv(version, &self.head), plain.expose_mut())?;
        Ok(Some(plain))
    }
}

/// The beginning of the header, one cipher block of it.
pub(super) fn iv(version: ThalesVersion, head: &[u8]) -> &[u8] {
    head.get(..version.cipher().block_len()).unwrap_or_default()
}

/// Over header and ciphertext, cut to the version's length.
pub(super) fn mac(
    version: ThalesVersion,
    keys: &Derived,
    head: &[u8],
    body: &[u8],
) -> Result<Secret, ModeError> {
    let covered = [head, body].concat();
    let whole = match version {
        ThalesVersion::Tdes => cbc_mac(&keys.kbak, &covered)?,
        ThalesVersion::Aes => cmac(version.cipher(), keys.kbak.expose(), &covered)?,
    };
    Ok(whole
        .part(0..version.mac_len())
        .unwrap_or(Secret::zeroed(0)))
}

/// The key behind its length in bits, and what stands behind the key.
fn key_of(plain: &Secret, algorithm: Algorithm) -> Option<(Secret, Secret)> {
    let bits = plain.expose().first_chunk().copied()?;
    let bits = usize::from(u16::from_be_bytes(bits));
    let len = bits / 8;
    if !bits.is_multiple_of(8) || !algorithm.takes_key_len(len) {
        return None;
    }
    let key = plain.part(LENGTH_LEN..LENGTH_LEN + len)?;
    Some((key, plain.part(LENGTH_LEN + len..plain.len())?))
}

/// Bytes of upper-case hexadecimal that starts at character `start`.
fn unhex(text: &[u8], start: usize) -> Result<Vec<u8>, ThalesReadError> {
    let mut bytes = vec![0; text.len() / 2];
    if base16ct::upper::decode(text, &mut bytes).is_ok() {
        return Ok(bytes);
    }
    let foreign = |c: &u8| !matches!(c, b'0'..=b'9' | b'A'..=b'F');
    Err(match text.iter().position(foreign) {
        Some(at) => ThalesReadError::NotHex(start + at),
        None => ThalesReadError::PayloadLength(text.len()),
    })
}
