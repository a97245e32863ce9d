//! P-256: key pairs, ECDSA over digests, ECDH (FIPS 186-5, SP 800-56A).

use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use p256::{PublicKey, SecretKey};
use thiserror::Error;

use crate::secret::{RandomError, RandomSource, Secret};

/// Bytes of a point, uncompressed (SEC 1, 2.3.3): `04 || x || y`.
pub const POINT_LEN: usize = 65;

/// What is wrong with a key, point or signature.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EcError {
    /// Not an uncompressed point of the curve, or the point at infinity.
    #[error("not a point of P-256")]
    NotAPoint,
    /// Not 32 bytes, zero, or not below the order.
    #[error("not a private key of P-256")]
    NotAKey,
    /// A signature that does not verify.
    #[error("the signature does not verify")]
    BadSignature,
    /// No randomness to make a key from.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// A private key in locked memory, with its public point.
pub struct KeyPair {
    secret: Secret,
    public: [u8; POINT_LEN],
}

impl KeyPair {
    /// A new key, uniform by rejection (FIPS 186-5 A.2.2).
    pub fn generate(random: &mut dyn RandomSource) -> Result<Self, EcError> {
        loop {
            match Self::from_secret(random.secret_bytes(32)?) {
                Err(EcError::NotAKey) => {} // 2^-32: not below the order
                other => return other,
            }
        }
    }

    /// From the 32 bytes of the private scalar, big-endian.
    pub fn from_secret(secret: Secret) -> Result<Self, EcError> {
        let public = encode(&parse(&secret)?.public_key())?;
        Ok(Self { secret, public })
    }

    /// The public point.
    #[must_use]
    pub fn public(&self) -> &[u8; POINT_LEN] {
        &self.public
    }

    /// The private scalar, 32 bytes, to be sealed or wrapped.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Signs a digest with a nonce derived from it (RFC 6979): `r || s`.
    pub fn sign(&self, digest: &[u8; 32]) -> Result<[u8; 64], EcError> {
        let key = SigningKey::from(parse(&self.secret)?);
        let signature: Signature = key.sign_prehash(digest).map_err(|_| EcError::NotAKey)?;
        Ok(signature.to_bytes().into())
    }

    /// The x coordinate of the shared point: 32 bytes, leading zeros kept.
    pub fn diffie_hellman(&self, other: &[u8; POINT_LEN]) -> Result<Secret, EcError> {
        let other = decode(other)?;
        let shared = parse(&self.secret)?.diffie_hellman(&other);
        let bytes = shared.raw_secret_bytes();
        Ok(Secret::from_fn(bytes.len(), |out| {
            out.copy_from_slice(bytes)
        }))
    }
}

fn parse(secret: &Secret) -> Result<SecretKey, EcError> {
    if secret.len() != 32 {
        return Err(EcError::NotAKey);
    }
    SecretKey::from_slice(secret.expose()).map_err(|_| EcError::NotAKey)
}

fn encode(point: &PublicKey) -> Result<[u8; POINT_LEN], EcError> {
    use p256::elliptic_curve::sec1::ToSec1Point;
    let encoded = point.to_sec1_point(false);
    encoded
        .as_bytes()
        .try_into()
        .map_err(|_| EcError::NotAPoint)
}

fn decode(point: &[u8]) -> Result<PublicKey, EcError> {
    if point.len() != POINT_LEN || point[0] != 0x04 {
        return Err(EcError::NotAPoint);
    }
    PublicKey::from_sec1_bytes(point).map_err(|_| EcError::NotAPoint)
}

/// Full validation of a public point (SP 800-56A 5.6.2.3.3; the cofactor is 1):
/// 65 bytes, uncompressed, on the curve, not infinity.
pub fn check_point(point: &[u8]) -> Result<[u8; POINT_LEN], EcError> {
    decode(point)?;
    point.try_into().map_err(|_| EcError::NotAPoint)
}

/// Verifies `r || s` over a digest. Both halves of the range of `s` are taken:
/// cards do not choose.
pub fn verify(
    public: &[u8; POINT_LEN],
    digest: &[u8; 32],
    signature: &[u8; 64],
) -> Result<(), EcError> {
    let key = VerifyingKey::from(decode(public)?);
    let signature = Signature::from_slice(signature).map_err(|_| EcError::BadSignature)?;
    key.verify_prehash(digest, &signature)
        .map_err(|_| EcError::BadSignature)
}

/// A signature as `SEQUENCE { r, s }` (RFC 3279 2.2.3), which is how cards give
/// it, brought to `r || s`.
pub fn signature_from_der(der: &[u8]) -> Result<[u8; 64], EcError> {
    let signature = Signature::from_der(der).map_err(|_| EcError::BadSignature)?;
    Ok(signature.to_bytes().into())
}

/// The inverse of [`signature_from_der`].
pub fn signature_to_der(signature: &[u8; 64]) -> Result<Vec<u8>, EcError> {
    let signature = Signature::from_slice(signature).map_err(|_| EcError::BadSignature)?;
    Ok(signature.to_der().as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::derive::sha256;
    use crate::primitive::vectors::unhex;
    use crate::secret::testing::Seeded;
    use proptest::prelude::*;

    /// RFC 6979 A.2.5, SHA-256, messages "sample" and "test".
    #[test]
    fn published_signatures() {
        let mut key = unhex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
        let pair = KeyPair::from_secret(Secret::take(&mut key)).unwrap();
        assert_eq!(
            pair.public()[1..33],
            unhex("60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6")
        );
        for (message, expected) in [
            (
                "sample",
                "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
            ),
            (
                "test",
                "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
            ),
        ] {
            let digest = sha256(&[message.as_bytes()]);
            let signature = pair.sign(&digest).unwrap();
            assert_eq!(signature.to_vec(), unhex(expected));
            verify(pair.public(), &digest, &signature).unwrap();
        }
    }

    #[test]
    fn points_off_the_curve_and_other_forms_are_refused() {
        let pair = KeyPair::generate(&mut Seeded::new(1)).unwrap();
        let good = *pair.public();
        check_point(&good).unwrap();
        let mut off = good;
        off[64] ^= 1;
        let mut hybrid = good;
        hybrid[0] = 0x06 | (good[64] & 1);
        let compressed = [&[0x02 | (good[64] & 1)], &good[1..33]].concat();
        let zero = [&[4u8][..], &[0; 64]].concat();
        let not_reduced = [&[4u8][..], &[0xFF; 64]].concat();
        for bad in [
            &off[..],
            &hybrid,
            &compressed,
            &[0],
            &zero,
            &not_reduced,
            &good[..64],
            &[],
        ] {
            assert_eq!(check_point(bad), Err(EcError::NotAPoint), "{bad:02X?}");
        }
        assert_eq!(pair.diffie_hellman(&off).err(), Some(EcError::NotAPoint));
        for bad in [[0; 32], [0xFF; 32]] {
            let key = Secret::from_fn(32, |b| b.copy_from_slice(&bad));
            assert_eq!(KeyPair::from_secret(key).err(), Some(EcError::NotAKey));
        }
        assert!(KeyPair::from_secret(Secret::from_fn(31, |b| b.fill(1))).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn both_sides_agree_and_signatures_bind(seed in any::<u64>(), digest in any::<[u8; 32]>(), bit in 0usize..512) {
            let mut random = Seeded::new(seed);
            let (a, b) = (KeyPair::generate(&mut random).unwrap(), KeyPair::generate(&mut random).unwrap());
            let shared = a.diffie_hellman(b.public()).unwrap();
            prop_assert!(shared.ct_eq(b.diffie_hellman(a.public()).unwrap().expose()));
            let signature = a.sign(&digest).unwrap();
            prop_assert_eq!(verify(b.public(), &digest, &signature), Err(EcError::BadSignature));
            let der = signature_to_der(&signature).unwrap();
            prop_assert_eq!(signature_from_der(&der).unwrap(), signature);
            let mut bad = signature;
            bad[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(verify(a.public(), &digest, &bad), Err(EcError::BadSignature));
        }
    }
}
