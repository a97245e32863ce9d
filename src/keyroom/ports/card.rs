//! Smart-card readers as the station sees them.
//!
//! Two transports stand behind these traits: PC/SC for real readers, and the
//! training card in process. Everything above them, from the APDU on, is the
//! same code.

use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

/// A reader's name, as the transport reports it. Unique among the readers
/// attached at one time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReaderId(pub String);

impl fmt::Display for ReaderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What one reader shows at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderState {
    /// Which reader.
    pub id: ReaderId,
    /// A card is in it, powered or not, used by somebody or not.
    pub card_present: bool,
    /// Grows at each insertion and at each removal, so that a card pulled
    /// and put back between two looks is still noticed.
    pub changes: u64,
    /// The reader is software and its cards are training cards: a PRODUCTION
    /// station enrols none of them.
    pub training: bool,
}

/// The readers attached to the station.
pub trait CardReaders: Send + Sync {
    /// All readers now, in a stable order. No reader is an empty list, not
    /// an error.
    fn states(&self) -> Result<Vec<ReaderState>, CardError>;

    /// Waits until the readers differ from `known` or `timeout` has passed,
    /// and returns them as they then are. Attached and detached readers count
    /// as a difference.
    fn wait_change(
        &self,
        known: &[ReaderState],
        timeout: Duration,
    ) -> Result<Vec<ReaderState>, CardError>;

    /// Powers the card in `reader` and takes it for the caller alone.
    ///
    /// The card is reset when the channel is dropped, so a verified PIN never
    /// outlives its channel. A second `connect` in the meantime is
    /// [`CardError::Sharing`].
    fn connect(&self, reader: &ReaderId) -> Result<Box<dyn CardChannel>, CardError>;
}

/// One powered card, held exclusively.
pub trait CardChannel: Send {
    /// Sends one short command APDU (ISO 7816-4: at most 5 + 255 + 1 bytes)
    /// and returns what the card answered. `61xx` is passed up, not followed.
    ///
    /// After the card was pulled every call is [`CardError::Removed`], also
    /// when a card is back in the reader: that is another channel.
    fn transmit(&mut self, command: &[u8]) -> Result<Response, CardError>;
}

/// A response APDU. It may hold the result of a key agreement, so it has no
/// `Debug` and is overwritten when dropped.
pub struct Response {
    bytes: Zeroizing<Vec<u8>>,
}

impl Response {
    /// Takes the bytes a card answered, status word last.
    ///
    /// # Errors
    /// [`CardError::Protocol`] when they are too short to hold one.
    pub fn new(bytes: Vec<u8>) -> Result<Self, CardError> {
        let bytes = Zeroizing::new(bytes);
        if bytes.len() < 2 {
            return Err(CardError::Protocol("response without a status word"));
        }
        Ok(Self { bytes })
    }

    /// The data field, without the status word.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.bytes[..self.bytes.len() - 2]
    }

    /// SW1-SW2, for example `0x9000`.
    #[must_use]
    pub fn status(&self) -> u16 {
        let at = self.bytes.len() - 2;
        u16::from_be_bytes([self.bytes[at], self.bytes[at + 1]])
    }
}

/// Why a reader or the way to the card failed. What the card itself refused
/// is a status word, not one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// The card left the reader, or there is none in it.
    #[error("the card was removed")]
    Removed,
    /// Somebody else holds the card.
    #[error("the card is in use by another program")]
    Sharing,
    /// There is no reader of this name (any more).
    #[error("the card reader is gone")]
    NoReader,
    /// The smart-card service does not answer.
    #[error("the smart-card service is not running")]
    NoService,
    /// The card or the reader did not answer in time.
    #[error("the card did not answer in time")]
    Timeout,
    /// The card does not power up, or broke the transmission protocol.
    #[error("card communication failed: {0}")]
    Protocol(&'static str),
}
