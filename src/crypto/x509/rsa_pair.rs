//! Certificates and requests of RSA pairs that leave in key stores: a
//! self-signed certificate, a PKCS#10 request (RFC 2986) for a CA of the
//! customer, and the check of the chain that comes back.

use std::time::Duration;

use rsa::pkcs1v15::{Signature, VerifyingKey};
use rsa::pkcs8::DecodePublicKey;
use rsa::sha2::{Sha256, Sha384, Sha512};
use rsa::signature::{Keypair, Verifier};
use x509_cert::Certificate;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{self, Builder, CertificateBuilder, RequestBuilder};
use x509_cert::certificate::TbsCertificate;
use x509_cert::der::asn1::{AnyRef, BitString, GeneralizedTime, ObjectIdentifier, UtcTime};
use x509_cert::der::pem::LineEnding;
use x509_cert::der::{Decode, Document, Encode};
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

use super::{ECDSA_WITH_SHA256, IssueError, common_name, subject_key, verify_signature};
use crate::primitive::rsa::Public;

/// The most certificates of a chain.
pub const CHAIN_MOST: usize = 10;
/// The longest file with a chain, in bytes.
pub const CHAIN_FILE_MOST: usize = 128 * 1024;
/// sha256WithRSAEncryption, sha384…, sha512… (RFC 8017 A.2.4).
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
/// The first second that a UTCTime does not say, 2050-01-01 (RFC 5280 4.1.2.5).
const LATE: u64 = 2_524_608_000;

/// Why a chain is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// Nothing, too much, or something that is no certificate.
    #[error("these are no certificates in PEM or DER, 1 to 10 of them")]
    NoCertificates,
    /// The first is of another key.
    #[error("no certificate of the file is of this key")]
    OtherKey,
    /// A certificate above is missing, or not the signer.
    #[error("certificate {0} is not signed by the one above it")]
    Broken(usize),
    /// A certificate that signs and may not.
    #[error("certificate {0} signs another and is no CA's")]
    NoAuthority(usize),
    /// Not yet valid, or no longer.
    #[error("certificate {0} is outside its validity by the station's clock")]
    Outside(usize),
    /// Certificates that belong to no chain.
    #[error("the file has certificates that are not of the chain")]
    Others,
}

/// What goes into a certificate of a pair.
#[derive(Debug, Clone)]
pub struct PairRequest<'a> {
    /// The common name, 1 to 64 characters.
    pub subject: &'a str,
    /// A positive number, big-endian, 1 to 20 bytes, highest bit clear.
    pub serial: &'a [u8],
    /// First second of validity, since 1970-01-01 UTC.
    pub not_before: u64,
    /// Last second of validity, since 1970-01-01 UTC.
    pub not_after: u64,
}

/// The pair as the builder wants to see it; it signs nothing.
struct Signer(VerifyingKey<Sha256>);

impl Keypair for Signer {
    type VerifyingKey = VerifyingKey<Sha256>;

    fn verifying_key(&self) -> Self::VerifyingKey {
        self.0.clone()
    }
}

impl DynSignatureAlgorithmIdentifier for Signer {
    fn signature_algorithm_identifier(&self) -> spki::Result<AlgorithmIdentifierOwned> {
        Ok(AlgorithmIdentifierOwned {
            oid: SHA256,
            parameters: Some(AnyRef::NULL.into()),
        })
    }
}

struct Profile {
    name: Name,
}

impl BuilderProfile for Profile {
    fn get_issuer(&self, _subject: &Name) -> Name {
        self.name.clone()
    }

    fn get_subject(&self) -> Name {
        self.name.clone()
    }

    fn build_extensions(
        &self,
        subject_key: SubjectPublicKeyInfoRef<'_>,
        issuer_key: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        // What the pair is for stands in its record; TLS, 3592 and DS8000 ask
        // for both.
        let usage = KeyUsage(KeyUsages::DigitalSignature | KeyUsages::KeyEncipherment);
        let subject = tbs.subject();
        Ok(vec![
            BasicConstraints {
                ca: false,
                path_len_constraint: None,
            }
            .to_extension(subject, &[])?,
            usage.to_extension(subject, &[])?,
            SubjectKeyIdentifier::try_from(subject_key)?.to_extension(subject, &[])?,
            AuthorityKeyIdentifier::try_from(issuer_key)?.to_extension(subject, &[])?,
        ])
    }
}

fn encode<E>(error: impl std::fmt::Display) -> IssueError<E> {
    IssueError::Encode(error.to_string())
}

fn signer<E>(public: &Public) -> Result<Signer, IssueError<E>> {
    VerifyingKey::from_public_key_der(public.spki())
        .map(Signer)
        .map_err(encode)
}

/// What the pair answered, if it is its signature (PKCS#1 v1.5, SHA-256).
fn signed<E>(signer: &Signer, message: &[u8], answer: &[u8]) -> Result<BitString, IssueError<E>> {
    let signature = Signature::try_from(answer).map_err(|_| IssueError::Signature)?;
    signer
        .0
        .verify(message, &signature)
        .map_err(|_| IssueError::Signature)?;
    BitString::from_bytes(answer).map_err(encode)
}

fn time<E>(seconds: u64) -> Result<Time, IssueError<E>> {
    let since = Duration::from_secs(seconds);
    if seconds < LATE {
        UtcTime::from_unix_duration(since).map(Time::UtcTime)
    } else {
        GeneralizedTime::from_unix_duration(since).map(Time::GeneralTime)
    }
    .map_err(|_| IssueError::Validity)
}

/// A self-signed certificate, in DER. `sign` is given what is signed and
/// answers the pair's signature, which is verified before it is used.
///
/// # Errors
/// [`IssueError`]
pub fn self_signed<E>(
    public: &Public,
    request: &PairRequest<'_>,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<Vec<u8>, IssueError<E>> {
    match request.serial {
        [first, ..] if request.serial.len() <= 20 && (1..0x80).contains(first) => {}
        _ => return Err(IssueError::Serial),
    }
    if request.not_after <= request.not_before {
        return Err(IssueError::Validity);
    }
    let signer = signer(public)?;
    let mut builder = CertificateBuilder::new(
        Profile {
            name: common_name(request.subject)?,
        },
        SerialNumber::new(request.serial).map_err(|_| IssueError::Serial)?,
        Validity::new(time(request.not_before)?, time(request.not_after)?),
        SubjectPublicKeyInfoOwned::from_der(public.spki()).map_err(encode)?,
    )
    .map_err(encode)?;
    let message = builder.finalize(&signer).map_err(encode)?;
    let answer = sign(&message).map_err(IssueError::Signer)?;
    let signature = signed(&signer, &message, &answer)?;
    builder
        .assemble(signature, &signer)
        .and_then(|certificate| Ok(certificate.to_der()?))
        .map_err(encode)
}

/// A PKCS#10 request, in DER, for a CA. `sign` as in [`self_signed`].
///
/// # Errors
/// [`IssueError`]
pub fn request<E>(
    public: &Public,
    subject: &str,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<Vec<u8>, IssueError<E>> {
    let signer = signer(public)?;
    let mut builder = RequestBuilder::new(common_name(subject)?).map_err(encode)?;
    let message = builder.finalize(&signer).map_err(encode)?;
    let answer = sign(&message).map_err(IssueError::Signer)?;
    let signature = signed(&signer, &message, &answer)?;
    builder
        .assemble(signature, &signer)
        .and_then(|request| Ok(request.to_der()?))
        .map_err(encode)
}

/// A certificate or request as PEM.
#[must_use]
pub fn pem(label: &'static str, der: &[u8]) -> Option<String> {
    Document::try_from(der)
        .ok()?
        .to_pem(label, LineEnding::LF)
        .ok()
}

/// Reads certificates from a file, PEM one behind the other or one in DER, and
/// puts them into the order of a chain: the one of this key first, each signed
/// by the next, as far as the file goes.
///
/// Nobody is trusted by it: it says that the file is of this key and whole.
///
/// # Errors
/// [`ChainError`]
pub fn read_chain(file: &[u8], public: &Public) -> Result<Vec<Vec<u8>>, ChainError> {
    let mut rest = certificates(file)?;
    let own = rest
        .iter()
        .position(|(_, certificate)| is_of(certificate, public))
        .ok_or(ChainError::OtherKey)?;
    let mut chain = vec![rest.remove(own)];
    while let Some((_, below)) = chain.last() {
        let tbs = below.tbs_certificate();
        if tbs.subject() == tbs.issuer() {
            break;
        }
        let issuer = tbs.issuer();
        let Some(at) = rest
            .iter()
            .position(|(_, above)| above.tbs_certificate().subject() == issuer)
        else {
            break;
        };
        chain.push(rest.remove(at));
    }
    if !rest.is_empty() {
        return Err(ChainError::Others);
    }
    check(&chain)?;
    Ok(chain.into_iter().map(|(der, _)| der).collect())
}

/// Every certificate of a chain holds at a time, seconds since 1970.
///
/// # Errors
/// [`ChainError::Outside`]; [`ChainError::NoCertificates`] where one does not read
pub fn in_validity(chain: &[Vec<u8>], now: u64) -> Result<(), ChainError> {
    for (at, der) in (1..).zip(chain) {
        let certificate = Certificate::from_der(der).map_err(|_| ChainError::NoCertificates)?;
        let validity = certificate.tbs_certificate().validity();
        let from = validity.not_before.to_unix_duration().as_secs();
        let until = validity.not_after.to_unix_duration().as_secs();
        if !(from..=until).contains(&now) {
            return Err(ChainError::Outside(at));
        }
    }
    Ok(())
}

fn is_of(certificate: &Certificate, public: &Public) -> bool {
    let spki = certificate.tbs_certificate().subject_public_key_info();
    spki.to_der().is_ok_and(|der| der == public.spki())
}

fn check(chain: &[(Vec<u8>, Certificate)]) -> Result<(), ChainError> {
    for (at, pair) in (1..).zip(chain.windows(2)) {
        let [(der, below), (above_der, above)] = pair else {
            continue;
        };
        if !is_authority(above) {
            return Err(ChainError::NoAuthority(at + 1));
        }
        if !verifies((der, below), (above_der, above)) {
            return Err(ChainError::Broken(at));
        }
    }
    // A last one that names itself has to have signed itself.
    if let Some((der, last)) = chain.last() {
        let tbs = last.tbs_certificate();
        if tbs.subject() == tbs.issuer() && !verifies((der, last), (der, last)) {
            return Err(ChainError::Broken(chain.len()));
        }
    }
    Ok(())
}

/// A CA's, whose key usage, where it stands, has keyCertSign (RFC 5280 4.2.1.3).
fn is_authority(certificate: &Certificate) -> bool {
    let tbs = certificate.tbs_certificate();
    let ca = matches!(
        tbs.get_extension::<BasicConstraints>(),
        Ok(Some((_, constraints))) if constraints.ca
    );
    let signs = match tbs.get_extension::<KeyUsage>() {
        Ok(None) => true,
        Ok(Some((_, usage))) => usage.key_cert_sign(),
        Err(_) => false,
    };
    ca && signs
}

type Read<'a> = (&'a Vec<u8>, &'a Certificate);

fn verifies((der, below): Read<'_>, (above_der, above): Read<'_>) -> bool {
    let algorithm = below.signature_algorithm();
    if algorithm != below.tbs_certificate().signature() {
        return false;
    }
    if algorithm.oid == ECDSA_WITH_SHA256 {
        return subject_key(above_der).is_ok_and(|point| verify_signature(der, &point).is_ok());
    }
    let above = above.tbs_certificate().subject_public_key_info();
    let (Ok(message), Ok(spki), Some(signature)) = (
        below.tbs_certificate().to_der(),
        above.to_der(),
        below.signature().as_bytes(),
    ) else {
        return false;
    };
    let Ok(signature) = Signature::try_from(signature) else {
        return false;
    };
    macro_rules! with {
        ($hash:ty) => {
            VerifyingKey::<$hash>::from_public_key_der(&spki)
                .is_ok_and(|key| key.verify(&message, &signature).is_ok())
        };
    }
    match algorithm.oid {
        SHA256 => with!(Sha256),
        SHA384 => with!(Sha384),
        SHA512 => with!(Sha512),
        _ => false,
    }
}

fn certificates(file: &[u8]) -> Result<Vec<(Vec<u8>, Certificate)>, ChainError> {
    let none = ChainError::NoCertificates;
    if file.len() > CHAIN_FILE_MOST {
        return Err(none);
    }
    let parse = |der: &[u8]| {
        let certificate = Certificate::from_der(der).map_err(|_| none)?;
        // One writing: what is checked is what is handed on.
        if certificate.to_der().ok().as_deref() != Some(der) {
            return Err(none);
        }
        Ok((der.to_vec(), certificate))
    };
    if file.first() == Some(&0x30) {
        return Ok(vec![parse(file)?]);
    }
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let text = std::str::from_utf8(file).map_err(|_| none)?;
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(from) = rest.find(BEGIN) {
        let block = rest.get(from..).unwrap_or_default();
        let end = block.find(END).ok_or(none)? + END.len();
        let (block, after) = block.split_at_checked(end).ok_or(none)?;
        if found.len() == CHAIN_MOST {
            return Err(none);
        }
        let (_, document) = Document::from_pem(block).map_err(|_| none)?;
        found.push(parse(document.as_bytes())?);
        rest = after;
    }
    if found.is_empty() {
        return Err(none);
    }
    Ok(found)
}

/// The most characters of a name that signers read.
const NAME_MOST: usize = 120;

/// Who issued the certificate, as signers may read it: without a character that
/// does something to a screen, and cut where it is long. Of one that does not
/// read, nothing.
#[must_use]
pub fn issuer(der: &[u8]) -> Option<String> {
    let certificate = Certificate::from_der(der).ok()?;
    let name = certificate.tbs_certificate().issuer().to_string();
    let plain = |c: char| c.is_alphanumeric() || c.is_ascii_graphic() || c == ' ';
    let shown = |c: char| if plain(c) { c } else { '?' };
    Some(name.chars().take(NAME_MOST).map(shown).collect())
}

/// When the certificate ends, in seconds since 1970, and its subject; of one
/// that does not read, nothing.
#[must_use]
pub fn facts(der: &[u8]) -> Option<(String, u64)> {
    let certificate = Certificate::from_der(der).ok()?;
    let tbs = certificate.tbs_certificate();
    let until = tbs.validity().not_after.to_unix_duration().as_secs();
    Some((tbs.subject().to_string(), until))
}
