//! The card's own cryptography.

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use argon2::{Algorithm, Argon2, Params, Version};
use conclave_crypto::secret::RandomSource;
use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::ecdsa::{Signature, SigningKey};
use p256::{NonZeroScalar, PublicKey, SecretKey};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::command::Status;
use super::state::{Management, Scalar};

/// Kibibytes, passes and lanes of Argon2id (RFC 9106). Small: the card's
/// counter is what stops guessing; this only keeps the PIN itself out of the
/// file.
const PIN_COST: (u32, u32, u32) = (1024, 1, 1);

/// PIV's number of ECC P-256.
pub(super) const P256: u8 = 0x11;
/// PIV's number of three-key triple DES.
pub(super) const TDES: u8 = 0x03;
/// PIV's number of AES-256.
pub(super) const AES_256: u8 = 0x0C;

/// Stands for a PIN or PUK in the file.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct PinHash {
    salt: [u8; 16],
    hash: [u8; 32],
}

impl PinHash {
    /// Hashes an eight-byte PIN or PUK field under a new salt.
    pub fn new(field: &[u8], random: &mut dyn RandomSource) -> Result<Self, Status> {
        let mut salt = [0; 16];
        fill(random, &mut salt)?;
        let hash = hash(field, &salt)?;
        Ok(Self { salt, hash })
    }

    pub fn fits(&self, field: &[u8]) -> Result<bool, Status> {
        let hash = hash(field, &self.salt)?;
        Ok(hash.ct_eq(&self.hash).into())
    }
}

fn hash(field: &[u8], salt: &[u8]) -> Result<[u8; 32], Status> {
    let (memory, passes, lanes) = PIN_COST;
    let mut out = [0; 32];
    Params::new(memory, passes, lanes, Some(out.len()))
        .and_then(|params| {
            Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
                .hash_password_into(field, salt, &mut out)
        })
        .map_err(|_| Status::MEMORY_FAILURE)?;
    Ok(out)
}

/// Bytes that will be seen on the wire, or hide what the file shows anyway.
pub(super) fn fill(random: &mut dyn RandomSource, out: &mut [u8]) -> Result<(), Status> {
    random.public(out).map_err(|_| Status::MEMORY_FAILURE)
}

/// A new private key, and its public point, uncompressed.
pub(super) fn generate(random: &mut dyn RandomSource) -> Result<(Scalar, Vec<u8>), Status> {
    let mut bytes = Zeroizing::new([0u8; 32]);
    // FIPS 186-5 appendix A.2.2: draw again what is zero or not below n.
    loop {
        random
            .secret(&mut bytes[..])
            .map_err(|_| Status::MEMORY_FAILURE)?;
        if let Ok(key) = SecretKey::from_slice(&bytes[..]) {
            let point = key.public_key().to_sec1_bytes().into_vec();
            return Ok((Scalar(bytes.to_vec()), point));
        }
    }
}

fn private(scalar: &Scalar) -> Result<SecretKey, Status> {
    SecretKey::from_slice(&scalar.0).map_err(|_| Status::MEMORY_FAILURE)
}

/// ECDSA over a digest, in DER.
pub(super) fn sign(scalar: &Scalar, digest: &[u8]) -> Result<Vec<u8>, Status> {
    if digest.len() != 32 {
        return Err(Status::BAD_DATA);
    }
    let key = SigningKey::from(private(scalar)?);
    let signature: Signature = key
        .sign_prehash(digest)
        .map_err(|_| Status::MEMORY_FAILURE)?;
    Ok(signature.to_der().as_bytes().to_vec())
}

/// Diffie-Hellman: the shared point's x coordinate.
pub(super) fn agree(scalar: &Scalar, point: &[u8]) -> Result<Zeroizing<Vec<u8>>, Status> {
    if point.len() != 65 || point[0] != 0x04 {
        return Err(Status::BAD_DATA);
    }
    let peer = PublicKey::from_sec1_bytes(point).map_err(|_| Status::BAD_DATA)?;
    let own: NonZeroScalar = private(scalar)?.to_nonzero_scalar();
    let shared = p256::ecdh::diffie_hellman(own, peer.as_affine());
    Ok(Zeroizing::new(shared.raw_secret_bytes().to_vec()))
}

impl Management {
    /// Bytes in a key of this algorithm; `None` for one that the card lacks.
    pub fn key_length(algorithm: u8) -> Option<usize> {
        match algorithm {
            TDES => Some(24),
            AES_256 => Some(32),
            _ => None,
        }
    }

    pub fn block_length(&self) -> usize {
        match self.algorithm {
            TDES => 8,
            _ => 16,
        }
    }

    /// Encrypts one block.
    pub fn encrypt(&self, block: &[u8]) -> Result<Zeroizing<Vec<u8>>, Status> {
        let mut out = Zeroizing::new(block.to_vec());
        let broken = || Status::MEMORY_FAILURE;
        match self.algorithm {
            TDES => des::TdesEde3::new_from_slice(&self.key)
                .map_err(|_| broken())?
                .encrypt_block(out.as_mut_slice().try_into().map_err(|_| broken())?),
            _ => aes::Aes256::new_from_slice(&self.key)
                .map_err(|_| broken())?
                .encrypt_block(out.as_mut_slice().try_into().map_err(|_| broken())?),
        }
        Ok(out)
    }
}
