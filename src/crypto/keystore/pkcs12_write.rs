//! Writing PKCS#12: certificates encrypted, keys each under the passphrase, and
//! a MAC over both. The same password for all, as every reader expects it.

use super::kdf::{self, Hash, Use, sha1};
use super::pbe::{Choice, Scheme};
use super::pkcs12::{
    ANY_PURPOSE, BAG, CERT_BAG, DATA, ENCRYPTED, FRIENDLY_NAME, JAVA_TRUST, LOCAL_KEY, SECRET_BAG,
    SHROUDED_BAG, X509,
};
use super::tlv::{
    BMP, CONTEXT_0, CONTEXT_0_PRIMITIVE, NULL, OCTETS, SEQUENCE, SET, element, integer, oid,
    secret_element,
};
use super::{Entry, Item, LEGACY_ITERATIONS, MODERN_ITERATIONS, StoreError};
use crate::secret::{RandomSource, Secret};

/// What is decided once for a store.
struct Writer<'a> {
    choice: Choice,
    iterations: u32,
    passphrase: &'a Secret,
}

fn attributes(alias: &str, local_key: Option<&[u8]>, trusted: bool) -> Vec<u8> {
    let name: Vec<u8> = alias.bytes().flat_map(|byte| [0, byte]).collect();
    let one = |number: &[u8], value: Vec<u8>| {
        element(SEQUENCE, &[&oid(number), &element(SET, &[&value])])
    };
    let mut all = vec![one(&FRIENDLY_NAME, element(BMP, &[&name]))];
    all.extend(local_key.map(|id| one(&LOCAL_KEY, element(OCTETS, &[id]))));
    if trusted {
        all.push(one(&JAVA_TRUST, oid(&ANY_PURPOSE)));
    }
    // DER sorts a SET OF by its encodings (X.690 11.6).
    all.sort();
    let all: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
    element(SET, &all)
}

fn bag(kind: u8, value: &[u8], attributes: &[u8]) -> Vec<u8> {
    let number = [&BAG[..], &[kind]].concat();
    element(
        SEQUENCE,
        &[&oid(&number), &element(CONTEXT_0, &[value]), attributes],
    )
}

fn certificate_bag(der: &[u8], attributes: &[u8]) -> Vec<u8> {
    let value = element(
        SEQUENCE,
        &[
            &oid(&X509),
            &element(CONTEXT_0, &[&element(OCTETS, &[der])]),
        ],
    );
    bag(CERT_BAG, &value, attributes)
}

impl Writer<'_> {
    /// EncryptedPrivateKeyInfo.
    fn shrouded(
        &self,
        info: &Secret,
        random: &mut dyn RandomSource,
    ) -> Result<Vec<u8>, StoreError> {
        let scheme = Scheme::new(self.choice, self.iterations, random)?;
        let encrypted = scheme.encrypt(self.passphrase, info)?;
        Ok(element(
            SEQUENCE,
            &[&scheme.der(), &element(OCTETS, &[&encrypted])],
        ))
    }

    /// ContentInfo with certificates.
    fn certificates(
        &self,
        bags: &[Vec<u8>],
        random: &mut dyn RandomSource,
    ) -> Result<Vec<u8>, StoreError> {
        let bags: Vec<&[u8]> = bags.iter().map(Vec::as_slice).collect();
        let contents = secret_element(SEQUENCE, &bags);
        let scheme = Scheme::new(self.choice, self.iterations, random)?;
        let encrypted = scheme.encrypt(self.passphrase, &contents)?;
        let info = element(
            SEQUENCE,
            &[
                &oid(&DATA),
                &scheme.der(),
                &element(CONTEXT_0_PRIMITIVE, &[&encrypted]),
            ],
        );
        let data = element(SEQUENCE, &[&integer(0), &info]);
        Ok(element(
            SEQUENCE,
            &[&oid(&ENCRYPTED), &element(CONTEXT_0, &[&data])],
        ))
    }
}

fn data(contents: &[u8]) -> Vec<u8> {
    element(
        SEQUENCE,
        &[
            &oid(&DATA),
            &element(CONTEXT_0, &[&element(OCTETS, &[contents])]),
        ],
    )
}

pub(super) fn write(
    modern: bool,
    entries: &[Entry],
    passphrase: &Secret,
    random: &mut dyn RandomSource,
) -> Result<Vec<u8>, StoreError> {
    let (choice, iterations, hash) = if modern {
        (Choice::Modern, MODERN_ITERATIONS, Hash::Sha256)
    } else {
        (Choice::Legacy, LEGACY_ITERATIONS, Hash::Sha1)
    };
    let writer = Writer {
        choice,
        iterations,
        passphrase,
    };
    let (mut keys, mut certificates) = (Vec::new(), Vec::new());
    let mut above: Vec<&[u8]> = Vec::new();
    for entry in entries {
        let alias = entry.alias.as_str();
        match &entry.item {
            Item::Private { pkcs8, chain } => {
                let [own, issuers @ ..] = chain.as_slice() else {
                    return Err(StoreError::Entry(alias.into()));
                };
                let id = sha1(&[own]);
                let named = attributes(alias, Some(&*id), false);
                let value = writer.shrouded(pkcs8, random)?;
                keys.push(bag(SHROUDED_BAG, &value, &named));
                certificates.push(certificate_bag(own, &named));
                above.extend(issuers.iter().map(Vec::as_slice));
            }
            Item::Secret { algorithm, key } => {
                let key = algorithm.written(key);
                let id = element(SEQUENCE, &[&oid(algorithm.oid())]);
                let octets = secret_element(OCTETS, &[key.expose()]);
                let info = secret_element(SEQUENCE, &[&integer(0), &id, octets.expose()]);
                let shrouded = writer.shrouded(&info, random)?;
                // As Java has it: the bag says that its value is a shrouded key.
                let kind = [&BAG[..], &[SHROUDED_BAG]].concat();
                let value = element(
                    SEQUENCE,
                    &[
                        &oid(&kind),
                        &element(CONTEXT_0, &[&element(OCTETS, &[&shrouded])]),
                    ],
                );
                keys.push(bag(SECRET_BAG, &value, &attributes(alias, None, false)));
            }
            Item::Trusted { certificate } => {
                certificates.push(certificate_bag(certificate, &attributes(alias, None, true)));
            }
        }
    }
    // An issuer of several chains, or one that is trusted, is there once.
    above.sort_unstable();
    above.dedup();
    certificates.extend(above.into_iter().map(|der| certificate_bag(der, &[])));

    let mut safe = Vec::new();
    if !certificates.is_empty() {
        safe.push(writer.certificates(&certificates, random)?);
    }
    if !keys.is_empty() {
        let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        safe.push(data(&element(SEQUENCE, &keys)));
    }
    let safe: Vec<&[u8]> = safe.iter().map(Vec::as_slice).collect();
    let safe = element(SEQUENCE, &safe);

    let mut salt = [0; 20];
    random.public(&mut salt).map_err(|_| StoreError::Random)?;
    let key = kdf::pkcs12(hash, Use::Mac, passphrase, &salt, iterations, hash.len());
    let mac = hash.hmac(&key, &[&safe])?;
    let algorithm = element(SEQUENCE, &[&oid(hash.oid()), &element(NULL, &[])]);
    let digest = element(SEQUENCE, &[&algorithm, &element(OCTETS, &[mac.expose()])]);
    let mac = element(
        SEQUENCE,
        &[&digest, &element(OCTETS, &[&salt]), &integer(iterations)],
    );
    Ok(element(SEQUENCE, &[&integer(3), &data(&safe), &mac]))
}
