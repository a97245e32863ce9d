//! The keys of a recovery member who holds words in place of a card: three key
//! pairs from one secret, each where a card has a slot. So everything that a
//! card does with its keys (open a share, sign a receipt, answer a challenge,
//! approve) goes on unchanged, and the authority record pins them like a
//! card's.

use conclave_crypto::primitive::derive;
use conclave_crypto::primitive::ec::{EcError, KeyPair};
use conclave_crypto::primitive::passphrase::{Passphrase, PassphraseError};
use conclave_crypto::secret::Secret;
use conclave_evidence::authority::{CardEntry, CardState};
use conclave_evidence::{Hash, Id, Point, cbor};

use super::VaultError;
use crate::piv::SigningSlot;

/// Key pairs in locked memory, wiped with this value.
pub struct WordKeys {
    auth: KeyPair,
    sign: KeyPair,
    agree: KeyPair,
}

/// Why words give no keys.
#[derive(Debug, thiserror::Error)]
pub enum WordsError {
    /// Argon2id.
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    /// What follows it.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl WordKeys {
    /// The keys of these words for this station and member. Takes 256 MiB and
    /// a second or two.
    ///
    /// # Errors
    /// [`WordsError`]
    pub fn derive(
        words: &Passphrase,
        salt: &Hash,
        station: Id,
        card: Id,
    ) -> Result<Self, WordsError> {
        Ok(Self::from_secret(&words.derive(&salt.0)?, station, card)?)
    }

    /// What follows Argon2id.
    pub(crate) fn from_secret(secret: &Secret, station: Id, card: Id) -> Result<Self, VaultError> {
        let key = |slot: &str| {
            let failed = || VaultError::Crypto("the words' keys");
            for candidate in 0u8..=u8::MAX {
                let info = cbor::to_vec(&("conclave/words-key/1", station, card, slot, candidate))
                    .map_err(|_| VaultError::Malformed("words' key"))?;
                let scalar =
                    derive::hkdf(secret.expose(), &[], &[&info], 32).map_err(|_| failed())?;
                match KeyPair::from_secret(scalar) {
                    Err(EcError::NotAKey) => {}
                    pair => return pair.map_err(|_| failed()),
                }
            }
            Err(failed())
        };
        Ok(Self {
            auth: key("9a")?,
            sign: key("9c")?,
            agree: key("9d")?,
        })
    }

    /// What the authority record says of a member with these keys.
    #[must_use]
    pub fn entry(&self, card: Id, (person, name): (Id, &str), salt: Hash) -> CardEntry {
        CardEntry {
            card,
            person,
            person_name: name.into(),
            auth_key_9a: Point(*self.auth.public()),
            sign_key_9c: Point(*self.sign.public()),
            agree_key_9d: Point(*self.agree.public()),
            state: CardState::Active,
            words: Some(salt),
        }
    }

    /// Whether these are the pinned keys.
    #[must_use]
    pub fn are_of(&self, entry: &CardEntry) -> bool {
        entry.auth_key_9a.0 == *self.auth.public()
            && entry.sign_key_9c.0 == *self.sign.public()
            && entry.agree_key_9d.0 == *self.agree.public()
    }

    /// Signs a digest with the key that stands for this slot.
    ///
    /// # Errors
    /// [`EcError`]
    pub fn sign(&self, slot: SigningSlot, digest: &[u8; 32]) -> Result<[u8; 64], EcError> {
        match slot {
            SigningSlot::Authentication => self.auth.sign(digest),
            SigningSlot::Signature => self.sign.sign(digest),
        }
    }

    /// Key agreement with the key that stands for 9D.
    ///
    /// # Errors
    /// [`EcError`]
    pub fn diffie_hellman(&self, point: &[u8; 65]) -> Result<Secret, EcError> {
        self.agree.diffie_hellman(point)
    }
}
