//! The sum over a compartment's records, against swap, deletion, and the
//! return of an older version.
//!
//! A = Σ HMAC(K, [id, version, SHA-256(value)]) mod 2^256. A sum can be
//! updated for one record without reading the others. A itself stays sealed;
//! the journal shows HMAC(K2, [compartment, epoch, count, A]), signed by the
//! compartment's writer key.

use conclave_crypto::primitive::derive::{hkdf, hmac};
use conclave_crypto::secret::Secret;
use conclave_evidence::{Hash, Id, cbor};
use sha2::{Digest, Sha256};

use super::compartment::Compartment;
use super::error::VaultError;

/// The running sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Sum {
    /// How many records.
    pub count: u64,
    /// A, big-endian.
    pub value: [u8; 32],
}

/// The keys of a compartment's root, derived from its data key.
pub struct RootKeys {
    record: Secret,
    shown: Secret,
}

impl RootKeys {
    /// Derives both.
    ///
    /// # Errors
    /// [`VaultError::Crypto`]
    pub fn derive(data: &Secret) -> Result<Self, VaultError> {
        let make = |info: &[u8]| {
            hkdf(data.expose(), &[], &[info], 32).map_err(|_| VaultError::Crypto("root keys"))
        };
        Ok(Self {
            record: make(b"conclave/root-record/1")?,
            shown: make(b"conclave/root-shown/1")?,
        })
    }

    /// A second set, for another thread.
    pub fn duplicate(&self) -> Self {
        Self {
            record: self.record.duplicate(),
            shown: self.shown.duplicate(),
        }
    }

    fn term(&self, id: Id, version: u64, value: &[u8]) -> Result<[u8; 32], VaultError> {
        let digest = Hash(Sha256::digest(value).into());
        let message =
            cbor::to_vec(&(id, version, digest)).map_err(|_| VaultError::Malformed("root term"))?;
        mac(&self.record, &message)
    }

    /// Adds one record's value.
    ///
    /// # Errors
    /// [`VaultError::Malformed`]
    pub fn add(&self, sum: &mut Sum, id: Id, version: u64, value: &[u8]) -> Result<(), VaultError> {
        let term = self.term(id, version, value)?;
        add(&mut sum.value, &term);
        sum.count += 1;
        Ok(())
    }

    /// Takes one record's value away.
    ///
    /// # Errors
    /// [`VaultError::Malformed`]
    pub fn remove(
        &self,
        sum: &mut Sum,
        id: Id,
        version: u64,
        value: &[u8],
    ) -> Result<(), VaultError> {
        let term = self.term(id, version, value)?;
        subtract(&mut sum.value, &term);
        sum.count = sum.count.saturating_sub(1);
        Ok(())
    }

    /// What the journal shows of the sum.
    ///
    /// # Errors
    /// [`VaultError::Malformed`]
    pub fn shown(
        &self,
        compartment: Compartment,
        epoch: u32,
        sum: &Sum,
    ) -> Result<Hash, VaultError> {
        let message = cbor::to_vec(&(compartment, epoch, sum.count, Hash(sum.value)))
            .map_err(|_| VaultError::Malformed("root"))?;
        mac(&self.shown, &message).map(Hash)
    }
}

fn mac(key: &Secret, message: &[u8]) -> Result<[u8; 32], VaultError> {
    hmac(key.expose(), &[message])
        .expose()
        .try_into()
        .map_err(|_| VaultError::Crypto("root"))
}

fn add(sum: &mut [u8; 32], term: &[u8; 32]) {
    let mut carry = 0u16;
    for (a, b) in sum.iter_mut().zip(term).rev() {
        let total = u16::from(*a) + u16::from(*b) + carry;
        *a = total.to_be_bytes()[1];
        carry = total >> 8;
    }
}

fn subtract(sum: &mut [u8; 32], term: &[u8; 32]) {
    let mut borrow = 0i16;
    for (a, b) in sum.iter_mut().zip(term).rev() {
        let mut total = i16::from(*a) - i16::from(*b) - borrow;
        borrow = i16::from(total < 0);
        if total < 0 {
            total += 256;
        }
        *a = total.to_be_bytes()[1];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taking_away_undoes_adding_across_the_carry() {
        let mut sum = [0xFF; 32];
        let term = [0x01; 32];
        add(&mut sum, &term);
        assert_ne!(sum, [0xFF; 32]);
        subtract(&mut sum, &term);
        assert_eq!(sum, [0xFF; 32]);
        let mut zero = [0u8; 32];
        subtract(&mut zero, &term);
        add(&mut zero, &term);
        assert_eq!(zero, [0u8; 32]);
    }
}
