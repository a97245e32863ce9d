//! What a card or the way to it can refuse.

use std::fmt;

use conclave_crypto::secret::RandomError;

use super::pin::PinRule;
use super::{AnchorObject, Slot};
use crate::ports::card::CardError;

/// SW1-SW2 of a response (ISO 7816-4 section 5.6).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StatusWord(pub u16);

impl StatusWord {
    pub(super) const OK: Self = Self(0x9000);
    pub(super) const AUTHENTICATION_FAILED: Self = Self(0x6300);
    pub(super) const SECURITY_STATUS: Self = Self(0x6982);
    pub(super) const BLOCKED: Self = Self(0x6983);
    pub(super) const CONDITIONS: Self = Self(0x6985);
    pub(super) const BAD_DATA: Self = Self(0x6A80);
    pub(super) const FILE_NOT_FOUND: Self = Self(0x6A82);
    pub(super) const BAD_P1_P2: Self = Self(0x6A86);
    pub(super) const REFERENCE_NOT_FOUND: Self = Self(0x6A88);

    /// The counter of `63Cx`.
    pub(super) fn tries(self) -> Option<u8> {
        (self.0 & 0xFFF0 == 0x63C0).then_some((self.0 & 0x0F) as u8)
    }
}

impl fmt::Display for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

impl fmt::Debug for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The instruction byte of the command that failed. With the status word it
/// is all that may be logged about an exchange with a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Instruction {
    /// VERIFY.
    Verify = 0x20,
    /// CHANGE REFERENCE DATA.
    ChangeReferenceData = 0x24,
    /// RESET RETRY COUNTER.
    ResetRetryCounter = 0x2C,
    /// GENERATE ASYMMETRIC KEY PAIR.
    GenerateAsymmetric = 0x47,
    /// GENERAL AUTHENTICATE.
    GeneralAuthenticate = 0x87,
    /// SELECT.
    Select = 0xA4,
    /// GET RESPONSE.
    GetResponse = 0xC0,
    /// GET DATA.
    GetData = 0xCB,
    /// PUT DATA.
    PutData = 0xDB,
    /// SET MANAGEMENT KEY, a de facto extension.
    SetManagementKey = 0xFF,
}

impl fmt::Display for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X}", *self as u8)
    }
}

/// Why a card operation did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum PivError {
    /// Reader or transport.
    #[error(transparent)]
    Card(#[from] CardError),
    /// There is no card: its holder has recovery words.
    #[error("this member holds recovery words and no card")]
    Words,
    /// The card has no PIV application.
    #[error("not a PIV card (status {status})")]
    NotPiv {
        /// Answer to SELECT.
        status: StatusWord,
    },
    /// The PIN was wrong.
    #[error("wrong PIN, {tries_left} tries left")]
    WrongPin {
        /// Tries before the card blocks, at least 1.
        tries_left: u8,
    },
    /// The PIN is blocked: only the PUK helps.
    #[error("the PIN is blocked")]
    PinBlocked,
    /// The PUK was wrong.
    #[error("wrong PUK")]
    WrongPuk {
        /// Tries before the PUK blocks too, at least 1; `None` when the card
        /// did not say.
        tries_left: Option<u8>,
    },
    /// The PUK is blocked: the card is lost.
    #[error("the PUK is blocked")]
    PukBlocked,
    /// The new PIN is one that this house does not accept; nothing was sent
    /// to the card.
    #[error(transparent)]
    PinRule(#[from] PinRule),
    /// The management key is another one, or of another algorithm.
    #[error("the card has another management key")]
    WrongManagementKey,
    /// A management key of the wrong length was offered; nothing was sent.
    #[error("a management key of {length} bytes, not {wanted}")]
    KeyLength {
        /// Bytes offered.
        length: usize,
        /// Bytes of this algorithm.
        wanted: usize,
    },
    /// The key in this slot needs the PIN now (slot 9C: for every signature).
    #[error("the card wants its PIN for slot {slot}")]
    PinNeeded {
        /// Slot asked.
        slot: Slot,
    },
    /// The management key must be presented first.
    #[error("the card wants its management key for instruction {instruction}")]
    ManagementNeeded {
        /// Command refused.
        instruction: Instruction,
    },
    /// No key was ever generated in this slot.
    #[error("the card has no key in slot {slot}")]
    NoKey {
        /// Slot asked.
        slot: Slot,
    },
    /// Slot 9C signed without a fresh PIN: the card must not be enrolled.
    #[error("the card signs with 9C without asking for its PIN again")]
    SignsWithoutFreshPin,
    /// The point for a key agreement is not on P-256. It was not sent to the
    /// card: a hostile point is an attack on cards that do not check.
    #[error("the point is not on the curve P-256")]
    PointNotOnCurve,
    /// The object is larger than PIV allows for this container.
    #[error("{length} bytes do not fit: at most {most}")]
    TooLong {
        /// Bytes to be written.
        length: usize,
        /// Bytes that fit.
        most: usize,
    },
    /// What was read back is not what was written.
    #[error("anchor object {object} reads back differently")]
    ReadBackDiffers {
        /// Object written.
        object: AnchorObject,
    },
    /// The card holds a newer anchor than the one to be written.
    #[error("the card holds anchor {on_card}, newer than {offered}")]
    AnchorNotNewer {
        /// Rank of the newest copy on the card.
        on_card: u64,
        /// Rank of the offered one.
        offered: u64,
    },
    /// The anchor to be written does not read as one itself.
    #[error("the anchor to be written is not valid")]
    AnchorInvalid,
    /// The card's answer does not have the form that SP 800-73-4 gives it.
    #[error("instruction {instruction}: {what}")]
    Malformed {
        /// Command answered.
        instruction: Instruction,
        /// What is wrong with the answer.
        what: &'static str,
    },
    /// Any other refusal.
    #[error("instruction {instruction}: status {status}")]
    Refused {
        /// Command refused.
        instruction: Instruction,
        /// Status word.
        status: StatusWord,
    },
    /// Randomness was not to be had.
    #[error(transparent)]
    Random(#[from] RandomError),
}
