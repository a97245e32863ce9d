//! The bags of a PKCS#12 put together: each private key with its certificates.

use std::collections::BTreeSet;

use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};

use super::pkcs12::{Bag, Holds};
use super::{CHAIN_MOST, Closed, EntryKind, Sealed, StoreError};

/// The most bytes of all chains of a store, as often as they stand in one.
const CHAINS_MOST: usize = 4 * super::STORE_MOST;

/// A certificate with what its chain is found by.
struct Found {
    bag: Bag,
    der: Vec<u8>,
    names: Option<(Vec<u8>, Vec<u8>)>,
    used: bool,
}

/// Gives each private key its certificate, by localKeyID, and those above it.
pub(super) fn put_together(
    certificates: Vec<Bag>,
    keys: Vec<Bag>,
) -> Result<Vec<Sealed>, StoreError> {
    let mut found = Vec::new();
    for bag in certificates {
        let Holds::Certificate(der) = &bag.holds else {
            continue;
        };
        let der = der.clone();
        let parsed = Certificate::from_der(&der)
            .map_err(|_| StoreError::Format("a certificate does not read"))?;
        let tbs = parsed.tbs_certificate();
        let names = tbs.subject().to_der().ok().zip(tbs.issuer().to_der().ok());
        found.push(Found {
            bag,
            der,
            names,
            used: false,
        });
    }
    let mut entries = Vec::new();
    let private = |bag: &Bag| !matches!(bag.holds, Holds::Secret(..));
    let alone = keys.iter().filter(|bag| private(bag)).count() == 1;
    let mut local_keys = BTreeSet::new();
    let mut room = CHAINS_MOST;
    for key in keys {
        let is_private = private(&key);
        let chain = if is_private {
            if let Some(id) = &key.local_key
                && !local_keys.insert(id.clone())
            {
                return Err(StoreError::Format("two keys have one localKeyID"));
            }
            chain(&mut found, &key, alone, &mut room)?
        } else {
            Vec::new()
        };
        let (kind, closed) = match key.holds {
            Holds::Secret(scheme, encrypted) => {
                (EntryKind::Secret, Closed::Pkcs8(scheme, encrypted))
            }
            Holds::Shrouded(scheme, encrypted) => {
                (EntryKind::Private, Closed::Pkcs8(scheme, encrypted))
            }
            Holds::Clear(pkcs8) => (EntryKind::Private, Closed::Clear(pkcs8)),
            Holds::Certificate(_) => continue,
        };
        entries.push(Sealed {
            alias: key.name,
            kind,
            created_ms: None,
            certificates: chain,
            closed,
        });
    }
    for certificate in found {
        if certificate.used && !certificate.bag.trusted {
            continue;
        }
        entries.push(Sealed {
            alias: certificate.bag.name,
            kind: EntryKind::Trusted,
            created_ms: None,
            certificates: vec![certificate.der],
            closed: Closed::Nothing,
        });
    }
    Ok(entries)
}

/// The certificates of a key, each once; `room` is how many bytes the chains of
/// the store may still take, for a small file can have many keys under one
/// large certificate.
fn chain(
    found: &mut [Found],
    key: &Bag,
    alone: bool,
    room: &mut usize,
) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut chain = Vec::new();
    let mut places = Vec::new();
    let own = |certificate: &Found| match (&key.local_key, &certificate.bag.local_key) {
        (Some(of_key), Some(of_certificate)) => of_key == of_certificate,
        // Without an id, a single key has the certificate that is not trusted
        // and is nobody's issuer: left to the reader, unless there is just one.
        _ => false,
    };
    let mut at = found.iter().position(own);
    if at.is_none() && alone && found.len() == 1 {
        at = Some(0);
    }
    while let Some(place) = at {
        if places.contains(&place) {
            break;
        }
        places.push(place);
        let Some(certificate) = found.get_mut(place) else {
            break;
        };
        certificate.used = true;
        *room = room
            .checked_sub(certificate.der.len())
            .ok_or(StoreError::Limit("its chains have more than 4 MiB"))?;
        chain.push(certificate.der.clone());
        let Some((subject, issuer)) = certificate.names.clone() else {
            break;
        };
        if subject == issuer || chain.len() == CHAIN_MOST {
            break;
        }
        at = found
            .iter()
            .position(|next| next.names.as_ref().is_some_and(|(name, _)| *name == issuer));
    }
    Ok(chain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn bag(local_key: Option<u8>, holds: Holds) -> Bag {
        Bag {
            name: "pair".into(),
            local_key: local_key.map(|id| vec![id]),
            trusted: false,
            holds,
        }
    }

    fn found(local_key: Option<u8>, names: [u8; 2]) -> Found {
        let [subject, issuer] = names;
        Found {
            bag: bag(local_key, Holds::Certificate(Vec::new())),
            der: vec![subject; 100],
            names: Some((vec![subject], vec![issuer])),
            used: false,
        }
    }

    fn key() -> Bag {
        bag(Some(1), Holds::Clear(Secret::zeroed(4)))
    }

    #[test]
    fn certificates_that_issue_each_other_end_a_chain() {
        let mut all = [
            found(Some(1), *b"AB"),
            found(None, *b"BC"),
            found(None, *b"CB"),
        ];
        let made = chain(&mut all, &key(), true, &mut 1000).unwrap();
        assert_eq!(made.iter().map(|der| der[0]).collect::<Vec<_>>(), b"ABC");
    }

    #[test]
    fn many_keys_under_large_certificates_are_refused() {
        let mut all = [found(Some(1), *b"AB"), found(None, *b"BB")];
        let mut room = 399;
        assert!(chain(&mut all, &key(), false, &mut room).is_ok());
        let refused = chain(&mut all, &key(), false, &mut room);
        assert!(matches!(refused, Err(StoreError::Limit(_))));
    }

    #[test]
    fn one_local_key_id_is_of_one_key() {
        assert!(put_together(Vec::new(), vec![key()]).is_ok());
        let refused = put_together(Vec::new(), vec![key(), key()]);
        assert!(matches!(refused, Err(StoreError::Format(_))));
    }
}
