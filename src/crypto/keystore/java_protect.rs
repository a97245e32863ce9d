//! JKS's protection of a private key: a key stream of SHA-1 over passphrase and
//! salt. It is weak, and there for compatibility alone.

use subtle::ConstantTimeEq;

use super::StoreError;
use super::kdf::{bmp, sha1};
use super::pbe::null_or_nothing;
use super::tlv::{self, NULL, OCTETS, OID, Reader, SEQUENCE};
use crate::secret::{RandomSource, Secret};

/// 1.3.6.1.4.1.42.2.17.1.1
const JKS: [u8; 10] = [0x2B, 0x06, 0x01, 0x04, 0x01, 0x2A, 0x02, 0x11, 0x01, 0x01];
const SALT: usize = 20;
const DIGEST: usize = 20;

/// What an AlgorithmIdentifier must say; returns TRUE for JKS's.
pub(super) fn is_jks(mut algorithm: Reader<'_>) -> Result<bool, StoreError> {
    if algorithm.take(OID)? != JKS {
        return Ok(false);
    }
    // Java wrote NULL, and writes nothing since.
    null_or_nothing(algorithm)?;
    Ok(true)
}

/// Adds the key stream, which is its own inverse.
fn add_stream(word: &Secret, salt: &[u8], data: &mut [u8]) {
    let mut block = sha1(&[word.expose(), salt]);
    for chunk in data.chunks_mut(DIGEST) {
        for (byte, key) in chunk.iter_mut().zip(block.iter()) {
            *byte ^= key;
        }
        let next = sha1(&[word.expose(), &*block]);
        block = next;
    }
}

/// EncryptedPrivateKeyInfo.
pub(super) fn close(
    passphrase: &Secret,
    pkcs8: &Secret,
    random: &mut dyn RandomSource,
) -> Result<Vec<u8>, StoreError> {
    let word = bmp(passphrase, false);
    let mut salt = [0; SALT];
    random.public(&mut salt).map_err(|_| StoreError::Random)?;
    let check = sha1(&[word.expose(), pkcs8.expose()]);
    let mut data = pkcs8.duplicate();
    add_stream(&word, &salt, data.expose_mut());
    let algorithm = tlv::element(SEQUENCE, &[&tlv::oid(&JKS), &tlv::element(NULL, &[])]);
    let protected = tlv::element(OCTETS, &[&salt, data.expose(), &*check]);
    Ok(tlv::element(SEQUENCE, &[&algorithm, &protected]))
}

/// The private key out of the octet string of an EncryptedPrivateKeyInfo.
pub(super) fn open(passphrase: &Secret, protected: &[u8]) -> Result<Secret, StoreError> {
    let word = bmp(passphrase, false);
    let short = StoreError::Format("a protected key is too short");
    let (salt, rest) = protected.split_at_checked(SALT).ok_or(short.clone())?;
    let len = rest.len().checked_sub(DIGEST).ok_or(short.clone())?;
    let (data, check) = rest.split_at_checked(len).ok_or(short)?;
    let mut clear = tlv::joined(&[data]);
    add_stream(&word, salt, clear.expose_mut());
    let right = sha1(&[word.expose(), clear.expose()]);
    if bool::from(right.ct_eq(check)) {
        Ok(clear)
    } else {
        Err(StoreError::Passphrase)
    }
}
