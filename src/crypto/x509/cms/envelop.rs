//! A file encrypted to the holder of a certificate: EnvelopedData (RFC 5652,
//! section 6), which `openssl cms -decrypt` opens.
//!
//! The file's key is new for each file. It is encrypted to an RSA key with OAEP
//! (RFC 3560), or wrapped under what a new P-256 key and the recipient's agree
//! on (RFC 5753); the file under it with AES-256 in CBC (RFC 3565). Nothing here
//! authenticates: the signature within does, or the manifest of a bundle.

use super::agree::{Kdf, SHA256_KDF, aes256_wrap, shared_info};
use super::ber::{BITS, OCTETS, SEQUENCE, SET, constructed, element, oid, primitive};
use super::enrolled::{Key, Recipient};
use super::{CmsError, open};
use crate::primitive::ec::{KeyPair, POINT_LEN};
use crate::primitive::key_wrap;
use crate::primitive::modes::{Algorithm, Cipher};
use crate::primitive::rsa::{OaepHash, Public, oaep_encrypt};
use crate::secret::{RandomSource, Secret};

/// id-envelopedData, 1.2.840.113549.1.7.3
pub(super) const ENVELOPED_DATA: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x07\x03";
/// id-data, 1.2.840.113549.1.7.1
pub(super) const DATA: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x07\x01";
/// id-RSAES-OAEP, 1.2.840.113549.1.1.7
const OAEP: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x01\x07";
/// id-mgf1, 1.2.840.113549.1.1.8
const MGF1: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01\x01\x08";
/// id-ecPublicKey, 1.2.840.10045.2.1
pub(super) const EC_PUBLIC_KEY: &[u8] = b"\x2A\x86\x48\xCE\x3D\x02\x01";
/// AlgorithmIdentifier of id-sha256, 2.16.840.1.101.3.4.2.1, parameters NULL.
const SHA256: [u8; 15] = [
    0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
];

/// A version: INTEGER of one byte.
pub(super) fn version(number: u8) -> [u8; 3] {
    [0x02, 0x01, number]
}

/// To an RSA key: KeyTransRecipientInfo (RFC 5652 6.2.1).
fn transported(
    to: &Public,
    named: &[u8],
    key: &Secret,
    random: &mut dyn RandomSource,
) -> Result<Vec<u8>, CmsError> {
    let encrypted_key = oaep_encrypt(to, OaepHash::Sha256, key, random)?;
    let mask = element(SEQUENCE, &[&oid(MGF1), &SHA256]);
    let parameters = element(
        SEQUENCE,
        &[
            &element(constructed(0), &[&SHA256]),
            &element(constructed(1), &[&mask]),
        ],
    );
    Ok(element(
        SEQUENCE,
        &[
            &version(0),
            named,
            &element(SEQUENCE, &[&oid(OAEP), &parameters]),
            &element(OCTETS, &[&encrypted_key]),
        ],
    ))
}

/// To a P-256 key: KeyAgreeRecipientInfo (RFC 5652 6.2.2, RFC 5753 3.1.1).
fn agreed(
    to: &[u8; POINT_LEN],
    named: &[u8],
    key: &Secret,
    random: &mut dyn RandomSource,
) -> Result<Vec<u8>, CmsError> {
    let own = KeyPair::generate(random).map_err(|_| CmsError::Encode)?;
    let shared = own.diffie_hellman(to).map_err(|_| CmsError::Encode)?;
    let wrap = aes256_wrap();
    let kek = Kdf::Sha256.derive(&shared, &shared_info(&wrap, None, 32), 32);
    let wrapped = key_wrap::wrap(&kek, key).map_err(|_| CmsError::Encode)?;
    let algorithm = element(SEQUENCE, &[&oid(EC_PUBLIC_KEY)]);
    let point = element(BITS, &[&[0], own.public()]);
    let originator = element(constructed(1), &[&algorithm, &point]);
    let one = element(SEQUENCE, &[named, &element(OCTETS, &[&wrapped])]);
    Ok(element(
        constructed(1),
        &[
            &version(3),
            &element(constructed(0), &[&originator]),
            &element(SEQUENCE, &[&oid(SHA256_KDF), &wrap]),
            &element(SEQUENCE, &[&one]),
        ],
    ))
}

/// `content` as EnvelopedData to one recipient, DER. The bytes before they were
/// encrypted are wiped; the caller's own are the caller's.
///
/// # Errors
/// [`CmsError`]
pub fn envelop(
    to: &Recipient,
    content: &[u8],
    random: &mut dyn RandomSource,
) -> Result<Vec<u8>, CmsError> {
    let key = random.secret_bytes(32)?;
    let mut iv = [0; 16];
    random.public(&mut iv)?;
    let fill = 16 - content.len() % 16;
    let mut encrypted = zeroize::Zeroizing::new(Vec::with_capacity(content.len() + fill));
    encrypted.extend_from_slice(content);
    encrypted.resize(content.len() + fill, fill as u8);
    Cipher::new(Algorithm::Aes, key.expose())
        .and_then(|cipher| cipher.cbc_encrypt(&iv, &mut encrypted))
        .map_err(|_| CmsError::Encode)?;
    // EnvelopedData has version 2 once a recipient has another than 0 (6.1).
    let (recipient, of) = match &to.0.key {
        Key::Rsa(public) => (transported(public, &to.0.named, &key, random)?, 0),
        Key::Ec(point) => (agreed(point, &to.0.named, &key, random)?, 2),
    };
    let cipher = element(
        SEQUENCE,
        &[&oid(open::AES256_CBC), &element(OCTETS, &[&iv])],
    );
    let content = element(
        SEQUENCE,
        &[&oid(DATA), &cipher, &element(primitive(0), &[&encrypted])],
    );
    let enveloped = element(
        SEQUENCE,
        &[&version(of), &element(SET, &[&recipient]), &content],
    );
    Ok(element(
        SEQUENCE,
        &[
            &oid(ENVELOPED_DATA),
            &element(constructed(0), &[&enveloped]),
        ],
    ))
}
