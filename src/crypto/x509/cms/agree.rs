//! The key that wraps a file's key, from what two P-256 keys agree on: ECDH
//! without cofactor and the derivation of X9.63 (RFC 5753 7.1.4, 7.2; SEC 1
//! 3.6.1).

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::ber::{OCTETS, SEQUENCE, constructed, element, oid};
use crate::secret::Secret;

/// dhSinglePass-stdDH-sha1kdf-scheme, 1.3.133.16.840.63.0.2: what OpenSSL takes
/// where nobody says otherwise. Nothing leans on SHA-1's resistance to
/// collisions here.
const SHA1_KDF: &[u8] = b"\x2B\x81\x05\x10\x86\x48\x3F\x00\x02";
/// dhSinglePass-stdDH-sha256kdf-scheme, 1.3.132.1.11.1
pub(super) const SHA256_KDF: &[u8] = b"\x2B\x81\x04\x01\x0B\x01";
/// dhSinglePass-stdDH-sha384kdf-scheme, 1.3.132.1.11.2
const SHA384_KDF: &[u8] = b"\x2B\x81\x04\x01\x0B\x02";
/// dhSinglePass-stdDH-sha512kdf-scheme, 1.3.132.1.11.3
const SHA512_KDF: &[u8] = b"\x2B\x81\x04\x01\x0B\x03";

/// id-aes128-wrap, id-aes192-wrap, id-aes256-wrap: 2.16.840.1.101.3.4.1.5, 25,
/// 45.
const WRAPS: [(&[u8], usize); 3] = [
    (b"\x60\x86\x48\x01\x65\x03\x04\x01\x05", 16),
    (b"\x60\x86\x48\x01\x65\x03\x04\x01\x19", 24),
    (AES256_WRAP, 32),
];
const AES256_WRAP: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x01\x2D";

/// A way of deriving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kdf {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Kdf {
    /// Of a key agreement's OID.
    pub fn of(oid: &[u8]) -> Option<Self> {
        match oid {
            SHA1_KDF => Some(Self::Sha1),
            SHA256_KDF => Some(Self::Sha256),
            SHA384_KDF => Some(Self::Sha384),
            SHA512_KDF => Some(Self::Sha512),
            _ => None,
        }
    }

    /// The wrapping key: `shared` is the x coordinate, `info` the bytes of
    /// ECC-CMS-SharedInfo.
    pub fn derive(self, shared: &Secret, info: &[u8], len: usize) -> Secret {
        match self {
            Self::Sha1 => x963::<Sha1>(shared, info, len),
            Self::Sha256 => x963::<Sha256>(shared, info, len),
            Self::Sha384 => x963::<Sha384>(shared, info, len),
            Self::Sha512 => x963::<Sha512>(shared, info, len),
        }
    }
}

fn x963<D: Digest>(shared: &Secret, info: &[u8], len: usize) -> Secret {
    let mut counter = 0u32;
    Secret::from_fn(len, |out| {
        for part in out.chunks_mut(<D as Digest>::output_size()) {
            counter += 1;
            let mut hash = D::new();
            hash.update(shared.expose());
            hash.update(counter.to_be_bytes());
            hash.update(info);
            let mut block = hash.finalize();
            for (to, from) in part.iter_mut().zip(&block) {
                *to = *from;
            }
            zeroize::Zeroize::zeroize(&mut block[..]);
        }
    })
}

/// Bytes of the key of a wrapping algorithm's OID.
pub fn wrap_len(oid: &[u8]) -> Option<usize> {
    WRAPS
        .iter()
        .find(|(known, _)| *known == oid)
        .map(|(_, len)| *len)
}

/// The AlgorithmIdentifier of id-aes256-wrap: no parameters (RFC 3565 2.3.2).
pub fn aes256_wrap() -> Vec<u8> {
    element(SEQUENCE, &[&oid(AES256_WRAP)])
}

/// ECC-CMS-SharedInfo (RFC 5753 7.2): the wrapping algorithm as it stands in the
/// file, the user keying material, and the bits of the wrapping key.
pub fn shared_info(wrap: &[u8], material: Option<&[u8]>, len: usize) -> Vec<u8> {
    let bits = u32::try_from(len * 8).unwrap_or(0).to_be_bytes();
    let bits = element(constructed(2), &[&element(OCTETS, &[&bits])]);
    let material = material
        .map(|m| element(constructed(0), &[&element(OCTETS, &[m])]))
        .unwrap_or_default();
    element(SEQUENCE, &[wrap, &material, &bits])
}
