//! Writing JKS and JCEKS.

use super::java::{JCEKS_MAGIC, JKS_MAGIC, VERSION, WHITENER, X509};
use super::java_object::SealedObject;
use super::kdf::{bmp, sha1};
use super::pbe::{Choice, Scheme};
use super::tlv::{self, OCTETS, SEQUENCE};
use super::{Entry, Item, JCEKS_ITERATIONS, StoreError, java_protect};
use crate::secret::{RandomSource, Secret};

fn long(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), StoreError> {
    out.extend_from_slice(&number(bytes.len())?);
    out.extend_from_slice(bytes);
    Ok(())
}

fn number(value: usize) -> Result<[u8; 4], StoreError> {
    u32::try_from(value)
        .map(u32::to_be_bytes)
        .map_err(|_| StoreError::Limit("something is longer than Java's stores count"))
}

fn certificate(out: &mut Vec<u8>, der: &[u8]) -> Result<(), StoreError> {
    out.extend_from_slice(&[0, 5]);
    out.extend_from_slice(X509);
    long(out, der)
}

pub(super) fn write(
    jceks: bool,
    entries: &[Entry],
    passphrase: &Secret,
    now_ms: u64,
    random: &mut dyn RandomSource,
) -> Result<Vec<u8>, StoreError> {
    let mut out = Vec::new();
    out.extend_from_slice(if jceks { &JCEKS_MAGIC } else { &JKS_MAGIC });
    out.extend_from_slice(&VERSION);
    out.extend_from_slice(&number(entries.len())?);
    for entry in entries {
        let tag = match entry.item {
            Item::Private { .. } => 1u8,
            Item::Trusted { .. } => 2,
            Item::Secret { .. } => 3,
        };
        let alias = entry.alias.to_ascii_lowercase();
        out.extend_from_slice(&[0, 0, 0, tag, 0]);
        out.push(u8::try_from(alias.len()).map_err(|_| StoreError::Alias(alias.clone()))?);
        out.extend_from_slice(alias.as_bytes());
        out.extend_from_slice(&now_ms.to_be_bytes());
        match &entry.item {
            Item::Private { pkcs8, chain } => {
                let closed = if jceks {
                    let scheme = Scheme::new(Choice::Java, JCEKS_ITERATIONS, random)?;
                    let encrypted = scheme.encrypt(passphrase, pkcs8)?;
                    tlv::element(
                        SEQUENCE,
                        &[&scheme.der(), &tlv::element(OCTETS, &[&encrypted])],
                    )
                } else {
                    java_protect::close(passphrase, pkcs8, random)?
                };
                long(&mut out, &closed)?;
                out.extend_from_slice(&number(chain.len())?);
                for der in chain {
                    certificate(&mut out, der)?;
                }
            }
            Item::Trusted { certificate: der } => certificate(&mut out, der)?,
            Item::Secret { algorithm, key } => {
                let scheme = Scheme::new(Choice::Java, JCEKS_ITERATIONS, random)?;
                let object = SealedObject::seal(&scheme, passphrase, *algorithm, key)?;
                out.extend_from_slice(&object);
            }
        }
    }
    let check = sha1(&[bmp(passphrase, false).expose(), WHITENER, &out]);
    out.extend_from_slice(&*check);
    Ok(out)
}
