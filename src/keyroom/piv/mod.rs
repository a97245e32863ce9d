//! The card client: the part of NIST SP 800-73-4 that this product needs,
//! over any [`CardChannel`](crate::ports::card::CardChannel).
//!
//! A folder's file per noun: the exchange of APDUs (`apdu`, `tlv`), PIN and
//! PUK (`pin`), the management key (`management`), key pairs (`key`), data
//! objects (`object`), and the two anchor containers (`anchor`). PINs, keys
//! and results of a key agreement are [`Secret`]s; an error shows at most the
//! instruction byte and the status word.
//!
//! [`Secret`]: conclave_crypto::secret::Secret

mod anchor;
mod apdu;
mod error;
mod key;
mod management;
mod object;
mod pin;
pub mod tlv;

pub use anchor::{ANCHOR_MOST, AnchorObject};
pub use error::{Instruction, PivError, StatusWord};
pub use key::{POINT, SIGNATURE, SigningSlot, Slot, verify};
pub use management::{ManagementAlgorithm, ManagementKey};
pub use object::CardGuid;
pub use pin::{FACTORY_PINS, FACTORY_PUK, PinRule, random_puk};

use conclave_crypto::secret::RandomSource;

use crate::ports::card::CardChannel;

/// The PIV application, right-truncated to RID and application portion of
/// the PIX, so that any version answers (part 1, section 2.2).
const AID: [u8; 9] = [0xA0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00];

/// A card with its PIV application selected.
///
/// A verified PIN and an authenticated management key hold for as long as
/// this value lives: dropping it resets the card.
pub struct PivCard {
    channel: Box<dyn CardChannel>,
    /// Content of the `AC` template in the answer to SELECT: algorithms.
    algorithms: Vec<u8>,
}

/// What a card looks like before anybody decides about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// GUID, if it has one.
    pub guid: Option<CardGuid>,
    /// Slots whose certificate container is filled.
    pub certificates: Vec<Slot>,
    /// An anchor container is filled.
    pub has_anchor: bool,
    /// The management key is the one cards are delivered with.
    pub factory_management: bool,
}

impl Inspection {
    /// As delivered: nothing of anybody's is on it, and it can be enrolled.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.factory_management && self.certificates.is_empty() && !self.has_anchor
    }
}

impl PivCard {
    /// Selects the PIV application.
    ///
    /// # Errors
    /// [`PivError::NotPiv`] when the card has none.
    pub fn open(mut channel: Box<dyn CardChannel>) -> Result<Self, PivError> {
        let answer = apdu::exchange(channel.as_mut(), Instruction::Select, 4, 0, &AID)?;
        if answer.status != StatusWord::OK {
            return Err(PivError::NotPiv {
                status: answer.status,
            });
        }
        let algorithms = tlv::only(0x61, &answer.data)
            .and_then(|template| tlv::find(0xAC, template))
            .unwrap_or_default()
            .to_vec();
        Ok(Self {
            channel,
            algorithms,
        })
    }

    /// What is on the card. Costs no PIN try; leaves the management key
    /// authenticated if it is the factory's.
    ///
    /// # Errors
    /// [`PivError::Card`], [`PivError::Malformed`].
    pub fn inspect(&mut self, random: &mut dyn RandomSource) -> Result<Inspection, PivError> {
        let guid = self.guid()?;
        let mut certificates = Vec::new();
        for slot in Slot::ALL {
            if self.certificate(slot)?.is_some() {
                certificates.push(slot);
            }
        }
        let has_anchor = self.anchors()?.iter().any(Option::is_some);
        let factory = ManagementKey::factory();
        let factory_management = match self.authenticate_management(&factory, random) {
            Ok(()) => true,
            Err(PivError::WrongManagementKey) => false,
            Err(other) => return Err(other),
        };
        Ok(Inspection {
            guid,
            certificates,
            has_anchor,
            factory_management,
        })
    }

    fn channel(&mut self) -> &mut dyn CardChannel {
        self.channel.as_mut()
    }

    fn algorithms(&self) -> &[u8] {
        &self.algorithms
    }
}
