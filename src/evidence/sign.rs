//! Verifying ECDSA P-256 over SHA-256 values (FIPS 186-5). Signing is done
//! elsewhere: by cards and by the vault.

use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::ecdsa::{Signature as P256Signature, VerifyingKey};

use crate::ids::{Hash, Point, Signature};

/// The signature is not this key's over this digest, or the key is no point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature is wrong")]
pub struct WrongSignature;

/// Verifies a signature over a digest.
///
/// # Errors
/// [`WrongSignature`]
pub fn verify_p256(
    key: &Point,
    digest: &Hash,
    signature: &Signature,
) -> Result<(), WrongSignature> {
    let key = VerifyingKey::from_sec1_bytes(&key.0).map_err(|_| WrongSignature)?;
    let signature = P256Signature::from_slice(&signature.0).map_err(|_| WrongSignature)?;
    key.verify_prehash(&digest.0, &signature)
        .map_err(|_| WrongSignature)
}
