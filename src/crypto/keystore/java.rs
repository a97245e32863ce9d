//! Reading JKS and JCEKS: entries one behind the other, and at the end SHA-1
//! over passphrase, a fixed text and all before.

use subtle::ConstantTimeEq;

use super::java_object::SealedObject;
use super::kdf::{bmp, sha1};
use super::pbe::Scheme;
use super::tlv::{self, OCTETS, SEQUENCE};
use super::{
    ALIAS_MOST, CHAIN_MOST, Closed, ENTRIES_MOST, EntryKind, Sealed, Store, StoreError,
    java_protect,
};
use crate::secret::Secret;

pub(super) const JKS_MAGIC: [u8; 4] = [0xFE, 0xED, 0xFE, 0xED];
pub(super) const JCEKS_MAGIC: [u8; 4] = [0xCE; 4];
pub(super) const VERSION: [u8; 4] = [0, 0, 0, 2];
pub(super) const WHITENER: &[u8] = b"Mighty Aphrodite";
pub(super) const X509: &[u8] = b"X.509";
const DIGEST: usize = 20;
/// The longest single thing in a store.
const PART_MOST: usize = 64 * 1024;

struct Stream<'a> {
    rest: &'a [u8],
}

impl<'a> Stream<'a> {
    fn bytes(&mut self, len: usize) -> Result<&'a [u8], StoreError> {
        let (bytes, rest) = self
            .rest
            .split_at_checked(len)
            .ok_or(StoreError::Format("it ends too early"))?;
        self.rest = rest;
        Ok(bytes)
    }

    fn number(&mut self, bytes: usize) -> Result<u64, StoreError> {
        Ok(self
            .bytes(bytes)?
            .iter()
            .fold(0, |n, byte| n << 8 | u64::from(*byte)))
    }

    fn count(&mut self, bytes: usize, most: usize) -> Result<usize, StoreError> {
        usize::try_from(self.number(bytes)?)
            .ok()
            .filter(|count| *count <= most)
            .ok_or(StoreError::Limit("a length or number in it is too large"))
    }

    fn certificate(&mut self) -> Result<Vec<u8>, StoreError> {
        let len = self.count(2, PART_MOST)?;
        if self.bytes(len)? != X509 {
            return Err(StoreError::Format("a certificate is not X.509"));
        }
        let len = self.count(4, PART_MOST)?;
        let der = self.bytes(len)?;
        tlv::only(der, SEQUENCE)?;
        Ok(der.to_vec())
    }
}

/// The format and the entries, without any check of integrity.
pub(super) fn entries(bytes: &[u8]) -> Result<(&'static str, Vec<Sealed>, &[u8]), StoreError> {
    let end = bytes
        .len()
        .checked_sub(DIGEST)
        .ok_or(StoreError::Format("it is too short"))?;
    let mut stream = Stream {
        rest: bytes.get(..end).unwrap_or_default(),
    };
    let magic = stream.bytes(4)?;
    let jceks = magic == JCEKS_MAGIC;
    if !jceks && magic != JKS_MAGIC {
        return Err(StoreError::Format("it is neither PKCS#12, JKS nor JCEKS"));
    }
    if stream.bytes(4)? != VERSION {
        return Err(StoreError::Format("it has another version than 2"));
    }
    let mut entries = Vec::new();
    for _ in 0..stream.count(4, ENTRIES_MOST)? {
        entries.push(entry(&mut stream, jceks)?);
    }
    if !stream.rest.is_empty() {
        return Err(StoreError::Format("something follows behind its entries"));
    }
    let check = bytes.get(end..).unwrap_or_default();
    Ok((if jceks { "JCEKS" } else { "JKS" }, entries, check))
}

fn entry(stream: &mut Stream<'_>, jceks: bool) -> Result<Sealed, StoreError> {
    let tag = stream.number(4)?;
    // Four bytes a character at most.
    let len = stream.count(2, 4 * ALIAS_MOST)?;
    let alias = std::str::from_utf8(stream.bytes(len)?)
        .ok()
        .filter(|alias| !alias.chars().any(char::is_control))
        .ok_or(StoreError::Format("an alias is no plain text"))?
        .to_owned();
    let created_ms = Some(stream.number(8)?);
    let mut certificates = Vec::new();
    let (kind, closed) = match tag {
        1 => {
            let len = stream.count(4, PART_MOST)?;
            let closed = private(stream.bytes(len)?)?;
            for _ in 0..stream.count(4, CHAIN_MOST)? {
                certificates.push(stream.certificate()?);
            }
            (EntryKind::Private, closed)
        }
        2 => {
            certificates.push(stream.certificate()?);
            (EntryKind::Trusted, Closed::Nothing)
        }
        3 if jceks => {
            let (object, len) = SealedObject::read(stream.rest)?;
            stream.bytes(len)?;
            (EntryKind::Secret, Closed::Object(object))
        }
        _ => return Err(StoreError::Format("an entry has an unknown tag")),
    };
    Ok(Sealed {
        alias,
        kind,
        created_ms,
        certificates,
        closed,
    })
}

/// EncryptedPrivateKeyInfo.
fn private(der: &[u8]) -> Result<Closed, StoreError> {
    let mut info = tlv::only(der, SEQUENCE)?;
    let algorithm = info.open(SEQUENCE)?;
    let encrypted = info.take(OCTETS)?.to_vec();
    info.end()?;
    if java_protect::is_jks(algorithm)? {
        return Ok(Closed::Jks(encrypted));
    }
    Ok(Closed::Pkcs8(Scheme::read(algorithm)?, encrypted))
}

pub(super) fn read(bytes: &[u8], passphrase: &Secret) -> Result<Store, StoreError> {
    let (format, entries, check) = entries(bytes)?;
    let body = bytes.len().saturating_sub(DIGEST);
    let right = sha1(&[
        bmp(passphrase, false).expose(),
        WHITENER,
        bytes.get(..body).unwrap_or_default(),
    ]);
    if !bool::from(right.ct_eq(check)) {
        return Err(StoreError::Passphrase);
    }
    Ok(Store { format, entries })
}
