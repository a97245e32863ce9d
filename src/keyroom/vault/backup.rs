//! What a backup takes from the store: everything that cannot be made anew,
//! exactly as it lies there, sealed or public.

use super::error::VaultError;
use super::{Vault, place};
use crate::ports::store::Store;

impl Vault {
    /// Everything that is sealed, in the order of the keys, to `each` until it
    /// returns `false`: the compartments' states, records, shares, wraps.
    ///
    /// # Errors
    /// [`VaultError::Store`]
    pub fn sealed_pairs(
        &self,
        each: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), VaultError> {
        self.pairs(&place::SEALED, each)
    }

    /// Everything that is public and signed, likewise: authority records, the
    /// head, the journal, the cards' anchors.
    ///
    /// # Errors
    /// [`VaultError::Store`]
    pub fn public_pairs(
        &self,
        each: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), VaultError> {
        self.pairs(&place::PUBLIC, each)
    }

    fn pairs(
        &self,
        prefixes: &[&[u8]],
        each: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), VaultError> {
        let mut wanted = true;
        for prefix in prefixes {
            if wanted {
                self.store.scan(prefix, &mut |key, value| {
                    wanted = each(key, value);
                    wanted
                })?;
            }
        }
        Ok(())
    }
}
