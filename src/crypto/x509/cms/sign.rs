//! SignedData (RFC 5652, section 5) by a P-256 key of this house: SHA-256, with
//! the signed attributes content type, time and digest, and the certificate.

use std::time::Duration;

use x509_cert::der::Encode;
use x509_cert::der::asn1::{GeneralizedTime, UtcTime};
use x509_cert::time::Time;
use zeroize::Zeroizing;

use super::CmsError;
use super::ber::{OCTETS, SEQUENCE, SET, constructed, element, oid};
use super::enrolled::{Key, Signer};
use super::envelop::{DATA, version};
use super::verify::{CONTENT_TYPE, Hash, MESSAGE_DIGEST, SIGNED_DATA, SIGNING_TIME, verify};
use crate::primitive::derive::sha256;
use crate::primitive::ec::signature_to_der;

/// id-sha256 without parameters (RFC 5754, section 2).
const SHA256: [u8; 13] = [
    0x30, 0x0B, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
];
/// The first second that a UTCTime does not say, 2050-01-01 (RFC 5652 11.3).
const LATE: u64 = 2_524_608_000;

fn time(now: u64) -> Result<Vec<u8>, CmsError> {
    let since = Duration::from_secs(now);
    let time = if now < LATE {
        UtcTime::from_unix_duration(since).map(Time::UtcTime)
    } else {
        GeneralizedTime::from_unix_duration(since).map(Time::GeneralTime)
    };
    time.and_then(|time| time.to_der())
        .map_err(|_| CmsError::Encode)
}

fn attribute(name: &[u8], value: &[u8]) -> Vec<u8> {
    element(SEQUENCE, &[&oid(name), &element(SET, &[value])])
}

/// `content` as SignedData, DER, with the content in it. `sign` is given the
/// SHA-256 of what is signed and answers `r || s`; `now` in seconds since 1970.
///
/// # Errors
/// [`CmsError::Curve`] where the certificate has no P-256 key,
/// [`CmsError::Signature`] where the signature is not that key's.
pub fn sign(
    content: &[u8],
    by: &Signer,
    now: u64,
    sign: impl FnOnce(&[u8; 32]) -> Option<[u8; 64]>,
) -> Result<Zeroizing<Vec<u8>>, CmsError> {
    let Key::Ec(public) = &by.0.key else {
        return Err(CmsError::Curve);
    };
    let mut attributes = [
        attribute(CONTENT_TYPE, &oid(DATA)),
        attribute(SIGNING_TIME, &time(now)?),
        attribute(MESSAGE_DIGEST, &element(OCTETS, &[&sha256(&[content])])),
    ];
    // A SET OF stands in the order of its encodings (X.690 11.6).
    attributes.sort();
    let attributes = attributes.concat();
    let digest = sha256(&[&element(SET, &[&attributes])]);
    let signature = sign(&digest).ok_or(CmsError::Signature)?;
    crate::primitive::ec::verify(public, &digest, &signature).map_err(|_| CmsError::Signature)?;
    let signature = signature_to_der(&signature).map_err(|_| CmsError::Signature)?;
    let signer = element(
        SEQUENCE,
        &[
            &version(1),
            &by.0.named,
            &SHA256,
            &element(constructed(0), &[&attributes]),
            &element(SEQUENCE, &[&oid(Hash::Sha256.with_ecdsa())]),
            &element(OCTETS, &[&signature]),
        ],
    );
    let octets = Zeroizing::new(element(OCTETS, &[content]));
    let holder = Zeroizing::new(element(constructed(0), &[&octets]));
    let data = Zeroizing::new(element(SEQUENCE, &[&oid(DATA), &holder]));
    let signed = Zeroizing::new(element(
        SEQUENCE,
        &[
            &version(1),
            &element(SET, &[&SHA256]),
            &data,
            &element(constructed(0), &[&by.0.der]),
            &element(SET, &[&signer]),
        ],
    ));
    let holder = Zeroizing::new(element(constructed(0), &[&signed]));
    Ok(Zeroizing::new(element(
        SEQUENCE,
        &[&oid(SIGNED_DATA), &holder],
    )))
}

/// The content of SignedData that this one signed, and when, as the signer
/// says.
///
/// # Errors
/// [`CmsError::Refused`]
pub fn verify_own(file: &[u8], by: &Signer) -> Result<(Zeroizing<Vec<u8>>, Option<u64>), CmsError> {
    let (of, content) = super::sealed::content_info(file)?;
    if of != SIGNED_DATA {
        return Err(CmsError::Refused);
    }
    let signed = verify(&content, by)?;
    Ok((signed.content.into_list(), signed.at))
}
