//! Reading PKCS#12 (RFC 7292): password integrity and password privacy, DER.
//! One level of bags: a bag of bags is refused.

use std::collections::BTreeSet;

use subtle::ConstantTimeEq;

use super::kdf::{self, Hash, Use};
use super::pbe::{self, Scheme, dotted, null_or_nothing};
use super::pkcs12_entries::put_together;
use super::tlv::{
    self, BMP, CONTEXT_0, CONTEXT_0_PRIMITIVE, INTEGER, OCTETS, OID, Reader, SEQUENCE, SET, UTF8,
};
use super::{
    ALIAS_MOST, ENTRIES_MOST, ITERATIONS_MOST, SALT_MOST, SecretAlgorithm, Store, StoreError,
};
use crate::secret::Secret;

/// 1.2.840.113549.1.7.1 and .6
pub(super) const DATA: [u8; 9] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01];
pub(super) const ENCRYPTED: [u8; 9] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x06];
/// 1.2.840.113549.1.12.10.1, without the last number.
pub(super) const BAG: [u8; 10] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x0C, 0x0A, 0x01];
const KEY_BAG: u8 = 1;
pub(super) const SHROUDED_BAG: u8 = 2;
pub(super) const CERT_BAG: u8 = 3;
pub(super) const SECRET_BAG: u8 = 5;
/// 1.2.840.113549.1.9.22.1, .20 and .21
pub(super) const X509: [u8; 10] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x16, 0x01];
pub(super) const FRIENDLY_NAME: [u8; 9] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x14];
pub(super) const LOCAL_KEY: [u8; 9] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x15];
/// 2.16.840.1.113894.746875.1.1: Java's mark of a trusted certificate.
pub(super) const JAVA_TRUST: [u8; 12] = [
    0x60, 0x86, 0x48, 0x01, 0x86, 0xF9, 0x66, 0xAD, 0xCA, 0x7B, 0x01, 0x01,
];
/// 2.5.29.37.0
pub(super) const ANY_PURPOSE: [u8; 4] = [0x55, 0x1D, 0x25, 0x00];
/// 1.2.840.113549.1.5.14: PBMAC1 (RFC 9579).
const PBMAC1: [u8; 9] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0E];
/// The most contents of an authenticated safe.
const CONTENTS_MOST: usize = 8;

/// One ContentInfo of the authenticated safe.
pub(super) enum Content<'a> {
    /// SafeContents as they lie.
    Plain(&'a [u8]),
    /// SafeContents under the passphrase.
    Encrypted(Scheme, &'a [u8]),
}

/// How integrity is kept.
pub(super) struct Integrity<'a> {
    pub hash: Hash,
    pub iterations: u32,
    salt: &'a [u8],
    digest: &'a [u8],
    /// PBMAC1: the hash of its derivation and the length of its key.
    derivation: Option<(Hash, Vec<u8>, usize)>,
}

/// A store, taken apart without its passphrase.
pub(super) struct Pfx<'a> {
    safe: &'a [u8],
    pub contents: Vec<Content<'a>>,
    pub integrity: Integrity<'a>,
}

/// The octets of a ContentInfo of type data.
fn octets<'a>(mut info: Reader<'a>) -> Result<&'a [u8], StoreError> {
    let mut content = info.open(CONTEXT_0)?;
    info.end()?;
    let bytes = content.take(OCTETS)?;
    content.end()?;
    Ok(bytes)
}

pub(super) fn parse(bytes: &[u8]) -> Result<Pfx<'_>, StoreError> {
    let mut pfx = tlv::only(bytes, SEQUENCE)?;
    if pfx.number()? != 3 {
        return Err(StoreError::Format("PKCS#12 has version 3"));
    }
    let mut info = pfx.open(SEQUENCE)?;
    if info.take(OID)? != DATA {
        return Err(StoreError::Algorithm("a signature instead of a MAC".into()));
    }
    let safe = octets(info)?;
    if pfx.is_empty() {
        return Err(StoreError::Format(
            "it has no MAC, so that anybody can change it",
        ));
    }
    let integrity = integrity(pfx.open(SEQUENCE)?)?;
    pfx.end()?;
    let mut list = tlv::only(safe, SEQUENCE)?;
    let mut contents = Vec::new();
    while !list.is_empty() {
        if contents.len() == CONTENTS_MOST {
            return Err(StoreError::Limit("it has more than 8 contents"));
        }
        let mut info = list.open(SEQUENCE)?;
        let kind = info.take(OID)?;
        if kind == DATA {
            contents.push(Content::Plain(octets(info)?));
        } else if kind == ENCRYPTED {
            contents.push(encrypted(info)?);
        } else {
            return Err(StoreError::Algorithm(format!(
                "contents of {}",
                dotted(kind)
            )));
        }
    }
    let work = contents.iter().map(|content| match content {
        Content::Plain(_) => 0,
        Content::Encrypted(scheme, _) => u64::from(scheme.count()),
    });
    if work.sum::<u64>() + u64::from(integrity.iterations) > 2 * u64::from(ITERATIONS_MOST) {
        return Err(StoreError::Limit("its iterations together are too many"));
    }
    Ok(Pfx {
        safe,
        contents,
        integrity,
    })
}

fn encrypted(mut info: Reader<'_>) -> Result<Content<'_>, StoreError> {
    let mut outer = info.open(CONTEXT_0)?;
    info.end()?;
    let mut data = outer.open(SEQUENCE)?;
    outer.end()?;
    if data.number()? != 0 {
        return Err(StoreError::Format("EncryptedData has version 0"));
    }
    let mut info = data.open(SEQUENCE)?;
    data.end()?;
    if info.take(OID)? != DATA {
        return Err(StoreError::Format("what is encrypted is no data"));
    }
    let scheme = Scheme::read(info.open(SEQUENCE)?)?;
    let bytes = info.take(CONTEXT_0_PRIMITIVE)?;
    info.end()?;
    Ok(Content::Encrypted(scheme, bytes))
}

fn integrity(mut mac: Reader<'_>) -> Result<Integrity<'_>, StoreError> {
    let mut info = mac.open(SEQUENCE)?;
    let mut algorithm = info.open(SEQUENCE)?;
    let oid = algorithm.take(OID)?;
    let digest = info.take(OCTETS)?;
    info.end()?;
    let salt = mac.take(OCTETS)?;
    if salt.len() > SALT_MOST {
        return Err(StoreError::Limit("a salt is longer than 64 bytes"));
    }
    let count = if mac.is_empty() { 1 } else { mac.number()? };
    mac.end()?;
    let other = || StoreError::Algorithm(format!("a MAC with {}", dotted(oid)));
    if oid != PBMAC1 {
        null_or_nothing(algorithm)?;
        if salt.is_empty() {
            return Err(StoreError::Limit("the MAC has no salt"));
        }
        return Ok(Integrity {
            hash: Hash::ALL
                .into_iter()
                .find(|hash| hash.oid() == oid)
                .ok_or_else(other)?,
            iterations: pbe::iterations(count)?,
            salt,
            digest,
            derivation: None,
        });
    }
    let mut parameters = algorithm.open(SEQUENCE)?;
    algorithm.end()?;
    let mut derive = parameters.open(SEQUENCE)?;
    let mut scheme = parameters.open(SEQUENCE)?;
    parameters.end()?;
    if derive.take(OID)? != pbe::PBKDF2 {
        return Err(other());
    }
    let (own_salt, iterations, len, hash) = pbe::pbkdf2_parameters(derive.open(SEQUENCE)?)?;
    derive.end()?;
    let named = scheme.take(OID)?;
    null_or_nothing(scheme)?;
    let mac_hash = Hash::ALL.into_iter().find(|hash| hash.hmac_oid() == named);
    // RFC 9579 4: the length has to be there, and is the MAC's own.
    let len = len.and_then(|len| usize::try_from(len).ok());
    match (mac_hash, len) {
        (Some(mac_hash), Some(len)) if (16..=64).contains(&len) => Ok(Integrity {
            hash: mac_hash,
            iterations,
            salt,
            digest,
            derivation: Some((hash, own_salt, len)),
        }),
        _ => Err(other()),
    }
}

impl Integrity<'_> {
    fn holds(&self, safe: &[u8], passphrase: &Secret) -> Result<bool, StoreError> {
        let key = match &self.derivation {
            None => kdf::pkcs12(
                self.hash,
                Use::Mac,
                passphrase,
                self.salt,
                self.iterations,
                self.hash.len(),
            ),
            Some((hash, salt, len)) => kdf::pbkdf2(*hash, passphrase, salt, self.iterations, *len)?,
        };
        let right = self.hash.hmac(&key, &[safe])?;
        Ok(right.expose().ct_eq(self.digest).into())
    }
}

/// A bag of SafeContents.
pub(super) struct Bag {
    pub name: String,
    pub local_key: Option<Vec<u8>>,
    pub trusted: bool,
    pub holds: Holds,
}

/// What is in it.
pub(super) enum Holds {
    Certificate(Vec<u8>),
    Clear(Secret),
    Shrouded(Scheme, Vec<u8>),
    Secret(Scheme, Vec<u8>),
}

/// The bags of SafeContents.
pub(super) fn bags(contents: &[u8]) -> Result<Vec<Bag>, StoreError> {
    let mut list = tlv::only(contents, SEQUENCE)?;
    let mut bags = Vec::new();
    while !list.is_empty() {
        if bags.len() == ENTRIES_MOST {
            return Err(StoreError::Limit("it has more than 512 bags"));
        }
        bags.push(bag(list.open(SEQUENCE)?)?);
    }
    Ok(bags)
}

fn shrouded(mut info: Reader<'_>) -> Result<(Scheme, Vec<u8>), StoreError> {
    let scheme = Scheme::read(info.open(SEQUENCE)?)?;
    let encrypted = info.take(OCTETS)?.to_vec();
    info.end()?;
    Ok((scheme, encrypted))
}

fn bag(mut bag: Reader<'_>) -> Result<Bag, StoreError> {
    let oid = bag.take(OID)?;
    let mut value = bag.open(CONTEXT_0)?;
    let unknown = || StoreError::Algorithm(format!("a bag of {}", dotted(oid)));
    let kind = match oid.split_at_checked(BAG.len()) {
        Some((head, [kind])) if head == BAG => *kind,
        _ => return Err(unknown()),
    };
    let holds = match kind {
        KEY_BAG => {
            let key = value.any()?;
            Holds::Clear(tlv::joined(&[key.whole]))
        }
        SHROUDED_BAG => {
            let (scheme, encrypted) = shrouded(value.open(SEQUENCE)?)?;
            Holds::Shrouded(scheme, encrypted)
        }
        CERT_BAG | SECRET_BAG => {
            let mut inside = value.open(SEQUENCE)?;
            let of = inside.take(OID)?;
            let octets = octets(inside)?;
            if kind == CERT_BAG {
                if of != X509 {
                    return Err(StoreError::Format("a certificate is not X.509"));
                }
                tlv::only(octets, SEQUENCE)?;
                Holds::Certificate(octets.to_vec())
            } else {
                if of.split_at_checked(BAG.len()) != Some((&BAG, &[SHROUDED_BAG])) {
                    return Err(unknown());
                }
                let (scheme, encrypted) = shrouded(tlv::only(octets, SEQUENCE)?)?;
                Holds::Secret(scheme, encrypted)
            }
        }
        _ => return Err(unknown()),
    };
    value.end()?;
    let mut out = Bag {
        name: String::new(),
        local_key: None,
        trusted: false,
        holds,
    };
    if !bag.is_empty() {
        attributes(bag.open(SET)?, &mut out)?;
    }
    bag.end()?;
    Ok(out)
}

fn attributes(mut set: Reader<'_>, bag: &mut Bag) -> Result<(), StoreError> {
    let mut seen = BTreeSet::new();
    while !set.is_empty() {
        let mut attribute = set.open(SEQUENCE)?;
        let oid = attribute.take(OID)?;
        let mut values = attribute.open(SET)?;
        attribute.end()?;
        if !seen.insert(oid) || seen.len() > 16 {
            return Err(StoreError::Format("an attribute is there twice"));
        }
        if oid == FRIENDLY_NAME {
            bag.name = text(values.any()?)?;
            values.end()?;
        } else if oid == LOCAL_KEY {
            bag.local_key = Some(values.take(OCTETS)?.to_vec());
            values.end()?;
        } else if oid == JAVA_TRUST {
            bag.trusted = true;
        }
        // Others, for instance Microsoft's, say nothing that is used here.
    }
    Ok(())
}

fn text(element: tlv::Element<'_>) -> Result<String, StoreError> {
    let wrong = StoreError::Format("a friendly name is no plain text");
    let text = match element.tag {
        BMP if element.value.len().is_multiple_of(2) => {
            let units: Vec<u16> = element
                .value
                .chunks_exact(2)
                .map(|pair| pair.iter().fold(0, |n, b| n << 8 | u16::from(*b)))
                .collect();
            String::from_utf16(&units).map_err(|_| wrong.clone())?
        }
        UTF8 => String::from_utf8(element.value.to_vec()).map_err(|_| wrong.clone())?,
        _ => return Err(wrong),
    };
    if text.chars().count() > ALIAS_MOST || text.chars().any(char::is_control) {
        return Err(wrong);
    }
    Ok(text)
}

pub(super) fn read(bytes: &[u8], passphrase: &Secret) -> Result<Store, StoreError> {
    let pfx = parse(bytes)?;
    if !pfx.integrity.holds(pfx.safe, passphrase)? {
        return Err(StoreError::Passphrase);
    }
    let mut all = Vec::new();
    for content in &pfx.contents {
        match content {
            Content::Plain(contents) => all.extend(bags(contents)?),
            Content::Encrypted(scheme, encrypted) => {
                let contents = scheme.decrypt(passphrase, encrypted)?;
                all.extend(bags(contents.expose())?);
            }
        }
        if all.len() > ENTRIES_MOST {
            return Err(StoreError::Limit("it has more than 512 bags"));
        }
    }
    let (certificates, keys): (Vec<Bag>, Vec<Bag>) = all
        .into_iter()
        .partition(|bag| matches!(bag.holds, Holds::Certificate(_)));
    Ok(Store {
        format: "PKCS#12",
        entries: put_together(certificates, keys)?,
    })
}

/// `PrivateKeyInfo`: the frame alone, whatever the algorithm.
pub(super) fn check_pkcs8(pkcs8: &Secret) -> Result<(), StoreError> {
    let mut info = tlv::only(pkcs8.expose(), SEQUENCE)?;
    info.take(INTEGER)?;
    info.take(SEQUENCE)?;
    info.take(OCTETS)?;
    Ok(())
}

/// The secret key that Java puts into the frame of PKCS#8.
pub(super) fn secret_key(info: &Secret) -> Result<(SecretAlgorithm, Secret), StoreError> {
    let mut frame = tlv::only(info.expose(), SEQUENCE)?;
    if frame.number()? != 0 {
        return Err(StoreError::Format("a secret key has version 0"));
    }
    let mut id = frame.open(SEQUENCE)?;
    let oid = id.take(OID)?;
    null_or_nothing(id)?;
    let key = tlv::joined(&[frame.take(OCTETS)?]);
    frame.end()?;
    let algorithm = SecretAlgorithm::ALL
        .into_iter()
        .find(|algorithm| algorithm.oid() == oid)
        .ok_or_else(|| StoreError::Algorithm(format!("a secret key of {}", dotted(oid))))?;
    if !algorithm.takes(key.len()) {
        return Err(StoreError::Format("a secret key has another length"));
    }
    Ok((algorithm, key))
}
