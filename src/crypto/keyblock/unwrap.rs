//! Reading a key block.

use super::derive::derive;
use super::error::{ReadError, RuleError};
use super::header::{Algorithm, HEADER_LEN, Header, MAX_LEN, Version};
use super::kbpk::Kbpk;
use crate::primitive::modes::{Cipher, ModeError, cmac};
use crate::secret::Secret;

/// Bytes of the key's length in bits, before the key.
pub(super) const LENGTH_LEN: usize = 2;

/// A key block whose clear parts are in order; nothing is proven yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyBlock {
    header: Header,
    /// The header as it was sent, which is what the MAC covers.
    head: Vec<u8>,
    body: Vec<u8>,
    mac: Vec<u8>,
}

/// A key that came out of its block.
pub struct Unwrapped {
    /// What the block says of it, authenticated.
    pub header: Header,
    /// The key.
    pub key: Secret,
    /// Whether the protection key may protect it: a block that breaks R6 is
    /// read, and whoever takes the key decides.
    pub rule: Result<(), RuleError>,
}

impl KeyBlock {
    /// Parses the text of one block, without line end.
    pub fn parse(text: &[u8]) -> Result<Self, ReadError> {
        if text.len() > MAX_LEN {
            return Err(ReadError::TooLong(text.len()));
        }
        if let Some(at) = text.iter().position(|b| !matches!(b, 0x20..=0x7E)) {
            return Err(ReadError::NotAscii(at));
        }
        if text.len() < HEADER_LEN {
            return Err(ReadError::TooShort(text.len()));
        }
        let text = std::str::from_utf8(text).map_err(|e| ReadError::NotAscii(e.valid_up_to()))?;
        let (header, header_len) = Header::parse(text)?;
        let (head, payload) = text
            .split_at_checked(header_len)
            .ok_or(ReadError::TooShort(text.len()))?;
        let mut body = unhex(payload.as_bytes(), header_len)?;
        let version = header.version;
        let wrong = || ReadError::PayloadLength(payload.len());
        let encrypted = body
            .len()
            .checked_sub(version.mac_len())
            .filter(|len| *len > LENGTH_LEN && len.is_multiple_of(version.unit()))
            .ok_or_else(wrong)?;
        let mac = body.split_off(encrypted);
        Ok(Self {
            header,
            head: head.as_bytes().to_vec(),
            body,
            mac,
        })
    }

    /// What the header says; believe it after [`KeyBlock::unwrap`] only.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Whether the padding hides which of its algorithm's lengths the key has:
    /// as much as the longest needs (X9.143 clause 7.2.3).
    #[must_use]
    pub fn hides_length(&self) -> bool {
        let longest = match self.header.attributes.algorithm {
            Algorithm::Tdes => 24,
            Algorithm::Aes => 32,
            _ => 0,
        };
        self.body.len() >= LENGTH_LEN + longest
    }

    /// Bytes that are encrypted: length, key and padding.
    #[must_use]
    pub fn encrypted_len(&self) -> usize {
        self.body.len()
    }

    /// Authenticates the block and gives its key.
    pub fn unwrap(&self, kbpk: &Kbpk) -> Result<Unwrapped, ReadError> {
        let version = self.header.version;
        if kbpk.cipher() != version.cipher() {
            return Err(ReadError::WrongKbpk {
                version,
                cipher: kbpk.cipher(),
            });
        }
        let algorithm = self.header.attributes.algorithm;
        if let Err(rule @ RuleError::AesUnderTdes) = kbpk.may_protect(algorithm, 0) {
            return Err(rule.into());
        }
        let plain = self
            .open(kbpk)
            .map_err(|_| ReadError::DoesNotAuthenticate)?
            .ok_or(ReadError::DoesNotAuthenticate)?;
        let key = key_of(&plain, algorithm).ok_or(ReadError::DoesNotAuthenticate)?;
        Ok(Unwrapped {
            header: self.header.clone(),
            rule: kbpk.may_protect(algorithm, key.len()),
            key,
        })
    }

    /// The decrypted bytes, or `None` if the MAC is another.
    fn open(&self, kbpk: &Kbpk) -> Result<Option<Secret>, ModeError> {
        let version = self.header.version;
        let keys = derive(version, kbpk.secret())?;
        let cipher = Cipher::new(version.cipher(), keys.kbek.expose())?;
        // Header and plaintext in one piece, as the MAC is computed over them.
        let start = self.head.len();
        let mut whole = Secret::zeroed(start + self.body.len());
        let (head, plain) = whole.expose_mut().split_at_mut(start);
        head.copy_from_slice(&self.head);
        plain.copy_from_slice(&self.body);
        let genuine = match version {
            Version::A | Version::C => {
                let tag = variant_mac(&keys.kbak, whole.expose())?;
                let iv = self.head.get(..8).unwrap_or_default();
                cipher.cbc_decrypt(iv, &mut whole.expose_mut()[start..])?;
                tag.ct_eq(&self.mac)
            }
            Version::B | Version::D | Version::E => {
                let plain = &mut whole.expose_mut()[start..];
                match version {
                    Version::E => cipher.ctr(&self.mac, plain)?,
                    _ => cipher.cbc_decrypt(&self.mac, plain)?,
                }
                cmac(version.cipher(), keys.kbak.expose(), whole.expose())?.ct_eq(&self.mac)
            }
        };
        Ok(whole.part(start..whole.len()).filter(|_| genuine))
    }
}

/// CBC-MAC of versions A and C, the leftmost four bytes.
pub(super) fn variant_mac(kbak: &Secret, data: &[u8]) -> Result<Secret, ModeError> {
    let mut chain = Secret::from_fn(data.len(), |bytes| bytes.copy_from_slice(data));
    Cipher::new(Version::A.cipher(), kbak.expose())?.cbc_encrypt(&[0; 8], chain.expose_mut())?;
    let last = chain.len().saturating_sub(8);
    let len = Version::A.mac_len();
    Ok(chain.part(last..last + len).unwrap_or(Secret::zeroed(0)))
}

/// The key behind its length in bits.
fn key_of(plain: &Secret, algorithm: Algorithm) -> Option<Secret> {
    let bits = plain.expose().first_chunk().copied()?;
    let bits = usize::from(u16::from_be_bytes(bits));
    let len = bits / 8;
    if !bits.is_multiple_of(8) || !algorithm.takes_key_len(len) {
        return None;
    }
    plain.part(LENGTH_LEN..LENGTH_LEN + len)
}

/// Bytes of upper-case hexadecimal that starts at character `start`.
fn unhex(text: &[u8], start: usize) -> Result<Vec<u8>, ReadError> {
    let mut bytes = vec![0; text.len() / 2];
    if base16ct::upper::decode(text, &mut bytes).is_ok() {
        return Ok(bytes);
    }
    let foreign = |c: &u8| !matches!(c, b'0'..=b'9' | b'A'..=b'F');
    Err(match text.iter().position(foreign) {
        Some(at) => ReadError::NotHex(start + at),
        None => ReadError::PayloadLength(text.len()),
    })
}

/// Parses and unwraps in one step.
pub fn unwrap(kbpk: &Kbpk, text: &[u8]) -> Result<Unwrapped, ReadError> {
    KeyBlock::parse(text)?.unwrap(kbpk)
}
