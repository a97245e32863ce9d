//! What brands make of EMV's parts: which key, which data, which padding. The
//! number of a profile is one of its brand: 17 is one thing for Visa and another
//! for Mastercard.

use super::cryptogram::{
    CryptogramError, ScriptCipher, application_cryptogram, common_session_key, iso2_pin_block,
    response_1, response_2, visa_pin_block, visa_script_key,
};
use crate::card::icc_key::Diversification;
use crate::pin::Pin;
use crate::primitive::mac::Padding;
use crate::secret::Secret;

/// A brand's cryptogram version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Visa 10 (0A).
    Visa10,
    /// Visa 18 (12).
    Visa18,
    /// Visa 22 (16).
    Visa22,
    /// M/Chip 16 and 17 (10, 11): Mastercard's own session key.
    MChip16,
    /// M/Chip 20 and 21 (14, 15): the common session key.
    MChip20,
    /// Interac 133 (85).
    Interac133,
}

/// The three keys of a card.
pub struct CardKeys {
    /// For cryptograms.
    pub cryptogram: Secret,
    /// For the MAC of scripts.
    pub integrity: Secret,
    /// For data in scripts.
    pub confidentiality: Secret,
}

/// One transaction.
pub struct Transaction<'a> {
    /// Tag 9F36, 2 bytes.
    pub counter: &'a [u8],
    /// Tag 9F37, 4 bytes.
    pub unpredictable: &'a [u8],
    /// Tag 9F26, 8 bytes; not looked at while it is made.
    pub cryptogram: &'a [u8],
}

/// What the issuer answers with.
pub enum Response<'a> {
    /// Method 1: the response code, 2 bytes.
    Code(&'a [u8]),
    /// Method 2: status update and proprietary data.
    Update(&'a [u8], &'a [u8]),
}

impl Profile {
    /// How card keys are derived.
    #[must_use]
    pub fn diversification(self) -> Diversification {
        match self {
            Self::Visa18 | Self::Visa22 => Diversification::B,
            _ => Diversification::A,
        }
    }

    /// How the data of a cryptogram are padded.
    #[must_use]
    pub fn padding(self) -> Padding {
        match self {
            Self::Visa10 => Padding::Zeros,
            _ => Padding::OneThenZeros,
        }
    }

    /// The key of the cryptogram.
    pub fn cryptogram_key(
        self,
        keys: &CardKeys,
        at: &Transaction<'_>,
    ) -> Result<Secret, CryptogramError> {
        match self {
            Self::Visa10 => Ok(keys.cryptogram.duplicate()),
            Self::Visa18 | Self::Visa22 | Self::MChip20 => {
                common_session_key(&keys.cryptogram, &[at.counter, &[0; 6]].concat())
            }
            Self::MChip16 | Self::Interac133 => {
                let data = [at.counter, &[0; 2], at.unpredictable].concat();
                common_session_key(&keys.cryptogram, &data)
            }
        }
    }

    /// The card's cryptogram over `data`, 8 bytes.
    pub fn cryptogram(
        self,
        keys: &CardKeys,
        at: &Transaction<'_>,
        data: &[u8],
    ) -> Result<Secret, CryptogramError> {
        application_cryptogram(&self.cryptogram_key(keys, at)?, data, self.padding())
    }

    /// The issuer's answer. M/Chip 16 answers under the card's key itself.
    pub fn response(
        self,
        keys: &CardKeys,
        at: &Transaction<'_>,
        response: &Response<'_>,
    ) -> Result<Secret, CryptogramError> {
        let key = match self {
            Self::MChip16 => keys.cryptogram.duplicate(),
            _ => self.cryptogram_key(keys, at)?,
        };
        match response {
            Response::Code(code) => response_1(&key, at.cryptogram, code),
            Response::Update(update, rest) => response_2(&key, at.cryptogram, update, rest),
        }
    }

    fn script_key(self, card: &Secret, at: &Transaction<'_>) -> Result<Secret, CryptogramError> {
        match self {
            Self::Visa10 | Self::Visa18 => visa_script_key(card, at.counter),
            _ => common_session_key(card, at.cryptogram),
        }
    }

    /// The MAC of a script command, 8 bytes.
    pub fn command_mac(
        self,
        keys: &CardKeys,
        at: &Transaction<'_>,
        header: &[u8],
        data: &[u8],
    ) -> Result<Secret, CryptogramError> {
        let key = self.script_key(&keys.integrity, at)?;
        let message = match self {
            Self::Interac133 => [header, data].concat(),
            _ => [header, at.counter, at.cryptogram, data].concat(),
        };
        application_cryptogram(&key, &message, Padding::OneThenZeros)
    }

    /// PIN CHANGE/UNBLOCK with a new PIN: the whole command. With the present
    /// PIN where the card wants it, which is Visa's alone.
    pub fn pin_change(
        self,
        keys: &CardKeys,
        at: &Transaction<'_>,
        pin: &Pin,
        present: Option<&Pin>,
    ) -> Result<Option<Vec<u8>>, CryptogramError> {
        let visa = matches!(self, Self::Visa10 | Self::Visa18 | Self::Visa22);
        let (block, cipher) = match (visa, present) {
            (false, Some(_)) => return Ok(None),
            (false, None) => (iso2_pin_block(pin)?, ScriptCipher::Mastercard),
            (true, None) if self == Self::Visa22 => (iso2_pin_block(pin)?, ScriptCipher::Visa),
            (true, _) => {
                let block = visa_pin_block(&keys.cryptogram, pin, present)?;
                (block, ScriptCipher::Visa)
            }
        };
        let length = if visa { 0x18 } else { 0x10 };
        let present = if present.is_some() { 1 } else { 2 };
        let header = [0x84, 0x24, 0x00, present, length];
        let key = self.script_key(&keys.confidentiality, at)?;
        let encrypted = cipher.encrypt(&key, &block)?;
        let mac = self.command_mac(keys, at, &header, &encrypted)?;
        Ok(Some([&header, &encrypted[..], mac.expose()].concat()))
    }
}
