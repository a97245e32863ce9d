//! One salted encryption for everything the vault keeps.
//!
//! Every value has a fresh 32-byte salt; key ‖ nonce come from HKDF over
//! parent, salt and context, so a retried or restored write never repeats a
//! nonce. The clear header is the associated data.

use conclave_crypto::primitive::seal;
use conclave_crypto::secret::{RandomSource, Secret};
use conclave_evidence::{Id, cbor};
use serde::{Deserialize, Serialize};

use super::compartment::Compartment;
use super::error::VaultError;

/// What a sealed value is bound to. Encoded deterministically, it is both the
/// HKDF context and the associated data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// `conclave/record/1`, `conclave/wrap/1`, …
    pub purpose: String,
    /// The station.
    pub station: Id,
    /// The compartment.
    pub compartment: Compartment,
    /// The compartment's epoch.
    pub epoch: u32,
    /// Record type, or the names and epochs of the wrapping groups.
    pub kind: String,
    /// The record's id; zero where there is none.
    pub id: Id,
    /// The record's version; zero where there is none.
    pub version: u64,
}

/// A sealed value as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The clear header.
    pub binding: Binding,
    /// Fresh for each sealing, 32 bytes.
    #[serde(with = "serde_bytes")]
    pub salt: Vec<u8>,
    /// Ciphertext and 16-byte tag.
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
}

/// Bodies are padded to a multiple of this, so that lengths tell little.
const PAD: usize = 64;

impl Sealed {
    /// Seals `plain` under `parent`.
    ///
    /// # Errors
    /// [`VaultError::Random`], [`VaultError::Crypto`]
    pub fn seal(
        parent: &Secret,
        binding: Binding,
        plain: &[u8],
        random: &mut dyn RandomSource,
    ) -> Result<Self, VaultError> {
        let mut salt = [0u8; 32];
        random.public(&mut salt).map_err(|_| VaultError::Random)?;
        let context = encode(&binding)?;
        // ISO/IEC 9797-1 padding method 2: 80, then zeros.
        let length = (plain.len() / PAD + 1) * PAD;
        let padded = Secret::from_fn(length, |buffer| {
            buffer[..plain.len()].copy_from_slice(plain);
            buffer[plain.len()] = 0x80;
        });
        let body = seal::seal(parent, &salt, &context, &context, padded.expose())
            .map_err(|_| VaultError::Crypto("sealing"))?;
        Ok(Self {
            binding,
            salt: salt.to_vec(),
            body,
        })
    }

    /// Opens what was sealed, if it is bound to `expected`.
    ///
    /// # Errors
    /// [`VaultError::Forged`] for any difference.
    pub fn open(&self, parent: &Secret, expected: &Binding) -> Result<Secret, VaultError> {
        let forged = || VaultError::Forged {
            what: format!("{} {} {}", expected.compartment, expected.kind, expected.id),
        };
        if self.binding != *expected {
            return Err(forged());
        }
        let salt: [u8; 32] = self.salt.as_slice().try_into().map_err(|_| forged())?;
        let context = encode(expected)?;
        let padded =
            seal::open(parent, &salt, &context, &context, &self.body).map_err(|_| forged())?;
        let bytes = padded.expose();
        let end = bytes.iter().rposition(|&b| b != 0).ok_or_else(forged)?;
        if bytes[end] != 0x80 {
            return Err(forged());
        }
        Ok(Secret::from_fn(end, |out| {
            out.copy_from_slice(&bytes[..end])
        }))
    }

    /// The stored form.
    ///
    /// # Errors
    /// [`VaultError::Malformed`]
    pub fn to_bytes(&self) -> Result<Vec<u8>, VaultError> {
        cbor::to_vec(self).map_err(|_| VaultError::Malformed("sealed value"))
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// [`VaultError::Malformed`]
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, VaultError> {
        cbor::from_slice(bytes).map_err(|_| VaultError::Malformed("sealed value"))
    }
}

fn encode(binding: &Binding) -> Result<Vec<u8>, VaultError> {
    cbor::to_vec(binding).map_err(|_| VaultError::Malformed("binding"))
}
