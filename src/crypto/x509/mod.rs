//! Certificates of the cards and of the station that issues them (RFC 5280).
//!
//! All keys are P-256 and all signatures ECDSA with SHA-256. Who signs is a
//! callback over the digest, so that the station's key may be anywhere.

pub mod cms;
mod crl;
mod describe;
pub mod rsa_pair;

pub use describe::describe;

use std::str::FromStr;
use std::time::Duration;

use p256::ecdsa::signature::Keypair;
use p256::ecdsa::{Signature, VerifyingKey};
use thiserror::Error;
use x509_cert::Certificate;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{self, Builder, CertificateBuilder};
use x509_cert::certificate::TbsCertificate;
use x509_cert::der::asn1::{BitString, GeneralizedTime, ObjectIdentifier};
use x509_cert::der::{self, Decode, Encode};
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, KeyUsage, KeyUsages, SubjectKeyIdentifier,
};
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{
    self, AlgorithmIdentifierOwned, DynSignatureAlgorithmIdentifier, SubjectPublicKeyInfoOwned,
    SubjectPublicKeyInfoRef,
};
use x509_cert::time::{Time, Validity};

use crate::primitive::derive::sha256;
use crate::primitive::ec::{EcError, POINT_LEN, check_point, verify};

/// ecdsa-with-SHA256 (RFC 5758 3.2).
const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");

/// Most characters of a common name (RFC 5280 A.1, ub-common-name).
const COMMON_NAME_MAX: usize = 64;

/// Why there is no certificate. `E` is the signer's error.
#[derive(Debug, Error)]
pub enum IssueError<E> {
    /// A public key that is none.
    #[error(transparent)]
    Key(#[from] EcError),
    /// An empty name, or one of more than 64 characters.
    #[error("a common name has 1 to 64 characters, not {0}")]
    CommonName(usize),
    /// A serial number that is empty, zero, negative as DER or over 20 bytes.
    #[error("not a serial number")]
    Serial,
    /// The end is not after the beginning, or a time that DER cannot hold.
    #[error("not a period of validity")]
    Validity,
    /// The encoder refused.
    #[error("the certificate cannot be encoded: {0}")]
    Encode(String),
    /// The signer refused.
    #[error("the signer refused: {0}")]
    Signer(E),
    /// The signer answered with something that is no signature of its key.
    #[error("the signature is not the issuer's")]
    Signature,
}

/// Why a certificate is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReadError {
    /// Not a certificate in DER.
    #[error("not a certificate")]
    NotACertificate,
    /// Its key is not a point of P-256.
    #[error("the certificate's key is not of P-256")]
    Key,
    /// Not signed by the key it was checked with, or not with ECDSA and SHA-256.
    #[error("the certificate's signature does not verify")]
    Signature,
}

/// What the key of a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Slot 9A, to show who is there: digitalSignature.
    Authentication,
    /// Slot 9C, to approve: digitalSignature and nonRepudiation.
    Approval,
    /// Slot 9D, to receive shares: keyAgreement.
    KeyManagement,
    /// The station's: keyCertSign; the certificate says it is a CA's.
    Authority,
}

impl Purpose {
    fn key_usage(self) -> KeyUsage {
        KeyUsage(match self {
            Self::Authentication => KeyUsages::DigitalSignature.into(),
            Self::Approval => KeyUsages::DigitalSignature | KeyUsages::NonRepudiation,
            Self::KeyManagement => KeyUsages::KeyAgreement.into(),
            Self::Authority => KeyUsages::KeyCertSign.into(),
        })
    }
}

/// What goes into a certificate.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The subject's common name, 1 to 64 characters.
    pub subject: &'a str,
    /// The subject's public point.
    pub public: &'a [u8; POINT_LEN],
    /// What its key is for.
    pub purpose: Purpose,
    /// A positive number, big-endian, 1 to 20 bytes, highest bit clear.
    pub serial: &'a [u8],
    /// First second of validity, since 1970-01-01 UTC.
    pub not_before: u64,
    /// Last second of validity, since 1970-01-01 UTC.
    pub not_after: u64,
}

/// Who signs: name and public point.
#[derive(Debug, Clone, Copy)]
pub struct Issuer<'a> {
    /// Common name, as in its own certificate.
    pub name: &'a str,
    /// Public point.
    pub public: &'a [u8; POINT_LEN],
}

/// Issues a certificate, in DER. `sign` is given the SHA-256 of what is signed
/// and answers `r || s`; the answer is verified before it is used.
///
/// With a request whose subject and key are the issuer's own, this is the
/// station's self-signed certificate.
pub fn issue<E>(
    issuer: Issuer<'_>,
    request: &Request<'_>,
    sign: impl FnOnce(&[u8; 32]) -> Result<[u8; 64], E>,
) -> Result<Vec<u8>, IssueError<E>> {
    fn encode<E>(error: impl std::fmt::Display) -> IssueError<E> {
        IssueError::Encode(error.to_string())
    }
    let serial = match request.serial {
        [first, ..] if request.serial.len() <= 20 && *first < 0x80 => request.serial,
        _ => return Err(IssueError::Serial),
    };
    if serial.iter().all(|byte| *byte == 0) {
        return Err(IssueError::Serial);
    }
    if request.not_after <= request.not_before {
        return Err(IssueError::Validity);
    }
    let time = |seconds| {
        GeneralizedTime::from_unix_duration(Duration::from_secs(seconds))
            .map(Time::GeneralTime)
            .map_err(|_| IssueError::Validity)
    };
    let profile = Profile {
        issuer: common_name(issuer.name)?,
        subject: common_name(request.subject)?,
        purpose: request.purpose,
    };
    let signer = Signer(key(issuer.public)?);
    let mut builder = CertificateBuilder::new(
        profile,
        SerialNumber::new(serial).map_err(|_| IssueError::Serial)?,
        Validity::new(time(request.not_before)?, time(request.not_after)?),
        SubjectPublicKeyInfoOwned::from_key(&key(request.public)?).map_err(encode)?,
    )
    .map_err(encode)?;
    let digest = sha256(&[&builder.finalize(&signer).map_err(encode)?]);
    let signature = sign(&digest).map_err(IssueError::Signer)?;
    verify(issuer.public, &digest, &signature).map_err(|_| IssueError::Signature)?;
    let signature = Signature::from_slice(&signature).map_err(|_| IssueError::Signature)?;
    builder
        .assemble(
            BitString::from_bytes(signature.to_der().as_bytes()).map_err(encode)?,
            &signer,
        )
        .and_then(|certificate| Ok(certificate.to_der()?))
        .map_err(encode)
}

/// The subject's public point out of a certificate. Nothing else is checked:
/// cards are known by their pinned keys.
pub fn subject_key(certificate: &[u8]) -> Result<[u8; POINT_LEN], ReadError> {
    let certificate = parse(certificate)?;
    let info = certificate.tbs_certificate().subject_public_key_info();
    let info = info.to_der().map_err(|_| ReadError::Key)?;
    let key = SubjectPublicKeyInfoRef::from_der(&info)
        .ok()
        .and_then(|info| p256::PublicKey::try_from(info).ok())
        .ok_or(ReadError::Key)?;
    let point = key.to_sec1_bytes();
    check_point(&point).map_err(|_| ReadError::Key)
}

/// Verifies the signature on a certificate with the issuer's public point.
pub fn verify_signature(certificate: &[u8], issuer: &[u8; POINT_LEN]) -> Result<(), ReadError> {
    let certificate = parse(certificate)?;
    let tbs = certificate.tbs_certificate();
    let named = [tbs.signature(), certificate.signature_algorithm()];
    if named.iter().any(|named| named.oid != ECDSA_WITH_SHA256) {
        return Err(ReadError::Signature);
    }
    let signed = tbs.to_der().map_err(|_| ReadError::NotACertificate)?;
    let signature = certificate.signature().as_bytes();
    let signature = signature
        .and_then(|der| Signature::from_der(der).ok())
        .ok_or(ReadError::Signature)?;
    verify(issuer, &sha256(&[&signed]), &signature.to_bytes().into())
        .map_err(|_| ReadError::Signature)
}

fn parse(der: &[u8]) -> Result<Certificate, ReadError> {
    Certificate::from_der(der).map_err(|_| ReadError::NotACertificate)
}

fn key(point: &[u8; POINT_LEN]) -> Result<VerifyingKey, EcError> {
    check_point(point)?;
    VerifyingKey::from_sec1_bytes(point).map_err(|_| EcError::NotAPoint)
}

/// A name of one common name. Everything but letters and digits is escaped byte
/// by byte (RFC 4514 2.4), so that no character of a person's name has a meaning.
fn common_name<E>(text: &str) -> Result<Name, IssueError<E>> {
    let count = text.chars().count();
    if count == 0 || count > COMMON_NAME_MAX {
        return Err(IssueError::CommonName(count));
    }
    let mut escaped = String::from("CN=");
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("\\{byte:02X}"));
        }
    }
    Name::from_str(&escaped).map_err(|error| IssueError::Encode(error.to_string()))
}

/// The issuer as the builder wants to see it; it signs nothing.
struct Signer(VerifyingKey);

impl Keypair for Signer {
    type VerifyingKey = VerifyingKey;

    fn verifying_key(&self) -> VerifyingKey {
        self.0
    }
}

impl DynSignatureAlgorithmIdentifier for Signer {
    fn signature_algorithm_identifier(&self) -> spki::Result<AlgorithmIdentifierOwned> {
        Ok(AlgorithmIdentifierOwned {
            oid: ECDSA_WITH_SHA256,
            parameters: None,
        })
    }
}

/// Names and extensions of our certificates.
struct Profile {
    issuer: Name,
    subject: Name,
    purpose: Purpose,
}

impl BuilderProfile for Profile {
    fn get_issuer(&self, _subject: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        subject_key: SubjectPublicKeyInfoRef<'_>,
        issuer_key: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        let ca = self.purpose == Purpose::Authority;
        let constraints = BasicConstraints {
            ca,
            path_len_constraint: ca.then_some(0),
        };
        let mut extensions = Vec::new();
        let mut add = |extension: Result<Extension, der::Error>| -> builder::Result<()> {
            extensions.push(extension?);
            Ok(())
        };
        let subject = tbs.subject();
        add(constraints.to_extension(subject, &[]))?;
        add(self.purpose.key_usage().to_extension(subject, &[]))?;
        add(SubjectKeyIdentifier::try_from(subject_key)?.to_extension(subject, &[]))?;
        add(AuthorityKeyIdentifier::try_from(issuer_key)?.to_extension(subject, &[]))?;
        Ok(extensions)
    }
}

#[cfg(test)]
mod tests;
