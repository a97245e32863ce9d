//! SignedData (RFC 5652, section 5) with one signer, whose certificate is
//! enrolled: RSA PKCS#1 v1.5, RSASSA-PSS (RFC 4056) and ECDSA over P-256 (RFC
//! 5753 2.1), each with SHA-256, SHA-384 or SHA-512 (RFC 5754).
//!
//! Signed attributes have to be there: without them a signature over somebody's
//! choice of bytes could be read as one over attributes, and the other way round
//! (RFC 5652, section 12).

use p256::ecdsa::VerifyingKey as EcKey;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::PublicKey;
use rsa::pkcs8::DecodePublicKey;
use rsa::signature::Verifier;
use rsa::{pkcs1v15, pss};
use sha2::{Digest, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;
use x509_cert::der::Decode;
use x509_cert::time::Time;

use super::CmsError;
use super::ber::{
    AlgorithmId, Element, INTEGER, OCTETS, OID, Octets, Reader, SEQUENCE, SET, constructed,
    element, primitive,
};
use super::enrolled::{Key, Signer};

/// id-signedData, 1.2.840.113549.1.7.2
pub(super) const SIGNED_DATA: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02";
/// id-contentType, id-messageDigest, id-signingTime: 1.2.840.113549.1.9.3 to 5
pub(super) const CONTENT_TYPE: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x09\x03";
pub(super) const MESSAGE_DIGEST: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x09\x04";
pub(super) const SIGNING_TIME: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x09\x05";
/// rsaEncryption, 1.2.840.113549.1.1.1; id-mgf1 (8); id-RSASSA-PSS (10)
const RSA: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01";
const MGF1: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x01\x08";
const PSS: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0A";

/// The most attributes that are signed.
const ATTRIBUTES_MOST: usize = 32;
/// The longest salt of RSASSA-PSS, in bytes.
const SALT_MOST: usize = 512;

/// A digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// id-sha256, -384, -512: 2.16.840.1.101.3.4.2.1 to 3.
    fn of(algorithm: &AlgorithmId<'_>) -> Result<Self, CmsError> {
        let last = algorithm
            .oid
            .strip_prefix(b"\x60\x86\x48\x01\x65\x03\x04\x02");
        match last {
            _ if !algorithm.is_plain() => Err(CmsError::Refused),
            Some([1]) => Ok(Self::Sha256),
            Some([2]) => Ok(Self::Sha384),
            Some([3]) => Ok(Self::Sha512),
            _ => Err(CmsError::Refused),
        }
    }

    fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha384 => Sha384::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }

    /// shaNNNWithRSAEncryption: 1.2.840.113549.1.1.11 to 13.
    fn with_rsa(self) -> &'static [u8] {
        match self {
            Self::Sha256 => b"\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0B",
            Self::Sha384 => b"\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0C",
            Self::Sha512 => b"\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0D",
        }
    }

    /// ecdsa-with-SHAnnn: 1.2.840.10045.4.3.2 to 4.
    pub(super) fn with_ecdsa(self) -> &'static [u8] {
        match self {
            Self::Sha256 => b"\x2A\x86\x48\xCE\x3D\x04\x03\x02",
            Self::Sha384 => b"\x2A\x86\x48\xCE\x3D\x04\x03\x03",
            Self::Sha512 => b"\x2A\x86\x48\xCE\x3D\x04\x03\x04",
        }
    }
}

/// What somebody signed.
pub(super) struct Signed<'a> {
    pub content: Octets<'a>,
    /// The content type's OID.
    pub of: &'a [u8],
    /// When, as the signer says, in seconds since 1970.
    pub at: Option<u64>,
}

/// Reads SignedData whose one signer is this one.
pub(super) fn verify<'a>(data: &Element<'a>, by: &Signer) -> Result<Signed<'a>, CmsError> {
    if data.tag != SEQUENCE {
        return Err(CmsError::Refused);
    }
    let mut signed = data.inside();
    if !matches!(signed.version()?, 1 | 3..=5) {
        return Err(CmsError::Refused);
    }
    signed.take(SET)?;
    let mut content = signed.enter(SEQUENCE)?;
    let of = content.take(OID)?.value;
    let mut holder = content.enter(constructed(0))?;
    let octets = holder.any()?.octets(OCTETS)?;
    holder.end()?;
    content.end()?;
    // Certificates and revocation lists: what is enrolled counts, not these.
    signed.maybe(constructed(0))?;
    signed.maybe(constructed(1))?;
    let mut signers = signed.enter(SET)?;
    signed.end()?;
    let signer = signers.take(SEQUENCE)?;
    signers.end()?;
    let at = signer_info(&signer, of, &octets, by)?;
    Ok(Signed {
        content: octets,
        of,
        at,
    })
}

fn signer_info(
    signer: &Element<'_>,
    of: &[u8],
    content: &[u8],
    by: &Signer,
) -> Result<Option<u64>, CmsError> {
    let mut info = signer.inside();
    let version = info.version()?;
    let id = info.any()?;
    let known = match (version, id.tag) {
        (1, SEQUENCE) => id.whole == by.0.named,
        (3, tag) if tag == primitive(0) => by.0.identifier.as_deref() == Some(id.value),
        _ => false,
    };
    let hash = Hash::of(&info.algorithm()?)?;
    let attributes = info.take(constructed(0))?;
    let algorithm = info.algorithm()?;
    let signature = info.take(OCTETS)?.value;
    info.maybe(constructed(1))?;
    info.end()?;
    if !known || attributes.open {
        return Err(CmsError::Refused);
    }
    // The attributes are signed as the SET that they are, not under `[0]`.
    let message = element(SET, &[attributes.value]);
    check(by, hash, &algorithm, &message, signature)?;
    signed_attributes(&attributes, of, &hash.digest(content))
}

/// Content type and digest have to be those of what is signed; each attribute
/// stands once.
fn signed_attributes(
    attributes: &Element<'_>,
    of: &[u8],
    digest: &[u8],
) -> Result<Option<u64>, CmsError> {
    let mut seen: Vec<&[u8]> = Vec::new();
    let (mut type_agrees, mut digest_agrees, mut at) = (false, false, None);
    let mut each = attributes.inside();
    while !each.is_empty() {
        let mut attribute = each.enter(SEQUENCE)?;
        let name = attribute.take(OID)?.value;
        let mut values = attribute.enter(SET)?;
        attribute.end()?;
        if seen.contains(&name) || seen.len() >= ATTRIBUTES_MOST {
            return Err(CmsError::Refused);
        }
        seen.push(name);
        match name {
            CONTENT_TYPE => type_agrees = values.take(OID)?.value == of,
            MESSAGE_DIGEST => {
                let value = values.take(OCTETS)?.value;
                digest_agrees = value.ct_eq(digest).into();
            }
            SIGNING_TIME => {
                let time = Time::from_der(values.any()?.whole).map_err(|_| CmsError::Refused)?;
                at = Some(time.to_unix_duration().as_secs());
            }
            _ => continue,
        }
        values.end()?;
    }
    if type_agrees && digest_agrees {
        Ok(at)
    } else {
        Err(CmsError::Refused)
    }
}

/// A signature over a message by the enrolled key, by the algorithm that the
/// file names.
fn check(
    by: &Signer,
    hash: Hash,
    algorithm: &AlgorithmId<'_>,
    message: &[u8],
    signature: &[u8],
) -> Result<(), CmsError> {
    let good = match &by.0.key {
        Key::Rsa(public) => {
            let key = PublicKey::from_public_key_der(public.spki());
            let key = key.map_err(|_| CmsError::Refused)?;
            if algorithm.oid == PSS {
                let salt = pss_salt(algorithm, hash)?;
                pss_verifies(key, hash, salt, message, signature)
            } else if [RSA, hash.with_rsa()].contains(&algorithm.oid) && algorithm.is_plain() {
                pkcs1_verifies(key, hash, message, signature)
            } else {
                false
            }
        }
        Key::Ec(point) => {
            let named = algorithm.oid == hash.with_ecdsa() && algorithm.parameters.is_none();
            let key = EcKey::from_sec1_bytes(point).map_err(|_| CmsError::Refused)?;
            let digest = hash.digest(message);
            let signature = p256::ecdsa::Signature::from_der(signature);
            named && signature.is_ok_and(|s| key.verify_prehash(&digest, &s).is_ok())
        }
    };
    good.then_some(()).ok_or(CmsError::Refused)
}

fn pkcs1_verifies(key: PublicKey, hash: Hash, message: &[u8], signature: &[u8]) -> bool {
    use pkcs1v15::{Signature, VerifyingKey};
    let Ok(signature) = Signature::try_from(signature) else {
        return false;
    };
    match hash {
        Hash::Sha256 => VerifyingKey::<Sha256>::new(key).verify(message, &signature),
        Hash::Sha384 => VerifyingKey::<Sha384>::new(key).verify(message, &signature),
        Hash::Sha512 => VerifyingKey::<Sha512>::new(key).verify(message, &signature),
    }
    .is_ok()
}

fn pss_verifies(key: PublicKey, hash: Hash, salt: usize, message: &[u8], signature: &[u8]) -> bool {
    use pss::{Signature, VerifyingKey};
    let Ok(signature) = Signature::try_from(signature) else {
        return false;
    };
    match hash {
        Hash::Sha256 => {
            VerifyingKey::<Sha256>::new_with_salt_len(key, salt).verify(message, &signature)
        }
        Hash::Sha384 => {
            VerifyingKey::<Sha384>::new_with_salt_len(key, salt).verify(message, &signature)
        }
        Hash::Sha512 => {
            VerifyingKey::<Sha512>::new_with_salt_len(key, salt).verify(message, &signature)
        }
    }
    .is_ok()
}

/// The salt's length out of RSASSA-PSS-params, whose digests have to be the
/// one of the signer (RFC 4056, section 3).
fn pss_salt(algorithm: &AlgorithmId<'_>, hash: Hash) -> Result<usize, CmsError> {
    let parameters = algorithm.parameters.as_ref().ok_or(CmsError::Refused)?;
    let mut inside = parameters.inside();
    let mut part = |n| -> Result<Reader<'_>, CmsError> { inside.enter(constructed(n)) };
    let mut digest = part(0)?;
    let digest_hash = Hash::of(&digest.algorithm()?)?;
    digest.end()?;
    let mut mask = part(1)?;
    let mask_is = mask.algorithm()?;
    mask.end()?;
    let of = mask_is.parameters.as_ref().ok_or(CmsError::Refused)?;
    let mask_hash = Hash::of(&AlgorithmId::of(of)?)?;
    // What is said where nothing stands: 20 bytes (RFC 4055 3.1).
    let digits = match inside.maybe(constructed(2))? {
        Some(salt) => {
            let mut salt = salt.inside();
            let digits = salt.take(INTEGER)?.value;
            salt.end()?;
            digits
        }
        None => &[20],
    };
    if let Some(trailer) = inside.maybe(constructed(3))? {
        let mut trailer = trailer.inside();
        if trailer.version()? != 1 {
            return Err(CmsError::Refused);
        }
        trailer.end()?;
    }
    inside.end()?;
    let len = match digits {
        [len @ 0..0x80] => usize::from(*len),
        [high @ 0..0x80, low] if *high != 0 || *low >= 0x80 => {
            usize::from(*high) << 8 | usize::from(*low)
        }
        _ => return Err(CmsError::Refused),
    };
    let one = [digest_hash, mask_hash] == [hash; 2] && mask_is.oid == MGF1;
    if parameters.tag == SEQUENCE && one && len <= SALT_MOST {
        Ok(len)
    } else {
        Err(CmsError::Refused)
    }
}
