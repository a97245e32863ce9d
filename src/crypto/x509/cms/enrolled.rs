//! A certificate that files are for, or from.

use x509_cert::Certificate;
use x509_cert::der::{Decode, Document};
use x509_cert::ext::pkix::{KeyUsage, SubjectKeyIdentifier};

use super::CmsError;
use super::ber::{Reader, SEQUENCE, constructed, element};
use crate::primitive::derive::sha256;
use crate::primitive::ec::POINT_LEN;
use crate::primitive::rsa::{FILE_MOST, Public, RsaError};
use crate::x509::subject_key;

/// What people are told of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Whose it is.
    pub subject: String,
    /// Who issued it. Nobody checks that.
    pub issuer: String,
    /// Its serial number, upper-case hexadecimal, as openssl shows it.
    pub serial: String,
    /// `RSA-3072`, `P-256`.
    pub key: String,
    /// First second of validity, since 1970-01-01 UTC.
    pub not_before: u64,
    /// Last second of validity, since 1970-01-01 UTC.
    pub not_after: u64,
    /// SHA-256 of the certificate in DER: what people compare.
    pub fingerprint: [u8; 32],
}

/// A key that is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    Rsa(Public),
    Ec([u8; POINT_LEN]),
}

/// A certificate, and how CMS names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Enrolled {
    pub der: Vec<u8>,
    pub key: Key,
    /// Issuer and serial number, DER.
    pub named: Vec<u8>,
    /// Subject key identifier.
    pub identifier: Option<Vec<u8>>,
    /// What its key may be used for, where it says so.
    pub usage: Option<KeyUsage>,
    pub facts: Facts,
}

fn der_of(file: &[u8]) -> Result<Vec<u8>, CmsError> {
    if file.len() > FILE_MOST {
        return Err(CmsError::NotACertificate);
    }
    match std::str::from_utf8(file) {
        Ok(text) if text.starts_with("-----BEGIN") => {
            match Document::from_pem(text).map_err(|_| CmsError::NotACertificate)? {
                ("CERTIFICATE", document) => Ok(document.as_bytes().to_vec()),
                _ => Err(CmsError::NotACertificate),
            }
        }
        _ => Ok(file.to_vec()),
    }
}

/// Issuer and serial number as the certificate has them: what a file names it
/// by is compared byte for byte.
fn named(der: &[u8]) -> Result<Vec<u8>, CmsError> {
    let mut certificate = Reader::new(der).enter(SEQUENCE)?;
    let mut tbs = certificate.enter(SEQUENCE)?;
    tbs.maybe(constructed(0))?;
    let serial = tbs.any()?.whole;
    tbs.take(SEQUENCE)?;
    let issuer = tbs.take(SEQUENCE)?.whole;
    Ok(element(SEQUENCE, &[issuer, serial]))
}

impl Enrolled {
    /// Reads a certificate in PEM or DER, with an RSA key or one of P-256. Who
    /// signed it and until when it holds is asked where it is enrolled.
    pub fn read(file: &[u8]) -> Result<Self, CmsError> {
        let der = der_of(file)?;
        let certificate = Certificate::from_der(&der).map_err(|_| CmsError::NotACertificate)?;
        let tbs = certificate.tbs_certificate();
        let (key, words) = match Public::read(&der) {
            Ok(public) => {
                let words = format!("RSA-{}", public.bits());
                (Key::Rsa(public), words)
            }
            Err(RsaError::Algorithm) => {
                let point = subject_key(&der).map_err(|_| CmsError::Curve)?;
                (Key::Ec(point), "P-256".to_owned())
            }
            Err(other) => return Err(other.into()),
        };
        let no = |_| CmsError::NotACertificate;
        let identifier = tbs.get_extension::<SubjectKeyIdentifier>().map_err(no)?;
        let usage = tbs.get_extension::<KeyUsage>().map_err(no)?;
        let validity = tbs.validity();
        let facts = Facts {
            subject: plain(&tbs.subject().to_string()),
            issuer: plain(&tbs.issuer().to_string()),
            serial: serial(tbs.serial_number().as_bytes()),
            key: words,
            not_before: validity.not_before.to_unix_duration().as_secs(),
            not_after: validity.not_after.to_unix_duration().as_secs(),
            fingerprint: sha256(&[&der]),
        };
        Ok(Self {
            key,
            named: named(&der).map_err(|_| CmsError::NotACertificate)?,
            identifier: identifier.map(|(_, id)| id.0.as_bytes().to_vec()),
            usage: usage.map(|(_, usage)| usage),
            facts,
            der,
        })
    }
}

/// A serial number without the octet that keeps it positive.
fn serial(bytes: &[u8]) -> String {
    let bytes = match bytes {
        [0, rest @ ..] if !rest.is_empty() => rest,
        all => all,
    };
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// A name as it may stand on a screen.
fn plain(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .take(120)
        .collect()
}

/// Somebody to whom files are encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient(pub(super) Enrolled);

impl Recipient {
    /// Reads a certificate with an RSA or a P-256 key, in PEM or DER. Who
    /// signed it and until when it holds is asked where it is enrolled.
    ///
    /// # Errors
    /// [`CmsError`]
    pub fn read(file: &[u8]) -> Result<Self, CmsError> {
        Enrolled::read(file).map(Self)
    }

    /// The certificate, DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.0.der
    }

    /// For people.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.0.facts
    }

    /// Its RSA key; none where it has another.
    #[must_use]
    pub fn rsa(&self) -> Option<&Public> {
        match &self.0.key {
            Key::Rsa(public) => Some(public),
            Key::Ec(_) => None,
        }
    }

    /// FALSE where the certificate says that its key is for something else
    /// (RFC 5280 4.2.1.3): keyEncipherment of an RSA key, keyAgreement of
    /// another.
    #[must_use]
    pub fn may_receive(&self) -> bool {
        self.0.usage.as_ref().is_none_or(|usage| match self.0.key {
            Key::Rsa(_) => usage.key_encipherment(),
            Key::Ec(_) => usage.key_agreement(),
        })
    }
}

/// Somebody whose signatures are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer(pub(super) Enrolled);

impl Signer {
    /// Reads a certificate with an RSA or a P-256 key, in PEM or DER. Who
    /// signed it and until when it holds is asked where it is enrolled.
    ///
    /// # Errors
    /// [`CmsError`]
    pub fn read(file: &[u8]) -> Result<Self, CmsError> {
        Enrolled::read(file).map(Self)
    }

    /// The certificate, DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.0.der
    }

    /// For people.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.0.facts
    }

    /// TRUE where both have one key.
    #[must_use]
    pub fn same_key(&self, other: &Recipient) -> bool {
        self.0.key == other.0.key
    }

    /// FALSE where the certificate says that its key is for something else
    /// than signatures (RFC 5280 4.2.1.3).
    #[must_use]
    pub fn may_sign(&self) -> bool {
        let usage = self.0.usage.as_ref();
        usage.is_none_or(|usage| usage.digital_signature() || usage.non_repudiation())
    }
}
