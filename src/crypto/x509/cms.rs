//! A file encrypted to the holder of a certificate: CMS EnvelopedData (RFC 5652,
//! section 6), which `openssl cms -decrypt` opens.
//!
//! The file's key is new for each file; it is encrypted to the certificate's
//! RSA key with OAEP (RFC 3560), the file under it with AES-256 in CBC (RFC
//! 3565). Nothing here authenticates: the manifest of a bundle does, which names
//! the file by its digest and is signed.

use thiserror::Error;
use x509_cert::Certificate;
use x509_cert::der::{Decode, Document, Encode};

use crate::primitive::modes::{Algorithm, Cipher};
use crate::primitive::rsa::{FILE_MOST, OaepHash, Public, RsaError, oaep_encrypt};
use crate::secret::{RandomError, RandomSource};

/// Somebody to whom files are encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    public: Public,
    /// Issuer and serial number, DER, as CMS names a certificate.
    named: Vec<u8>,
    der: Vec<u8>,
}

/// Why there is no recipient, or no file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CmsError {
    /// Not a certificate in PEM or DER.
    #[error("this is no certificate")]
    NotACertificate,
    /// Its key.
    #[error("the certificate's key: {0}")]
    Key(#[from] RsaError),
    /// The random source.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The file cannot be encoded.
    #[error("the file cannot be encoded")]
    Encode,
}

impl Recipient {
    /// Reads a certificate with an RSA key, in PEM or DER. Who signed it and
    /// until when it holds is asked where it is enrolled.
    pub fn read(file: &[u8]) -> Result<Self, CmsError> {
        if file.len() > FILE_MOST {
            return Err(CmsError::NotACertificate);
        }
        let der = match std::str::from_utf8(file) {
            Ok(text) if text.starts_with("-----BEGIN") => {
                match Document::from_pem(text).map_err(|_| CmsError::NotACertificate)? {
                    ("CERTIFICATE", document) => document.as_bytes().to_vec(),
                    _ => return Err(CmsError::NotACertificate),
                }
            }
            _ => file.to_vec(),
        };
        let certificate = Certificate::from_der(&der).map_err(|_| CmsError::NotACertificate)?;
        let tbs = certificate.tbs_certificate();
        let encode = |encoded: Result<Vec<u8>, _>| encoded.map_err(|_| CmsError::NotACertificate);
        let issuer = encode(tbs.issuer().to_der())?;
        let serial = encode(tbs.serial_number().to_der())?;
        Ok(Self {
            public: Public::read(&der)?,
            named: element(SEQUENCE, &[&issuer, &serial]),
            der,
        })
    }

    /// The certificate, DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.der
    }

    /// Its key.
    #[must_use]
    pub fn public(&self) -> &Public {
        &self.public
    }
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OCTETS: u8 = 0x04;
/// `[0]`, with contents of its own, and without.
const ZERO_CONSTRUCTED: u8 = 0xA0;
const ZERO_PRIMITIVE: u8 = 0x80;
const ONE_CONSTRUCTED: u8 = 0xA1;

/// INTEGER 0: the version of both structures, with a recipient by issuer and
/// serial number.
const VERSION_0: [u8; 3] = [0x02, 0x01, 0x00];
/// id-envelopedData, 1.2.840.113549.1.7.3
const ENVELOPED_DATA: [u8; 11] = [
    0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x03,
];
/// id-data, 1.2.840.113549.1.7.1
const DATA: [u8; 11] = [
    0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01,
];
/// id-RSAES-OAEP, 1.2.840.113549.1.1.7
const OAEP: [u8; 11] = [
    0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x07,
];
/// id-mgf1, 1.2.840.113549.1.1.8
const MGF1: [u8; 11] = [
    0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x08,
];
/// AlgorithmIdentifier of id-sha256, 2.16.840.1.101.3.4.2.1, parameters NULL.
const SHA256: [u8; 15] = [
    0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
];
/// id-aes256-CBC, 2.16.840.1.101.3.4.1.42
const AES256_CBC: [u8; 11] = [
    0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2A,
];

/// Tag, length and contents in DER.
fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let bytes = len.to_be_bytes();
    let first = bytes
        .iter()
        .position(|b| *b != 0)
        .unwrap_or(bytes.len() - 1);
    let mut out = Vec::with_capacity(len + 10);
    out.push(tag);
    match len {
        0..0x80 => out.push(len as u8),
        _ => {
            out.push(0x80 | (bytes.len() - first) as u8);
            out.extend_from_slice(&bytes[first..]);
        }
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// `content` as EnvelopedData to one recipient, DER. The bytes before they were
/// encrypted are wiped; the caller's own are the caller's.
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
    let encrypted_key = oaep_encrypt(&to.public, OaepHash::Sha256, &key, random)?;

    let mask = element(SEQUENCE, &[&MGF1, &SHA256]);
    let parameters = element(
        SEQUENCE,
        &[
            &element(ZERO_CONSTRUCTED, &[&SHA256]),
            &element(ONE_CONSTRUCTED, &[&mask]),
        ],
    );
    let recipient = element(
        SEQUENCE,
        &[
            &VERSION_0,
            &to.named,
            &element(SEQUENCE, &[&OAEP, &parameters]),
            &element(OCTETS, &[&encrypted_key]),
        ],
    );
    let cipher = element(SEQUENCE, &[&AES256_CBC, &element(OCTETS, &[&iv])]);
    let content = element(
        SEQUENCE,
        &[&DATA, &cipher, &element(ZERO_PRIMITIVE, &[&encrypted])],
    );
    let enveloped = element(
        SEQUENCE,
        &[&VERSION_0, &element(SET, &[&recipient]), &content],
    );
    Ok(element(
        SEQUENCE,
        &[&ENVELOPED_DATA, &element(ZERO_CONSTRUCTED, &[&enveloped])],
    ))
}
