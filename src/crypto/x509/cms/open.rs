//! EnvelopedData (RFC 5652, section 6) and AuthEnvelopedData (RFC 5083) to a
//! P-256 key of ours, read: AES in CBC or in GCM (RFC 5084).

use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::consts::{U12, U16};
use aes_gcm::aes::{Aes128, Aes192, Aes256};
use aes_gcm::{AesGcm, KeyInit};
use subtle::{ConstantTimeEq, ConstantTimeLess};
use zeroize::Zeroizing;

use super::CmsError;
use super::agree::{Kdf, shared_info, wrap_len};
use super::ber::{
    AlgorithmId, BITS, Element, INTEGER, NULL, OCTETS, OID, Octets, SEQUENCE, SET, constructed,
    element, primitive,
};
use super::enrolled::{Enrolled, Key};
use super::envelop::{EC_PUBLIC_KEY, ENVELOPED_DATA};
use crate::primitive::ec::{KeyPair, check_point};
use crate::primitive::key_wrap;
use crate::primitive::modes::{Algorithm, Cipher};
use crate::secret::Secret;

/// id-ct-authEnvelopedData, 1.2.840.113549.1.9.16.1.23
pub(super) const AUTH_ENVELOPED_DATA: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x01\x17";
/// prime256v1, 1.2.840.10045.3.1.7
const P256: &[u8] = b"\x2A\x86\x48\xCE\x3D\x03\x01\x07";
/// id-aes256-CBC, 2.16.840.1.101.3.4.1.42
pub(super) const AES256_CBC: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x01\x2A";
/// id-aesN-CBC and id-aesN-GCM, with the bytes of their keys.
const CIPHERS: [(&[u8], Mode, usize); 6] = [
    (b"\x60\x86\x48\x01\x65\x03\x04\x01\x02", Mode::Cbc, 16),
    (b"\x60\x86\x48\x01\x65\x03\x04\x01\x16", Mode::Cbc, 24),
    (AES256_CBC, Mode::Cbc, 32),
    (b"\x60\x86\x48\x01\x65\x03\x04\x01\x06", Mode::Gcm, 16),
    (b"\x60\x86\x48\x01\x65\x03\x04\x01\x1A", Mode::Gcm, 24),
    (b"\x60\x86\x48\x01\x65\x03\x04\x01\x2E", Mode::Gcm, 32),
];

/// The most recipients of a file.
const RECIPIENTS_MOST: usize = 32;
/// The most user keying material, in bytes.
const MATERIAL_MOST: usize = 512;
/// The tag of GCM: other lengths are not taken.
const TAG: usize = 16;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Cbc,
    Gcm,
}

/// A P-256 key of ours with its certificate.
pub struct Own<'a> {
    pair: &'a KeyPair,
    certificate: Enrolled,
}

impl<'a> Own<'a> {
    /// A key and its certificate, in PEM or DER.
    ///
    /// # Errors
    /// [`CmsError::NotACertificate`]; [`CmsError::Curve`] where the certificate
    /// is of another key.
    pub fn new(pair: &'a KeyPair, certificate: &[u8]) -> Result<Self, CmsError> {
        let certificate = Enrolled::read(certificate)?;
        if certificate.key != Key::Ec(*pair.public()) {
            return Err(CmsError::Curve);
        }
        Ok(Self { pair, certificate })
    }

    /// TRUE where a RecipientIdentifier is this certificate's: by issuer and
    /// serial number, or by its subject key identifier. `tag` is that of the
    /// second.
    fn is_named(&self, id: &Element<'_>) -> bool {
        if id.tag == SEQUENCE {
            return id.whole == self.certificate.named;
        }
        // RecipientKeyIdentifier: the identifier, and what nobody needs here.
        let named = (id.tag == constructed(0))
            .then(|| id.inside().take(OCTETS).ok())
            .flatten();
        match (named, &self.certificate.identifier) {
            (Some(named), Some(own)) => named.value == own.as_slice(),
            _ => false,
        }
    }
}

/// TRUE for the content types that [`open`] reads.
pub(super) fn is_enveloped(oid: &[u8]) -> bool {
    matches!(oid, ENVELOPED_DATA | AUTH_ENVELOPED_DATA)
}

/// What a file's key is encrypted to.
fn file_key(recipients: &Element<'_>, own: &[Own<'_>]) -> Result<Secret, CmsError> {
    let mut each = recipients.inside();
    let mut count = 0;
    let mut found = None;
    while !each.is_empty() {
        count += 1;
        if count > RECIPIENTS_MOST {
            return Err(CmsError::Refused);
        }
        let recipient = each.any()?;
        if recipient.tag == constructed(1) && found.is_none() {
            found = agreed(&recipient, own)?;
        }
    }
    found.ok_or(CmsError::Refused)
}

/// The key of a KeyAgreeRecipientInfo (RFC 5753 3.1.1), where it is for us.
fn agreed(recipient: &Element<'_>, own: &[Own<'_>]) -> Result<Option<Secret>, CmsError> {
    let mut info = recipient.inside();
    if info.version()? != 3 {
        return Err(CmsError::Refused);
    }
    let originator = info.take(constructed(0))?;
    let material = match info.maybe(constructed(1))? {
        Some(outer) => {
            let mut outer = outer.inside();
            let material = outer.any()?.octets(OCTETS)?;
            outer.end()?;
            Some(material)
        }
        None => None,
    };
    if material.as_ref().is_some_and(|m| m.len() > MATERIAL_MOST) {
        return Err(CmsError::Refused);
    }
    let algorithm = info.algorithm()?;
    let mut keys = info.enter(SEQUENCE)?;
    info.end()?;
    let mut count = 0;
    while !keys.is_empty() {
        count += 1;
        if count > RECIPIENTS_MOST {
            return Err(CmsError::Refused);
        }
        let mut key = keys.enter(SEQUENCE)?;
        let id = key.any()?;
        let wrapped = key.any()?.octets(OCTETS)?;
        key.end()?;
        if let Some(own) = own.iter().find(|own| own.is_named(&id)) {
            return unwrapped(own, &originator, &algorithm, material, &wrapped).map(Some);
        }
    }
    Ok(None)
}

/// The originator's point (OriginatorPublicKey; a certificate of theirs is not
/// taken: the key is new for each file).
fn point(originator: &Element<'_>) -> Result<[u8; 65], CmsError> {
    let mut choice = originator.inside();
    let key = choice.take(constructed(1))?;
    choice.end()?;
    let mut key = key.inside();
    let algorithm = key.algorithm()?;
    let curve = algorithm
        .parameters
        .as_ref()
        .is_none_or(|p| p.tag == NULL || (p.tag == OID && p.value == P256));
    let bits = key.take(BITS)?.value;
    key.end()?;
    match bits.split_first() {
        Some((0, point)) if curve && algorithm.oid == EC_PUBLIC_KEY => {
            check_point(point).map_err(|_| CmsError::Refused)
        }
        _ => Err(CmsError::Refused),
    }
}

fn unwrapped(
    own: &Own<'_>,
    originator: &Element<'_>,
    algorithm: &AlgorithmId<'_>,
    material: Option<Octets<'_>>,
    wrapped: &[u8],
) -> Result<Secret, CmsError> {
    let kdf = Kdf::of(algorithm.oid).ok_or(CmsError::Refused)?;
    let wrap = algorithm.parameters.as_ref().ok_or(CmsError::Refused)?;
    if wrap.tag != SEQUENCE || wrap.open {
        return Err(CmsError::Refused);
    }
    let named = AlgorithmId::of(wrap)?;
    let len = wrap_len(named.oid)
        .filter(|_| named.is_plain())
        .ok_or(CmsError::Refused)?;
    let shared = own
        .pair
        .diffie_hellman(&point(originator)?)
        .map_err(|_| CmsError::Refused)?;
    let info = shared_info(named.whole, material.as_deref(), len);
    let kek = kdf.derive(&shared, &info, len);
    key_wrap::unwrap(&kek, wrapped).map_err(|_| CmsError::Refused)
}

/// Nonce and tag's length of GCMParameters (RFC 5084 3.2).
fn gcm_nonce(parameters: &Element<'_>) -> Result<[u8; 12], CmsError> {
    let mut inside = parameters.inside();
    let nonce = inside.take(OCTETS)?.value;
    // The length that is meant where none stands is 12.
    let tag = inside.take(INTEGER)?.value;
    inside.end()?;
    if parameters.tag != SEQUENCE || tag != [TAG as u8] {
        return Err(CmsError::Refused);
    }
    nonce.try_into().map_err(|_| CmsError::Refused)
}

/// What is encrypted, with its type.
pub(super) struct Inside {
    pub content: Zeroizing<Vec<u8>>,
    /// The content type's OID.
    pub of: Vec<u8>,
}

/// Opens the contents of a ContentInfo of this type. Everything that does not
/// open has one answer.
pub(super) fn open(of: &[u8], content: &Element<'_>, own: &[Own<'_>]) -> Result<Inside, CmsError> {
    let with_tag = of == AUTH_ENVELOPED_DATA;
    let mut data = content.inside();
    if content.tag != SEQUENCE {
        return Err(CmsError::Refused);
    }
    let version = data.version()?;
    if !matches!((with_tag, version), (true, 0) | (false, 0 | 2..=4)) {
        return Err(CmsError::Refused);
    }
    data.maybe(constructed(0))?;
    let key = file_key(&data.take(SET)?, own)?;
    let mut info = data.enter(SEQUENCE)?;
    let inner = info.take(OID)?.value;
    let algorithm = info.algorithm()?;
    let encrypted = info.any()?.octets(primitive(0))?;
    info.end()?;
    let (mode, len) = CIPHERS
        .iter()
        .find(|(oid, _, _)| *oid == algorithm.oid)
        .map(|(_, mode, len)| (*mode, *len))
        .ok_or(CmsError::Refused)?;
    let parameters = algorithm.parameters.as_ref().ok_or(CmsError::Refused)?;
    if key.len() != len || with_tag != (mode == Mode::Gcm) {
        return Err(CmsError::Refused);
    }
    let mut plain = encrypted.into_list();
    if with_tag {
        let attributes = data.maybe(constructed(1))?;
        let tag = data.take(OCTETS)?.value;
        data.maybe(constructed(2))?;
        data.end()?;
        let aad = match attributes {
            Some(set) if set.open => return Err(CmsError::Refused),
            Some(set) => element(SET, &[set.value]),
            None => Vec::new(),
        };
        gcm(&key, &gcm_nonce(parameters)?, &aad, &mut plain, tag)?;
    } else {
        data.maybe(constructed(1))?;
        data.end()?;
        let iv = parameters.octets(OCTETS)?;
        cbc(&key, &iv, &mut plain)?;
    }
    Ok(Inside {
        content: plain,
        of: inner.to_vec(),
    })
}

fn gcm(
    key: &Secret,
    nonce: &[u8; 12],
    aad: &[u8],
    data: &mut [u8],
    tag: &[u8],
) -> Result<(), CmsError> {
    let tag: &[u8; TAG] = tag.try_into().map_err(|_| CmsError::Refused)?;
    let (nonce, tag) = ((*nonce).into(), (*tag).into());
    macro_rules! opened {
        ($cipher:ty) => {
            AesGcm::<$cipher, U12, U16>::new_from_slice(key.expose())
                .map_err(|_| CmsError::Refused)?
                .decrypt_inout_detached(&nonce, aad, data.into(), &tag)
        };
    }
    match key.len() {
        16 => opened!(Aes128),
        24 => opened!(Aes192),
        _ => opened!(Aes256),
    }
    .map_err(|_| CmsError::Refused)
}

/// CBC, and the fill of RFC 5652 6.3, judged without a branch between.
fn cbc(key: &Secret, iv: &[u8], data: &mut Vec<u8>) -> Result<(), CmsError> {
    if data.is_empty() {
        return Err(CmsError::Refused);
    }
    Cipher::new(Algorithm::Aes, key.expose())
        .and_then(|cipher| cipher.cbc_decrypt(iv, data))
        .map_err(|_| CmsError::Refused)?;
    let last = data.last().copied().unwrap_or(0);
    let mut good = !last.ct_eq(&0) & last.ct_lt(&17);
    for (at, byte) in (0u8..16).zip(data.iter().rev()) {
        good &= !at.ct_lt(&last) | byte.ct_eq(&last);
    }
    if !bool::from(good) {
        return Err(CmsError::Refused);
    }
    let len = data.len() - usize::from(last);
    // What is cut off stays below the capacity, which is wiped as a whole.
    data.truncate(len);
    Ok(())
}
