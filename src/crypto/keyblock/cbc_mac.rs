//! CBC-MAC over TDES, of the formats that authenticate what is encrypted.

use crate::primitive::modes::{Algorithm, Cipher, ModeError};
use crate::secret::Secret;

/// The last block of a CBC encryption from an initialisation vector of zero:
/// eight bytes. `data` is whole blocks of eight (ISO 9797-1 algorithm 1, padding 1,
/// with TDES for each block).
pub(super) fn cbc_mac(key: &Secret, data: &[u8]) -> Result<Secret, ModeError> {
    let mut chain = Secret::from_fn(data.len(), |bytes| bytes.copy_from_slice(data));
    let cipher = Cipher::new(Algorithm::Tdes, key.expose())?;
    cipher.cbc_encrypt(&[0; 8], chain.expose_mut())?;
    let last = chain.len().saturating_sub(8);
    Ok(chain.part(last..chain.len()).unwrap_or(Secret::zeroed(8)))
}
