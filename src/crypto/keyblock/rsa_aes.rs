//! A key to the holder of an RSA private key: `CKM_RSA_AES_KEY_WRAP` of PKCS#11
//! 2.40 and later.
//!
//! A fresh AES-256 key goes by OAEP under the RSA key, and the key itself by
//! [`kwp`] under that AES key; the two pieces stand one behind the other. A module
//! without the combined mechanism takes them one by one: `CKM_RSA_PKCS_OAEP`, then
//! `CKM_AES_KEY_WRAP_KWP`.

use thiserror::Error;

use super::kwp::{self, KwpError};
use crate::primitive::rsa::{OaepHash, Public, RsaError, oaep_encrypt};
use crate::secret::{RandomError, RandomSource, Secret};

/// Bytes of the fresh AES key.
pub const AES_LEN: usize = 32;

/// Why nothing is wrapped.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RsaAesError {
    /// OAEP.
    #[error(transparent)]
    Rsa(#[from] RsaError),
    /// The key under the fresh key.
    #[error(transparent)]
    Kwp(#[from] KwpError),
    /// No fresh key.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// A key to an RSA key, in its two pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RsaAesWrapped {
    /// The fresh AES key under OAEP: as long as the modulus.
    pub under_rsa: Vec<u8>,
    /// The key under the fresh AES key.
    pub under_aes: Vec<u8>,
}

impl RsaAesWrapped {
    /// Both pieces, as the combined mechanism takes them.
    #[must_use]
    pub fn joined(&self) -> Vec<u8> {
        [self.under_rsa.as_slice(), &self.under_aes].concat()
    }
}

/// Wraps `key`, the bytes of a secret key or PKCS#8, to `to`. Before it is given
/// away, the AES half is opened again; the RSA half can only be opened by its
/// holder.
///
/// # Errors
/// [`RsaAesError`]
pub fn wrap(
    to: &Public,
    hash: OaepHash,
    key: &Secret,
    random: &mut dyn RandomSource,
) -> Result<RsaAesWrapped, RsaAesError> {
    let fresh = random.secret_bytes(AES_LEN)?;
    let under_aes = kwp::wrap(&fresh, key)?;
    if !kwp::unwrap(&fresh, &under_aes)?.ct_eq(key.expose()) {
        return Err(KwpError::DoesNotOpen.into());
    }
    let under_rsa = oaep_encrypt(to, hash, &fresh, random)?;
    Ok(RsaAesWrapped {
        under_rsa,
        under_aes,
    })
}
