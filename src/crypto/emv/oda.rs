//! Certificates and signatures of offline data authentication (EMV Book 2, 5, 6
//! and A2.1): blocks as long as the signer's modulus that begin with 6A and end
//! with BC, with SHA-1 over what is in them and what did not fit.

use sha1::{Digest, Sha1};
use thiserror::Error;

use crate::primitive::raw_rsa::power;

/// A public RSA key: modulus and exponent, big-endian.
#[derive(Debug, Clone, Copy)]
pub struct PublicKey<'a> {
    /// Its first bit is set.
    pub modulus: &'a [u8],
    /// 3 or 65537.
    pub exponent: &'a [u8],
}

/// Why a certificate or a signature is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OdaError {
    /// It does not open under that key: another key, or altered.
    #[error("it does not open under that key")]
    Opens,
    /// The format byte is another.
    #[error("its format is {0:02X}")]
    Format(u8),
    /// Not SHA-1 or not RSA.
    #[error("its algorithms are not SHA-1 and RSA")]
    Algorithm,
    /// The hash is another.
    #[error("its hash is another: data, remainder or exponent do not belong to it")]
    Hash,
    /// Lengths in it do not agree.
    #[error("its lengths do not agree")]
    Lengths,
    /// It is of another issuer or card.
    #[error("it is not of that card number")]
    Number,
    /// The key cannot sign that.
    #[error("the key does not sign that")]
    Signs,
}

/// A certificate's contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Issuer identifier or card number, 4 or 10 bytes, padded with F.
    pub subject: Vec<u8>,
    /// Month and year, two bytes of two digits.
    pub expiry: [u8; 2],
    /// Serial number.
    pub serial: [u8; 3],
    /// The whole modulus.
    pub modulus: Vec<u8>,
    /// SHA-1.
    pub hash: [u8; 20],
}

/// Whose key a certificate holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Tag 90: the issuer's, signed by the scheme.
    Issuer,
    /// Tags 9F46 and 9F2D: the card's, signed by the issuer.
    Card,
}

impl Kind {
    fn format(self) -> u8 {
        match self {
            Self::Issuer => 2,
            Self::Card => 4,
        }
    }

    fn subject_len(self) -> usize {
        match self {
            Self::Issuer => 4,
            Self::Card => 10,
        }
    }

    /// Bytes of a block besides the modulus: 36 or 42.
    fn overhead(self) -> usize {
        self.subject_len() + 32
    }
}

fn sha1(parts: &[&[u8]]) -> [u8; 20] {
    let mut hash = Sha1::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// Opens a block: what stands between 6A and the hash, and the hash.
fn open(key: PublicKey<'_>, signed: &[u8], format: u8) -> Result<(Vec<u8>, [u8; 20]), OdaError> {
    let mut block = power(signed, key.exponent, key.modulus).ok_or(OdaError::Opens)?;
    if block.len() < 64 || block.first() != Some(&0x6A) || block.last() != Some(&0xBC) {
        return Err(OdaError::Opens);
    }
    if block[1] != format {
        return Err(OdaError::Format(block[1]));
    }
    let end = block.len() - 21;
    let mut hash = [0; 20];
    hash.copy_from_slice(&block[end..end + 20]);
    block.truncate(end);
    Ok((block.split_off(1), hash))
}

/// Signs a block with a private exponent.
fn close(modulus: &[u8], private: &[u8], inner: &[u8], hash: [u8; 20]) -> Option<Vec<u8>> {
    let block = [&[0x6A], inner, &hash, &[0xBC]].concat();
    power(&block, private, modulus)
}

/// Opens a certificate. `data` are the static data of a card; without them a
/// card's hash is not compared, which is for looking at one alone.
pub fn recover(
    kind: Kind,
    signer: PublicKey<'_>,
    certificate: &[u8],
    remainder: &[u8],
    exponent: &[u8],
    data: Option<&[u8]>,
) -> Result<Certificate, OdaError> {
    let (inner, hash) = open(signer, certificate, kind.format())?;
    let (head, field) = inner
        .split_at_checked(kind.overhead() - 22)
        .ok_or(OdaError::Lengths)?;
    let at = 1 + kind.subject_len();
    let (subject, rest) = (&head[1..at], &head[at..]);
    if rest[5..7] != [1, 1] {
        return Err(OdaError::Algorithm);
    }
    let (length, exponent_len) = (usize::from(rest[7]), usize::from(rest[8]));
    let inside = length.min(field.len());
    let agree = exponent_len == exponent.len()
        && length == inside + remainder.len()
        && field[inside..].iter().all(|byte| *byte == 0xBB);
    if !agree || length == 0 {
        return Err(OdaError::Lengths);
    }
    if let Some(data) = data
        && sha1(&[&inner, remainder, exponent, data]) != hash
    {
        return Err(OdaError::Hash);
    }
    Ok(Certificate {
        subject: subject.to_vec(),
        expiry: [rest[0], rest[1]],
        serial: [rest[2], rest[3], rest[4]],
        modulus: [&field[..inside], remainder].concat(),
        hash,
    })
}

/// What a certificate is to say.
pub struct Request<'a> {
    /// Issuer identifier or card number, padded with F.
    pub subject: &'a [u8],
    /// Month and year.
    pub expiry: [u8; 2],
    /// Serial number.
    pub serial: [u8; 3],
    /// The key.
    pub key: PublicKey<'a>,
    /// Static data of a card; nothing for an issuer.
    pub data: &'a [u8],
}

/// A certificate, and the remainder of the modulus that did not fit.
pub fn certify(
    kind: Kind,
    (modulus, private): (&[u8], &[u8]),
    request: &Request<'_>,
) -> Result<(Vec<u8>, Vec<u8>), OdaError> {
    let Request { key, .. } = *request;
    let length = u8::try_from(key.modulus.len()).map_err(|_| OdaError::Lengths)?;
    let exponent_len = u8::try_from(key.exponent.len()).map_err(|_| OdaError::Lengths)?;
    let room = modulus
        .len()
        .checked_sub(kind.overhead())
        .ok_or(OdaError::Lengths)?;
    if request.subject.len() != kind.subject_len() || key.modulus.len() > modulus.len() {
        return Err(OdaError::Lengths);
    }
    let inside = key.modulus.len().min(room);
    let (field, remainder) = key.modulus.split_at(inside);
    let mut inner = vec![kind.format()];
    inner.extend_from_slice(request.subject);
    inner.extend_from_slice(&request.expiry);
    inner.extend_from_slice(&request.serial);
    inner.extend_from_slice(&[1, 1, length, exponent_len]);
    inner.extend_from_slice(field);
    inner.resize(kind.overhead() - 22 + room, 0xBB);
    let hash = sha1(&[&inner, remainder, key.exponent, request.data]);
    let certificate = close(modulus, private, &inner, hash).ok_or(OdaError::Signs)?;
    Ok((certificate, remainder.to_vec()))
}

/// Static data that an issuer signed (tag 93): the data authentication code and
/// the hash. Without `data` the hash is not compared.
pub fn recover_static(
    issuer: PublicKey<'_>,
    signed: &[u8],
    data: Option<&[u8]>,
) -> Result<([u8; 2], [u8; 20]), OdaError> {
    let (inner, hash) = open(issuer, signed, 3)?;
    if inner[1] != 1 {
        return Err(OdaError::Algorithm);
    }
    if inner[4..].iter().any(|byte| *byte != 0xBB) {
        return Err(OdaError::Lengths);
    }
    if data.is_some_and(|data| sha1(&[&inner, data]) != hash) {
        return Err(OdaError::Hash);
    }
    Ok(([inner[2], inner[3]], hash))
}

/// Signs static data.
pub fn sign_static(
    (modulus, private): (&[u8], &[u8]),
    code: [u8; 2],
    data: &[u8],
) -> Result<Vec<u8>, OdaError> {
    let room = modulus.len().checked_sub(22).filter(|room| *room > 4);
    let mut inner = vec![3, 1, code[0], code[1]];
    inner.resize(room.ok_or(OdaError::Lengths)?, 0xBB);
    let hash = sha1(&[&inner, data]);
    close(modulus, private, &inner, hash).ok_or(OdaError::Signs)
}

/// What a card signed in a transaction (tag 9F4B): its dynamic data and the
/// hash over them and `terminal`.
pub fn recover_dynamic(
    card: PublicKey<'_>,
    signed: &[u8],
    terminal: &[u8],
) -> Result<(Vec<u8>, [u8; 20]), OdaError> {
    let (inner, hash) = open(card, signed, 5)?;
    if inner[1] != 1 {
        return Err(OdaError::Algorithm);
    }
    let end = 3 + usize::from(inner[2]);
    let padding = inner.get(end..).ok_or(OdaError::Lengths)?;
    if padding.iter().any(|byte| *byte != 0xBB) {
        return Err(OdaError::Lengths);
    }
    if sha1(&[&inner, terminal]) != hash {
        return Err(OdaError::Hash);
    }
    Ok((inner[3..end].to_vec(), hash))
}

/// Signs as a card does: for simulated cards.
pub fn sign_dynamic(
    (modulus, private): (&[u8], &[u8]),
    dynamic: &[u8],
    terminal: &[u8],
) -> Result<Vec<u8>, OdaError> {
    let room = modulus.len().checked_sub(22).ok_or(OdaError::Lengths)?;
    let length = u8::try_from(dynamic.len()).map_err(|_| OdaError::Lengths)?;
    if 3 + dynamic.len() > room {
        return Err(OdaError::Lengths);
    }
    let mut inner = [&[5, 1, length], dynamic].concat();
    inner.resize(room, 0xBB);
    let hash = sha1(&[&inner, terminal]);
    close(modulus, private, &inner, hash).ok_or(OdaError::Signs)
}

/// Card data of a combined signature (CDA, 6.6): number, cryptogram information
/// data, cryptogram, hash over the transaction's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Combined {
    /// The card's dynamic number, 2 to 8 bytes.
    pub number: Vec<u8>,
    /// Tag 9F27.
    pub information: u8,
    /// The application cryptogram.
    pub cryptogram: [u8; 8],
    /// SHA-1 over the transaction's data.
    pub transaction: [u8; 20],
}

/// Takes the dynamic data of a combined signature apart.
pub fn combined(dynamic: &[u8]) -> Result<Combined, OdaError> {
    let (length, rest) = dynamic.split_first().ok_or(OdaError::Lengths)?;
    let (number, rest) = rest
        .split_at_checked(usize::from(*length))
        .filter(|(number, _)| (2..=8).contains(&number.len()))
        .ok_or(OdaError::Lengths)?;
    if rest.len() != 29 {
        return Err(OdaError::Lengths);
    }
    let mut cryptogram = [0; 8];
    let mut transaction = [0; 20];
    cryptogram.copy_from_slice(&rest[1..9]);
    transaction.copy_from_slice(&rest[9..]);
    Ok(Combined {
        number: number.to_vec(),
        information: rest[0],
        cryptogram,
        transaction,
    })
}

/// The hash that a combined signature has over the transaction's data.
#[must_use]
pub fn transaction_hash(data: &[u8]) -> [u8; 20] {
    sha1(&[data])
}
