//! What a member proves themselves with: a card, or keys that come from typed
//! recovery words.

use conclave_crypto::secret::Secret;
use conclave_keyroom::piv::{PivCard, PivError, SigningSlot};
use conclave_keyroom::vault::WordKeys;

/// A card in a reader, or the keys of typed words.
pub enum Token {
    /// A card.
    Card(PivCard),
    /// Keys in this machine's memory, wiped with this value.
    Words(Box<WordKeys>),
}

impl Token {
    /// The card, for what only a card can do.
    ///
    /// # Errors
    /// [`PivError::Words`]
    pub fn piv(&mut self) -> Result<&mut PivCard, PivError> {
        match self {
            Self::Card(card) => Ok(card),
            Self::Words(_) => Err(PivError::Words),
        }
    }

    /// There is no card.
    #[must_use]
    pub fn is_words(&self) -> bool {
        matches!(self, Self::Words(_))
    }

    /// Verifies the PIN of a card. Words were typed.
    ///
    /// # Errors
    /// [`PivError`]
    pub fn verify_pin(&mut self, pin: &Secret) -> Result<(), PivError> {
        match self {
            Self::Card(card) => card.verify_pin(pin),
            Self::Words(_) => Ok(()),
        }
    }

    /// Signs a digest: `r ‖ s`.
    ///
    /// # Errors
    /// [`PivError`]
    pub fn sign(&mut self, slot: SigningSlot, digest: &[u8; 32]) -> Result<[u8; 64], PivError> {
        match self {
            Self::Card(card) => card.sign(slot, digest),
            Self::Words(keys) => keys.sign(slot, digest).map_err(|_| PivError::Words),
        }
    }

    /// Signs an approval: a card after one more VERIFY of its PIN, words as
    /// they were typed for this very signature.
    ///
    /// # Errors
    /// [`PivError`]
    pub fn sign_with_fresh_pin(
        &mut self,
        pin: &Secret,
        digest: &[u8; 32],
    ) -> Result<[u8; 64], PivError> {
        match self {
            Self::Card(card) => card.sign_with_fresh_pin(pin, digest),
            Self::Words(keys) => keys
                .sign(SigningSlot::Signature, digest)
                .map_err(|_| PivError::Words),
        }
    }

    /// Key agreement with 9D.
    ///
    /// # Errors
    /// [`PivError`]
    pub fn ecdh(&mut self, point: &[u8; 65]) -> Result<Secret, PivError> {
        match self {
            Self::Card(card) => card.ecdh(point),
            Self::Words(keys) => keys.diffie_hellman(point).map_err(|_| PivError::Words),
        }
    }
}
